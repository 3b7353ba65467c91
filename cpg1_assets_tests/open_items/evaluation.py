"""How well open items name what was broken: recall, precision, causes right, and what was closed wrongly.

Lives here: the measure, to the word of "Held against the truth", on the frames of one month and the truth of the
simulation. Does not: any open item; this knows nothing of how they are made.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import duckdb
import pyarrow as pa

Row: TypeAlias = dict[str, Any]
Place: TypeAlias = tuple[str, str]
"""A company and a line."""

SAMPLE_BOOKS_PAGE = Path(__file__).parents[2] / "docs" / "sample-books.md"
NOT_COMPUTED = ("fx_rate_missing", "jdash_file_missing", "no_voucher_snapshot")
LARGEST_ITEM = 20
"""An item of more rows names nothing, unless links or expiry runs put them together."""

GATHERED = ("linked", "summary")


@dataclass(frozen=True)
class Planted:
    """Causes of one company, line and reference in one month; the amount is their sum."""

    id_company: str
    line: str
    reference: str
    causes: tuple[str, ...]
    amount: Decimal


@dataclass
class Evaluation:
    """What was found of what was planted; add evaluations of months to have that of all."""

    named: list[tuple[Planted, Row]] = field(default_factory=list)
    """Causes that an item names, one to one."""
    missed: list[Planted] = field(default_factory=list)
    """Causes that no item names."""
    allowed: list[Row] = field(default_factory=list)
    """Items that name a cause of amount zero and no other."""
    idle: list[Row] = field(default_factory=list)
    """Items that name no cause at all."""
    mistaken: list[tuple[Planted, Row]] = field(default_factory=list)
    """Those of `named` whose item proposes another cause than the page of the sample books says."""
    closed_wrongly: list[Row] = field(default_factory=list)
    """Closed items in which business events make up for each other: company, line, item and those events."""

    @property
    def recall(self) -> float:
        """Give the share of planted causes that are named."""
        return _share(len(self.named), len(self.named) + len(self.missed))

    @property
    def precision(self) -> float:
        """Give the share of open items that name a cause."""
        naming = len(self.named) + len(self.allowed)
        return _share(naming, naming + len(self.idle))

    @property
    def causes_right(self) -> float:
        """Give the share of items that name a cause of some amount and propose the right one for it."""
        return _share(len(self.named) - len(self.mistaken), len(self.named))

    def __add__(self, other: "Evaluation") -> "Evaluation":
        """Put two evaluations together."""
        return Evaluation(*[mine + theirs for mine, theirs in zip(_lists(self), _lists(other), strict=True)])


def _lists(evaluation: Evaluation) -> list[list[Any]]:
    return [getattr(evaluation, name) for name in evaluation.__dataclass_fields__]


def _share(part: int, whole: int) -> float:
    """Divide; where there was nothing to find, nothing was missed."""
    return part / whole if whole else 1.0


def evaluate(
    open_items: pa.Table, open_item_matches: pa.Table, causes: pa.Table, events: pa.Table | None
) -> Evaluation:
    """Hold a month's open items against the causes planted in it, and its closed ones against the events.

    `causes` are the month's rows of the truth; lines that cannot be computed are left out. Without `events`
    (books made before they were kept), nothing is said of what was closed.
    """
    planted = causes.to_pylist()
    skipped = {_place(row) for row in planted if row["cause"] in NOT_COMPUTED}
    items = [row for row in open_items.to_pylist() if _place(row) not in skipped]
    planted = [row for row in planted if _place(row) not in skipped]
    references = _references(open_item_matches)
    found = _named(items, _gathered(planted), references)
    if found.missed:
        found = _named(items, _gathered(planted, together=found.missed), references)
    if events is not None:
        found.closed_wrongly = [
            row for row in closed_wrongly(open_items, open_item_matches, events) if _place(row) not in skipped
        ]
    return found


def _place(row: Mapping[str, Any]) -> Place:
    return row["id_company"], row["line"]


def _gathered(planted: Iterable[Row], together: Iterable[Planted] = ()) -> list[Planted]:
    """Gather the causes that share a reference; their amounts add up.

    A document such as `INT-100407` holds the reference of the voucher 100407. Each may be an item of its own or
    both one: so they share it if one of them, `together`, is not found by itself.
    """
    groups: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
    by_place: dict[Place, set[str]] = defaultdict(set)
    for row in planted:
        by_place[_place(row)].add(fold(row["reference"]))
    shared: dict[Place, set[str]] = defaultdict(set)
    for cause in together:
        place = cause.id_company, cause.line
        shared[place].add(min((each for each in by_place[place] if holds(cause.reference, each)), key=len))
    for row in planted:
        reference = fold(row["reference"])
        held = [each for each in shared[_place(row)] if holds(reference, each)]
        groups[(*_place(row), min(held, key=len, default=reference))].append(row)
    return [
        Planted(*key, tuple(row["cause"] for row in rows), sum((row["amount"] for row in rows), Decimal(0)))
        for key, rows in groups.items()
    ]


def fold(text: str) -> str:
    """Write a reference as references compare: without blanks around it, in capitals, `12345.0` as `12345`."""
    return re.sub(r"\.0$", "", text.strip()).upper()


def holds(text: str, reference: str) -> bool:
    """Say whether a text holds a (folded) reference as a whole token: no letter or digit touches it."""
    return _token(reference).search(text.upper()) is not None


@cache
def _token(reference: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![^\W_]){re.escape(reference)}(?![^\W_])")


def _references(matches: pa.Table) -> dict[Place, set[str]]:
    """Give the references that any row of either side of a company and line has."""
    found = defaultdict(set)
    for company, line, reference in zip(
        *(matches[name].to_pylist() for name in ("id_company", "line", "reference")), strict=True
    ):
        if reference is not None:
            found[company, line].add(fold(reference))
    return found


def _texts(item: Row) -> str:
    return "\n".join(item[name] or "" for name in ("reference", "document_no", "description"))


def _may_name(item: Row) -> bool:
    return item["nav_entries"] + item["target_rows"] <= LARGEST_ITEM or item["matched_by"] in GATHERED


def _named(items: list[Row], planted: list[Planted], references: Mapping[Place, set[str]]) -> Evaluation:
    found = Evaluation()
    naming = [item for item in items if _may_name(item)]
    by_place: dict[Place, list[Row]] = defaultdict(list)
    for item in naming:
        by_place[_place(item)].append(item)
    of_amount = [cause for cause in planted if cause.amount != 0]
    candidates = [
        _candidates(cause, by_place[cause.id_company, cause.line], references) for cause in of_amount
    ]
    chosen = _one_to_one([[id(item) for item in each] for each in candidates])
    by_id = {id(item): item for item in naming}
    used = set()
    mapping = cause_of_planted()
    for place, cause in enumerate(of_amount):
        if place not in chosen:
            found.missed.append(cause)
            continue
        item = by_id[chosen[place]]
        used.add(chosen[place])
        found.named.append((cause, item))
        if item["cause"] not in {mapping[each] for each in cause.causes}:
            found.mistaken.append((cause, item))
    zero: dict[Place, list[str]] = defaultdict(list)
    for cause in planted:
        if cause.amount == 0:
            zero[cause.id_company, cause.line].append(cause.reference)
    for item in items:
        if id(item) in used:
            continue
        names_zero = id(item) in by_id and any(
            holds(_texts(item), reference) for reference in zero[_place(item)]
        )
        (found.allowed if names_zero else found.idle).append(item)
    return found


def _candidates(cause: Planted, items: list[Row], references: Mapping[Place, set[str]]) -> list[Row]:
    """Give the items that could name a cause: its reference or document and its amount.

    Where its reference is nowhere in the company and line, the amount alone will do if one item has it.
    """
    holding = [item for item in items if holds(_texts(item), cause.reference)]
    with_amount = [item for item in items if cause.amount in (item["difference"], item["unexplained"])]
    known = references.get((cause.id_company, cause.line), set())
    if holding or any(holds(reference, cause.reference) for reference in known):
        return [item for item in holding if item in with_amount]
    return with_amount if len(with_amount) == 1 else []


def _one_to_one(candidates: list[list[int]]) -> dict[int, int]:
    """Let as many causes as possible have an item of their own; gives the item of each cause that has one."""
    taken: dict[int, int] = {}

    def place(cause: int, tried: set[int]) -> bool:
        for item in candidates[cause]:
            if item not in tried:
                tried.add(item)
                if item not in taken or place(taken[item], tried):
                    taken[item] = cause
                    return True
        return False

    for cause in range(len(candidates)):
        place(cause, set())
    return {cause: item for item, cause in taken.items()}


@cache
def cause_of_planted() -> dict[str, str]:
    """Read off the page of the sample books which cause an open item should propose for each planted one."""
    mapping = {}
    for line in SAMPLE_BOOKS_PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 4 and cells[0].startswith("`"):
            for cause in cells[0].split(", "):
                mapping[cause.strip("`")] = cells[3].strip("`")
    return mapping


CLOSED = """
WITH row_of AS (
    SELECT id_company, line, item, side, row_key, amount,
        CASE
            WHEN side = 'LEDGER' AND starts_with(row_key, 'entry ') THEN 'NAV'
            WHEN side = 'SETTLEMENT' THEN 'TARGET'
            ELSE side
        END AS event_side,
        trim(CASE
            WHEN side = 'LEDGER' THEN regexp_replace(row_key, '^entry ', '')
            WHEN side = 'SETTLEMENT' OR side = 'TARGET' AND line = 'packages_not_reconciled'
                THEN split_part(row_key, '|', 1)
            WHEN side = 'TARGET' AND line = 'collections_ar' THEN split_part(row_key, '|', 2)
            WHEN side = 'TARGET' AND line = 'marketplace_refund_liability'
                THEN concat(trim(split_part(row_key, '|', 1)), '|', trim(split_part(row_key, '|', 2)))
            ELSE row_key
        END) AS event_key
    FROM matches
    ANTI JOIN (SELECT id_company, line, item FROM items WHERE difference <> 0) USING (id_company, line, item)
)
SELECT row_of.id_company, row_of.line, item, concat(row_of.side, ' ', row_of.row_key) AS row,
    CASE WHEN row_of.side = 'TARGET' THEN -amount ELSE amount END AS net, list(event) AS events
FROM row_of
LEFT JOIN events
    ON events.id_company = row_of.id_company AND events.line = row_of.line AND events.side = row_of.event_side
    AND events.row_key = row_of.event_key
GROUP BY ALL
"""

SEVERAL = """
SELECT * FROM closed SEMI JOIN (
    SELECT id_company, line, item FROM (SELECT *, unnest(events) AS event FROM closed)
    GROUP BY ALL HAVING count(DISTINCT coalesce(event, row)) > 1
) USING (id_company, line, item)
"""


def closed_wrongly(open_items: pa.Table, open_item_matches: pa.Table, events: pa.Table) -> list[Row]:
    """List the closed items in which business events that do not balance make up for each other.

    A row that sums several events is of all of them, so rows hang together by the events they share; each such
    part of a closed item must come to zero by itself. A row that the simulation does not know is an error: it
    would excuse anything.
    """
    connection = duckdb.connect()
    for name, table in (("items", open_items), ("matches", open_item_matches), ("events", events)):
        connection.register(name, table)
    connection.execute(f"CREATE TEMP TABLE closed AS {CLOSED}")
    unknown = connection.execute(
        "SELECT * FROM closed WHERE events[1] IS NULL AND NOT starts_with(row, 'LEDGER ') LIMIT 5"
    ).fetchall()
    if unknown:
        raise ValueError(f"rows of no business event, such as {unknown}")
    items: dict[tuple[str, str, str], list[Part]] = defaultdict(list)
    for company, line, item, row, net, of_row in connection.execute(SEVERAL).fetchall():
        items[company, line, item].append(Part(net, {event or row for event in of_row}, [row]))
    wrong = []
    for (company, line, item), rows in items.items():
        odd = [part for part in _parts(rows) if part.net != 0]
        if odd:
            found = {"events": sorted(min(part.events) for part in odd), "parts": odd}
            wrong.append({"id_company": company, "line": line, "item": item, **found})
    return sorted(wrong, key=lambda row: (row["id_company"], row["line"], row["item"]))


@dataclass(frozen=True)
class Part:
    """Rows that hang together by their events: what they come to, NAV less target."""

    net: Decimal
    events: set[str]
    rows: list[str]


def _parts(rows: list[Part]) -> list[Part]:
    """Put together the rows that hang together, through rows that are of several events."""
    parts: list[Part] = []
    for row in rows:
        touched = [row, *[part for part in parts if not part.events.isdisjoint(row.events)]]
        parts = [part for part in parts if part.events.isdisjoint(row.events)]
        parts.append(
            Part(
                sum((part.net for part in touched), Decimal(0)),
                set[str]().union(*[part.events for part in touched]),
                [name for part in touched for name in part.rows],
            )
        )
    return parts
