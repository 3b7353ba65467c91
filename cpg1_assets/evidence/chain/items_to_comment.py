"""Which open items of a sealed month need a comment, and which lines do because of their smaller items.

Decided by the thresholds and lines as they were sealed. Source of the rule: Open items ("What people do with them").
What else a sign-off asks for is in `demands`.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from typing import Any

from cpg1_assets.evidence.chain.seal import SealedVersion
from cpg1_assets.extracts.company_codes import folded
from cpg1_assets.json_file import parse_json
from cpg1_assets.rules.lines import Lines
from cpg1_assets.rules.thresholds import Thresholds
from cpg1_assets.validation import found_in
from cpg1_assets.yaml_file import Model, parse_yaml

OPEN_ITEMS, OPEN_ITEM_COMMENTS = "open_items", "open_item_comments"
_FOUR_PLACES = Decimal("0.0001")
_DIGITS = 80


@dataclass(frozen=True)
class ItemsToComment:
    """What a sealed month's items ask for.

    `items` are those that need a comment of their own, each with what to say of it; `commented` those that have one in
    the sealed comments; `lines` are `LINE:COMPANY` whose smaller items together reach the threshold of the line.
    """

    items: Mapping[str, str]
    commented: frozenset[str]
    lines: frozenset[str]


def has_open_items(sealed: SealedVersion) -> bool:
    """Whether a version was sealed with open items and comments on them: older ones were not."""
    return {OPEN_ITEMS, OPEN_ITEM_COMMENTS} <= set(sealed.assets)


def items_to_comment(sealed: SealedVersion) -> ItemsToComment:
    """Give what the items of a version with open items ask for.

    An item needs a comment where its unexplained amount in USD is at or above the line-item threshold of its country
    and its line's accounts, either sign; where there is no rate, where it has an unexplained amount at all. A line with
    an unexplained variance needs one where what is left of it without those items reaches the line's own threshold.
    Raises EvidenceError when a file is not as it was sealed, FileFormatError for a rule file that breaks its rules.
    """
    thresholds = _rule_file(sealed, "thresholds.yaml", Thresholds)
    accounts = {line.line: line.accounts for line in _rule_file(sealed, "lines.yaml", Lines).lines}
    items: dict[str, str] = {}
    named: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for row in _rows(
        sealed,
        OPEN_ITEMS,
        ["id_company", "country_code", "line", "item", "unexplained", "unexplained_usd", "cause"],
    ):
        least, _ = thresholds.line_threshold(row["country_code"], accounts[row["line"]], "line item")
        usd = row["unexplained_usd"]
        if row["unexplained"] != 0 if usd is None else abs(usd) >= least:
            amount = f"{row['unexplained']:,f} without a rate" if usd is None else f"{usd:,.2f} USD"
            items[row["item"]] = f"{row['line']} of {row['id_company'].strip()}, {amount}, {row['cause']}"
            named[row["line"], folded(row["id_company"])] += row["unexplained"]
    return ItemsToComment(
        items=dict(sorted(items.items())),
        commented=frozenset(
            row["item"]
            for row in _rows(sealed, OPEN_ITEM_COMMENTS, ["item", "comment"])
            if (row["comment"] or "").strip()
        ),
        lines=frozenset(_lines(sealed, named)),
    )


def refused_comments(sealed: SealedVersion) -> list[str]:
    """Say why a version's comments file was not taken, each row that is wrong by itself; empty where it was, or is none."""
    if not has_open_items(sealed):
        return []
    rows = _rows(sealed, "check_results", ["asset", "passed", "tested", "figures"])
    return [
        said
        for row in rows
        if row["asset"] == OPEN_ITEM_COMMENTS and row["tested"] and not row["passed"]
        for said in found_in(parse_json(row["figures"]))
    ]


def _lines(sealed: SealedVersion, named: Mapping[tuple[str, str], Decimal]) -> list[str]:
    """Give the lines with an unexplained variance of which what is not among `named` reaches their threshold."""
    columns = ["line", "id_company", "status", "unexplained", "fx_rate", "unexplained_usd", "threshold_usd"]
    found = []
    for row in _rows(sealed, "reconciliation", columns):
        if row["status"] != "VARIANCE_DETECTED":
            continue
        rest = row["unexplained"] - named.get((row["line"], folded(row["id_company"])), 0)
        no_rate = row["unexplained_usd"] is None
        if rest != 0 and (no_rate or abs(_in_usd(rest, row["fx_rate"])) >= row["threshold_usd"]):
            found.append(f"{row['line']}:{row['id_company']}")
    return found


def _in_usd(lcy: Decimal, rate: Decimal) -> Decimal:
    """Convert as the reconciliation does: rounded once, half to even, to four places."""
    with localcontext() as context:
        context.prec = _DIGITS
        return (lcy / rate).quantize(_FOUR_PLACES, ROUND_HALF_EVEN)


def _rule_file(sealed: SealedVersion, name: str, model: type[Model]) -> Model:
    return parse_yaml(sealed.rule_file(name), model, name=str(sealed.folder / "rules" / name))


def _rows(sealed: SealedVersion, asset: str, columns: list[str]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = sealed.table(asset, columns).to_pylist()
    return rows
