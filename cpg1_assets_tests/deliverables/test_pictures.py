"""A picture shows the figures it was given, refuses those that do not add up, and fits a page that forbids all else."""

import re
from collections.abc import Sequence
from decimal import Decimal
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpg1_assets.deliverables.drawing import CHART_STYLE
from cpg1_assets.deliverables.trend import trend
from cpg1_assets.deliverables.waterfall import Step, two_decimals, waterfall

SVG = "{http://www.w3.org/2000/svg}"
STEPS = (
    Step("Actual", Decimal(900), "balance"),
    Step("Target value", Decimal(1000), "balance"),
    Step("Variance", Decimal(-100), "level"),
    Step("Bridge", Decimal(60), "bridge"),
    Step("Unexplained", Decimal(-40), "level"),
    Step("posted twice", Decimal(50), "cause"),
    Step("Left", Decimal(10), "rest"),
)


def element(picture: str) -> ET.Element:
    """Read a picture, which fails where it is not well-formed."""
    return ET.fromstring(picture)  # noqa: S314 - drawn here


def bars(picture: str, *inks: str) -> list[tuple[float, float]]:
    """Give where each bar in one of these inks begins and ends across, in the order they are drawn."""
    found = []
    for path in element(picture).iter(f"{SVG}path"):
        if path.get("class", "").split(" ")[0] in {f"f-{ink}" for ink in inks}:
            across = [float(x) for x, _ in re.findall(r"([\d.]+) ([\d.]+)", path.attrib["d"])]
            found.append((min(across), max(across)))
    return found


def test_a_bar_begins_where_the_one_before_it_ends_and_its_length_is_its_amount() -> None:
    picture = waterfall("Title", STEPS)
    variance, bridge, unexplained, cause, rest = bars(picture, "level", "bridge", "cause", "rest")[2:]
    unit = (variance[1] - variance[0]) / 100
    zero = variance[1]
    assert bridge == pytest.approx((variance[0], variance[0] + 60 * unit))
    assert unexplained == pytest.approx((zero - 40 * unit, zero))
    assert cause == pytest.approx((unexplained[0], zero + 10 * unit))
    assert rest == pytest.approx((zero, zero + 10 * unit))


def test_balances_have_a_scale_of_their_own() -> None:
    actual, target, variance = bars(waterfall("Title", STEPS), "level")[:3]
    assert target[1] - target[0] == pytest.approx((actual[1] - actual[0]) / 0.9)
    assert variance[1] - variance[0] > (target[1] - target[0]) / 2


def test_the_description_says_all_that_the_picture_shows() -> None:
    root = element(waterfall("What <is> & what is not", STEPS))
    assert root.findtext(f"{SVG}title") == "What <is> & what is not"
    assert root.findtext(f"{SVG}desc") == (
        "Actual 900.00; Target value 1,000.00; Variance -100.00; Bridge +60.00; Unexplained -40.00; "
        "posted twice +50.00; Left 10.00."
    )


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ([*STEPS[:4], Step("Unexplained", Decimal(-41), "level")], "Unexplained is -41, and .* come to -40"),
        ([*STEPS[:-1], Step("Left", Decimal(0), "rest")], "Left is 0, and .* come to 10"),
        ([Step("Bridge", Decimal(1), "bridge")], "needs a level to start from"),
    ],
)  # fmt: skip
def test_steps_that_do_not_add_up_are_not_drawn(steps: Sequence[Step], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        waterfall("Title", steps)


def test_figures_that_were_rounded_apart_may_differ_by_what_is_said() -> None:
    steps = [*STEPS[:-1], Step("Left", Decimal("10.0001"), "rest")]
    assert waterfall("Title", steps, within=Decimal("0.0001"))


@settings(max_examples=10)
@given(
    st.lists(st.decimals(-(10**19), 10**19, places=4, allow_nan=False), max_size=4),
    st.text(min_size=1, max_size=60),
)
def test_any_amounts_and_any_text_give_one_well_formed_picture(changes: list[Decimal], text: str) -> None:
    steps = [Step(text, Decimal(5), "balance"), Step(text, Decimal(5), "level")]
    steps += [Step(text, change, "cause") for change in changes]
    steps.append(Step(text, Decimal(5) + sum(changes, Decimal(0)), "rest"))
    picture = waterfall(text, steps)
    assert picture == waterfall(text, steps)
    root = element(picture)
    assert len(list(root.iter(f"{SVG}text"))) == 2 * len(steps)
    assert {each.get("style") for each in root.iter()} == {None}
    for start, end in bars(picture, "level", "cause", "rest"):
        assert 0 <= start <= end <= 360


def test_a_formula_in_a_label_stays_a_text() -> None:
    picture = waterfall("Title", [Step("$x^2$", Decimal(1), "level")])
    assert "$x^2$" in [each.text for each in element(picture).iter(f"{SVG}text")]


def test_every_ink_has_a_meaning_on_light_and_on_dark_paper() -> None:
    light, dark = CHART_STYLE.split("@media screen and (prefers-color-scheme:dark)")
    used = set(re.findall(r"\.([fs]-[a-z]+)\{", light)) - {"f-none", "s-none"}
    assert used == set(re.findall(r"\.([fs]-[a-z]+)\{", dark))
    picture = waterfall("Title", STEPS) + trend(
        "Line", ["Jul 25", "Aug 25"], [None, Decimal(1)], highest=Decimal(1), written=two_decimals
    )
    classes = {name for found in re.findall(r'class="([^"]+)"', picture) for name in found.split()}
    assert classes - {"cpg1-chart", "f-none", "s-none"} <= used


def test_months_are_on_one_scale_and_one_without_a_figure_has_a_cross() -> None:
    amounts = [Decimal(50), None, Decimal(100)]
    months = ["Jul 25", "Aug 25", "Sep 25"]
    root = element(trend("Line", months, amounts, highest=Decimal(200), written=two_decimals))
    heights = []
    for path in root.iter(f"{SVG}path"):
        if path.get("class", "").split(" ")[0] in ("f-level", "f-cause"):
            up = [float(y) for _, y in re.findall(r"([\d.]+) ([\d.]+)", path.attrib["d"])]
            heights.append(max(up) - min(up))
    assert heights[1] == pytest.approx(2 * heights[0])
    assert heights[1] == pytest.approx((116 - 30 - 24) / 2)
    assert [each.text for each in root.iter(f"{SVG}text")].count("\u00d7") == 1
    assert root.findtext(f"{SVG}desc") == "Jul 25 50.00, Aug 25 none, Sep 25 100.00."


def test_a_trend_needs_an_amount_or_none_for_each_month() -> None:
    with pytest.raises(ValueError, match="Line has 1 amounts for 2 months"):
        trend("Line", ["Jul 25", "Aug 25"], [Decimal(1)], highest=Decimal(1), written=two_decimals)
