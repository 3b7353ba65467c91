"""Customer accounts: which entries are open at the cutoff, and what is said of them."""

from datetime import date
from typing import Any

import pytest

from cpg1_assets_tests.extracts.source_tables import LAST_MOMENT, MIDNIGHT, SourceTables, at, by, money


@pytest.fixture(name="tables")
def _tables() -> SourceTables:
    return SourceTables()


def _entry(tables: SourceTables, number: int, *details: tuple[Any, str | None], **changes: Any) -> None:  # noqa: ANN401
    entry: dict[str, Any] = {
        "id_company": "EC_NG",
        "Entry No_": number,
        "Posting Date": at("2025-09-01"),
        "Customer No_": "C1",
        "Customer Posting Group": "NAT",
    }
    tables.put("Customer Ledger Entries", entry | {k.replace("__", " "): v for k, v in changes.items()})
    for moment, amount in details:
        tables.put(
            "Detailed Customer Ledg_ Entry",
            {
                "id_company": changes.get("id_company", "EC_NG"),
                "Cust_ Ledger Entry No_": number,
                "Posting Date": moment,
                "Amount (LCY)": None if amount is None else money(amount),
            },
        )


def test_an_entry_is_open_by_its_detailed_entries_up_to_the_last_moment_of_the_month(
    tables: SourceTables,
) -> None:
    _entry(tables, 1, (at("2025-08-01"), "100"), (LAST_MOMENT, "-40.5"), (MIDNIGHT, "-59.5"))
    _entry(tables, 2, (at("2025-08-01"), "100"), (LAST_MOMENT, "-100"))  # settled in the last moment
    _entry(tables, 3, (at("2025-08-01"), "100"), (MIDNIGHT, "-100"))  # settled a moment too late
    _entry(tables, 4, (at("2025-08-01"), "7"), (at("2025-08-02"), None))  # a missing amount is zero
    _entry(tables, 5, (at("2025-08-01"), None))
    _entry(tables, 6)
    rows = by(tables.extract("ipe_07"), "entry_no")
    assert {number: row["remaining_amount_lcy"] for number, row in rows.items()} == {
        1: money("59.5"),
        3: money("100"),
        4: money("7"),
    }


def test_an_entry_posted_after_the_cutoff_is_not_there(tables: SourceTables) -> None:
    _entry(tables, 1, (at("2025-09-30"), "1"), Posting__Date=LAST_MOMENT)
    _entry(tables, 2, (at("2025-09-30"), "1"), Posting__Date=MIDNIGHT)
    rows = tables.extract("ipe_07")
    assert [(row["entry_no"], row["posting_date"]) for row in rows] == [(1, date(2025, 9, 30))]


def test_only_companies_and_posting_groups_in_scope_whatever_case_and_blanks(tables: SourceTables) -> None:
    for number, group in enumerate((" nat ", "Excb2b-Nat", "EXPORT", "OTHER", "NATX", None, ""), start=1):
        _entry(tables, number, (at("2025-09-01"), "1"), Customer__Posting__Group=group)
    _entry(tables, 8, (at("2025-09-01"), "1"), id_company="XX_US")
    rows = by(tables.extract("ipe_07"), "entry_no")
    assert {number: row["customer_posting_group"] for number, row in rows.items()} == {
        1: " nat ",
        2: "Excb2b-Nat",
        3: "EXPORT",
    }


def test_entries_of_two_companies_with_the_same_number_do_not_mix(tables: SourceTables) -> None:
    _entry(tables, 1, (at("2025-09-01"), "1"))
    _entry(tables, 1, (at("2025-09-01"), "2"), id_company="JD_GH")
    rows = by(tables.extract("ipe_07"), "id_company")
    assert rows["EC_NG"]["remaining_amount_lcy"] == money("1")
    assert rows["JD_GH"]["remaining_amount_lcy"] == money("2")
    assert rows["JD_GH"]["company_country"] == "GH"


@pytest.mark.parametrize(
    ("due", "position"),
    [
        (at("2025-08-31 23:59:59.997"), "Credit"),
        (at("2025-09-01"), "Due Month"),
        (LAST_MOMENT, "Due Month"),
        (MIDNIGHT, "Debit"),
        (None, None),
    ],
)
def test_due_position_compares_the_month_due_with_the_cutoff_month(
    tables: SourceTables,
    due: Any,  # noqa: ANN401
    position: str | None,
) -> None:
    _entry(tables, 1, (at("2025-09-01"), "1"), Due__Date=due)
    (row,) = tables.extract("ipe_07")
    assert row["due_position"] == position


def test_descriptions_never_add_or_drop_a_row_and_the_first_by_key_is_taken(tables: SourceTables) -> None:
    _entry(tables, 1, (at("2025-09-01"), "1"), Busline__Code="B1", Open=False)
    _entry(tables, 2, (at("2025-09-01"), "1"), Customer__No_="unknown", Busline__Code="b1")
    card = {
        "id_company": "EC_NG",
        "No_": "C1",
        "Customer Posting Group": "UE",
        "Automatically integrated": True,
    }
    tables.put("Customers", card | {"Name": "b"}, card | {"Name": "B"}, card | {"Name": None})
    line = {"Company_Code": "EC_NG", "Busline_Code": "B1"}
    tables.put(
        "Dim_Busline",
        line | {"Busline_Vertical_Name_1": "Z"},
        line | {"Busline_Vertical_Name_1": "Y", "Busline_Vertical_Name_3": "Y3"},
    )
    rows = by(tables.extract("ipe_07"), "entry_no")
    first, second = rows[1], rows[2]
    assert (first["customer_name"], first["current_posting_group"], first["automatically_integrated"]) == (
        "B",
        "UE",
        True,
    )
    assert (first["busline_vertical_1"], first["busline_vertical_3"], first["is_open"]) == ("Y", "Y3", False)
    # Ids compare exactly: b1 is another business line than B1.
    assert (second["customer_name"], second["busline_vertical_1"]) == (None, None)
    assert tables.several_matches("ipe_07") == {"company": 0, "customer": 1, "business line": 1}


def test_customers_and_business_lines_are_found_whatever_blanks_end_their_codes(tables: SourceTables) -> None:
    _entry(tables, 1, (at("2025-09-01"), "1"), Customer__No_="C1 ", Busline__Code="B1")
    _entry(tables, 2, (at("2025-09-01"), "2"), Customer__No_="C1", Busline__Code="B1  ", id_company="EC_NG ")
    tables.put("Customers", {"id_company": "EC_NG", "No_": "C1  ", "Name": "Ada "})
    tables.put(
        "Dim_Busline", {"Company_Code": "EC_NG", "Busline_Code": "B1 ", "Busline_Vertical_Name_1": "Retail"}
    )
    rows = by(tables.extract("ipe_07"), "entry_no")
    assert {(row["customer_name"], row["busline_vertical_1"]) for row in rows.values()} == {
        ("Ada ", "Retail")
    }
    # What is only given out stays as it was written; a company is spelled as the scope spells it.
    assert [(rows[n]["customer_no"], rows[n]["id_company"]) for n in (1, 2)] == [
        ("C1 ", "EC_NG"),
        ("C1", "EC_NG"),
    ]


def test_of_cards_that_differ_in_blanks_only_the_same_is_taken_wherever_it_stands(
    tables: SourceTables,
) -> None:
    _entry(tables, 1, (at("2025-09-01"), "1"))
    card = {"id_company": "EC_NG", "No_": "C1"}
    tables.put("Customers", card | {"Name": "Ada"}, card | {"Name": "Ada  "}, card | {"Name": "Ada "})
    (row,) = tables.extract("ipe_07")
    assert row["customer_name"] == "Ada  "


def test_the_date_that_nav_keeps_for_none_is_none(tables: SourceTables) -> None:
    """1753-01-01, the earliest its database has; a day later is a date like any other."""
    for number, due in enumerate(("1753-01-01", "1753-01-02", "2025-09-30 23:59:59"), start=1):
        _entry(tables, number, (at("2025-09-01"), "1"), Due__Date=at(due))
    rows = by(tables.extract("ipe_07"), "entry_no")
    assert {number: (row["due_date"], row["due_position"]) for number, row in rows.items()} == {
        1: (None, None),
        2: (date(1753, 1, 2), "Credit"),
        3: (date(2025, 9, 30), "Due Month"),
    }
