"""Where a stored file came from: the hashes of what it was computed from, and the digest of the code that did it.

It lies beside the file, `<asset>/<YYYY-MM>.<first digits of the file's SHA-256>.json`, never in it: the same rows are
the same bytes, whoever computed them. It is named after the file it speaks of, so that a process killed between the
two leaves no file with the provenance of another.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

FORMAT = "cpg1-provenance-2"
_BEFORE = "cpg1-provenance-1"
"""Of earlier versions: without a digest of what is said."""
_DIGITS = 16


@dataclass(frozen=True)
class Provenance:
    """What one stored file came from.

    `sha256` is the file's; `inputs` are the SHA-256 of the files it was computed from, by asset; `code` is the digest
    of the code and rules that computed it, `control_version` that of all that was loaded then. `said` holds what only
    whoever computed it can know: of an extract its validations, of JDash also the files it was read from.
    """

    asset: str
    month: str
    sha256: str
    inputs: Mapping[str, str]
    code: str
    control_version: str
    said: Mapping[str, Any] = field(default_factory=dict)

    def content(self) -> bytes:
        """Give the bytes of its file: what it says, and the SHA-256 of that."""
        said = json.loads(json.dumps({"format": FORMAT, **asdict(self)}))
        return json.dumps({**said, "digest": _digest(said)}, indent=1, ensure_ascii=False).encode() + b"\n"

    @classmethod
    def read(cls, content: bytes) -> "Provenance | None":
        """Read what `content` gave; None for anything else, also where one bit of it is another."""
        try:
            found = json.loads(content)
            if found["format"] != _BEFORE and found.pop("digest") != _digest(found):
                return None
            if found.pop("format") not in (FORMAT, _BEFORE):
                return None
            read = cls(**found)
            texts = (read.asset, read.month, read.sha256, read.code, read.control_version)
            whole = isinstance(read.inputs, dict) and isinstance(read.said, dict)
            return read if whole and all(isinstance(text, str) for text in texts) else None
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return None


def _digest(said: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def provenance_name(month: str, sha256: str) -> str:
    """Give the name of the provenance of the month's file with this hash."""
    return f"{month}.{sha256[:_DIGITS]}.json"


def is_provenance_name(name: str, month: str) -> bool:
    """Whether a file of this name says where some file of the month came from."""
    return re.fullmatch(rf"{re.escape(month)}\.[0-9a-f]{{{_DIGITS}}}\.json", name) is not None
