"""NAV's open items: what is open of an entry at the cutoff, over all years, and what is not there."""

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow.dataset import Dataset

from cpg1_assets.extracts.catalog import read_catalog
from cpg1_assets.extracts.extraction import extract_month
from cpg1_assets.extracts.scope import read_scope
from cpg1_assets.month import CutoffMonth, month_range
from cpg1_assets.parquet_file import opened_parquet
from cpg1_assets.rules.findings import ties_to_the_balances
from cpg1_assets.sources.sample import SampleBooks
from cpg1_assets_tests.extracts.source_tables import LAST_MOMENT, MIDNIGHT, Row, SourceTables, at, by, money

MARCH = at("2025-03-01")
LONG_AGO = at("2019-02-28 13:00")
NO_DATE = at("1753-01-01")
Detail = tuple[datetime | None, str | None]


class Ledger(SourceTables):
    """The source tables with a chart of accounts: V1 and R1 are the control's, X1 and N1 are not."""

    def __init__(self) -> None:
        """Put the charts of three companies, one of them out of scope."""
        super().__init__()
        self.details = 0
        for company in ("EC_NG", "JD_GH", "XX_US"):
            for account, group in (("V1", "18412"), ("R1", " 13003"), ("X1", "99999"), ("N1", None)):
                row: Row = {"Company_Code": company, "G/L_Account_No": account, "Group_COA_Account_no": group}
                self.put("Dim_ChartOfAccounts", row | {"Group_COA_Account_Name": f"name {group}"})

    def entry(self, number: int, *details: Detail, **changes: Any) -> None:  # noqa: ANN401
        """Put an entry with its detailed entries, each a day and an amount."""
        entry: Row = {
            "id_company": "EC_NG",
            "Entry No_": number,
            "Posting Date": MARCH,
            "Chart of Accounts No_": "V1",
            "Amount": money("10"),
        }
        entry |= {name.replace("__", " "): value for name, value in changes.items()}
        self.put("G_L Entries", entry)
        self.detail(number, entry["id_company"], entry["Chart of Accounts No_"], *details)

    def detail(self, number: int, company: str, account: str | None, *details: Detail) -> None:
        """Put detailed entries of an entry that may be there or not."""
        for moment, amount in details:
            self.details += 1
            row: Row = {"id_company": company, "Entry No_": self.details, "Gen_ Ledger Entry No_": number}
            row |= {"G_L Account No_": account, "Posting Date": moment}
            self.put("Detailed G_L Entry", row | {"Amount": None if amount is None else money(amount)})

    def open(self, month: str = "2025-09") -> dict[int, Decimal]:
        """Give what is open, by entry."""
        rows = by(self.extract("nav_open_items", month), "entry_no")
        return {number: row["remaining_amount"] for number, row in rows.items()}


@pytest.fixture(name="ledger")
def _ledger() -> Ledger:
    return Ledger()


def test_an_entry_is_open_by_its_detailed_entries_of_all_years_up_to_the_cutoff(ledger: Ledger) -> None:
    ledger.entry(1, (LONG_AGO, "10"))
    ledger.entry(2, (LONG_AGO, "-10"), (at("2024-12-31 23:59:59"), "4"), (LAST_MOMENT, "1"))
    ledger.entry(3, (LAST_MOMENT, "0.0001"))
    ledger.entry(4, (MIDNIGHT, "10"), Posting__Date=MIDNIGHT)
    ledger.entry(5)
    assert ledger.open() == {1: money("10"), 2: money("-5"), 3: money("0.0001")}


def test_entries_applied_to_each_other_drop_out_by_themselves_and_a_rest_stays(ledger: Ledger) -> None:
    ledger.entry(1, (LONG_AGO, "10"), (LAST_MOMENT, "-10"))
    ledger.entry(2, (MARCH, "-10"), (LAST_MOMENT, "10"))
    ledger.entry(3, (MARCH, "10"), (at("2025-04-01"), "-3"), (at("2025-09-05"), "-6.9999"))
    ledger.entry(4, (MARCH, "-9.9999"), (at("2025-04-01"), "3"), (at("2025-09-05"), "6.9999"))
    assert ledger.open() == {3: money("0.0001")}


def test_an_entry_applied_after_the_cutoff_is_open_at_it_and_not_in_the_next_month(ledger: Ledger) -> None:
    ledger.entry(1, (MARCH, "10"), (MIDNIGHT, "-10"))
    ledger.entry(2, (MARCH, "-10"), (MIDNIGHT, "10"))
    ledger.entry(3, (LAST_MOMENT, "2"), (MIDNIGHT, "-2"))
    assert ledger.open("2025-09") == {1: money("10"), 2: money("-10"), 3: money("2")}
    assert ledger.open("2025-10") == {}


def test_what_adds_up_to_zero_is_not_open_whatever_the_entry_says(ledger: Ledger) -> None:
    ledger.entry(1, (MARCH, "0"))
    ledger.entry(2, (MARCH, None))
    ledger.entry(3, (MARCH, None), (MARCH, "5"), Amount=None)
    ledger.entry(4, (MARCH, "5"), Amount=money("0"))
    rows = by(ledger.extract("nav_open_items"), "entry_no")
    assert {n: (row["amount"], row["remaining_amount"]) for n, row in rows.items()} == {
        3: (None, money("5")),
        4: (money("0"), money("5")),
    }


def test_a_detailed_entry_of_no_date_in_nav_counts_and_one_without_any_does_not(ledger: Ledger) -> None:
    ledger.entry(1, (NO_DATE, "10"))
    ledger.entry(2, (None, "10"))
    ledger.entry(3, (MARCH, "10"), (None, "-10"))
    assert ledger.open() == {1: money("10"), 3: money("10")}


def test_only_accounts_and_companies_in_scope_by_the_companys_own_chart(ledger: Ledger) -> None:
    for number, account in enumerate(("V1", "R1", "X1", "N1", "v1", None, "V1  "), start=1):
        ledger.entry(number, (MARCH, "1"), Chart__of__Accounts__No_=account)
    ledger.entry(8, (MARCH, "1"), id_company="XX_US")
    ledger.entry(9, (MARCH, "1"), id_company="jd_gh ")
    rows = by(ledger.extract("nav_open_items"), "entry_no")
    names = ("id_company", "gl_account_no", "group_coa_account_no")
    assert {number: tuple(row[name] for name in names) for number, row in rows.items()} == {
        1: ("EC_NG", "V1", "18412"),
        2: ("EC_NG", "R1", " 13003"),
        7: ("EC_NG", "V1  ", "18412"),
        9: ("JD_GH", "V1", "18412"),
    }
    narrow = ledger.extract("nav_open_items", scope=read_scope().narrowed(["EC_NG"], ["13003"]))
    assert [row["entry_no"] for row in narrow] == [2]


def test_an_entry_number_is_its_companys_own(ledger: Ledger) -> None:
    ledger.entry(1, (MARCH, "10"))
    ledger.entry(1, (MARCH, "-10"), id_company="JD_GH")
    rows = ledger.extract("nav_open_items")
    assert {row["id_company"]: row["remaining_amount"] for row in rows} == {
        "EC_NG": money("10"),
        "JD_GH": money("-10"),
    }


def test_nav_dates_that_are_not_set_are_none_and_the_rest_is_as_written(ledger: Ledger) -> None:
    closing = at("2024-12-31 23:59:59")
    ledger.entry(
        1, (closing, "1"), Posting__Date=closing, Document__Date=NO_DATE, **{"G_L Creation Date": NO_DATE}
    )
    texts = {
        "Document No_": "D1 ", "External Document No_": "é", "Voucher No_": "00012.0", "Document Type": "Invoice",
        "Document Description": "x" * 250, "Comment": "", "Reason Code": "R", "Source Code": "S",
        "Source Type": "T", "Source No": "007", "Bal_ Account Type": "B", "User ID": "A\\B", "Reversed": True,
        "G_L Creation Date": LAST_MOMENT,
    }  # fmt: skip
    ledger.entry(2, (MARCH, "1"), Posting__Date=None, Document__Date=None, **texts)
    rows = by(ledger.extract("nav_open_items"), "entry_no")
    dates = ("posting_date", "document_date", "gl_creation_date")
    assert [rows[1][name] for name in dates] == [date(2024, 12, 31), None, None]
    assert [rows[2][name] for name in dates] == [None, None, LAST_MOMENT]
    written = [
        "document_no", "external_document_no", "voucher_no", "document_type", "document_description", "comment",
        "reason_code", "source_code", "source_type", "source_no", "bal_account_type", "user_id", "reversed",
    ]  # fmt: skip
    assert [rows[2][name] for name in written] == list(texts.values())[:-1]


def test_entries_are_described_once_each(ledger: Ledger) -> None:
    ledger.entry(1, (MARCH, "1"))
    row: Row = {"Company_Code": "EC_NG", "G/L_Account_No": "V1 ", "Group_COA_Account_no": "18412"}
    ledger.put("Dim_ChartOfAccounts", row)
    ledger.put("Dim_Company", {"Company_Code": "ec_ng", "Company_Country": "AA"})
    (entry,) = ledger.extract("nav_open_items")
    assert (entry["company_country"], entry["group_coa_account_no"]) == ("AA", "18412")
    assert ledger.several_matches("nav_open_items") == {"chart of accounts": 1, "company": 1}


def test_a_local_account_of_two_group_accounts_is_shown_while_an_entry_on_it_is_open(ledger: Ledger) -> None:
    ledger.entry(1, (LONG_AGO, "1"), (MIDNIGHT, "-1"))
    ledger.entry(2, (LONG_AGO, "1"), (LAST_MOMENT, "-1"), Chart__of__Accounts__No_="R1")
    for account in ("V1 ", "R1"):
        other: Row = {"Company_Code": "EC_NG", "G/L_Account_No": account}
        ledger.put("Dim_ChartOfAccounts", other | {"Group_COA_Account_no": "99999"})
    found = ledger.ambiguities("nav_open_items")
    assert [(row["gl_account_no"].strip(), row["group_coa_account_no"]) for row in found] == [
        ("V1", "18412"),
        ("V1", "99999"),
    ]
    assert ledger.ambiguities("nav_open_items", "2025-10") == []


def test_what_no_entry_is_there_for_is_missed_by_the_witness(ledger: Ledger) -> None:
    """Detailed entries without their entry would leave the extract and its totals alike; the witness looks at them."""
    ledger.entry(1, (at("2025-09-03"), "1"))
    ledger.detail(2, "EC_NG", "V1", (at("2025-09-04"), "50"))
    with pytest.raises(AssertionError, match="'remaining_amount': Decimal\\('50"):
        ledger.extract("nav_open_items")


@settings(max_examples=25)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([LONG_AGO, MARCH, at("2025-09-01"), LAST_MOMENT, MIDNIGHT, at("2025-10-31")]),
            st.integers(1, 4),
            st.integers(1, 4),
            st.integers(-3, 3),
        ),
        max_size=12,
    )
)
def test_applications_move_what_is_open_from_entry_to_entry_and_never_the_sum(
    applied: list[tuple[datetime, int, int, int]],
) -> None:
    ledger = Ledger()
    for number in (1, 2, 3, 4):
        sides = [(when, amount) for when, to, _, amount in applied if to == number]
        sides += [(when, -amount) for when, _, of, amount in applied if of == number]
        ledger.entry(number, (LONG_AGO, str(number)), *((when, str(amount)) for when, amount in sides))
    found = ledger.open()
    assert sum(found.values()) == 10
    assert 0 not in found.values()
    expected = {
        number: number
        + sum(a for when, to, _, a in applied if to == number and when < MIDNIGHT)
        - sum(a for when, _, of, a in applied if of == number and when < MIDNIGHT)
        for number in (1, 2, 3, 4)
    }
    assert found == {number: amount for number, amount in expected.items() if amount}


# The books


def _of(books: Path, name: str, month: CutoffMonth, folder: Path) -> Dataset:
    path = folder / f"{name}.parquet"
    extract_month(read_catalog()[name], SampleBooks(books), read_scope(), month, path)
    return opened_parquet(str(path))


@pytest.mark.parametrize("month", month_range(CutoffMonth(2024, 1), CutoffMonth(2025, 12)), ids=str)
def test_in_every_month_of_the_books_the_open_items_are_the_balances(
    sample_books: Path, tmp_path: Path, month: CutoffMonth
) -> None:
    open_items = _of(sample_books, "nav_open_items", month, tmp_path)
    entries, balances = (_of(sample_books, name, month, tmp_path) for name in ("cr_03", "cr_04"))
    (found,) = ties_to_the_balances(open_items, entries, balances, month)
    assert (found.passed, found.figures["found"]) == (True, 0)
    posted = open_items.to_table(columns=["posting_date"])["posting_date"].to_pylist()
    assert min(posted).year < month.year, "what was left of years before is among them"


def test_what_was_posted_after_a_close_is_open_and_in_no_balance_of_its_month(
    sample_books: Path, tmp_path: Path
) -> None:
    month = CutoffMonth(2025, 9)
    entries, balances = (_of(sample_books, name, month, tmp_path) for name in ("cr_03", "cr_04"))
    rows = _of(sample_books, "nav_open_items", month, tmp_path).to_table()
    taken = max(balances.to_table()["refresh_date"].to_pylist())
    late = rows.filter(pc.field("gl_creation_date") > taken)
    assert late.num_rows, "the books hold some"
    place = rows.schema.get_field_index("gl_creation_date")
    undated = rows.set_column(place, rows.schema.field(place), pa.nulls(rows.num_rows, pa.timestamp("us")))
    found = ties_to_the_balances(undated, entries.to_table().slice(0, 0), balances, month)
    assert {outcome.id_company for outcome in found} == set(late["id_company"].to_pylist())
