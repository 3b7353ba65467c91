"""What a server answers is held to the table of constructs, one by one, and what differs is named."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from cpg1_assets.doctor import Finding
from cpg1_assets.doctor.constructs import check_constructs, question
from cpg1_assets.doctor.conversation import RefusedError, Row
from cpg1_assets.doctor.server import check_server
from cpg1_assets.settings import Settings
from cpg1_assets.sources.constructs import Construct, read_constructs
from cpg1_assets.sources.odbc_errors import Diagnostic
from cpg1_assets.sources.sqlserver import SqlServer
from cpg1_assets_tests.doctor.conftest import Examined
from cpg1_assets_tests.doctor.fake_server import NAMED, FakeServer, given

_ALL = {question(c): c for group in read_constructs().allowed.values() for c in group}


def _row(construct: Construct) -> Row:
    """Answer as a SQL Server would, through a driver that gives a date as a moment."""
    value: Any = construct.value()
    if construct.type == "date":
        value = datetime.combine(value, datetime.min.time())
    base, _, digits = construct.type.rstrip(")").partition("(")
    precision, _, scale = (digits or "0,0").partition(",")
    if value is None:
        return {"v": None, "base_type": None, "digits": None, "places": None}
    return {"v": value, "base_type": base, "digits": int(precision), "places": int(scale)}


class _Server:
    """A conversation in which each construct is answered as the table says, but for what a test changes."""

    def __init__(self, name: str = "", answer: Callable[[Row], list[Row]] = lambda row: [row]) -> None:
        self._name = name
        self._answer = answer
        self.asked: list[str] = []

    def ask(self, text: str, *values: str) -> list[Row]:
        assert not values
        self.asked.append(text)
        construct = _ALL[text]
        return self._answer(_row(construct)) if construct.name == self._name else [_row(construct)]

    def do(self, statement: str) -> None:
        raise AssertionError(statement)


def _findings(server: _Server) -> list[Finding]:
    return list(check_constructs(server, given(), SqlServer()))


def test_every_construct_is_asked_once_with_a_select_that_names_no_table() -> None:
    server = _Server()
    findings = _findings(server)
    assert sorted(server.asked) == sorted(_ALL)
    assert {finding.verdict for finding in findings} == {"fine"}
    assert all("[" not in text.replace("[ab]", "") for text in server.asked)


@pytest.mark.parametrize(
    ("name", "answer", "said"),
    [
        ("SUBSTRING from before the first", lambda row: [row | {"v": "f"}], "'f' instead of 'ab'"),
        ("* of decimals", lambda row: [row | {"places": 8}], "decimal(23,8) instead of decimal(23,6)"),
        ("+", lambda row: [row | {"v": Decimal(3), "base_type": "bigint"}], "bigint instead of int"),
        ("UNION ALL", lambda row: [row, row], "2 rows instead of one"),
        ("+ of a null", lambda row: [row | {"v": 1}], "1 instead of None"),
    ],
)
def test_a_construct_that_is_answered_otherwise_is_named_with_both_answers(
    name: str, answer: Callable[[Row], list[Row]], said: str
) -> None:
    (found,) = [finding for finding in _findings(_Server(name, answer)) if finding.verdict != "fine"]
    assert found.verdict == "mend"
    assert name in found.said
    assert said in found.said
    assert "docs/t-sql.md" in found.to_do


def test_a_construct_that_the_server_refuses_is_named_with_its_words() -> None:
    def refuse(row: Row) -> list[Row]:
        raise RefusedError(Diagnostic("42000", 195, f"'EOMONTH' is not recognized, whatever {row['v']} is"))

    (found,) = [f for f in _findings(_Server("EOMONTH", refuse)) if f.verdict == "mend"]
    assert "error 195" in found.said


def test_the_doctor_asks_them_after_everything_else(
    server: FakeServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    others = server.answer

    def answer(text: str, values: tuple[str, ...]) -> list[Row]:
        return [_row(_ALL[text])] if text in _ALL else others(text, values)

    monkeypatch.setattr(server, "answer", answer)
    findings = check_server(Settings(home=tmp_path), given(), NAMED, asks_constructs=True)
    asked = [finding for finding in findings if finding.group == "Constructs"]
    assert [finding.subject for finding in asked] == list(read_constructs().allowed)
    assert findings[-len(asked) :] == asked
    assert {finding.verdict for finding in findings} == {"fine"}


def test_the_doctor_asks_them_only_where_it_is_told_to(server: FakeServer, examined: Examined) -> None:
    assert not [finding for finding in examined() if finding.group == "Constructs"]
    assert not set(server.asked) & set(_ALL)
