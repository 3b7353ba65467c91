"""Reading JSON that anybody may have changed: what is too large, too deep or not JSON is one kind of error.

What a file should say, and what to do about one that does not, whoever reads it knows.
"""

import json
from pathlib import Path
from typing import Any

MOST_BYTES = 64_000_000
"""More than any file has that the product writes as JSON."""


def parse_json(content: str | bytes) -> Any:  # noqa: ANN401 - JSON may be anything
    """Read JSON. Raises ValueError for anything else, also for what is nested too deeply to be read."""
    try:
        return json.loads(content)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def read_json(path: Path, most_bytes: int = MOST_BYTES) -> Any:  # noqa: ANN401 - likewise
    """Read a file of JSON. Raises OSError, and ValueError for what is not JSON or has more than `most_bytes`."""
    with path.open("rb") as file:
        content = file.read(most_bytes + 1)
    if len(content) > most_bytes:
        raise ValueError(f"it has more than {most_bytes:,} bytes")
    return parse_json(content)


def read_object(path: Path, most_bytes: int = MOST_BYTES) -> dict[str, Any]:
    """Read a file that holds a JSON object, as `read_json`. Raises ValueError for a list, a text, a number."""
    found = read_json(path, most_bytes)
    if not isinstance(found, dict):
        raise ValueError("it is not a JSON object")  # noqa: TRY004 - one kind of error for whoever reads
    return found
