"""How BOB shows vouchers: a closing snapshot a month end, and the templates behind them.

Lives here: the rows of `V_STORECREDITVOUCHER_CLOSING` and `StoreCreditVoucher`. Does not: vouchers' lives.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from cpg1_assets.sample_books.columns import blank, chosen, digits, flag, joined, moment, money, number, same
from cpg1_assets.sample_books.months import DAY, ENDS, FIRST_SNAPSHOT, HOUR, LAST, NEVER, Ints, at, midnight
from cpg1_assets.sample_books.vouchers import KINDS, MARKETING

if TYPE_CHECKING:
    from cpg1_assets.sample_books.columns import Column
    from cpg1_assets.sample_books.group import Company
    from cpg1_assets.sample_books.tables import Shelf
    from cpg1_assets.sample_books.vouchers import Vouchers

_SNAPSHOTS = "[AIG_Nav_Jumia_Reconciliation].[dbo].[V_STORECREDITVOUCHER_CLOSING]"
_USES = [use for use, _ in KINDS]
_TEMPLATES = ("Refund, standard", "Geste commercial", 'JForce "pay-out"', "قسيمة هدية", "Store credit", None)
_REASONS = ("item returned", "late delivery, client fâché", None, "payout")


def write_snapshots(shelf: Shelf, company: Company, vouchers: Vouchers, codes: Column) -> None:
    """Write a row for every voucher there was at each month end since snapshots are kept."""
    first = np.maximum(np.searchsorted(ENDS, vouchers.created, side="right"), FIRST_SNAPSHOT)
    times = np.maximum(LAST + 1 - first, 0)
    place = np.repeat(np.arange(len(vouchers), dtype=np.int64), times)
    start = np.repeat(np.cumsum(times) - times, times)
    month = first[place] + np.arange(len(place)) - start
    order = np.lexsort((place, month))
    place, month = place[order], month[order]
    ordered = vouchers.grid["ordered"][place, month]
    last = vouchers.grid["last"][place, month]
    remaining = vouchers.discount[place] - ordered
    created = vouchers.created[place]
    cancelled = np.where(vouchers.cancelled[place] < ENDS[month], vouchers.cancelled[place], NEVER)
    dead = (remaining == 0) | (cancelled < NEVER)
    by_template = vouchers.by_template[place]
    inactive = np.where(cancelled < NEVER, cancelled, np.where(remaining == 0, last, NEVER))
    marketing = vouchers.family[place] == MARKETING
    count = len(place)
    shelf.put(
        _SNAPSHOTS,
        {
            "ID_COMPANY": same(company.code, count),
            "id": digits(vouchers.number[place]),
            "code": codes.take(pa.array(place)),
            "business_use": chosen(_USES, vouchers.kind[place]),
            "description": chosen(("Bon d'achat", "Voucher, one order", None), vouchers.number[place] % 3),
            "is_active": flag(~dead, missing=marketing & dead & (vouchers.number[place] % 7 == 0)),
            "type": chosen(("voucher", "reusablecredit"), 1 - marketing.astype(np.int64)),
            "Template_status": chosen(
                ("active", "inactive"), (by_template & (cancelled < NEVER)).astype(np.int64)
            ),
            "discount_amount": money(vouchers.discount[place]),
            "from_date": moment(midnight(created)),
            "to_date": moment(vouchers.to_date[place]),
            "created_at": moment(created),
            "updated_at": moment(
                np.maximum(np.maximum(created, last), np.where(cancelled < NEVER, cancelled, 0))
            ),
            "last_time_used": moment(np.where(last > 0, last, NEVER)),
            "snapshot_date": moment(ENDS[month] - DAY),
            "voucher_inactive_date": moment(np.where(by_template & (cancelled < NEVER), NEVER, inactive)),
            "template_inactive_date": moment(np.where(by_template, cancelled, NEVER)),
            "reason": chosen(_REASONS, vouchers.number[place] % len(_REASONS)),
            "fk_customer": blank(digits(vouchers.customer[place], 7), vouchers.number[place] % 53 == 0),
            "used_discount_amount": money(
                ordered, missing=(ordered == 0) & (vouchers.number[place] % 2 == 0)
            ),
            "times_used": number(vouchers.grid["count"][place, month]),
            "remaining_amount": money(remaining),
        },
    )
    _write_templates(shelf, company, vouchers.number)


def write_ancient_vouchers(shelf: Shelf, company: Company) -> None:
    """Leave two vouchers of 2015 in every snapshot: still spendable, and no longer the control's."""
    numbers = np.array([41, 42], dtype=np.int64)
    month = np.repeat(np.arange(FIRST_SNAPSHOT, LAST + 1), len(numbers))
    who = np.tile(numbers, LAST + 1 - FIRST_SNAPSHOT)
    count = len(who)
    born: Ints = np.full(count, at(2015, 5, 4) + 9 * HOUR + 3_000, dtype=np.int64)
    value: Ints = np.full(count, 5_000 * company.lcy_per_usd, dtype=np.int64)
    none: Ints = np.full(count, NEVER, dtype=np.int64)
    shelf.put(
        _SNAPSHOTS,
        {
            "ID_COMPANY": same(company.code, count),
            "id": digits(who),
            "code": digits(who, 8, "OLD"),
            "business_use": same("refund", count),
            "description": same("Vieux bon, « à vie »", count),
            "is_active": flag(np.ones(count, dtype=np.bool_)),
            "type": same("reusablecredit", count),
            "Template_status": same("active", count),
            "discount_amount": money(value),
            "from_date": moment(midnight(born)),
            "to_date": moment(np.full(count, at(2030, 1, 1), dtype=np.int64)),
            "created_at": moment(born),
            "updated_at": moment(born),
            "last_time_used": moment(none),
            "snapshot_date": moment(ENDS[month] - DAY),
            "voucher_inactive_date": moment(none),
            "template_inactive_date": moment(none),
            "reason": same(None, count),
            "fk_customer": same(None, count),
            "used_discount_amount": money(np.zeros(count, dtype=np.int64)),
            "times_used": number(np.zeros(count, dtype=np.int64)),
            "remaining_amount": money(value),
        },
    )
    _write_templates(shelf, company, numbers)


def _write_templates(shelf: Shelf, company: Company, numbers: Ints) -> None:
    """Write the template of each voucher; one in a hundred is listed under two."""
    twice = numbers[numbers % 101 == 0]
    every = np.concatenate([numbers, twice])
    again = np.concatenate([np.zeros(len(numbers), dtype=np.int64), np.ones(len(twice), dtype=np.int64)])
    template = every % 97 + again
    shelf.put(
        "[AIG_Nav_Jumia_Reconciliation].[dbo].[StoreCreditVoucher]",
        {
            "ID_COMPANY": same(company.code, len(every)),
            "id": digits(every),
            "template_id": digits(template, 4),
            "template_name": joined(
                chosen([name or "Voucher" for name in _TEMPLATES], template % len(_TEMPLATES)),
                " v",
                digits(again),
            ),
        },
    )
