"""Workbooks made of their parts by hand, as programs that are not at hand write them."""

import io
import struct
import zipfile
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

TRANSITIONAL = "http://schemas.openxmlformats.org"
MAIN = f"{TRANSITIONAL}/spreadsheetml/2006/main"
OFFICE = f"{TRANSITIONAL}/officeDocument/2006/relationships"
PACKAGE = f"{TRANSITIONAL}/package/2006"
HEADER = (
    '<row r="1"><c r="A1" t="inlineStr"><is><t>Voucher Id</t></is></c>'
    '<c r="B1" t="inlineStr"><is><t>Amount Used</t></is></c></row>'
)


def zipped(parts: Mapping[str, str | bytes]) -> bytes:
    """Pack parts as they are given, in their order."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return stream.getvalue()


def sheet(rows: str, *, header: str = HEADER) -> str:
    """Give the part of a worksheet with these rows below the header."""
    data = f"<sheetData>{header}{rows}</sheetData>"
    return f'<?xml version="1.0" encoding="UTF-8"?><worksheet xmlns="{MAIN}">{data}</worksheet>'


def row(number: int, voucher: str, amount: str) -> str:
    """Give a row of two cells, each written as `cell` gives it, without its place."""
    return f'<row r="{number}">{voucher.format(f"A{number}")}{amount.format(f"B{number}")}</row>'


def number(value: object, style: int = 0, formula: str | None = None) -> str:
    """Give a cell with a number; its place is put in by `row`."""
    made = "" if formula is None else f"<f>{escape(formula)}</f>"
    return f'<c r="{{}}" s="{style}">{made}<v>{value}</v></c>'


def styles(formats: Sequence[str]) -> str:
    """Give the part of styles: style 0 is General, the next ones have these number formats."""
    own = "".join(
        f'<numFmt numFmtId="{164 + at}" formatCode="{escape(code, {chr(34): "&quot;"})}"/>'
        for at, code in enumerate(formats)
    )
    used = "".join(f'<xf numFmtId="{164 + at}"/>' for at in range(len(formats)))
    return f'<styleSheet xmlns="{MAIN}"><numFmts>{own}</numFmts><cellXfs><xf numFmtId="0"/>{used}</cellXfs></styleSheet>'


def xlsx(
    *sheets: str | bytes,
    formats: Sequence[str] = (),
    calculation: str = "",
    hidden: Sequence[int] = (),
    strings: str | None = None,
    extra: Mapping[str, str | bytes] | None = None,
) -> bytes:
    """Make a workbook of these parts of worksheets, in the usual places."""
    listed = "".join(
        f'<sheet name="Sheet{at}" sheetId="{at}" state="{"hidden" if at in hidden else "visible"}" r:id="rId{at}"/>'
        for at in range(1, len(sheets) + 1)
    )
    related = "".join(
        f'<Relationship Id="rId{at}" Type="{OFFICE}/worksheet" Target="worksheets/sheet{at}.xml"/>'
        for at in range(1, len(sheets) + 1)
    )
    related += f'<Relationship Id="rId90" Type="{OFFICE}/styles" Target="styles.xml"/>'
    if strings is not None:
        related += f'<Relationship Id="rId91" Type="{OFFICE}/sharedStrings" Target="sharedStrings.xml"/>'
    return zipped(
        {
            "[Content_Types].xml": content_types(len(sheets)),
            "_rels/.rels": relationships(
                f'<Relationship Id="rId1" Type="{OFFICE}/officeDocument" Target="xl/workbook.xml"/>'
            ),
            "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>{listed}</sheets>'
            f"{calculation}</workbook>",
            "xl/_rels/workbook.xml.rels": relationships(related),
            "xl/styles.xml": styles(formats),
            **{f"xl/worksheets/sheet{at}.xml": part for at, part in enumerate(sheets, 1)},
            **({} if strings is None else {"xl/sharedStrings.xml": f'<sst xmlns="{MAIN}">{strings}</sst>'}),
            **(extra or {}),
        }
    )


def content_types(sheets: int) -> str:
    """Give the list of content types of a workbook with so many sheets."""
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    overrides = "".join(
        f'<Override PartName="/xl/worksheets/sheet{at}.xml" ContentType="{kind}.worksheet+xml"/>'
        for at in range(1, sheets + 1)
    )
    return (
        f'<Types xmlns="{PACKAGE}/content-types"><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" '
        f'ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>'
        f"{overrides}</Types>"
    )


def relationships(listed: str) -> str:
    """Give a part of relationships."""
    return f'<Relationships xmlns="{PACKAGE}/relationships">{listed}</Relationships>'


def ods(rows: str, *, styles: str = "", manifest: str = "") -> bytes:
    """Make an OpenDocument spreadsheet with one table of these rows."""
    names = {
        "office": "urn:oasis:names:tc:opendocument:xmlns:office:1.0",
        "table": "urn:oasis:names:tc:opendocument:xmlns:table:1.0",
        "text": "urn:oasis:names:tc:opendocument:xmlns:text:1.0",
        "style": "urn:oasis:names:tc:opendocument:xmlns:style:1.0",
        "calcext": "urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0",
    }
    spaces = " ".join(f'xmlns:{prefix}="{name}"' for prefix, name in names.items())
    return zipped(
        {
            "mimetype": "application/vnd.oasis.opendocument.spreadsheet",
            "META-INF/manifest.xml": f"<manifest>{manifest}</manifest>",
            "content.xml": f"<office:document-content {spaces}><office:automatic-styles>{styles}</office:automatic-styles>"
            f'<office:body><office:spreadsheet><table:table table:name="JDash">{rows}</table:table>'
            "</office:spreadsheet></office:body></office:document-content>",
        }
    )


def ods_row(*cells: str, attributes: str = "") -> str:
    """Give a row of an OpenDocument table; a cell that is no element is a text."""
    made = [
        cell
        if cell.startswith("<")
        else f'<table:table-cell office:value-type="string"><text:p>{cell}</text:p></table:table-cell>'
        for cell in cells
    ]
    return f"<table:table-row {attributes}>{''.join(made)}</table:table-row>"


def ods_cell(text: str, attributes: str) -> str:
    """Give a cell of an OpenDocument table with a text and what the file says it is."""
    return f"<table:table-cell {attributes}><text:p>{text}</text:p></table:table-cell>"


def ods_number(value: object, shown: str | None, attributes: str = "") -> str:
    """Give a cell of an OpenDocument table with a number and what it shows."""
    text = "" if shown is None else f"<text:p>{shown}</text:p>"
    return f'<table:table-cell office:value-type="float" office:value="{value}" {attributes}>{text}</table:table-cell>'


def xlsb(records: bytes, formats: Sequence[str] = (), flags: int = 0) -> bytes:
    """Make a binary workbook with one worksheet of these records."""
    own = b"".join(record(44, struct.pack("<H", 164 + at) + wide(code)) for at, code in enumerate(formats))
    used = b"".join(record(47, struct.pack("<HH", 0, kind)) for kind in (0, *range(164, 164 + len(formats))))
    calculation = struct.pack("<IIIdIH", 0, 1, 100, 0.001, 1, flags)
    return zipped(
        {
            "_rels/.rels": relationships(
                f'<Relationship Id="rId1" Type="{OFFICE}/officeDocument" Target="/xl/workbook.bin"/>'
            ),
            "xl/workbook.bin": record(156, struct.pack("<II", 0, 1) + wide("rId1") + wide("JDash"))
            + record(157, calculation),
            "xl/_rels/workbook.bin.rels": relationships(
                f'<Relationship Id="rId1" Type="{OFFICE}/worksheet" Target="worksheets/sheet1.bin"/>'
                f'<Relationship Id="rId2" Type="{OFFICE}/styles" Target="styles.bin"/>'
            ),
            "xl/styles.bin": own + record(617, b"") + used + record(618, b""),
            "xl/worksheets/sheet1.bin": record(145, b"") + records + record(146, b""),
        }
    )


def record(kind: int, data: bytes) -> bytes:
    """Give a record of a binary workbook."""
    return _sevens(kind) + _sevens(len(data)) + data


def _sevens(value: int) -> bytes:
    found = bytearray()
    while True:
        value, low = value >> 7, value & 0x7F
        found.append(low | (0x80 if value else 0))
        if not value:
            return bytes(found)


def wide(text: str) -> bytes:
    """Give a text as a binary workbook keeps it."""
    return struct.pack("<I", len(text)) + text.encode("utf-16-le")


def binary_row(number: int, *cells: tuple[int, int, bytes]) -> bytes:
    """Give a row of kinds, styles and data of cells, counted from 0."""
    found = record(0, struct.pack("<I", number) + bytes(9))
    for column, (kind, style, data) in enumerate(cells):
        found += record(kind, struct.pack("<II", column, style) + data)
    return found
