"""The JDash files of a month: what is used, what is missing, what is a problem by name."""

from decimal import Decimal
from pathlib import Path

import pytest

from cpg1_assets.jdash.month import JDASH, JdashMonth, companies_without_file, read_jdash
from cpg1_assets.month import CutoffMonth
from cpg1_assets_tests.inbox.workbooks import ods, ods_number, ods_row

MONTH = CutoffMonth.parse("2025-09")
COMPANIES = ["JD_GH", "EC_NG"]
GOOD = b"Voucher Id,Amount Used\n2,2.50\n10,1.50\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make the month's folder in the inbox."""
    folder = tmp_path / "jdash" / "2025-09"
    folder.mkdir(parents=True)
    return folder


def read(folder: Path, companies: list[str] = COMPANIES, known: list[str] | None = None) -> JdashMonth:
    return read_jdash(folder.parent.parent, MONTH, companies, known)


def test_the_files_of_a_month_are_one_frame_sorted_by_code_point(folder: Path) -> None:
    (folder / "JD_GH.csv").write_bytes(GOOD)
    (folder / "EC_NG.csv").write_bytes(GOOD)
    month = read(folder)
    assert month.table.schema == JDASH.arrow_schema
    assert month.table.to_pylist() == [
        {
            "id_company": company,
            "voucher_id": voucher,
            "amount_used": Decimal(amount),
            "source_file": f"{company}.csv",
        }
        for company in ("EC_NG", "JD_GH")
        for voucher, amount in (("10", "1.5000"), ("2", "2.5000"))
    ]
    assert (month.problems, month.missing) == ((), ())
    assert month.read == {"EC_NG": folder / "EC_NG.csv", "JD_GH": folder / "JD_GH.csv"}
    assert month.sources == ((folder / "EC_NG.csv", GOOD), (folder / "JD_GH.csv", GOOD))


def test_without_a_folder_all_companies_are_missing(tmp_path: Path) -> None:
    month = read_jdash(tmp_path, MONTH, COMPANIES)
    assert month.missing == ("JD_GH", "EC_NG")
    assert month.problems == ()
    assert month.table.schema == JDASH.arrow_schema
    assert month.table.num_rows == 0


def test_a_company_is_without_a_file_where_none_is_named_after_it_whatever_is_in_the_others(
    folder: Path,
) -> None:
    inbox = folder.parent.parent
    assert companies_without_file(inbox, MONTH, COMPANIES) == ("JD_GH", "EC_NG")
    (folder / "ec_ng .XLSX").write_bytes(b"no workbook")
    (folder / "JD_GH.txt").write_bytes(GOOD)
    assert companies_without_file(inbox, MONTH, COMPANIES) == ("JD_GH",)


def test_a_folder_that_is_a_file_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "jdash").mkdir()
    (tmp_path / "jdash" / "2025-09").write_bytes(GOOD)
    month = read_jdash(tmp_path, MONTH, COMPANIES)
    assert month.missing == ("JD_GH", "EC_NG")
    assert [problem.file for problem in month.problems] == ["2025-09"]


def test_a_file_that_cannot_be_read_stops_its_company_only_and_is_kept(folder: Path) -> None:
    bad = b'id,amount\n1,"1,234"\n'
    (folder / "EC_NG.csv").write_bytes(bad)
    (folder / "JD_GH.csv").write_bytes(GOOD)
    month = read(folder)
    assert month.missing == ("EC_NG",)
    assert set(month.table["id_company"].to_pylist()) == {"JD_GH"}
    (problem,) = month.problems
    assert (problem.id_company, problem.file) == ("EC_NG", "EC_NG.csv")
    assert problem.message.startswith("EC_NG.csv, row 2, column \"amount\": '1,234' could be 1234 or 1.234.")
    assert (folder / "EC_NG.csv", bad) in month.sources


def test_a_spreadsheet_of_another_kind_is_read_under_its_own_ending(folder: Path) -> None:
    rows = ods_row("id", "amount") + ods_row("0012", ods_number(1.5, "1.50"))
    (folder / "EC_NG.ods").write_bytes(ods(rows))
    (folder / "JD_GH.xls").write_bytes(
        b"<table><tr><td>id</td><td>amount</td></tr><tr><td>7</td><td>2.50</td></tr></table>"
    )
    month = read(folder)
    assert month.problems == ()
    assert month.table.select(["voucher_id", "source_file"]).to_pylist() == [
        {"voucher_id": "0012", "source_file": "EC_NG.ods"},
        {"voucher_id": "7", "source_file": "JD_GH.xls"},
    ]


def test_the_currency_of_each_company_is_the_one_its_files_are_in(folder: Path) -> None:
    for company in COMPANIES:
        (folder / f"{company}.csv").write_bytes("id,amount\n1,₦1.50\n".encode())
    month = read_jdash(folder.parent.parent, MONTH, COMPANIES, None, {"EC_NG": "NGN", "JD_GH": "GHS"})
    assert list(month.read) == ["EC_NG"]
    (problem,) = month.problems
    assert problem.id_company == "JD_GH"
    assert "the amount is in NGN, the company keeps its books in GHS" in problem.message


def test_a_file_without_voucher_rows_is_missing_and_a_problem(folder: Path) -> None:
    (folder / "EC_NG.csv").write_bytes(b"id,amount\n")
    month = read(folder, ["EC_NG"])
    assert month.missing == ("EC_NG",)
    assert "no voucher rows" in month.problems[0].message


@pytest.mark.parametrize("other", ["EC_NG.xlsx", "ec_ng.csv", " EC_NG .csv", "EC_NG.CSV"])
def test_two_files_of_one_company_are_a_problem_and_none_is_used(folder: Path, other: str) -> None:
    (folder / "EC_NG.csv").write_bytes(GOOD)
    (folder / other).write_bytes(GOOD)
    month = read(folder, ["EC_NG"])
    assert month.missing == ("EC_NG",)
    assert month.table.num_rows == 0
    assert "are both files of EC_NG" in month.problems[0].message
    assert len(month.sources) == 2


def test_one_file_may_be_written_in_another_case(folder: Path) -> None:
    (folder / "ec_ng.CSV").write_bytes(GOOD)
    month = read(folder, ["EC_NG"])
    assert month.table["id_company"].unique().to_pylist() == ["EC_NG"]
    assert month.table["source_file"].unique().to_pylist() == ["ec_ng.CSV"]


def test_a_file_of_a_known_company_that_is_not_asked_for_is_left_alone(folder: Path) -> None:
    (folder / "EC_NG.csv").write_bytes(GOOD)
    (folder / "JD_GH.csv").write_bytes(b"\0")
    (folder / "JD_GH.txt").write_bytes(b"\0")
    month = read(folder, ["EC_NG"], COMPANIES)
    assert (month.problems, month.missing) == ((), ())
    assert list(month.read) == ["EC_NG"]
    assert len(month.sources) == 1


@pytest.mark.parametrize("name", ["XX_YY.csv", "EC_NG (1).csv", "EC_NG.csv.xlsx", "README.md", "old"])
def test_a_file_of_no_known_company_is_a_problem_that_stops_no_other(folder: Path, name: str) -> None:
    (folder / "EC_NG.csv").write_bytes(GOOD)
    (folder / name).write_bytes(GOOD)
    month = read(folder, ["EC_NG"])
    assert month.missing == ()
    assert [(problem.id_company, problem.file) for problem in month.problems] == [(None, name)]
    assert "names no company in scope" in month.problems[0].message


@pytest.mark.parametrize("name", ["EC_NG.txt", "EC_NG.xls", "EC_NG.xlsm", "EC_NG"])
def test_a_file_of_another_kind_is_a_problem_of_its_company(folder: Path, name: str) -> None:
    (folder / name).write_bytes(GOOD)
    month = read(folder, ["EC_NG"])
    assert month.missing == ("EC_NG",)
    assert [(problem.id_company, problem.file) for problem in month.problems] == [("EC_NG", name)]


@pytest.mark.parametrize(
    "name", [".DS_Store", ".EC_NG.csv", "~$EC_NG.xlsx", ".~lock.EC_NG.csv#", "Thumbs.db"]
)
def test_what_is_certainly_not_data_is_ignored(folder: Path, name: str) -> None:
    (folder / name).write_bytes(b"\0")
    month = read(folder, ["EC_NG"])
    assert month.problems == ()
    assert month.missing == ("EC_NG",)


def test_a_link_to_a_file_is_read_and_a_link_to_nothing_or_a_folder_is_a_problem(folder: Path) -> None:
    (folder.parent / "export.csv").write_bytes(GOOD)
    (folder / "EC_NG.csv").symlink_to(folder.parent / "export.csv")
    (folder / "JD_GH.csv").symlink_to(folder.parent / "nowhere.csv")
    (folder / "EC_KE.csv").mkdir()
    month = read(folder, ["EC_NG", "JD_GH", "EC_KE"])
    assert list(month.read) == ["EC_NG"]
    assert month.missing == ("JD_GH", "EC_KE")
    assert [problem.file for problem in month.problems] == ["EC_KE.csv", "JD_GH.csv"]
