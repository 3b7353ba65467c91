"""The report says what was sealed, every figure and signature of it, and a text of the data stays a text."""

import base64
import hashlib
import itertools
import re
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from cpg1_assets.close_calendar.punctuality import sealed_punctuality
from cpg1_assets.deliverables.closed_month import ClosedMonth, closed_month
from cpg1_assets.deliverables.report import report_html
from cpg1_assets.deliverables.written import written_in
from cpg1_assets.evidence.chain.links import SIGN_OFF, append_link
from cpg1_assets.evidence.chain.reopen import reopen
from cpg1_assets.evidence.chain.sign_off import sign_off
from cpg1_assets.home import Home
from cpg1_assets.month import CutoffMonth
from cpg1_assets.settings import Settings
from cpg1_assets_tests.closing import Closed
from cpg1_assets_tests.deliverables.hand_sealed import MONTH, RATE, hand_sealed, red_month, seal_by_hand
from cpg1_assets_tests.deliverables.page import Element, parsed
from cpg1_assets_tests.evidence.chain.signing import BOB, OTHER, begun
from cpg1_assets_tests.explaining.stored_month import COMPANY, LINE, item, reconciled

FIGURES = (
    "actual", "target_value", "variance", "bridges", "unexplained", "variance_usd", "unexplained_usd",
    "threshold_usd",
)  # fmt: skip
SCRIPT = "<script>alert('1')</script>"
AWKWARD = (
    SCRIPT, '"><img src=x onerror=alert(1)>', '=HYPERLINK("x")', "+1 & @2", "\u0645\u0631\u062d\u0628\u0627 {{ 7 * 7 }}",
    "<!-- ", "a\x00b\x0bc\ud7ff",
)  # fmt: skip


@pytest.fixture(scope="module")
def month(closed: Closed) -> ClosedMonth:
    return closed_month(Home(closed.settings).evidence_folder, CutoffMonth.parse(closed.month))


@pytest.fixture(scope="module")
def page(month: ClosedMonth) -> str:
    return report_html(month, calendar_file=Settings.calendar_file)


@pytest.fixture(scope="module")
def read(page: str) -> Element:
    return parsed(page)


def figures(read: Element) -> dict[tuple[str, str], dict[str, Decimal | None]]:
    """Give the figures of each company and line that a page shows, by their exact values."""
    found: dict[tuple[str, str], dict[str, Decimal | None]] = {}
    for row in read.all("tr", class_="figures"):
        key = row.attributes["data-company"], row.attributes["data-line"]
        assert key not in found
        found[key] = {}
        for cell in row.all("td"):
            if (name := cell.attributes.get("data-name")) is not None:
                said = [each.attributes["value"] for each in cell.all("data")]
                found[key][name] = Decimal(said[0]) if said else None
    return found


def test_every_figure_of_every_company_and_line_is_that_of_the_sealed_reconciliation(
    month: ClosedMonth, read: Element
) -> None:
    sealed = {
        (row["id_company"], row["line"]): {name: row[name] for name in FIGURES}
        for row in month.reconciliation
    }
    assert figures(read) == sealed


def test_what_is_shown_of_a_figure_is_it_rounded(read: Element) -> None:
    shown = list(read.all("data"))
    assert len(shown) > 500
    for each in shown:
        exact, text = Decimal(each.attributes["value"]), each.text.replace(",", "")
        assert abs(Decimal(text) - exact) <= Decimal("0.5").scaleb(-len(text.partition(".")[2]))
        assert Decimal(each.attributes["title"].split(" ")[0].replace(",", "")) == exact


def test_the_totals_of_a_line_are_sums_of_its_companies(month: ClosedMonth, read: Element) -> None:
    for line in month.rules.lines:
        rows = [
            row
            for row in month.reconciliation
            if row["line"] == line.line and row["status"] != "NOT_COMPUTED"
        ]
        said = [
            Decimal(each.attributes["value"]) for each in read.one("tr", id=f"total-{line.line}").all("data")
        ]
        variance, unexplained = (
            sum((row[name] for row in rows), Decimal(0)) for name in ("variance_usd", "unexplained_usd")
        )
        gross = sum((abs(row["unexplained_usd"]) for row in rows), Decimal(0))
        assert said == [variance, variance - unexplained, unexplained, gross]


def test_every_line_has_its_waterfall_and_every_open_line_one_of_its_own(
    month: ClosedMonth, read: Element
) -> None:
    titles = [svg.one("title").text for svg in read.all("svg")]
    for line in month.rules.lines:
        assert f"{line.title}, September 2025: from the balance to what stays, USD" in titles
    for row in month.reconciliation:
        own = [
            each
            for each in titles
            if row["id_company"] in each and each.startswith(f"{_title(month, row)} of")
        ]
        assert len(own) == (row["status"] in ("VARIANCE_DETECTED", "EXPLAINED"))


def _title(month: ClosedMonth, row: dict[str, Any]) -> str:
    (title,) = (line.title for line in month.rules.lines if line.line == row["line"])
    return title


def test_the_page_needs_nothing_but_itself_and_would_run_nothing(page: str, read: Element) -> None:
    used = {each.tag for each in read.all()}
    assert used.isdisjoint({"script", "img", "iframe", "object", "embed", "link", "form", "base", "image"})
    assert re.search(r"https?:|//[a-z]|javascript:|url\(|@import", page) is None
    for each in read.all():
        assert not [
            name
            for name in each.attributes
            if name.startswith("on") or name in ("style", "src", "xlink:href")
        ]
        assert each.attributes.get("href", "#").startswith("#")
    style = read.one("style").text
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = next(each.attributes for each in read.all("meta") if "http-equiv" in each.attributes)
    assert policy["http-equiv"] == "Content-Security-Policy"
    assert policy["content"] == (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )


def test_a_reader_who_does_not_see_it_is_told_the_same(read: Element) -> None:
    assert read.one("html").attributes["lang"] == "en"
    levels = [int(each.tag[1]) for each in read.all() if re.fullmatch("h[1-6]", each.tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    for table in read.all("table"):
        assert table.one("caption").text.strip()
        assert all(head.attributes.get("scope") in ("col", "row") for head in table.all("th"))
    for svg in read.all("svg"):
        assert svg.attributes["role"] == "img"
        said = {
            each.attributes["id"] for each in svg.all() if each.tag in ("title", "desc") and each.text.strip()
        }
        assert set(svg.attributes["aria-labelledby"].split()) == said
        assert len(said) == 2
    names = [each.attributes["id"] for each in read.all() if "id" in each.attributes]
    assert len(names) == len(set(names))
    pointed = {each.attributes["href"][1:] for each in read.all("a")} | {
        name for each in read.all() for name in each.attributes.get("aria-labelledby", "").split()
    }
    assert pointed <= set(names)


def test_a_status_is_told_by_a_word_and_not_by_its_colour_alone(month: ClosedMonth, read: Element) -> None:
    heat = read.one("table", class_="heat")
    words = {
        "RECONCILED": "reconciled", "EXPLAINED": "explained", "VARIANCE_DETECTED": "variance",
        "NOT_COMPUTED": "not computed",
    }  # fmt: skip
    rows = {next(row.one("th").all("bdi")).text: list(row.all("td")) for row in heat.one("tbody").all("tr")}
    lines = [line.line for line in month.rules.lines]
    for row in month.reconciliation:
        cell = rows[row["id_company"]][lines.index(row["line"])]
        assert cell.one("span", class_="hidden").text == words[row["status"]]
        (said,) = cell.all("data")
        assert Decimal(said.attributes["value"]) == row["unexplained_usd"]


def test_one_head_of_the_chain_gives_the_same_bytes_also_in_another_process(
    closed: Closed, month: ClosedMonth, page: str, tmp_path: Path
) -> None:
    assert f"head of the chain <code>{month.head}</code>" in page
    assert len(page.encode()) < 1_000_000
    program = (
        "import sys; from pathlib import Path\n"
        "from cpg1_assets.deliverables.closed_month import closed_month\n"
        "from cpg1_assets.deliverables.report import report_html\n"
        "from cpg1_assets.month import CutoffMonth\n"
        "month = closed_month(Path(sys.argv[1]), CutoffMonth.parse(sys.argv[2]))\n"
        "page = report_html(month, calendar_file=Path(sys.argv[3]))\n"
        "sys.stdout.buffer.write(page.encode())\n"
    )
    (tmp_path / "matplotlibrc").write_text("svg.fonttype: path\nfont.size: 30\n")
    elsewhere = {
        "PYTHONHASHSEED": "7", "PYTHONPATH": str(Path.cwd()), "TZ": "Asia/Tokyo", "LC_ALL": "C", "HOME": str(tmp_path),
        "MATPLOTLIBRC": str(tmp_path / "matplotlibrc"),
    }  # fmt: skip
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            program,
            str(Home(closed.settings).evidence_folder),
            closed.month,
            str(Settings.calendar_file),
        ],
        capture_output=True,
        env=elsewhere,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout == page.encode()


def test_texts_of_the_data_stay_texts(tmp_path: Path) -> None:
    long = "\u00e4" * 30_000
    items = [
        item(f"i{at:02d}", "100", "0", reference=text, description=long, document_no=text)
        for at, text in enumerate(AWKWARD)
    ]
    comments = [
        {"item": f"i{at:02d}", "comment": text, "owner": text, "source_file": "x"}
        for at, text in enumerate(AWKWARD)
    ]
    total = str(100 * len(AWKWARD))
    check = {
        "asset": "cr_05", "check": "named", "severity": "ERROR", "passed": False, "tested": True,
        "figures": '{"found":1,"listed":[{"<b>":"</td><script>"}],"problems":[{"message":"<script>"}],"of":"<script>"}',
    }  # fmt: skip
    frames = red_month(
        reconciliation=[reconciled(total, "0")],
        cr_05=[RATE | {"company_name": SCRIPT}],
        open_items=items,
        open_item_matches=[],
        open_item_comments=comments,
        check_results=[check],
    )
    page = report_html(hand_sealed(tmp_path / "evidence", frames))
    assert "<script" not in page
    assert "onerror=alert(1)>" not in page
    read = parsed(page)
    shown = {each.text for each in read.all("bdi")}
    assert {text.replace("\x00", "\ufffd") for text in AWKWARD} <= shown | {
        each.replace("\x00", "\ufffd") for each in shown
    }
    assert SCRIPT in shown
    assert long not in page
    assert any("(30,000 characters in all" in text for text in shown)
    assert len(page) < 200_000


def test_a_month_without_a_line_that_was_computed_says_why(tmp_path: Path) -> None:
    row = reconciled("100", "0", status="NOT_COMPUTED", fx_rate=None, variance_usd=None, unexplained_usd=None)
    frames = red_month(reconciliation=[row], cr_05=[RATE | {"fx_rate": None}], open_items=[])
    read = parsed(report_html(hand_sealed(tmp_path / "evidence", frames)))
    assert figures(read)[COMPANY, LINE] == {
        "actual": 100, "target_value": 0, "variance": 100, "bridges": 0, "unexplained": 100, "variance_usd": None,
        "unexplained_usd": None, "threshold_usd": 1000,
    }  # fmt: skip
    text = " ".join(read.text.split())
    assert f"{COMPANY} was not computed: " in text
    assert "the company has no closing FX rate above zero" in text
    assert f"without {COMPANY}, which was not computed" in text
    assert "No company was computed." in text
    assert "1 could not be computed" in text


def test_a_company_without_a_rate_is_named_where_its_line_is_added_up(tmp_path: Path) -> None:
    without = reconciled(
        "7", "0", status="NOT_COMPUTED", fx_rate=None, variance_usd=None, unexplained_usd=None
    )
    frames = red_month(
        reconciliation=[
            *red_month()["reconciliation"],
            without | {"id_company": "EC_NG", "country_code": "NG"},
        ],
        cr_05=[RATE, RATE | {"id_company": "EC_NG", "fx_rate": None}],
    )
    read = parsed(report_html(hand_sealed(tmp_path / "evidence", frames)))
    said = [each.text for each in read.all("p", class_="note")]
    assert "Packages delivered, not reconciled: without EC_NG, which was not computed." in said
    total = read.one("tr", id=f"total-{LINE}")
    assert [each.attributes["value"] for each in total.all("data")][2] == "5030.0000"


def test_a_month_without_open_items_says_so(tmp_path: Path) -> None:
    agreed = reconciled("100", "100", status="RECONCILED")
    frames = red_month(
        reconciliation=[agreed], open_items=[], open_item_matches=red_month()["open_item_matches"][:2]
    )
    text = parsed(report_html(hand_sealed(tmp_path / "evidence", frames))).text
    assert "No open item has an unexplained amount." in text
    assert "Every line of every company is reconciled or explained." in text
    assert "No check failed." in text


def test_a_version_sealed_before_there_were_open_items_is_shown_and_says_so(tmp_path: Path) -> None:
    absent = ["open_items", "open_item_matches", "open_item_comments", "check_results"]
    frames = {name: rows for name, rows in red_month().items() if name not in absent}
    read = parsed(report_html(hand_sealed(tmp_path / "evidence", frames, without=absent)))
    text = " ".join(read.text.split())
    assert "sealed before there were open_items, open_item_matches, open_item_comments, check_results" in text
    assert "The results of checks were not sealed with this version." in text
    assert figures(read)[COMPANY, LINE]["unexplained"] == 5030
    assert any("Unexplained, not taken apart" in svg.one("desc").text for svg in read.all("svg"))


def test_what_stays_without_a_cause_is_the_last_step_of_the_picture(tmp_path: Path) -> None:
    read = parsed(report_html(hand_sealed(tmp_path / "evidence", red_month())))
    told = [svg.one("desc").text for svg in read.all("svg") if f"of {COMPANY}" in svg.one("title").text]
    said = (
        "Actual (NAV) 5,130.00; Target value 100.00; Variance 5,030.00; Unexplained by bridges 5,030.00; "
        "less manual journal -5,000.00; Left without a cause 30.00."
    )
    assert told == [said]


def test_items_that_do_not_add_up_are_said_not_to_and_name_no_cause(tmp_path: Path) -> None:
    frames = red_month(open_items=red_month()["open_items"][:1])
    read = parsed(report_html(hand_sealed(tmp_path / "evidence", frames)))
    assert "The open items do not add up to the line: variance is 5030.0000" in read.text
    assert not any("less manual journal" in svg.one("desc").text for svg in read.all("svg"))


def test_the_age_of_every_open_item_is_counted(month: ClosedMonth, read: Element) -> None:
    table = read.one(role="region", aria_label="Age of the open items").one("table")
    ages = [head.text for head in table.one("thead").all("th")][1:]
    titles = {line.title: line.line for line in month.rules.lines}
    said = {}
    for line in table.one("tbody").all("tr"):
        for age, cell in zip(ages, line.all("td"), strict=True):
            amounts = [Decimal(each.attributes["value"]) for each in cell.all("data")]
            if amounts:
                count = cell.text.removesuffix(cell.one("div").text)
                said[titles[line.one("th").text], age] = (int(count), amounts[0])
    found: dict[tuple[str, str], tuple[int, Decimal]] = {}
    for row in month.rows("open_items"):
        counted, gross = found.get((row["line"], row["age_bucket"]), (0, Decimal(0)))
        found[row["line"], row["age_bucket"]] = counted + 1, gross + abs(row["unexplained_usd"])
    assert said == found


def test_a_variance_is_no_fault_of_the_control_and_is_counted_apart(
    month: ClosedMonth, read: Element
) -> None:
    rows = {
        row.one("th").text: [cell.text for cell in row.all("td")]
        for row in read.one("section", aria_labelledby="effectiveness").one("tbody").all("tr")
    }
    counted = {
        name.removeprefix("Checks: "): cells for name, cells in rows.items() if name.startswith("Checks: ")
    }
    of_checks = [row for row in month.checks if row["asset"] != "control_effectiveness"]
    assert sum(int(cells[0]) for cells in counted.values()) == len(of_checks)
    planted = sum(row["planted"] for row in month.rows("control_effectiveness"))
    assert rows["Faults planted in books of their own"] == [
        str(planted),
        str(planted),
        "0 missed, 0 false alarms",
    ]
    failed = {name: int(cells[2].split(" ")[0]) for name, cells in counted.items()}
    red = sum(row["status"] == "VARIANCE_DETECTED" for row in month.reconciliation)
    assert failed["variances within their thresholds"] >= red
    assert sum(failed.values()) == sum(row["tested"] and not row["passed"] for row in month.checks)


def test_every_failed_check_is_there_once_and_that_of_a_line_names_its_companies(
    month: ClosedMonth, read: Element
) -> None:
    shown = [each.one("code").text for each in read.one("ul", class_="checks").all("li")]
    failed = {f"{row['asset']}.{row['check']}" for row in month.checks if row["tested"] and not row["passed"]}
    assert set(shown) == failed
    for row in month.checks:
        if row["line"] is not None and row["tested"] and not row["passed"]:
            name = f"{row['asset']}.{row['check']}"
            (told,) = [e for e in read.one("ul", class_="checks").all("li") if e.one("code").text == name]
            assert row["id_company"] in told.text


def test_the_sample_books_are_marked_and_real_ones_are_not(tmp_path: Path) -> None:
    marked = report_html(hand_sealed(tmp_path / "sample" / "evidence", red_month()))
    plain = report_html(hand_sealed(tmp_path / "real" / "evidence", red_month(), books="SQL Server"))
    assert "SAMPLE BOOKS" in marked
    assert "SAMPLE BOOKS" not in plain
    assert "simulated" not in plain


def test_a_sign_off_shows_with_its_comments_and_a_reopening_takes_its_cover(tmp_path: Path) -> None:
    evidence = tmp_path / "evidence"
    seal_by_hand(evidence, red_month())
    sign_off(
        evidence, MONTH.key, role="preparer", name="Ann <A>", comment="looked & found", items={"i1aa": "<i>posted</i>"},
        problems_of=lambda *_: [],
    )  # fmt: skip
    sign_off(evidence, MONTH.key, role="reviewer", name="Bob", comment="fine", problems_of=lambda *_: [])
    read = parsed(report_html(closed_month(evidence, MONTH)))
    text = " ".join(read.text.split())
    assert "signed off by preparer Ann <A> and reviewer Bob." in text
    assert "2 of 2" in text
    assert "<i>posted</i> (Ann <A>, preparer)" in text
    assert "looked & found" in text
    reopen(evidence, MONTH.key, name="Cy", reason="late & wrong", problems_of=lambda *_: [])
    text = " ".join(parsed(report_html(closed_month(evidence, MONTH))).text.split())
    assert "reopened by Cy: late & wrong" in text
    assert "0 of 2" in text
    assert "needs a comment" in text


def test_whether_a_key_is_of_the_register_stands_beside_each_sign_off(tmp_path: Path) -> None:
    evidence = tmp_path / "evidence"
    seal_by_hand(evidence, red_month())
    said: dict[str, Any] = {"comment": "looked", "problems_of": lambda *_: []}
    sign_off(evidence, MONTH.key, role="preparer", name="Dan", items={"i1aa": "posted"}, signer=OTHER, **said)
    begun(evidence)
    sign_off(evidence, MONTH.key, role="reviewer", name="Bob Diallo", signer=BOB, **said)
    text = " ".join(parsed(report_html(closed_month(evidence, MONTH))).text.split())
    assert f"key {OTHER.key_id}" in text
    assert f"key {OTHER.key_id} of the register" not in text, "there was none yet"
    assert f"key {BOB.key_id} of the register" in text


def test_a_sign_off_whose_comments_are_no_texts_does_not_stop_the_page(tmp_path: Path) -> None:
    evidence = tmp_path / "evidence"
    sealed = seal_by_hand(evidence, red_month())
    body = {
        "month": MONTH.key, "version": 1, "seal_digest": sealed.link.digest, "role": "preparer", "name": "Ann",
        "comment": None, "open_items": ["i1aa"], "open_variances": None, "rule": 3,
    }  # fmt: skip
    append_link(evidence, SIGN_OFF, body)
    assert "Ann" in report_html(closed_month(evidence, MONTH))


def test_the_trend_has_every_month_of_the_chain_and_marks_those_without_a_figure(tmp_path: Path) -> None:
    evidence = tmp_path / "evidence"
    seal_by_hand(
        evidence, red_month(reconciliation=[reconciled("40", "0")], open_items=[]), CutoffMonth(2025, 6)
    )
    seal_by_hand(
        evidence, red_month(reconciliation=[reconciled("-70", "0")], open_items=[]), CutoffMonth(2025, 8)
    )
    damaged = (
        seal_by_hand(evidence, red_month(), CutoffMonth(2025, 7)).sealed.folder
        / "data"
        / "reconciliation.parquet"
    )
    damaged.write_bytes(b"other")
    seal_by_hand(evidence, red_month(), CutoffMonth(2025, 10))
    read = parsed(report_html(hand_sealed(evidence, red_month())))
    rows = [
        (row.one("th").text, [each.attributes["value"] for each in row.all("data")], row.text)
        for row in read.one("section", aria_labelledby="trend").one("tbody").all("tr")
    ]
    assert [(month, values) for month, values, _ in rows] == [
        ("2025-06", ["40.0000"]), ("2025-07", []), ("2025-08", ["70.0000"]), ("2025-09", ["5030.0000"]),
    ]  # fmt: skip
    assert "cannot be read" in rows[1][2]
    assert "2025-07 cannot be shown" in read.text


def test_numbers_and_dates_follow_the_locale_and_words_stay_english(tmp_path: Path) -> None:
    page = report_html(hand_sealed(tmp_path / "evidence", red_month()), "de_DE")
    text = parsed(page).text
    assert "5.030,00" in text
    assert "30.9.2025" in text
    assert "September 2025" in text
    assert "Largest open items of the month" in text


def test_it_says_when_each_company_was_due_and_by_how_many_days_it_was_late(
    month: ClosedMonth, page: str
) -> None:
    countries = {row["id_company"]: row["company_country"] for row in month.rows("cr_05")}
    said = sealed_punctuality(month.sealed.folder.parents[2], month.month, countries, Settings.calendar_file)
    text = " ".join(parsed(page).text.split())
    for each in said.companies:
        late = "–" if each.days_late is None else written_in("en").count(each.days_late)
        due = re.escape(written_in("en").day(each.due.due))
        assert re.search(rf"{each.due.company} ?{due}.{{0,200}}? ?{late}", text), text
    assert said.calendar in text


def test_a_calendar_file_that_is_wrong_stops_no_report(tmp_path: Path, month: ClosedMonth) -> None:
    wrong = tmp_path / "calendar.yaml"
    wrong.write_text("version: [")
    text = parsed(report_html(month, calendar_file=wrong)).text
    assert "cannot be told" in text
    assert "calendar.yaml" in text
