"""A headless Chromium, the one of the system, and what a page does in it that nobody sees: errors and requests.

How Dagster's pages are driven is in `dagster_pages`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

from cpg1_assets_tests import required

Scheme = Literal["light", "dark"]
_OPTIONS = (
    "--no-sandbox",  # in a container the tests are root, for whom Chromium has no sandbox
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-gpu",
)  # fmt: skip
_SCALE = 2
_SLOW_MILLISECONDS = 90_000


@dataclass
class Visit:
    """A page that is open, with what it reported as an error and what it asked of other machines."""

    page: Page
    errors: list[str] = field(default_factory=list)
    asked_outside: list[str] = field(default_factory=list)

    @property
    def too_wide(self) -> int:
        """By how many pixels the page itself is wider than its window; what scrolls within it does not count."""
        wider: int = self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        return max(wider, 0)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start Chromium. Nothing is downloaded: Playwright drives what is on PATH."""
    expect.set_options(timeout=_SLOW_MILLISECONDS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=required.browser(), args=_OPTIONS)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def visit(
    browser: Browser, *, width: int = 1280, height: int = 900, scheme: Scheme = "light", for_print: bool = False,
    bypass_csp: bool = False,
) -> Iterator[Visit]:  # fmt: skip
    """Open an empty page of this width. `for_print` draws it sharp; `bypass_csp` lets axe into a page that bars scripts."""
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, bypass_csp=bypass_csp, locale="en-GB",
        timezone_id="UTC", device_scale_factor=_SCALE if for_print else 1,
    )  # fmt: skip
    context.set_default_timeout(_SLOW_MILLISECONDS)
    context.set_default_navigation_timeout(_SLOW_MILLISECONDS)
    seen = Visit(context.new_page())
    seen.page.on("console", lambda said: seen.errors.append(said.text) if said.type == "error" else None)
    seen.page.on("pageerror", lambda error: seen.errors.append(str(error)))
    seen.page.on("request", lambda asked: _note_outside(seen, asked.url))
    try:
        yield seen
    finally:
        context.close()


def barriers(page: Page) -> list[str]:
    """Give what axe finds of impact serious or critical: the rule, the element, and what is wrong with it.

    axe loads style sheets anew to read them where `preload` is on, which a page on the disk may not.
    """
    found: list[dict[str, Any]] = Axe().run(
        page, options={"preload": False, "resultTypes": ["violations"], "iframes": False}
    ).response["violations"]  # fmt: skip
    return [
        f"{violation['id']}: {node['html'][:160]}: {node['failureSummary']}"
        for violation in found
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
    ]


def _note_outside(seen: Visit, url: str) -> None:
    address = urlsplit(url)
    if address.scheme in ("http", "https", "ws", "wss") and address.hostname not in (
        "127.0.0.1",
        "localhost",
    ):
        seen.asked_outside.append(url)
