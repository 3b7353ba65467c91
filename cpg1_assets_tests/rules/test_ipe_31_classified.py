"""Each rule of the classification, its precedence, and the item's own bank account."""

from collections.abc import Sequence
from typing import Any

import pytest

from cpg1_assets.errors import FileFormatError
from cpg1_assets.rules.classification import TEXT_COLUMNS, Classification
from cpg1_assets.rules.frames import IPE_31_COLUMNS
from cpg1_assets.rules.ipe_31_classified import classification_counts, ipe_31_classified
from cpg1_assets.yaml_file import parse_yaml
from cpg1_assets_tests.rules.rows import CLASSIFICATION, RULES, Row, rows, table

ITEM: Row = {"id_company": "A", "amount": "1"}
DEPOSITS = (
    "CASH_DEPOSITS",
    "Cash deposits pending application",
    "100XX",
    "13011, 13012, 10590",
    "bank_posting_group",
)
CANCELLED = (
    "CASH_DEPOSITS_CANCEL",
    "Cash deposit cancellations",
    "13011, 13012, 10590",
    "100XX",
    "bank_posting_group",
)
JFORCE = ("JFORCE_PAYOUTS", "JForce payouts by voucher", "18307", "18412", "jforce_voucher_only")
REFUNDS = ("REFUNDS", "Refunds, retail or marketplace", "100XX, 18412", "13005, 18317", "refund_channel")
MEMOS = ("SALES_CREDIT_MEMOS", "Sales credit memos", "30101, 30102", "13005", "customer_type_flag")
DELIVERIES = ("SALES_DELIVERIES", "Sales deliveries not posted", "13005", "300XX", None)
NONE = (None,) * 5


def classified(items: Sequence[Row], rules: Classification = CLASSIFICATION) -> list[dict[str, Any]]:
    return rows(ipe_31_classified(table(IPE_31_COLUMNS, items), rules))


def bridge(rules: Classification = CLASSIFICATION, **item: object) -> tuple[str | None, ...]:
    [found] = classified([ITEM | item], rules)
    assert list(found)[:12] == [column.name for column in IPE_31_COLUMNS]
    return tuple(found.values())[12:]


@pytest.mark.parametrize(
    ("transaction_type", "expected"),
    [
        ("Transfer to", DEPOSITS),
        (" THIRD PARTY collection ", DEPOSITS),
        ("Payment - Rev", DEPOSITS),
        ("Translist in progress", DEPOSITS),
        ("Payment", DEPOSITS),  # also JFORCE_PAYOUTS and PAYMENT_RECONCILES, of higher rank
        ("Transfer", DEPOSITS),
        ("Payment Charges Rev", CANCELLED),
        ("Transfer From", CANCELLED),
        ("Reallocation From", CANCELLED),
        ("JForce Payout", JFORCE),
        ("Jforce Payouts", JFORCE),
        ("Refund", REFUNDS),
        ("Refunds", REFUNDS),
        ("Sales Credit Memo", MEMOS),
        ("Delivery", DELIVERIES),
        ("Delivered", DELIVERIES),
        ("Transfer\tto", NONE),
        ("Transferto", NONE),
        ("", NONE),
        (None, NONE),
    ],
)
def test_rules_on_the_transaction_type(
    transaction_type: str | None, expected: tuple[str | None, ...]
) -> None:
    assert bridge(transaction_type=transaction_type) == expected


def test_the_bank_account_is_the_items_own_where_it_has_one() -> None:
    assert bridge(transaction_type="Refund", gl_bank_account_no="10012")[2:4] == (
        "10012, 18412",
        "13005, 18317",
    )
    assert bridge(transaction_type="Transfer From", gl_bank_account_no="10012")[3] == "10012"
    assert bridge(transaction_type="Refund", gl_bank_account_no="  ")[2] == "100XX, 18412"
    assert bridge(transaction_type="Delivery", gl_bank_account_no="10012")[3] == "300XX"
    assert bridge(gl_bank_account_no="10012") == NONE


def test_every_item_appears_as_often_as_it_is_there_with_its_texts_unchanged() -> None:
    item = ITEM | {"transaction_type": " payment ", "related_entity": None}
    found = classified([item, item, ITEM])
    assert [row["transaction_type"] for row in found] == [None, " payment ", " payment "]


RULE: Row = {"title": "t", "dr": ["10000"], "cr": ["10000"], "needs": []}


def test_equal_ranks_go_by_the_order_of_the_file_and_every_named_column_must_match() -> None:
    rules = Classification.model_validate(
        {
            "version": "1",
            "rules": [
                RULE | {"key": "LATER", "rank": 9, "when": {"transaction_type": ["x"]}},
                RULE
                | {"key": "BOTH", "rank": 2, "when": {"transaction_type": ["X"], "erp_name": ["n", "m "]}},
                RULE | {"key": "FIRST", "rank": 3, "when": {"transaction_type": ["x"]}},
                RULE | {"key": "SECOND", "rank": 3, "when": {"transaction_type": ["x"]}},
                RULE
                | {"key": "ABSENT", "rank": 1, "when": {"transaction_type": ["x"], "is_prepayment": ["1"]}},
            ],
        }
    )
    assert bridge(rules, transaction_type="x")[0] == "FIRST"
    assert bridge(rules, transaction_type="x", erp_name="M")[0] == "BOTH"
    assert bridge(rules, transaction_type="y", erp_name="M")[0] is None


@pytest.mark.parametrize("column", TEXT_COLUMNS)
def test_a_rule_may_ask_about_any_text_of_the_item(column: str) -> None:
    rules = Classification.model_validate(
        {"version": "1", "rules": [RULE | {"key": "ASKED", "rank": 1, "when": {column: ["v_1"]}}]}
    )
    assert bridge(rules, **{column: " V_1 "})[0] == "ASKED"
    assert bridge(rules, **{column: "VX1"}) == NONE
    assert bridge(rules) == NONE


def test_items_are_counted_by_bridge_unclassified_ones_too() -> None:
    found = ipe_31_classified(
        table(IPE_31_COLUMNS, [ITEM, ITEM | {"id_company": "a "}, ITEM | {"transaction_type": "Delivery"}]),
        CLASSIFICATION,
    )
    counted = rows(classification_counts(found.to_arrow_table()))
    assert [(r["id_company"], r["bridge_key"], r["item_count"], r["amount"]) for r in counted] == [
        ("A", None, 2, 2),
        ("A", "SALES_DELIVERIES", 1, 1),
    ]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            'transaction_type: ["Delivery"',
            'transaction_kind: ["Delivery"',
            "unknown column 'transaction_kind'",
        ),
        ("key: REFUNDS", "key: CASH_DEPOSITS", "keys used twice: CASH_DEPOSITS"),
        ('["1", "true", "yes"]', "[1, true, yes]", "should be a valid string"),
        ('dr: ["18307"]', 'dr: ["1830"]', "line 3"),
        ("rank: 1", "order: 1", "rank"),
    ],
)
def test_a_slip_in_the_file_is_answered_with_the_place(old: str, new: str, message: str) -> None:
    text = (RULES / "collection_classification.yaml").read_text()
    assert old in text
    with pytest.raises(FileFormatError, match=message):
        parse_yaml(text.replace(old, new), Classification, name="rules")


def test_the_file_holds_the_eleven_rules_of_the_specification() -> None:
    assert [(rule.key, rule.rank) for rule in CLASSIFICATION.rules] == [
        ("CASH_DEPOSITS", 1),
        ("CASH_DEPOSITS_CANCEL", 2),
        ("JFORCE_PAYOUTS", 2),
        ("PAYMENT_RECONCILES", 2),
        ("PREPAID_DELIVERIES", 3),
        ("PREPAYMENTS", 2),
        ("REFUNDS", 2),
        ("SALES_CREDIT_MEMOS", 3),
        ("SALES_DELIVERIES", 1),
        ("SC_ACCOUNT_STATEMENT", 2),
        ("SELLER_ACCOUNT_STATEMENTS", 2),
    ]
