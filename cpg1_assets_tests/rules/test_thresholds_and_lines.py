"""Which threshold applies, and what the two files may say."""

from decimal import Decimal
from typing import Any

import pytest

from cpg1_assets.errors import FileFormatError
from cpg1_assets.rules.lines import Lines
from cpg1_assets.rules.thresholds import Thresholds
from cpg1_assets.yaml_file import parse_yaml
from cpg1_assets_tests.rules.rows import LINES, RULES, THRESHOLDS


@pytest.mark.parametrize(
    ("context", "usd", "rule"),
    [
        (("NG", "bucket"), 1000, "default/bucket/*/*/*"),
        (("NG", "line item", "18412"), 500, "default/line item/*/*/*"),
        (("NG", "country materiality"), 10000, "default/country materiality/*/*/*"),
        ((None, "bucket", "18412"), 1000, "default/bucket/*/*/*"),
        (("EG", "bucket", "18412"), 1000, "EG/bucket/18412/*/*"),
        ((" eg ", "line item", "18412", "Usage", "Refund"), 5000, "EG/line item/18412/*/*"),
        (("EG", "line item", "13001"), 500, "default/line item/*/*/*"),
        (("EG", "line item"), 500, "default/line item/*/*/*"),
        (("EG", "country materiality"), 22000, "EG/country materiality/*/*/*"),
    ],
)
def test_the_thresholds_of_the_contract(context: tuple[Any, ...], usd: int, rule: str) -> None:
    assert THRESHOLDS.threshold(*context) == (Decimal(usd), rule)


DEFAULTS = [
    {"country": "default", "type": kind, "usd": 100}
    for kind in ("bucket", "line item", "country materiality")
]


def thresholds(*rules: dict[str, Any]) -> Thresholds:
    return Thresholds.model_validate(
        {"version": "1", "rules": [*DEFAULTS, *({"type": "bucket"} | rule for rule in rules)]}
    )


def test_a_countrys_own_rule_comes_before_the_default_then_the_one_that_names_more() -> None:
    found = thresholds(
        {"country": "default", "usd": 1, "account": "18412", "category": "VTC", "voucher_type": "Refund"},
        {"country": "EG", "usd": 2},
        {"country": "EG", "usd": 3, "account": "18412"},
        {"country": "EG", "usd": 4, "account": "18412", "category": "VTC"},
    )
    assert found.threshold("EG", "bucket", "18412", "VTC", "Refund")[0] == 4
    assert found.threshold("EG", "bucket", "18412")[0] == 3
    assert found.threshold("EG", "bucket", "18412", "Usage", "Refund")[0] == 3
    assert found.threshold("EG", "bucket", None, "VTC")[0] == 2
    assert found.threshold("NG", "bucket", "18412", "VTC", "Refund") == (
        Decimal(1),
        "default/bucket/18412/VTC/Refund",
    )
    assert found.threshold("NG", "bucket", "18412", "VTC")[0] == 100


def test_of_several_accounts_the_lowest_applies() -> None:
    found = thresholds(
        {"country": "NG", "usd": 50, "account": "13001"}, {"country": "NG", "usd": 20, "account": "13002"}
    )
    assert found.line_threshold("NG", ("13001", "13002")) == (Decimal(20), "NG/bucket/13002/*/*")
    assert found.line_threshold("NG", ("13001", "13005")) == (Decimal(50), "NG/bucket/13001/*/*")
    assert found.line_threshold("KE", ("13001", "13002")) == (Decimal(100), "default/bucket/*/*/*")


@pytest.mark.parametrize("accounts", [("13001", "13002"), ("13002", "13001")])
def test_of_equal_thresholds_the_lines_first_account_names_the_rule(accounts: tuple[str, str]) -> None:
    found = thresholds(
        {"country": "NG", "usd": 20, "account": "13001"}, {"country": "NG", "usd": 20, "account": "13002"}
    )
    assert found.line_threshold("NG", accounts) == (Decimal(20), f"NG/bucket/{accounts[0]}/*/*")


def test_countries_are_the_same_however_their_case_is_written() -> None:
    found = thresholds({"country": " sn ", "usd": 7})
    assert [found.threshold(written, "bucket")[0] for written in ("SN", "sn ", "\u017fN", "şn")] == [
        7,
        7,
        7,
        100,
    ]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"country": "EG", "account": "18412"}, {"country": " eg ", "account": "18412"}),
        ({"country": "EG", "account": "18412"}, {"country": "EG", "category": "VTC"}),
        (
            {"country": "EG", "account": "18412", "category": "VTC"},
            {"country": "EG", "account": "18412", "voucher_type": "Refund"},
        ),
    ],
)
def test_rules_that_could_both_win_are_refused(first: dict[str, Any], second: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="could both win"):
        thresholds(first | {"usd": 1}, second | {"usd": 2})


def test_rules_told_apart_by_what_both_name_are_not_ambiguous() -> None:
    thresholds(
        {"country": "EG", "usd": 1, "account": "18412", "category": "VTC"},
        {"country": "EG", "usd": 2, "account": "18412", "category": "Usage"},
        {"country": "NG", "usd": 2, "account": "18412"},
    )


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("type: bucket, usd: 1000}", "type: buckets, usd: 1000}", "line 16"),
        ("usd: 5000", "usd: -1", "greater than or equal to 0"),
        ('country: "EG"', 'country: "Egypt"', "country"),
        ('account: "18412"', 'acount: "18412"', "acount"),
        ('  - {country: "default", type: line item, usd: 500}\n', "", "no default/line item"),
    ],
)
def test_a_slip_in_the_thresholds_is_refused(old: str, new: str, message: str) -> None:
    text = (RULES / "thresholds.yaml").read_text()
    assert old in text
    with pytest.raises(FileFormatError, match=message):
        parse_yaml(text.replace(old, new), Thresholds, name="thresholds")


def test_the_lines_are_those_of_the_specification() -> None:
    found = {
        line.line: (line.accounts, (line.target.extract, line.target.amount, line.target.rows), line.sign)
        for line in LINES.lines
    }
    assert found == {
        "customer_ar": (("13003", "13004", "13009"), ("ipe_07", "remaining_amount_lcy", "all"), 1),
        "collections_ar": (("13001", "13002"), ("ipe_31", "amount", "all"), 1),
        "packages_not_reconciled": (("13005", "13024"), ("ipe_12", "amount_due", "all"), 1),
        "customer_prepayments": (("18350",), ("ipe_10", "prepayment_amount", "all"), -1),
        "voucher_liability": (("18412",), ("ipe_08", "remaining_amount", "redeemable"), -1),
        "marketplace_refund_liability": (("18317",), ("ipe_34", "amount_to_refund", "marketplace"), 1),
    }
    assert {(line.line, b.bridge, b.sign) for line in LINES.lines for b in line.bridges} == {
        ("customer_ar", "customer_posting_group_bridge", 0),
        ("customer_ar", "business_line_reclass", 0),
        ("voucher_liability", "timing_difference_bridge", -1),
        ("voucher_liability", "vtc_adjustment", -1),
    }


def test_a_narrower_scope_keeps_the_lines_all_of_whose_accounts_it_has() -> None:
    assert [line.line for line in LINES.within(["13001", "13002", "13003", "18412"]).lines] == [
        "collections_ar",
        "voucher_liability",
    ]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("rows: redeemable", "rows: active", "unknown target ipe_08 remaining_amount active"),
        ("bridge: vtc_adjustment", "bridge: vtc", "line"),
        ('accounts: ["18317"]', 'accounts: ["18412"]', "accounts on more than one line"),
        ("line: collections_ar", "line: customer_ar", "lines named twice"),
        ("bridge: vtc_adjustment", "bridge: timing_difference_bridge", "bridges named twice"),
        ("needs: [ipe_08, jdash]", "needs: [ipe_09]", "needs"),
    ],
)
def test_a_slip_in_the_lines_is_refused(old: str, new: str, message: str) -> None:
    text = (RULES / "lines.yaml").read_text()
    assert old in text
    with pytest.raises(FileFormatError, match=message):
        parse_yaml(text.replace(old, new), Lines, name="lines")
