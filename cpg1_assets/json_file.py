"""Reading JSON that anybody may have changed: what is too large, too deep, ambiguous or not JSON is one kind of error.

What a file should say, and what to do about one that does not, whoever reads it knows.
"""

import json
from pathlib import Path
from typing import Any, NoReturn

from cpg1_assets.errors import shown
from cpg1_assets.plain_file import read_plain

MOST_BYTES = 64_000_000
"""More than any file has that the product writes as JSON."""
_DEEPEST = 64
"""Levels; the deepest that the product writes has fewer than ten."""


def parse_json(content: str | bytes) -> Any:  # noqa: ANN401 - JSON may be anything
    """Read JSON in UTF-8 of which there is one reading only.

    Raises ValueError for anything else: a key that is there twice, of which readers take one or the other, NaN and
    infinity, which are not JSON, half a character, and what is nested more than 64 levels deep.
    """
    text = content.decode("utf-8") if isinstance(content, bytes) else content
    try:
        found = json.loads(text, object_pairs_hook=_object, parse_constant=_no_number)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    _require_plain_values(found)
    return found


def read_json(path: Path, most_bytes: int = MOST_BYTES) -> Any:  # noqa: ANN401 - likewise
    """Read a plain file of JSON. Raises OSError, also where it has more than `most_bytes`, and ValueError."""
    return parse_json(read_plain(path, most_bytes))


def read_object(path: Path, most_bytes: int = MOST_BYTES) -> dict[str, Any]:
    """Read a file that holds a JSON object, as `read_json`. Raises ValueError for a list, a text, a number."""
    return require_object(read_json(path, most_bytes))


def require_object(found: Any) -> dict[str, Any]:  # noqa: ANN401 - likewise
    """Give what was read, where it is a JSON object. Raises ValueError for a list, a text, a number."""
    if not isinstance(found, dict):
        raise ValueError("it is not a JSON object")  # noqa: TRY004 - one kind of error for whoever reads
    return found


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in found if names.count(name) > 1)
        raise ValueError(f"the key {shown(twice)} is there twice")
    return found


def _no_number(said: str) -> NoReturn:
    raise ValueError(f"{said} is not a number of JSON")


def _require_plain_values(found: object) -> None:
    """Refuse what is nested too deeply, and texts that cannot be written again. No level of it is a call."""
    level, depth = [found], 0
    while level:
        depth += 1
        if depth > _DEEPEST:
            raise ValueError(f"it is nested more than {_DEEPEST} levels deep")
        below: list[object] = []
        for value in level:
            if isinstance(value, dict):
                below += value.keys()
                below += value.values()
            elif isinstance(value, list):
                below += value
            elif isinstance(value, str) and not value.isascii():
                value.encode()  # half of a pair of surrogates is no character
        level = below
