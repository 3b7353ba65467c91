"""The bridges of the reconciliation, each declared once: name, sign, amount, item, what it cannot see.

What a lines file may name, what the reconciliation sums, which rows are held against the line-item threshold
and what evidence keeps follow from `BRIDGES`. How a bridge's rows come to be is in the module of its name,
their columns in `frames`; which lines a bridge explains is data, in the lines file.
"""

from dataclasses import dataclass
from typing import Literal

from cpg1_assets.frame import Column, FrameSpec, columns
from cpg1_assets.rules.frames import (
    BUSINESS_LINE_RECLASS,
    CUSTOMER_POSTING_GROUP_BRIDGE,
    TIMING_DIFFERENCE_BRIDGE,
    VTC_ADJUSTMENT,
)

Sign = Literal[-1, 0, 1]


@dataclass(frozen=True)
class Bridge:
    """One bridge.

    `frame` is its frame; asset, rule and module have its name. `item` names the columns that, with the company,
    say what a row is about, and `row_amount` the one that holds a row's amount, LCY.
    `sign` is the one that amount enters the `bridges` of a line with, unless the lines file gives another: 0 where
    the bridge identifies and does not quantify. `has_proof_rows` says that each row is an amount to be looked at
    by itself, and so is held against the line-item threshold. `known_limits` is what the bridge cannot see, to be
    stated with its result; empty where nothing is known. `evidence` is the asset whose package holds its proof.
    """

    frame: FrameSpec
    sign: Sign
    row_amount: str
    item: tuple[str, ...]
    has_proof_rows: bool
    known_limits: str = ""
    evidence: str = "bridge_calculations_evidence"

    @property
    def name(self) -> str:
        """Name of its frame, asset, rule and module."""
        return self.frame.name

    @property
    def title(self) -> str:
        """What a person calls it."""
        return self.frame.title

    @property
    def amount(self) -> str | None:
        """The column that, summed by company, is the bridge's amount, LCY; None where it does not quantify."""
        return self.row_amount if self.sign else None

    @property
    def amount_columns(self) -> tuple[Column, ...]:
        """What whoever sums the bridge by company reads of its frame."""
        return self._columns("id_company", self.row_amount)

    @property
    def item_columns(self) -> tuple[Column, ...]:
        """What whoever looks at its rows one by one reads of its frame."""
        return self._columns("id_company", *self.item, self.row_amount)

    @property
    def reference(self) -> str:
        """The item as one text, in SQL over its frame."""
        return self.item[0] if len(self.item) == 1 else f"concat_ws(' ', {', '.join(self.item)})"

    def _columns(self, *names: str) -> tuple[Column, ...]:
        types = {column.name: column.type for column in self.frame.columns}
        return columns(*((name, types[name]) for name in names))


_DECLARED = (
    Bridge(
        frame=TIMING_DIFFERENCE_BRIDGE,
        sign=-1,
        row_amount="variance",
        item=("voucher_id",),
        has_proof_rows=True,
        known_limits=(
            "A partly used voucher in transit (still active) and one created before the twelve-month window stay "
            "unexplained."
        ),
    ),
    Bridge(
        frame=VTC_ADJUSTMENT,
        sign=-1,
        row_amount="remaining_amount",
        item=("voucher_id",),
        has_proof_rows=True,
        known_limits="A booking made before the start of the year is not seen.",
    ),
    Bridge(
        frame=CUSTOMER_POSTING_GROUP_BRIDGE,
        sign=0,
        row_amount="remaining_amount_lcy",
        item=("customer_no",),
        has_proof_rows=False,
    ),
    Bridge(
        frame=BUSINESS_LINE_RECLASS,
        sign=0,
        row_amount="proposed_reclass_lcy",
        item=("customer_no", "busline_code"),
        has_proof_rows=True,
    ),
)
BRIDGES = {bridge.name: bridge for bridge in _DECLARED}
"""Every bridge by its name, in the order statements and evidence list them.

Source of the signs: Reconciliation, "Lines"; of the known limits: Rules, each bridge's section.
"""
