"""Every check fires on a corrupted copy, is quiet on a sound one, and never passes where nothing was tested."""

import copy
import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any, TypeVar

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cpg1_assets
from cpg1_assets.errors import DataError
from cpg1_assets.frame import Column
from cpg1_assets.rules import findings, frames, open_item_rows, vtc_adjustment
from cpg1_assets.rules.check_results import Validated, check_results
from cpg1_assets.rules.checks import as_validation, check_statements, checks, outcomes
from cpg1_assets.rules.engine import run, to_table
from cpg1_assets.rules.findings import CheckOutcome
from cpg1_assets.rules.frames import CHECK_RESULTS
from cpg1_assets.rules.graph import Circumstances, derivations, words
from cpg1_assets.rules.lines import Lines
from cpg1_assets_tests.rules.rows import CLASSIFICATION, LINES, MATCHING, SEPTEMBER, THRESHOLDS, Row, table

T = TypeVar("T")
RATE = Decimal("0.0000000001")

PAGE = Path(cpg1_assets.__file__).parent.parent / "docs" / "reconciliation.md"
CIRCUMSTANCES = Circumstances(SEPTEMBER, LINES, THRESHOLDS, CLASSIFICATION, MATCHING)
CHECKS = checks(LINES)
OTHERS = {name: check for name, check in CHECKS.items() if not name.endswith("_explained")}


def together(*read: tuple[Column, ...]) -> tuple[Column, ...]:
    """Give the columns that several checks read of one frame, each once."""
    return tuple({column.name: column for columns in read for column in columns}.values())


COLUMNS: dict[str, tuple[Column, ...]] = {
    "cr_05": together(findings.CR_05, open_item_rows.CR_05),
    "jdash": findings.JDASH,
    "ipe_07": open_item_rows.IPE_07,
    "ipe_08": together(vtc_adjustment.IPE_08, open_item_rows.IPE_08),
    "ipe_10": open_item_rows.IPE_10,
    "ipe_12": open_item_rows.IPE_12,
    "ipe_31": open_item_rows.IPE_31,
    "ipe_34": open_item_rows.IPE_34,
    "doc_voucher_usage": open_item_rows.DOC_VOUCHER_USAGE,
    "nav_open_items": together(findings.NAV_OPEN_ITEMS, open_item_rows.NAV_OPEN_ITEMS),
    "cr_03": findings.CR_03,
    "cr_04": findings.CR_04,
    "control_effectiveness": frames.CONTROL_EFFECTIVENESS.columns,
    **{spec.name: spec.columns for spec in frames.DERIVED_FRAMES},
}

OPEN: Row = {
    "id_company": "A",
    "entry_no": 1,
    "group_coa_account_no": "18412",
    "amount": "-70",
    "remaining_amount": "-70",
}
LATE = "2025-10-05T06:00:00.003"
BALANCE: Row = {
    "id_company": "A", "group_coa_account_no": "18412", "closing_date": "2025-09-30",
    "refresh_date": "2025-10-05T06:00", "balance_at_date": "-100",
}  # fmt: skip
CANCELLED = {
    "voucher_id": "V1", "business_use": "refund", "is_valid": "valid", "is_active": False,
    "voucher_inactive_date": "2025-09-10T07:30", "remaining_amount": "40",
}  # fmt: skip
EXPLAINED = {
    "country_code": "NG", "actual": "1", "target_value": "0", "variance": "1", "bridges": "0", "unexplained": "1",
    "fx_rate": "0.5", "variance_usd": "2", "unexplained_usd": "2", "threshold_usd": "1000",
    "threshold_rule": "default/bucket/*/*/*", "status": "EXPLAINED",
}  # fmt: skip
ITEM = {
    "country_code": "NG", "item": "i1", "nav_amount": "1", "target_amount": "0", "difference": "1", "bridge_amount": "0",
    "unexplained": "1", "unexplained_usd": "2", "nav_entries": 1, "target_rows": 0, "age_days": 90,
    "age_bucket": "61-90", "matched_by": "none", "confidence": "none", "cause": "manual journal",
    "cause_confidence": "proposed", "entry_created_after_balance": False,
}  # fmt: skip
MATCH = {
    "item": "i1", "matched_by": "none", "confidence": "none", "rule_version": "1", "candidates": 0,
}  # fmt: skip


def matches(company: str, line: str, entries: dict[int, str], rest: str) -> list[Row]:
    """Give the matches of a line of a company: its entries, and what its balance holds beyond them."""
    place = MATCH | {"id_company": company, "line": line}
    nav = [
        place | {"side": "NAV", "row_key": str(entry), "amount": amount} for entry, amount in entries.items()
    ]
    return [*nav, place | {"side": "LEDGER", "row_key": "account", "amount": rest}]


SOUND: dict[str, list[Row]] = {
    "ipe_07": [], "ipe_10": [], "ipe_12": [], "ipe_31": [], "ipe_34": [], "doc_voucher_usage": [],
    "open_item_matches": [
        *matches("A", "voucher_liability", {1: "-70", 2: "-30", 3: "7"}, "94"),
        *matches("B", "voucher_liability", {1: "0.0001"}, "0.9999"),
        *(row for company in "AB" for line in LINES.lines if line.line != "voucher_liability"
          for row in matches(company, line.line, {}, "1")),
    ],
    "cr_05": [{"id_company": "A", "fx_rate": "2"}, {"id_company": "B", "fx_rate": "0.5"}],
    "jdash": [{"id_company": "A", "voucher_id": "V1.0", "amount_used": "1", "source_file": "A.csv"},
              {"id_company": "A", "voucher_id": "12.0", "amount_used": "1", "source_file": "A.csv"}],
    "ipe_08": [CANCELLED | {"id_company": "a ", "voucher_id": " v1.0"}, {"id_company": "A", "voucher_id": "12"}],
    "ipe_31_classified": [{"id_company": "A", "transaction_type": "Payment", "amount": "8", "bridge_key": "K"}],
    "nav_voucher_entries": [
        {"id_company": "A", "entry_no": 1, "voucher_no": "V1.0", "bridge_category": "VTC", "amount": "40"},
        {"id_company": "A", "entry_no": 2, "voucher_no": "12", "bridge_category": "Usage", "amount": "1"},
    ],
    "nav_open_items": [
        OPEN | {"gl_creation_date": "2025-10-05T06:00"},
        OPEN | {"id_company": "a ", "group_coa_account_no": " 18412", "entry_no": 2, "remaining_amount": "-30"},
        OPEN | {"entry_no": 3, "gl_creation_date": LATE, "amount": "7", "remaining_amount": "7"},
        OPEN | {"id_company": "B", "remaining_amount": "0.0001"},
    ],
    "cr_03": [
        {"id_company": "A", "entry_no": 4, "group_coa_account_no": "18412", "amount": "9"},
        {"id_company": "A", "entry_no": 3, "group_coa_account_no": "18412", "amount": "7", "gl_creation_date": LATE},
    ],
    "cr_04": [
        BALANCE,
        BALANCE | {"id_company": "B", "balance_at_date": "0.0001"},
        BALANCE | {"id_company": "B", "balance_at_date": None},
        BALANCE | {"id_company": "B", "closing_date": "2024-12-31", "balance_at_date": "5"},
        BALANCE | {"id_company": "C", "balance_at_date": "0"},
    ],
    "gl_roll_forward": [
        {"id_company": company, "group_coa_account_no": account, "opening": "1", "movement": "1", "closing": "2",
         "difference": "0"}
        for company in "AB" for account in ("13003", "18412")
    ],
    "voucher_accrual_variance": [
        {"id_company": company, "bridge_category": "VTC", "nav_amount": "1", "target_amount": "1", "variance": "0",
         "variance_usd": "0", "threshold_usd": "1000", "status": "OK"}
        for company in "AB"
    ],
    "reconciliation": [
        EXPLAINED | {"id_company": company, "line": line.line} for company in "AB" for line in LINES.lines
    ],
    "open_items": [ITEM | {"id_company": company, "line": line.line} for company in "AB" for line in LINES.lines],
    "control_effectiveness": [
        {"kind": "posted twice", "id_company": "P1", "what": "R1", "planted": True, "found": True},
        {"kind": "nothing planted", "id_company": "P2", "what": "All agrees", "planted": False, "found": False},
    ],
}  # fmt: skip


def corrupted(frame: str, where: Row, change: Row) -> dict[str, list[Row]]:
    """Give the sound rows with `change` in those of `frame` that are as `where` says."""
    rows = [
        row | change if all(row[name] == value for name, value in where.items()) else row
        for row in SOUND[frame]
    ]
    assert rows != SOUND[frame]
    return SOUND | {frame: rows}


def tables(rows: dict[str, list[Row]]) -> dict[str, pa.Table]:
    return {name: table(COLUMNS[name], listed) for name, listed in rows.items()}


def asked(check: str, rows: dict[str, list[Row]]) -> tuple[CheckOutcome, ...]:
    ((_, found),) = outcomes([CHECKS[check]], tables(rows), CIRCUMSTANCES)
    return found


def failing(rows: dict[str, list[Row]]) -> dict[str, list[str | None]]:
    """Give the checks that do not pass, each with the companies it names."""
    return {
        f"{check.asset}.{check.name}": [outcome.id_company for outcome in found if not outcome.passed]
        for check, found in outcomes(CHECKS.values(), tables(rows), CIRCUMSTANCES)
        if not all(outcome.passed for outcome in found)
    }


CORRUPTIONS: dict[str, tuple[dict[str, list[Row]], list[str | None]]] = {
    "cr_05.every_company_has_a_rate": (
        SOUND | {"cr_05": [*SOUND["cr_05"], {"id_company": "C", "fx_rate": None}]}, ["C"],
    ),
    "jdash.no_unknown_voucher": (corrupted("jdash", {"voucher_id": "12.0"}, {"voucher_id": "13"}), [None]),
    "ipe_31_classified.every_item_classified": (corrupted("ipe_31_classified", {}, {"bridge_key": " "}), [None]),
    "vtc_adjustment.booked_at_what_remained": (
        corrupted("nav_voucher_entries", {"entry_no": 1}, {"amount": "39.9999"}), [None],
    ),
    "gl_roll_forward.ties_out": (
        corrupted("gl_roll_forward", {"id_company": "B"}, {"difference": "-0.0001"}), ["B"],
    ),
    "nav_open_items.ties_to_the_balances": (
        corrupted("nav_open_items", {"id_company": "B"}, {"remaining_amount": "0.0002"}), ["B"],
    ),
    "voucher_accrual_variance.within_threshold": (
        corrupted("voucher_accrual_variance", {"id_company": "B"}, {"status": "INVESTIGATE"}), [None],
    ),
    "nav_voucher_entries.every_entry_categorised": (
        corrupted("nav_voucher_entries", {"entry_no": 2}, {"bridge_category": None}), [None],
    ),
    **{
        f"reconciliation.{line.line}_explained": (
            corrupted("reconciliation", {"id_company": "B", "line": line.line}, {"status": "VARIANCE_DETECTED"}),
            ["B"],
        )
        for line in LINES.lines
    },
    "open_items.items_add_up": (
        corrupted("open_item_matches", {"id_company": "B", "line": "customer_ar"}, {"amount": "1.0001"}), ["B"],
    ),
    "open_items.causes_named": (
        corrupted("open_items", {"id_company": "B", "line": "customer_ar"}, {"cause": "unknown"}), [None],
    ),
    "open_items.none_is_old": (
        corrupted("open_items", {"id_company": "B", "line": "customer_ar"}, {"age_days": 91}), [None],
    ),
    "open_items.none_is_ambiguous": (
        corrupted("open_items", {"id_company": "B", "line": "customer_ar"}, {"confidence": "ambiguous"}), [None],
    ),
    "control_effectiveness.every_planted_fault_found": (
        corrupted("control_effectiveness", {"id_company": "P1"}, {"found": False, "missed_by": "open_items"}), [None],
    ),
    "reconciliation.country_materiality": (
        corrupted("reconciliation", {"id_company": "B", "line": "customer_ar"}, {"unexplained_usd": "-9980"}), [None],
    ),
}  # fmt: skip


def test_no_check_fires_on_sound_frames() -> None:
    assert failing(SOUND) == {}


@pytest.mark.parametrize("check", CHECKS)
def test_a_check_fires_on_its_corrupted_copy_and_no_other_does(check: str) -> None:
    rows, companies = CORRUPTIONS[check]
    assert failing(rows) == {check: companies}
    assert all(outcome.tested for outcome in asked(check, rows))


def found_against(check: str, rows: dict[str, list[Row]]) -> int:
    """Ask the check's statement alone, and count the rows of it that speak against the check."""
    made = CHECKS[check].asked(tables(rows), CIRCUMSTANCES)
    assert made.statement == CHECKS[check].sql
    line = CHECKS[check].line
    of_line = "" if line is None else f" AND line = '{line}'"
    found = to_table(run(made.statement, made.inputs, made.result).filter(CHECKS[check].against + of_line))
    return int(found.num_rows)


@pytest.mark.parametrize("check", CHECKS)
def test_what_speaks_against_a_check_is_found_where_it_fails_and_nowhere_else(check: str) -> None:
    assert found_against(check, SOUND) == 0
    assert found_against(check, CORRUPTIONS[check][0]) > 0


@pytest.mark.parametrize("check", CHECKS)
def test_a_check_of_a_frame_without_rows_has_tested_nothing_and_does_not_pass(check: str) -> None:
    (found,) = asked(check, {name: [] for name in SOUND})
    assert not found.tested
    assert not found.passed
    assert not as_validation(CHECKS[check], [found]).passed
    assert found.id_company is None


def test_an_outcome_cannot_pass_without_a_test_nor_a_check_without_an_outcome() -> None:
    with pytest.raises(ValueError, match="cannot have passed"):
        CheckOutcome(passed=True, tested=False, figures={})
    with pytest.raises(ValueError, match=r"cr_05\.every_company_has_a_rate has no outcome"):
        as_validation(CHECKS["cr_05.every_company_has_a_rate"], [])


def test_what_a_check_reads_and_follows_is_what_its_rule_names() -> None:
    known = {*derivations(), *COLUMNS}
    for name, check in CHECKS.items():
        assert name == f"{check.asset}.{check.name}"
        assert set(check.inputs) <= known
        assert check.asset not in check.inputs[1:], "the asset's own comes first"
        assert check.is_variance == (check.asset == "reconciliation")
    assert CHECKS["jdash.no_unknown_voucher"].inputs == ("jdash", "ipe_08")
    assert CHECKS["vtc_adjustment.booked_at_what_remained"].inputs == ("ipe_08", "nav_voucher_entries")
    assert CHECKS["vtc_adjustment.booked_at_what_remained"].follows == ("month",)
    assert CHECKS["reconciliation.country_materiality"].follows == ("thresholds",)


def test_severity_is_error_where_a_balance_is_wrong_and_a_warning_where_a_person_looks() -> None:
    assert {name for name, check in CHECKS.items() if check.severity == "ERROR"} == {
        "control_effectiveness.every_planted_fault_found",
        "cr_05.every_company_has_a_rate",
        "gl_roll_forward.ties_out",
        "nav_open_items.ties_to_the_balances",
        "open_items.items_add_up",
        *(name for name in CHECKS if name.startswith("reconciliation.")),
    }


# What each one shows


@pytest.mark.parametrize(
    ("row", "change", "missed", "false_alarms"),
    [
        ("P1", {"found": False}, 1, 0),
        ("P1", {"beside": "open_items"}, 0, 1),
        ("P2", {"found": True, "beside": "x"}, 0, 1),
    ],
)
def test_a_missed_fault_and_a_false_alarm_are_listed(
    row: str, change: Row, missed: int, false_alarms: int
) -> None:
    rows = corrupted("control_effectiveness", {"id_company": row}, change)
    (found,) = asked("control_effectiveness.every_planted_fault_found", rows)
    assert not found.passed
    counted = {
        name: found.figures[name] for name in ("planted", "detected", "missed", "false_alarms", "found")
    }
    assert counted == {
        "planted": 1,
        "detected": 1 - missed,
        "missed": missed,
        "false_alarms": false_alarms,
        "found": 1,
    }
    assert [each["id_company"] for each in found.figures["listed"]] == [row]


def test_where_nothing_was_planted_nothing_was_proved() -> None:
    sound_alone = [row for row in SOUND["control_effectiveness"] if not row["planted"]]
    (found,) = asked(
        "control_effectiveness.every_planted_fault_found", {"control_effectiveness": sound_alone}
    )
    assert (found.passed, found.tested) == (False, False)


@pytest.mark.parametrize("rates", [["2", "3"], [None, "0"], ["-1", "-1"], ["2", None, "2.0000000001"]])
def test_a_company_without_exactly_one_usable_rate_is_named_with_all_it_has(rates: list[str | None]) -> None:
    rows = [{"id_company": company, "fx_rate": rate} for company, rate in zip(["A", "a ", "A"], rates)]  # noqa: B905
    (found,) = asked("cr_05.every_company_has_a_rate", {"cr_05": [*rows, SOUND["cr_05"][1]]})
    assert (found.id_company, found.passed, found.figures["found"]) == ("A", False, len(rates))
    listed = [row["fx_rate"] for row in found.figures["listed"]]
    assert sorted(listed, key=str) == [
        rate and str(Decimal(rate).quantize(RATE)) for rate in sorted(rates, key=str)
    ]


def test_a_voucher_of_another_company_is_unknown() -> None:
    used = SOUND["jdash"][0] | {"id_company": "B"}
    (found,) = asked("jdash.no_unknown_voucher", SOUND | {"jdash": [used]})
    assert found.figures == {
        "found": 1,
        "listed": [
            {"id_company": "B", "voucher_id": "V1.0", "amount_used": "1.0000", "source_file": "A.csv"}
        ],
    }


def test_files_without_a_voucher_tested_nothing_and_a_month_without_a_snapshot_knows_none() -> None:
    (found,) = asked("jdash.no_unknown_voucher", SOUND | {"jdash": []})
    assert (found.passed, found.tested) == (False, False)
    (found,) = asked("jdash.no_unknown_voucher", SOUND | {"ipe_08": []})
    assert (found.passed, found.tested, found.figures["found"]) == (False, True, 2)


@pytest.mark.parametrize("frame", ["ipe_08", "nav_voucher_entries"])
def test_without_vouchers_or_without_entries_no_booking_was_compared(frame: str) -> None:
    (found,) = asked("vtc_adjustment.booked_at_what_remained", SOUND | {frame: []})
    assert (found.passed, found.tested) == (False, False)


def test_items_without_a_bridge_are_counted_by_their_type() -> None:
    items = [{"id_company": "A", "transaction_type": "T", "amount": amount} for amount in ("8", "-3", None)]
    (found,) = asked("ipe_31_classified.every_item_classified", SOUND | {"ipe_31_classified": items})
    assert found.figures == {
        "found": 1,
        "listed": [{"transaction_type": "T", "items": 3, "amount": "5.0000"}],
    }


@pytest.mark.parametrize("rate", ["2", None, "0"])
def test_the_same_rate_twice_is_one_rate_and_no_rate_is_not_another(rate: str | None) -> None:
    twice = SOUND | {"cr_05": [*SOUND["cr_05"], {"id_company": "a", "fx_rate": rate}]}
    assert [outcome.passed for outcome in asked("cr_05.every_company_has_a_rate", twice)] == [True]


def test_every_company_that_does_not_tie_out_has_an_outcome_with_its_accounts() -> None:
    rows = corrupted("gl_roll_forward", {"group_coa_account_no": "18412"}, {"difference": "7"})
    found = asked("gl_roll_forward.ties_out", rows)
    assert [(o.id_company, o.line, o.passed) for o in found] == [("A", None, False), ("B", None, False)]
    assert found[0].figures["listed"] == [
        {"id_company": "A", "group_coa_account_no": "18412", "opening": "1.0000", "movement": "1.0000",
         "closing": "2.0000", "difference": "7.0000"},
    ]  # fmt: skip
    shown = as_validation(CHECKS["gl_roll_forward.ties_out"], found)
    assert (shown.figures["found"], [row["id_company"] for row in shown.figures["listed"]]) == (2, ["A", "B"])


TIES = "nav_open_items.ties_to_the_balances"


def tied(entries: list[Row], balances: list[Row], of_the_year: list[Row] | None = None) -> list[Row]:
    """Give the accounts that do not tie, with the figures that say why."""
    rows = {"nav_open_items": entries, "cr_04": balances, "cr_03": of_the_year or []}
    found = asked(TIES, SOUND | rows)
    assert all(outcome.tested for outcome in found)
    return [
        {name: value for name, value in row.items() if value not in (None, "0.0000")}
        for outcome in found
        for row in outcome.figures["listed"]
    ]


def entry(number: int, created: str | None, amount: str, remaining: str) -> Row:
    """Give an open entry, its own amount and what is open of it."""
    dated = {"entry_no": number, "gl_creation_date": created}
    return OPEN | dated | {"amount": amount, "remaining_amount": remaining}


def test_every_company_whose_open_items_do_not_add_up_has_an_outcome_with_its_accounts() -> None:
    of_others = [BALANCE | {"group_coa_account_no": "13003"}, BALANCE | {"id_company": "B"}]
    found = asked(TIES, SOUND | {"cr_04": [*SOUND["cr_04"], *of_others]})
    assert [(o.id_company, o.line, o.passed, o.figures["found"]) for o in found] == [
        ("A", None, False, 1),
        ("B", None, False, 1),
    ]
    assert found[0].figures["listed"] == [
        {"id_company": "A", "group_coa_account_no": "13003", "open_entries": 0, "open_amount": "0.0000",
         "created_after": "0.0000", "balance": "-100.0000", "difference": "100.0000", "created_between": "0.0000",
         "first_refresh_date": "2025-10-05 06:00:00", "last_refresh_date": "2025-10-05 06:00:00"},
    ]  # fmt: skip


def test_an_entry_made_after_the_balance_was_taken_is_left_out_and_told() -> None:
    late = entry(2, LATE, "-30", "-30")
    assert tied([OPEN, late], [BALANCE | {"balance_at_date": "-70"}]) == []
    (row,) = tied([OPEN, late], [BALANCE])
    assert (row["open_entries"], row["open_amount"]) == (2, "-100.0000")
    assert (row["created_after"], row["difference"]) == ("-30.0000", "30.0000")


def test_a_late_entry_counts_with_its_own_amount_whatever_was_applied_to_it() -> None:
    """A late -30 took 20 of an entry of -70 + 100: the balance, which knows nothing of it, is 30."""
    rows = [entry(1, None, "-70", "-70"), entry(2, None, "100", "80"), entry(3, LATE, "-30", "-10")]
    assert tied(rows, [BALANCE | {"balance_at_date": "30"}]) == []


def test_a_late_entry_that_was_settled_in_full_is_found_in_the_entries_of_the_year() -> None:
    """A late -100 settled an entry of 100: neither is open, and the balance holds the 100 all the same."""
    balances = [BALANCE | {"balance_at_date": "30"}]
    late: Row = {"id_company": "A", "entry_no": 3, "group_coa_account_no": "18412", "amount": "-100"}
    late |= {"gl_creation_date": LATE}
    of_the_year = [late, late | {"entry_no": 2, "gl_creation_date": "2025-09-01", "amount": "100"}]
    assert tied([OPEN], balances, of_the_year) == []
    (row,) = tied([OPEN], balances, [late | {"entry_no": 1}])
    assert row["difference"] == "-100.0000", "an entry that is open is not counted again"
    (row,) = tied([OPEN], balances, [late | {"id_company": "B"}])
    assert row["difference"] == "-100.0000", "nor is one of another company"


@pytest.mark.parametrize(
    ("created", "taken"),
    [
        (None, "2025-10-05T06:00"),
        ("2025-10-05T06:00", "2025-10-05T06:00"),
        ("2026-01-01", None),
        (None, None),
    ],
)
def test_an_entry_counts_as_made_in_time_unless_the_dates_say_that_it_was_not(
    created: str | None, taken: str | None
) -> None:
    assert tied([OPEN, entry(2, created, "-30", "-30")], [BALANCE | {"refresh_date": taken}]) == []


@pytest.mark.parametrize("has_it", [True, False])
def test_of_an_account_whose_balances_were_taken_at_two_moments_only_the_last_one_leaves_entries_out(
    *, has_it: bool
) -> None:
    between = entry(2, "2025-10-06T12:00", "-30", "-30")
    after = entry(3, "2025-10-07T06:00:00.003", "-1", "-1")
    first = BALANCE | {"balance_at_date": "-70"}
    last = BALANCE | {"refresh_date": "2025-10-07T06:00", "balance_at_date": "-30" if has_it else "0"}
    found = tied([OPEN, between, after], [first, last, last | {"refresh_date": None, "balance_at_date": "0"}])
    if has_it:
        assert found == []
    else:
        (row,) = found
        assert (row["difference"], row["created_between"]) == ("-30.0000", "-30.0000")
        assert (row["first_refresh_date"], row["last_refresh_date"]) == (
            "2025-10-05 06:00:00",
            "2025-10-07 06:00:00",
        )


def test_what_one_side_does_not_have_is_zero_there() -> None:
    assert [row["difference"] for row in tied([OPEN], [])] == ["-70.0000"]
    assert [row["difference"] for row in tied([], [BALANCE])] == ["100.0000"]
    opening = BALANCE | {"closing_date": "2024-12-31"}
    assert [row["difference"] for row in tied([OPEN], [opening])] == ["-70.0000"]
    assert [row["difference"] for row in tied([OPEN | {"group_coa_account_no": None}], [])] == ["-70.0000"]


@pytest.mark.parametrize(
    ("entries", "balances"),
    [
        ([], [BALANCE | {"balance_at_date": "0"}]),
        ([OPEN, entry(2, None, "70", "70")], []),
        ([OPEN, entry(2, None, "70", "70")], [BALANCE | {"closing_date": "2024-12-31"}]),
    ],
)
def test_open_items_without_a_balance_beside_them_have_tied_to_nothing(
    entries: list[Row], balances: list[Row]
) -> None:
    (found,) = asked(TIES, SOUND | {"nav_open_items": entries, "cr_04": balances, "cr_03": []})
    assert (found.passed, found.tested) == (False, False)


@pytest.mark.parametrize("status", ["VARIANCE_DETECTED", "NOT_COMPUTED", None])
def test_every_company_of_a_line_has_an_outcome_and_the_open_ones_are_shown(status: str | None) -> None:
    rows = corrupted("reconciliation", {"id_company": "A", "line": "customer_ar"}, {"status": status})
    found = asked("reconciliation.customer_ar_explained", rows)
    assert [(o.id_company, o.line, o.passed) for o in found] == [
        ("A", "customer_ar", False),
        ("B", "customer_ar", True),
    ]
    assert found[1].figures["unexplained_usd"] == "2.0000"
    assert "is_explained" not in found[0].figures
    shown = as_validation(CHECKS["reconciliation.customer_ar_explained"], found)
    nested = {"by_cause", "largest_items"}
    assert shown.figures["companies"] == 2
    assert shown.figures["open"] == [{k: v for k, v in found[0].figures.items() if k not in nested}]
    assert (shown.passed, shown.severity, shown.name) == (False, "ERROR", "customer_ar_explained")
    assert shown.statement == "Line customer_ar: every company is reconciled or explained."


def test_country_materiality_fails_where_a_line_has_no_figure() -> None:
    rows = corrupted("reconciliation", {"id_company": "A", "line": "customer_ar"}, {"unexplained_usd": None})
    (found,) = asked("reconciliation.country_materiality", rows)
    assert not found.passed
    assert found.figures["countries"][0]["lines_without_figure"] == 1


def test_the_share_without_a_category_is_told() -> None:
    (found,) = asked(*_with("nav_voucher_entries.every_entry_categorised"))
    assert found.figures["share_without_category"] == "50.00 %"
    assert (found.figures["entries"], found.figures["without_category"]) == (2, 1)
    assert [row["entry_no"] for row in found.figures["listed"]] == [2]


def test_buckets_to_investigate_are_listed_those_without_usd_and_large_first() -> None:
    usd = {"A": "5", "B": "-9", "C": None, "D": "9"}
    bucket = SOUND["voucher_accrual_variance"][0] | {"status": "INVESTIGATE"}
    rows = [bucket | {"id_company": company, "variance_usd": amount} for company, amount in usd.items()]
    (found,) = asked("voucher_accrual_variance.within_threshold", SOUND | {"voucher_accrual_variance": rows})
    assert [row["id_company"] for row in found.figures["listed"]] == ["C", "B", "D", "A"]


def test_a_hundred_rows_are_listed_and_all_are_counted() -> None:
    rows = [{"id_company": "A", "entry_no": number, "amount": "1"} for number in range(130)]
    (found,) = asked("nav_voucher_entries.every_entry_categorised", SOUND | {"nav_voucher_entries": rows})
    assert (found.figures["without_category"], len(found.figures["listed"])) == (130, 100)
    unknown = [SOUND["jdash"][0] | {"voucher_id": f"X{number}"} for number in range(130)]
    (found,) = asked("jdash.no_unknown_voucher", SOUND | {"jdash": unknown})
    assert (found.figures["found"], len(found.figures["listed"])) == (130, 100)
    accounts = [SOUND["gl_roll_forward"][0] | {"difference": "1", "id_company": str(n)} for n in range(130)]
    of_companies = asked("gl_roll_forward.ties_out", SOUND | {"gl_roll_forward": accounts})
    shown = as_validation(CHECKS["gl_roll_forward.ties_out"], of_companies).figures
    assert (shown["found"], len(shown["listed"])) == (130, 100)


@pytest.mark.parametrize("check", OTHERS)
def test_a_frame_that_lacks_a_column_is_an_error_and_no_failed_check(check: str) -> None:
    given = tables(SOUND)
    first = OTHERS[check].inputs[0]
    with pytest.raises(DataError, match=f"{first} has no column"):
        list(outcomes([OTHERS[check]], given | {first: given[first].select([])}, CIRCUMSTANCES))


def test_a_narrower_scope_has_the_checks_of_its_lines() -> None:
    narrow = checks(LINES.within(["18412"]))
    assert {name for name in narrow if name.endswith("_explained")} == {
        "reconciliation.voucher_liability_explained"
    }
    assert "reconciliation.country_materiality" in checks(Lines(version="1", lines=()))


# The statements


def test_the_statement_of_every_check_can_be_read_with_its_sentence() -> None:
    text = check_statements()
    assert text.startswith(f"-- The words the statements use.\n{words()}\n")
    for check in CHECKS.values():
        told = f"-- {check.asset}.{check.name}: {check.statement}"
        if check.line is not None:
            told = told.replace(check.line, "<line>")
        assert f"{told}\n{check.sql.strip()};\n" in text
    assert check_statements() == text


def test_the_checks_are_read_without_dagster() -> None:
    code = "import sys, cpg1_assets.rules.check_results; print('dagster' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert ran.stdout.strip() == "False"


# The frame


def validated(name: str, **figures: object) -> Validated:
    return {"name": name, "severity": "ERROR", "passed": True, "tested": True, "figures": figures}


VALIDATIONS: dict[str, list[Validated]] = {
    "ipe_07": [
        validated("key_unique", repeated_keys=0, first=[]),
        {
            "name": "positive_witness",
            "severity": "WARN",
            "passed": False,
            "tested": False,
            "figures": {"rows_looked_for": 0, "not_found": [{"b": None, "a": "é"}, {"a": "1", "b": True}]},
        },
    ],
    "cr_05": [validated("contract", values_not_allowed=[])],
}


def _with(check: str) -> tuple[str, dict[str, list[Row]]]:
    return check, CORRUPTIONS[check][0]


def test_the_page_gives_the_columns_of_the_check_results() -> None:
    text = PAGE.read_text(encoding="utf-8").split("### `check_results`\n")[1]
    said = [line.split("|") for line in text.splitlines() if line.startswith("| `")]
    assert [(row[1].strip(" `"), row[2].strip()) for row in said] == [
        (column.name, column.type) for column in CHECK_RESULTS.columns
    ]


def test_the_check_results_have_a_row_for_every_outcome_and_every_validation() -> None:
    found = check_results(tables(SOUND), CIRCUMSTANCES, VALIDATIONS)
    assert found.schema.equals(CHECK_RESULTS.arrow_schema)
    rows = found.to_pylist()
    keys = [tuple(row[name] for name in CHECK_RESULTS.key) for row in rows]
    assert keys == sorted(keys, key=lambda key: [(part is not None, part) for part in key])
    assert len(set(keys)) == len(keys)
    assert len(keys) == 2 * len(LINES.lines) + len(OTHERS) + 3
    assert ("reconciliation", "customer_ar_explained", "B", "customer_ar") in keys
    by_key = dict(zip(keys, rows, strict=True))
    assert by_key["ipe_07", "positive_witness", None, None] == {
        "asset": "ipe_07", "check": "positive_witness", "severity": "WARN", "id_company": None, "line": None,
        "passed": False, "tested": False,
        "figures": '{"not_found":[{"a":"1","b":true},{"a":"é","b":null}],"rows_looked_for":0}',
    }  # fmt: skip


def everything_wrong() -> dict[str, list[Row]]:
    """Give the rows of all corrupted copies together."""
    return {name: [row for rows, _ in CORRUPTIONS.values() for row in rows[name]] for name in SOUND}


def test_figures_are_json_without_floats() -> None:
    def refuse(number: str) -> None:
        raise AssertionError(number)

    found = check_results(tables(everything_wrong()), CIRCUMSTANCES, VALIDATIONS)
    assert {row["check"] for row in found.to_pylist() if row["tested"] and not row["passed"]} == {
        check.name for check in CHECKS.values()
    }
    for text in found.column("figures").to_pylist():
        figures = json.loads(text, parse_float=refuse)
        again = json.dumps(figures, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        assert again == text


@pytest.mark.parametrize("figure", [1.5, SEPTEMBER.cutoff_date, {"deep": [0.1]}, {1: "a"}])
def test_a_figure_that_could_lose_digits_is_refused(figure: object) -> None:
    with pytest.raises(TypeError, match="figure"):
        check_results(tables(SOUND), CIRCUMSTANCES, {"ipe_07": [validated("contract", figure=figure)]})


def _shuffled(rows: list[T], random: Random) -> list[T]:
    return random.sample(rows, len(rows))


@settings(max_examples=6)
@given(
    random=st.randoms(),
    amounts=st.lists(st.decimals(min_value=-(10**9), max_value=10**9, places=4) | st.none(), max_size=4),
)
def test_the_order_of_rows_does_not_show_in_the_results(random: Random, amounts: list[Any]) -> None:
    columns = {
        "cr_05": "fx_rate", "jdash": "amount_used", "ipe_08": "remaining_amount", "ipe_31_classified": "amount",
        "nav_voucher_entries": "amount", "gl_roll_forward": "difference",
        "nav_open_items": "remaining_amount", "cr_03": "amount", "cr_04": "balance_at_date",
        "voucher_accrual_variance": "variance_usd", "reconciliation": "unexplained_usd",
        "open_items": "unexplained_usd", "open_item_matches": "amount", "control_effectiveness": "amount",
    }  # fmt: skip
    rows = {
        name: [*listed, *(SOUND[name][0] | {columns[name]: amount} for amount in amounts if listed)]
        for name, listed in everything_wrong().items()
    }
    once = check_results(tables(rows), CIRCUMSTANCES, VALIDATIONS)
    mixed = {name: _shuffled(listed, random) for name, listed in rows.items()}
    found = _shuffled(copy.deepcopy(VALIDATIONS["ipe_07"]), random)
    for validation in found:
        for figure in validation["figures"].values():
            if isinstance(figure, list):
                random.shuffle(figure)
    again = check_results(tables(mixed), CIRCUMSTANCES, {"cr_05": VALIDATIONS["cr_05"], "ipe_07": found})
    assert again.equals(once)
