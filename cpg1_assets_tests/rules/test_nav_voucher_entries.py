"""Every row of the rule table, the look-up, and an independent reading of the rules in plain Python."""

from collections.abc import Sequence
from decimal import Decimal
from random import Random
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpg1_assets.rules.frames import NAV_VOUCHER_ENTRIES
from cpg1_assets.rules.nav_voucher_entries import (
    CR_03,
    DOC_VOUCHER_USAGE,
    IPE_08,
    nav_voucher_entries,
    uncategorised_entries,
)
from cpg1_assets_tests.rules.rows import Row, rows, table

BATCH = r"JUMIA\NAV31AFR.BATCH.SRVC"
ENTRY: Row = {"id_company": "EC_NG", "entry_no": 1, "group_coa_account_no": "18412"}


def classify(
    entries: Sequence[Row], vouchers: Sequence[Row] = (), usage: Sequence[Row] = ()
) -> list[dict[str, Any]]:
    return rows(
        nav_voucher_entries(table(CR_03, entries), table(IPE_08, vouchers), table(DOC_VOUCHER_USAGE, usage))
    )


def category_and_type(**entry: object) -> tuple[str | None, str | None]:
    [found] = classify([ENTRY | entry])
    return found["bridge_category"], found["voucher_type"]


@pytest.mark.parametrize(
    ("user_id", "expected"),
    [
        (r"JUMIA\NAV31AFR.BATCH.SRVC", "Integration"),
        ("JUMIA/NAV31AFR.BATCH.SRVC", "Integration"),
        (r"  jumia\nav31afr.batch.srvc ", "Integration"),
        ("JUMIA/NAV31AFR.BATCH.SRVC2", "Manual"),
        ("XJUMIA/NAV31AFR.BATCH.SRVC", "Manual"),
        ("JUMIA/NAV31AFRXBATCH.SRVC", "Manual"),
        ("\tJUMIA/NAV31AFR.BATCH.SRVC", "Manual"),
        ("", "Manual"),
        (None, "Manual"),
    ],
)
def test_integration_type(user_id: str | None, expected: str) -> None:
    [found] = classify([ENTRY | {"user_id": user_id}])
    assert found["integration_type"] == expected


@pytest.mark.parametrize("account_type", ["Bank Account", " bank account "])
def test_rule_1_a_manual_payment_from_the_bank_is_vtc(account_type: str) -> None:
    assert category_and_type(amount=1, bal_account_type=account_type, document_description="EXPR") == (
        "VTC",
        "Refund",
    )


def test_rule_1_is_not_for_the_interface_nor_for_other_accounts() -> None:
    assert category_and_type(amount=1, bal_account_type="Bank Account", user_id=BATCH)[0] == "Usage"
    assert category_and_type(amount=1, bal_account_type="Bank") == (None, None)
    assert category_and_type(amount=-1, bal_account_type="Bank Account")[0] == "Issuance"


@pytest.mark.parametrize(
    ("description", "expected"),
    [
        ("a refund of", "Refund"),
        ("xrf_1", "Refund"),
        ("RF 1", "Refund"),
        ("ends in RF", None),
        ("ends in RF   ", None),
        ("RF\t1", None),
        ("RF \t", "Refund"),
        ("RFN", None),
        ("RFX", None),
        ("Commercial Gesture", "Apology"),
        ("COMMERCIAL", None),
        ("PYT_1", "JForce"),
        ("PYTX1", None),
        ("PYT_ refund", "Refund"),
        ("PYT_ commercial gesture", "Apology"),
        ("", None),
        (None, None),
    ],
)
def test_rule_2_issuance_by_the_interface(description: str | None, expected: str | None) -> None:
    found = category_and_type(amount=-1, user_id=BATCH, document_description=description, document_no="NG1")
    assert found == ("Issuance", expected)


@pytest.mark.parametrize(
    ("document_no", "description", "expected"),
    [
        *(
            (prefix + "1", "REFUND", "Store Credit")
            for prefix in ["NG", "EG", "KE", "GH", "CI", "MA", "TN", "ZA", "UG", "SN"]
        ),
        (" ng1", None, "Store Credit"),
        ("XNG", "a refund", "Refund"),
        ("\tNG", None, None),
        ("N G", None, None),
        (None, "RFN", "Refund"),
        (None, "rf_", "Refund"),
        (None, "rf x", "Refund"),
        (None, "RF ", None),
        (None, "RFX", None),
        (None, "commercial", "Apology"),
        (None, "cxp", "Apology"),
        (None, "apology", "Apology"),
        (None, "apology PYT_ RFN", "Refund"),
        (None, "apology PYT_", "Apology"),
        (None, "pyt_", "JForce"),
        (None, "other", None),
        (None, None, None),
    ],
)
def test_rule_3_manual_issuance(
    document_no: str | None, description: str | None, expected: str | None
) -> None:
    found = category_and_type(amount=-1, document_no=document_no, document_description=description)
    assert found == ("Issuance", expected)


def test_rule_4_a_reversed_voucher_accrual_is_a_cancellation() -> None:
    found = category_and_type(amount=1, user_id=BATCH, document_description="x voucher accrual y")
    assert found == ("Cancellation", "Apology")
    assert category_and_type(amount=1, document_description="voucher accrual") == (None, None)


def test_rule_5_what_else_the_interface_debits_is_usage() -> None:
    assert category_and_type(amount=1, user_id=BATCH) == ("Usage", None)
    assert category_and_type(amount=1, user_id=BATCH, document_description="EXPR") == ("Usage", None)


@pytest.mark.parametrize(
    ("description", "expected"),
    [
        ("expr_aplgy", "Apology"),
        ("EXPR_JFORCE x", "JForce"),
        ("EXPR_STR CRDT", "Store Credit"),
        ("EXPR_STR_CRDT", "Store Credit"),
        ("EXPR_STRXCRDT", None),
        ("EXPRXAPLGY", None),
        ("EXPR MANUAL RND", None),
        ("EXPR", None),
    ],
)
def test_rule_6_expiry(description: str, expected: str | None) -> None:
    found = category_and_type(amount=1, document_description=description, document_type="Credit Memo")
    assert found == ("Expired", expected)


@pytest.mark.parametrize(
    ("description", "comment", "expected"),
    [
        ("manual rnd 1", None, ("VTC", "Refund")),
        ("PYT_1", "by gtb", ("VTC", "Refund")),
        ("PYT_1", "GT B", (None, None)),
        ("PYT_1", None, (None, None)),
        ("PYT 1", "GTB", (None, None)),
        (None, "GTB", (None, None)),
    ],
)
def test_rule_7_manual_payouts(
    description: str | None, comment: str | None, expected: tuple[str | None, str | None]
) -> None:
    assert category_and_type(amount=1, document_description=description, comment=comment) == expected


def test_rule_8_credit_memos() -> None:
    assert category_and_type(amount=1, document_type=" credit memo") == ("Cancellation", "Store Credit")
    found = category_and_type(amount=1, document_type="Credit Memo", document_description="ITEMPRICECREDIT")
    assert found == ("Cancellation", "Store Credit")
    assert category_and_type(amount=1, document_type="Credit_Memo") == (None, None)


def test_rule_9_item_price_credits_are_usage() -> None:
    assert category_and_type(amount=1, document_description="xItemPriceCredit") == ("Usage", None)


@pytest.mark.parametrize("amount", ["0", None])
def test_otherwise_both_stay_empty(amount: str | None) -> None:
    for user in (BATCH, None):
        found = category_and_type(amount=amount, user_id=user, document_description="EXPR RF_ MANUAL RND")
        assert found == (None, None)


def test_only_the_voucher_liability_counts_however_it_is_written() -> None:
    accounts = ["18412", " 18412 ", "18411", "184120", None, "", "\t18412"]
    entries = [ENTRY | {"entry_no": n, "group_coa_account_no": a} for n, a in enumerate(accounts)]
    assert [row["entry_no"] for row in classify(entries)] == [0, 1]


def test_texts_pass_unchanged() -> None:
    entry = ENTRY | {
        "id_company": " ec_ng",
        "document_no": " d\t",
        "voucher_no": "12.0 ",
        "amount": "-1.2345",
    }
    [found] = classify([entry])
    assert (found["id_company"], found["document_no"], found["voucher_no"]) == (" ec_ng", " d\t", "12.0 ")
    assert found["amount"] == Decimal("-1.2345")


USED: Row = ENTRY | {"amount": 1, "user_id": BATCH, "voucher_no": " 12345.0 ", "document_no": " t1 "}


def looked_up(vouchers: Sequence[Row] = (), usage: Sequence[Row] = (), **entry: object) -> str | None:
    [found] = classify([USED | entry], vouchers, usage)
    assert found["bridge_category"] == "Usage"
    voucher_type: str | None = found["voucher_type"]
    return voucher_type


def voucher(use: str | None, **more: object) -> Row:
    return {"id_company": "EC_NG", "voucher_id": "12345", "business_use": use} | more


def test_the_look_up_goes_from_vouchers_to_usage_to_transactions() -> None:
    sold = {"id_company": "ec_ng ", "transaction_no": "T1", "business_use": "store_credit"}
    assert looked_up([voucher("refund")], [voucher("jforce"), sold]) == "Refund"
    assert looked_up([], [voucher("jforce"), sold]) == "JForce"
    assert looked_up([], [sold]) == "Store Credit"
    assert (
        looked_up([voucher("refund")], [], document_description="ITEMPRICECREDIT", user_id=None) == "Refund"
    )


def test_the_first_place_the_voucher_is_found_decides_also_when_its_use_is_unknown() -> None:
    sold = {"id_company": "EC_NG", "transaction_no": "T1", "business_use": "store_credit"}
    assert looked_up([voucher("marketing")], [voucher("jforce"), sold]) is None
    assert looked_up([voucher(None)], [voucher("jforce"), sold]) is None
    assert looked_up([], [voucher(None), sold]) is None


def test_the_look_up_stays_within_the_company() -> None:
    elsewhere = {"id_company": "EC_KE"}
    sold = {"transaction_no": "T1", "business_use": "refund"} | elsewhere
    assert looked_up([voucher("refund", **elsewhere)], [voucher("refund", **elsewhere), sold]) is None


def test_numbers_are_found_however_they_are_written_and_all_spellings_are_one_number() -> None:
    written = [
        voucher("refund", voucher_id=" 77.0 ", total_amount_used="1"),
        voucher("jforce", voucher_id="77", id_company="ec_ng ", total_amount_used="2"),
    ]
    assert looked_up(written, [], voucher_no="77 ") == "JForce"
    assert looked_up([], written, voucher_no=" 77.0") == "JForce"
    sold = [
        {"id_company": "EC_NG", "transaction_no": "t1 ", "business_use": "refund", "total_amount_used": "1"},
        {"id_company": "ec_ng", "transaction_no": " T1", "business_use": "jforce", "total_amount_used": "2"},
    ]
    assert looked_up([], sold[:1], document_no=" t1") == "Refund"
    assert looked_up([], sold, document_no="T1") == "JForce"


def test_a_document_number_is_no_voucher_number() -> None:
    sold = {"id_company": "EC_NG", "transaction_no": "T1.0", "business_use": "refund"}
    numbered = {"id_company": "EC_NG", "transaction_no": "12.0", "business_use": "refund"}
    assert looked_up([], [sold, numbered], voucher_no="T1.0", document_no="12") is None
    assert looked_up([], [sold, numbered], document_no="12.0") == "Refund"


def test_an_empty_number_finds_nothing() -> None:
    blank = voucher("refund", voucher_id=" ")
    unsold = {"id_company": "EC_NG", "transaction_no": "", "business_use": "refund"}
    assert looked_up([blank], [blank, unsold], voucher_no="  ", document_no=" ") is None
    assert looked_up([blank], [blank, unsold], voucher_no=None, document_no=None) is None


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ([("refund", "1"), ("jforce", "2")], "JForce"),
        ([("refund", "2"), ("jforce", "1"), ("jforce", "1.5")], "Refund"),
        ([("refund", "2"), ("jforce", "2")], "JForce"),
        ([("jforce", "2"), ("Refund", "2")], "Refund"),
        ([(None, "2"), ("refund", "2")], "Refund"),
        ([(None, "3"), ("refund", "2")], None),
        ([("refund", None), ("jforce", "-1")], "Refund"),
        ([("refund", None), ("jforce", "0")], "JForce"),
    ],
)
def test_of_several_usage_rows_the_largest_decides_then_the_first_by_name(
    usage: list[tuple[str | None, str | None]], expected: str | None
) -> None:
    by_voucher = [voucher(use, total_amount_used=used) for use, used in usage]
    assert looked_up([], by_voucher) == expected
    by_transaction = [
        {"id_company": "EC_NG", "transaction_no": "T1", "business_use": use, "total_amount_used": used}
        for use, used in usage
    ]
    assert looked_up([], by_transaction) == expected


def test_uncategorised_entries_are_listed() -> None:
    entries = [ENTRY | {"amount": -1}, ENTRY | {"entry_no": 2, "amount": 0}]
    found = nav_voucher_entries(table(CR_03, entries), table(IPE_08, []), table(DOC_VOUCHER_USAGE, []))
    assert [row["entry_no"] for row in rows(uncategorised_entries(found.to_arrow_table()))] == [2]


def test_columns_that_are_all_null_and_have_no_type_are_read() -> None:
    def untyped(frame: pa.Table) -> pa.Table:
        return pa.table(
            {
                name: pa.nulls(frame.num_rows) if frame[name].null_count == frame.num_rows else frame[name]
                for name in frame.column_names
            }
        )

    found = nav_voucher_entries(
        untyped(table(CR_03, [ENTRY])), untyped(table(IPE_08, [])), untyped(table(DOC_VOUCHER_USAGE, []))
    )
    assert [row["integration_type"] for row in rows(found)] == ["Manual"]
    assert found.to_arrow_table().schema.types == NAV_VOUCHER_ENTRIES.arrow_schema.types


# --- an independent reading -------------------------------------------------------------------------------


def key(text: str | None) -> str | None:
    return (text.strip(" ").upper() or None) if text is not None else None


def voucher_key(text: str | None) -> str | None:
    found = key(text)
    if found is not None and found.endswith(".0") and found[:-2].isascii() and found[:-2].isdigit():
        return found[:-2]
    return found


def expected_use(matches: list[Row]) -> str | None:
    def order(row: Row) -> tuple[Decimal, bool, str]:
        use = row["business_use"]
        return (-Decimal(row["total_amount_used"] or 0), use is None, use or "")

    use: str | None = min(matches, key=order)["business_use"]
    return use


TYPE_OF_USE = {
    "REFUND": "Refund",
    "APOLOGY": "Apology",
    "JFORCE": "JForce",
    "JPAY STORE_CREDIT": "Store Credit",
    "JPAY_STORE_CREDIT_DS": "Store Credit",
}


def expected_type(entry: Row, vouchers: list[Row], usage: list[Row]) -> str | None:
    def same_company(row: Row) -> bool:
        return key(row["id_company"]) == key(entry["id_company"])

    sought, document = voucher_key(entry["voucher_no"]), key(entry["document_no"])
    places = [
        [r for r in vouchers if same_company(r) and sought and voucher_key(r["voucher_id"]) == sought],
        [r for r in usage if same_company(r) and sought and voucher_key(r["voucher_id"]) == sought],
        [r for r in usage if same_company(r) and document and key(r["transaction_no"]) == document],
    ]
    matches = next((place for place in places if place), None)
    return TYPE_OF_USE.get(key(expected_use(matches)) or "") if matches else None


def expected_row(entry: Row, vouchers: list[Row], usage: list[Row]) -> tuple[str | None, str | None]:
    """Read the rule table once more, in another language."""
    amount = entry["amount"] or 0
    integrated = (key(entry["user_id"]) or "").replace("\\", "/") == "JUMIA/NAV31AFR.BATCH.SRVC"
    text = key(entry["document_description"]) or ""
    if amount > 0:
        return _expected_debit(entry, text, vouchers, usage, integrated=integrated)
    if amount < 0:
        document = key(entry["document_no"]) or ""
        if not integrated and document.startswith(("NG", "EG", "SN")):
            return "Issuance", "Store Credit"
        refunds = ["REFUND", "RF_", "RF "] + ([] if integrated else ["RFN"])
        apologies = ["COMMERCIAL GESTURE"] if integrated else ["COMMERCIAL", "CXP", "APOLOGY"]
        for needles, found in ((refunds, "Refund"), (apologies, "Apology"), (["PYT_"], "JForce")):
            if any(needle in text for needle in needles):
                return "Issuance", found
        return "Issuance", None
    return None, None


def _expected_debit(
    entry: Row, text: str, vouchers: list[Row], usage: list[Row], *, integrated: bool
) -> tuple[str | None, str | None]:
    looked = expected_type(entry, vouchers, usage)
    if integrated:
        return ("Cancellation", "Apology") if "VOUCHER ACCRUAL" in text else ("Usage", looked)
    expired = {"EXPR_APLGY": "Apology", "EXPR_JFORCE": "JForce", "EXPR_STR CRDT": "Store Credit"}
    paid_out = "MANUAL RND" in text or ("PYT_" in text and "GTB" in (key(entry["comment"]) or ""))
    found: tuple[str | None, str | None] = (None, None)
    if key(entry["bal_account_type"]) == "BANK ACCOUNT":
        found = ("VTC", "Refund")
    elif "EXPR" in text:
        found = ("Expired", next((kind for needle, kind in expired.items() if needle in text), None))
    elif paid_out:
        found = ("VTC", "Refund")
    elif key(entry["document_type"]) == "CREDIT MEMO":
        found = ("Cancellation", "Store Credit")
    elif "ITEMPRICECREDIT" in text:
        found = ("Usage", looked)
    return found


def texts(*values: str) -> st.SearchStrategy[str | None]:
    padded = st.tuples(
        st.sampled_from(["", " ", "\t"]),
        st.sampled_from(values),
        st.sampled_from(["", " ", "  ", "\t", ".0"]),
        st.booleans(),
    )
    return st.none() | padded.map(lambda p: p[0] + (p[1].lower() if p[3] else p[1]) + p[2])


FRAGMENTS = ["REFUND", "RF", "RF ", "RF_", "RFN", "PYT_", "EXPR", "EXPR_APLGY", "EXPR_STR CRDT", "MANUAL RND"]
MORE = ["VOUCHER ACCRUAL", "ITEMPRICECREDIT", "COMMERCIAL", "GESTURE", "CXP", "%", "_", "é", ""]
descriptions = st.none() | st.lists(st.sampled_from([*FRAGMENTS, *MORE]), max_size=3).map(" ".join)
companies = st.sampled_from(["A", " a", "B"])
amounts = st.none() | st.sampled_from([Decimal(-1), Decimal(0), Decimal("0.0001"), Decimal(2)])
numbers = texts("1", "12", "V_1", "", "001")
uses = texts("refund", "apology", "jforce", "Jpay store_credit", "jpay_store_credit_ds", "other", "")
entries = st.fixed_dictionaries(
    {
        "id_company": companies,
        "group_coa_account_no": st.sampled_from(["18412", "18412 ", "13001", None]),
        "amount": amounts,
        "user_id": texts(BATCH, "JUMIA/NAV31AFR.BATCH.SRVC", "someone"),
        "bal_account_type": texts("Bank Account", "Bank", ""),
        "document_type": texts("Credit Memo", "Invoice"),
        "document_description": descriptions,
        "comment": texts("GTB", "x"),
        "document_no": texts("NG1", "EG", "T1", "T_", "SN2"),
        "voucher_no": numbers,
    }
)
voucher_rows = st.fixed_dictionaries(
    {"id_company": companies, "voucher_id": numbers, "business_use": uses, "total_amount_used": amounts}
)
usage_rows = st.fixed_dictionaries(
    {
        "id_company": companies,
        "voucher_id": numbers,
        "transaction_no": texts("T1", "T_", "NG1", ""),
        "business_use": uses,
        "total_amount_used": amounts,
    }
)


@settings(deadline=None, max_examples=25)
@given(
    listed=st.lists(entries, max_size=30),
    vouchers=st.lists(voucher_rows, max_size=8),
    usage=st.lists(usage_rows, max_size=8),
    shuffled=st.randoms(use_true_random=False),
)
def test_every_entry_appears_once_and_as_the_rules_read_whatever_the_order(
    listed: list[dict[str, Any]], vouchers: list[Row], usage: list[Row], shuffled: Random
) -> None:
    numbered = [entry | {"entry_no": number} for number, entry in enumerate(listed)]
    expected = {
        entry["entry_no"]: expected_row(entry, vouchers, usage)
        for entry in numbered
        if key(entry["group_coa_account_no"]) == "18412"
    }
    found = classify(numbered, vouchers, usage)
    assert len(found) == len(expected)
    assert {row["entry_no"]: (row["bridge_category"], row["voucher_type"]) for row in found} == expected
    assert [(row["id_company"], row["entry_no"]) for row in found] == sorted(
        (row["id_company"], row["entry_no"]) for row in found
    )
    for listing in (numbered, vouchers, usage):
        shuffled.shuffle(listing)
    assert classify(numbered, vouchers, usage) == found
