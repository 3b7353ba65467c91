"""A line over its companies is the sum of the reconciliation's own figures, and its steps always come to what stays."""

from collections.abc import Mapping
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from cpg1_assets.deliverables.figures import line_totals, steps_of
from cpg1_assets.deliverables.waterfall import Step, _placed
from cpg1_assets.evidence.chain.items_to_comment import _in_usd
from cpg1_assets.rules.explained_lines import ExplainedLine
from cpg1_assets.rules.named_variance import CauseShare, NamedVariance
from cpg1_assets_tests.rules.rows import LINES

LINE = next(line for line in LINES.lines if line.line == "voucher_liability")
ZERO = Decimal(0)
AMOUNTS = st.decimals(-(10**12), 10**12, places=4)
RATES = st.decimals("0.0000000001", 10**6, places=10)


def explained(
    company: str, target: Decimal, bridge: Decimal, causes: Mapping[str, Decimal], rate: Decimal | None
) -> ExplainedLine:
    """Give a company's line whose items are of these causes, converted as the reconciliation does."""
    unexplained = sum(causes.values(), ZERO)
    variance = unexplained + bridge
    figures = {
        "id_company": company, "line": LINE.line, "actual": target + variance, "target_value": target,
        "variance": variance, "bridges": bridge, "unexplained": unexplained, "fx_rate": rate,
        "variance_usd": None if rate is None else _in_usd(variance, rate),
        "unexplained_usd": None if rate is None else _in_usd(unexplained, rate),
        "status": "NOT_COMPUTED" if rate is None else "VARIANCE_DETECTED",
    }  # fmt: skip
    shares = [CauseShare(cause, 1, amount, ZERO, amount, abs(amount)) for cause, amount in causes.items()]
    if bridge:
        shares.append(CauseShare("used, not delivered yet", 1, bridge, bridge, ZERO, ZERO))
    named = NamedVariance(
        company,
        LINE.line,
        str(figures["status"]),
        variance,
        bridge,
        unexplained,
        () if rate is None else tuple(shares),
    )
    return ExplainedLine(figures, named, (), 0, 0, ZERO, ZERO, ZERO, ZERO)


def test_figures_add_up_over_companies_and_who_has_none_is_named() -> None:
    lines = [
        explained(
            "B", Decimal(-10), Decimal(-4), {"manual journal": Decimal(7), "unknown": Decimal(1)}, Decimal(2)
        ),
        explained("A", Decimal(-1), ZERO, {"manual journal": Decimal(-3)}, Decimal(1)),
        explained("C", Decimal(-99), ZERO, {"manual journal": Decimal(9)}, None),
    ]
    bridged = {("B", LINE.line): {"timing_difference_bridge": Decimal(-4)}}
    (total,) = line_totals([LINE], lines, bridged, taken_apart=True)
    assert [each.figures["id_company"] for each in total.companies] == ["A", "B", "C"]
    assert [each.figures["id_company"] for each in total.left_out] == ["C"]
    assert (total.variance_usd, total.unexplained_usd, total.gross_usd) == (
        Decimal(-1),
        Decimal(1),
        Decimal(7),
    )
    assert total.bridges_usd == Decimal(-2)
    assert [(each.cause, each.items, each.unexplained_usd) for each in total.causes] == [
        ("manual journal", 2, Decimal("0.5")), ("unknown", 1, Decimal("0.5")), ("used, not delivered yet", 1, ZERO),
    ]  # fmt: skip
    assert [(step.label, step.amount) for step in total.steps] == [
        ("Actual (NAV)", Decimal(-7)), ("Target value", Decimal(-6)), ("Variance", Decimal(-1)),
        ("less Timing difference bridge", Decimal(2)), ("Unexplained by bridges", Decimal(1)),
        ("less manual journal", Decimal("-0.5")), ("Left without a cause", Decimal("0.5")),
    ]  # fmt: skip


def test_a_line_without_a_difference_has_no_more_steps_than_that() -> None:
    each = explained("A", Decimal(5), ZERO, {}, Decimal(1))
    assert steps_of(each, {}, taken_apart=True) == (
        Step("Actual (NAV)", Decimal(5), "balance"),
        Step("Target value", Decimal(5), "balance"),
        Step("Variance", ZERO, "level"),
    )


@given(
    st.lists(
        st.tuples(
            AMOUNTS,
            AMOUNTS,
            st.dictionaries(st.sampled_from(["manual journal", "never posted", "unknown"]), AMOUNTS),
            st.none() | RATES,
        ),
        min_size=1,
        max_size=6,
    )
)
def test_the_steps_of_any_line_come_to_what_stays(
    companies: list[tuple[Decimal, Decimal, dict[str, Decimal], Decimal | None]],
) -> None:
    lines = [explained(f"C{at}", *given_) for at, given_ in enumerate(companies)]
    bridged = {
        (each.figures["id_company"], LINE.line): {"vtc_adjustment": each.figures["bridges"]} for each in lines
    }
    (total,) = line_totals([LINE], lines, bridged, taken_apart=True)
    assert _placed([step for step in total.steps if step.kind != "balance"], total.rounding) or total.left_out
    for each in lines:
        steps = steps_of(each, bridged[each.figures["id_company"], LINE.line], taken_apart=True)
        assert (
            _placed([step for step in steps if step.kind != "balance"], ZERO)
            or each.figures["fx_rate"] is None
        )
