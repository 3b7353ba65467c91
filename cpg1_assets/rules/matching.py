"""How open items are matched and explained, as data: what a matching file may say.

Lives here: which columns, passes, facts and causes a file may name, and the tables that statements read it as. Does not:
what a pass does (`open_item_matches`) or when a fact is there (`open_items`).

A matching file goes with a lines file. Read with those `Lines` as validation context, it is held against them: each
of its lines is one of theirs and has columns of that line's target, and none of theirs is left out.

Source of the rule: Open items, "How rows are matched" and "Cause".
"""

from collections import Counter
from collections.abc import Iterable
from typing import Annotated, Literal

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationInfo, field_validator

from cpg1_assets.rules.case_folding import folded
from cpg1_assets.rules.frames import CAUSES, VOUCHER_TYPES

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Pass = Literal["reference", "named", "linked", "summary", "usage", "applied"]

# What `open_item_rows` can read as a reference: of NAV's entries, and of each target extract.
NAV_REFERENCES = ("document_no", "external_document_no", "voucher_no", "source_no", "voucher_of_document")
TARGET_REFERENCES = {
    "ipe_07": ("document_no", "external_document_no", "customer_no"),
    "ipe_08": ("voucher_id",),
    "ipe_10": ("order_item_id", "order_nr"),
    "ipe_12": ("package_number", "order_item_id", "order_nr", "tracking_number"),
    "ipe_31": ("related_entity",),
    "ipe_34": ("order_item_id", "order_nr"),
}
# Passes that follow what only one target extract tells.
_TARGET_OF_PASS: dict[str, str] = {"summary": "ipe_08", "usage": "ipe_08", "applied": "ipe_07"}
# What `open_items` can say of an item: the facts a cause may rest on.
FACTS = (
    "below a cent",
    "balance less entries",
    "created after the balance",
    "same entry twice",
    "reference of another company",
    "country of another company",
    "nav only",
    "target only",
    "both sides",
    "its amount on the other side",
    "one reference on both sides",
    "nav nets to zero",
    "general journal",
    "voucher known",
    "voucher active",
    "voucher expired",
    "voucher deactivated",
    "difference is what is in transit",
    "difference is what remains",
    "in transit for long",
    "settled",
)
_MOST_NAV, _MOST_TARGET = 3, 2


class LineMatching(BaseModel):
    """How one line is matched: the columns that are references, in order, on each side, and the passes it goes through.

    A NAV entry's reference is the first of its columns that is not empty. `usage` is what the description of a
    usage contains, whose number is that of an order item and no reference of the line.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    line: str
    nav: tuple[str, ...] = Field(min_length=1, max_length=_MOST_NAV)
    target: tuple[str, ...] = Field(min_length=1, max_length=_MOST_TARGET)
    passes: tuple[Pass, ...] = Field(min_length=1)
    usage: tuple[Text, ...] = ()

    @field_validator("nav")
    @classmethod
    def _are_columns_of_nav(cls, nav: tuple[str, ...]) -> tuple[str, ...]:
        for column in nav:
            if column not in NAV_REFERENCES:
                raise ValueError(f"unknown column {column!r}; known are {', '.join(NAV_REFERENCES)}")
        return _once(nav, "columns")

    @field_validator("line")
    @classmethod
    def _is_a_line(cls, line: str, info: ValidationInfo) -> str:
        return _known_line(line, info)

    @field_validator("target")
    @classmethod
    def _are_columns_of_the_target(cls, target: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        extract = _extract_of(info)
        known = TARGET_REFERENCES[extract] if extract else _ALL_REFERENCES
        for column in target:
            if column not in known:
                of_what = f" of {extract}" if extract else ""
                raise ValueError(f"unknown column {column!r}; known{of_what} are {', '.join(known)}")
        return _once(target, "columns")

    @field_validator("passes")
    @classmethod
    def _are_passes_of_the_target(cls, passes: tuple[Pass, ...], info: ValidationInfo) -> tuple[Pass, ...]:
        extract = _extract_of(info)
        for name in passes:
            if extract and _TARGET_OF_PASS.get(name, extract) != extract:
                raise ValueError(
                    f"pass {name} is of lines whose target is {_TARGET_OF_PASS[name]}, not {extract}"
                )
        if passes[0] != "reference":
            raise ValueError("the first pass is reference: the others start from what it leaves open")
        return _once(passes, "passes")


class ExpiryRun(BaseModel):
    """What the description of an expiry run contains, ignoring case, and the type of the vouchers it lets expire."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    contains: Text
    voucher_type: Literal[VOUCHER_TYPES]  # type: ignore[valid-type] # the vocabulary's own words


class CauseRule(BaseModel):
    """One rule: the facts it asks for, those it excludes, and the cause it proposes. The lowest rank that fits decides."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rank: int = Field(ge=1)
    cause: Literal[CAUSES]  # type: ignore[valid-type]
    when: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()

    @field_validator("when", "unless")
    @classmethod
    def _facts_are_known(cls, facts: tuple[str, ...]) -> tuple[str, ...]:
        for fact in facts:
            if fact not in FACTS:
                raise ValueError(f"unknown fact {fact!r}; known are {', '.join(FACTS)}")
        return facts

    @field_validator("lines")
    @classmethod
    def _lines_are_known(cls, lines: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        return tuple(_known_line(line, info) for line in lines)


class Matching(BaseModel):
    """All of a matching file, with the version that goes with every result.

    `shared_by_at_most` counts open rows of one side: a reference that more of them carry identifies nothing.
    `days_apart` is how far apart the first dates of two suggested items may be; `days_in_transit` how long an order may
    be neither delivered nor cancelled before it is not expected any more.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: str = Field(min_length=1)
    shared_by_at_most: int = Field(ge=1, le=100_000)
    days_apart: int = Field(ge=0, le=3_660)
    days_in_transit: int = Field(ge=0, le=3_660)
    lines: tuple[LineMatching, ...]
    expiry_runs: tuple[ExpiryRun, ...] = ()
    causes: tuple[CauseRule, ...]

    @field_validator("lines")
    @classmethod
    def _every_line_is_there_once(
        cls, lines: tuple[LineMatching, ...], info: ValidationInfo
    ) -> tuple[LineMatching, ...]:
        named = _once((line.line for line in lines), "lines")
        missing = [line for line in _lines_of(info) if line not in named]
        if missing:
            raise ValueError(f"nothing is said of {', '.join(missing)}, which the lines file has")
        return lines

    @field_validator("causes")
    @classmethod
    def _ranks_are_used_once(cls, causes: tuple[CauseRule, ...]) -> tuple[CauseRule, ...]:
        _once((cause.rank for cause in causes), "ranks")
        return causes

    def lines_table(self) -> pa.Table:
        """Give a row per line: line, nav_1 to nav_3, target_1, target_2, and which passes it goes through."""
        texts, flags = pa.string(), pa.bool_()
        return pa.table(
            {
                "line": pa.array([line.line for line in self.lines], texts),
                **{
                    f"nav_{at + 1}": pa.array([_at(line.nav, at) for line in self.lines], texts)
                    for at in range(_MOST_NAV)
                },
                **{
                    f"target_{at + 1}": pa.array([_at(line.target, at) for line in self.lines], texts)
                    for at in range(_MOST_TARGET)
                },
                **{
                    f"is_{name}": pa.array([name in line.passes for line in self.lines], flags)
                    for name in ("named", "linked", "summary", "usage", "applied")
                },
                "looks_up": pa.array(["voucher_of_document" in line.nav for line in self.lines], flags),
                "usage": pa.array(
                    [[folded(words) for words in line.usage] for line in self.lines], pa.list_(texts)
                ),
            }
        )

    def expiry_runs_table(self) -> pa.Table:
        """Give a row per kind of expiry run: contains (as texts compare), voucher_type."""
        return pa.table(
            {
                "contains": pa.array([folded(run.contains) for run in self.expiry_runs], pa.string()),
                "voucher_type": pa.array([run.voucher_type for run in self.expiry_runs], pa.string()),
            }
        )

    def settings_table(self) -> pa.Table:
        """Give the one row of what holds for all lines: rule_version, shared_by_at_most, days_apart, days_in_transit."""
        return pa.table(
            {
                "rule_version": [self.version],
                "shared_by_at_most": pa.array([self.shared_by_at_most], pa.int64()),
                "days_apart": pa.array([self.days_apart], pa.int64()),
                "days_in_transit": pa.array([self.days_in_transit], pa.int64()),
            }
        )

    def causes_table(self) -> pa.Table:
        """Give a row per rule: rank, cause, facts (all of them), excluded (none of them), lines (empty: all)."""
        texts = pa.list_(pa.string())
        return pa.table(
            {
                "rank": pa.array([rule.rank for rule in self.causes], pa.int64()),
                "cause": pa.array([rule.cause for rule in self.causes], pa.string()),
                "facts": pa.array([list(rule.when) for rule in self.causes], texts),
                "excluded": pa.array([list(rule.unless) for rule in self.causes], texts),
                "lines": pa.array([list(rule.lines) for rule in self.causes], texts),
            }
        )


_ALL_REFERENCES = tuple(sorted({column for columns in TARGET_REFERENCES.values() for column in columns}))


def _lines_of(info: ValidationInfo) -> dict[str, str]:
    """Give the extract of each line that the file is held against; none where it is read by itself."""
    return {line.line: line.target.extract for line in info.context.lines} if info.context is not None else {}


def _extract_of(info: ValidationInfo) -> str | None:
    """Give the target extract of the line being read; None where that is not known, or the line is none."""
    return _lines_of(info).get(info.data.get("line", ""))


def _known_line(line: str, info: ValidationInfo) -> str:
    known = _lines_of(info)
    if known and line not in known:
        raise ValueError(f"unknown line {line!r}; the lines file has {', '.join(known)}")
    return line


def _once(names: Iterable[object], what: str) -> tuple:  # type: ignore[type-arg]
    listed = tuple(names)
    repeated = [str(name) for name, count in Counter(listed).items() if count > 1]
    if repeated:
        raise ValueError(f"{what} named twice: {', '.join(repeated)}")
    return listed


def _at(names: tuple[str, ...], place: int) -> str | None:
    return names[place] if place < len(names) else None
