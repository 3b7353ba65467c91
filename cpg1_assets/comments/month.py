"""The comments of one month: its file in the inbox, held against the open items, and what carries forward.

How a file is read is in `file`. What is kept as evidence, and what is asked of whom, is elsewhere.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, NamedTuple

import pyarrow as pa

from cpg1_assets.comments.file import Problem, Read, Said, parse_comments
from cpg1_assets.comments.workbook import FindVersion, ItemNow, workbook_comments
from cpg1_assets.errors import DataError
from cpg1_assets.inbox.folder import UnreadError, content, listed, shown, states, unread_state
from cpg1_assets.inbox.table import AGAIN
from cpg1_assets.month import CutoffMonth
from cpg1_assets.rules.frames import OPEN_ITEM_COMMENTS

VALIDATIONS = {
    "comments_readable": "The month's comments file could be read with certainty, and is about its open items.",
}
"""The validation of a month's comments file, by name, with what it says."""

SUFFIXES = (".csv", ".xlsx", ".xls", ".xlsb", ".ods", ".xlsm", ".htm", ".html")
ITEMS = ("item", *ItemNow._fields)
"""The columns that are read of `open_items`."""
_TEXTS = ("comment", "owner", "confirmed_cause")
CHANGES = (
    "change",
    "item_before",
    "item",
    *(f"{name}_before" for name in (*_TEXTS, "source_file")),
    "comment_carries",
)
"""The columns that are read of `open_item_changes`."""


class CommentsSource(NamedTuple):
    """A comments file, taken or not, and the very bytes that were parsed."""

    path: Path
    content: bytes


@dataclass(frozen=True)
class CommentsMonth:
    """What people say of a month's open items."""

    table: pa.Table
    """As OPEN_ITEM_COMMENTS, sorted by item."""
    problems: tuple[Problem, ...]
    """Why the month's file is not taken; nothing of it is then in `table`."""
    taken: tuple[str, ...]
    """Items that the file says something of."""
    sources: tuple[CommentsSource, ...]
    files: Mapping[str, str]
    """SHA-256 of each file of the month, or why it was not read, by name."""

    @property
    def has_file(self) -> bool:
        """Whether there is a file of the month, or something that may be meant as one."""
        return bool(self.files or self.problems)


def comments_folder(inbox: Path) -> Path:
    """Give the folder of the comments files, of all months."""
    return inbox / "comments"


def comments_files(inbox: Path, month: CutoffMonth) -> tuple[list[Path], list[Problem]]:
    """Give the files that are a month's by their name, and a problem for each that may be meant as one.

    Raises DataError where the folder may not be listed.
    """
    files: list[Path] = []
    problems: list[Problem] = []
    for path in listed(comments_folder(inbox)).paths:
        name, said = PurePath(path.name.strip()), shown(path.name)
        if name.stem == month.key and name.suffix.lower() in SUFFIXES:
            files.append(path)
        elif month.key in path.name:
            message = (
                f"{said}: it may be the comments file of {month.key}, and is not named {month.key}.xlsx or {month.key}.csv "
                "(also read: .xls, .xlsb, .ods). Rename it, or take it out of the inbox."
            )
            problems.append(Problem(said, message))
    return files, problems


def file_states(inbox: Path, month: CutoffMonth) -> dict[str, str]:
    """Give the SHA-256 of each comments file of a month as it is now, or why it has none, as CommentsMonth.files.

    Raises DataError where the folder may not be listed.
    """
    return states(comments_files(inbox, month)[0])


def read_comments(
    inbox: Path, month: CutoffMonth, items: pa.Table, changes: pa.Table, made_of: FindVersion
) -> CommentsMonth:
    """Read the comments file of `month`, and give what is said of its open `items`, the columns ITEMS of `open_items`.

    `changes` are the columns CHANGES of `open_item_changes`: what was said of an item that persists carries forward, and is
    completed and replaced by what the file says. `made_of` finds the version that a control workbook was made of. The
    file is taken whole or not at all: what is wrong with it, in whatever row, is a problem, and none is raised.
    """
    open_now = {row.pop("item"): ItemNow(**row) for row in items.select(ITEMS).to_pylist()}
    known = {item.casefold(): item for item in open_now}
    carried = changes.filter(changes["comment_carries"]).to_pylist()
    sources: list[CommentsSource] = []
    files: dict[str, str] = {}
    said: list[Said] = []
    try:
        paths, problems = comments_files(inbox, month)
        if len(paths) > 1:
            names = " and ".join(shown(path.name) for path in paths)
            problems.append(
                Problem(
                    shown(paths[0].name),
                    f"{names} are both comments files of {month.key}, and none is read. Keep one of them.",
                )
            )
        for path in paths:
            read = _read(path, month, open_now, made_of, sources, files)
            # Of several files none is read, and all are kept.
            if len(paths) == 1:
                said += read.said
                problems += [
                    *read.problems,
                    *_of_no_open_item(shown(path.name), month, read.said, known, changes),
                ]
    except DataError as error:
        problems = [Problem("comments", str(error))]
    taken = [] if problems else said
    name = next(iter(files), "")
    return CommentsMonth(
        table=_combined(taken, name, known, carried),
        problems=tuple(problems),
        taken=tuple(sorted(known[each.item.casefold()] for each in taken)),
        sources=tuple(sources),
        files=files,
    )


def _read(
    path: Path,
    month: CutoffMonth,
    items: Mapping[str, ItemNow],
    made_of: FindVersion,
    sources: list[CommentsSource],
    files: dict[str, str],
) -> Read:
    """Read a file, and note what it held: its bytes in `sources`, what stands for it in `files`."""
    name = shown(path.name)
    try:
        sources.append(CommentsSource(path, content(path)))
        files[name] = hashlib.sha256(sources[-1].content).hexdigest()
        file, written = shown(path.name.strip()), sources[-1].content
        return workbook_comments(file, written, month, items, made_of) or parse_comments(file, written)
    except UnreadError as error:
        files[name] = unread_state(error)
        return Read([], [Problem(name, str(error))])
    except DataError as error:
        return Read([], [Problem(name, str(error))])


def _of_no_open_item(
    file: str,
    month: CutoffMonth,
    said: list[Said],
    known: Mapping[str, str],
    changes: pa.Table,
) -> Iterator[Problem]:
    """Give a problem for each row that is of no open item of the month, or of one that another row is of as well."""
    has_unknown = any(each.item.casefold() not in known for each in said)
    became = _became(changes, month) if has_unknown else {}
    several = Counter(each.item.casefold() for each in said)
    first = {each.item.casefold(): each for each in reversed(said)}
    for each in said:
        row, item = each.row, each.item
        where = f"{file}, {each.place}, item {item}"
        key = item.casefold()
        if key not in known:
            why = became.get(key, f"it is no open item of {month.key}")
            to_do = "Take the row out, or write the name of an item that is open,"
        elif several[key] > 1 and first[key] is not each:
            why, to_do = f"{first[key].place} is of this item too", "Leave one of them,"
        else:
            continue
        yield Problem(file, f"{where}: {why}. {to_do} {AGAIN}", row, item)


def _became(changes: pa.Table, month: CutoffMonth) -> dict[str, str]:
    """Say of each item of the month before, by its folded name, what became of it."""
    became: dict[str, list[str]] = {}
    for row in changes.select(["item_before", "item", "change"]).to_pylist():
        if row["item_before"] is not None:
            became.setdefault(row["item_before"].casefold(), []).append(
                row["change"] if row["item"] is None else f"{row['change']}, now {row['item']}"
            )
    before = month.previous().key
    return {item: f"it was open in {before} ({'; '.join(told)})" for item, told in became.items()}


def _combined(
    said: Iterable[Said], file: str, known: Mapping[str, str], carried: Iterable[Mapping[str, Any]]
) -> pa.Table:
    """Give what is said of each item: in the file, and where that leaves something empty, carried forward."""
    rows: dict[str, dict[str, str | None]] = {
        row["item"]: {
            "item": row["item"],
            **{name: row[f"{name}_before"] for name in (*_TEXTS, "source_file")},
        }
        for row in carried
    }
    for each in said:
        item = known[each.item.casefold()]
        now = {name: getattr(each, name) for name in _TEXTS}
        then = rows.get(item, {})
        kept = {name: then.get(name) for name in _TEXTS if now[name] is None and then.get(name)}
        # What stays of another file keeps the name of that one beside this one's.
        files = [file] if not kept else [*str(then["source_file"]).split(", "), file]
        rows[item] = {"item": item, **now, **kept, "source_file": ", ".join(dict.fromkeys(files))}
    return pa.Table.from_pylist([rows[item] for item in sorted(rows)], schema=OPEN_ITEM_COMMENTS.arrow_schema)
