"""Sealed data as text ties to the seal and adds up to the sealed frames, whatever is in its texts."""

import csv
import json
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import pytest

from cpg1_assets.deliverables.audit_data_standard import FILES, GL_DETAIL, TRIAL_BALANCE
from cpg1_assets.deliverables.closed_month import ClosedMonth, closed_month
from cpg1_assets.deliverables.data_files import BYTE_ORDER_MARK, write_ads, write_csv
from cpg1_assets.disk import sha256_of
from cpg1_assets.errors import EvidenceError
from cpg1_assets.extracts.catalog import read_catalog
from cpg1_assets.home import Home
from cpg1_assets.month import CutoffMonth
from cpg1_assets_tests.closing import Closed
from cpg1_assets_tests.deliverables.hand_sealed import RATE, hand_sealed, red_month
from cpg1_assets_tests.explaining.stored_month import COMPANY

GL, TB = "GL_Detail_20250101_20250930.txt", "Trial_Balance_20250101_20250930.txt"
ENTRY = {
    "id_company": COMPANY, "entry_no": 1, "gl_account_no": "1300301 ", "group_coa_account_no": "13003  ",
    "posting_date": "2024-12-31", "document_no": "D-1", "remaining_amount": "1", "entry_type": "Other",
}  # fmt: skip
AWKWARD = ("a|b", 'he said "no"', "two\nlines", "=1+1", "", " blanks ", "ü€\U0001d518", "'", "\\N", "NULL")


@pytest.fixture(scope="module")
def month(closed: Closed) -> ClosedMonth:
    return closed_month(Home(closed.settings).evidence_folder, CutoffMonth.parse(closed.month))


@pytest.fixture(scope="module")
def ads(month: ClosedMonth, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("data") / "ads"
    write_ads(month, out)
    return out


def lines_of(path: Path, delimiter: str = "|") -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, delimiter=delimiter))


def sums(
    rows: list[dict[str, Any]], *by: str, of: str, sign: str | None = None
) -> dict[tuple[str, ...], Decimal]:
    found: dict[tuple[str, ...], Decimal] = defaultdict(Decimal)
    for row in rows:
        amount = Decimal(row[of] or 0)
        found[tuple(str(row[name]).rstrip(" ") for name in by)] += (
            -amount if sign and row[sign] == "C" else amount
        )
    return dict(found)


def test_the_entries_add_up_to_the_sealed_ledger_by_company_and_account(
    month: ClosedMonth, ads: Path
) -> None:
    entries, written = month.rows("cr_03"), lines_of(ads / GL)
    assert len(written) == len(entries)
    assert list(written[0]) == [field.name for field in GL_DETAIL.fields]
    assert sums(
        written, "Business_Unit_Code", "GL_Account_Number", of="Amount", sign="Amount_Credit_Debit_Indicator"
    ) == sums(entries, "id_company", "group_coa_account_no", of="amount")
    assert {line["Amount"][:1] for line in written}.isdisjoint({"-", "+", ""})
    keys = {(line["Business_Unit_Code"], line["Journal_ID_Line_Number"]) for line in written}
    assert len(keys) == len(written)


def test_the_balances_are_those_of_the_sealed_trial_balance_on_both_days(
    month: ClosedMonth, ads: Path
) -> None:
    balances, written = month.rows("cr_04"), lines_of(ads / TB)
    assert list(written[0]) == [field.name for field in TRIAL_BALANCE.fields]
    cutoff = month.month.cutoff_date
    for field, rows in (
        ("Amount_Ending", [row for row in balances if row["closing_date"] == cutoff]),
        ("Amount_Beginning", [row for row in balances if row["closing_date"] != cutoff]),
    ):
        by = sums(written, "Business_Unit_Code", "GL_Account_Number", of=field)
        sealed = sums(rows, "id_company", "group_coa_account_no", of="balance_at_date")
        assert {key: amount for key, amount in by.items() if amount} == {
            key: amount for key, amount in sealed.items() if amount
        }
        assert any(sealed.values())
    assert {line["Balance_As_Of_Date"] for line in written} == {"20250930"}
    assert {line["Amount_Currency"] for line in written if line["Business_Unit_Code"] == "EC_NG"} == {"NGN"}
    keys = [
        (*(line[f"Segment0{n}"] for n in range(1, 6)), line["Business_Unit_Code"], line["GL_Account_Number"])
        for line in written
    ]
    assert len(set(keys)) == len(keys)


def test_fields_that_the_extracts_have_nothing_for_are_empty_and_said_to_be(ads: Path) -> None:
    for file, name in zip(FILES, (GL, TB), strict=True):
        written = lines_of(ads / name)
        for field in file.fields:
            is_empty = all(line[field.name] == "" for line in written)
            assert field.holds.startswith("empty: ") == (field.sql is None), field.name
            assert is_empty or field.sql is not None, field.name


def test_every_file_is_tied_to_the_seal_by_digests(month: ClosedMonth, ads: Path) -> None:
    said = json.loads((ads / "digests.json").read_text(encoding="utf-8"))
    assert said["seal_sha256"] == sha256_of(month.sealed.folder / "seal.json")
    assert (said["link_digest"], said["head"], said["books"]) == (
        month.sealed.link.digest, month.head, "SAMPLE BOOKS",
    )  # fmt: skip
    assert said["files"].keys() == {path.name for path in ads.iterdir()} - {"digests.json"} == {GL, TB}
    for name, file in said["files"].items():
        assert (file["sha256"], file["size_bytes"]) == (sha256_of(ads / name), (ads / name).stat().st_size)
        assert file["frame_sha256"] == month.sealed.content[file["frame"]]
        assert file["rows"] == len(lines_of(ads / name))


def test_the_same_seal_gives_the_same_bytes(month: ClosedMonth, ads: Path, tmp_path: Path) -> None:
    write_ads(month, tmp_path / "again")
    for path in ads.iterdir():
        assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes(), path.name


@pytest.fixture(scope="module")
def awkward(tmp_path_factory: pytest.TempPathFactory) -> ClosedMonth:
    """Seal entries with texts that a delimiter, a quote or a spreadsheet would trip over, and amounts that are none."""
    rows = [
        ENTRY | {"entry_no": number, "document_description": text, "amount": amount}
        for number, (text, amount) in enumerate(
            zip((*AWKWARD, None), ("-0.0001", "0", None, *["99999999999999999999.9999"] * 8), strict=True)
        )
    ]
    frames = red_month(cr_03=rows, cr_05=[RATE])
    return hand_sealed(tmp_path_factory.mktemp("awkward") / "evidence", frames)


def test_no_text_breaks_a_line_and_no_digit_is_lost(awkward: ClosedMonth, tmp_path: Path) -> None:
    said = write_ads(awkward, tmp_path / "ads")
    written = lines_of(tmp_path / "ads" / GL)
    assert [line["JE_Header_Description"] for line in written] == [*AWKWARD, ""]
    assert [(line["Amount"], line["Amount_Credit_Debit_Indicator"]) for line in written[:4]] == [
        ("0.0001", "C"), ("0.0000", "D"), ("", ""), ("99999999999999999999.9999", "D"),
    ]  # fmt: skip
    first = written[0]
    assert (first["Effective_Date"], first["Fiscal_Year"], first["Period"]) == ("20241231", "2024", "M12")
    assert (first["GL_Account_Number"], first["Segment01"]) == ("13003", "1300301")
    assert said["files"][GL]["texts_a_spreadsheet_would_run"] == 1


def test_plain_csv_is_read_back_as_the_sealed_frame(awkward: ClosedMonth, tmp_path: Path) -> None:
    write_csv(awkward, ["cr_03"], tmp_path / "csv")
    path = tmp_path / "csv" / "cr_03.csv"
    assert path.read_bytes().startswith(BYTE_ORDER_MARK + b"id_company,company_country,")
    schema = read_catalog()["cr_03"].contract.arrow_schema
    read = pa_csv.read_csv(
        path,
        parse_options=pa_csv.ParseOptions(newlines_in_values=True),
        convert_options=pa_csv.ConvertOptions(
            column_types={field.name: field.type for field in schema},
            null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=False,
        ),
    )  # fmt: skip
    sealed = awkward.dataset("cr_03").to_table()
    assert read.cast(pa.schema([f.with_nullable(True) for f in schema])).to_pylist() == sealed.to_pylist()


def test_a_frame_that_was_not_sealed_is_named_and_nothing_is_left(
    awkward: ClosedMonth, tmp_path: Path
) -> None:
    with pytest.raises(
        EvidenceError, match=r"\.\./x: no such frame was sealed with version 001 of 2025-09. There are: "
    ):
        write_csv(awkward, ["cr_03", "../x"], tmp_path / "csv")
    path = awkward.sealed.folder / "data" / "cr_03.parquet"
    content = path.read_bytes()
    path.write_bytes(content[:-1] + b" ")
    try:
        with pytest.raises(EvidenceError, match="is not the file that was sealed"):
            write_csv(awkward, ["cr_05", "cr_03"], tmp_path / "csv")
    finally:
        path.write_bytes(content)
    assert list(tmp_path.iterdir()) == []
