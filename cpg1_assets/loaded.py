"""The files that decide figures, byte for byte as they were when this process loaded the package.

`cpg1_assets` imports this before anything else, so nothing of a room was executed before its files were read here.
What a figure came from is told from these bytes and never from the disk again: somebody may be editing it. Only
`changes_on_disk` looks there, to say that what is there now is not what runs.
"""

import hashlib
import importlib.util
import marshal
from collections.abc import Iterator, Mapping
from pathlib import Path

PACKAGE = Path(__file__).parent
_ROOMS = ("comments", "effectiveness", "extracts", "inbox", "jdash", "rules", "sources", "storage")
_WORDS = ("embedded.py", "frame.py", "kept.py", "month.py", "validation.py", "yaml_file.py")
# Where Dagster's wiring decides what is computed from what.
_OF_THE_GRAPH = (
    "deployment.py",
    *(
        f"graph/{name}.py"
        for name in (
            "check_results", "control_effectiveness", "derived", "drawn", "extracts", "inputs", "io_manager", "jdash",
            "open_item_comments", "open_items_before", "packages",
        )
    ),
)  # fmt: skip
_HEADER = 16
"""Bytes of a bytecode file before the code itself."""
_KINDS = {".py", ".sql", ".txt", ".yaml"}


def _read() -> dict[str, bytes]:
    return {name: (PACKAGE / name).read_bytes() for name in sorted(_names())}


def _names() -> Iterator[str]:
    for room in _ROOMS:
        for path in (PACKAGE / room).rglob("*"):
            if path.suffix in _KINDS and path.is_file():
                yield path.relative_to(PACKAGE).as_posix()
    yield from (name for name in (*_WORDS, *_OF_THE_GRAPH) if (PACKAGE / name).is_file())


def _drop_stale_bytecode(texts: Mapping[str, bytes]) -> None:
    """See that Python runs these files, and not what it once made of other ones of the same size and time.

    It takes bytecode for current that names the time and size of its source. A source that changed since the bytecode
    was written is told by its change time, which nobody sets; only then is it looked at what the bytecode says.
    """
    for name, content in texts.items():
        path = PACKAGE / name
        cached = Path(importlib.util.cache_from_source(str(path))) if path.suffix == ".py" else None
        if cached is None or not cached.is_file() or cached.stat().st_mtime_ns > path.stat().st_ctime_ns:
            continue
        try:
            # What Python itself would load and run.
            known = marshal.loads(cached.read_bytes()[_HEADER:])  # noqa: S302
            same = known == compile(content, str(path), "exec")
        except (ValueError, EOFError, TypeError, SyntaxError):
            same = False
        if not same:
            cached.unlink(missing_ok=True)


TEXTS: Mapping[str, bytes] = _read()
"""By name relative to the package, such as `rules/vocabulary.py`."""
_drop_stale_bytecode(TEXTS)


def text(name: str) -> str:
    """Give a file as it was loaded."""
    return TEXTS[name].decode()


def changes_on_disk() -> list[str]:
    """Name each file that is on the disk now and not as it was loaded, with what became of it."""
    try:
        now = _read()
    except OSError as error:
        return [f"{error.filename} cannot be read ({error.strerror})"]
    return differing(TEXTS, now)


def differing(before: Mapping[str, bytes | str], now: Mapping[str, bytes | str]) -> list[str]:
    """Say of each name whose content is another in `now` whether it changed, came or went."""
    told = [f"{name} changed" for name in sorted(before.keys() & now.keys()) if before[name] != now[name]]
    told += [f"{name} came" for name in sorted(now.keys() - before.keys())]
    return told + [f"{name} went" for name in sorted(before.keys() - now.keys())]


def digest_of(parts: Mapping[str, bytes]) -> str:
    """SHA-256 over names and contents, in hexadecimal; which part ends where is part of it."""
    digest = hashlib.sha256()
    for name, content in sorted(parts.items()):
        for part in (name.encode(), content):
            digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()
