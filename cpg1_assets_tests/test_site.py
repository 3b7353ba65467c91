"""The site of the docs: it builds with every link, and is read without a network."""

import re
from pathlib import Path

import pytest

from cpg1_assets_tests.building import ROOT, build, sources
from cpg1_assets_tests.required import SITE, require

_LOADS = re.compile(r"<(?:script|img|iframe|source)\b[^>]*\bsrc=\"([^\"]+)\"|<link\b[^>]*\bhref=\"([^\"]+)\"")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a copy of what the site is made of."""
    require(SITE)
    return sources(tmp_path_factory.mktemp("site"))


def test_the_site_builds_with_every_link_and_anchor_and_needs_no_network(folder: Path) -> None:
    done = build(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    built = {
        path.relative_to(folder / "site").with_suffix(".md") for path in (folder / "site").rglob("*.html")
    }
    assert {path.relative_to(ROOT / "docs") for path in (ROOT / "docs").rglob("*.md")} <= built
    for path in (folder / "site").rglob("*.html"):
        loaded = [script or link for script, link in _LOADS.findall(path.read_text(encoding="utf-8"))]
        # The page for an address that is not there is served, and so names its files from the root.
        assert [url for url in loaded if not (path.parent / url).exists() and path.name != "404.html"] == []
        assert [url for url in loaded if re.match(r"(?:https?:)?//", url)] == []


def test_links_that_lead_nowhere_fail_the_build(folder: Path) -> None:
    page = folder / "docs" / "control.md"
    text = page.read_text(encoding="utf-8")
    page.write_text(f"{text}\n[x](not-there.md)\n\n[x](rules.md#not-there)\n", encoding="utf-8")
    done = build(folder)
    page.write_text(text, encoding="utf-8")
    assert done.returncode != 0
    assert [what for what in ("page", "anchor") if f"{what} does not exist" not in done.stderr] == []


def test_every_page_stands_in_the_navigation() -> None:
    named = re.findall(r"\"([\w/-]+\.md)\"", (ROOT / "zensical.toml").read_text(encoding="utf-8"))
    assert sorted(named) == sorted(
        str(path.relative_to(ROOT / "docs")) for path in (ROOT / "docs").rglob("*.md")
    )
