"""The parts of a zipped workbook (Open XML, OpenDocument): found by relationships, unpacked within bounds.

XML is read as a stream of events, without a document type or entities of its own. What the parts mean is not known here.
"""

import io
import posixpath
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import unquote
from xml.parsers import expat

from cpg1_assets.inbox.table import UnreadableError

UNPACKED_LIMIT = 512 * 2**20
_CHUNK = 2**18
_DEEPEST = 100

Attributes = Mapping[str, str]
Start = Callable[[str, Attributes], None]


@dataclass(frozen=True)
class Relationship:
    """Where a part points to: the id it uses, the last word of the type, and the name of the other part."""

    id: str
    type: str
    target: str


class Package:
    """A zip archive whose parts are named as Open Packaging names them: in any case, from the root, with slashes."""

    def __init__(self, content: bytes) -> None:
        """Open it. Raises UnreadableError when it unpacks to too much, or has a part twice."""
        self._archive = zipfile.ZipFile(io.BytesIO(content))
        self._parts: dict[str, zipfile.ZipInfo] = {}
        unpacked = 0
        for info in self._archive.infolist():
            name = _folded(info.filename)
            if name in self._parts and not info.is_dir():
                raise UnreadableError(f"it has two parts with the name {info.filename!r:.80}")
            self._parts[name] = info
            unpacked += info.file_size
        if unpacked > UNPACKED_LIMIT:
            raise UnreadableError(f"it unpacks to {unpacked:,} bytes, more than an export has")

    def __contains__(self, name: str) -> bool:
        """Tell whether there is a part with this name."""
        return _folded(name) in self._parts

    def chunks(self, name: str) -> Iterator[bytes]:
        """Give the bytes of a part, a piece at a time. Raises UnreadableError when it is not there."""
        info = self._parts.get(_folded(name))
        if info is None:
            raise UnreadableError(f"its part {name!r:.80} is missing")
        with self._archive.open(info) as stream:
            while chunk := stream.read(_CHUNK):
                yield chunk

    def size(self, name: str) -> int:
        """Give the unpacked size of a part, 0 where there is none."""
        info = self._parts.get(_folded(name))
        return info.file_size if info else 0

    def read(self, name: str) -> bytes:
        """Give the bytes of a part."""
        return b"".join(self.chunks(name))

    def related(self, name: str) -> list[Relationship]:
        """Give what a part points to inside the package; the package itself is the part with the empty name."""
        folder, file = posixpath.split(name)
        part = posixpath.join(folder, "_rels", f"{file}.rels")
        found: list[Relationship] = []

        def start(tag: str, attributes: Attributes) -> None:
            if tag == "Relationship" and attributes.get("TargetMode", "").lower() != "external":
                target = posixpath.join("/", folder, unquote(attributes.get("Target", "").replace("\\", "/")))
                found.append(
                    Relationship(
                        attributes.get("Id", ""),
                        attributes.get("Type", "").rsplit("/", 1)[-1],
                        posixpath.normpath(target).lstrip("/"),
                    )
                )

        if part in self:
            self.parse(part, start)
        return found

    def parse(
        self,
        name: str,
        start: Start,
        end: Callable[[str], None] | None = None,
        text: Callable[[str], None] | None = None,
    ) -> None:
        """Read the XML of a part as events, names without their namespace. Raises UnreadableError."""
        parse_xml(self.chunks(name), start, end, text)


def parse_xml(
    chunks: Iterator[bytes],
    start: Start,
    end: Callable[[str], None] | None = None,
    text: Callable[[str], None] | None = None,
) -> None:
    """Read XML as events: the local names of elements and of attributes, and texts in as many pieces as come.

    Raises UnreadableError for XML that is damaged, nested too deep, or declares a document type or an entity.
    """
    parser = expat.ParserCreate(namespace_separator=" ")
    depth = 0

    def started(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > _DEEPEST:
            raise UnreadableError("its XML is nested too deep")
        start(_local(name), {_local(key): value for key, value in attributes.items()})

    def ended(name: str) -> None:
        nonlocal depth
        depth -= 1
        if end is not None:
            end(_local(name))

    def forbidden(*_: Any) -> None:  # noqa: ANN401 - whatever is declared
        raise UnreadableError("its XML declares a document type or an entity, which no spreadsheet does")

    parser.StartElementHandler = started
    parser.EndElementHandler = ended
    if text is not None:
        parser.buffer_text = True
        parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = forbidden
    parser.EntityDeclHandler = forbidden
    try:
        for chunk in chunks:
            parser.Parse(chunk, False)
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise UnreadableError(f"its XML is damaged ({error})") from error


@lru_cache(maxsize=1024)
def _local(name: str) -> str:
    """Give a name without its namespace. What LibreOffice adds to OpenDocument has the same names, so it keeps a mark."""
    namespace, _, local = name.rpartition(" ")
    return f"calcext-{local}" if ":calcext:" in namespace else local


def _folded(name: str) -> str:
    return name.replace("\\", "/").lstrip("/").casefold()
