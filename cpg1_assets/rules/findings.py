"""What each check looks for, and what it found: a statement and a function for each, as rules have them.

Named and described for people they are in `checks`. Nothing here computes a figure of the control.

How many outcomes a check has:

- a line of the reconciliation: one for each company (they are looked at together, and told apart by `line`);
- `ties_out`, `ties_to_the_balances` and `every_company_has_a_rate`: one for each company that fails, or where none
  does a single one that is about no company;
- all others: a single one.

A frame without rows gives a check nothing to test: a single outcome that is neither tested nor passed, since
nothing was seen to be true. Frames are read more than once, so none may be a stream.

Source of the rules: Reconciliation, "Checks" and "Thresholds"; Rules, "VTC adjustment"; Open items, "Extracts".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from typing import Any, TypeAlias

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from cpg1_assets.embedded import plain
from cpg1_assets.frame import FrameSpec, columns
from cpg1_assets.month import CutoffMonth
from cpg1_assets.rules import country_materiality as materiality
from cpg1_assets.rules import items_add_up as adding_up
from cpg1_assets.rules import nav_voucher_entries as entries
from cpg1_assets.rules import vtc_adjustment as vtc
from cpg1_assets.rules.engine import Frame, Input, month_input, run, to_table
from cpg1_assets.rules.frames import (
    COMPANIES_WITHOUT_A_RATE,
    CONTROL_EFFECTIVENESS,
    GL_ROLL_FORWARD,
    LINES_WITH_ANSWER,
    OPEN_ITEMS_AND_BALANCES,
    RECONCILIATION,
    UNCLASSIFIED_ITEMS,
    UNKNOWN_VOUCHERS,
    VOUCHER_ACCRUAL_VARIANCE,
)
from cpg1_assets.rules.lines import Lines
from cpg1_assets.rules.matching import Matching
from cpg1_assets.rules.named_variance import (
    NOT_TAKEN_APART,
    NamedVariance,
    largest_items,
    named_variances,
)
from cpg1_assets.rules.thresholds import Thresholds

SHOWN = 100
"""How many rows an outcome lists at most; how many there are is said beside."""

_Row: TypeAlias = dict[str, Any]

CR_05 = columns(("id_company", "text"), ("fx_rate", "rate"))
JDASH = UNKNOWN_VOUCHERS.columns
IPE_08 = columns(("id_company", "text"), ("voucher_id", "text"))
CR_03 = columns(
    ("id_company", "text"),
    ("entry_no", "integer"),
    ("group_coa_account_no", "text"),
    ("gl_creation_date", "timestamp"),
    ("amount", "amount"),
)
NAV_OPEN_ITEMS = (*CR_03, *columns(("remaining_amount", "amount")))
CR_04 = columns(
    ("id_company", "text"),
    ("closing_date", "date"),
    ("refresh_date", "timestamp"),
    ("group_coa_account_no", "text"),
    ("balance_at_date", "amount"),
)
IPE_31_CLASSIFIED = columns(("transaction_type", "text"), ("amount", "amount"), ("bridge_key", "text"))

WITHOUT_A_RATE = r"""
WITH rates AS (
    SELECT
        min(id_company) OVER of_company AS id_company, fx_rate,
        -- Two rates are none: which of them is right, nobody can say.
        min(usable_rate(fx_rate)) OVER of_company = max(usable_rate(fx_rate)) OVER of_company AS has_a_rate
    FROM cr_05
    WINDOW of_company AS (PARTITION BY text_key(id_company))
)

SELECT id_company, fx_rate FROM rates WHERE has_a_rate IS DISTINCT FROM true
"""

UNKNOWN = r"""
SELECT jdash.id_company, jdash.voucher_id, jdash.amount_used, jdash.source_file
FROM jdash
ANTI JOIN ipe_08
    ON text_key(jdash.id_company) = text_key(ipe_08.id_company)
    AND voucher_key(jdash.voucher_id) = voucher_key(ipe_08.voucher_id)
"""

UNCLASSIFIED = r"""
SELECT transaction_type, count(*) AS items, coalesce(sum(amount), 0) AS amount
FROM ipe_31_classified
WHERE text_key(bridge_key) IS NULL
GROUP BY transaction_type
"""

OPEN_ITEMS_BY_ACCOUNT = r"""
WITH balances AS (
    SELECT
        text_key(cr_04.id_company) AS company,
        text_key(cr_04.group_coa_account_no) AS account,
        min(cr_04.id_company) AS id_company,
        min(cr_04.group_coa_account_no) AS group_coa_account_no,
        coalesce(sum(cr_04.balance_at_date), 0) AS balance,
        min(cr_04.refresh_date) AS first_refresh_date,
        max(cr_04.refresh_date) AS last_refresh_date
    FROM cr_04
    INNER JOIN month ON cr_04.closing_date = month.cutoff_date
    GROUP BY text_key(cr_04.id_company), text_key(cr_04.group_coa_account_no)
),
open_items AS (
    SELECT
        text_key(id_company) AS company,
        text_key(group_coa_account_no) AS account,
        min(id_company) AS id_company,
        min(group_coa_account_no) AS group_coa_account_no,
        count(*) AS open_entries,
        coalesce(sum(remaining_amount), 0) AS open_amount
    FROM nav_open_items
    GROUP BY text_key(id_company), text_key(group_coa_account_no)
),
-- What came late and was settled before the cutoff all the same is open no more, and took with it what is in the
-- balance: only the year's entries still tell of it.
settled AS (
    SELECT cr_03.id_company, cr_03.group_coa_account_no, cr_03.gl_creation_date, cr_03.amount
    FROM cr_03
    ANTI JOIN nav_open_items
        ON text_key(cr_03.id_company) = text_key(nav_open_items.id_company)
        AND cr_03.entry_no = nav_open_items.entry_no
    WHERE cr_03.gl_creation_date > (SELECT min(first_refresh_date) FROM balances)
),
-- What an entry moved the balance by is its own amount, whatever was applied to it.
entries AS (
    SELECT id_company, group_coa_account_no, gl_creation_date, amount FROM settled
    UNION ALL
    SELECT id_company, group_coa_account_no, gl_creation_date, amount
    FROM nav_open_items
    WHERE gl_creation_date > (SELECT min(first_refresh_date) FROM balances)
),
late AS (
    SELECT
        balances.company, balances.account,
        -- Only what was made after the last of the account's balances was taken is in none of them. What was made
        -- between the first and the last may be in one: which, nobody can say, so it counts, and stands beside.
        coalesce(sum(entries.amount) FILTER (
            entries.gl_creation_date > balances.last_refresh_date
        ), 0) AS created_after,
        coalesce(sum(entries.amount) FILTER (
            entries.gl_creation_date <= balances.last_refresh_date
        ), 0) AS created_between
    FROM entries
    INNER JOIN balances
        ON text_key(entries.id_company) = balances.company
        AND text_key(entries.group_coa_account_no) IS NOT DISTINCT FROM balances.account
        AND entries.gl_creation_date > balances.first_refresh_date
    GROUP BY balances.company, balances.account
)

SELECT
    -- One company is written one way, whatever its rows on each account say.
    min(coalesce(balances.id_company, open_items.id_company)) OVER (
        PARTITION BY coalesce(balances.company, open_items.company)
    ) AS id_company,
    coalesce(balances.group_coa_account_no, open_items.group_coa_account_no) AS group_coa_account_no,
    coalesce(open_items.open_entries, 0) AS open_entries,
    coalesce(open_items.open_amount, 0) AS open_amount,
    coalesce(late.created_after, 0) AS created_after,
    balances.balance,
    coalesce(open_items.open_amount, 0) - coalesce(late.created_after, 0) - coalesce(balances.balance, 0)
        AS difference,
    coalesce(late.created_between, 0) AS created_between,
    balances.first_refresh_date, balances.last_refresh_date
FROM balances
FULL JOIN open_items
    ON balances.company = open_items.company
    AND balances.account IS NOT DISTINCT FROM open_items.account
LEFT JOIN late
    ON balances.company = late.company
    AND balances.account IS NOT DISTINCT FROM late.account
"""

NOT_TIED = r"""
SELECT * FROM gl_roll_forward WHERE difference IS DISTINCT FROM 0
"""

TO_INVESTIGATE = r"""
SELECT * FROM voucher_accrual_variance WHERE status IS DISTINCT FROM 'OK'
"""

LINES_EXPLAINED = r"""
SELECT *, coalesce(status IN ('RECONCILED', 'EXPLAINED'), false) AS is_explained FROM reconciliation
"""

NOT_AS_PLANTED = r"""
SELECT * FROM control_effectiveness WHERE found <> planted OR beside IS NOT NULL
"""


@dataclass(frozen=True)
class CheckOutcome:
    """What a check found, of one company and line or of all (None).

    `tested` says whether there was anything to test; what was not tested has not passed. `figures` are plain JSON
    values, amounts as text; nothing in them tells one run from another that found the same.
    """

    passed: bool
    tested: bool
    figures: dict[str, Any]
    id_company: str | None = None
    line: str | None = None

    def __post_init__(self) -> None:
        """Refuse an outcome that passes without a test: of nothing, everything is true."""
        if self.passed and not self.tested:
            raise ValueError("An outcome cannot have passed where nothing was tested.")


Outcomes: TypeAlias = tuple[CheckOutcome, ...]


def every_company_has_a_rate(cr_05: Frame) -> Outcomes:
    """Every company has a closing FX rate above zero, and one only; all rates of one that has not are shown."""
    found = _found(WITHOUT_A_RATE, {"cr_05": Input(cr_05, CR_05)}, COMPANIES_WITHOUT_A_RATE)
    return _by_company(found, tested=_has_rows(cr_05))


def no_unknown_voucher(jdash: Frame, ipe_08: Frame) -> Outcomes:
    """Every voucher that operations say was used is in the snapshot of the company's vouchers."""
    inputs = {"jdash": Input(jdash, JDASH), "ipe_08": Input(ipe_08, IPE_08)}
    return _nothing(_found(UNKNOWN, inputs, UNKNOWN_VOUCHERS), tested=_has_rows(jdash))


def every_item_classified(ipe_31_classified: Frame) -> Outcomes:
    """Every open collection item has a bridge; those that have none are counted by transaction type."""
    inputs = {"ipe_31_classified": Input(ipe_31_classified, IPE_31_CLASSIFIED)}
    found = _found(UNCLASSIFIED, inputs, UNCLASSIFIED_ITEMS)
    return _nothing(found, tested=_has_rows(ipe_31_classified))


def booked_at_what_remained(ipe_08: Frame, nav_voucher_entries: Frame, month: CutoffMonth) -> Outcomes:
    """Every refund voucher cancelled in the month that NAV has booked was booked at what remained of it."""
    found = to_table(vtc.vtc_booked_at_another_amount(ipe_08, nav_voucher_entries, month))
    return _nothing(found, tested=_has_rows(ipe_08) and _has_rows(nav_voucher_entries))


def ties_out(gl_roll_forward: Frame) -> Outcomes:
    """Every account of every company leads from its opening to its closing balance, to the last digit."""
    inputs = {"gl_roll_forward": Input(gl_roll_forward, GL_ROLL_FORWARD.columns)}
    return _by_company(_found(NOT_TIED, inputs, GL_ROLL_FORWARD), tested=_has_rows(gl_roll_forward))


def items_add_up(
    open_items: Frame,
    open_item_matches: Frame,
    reconciliation: Frame,
    nav_open_items: Frame,
    ipe_07: Frame,
    ipe_08: Frame,
    ipe_10: Frame,
    ipe_12: Frame,
    ipe_31: Frame,
    ipe_34: Frame,
    doc_voucher_usage: Frame,
    cr_05: Frame,
    lines: Lines,
    matching: Matching,
) -> Outcomes:
    """Say for every company whether the rows and items of its lines are its figures, all there and once each."""
    found = to_table(
        adding_up.items_that_do_not_add_up(
            open_items, open_item_matches, reconciliation, nav_open_items, ipe_07, ipe_08, ipe_10, ipe_12, ipe_31,
            ipe_34, doc_voucher_usage, cr_05, lines, matching,
        )
    )  # fmt: skip
    return _by_company(found, tested=_has_rows(open_item_matches))


def ties_to_the_balances(nav_open_items: Frame, cr_03: Frame, cr_04: Frame, month: CutoffMonth) -> Outcomes:
    """Open entries, less what came late, are the balance of their account at the cutoff, to the last digit.

    Late is an entry made after the balance was taken: `gl_creation_date` after the last `refresh_date` of the account's
    balances. It counts with its own amount, open or not: one that was settled in the meantime is found in `cr_03`.
    An entry without a creation date was made in time; a balance without a refresh date was taken after every
    entry. What a side does not have is 0. The accounts that differ are shown; with no account that both sides have,
    and none that differs, nothing was tested.
    """
    inputs = {
        "nav_open_items": Input(nav_open_items, NAV_OPEN_ITEMS),
        "cr_03": Input(cr_03, CR_03),
        "cr_04": Input(cr_04, CR_04),
        "month": month_input(month),
    }
    accounts = _found(OPEN_ITEMS_BY_ACCOUNT, inputs, OPEN_ITEMS_AND_BALANCES)
    compared = any(row["open_entries"] and row["balance"] is not None for row in accounts.to_pylist())
    return _by_company(accounts.filter(pc.field("difference") != Decimal(0)), tested=compared)


def within_threshold(voucher_accrual_variance: Frame) -> Outcomes:
    """Every bucket of the voucher accrual variance is OK; the others are listed, those without USD and large first."""
    inputs = {"voucher_accrual_variance": Input(voucher_accrual_variance, VOUCHER_ACCRUAL_VARIANCE.columns)}
    found = _found(TO_INVESTIGATE, inputs, VOUCHER_ACCRUAL_VARIANCE).to_pylist()
    found.sort(
        key=lambda row: -abs(row["variance_usd"]) if row["variance_usd"] is not None else Decimal("-Inf")
    )
    return _nothing(found, tested=_has_rows(voucher_accrual_variance))


def every_entry_categorised(nav_voucher_entries: Frame) -> Outcomes:
    """Every entry on the voucher liability has a category; the share that has none is given, and those listed."""
    found = to_table(entries.uncategorised_entries(nav_voucher_entries))
    every, without = _row_count(nav_voucher_entries), found.num_rows
    figures = {
        "entries": every,
        "without_category": without,
        "share_without_category": f"{Decimal(100 * without) / max(every, 1):.2f} %",
        "listed": _listed(found),
    }
    return (CheckOutcome(passed=bool(every) and not without, tested=bool(every), figures=figures),)


def lines_explained(reconciliation: Frame, open_items: Frame | None = None) -> Outcomes:
    """Give for each line and company whether it is reconciled or explained.

    Each has its row of the reconciliation as figures, with how much of it is named and by which causes, and, where
    its variance is unexplained, its largest items. The answer is the reconciliation's: it stands without the items.
    """
    answers = _found(
        LINES_EXPLAINED,
        {"reconciliation": Input(reconciliation, RECONCILIATION.columns)},
        LINES_WITH_ANSWER,
    )
    named: dict[tuple[str, str], NamedVariance] = {}
    largest: dict[tuple[str, str], list[_Row]] = {}
    if open_items is not None:
        named = {(each.id_company, each.line): each for each in named_variances(reconciliation, open_items)}
        for row in largest_items(reconciliation, open_items):
            largest.setdefault((row.pop("id_company"), row.pop("line")), []).append(plain(row))
    found = []
    for row in answers.to_pylist():
        is_explained, key = row.pop("is_explained"), (row["id_company"], row["line"])
        made_of = named.get(key)
        figures = {
            **plain(row),
            **(NOT_TAKEN_APART if made_of is None else made_of.figures()),
            "largest_items": largest.get(key, []) if made_of is not None and made_of.adds_up else [],
        }
        found.append(
            CheckOutcome(passed=is_explained, tested=True, figures=figures, id_company=key[0], line=key[1])
        )
    return tuple(found)


def country_materiality(reconciliation: Frame, thresholds: Thresholds) -> Outcomes:
    """Every country has less unexplained than its materiality, and a figure for each of its lines."""
    rows = to_table(materiality.country_materiality(reconciliation, thresholds)).to_pylist()
    return (
        CheckOutcome(
            passed=bool(rows) and all(row["status"] == "OK" for row in rows),
            tested=bool(rows),
            figures={"countries": [plain(row) for row in rows]},
        ),
    )


def every_planted_fault_found(control_effectiveness: Frame) -> Outcomes:
    """Every planted fault was found, and nothing beside; how many were planted and detected is given."""
    inputs = {"control_effectiveness": Input(control_effectiveness, CONTROL_EFFECTIVENESS.columns)}
    wrong = _found(NOT_AS_PLANTED, inputs, CONTROL_EFFECTIVENESS)
    every = _found("SELECT * FROM control_effectiveness", inputs, CONTROL_EFFECTIVENESS).to_pylist()
    planted = [row for row in every if row["planted"]]
    detected = sum(row["found"] for row in planted)
    figures = {
        "planted": len(planted),
        "detected": detected,
        "missed": len(planted) - detected,
        "false_alarms": sum(row["beside"] is not None for row in every),
        "found": len(wrong),
        "listed": _listed(wrong),
    }
    tested = bool(planted)
    return (CheckOutcome(passed=tested and not len(wrong), tested=tested, figures=figures),)


def _found(sql: str, inputs: Mapping[str, Input], result: FrameSpec) -> pa.Table:
    return to_table(run(sql, inputs, result))


def _nothing(found: pa.Table | list[_Row], *, tested: bool) -> Outcomes:
    """Give the one outcome of a check that passes where there was something to test and nothing is found."""
    figures = {"found": len(found), "listed": _listed(found)}
    return (CheckOutcome(passed=tested and not len(found), tested=tested, figures=figures),)


def _by_company(found: pa.Table, *, tested: bool) -> Outcomes:
    """Give an outcome for each company that something is found of, or the one of nothing found."""
    if not found.num_rows:
        return _nothing(found, tested=tested)
    of_companies = groupby(found.to_pylist(), key=lambda row: row["id_company"])
    return tuple(
        CheckOutcome(
            passed=False,
            tested=True,
            figures={"found": len(rows), "listed": _listed(rows)},
            id_company=company,
        )
        for company, rows in ((company, list(rows)) for company, rows in of_companies)
    )


def _listed(found: pa.Table | list[_Row]) -> list[_Row]:
    shown = found[:SHOWN]
    return [plain(row) for row in (shown if isinstance(shown, list) else shown.to_pylist())]


def _has_rows(frame: Frame) -> bool:
    return _row_count(frame) > 0


def _row_count(frame: Frame) -> int:
    if isinstance(frame, pd.DataFrame):
        return len(frame)
    return int(frame.num_rows if isinstance(frame, pa.Table) else frame.count_rows())
