"""General ledger entries, balances and rates: cr_03, cr_04 and cr_05."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from cpg1_assets.extracts.scope import read_scope
from cpg1_assets_tests.extracts.source_tables import LAST_MOMENT, MIDNIGHT, Row, SourceTables, at, by, money

YEAR_START = at("2025-01-01")
BEFORE_YEAR = at("2024-12-31 23:59:59.997")


@pytest.fixture(name="tables")
def _tables() -> SourceTables:
    return SourceTables()


@pytest.fixture(name="ledger")
def _ledger(tables: SourceTables) -> SourceTables:
    for company in ("EC_NG", "JD_GH", "XX_US"):
        for account, group in (("V1", "18412"), ("R1", "13003"), ("X1", "99999"), ("N1", None)):
            row: Row = {"Company_Code": company, "G/L_Account_No": account, "Group_COA_Account_no": group}
            tables.put("Dim_ChartOfAccounts", row | {"Group_COA_Account_Name": f"name {group}"})
    return tables


def _entry(ledger: SourceTables, number: int, *details: tuple[datetime, str | None], **changes: Any) -> None:  # noqa: ANN401
    entry: Row = {
        "id_company": "EC_NG",
        "Entry No_": number,
        "Posting Date": at("2025-03-01"),
        "Chart of Accounts No_": "V1",
        "Amount": money("10"),
    }
    entry |= {name.replace("__", " "): value for name, value in changes.items()}
    ledger.put("G_L Entries", entry)
    for position, (moment, amount) in enumerate(details):
        detail: Row = {"id_company": entry["id_company"], "Entry No_": number * 100 + position}
        detail |= {"Gen_ Ledger Entry No_": number, "G_L Account No_": entry["Chart of Accounts No_"]}
        ledger.put(
            "Detailed G_L Entry",
            detail | {"Posting Date": moment, "Amount": None if amount is None else money(amount)},
        )


def test_an_entry_counts_by_its_detailed_entries_of_the_year_so_far(ledger: SourceTables) -> None:
    _entry(ledger, 1, (YEAR_START, "10"), (LAST_MOMENT, "-4"), (MIDNIGHT, "-6"))
    _entry(ledger, 2, (BEFORE_YEAR, "10"))
    _entry(ledger, 3, (MIDNIGHT, "10"), Posting__Date=MIDNIGHT)
    _entry(ledger, 4, (BEFORE_YEAR, "10"), (LAST_MOMENT, "-10"), Posting__Date=BEFORE_YEAR)
    _entry(ledger, 5, (YEAR_START, "10"), (LAST_MOMENT, "-10"))  # sums to zero, and is there
    _entry(ledger, 6, (YEAR_START, None), Amount=None)
    _entry(ledger, 7)
    rows = by(ledger.extract("cr_03"), "entry_no")
    assert {number: row["remaining_amount"] for number, row in rows.items()} == {
        1: money("6"),
        4: money("-10"),
        5: money("0"),
        6: money("0"),
    }
    assert rows[4]["posting_date"] == date(2024, 12, 31)
    assert (rows[6]["amount"], rows[1]["amount"]) == (None, money("10"))


def test_only_accounts_and_companies_in_scope_by_the_companys_own_chart(ledger: SourceTables) -> None:
    for number, account in enumerate(("V1", "R1", "X1", "N1", "v1", None), start=1):
        _entry(ledger, number, (at("2025-05-01"), "1"), Chart__of__Accounts__No_=account)
    _entry(ledger, 7, (at("2025-05-01"), "1"), id_company="XX_US")
    rows = by(ledger.extract("cr_03"), "entry_no")
    assert {n: (r["gl_account_no"], r["group_coa_account_no"]) for n, r in rows.items()} == {
        1: ("V1", "18412"),
        2: ("R1", "13003"),
    }
    narrow = read_scope().narrowed(None, ["13003"])
    assert set(by(ledger.extract("cr_03", scope=narrow), "entry_no")) == {2}


@pytest.mark.parametrize(
    ("description", "expected"),
    [
        ("BM", "BackMargin"),
        ("x backMargin y", "BackMargin"),
        ("submission", "BackMargin"),
        ("B M", "Other"),
        (None, "Other"),
    ],
)
def test_entry_type_is_back_margin_where_the_description_says_so_anywhere(
    ledger: SourceTables, description: str | None, expected: str
) -> None:
    _entry(ledger, 1, (at("2025-05-01"), "1"), Document__Description=description)
    (row,) = ledger.extract("cr_03")
    assert (row["document_description"], row["entry_type"]) == (description, expected)


def test_entries_are_described_once_each(ledger: SourceTables) -> None:
    _entry(ledger, 1, (at("2025-05-01"), "1"))
    row: Row = {"Company_Code": "EC_NG", "G/L_Account_No": "V1", "Group_COA_Account_no": "18412"}
    ledger.put("Dim_ChartOfAccounts", row | {"Group_COA_Account_Name": "A name"})
    mapping: Row = {"Level_4_Code": "18412"}
    ledger.put("GDOC_IFRS_Tabular_Mapping", mapping | {"Level_1_Name": "b"}, mapping | {"Level_1_Name": "a"})
    ledger.put("Dim_Company", {"Company_Code": "EC_NG", "Company_Country": "AA"})
    (entry,) = ledger.extract("cr_03")
    assert (entry["group_coa_account_name"], entry["ifrs_level_1"], entry["company_country"]) == (
        "A name",
        "a",
        "AA",
    )
    assert ledger.several_matches("cr_03") == {"chart of accounts": 1, "company": 1, "ifrs mapping": 1}


def test_balances_are_those_of_the_cutoff_date_and_of_the_year_end_before(tables: SourceTables) -> None:
    def put(closing: datetime, amount: str | None, account: str = "18412", company: str = "EC_NG") -> None:
        balance: Row = {"ID_COMPANY": company, "CLOSING_DATE": closing, "GROUP_COA_ACCOUNT_NO": account}
        balance |= {"REAL_COA": amount, "BALANCE_AT_DATE": None if amount is None else money(amount)}
        tables.put("V_BS_ANAPLAN_IMPORT_IFRS_MAPPING_CURRENCY_SPLIT", balance)

    put(at("2025-09-30"), "1")
    put(LAST_MOMENT, "2")
    put(at("2025-08-31"), "4")
    put(MIDNIGHT, "8")
    put(at("2024-12-31"), "16")
    put(at("2023-12-31"), "32")
    put(at("2025-09-30"), "64", account="18411")
    put(at("2025-09-30"), "128", company="XX_US")
    put(at("2025-09-30"), None, account="13001")
    rows = tables.extract("cr_04")
    assert sorted((str(row["closing_date"]), row["balance_at_date"]) for row in rows if row["real_coa"]) == [
        ("2024-12-31", money("16")),
        ("2025-09-30", money("1")),
        ("2025-09-30", money("2")),
    ]
    assert [row["balance_at_date"] for row in rows if not row["real_coa"]] == [None]


def _rate(tables: SourceTables, country_code: str, rate: str | None, **changes: Any) -> None:  # noqa: ANN401
    row: Row = {
        "country_code": country_code,
        "country": country_code,
        "base_currency": "USD",
        "rate_type": "Closing",
        "year": 2025,
        "cod_month": 9,
        "rate": None if rate is None else money(rate),
    }
    tables.put("RPT_FX_RATES", row | changes)


def test_there_is_one_row_per_company_in_scope_with_or_without_a_rate(tables: SourceTables) -> None:
    _rate(tables, "NG", "1500.1234567891", rate_type=" CLOSING ", base_currency="usd")
    _rate(tables, "GH", "15", rate_type="Average")
    _rate(tables, "GH", "15", cod_month=8)
    _rate(tables, "GH", "15", year=2024)
    _rate(tables, "GH", "15", base_currency="EUR")
    _rate(tables, "GH", None)
    tables.put("Dim_Country", {"Country_Code": "NG", "Country_Name": "Nigeria"})
    rows = by(tables.extract("cr_05"), "id_company")
    assert set(rows) == {"EC_NG", "JD_GH"}
    names = ("rate_type", "year", "month", "fx_rate")
    assert [rows["EC_NG"][name] for name in names] == [" CLOSING ", 2025, 9, Decimal("1500.1234567891")]
    assert [rows["JD_GH"][name] for name in names] == [None] * 4
    assert (rows["EC_NG"]["country_name"], rows["JD_GH"]["country_name"]) == ("Nigeria", None)


def test_companies_that_keep_books_in_dollars_have_rate_one(tables: SourceTables) -> None:
    for code, country in (
        ("A_US", " us"),
        ("B_USD", "DE"),
        ("C_usd", "de "),
        ("DXUSD", "DE"),
        ("E_USD", "FR"),
    ):
        tables.put(
            "Dim_Company", {"Company_Code": code, "Company_Country": country, "Flg_In_Conso_Scope": True}
        )
    _rate(tables, "DE", "0.9")
    rows = by(tables.extract("cr_05"), "id_company")
    assert {code: rows[code]["fx_rate"] for code in ("A_US", "B_USD", "C_usd", "DXUSD", "E_USD")} == {
        "A_US": 1,
        "B_USD": 1,
        "C_usd": 1,
        "DXUSD": money("0.9"),
        "E_USD": None,
    }
    assert (rows["A_US"]["rate_type"], rows["A_US"]["year"], rows["A_US"]["month"]) == ("Closing", 2025, 9)


def test_the_known_duplicate_is_left_out_and_others_never_repeat_a_company(tables: SourceTables) -> None:
    _rate(tables, "NG", "2", country=" united arab EMIRATES (the) ")
    _rate(tables, "NG", "4.0", country="b")
    _rate(tables, "NG", "4", country="B")
    _rate(tables, "GH", "5", country=None)
    tables.put("Dim_Country", *({"Country_Code": "NG", "Country_Name": name} for name in ("b", "a", None)))
    rows = by(tables.extract("cr_05"), "id_company")
    assert (rows["EC_NG"]["fx_rate"], rows["EC_NG"]["country_name"]) == (money("4"), "a")
    assert rows["JD_GH"]["fx_rate"] == money("5")
    assert tables.several_matches("cr_05") == {"company": 0, "country": 1, "fx rate": 1}
    assert tables.ambiguities("cr_05") == []


def test_two_different_closing_rates_are_no_rate_and_both_are_shown(tables: SourceTables) -> None:
    _rate(tables, "NG", "1500", country="Nigeria")
    _rate(tables, "NG ", "15000", country="NIGERIA")
    _rate(tables, "GH", "15")
    rows = by(tables.extract("cr_05"), "id_company")
    names = ("rate_type", "year", "month", "fx_rate")
    assert [rows["EC_NG"][name] for name in names] == [None] * 4
    assert rows["JD_GH"]["fx_rate"] == money("15")
    found = tables.ambiguities("cr_05")
    assert sorted((row["id_company"], row["listed_as"], row["fx_rate"]) for row in found) == [
        ("EC_NG", "NIGERIA", money("15000")),
        ("EC_NG", "Nigeria", money("1500")),
    ]


def test_a_company_under_two_countries_has_no_rate_and_both_are_shown(tables: SourceTables) -> None:
    again = {"Company_Code": "EC_NG ", "Company_Country": "US", "Flg_In_Conso_Scope": 1}
    tables.put("Dim_Company", again)
    _rate(tables, "NG", "1500")
    _rate(tables, "GH", "15")
    rows = by(tables.extract("cr_05"), "id_company")
    assert (set(rows), rows["EC_NG"]["fx_rate"], rows["EC_NG"]["year"]) == ({"EC_NG", "JD_GH"}, None, None)
    found = [row for row in tables.ambiguities("cr_05") if row["ambiguous"] == "country"]
    assert [(row["id_company"].strip(), row["country_code"]) for row in found] == [
        ("EC_NG", "NG"),
        ("EC_NG", "US"),
    ]


def test_a_company_with_two_scope_flags_is_in_scope_and_shown(tables: SourceTables) -> None:
    tables.put("Dim_Company", {"Company_Code": "EC_NG ", "Company_Country": "NG", "Flg_In_Conso_Scope": 0})
    assert {row["id_company"] for row in tables.extract("cr_05")} == {"EC_NG", "JD_GH"}
    assert [row["ambiguous"] for row in tables.ambiguities("cr_05")] == ["scope flag"]


def test_a_company_that_keeps_its_books_in_dollars_needs_no_rate_of_its_country(tables: SourceTables) -> None:
    tables.put("Dim_Company", {"Company_Code": "B_USD", "Company_Country": "DE", "Flg_In_Conso_Scope": 1})
    _rate(tables, "DE", "0.9")
    _rate(tables, "DE", "0.8")
    rows = by(tables.extract("cr_05"), "id_company")
    assert rows["B_USD"]["fx_rate"] == 1
    assert tables.ambiguities("cr_05") == []


def test_a_local_account_of_two_group_accounts_is_shown_while_it_moves(ledger: SourceTables) -> None:
    _entry(ledger, 1, (at("2025-05-01"), "1"))
    chart: Row = {"Company_Code": "EC_NG", "G/L_Account_No": "V1 "}
    ledger.put("Dim_ChartOfAccounts", chart | {"Group_COA_Account_no": "18412 "})
    assert ledger.ambiguities("cr_03") == []
    ledger.put("Dim_ChartOfAccounts", chart | {"Group_COA_Account_no": "99999"})
    assert [row["group_coa_account_no"].strip() for row in ledger.ambiguities("cr_03")] == [
        "18412",
        "18412",
        "99999",
    ]
    assert [row["group_coa_account_no"] for row in ledger.extract("cr_03")] == ["18412"]
    # Not in the year so far, or none of the control's accounts: no figure depends on it.
    other: Row = {"Company_Code": "EC_NG", "G/L_Account_No": "R1"}
    ledger.put("Dim_ChartOfAccounts", other | {"Group_COA_Account_no": "18412"})
    assert len(ledger.ambiguities("cr_03")) == 3


def test_nav_dates_that_are_not_set_are_none_and_a_closing_entry_stays_on_its_day(
    ledger: SourceTables,
) -> None:
    none = at("1753-01-01")
    closing = at("2025-09-30 23:59:59")
    _entry(
        ledger, 1, (closing, "1"), Posting__Date=closing, Document__Date=none, **{"G_L Creation Date": none}
    )
    opening = at("2024-12-31 23:59:59")
    _entry(ledger, 2, (opening, "1"), Posting__Date=opening)
    (row,) = ledger.extract("cr_03")
    dates = ("entry_no", "posting_date", "document_date", "gl_creation_date")
    assert [row[name] for name in dates] == [1, date(2025, 9, 30), None, None]
