"""Whoever signs comments on each large item, and on a line whose smaller items reach its threshold together."""

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cpg1_assets.errors import EvidenceError
from cpg1_assets.evidence.audit.verify import verify
from cpg1_assets.evidence.chain.demands import AskedOf, open_items, open_variances
from cpg1_assets.evidence.chain.items_to_comment import items_to_comment, refused_comments
from cpg1_assets.evidence.chain.links import append_link
from cpg1_assets.evidence.chain.seal import SealedVersion
from cpg1_assets.rules.frames import CHECK_RESULTS, OPEN_ITEM_COMMENTS, OPEN_ITEMS, RECONCILIATION
from cpg1_assets_tests.evidence.chain.signing import MONTH, prepare, review
from cpg1_assets_tests.evidence.small_year import OPEN, small_month
from cpg1_assets_tests.rules.rows import RULES, table

RULE_FILES = {name: (RULES / name).read_bytes() for name in ("lines.yaml", "thresholds.yaml")}
RATE = Decimal(2)
Items = Mapping[str, str]
"""Unexplained LCY by item, at a rate of two to the dollar."""


def sealed(
    evidence: Path,
    items: Items,
    *,
    comments: Mapping[str, str] | None = None,
    status: str = "VARIANCE_DETECTED",
    country: str = "NG",
    rate: Decimal | None = RATE,
    results: Sequence[dict[str, Any]] = (),
    rules: Mapping[str, bytes] = RULE_FILES,
) -> SealedVersion:
    """Seal a month whose voucher liability of EC_NG is made of `items`; `comments` are by item."""

    def usd(lcy: Decimal) -> Decimal | None:
        return None if rate is None else round(lcy / rate, 4)

    total = sum(map(Decimal, items.values()), Decimal(0))
    line = {
        "id_company": "EC_NG", "country_code": country, "line": "voucher_liability", "status": status, "unexplained": total,
        "fx_rate": rate, "unexplained_usd": usd(total), "threshold_usd": 1000,
    }  # fmt: skip
    of_items = [
        {
            "id_company": "ec_ng ", "country_code": country, "line": "voucher_liability", "item": item,
            "unexplained": lcy, "unexplained_usd": usd(Decimal(lcy)), "cause": "unknown",
        }
        for item, lcy in items.items()
    ]  # fmt: skip
    said = [
        {"item": item, "comment": text, "source_file": "2025-09.csv"}
        for item, text in (comments or {}).items()
    ]
    return small_month(
        evidence,
        MONTH,
        frames={
            "reconciliation": table(RECONCILIATION.columns, [line]),
            "open_items": table(OPEN_ITEMS.columns, of_items),
            "open_item_comments": table(OPEN_ITEM_COMMENTS.columns, said),
            "check_results": table(CHECK_RESULTS.columns, results),
        },
        rules=rules,
    ).sealed


@pytest.fixture
def evidence(tmp_path: Path) -> Path:
    return tmp_path / "evidence"


def test_an_item_at_the_threshold_needs_a_comment_and_one_below_does_not(evidence: Path) -> None:
    month = sealed(evidence, {"a": "1000", "b": "-1000", "c": "999.9998", "d": "-2400"})
    assert open_items(month) == ["a", "b", "d"], "500 USD, either sign"


def test_an_item_of_a_line_that_is_reconciled_needs_one_as_well(evidence: Path) -> None:
    month = sealed(evidence, {"a": "5000", "b": "-5000"}, status="RECONCILED")
    assert open_items(month) == ["a", "b"]
    assert open_variances(month) == []


def test_the_threshold_is_the_one_of_the_country_as_it_was_sealed(evidence: Path) -> None:
    assert open_items(sealed(evidence, {"a": "9999", "b": "10000"}, country="EG")) == ["b"]
    lower = RULE_FILES["thresholds.yaml"].replace(b"type: line item, usd: 5000", b"type: line item, usd: 50")
    files = {**RULE_FILES, "thresholds.yaml": lower}
    assert open_items(sealed(evidence, {"a": "100", "b": "99"}, country="EG", rules=files)) == ["a"]


def test_without_a_rate_every_item_with_an_amount_needs_one(evidence: Path) -> None:
    month = sealed(evidence, {"a": "0.0001", "b": "-3", "c": "0"}, rate=None)
    assert open_items(month) == ["a", "b"]
    assert open_variances(month) == [], "nothing is left of the line without them"


@pytest.mark.parametrize(
    ("smaller", "asked"),
    [
        (["900", "900", "200"], True),
        (["900", "900", "199.9998"], False),
        (["-900", "-900", "-200"], True),
        (["900", "-900", "900", "-900"], False),
    ],
)
def test_a_line_needs_a_comment_where_its_smaller_items_together_reach_its_threshold(
    evidence: Path, smaller: list[str], *, asked: bool
) -> None:
    month = sealed(evidence, {"large": "7000", **{f"s{at}": lcy for at, lcy in enumerate(smaller)}})
    assert open_items(month) == ["large"]
    assert open_variances(month) == ([OPEN] if asked else [])


def test_smaller_items_of_a_line_within_its_threshold_need_none(evidence: Path) -> None:
    assert open_variances(sealed(evidence, {"a": "900", "b": "900", "c": "900"}, status="EXPLAINED")) == []


def test_a_line_that_was_not_computed_needs_one(evidence: Path) -> None:
    assert open_variances(sealed(evidence, {}, status="NOT_COMPUTED")) == [OPEN]


def test_a_comment_sealed_with_the_month_counts_and_a_blank_one_does_not(evidence: Path) -> None:
    month = sealed(evidence, {"a": "5000", "b": "5000"}, comments={"a": "Bank confirms", "b": " "})
    assert open_items(month) == ["b"]
    with pytest.raises(EvidenceError) as refused:
        prepare(evidence, variances={})
    assert str(refused.value) == (
        f"1 open items of {MONTH} have no comment: b (voucher_liability of ec_ng, 2,500.00 USD, unknown). Give each one: "
        f"in the comments file of the month, taken in with cpg1 comments {MONTH}, or here: --item ITEM=COMMENT"
    )
    prepared = prepare(evidence, variances={}, items={" B ": " asked Bob "})
    assert prepared.body["open_items"] == {"b": "asked Bob"}
    assert review(evidence).body["open_items"] == {"b": "asked Bob"}
    assert verify(evidence).problems == []


def test_a_comment_on_an_item_that_needs_none_is_refused(evidence: Path) -> None:
    sealed(evidence, {"a": "5000", "b": "1"}, comments={"a": "Bank confirms"})
    for item in ("a", "b", "zz"):
        with pytest.raises(
            EvidenceError, match=f"{item} is not an open item that needs a comment and has none"
        ):
            prepare(evidence, variances={}, items={item: "x"})


def test_so_many_items_without_a_comment_are_counted_and_not_all_named(evidence: Path) -> None:
    sealed(evidence, {f"i{at:02d}": "5000" for at in range(70)})
    with pytest.raises(EvidenceError, match=r"70 open items .* i59 \(.*\), and 10 more\. Give each one"):
        prepare(evidence, variances={})


def test_a_sign_off_that_left_an_item_out_is_a_problem_under_its_own_rule_only(evidence: Path) -> None:
    month = sealed(evidence, {"a": "5000", "b": "900", "c": "900"})
    assert AskedOf(month).without_comment({"rule": 4}) == ["a"]
    assert AskedOf(month).without_comment({"rule": 4, "open_items": {"a": "known"}}) == []
    assert AskedOf(month).without_comment({"rule": 2}) == [OPEN]
    prepared = prepare(evidence, variances={}, items={"a": "known"})
    append_link(evidence, "sign-off", {**prepared.body, "open_items": {}})
    (problem,) = verify(evidence).problems
    assert problem.message == "It has no comment on a."


def test_a_month_sealed_without_items_is_asked_as_before(evidence: Path) -> None:
    month = small_month(evidence, MONTH).sealed
    assert (open_items(month), open_variances(month)) == ([], [OPEN])
    assert prepare(evidence).body["rule"] == 4
    assert verify(evidence).problems == []


def test_comments_that_were_not_taken_stop_the_sign_off_naming_row_and_item(evidence: Path) -> None:
    said = "2025-09.csv, row 7, item zz: it is no open item of 2025-09. Take the row out."
    failed = {
        "asset": "open_item_comments", "check": "comments_readable", "severity": "WARN", "passed": False, "tested": True,
        "figures": json.dumps({"problems": [{"message": said, "row": 7, "item": "zz"}]}),
    }  # fmt: skip
    month = sealed(evidence, {"a": "5000"}, comments={"a": "carried"}, results=[failed])
    assert refused_comments(month) == [said]
    with pytest.raises(EvidenceError) as refused:
        prepare(evidence, variances={}, checks={"open_item_comments:comments_readable": "never mind"})
    assert said in str(refused.value)
    assert f"cpg1 comments {MONTH}" in str(refused.value)
    assert AskedOf(month).without_comment({"rule": 3}) == ["open_item_comments:comments_readable"]


def test_a_month_without_a_comments_file_is_not_refused_for_it(evidence: Path) -> None:
    nothing = {
        "asset": "open_item_comments", "check": "comments_readable", "severity": "WARN", "passed": False, "tested": False,
        "figures": json.dumps({"problems": []}),
    }  # fmt: skip
    assert refused_comments(sealed(evidence, {}, results=[nothing])) == []


def test_thresholds_that_are_not_as_they_were_sealed_are_refused(evidence: Path) -> None:
    month = sealed(evidence, {"a": "5000"})
    path = month.folder / "rules" / "thresholds.yaml"
    path.write_bytes(path.read_bytes() + b"# lower\n")
    with pytest.raises(EvidenceError, match=r"thresholds\.yaml is not the file that was sealed"):
        items_to_comment(month)


_AMOUNTS = st.decimals(-3000, 3000, places=4).map(str)


@given(st.lists(_AMOUNTS, max_size=8))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_a_variance_is_made_of_never_goes_without_a_comment(tmp_path: Path, amounts: list[str]) -> None:
    """What is asked for, as items or as the line, leaves less than the line's threshold unsaid."""
    evidence = tmp_path / str(abs(hash(tuple(amounts)))) / "evidence"
    items = {f"i{at}": lcy for at, lcy in enumerate(amounts)}
    month = sealed(evidence, items)
    unsaid = sum((Decimal(lcy) for item, lcy in items.items() if item not in open_items(month)), Decimal(0))
    assert (abs(unsaid / RATE) < 1000) or open_variances(month) == [OPEN]
