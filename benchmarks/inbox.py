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


def make_workbook(path: Path, vouchers: int) -> None:
    """Write a workbook with a number for each id and each amount, as spreadsheets save it."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in _PARTS.items():
            archive.writestr(name, f'<?xml version="1.0" encoding="UTF-8"?>{text}')
        with archive.open("xl/worksheets/sheet1.xml", "w") as part:
            for piece in _sheet(vouchers):
                part.write(piece.encode())


def _sheet(vouchers: int) -> Iterator[str]:
    yield (
        f'<?xml version="1.0" encoding="UTF-8"?><worksheet xmlns="{_MAIN}"><dimension ref="A1:B{vouchers + 1}"/><sheetData>'
        '<row r="1" spans="1:2"><c r="A1" t="inlineStr"><is><t>Voucher Id</t></is></c>'
        '<c r="B1" t="inlineStr"><is><t>Amount Used</t></is></c></row>'
    )
    for row in range(2, vouchers + 2):
        yield (
            f'<row r="{row}" spans="1:2"><c r="A{row}"><v>{1_000_000 + row * 7919 % vouchers}</v></c>'
            f'<c r="B{row}"><v>{row * 31 % 999_983 / 100}</v></c></row>'
        )
    yield "</sheetData></worksheet>"


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
