"""Putting evidence on disk so that it is there whole or not at all, even when the machine stops half way."""

import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from cpg1_assets.evidence.packages.package import Document, json_text

_CHUNK = 1 << 20


def keep(document: Document, path: Path) -> tuple[int, str]:
    """Write a document to `path` and to the disk (fsync); give its size and the SHA-256 of the bytes written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    digest, size = hashlib.sha256(), 0
    with path.open("xb") as file:
        for chunk in chunks(document):
            digest.update(chunk)
            size += file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    return size, digest.hexdigest()


def chunks(document: Document) -> Iterator[bytes]:
    """Give the bytes of a document, piece by piece."""
    if isinstance(document, Mapping):
        document = json_text(document)
    if isinstance(document, str):
        yield document.encode()
    elif isinstance(document, bytes):
        yield document
    else:
        with document.open("rb") if isinstance(document, Path) else document() as stream:
            yield from _read(stream)


def _read(stream: BinaryIO) -> Iterator[bytes]:
    while chunk := stream.read(_CHUNK):
        yield chunk
