"""The truth agrees with itself, and every fault is planted and written down."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpg1_assets.sample_books.truth import usd

if TYPE_CHECKING:
    from cpg1_assets_tests.sample_books.conftest import Books


def test_every_company_line_and_month_is_there_once(books: Books) -> None:
    assert books.one("select count(*) from lines") == 24 * 9 * 6
    assert books.one("select count(distinct (month, id_company, line)) from lines") == 24 * 9 * 6
    assert books.one("select count(*) from roll_forward") == 24 * 9 * 10


def test_variance_and_unexplained_follow(books: Books) -> None:
    assert books.one("select count(*) from lines where variance <> actual - target_value") == 0
    assert books.one("select count(*) from lines where unexplained <> variance - bridges") == 0
    assert books.one("select count(*) from lines where bridges <> 0 and line <> 'voucher_liability'") == 0


def test_the_causes_of_a_line_add_up_to_its_variance(books: Books) -> None:
    wrong = books.ask(
        """select month, id_company, line, any_value(variance), coalesce(sum(amount), 0)
           from lines left join causes using (month, id_company, line)
           group by all having any_value(variance) <> coalesce(sum(amount), 0)"""
    )
    assert wrong == []


def test_actuals_are_the_balances_nav_shows(books: Books) -> None:
    totals = """select strftime(CLOSING_DATE, '%Y-%m'), sum(BALANCE_AT_DATE)
           from V_BS_ANAPLAN_IMPORT_IFRS_MAPPING_CURRENCY_SPLIT
           join Dim_Company on Company_Code = ID_COMPANY and Flg_In_Conso_Scope = 1
           where GROUP_COA_ACCOUNT_NO in ('13001', '13002', '13003', '13004', '13005', '13009', '13024',
                                          '18317', '18350', '18412')
           and CLOSING_DATE > '2024-01-01' group by 1"""
    shown = dict(books.ask(totals))
    assert dict(books.ask("select month, sum(actual) from lines group by 1")) == shown


def test_most_lines_reconcile_as_in_life(books: Books) -> None:
    status = dict(books.ask("select status, count(*) from lines group by 1"))
    assert set(status) == {"RECONCILED", "EXPLAINED", "VARIANCE_DETECTED", "NOT_COMPUTED"}
    assert status["RECONCILED"] > 0.75 * sum(status.values())
    exact = books.one("select count(*) from lines where variance = 0 and line <> 'voucher_liability'")
    assert exact > 0.75 * 24 * 9 * 5


def test_a_late_posting_is_its_months_roll_forward_difference_and_no_others(books: Books) -> None:
    late = """select month, id_company, line, -sum(amount) from causes
              where cause = 'entry_posted_late' group by all order by all"""
    difference = """select month, id_company, line, sum(difference) from roll_forward
        join (select 'customer_ar' as line, unnest(['13003', '13004', '13009']) as account
              union all select 'collections_ar', unnest(['13001', '13002'])
              union all select 'packages_not_reconciled', unnest(['13005', '13024'])
              union all select 'customer_prepayments', '18350'
              union all select 'voucher_liability', '18412'
              union all select 'marketplace_refund_liability', '18317') on account = group_coa_account_no
        where difference <> 0 group by all order by all"""
    assert books.ask(difference) == books.ask(late) != []
    assert (
        books.one("select count(*) from roll_forward where difference <> opening + movement - closing") == 0
    )


ENTRIES_OF_LINES = """
    select id_company, line, "Entry No_"::varchar as row_key, "Amount" as amount, upper(trim("Document No_")) as document,
           "Document Description" as description
    from "G_L Entries" join Dim_ChartOfAccounts
      on Company_Code = id_company and "G/L_Account_No" = "Chart of Accounts No_"
    join (select 'customer_ar' as line, unnest(['13003', '13004', '13009']) as account
          union all select 'collections_ar', unnest(['13001', '13002'])
          union all select 'packages_not_reconciled', unnest(['13005', '13024'])
          union all select 'customer_prepayments', '18350'
          union all select 'voucher_liability', '18412'
          union all select 'marketplace_refund_liability', '18317') on account = Group_COA_Account_no"""

ON_EVERY_LINE = ["entry_posted_twice", "entry_never_posted", "entry_posted_late"]


@pytest.mark.parametrize("cause", ON_EVERY_LINE)
def test_entries_go_wrong_on_every_line(books: Books, cause: str) -> None:
    assert books.one(f"select count(distinct line) from causes where cause = '{cause}'") == 6


@pytest.mark.parametrize(
    "cause",
    [
        *ON_EVERY_LINE,
        "company_out_of_scope",
        "correction_reversed_later",
        "customer_with_two_business_lines",
        "customer_with_two_posting_groups",
        "dated_at_midnight",
        "document_number_used_twice",
        "entry_of_another_company",
        "fx_rate_missing",
        "jdash_file_missing",
        "manual_journal",
        "marketing_vouchers",
        "no_voucher_snapshot",
        "old_voucher_used_in_transit",
        "partly_used_voucher_in_transit",
        "payout_booked_before_year_start",
        "reversal_without_reference",
        "store_credit_cancelled_never_booked",
        "summary_posting",
        "usage_of_unknown_voucher",
        "usage_ordered_never_delivered",
        "voucher_cancelled_booked_next_month",
        "voucher_cancelled_never_booked",
        "voucher_paid_out_at_other_amount",
        "voucher_used_in_transit",
    ],
)
def test_each_kind_of_fault_is_planted_in_several_places(books: Books, cause: str) -> None:
    places = books.one(f"select count(distinct (id_company, month)) from causes where cause = '{cause}'")
    assert places >= 2


def test_what_is_missing_keeps_lines_from_being_computed(books: Books) -> None:
    wrong = books.one(
        """select count(*) from lines l where (status = 'NOT_COMPUTED') <> exists (
             select 1 from causes c
             where c.month = l.month and c.id_company = l.id_company and c.line = l.line
             and cause in ('fx_rate_missing', 'jdash_file_missing', 'no_voucher_snapshot'))"""
    )
    assert wrong == 0


def test_what_only_hides_what_belongs_together_moves_no_amount(books: Books) -> None:
    hidden = """('document_number_used_twice', 'reversal_without_reference', 'summary_posting',
                 'usage_of_unknown_voucher')"""
    assert books.one(f"select count(*) from causes where cause in {hidden} and amount <> 0") == 0


def test_every_entry_on_a_lines_accounts_has_its_business_event(books: Books) -> None:
    books.connection.execute(f"create or replace temp table entry as {ENTRIES_OF_LINES}")
    nav = "(select distinct id_company, line, row_key from events where side = 'NAV')"
    assert books.one("select count(*) from entry") == books.one(f"select count(*) from {nav}")
    assert books.one(f"select count(*) from entry join {nav} using (id_company, line, row_key)") == books.one(
        "select count(*) from entry"
    )
    assert books.one("select count(*) from events where event is null or row_key is null") == 0


def test_a_sum_belongs_to_the_events_of_all_its_parts_and_other_entries_to_one(books: Books) -> None:
    books.connection.execute(f"create or replace temp table entry as {ENTRIES_OF_LINES}")
    sums = books.ask(
        """select distinct left(document, 3) from entry join (
             select id_company, line, row_key from events where side = 'NAV' group by all having count(*) > 1)
           using (id_company, line, row_key) where line <> 'collections_ar' order by 1"""
    )
    assert sums == [("EXP",), ("PGS",)]
    told = books.ask(
        """select id_company, row_key, string_agg('item ' || item, ', ' order by item) from (
             select id_company, row_key, unnest(string_split(substr(description, 9), ' ')) as item
             from entry where starts_with(description, 'Prepaid ')) group by all"""
    )
    known = books.ask(
        """select id_company, row_key, string_agg(event, ', ' order by event) from events
           where side = 'NAV' and line = 'customer_prepayments' group by all"""
    )
    assert told
    assert set(told) <= set(known)


def test_an_event_that_nothing_went_wrong_with_leaves_nothing_open_in_nav_once_it_is_over(
    books: Books,
) -> None:
    """Held against the entries themselves: what is charged for a package is taken off it, cent for cent."""
    books.connection.execute(f"create or replace temp table entry as {ENTRIES_OF_LINES}")
    rest = dict(
        books.ask(
            """select event, sum(amount) from entry join events using (id_company, line, row_key)
               where side = 'NAV' and line = 'packages_not_reconciled' group by id_company, event
               having count(*) > 1 and count(distinct amount > 0) = 2 and sum(amount) <> 0"""
        )
    )
    named = (
        "select 'package ' || reference from causes where line = 'packages_not_reconciled' and amount <> 0"
    )
    assert rest.keys() <= {event for (event,) in books.ask(named)}


def test_operational_facts_are_known_by_their_keys(books: Books) -> None:
    keys = """select 'customer_ar' as line, id_company, "Entry No_"::varchar as row_key
                from "Customer Ledger Entries"
              union all select 'voucher_liability', ID_COMPANY, id from V_STORECREDITVOUCHER_CLOSING
                where created_at > '2016-12-31'
              union all select 'collections_ar', ID_Company, Related_Entity from RPT_CASHREC_TRANSACTION
              union all select 'collections_ar', ID_Company, OMS_Packlist_No from RPT_PACKLIST_PAYMENTS
              union all select 'collections_ar', ID_Company, OMS_Payment_No from RPT_CASHDEPOSIT
              union all select 'packages_not_reconciled', ID_COMPANY, package_nr from PACKAGE_CASHREC"""
    unknown = books.ask(
        f"""select line, count(*) from ({keys}) anti join (from events where side = 'TARGET')
            using (line, id_company, row_key) group by all"""
    )
    assert unknown == []


def test_manual_journals_cover_every_rule_and_are_really_in_nav(books: Books) -> None:
    references = books.ask("select distinct reference from causes where cause = 'manual_journal'")
    entered = books.ask('select distinct upper(trim("Document No_")) from "G_L Entries"')
    assert {reference for (reference,) in references} <= {document for (document,) in entered}
    kinds = {reference[-2:] for (reference,) in references}
    assert kinds == {"01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "13", "16", "17"}


@given(
    units=st.integers(-(10**15), 10**15),
    rate=st.integers(10**6, 10**14),
)
def test_dollars_are_divided_exactly_and_rounded_half_to_even(units: int, rate: int) -> None:
    assert usd(units, rate) == round(Fraction(units * 10**10, rate))
