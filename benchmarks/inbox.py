"""Reading one JDash workbook of many vouchers: `python -m benchmarks.inbox FILE`, in a process that does nothing else.

It imports nothing but the reader, so that the peak is the reader's, and so that an older build can be put in its place.
The last line printed is the figures as JSON: seconds, peak_mb, vouchers.
"""

import json
import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_XML = '<?xml version="1.0" encoding="UTF-8"?>'
_PARTS = {
    "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" '
    'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
    '<Override PartName="/xl/worksheets/sheet1.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
    f'<Relationship Id="rId1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>'
    '<sheet name="JDash" sheetId="1" r:id="rId1"/></sheets></workbook>',
}


IDS = ("numbers", "shared texts", "texts in the cells")
"""How a workbook may store its ids: spreadsheets share texts, some exports write them into the cells."""


def make_workbook(path: Path, vouchers: int, ids: str) -> None:
    """Write a workbook with its ids as one of `IDS` and a number for each amount, as spreadsheets save it."""
    parts = _PARTS if ids != "shared texts" else {name: _with_shared(text) for name, text in _PARTS.items()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, f"{_XML}{text}")
        with archive.open("xl/worksheets/sheet1.xml", "w") as part:
            for piece in _sheet(vouchers, ids):
                part.write(piece.encode())
        if ids == "shared texts":
            with archive.open("xl/sharedStrings.xml", "w") as part:
                for piece in _shared(vouchers):
                    part.write(piece.encode())


def _with_shared(text: str) -> str:
    """Name the part of shared texts in the list of content types and in the relationships of the workbook."""
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    related = f'<Relationship Id="rId2" Type="{_OFFICE}/sharedStrings" Target="sharedStrings.xml"/>'
    if "/worksheet" in text and "<Relationships" in text:
        return text.replace("</Relationships>", f"{related}</Relationships>")
    return text.replace(
        "</Types>", f'<Override PartName="/xl/sharedStrings.xml" ContentType="{kind}"/></Types>'
    )


def _sheet(vouchers: int, ids: str) -> Iterator[str]:
    yield (
        f'{_XML}<worksheet xmlns="{_MAIN}"><dimension ref="A1:B{vouchers + 1}"/><sheetData>'
        '<row r="1" spans="1:2"><c r="A1" t="inlineStr"><is><t>Voucher Id</t></is></c>'
        '<c r="B1" t="inlineStr"><is><t>Amount Used</t></is></c></row>'
    )
    for row in range(2, vouchers + 2):
        if ids == "numbers":
            cell = f'<c r="A{row}"><v>{_id(row, vouchers)}</v></c>'
        elif ids == "shared texts":
            cell = f'<c r="A{row}" t="s"><v>{row - 2}</v></c>'
        else:
            cell = f'<c r="A{row}" t="inlineStr"><is><t>{_id(row, vouchers)}</t></is></c>'
        yield f'<row r="{row}" spans="1:2">{cell}<c r="B{row}"><v>{row * 31 % 999_983 / 100}</v></c></row>'
    yield "</sheetData></worksheet>"


def _shared(vouchers: int) -> Iterator[str]:
    yield f'{_XML}<sst xmlns="{_MAIN}" count="{vouchers}" uniqueCount="{vouchers}">'
    for row in range(2, vouchers + 2):
        yield f"<si><t>{_id(row, vouchers)}</t></si>"
    yield "</sst>"


def _id(row: int, vouchers: int) -> int:
    return 1_000_000 + row * 7919 % vouchers


def read_in_a_process(tree: Path, path: Path) -> dict[str, float]:
    """Read the file with the code in `tree`, in a process of its own; give seconds and peak memory."""
    command = [sys.executable, str(Path(__file__).resolve()), str(path)]
    environment = os.environ | {"PYTHONPATH": str(tree)}
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=tree, env=environment)  # noqa: S603
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def _main() -> None:
    import resource  # noqa: PLC0415 - only the process that is measured needs it

    from cpg1_assets.jdash.file import read_jdash_file  # noqa: PLC0415 - of the tree that is measured

    started = time.perf_counter()
    vouchers = read_jdash_file(Path(sys.argv[1]))
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (
        1 << 20 if sys.platform == "darwin" else 1 << 10
    )
    print(json.dumps({"seconds": seconds, "peak_mb": peak, "vouchers": len(vouchers)}))


if __name__ == "__main__":
    _main()
