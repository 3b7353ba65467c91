"""A company is one whatever the case of its code and the blanks at its end: in filters, joins, groups and the file."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpg1_assets.extracts.catalog import read_catalog
from cpg1_assets.extracts.company_codes import CompanyCodes, folded
from cpg1_assets.extracts.extraction import bound_parameters, companies_in_scope, extract_month
from cpg1_assets.extracts.scope import read_scope
from cpg1_assets.month import CutoffMonth
from cpg1_assets.sources.interface import Session
from cpg1_assets.sources.sample import SampleBooks
from cpg1_assets_tests.extracts.source_tables import SourceTables, at, by, money
from cpg1_assets_tests.tampering import TamperedSource

SPELLINGS = st.sampled_from(
    ["EC_NG", "ec_ng", "Ec_Ng ", "EC_NG  ", "JD_GH", "jd_gh", "XX", "xx ", " EC_NG", ""]
)


@given(companies=st.lists(SPELLINGS), row=SPELLINGS | st.none())
def test_a_code_is_spelled_as_the_scope_spells_it_and_what_is_out_of_scope_stays(
    companies: list[str], row: str | None
) -> None:
    codes = CompanyCodes(companies)
    assert len({folded(code) for code in codes.codes}) == len(codes.codes)
    assert {folded(code) for code in companies} == {folded(code) for code in codes.codes}
    assert CompanyCodes(reversed(companies)).codes == codes.codes, "in whatever order the source gives them"
    spelled = codes.spelled(row)
    if row is None or folded(row) not in map(folded, companies):
        assert spelled == row
    else:
        assert spelled in codes.codes
    batch = pa.record_batch({"n": [1, 2], "id_company": pa.array([row, row], pa.string())})
    assert codes.in_batch(batch)["id_company"].to_pylist() == [spelled, spelled]
    assert codes.in_rows([{"id_company": row, "code": row}]) == [{"id_company": spelled, "code": row}]


def test_other_spellings_are_remembered_so_that_evidence_can_say_them() -> None:
    codes = CompanyCodes(["EC_NG"])
    assert [codes.spelled(code) for code in ("EC_NG", "ec_ng", "XX")] == ["EC_NG", "EC_NG", "XX"]
    assert codes.respelled == {"ec_ng": "EC_NG"}


class _Group:
    def __init__(self, companies: Sequence[str]) -> None:
        self._companies = companies

    def rows(self, query: object) -> list[dict[str, Any]]:  # noqa: ARG002
        return [{"id_company": company} for company in self._companies]


def test_a_company_that_the_group_lists_twice_in_other_letters_is_in_scope_once() -> None:
    group = cast("Session", _Group(["ec_ng", "JD_GH", "EC_NG "]))
    assert companies_in_scope(group) == ["EC_NG", "JD_GH"]
    narrow = read_scope().narrowed(["ec_NG "], None)
    assert bound_parameters(group, narrow, CutoffMonth(2025, 9))["companies"] == ("EC_NG",)


@pytest.fixture(name="tables")
def _tables() -> SourceTables:
    return SourceTables()


def test_rows_in_other_letters_belong_to_the_company_in_file_totals_and_witnesses(
    tables: SourceTables,
) -> None:
    """`SourceTables.extract` holds the file to the source's own totals and witnesses, which group as it does."""
    for number, company in enumerate(("EC_NG", "ec_ng", "Ec_NG  ", "jd_gh", "xx_us"), start=1):
        item = {"ID_COMPANY": company, "COD_OMS_SALES_ORDER_ITEM": str(number), "IS_PREPAYMENT": True}
        dates = {"ORDER_CREATION_DATE": at("2025-09-01"), "FINANCE_VERIFIED_DATE": at("2025-09-01")}
        tables.put("RPT_SOI", item | dates | {"MTR_UNIT_PRICE": money("10")})
    rows = tables.extract("ipe_10")
    assert [row["id_company"] for row in rows] == ["EC_NG", "EC_NG", "EC_NG", "JD_GH"]


def test_a_join_finds_a_company_in_other_letters_within_and_across_databases(tables: SourceTables) -> None:
    entry = {"id_company": "ec_ng", "Entry No_": 1, "Posting Date": at("2025-09-01"), "Customer No_": "C1"}
    tables.put("Customer Ledger Entries", entry | {"Customer Posting Group": "NAT", "Busline Code": "B1"})
    detail = {"id_company": "EC_NG ", "Cust_ Ledger Entry No_": 1, "Posting Date": at("2025-09-01")}
    tables.put("Detailed Customer Ledg_ Entry", detail | {"Amount (LCY)": money("7")})
    tables.put("Customers", {"id_company": "Ec_Ng", "No_": "C1", "Name": "Ada"})
    tables.put(
        "Dim_Busline", {"Company_Code": "eC_nG ", "Busline_Code": "B1", "Busline_Vertical_Name_1": "Retail"}
    )
    (row,) = tables.extract("ipe_07")
    names = ("id_company", "company_country", "customer_name", "busline_vertical_1", "remaining_amount_lcy")
    assert [row[name] for name in names] == ["EC_NG", "NG", "Ada", "Retail", money("7")]


def test_two_ids_that_differ_only_in_case_stay_two_beside_it(tables: SourceTables) -> None:
    item = {"IS_PREPAYMENT": True, "ORDER_CREATION_DATE": at("2025-09-01"), "MTR_UNIT_PRICE": money("1")}
    for company, number in (("EC_NG", "a1"), ("ec_ng", "A1")):
        row = {"ID_COMPANY": company, "COD_OMS_SALES_ORDER_ITEM": number}
        tables.put("RPT_SOI", item | row | {"FINANCE_VERIFIED_DATE": at("2025-09-01")})
    assert set(by(tables.extract("ipe_10"), "order_item_id")) == {"a1", "A1"}


def test_a_company_that_leaves_capitals_in_one_table_gives_the_same_file(
    sample_books: Path, tmp_path: Path
) -> None:
    """And the log says which spellings came."""

    def lower(table: pa.Table) -> pa.Table:
        place = table.schema.get_field_index("id_company")
        return table.set_column(place, "id_company", pa.compute.utf8_lower(table["id_company"]))

    extract, month = read_catalog()["ipe_07"], CutoffMonth(2025, 9)
    as_it_is = extract_month(extract, SampleBooks(sample_books), read_scope(), month, tmp_path / "a.parquet")
    source = TamperedSource(SampleBooks(sample_books), {"ipe_07": lower})
    lowered = extract_month(extract, source, read_scope(), month, tmp_path / "b.parquet")
    assert lowered.written.sha256 == as_it_is.written.sha256
    assert all(validation.passed for validation in lowered.validations)
    assert len(pq.read_table(tmp_path / "b.parquet")) > 0
    (entry,) = (entry for entry in lowered.log if entry["event"].startswith("company codes"))
    assert entry["spelled"]["ec_ng"] == "EC_NG"
