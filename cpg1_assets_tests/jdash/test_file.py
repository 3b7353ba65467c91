"""One JDash file: every quirk of a spreadsheet that is certain is read, the rest is refused by place."""

import csv
import io
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpg1_assets.errors import DataError
from cpg1_assets.jdash.month import parse_jdash, read_jdash_file
from cpg1_assets.jdash.sheet import AMOUNT_HEADERS, VOUCHER_HEADERS

HEADER = "Voucher Id,Amount Used\n"
ONE_AND_TWO = [("1", Decimal("1.5")), ("2", Decimal("2.5"))]

Cells = Sequence[object]


def read_csv(text: str, encoding: str = "utf-8") -> Sequence[tuple[str, Decimal]]:
    return parse_jdash("EC_NG.csv", text.encode(encoding))


def workbook(*sheets: Sequence[Cells], change: Callable[[openpyxl.Workbook], None] | None = None) -> bytes:
    """Make an Excel workbook of the rows of its sheets."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for rows in sheets:
        sheet = book.create_sheet()
        for row in rows:
            sheet.append(row)
    if change is not None:
        change(book)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def read_xlsx(*sheets: Sequence[Cells]) -> Sequence[tuple[str, Decimal]]:
    return parse_jdash("EC_NG.xlsx", workbook(*sheets))


def edited(content: bytes, old: bytes, new: bytes) -> bytes:
    """Replace bytes in the first sheet of a workbook, as another program might have written them."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(stream, "w") as target:
        for name in source.namelist():
            part = source.read(name)
            if name == "xl/worksheets/sheet1.xml":
                assert old in part
                part = part.replace(old, new)
            target.writestr(name, part)
    return stream.getvalue()


def refusal(content: bytes | str, file: str = "EC_NG.csv") -> str:
    """Give the text a file is refused with."""
    with pytest.raises(DataError) as refused:
        parse_jdash(file, content.encode() if isinstance(content, str) else content)
    assert file in str(refused.value)
    return str(refused.value)


# What is read


@pytest.mark.parametrize("voucher", [*VOUCHER_HEADERS, " VOUCHER ID "])
@pytest.mark.parametrize("amount", [*AMOUNT_HEADERS, "ORDERED AMOUNT\u00a0"])
def test_the_two_columns_have_several_names(voucher: str, amount: str) -> None:
    assert read_csv(f"{voucher},{amount}\n1,1.5\n") == [("1", Decimal("1.5"))]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_encoding_delimiter_and_line_end_are_found(encoding: str, delimiter: str, end: str) -> None:
    lines = ["Voucher Id,Amount Used", "2,2.5", "1,1.5", ""]
    assert read_csv(end.join(lines).replace(",", delimiter), encoding) == ONE_AND_TWO


def test_amounts_are_summed_by_voucher_however_the_id_is_written() -> None:
    assert read_csv(f"{HEADER}7,1.10\n7.0,2.20\n 7 ,-0.30\n") == [("7", Decimal("3.00"))]


def test_ids_that_differ_in_zeros_or_case_are_different_vouchers() -> None:
    assert [voucher for voucher, _ in read_csv(f"{HEADER}07,1\n7,1\na,1\nA,1\n")] == ["07", "7", "A", "a"]


def test_blank_lines_extra_columns_and_trailing_delimiters_do_not_matter() -> None:
    text = "\n , \nNo,Voucher Id,Note,Amount Used,,\n1,1,x,1.5,,\n\n,,,,,\n2,2,,2.5,,\n\n"
    assert read_csv(text) == ONE_AND_TWO


def test_the_delimiter_line_of_excel_is_no_row() -> None:
    assert read_csv("sep=;\nid;amount\n1;1,5\n2;2,5\n") == ONE_AND_TWO


def test_quoted_cells_follow_the_rules_of_csv() -> None:
    text = '"Voucher Id","Note","Amount Used"\n"1","a ""quote"", and\na line","1,001.50"\n'
    assert read_csv(text) == [("1", Decimal("1001.5"))]


@pytest.mark.parametrize(
    "total", ["Total,4", "GRAND TOTAL:,4.00", "Totaux,NGN 4.00", "الإجمالي,4", ",4", "Total,4\n\n , \n"]
)
def test_a_total_line_at_the_end_that_equals_the_sum_is_left_out(total: str) -> None:
    assert read_csv(f"{HEADER}1,1.5\n2,2.5\n{total}\n") == ONE_AND_TWO


def test_a_total_may_be_labelled_in_another_column() -> None:
    assert read_csv("No,Voucher Id,Amount Used\n1,1,1.5\n2,2,2.5\nTotal,,4\n") == ONE_AND_TWO


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.from_regex(r"[0-9]{1,15}", fullmatch=True), st.decimals(-(10**15), 10**15, places=4)),
        min_size=1,
        max_size=20,
    ),
    st.sampled_from(",;\t|"),
    st.sampled_from(
        [
            (",", "."),
            (".", ","),
            (" ", ","),
            ("\u00a0", ","),
            ("\u202f", ","),
            ("'", "."),
            ("", "."),
            ("", ","),
        ]
    ),
    st.sampled_from(["{}", "NGN {}", "{} ₦", "({})", "{}-", "\u2212{}"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    st.booleans(),
)
def test_any_vouchers_in_any_certain_notation_read_back_exactly(
    rows: list[tuple[str, Decimal]],
    delimiter: str,
    separators: tuple[str, str],
    sign: str,
    encoding: str,
    with_total: bool,  # noqa: FBT001
) -> None:
    def shown(amount: Decimal) -> str:
        text = f"{abs(amount):,.4f}".translate(str.maketrans(",.", "\0\1"))
        text = text.replace("\0", separators[0]).replace("\1", separators[1])
        negative = sign if any(mark in sign for mark in "(-\u2212") else f"-{sign}"
        return (negative if amount < 0 else sign.strip("()-\u2212")).format(text)

    expected: Counter[str] = Counter()
    for voucher, amount in rows:
        expected[voucher] += amount  # type: ignore[assignment]
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=delimiter)
    writer.writerow(["Voucher Id", "Amount Used"])
    writer.writerows((voucher, shown(amount)) for voucher, amount in rows)
    if with_total:
        writer.writerow(["Total", shown(sum((amount for _, amount in rows), Decimal(0)))])
    assert dict(read_csv(stream.getvalue(), encoding)) == expected


def test_a_hundred_thousand_rows_take_a_second_or_so() -> None:
    content = (HEADER + "".join(f"{i},{i % 9999}.50\n" for i in range(100_000))).encode()
    start = time.perf_counter()
    assert len(parse_jdash("EC_NG.csv", content)) == 100_000
    assert time.perf_counter() - start < 5  # ten times what it takes


# What is refused


def test_an_ambiguous_amount_is_refused_naming_file_row_column_and_what_to_do() -> None:
    rows = "".join(f"{i},1.50\n" for i in range(15))
    assert refusal(f'{HEADER}{rows}99,"1,234"\n') == (
        "EC_NG.csv, row 17, column \"Amount Used\": '1,234' could be 1234 or 1.234. "
        "Write it as 1234.00 or 1.2340 and put the file in the inbox again."
    )


def test_the_refusal_counts_the_rows_refused() -> None:
    assert "(Rows refused in this file: 2.)" in refusal(f"{HEADER}1,x\n2,2\n3,1.234\nTotal,99\n")


def test_rows_are_counted_as_a_spreadsheet_counts_them() -> None:
    assert "row 5," in refusal('\nid,note,amount\n\n1,"two\nlines",1\n2,,x\n')


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            "1,1.5\n2,2.5\nTotal,5\n",
            'row 4, column "Amount Used": the total line says 5, the rows sum up to 4.0',
        ),
        ("1,1.5\nTotal,1.5\n2,2.5\n", 'row 3, column "Voucher Id": it is a total line, and rows follow it'),
        ("1,1.5\nTotal,\n", 'row 3, column "Amount Used": the cell is empty'),
        ("1,1.5\n2,2.5\n,5\n", "5 has no voucher id"),
        ("1,1.5\n,1.5\n", "1.5 has no voucher id"),
        ("1,1.5\n,2.5\n2,2.5\n", 'row 3, column "Voucher Id": the voucher id is empty'),
        ("1,\n", 'row 2, column "Amount Used": the cell is empty'),
        ("1,NULL\n", "not a number"),
        ("1,$1\n2,₦2\n", 'row 3, column "Amount Used": the amount is in NGN, the one in row 2 in $'),
        ("1,1,234.50\n", "row 2: the row has 3 cells, the header names 2 columns"),
        ("1\n", "row 2: the row has 1 cells"),
        ("1;1\n", "row 2: the row has 1 cells"),
        ('"1,1\n', "row 2: it is not CSV"),
        ('"1"x,1\n', "row 2: it is not CSV"),
        ("1,99999999999999999999\n1,1\n", "voucher 1 sums up to 100000000000000000000"),
        ("", "no voucher rows"),
        ("Total,0\n", "no voucher rows"),
    ],
)
def test_rows_that_are_not_certain_are_refused(rows: str, message: str) -> None:
    text = refusal(HEADER + rows)
    assert message in text
    assert "put the file in the inbox again." in text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no voucher column"),
        ("1,2\n", "no voucher column in the header (1, 2)"),
        ("Voucher Id,Total\n1,2\n", "no amount column"),
        ("id,voucher,amount\n1,2,3\n", '"id" and "voucher" could both be the voucher column'),
        ("id,amount,Amount Used\n1,2,3\n", '"amount" and "Amount Used" could both be the amount column'),
        ('id,"a;id;amount;b",amount\n1,2,3\n', "the delimiter could be comma and semicolon"),
        ("id,amount,\n1,1,234\n", "3 cells"),
        ("id,amount,,note\n1,1,234,x\n", "a cell under no header"),
        ("id,amount,note\n1,Total,\nTotal,x,\n", "row 2"),
        ("note,id,amount\nfull,1,1\nTotal,2,1\n", "says it is a total"),
        ("note,id,amount\nx,,\n", "neither voucher nor amount"),
    ],
)
def test_columns_that_are_not_certain_are_refused(text: str, message: str) -> None:
    assert message in refusal(text)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (HEADER.encode() + "é,1\n".encode("latin-1"), "row 2: a character is neither UTF-8 nor UTF-16"),
        (HEADER.encode("utf-16-le"), "NUL"),
        (HEADER.encode("utf-16") + b"1", "neither UTF-8 nor UTF-16"),
        (b"\0\1\2", "NUL"),
        (b"\n <html><table>", "web page"),
        (workbook([["id", "amount"], [1, 2]]), "Excel workbook, not a CSV"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "Excel workbook, not a CSV"),
    ],
)
def test_what_is_no_csv_text_is_refused(content: bytes, message: str) -> None:
    text = refusal(content)
    assert message in text
    assert "CSV UTF-8" in text


# Excel


def test_a_workbook_is_read_with_its_numbers_texts_and_total() -> None:
    rows: list[Cells] = [
        [],
        ["Voucher Id", "Note", "Amount Used"],
        [1, "x", 0.1 + 0.2],
        [],
        ["002", None, "1,234.50"],
        [3.0, None, -5],
    ]
    assert read_xlsx([*rows, ["Total", None, 1229.8]]) == [
        ("002", Decimal("1234.5")),
        ("1", Decimal("0.3")),
        ("3", Decimal(-5)),
    ]


def test_the_sheet_with_both_headers_is_the_one_even_when_it_is_hidden() -> None:
    def hide(book: openpyxl.Workbook) -> None:
        book.worksheets[2].sheet_state = "hidden"
        book.worksheets[2].row_dimensions[2].hidden = True

    content = workbook([], [["Notes"]], [["id", "amount"], [1, 1.5], [2, 2.5]], change=hide)
    assert parse_jdash("EC_NG.xlsx", content) == ONE_AND_TWO


def test_an_id_shown_with_leading_zeros_keeps_them() -> None:
    def zeros(book: openpyxl.Workbook) -> None:
        book.worksheets[0]["A2"].number_format = "00000"
        book.worksheets[0]["A3"].number_format = "0"

    assert [
        v for v, _ in parse_jdash("a.xlsx", workbook([["id", "amount"], [12, 1], [34, 1]], change=zeros))
    ] == [
        "00012",
        "34",
    ]


def test_rows_beyond_the_size_a_workbook_claims_are_read() -> None:
    content = edited(workbook([["id", "amount"], [1, 1.5], [2, 2.5]]), b'ref="A1:B3"', b'ref="A1:A1"')
    assert parse_jdash("EC_NG.xlsx", content) == ONE_AND_TWO


def test_a_computed_formula_is_its_result_and_one_never_computed_is_refused() -> None:
    content = workbook([["id", "amount"], [1, 1.5], [2, 2.5], ["Total", "=SUM(B2:B3)"]])
    assert 'row 4, column "amount": the cell is a formula that was never computed' in refusal(
        content, "a.xlsx"
    )
    computed = edited(content, b"<f>SUM(B2:B3)</f><v />", b"<f>SUM(B2:B3)</f><v>4</v>")
    assert parse_jdash("EC_NG.xlsx", computed) == ONE_AND_TWO


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ([datetime(2025, 9, 1), 1], 'row 2, column "id": the cell is the date or time 2025-09-01'),  # noqa: DTZ001
        ([1, datetime(2025, 9, 1)], 'row 2, column "amount": the cell is the date or time'),  # noqa: DTZ001
        ([1, True], "the cell is TRUE"),
        ([1, "#N/A"], "the cell is the error #N/A"),
        ([1, "1,234"], "could be 1234 or 1.234"),
        ([1, 1.23456], "more than four decimals"),
        ([1, None], "the cell is empty"),
        (["=A3", 1], "never computed"),
        ([1234567890123456, 1], "digits of the id may be lost"),
        ([1.5, 1], "not a voucher id"),
        (["1.23E+11", 1], "scientific notation"),
        ([1, 1, "x"], "3 cells"),
    ],
)
def test_a_cell_of_a_workbook_that_is_not_certain_is_refused(row: Cells, message: str) -> None:
    assert message in refusal(workbook([["id", "amount"], row, [2, 2]]), "EC_NG.xlsx")


def test_a_long_id_formatted_without_decimals_has_lost_digits_all_the_same() -> None:
    def plain(book: openpyxl.Workbook) -> None:
        book.worksheets[0]["A2"].number_format = "0"

    content = workbook([["id", "amount"], [1234567890123456, 1]], change=plain)
    assert "may be lost" in refusal(content, "EC_NG.xlsx")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (workbook([["id", "amount"], [1, 1]], [["id", "amount"], [2, 2]]), "several sheets"),
        (workbook([["Notes"]], [["More notes"]]), "several sheets"),
        (workbook([]), "no voucher column"),
        (workbook([["id", "amount"]]), "no voucher rows"),
        (HEADER.encode(), "not an Excel workbook, whatever its name says"),
        (b"<html>", "not an Excel workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "password-protected"),
        (b"PK\x03\x04 not a zip", "not a spreadsheet that can be read"),
        (workbook([["id", "amount"], [1, 1]])[:-200], "not a spreadsheet that can be read"),
        (edited(workbook([["id", "amount"], [1, 1]]), b"</row>", b""), "not a spreadsheet that can be read"),
        (edited(workbook([["id", "amount"]]), b'<row r="1"', b'<row r="9999999999"'), "more rows than"),
    ],
)
def test_what_is_no_workbook_with_one_table_is_refused(content: bytes, message: str) -> None:
    assert message in refusal(content, "EC_NG.xlsx")


def test_a_workbook_that_unpacks_to_more_than_it_may_is_not_unpacked() -> None:
    stream = io.BytesIO()
    with (
        zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("xl/worksheets/sheet1.xml", "w") as part,
    ):
        for _ in range(520):
            part.write(bytes(2**20))
    assert "unpacks to" in refusal(stream.getvalue(), "EC_NG.xlsx")


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 10**15 - 1), st.decimals(-(10**10), 10**10, places=4)),
        min_size=1,
        max_size=5,
        unique_by=lambda row: row[0],
    )
)
def test_any_vouchers_in_a_workbook_read_back_exactly(rows: list[tuple[int, Decimal]]) -> None:
    table: list[Cells] = [["id", "amount"], *([voucher, float(amount)] for voucher, amount in rows)]
    assert dict(read_xlsx(table)) == {str(voucher): amount for voucher, amount in rows}


def test_a_file_that_cannot_be_opened_says_so(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"EC_NG\.csv: it cannot be opened"):
        read_jdash_file(tmp_path / "EC_NG.csv")
    (tmp_path / "EC_NG.csv").write_text(f"{HEADER}1,1.5\n2,2.5\n", encoding="utf-8")
    assert read_jdash_file(tmp_path / "EC_NG.csv") == ONE_AND_TWO


@pytest.mark.parametrize("sign", ["", "-"])
def test_a_sum_that_does_not_fit_is_refused_on_either_side_of_zero(sign: str) -> None:
    largest = "9" * 20
    said = refusal(f"Voucher Id;Amount Used\n1;{sign}{largest}.00\n1;{sign}1.00\n")
    assert f"voucher 1 sums up to {sign}100000000000000000000" in said
    assert "more than 20 digits" in said
    assert read_csv(f"Voucher Id;Amount Used\n1;{sign}{largest}.00\n") == [("1", Decimal(f"{sign}{largest}"))]


@pytest.mark.parametrize("sign", ["", "-"])
def test_an_amount_that_does_not_fit_is_refused_on_either_side_of_zero(sign: str) -> None:
    assert "more than 20 digits" in refusal(f"Voucher Id;Amount Used\n1;{sign}1{'0' * 20}.00\n")


@pytest.mark.parametrize(
    "lines",
    [
        "1,5\n2,6\n2,11\n",  # the number of rows stands where the voucher does
        "1,5\n2,6\n3,-1\n0003,10\n",
    ],
)
def test_a_last_row_that_adds_up_the_others_and_counts_them_is_no_voucher(lines: str) -> None:
    with pytest.raises(DataError, match=r'column "Voucher Id": the last row adds up those above') as caught:
        parse_jdash("EC_NG.csv", f"Voucher Id,Amount Used\n{lines}".encode())
    assert f"row {lines.count(chr(10)) + 1}, " in str(caught.value)


def test_a_label_in_any_column_of_such_a_row_tells_it_too() -> None:
    table = "Voucher Id,Note,Amount Used\n7,x,5\n8,y,6\n9,Total,11\n"
    with pytest.raises(DataError, match="the last row adds up those above"):
        parse_jdash("EC_NG.csv", table.encode())
    other = table.replace("Total", "TotalEnergies Ltd")
    assert list(parse_jdash("EC_NG.csv", other.encode()))[-1] == ("9", Decimal(11))


def test_a_voucher_that_used_as_much_as_all_others_is_read_where_nothing_else_says_total() -> None:
    read = parse_jdash("EC_NG.csv", b"Voucher Id,Amount Used\n71,5\n72,6\n73,11\n")
    assert list(read) == [("71", Decimal(5)), ("72", Decimal(6)), ("73", Decimal(11))]
