"""How a month looks on a terminal: open lines first, why others are settled, checks with figures, the next command."""

import shlex
from pathlib import Path
from typing import Any

import pytest

from cpg1_assets.cli.month_shown import show_month
from cpg1_assets.cli.months_shown import show_months
from cpg1_assets.cli.next_step import next_step
from cpg1_assets.settings import Settings

MONTH = "2025-09"
RULE = "default/bucket/*/*/*"


def line(company: str, status: str, **figures: str | None) -> dict[str, Any]:
    known: dict[str, Any] = {
        "variance": "0.0000", "variance_usd": "0.0000", "bridges": "0.0000", "unexplained": "0.0000",
        "unexplained_usd": "0.0000", "threshold_usd": "1000.0000", "threshold_rule": RULE,
    }  # fmt: skip
    return {"id_company": company, "line": "voucher_liability", "status": status, **known, **figures}


LINES = [
    line("EC_A", "RECONCILED"),
    line("EC_B", "VARIANCE_DETECTED", variance="-5000.0000", unexplained="-5000.0000", unexplained_usd="-1200.5000"),
    line("EC_C", "EXPLAINED", variance="9000.0000", variance_usd="2000.0000", bridges="8000.0000",
         unexplained="1000.0000", unexplained_usd="222.2200"),
    line("EC_D", "RECONCILED", variance="7.0000", variance_usd="0.0100"),
    line("EC_E", "VARIANCE_DETECTED", variance="1234567.0000", unexplained="1234567.0000", unexplained_usd="99999.9900"),
]  # fmt: skip
NAMED = [
    {"id_company": "EC_E", "line": "voucher_liability", "items": 2, "share_named": "90.00 %", "open_items": "add up",
     "by_cause": [{"cause": "posted twice", "unexplained": "1234567.0000"}]},
]  # fmt: skip
CHECK = {
    "asset": "gl_roll_forward", "check": "ties_out", "severity": "ERROR", "statement": "Opening is closing.",
    "tested": True, "is_variance": False, "found": [], "figures": ["975,109.66 LCY difference: EC_IC, 18350"],
}  # fmt: skip


def result(**more: Any) -> dict[str, Any]:  # noqa: ANN401 - any field of a close's JSON
    seal = {"version": 1, "anchor": "1-2", "folder": "f", "sentence": "Sealed (version 1).", "sign_offs": []}
    return {
        "month": MONTH, "run_id": "r", "exit_status": 4, "seconds": 9.84, "lines": LINES, "named": NAMED,
        "failed_checks": [CHECK], "untested_checks": [], "failures": [], "evidence": "/nowhere", "seal": seal,
    } | more  # fmt: skip


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path)


@pytest.mark.parametrize("width", [40, 80, 120, 200])
def test_the_open_lines_come_first_the_largest_before_the_others_and_the_figures_are_whole(
    settings: Settings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    show_month(result(), settings, every=False)
    text = capsys.readouterr().out
    order = [
        "VARIANCE_DETECTED (2)",
        "EC_E",
        "EC_B",
        "EXPLAINED (1)",
        "EC_C",
        "RECONCILED (2)",
        "5 lines:",
        "ties_out",
    ]
    places = [text.index(each) for each in order]
    assert places == sorted(places)
    for figure in ("1,234,567.00", "99,999.99", "-5,000.00", "-1,200.50", "222.22", "1,000.00"):
        assert figure in text.split(), "a figure is a word of its own"
    assert "EC_A" not in text, "what agrees is only counted"
    said = " ".join(text.split())
    assert "2 items, 90.00 % with a cause: posted twice 1,234,567.00" in said
    assert (
        f"variance 9,000.00 (2,000.00 USD) less bridges 8,000.00: below the threshold of 1,000.00 USD (rule {RULE})"
        in said
    )
    assert (
        f"1 line without a difference; of those that differ, 1 below the threshold of 1,000.00 USD (rule {RULE})"
        in said
    )
    assert "975,109.66 LCY difference: EC_IC, 18350" in said
    assert "2025-09 was closed in 9.8 s" in said
    for shown in text.splitlines():
        assert len(shown) <= width or shown.startswith("  cpg1 "), shown


def test_all_lines_are_shown_when_asked_for_with_why_a_difference_is_none(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    show_month(result(), settings, every=True)
    said = " ".join(capsys.readouterr().out.split())
    assert "EC_A" in said
    assert f"variance 7.00 (0.01 USD): below the threshold of 1,000.00 USD (rule {RULE})" in said
    assert "--all" not in said


def test_the_last_line_is_one_command_that_can_be_typed(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [line("EC; rm -rf /", "VARIANCE_DETECTED", unexplained_usd="5000.0000")]
    show_month(
        result(lines=lines, named=[], seal={**result()["seal"], "version": None}), settings, every=False
    )
    *_, last = capsys.readouterr().out.splitlines()
    assert last == f"  cpg1 close --month {MONTH}", "asked of evidence that is not there"
    step = next_step(result(lines=lines), {"open_items": {"i1": ""}}, settings)
    assert shlex.split(step.command) == [
        "cpg1", "explain", MONTH, "--company", "EC; rm -rf /", "--line", "voucher_liability",
    ]  # fmt: skip


def signed(*roles: str) -> dict[str, Any]:
    return {**result()["seal"], "sign_offs": [{"role": role, "covers": True} for role in roles]}


SIGN_OFF = "cpg1 evidence sign-off 2025-09 --role {} --name NAME --comment COMMENT"
ASKED = {
    "open_items": {},
    "open_variances": {"voucher_liability:EC_B": ""},
    "failed_checks": {"gl_roll_forward:ties_out": ""},
}


@pytest.mark.parametrize(
    ("more", "asked", "command"),
    [
        ({"exit_status": 1}, ASKED, "cpg1 close --month 2025-09"),
        ({"exit_status": 1, "resumes": None}, ASKED, "cpg1 close --month 2025-09"),
        ({"exit_status": 1, "resumes": "1a2b"}, ASKED, "cpg1 close --month 2025-09 --anew"),
        ({"exit_status": 3, "resumes": "1a2b", "late_files": ["x"]}, ASKED, "cpg1 close --month 2025-09"),
        ({"damaged": ["x"]}, ASKED, "cpg1 close --month 2025-09"),
        ({"older": ["x"]}, ASKED, "cpg1 close --month 2025-09"),
        ({"lines": []}, ASKED, "cpg1 close --month 2025-09"),
        ({"late_files": ["EC_KE.csv: new"]}, ASKED, "cpg1 close --month 2025-09"),
        (
            {"late_files": ["EC_KE.csv: new"], "seal": signed("preparer", "reviewer")},
            ASKED,
            "cpg1 reopen 2025-09 --name NAME --reason REASON",
        ),
        ({"comments_not_taken": ["2025-09.csv is new"]}, ASKED, "cpg1 comments 2025-09"),
        (
            {},
            {"open_items": {"i1": ""}},
            "cpg1 explain 2025-09 --company EC_E --line voucher_liability",
        ),
        (
            {},
            ASKED,
            SIGN_OFF.format("preparer")
            + " --variance voucher_liability:EC_B=COMMENT --check gl_roll_forward:ties_out=COMMENT",
        ),
        (
            {"seal": signed("preparer")},
            ASKED,
            SIGN_OFF.format("reviewer"),
        ),
        (
            {"seal": signed("preparer", "reviewer")},
            {},
            "cpg1 evidence export 2025-09 --out 2025-09.zip",
        ),
        ({}, None, "cpg1 evidence verify 2025-09"),
    ],
)
def test_the_next_command_follows_from_where_the_month_stands(
    settings: Settings, more: dict[str, Any], asked: dict[str, dict[str, str]] | None, command: str
) -> None:
    assert next_step(result(**more), asked, settings).command == command


def test_the_command_of_a_narrowed_scope_is_that_of_the_scope(settings: Settings) -> None:
    narrowed = settings.narrowed(("EC_B", "EC_E"), None)
    command = next_step(result(), {}, narrowed).command
    assert command.startswith("CPG1_COMPANIES=EC_B,EC_E cpg1 explain 2025-09 --company EC_E")


def standing(month: str, state: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401
    return {**result(), "month": month, "state": state, "damaged": [], **more}


def test_months_are_a_table_that_fits_80_columns_and_fail_first(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    months = [
        standing("2025-07", "closed", seal=signed("preparer", "reviewer")),
        standing("2025-08", "materialized", seal=signed("preparer")),
        standing("2025-09", "damaged in storage", lines=[], damaged=["ipe_07 is not what was written"]),
    ]
    show_months(months, settings)
    text = capsys.readouterr().out
    said = " ".join(text.split())
    assert (
        "2025-07 closed 2 0 1 2 1 1 signed 2025-08 materialized 2 0 1 2 1 1 prepared 2025-09 damaged" in said
    )
    assert "ipe_07 is not what was written" in text
    assert [each for each in text.splitlines() if len(each) > 80 and not each.startswith("Evidence")] == []
    assert text.endswith("  cpg1 status 2025-09\n")
    assert "2 months closed" in text


def test_without_a_month_the_next_command_closes_one(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    show_months([], settings)
    assert capsys.readouterr().out.endswith("Close a month:\n  cpg1 close\n")
