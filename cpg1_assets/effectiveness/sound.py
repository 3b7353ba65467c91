"""What is sound in the small books: rows that the rules must bring together and let pass, of every way they have for it.

A rule file that no longer knows one of the ways finds open items here, where there is nothing to be found.
"""

from datetime import datetime, time, timedelta
from decimal import Decimal

from cpg1_assets.effectiveness.books import VOUCHERS, Company, Held


def agreeing(company: Company, held: tuple[Held, ...]) -> None:
    """Have each line agree in one thing, so that no company is without a sound part."""
    for each in held:
        for account in each.accounts:
            company.closing[account] += 0  # an account without entries has a balance all the same
        reference = company.agree(each, company.account(each), company.sound_amount(), company.day())
        if each.extract == VOUCHERS:
            company.rows["jdash"].append(
                {"id_company": company.code, "voucher_id": reference, "amount_used": Decimal(0)}
            )


def everything(company: Company, held: tuple[Held, ...]) -> None:
    """Have every account agree, and every pass, bridge and look-up something that it must let pass."""
    for each in held:
        for account in each.accounts:
            company.agree(each, account, company.sound_amount(), company.day())
    of = {each.extract: each for each in held}
    if "ipe_07" in of:
        _named(company, of["ipe_07"])
        _one_customer(company, of["ipe_07"])
    if "ipe_31" in of:
        _linked(company, of["ipe_31"])
    if "ipe_34" in of:
        # What no marketplace seller sold is no liability of this line.
        company.owe(
            of["ipe_34"], company.sound_amount(), company.reference(), company.day(), is_marketplace=False
        )
    if VOUCHERS in of:
        _expiry_run(company, of[VOUCHERS])
        _usage(company, of[VOUCHERS])
        _cancelled(company, of[VOUCHERS])
        _delivered(company, of[VOUCHERS])
        company.owe(
            of[VOUCHERS],
            company.sound_amount(),
            company.reference("M"),
            company.day(),
            business_use="marketing",
        )


def _named(company: Company, held: Held) -> None:
    """Add an entry whose description holds the reference."""
    amount, day, reference = company.sound_amount(), company.day(), company.reference()
    company.owe(held, amount, reference, day)
    company.post(
        held,
        company.account(held),
        amount,
        company.reference("J"),
        day,
        document_description=f"INT-{reference}",
    )


def _one_customer(company: Company, held: Held) -> None:
    """Add a customer with one posting group and business line, written in two ways."""
    customer = company.reference("C")
    for group, busline in (("LOCAL", "RETAIL"), ("local ", " retail")):
        amount, day, reference = company.sound_amount(), company.day(), company.reference()
        company.owe(
            held,
            amount,
            reference,
            day,
            customer_no=customer,
            customer_posting_group=group,
            busline_code=busline,
        )
        company.post(held, company.account(held), amount, reference, day)


def _linked(company: Company, held: Held) -> None:
    """Add two collections that went into one list, and the payment of both."""
    day, payment, in_list = company.day(), company.reference("P"), company.reference("L")
    total = Decimal(0)
    for _ in range(2):
        amount, reference = company.sound_amount(), company.reference()
        company.owe(held, amount, reference, day)
        company.rows["collection_links"].append(
            {
                "id_company": company.code, "related_entity": reference, "transaction_list_no": in_list,
                "payment_no": payment,
            }
        )  # fmt: skip
        total += amount
    company.post(held, company.account(held), total, payment, day)


def _expiry_run(company: Company, held: Held) -> None:
    """Add two vouchers that expired, and the run that booked both."""
    month = company.month
    day = month.month_start + timedelta(days=company.draws.number(1, 20))
    total = Decimal(0)
    for _ in range(2):
        amount, reference = company.sound_amount(), company.reference("E")
        issued = month.month_start - timedelta(days=company.draws.number(1, 20))
        company.post(held, company.account(held), -amount, reference, issued)
        company.owe(
            held, amount, reference, issued, business_use="apology_v2", is_valid="expired",
            to_date=datetime.combine(day, time(9)),
        )  # fmt: skip
        total += amount
    company.post(
        held, company.account(held), total, None, day, voucher_no=None, document_no=company.reference("N"),
        document_description="EXPR_APLGY", user_id="JUMIA/BY.HAND",
    )  # fmt: skip


def _usage(company: Company, held: Held) -> None:
    """Add an entry that says it is the use of some voucher, and the one voucher that lacks it."""
    used, left = company.sound_amount(), company.sound_amount()
    day = company.month.previous().cutoff_date
    reference = company.reference("V")
    company.post(held, company.account(held), -(used + left), reference, day)
    company.owe(
        held, used + left, reference, day, remaining_amount=left, total_amount_used=used,
        last_time_used=datetime.combine(day, time(15)),
    )  # fmt: skip
    company.post(
        held, company.account(held), used, None, day, voucher_no=None, document_no=company.reference("I"),
        document_description="ITEMPRICECREDIT",
    )  # fmt: skip


def _cancelled(company: Company, held: Held) -> None:
    """Add a refund voucher that was cancelled, and paid out at what remained."""
    amount, day, reference = company.sound_amount(), company.day(), company.reference("V")
    issued = company.month.month_start - timedelta(days=company.draws.number(1, 20))
    company.post(held, company.account(held), -amount, reference, issued)
    company.owe(
        held,
        amount,
        reference,
        issued,
        is_active=False,
        voucher_inactive_date=datetime.combine(day, time(15)),
    )
    company.post(
        held, company.account(held), amount, reference, day, user_id="JUMIA/BY.HAND",
        bal_account_type="Bank Account",
    )  # fmt: skip


def _delivered(company: Company, held: Held) -> None:
    """Add a voucher that was used up and delivered, in BOB, NAV and JDash alike."""
    amount, day, reference = company.sound_amount(), company.day(), company.reference("V")
    company.post(held, company.account(held), -amount, reference, day)
    company.owe(
        held, amount, reference, day, is_active=False, remaining_amount=Decimal(0), total_amount_used=amount,
        last_time_used=datetime.combine(day, time(15)),
    )  # fmt: skip
    company.post(held, company.account(held), amount, reference, day, document_description="ITEMPRICECREDIT")
    company.rows["doc_voucher_usage"].append(
        {
            "id_company": company.code, "voucher_id": reference, "transaction_no": company.reference("T"),
            "business_use": "refund", "delivery_month": company.month.year * 100 + company.month.month,
            "total_amount_used": amount,
        }
    )  # fmt: skip
    company.rows["jdash"].append({"id_company": company.code, "voucher_id": reference, "amount_used": amount})
