"""Makes the pictures of the documentation from what people see: `make pictures`, which the tests do not do.

A month of the sample books is closed in the UI as the browser tests do it; then the UI, the report and, where
LibreOffice is installed, the workbook are pictured into docs/images.
"""

import shutil
import subprocess
import tempfile
from pathlib import Path

import openpyxl
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.pagebreak import ColBreak
from playwright.sync_api import Page, expect

from cpg1_assets.comments.open_items_sheet import HEADERS, NAME
from cpg1_assets.sample_books import make_sample_books
from cpg1_assets_tests.browser.chromium import chromium, visit
from cpg1_assets_tests.browser.dagster_pages import CLOSE_MONTH, launch, newest_run, outcome
from cpg1_assets_tests.browser.running_ui import RunningUi, running_ui

MONTH = "2025-09"
COMMENT = {
    "Comment": "Entered by hand; item 2 corrects it",
    "Owner": "A. Example",
    "Confirmed cause": "manual journal",
}
SHOWN_ITEMS = 20
IMAGES = Path(__file__).parents[2] / "docs" / "images"


def main() -> None:
    """Close the month and take every picture."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        place = Path(folder)
        make_sample_books(place / "books")
        with running_ui(place / "books", place) as ui, chromium() as browser:
            with visit(browser, width=1600, height=1000) as seen:
                launch(seen.page, f"{ui.address}{CLOSE_MONTH}", MONTH, "Launch 1 run")
                said = outcome(seen.page, newest_run(seen.page, ui.address))
                if said != "Success":
                    raise SystemExit(f"The month was not closed: {said}")
                _of_the_ui(seen.page, ui)
            with visit(browser, width=1280, height=1500) as seen:
                seen.page.goto(f"{ui.page_address}/reports/{MONTH}/C-PG-1-{MONTH}.html")
                seen.page.screenshot(path=IMAGES / "report.png")
            with visit(browser, width=390, height=1500) as seen:
                seen.page.goto(f"{ui.page_address}/reports/{MONTH}/C-PG-1-{MONTH}.html")
                seen.page.screenshot(path=IMAGES / "report-on-a-phone.png")
            _of_the_workbook(ui.home / "reports" / MONTH / f"C-PG-1-{MONTH}.xlsx", place)


def _of_the_ui(page: Page, ui: RunningUi) -> None:
    page.goto(f"{ui.address}/asset-groups")
    expect(page.get_by_text("evidence", exact=True).first).to_be_visible()
    page.get_by_text("View global asset lineage").or_(
        page.get_by_text("reconciliation", exact=True)
    ).first.wait_for()
    page.screenshot(path=IMAGES / "asset-graph.png")
    page.set_viewport_size({"width": 2000, "height": 1100})  # narrower, the last columns are out of sight
    page.goto(f"{ui.address}/assets/reconciliation?view=partitions&partition={MONTH}")
    expect(page.get_by_role("columnheader", name="threshold_usd").first).to_be_visible()
    page.screenshot(path=IMAGES / "reconciliation.png")
    page.set_viewport_size({"width": 1600, "height": 1000})
    page.goto(f"{ui.address}/assets/reconciliation?view=checks&checkDetail=voucher_liability_explained")
    expect(page.get_by_text("Open: ").first).to_be_visible()
    page.screenshot(path=IMAGES / "checks.png")


def _of_the_workbook(workbook: Path, place: Path) -> None:
    """Picture the sheet of open items up to the columns to fill in, with a comment, as LibreOffice shows it."""
    if shutil.which("soffice") is None or shutil.which("pdftoppm") is None:
        print("docs/images/workbook.png is left as it is: apt-get install libreoffice-calc poppler-utils")
        return
    book = openpyxl.load_workbook(workbook)
    for name in book.sheetnames:
        if name != NAME:
            del book[name]
    sheet = book[NAME]
    (titles,) = (row for row in sheet.iter_rows() if row[0].value == HEADERS[0])
    place_of = {cell.value: cell.column for cell in titles}
    for title, said in COMMENT.items():
        sheet.cell(titles[0].row + 1, place_of[title], said)
    sheet.print_area = f"A1:{get_column_letter(place_of['Confirmed cause'])}{titles[0].row + SHOWN_ITEMS}"
    sheet.col_breaks = ColBreak()  # on paper the columns to fill in are the second page's
    sheet.page_setup.fitToWidth = sheet.page_setup.fitToHeight = 1
    book.save(place / "workbook.xlsx")
    folder = str(place)
    for command in (
        ["soffice", f"-env:UserInstallation=file://{folder}/office", "--headless",
         "--convert-to", "pdf", "--outdir", folder, f"{folder}/workbook.xlsx"],
        ["pdftoppm", "-png", "-singlefile", "-r", "150", "-W", "1754", "-H", "620",
         f"{folder}/workbook.pdf", str(IMAGES / "workbook")],
    ):  # fmt: skip
        subprocess.run([str(part) for part in command], check=True, capture_output=True)


if __name__ == "__main__":
    main()
