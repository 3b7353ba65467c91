"""`cpg1 explain` takes a variance apart on a terminal, as JSON and as a sheet; close and status lead to it."""

import csv
import io
import json
import shlex
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from cpg1_assets.cli.items import item_names
from cpg1_assets_tests.cli.conftest import ClosedHome, Cpg1
from cpg1_assets_tests.explaining.stored_month import RED, item, reconciled, stored_month

MONTH = "2025-12"


@pytest.fixture
def asked(cpg1: Cpg1, closed_home: ClosedHome, monkeypatch: pytest.MonkeyPatch) -> Cpg1:
    """Run a command in the home whose last month is closed."""
    monkeypatch.setenv("CPG1_HOME", str(closed_home.home))
    return cpg1


def red_line(closed_home: ClosedHome) -> dict[str, Any]:
    red = [line for line in closed_home.said["lines"] if line["status"] == "VARIANCE_DETECTED"]
    line: dict[str, Any] = max(red, key=lambda each: abs(Decimal(each["unexplained_usd"])))
    return line


def wide(result: Result) -> list[str]:
    """Give the lines that do not fit into 80 columns."""
    return [line for line in result.output.splitlines() if len(line) > 80]


def test_a_red_line_is_explained_in_two_commands(asked: Cpg1, closed_home: ClosedHome) -> None:
    red = red_line(closed_home)
    status = asked("status", MONTH)
    command = shlex.split(status.output.splitlines()[-1])
    assert command == ["cpg1", "explain", MONTH, "--company", red["id_company"], "--line", red["line"]]
    explained = asked(*command[1:])
    assert explained.exit_code == 0
    figures = [
        f"{Decimal(red[name]):,.2f}"
        for name in ("actual", "target_value", "variance", "bridges", "unexplained")
    ]
    assert all(figure in explained.output for figure in figures)
    items = json.loads(asked(*command[1:], "--json").stdout)["lines"][0]["taken_apart"]["items"]
    assert items
    for each in items:
        assert each["reference"].strip() in explained.output
        assert each["cause"] in explained.output
        assert f"{Decimal(each['unexplained']):,.2f}" in explained.output
    assert "SAMPLE BOOKS" in explained.output
    assert not wide(explained)


def test_a_close_ends_with_the_command_that_explains_it(closed_home: ClosedHome, asked: Cpg1) -> None:
    named = closed_home.said["named"]
    assert [(row["id_company"], row["line"]) for row in named] == [
        (row["id_company"], row["line"]) for row in closed_home.said["lines"]
    ]
    red = red_line(closed_home)
    (own,) = [row for row in named if (row["id_company"], row["line"]) == (red["id_company"], red["line"])]
    assert Decimal(own["named"]) + Decimal(own["unknown"]) == Decimal(red["unexplained"])
    assert sum(Decimal(share["unexplained"]) for share in own["by_cause"]) == Decimal(red["unexplained"])
    text = asked("status", MONTH).output
    assert f"{own['items']} items, {own['share_named']} with a cause" in text
    assert asked("status").output.endswith(f"  cpg1 explain {MONTH}\n")


def test_without_a_month_the_newest_in_storage_is_explained_with_its_red_lines_first(
    asked: Cpg1, closed_home: ClosedHome
) -> None:
    text = asked("explain").output
    assert text.startswith(f"C-PG-1 {MONTH} – SAMPLE BOOKS")
    lines = json.loads(asked("explain", "--json").stdout)["lines"]
    statuses = [line["status"] for line in lines]
    order = ["VARIANCE_DETECTED", "EXPLAINED", "NOT_COMPUTED", "RECONCILED"]
    assert statuses == sorted(statuses, key=order.index)
    assert len(lines) == len(closed_home.said["lines"])
    for line in lines:
        if line["status"] == "VARIANCE_DETECTED":
            assert f"{line['id_company']} {line['line']}: unexplained" in text
            assert line["taken_apart"]["ties"]
            largest = line["taken_apart"]["items"][0]
            assert largest["item"][:10] in text


def test_the_json_ties_to_the_reconciliation_to_the_last_digit(asked: Cpg1, closed_home: ClosedHome) -> None:
    said = json.loads(asked("explain", MONTH, "--json").stdout)
    assert (said["books"], said["month"], said["scope"]) == ("SAMPLE BOOKS", MONTH, None)
    of_close = {(row["id_company"], row["line"]): row for row in closed_home.said["lines"]}
    for line in said["lines"]:
        own = of_close[line["id_company"], line["line"]]
        assert {name: line[name] for name in own} == own
        if line["taken_apart"] is None:
            assert line["why"]
            continue
        items, agreed = line["taken_apart"]["items"], line["taken_apart"]["agreed"]

        def total(name: str, of: list[dict[str, str]] = items) -> Decimal:
            return sum((Decimal(each[name]) for each in of), Decimal(0))

        assert Decimal(agreed["nav_amount"]) + total("nav_amount") == Decimal(line["actual"])
        assert Decimal(agreed["target_amount"]) + total("target_amount") == Decimal(line["target_value"])
        assert total("difference") == Decimal(line["variance"])
        assert total("bridge_amount") == Decimal(line["bridges"])
        assert total("unexplained") == Decimal(line["unexplained"])
        assert line["open_items"] == len(items)


def test_the_sheet_has_every_open_item_once(asked: Cpg1) -> None:
    lines = json.loads(asked("explain", MONTH, "--json").stdout)["lines"]
    items = [each["item"] for line in lines if line["taken_apart"] for each in line["taken_apart"]["items"]]
    sheet = asked("explain", MONTH, "--csv").stdout
    rows = list(csv.DictReader(io.StringIO(sheet, newline="")))
    assert [row["item"] for row in rows] == items
    assert len(set(items)) == len(items)
    one = list(
        csv.DictReader(io.StringIO(asked("explain", MONTH, "--item", items[0], "--csv").stdout, newline=""))
    )
    assert [row["item"] for row in one] == items[:1]


def test_an_item_is_told_in_full_on_eighty_columns(asked: Cpg1) -> None:
    lines = json.loads(asked("explain", MONTH, "--json").stdout)["lines"]
    largest = lines[0]["taken_apart"]["items"][0]
    told = asked("explain", MONTH, "--item", largest["item"][:10])
    assert told.exit_code == 0
    said = json.loads(asked("explain", MONTH, "--item", largest["item"], "--json").stdout)["item"]
    for row in said["rows"]:
        assert f"{Decimal(row['amount']):,.2f}" in told.output
        assert (row["document_no"] or row["reference"] or row["row_key"]) in told.output
    assert "Why they are one item" in told.output
    assert f"{MONTH}  " in told.output
    assert not wide(told)


def test_large_amounts_are_whole_and_items_still_fit(cpg1: Cpg1, home: Path) -> None:
    amount = "-99999999999999.1234"
    rows = RED | {
        "reconciliation": [reconciled(amount, "0")],
        "open_items": [
            item("i2aa", amount, "0", description="word " * 60, cause="unknown account or company")
        ],
        "open_item_matches": [],
    }
    stored_month(home, rows)
    told = cpg1("explain", "2025-09", "--line", "packages_not_reconciled")
    assert told.output.count("-99,999,999,999,999.12") >= 4
    assert [line for line in wide(told) if "word" in line] == []


def test_items_that_do_not_add_up_are_an_error_and_said_so(cpg1: Cpg1, home: Path) -> None:
    stored_month(home, RED | {"open_items": RED["open_items"][:1]})
    told = cpg1("explain", "2025-09", "--company", "EC_KE")
    assert told.exit_code == 1
    assert "do NOT tie: variance is 30.0000, and its items come to 50.0000" in " ".join(told.output.split())
    assert cpg1("explain", "2025-09", "--json").exit_code == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["2025-09", "--company", "EC_XX"], "no company of 2025-09. There are: EC_KE"),
        (["2025-09", "--line", "x"], "no line of 2025-09. There are: packages_not_reconciled"),
        (["2025-09", "--item", "zz"], "begins with 'zz'"),
        (["2025-08"], "2025-08 has not been closed. Close it with: cpg1 close --month 2025-08"),
        (["September"], "Unknown month"),
    ],
)
def test_what_cannot_be_explained_is_said_with_what_there_is(
    cpg1: Cpg1, home: Path, arguments: list[str], said: str
) -> None:
    stored_month(home, RED)
    refused = cpg1("explain", *arguments)
    assert refused.exit_code == 1
    assert said in " ".join(refused.output.split())


def test_without_any_month_it_says_how_to_close_one(cpg1: Cpg1) -> None:
    refused = cpg1("explain")
    assert (refused.exit_code, "No month has been closed" in refused.output) == (1, True)


def test_a_sheet_and_json_are_not_asked_for_together(cpg1: Cpg1) -> None:
    assert cpg1("explain", "2025-09", "--csv", "--json").exit_code == 2


def test_a_comment_is_shown_with_its_item(cpg1: Cpg1, home: Path) -> None:
    said = {
        "item": "i2aa",
        "comment": None,
        "owner": "Ann",
        "confirmed_cause": "posted twice",
        "source_file": "f",
    }
    stored_month(home, RED | {"open_item_comments": [said]})
    told = cpg1("explain", "2025-09", "--line", "packages_not_reconciled").output
    assert "comment (Ann): –; cause confirmed: posted twice" in told


def test_the_hint_of_a_narrowed_scope_names_the_scope(
    cpg1: Cpg1, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CPG1_COMPANIES", "EC_KE")
    stored_month(home, RED, companies=("EC_KE",))
    told = cpg1("explain", "2025-09").output
    assert "does not count as the control" in told
    assert "CPG1_COMPANIES=EC_KE cpg1 explain 2025-09 --company EC_KE --line packages_not_reconciled" in told


def test_short_names_tell_items_apart() -> None:
    names = ["i000000000001", "i000000000002", "i0ff", "ia"]
    short = item_names([{"item": name} for name in names])
    assert short == {names[0]: names[0], names[1]: names[1], "i0ff": "i0ff", "ia": "ia"}
    assert item_names([{"item": "i123456789abc"}]) == {"i123456789abc": "i123456789"}
