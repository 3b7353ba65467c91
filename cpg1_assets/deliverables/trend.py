"""The trend of one figure over months, as one small picture. It computes no figure.

Several of them that share their highest amount are on one scale.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from cpg1_assets.deliverables.drawing import bar, picture, rule, scale, shortened, words

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_WIDTH, _HEIGHT, _HEAD, _FOOT, _SIDE = 360, 116, 30, 24, 8
_LONGEST_LABEL = 7
"""So many months have room for a label each; of more, every other one has."""


def trend(
    label: str,
    months: Sequence[str],
    amounts: Sequence[Decimal | None],
    *,
    highest: Decimal,
    written: Callable[[Decimal], str],
) -> str:
    """Draw an amount for each month as a bar, the last one marked, and give the picture as one SVG element.

    Amounts are from zero to `highest`, None where a month has none: a cross stands in its place. Raises ValueError
    where there is not one of them, or None, for each month.
    """
    if len(amounts) != len(months) or not months:
        raise ValueError(f"{label} has {len(amounts)} amounts for {len(months)} months")
    told = ", ".join(
        f"{month} {'none' if amount is None else written(amount)}"
        for month, amount in zip(months, amounts, strict=True)
    )
    return picture(
        _WIDTH,
        _HEIGHT,
        lambda figure: _draw(figure, label, months, amounts, highest, written),
        title=label,
        description=f"{told}.",
    )


def _draw(
    figure: "Figure",
    label: str,
    months: Sequence[str],
    amounts: Sequence[Decimal | None],
    highest: Decimal,
    written: Callable[[Decimal], str],
) -> None:
    top, room = _HEIGHT - _HEAD, (_WIDTH - 2 * _SIDE) / len(months)
    y = scale([highest], _FOOT, top)
    last = amounts[-1]
    words(figure, _SIDE, _HEIGHT - 14, shortened(label), bold=True)
    words(figure, _WIDTH - _SIDE, _HEIGHT - 14, "none" if last is None else written(last), side="right")
    rule(figure, (_SIDE, _FOOT), (_WIDTH - _SIDE, _FOOT))
    every = 1 if len(months) <= _LONGEST_LABEL else 2
    for at, amount in enumerate(amounts):
        middle = _SIDE + (at + 0.5) * room
        is_last = at == len(months) - 1
        if amount is None:
            words(figure, middle, _FOOT + 8, "×", side="center", ink="muted")  # noqa: RUF001 - a cross
        elif amount:
            half = min(room * 0.31, 24)
            bar(figure, middle - half, middle + half, _FOOT, y(amount), "cause" if is_last else "level")
        if (len(months) - 1 - at) % every == 0:
            words(figure, middle, _FOOT - 12, months[at], side="center", size=11, ink="muted")
