"""How the cash reconciliation shows collections: its transactions, packlists, deposits and partners.

Lives here: the rows of `RPT_CASHREC_*`, `RPT_CASHDEPOSIT`, `RPT_PACKLIST_*`, `RPT_COLLECTIONADJ` and of the
tables that describe partners. Does not: what happens to the cash (see `cash_collections`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from cpg1_assets.sample_books.cash_collections import (
    CLOSED,
    IN_PROGRESS,
    PARTNERS,
    REJECTED,
    REVERSED,
    TRANSFER,
)
from cpg1_assets.sample_books.columns import blank, chosen, digits, flag, joined, moment, money, same
from cpg1_assets.sample_books.months import MINUTE, NEVER, Ints

if TYPE_CHECKING:
    from cpg1_assets.sample_books.cash_collections import CashBook, Takings
    from cpg1_assets.sample_books.columns import Column
    from cpg1_assets.sample_books.draws import Draws
    from cpg1_assets.sample_books.group import Company
    from cpg1_assets.sample_books.tables import Shelf

_REC = "[AIG_Nav_Jumia_Reconciliation].[dbo]"
_PLACES = (
    "Hub Nord",
    "Hub Sud, dépôt 2",
    "3PL 'Rapid'",
    "PUS Marché",
    "3PL Al-Nil",
    "Hub Centre",
    "Hub É",
    "PUS",
)
_LIST_STATUS = ("closed", "inProgress", "waitingConfirmation", "waitingApproval", "Closed ")
_DEPOSIT_STATUS = ("closed", "inProgress", "waitingConfirmation", "rejected", "INPROGRESS")
_PAYOUT_KINDS = ("Refund", "JForce Payout", "refunds ")


def write_cash(shelf: Shelf, company: Company, draws: Draws, cash: CashBook) -> None:
    """Write a company's collections as the cash reconciliation keeps them."""
    _write_transactions(shelf, company, cash)
    _write_reallocations(shelf, company, cash.takings)
    _write_deposits(shelf, company, draws, cash)
    _write_packlists(shelf, company, cash)
    _write_adjustments(shelf, company, cash)


def _partner_names(partner: Ints) -> Column:
    return joined(chosen(_PLACES, partner % PARTNERS), " ", digits(partner // PARTNERS + 1, 2))


def _write_transactions(shelf: Shelf, company: Company, cash: CashBook) -> None:
    """Write `RPT_CASHREC_TRANSACTION`: takings, payouts, counterparts of deposits, and mirrors of both."""
    takings, lists, paid, partners = cash.takings, cash.lists, cash.paid, cash.partners
    list_names, paid_names, other_names = cash.list_names, cash.paid_names, cash.other_names
    on_list = takings.packlist >= 0
    listed_at = np.where(on_list, lists.created[np.maximum(takings.packlist, 0)], NEVER)
    names = list_names.take(pa.array(np.maximum(takings.packlist, 0)))
    serial = np.arange(len(takings.amount))
    kinds = chosen(("Delivery", "Delivered", "Sales Delivery"), serial % 17 % 3)
    _put_transactions(
        shelf, company, kinds, takings.entity, takings.partner, takings.created,
        blank(names, ~on_list), listed_at, takings.amount,
    )  # fmt: skip
    payouts = cash.payouts
    settled = payouts.settled
    on_lists = blank(joined("TL", payouts.names), settled >= NEVER)
    _put_transactions(
        shelf, company, chosen(_PAYOUT_KINDS, payouts.kind), payouts.names, payouts.partner, payouts.made,
        on_lists, settled, -payouts.amount,
    )  # fmt: skip
    other, kind, recorded = cash.other.deposits, cash.other.kind, cash.other.recorded
    seen = (kind != REJECTED) & (recorded < NEVER) & ((kind != REVERSED) | (other.reversed < NEVER))
    place = np.flatnonzero(seen)
    texts = ("Transfer to", "Third Party Collection", "Payment - Rev")
    settled_at = other.closed[place]
    _put_transactions(
        shelf,
        company,
        chosen(texts, kind[place]),
        other_names.take(pa.array(place)),
        (other.partner[place] + 1) % partners,
        recorded[place],
        blank(joined("TL", other_names.take(pa.array(place))), settled_at >= NEVER),
        settled_at,
        other.total[place],
    )
    transfers = np.flatnonzero(kind == TRANSFER)
    mirrored = chosen(("Transfer From", "transfer from "), transfers % 2)
    never = np.full(len(transfers), NEVER, dtype=np.int64)
    _put_transactions(
        shelf,
        company,
        mirrored,
        other_names.take(pa.array(transfers)),
        other.partner[transfers],
        other.moment[transfers],
        same(None, len(transfers)),
        never,
        -other.total[transfers],
    )
    every = np.arange(len(paid.total))
    never = np.full(len(every), NEVER, dtype=np.int64)
    mirrors = ("Payment", "Payment", "Payment", "Payment Charges", "Payment Charges Rev", "PAYMENT ")
    _put_transactions(
        shelf, company, chosen(mirrors, every % len(mirrors)), paid_names, paid.partner, paid.moment,
        same(None, len(every)), never, -paid.total,
    )  # fmt: skip
    closed = np.flatnonzero(paid.closed < NEVER)
    adjusted = ("Collection Adjustment (over)", "Collection Adjustment (under)")
    _put_transactions(
        shelf, company, chosen(adjusted, closed % 2), paid_names.take(pa.array(closed)), paid.partner[closed],
        paid.closed[closed], same(None, len(closed)), np.full(len(closed), NEVER, dtype=np.int64),
        paid.excess[closed],
    )  # fmt: skip
    moved = np.flatnonzero(takings.created != takings.original)
    _put_transactions(
        shelf, company, same("Reallocation From", len(moved)), takings.entity.take(pa.array(moved)),
        takings.partner_before[moved], takings.created[moved], same(None, len(moved)),
        np.full(len(moved), NEVER, dtype=np.int64), -takings.amount[moved],
    )  # fmt: skip


def _put_transactions(
    shelf: Shelf,
    company: Company,
    kinds: Column,
    entity: Column,
    partner: Ints,
    created: Ints,
    list_no: Column,
    listed: Ints,
    amount: Ints,
) -> None:
    shelf.put(
        f"{_REC}.[RPT_CASHREC_TRANSACTION]",
        {
            "ID_Company": same(company.code, len(amount)),
            "Transaction_Type": kinds,
            "Related_Entity": entity,
            "Collection_Partner": _partner_names(partner),
            "Created_Date": moment(created),
            "Transaction_List_Nr": list_no,
            "Transaction_List_Date": moment(listed),
            "Amount": money(amount),
        },
    )


def _write_reallocations(shelf: Shelf, company: Company, takings: Takings) -> None:
    moved = np.flatnonzero(takings.created != takings.original)
    count = len(moved)
    shelf.put(
        f"{_REC}.[RPT_CASHREC_REALLOCATIONS]",
        {
            "ID_Company": same(company.code, count),
            "Transaction_type": same("Delivery", count),
            "Related_Entity": takings.entity.take(pa.array(moved)),
            "Collection_Partner_From": _partner_names(takings.partner_before[moved]),
            "Original_Transaction_date": moment(takings.original[moved]),
            "Reallocated_Transaction_Date": moment(takings.created[moved]),
            "Amount": money(takings.amount[moved]),
        },
    )


def _write_deposits(shelf: Shelf, company: Company, draws: Draws, cash: CashBook) -> None:
    for deposits, names in ((cash.paid, cash.paid_names), (cash.other.deposits, cash.other_names)):
        count = len(deposits.total)
        odd = draws.chance(count, 30)
        status = np.where(odd & (deposits.status == IN_PROGRESS), len(_DEPOSIT_STATUS) - 1, deposits.status)
        charges = np.where(
            deposits.charges > 0, deposits.charges, deposits.total // 100 * (_turns(count) == 0)
        )
        shelf.put(
            f"{_REC}.[RPT_CASHDEPOSIT]",
            {
                "ID_Company": same(company.code, count),
                "OMS_Payment_No": names,
                "OMS_Type": chosen(("Payment", "Transfer"), deposits.transfer.astype(np.int64)),
                "OMS_Payment_Date": moment(deposits.moment),
                "payment_reversal_date": moment(deposits.reversed),
                "OMS_Payment_Status": chosen(_DEPOSIT_STATUS, status),
                "OMS_Payment_Amount": money(deposits.total - charges),
                "OMS_Charges_Amount": money(charges, missing=charges == 0),
                "OMS_Collection_Partner": _partner_names(deposits.partner),
            },
        )


def _turns(count: int) -> Ints:
    """Give each deposit its turn in bearing bank charges: every fourth has some."""
    return np.arange(count, dtype=np.int64) % 4


def _write_packlists(shelf: Shelf, company: Company, cash: CashBook) -> None:
    """Write the packages of each packlist, and a row a payment on it (one without where there is none)."""
    takings, lists, paid = cash.takings, cash.lists, cash.paid
    list_names, paid_names = cash.list_names, cash.paid_names
    count = len(lists.created)
    odd = np.arange(count) % 43 == 0
    status = chosen(
        _LIST_STATUS, np.where(odd & (lists.status == CLOSED), len(_LIST_STATUS) - 1, lists.status)
    )
    listed = takings.packlist[takings.packlist >= 0]
    shelf.put(
        f"{_REC}.[RPT_PACKLIST_PACKAGES]",
        {
            "ID_Company": same(company.code, len(listed)),
            "OMS_Packlist_No": list_names.take(pa.array(listed)),
            "OMS_Packlist_status": status.take(pa.array(listed)),
        },
    )
    second = np.flatnonzero(lists.second >= 0)
    row = np.concatenate([np.arange(count), second])
    deposit = np.concatenate([lists.deposit, lists.second[second]])
    amount = np.concatenate([lists.paid, lists.paid_second[second]])
    without = deposit < 0
    which = np.maximum(deposit, 0)
    charges = np.where(_turns(len(row)) == 1, amount // 120, 0)
    shelf.put(
        f"{_REC}.[RPT_PACKLIST_PAYMENTS]",
        {
            "ID_Company": same(company.code, len(row)),
            "OMS_Packlist_No": list_names.take(pa.array(row)),
            "OMS_Packlist_Status": status.take(pa.array(row)),
            "OMS_Packlist_Created_Date": moment(lists.created[row]),
            "OMS_Collection_Partner_Name": _partner_names(lists.partner[row]),
            "OMS_Amount_Received": money(lists.received[row]),
            "OMS_Payment_No": blank(paid_names.take(pa.array(which)), without),
            "OMS_Payment_Date": moment(np.where(without, NEVER, paid.moment[which])),
            "OMS_Payment_Status": blank(chosen(_DEPOSIT_STATUS, paid.status[which]), without),
            "OMS_Payment_Reconciled_Amount": money(amount - charges, missing=without),
            "OMS_Payment_Charges_Reconciled_Amount": money(charges, missing=without | (charges == 0)),
        },
    )


def _write_adjustments(shelf: Shelf, company: Company, cash: CashBook) -> None:
    """Write what was closed by adjustment: packlists by force, deposits with a rest, and harmless remarks."""
    lists, list_names = cash.lists, cash.list_names
    lots = ((cash.paid, cash.paid_names), (cash.other.deposits, cash.other_names))
    forced = np.flatnonzero(lists.force_closed < NEVER)
    shelf.put(
        f"{_REC}.[RPT_COLLECTIONADJ]",
        {
            "ID_Company": same(company.code, len(forced)),
            "OMS_entity_No": list_names.take(pa.array(forced)),
            "OMS_Entity_Type": chosen(("Packlist", "packlist"), forced % 2),
            "OMS_Force_Closed": flag(np.ones(len(forced), dtype=np.bool_)),
            "OMS_Close_Date": moment(
                np.where(lists.force_undated[forced], NEVER, lists.force_closed[forced])
            ),
        },
    )
    remarked = np.flatnonzero((lists.force_closed >= NEVER) & (np.arange(len(lists.created)) % 19 == 0))
    shelf.put(
        f"{_REC}.[RPT_COLLECTIONADJ]",
        {
            "ID_Company": same(company.code, len(remarked)),
            "OMS_entity_No": list_names.take(pa.array(remarked)),
            "OMS_Entity_Type": same("Packlist", len(remarked)),
            "OMS_Force_Closed": flag(np.zeros(len(remarked), dtype=np.bool_), missing=remarked % 2 == 0),
            "OMS_Close_Date": moment(lists.created[remarked] + 40 * MINUTE),
        },
    )
    for deposits, names in lots:
        closed = np.flatnonzero(deposits.closed < NEVER)
        kinds = ("Payment", "Transfer")
        shelf.put(
            f"{_REC}.[RPT_COLLECTIONADJ]",
            {
                "ID_Company": same(company.code, len(closed)),
                "OMS_entity_No": names.take(pa.array(closed)),
                "OMS_Entity_Type": chosen(kinds, deposits.transfer[closed].astype(np.int64)),
                "OMS_Force_Closed": flag(closed % 2 == 0, missing=closed % 5 == 0),
                "OMS_Close_Date": moment(deposits.closed[closed]),
            },
        )


def write_partners(shelf: Shelf, company: Company, partners: int) -> None:
    """Write partners, nodes and the banks they pay into; some of each are listed twice."""
    every = np.arange(partners)
    twice = np.concatenate([every, every[every % 5 == 1]])
    provider = chosen(("SP-0001", "SP-0002", "SP-0003", "SP-0004"), twice % 4)
    count = len(twice)
    shelf.put(
        f"{_REC}.[RPT_COLLECTIONPARTNERS]",
        {
            "ID_Company": same(company.code, count),
            "Name": _partner_names(twice),
            "Type": chosen(("Hub", "3PL"), np.isin(twice % PARTNERS, (2, 4)).astype(np.int64)),
            "ERP_Name": blank(provider, twice % PARTNERS == 7),  # noqa: PLR2004
        },
    )
    nodes = np.concatenate([every[every % 6 != 3], every[every % 6 == 2]])  # noqa: PLR2004
    again = np.arange(len(nodes)) >= int((every % 6 != 3).sum())  # noqa: PLR2004
    shelf.put(
        f"{_REC}.[RPT_HUBS_3PL_MAPPING]",
        {
            "ID_COMPANY": same(company.code, len(nodes)),
            "NODE": _partner_names(nodes),
            "SERVICE_PROVIDER": joined(
                chosen(("Kobo", "Sendy, Ltd", "Speedaf"), nodes % 3),
                chosen(("", " (new)"), again.astype(np.int64)),
            ),
        },
    )
    banks = [("BNK-01", "SP-0001", "GRP-A"), ("BNK-02", "SP-0002", "GRP-B"), ("BNK-03", "SP-0002", "GRP-A"),
             ("BNK-04", "SP-0003", "GRP-X"), ("BNK-05", None, "GRP-A")]  # fmt: skip
    columns = list(zip(*banks, strict=True))
    shelf.put(
        "[AIG_Nav_DW].[dbo].[Bank Accounts]",
        {
            "id_company": same(company.code, len(banks)),
            "No_": pa.array(columns[0]),
            "Service Provider No_": pa.array(columns[1]),
            "Bank Account Posting Group": pa.array(columns[2]),
        },
    )
    shelf.put(
        "[AIG_Nav_DW].[dbo].[Bank Account Posting Group]",
        {
            "id_company": same(company.code, 3),
            "Code": pa.array(["GRP-A", "GRP-B", "GRP-X"]),
            "G_L Bank Account No_": pa.array(["10031", "10047", "10058"]),
        },
    )
