"""Text with delimiters (CSV): its characters, and its rows by each delimiter it may have.

Which delimiter it is, the header tells: see `sheet`.
"""

import csv
import re
from collections.abc import Iterator

from cpg1_assets.inbox.table import Row, UnreadableError

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_LINE = re.compile(r"[^\r\n]*(?:\r\n?|\n)|[^\r\n]+")


def decoded(content: bytes) -> str:
    """Give the text of UTF-8, or of UTF-16 with a byte-order mark. Raises UnreadableError for anything else."""
    utf_16 = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        text = content.decode("utf-16" if utf_16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        lines = content.count(b"\n", 0, error.start)
        row = "" if utf_16 else f"row {lines + 1}: "
        raise UnreadableError(f"{row}a character is neither UTF-8 nor UTF-16") from None
    if "\0" in text:
        raise UnreadableError("it is not a text file (it has NUL characters)")
    return text


class DelimitedRows:
    """The rows of a text by one delimiter. Going through them raises UnreadableError where it is not CSV."""

    def __init__(self, text: str, delimiter: str) -> None:
        """Take the text as it stands."""
        self._text = text
        self._delimiter = delimiter

    def __iter__(self) -> Iterator[Row]:
        """Give the rows, counted as a spreadsheet counts them."""
        lines = (
            line[0] for line in _LINE.finditer(self._text)
        )  # a stream of it would be a copy of four bytes each
        reader = csv.reader(lines, delimiter=self._delimiter, strict=True)
        number = 0
        try:
            for number, cells in enumerate(reader, 1):
                yield number, cells
        except csv.Error as error:
            raise UnreadableError(
                f"row {number + 1}: it is not CSV ({error}): a quote is open, or text follows one"
            ) from None
