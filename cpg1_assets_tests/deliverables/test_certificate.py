"""A signed month has a certificate of one sheet that says what the seal and the chain say; no other month has one."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser

from cpg1_assets.deliverables.certificate import certificate_html
from cpg1_assets.deliverables.closed_month import ClosedMonth, closed_month
from cpg1_assets.deliverables.workpaper_index import index_html
from cpg1_assets.deliverables.written import written_in
from cpg1_assets.errors import EvidenceError
from cpg1_assets.evidence.audit.verify import verify
from cpg1_assets.evidence.chain.links import anchor_of
from cpg1_assets.evidence.chain.seal import SealResult
from cpg1_assets.evidence.chain.sign_off import LONGEST_NAME, sign_off
from cpg1_assets.evidence.chain.signing import make_key
from cpg1_assets_tests.browser.chromium import barriers, chromium, visit
from cpg1_assets_tests.deliverables.hand_sealed import MONTH, RATE, red_month, seal_by_hand
from cpg1_assets_tests.deliverables.page import parsed
from cpg1_assets_tests.evidence.chain.signing import reopened
from cpg1_assets_tests.explaining.stored_month import reconciled
from cpg1_assets_tests.required import CHROMIUM, require
from cpg1_assets_tests.rules.rows import LINES

AT = "2025-11-28T18:00:00+00:00"
PLANTED = {
    "asset": "control_effectiveness", "check": "every_planted_fault_found", "severity": "ERROR", "passed": True,
    "tested": True, "figures": '{"planted": 41, "detected": 40, "missed": 1, "false_alarms": 2}',
}  # fmt: skip
FAILED = {
    "asset": "gl_roll_forward", "check": "ties_out", "severity": "WARN", "passed": False, "tested": True, "figures": "{}",
}  # fmt: skip


def sign(evidence: Path, role: Literal["preparer", "reviewer"], name: str, **more: Any) -> None:  # noqa: ANN401
    asked = {"items": {"i1aa": "posted since"}} if role == "preparer" else {}
    sign_off(
        evidence,
        MONTH.key,
        role=role,
        name=name,
        comment="agreed",
        problems_of=lambda *_: [],
        **(asked | more),
    )


def signed(evidence: Path, **more: Any) -> SealResult:  # noqa: ANN401
    """Seal a month by hand and have it signed."""
    # A check that is asked company by company is one check.
    of_companies = [{**FAILED, "id_company": company} for company in (None, "EC_NG", "EC_KE")]
    sealed = seal_by_hand(evidence, red_month(check_results=[PLANTED, *of_companies]), **more)
    sign(evidence, "preparer", "Ann <A>")
    sign(evidence, "reviewer", "Bob & Co", signer=make_key(evidence.parent / "key"))
    return sealed


def certificate(evidence: Path, anchor: str | None = None) -> str:
    found = closed_month(evidence, MONTH)
    return certificate_html(found, verify(evidence, MONTH.key, anchor), AT)


def words(page: str) -> str:
    return " ".join(parsed(page).text.split())


def test_it_says_what_was_closed_who_signed_and_how_it_verified(tmp_path: Path) -> None:
    sealed = signed(tmp_path / "evidence")
    closed = closed_month(tmp_path / "evidence", MONTH)
    key = closed.links[-1].signature
    assert key is not None
    page = certificate(tmp_path / "evidence", closed.head)
    text = words(page)
    for said in (
        "C-PG-1, September 2025", "SAMPLE BOOKS", "2025-09, cutoff Sep 30, 2025, version 001",
        f"1: {RATE['id_company']}", "server db <1>",
        "0 failed of severity ERROR, 1 of severity WARN",
        "signed with the same operating-system account", "41 faults planted, 40 found, 1 missed, 2 false alarms",
        "Ann <A>", "without a key: an assertion of the account", f"Bob & Co, {_moment(closed, -1)}, with the key",
        key["key_id"],
        str(sealed.link.body["seal_sha256"]), str(sealed.link.body["manifest_sha256"]), sealed.link.digest,
        anchor_of(sealed.link), closed.head,
        "Nov 28, 2025, 18:00 UTC:", f"As it was sealed. The head {closed.head} is vouched for by the anchor.",
    ):  # fmt: skip
        assert said in text, said
    # One line of one company with a variance of 5,030; the others have no row.
    total = parsed(page).one("tr", class_="strong")
    assert [cell.text for cell in total.all("td")] == ["0", "0", "1", "0", "5,030.00"]
    assert "<A>" not in page


def _moment(closed: ClosedMonth, at: int) -> str:
    return written_in("en").moment(closed.links[at].made_at)


def test_real_books_have_no_mark_and_a_seal_without_checks_says_so(tmp_path: Path) -> None:
    evidence = tmp_path / "evidence"
    older = ["check_results", "open_items", "open_item_matches", "open_item_comments"]
    seal_by_hand(evidence, red_month(), books="SQL Server", without=older)
    line = "packages_not_reconciled:EC_KE"
    sign(evidence, "preparer", "Ann", items={}, variances={line: "posted since"})
    sign(evidence, "reviewer", "Bob")
    text = words(certificate(evidence))
    assert "SAMPLE BOOKS" not in text
    assert "simulated" not in text
    assert "no planted faults were sealed with this version" in text
    assert re.search(r"Checks ?not sealed with this version", text)
    assert "Consistent with itself, and no more than that is known" in text


def test_only_a_month_that_is_signed_off_as_it_is_sealed_now_has_one(tmp_path: Path) -> None:
    evidence = tmp_path / "evidence"
    seal_by_hand(evidence, red_month())
    with pytest.raises(
        EvidenceError, match=r"2025-09 has no certificate, .*awaits the preparer and the reviewer\."
    ):
        certificate(evidence)
    sign(evidence, "preparer", "Ann")
    with pytest.raises(
        EvidenceError, match=r"2025-09 has no certificate, .*by preparer Ann; awaits the reviewer\."
    ):
        certificate(evidence)
    sign(evidence, "reviewer", "Bob")
    assert "Bob" in certificate(evidence)
    # A preparer who signs again needs another review.
    sign(evidence, "preparer", "Ann")
    with pytest.raises(EvidenceError, match="awaits the reviewer"):
        certificate(evidence)
    sign(evidence, "reviewer", "Bob")
    reopened(evidence)
    with pytest.raises(EvidenceError, match="reopened by Cleo Mensah: a late posting"):
        certificate(evidence)


def test_a_month_with_problems_has_none(tmp_path: Path) -> None:
    evidence = tmp_path / "evidence"
    signed(evidence)
    wrong = "9-00000-00000-00000-00000"
    with pytest.raises(EvidenceError, match=r"2025-09 has no certificate: 1 problem: this is not"):
        certificate(evidence, wrong)
    closed = closed_month(evidence, MONTH)
    before = verify(evidence, MONTH.key)
    sign(evidence, "reviewer", "Bob & Co")
    # What was verified is another chain than the one that is told.
    with pytest.raises(EvidenceError, match="has no certificate"):
        certificate_html(closed_month(evidence, MONTH), before, AT)
    assert certificate_html(closed, before, AT)


# One sheet


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    require(CHROMIUM)
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def fullest(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Make a certificate with the most that can be on it: 40 companies, 12 lines, six reviews, the longest texts."""
    evidence = tmp_path_factory.mktemp("fullest") / "evidence"
    (one,) = red_month()["reconciliation"]
    companies = [one["id_company"], *(f"COMPANY_{number:02d}" for number in range(39))]
    rows = [
        reconciled(
            "1",
            "0",
            id_company=code,
            line=line.line,
            unexplained_usd="123456789012345.6789",
            status="EXPLAINED",
        )
        for code in companies
        for line in LINES.lines
        if (code, line.line) != (one["id_company"], one["line"])
    ]
    frames = red_month(
        reconciliation=[one, *rows], cr_05=[RATE | {"id_company": code} for code in companies],
        check_results=[PLANTED, FAILED],
    )  # fmt: skip
    seal_by_hand(evidence, frames, server="W" * 400)
    signer = make_key(evidence.parent / "key")
    longest = "W" * (LONGEST_NAME - 1)
    sign(evidence, "preparer", f"{longest}0", signer=signer)
    for number in range(1, 7):
        sign(evidence, "reviewer", f"{longest}{number}", signer=signer)
    found = closed_month(evidence, MONTH)
    found.__dict__["rules"] = LINES.model_copy(update={"lines": LINES.lines * 2})
    page = certificate_html(found, verify(evidence, MONTH.key), AT)
    text = words(page)
    assert all(code in text for code in companies)
    assert "4 more, earlier ones, in the chain" in text
    assert "All 12 lines" in text
    assert len(list(parsed(page).all("tbody"))[0].children) > 12  # noqa: RUF015 - one table
    return page


@pytest.mark.browser
@pytest.mark.parametrize("sheet", ["A4", "Letter"])
def test_the_fullest_certificate_prints_to_one_sheet(
    browser: Browser, fullest: str, tmp_path: Path, sheet: str
) -> None:
    file = tmp_path / "certificate.html"
    file.write_text(fullest, encoding="utf-8")
    with visit(browser) as seen:
        seen.page.goto(file.as_uri())
        printed = seen.page.pdf(format=sheet)
        assert (seen.errors, seen.asked_outside, seen.too_wide) == ([], [], 0)
    assert len(re.findall(rb"/Type\s*/Page\b(?!s)", printed)) == 1
    # What was counted are sheets: the same page, twice as much of it, takes two.
    file.write_text(fullest.replace("</main>", "</main>" + fullest.partition("<main>")[2]), encoding="utf-8")
    with visit(browser) as seen:
        seen.page.goto(file.as_uri())
        assert len(re.findall(rb"/Type\s*/Page\b(?!s)", seen.page.pdf(format=sheet))) == 2


@pytest.mark.browser
@pytest.mark.parametrize(
    ("width", "scheme"), [(390, "dark"), pytest.param(1280, "light", marks=pytest.mark.soak)]
)
def test_it_is_read_by_anybody(
    browser: Browser, tmp_path: Path, width: int, scheme: Literal["light", "dark"]
) -> None:
    signed(tmp_path / "evidence")
    closed = closed_month(tmp_path / "evidence", MONTH)
    for name, content in (("certificate", certificate(tmp_path / "evidence")), ("index", index_html(closed))):
        file = tmp_path / f"{name}.html"
        file.write_text(content, encoding="utf-8")
        with visit(browser, width=width, scheme=scheme, bypass_csp=True) as seen:
            seen.page.goto(file.as_uri())
            assert seen.too_wide == 0
            assert barriers(seen.page) == []
            assert (seen.errors, seen.asked_outside) == ([], [])
