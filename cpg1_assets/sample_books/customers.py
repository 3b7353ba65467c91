"""Customer accounts: invoices, payments, and their application to each other.

Lives here: the customer ledger, its cards, and its postings to the receivable accounts. Does not: customers
of the shop, who order and pay at the door (see `orders`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cpg1_assets.sample_books.columns import blank, chosen, digits, flag, joined, moment, money, number, same
from cpg1_assets.sample_books.effects import Fault
from cpg1_assets.sample_books.group import BUSLINES, CUSTOMER_AR, account_index
from cpg1_assets.sample_books.ledger import Application, entry_numbers, postings
from cpg1_assets.sample_books.months import (
    AFTER,
    DAY,
    HOUR,
    LAST,
    NO_DATE,
    SPAN,
    TODAY,
    Flags,
    Ints,
    at,
    midnight,
    month_of,
)
from cpg1_assets.sample_books.orders import lcy, prices

if TYPE_CHECKING:
    from cpg1_assets.sample_books.columns import Column
    from cpg1_assets.sample_books.draws import Draws
    from cpg1_assets.sample_books.effects import Effects
    from cpg1_assets.sample_books.group import Company
    from cpg1_assets.sample_books.tables import Shelf

GROUPS = (
    ("LOAN-REC-NAT", "13009"),
    ("B2B-NG-NAT", "13003"),
    ("B2C-NG-NAT", "13004"),
    ("B2C-NG-INT", "13004"),
    ("NTR-NG-NAT", "13003"),
    ("B2B-NG-INT", "13003"),
    ("NTR-NG-INT", "13003"),
    ("UE", "13004"),
    ("INL", "13004"),
    ("EXPORT", "13003"),
    ("EU", "13004"),
    ("NATIONAL", "13003"),
    ("OM", "13004"),
    ("NAT", "13004"),
    ("AUS", "13004"),
    ("EXCB2B-NAT", "13003"),
    ("EMP-NAT", "13009"),
    ("INTERCO", "13015"),
    ("SELLERS", "13015"),
)
"""Posting groups and the group account each is posted to; the last two are not the control's."""

_OUTSIDE = 2
_TWO_DECIMALS = 100

NAMES = (
    'Société "Étoile, Fils & Cie"',
    "O'Brien, Adé & Sons",
    "شركة النيل للتجارة",
    "Müller GmbH, Zweigstelle Lagos",
    "Kwame Nkrumah Stores ",
    "Chukwuemeka Ventures (Nig.) Ltd.",
    "Association des Œuvres, Côte-Nord",
    "=Direct Sales; Kampala",
    "Fatoumata Diop",
    "محمد عبد الله",
    "Wanjikũ & Daughters",
    "@Home Deliveries",
)

FIRST_INVOICE = at(2023, 6, 1)


@dataclass
class CustomerEntries:
    """Entries of the customer ledger and how they are applied. Serials count invoices, then payments."""

    customer: Ints
    group: Ints
    busline: Ints
    day: Ints
    amount: Ints
    due: Ints
    payment: Flags
    invoice: Ints
    """Serial of the invoice that each entry is, or pays."""
    applied: Application
    cards: Ints
    """Posting group of each customer's card."""
    card_busline: Ints


@dataclass(frozen=True)
class DoubleCustomer:
    """A customer whose entries were given two posting groups, or two business lines, by mistake."""

    customer: int
    by_group: bool


def trade(draws: Draws, company: Company, customers: int, invoices: int) -> CustomerEntries:
    """Invoice customers, let them pay in full, in part or not, and apply payments to invoices."""
    cards = draws.pick(customers, [14, 30, 30, 8, 8, 8, 4, 6, 6, 10, 4, 20, 6, 14, 2, 6, 14, 5, 5])
    lines = draws.below(customers, len(BUSLINES))
    customer = np.sort(draws.below(invoices, customers))
    moments = draws.snapped(draws.moments(invoices, FIRST_INVOICE, TODAY - DAY))
    day = midnight(moments)
    amount = lcy(company, draws, prices(draws, invoices) * 2 + 400)
    habit = draws.pick(invoices, [790, 130, 80])
    paid_on = midnight(draws.snapped(moments + draws.delay(invoices, 2 * DAY, 55 * DAY)))
    paid = np.where(
        habit == 0, amount, np.where(habit == 1, amount * draws.between(invoices, 20, 80) // 100, 0)
    )
    pays = np.flatnonzero((paid > 0) & (paid_on < TODAY))
    applied_on = np.where(
        draws.chance(len(pays), 700), paid_on[pays], paid_on[pays] + draws.between(len(pays), 1, 25) * DAY
    )
    applied = np.flatnonzero(applied_on < TODAY)
    terms = np.array([0, 15, 30, 60], dtype=np.int64)[draws.below(invoices, 4)] * DAY
    both = np.concatenate([np.arange(invoices), pays])
    payment = np.concatenate([np.zeros(invoices, dtype=np.bool_), np.ones(len(pays), dtype=np.bool_)])
    return CustomerEntries(
        customer=customer[both],
        group=cards[customer[both]],
        busline=lines[customer[both]],
        day=np.concatenate([day, paid_on[pays]]),
        amount=np.concatenate([amount, -paid[pays]]),
        due=np.concatenate([day + terms, paid_on[pays]]),
        payment=payment,
        invoice=both,
        applied=Application(
            to_serial=invoices + applied,
            from_serial=pays[applied],
            days=applied_on[applied],
            amounts=paid[pays][applied],
        ),
        cards=cards,
        card_busline=lines,
    )


def confuse(draws: Draws, entries: CustomerEntries, count: int) -> list[DoubleCustomer]:
    """Give a few customers with several invoices a second posting group or business line on one of them.

    The invoice chosen is one that no payment touches, so that it stays open beside the others.
    """
    touched = np.zeros(len(entries.amount), dtype=np.bool_)
    touched[entries.applied.from_serial] = True
    open_invoice = ~touched & ~entries.payment & (entries.group < len(GROUPS) - _OUTSIDE)
    open_invoice &= entries.day < at(2025, 9, 1)
    invoices = np.bincount(entries.customer[open_invoice], minlength=len(entries.cards))
    candidates = np.flatnonzero(invoices > 1)
    picked: list[DoubleCustomer] = []
    for turn in range(min(count, len(candidates))):
        place = draws.one(0, len(candidates) - 1)
        customer = int(candidates[place])
        candidates = np.delete(candidates, place)
        serial = int(np.flatnonzero(open_invoice & (entries.customer == customer))[0])
        by_group = turn % 2 == 0
        if by_group:
            # Another group on the same account, so that NAV and its customer ledger still agree.
            account = GROUPS[int(entries.group[serial])][1]
            others = [
                index
                for index, group in enumerate(GROUPS)
                if group[1] == account and index != int(entries.group[serial])
            ]
            entries.group[serial] = others[draws.one(0, len(others) - 1)]
        else:
            entries.busline[serial] = (int(entries.busline[serial]) + 1) % len(BUSLINES)
        picked.append(DoubleCustomer(customer, by_group))
    return picked


def note_confusion(
    company: Company, effects: Effects, entries: CustomerEntries, doubles: list[DoubleCustomer], first: int
) -> None:
    """Write down the months in which a customer's open entries show two posting groups or business lines.

    It moves no balance: its amount is zero.
    """
    for double in doubles:
        mine = np.flatnonzero(entries.customer == double.customer)
        level = _open_amounts(entries, mine)
        for month in range(1, LAST + 1):
            still_open = level[:, month] != 0
            if double.by_group:
                bites = len(set(entries.group[mine][still_open].tolist())) > 1
                cause = "customer_with_two_posting_groups"
            else:
                totals = np.zeros(len(BUSLINES), dtype=np.int64)
                named = ~without_line(mine)
                np.add.at(totals, entries.busline[mine][named], level[named, month])
                bites = int((np.abs(totals) >= _TWO_DECIMALS).sum()) > 1
                cause = "customer_with_two_business_lines"
            if bites:
                reference = f"C{company.country}{first + double.customer:06d}"
                effects.fault(Fault(cause, CUSTOMER_AR, month, month, reference, 0))


def without_line(serials: Ints) -> Flags:
    """Say which entries nobody gave a business line."""
    nameless: Flags = serials % 91 == 7  # noqa: PLR2004
    return nameless


def _open_amounts(entries: CustomerEntries, mine: Ints) -> Ints:
    """Give what is open of these entries at each month end."""
    level = np.zeros((len(mine), SPAN), dtype=np.int64)
    rows = np.arange(len(mine))
    np.add.at(level, (rows, month_of(entries.day[mine])), entries.amount[mine])
    applied = entries.applied
    for serials, sign in ((applied.to_serial, 1), (applied.from_serial, -1)):
        place = np.searchsorted(mine, serials)
        inside = (place < len(mine)) & (mine[np.minimum(place, len(mine) - 1)] == serials)
        where = (place[inside], month_of(applied.days[inside]))
        np.add.at(level, where, sign * applied.amounts[inside])
    return np.cumsum(level, axis=1)[:, :AFTER]


def _entry_numbers(serials: Ints, first: int) -> Ints:
    """Give the numbers of entries in the customer ledger, which has a series of its own."""
    return first * 10 + serials + 1


def _documents(company: Company, serials: Ints, payment: Flags, first: int) -> Column:
    prefixes = chosen((f"SI-{company.country}-", f"PAY-{company.country}-"), payment.astype(np.int64))
    return joined(prefixes, digits(first + serials - renumbered(serials, payment), 7))


def renumbered(serials: Ints, payment: Flags) -> Flags:
    """Say which invoices were given the number of the one before them, here and in the general ledger."""
    again: Flags = ~payment & (serials % 149 == 17)  # noqa: PLR2004
    return again


def note_renumbered(company: Company, effects: Effects, entries: CustomerEntries, first: int) -> None:
    """Write down the months at whose end both invoices of one number are open; it moves no amount."""
    serials = np.arange(len(entries.amount), dtype=np.int64)
    inside = entries.group < len(GROUPS) - _OUTSIDE
    for serial in np.flatnonzero(renumbered(serials, entries.payment) & inside).tolist():
        pair = np.array([serial - 1, serial], dtype=np.int64)
        level = _open_amounts(entries, pair)
        reference = _documents(company, pair, entries.payment[pair], first)[0].as_py()
        for month in np.flatnonzero((level != 0).all(axis=0)).tolist():
            effects.fault(Fault("document_number_used_twice", CUSTOMER_AR, month, month, reference, 0))


def post_customers(company: Company, effects: Effects, entries: CustomerEntries, first: int) -> Column:
    """Post every invoice and payment on the account of its posting group, the day it is made."""
    inside = entries.group < len(GROUPS) - _OUTSIDE
    effects.hold(CUSTOMER_AR, entries.day[inside], entries.amount[inside])
    accounts = np.array([account_index(account) for _, account in GROUPS], dtype=np.int64)
    serial = np.arange(len(entries.amount), dtype=np.int64)
    event = digits(first + entries.invoice, 7, "sale ")
    text = chosen(
        ("Sales invoice, B2B", "Customer payment", "Backmargin Q3, facture", "BM rebate"),
        np.where(serial % 47 == 3, 2 + serial % 2, entries.payment),  # noqa: PLR2004
    )
    # Who pays says what for.
    invoice = _documents(company, entries.invoice, np.zeros_like(entries.payment), first)
    effects.facts(CUSTOMER_AR, digits(_entry_numbers(serial, first)), event)
    return postings(
        accounts[entries.group],
        entries.amount,
        entries.day,
        created=entries.day + 14 * HOUR + 3_000,
        busline=entries.busline,
        serial=serial,
        breakable=~renumbered(serial, entries.payment) & ~np.roll(renumbered(serial, entries.payment), -1),
        events=event,
        document=_documents(company, serial, entries.payment, first),
        document_type=chosen(("Invoice", "Payment"), entries.payment.astype(np.int64)),
        description=pc.if_else(pa.array(entries.payment), joined(text, " ", invoice), text),
        user="JUMIA\\F.BENALI",
        source_code=chosen(("SALES", "CASHRECJNL"), entries.payment.astype(np.int64)),
        source_type="Customer",
        source_no=digits(first + entries.customer, 6, f"C{company.country}"),
    )


def write_customers(
    shelf: Shelf, company: Company, entries: CustomerEntries, numbered: dict[str, Ints], first: int
) -> None:
    """Write the customer ledger, its detailed entries and the customers' cards."""
    count = len(entries.amount)
    serial = np.arange(count, dtype=np.int64)
    entry = _entry_numbers(serial, first)
    ledger_entry, entered = entry_numbers(numbered, serial)
    level = entries.amount.copy()
    np.add.at(level, entries.applied.to_serial, entries.applied.amounts)
    np.add.at(level, entries.applied.from_serial, -entries.applied.amounts)
    # People type posting groups and business lines: some in lower case, some with a blank behind.
    spelling = serial % 23
    groups = chosen([group for group, _ in GROUPS], entries.group)
    groups = pc.if_else(pa.array(spelling == 1), pc.utf8_lower(groups), groups)
    groups = pc.if_else(pa.array(spelling == 2), joined(groups, " "), groups)  # noqa: PLR2004
    lines = chosen(BUSLINES, entries.busline)
    lines = pc.if_else(pa.array(serial % 37 == 5), joined(lines, " "), lines)  # noqa: PLR2004
    lines = blank(lines, without_line(serial))
    customer_no = digits(first + entries.customer, 6, f"C{company.country}")
    shelf.put(
        "[AIG_Nav_DW].[dbo].[Customer Ledger Entries]",
        {
            "id_company": same(company.code, count),
            "Entry No_": number(entry),
            "GL Entry No_": number(ledger_entry, missing=~entered),
            "Document No_": _documents(company, serial, entries.payment, first),
            "Document Type": chosen(("Invoice", "Payment"), entries.payment.astype(np.int64)),
            "External Document No_": chosen((None, "PO 0042/É", "=REF"), serial % 3),
            "Posting Date": moment(entries.day),
            "Customer No_": customer_no,
            "Customer Posting Group": groups,
            "Description": chosen(("Facture n° 1, solde", "Invoice", "دفعة", None), serial % 4),
            "Source Code": chosen(("SALES", "CASHRECJNL"), entries.payment.astype(np.int64)),
            "Reason Code": same(None, count),
            "Busline Code": lines,
            "Department Code": chosen(("FIN", None), serial % 2),
            "Original Amount": money(entries.amount),
            "Currency": same(company.currency, count),
            "Original Amount (LCY)": money(entries.amount),
            "Open": flag(level != 0),
            "Due Date": moment(np.where(serial % 199 == 0, NO_DATE, entries.due)),
            "Posted by": chosen(("JUMIA\\F.BENALI", "JUMIA/A.OKAFOR"), serial % 2),
            "Destination Code": same(company.country, count),
            "Partner Code": same(None, count),
            "IC Partner Code": same(None, count),
        },
    )
    applied = entries.applied
    row = np.concatenate([serial, applied.to_serial, applied.from_serial])
    shelf.put(
        "[AIG_Nav_DW].[dbo].[Detailed Customer Ledg_ Entry]",
        {
            "id_company": same(company.code, len(row)),
            "Entry No_": number(first * 100 + np.arange(1, len(row) + 1, dtype=np.int64)),
            "Cust_ Ledger Entry No_": number(entry[row]),
            "Customer No_": customer_no.take(pa.array(row)),
            "Posting Date": moment(np.concatenate([entries.day, applied.days, applied.days])),
            "Amount (LCY)": money(np.concatenate([entries.amount, applied.amounts, -applied.amounts])),
        },
    )
    _write_cards(shelf, company, entries, first)


def _write_cards(shelf: Shelf, company: Company, entries: CustomerEntries, first: int) -> None:
    who = np.arange(len(entries.cards), dtype=np.int64)
    shelf.put(
        "[AIG_Nav_DW].[dbo].[Customers]",
        {
            "id_company": same(company.code, len(who)),
            "No_": digits(first + who, 6, f"C{company.country}"),
            "Name": pc.if_else(
                pa.array(who % 67 == 1),
                pa.scalar(None, pa.string()),
                joined(chosen(NAMES, who * 7 % len(NAMES)), chosen((" ", " n° "), who % 2), digits(who)),
            ),
            "Busline Code": chosen(BUSLINES, entries.card_busline),
            "Automatically integrated": flag(who % 3 == 0, missing=who % 41 == 0),
            "Customer Posting Group": chosen([group for group, _ in GROUPS], entries.cards),
            "Stream": chosen(("B2B", "Corporate", None), who % 3),
        },
    )
