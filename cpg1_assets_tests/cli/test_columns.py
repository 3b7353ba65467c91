"""Tables on a terminal: figures are whole at any width, names break nothing, and nothing in data is obeyed."""

import io
import re
import sys
from dataclasses import dataclass
from decimal import Decimal
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.text import Text

from cpg1_assets.cli.columns import LONGEST_NAME, Column, Row, laid_out, shortened, wrapped
from cpg1_assets.cli.terminal import ESCAPED, Screen, console, say, say_json, say_step, writable

ENCODINGS = ("ascii", "latin-1", "cp1252", "utf-8")
COLUMNS = (Column("company"), Column("line"), Column("unexplained", is_figure=True), Column("cause"))
names = st.text(max_size=60) | st.sampled_from(
    [
        "EC_KE",
        "شركة الأفق",
        "中文公司",
        "x" * 30_000,
        "\x1b[31mred\x1b[0m",
        "a\nb\tc",
        "\u202eevil",
        "\x9b2J",
        "",
    ]
)
figures = st.decimals(min_value=Decimal(-(10**30)), max_value=Decimal(10**30), places=2, allow_nan=False).map(
    lambda figure: f"{figure:,.2f}"
)
rows = st.lists(st.builds(lambda *cells: Row(cells, [cells[3]]), names, names, figures, names), max_size=5)


def texts(lines: object) -> list[str]:
    assert not isinstance(lines, str)
    return [line.plain for line in lines]  # type: ignore[attr-defined]


@given(rows=rows, width=st.integers(20, 200), encoding=st.sampled_from(ENCODINGS))
def test_every_figure_is_whole_and_nothing_that_a_terminal_obeys_is_left(
    rows: list[Row], width: int, encoding: str
) -> None:
    lines = texts(laid_out(COLUMNS, rows, Screen(width, encoding)))
    shown = "\n".join(lines)
    for row in rows:
        assert row.cells[2] in shown
    assert all(letter.isprintable() or letter in "\n\u200e" for letter in shown)
    assert shown.encode(encoding, ESCAPED).decode(encoding).replace("\u200e", "") == shown.replace(
        "\u200e", ""
    )


@given(rows=rows, width=st.integers(20, 200), encoding=st.sampled_from(ENCODINGS))
def test_a_line_is_wider_than_the_terminal_only_for_what_cannot_be_broken(
    rows: list[Row], width: int, encoding: str
) -> None:
    for line in texts(laid_out(COLUMNS, rows, Screen(width, encoding))):
        longest = max((cell_len(word) for word in line.split(" ")), default=0)
        labels = max(len(column.head) for column in COLUMNS) + 4
        assert cell_len(line) <= max(width, longest + labels + LONGEST_NAME)


@given(rows=rows)
def test_columns_stand_beneath_each_other_whatever_the_names_are(rows: list[Row]) -> None:
    bare = [row._replace(below=()) for row in rows]
    lines = texts(laid_out(COLUMNS, bare, Screen(10_000)))[1:]
    ends = {
        cell_len(line[: line.rindex(row.cells[2])] + row.cells[2])
        for line, row in zip(lines, bare, strict=True)
    }
    assert len(ends) <= 1


def test_a_table_that_does_not_fit_is_a_block_a_row() -> None:
    row = Row(("EC_KE", "voucher_liability", "466,532.02", "posted twice"))
    assert texts(laid_out(COLUMNS, [row], Screen(80))) == [
        "company  line               unexplained  cause",
        "EC_KE    voucher_liability   466,532.02  posted twice",
    ]
    assert texts(laid_out(COLUMNS, [row], Screen(40))) == [
        "EC_KE voucher_liability",
        "  unexplained  466,532.02",
        "  cause        posted twice",
    ]


def test_words_of_a_heading_stand_above_each_other_where_it_is_too_wide() -> None:
    columns = (Column("month"), Column("failed checks", is_figure=True))
    shown: list[Row | Text] = [Text("late"), Row(("2025-09", "8"))]
    assert texts(laid_out(columns, shown, Screen(22)))[0] == "month    failed checks"
    assert texts(laid_out(columns, shown, Screen(21))) == [
        "         failed",
        "month    checks",
        "late",
        "2025-09       8",
    ]


@given(name=st.text(max_size=100), longest=st.integers(4, 60))
def test_a_shortened_name_is_the_name_or_its_beginning(name: str, longest: int) -> None:
    short = shortened(name, longest)
    assert short == name or (short.endswith("...") and name.startswith(short[:-3]))
    assert cell_len(short) <= longest or short == name


@given(words=st.lists(st.text(alphabet="abc,.-", min_size=1, max_size=30)), width=st.integers(20, 120))
def test_a_wrapped_sentence_has_all_its_words_in_order(words: list[str], width: int) -> None:
    lines = list(wrapped(" ".join(words), Screen(width), 2))
    assert " ".join(lines).split() == words
    assert all(len(line) <= max(width, 32) for line in lines)


# What is written


@dataclass(frozen=True)
class Output:
    """Standard output of an encoding, and what was written there."""

    stream: io.TextIOWrapper

    @classmethod
    def of(cls, encoding: str) -> "Output":
        """Give an output that nothing was written to."""
        return cls(io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors=ESCAPED))

    @property
    def text(self) -> str:
        """What was written so far."""
        self.stream.flush()
        return cast("io.BytesIO", self.stream.buffer).getvalue().decode(self.stream.encoding)


@pytest.fixture
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("COLUMNS", "NO_COLOR", "FORCE_COLOR", "TERM", "PYTHONIOENCODING", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_what_an_encoding_lacks_is_written_otherwise(
    encoding: str, plain_environment: pytest.MonkeyPatch
) -> None:
    output = Output.of(encoding)
    plain_environment.setattr(sys, "stdout", output.stream)
    say("C-PG-1 – SAMPLE BOOKS … “Côte”", "شركة")
    dash = "–" if encoding in ("cp1252", "utf-8") else "-"
    assert dash in output.text
    assert "?" not in output.text
    assert ("Côte" if encoding != "ascii" else r"C\u00f4te") in output.text
    assert ("شركة" if encoding == "utf-8" else r"\u0634\u0631\u0643\u0629") in output.text
    assert writable("é–", "ascii") == r"\u00e9-"


def test_terminal_escapes_in_data_are_shown_and_not_obeyed(plain_environment: pytest.MonkeyPatch) -> None:
    output = Output.of("utf-8")
    plain_environment.setattr(sys, "stdout", output.stream)
    plain_environment.setenv("FORCE_COLOR", "1")
    plain_environment.setenv("TERM", "xterm-256color")
    say(Text("\x1b]0;owned\x07 \x9b2J \u202etxt [bold]:warning:", "red"))
    assert r"\x1b]0;owned" in output.text
    assert r"\x9b2J \u202etxt [bold]:warning:" in output.text
    ours = re.sub(r"\x1b\[[0-9;]*m", "", output.text)
    assert "\x1b" in output.text
    assert ours.replace("\n", "").isprintable(), "only our own colours are obeyed"
    say_json({"name": "\x1b[2J\x9b2J\u202e\x7f"})
    assert r'"\u001b[2J\u009b2J\u202e\u007f"' in output.text


@pytest.mark.parametrize("without", [{"NO_COLOR": "1"}, {"TERM": "dumb"}, {}])
def test_without_colour_or_a_terminal_there_is_no_escape(
    without: dict[str, str], plain_environment: pytest.MonkeyPatch
) -> None:
    output = Output.of("utf-8")
    plain_environment.setattr(sys, "stdout", output.stream)
    if without:
        plain_environment.setattr(output.stream, "isatty", lambda: True, raising=False)
    for name, value in {"TERM": "xterm", **without}.items():
        plain_environment.setenv(name, value)
    say(Text("VARIANCE_DETECTED", "bold red"))
    assert output.text == "VARIANCE_DETECTED\n"


@pytest.mark.parametrize(("told", "width"), [("", 80), ("0", 80), ("wide", 80), ("120", 120), ("3", 20)])
def test_what_is_no_terminal_is_as_wide_as_it_says_or_80(
    told: str, width: int, plain_environment: pytest.MonkeyPatch
) -> None:
    plain_environment.setattr(sys, "stdout", Output.of("utf-8").stream)
    plain_environment.setenv("COLUMNS", told)
    assert console().width == width


class _Step:
    step, rows, seconds = "open_item_matches", 39_935, 1.44


@pytest.mark.parametrize(
    ("width", "line"),
    [
        ("80", "  open_item_matches                      39,935 rows       1.4 s"),
        ("40", "  open_item_matches: 39,935 rows, 1.4 s"),
    ],
)
def test_a_step_is_told_with_its_rows_and_time(
    width: str, line: str, plain_environment: pytest.MonkeyPatch
) -> None:
    output = Output.of("utf-8")
    plain_environment.setattr(sys, "stdout", output.stream)
    plain_environment.setenv("COLUMNS", width)
    say_step(_Step())
    assert output.text == f"{line}\n"
