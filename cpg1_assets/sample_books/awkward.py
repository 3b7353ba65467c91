"""What makes entries hard to match and moves no amount: how references are written, what is summed or applied.

Lives here: the last touch on postings before NAV enters them. Where nothing in the books says what belongs to
what, that is written down as a cause of amount zero. Does not: what moves an amount (see `faults`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cpg1_assets.sample_books.columns import chosen, digits, grouped, joined, moment
from cpg1_assets.sample_books.effects import Fault
from cpg1_assets.sample_books.group import BATCH_USERS, COMPANIES, PACKAGES, PREPAYMENTS, account_index
from cpg1_assets.sample_books.ledger import Application, ints, postings
from cpg1_assets.sample_books.months import AFTER, DAY, ENDS, LAST, TODAY, Flags, Ints, month_of

if TYPE_CHECKING:
    from cpg1_assets.sample_books.columns import Column
    from cpg1_assets.sample_books.draws import Draws
    from cpg1_assets.sample_books.effects import Effects
    from cpg1_assets.sample_books.group import Company

_CHARGED, _CLEARED = "Package delivered", "Package cash reconciled"
_VERIFIED, _RELEASED = "Prepayment verified", "Prepayment released"


def make_awkward(
    draws: Draws, company: Company, effects: Effects, rows: Column, applied: Application, *, first: bool
) -> tuple[Column, Application]:
    """Make a chunk's postings as awkward as in life; gives them and what is applied to each other.

    Only the `first` chunk of a company in scope gets what nobody can match: as many a company at every size.
    """
    if first:
        rows = _misnumber(draws, effects, rows)
    rows, of_packages = _apply_cash(draws, rows, int(ints(rows, "serial").max()) + 1)
    rows, of_sums = _sum_up(draws, company, effects, rows, int(ints(rows, "serial").max()) + 1, first=first)
    rows = _mention_others(draws, company, rows)
    for name in ("document", "external"):
        rows = _replaced(rows, name, _retyped(draws, rows[name]))
    return rows, _all_applied(applied, of_packages, of_sums)


def _replaced(rows: Column, name: str, values: Column) -> Column:
    return rows.set_column(rows.schema.get_field_index(name), name, values).combine_chunks()


def _all_applied(*lots: Application) -> Application:
    return Application(
        to_serial=np.concatenate([lot.to_serial for lot in lots]),
        from_serial=np.concatenate([lot.from_serial for lot in lots]),
        days=np.concatenate([lot.days for lot in lots]),
        amounts=np.concatenate([lot.amounts for lot in lots]),
    )


def _described(rows: Column, description: str) -> Ints:
    """Find the postings of one kind that nothing went wrong with."""
    fit = rows["breakable"].to_numpy() & pc.equal(rows["description"], description).to_numpy()
    return np.flatnonzero(fit)


def _partner(rows: Column, places: Ints, others: Ints, name: str) -> Ints:
    """Find, for postings, the place among `others` of the one with the same text in a column; -1 for none."""
    text = rows[name].combine_chunks()
    found = pc.index_in(text.take(pa.array(places)), text.take(pa.array(others)))
    return pc.fill_null(found, -1).to_numpy().astype(np.int64)  # type: ignore[no-any-return]


def _misnumber(draws: Draws, effects: Effects, rows: Column) -> Column:
    """Post a package under the number of another, so that one number stands for two and the other is missing."""
    charged = _described(rows, _CHARGED)
    months = month_of(ints(rows, "day")[charged])
    wrong = charged[(months > 1) & (months < LAST - 2)]
    place = int(wrong[draws.one(0, len(wrong) - 1)])
    account = ints(rows, "account")
    others = charged[(account[charged] == account[place]) & (charged != place)]
    other = int(others[draws.one(0, len(others) - 1)])
    document = rows["document"].to_pylist()
    since = int(month_of(ints(rows, "day")[[place]])[0])
    for reference in (document[place], document[other]):
        effects.fault(Fault("document_number_used_twice", PACKAGES, since, LAST, reference, 0))
    document[place] = document[other]
    breakable = rows["breakable"].to_numpy().copy()
    breakable[[place, other]] = False
    rows = _replaced(rows, "breakable", pa.array(breakable))
    return _replaced(rows, "document", pa.array(document, pa.string()))


def _apply_cash(draws: Draws, rows: Column, serial: int) -> tuple[Column, Application]:
    """Apply the cash of some packages to what is due for them, all of it or a part, at once or weeks later."""
    charged, cleared = _described(rows, _CHARGED), _described(rows, _CLEARED)
    partner = _partner(rows, cleared, charged, "document")
    cleared, charged = cleared[partner >= 0], charged[partner[partner >= 0]]
    how = draws.pick(len(cleared), [840, 110, 50])
    delay = draws.below(len(cleared), 25) * draws.below(len(cleared), 2) * DAY
    share = np.where(how == 1, 100, draws.between(len(cleared), 20, 80))
    day = ints(rows, "day")[cleared] + delay
    amount = ints(rows, "amount")[charged] * share // 100
    done = (how > 0) & (day < TODAY) & (amount != 0)
    pairs = int(done.sum())
    serials = ints(rows, "serial").copy()
    to_serial, from_serial = serial + np.arange(pairs), serial + pairs + np.arange(pairs)
    serials[cleared[done]], serials[charged[done]] = to_serial, from_serial
    return (
        _replaced(rows, "serial", pa.array(serials)),
        Application(to_serial, from_serial, day[done], amount[done]),
    )


def _sum_up(
    draws: Draws, company: Company, effects: Effects, rows: Column, serial: int, *, first: bool
) -> tuple[Column, Application]:
    """Post some days' prepayments in one entry each, as a payment gateway settles them.

    Most sums name their items in the description. A few name nothing; releases are applied to those, so that
    they are open, in part, for as long as an item of theirs is.
    """
    verified, released = _described(rows, _VERIFIED), _described(rows, _RELEASED)
    groups, silent = _settlements(draws, ints(rows, "day")[verified], first=first)
    part = verified[groups >= 0]
    group = groups[groups >= 0]
    count = len(silent)
    days, created, total = (np.zeros(count, dtype=np.int64) for _ in range(3))
    days[group] = ints(rows, "day")[part]
    np.maximum.at(created, group, ints(rows, "created")[part])
    np.add.at(total, group, ints(rows, "amount")[part])
    document = joined(f"PGS-{company.country}-", pc.strftime(moment(days), format="%y%m%d"))
    external = rows["external"].combine_chunks().take(pa.array(part))
    named = pc.binary_join(grouped(external, group, count), " ")
    sums = postings(
        account_index("18350"),
        total,
        days,
        created=created,
        serial=serial + np.arange(count),
        breakable=False,
        events=grouped(pc.list_flatten(rows["events"].combine_chunks().take(pa.array(part))), group, count),
        document=document,
        description=pc.if_else(pa.array(silent), "Card settlement of the day", joined("Prepaid ", named)),
        source_code="PAYGW",
        user=BATCH_USERS[0],
    )
    release = _partner(rows, part, released, "external")
    until = np.where(release >= 0, month_of(ints(rows, "day")[released[release]]), AFTER)
    _note_silent(effects, month_of(days), silent, document.to_pylist(), group, until, external.to_pylist())
    applied = silent[group] & (release >= 0)
    from_row = released[release[applied]]
    serials = ints(rows, "serial").copy()
    from_serial = serial + count + np.arange(len(from_row))
    serials[from_row] = from_serial
    application = Application(
        serial + group[applied], from_serial, ints(rows, "day")[from_row], ints(rows, "amount")[from_row]
    )
    keep = np.ones(rows.num_rows, dtype=np.bool_)
    keep[part] = False
    rows = _replaced(rows, "serial", pa.array(serials)).filter(pa.array(keep))
    return pa.concat_tables([rows, sums]).combine_chunks(), application


_SILENT = 3
_LAST_DAYS = 9
_PARTS = 3


def _settlements(draws: Draws, days: Ints, *, first: bool) -> tuple[Ints, Flags]:
    """Choose days to settle in one entry: the group of each prepayment, or -1, and which groups name nothing."""
    every, place, size = np.unique(days, return_inverse=True, return_counts=True)
    near_end = ENDS[np.minimum(month_of(every), LAST)] - every <= _LAST_DAYS * DAY
    fit = (size > 1) & (month_of(every) > 0) & (month_of(every) <= LAST)
    told = fit & draws.chance(len(every), 40)
    silent = np.zeros(len(every), dtype=np.bool_)
    candidates = np.flatnonzero(fit & near_end)
    if first and len(candidates):
        silent[candidates[draws.below(_SILENT, len(candidates))]] = True
    used = told | silent
    order = np.argsort(place, kind="stable")
    rank = np.empty(len(days), dtype=np.int64)
    rank[order] = np.arange(len(days)) - (np.cumsum(size) - size)[place[order]]
    inside = used[place] & (rank < _PARTS)
    return np.where(inside, (np.cumsum(used) - 1)[place], -1), silent[used]


def _note_silent(
    effects: Effects,
    since: Ints,
    silent: Flags,
    documents: list[str],
    group: Ints,
    until: Ints,
    items: list[str],
) -> None:
    """Write down sums that name nothing, and their items, for the months at whose end an item is still open."""
    for one in np.flatnonzero(silent).tolist():
        first, inside = int(since[one]), np.flatnonzero(group == one).tolist()
        last = max(int(until[place]) for place in inside)
        noted = [(documents[one], last), *[(items[place], int(until[place])) for place in inside]]
        for reference, month in noted:
            effects.fault(Fault("summary_posting", PREPAYMENTS, first, month - 1, reference, 0))


def _mention_others(draws: Draws, company: Company, rows: Column) -> Column:
    """Let a few invoices' descriptions mention an invoice of another company."""
    count = rows.num_rows
    other = COMPANIES[(company.number + 1) % len(COMPANIES)]
    mention = digits(draws.below(count, 12), 7, f", see SI-{other.country}-")
    some = draws.chance(count, 20) & pc.equal(rows["description"], "Sales invoice, B2B").to_numpy()
    text = pc.if_else(
        pa.array(some), joined(rows["description"].combine_chunks(), mention), rows["description"]
    )
    return _replaced(rows, "description", text)


def _retyped(draws: Draws, references: Column) -> Column:
    """Write some references as people and sheets do: in lower case, between blanks, a number as `12345.0`."""
    text = references.combine_chunks()
    style = draws.pick(len(text), [930, 20, 15, 15, 20])
    number = pc.fill_null(pc.match_substring_regex(text, r"^\d+$"), fill_value=False).to_numpy(
        zero_copy_only=False
    )
    style = np.where((style == 4) & ~number, 0, style)  # noqa: PLR2004
    text = pc.if_else(pa.array(style == 1), pc.utf8_lower(text), text)
    return joined(chosen(("", "", " ", "  ", ""), style), text, chosen(("", "", "", " ", ".0"), style))
