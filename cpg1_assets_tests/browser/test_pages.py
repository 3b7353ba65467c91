"""Report, documentation and the page beside the UI are read on a desk and on a phone, in light and dark, by anybody.

Each page is as wide as its window, reports no error, asks nothing of another machine, and axe finds no serious barrier.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from cpg1_assets_tests.browser.chromium import Scheme, barriers, chromium, visit
from cpg1_assets_tests.building import build, sources
from cpg1_assets_tests.closing import Closed
from cpg1_assets_tests.required import CHROMIUM, SITE, require
from cpg1_assets_tests.served.serving import serving

# Colours do not depend on the width, nor what scrolls on the colours: these two see everything.
WINDOWS: Sequence[tuple[int, Scheme]] = ((1280, "light"), (390, "dark"))
EXAMINED = ("index", "commands", "reconciliation", "rules")
"""Pages of the docs that axe examines: between them they have whatever the others have."""

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    require(CHROMIUM)
    with chromium() as browser:
        yield browser


@pytest.mark.parametrize(("width", "scheme"), WINDOWS)
def test_the_report_and_the_page_that_leads_to_it(
    browser: Browser, closed: Closed, width: int, scheme: Scheme
) -> None:
    with (
        serving(closed.settings) as port,
        visit(browser, width=width, scheme=scheme) as seen,
        # What is served bars every script, axe as well: it examines the same page with that guard off.
        visit(browser, width=width, scheme=scheme, bypass_csp=True) as examined,
    ):
        seen.page.goto(f"http://127.0.0.1:{port}/")
        for name in (None, closed.month, f"C-PG-1-{closed.month}.html"):
            if name is not None:
                seen.page.get_by_role("link", name=name, exact=True).click()
            assert seen.too_wide == 0
            examined.page.goto(seen.page.url)
            assert barriers(examined.page) == []
        assert seen.page.get_by_role("heading", level=1).inner_text() == "C-PG-1, September 2025"
        assert (seen.errors, seen.asked_outside) == ([], [])


@pytest.mark.parametrize(("width", "scheme"), WINDOWS)
def test_the_documentation_from_the_disk(browser: Browser, site: Path, width: int, scheme: Scheme) -> None:
    pages = [page for page in sorted(site.glob("*.html")) if page.name != "404.html"]
    assert {page.stem for page in pages} >= set(EXAMINED)
    with visit(browser, width=width, scheme=scheme) as seen:
        for page in pages:
            seen.page.goto(page.as_uri())
            assert (page.stem, seen.too_wide) == (page.stem, 0)
            if page.stem in EXAMINED:
                assert barriers(seen.page) == []
            assert (page.stem, seen.errors, seen.asked_outside) == (page.stem, [], [])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the site of the docs."""
    require(SITE)
    folder = sources(tmp_path_factory.mktemp("site"))
    assert build(folder).returncode == 0
    return folder / "site"
