"""Making the books: company by company, in chunks, beside the old ones, and into place when all is there.

Lives here: the order of things and the sizes. Does not: any event of the business.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from cpg1_assets.sample_books import vouchers as voucher_life
from cpg1_assets.sample_books.awkward import make_awkward
from cpg1_assets.sample_books.cash_collections import ID_SPAN, collect, post_cash
from cpg1_assets.sample_books.cash_tables import write_cash, write_partners
from cpg1_assets.sample_books.customers import (
    confuse,
    note_confusion,
    note_renumbered,
    post_customers,
    trade,
    write_customers,
)
from cpg1_assets.sample_books.draws import Draws
from cpg1_assets.sample_books.effects import Effects, Fault
from cpg1_assets.sample_books.events import EventBook
from cpg1_assets.sample_books.faults import (
    break_postings,
    manual_journals,
    months_without_jdash,
    stage_vouchers,
)
from cpg1_assets.sample_books.fx import note_missing, set_rates, write_rates
from cpg1_assets.sample_books.group import COMPANIES, LINES, VOUCHERS
from cpg1_assets.sample_books.group_tables import write_group
from cpg1_assets.sample_books.jdash_files import Usage, collect_usage, write_inbox
from cpg1_assets.sample_books.ledger import GeneralLedger
from cpg1_assets.sample_books.months import FIRST_MONTH, FIRST_SNAPSHOT, LAST, LAST_MONTH
from cpg1_assets.sample_books.order_postings import (
    pack,
    post_packages,
    post_prepayments,
    post_refunds,
    write_packages,
)
from cpg1_assets.sample_books.orders import (
    ancient_items,
    ordinary_orders,
    together,
    write_items,
    write_seller_transactions,
)
from cpg1_assets.sample_books.stray_entries import stray_entries
from cpg1_assets.sample_books.tables import Shelf
from cpg1_assets.sample_books.truth import write_truth
from cpg1_assets.sample_books.voucher_postings import (
    explain_cancellations,
    explain_transit,
    note_marketing,
    post_vouchers,
)
from cpg1_assets.sample_books.voucher_snapshots import write_ancient_vouchers, write_snapshots

if TYPE_CHECKING:
    from collections.abc import Callable

    from cpg1_assets.sample_books.columns import Column
    from cpg1_assets.sample_books.fx import Rates
    from cpg1_assets.sample_books.group import Company
    from cpg1_assets.sample_books.months import Ints

DEFAULT_SEED = 20_240_101
FORMAT = 1

_ORDERS, _OTHER_VOUCHERS, _CUSTOMERS, _INVOICES = 10_300, 2_300, 1_200, 3_600
"""What the group does in all, at factor 1."""

_CHUNK = 20
"""A company is simulated in chunks of this factor, so that memory is bounded."""

_FIRST_ID = 100_001


def make_sample_books(
    root: Path,
    *,
    seed: int = DEFAULT_SEED,
    factor: int = 1,
    progress: Callable[[str], None] | None = None,
) -> None:
    """Make the sample books at `root`, replacing what is there only when the new ones are complete.

    The same `seed` (0 or more) and `factor` (1 or more: how many times the default's customers, orders and
    vouchers) give the same bytes on every machine. `progress` is told, in a sentence, what is being made.
    """
    if seed < 0 or factor < 1:
        raise ValueError(
            f"sample books need a seed of 0 or more and a factor of 1 or more, not {seed} and {factor}"
        )
    root = Path(root)
    root.parent.mkdir(parents=True, exist_ok=True)
    making = Path(tempfile.mkdtemp(prefix=f".{root.name}.making-", dir=root.parent))
    try:
        making.chmod(0o755)
        _write_books(making, seed, factor, progress or (lambda _: None))
        _move_into_place(making, root)
    finally:
        shutil.rmtree(making, ignore_errors=True)


def _move_into_place(making: Path, root: Path) -> None:
    """Swap the finished books in; if that fails, the old ones go back."""
    if not root.exists():
        making.rename(root)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{root.name}.old-", dir=root.parent)) / root.name
    root.rename(old)
    try:
        making.rename(root)
    except OSError:
        old.rename(root)
        raise
    finally:
        shutil.rmtree(old.parent, ignore_errors=True)


def _write_books(root: Path, seed: int, factor: int, progress: Callable[[str], None]) -> None:
    shelf, events = Shelf(root, seed), EventBook(root)
    try:
        rates = set_rates(Draws(seed, 0))
        write_rates(shelf, rates)
        write_group(shelf)
        in_scope = [company for company in COMPANIES if company.in_scope]
        missing = months_without_jdash(Draws(seed, 1), in_scope)
        truths: list[tuple[Company, Effects]] = []
        outside: list[tuple[Company, Effects]] = []
        for company in COMPANIES:
            progress(f"SAMPLE BOOKS: {company.code}, {company.name}")
            effects = Effects(company.code, events)
            _live(root, shelf, effects, company, rates, missing, seed, factor)
            (truths if company.in_scope else outside).append((company, effects))
    finally:
        shelf.close()
        events.close()
    progress("SAMPLE BOOKS: the truth")
    write_truth(root, truths, outside, rates)
    manifest = {
        "title": "SAMPLE BOOKS",
        "format": FORMAT,
        "seed": seed,
        "factor": factor,
        "first_month": FIRST_MONTH,
        "last_month": LAST_MONTH,
        "tables": shelf.contents(),
    }
    text = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
    (root / "books.json").write_text(text, encoding="utf-8")


def _live(
    root: Path,
    shelf: Shelf,
    effects: Effects,
    company: Company,
    rates: Rates,
    missing: set[tuple[str, int]],
    seed: int,
    factor: int,
) -> None:
    """Let one company live through its two years, and close its books."""
    ledger = GeneralLedger(company)
    usage = Usage({})
    for chunk, start in enumerate(range(0, factor, _CHUNK)):
        size = min(_CHUNK, factor - start)
        draws = Draws(seed, 2, company.number, chunk)
        fault_draws, awkward_draws = Draws(seed, 3, company.number), Draws(seed, 5, company.number, chunk)
        _live_chunk(draws, fault_draws, awkward_draws, company, shelf, effects, ledger, usage, size, chunk)
    write_ancient_vouchers(shelf, company)
    ledger.close_books(shelf, rates)
    effects.note_midnights()
    note_missing(rates, company, effects, len(LINES))
    for month in range(1, FIRST_SNAPSHOT):
        effects.cannot_compute(VOUCHERS, month, "no_voucher_snapshot")
    for code, month in sorted(missing):
        if code == company.code:
            effects.cannot_compute(VOUCHERS, month, "jdash_file_missing")
    if not company.in_scope:
        for line in range(len(LINES)):
            effects.fault(Fault("company_out_of_scope", line, 1, LAST, company.code, 0))
    else:
        write_inbox(root, company, usage, missing)


def _live_chunk(
    draws: Draws,
    fault_draws: Draws,
    awkward_draws: Draws,
    company: Company,
    shelf: Shelf,
    effects: Effects,
    ledger: GeneralLedger,
    usage: Usage,
    size: int,
    chunk: int,
) -> None:
    """Let one chunk of a company's business happen; faults go into the first, of companies in scope."""
    first = chunk * ID_SPAN
    faulty = company.in_scope and chunk == 0
    share = company.weight * size

    def part(whole: int) -> int:
        return max(whole * share // 1000, 12)

    ordinary = ordinary_orders(draws, company, part(_ORDERS), first + _FIRST_ID)
    staged = stage_vouchers(fault_draws, company) if faulty else []
    issued = voucher_life.issue(draws, company, ordinary, part(_OTHER_VOUCHERS), first + _FIRST_ID, staged)
    next_item = int(ordinary.number[-1]) + 1
    bought = voucher_life.order_with(draws, company, issued, next_item, staged)
    voucher_life.cancel_some(draws, issued, staged)
    voucher_life.settle_grid(issued)
    items = together(ordinary, bought)
    packages = pack(draws, items)
    entries = trade(draws, company, part(_CUSTOMERS), part(_INVOICES))
    if faulty:
        doubles = confuse(fault_draws, entries, 4)
        note_confusion(company, effects, entries, doubles, first)
    note_renumbered(company, effects, entries, first)
    cash = collect(draws, company, packages, size, chunk)
    booked = [
        post_packages(company, effects, packages),
        post_prepayments(company, effects, items),
        post_refunds(effects, items),
        post_vouchers(draws, company, effects, issued, bought),
        post_customers(company, effects, entries, first),
        post_cash(effects, cash),
    ]
    explain_transit(effects, issued)
    explain_cancellations(effects, issued, staged)
    note_marketing(effects, issued)
    rows = pa.concat_tables(booked).combine_chunks()
    if faulty:
        rows = break_postings(fault_draws, company, effects, rows)
        journals = manual_journals(fault_draws, company, effects)
        rows = pa.concat_tables([rows, journals, stray_entries(fault_draws, company, effects)])
    rows, applied = make_awkward(
        awkward_draws, company, effects, rows.combine_chunks(), entries.applied, first=faulty
    )
    numbered = ledger.enter(shelf, effects, rows, applied)
    write_customers(shelf, company, entries, numbered, first)
    codes = voucher_life.codes(company, issued)
    write_snapshots(shelf, company, issued, codes)
    collect_usage(usage, issued)
    old = ancient_items(draws, company, max(size, 2), first + ID_SPAN - 1_000)
    everything = together(items, old)
    write_items(shelf, company, everything, _item_codes(codes, everything.voucher))
    write_seller_transactions(shelf, company, everything)
    write_packages(shelf, company, draws, packages)
    write_cash(shelf, company, draws, cash)
    if chunk == 0:
        write_partners(shelf, company, cash.partners)


def _item_codes(codes: Column, voucher: Ints) -> Column:
    return codes.take(pa.array(np.maximum(voucher, 0), mask=voucher < 0))
