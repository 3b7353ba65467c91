"""Links of the collections: which transaction, list and payment belong together at the cutoff, and which do not."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from cpg1_assets.extracts.catalog import read_catalog
from cpg1_assets.extracts.extraction import extract_month
from cpg1_assets.extracts.scope import read_scope
from cpg1_assets.month import CutoffMonth
from cpg1_assets.parquet_file import opened_parquet
from cpg1_assets.sources.sample import SampleBooks
from cpg1_assets_tests.extracts.source_tables import LAST_MOMENT, MIDNIGHT, Row, SourceTables, at, money

LONG_AGO = at("2019-02-28 13:00")
Link = tuple[str | None, str, str | None]


@pytest.fixture(name="tables")
def _tables() -> SourceTables:
    return SourceTables()


def _listed(
    tables: SourceTables,
    entity: str | None,
    on: str | None,
    dated: datetime | None = LONG_AGO,
    **changes: Any,  # noqa: ANN401
) -> None:
    row: Row = {
        "ID_Company": "EC_NG",
        "Transaction_Type": "Delivery",
        "Related_Entity": entity,
        "Transaction_List_Nr": on,
        "Transaction_List_Date": dated,
        "Created_Date": LONG_AGO,
        "Amount": money("10"),
    }
    tables.put("RPT_CASHREC_TRANSACTION", row | changes)


def _paid(
    tables: SourceTables,
    packlist: str | None,
    payment: str | None,
    dated: datetime | None = LONG_AGO,
    made: datetime | None = LONG_AGO,
    **changes: Any,  # noqa: ANN401
) -> None:
    row: Row = {
        "ID_Company": "EC_NG",
        "OMS_Packlist_No": packlist,
        "OMS_Packlist_Status": "closed",
        "OMS_Packlist_Created_Date": made,
        "OMS_Payment_No": payment,
        "OMS_Payment_Date": dated,
    }
    tables.put("RPT_PACKLIST_PAYMENTS", row | changes)


def _links(tables: SourceTables, month: str = "2025-09") -> set[Link]:
    names = ("related_entity", "transaction_list_no", "payment_no")
    rows = tables.extract("collection_links", month)
    found = {tuple(row[name] for name in names) for row in rows if row["id_company"] == "EC_NG"}
    assert len(found) == len(rows)
    return found


def test_each_transaction_of_a_list_is_linked_to_each_of_its_payments(tables: SourceTables) -> None:
    for entity in ("T1", "T2"):
        _listed(tables, entity, "L")
    for payment in ("P1", "P2"):
        _paid(tables, "L", payment)
    assert _links(tables) == {(entity, "L", payment) for entity in ("T1", "T2") for payment in ("P1", "P2")}


def test_a_list_without_a_payment_has_its_transactions_and_one_without_a_transaction_its_payments(
    tables: SourceTables,
) -> None:
    _listed(tables, "T1", "L1")
    _paid(tables, "L1", None, None)
    _listed(tables, "T2", "TL2")
    _paid(tables, "L3", "P3")
    _paid(tables, "L4", None, None)
    assert _links(tables) == {("T1", "L1", None), ("T2", "TL2", None), (None, "L3", "P3")}


def test_a_transaction_is_on_its_list_from_the_lists_date_on(tables: SourceTables) -> None:
    _listed(tables, "T1", "L1", LAST_MOMENT)
    _listed(tables, "T2", "L2", MIDNIGHT)
    assert _links(tables) == {("T1", "L1", None)}
    assert _links(tables, "2025-10") == {("T1", "L1", None), ("T2", "L2", None)}


def test_a_list_is_paid_from_the_payments_date_on(tables: SourceTables) -> None:
    _listed(tables, "T", "L")
    _paid(tables, "L", "P1", LAST_MOMENT)
    _paid(tables, "L", "P2", MIDNIGHT)
    _paid(tables, "L", "P3", None)
    assert _links(tables) == {("T", "L", "P1")}
    assert _links(tables, "2025-10") == {("T", "L", "P1"), ("T", "L", "P2")}


def test_a_payment_that_came_before_its_list_is_alone_until_the_list_is_made(tables: SourceTables) -> None:
    _listed(tables, "T", "L", MIDNIGHT)
    _paid(tables, "L", "P", LAST_MOMENT, made=MIDNIGHT)
    assert _links(tables) == set()
    assert _links(tables, "2025-10") == {("T", "L", "P")}


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (LAST_MOMENT, {("T", "L", None)}),
        (MIDNIGHT, set()),
        (None, set()),
    ],
)
def test_a_list_without_a_date_is_as_old_as_its_packlist(
    tables: SourceTables, made: datetime | None, expected: set[Link]
) -> None:
    _listed(tables, "T", "L", None)
    _listed(tables, "T", "nobody knows", None)
    _paid(tables, "L", "P", MIDNIGHT, made=made)
    assert _links(tables) == expected


def test_neither_kind_status_nor_amount_decides(tables: SourceTables) -> None:
    _listed(tables, "T1", "L", Transaction_Type="Collection Adjustment (over)", Amount=money("0"))
    _listed(tables, "T2", "L", Transaction_Type=None, Amount=None)
    for status in ("waitingApproval", None, "inProgress"):
        _paid(tables, "L", f"P {status}", OMS_Packlist_Status=status, OMS_Payment_Reconciled_Amount=None)
    assert len(_links(tables)) == 6


def test_a_blank_number_is_no_number_and_links_nothing(tables: SourceTables) -> None:
    for blank in (None, "", "   "):
        _listed(tables, "T0", blank)
        _listed(tables, blank, "L0")
        _listed(tables, blank, "L1")
        _paid(tables, blank, "P0")
        _paid(tables, "L1", blank)
        _paid(tables, "L2", blank)
    _listed(tables, "T2", "L2")
    _paid(tables, "L1", "P1")
    assert _links(tables) == {("T2", "L2", None), (None, "L1", "P1")}


def test_numbers_are_joined_without_blanks_at_their_end_and_exactly_in_case(tables: SourceTables) -> None:
    _listed(tables, "T ", "L")
    _listed(tables, "T", "L  ")
    _listed(tables, "t", "l")
    _paid(tables, "L ", "P ")
    _paid(tables, "L", "P")
    assert _links(tables) == {("T", "L", "P"), ("t", "l", None)}


def test_what_is_there_twice_is_there_once_and_other_lists_are_others(tables: SourceTables) -> None:
    for _ in range(3):
        _listed(tables, "T", "L1")
        _paid(tables, "L1", "P1")
    _listed(tables, "T", "L2")
    _listed(tables, "T", "L1", MIDNIGHT)
    _paid(tables, "L1", "P1", MIDNIGHT)
    assert _links(tables) == {("T", "L1", "P1"), ("T", "L2", None)}


def test_a_list_is_its_companys_own_and_companies_out_of_scope_have_none(tables: SourceTables) -> None:
    _listed(tables, "T", "L")
    _paid(tables, "L", "P1", ID_Company="JD_GH")
    _listed(tables, "T", "L", at("2025-09-15"), ID_Company="XX_US")
    _paid(tables, "L", "P2", at("2025-09-15"), ID_Company="XX_US")
    _paid(tables, "L", "P3", ID_Company="ec_ng ")
    rows = tables.extract("collection_links")
    assert {(row["id_company"], row["related_entity"], row["payment_no"]) for row in rows} == {
        ("EC_NG", "T", "P3"),
        ("JD_GH", None, "P1"),
    }


# What the links are for


def _connected(links: Iterable[Sequence[Hashable]]) -> dict[Hashable, Hashable]:
    """Give for each number the one that stands for all it is connected with."""
    parents: dict[Hashable, Hashable] = {}

    def root(number: Hashable) -> Hashable:
        while parents.setdefault(number, number) != number:
            number = parents[number]
        return number

    for first, *others in links:
        for other in others:
            parents[root(other)] = root(first)
    return {number: root(number) for number in parents}


@pytest.mark.parametrize("key", ["2024-08", "2025-09"])
def test_in_the_books_what_is_linked_is_in_balance_and_what_is_not_linked_is_not(
    sample_books: Path, tmp_path: Path, key: str
) -> None:
    """NAV posts under the number of transaction, list or payment: all that is connected comes to the target's amount."""

    def rows(name: str) -> list[dict[str, Any]]:
        path = tmp_path / f"{name}.parquet"
        month = CutoffMonth.parse(key)
        extract_month(read_catalog()[name], SampleBooks(sample_books), read_scope(), month, path)
        return opened_parquet(str(path)).to_table().to_pylist()  # type: ignore[no-any-return]

    def compared(written: str) -> str:
        """Give a number as it is compared: in NAV some are between blanks, in other letters, or a spreadsheet's."""
        return written.strip().upper().removesuffix(".0")

    sides = [
        (row["id_company"], compared(row["document_no"]), row["remaining_amount"])
        for row in rows("nav_open_items")
        if row["group_coa_account_no"].strip() in ("13001", "13002")
    ] + [(row["id_company"], compared(row["related_entity"]), -row["amount"]) for row in rows("ipe_31")]
    group_of = _connected(
        [
            (row["id_company"], compared(row[name]))
            for name in ("related_entity", "transaction_list_no", "payment_no")
            if row[name] is not None
        ]
        for row in rows("collection_links")
    )
    alone: dict[Hashable, Decimal] = defaultdict(Decimal)
    together: dict[Hashable, Decimal] = defaultdict(Decimal)
    for company, number, amount in sides:
        alone[company, number] += amount
        together[group_of.get((company, number), (company, number))] += amount
    apart = sum(1 for amount in alone.values() if amount)
    assert apart > len(alone) * 8 / 10, "most of the books' cash is paid through lists"
    # Where something was not posted, or twice, a group stays open.
    assert sum(1 for amount in together.values() if amount) <= len(together) / 100
