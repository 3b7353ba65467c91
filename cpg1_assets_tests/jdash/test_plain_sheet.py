"""Sheets read by patterns and sheets read cell by cell: the same vouchers, the same amounts, the same refusals."""

import io
from collections.abc import Callable
from decimal import Decimal
from unittest import mock
from xml.sax.saxutils import escape

import openpyxl
import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from cpg1_assets.errors import DataError
from cpg1_assets.inbox import xlsx as xlsx_reader
from cpg1_assets.inbox.package import Package
from cpg1_assets.inbox.plain_sheet import SharedTexts, plain_sheet, plain_texts
from cpg1_assets.jdash.file import parse_jdash
from cpg1_assets_tests.inbox.workbooks import HEADER, number, row, sheet, xlsx

PART = "xl/worksheets/sheet1.xml"
HEADER_WITH_NOTE = HEADER.replace("</row>", '<c r="C1" t="inlineStr"><is><t>Note</t></is></c></row>')


def _answer(content: bytes) -> object:
    try:
        return list(parse_jdash("EC_NG.xlsx", content, "NGN"))
    except DataError as error:
        return str(error)


def _careful_answer(content: bytes) -> object:
    with mock.patch.object(xlsx_reader, "plain_sheet", return_value=None):
        return _answer(content)


def _is_plain(content: bytes) -> bool:
    return plain_sheet(Package(content), PART, lambda: SharedTexts([])) is not None


def _text(value: str, stored: str, shared: list[str]) -> str:
    if stored == "shared":
        shared.append(value)
        return f'<c r="{{}}" t="s"><v>{len(shared) - 1}</v></c>'
    if stored == "in the cell":
        return f'<c r="{{}}" s="1" t="inlineStr"><is><t xml:space="preserve">{escape(value)}</t></is></c>'
    return f'<c r="{{}}" t="str"><v>{escape(value)}</v></c>'


_WORDS = st.one_of(
    st.from_regex(r"[0-9]{1,12}", fullmatch=True),
    st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="{}\ufffe\uffff"), max_size=6),
    st.sampled_from(
        ["0012", "V7", "12,345", "", "Total", "1E5", "_x0030_7", "_xD83D_", "a&b<c>", " 5 ", "]]>"]
    ),
)
_NUMBERS = st.one_of(
    st.integers(0, 10**15), st.floats(0, 10**6), st.sampled_from(["1E3", "x", "1_0", " 7 ", "nan", "-0"])
)
_AMOUNTS = st.one_of(
    st.decimals(-(10**9), 10**9, places=4), st.sampled_from(["1,234", "₦5", "x", "", "-1234.50", "5"])
)
_STORED = st.sampled_from(["shared", "in the cell", "str"])


@settings(deadline=None, max_examples=200)
@given(
    st.lists(
        st.tuples(
            st.one_of(_WORDS, _NUMBERS.map(lambda value: (value,))), _STORED, _AMOUNTS, st.none() | _WORDS
        ),
        min_size=1,
        max_size=6,
    ),
    st.sampled_from(["", "<si><r><t>7</t></r><rPh sb='0' eb='1'><t>9</t></rPh></si>"]),
    st.sampled_from(["General", "000000", "[$₦-468]0.00"]),
)
def test_any_texts_and_numbers_give_the_same(
    rows: list[tuple[object, str, object, str | None]], with_runs: str, code: str
) -> None:
    shared: list[str] = []
    made = ""
    for at, (voucher, stored, amount, note) in enumerate(rows, 2):
        cells = [
            _text(voucher, stored, shared) if isinstance(voucher, str) else number(voucher[0], 1),  # type: ignore[index]
            _text(amount, stored, shared) if isinstance(amount, str) else number(amount),
            "" if note is None else _text(note, stored, shared),
        ]
        placed = "".join(cell.format(f"{letter}{at}") for letter, cell in zip("ABC", cells, strict=True))
        made += (
            f'<row r="{at}" spans="1:3">{placed}</row><row r="{at + 10}0"/>'
            if at == len(rows) + 1
            else (f'<row r="{at}">{placed}</row>')
        )
    strings = "".join(f'<si><t xml:space="preserve">{escape(text)}</t></si>' for text in shared)
    content = xlsx(sheet(made, header=HEADER_WITH_NOTE), strings=strings + with_runs, formats=[code])
    assert _is_plain(content)
    assert (plain_texts(Package(content), "xl/sharedStrings.xml") is None) == bool(with_runs)
    assert _answer(content) == _careful_answer(content)


_GOOD = row(2, number(7), number("1.5"))


@pytest.mark.parametrize(
    "rows",
    [
        row(3, number(3), number(3)) + _GOOD,
        _GOOD + _GOOD,
        '<row r="2"><c r="B2"><v>1</v></c><c r="A2"><v>1</v></c></row>',
        '<row r="2"><c r="A2"><v>1</v></c><c r="A2"><v>2</v></c></row>',
        '<row r="2"><c r="A3"><v>1</v></c><c r="B3"><v>2</v></c></row><row r="3"><c r="A2"><v>1</v></c></row>',
        row(2, number(1, formula="1"), number(1)),
        row(2, number(1), '<c r="{}" t="e"><v>#N/A</v></c>'),
        row(2, number(1), '<c r="{}" t="b"><v>1</v></c>'),
        row(2, number(1), '<c r="{}" t="n" t="s"><v>1</v></c>'),
        row(2, number(1), '<c r="{}" s="1"t="s"><v>1</v></c>'),
        row(2, number(1), "<c r=\"{}\" t='e'><v>1</v></c>"),
        row(2, number(1), '<c r="{}"><v>1<!-- 2 --></v></c>'),
        row(2, number(1), '<c r="{}"><v><![CDATA[12]]></v></c>'),
        row(2, number(1), '<c r="{}"><v>&#49;</v></c>'),
        row(2, number(1), '<c r="{}" t="str"><v>&eacute;</v></c>'),
        row(2, number(1), '<c r="{}"><v>1</v><v>2</v></c>'),
        row(2, number(1), '<c r="{}" t="str"><v>1\r\n2</v></c>'),
        row(2, number(1), '<c r="{}" t="str"><v>1\x012</v></c>'),
        row(2, number(1), '<c r="{}" t="str"><v>1\uffff</v></c>'),
        row(2, number(1), '<c r="{}" t="inlineStr"><is><r><t>1</t></r><r><t>2</t></r></is></c>'),
        row(2, number(1), number(1)) + '<row r="1048577"><c r="A1048577"><v>1</v></c></row>',
        _GOOD + '<row r="3" spans=1:2></row>',
        _GOOD + "<row><c><v>2</v></c><c><v>2.5</v></c></row>",
        _GOOD + '<x:row xmlns:x="u" r="3"><c r="A3"><v>8</v></c><c r="B3"><v>1</v></c></x:row>',
        _GOOD + "</sheetData><sheetData>" + row(3, number(3), number(3)),
    ],
)
def test_what_the_patterns_do_not_account_for_is_read_cell_by_cell(rows: str) -> None:
    content = xlsx(sheet(rows))
    assert not _is_plain(content)
    assert _answer(content) == _careful_answer(content)


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("</worksheet>", "</worksheet"),
        ("</sheetData>", "</sheetData><drawing></worksheet>"),
        ("<worksheet", "<!DOCTYPE worksheet><worksheet"),
        ('encoding="UTF-8"', 'encoding="ISO-8859-1"'),
    ],
)
def test_a_table_in_a_part_that_is_damaged_or_in_another_encoding_is_not_plain(good: str, bad: str) -> None:
    part = sheet(_GOOD)
    assert _is_plain(xlsx(part))
    content = xlsx(part.replace(good, bad))
    assert not _is_plain(content)
    assert _answer(content) == _careful_answer(content)


def test_bytes_that_are_no_text_in_utf_8_are_not_plain() -> None:
    content = xlsx(sheet(row(2, '<c r="{}" t="str"><v>é</v></c>', number(1))).encode("latin-1"))
    assert not _is_plain(content)
    assert "damaged" in str(_answer(content))


def test_what_stands_around_the_table_does_not_matter() -> None:
    around = sheet(_GOOD).replace("<sheetData>", '<!-- x --><cols><col min="1" max="2"/></cols><sheetData>')
    around = around.replace("</sheetData>", '</sheetData><pageMargins left="0.7"/><rowBreaks count="0"/>')
    content = xlsx(around)
    assert _is_plain(content)
    assert _answer(content) == _careful_answer(content)


@pytest.mark.parametrize("places", ["AA", "BA"])
def test_rows_alike_with_cells_out_of_order_are_read_cell_by_cell(places: str) -> None:
    cell = '<c r="{}{}" t="inlineStr"><is><t>{}</t></is></c>'
    cells = [(1, "id", "amount"), (2, "7", "1.5")]
    made = "".join(
        f'<row r="{at}">{cell.format(places[0], at, one)}{cell.format(places[1], at, other)}</row>'
        for at, one, other in cells
    )
    content = xlsx(sheet("", header=made))
    assert not _is_plain(content)
    assert _answer(content) == _careful_answer(content)


def test_a_row_in_two_parts_is_one_row() -> None:
    content = xlsx(sheet('<row r="2"><c r="A2"><v>7</v></c></row><row r="2"><c r="B2"><v>1.5</v></c></row>'))
    assert _answer(content) == [("7", Decimal("1.5"))] == _careful_answer(content)


@pytest.mark.parametrize(
    ("written", "meant"),
    [("_x0041_1", "A1"), ("_xD83D__xDE00_1", "\U0001f6001"), ("_xD83D_1", "_xD83D_1"), ("_x41_", "_x41_")],
)
def test_escapes_in_a_text_are_characters_and_half_a_character_is_none(written: str, meant: str) -> None:
    shared: list[str] = []
    cell = _text(written, "shared", shared)
    content = xlsx(
        sheet(row(2, cell, number(1))), strings="".join(f"<si><t>{text}</t></si>" for text in shared)
    )
    assert _answer(content) == [(meant, Decimal(1))] == _careful_answer(content)


def test_rows_of_many_pieces_and_shapes_give_the_same() -> None:
    rows = "".join(
        row(at, number(at), number(f"{at % 997}.25")) if at % 5000 else f'<row r="{at}"/>'
        for at in range(2, 20_000)
    )
    late = "".join(row(at, _text(f"V{at}", "str", []), number(1)) for at in range(20_000, 20_100))
    content = xlsx(sheet(rows + late))
    assert _is_plain(content)
    found = _answer(content)
    assert isinstance(found, list)
    assert len(found) == 20_098 - 3
    assert found == _careful_answer(content)


def _by_openpyxl(rows: list[list[object]]) -> bytes:
    book = openpyxl.Workbook(write_only=True)
    made = book.create_sheet()
    for cells in rows:
        made.append(cells)
    book.save(stream := io.BytesIO())
    return stream.getvalue()


def _by_xlsxwriter(rows: list[list[object]]) -> bytes:
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream, {"in_memory": True}) as book:
        made = book.add_worksheet()
        for at, cells in enumerate(rows):
            made.write_row(at, 0, cells)
    return stream.getvalue()


@pytest.mark.parametrize("write", [_by_openpyxl, _by_xlsxwriter])
@pytest.mark.parametrize("voucher", ["0012", 12])
def test_what_programs_write_is_plain(write: Callable[[list[list[object]]], bytes], voucher: object) -> None:
    content = write([["Voucher Id", "Note", "Amount Used"], [voucher, None, 1.5], ["7", "A & B", 2]])
    assert _is_plain(content)
    assert _answer(content) == sorted([(str(voucher), Decimal("1.5")), ("7", Decimal(2))])
