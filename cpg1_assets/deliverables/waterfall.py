"""The waterfall: from the balances through bridges and causes to what nothing explains, as one picture.

It is drawn from plain figures, whatever they were read from, and computes none.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Literal, NamedTuple

from cpg1_assets.deliverables.drawing import bar, picture, rule, scale, shortened, words

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Kind = Literal["balance", "level", "bridge", "cause", "rest"]
_INK: dict[Kind, str] = {
    "balance": "level", "level": "level", "bridge": "bridge", "cause": "cause", "rest": "rest",
}  # fmt: skip
_CHANGES = ("bridge", "cause")
_WIDTH, _ROW, _GAP, _EDGE = 360, 35, 12, 10
"""Pixels. As narrow as a phone: a label and an amount share a line above their bar."""
_TEXT, _TOP, _BOTTOM = 10, 20, 31
"""Pixels below the top of a row: the middle of its text, and its bar."""


class Step(NamedTuple):
    """One bar. A `balance`, a `level` and the `rest` stand from zero; a `bridge` and a `cause` are changes, signed.

    Balances have a panel, and so a scale, of their own: a variance is a thousandth of them.
    """

    label: str
    amount: Decimal
    kind: Kind


_Placed = tuple[Decimal, Decimal, Step]
"""A step with where its bar starts and ends."""


def two_decimals(amount: Decimal) -> str:
    """Write an amount with two decimals and commas, for whoever has no other way."""
    return f"{amount:,.2f}"


def waterfall(
    title: str,
    steps: Sequence[Step],
    *,
    written: Callable[[Decimal], str] = two_decimals,
    within: Decimal = Decimal(0),
) -> str:
    """Draw `steps` from top to bottom, and give the picture as one SVG element.

    `written` writes an amount. Raises ValueError where a level or the rest is not what the steps above it come to,
    by more than `within`, or where the first step that is no balance is no level: the picture would show what is not so.
    """
    balances = [(Decimal(0), step.amount, step) for step in steps if step.kind == "balance"]
    panels = [
        panel for panel in (balances, _placed([s for s in steps if s.kind != "balance"], within)) if panel
    ]
    height = sum(map(len, panels)) * _ROW + (len(panels) - 1) * _GAP + 2 * _EDGE
    told = "; ".join(f"{step.label} {_signed(step, written)}" for step in steps)
    return picture(
        _WIDTH,
        height,
        lambda figure: _draw(figure, height, panels, written),
        title=title,
        description=f"{told}.",
    )


def _draw(
    figure: "Figure", height: int, panels: Sequence[Sequence[_Placed]], written: Callable[[Decimal], str]
) -> None:
    top = float(height - _EDGE)
    for panel in panels:
        x = scale((end for start, stop, _ in panel for end in (start, stop)), _EDGE, _WIDTH - _EDGE)
        zero = x(Decimal(0))
        for place, (start, stop, step) in enumerate(panel):
            above = top - place * _ROW
            if place and step.kind != "balance":
                at = x(start if step.kind in _CHANGES else stop)
                rule(figure, (at, above + _ROW - _BOTTOM), (at, above - _TOP), ink="grid")
            left, right = sorted((x(start), x(stop)))
            bar(figure, left, right, above - _BOTTOM, above - _TOP, _INK[step.kind])
            rule(figure, (zero, above - _BOTTOM - 2), (zero, above - _TOP + 2))
            bold = step.kind not in _CHANGES
            words(figure, _EDGE, above - _TEXT, shortened(step.label), bold=bold)
            amount = _signed(step, written)
            words(figure, _WIDTH - _EDGE, above - _TEXT, amount, side="right", bold=bold)
        top -= len(panel) * _ROW + _GAP


def _placed(steps: Sequence[Step], within: Decimal) -> list[_Placed]:
    """Give each step with where its bar starts and ends. Raises ValueError as `waterfall`."""
    placed = []
    reached: Decimal | None = None
    for step in steps:
        if step.kind in _CHANGES:
            if reached is None:
                raise ValueError(f"{step.label}: a change needs a level to start from")
            placed.append((reached, reached + step.amount, step))
            reached += step.amount
        else:
            if reached is not None and abs(step.amount - reached) > within:
                raise ValueError(f"{step.label} is {step.amount}, and the steps above it come to {reached}")
            placed.append((Decimal(0), step.amount, step))
            reached = step.amount
    return placed


def _signed(step: Step, written: Callable[[Decimal], str]) -> str:
    """Write a step's amount, and of a change its sign."""
    return f"+{written(step.amount)}" if step.kind in _CHANGES and step.amount > 0 else written(step.amount)
