"""Small books made by hand, and their open items, by the rules that the graph runs.

Lives here: writing rows of the extracts down, and running the rules from them to the open items. Does not: any
expectation of what comes of it.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

from cpg1_assets.frame import Column
from cpg1_assets.month import CutoffMonth
from cpg1_assets.rules import open_item_matches as matches_rule
from cpg1_assets.rules import open_item_rows, reconciliation, target_values
from cpg1_assets.rules import open_items as items_rule
from cpg1_assets.rules.bridges import BRIDGES
from cpg1_assets.rules.engine import to_table
from cpg1_assets.rules.items_add_up import items_that_do_not_add_up
from cpg1_assets.rules.lines import Lines
from cpg1_assets.rules.matching import Matching
from cpg1_assets_tests.rules.rows import LINES, MATCHING, SEPTEMBER, THRESHOLDS, Row, table

KE = "EC_KE"
NG = "EC_NG"
TAKEN = "2025-10-02T03:00:00"
"""When the balances were taken."""

_COLUMNS: dict[str, tuple[Column, ...]] = {
    "nav_open_items": open_item_rows.NAV_OPEN_ITEMS,
    "collection_links": matches_rule.COLLECTION_LINKS,
    "cr_04": matches_rule.CR_04,
    "cr_05": reconciliation.CR_05,
    "ipe_07": open_item_rows.IPE_07,
    "ipe_08": items_rule.IPE_08,
    "ipe_10": open_item_rows.IPE_10,
    "ipe_12": open_item_rows.IPE_12,
    "ipe_31": open_item_rows.IPE_31,
    "ipe_34": open_item_rows.IPE_34,
    "doc_voucher_usage": open_item_rows.DOC_VOUCHER_USAGE,
    "jdash": reconciliation.JDASH,
    **{name: bridge.item_columns for name, bridge in BRIDGES.items()},
}


def entry(entry_no: int, amount: str | int, document_no: str | None = None, **more: object) -> Row:
    """Give an open NAV entry, of customer receivables in Kenya unless said otherwise."""
    return {
        "id_company": KE, "entry_no": entry_no, "group_coa_account_no": "13003", "posting_date": "2025-09-10",
        "document_no": document_no, "amount": amount, "remaining_amount": amount,
        "gl_creation_date": "2025-09-10T12:00:00",
    } | more  # fmt: skip


def invoice(entry_no: int, amount: str | int, document_no: str | None = None, **more: object) -> Row:
    """Give an open row of the customer ledger: the target of `customer_ar`."""
    return {
        "id_company": KE, "entry_no": entry_no, "document_no": document_no, "posting_date": "2025-09-10",
        "original_amount_lcy": amount, "remaining_amount_lcy": amount,
    } | more  # fmt: skip


def voucher(voucher_id: str | None, remaining: str | int, **more: object) -> Row:
    """Give a voucher that counts: active, valid, of a refund."""
    return {
        "id_company": KE, "voucher_id": voucher_id, "business_use": "refund", "is_active": True,
        "is_valid": "valid", "created_at": "2025-08-01T10:00:00", "remaining_amount": remaining,
        "discount_amount": remaining, "total_amount_used": 0,
    } | more  # fmt: skip


def voucher_entry(entry_no: int, amount: str | int, voucher_no: str | None = None, **more: object) -> Row:
    """Give an open NAV entry on the voucher liability."""
    return entry(entry_no, amount, group_coa_account_no="18412", voucher_no=voucher_no) | more


def collection(related_entity: str | None, amount: str | int, **more: object) -> Row:
    """Give an open row of collections: the target of `collections_ar`."""
    return {
        "id_company": KE, "event_date": "2025-09-10T08:00:00", "collection_partner": "Hub", "amount": amount,
        "transaction_type": "Payment", "related_entity": related_entity,
    } | more  # fmt: skip


def collected(entry_no: int, amount: str | int, document_no: str | None = None, **more: object) -> Row:
    """Give an open NAV entry on cash collections."""
    return entry(entry_no, amount, document_no, group_coa_account_no="13001") | more


def link(related_entity: str | None, list_no: str | None, payment_no: str | None = None) -> Row:
    """Say that a transaction went into a list, and the list into a payment."""
    return {
        "id_company": KE,
        "related_entity": related_entity,
        "transaction_list_no": list_no,
        "payment_no": payment_no,
    }


_STEPS: dict[str, Callable[..., Any]] = {
    step.__name__: step
    for step in (
        target_values.target_values,
        reconciliation.reconciliation,
        matches_rule.open_item_matches,
        items_rule.open_items,
        items_that_do_not_add_up,
    )
}


@dataclass(frozen=True)
class Solved:
    """What the rules say of the books: frames as tables and as rows, in their order; worked out when first asked for."""

    known: dict[str, Any]

    def table(self, name: str) -> Any:  # noqa: ANN401 - a table, or what a rule takes beside
        """Give what a rule or the books have under a name."""
        if name not in self.known:
            step = _STEPS[name]
            wanted = step.__code__.co_varnames[: step.__code__.co_argcount]
            self.known[name] = to_table(step(*map(self.table, wanted)))
        return self.known[name]

    @cached_property
    def matches(self) -> list[Row]:
        """What was put together."""
        return self._rows("open_item_matches")

    @cached_property
    def items(self) -> list[Row]:
        """What is open."""
        return self._rows("open_items")

    @cached_property
    def lines(self) -> list[Row]:
        """What it must add up to."""
        return self._rows("reconciliation")

    @cached_property
    def off(self) -> list[Row]:
        """Where it does not."""
        return self._rows("items_that_do_not_add_up")

    def _rows(self, name: str) -> list[Row]:
        found: list[Row] = self.table(name).to_pylist()
        return found

    def items_of(self, line: str, company: str = KE) -> list[Row]:
        """Give the open items of one line of a company."""
        return [each for each in self.items if (each["line"], each["id_company"]) == (line, company)]

    def the_item(self, line: str, company: str = KE) -> Row:
        """Give the only open item of one line of a company."""
        (item,) = self.items_of(line, company)
        return item

    def row(self, side: str, row_key: object, company: str = KE, line: str | None = None) -> Row:
        """Give one row of the matches."""
        (found,) = [
            each
            for each in self.matches
            if (each["side"], each["row_key"], each["id_company"]) == (side, str(row_key), company)
            and line in {None, each["line"]}
        ]
        return found

    def together(self) -> set[frozenset[str]]:
        """Give the groups of the rows that are in one item, each row as `SIDE key`."""
        groups = defaultdict(set)
        for each in self.matches:
            groups[each["id_company"], each["line"], each["item"]].add(f"{each['side']} {each['row_key']}")
        return {frozenset(group) for group in groups.values()}


def solved(
    month: CutoffMonth = SEPTEMBER,
    lines: Lines = LINES,
    matching: Matching = MATCHING,
    arranged: Callable[[list[Row]], list[Row]] = list,
    **extracts: Iterable[Row],
) -> Solved:
    """Give what the rules say of the given rows.

    Balances are those of the entries, companies those of any row, unless given as `cr_04` and `cr_05`. Operations
    count vouchers in every company unless `jdash` is given. `arranged` is the order the rows are handed in.
    """
    have = {name: [dict(row) for row in given] for name, given in extracts.items()}
    companies = {
        row["id_company"] for given in have.values() for row in given if row["id_company"] is not None
    }
    have.setdefault("cr_05", [_company(code) for code in sorted(companies)])
    have.setdefault("cr_04", _balances(have.get("nav_open_items", []), have["cr_05"], month))
    have.setdefault("jdash", [{"id_company": row["id_company"]} for row in have["cr_05"]])
    unknown = have.keys() - _COLUMNS.keys()
    assert not unknown, unknown
    known: dict[str, Any] = {
        name: table(columns, arranged(have.get(name, []))) for name, columns in _COLUMNS.items()
    }
    known |= {"month": month, "lines": lines, "matching": matching, "thresholds": THRESHOLDS}
    return Solved(known)


def _company(code: str) -> Row:
    return {"id_company": code, "company_country": code.partition("_")[2], "fx_rate": 100}


def balance(account: str, amount: Decimal | str | int, company: str = KE, taken: str | None = TAKEN) -> Row:
    """Give the balance of an account at the end of September."""
    return {
        "id_company": company,
        "group_coa_account_no": account,
        "closing_date": SEPTEMBER.cutoff_date,
        "refresh_date": taken,
        "balance_at_date": amount,
    }


def _balances(entries: Iterable[Row], companies: Iterable[Row], month: CutoffMonth) -> list[Row]:
    """Give the balances that the entries come to; a company without any has one of nothing, so that it has books."""
    sums: dict[tuple[str, str], Decimal] = {(row["id_company"], "13003"): Decimal(0) for row in companies}
    for row in entries:
        if row["id_company"] is not None and row["group_coa_account_no"] is not None:
            place = (row["id_company"], row["group_coa_account_no"])
            sums[place] = sums.get(place, Decimal(0)) + Decimal(str(row["remaining_amount"] or 0))
    return [
        balance(account, amount, company) | {"closing_date": month.cutoff_date}
        for (company, account), amount in sums.items()
    ]
