"""How a person drives Dagster's pages: by what stands on a button or a tab, never by classes or places in the page.

Written against Dagster 1.13.27. Nothing sleeps: Playwright waits until what is named is there.
"""

import re
from collections.abc import Iterable

from playwright.sync_api import Page, expect

CLOSE_MONTH = "/locations/cpg1_assets/jobs/close_month"
LONG_MILLISECONDS = 240_000
"""How long a run may take on a machine that has other things to do."""
_OVER = re.compile("^(Success|Failure|Canceled)$")

Row = dict[str, str]


def launch(page: Page, address: str, months: str, button: str) -> None:
    """Materialize what the page at `address` shows for `months` (a month, or a range); the dialog's `button` does it."""
    page.goto(address)
    page.get_by_role("button", name="Materialize").first.click()
    dialog = page.get_by_role("dialog")
    chosen = dialog.get_by_role("textbox").first
    chosen.fill(months)
    chosen.press("Tab")
    dialog.get_by_role("button", name=button, exact=True).click()
    expect(dialog).to_be_hidden(timeout=LONG_MILLISECONDS)


def newest_run(page: Page, ui: str, other_than: str | None = None) -> str:
    """Give the address of the newest run once it is another one than `other_than`."""
    page.goto(f"{ui}/runs")
    newest = page.get_by_role("link", name="View", exact=True).first
    newest.wait_for()
    if other_than is not None:
        expect(newest).not_to_have_attribute("href", other_than.removeprefix(ui))
    return f"{ui}{newest.get_attribute('href')}"


def outcome(page: Page, run: str) -> str:
    """Open a run, wait until it is over, and give what its page says came of it."""
    page.goto(run)
    over = page.get_by_text(_OVER).first
    over.wait_for(timeout=LONG_MILLISECONDS)
    return over.inner_text()


def table(page: Page, *columns: str) -> list[Row]:
    """Give the rows of the table on the page that has just these columns, in whatever order it has them."""
    for column in columns:
        page.get_by_role("columnheader", name=column, exact=True).first.wait_for()
    shown: list[list[list[str]]] = page.locator("table").evaluate_all(
        "tables => tables.map(table => [...table.rows].map(row => [...row.cells].map(cell => cell.innerText.trim())))"
    )
    (found,) = [rows for rows in shown if set(rows[0]) == set(columns)]
    return [dict(zip(found[0], row, strict=True)) for row in found[1:]]


def re_execute_from_failure(page: Page) -> str:
    """Choose "From failure" beside the button that re-executes the failed run whose page is open; give the new run."""
    failed = page.url
    page.get_by_role("button", name="arrow_drop_down").click()
    page.get_by_role("menuitem", name="From failure").click()
    page.wait_for_url(lambda url: "/runs/" in url and url != failed)
    return page.url


def terminate(page: Page, run: str) -> str:
    """Terminate a run that is not over, and give what its page says came of it."""
    page.goto(run)
    page.get_by_role("button", name="Terminate").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Terminate 1 run", exact=True).click()
    dialog.get_by_role("button", name="Done", exact=True).click()
    return outcome(page, run)


def newest_backfill(page: Page, ui: str, months: Iterable[str]) -> dict[str, str]:
    """Open the newest backfill, wait until each of `months` has a run, and give the runs there are by their month."""
    page.goto(f"{ui}/runs?view=backfills")
    page.get_by_role("link", name="View", exact=True).first.click()
    page.get_by_role("tab", name="Runs").click()
    for month in months:
        page.get_by_text(f"partition: {month}", exact=True).wait_for(timeout=LONG_MILLISECONDS)
    # What is nearest to a run's tag and has a link to one run is the run's own line.
    lines = page.get_by_text(re.compile(r"^partition: ")).locator(
        "xpath=ancestor::*[.//a[normalize-space()='View']][1]"
    )
    return {
        line.get_by_text(re.compile(r"^partition: ")).inner_text().removeprefix("partition: "):
        f"{ui}{line.get_by_role('link', name='View', exact=True).get_attribute('href')}"
        for line in lines.all()
    }  # fmt: skip
