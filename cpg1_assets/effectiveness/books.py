"""The small books: companies with rows of every extract, both sides of each line in agreement until a fault is planted.

What a balance is held against is written here a second time, on purpose: a lines file that says something else finds
open items in sound books, and so shows.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, TypeAlias

import pyarrow as pa

from cpg1_assets.effectiveness.draws import Draws
from cpg1_assets.frame import Column, FrameSpec
from cpg1_assets.month import CutoffMonth

Row: TypeAlias = dict[str, Any]

BATCH_USER = "JUMIA/NAV31AFR.BATCH.SRVC"
VOUCHERS = "ipe_08"
VOUCHER_ACCOUNT = "18412"
# Smallest and largest amounts, in cents of a USD. A fault is above every threshold of the group.
_FAULT_USD = (2_500_000, 9_500_000)
_SOUND_USD = (100, 900)


@dataclass(frozen=True)
class Held:
    """What the balance of some accounts is held against: the extract, and the sign its amounts have in NAV."""

    extract: str
    accounts: tuple[str, ...]
    sign: int


HELD = (
    Held("ipe_07", ("13003", "13004", "13009"), 1),
    Held("ipe_31", ("13001", "13002"), 1),
    Held("ipe_12", ("13005", "13024"), 1),
    Held("ipe_10", ("18350",), -1),
    Held(VOUCHERS, (VOUCHER_ACCOUNT,), -1),
    Held("ipe_34", ("18317",), 1),
)
"""Every account of the control's full scope, once. Source: Reconciliation, "Lines"."""


@dataclass
class Company:
    """One company of the small books: its rows by extract, and what its entries have moved its balances by."""

    number: int
    month: CutoffMonth
    draws: Draws = field(repr=False)
    rows: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))
    opening: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    closing: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    rates: tuple[Decimal | None, ...] = field(init=False)
    _rate: Decimal = field(init=False)
    _entries: int = 0

    def __post_init__(self) -> None:
        """Draw the company's rate."""
        self._rate = Decimal(self.draws.number(15_000, 9_000_000)) / 10_000
        self.rates = (self._rate,)

    @property
    def code(self) -> str:
        """Its `id_company`."""
        return f"PLANTED_{self.number:03d}"

    @property
    def country(self) -> str:
        """Its country: one of its own, so that what is found of a country is of one company."""
        return f"X{self.number:03d}"

    @property
    def balance_taken(self) -> datetime:
        """When its balances were taken."""
        return datetime.combine(self.month.next_month_start + timedelta(days=1), time(3))

    def fault_amount(self) -> Decimal:
        """Draw an amount, LCY, that nobody may overlook."""
        return self._lcy(*_FAULT_USD)

    def sound_amount(self) -> Decimal:
        """Draw a small amount, LCY."""
        return self._lcy(*_SOUND_USD)

    def _lcy(self, first: int, last: int) -> Decimal:
        return (Decimal(self.draws.number(first, last)) / 100 * self._rate).quantize(Decimal("0.01"))

    def reference(self, letter: str = "R") -> str:
        """Draw a reference that no other row has."""
        self._entries += 1
        return f"{letter}{self.number:03d}{self.draws.number(100, 999)}{self._entries:04d}"

    def day(self) -> date:
        """Draw a day of the month."""
        return self.month.month_start + timedelta(days=self.draws.number(0, self.month.cutoff_date.day - 1))

    def account(self, held: Held) -> str:
        """Draw one of the accounts."""
        return held.accounts[self.draws.number(0, len(held.accounts) - 1)]

    def post(
        self,
        held: Held,
        account: str,
        amount: Decimal,
        reference: str | None,
        day: date,
        *,
        leaves_out: Iterable[str] = (),
        **more: object,
    ) -> None:
        """Post an entry in NAV: among the open ones, among the year's, and in the balance; not where it `leaves_out`.

        `amount` is LCY in NAV's sign; `more` are columns that say something else than such an entry would.
        """
        self._entries += 1
        out = set(leaves_out)
        row = {
            "id_company": self.code, "company_country": self.country, "entry_no": self._entries,
            "gl_account_no": account, "group_coa_account_no": account, "posting_date": day, "document_date": day,
            "document_type": "Invoice", "source_code": "SALES", "user_id": BATCH_USER, "bal_account_type": "G/L Account",
            "reversed": False, "gl_creation_date": datetime.combine(day, time(12)),
            "amount": amount, "remaining_amount": amount, "entry_type": "Other",
            **_named(held, reference), **more,
        }  # fmt: skip
        in_the_year = day >= self.month.year_start
        if "nav_open_items" not in out:
            self.rows["nav_open_items"].append(row)
        if in_the_year and "cr_03" not in out:
            self.rows["cr_03"].append(row)
        if "cr_04" not in out:
            self.closing[account] += amount
            if not in_the_year:
                self.opening[account] += amount

    def owe(self, held: Held, amount: Decimal, reference: str, day: date, **more: object) -> None:
        """Say in the operational system's own words that `amount`, LCY, is open; `more` as with `post`."""
        self._entries += 1
        self.rows[held.extract].append(
            {"id_company": self.code, "company_country": self.country}
            | _told(held.extract, amount, reference, day, self._entries)
            | more
        )

    def agree(self, held: Held, account: str, amount: Decimal, day: date) -> str:
        """Have both sides of a line say the same; give the reference."""
        reference = self.reference()
        self.post(held, account, held.sign * amount, reference, day)
        self.owe(held, amount, reference, day)
        return reference

    def balances(self) -> list[Row]:
        """Give its rows of `cr_04`."""
        of_days = ((self.month.previous_year_end, self.opening), (self.month.cutoff_date, self.closing))
        return [
            {
                "id_company": self.code, "country_code": self.country, "closing_date": day,
                "refresh_date": self.balance_taken, "group_coa_account_no": account, "real_coa": account,
                "balance_at_date": balance,
            }
            for day, balances in of_days
            for account, balance in balances.items()
        ]  # fmt: skip

    def rate_rows(self) -> list[Row]:
        """Give its rows of `cr_05`: one, unless a fault made another number of rates."""
        return [
            {
                "id_company": self.code, "company_country": self.country, "rate_type": "Closing",
                "year": self.month.year, "month": self.month.month, "fx_rate": rate,
            }
            for rate in self.rates
        ]  # fmt: skip


def _named(held: Held, reference: str | None) -> Row:
    """Give what an entry of NAV says of the reference, where the business has it."""
    if held.extract == VOUCHERS:
        document = None if reference is None else f"D{reference}"
        return {
            "voucher_no": reference,
            "document_no": document,
            "document_description": "Voucher issued for REFUND",
        }
    if held.extract == "ipe_10" and reference is not None:
        return {"external_document_no": reference, "document_no": f"D{reference}"}
    return {"document_no": reference}


def _told(extract: str, amount: Decimal, reference: str, day: date, number: int) -> Row:
    """Give the row of an operational system about one open thing."""
    moment = datetime.combine(day, time(10))
    match extract:
        case "ipe_07":
            return {
                "entry_no": number, "document_no": reference, "posting_date": day, "customer_no": f"C{reference}",
                "customer_name": f"Customer {reference}", "customer_posting_group": "LOCAL", "busline_code": "RETAIL",
                "original_amount_lcy": amount, "remaining_amount_lcy": amount,
            }  # fmt: skip
        case "ipe_08":
            return {
                "voucher_id": reference, "business_use": "refund", "business_use_formatted": "Refund",
                "is_active": True, "is_valid": "valid", "created_at": moment, "discount_amount": amount,
                "remaining_amount": amount, "total_amount_used": Decimal(0), "total_remaining_amount": amount,
            }  # fmt: skip
        case "ipe_10":
            return {
                "order_item_id": reference, "order_nr": f"O{reference}", "order_creation_date": moment,
                "finance_verified_date": moment, "is_prepayment": True, "prepayment_amount": amount,
            }  # fmt: skip
        case "ipe_12":
            return {
                "package_number": reference, "order_item_id": f"I{reference}", "order_nr": f"O{reference}",
                "delivered_date": moment, "package_delivery_date": moment, "amount_due": amount,
            }  # fmt: skip
        case "ipe_31":
            return {
                "related_entity": reference, "event_date": moment, "collection_partner": "Hub",
                "transaction_type": "Payment", "amount": amount,
            }  # fmt: skip
        case _:
            return {
                "order_item_id": reference, "order_nr": f"O{reference}", "case_type": "Returned not yet refunded",
                "is_marketplace": True, "return_date": moment, "amount_to_refund": amount,
            }  # fmt: skip


def tables(
    companies: Iterable[Company], specs: Mapping[str, FrameSpec], month: CutoffMonth
) -> dict[str, pa.Table]:
    """Give the books as frames of `specs`, by name: every column of the contract, and no null where it allows none."""
    rows: dict[str, list[Row]] = defaultdict(list)
    for company in companies:
        for name, own in company.rows.items():
            rows[name] += own
        rows["cr_04"] += company.balances()
        rows["cr_05"] += company.rate_rows()
    unknown = rows.keys() - specs.keys()
    if unknown:
        raise TypeError(f"The small books have rows of {', '.join(sorted(unknown))}, which nothing reads.")
    return {name: _table(spec, rows[name], month) for name, spec in specs.items()}


def _table(spec: FrameSpec, rows: Iterable[Row], month: CutoffMonth) -> pa.Table:
    fillers = {column.name: _filler(column, month) for column in spec.columns}
    filled = [
        {name: filler if row.get(name) is None else row[name] for name, filler in fillers.items()}
        for row in rows
    ]
    return pa.Table.from_pylist(filled, schema=spec.arrow_schema)


def _filler(column: Column, month: CutoffMonth) -> object:
    """Give what stands in a column that a row says nothing of: nothing, where the contract allows that."""
    if column.nullable:
        return None
    fillers: dict[str, object] = {
        "text": column.allowed[-1] if column.allowed else "-",
        "integer": 0,
        "flag": False,
        "date": month.cutoff_date,
        "timestamp": datetime.combine(month.month_start, time()),
        "amount": Decimal(0),
        "rate": Decimal(1),
    }
    return fillers[column.type]
