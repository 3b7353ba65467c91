"""The figures that a report shows beside those of the reconciliation: a line over its companies, by cause and bridge.

In USD, as the reconciliation converts: exactly, rounded once. A company that has no such figure is named wherever its
line is added up, with why. Nothing is written for people here.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from fractions import Fraction

from cpg1_assets.deliverables.waterfall import Step
from cpg1_assets.rules.bridges import BRIDGES
from cpg1_assets.rules.explained_lines import ExplainedLine
from cpg1_assets.rules.lines import Line
from cpg1_assets.rules.named_variance import UNKNOWN

_FOUR_PLACES = Decimal("0.0001")
_DIGITS = 80
NO_CAUSE = "without a cause"
NOT_TAKEN_APART = "not taken apart"
"""What stays of a line whose items were not sealed, or do not add up to it."""

Bridged = Mapping[str, Decimal]
"""What each bridge explains of a line, LCY, by the bridge's name."""


@dataclass(frozen=True)
class CauseTotal:
    """The open items of a line with one cause, over its companies: how many, and what stays unexplained of them, USD."""

    cause: str
    items: int
    unexplained_usd: Decimal


@dataclass(frozen=True)
class LineTotal:
    """One line over its companies, USD.

    `companies` are all of them, by code; `left_out` those of them that have no figure here because the line was not
    computed. The figures are sums of the reconciliation's own; `gross_usd` adds |unexplained|, so that companies do
    not hide each other. `causes` come largest first.
    """

    line: Line
    companies: tuple[ExplainedLine, ...]
    left_out: tuple[ExplainedLine, ...]
    variance_usd: Decimal
    unexplained_usd: Decimal
    gross_usd: Decimal
    items: int
    causes: tuple[CauseTotal, ...]
    steps: tuple[Step, ...]
    """From the balances to what stays, converted at each company's rate."""

    @property
    def bridges_usd(self) -> Decimal:
        """What bridges explain: the variance less what stays unexplained."""
        return self.variance_usd - self.unexplained_usd

    @property
    def computed(self) -> tuple[ExplainedLine, ...]:
        """The companies that have a figure here."""
        return tuple(each for each in self.companies if each.is_computed)

    @property
    def rounding(self) -> Decimal:
        """How far the steps may be from each other: each figure of a company is rounded by itself."""
        return _FOUR_PLACES * (len(self.companies) + len(self.steps))


def line_totals(
    lines: Sequence[Line],
    explained: Iterable[ExplainedLine],
    bridged: Mapping[tuple[str, str], Bridged],
    *,
    taken_apart: bool,
) -> list[LineTotal]:
    """Add up each line over its companies, in the order of `lines`; `bridged` is by company and line.

    `taken_apart` says whether the variances were taken apart into items: without, nothing is said of causes.
    """
    of_line: dict[str, list[ExplainedLine]] = {line.line: [] for line in lines}
    for each in sorted(explained, key=lambda each: str(each.figures["id_company"])):
        of_line[each.figures["line"]].append(each)
    return [
        _total(line, of_line[line.line], bridged, taken_apart=taken_apart)
        for line in lines
        if of_line[line.line]
    ]


def steps_of(each: ExplainedLine, bridged: Bridged, *, taken_apart: bool) -> tuple[Step, ...]:
    """Give the steps of one company's line, LCY, exactly: from both balances to what stays without a cause.

    Empty for a line that was not computed.
    """
    if not each.is_computed:
        return ()
    figures = each.figures
    causes = _causes(each, taken_apart=taken_apart)
    return _steps(
        (figures["actual"], figures["target_value"], figures["variance"], figures["unexplained"]),
        bridged,
        causes or {},
        None if causes is None else figures["unexplained"] - sum(causes.values()),
    )


def _total(
    line: Line,
    companies: Sequence[ExplainedLine],
    bridged: Mapping[tuple[str, str], Bridged],
    *,
    taken_apart: bool,
) -> LineTotal:
    computed = [each for each in companies if each.is_computed]
    figures = [each.figures for each in computed]
    bridges: dict[str, Fraction] = {}
    causes: dict[str, Fraction] = {}
    items: dict[str, int] = {}
    apart = taken_apart
    for each in computed:
        rate = Fraction(each.figures["fx_rate"])
        for name, amount in bridged.get((each.figures["id_company"], line.line), {}).items():
            bridges[name] = bridges.get(name, Fraction(0)) + Fraction(amount) / rate
        found = _causes(each, taken_apart=taken_apart)
        apart = apart and found is not None
        for share in each.named.causes:
            causes[share.cause] = causes.get(share.cause, Fraction(0)) + Fraction(share.unexplained) / rate
            items[share.cause] = items.get(share.cause, 0) + share.items
    variance = sum((row["variance_usd"] for row in figures), Decimal(0))
    unexplained = sum((row["unexplained_usd"] for row in figures), Decimal(0))
    converted = {
        name: _rounded(sum((Fraction(row[name]) / Fraction(row["fx_rate"]) for row in figures), Fraction(0)))
        for name in ("actual", "target_value")
    }
    by_cause = {cause: _rounded(amount) for cause, amount in causes.items()}
    named = {cause: amount for cause, amount in by_cause.items() if cause != UNKNOWN}
    ordered = sorted(by_cause.items(), key=lambda share: (-abs(share[1]), share[0]))
    return LineTotal(
        line=line,
        companies=tuple(companies),
        left_out=tuple(each for each in companies if not each.is_computed),
        variance_usd=variance,
        unexplained_usd=unexplained,
        gross_usd=sum((abs(row["unexplained_usd"]) for row in figures), Decimal(0)),
        items=sum(each.named.items for each in computed),
        causes=tuple(CauseTotal(cause, items[cause], amount) for cause, amount in ordered) if apart else (),
        steps=_steps(
            (converted["actual"], converted["target_value"], variance, unexplained),
            {name: _rounded(amount) for name, amount in bridges.items()},
            named if apart else {},
            by_cause.get(UNKNOWN, Decimal(0)) if apart else None,
        )
        if computed
        else (),
    )


def _causes(each: ExplainedLine, *, taken_apart: bool) -> dict[str, Decimal] | None:
    """Give what each named cause comes to, LCY; None where items were not sealed or are of another reconciliation."""
    if not taken_apart or not each.named.adds_up:
        return None
    return {share.cause: share.unexplained for share in each.named.causes if share.cause != UNKNOWN}


def _steps(
    levels: tuple[Decimal, Decimal, Decimal, Decimal],
    bridges: Bridged,
    causes: Mapping[str, Decimal],
    rest: Decimal | None,
) -> tuple[Step, ...]:
    actual, target, variance, unexplained = levels
    balances = (Step("Actual (NAV)", actual, "balance"), Step("Target value", target, "balance"))
    if not any((variance, unexplained, *bridges.values(), *causes.values())):
        return (*balances, Step("Variance", variance, "level"))
    steps = [
        *balances,
        Step("Variance", variance, "level"),
        *(
            Step(f"less {BRIDGES[name].title}", -amount, "bridge")
            for name, amount in bridges.items()
            if amount
        ),
        Step("Unexplained by bridges", unexplained, "level"),
    ]
    largest_first = sorted(causes.items(), key=lambda share: (-abs(share[1]), share[0]))
    steps += [Step(f"less {cause}", -amount, "cause") for cause, amount in largest_first if amount]
    if rest is not None:
        steps.append(Step(f"Left {NO_CAUSE}", rest, "rest"))
    else:
        steps[-1] = Step(f"Unexplained, {NOT_TAKEN_APART}", unexplained, "rest")
    return tuple(steps)


def _rounded(amount: Fraction) -> Decimal:
    """Round once, half to even, to four places, as the reconciliation does."""
    with localcontext() as context:
        context.prec = _DIGITS
        scaled = round(amount * 10_000)  # of a fraction, Python's own round is exact and half to even
        return (Decimal(scaled) * _FOUR_PLACES).quantize(_FOUR_PLACES, ROUND_HALF_EVEN)
