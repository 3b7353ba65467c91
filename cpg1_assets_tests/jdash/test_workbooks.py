"""Spreadsheets as many programs write them: each is read exactly, or refused for its true reason."""

import io
import struct
import zipfile
from collections.abc import Sequence
from decimal import Decimal
from unittest import mock

import openpyxl
import pytest
import xlsxwriter
import xlwt
from hypothesis import given, settings
from hypothesis import strategies as st

from cpg1_assets.errors import DataError
from cpg1_assets.inbox import xlsx as xlsx_reader
from cpg1_assets.jdash.file import parse_jdash
from cpg1_assets_tests.inbox.workbooks import (
    HEADER,
    MAIN,
    OFFICE,
    binary_row,
    number,
    ods,
    ods_cell,
    ods_number,
    ods_row,
    record,
    relationships,
    row,
    sheet,
    styles,
    wide,
    xlsb,
    xlsx,
    zipped,
)

Read = list[tuple[str, Decimal]]

NEVER = "never computed"
WAITS = '<calcPr calcId="0" fullCalcOnLoad="1"/>'


def read(content: bytes, file: str = "EC_NG.xlsx", currency: str | None = "NGN") -> Read:
    return list(parse_jdash(file, content, currency))


def ids(content: bytes, file: str = "EC_NG.xlsx") -> list[str]:
    return [voucher for voucher, _ in read(content, file)]


def refusal(content: bytes, file: str = "EC_NG.xlsx", currency: str | None = "NGN") -> str:
    with pytest.raises(DataError) as refused:
        parse_jdash(file, content, currency)
    said = str(refused.value)
    assert said.startswith(file)
    assert "put the file in the inbox again." in said
    return said


def both(*pairs: tuple[str, str]) -> Read:
    return [(voucher, Decimal(amount)) for voucher, amount in pairs]


# Formulas


def test_formulas_that_wait_to_be_computed_are_refused() -> None:
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream, {"in_memory": True}) as book:
        made = book.add_worksheet()
        made.write_row(0, 0, ["Voucher Id", "Ordered", "Cancelled", "Amount Used"])
        made.write_row(1, 0, ["0012345", 1234.5, 34.5])
        made.write_formula(1, 3, "=B2-C2")
    said = refusal(stream.getvalue())
    assert f'EC_NG.xlsx, row 2, column "Amount Used": the cell is a formula that was {NEVER}' in said
    assert "recalculate" in said


def test_the_result_given_with_a_formula_is_its_value() -> None:
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream, {"in_memory": True}) as book:
        made = book.add_worksheet()
        made.write_row(0, 0, ["Voucher Id", "Amount Used"])
        made.write(1, 0, "7")
        made.write_formula(1, 1, "=1+1", None, 2)
    assert read(stream.getvalue()) == both(("7", "2"))


@pytest.mark.parametrize("calculation", ["", '<calcPr fullCalcOnLoad="0"/>'])
def test_amounts_that_are_all_formulas_with_the_result_0_are_not_believed(calculation: str) -> None:
    rows = row(2, number(1), number(0, formula="1+1")) + row(3, number(2), number(0, formula="1+2"))
    said = refusal(xlsx(sheet(rows), calculation=calculation))
    assert said.startswith(
        'EC_NG.xlsx, row 2 and all others, column "Amount Used": every amount is a formula'
    )
    some = rows + row(4, number(3), number(5, formula="2+3"))
    assert read(xlsx(sheet(some), calculation=calculation)) == both(("1", "0"), ("2", "0"), ("3", "5"))


def test_a_formula_without_a_stored_value_was_never_computed() -> None:
    for value in ("", "<v></v>", "<v/>"):
        rows = f'<row r="2"><c r="A2"><v>1</v></c><c r="B2"><f>1+1</f>{value}</c></row>'
        assert NEVER in refusal(xlsx(sheet(rows)))


def test_a_formula_whose_result_is_the_empty_text_is_blank() -> None:
    empty = '<c r="{}" t="str"><f aca="false">IF(x="","",x)</f><v></v></c>'
    rows = row(2, number(100001, formula="paste!A2"), number(1.5, formula="paste!B2"))
    rows += "".join(row(at, empty, empty) for at in range(3, 40))
    assert read(xlsx(sheet(rows))) == both(("100001", "1.5"))


def test_a_total_that_was_never_computed_is_said_to_be() -> None:
    rows = row(2, number(1), number(1.5)) + row(3, number(2), number(2.5))
    total = '<row r="4"><c r="B4"><f>SUBTOTAL(109,[Amount Used])</f><v>0</v></c></row>'
    assert NEVER in refusal(xlsx(sheet(rows + total), calculation=WAITS))
    said = refusal(xlsx(sheet(rows + total)))
    assert (
        'row 4, column "Amount Used": the total is a formula with the result 0, and the rows sum up to 4.0'
        in said
    )
    computed = total.replace("<v>0</v>", "<v>4</v>")
    assert read(xlsx(sheet(rows + computed), calculation=WAITS)) == both(("1", "1.5"), ("2", "2.5"))


def test_an_id_that_is_a_formula_with_the_result_0_is_no_id() -> None:
    said = refusal(xlsx(sheet(row(2, number(0, formula="paste!A2"), number(1)))))
    assert 'row 2, column "Voucher Id": the cell is a formula with the result 0' in said


# What a cell shows


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("000000", "000012"),
        ('"V"00000', "V00012"),
        ("000-000", "000-012"),
        ("0000000", "0000012"),
        ("0", "12"),
    ],
)
def test_an_id_is_what_its_cell_shows(code: str, shown: str) -> None:
    content = xlsx(sheet(row(2, number(12, style=1), number(1.5))), formats=[code])
    assert read(content) == both((shown, "1.5"))


def test_ids_of_several_formats_are_several_vouchers() -> None:
    rows = "".join(row(2 + at, number("12.0", style=at), number(1.5)) for at in range(4))
    content = xlsx(sheet(rows), formats=["000000;-000000", "00000_)", '"V"00000'])
    assert ids(content) == ["000012", "00012", "12", "V00012"]


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("#,##0", "'12,345' is formatted as a number"),
        ("0.0E+0", "scientific notation"),
        ("0%", "percentage"),
        ("[<5]0;00000000", "condition"),
        ("yyyy-mm-dd", "the cell is the date or time 1933-10-18"),
        ('"$"#,##0', "formatted as a number"),
    ],
)
def test_an_id_whose_look_is_another_number_or_not_certain_is_refused(code: str, why: str) -> None:
    said = refusal(xlsx(sheet(row(2, number(12345, style=1), number(1))), formats=[code]))
    assert 'EC_NG.xlsx, row 2, column "Voucher Id": ' in said
    assert why in said


@pytest.mark.parametrize(
    "written",
    [
        "12 345",
        "12\u00a0345",
        "12\u2019345",
        "12'345",
        "\u0661\u066c\u0662\u0663\u0664",
        "12,345",
        "1 234 567",
        "$12.50",
    ],
)
def test_an_id_written_with_separators_is_refused(written: str) -> None:
    said = refusal(f'Voucher Id;Amount Used\n"{written}";1.50\n'.encode(), "EC_NG.csv")
    assert 'row 2, column "Voucher Id"' in said
    assert "formatted as a number" in said


# Currency


@pytest.mark.parametrize(
    ("code", "named"),
    [("[$$-409]#,##0.00", "USD"), ('"$"#,##0.00', "$"), ('#,##0.00 "EUR"', "EUR"), ("[$zł-415]0.00", "zł")],
)
def test_a_format_in_another_currency_than_the_companys_is_refused(code: str, named: str) -> None:
    content = xlsx(sheet(row(2, number(1), number(1.5, style=1))), formats=[code])
    assert (
        f'EC_NG.xlsx, row 2, column "Amount Used": the amount is in {named}, the company keeps its books in NGN.'
        in refusal(content)
    )


@pytest.mark.parametrize(
    "code", ["[$₦-468]#,##0.00", '"NGN" 0.00', "0.00", "#,##0.00_);(#,##0.00)", "_-* #,##0.00_-"]
)
def test_a_format_in_the_companys_currency_or_in_none_is_read(code: str) -> None:
    content = xlsx(sheet(row(2, number(1), number(1.5, style=1))), formats=[code])
    assert read(content) == both(("1", "1.5"))


def test_two_currencies_in_one_file_are_refused_in_text_and_in_format() -> None:
    rows = row(2, number(1), number(1, style=1)) + row(3, number(2), number(2, style=2))
    content = xlsx(sheet(rows), formats=["[$₦-468]0.00", "[$$-409]0.00"])
    assert "row 3" in refusal(content)
    assert "the amount is in USD, the one in row 2 in NGN" in refusal(content, currency=None)
    assert "the amount is in $, the company keeps" in refusal(b"id,amount\n1,$1.50\n", "EC_NG.csv")
    assert read(b"id,amount\n1,$1.50\n", "DE_USD.csv", "USD") == both(("1", "1.5"))
    assert read(b"id,amount\n1,$1.50\n2,US$2\n", "x.csv", None) == both(("1", "1.5"), ("2", "2"))


def test_a_column_of_currencies_counts_as_text_beside_the_amount() -> None:
    text = "id,amount,Currency\n1,1.50,NGN\n2,2.50,{}\n"
    assert read(text.format("NGN").encode(), "EC_NG.csv") == both(("1", "1.5"), ("2", "2.5"))
    assert "row 3" in refusal(text.format("USD").encode(), "EC_NG.csv")


def test_a_percentage_or_another_word_beside_an_amount_is_refused() -> None:
    for code, why in (("0%", "percentage"), ('0.00" pcs"', "pcs")):
        content = xlsx(sheet(row(2, number(1), number(0.5, style=1))), formats=[code])
        assert why in refusal(content)


# Rows and cells as they are stored


def test_rows_out_of_order_are_all_read() -> None:
    rows = row(3, number(3), number(3)) + row(2, number(2), number(2))
    assert read(xlsx(sheet(rows))) == both(("2", "2"), ("3", "3"))
    assert read(xlsx(sheet(rows + row(4, number(4), number(4, formula="2+2"))))) == both(
        ("2", "2"), ("3", "3"), ("4", "4")
    )


def test_a_place_that_is_stored_twice_is_refused() -> None:
    twice = row(2, number(2), number(2)) + row(2, number(3), number(3))
    assert "row 2 has two cells in one place" in refusal(xlsx(sheet(twice)))
    cells = '<row r="2"><c r="A2"><v>1</v></c><c r="B2"><v>1</v></c><c r="B2"><v>5</v></c></row>'
    assert "row 2 has two cells in one place" in refusal(xlsx(sheet(cells)))


def test_cells_and_rows_need_not_name_their_place() -> None:
    rows = "<row><c><v>1</v></c><c><v>1.5</v></c></row><row><c><v>2</v></c><c><v>2.5</v></c></row>"
    assert read(xlsx(sheet(rows))) == both(("1", "1.5"), ("2", "2.5"))


def test_cells_out_of_order_within_a_row_are_read() -> None:
    rows = '<row r="2"><c r="B2"><v>1.5</v></c><c r="A2"><v>1</v></c></row>'
    assert read(xlsx(sheet(rows))) == both(("1", "1.5"))


@pytest.mark.parametrize(
    "damage",
    [
        '<row r="2"><c r="A1048577"><v>1</v></c></row>',
        '<row r="2"><c r="XFE2"><v>1</v></c></row>',
        '<row r="2"><c r="2A"><v>1</v></c></row>',
    ],
)
def test_a_place_that_no_sheet_has_is_refused(damage: str) -> None:
    assert "spreadsheet can have" in (said := refusal(xlsx(sheet(damage)))) or "no sheet has" in said


@pytest.mark.parametrize(
    ("voucher", "amount", "why"),
    [
        (number(1), '<c r="{}" t="e"><v>#N/A</v></c>', "the cell is the error #N/A"),
        ('<c r="{}" t="e"><v>#REF!</v></c>', number(1), "the cell is the error #REF!"),
        (number(1), '<c r="{}" t="b"><v>1</v></c>', "the cell is TRUE"),
        (number(1), '<c r="{}" t="d"><v>2025-09-30</v></c>', "the date or time 2025-09-30"),
        (number(1), '<c r="{}" t="str"><v>1,234</v></c>', "could be 1234 or 1.234"),
        (number(1), '<c r="{}" t="s"><v>9</v></c>', "a text that the workbook does not have"),
    ],
)
def test_a_cell_without_an_amount_is_refused_for_what_it_holds(voucher: str, amount: str, why: str) -> None:
    assert why in refusal(xlsx(sheet(row(2, voucher, amount))))


def test_texts_are_read_with_their_runs_escapes_and_blanks() -> None:
    strings = (
        "<si><r><t>00</t></r><r><rPr/><t>12</t></r><rPh sb='0' eb='1'><t>99</t></rPh></si>"
        '<si><t xml:space="preserve"> 0034 </t></si><si><t>_x0030_56</t></si>'
    )
    rows = "".join(row(2 + at, f'<c r="{{}}" t="s"><v>{at}</v></c>', number(1)) for at in range(3))
    assert ids(xlsx(sheet(rows), strings=strings)) == ["0012", "0034", "056"]
    careful = rows + row(
        5, '<c r="{}" t="inlineStr"><is><r><t>00</t></r><r><t>7</t></r></is></c>', number(1, formula="1")
    )
    assert ids(xlsx(sheet(careful), strings=strings)) == ["0012", "0034", "007", "056"]


def test_raw_text_sections_and_entities_are_text() -> None:
    rows = row(2, '<c r="{}" t="str"><v><![CDATA[0012]]></v></c>', '<c r="{}" t="str"><v>&#49;.5</v></c>')
    assert read(xlsx(sheet(rows))) == both(("0012", "1.5"))


def test_dates_count_from_1904_where_the_workbook_says_so() -> None:
    book = openpyxl.Workbook()
    book.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904
    book.active.append(["id", "amount"])
    book.active.append([1, 40000])
    book.active["B2"].number_format = "yyyy-mm-dd"
    stream = io.BytesIO()
    book.save(stream)
    assert "the date or time 2013-07-07" in refusal(stream.getvalue())


# Parts and dialects


def test_strict_open_xml_is_read() -> None:
    strict = {
        MAIN: "http://purl.oclc.org/ooxml/spreadsheetml/main",
        OFFICE: "http://purl.oclc.org/ooxml/officeDocument/relationships",
    }

    def written(text: str) -> str:
        for old, new in strict.items():
            text = text.replace(old, new)
        return text

    with_strict = _parts(xlsx(written(sheet(row(2, number(12), number(1.5))))))
    for name in ("xl/workbook.xml", "xl/_rels/workbook.xml.rels", "_rels/.rels", "xl/styles.xml"):
        with_strict[name] = written(_text(with_strict[name]))
    assert read(zipped(with_strict)) == both(("12", "1.5"))


def _text(part: str | bytes) -> str:
    return part if isinstance(part, str) else part.decode()


def _parts(content: bytes) -> dict[str, str | bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_parts_are_found_by_relationships_wherever_they_are() -> None:
    parts = {
        "_rels/.rels": relationships(
            f'<Relationship Id="a" Type="{OFFICE}/officeDocument" Target="/Book/main.xml"/>'
        ),
        "Book/main.xml": f'<x:workbook xmlns:x="{MAIN}" xmlns:r="{OFFICE}"><x:sheets>'
        '<x:sheet name="J" sheetId="1" r:id="b"/></x:sheets></x:workbook>',
        "Book/_rels/main.xml.rels": relationships(
            f'<Relationship Id="b" Type="{OFFICE}/worksheet" Target="../data/The%20Sheet.xml"/>'
            f'<Relationship Id="c" Type="{OFFICE}/styles" Target="s.xml"/>'
        ),
        "Book/s.xml": styles(["000000"]),
        "data/The Sheet.xml": sheet(row(2, number(12, style=1), number(1.5))),
        "xl/worksheets/sheet1.xml": sheet(row(2, number(99), number(9))),
    }
    assert read(zipped(parts)) == both(("000012", "1.5"))


def test_a_part_of_the_usual_name_that_is_not_the_sheets_is_not_read() -> None:
    parts = _parts(xlsx(sheet(row(2, number(1), number(1)))))
    parts["xl/worksheets/other.xml"] = sheet(row(2, number(2), number(2))).encode()
    rels = _text(parts["xl/_rels/workbook.xml.rels"])
    parts["xl/_rels/workbook.xml.rels"] = rels.replace("worksheets/sheet1.xml", "/xl/worksheets/other.xml")
    assert read(zipped(parts)) == both(("2", "2"))


def test_names_with_a_prefix_and_other_character_sets_are_read() -> None:
    prefixed = (
        f'<?xml version="1.0"?><x:worksheet xmlns:x="{MAIN}"><x:sheetData><x:row r="1"><x:c r="A1" t="str">'
        '<x:v>id</x:v></x:c><x:c r="B1" t="str"><x:v>amount</x:v></x:c></x:row><x:row r="2">'
        '<x:c r="A2"><x:v>5</x:v></x:c><x:c r="B2"><x:v>1.5</x:v></x:c></x:row></x:sheetData></x:worksheet>'
    )
    assert read(xlsx(prefixed)) == both(("5", "1.5"))
    wide_text = sheet(row(2, number(5), number(1.5))).replace("UTF-8", "UTF-16").encode("utf-16")
    assert read(xlsx(wide_text)) == both(("5", "1.5"))
    marked = b"\xef\xbb\xbf" + sheet(row(2, number(5), number(1.5))).encode()
    assert read(xlsx(marked)) == both(("5", "1.5"))


def test_a_document_type_or_entity_is_refused_and_nothing_is_expanded() -> None:
    bomb = '<!DOCTYPE w [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    part = sheet(row(2, number(1), number(1))).replace("?>", f"?>{bomb}", 1)
    assert "document type or an entity" in refusal(xlsx(part))


def test_xml_that_is_nested_too_deep_is_refused() -> None:
    assert "nested too deep" in refusal(xlsx(sheet("<row r='2'>" + "<x>" * 200 + "</x>" * 200 + "</row>")))


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (zipped({"[Content_Types].xml": "<Types/>", "word/document.xml": "<w/>"}), "no kind of workbook"),
        (
            zipped({"mimetype": "application/vnd.oasis.opendocument.text"}),
            "it is no spreadsheet, but application/vnd.oasis",
        ),
        (zipped({"Index/Document.iwa": b"x"}), "no kind of workbook"),
        (
            b'<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"><Table/></Workbook>',
            "XML Spreadsheet of 2003",
        ),
        (b"MIME-Version: 1.0\r\nX-Document-Type: Workbook\r\n", "web archive"),
        (b"Voucher Id\tAmount Used\n1\t2\n", "it is text: if it is CSV, name it .csv"),
        (b"%PDF-1.7", "a PDF"),
        (b"\x09\x04\x06\x00\x00\x00\x10\x00", "Excel 4"),
    ],
)
def test_what_is_no_workbook_is_refused_for_what_it_is(content: bytes, why: str) -> None:
    assert why in refusal(content, "EC_NG.xls")


# Sheets and headers


def _titled(above: str, rows: str) -> str:
    header = HEADER.replace('r="1"', 'r="3"').replace("A1", "A3").replace("B1", "B3")
    return sheet(rows, header=f'<row r="1"><c r="A1" t="inlineStr"><is><t>{above}</t></is></c></row>{header}')


def test_a_header_under_a_title_is_found() -> None:
    assert read(xlsx(_titled("JDash, September 2025", row(4, number(1), number(1.5))))) == both(("1", "1.5"))
    csv = b"JDash export\n\nperiod;September 2025\nVoucher Id;Amount Used\n1;1,5\n"
    assert read(csv, "EC_NG.csv") == both(("1", "1.5"))


@pytest.mark.parametrize("hidden", [(), (2,), (1,)])
def test_two_sheets_that_may_be_meant_are_refused_naming_both(hidden: Sequence[int]) -> None:
    content = xlsx(
        _titled("September", row(4, number(1), number(1.5))),
        sheet(row(2, number(2), number(9))),
        hidden=hidden,
    )
    said = refusal(content)
    assert "several sheets may be the one" in said
    assert "Sheet1" in said
    assert "Sheet2" in said


def test_a_hidden_sheet_is_not_taken_for_a_visible_one_whose_header_is_not_quite_right() -> None:
    misnamed = sheet(row(2, number(1), number(1.5))).replace("Amount Used", "Amount (NGN)")
    said = refusal(xlsx(misnamed, sheet(row(2, number(2), number(9))), hidden=[2]))
    assert "several sheets may be the one (Sheet1, Sheet2, hidden)" in said


@pytest.mark.parametrize(
    "name", ["Voucher\u00a0Id", "Voucher  Id", "Voucher\nId", "Vouch\u200ber Id", "\ufeffvoucher\u202fid"]
)
def test_blanks_and_invisible_marks_in_a_header_do_not_matter(name: str) -> None:
    assert read(f'"{name}",Amount\u00a0Used\n1,1.5\n'.encode(), "EC_NG.csv") == both(("1", "1.5"))
    assert read(xlsx(sheet(row(2, number(1), number(1.5))).replace("Voucher Id", name))) == both(("1", "1.5"))


def test_a_customer_whose_name_begins_with_total_is_no_total_line() -> None:
    text = "Customer,Voucher Id,Amount Used\nTotalEnergies Ltd,1,1.50\nTotal Nigeria Plc,2,2.50\nمجموعة طلعت,3,1\n"
    assert read(text.encode(), "EC_NG.csv") == both(("1", "1.5"), ("2", "2.5"), ("3", "1"))
    assert read(b"id,amount\nTotalEnergies-7,1\n", "EC_NG.csv") == both(("TotalEnergies-7", "1"))


@pytest.mark.parametrize("label", ["Total September 2025", "TOTAL-2025"])
def test_what_may_be_a_total_or_an_id_is_refused(label: str) -> None:
    assert "may be a total line or a voucher id" in refusal(
        f"id,amount\n1,1\n{label},1\n".encode(), "EC_NG.csv"
    )


# Both ways to read a sheet


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(
            st.one_of(
                st.integers(0, 10**15),
                st.floats(0, 10**6),
                st.sampled_from(["0012", "V7", "12,345", "", "Total", "1E5"]),
            ),
            st.one_of(
                st.decimals(-(10**9), 10**9, places=4),
                st.floats(-(10**6), 10**6),
                st.sampled_from(["1,234", "₦5", "x", "", "-1234.50"]),
            ),
        ),
        min_size=1,
        max_size=6,
    ),
    st.sampled_from(["General", "000000", "#,##0", "[$₦-468]0.00", "yyyy", '"V"0']),
    st.sampled_from(["General", "#,##0.00", "[$₦-468]0.00", "[$$-409]0.00", "yyyy", "0%"]),
    st.booleans(),
)
def test_values_with_their_formats_and_cells_give_the_same(
    pairs: list[tuple[object, object]],
    of_ids: str,
    of_amounts: str,
    mixed: bool,  # noqa: FBT001
) -> None:
    def cell(value: object, style: int) -> str:
        if isinstance(value, str):
            return f'<c r="{{}}" t="inlineStr"><is><t>{value}</t></is></c>'
        return number(value, style)

    rows = "".join(
        row(at, cell(voucher, 1), cell(amount, 0 if mixed and at == 2 else 2))
        for at, (voucher, amount) in enumerate(pairs, 2)
    )
    content = xlsx(sheet(rows), formats=[of_ids, of_amounts])
    assert _answer(content) == _careful_answer(content)


def _answer(content: bytes) -> object:
    try:
        return read(content)
    except DataError as error:
        return str(error)


def _careful_answer(content: bytes) -> object:
    with mock.patch.object(xlsx_reader, "plain_sheet", return_value=None):
        return _answer(content)


# Binary workbooks


def _binary(*rows: bytes) -> bytes:
    header = binary_row(0, (6, 0, wide("Voucher Id")), (6, 0, wide("Amount Used")))
    return header + b"".join(rows)


def _double(value: float) -> bytes:
    return struct.pack("<d", value)


def test_a_binary_workbook_is_read_with_its_formats_and_short_records() -> None:
    short = (
        record(0, struct.pack("<I", 2) + bytes(9))
        + record(17, bytes(4) + wide("0034"))
        + record(16, bytes(4) + _double(2.5))
    )
    packed = binary_row(3, (2, 0, struct.pack("<I", 56 << 2 | 2)), (2, 0, struct.pack("<I", 350 << 2 | 3)))
    rows = _binary(binary_row(1, (5, 1, _double(12)), (5, 0, _double(1.5))), short, packed)
    assert read(xlsb(rows, ["000000"]), "EC_NG.xlsb") == both(
        ("000012", "1.5"), ("0034", "2.5"), ("56", "3.5")
    )


def test_formulas_and_errors_of_a_binary_workbook_are_told() -> None:
    zero = _binary(binary_row(1, (5, 0, _double(1)), (9, 0, _double(0) + bytes(10))))
    assert "every amount is a formula" in refusal(xlsb(zero), "EC_NG.xlsb")
    assert NEVER in refusal(xlsb(zero, flags=1), "EC_NG.xlsb")
    given = _binary(binary_row(1, (5, 0, _double(1)), (9, 0, _double(4) + bytes(10))))
    assert read(xlsb(given, flags=1), "EC_NG.xlsb") == both(("1", "4"))
    error = _binary(binary_row(1, (5, 0, _double(1)), (3, 0, b"\x2a")))
    assert "the cell is the error #N/A" in refusal(xlsb(error), "EC_NG.xlsb")
    assert "rows out of order" in refusal(xlsb(_binary(binary_row(0, (5, 0, _double(1))))), "EC_NG.xlsb")


# Old workbooks


def _old(rows: Sequence[Sequence[object]], code: str = "General") -> bytes:
    book = xlwt.Workbook()
    made = book.add_sheet("JDash")
    style = xlwt.XFStyle()
    style.num_format_str = code
    for at, cells in enumerate([("Voucher Id", "Amount Used"), *rows]):
        for place, value in enumerate(cells):
            made.write(at, place, value, style)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def test_an_old_workbook_is_read_with_its_formats() -> None:
    assert read(_old([("0012", 1.5), ("x", "1,234.50")]), "EC_NG.xls") == both(
        ("0012", "1.5"), ("x", "1234.5")
    )
    assert read(_old([(12, 1.5)], "000000"), "EC_NG.xls") == both(("000012", "1.5"))
    assert "the amount is in $" in refusal(_old([("a", 1.5)], '"$"0.00'), "EC_NG.xls")
    assert "the cell is the date or time" in refusal(_old([("a", 1.5)], "yyyy"), "EC_NG.xls")
    assert "the cell is TRUE" in refusal(_old([("a", True)]), "EC_NG.xls")
    assert "no voucher rows" in refusal(_old([]), "EC_NG.xls")
    assert read(_old([("0012", 1.5)]), "EC_NG.xlsx") == both(("0012", "1.5"))


def test_a_formula_of_an_old_workbook_without_a_result_was_never_computed() -> None:
    content = _old([("1", xlwt.Formula("1+1"))])
    assert NEVER in refusal(content, "EC_NG.xls")


def test_an_old_workbook_that_is_cut_off_is_refused() -> None:
    assert "damaged" in refusal(_old([("1", 1)])[:3000], "EC_NG.xls")


# OpenDocument


def test_an_opendocument_id_is_the_text_the_cell_shows() -> None:
    rows = (
        ods_row("Voucher Id", "Amount Used")
        + ods_row(ods_number(12, "000012"), ods_number(1234.5, "1,234.50"))
        + ods_row("0034", ods_number(2, "2"), attributes='table:number-rows-repeated="2"')
        + ods_row(
            '<table:table-cell table:number-columns-repeated="1024"/>',
            attributes='table:number-rows-repeated="1048000"',
        )
    )
    assert read(ods(rows), "EC_NG.ods") == both(("000012", "1234.5"), ("0034", "4"))


@pytest.mark.parametrize(
    ("voucher", "amount", "why"),
    [
        (ods_number(12345, "12,345"), ods_number(1, "1"), "formatted as a number"),
        ("1", ods_number(1, "$1.00"), "the amount is in $"),
        ("1", ods_number(1, "1", 'office:currency="USD"'), "the amount is in USD"),
        ("1", ods_number(0, "0", 'table:formula="of:=1+1"'), "every amount is a formula"),
        ("1", '<table:table-cell table:formula="of:=1+1"/>', NEVER),
        ("1", ods_number(0.5, "50%"), "percentage"),
        (
            "1",
            ods_cell("30.09.25", 'office:value-type="date" office:date-value="2025-09-30"'),
            "date or time 2025-09-30",
        ),
        (
            "1",
            ods_cell("TRUE", 'office:value-type="boolean" office:boolean-value="true"'),
            "the cell is TRUE",
        ),
        (
            "1",
            ods_cell("#N/A", 'office:value-type="string" calcext:value-type="error"'),
            "the error #N/A",
        ),
        (ods_number(12, None, 'table:style-name="ce1"'), ods_number(1, "1"), "not certain"),
    ],
)
def test_an_opendocument_cell_that_is_not_certain_is_refused(voucher: str, amount: str, why: str) -> None:
    style = '<style:style style:name="ce1" style:data-style-name="N1"/>'
    rows = ods_row("Voucher Id", "Amount Used") + ods_row(voucher, amount)
    assert why in refusal(ods(rows, styles=style), "EC_NG.ods")


def test_comments_are_not_the_text_of_an_opendocument_cell() -> None:
    comment = "<office:annotation><text:p>ask Ada</text:p></office:annotation>"
    text = "<text:p>00<text:span>12</text:span></text:p>"
    cell = f'<table:table-cell office:value-type="string">{comment}{text}</table:table-cell>'
    rows = ods_row("Voucher Id", "Amount Used") + ods_row(cell, ods_number(1, "1"))
    assert ids(ods(rows), "EC_NG.ods") == ["0012"]


def test_an_opendocument_with_a_password_or_too_many_rows_is_refused() -> None:
    assert "password" in refusal(ods("", manifest="<encryption-data/>"), "EC_NG.ods")
    rows = ods_row("id", "amount") + ods_row("1", "1", attributes='table:number-rows-repeated="1048577"')
    assert "more rows than" in refusal(ods(rows), "EC_NG.ods")


# Web pages


PAGE = (
    "<html><head><meta charset='utf-8'><title>x</title></head><body><table><tr><td>Filter: all</td></tr></table><table>"
    "<thead><tr><th>Voucher<br>Id</th><th>Note</th><th>Amount&nbsp;Used</th></tr></thead><tbody>{}</tbody></table></body></html>"
)


@pytest.mark.parametrize("file", ["EC_NG.xls", "EC_NG.xlsx", "EC_NG.html", "EC_NG.csv"])
def test_a_table_of_a_web_page_is_read_under_any_name(file: str) -> None:
    rows = (
        "<tr><td> 0012 </td><td>a<td>₦1,234.50</tr><tr><td>7</td><td></td><td x:num='2.5'>2,5</td></tr>"
        "<tr><td colspan=2>Total</td><td>1237.00</td></tr>"
    )
    assert read(PAGE.format(rows).encode(), file) == both(("0012", "1234.5"), ("7", "2.5"))


def test_a_cell_of_a_web_page_that_reaches_down_leaves_the_place_below_empty() -> None:
    rows = (
        "<tr><td rowspan=2>1</td><td></td><td>1.50</td></tr><tr><td></td><td>2.50</td></tr>"
        "<tr><td>3</td><td></td><td>1</td></tr>"
    )
    assert 'row 3, column "Voucher Id": the voucher id is empty' in refusal(
        PAGE.format(rows).encode(), "EC_NG.xls"
    )


@pytest.mark.parametrize(
    ("page", "why"),
    [
        ("<html><body>Session expired</body></html>", "no table in it has all columns that count"),
        ("<html><table><tr><td>Voucher Id</td>", "cut off"),
        ("<html><meta charset='utf-8'><table><tr><td>\udcff", "encoding utf-8"),
    ],
)
def test_a_web_page_without_the_table_is_refused(page: str, why: str) -> None:
    said = refusal(page.encode("utf-8", "surrogateescape"), "EC_NG.xls")
    assert "it is a web page" in said
    assert why in said


@pytest.mark.parametrize(
    "amount",
    [
        "<span style='display: none'>100</span>2.5",
        "<span hidden>100<b>1</b></span>2.5",
        "<div style='visibility:hidden'>100<br></div><p>2.5</p>",
        "<b><font size=2>2</font></b>.5<script>3</script><!-- 4 -->",
    ],
)
def test_what_a_web_page_does_not_show_is_not_read(amount: str) -> None:
    rows = f"<tr><td><i hidden>0001</i>1</td><td></td><td>{amount}</td></tr>"
    assert read(PAGE.format(rows).encode(), "EC_NG.xls") == [("1", Decimal("2.5"))]


@pytest.mark.parametrize(
    ("amount", "why"),
    [
        ("100<sup>1</sup>", "text that is raised"),
        ("100<sub>1</sub>", "text that is lowered"),
        ("<del>100</del>90", "text that is struck out"),
        ("<select><option>1<option>2</select>", "text that is to choose from"),
        ("1<br>500.00", "is not a number"),
        ("<h3>10</h3><h4>20</h4>", "is not a number"),
    ],
)
def test_texts_beside_an_amount_are_not_made_one_with_it(amount: str, why: str) -> None:
    assert why in refusal(PAGE.format(f"<tr><td>1<td><td>{amount}</tr>").encode(), "EC_NG.xls")


@pytest.mark.parametrize(
    ("value", "shown", "why"),
    [
        ("45659", "2025-01-02", "is not what an amount looks like"),
        ("45659", "2-Jan", "is not what an amount looks like"),
        ("1500", "1.5 K", "is not what an amount looks like"),
        ("0", "Err:508", "is not what an amount looks like"),
        ("1500", "$1,500.00", "the amount is in"),
    ],
)
def test_an_amount_is_shown_as_one(value: str, shown: str, why: str) -> None:
    page = PAGE.format(f"<tr><td>1<td><td x:num='{value}'>{shown}</tr>").encode()
    assert why in refusal(page, "EC_NG.xls")
    text = 'office:value-type="string"'
    header = ods_row(ods_cell("Voucher Id", text), ods_cell("Amount Used", text))
    document = ods(header + ods_row(ods_cell("1", text), ods_number(value, shown)))
    assert why in refusal(document, "EC_NG.ods")


def test_a_web_page_may_name_its_encoding_as_xml_does() -> None:
    page = "<?xml version='1.0' encoding='windows-1252'?>" + PAGE.replace("<meta charset='utf-8'>", "")
    content = page.format("<tr><td>é1<td><td>1</tr>").encode("windows-1252")
    assert read(content, "EC_NG.xls") == [("é1", Decimal(1))]


# Files of other programs


@pytest.mark.parametrize("file", ["EC_NG.csv", "EC_NG.xls"])
@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"ID;PWXL;N;E\r\n", "a SYLK file"),
        (b"TABLE\r\n0,1\r\n", "a DIF file"),
        (b"{\\rtf1 Voucher Id}", "a text document, RTF"),
        (b"\x00\x00\x02\x00\x06\x04\x06\x00", "a Lotus 1-2-3 workbook"),
        (b"\x09\x00\x07\x00\x07\x00\x10\x00", "a workbook of Excel 4 or before"),
        (
            b'<?xml version="1.0"?><office:document xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0">',
            "a flat OpenDocument file",
        ),
        (
            b'<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"><Worksheet><Table >',
            "an XML Spreadsheet of 2003",
        ),
    ],
)
def test_a_file_of_another_program_is_named(content: bytes, what: str, file: str) -> None:
    assert what in refusal(content, file)


def test_a_csv_file_may_begin_like_that_of_another_program() -> None:
    assert read(b"ID;Product;Amount\n1;x;2,5\n", "EC_NG.csv") == [("1", Decimal("2.5"))]


def test_a_document_of_word_under_the_name_of_a_workbook_is_named() -> None:
    main = f'<Relationship Id="r" Type="{OFFICE}/officeDocument" Target="word/document.xml"/>'
    content = zipped({"_rels/.rels": relationships(main), "word/document.xml": "<document/>"})
    assert "it is no spreadsheet, but a document of Word" in refusal(content)


# Formats that two readers understand differently


@pytest.mark.parametrize("code", ["Standard", "standard", "General", "@", "0.00_d", "[$DH]0.00", "[Red]0.00"])
def test_an_amount_in_a_format_that_looks_like_a_date_is_read(code: str) -> None:
    made = xlsx(
        sheet(row(2, number(1), number(1.5, 1)) + row(3, number(2), number(45659, 1))), formats=[code]
    )
    assert parse_jdash("EC_MA.xlsx", made) == [("1", Decimal("1.5")), ("2", Decimal(45659))]


@pytest.mark.parametrize(
    ("currency", "code"),
    [
        ("EGP", "_-[$ج.م.\u200f-C01]\\ * #,##0.00_-"),
        ("DZD", "[$د.ج.\u200f-1401] #,##0.00"),
        ("MAD", "[$د.م.\u200f-1801] #,##0.00"),
        ("XOF", "#,##0.00\\ [$F\u202fCFA-300C]"),
        ("XOF", '#,##0 "F"'),
        ("KES", '"Kshs. "#,##0.00'),
        ("UGX", '"Shs" #,##0'),
        ("NGN", "[$-1010409]#,##0.00;(#,##0.00)"),
    ],
)
def test_the_formats_of_the_companies_countries_are_read(currency: str, code: str) -> None:
    made = xlsx(
        sheet(row(2, number(1), number(1234.5, 1)) + row(3, number(2), number(-2, 1))), formats=[code]
    )
    assert parse_jdash("EC_NG.xlsx", made, currency) == [("1", Decimal("1234.5")), ("2", Decimal(-2))]


def test_ids_in_the_formats_of_reporting_services_are_read() -> None:
    """It marks a number as one of a locale with Latin digits."""
    for code in ("[$-1010409]General", "[$-10409]0"):
        assert read(xlsx(sheet(row(2, number(12, 1), number(5))), formats=[code])) == [("12", Decimal(5))]


@pytest.mark.parametrize("code", ["0a/", "General/", '"m"General@/', "Estándar", "*d0", "0 d"])
def test_a_format_with_the_letters_of_a_date_is_read_as_it_stands_or_refused(code: str) -> None:
    """Some readers give a date for these numbers."""
    made = xlsx(sheet(row(2, number(1), number(1.5, 1)) + row(3, number(2), number(2.5))), formats=[code])
    assert _answer(made) == _careful_answer(made)


@pytest.mark.parametrize("shown", ["1235", "1234", "V1"])
def test_an_id_that_shows_another_number_is_refused(shown: str) -> None:
    """A format may show thousands, or nothing of the number."""
    page = PAGE.format(f"<tr><td x:num='1234567'>{shown}<td><td>1</tr>").encode()
    assert "is shown for the number 1234567" in refusal(page, "EC_NG.xls")


def test_a_workbook_that_is_cut_off_is_told() -> None:
    assert "it is damaged, or was cut off" in refusal(xlsx(sheet(row(2, number(1), number(1))))[:-40])


def test_a_second_sheet_that_goes_on_without_a_header_is_not_left_out() -> None:
    first, more = sheet(row(2, number(1), number(1.5))), sheet(row(1, number(2), number(2.5)), header="")
    assert "the sheet Sheet2 has no header, and may go on" in refusal(xlsx(first, more))
    notes = sheet(row(1, number(2), '<c r="{}" t="inlineStr"><is><t>September</t></is></c>'), header="")
    assert read(xlsx(first, notes)) == both(("1", "1.5"))


def test_an_empty_result_in_a_workbook_that_asks_to_be_computed_was_never_computed() -> None:
    formula = '<c r="{}" t="str"><f>D1</f><v></v></c>'
    rows = sheet(row(2, formula, formula) + row(3, number(2), number(2.5)))
    asks = xlsx(rows, calculation='<calcPr fullCalcOnLoad="1"/>')
    with pytest.raises(DataError, match=r"row 2, .*never computed"):
        parse_jdash("EC_NG.xlsx", asks, "NGN")
    assert list(parse_jdash("EC_NG.xlsx", xlsx(rows), "NGN")) == [("2", Decimal("2.5"))], "else a blank row"


@pytest.mark.parametrize("kind", ["array", "dataTable"])
def test_what_one_formula_fills_is_its_result_in_every_cell(kind: str) -> None:
    first = f'<c r="{{}}"><f t="{kind}" ref="B2:B4">C2:C4*1</f><v>0</v></c>'
    rows = row(2, number(1), first) + row(3, number(2), number(0)) + row(4, number(3), number(0))
    with pytest.raises(DataError, match=r"row 2 and all others, .*never computed"):
        parse_jdash("EC_NG.xlsx", xlsx(sheet(rows)), "NGN")
    written = rows + row(5, number(4), number(0))
    assert len(parse_jdash("EC_NG.xlsx", xlsx(sheet(written)), "NGN")) == 4, "a zero beside it is a value"


def test_what_an_extension_of_a_cell_says_is_not_its_value() -> None:
    cell = '<c r="{}"><v>1.5</v><extLst><ext uri="x"><v>9</v></ext></extLst></c>'
    read = parse_jdash("EC_NG.xlsx", xlsx(sheet(row(2, number(1), cell))), "NGN")
    assert list(read) == [("1", Decimal("1.5"))]
