"""What was worked out of a text before: kept as Python keeps bytecode, beside it and under the same conditions.

Judging and translating the statements takes longer than running them, and gives the same each time. An answer is
kept under the hash of all that was asked, and says of which code it is. It is never needed: where none can be
written, where the code is another or a byte of it has changed, the answer is worked out as if nobody had asked before.
"""

import hashlib
import importlib.util
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path

from cpg1_assets.disk import write_whole
from cpg1_assets.loaded import PACKAGE, TEXTS, digest_of

_ASKED_OF = ("sqlglot", "pydantic")
"""The libraries that have a say in an answer."""


def kept(work: Callable[[], str], *asked: str) -> str:
    """Give what `work` gives, from before if `asked`, the name of the work first, is all that it depends on beside code.

    Raises what `work` raises; that is not kept.
    """
    place = _folder() / f"cpg1-{digest_of({str(at): part.encode() for at, part in enumerate(asked)})}.txt"
    with suppress(OSError, ValueError):
        # Read as it was written: a line that ends otherwise is another text.
        code, found, answer = place.read_bytes().decode().split("\n", 2)
        if (code, found) == (made_by(), _hash(answer)):
            return answer
    answer = work()
    if not sys.dont_write_bytecode:
        with suppress(OSError):
            write_whole(place, f"{made_by()}\n{_hash(answer)}\n{answer}".encode())
    return answer


@cache
def made_by() -> str:
    """Give the digest of what makes answers: the files that decide figures, libraries and Python."""
    libraries = {name: version(name).encode() for name in _ASKED_OF}
    return digest_of({**TEXTS} | libraries | {"python": sys.version.encode()})


@cache
def _folder() -> Path:
    return Path(importlib.util.cache_from_source(str(PACKAGE / "__init__.py"))).parent


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
