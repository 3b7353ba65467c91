"""LibreOffice opens the workbook, computes each formula anew, comes to what is stored, and what it saves comes back."""

import shutil
import subprocess
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from cpg1_assets.deliverables.workbook import write_workbook
from cpg1_assets_tests import required
from cpg1_assets_tests.deliverables.opened import Opened
from cpg1_assets_tests.deliverables.sealed_by_hand import comment, item, line
from cpg1_assets_tests.deliverables.test_workbook_book import AWKWARD
from cpg1_assets_tests.deliverables.test_workbook_comes_back import AT, Desk, month_of, said

_ALWAYS_COMPUTE = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
<item oor:path="/org.openoffice.Office.Calc/Formula/Load">
<prop oor:name="OOXMLRecalcMode" oor:op="fuse"><value>0</value></prop></item>
</oor:items>
"""
"""LibreOffice's own setting: stored results of .xlsx are not believed."""
Difference = tuple[str, str, Any, Any]
COMPANIES = ["EC_NG", "=HF", "+A", "*", "A?", "1.5", "TRUE", "<5", "O'Neil & <b>", "سوق", "2025-09-01"]


@dataclass(frozen=True)
class Saved:
    """Workbooks as they were given out, and as LibreOffice saved them."""

    given_out: Path
    saved: Path
    desk: Desk

    def differing(self, name: str) -> list[Difference]:
        """Give each cell of which LibreOffice shows anything else than was stored."""
        one, other = (
            openpyxl.load_workbook(place / name, data_only=True) for place in (self.given_out, self.saved)
        )
        assert other.sheetnames == one.sheetnames
        return [
            (sheet.title, cell.coordinate, cell.value, now)
            for sheet in one
            for row in sheet.iter_rows()
            for cell in row
            if (now := other[sheet.title][cell.coordinate].value) != cell.value
        ]


def _comment_on_an_item(sheet: Worksheet) -> None:
    (row,) = [cell.row for cell in sheet["D"] if cell.value == "i000"]
    for name, text in (("comment", "two\nlines"), ("owner", "Ann")):
        sheet.cell(row, AT[name]).value = text


@pytest.fixture(scope="module")
def saved(opened: Opened, tmp_path_factory: pytest.TempPathFactory) -> Saved:
    required.require(required.LIBREOFFICE)
    place = tmp_path_factory.mktemp("libreoffice")
    given_out = place / "out"
    given_out.mkdir()
    shutil.copy(opened.path, given_out / "ordinary.xlsx")
    lines = [line(company, "customer_ar", "0.3", "0") for company in COMPANIES]
    items = [
        item(company, "customer_ar", f"i{at:02d}{number}", "0.1", description=text, reference=text)
        for at, (company, text) in enumerate(zip(COMPANIES * 2, AWKWARD, strict=False))
        for number in range(3 if at < len(COMPANIES) else 0)
    ]
    items += [
        item("EC_NG", "voucher_liability", f"t{at:02d}", "0", description=t) for at, t in enumerate(AWKWARD)
    ]
    items.append(item("EC_NG", "customer_ar", "large", "900"))
    lines[0] = line("EC_NG", "customer_ar", "900.3", "0")
    month = month_of(place / "month", items, [comment("i000", "said")], lines=lines)
    write_workbook(month, given_out / "awkward.xlsx")
    desk = Desk(place / "desk", month)
    desk.place.mkdir()
    (given_out / "written.xlsx").write_bytes(desk.edited(_comment_on_an_item))
    with (
        zipfile.ZipFile(given_out / "awkward.xlsx") as whole,
        zipfile.ZipFile(given_out / "wrong.xlsx", "w") as wrong,
    ):
        for name in whole.namelist():
            content = whole.read(name)
            if name.endswith("/sheet1.xml"):
                assert b"</f><v>900.3</v>" in content
                content = content.replace(b"</f><v>900.3</v>", b"</f><v>900.4</v>")
            wrong.writestr(name, content)
    profile = place / "profile" / "user" / "registrymodifications.xcu"
    profile.parent.mkdir(parents=True)
    profile.write_text(_ALWAYS_COMPUTE)
    command = [
        str(required.libreoffice()), f"-env:UserInstallation=file://{place}/profile", "--headless", "--convert-to",
        "xlsx:Calc MS Excel 2007 XML", "--outdir", str(place / "saved"), *map(str, sorted(given_out.iterdir())),
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    return Saved(given_out, place / "saved", desk)


def figures(found: list[Difference]) -> list[Difference]:
    """Leave out texts: how a library of Python unescapes them says nothing of the control."""
    return [each for each in found if not isinstance(each[2], str)]


def test_every_formula_comes_to_its_stored_result(saved: Saved) -> None:
    assert saved.differing("ordinary.xlsx") == []


def test_a_wrong_result_would_be_found(saved: Saved) -> None:
    assert {(was, now) for *_, was, now in figures(saved.differing("wrong.xlsx"))} == {(900.4, 900.3)}


def test_awkward_names_are_added_up_and_counted_as_well(saved: Saved) -> None:
    assert figures(saved.differing("awkward.xlsx")) == []


def test_what_libreoffice_saves_comes_back(saved: Saved) -> None:
    saved.desk.put((saved.saved / "written.xlsx").read_bytes())
    assert said(saved.desk.read()) == [("i000", "two\nlines", "Ann", None)]
