"""The kinds of faults: how each is planted in a company of the small books, and all that must be found of it then.

A kind says in advance what every rule and check makes of its company; what is found beside that is a false alarm. Causes
are those that the control's own rules propose, so a cause that a rule file no longer gives is a fault that is missed.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, TypeAlias

from cpg1_assets.effectiveness.books import VOUCHERS, Company, Held
from cpg1_assets.effectiveness.findings import MATERIALITY, UNCLASSIFIED, Finding, accrual, classified

NewCompany: TypeAlias = Callable[[], Company]
_ON_THE_WAY = timedelta(days=20)
_NEVER_COMES = timedelta(days=75)
"""How long before the end of the month an order was made that is still on its way, and one that nobody waits for."""

TRANSACTION_TYPES = (
    "Transfer to", "Third Party Collection", "Payment - Rev", "Translist in progress", "Transfer", "Payment Charges Rev",
    "Transfer From", "Reallocation From", "JForce Payout", "Refund", "Refunds", "Sales Credit Memo", "Delivery",
    "Delivered",
)  # fmt: skip
"""What collection items can be, but `Payment`, which all sound ones are. Source: Rules, "Classification"."""


@dataclass
class Fault:
    """One planted fault: its kind and line, in words, its amount (LCY), and what must be found of it, by company.

    The first of `expected` is the company it is told of.
    """

    kind: str
    line: str | None
    what: str
    amount: Decimal | None
    expected: dict[str, Counter[Finding]] = field(default_factory=dict)
    transaction_type: str | None = None

    def expects(self, company: Company, *findings: Finding) -> "Fault":
        """Add what must be found of a company."""
        self.expected.setdefault(company.code, Counter()).update(findings)
        return self

    def leaves_open(
        self, company: Company, cause: str, difference: Decimal, *, explained: bool = False
    ) -> "Fault":
        """Expect an open item, and the line to be explained by a bridge, or to fail, and with it the country."""
        self.expects(company, Finding("open_items", self.line, cause, difference))
        if explained:
            return self.expects(company, Finding("reconciliation", self.line, "EXPLAINED", Decimal(0)))
        return self.fails(company, difference)

    def fails(self, company: Company, unexplained: Decimal) -> "Fault":
        """Expect the line to fail, and the country."""
        by = f"reconciliation.{self.line}_explained"
        return self.expects(
            company,
            Finding(by, self.line, "VARIANCE_DETECTED", unexplained),
            Finding(MATERIALITY, None, ""),
        )


def of_lines(lines: Mapping[str, str], held: tuple[Held, ...], new: NewCompany) -> Iterator[Fault]:
    """Plant every kind that each line can have; `lines` are the names of the lines by their target extract."""
    for each in held:
        line = lines.get(each.extract, each.extract)
        for kind in _OF_EVERY_LINE:
            yield kind(line, each, new)
        if each.extract != VOUCHERS:
            yield _wrong_amount(line, each, new)
        if each.extract == "ipe_07":
            yield _part_paid(line, each, new)
            yield _two_posting_groups(line, each, new)
            yield _two_business_lines(line, each, new)
        if each.extract == "ipe_31":
            yield from (_item_of_type(name, line, each, new) for name in TRANSACTION_TYPES)
            yield _unclassified(line, each, new)
        if each.extract == VOUCHERS:
            yield from (kind(line, each, new) for kind in _OF_VOUCHERS)
            yield _unknown_voucher(line, new)
            yield from _entries_without_vouchers(line, each, new)


def of_files(lines: Mapping[str, str], held: tuple[Held, ...], new: NewCompany) -> Iterator[Fault]:
    """Plant what a company can lack altogether: a balance, a rate, a snapshot, a file."""
    named = [lines.get(each.extract, each.extract) for each in held]
    yield _no_balances(named, new)
    yield _without_a_rate("no FX rate", "The company has no closing rate", (None,), named, new)
    two = (Decimal("12.5"), Decimal("12.75"))
    yield _without_a_rate("two FX rates", "The company has two closing rates", two, named, new)
    for each in held:
        if each.extract == VOUCHERS:
            line = lines.get(each.extract, each.extract)
            yield from (kind(line, new) for kind in (_no_jdash, _no_snapshot))


def _posted_twice(line: str, held: Held, new: NewCompany) -> Fault:
    company = new()
    amount, day = company.fault_amount(), company.day()
    account, reference = company.account(held), company.reference()
    company.owe(held, amount, reference, day)
    for _ in range(2):
        company.post(held, account, held.sign * amount, reference, day)
    fault = Fault("posted twice", line, f"{reference} is in NAV twice", amount)
    fault.leaves_open(company, "posted twice", held.sign * amount)
    return _with_issuance(fault, company, held, -amount)


def _never_posted(line: str, held: Held, new: NewCompany) -> Fault:
    company = new()
    amount, day = company.fault_amount(), company.day()
    reference = company.reference()
    company.owe(held, amount, reference, day)
    fault = Fault("never posted", line, f"{reference} is not in NAV", amount)
    fault.leaves_open(company, "never posted", -held.sign * amount)
    return _with_issuance(fault, company, held, amount)


def _never_settled(line: str, held: Held, new: NewCompany) -> Fault:
    company = new()
    amount, day = company.fault_amount(), company.day()
    reference = company.reference()
    company.post(held, company.account(held), held.sign * amount, reference, day)
    fault = Fault("never settled", line, f"{reference} is open in NAV only", amount)
    fault.leaves_open(company, "never posted", held.sign * amount)
    return _with_issuance(fault, company, held, -amount)


def _manual_journal(line: str, held: Held, new: NewCompany) -> Fault:
    company = new()
    amount, day = company.fault_amount(), company.day()
    company.post(
        held, company.account(held), held.sign * amount, company.reference("J"), day,
        source_code="GENJNL", user_id="JUMIA/BY.HAND",
    )  # fmt: skip
    fault = Fault("manual journal", line, "A journal by hand stands against nothing", amount)
    fault.leaves_open(company, "manual journal", held.sign * amount)
    return _with_issuance(fault, company, held, -amount)


def _posted_late(line: str, held: Held, new: NewCompany) -> Fault:
    company = new()
    amount, day = company.fault_amount(), company.day()
    reference = company.reference()
    company.owe(held, amount, reference, day)
    company.post(
        held, company.account(held), held.sign * amount, reference, day, leaves_out=["cr_04"],
        gl_creation_date=company.balance_taken + timedelta(hours=company.draws.number(1, 48)),
    )  # fmt: skip
    fault = Fault("posted late", line, f"{reference} was entered after the balance was taken", amount)
    fault.leaves_open(company, "posted after the close", -held.sign * amount)
    return fault.expects(company, Finding("gl_roll_forward.ties_out", None, ""))


def _posted_elsewhere(line: str, held: Held, new: NewCompany) -> Fault:
    company, other = new(), new()
    day = company.day()
    # The same figure in the currency of either: large in both.
    amount = max(company.fault_amount(), other.fault_amount())
    reference = company.reference()
    company.post(held, company.account(held), held.sign * amount, reference, day)
    other.owe(held, amount, reference, day)
    fault = Fault("posted in another company", line, f"{reference} is of {other.code}", amount)
    fault.leaves_open(company, "unknown account or company", held.sign * amount)
    fault.leaves_open(other, "never posted", -held.sign * amount)
    _with_issuance(fault, company, held, -amount)
    return _with_issuance(fault, other, held, amount)


def _below_a_cent(line: str, held: Held, new: NewCompany) -> Fault:
    company = new()
    amount, day, reference = company.sound_amount(), company.day(), company.reference()
    off = Decimal(company.draws.number(1, 99)) / 10_000
    company.owe(held, amount, reference, day)
    company.post(held, company.account(held), held.sign * (amount + off), reference, day)
    fault = Fault("less than a cent off", line, f"{reference} differs by less than a cent", off)
    return fault.expects(company, Finding("open_items", line, "rounding", held.sign * off))


def _balance_alone(line: str, held: Held, new: NewCompany) -> Fault:
    company = new()
    amount = company.fault_amount()
    account = company.account(held)
    company.closing[account] += amount
    fault = Fault(
        "balance without entries", line, f"The balance of {account} holds more than its entries", amount
    )
    fault.leaves_open(company, "unknown", amount)
    return fault.expects(company, _TIES_OUT, _TIES_TO_THE_BALANCES)


def _open_entry_missing(line: str, held: Held, new: NewCompany) -> Fault:
    company = new()
    amount, day = company.fault_amount(), company.day()
    reference = company.reference()
    company.owe(held, amount, reference, day)
    company.post(
        held, company.account(held), held.sign * amount, reference, day, leaves_out=["nav_open_items"]
    )
    fault = Fault("open entry not drawn", line, f"{reference} is not among the open entries", amount)
    return fault.expects(
        company,
        Finding("open_items", line, "unknown", held.sign * amount),
        Finding("open_items", line, "never posted", -held.sign * amount),
        _TIES_TO_THE_BALANCES,
    )


def _entry_of_the_year_missing(line: str, held: Held, new: NewCompany) -> Fault:
    company = new()
    amount, day = company.fault_amount(), company.day()
    reference = company.reference()
    company.owe(held, amount, reference, day)
    company.post(held, company.account(held), held.sign * amount, reference, day, leaves_out=["cr_03"])
    fault = Fault("entry of the year not drawn", line, f"{reference} is not among the year's entries", amount)
    fault.expects(company, _TIES_OUT)
    return _with_issuance(fault, company, held, amount)


def _wrong_amount(line: str, held: Held, new: NewCompany) -> Fault:
    company = new()
    amount, day = company.fault_amount(), company.day()
    reference, right = company.reference(), company.sound_amount()
    company.owe(held, right, reference, day)
    company.post(held, company.account(held), held.sign * (right + amount), reference, day)
    fault = Fault("booked at another amount", line, f"{reference} is in NAV at another amount", amount)
    return fault.leaves_open(company, "booked at another amount", held.sign * amount)


def _part_paid(line: str, held: Held, new: NewCompany) -> Fault:
    company = new()
    amount, day = company.fault_amount(), company.day()
    reference, paid = company.reference(), company.sound_amount()
    company.owe(held, amount - paid, reference, day, original_amount_lcy=amount)
    company.post(
        held, company.account(held), -paid, company.reference("P"), day, document_type="Payment",
        source_type="Customer", source_no=f"C{reference}",
    )  # fmt: skip
    fault = Fault("never posted, part paid", line, f"{reference} is not in NAV, its payment is", amount)
    return fault.leaves_open(company, "never posted", -amount)


def _two_posting_groups(line: str, held: Held, new: NewCompany) -> Fault:
    company = new()
    day = company.day()
    customer, total = company.reference("C"), Decimal(0)
    for group in ("LOCAL", "FOREIGN"):
        amount, reference = company.sound_amount(), company.reference()
        company.owe(held, amount, reference, day, customer_no=customer, customer_posting_group=group)
        company.post(held, company.account(held), amount, reference, day)
        total += amount
    fault = Fault("two posting groups", line, f"Customer {customer} has open entries of two groups", total)
    return fault.expects(company, Finding("customer_posting_group_bridge", None, customer, total))


def _two_business_lines(line: str, held: Held, new: NewCompany) -> Fault:
    company = new()
    day = company.day()
    customer, lesser = company.reference("C"), company.sound_amount()
    for amount, busline in ((lesser, "RETAIL"), (company.fault_amount(), "MARKETPLACE")):
        reference = company.reference()
        company.owe(held, amount, reference, day, customer_no=customer, busline_code=busline)
        company.post(held, company.account(held), amount, reference, day)
    fault = Fault(
        "two business lines", line, f"Customer {customer} has balances on two business lines", lesser
    )
    return fault.expects(company, Finding("business_line_reclass", None, f"{customer} RETAIL", lesser))


def _item_of_type(name: str, line: str, held: Held, new: NewCompany) -> Fault:
    company = new()
    amount, day = company.sound_amount(), company.day()
    reference = company.reference()
    company.owe(held, amount, reference, day, transaction_type=name)
    company.post(held, company.account(held), amount, reference, day)
    fault = Fault(
        f"item to classify: {name}", line, f"{reference} is a {name}", amount, transaction_type=name
    )
    return fault.expects(company, Finding("ipe_31_classified", None, classified(name), amount))


def _unclassified(line: str, held: Held, new: NewCompany) -> Fault:
    company = new()
    amount, day = company.sound_amount(), company.day()
    reference = company.reference()
    name = f"Unheard of {reference}"
    company.owe(held, amount, reference, day, transaction_type=name)
    company.post(held, company.account(held), amount, reference, day)
    fault = Fault(
        "item of no known type", line, f"{reference} is of no known type", amount, transaction_type=name
    )
    return fault.expects(company, Finding(UNCLASSIFIED, None, ""))


def _used_not_delivered(line: str, held: Held, new: NewCompany) -> Fault:
    return _in_transit("used, not delivered yet", _ON_THE_WAY, line, held, new)


def _never_delivered(line: str, held: Held, new: NewCompany) -> Fault:
    return _in_transit("ordered, never delivered", _NEVER_COMES, line, held, new)


def _in_transit(cause: str, before: timedelta, line: str, held: Held, new: NewCompany) -> Fault:
    company = new()
    amount = company.fault_amount()
    used = company.month.next_month_start - before
    reference = _voucher_of_old(
        company, held, amount, used, remaining=Decimal(0), is_active=False, last_time_used=_at(used)
    )
    company.rows["jdash"].append(_jdash(company, reference, amount))
    fault = Fault(cause, line, f"Voucher {reference} was ordered with and is not delivered", amount)
    fault.leaves_open(company, cause, -amount, explained=True)
    return fault.expects(company, Finding("timing_difference_bridge", None, reference, amount))


def _partly_used(line: str, held: Held, new: NewCompany) -> Fault:
    company = new()
    amount = company.fault_amount()
    used, left = company.month.next_month_start - _ON_THE_WAY, company.sound_amount()
    reference = _voucher_of_old(company, held, amount + left, used, remaining=left, last_time_used=_at(used))
    company.rows["jdash"].append(_jdash(company, reference, amount))
    fault = Fault("partly used, in transit", line, f"A part of voucher {reference} is on its way", amount)
    return fault.leaves_open(company, "partly used, in transit", -amount)


def _cancelled(line: str, held: Held, new: NewCompany) -> Fault:
    company = new()
    amount, day = company.fault_amount(), company.day()
    reference = _voucher_of_old(
        company, held, amount, day, remaining=amount, is_active=False, voucher_inactive_date=_at(day)
    )
    fault = Fault("cancelled, not booked", line, f"Refund voucher {reference} was cancelled", amount)
    fault.leaves_open(company, "cancelled, not booked", -amount, explained=True)
    return fault.expects(
        company, Finding("vtc_adjustment", None, reference, amount), accrual("VTC", "Refund", -amount)
    )


def _cancelled_at_another_amount(line: str, held: Held, new: NewCompany) -> Fault:
    company = new()
    amount, day = company.fault_amount(), company.day()
    booked = company.sound_amount()
    reference = _voucher_of_old(
        company, held, amount + booked, day, remaining=amount + booked, is_active=False,
        voucher_inactive_date=_at(day),
    )  # fmt: skip
    _pay_out(company, held, booked, reference, day)
    fault = Fault(
        "booked at another amount", line, f"Voucher {reference} was paid out at another amount", amount
    )
    fault.leaves_open(company, "booked at another amount", -amount)
    return fault.expects(
        company, accrual("VTC", "Refund", -amount),
        Finding("vtc_adjustment.booked_at_what_remained", None, ""),
    )  # fmt: skip


def _expired(line: str, held: Held, new: NewCompany) -> Fault:
    company = new()
    amount, day = company.fault_amount(), company.day()
    reference = _voucher_of_old(
        company, held, amount, day, remaining=amount, is_valid="expired", to_date=_at(day)
    )
    fault = Fault("expired, not booked", line, f"Voucher {reference} expired", amount)
    fault.leaves_open(company, "expired, not booked", -amount)
    return fault.expects(company, accrual("Expired", "Refund", -amount))


def _used_in_another_month(line: str, held: Held, new: NewCompany) -> Fault:
    company = new()
    amount = company.fault_amount()
    day = company.month.previous().cutoff_date
    reference = _voucher_of_old(company, held, amount, day, remaining=amount)
    company.post(held, company.account(held), amount, reference, day, document_description="ITEMPRICECREDIT")
    fault = Fault("booked in another month", line, f"NAV has the use of {reference}, BOB has not", amount)
    return fault.leaves_open(company, "booked in another month", amount)


def _issued_in_another_month(line: str, held: Held, new: NewCompany) -> Fault:
    company = new()
    amount, day = company.fault_amount(), company.day()
    reference = company.reference()
    company.owe(held, amount, reference, day)
    company.post(held, company.account(held), -amount, reference, company.month.previous().cutoff_date)
    fault = Fault("misdated", line, f"{reference} is in NAV a month too early", amount)
    return fault.expects(company, accrual("Issuance", "Refund", amount))


def _unknown_voucher(line: str, new: NewCompany) -> Fault:
    company = new()
    amount = company.fault_amount()
    reference = company.reference("U")
    company.rows["jdash"].append(_jdash(company, reference, amount))
    fault = Fault("unknown voucher", line, f"JDash names voucher {reference}, which nobody issued", amount)
    return fault.expects(company, Finding("jdash.no_unknown_voucher", None, ""))


def _entries_without_vouchers(line: str, held: Held, new: NewCompany) -> Iterator[Fault]:
    """Plant, for each rule of the voucher entries, an entry it applies to that stands against nothing."""
    by_hand = {"user_id": "JUMIA\\BY.HAND"}
    of_rules: tuple[tuple[str, int, str | None, str | None, dict[str, Any]], ...] = (
        ("1", 1, "VTC", "Refund", {**by_hand, "bal_account_type": "Bank Account"}),
        ("2", -1, "Issuance", "JForce", {"document_description": "pyt_ payout"}),
        ("3", -1, "Issuance", "Apology", {**by_hand, "document_description": "cxp voucher"}),
        ("4", 1, "Cancellation", "Apology", {"document_description": "Voucher Accrual"}),
        ("5", 1, "Usage", "JForce", {"document_description": "Delivery"}),
        ("6", 1, "Expired", "JForce", {**by_hand, "document_description": "EXPR_JFORCE"}),
        ("7", 1, "VTC", "Refund", {**by_hand, "document_description": "PYT_ out", "comment": "gtb"}),
        ("8", 1, "Cancellation", "Store Credit", {**by_hand, "document_type": "Credit Memo"}),
        ("9", 1, "Usage", "JForce", {**by_hand, "document_description": "itempricecredit"}),
        ("none", 1, None, None, {**by_hand, "document_description": "?"}),
    )
    for rule, sign, category, voucher_type, columns in of_rules:
        company = new()
        amount, day = company.fault_amount(), company.day()
        reference = company.reference("X")
        company.post(held, company.account(held), sign * amount, reference, day, **columns)
        if category == "Usage":
            company.rows["doc_voucher_usage"].append(_usage(company, reference))
        fault = Fault(
            f"voucher entry of rule {rule}", line, f"{reference} stands against nothing", sign * amount
        )
        fault.leaves_open(company, "never posted", sign * amount)
        fault.expects(company, accrual(category, voucher_type, sign * amount))
        if category is None:
            fault.expects(company, Finding("nav_voucher_entries.every_entry_categorised", None, ""))
        yield fault


def _no_balances(lines: list[str], new: NewCompany) -> Fault:
    company = new()
    for name in ("nav_open_items", "cr_03"):
        company.rows.pop(name, None)
    company.opening.clear()
    company.closing.clear()
    fault = Fault("no balances", None, "The company has no balance at the cutoff date", None)
    return _not_computed(fault, company, lines)


def _without_a_rate(
    kind: str, what: str, rates: tuple[Decimal | None, ...], lines: list[str], new: NewCompany
) -> Fault:
    company = new()
    company.rates = rates
    fault = Fault(kind, None, what, None)
    fault.expects(
        company, Finding("cr_05.every_company_has_a_rate", None, ""), Finding(MATERIALITY, None, "")
    )
    if company.rows[VOUCHERS]:
        # Its one voucher agrees, and nobody can say what that is in USD.
        fault.expects(company, accrual("Issuance", "Refund", Decimal(0)))
    return _not_computed(fault, company, lines)


def _no_jdash(line: str, new: NewCompany) -> Fault:
    company = new()
    company.rows.pop("jdash", None)
    fault = Fault("no JDash file", line, "The company has no JDash file", None)
    fault.expects(company, Finding(MATERIALITY, None, ""))
    return _not_computed(fault, company, [line])


def _no_snapshot(line: str, new: NewCompany) -> Fault:
    company = new()
    company.rows.pop(VOUCHERS, None)
    fault = Fault("no voucher snapshot", line, "The company has no row in the voucher snapshot", None)
    fault.expects(company, Finding(MATERIALITY, None, ""), Finding("jdash.no_unknown_voucher", None, ""))
    return _not_computed(fault, company, [line])


_TIES_OUT = Finding("gl_roll_forward.ties_out", None, "")
_TIES_TO_THE_BALANCES = Finding("nav_open_items.ties_to_the_balances", None, "")
_OF_EVERY_LINE = (
    _posted_twice, _never_posted, _never_settled, _manual_journal, _posted_late, _posted_elsewhere, _below_a_cent,
    _balance_alone, _open_entry_missing, _entry_of_the_year_missing,
)  # fmt: skip
_OF_VOUCHERS = (
    _used_not_delivered, _never_delivered, _partly_used, _cancelled, _cancelled_at_another_amount, _expired,
    _used_in_another_month, _issued_in_another_month,
)  # fmt: skip


def _not_computed(fault: Fault, company: Company, lines: list[str]) -> Fault:
    for line in lines:
        fault.expects(company, Finding(f"reconciliation.{line}_explained", line, "NOT_COMPUTED"))
    return fault


def _with_issuance(fault: Fault, company: Company, held: Held, variance: Decimal) -> Fault:
    """Expect, of a voucher, what the entry or the voucher that stands alone makes of the month's issuances."""
    if held.extract == VOUCHERS:
        fault.expects(company, accrual("Issuance", "Refund", variance))
    return fault


def _voucher_of_old(
    company: Company, held: Held, amount: Decimal, before: date, remaining: Decimal, **more: object
) -> str:
    """Issue a voucher in the month before `before` or earlier, in BOB and in NAV, and say what became of it."""
    first = min(before, company.month.month_start)
    day = first - timedelta(days=company.draws.number(1, 20))
    reference = company.reference("V")
    company.post(held, company.account(held), -amount, reference, day)
    company.owe(held, amount, reference, day, remaining_amount=remaining, **more)
    return reference


def _pay_out(company: Company, held: Held, amount: Decimal, reference: str, day: date) -> None:
    company.post(
        held, company.account(held), amount, reference, day, user_id="JUMIA/BY.HAND",
        bal_account_type="Bank Account", document_description="Paid out",
    )  # fmt: skip


def _jdash(company: Company, reference: str, amount: Decimal) -> dict[str, object]:
    return {"id_company": company.code, "voucher_id": reference, "amount_used": amount}


def _usage(company: Company, reference: str) -> dict[str, object]:
    """Say of a voucher that nobody holds any more that it was used in another month."""
    earlier = company.month.previous()
    return {
        "id_company": company.code, "voucher_id": reference, "transaction_no": f"T{reference}",
        "business_use": "jforce", "delivery_month": earlier.year * 100 + earlier.month,
        "total_amount_used": Decimal(1),
    }  # fmt: skip


def _at(day: date) -> datetime:
    return datetime.combine(day, time(15))
