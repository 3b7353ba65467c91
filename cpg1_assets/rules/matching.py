"""How open items are matched and explained, as data: what a matching file may say.

Lives here: which columns, passes, facts and causes a file may name, and the tables that statements read it as. Does not:
what a pass does (`open_item_matches`) or when a fact is there (`open_items`).

Source of the rule: Open items, "How rows are matched" and "Cause".
"""

from collections import Counter
from collections.abc import Iterable
from typing import Annotated, Literal

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from cpg1_assets.rules.case_folding import folded
from cpg1_assets.rules.frames import CAUSES, VOUCHER_TYPES
from cpg1_assets.rules.lines import Lines

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

    @field_validator("target")
    @classmethod
    def _are_named_once(cls, target: tuple[str, ...]) -> tuple[str, ...]:
        return _once(target, "columns")

    @field_validator("passes")
    @classmethod
    def _starts_with_the_reference(cls, passes: tuple[Pass, ...]) -> tuple[Pass, ...]:
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
    def _lines_are_named_once(cls, lines: tuple[LineMatching, ...]) -> tuple[LineMatching, ...]:
        _once((line.line for line in lines), "lines")
        return lines

    @model_validator(mode="after")
    def _causes_fit(self) -> "Matching":
        return self

    @field_validator("causes")
    @classmethod
    def _ranks_are_used_once(cls, causes: tuple[CauseRule, ...]) -> tuple[CauseRule, ...]:
        _once((cause.rank for cause in causes), "ranks")
        return causes

    def require_fits(self, lines: Lines) -> None:
        """Raise ValueError where a line is not one of `lines`, or a column is none of its target's extract."""

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


def _once(names: Iterable[object], what: str) -> tuple:  # type: ignore[type-arg]
    listed = tuple(names)
    repeated = [str(name) for name, count in Counter(listed).items() if count > 1]
    if repeated:
        raise ValueError(f"{what} named twice: {', '.join(repeated)}")
    return listed


def _at(names: tuple[str, ...], place: int) -> str | None:
    return names[place] if place < len(names) else None
