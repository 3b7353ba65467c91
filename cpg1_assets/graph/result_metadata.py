"""What the UI shows of a result: a sentence, a table, a picture, and numbers that it plots over the months.

It is read from the file just written, which is small. Numbers for plots are floats, since the UI plots no others; the
exact figures stand in the table, as text. Only USD is added up over companies, never their currencies.
"""

import base64
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow.parquet as pq

from cpg1_assets.deliverables.waterfall import Step, waterfall
from cpg1_assets.graph.check_specs import table
from cpg1_assets.rules.frames import OPEN_ITEMS, RECONCILIATION

_OPEN_FIRST = ("VARIANCE_DETECTED", "NOT_COMPUTED", "EXPLAINED", "RECONCILED")
_WORDS = {
    "VARIANCE_DETECTED": "with an unexplained variance",
    "NOT_COMPUTED": "not computed",
    "EXPLAINED": "explained",
    "RECONCILED": "reconciled",
}
_LINE = ("status", "id_company", "line", "unexplained", "unexplained_usd", "threshold_usd")
_ITEM = ("cause", "id_company", "line", "unexplained", "unexplained_usd", "age_days", "item", "document_no")
_SHOWN_ITEMS = 30
_MOST_ROWS = 100_000
"""A file with more rows is not read again for the UI's sake."""
_UNKNOWN = "unknown"
_MARKS = re.compile(r"[:\\`*_{}\[\]()#+!|<>~&]")

Row = Mapping[str, Any]
Shown = dict[str, dg.MetadataValue[Any] | float | int | str]


def result_metadata(asset: str, month: str, path: Path, rows: int) -> Shown:
    """Give what the UI shows of the result that was written at `path`; nothing for an asset that is no result."""
    if asset not in _SHOWN:
        return {}
    if rows > _MOST_ROWS:
        said = f"{month}: {rows:,} rows, more than are shown here. See: cpg1 explain {month}"
        return {"summary": _wrapped(said)}
    columns, of_rows = _SHOWN[asset]
    shown = of_rows(month, pq.read_table(path, columns=list(columns)).to_pylist())
    return {**shown, "summary": _wrapped(str(shown["summary"]))}


def reconciliation_metadata(month: str, lines: Sequence[Row]) -> Shown:
    """Show the rows of a month's reconciliation, open lines first and the largest of them first."""
    ordered = sorted(
        lines, key=lambda line: (_OPEN_FIRST.index(line["status"]), -_size(line), line["id_company"], line["line"])
    )  # fmt: skip
    counts = {status: sum(line["status"] == status for line in lines) for status in _OPEN_FIRST}
    said = ", ".join(f"{count} {_WORDS[status]}" for status, count in counts.items() if count)
    largest = ordered[0] if ordered and ordered[0]["status"] == _OPEN_FIRST[0] else None
    return {
        "summary": f"{month}: {len(lines)} lines, {said or 'none'}."
        + (f" The largest: {_line_said(largest)}." if largest is not None else ""),
        **_waterfall(f"{month}: from variance to what stays unexplained, USD", _bridged(lines)),
        "result": table([{name: line[name] for name in _LINE} for line in ordered]),
        "lines_open": counts["VARIANCE_DETECTED"],
        "lines_not_computed": counts["NOT_COMPUTED"],
        **_sizes(lines),
    }


def open_items_metadata(month: str, items: Sequence[Row]) -> Shown:
    """Show the largest open items of a month, and how many there are by line."""
    open_ = [item for item in items if item["unexplained"]]
    ordered = sorted(open_, key=lambda item: (-_size(item), -abs(item["unexplained"]), item["item"]))
    by_line: dict[str, int] = defaultdict(int)
    by_cause: dict[str, Decimal] = defaultdict(Decimal)
    for item in open_:
        by_line[item["line"]] += 1
        by_cause[item["cause"]] += item["unexplained_usd"] or 0
    named = sorted(by_cause, key=lambda cause: (-abs(by_cause[cause]), cause))
    largest = "; ".join(f"{cause} {by_cause[cause]:,.2f} USD" for cause in named[:3])
    without_rate = sum(item["unexplained_usd"] is None for item in open_)
    cut = f" The {_SHOWN_ITEMS} largest are shown." if len(ordered) > _SHOWN_ITEMS else ""
    return {
        "summary": f"{month}: {len(open_):,} items stay unexplained, of {len(items):,}."
        + (f" {without_rate:,} have no rate and are in no figure in USD." if without_rate else "")
        + (f" By cause: {largest}.{cut}" if largest else ""),
        **_waterfall(f"{month}: what the unexplained is made of, USD", _by_cause(named, by_cause)),
        **({"result": table([{n: item[n] for n in _ITEM} for item in ordered[:_SHOWN_ITEMS]])} if open_ else {}),
        "items": len(open_),
        **{f"items/{line}": count for line, count in sorted(by_line.items())},
    }  # fmt: skip


def _wrapped(text: str) -> dg.MarkdownMetadataValue:
    """Give a sentence as the UI wraps it: as Markdown in which nothing that came out of data is a mark."""
    return dg.MetadataValue.md(_MARKS.sub(r"\\\g<0>", text))


def _size(row: Row) -> Decimal:
    size: Decimal = row["unexplained_usd"] or Decimal(0)
    return abs(size)


def _line_said(line: Row) -> str:
    return (
        f"{line['id_company']} {line['line']}, {line['unexplained_usd']:,.2f} USD unexplained of a threshold of "
        f"{line['threshold_usd']:,.2f}"
    )


def _sizes(lines: Iterable[Row]) -> dict[str, float]:
    """Add up by line what stays unexplained, without its sign: what is too much in one company hides no other's."""
    sizes: dict[str, Decimal] = defaultdict(Decimal)
    for line in lines:
        if line["unexplained_usd"] is not None:
            sizes[line["line"]] += abs(line["unexplained_usd"])
    return {f"abs_usd/{line}": float(size) for line, size in sorted(sizes.items())}


def _bridged(lines: Iterable[Row]) -> list[Step]:
    known = [
        line for line in lines if line["variance_usd"] is not None and line["unexplained_usd"] is not None
    ]
    explained: dict[str, Decimal] = defaultdict(Decimal)
    for line in known:
        explained[line["line"]] += line["unexplained_usd"] - line["variance_usd"]
    variance = sum((line["variance_usd"] for line in known), Decimal(0))
    rest = sum((line["unexplained_usd"] for line in known), Decimal(0))
    bridges = [
        Step(f"Bridges of {line}", amount, "bridge") for line, amount in sorted(explained.items()) if amount
    ]
    return [Step("Variance", variance, "level"), *bridges, Step("Unexplained", rest, "rest")] if known else []


def _by_cause(causes: Sequence[str], amounts: Mapping[str, Decimal]) -> list[Step]:
    total = sum(amounts.values(), Decimal(0))
    named = [Step(cause, -amounts[cause], "cause") for cause in causes if cause != _UNKNOWN]
    rest = Step("No known cause", amounts.get(_UNKNOWN, Decimal(0)), "rest")
    return [Step("Unexplained", total, "level"), *named, rest] if causes else []


def _waterfall(title: str, steps: Sequence[Step]) -> dict[str, dg.MetadataValue[Any]]:
    """Draw `steps` as the UI shows a picture: in Markdown, with its bytes in the address."""
    if not steps:
        return {}
    drawn = base64.b64encode(waterfall(title, steps).encode()).decode()
    return {"waterfall": dg.MetadataValue.md(f"![{title}](data:image/svg+xml;base64,{drawn})")}


_SHOWN: dict[str, tuple[Sequence[str], Callable[[str, Sequence[Row]], Shown]]] = {
    RECONCILIATION.name: ((*_LINE, "variance_usd"), reconciliation_metadata),
    OPEN_ITEMS.name: (_ITEM, open_items_metadata),
}
