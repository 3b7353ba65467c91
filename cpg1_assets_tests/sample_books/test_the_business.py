"""The tables follow the facts of the business: ledgers add up, and what is planted is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from cpg1_assets_tests.sample_books.conftest import Books


def test_nav_balances_every_month(books: Books) -> None:
    unbalanced = books.ask(
        """select id_company, date_trunc('month', "Posting Date"), sum("Amount")
           from "G_L Entries"
           where "Posting Date" >= '2024-01-01' and "Posting Date" < '2026-01-01'
           group by all having sum("Amount") <> 0"""
    )
    assert unbalanced == []


def test_detailed_entries_carry_each_entry_and_applications_that_cancel_out(books: Books) -> None:
    totals = '(select sum("Amount") from "Detailed G_L Entry") - (select sum("Amount") from "G_L Entries")'
    assert books.one(f"select {totals}") == 0
    per_account = books.ask(
        """select id_company, "G_L Account No_", "Posting Date"::date, sum("Amount") from "Detailed G_L Entry" d
           group by all except select id_company, "Chart of Accounts No_", "Posting Date"::date, sum("Amount")
           from "G_L Entries" group by all"""
    )
    assert all(amount == 0 for *_, amount in per_account)


def test_balances_are_the_entries_posted_and_created_before_the_close(books: Books) -> None:
    wrong = books.one(
        """with months as (select distinct CLOSING_DATE, REFRESH_DATE
                           from V_BS_ANAPLAN_IMPORT_IFRS_MAPPING_CURRENCY_SPLIT),
        entered as (
            select id_company, CLOSING_DATE, "Chart of Accounts No_" a, "Busline Code" b, sum("Amount") s
            from months join "G_L Entries"
              on "Posting Date"::date <= CLOSING_DATE::date and "G_L Creation Date" < REFRESH_DATE group by all),
        shown as (
            select ID_COMPANY, CLOSING_DATE, REAL_COA a, BUSLINE_CODE b, BALANCE_AT_DATE s
            from V_BS_ANAPLAN_IMPORT_IFRS_MAPPING_CURRENCY_SPLIT where BALANCE_AT_DATE <> 0)
        select count(*) from ((from entered where s <> 0 except from shown)
                        union all (from shown except from entered))"""
    )
    assert wrong == 0


def test_balance_keys_are_unique(books: Books) -> None:
    assert (
        books.one(
            """select count(*) - count(distinct (ID_COMPANY, CLOSING_DATE, REAL_COA, CURRENCY, BUSLINE_CODE,
               coalesce(PARTNER_CODE, ''))) from V_BS_ANAPLAN_IMPORT_IFRS_MAPPING_CURRENCY_SPLIT"""
        )
        == 0
    )


def test_every_real_account_is_in_the_chart(books: Books) -> None:
    assert (
        books.one(
            """select count(*) from "G_L Entries" anti join Dim_ChartOfAccounts
               on Company_Code = id_company and "G/L_Account_No" = "Chart of Accounts No_" """
        )
        == 0
    )


def test_nine_companies_are_in_scope_and_others_have_rows_too(books: Books) -> None:
    assert books.one("select count(*) from Dim_Company where Flg_In_Conso_Scope = 1") == 9
    for table, column in (("RPT_SOI", "ID_COMPANY"), ("G_L Entries", "id_company")):
        outside = books.one(
            f'select count(*) from "{table}" join Dim_Company on Company_Code = {column} '
            "where Flg_In_Conso_Scope = 0"
        )
        assert outside > 0


def test_a_voucher_holds_what_was_not_ordered_with_it(books: Books) -> None:
    wrong = books.one(
        """with used as (
            select v.ID_COMPANY, v.id, v.snapshot_date,
                   sum(coalesce(MTR_COUPON_MONEY_VALUE, 0) + coalesce(MTR_SHIPPING_VOUCHER_DISCOUNT, 0)) u
            from V_STORECREDITVOUCHER_CLOSING v join RPT_SOI s
              on s.ID_COMPANY = v.ID_COMPANY and s.voucher_code = v.code
             and ORDER_CREATION_DATE < v.snapshot_date + interval 1 day
             and coalesce(CANCELLATION_DATE >= v.snapshot_date + interval 1 day, true) group by all)
        select count(*) from V_STORECREDITVOUCHER_CLOSING v
        left join used using (ID_COMPANY, id, snapshot_date)
        where remaining_amount <> discount_amount - coalesce(u, 0) or remaining_amount < 0"""
    )
    assert wrong == 0


def test_a_voucher_is_inactive_when_nothing_remains_or_it_was_cancelled_and_not_when_expired(
    books: Books,
) -> None:
    snapshots = "V_STORECREDITVOUCHER_CLOSING"
    assert books.one(f"select count(*) from {snapshots} where is_active and remaining_amount = 0") == 0
    kinds = books.one(
        """select count(distinct (is_active, remaining_amount > 0, to_date < snapshot_date))
           from V_STORECREDITVOUCHER_CLOSING where is_active is not null"""
    )
    assert kinds >= 5


def test_vouchers_do_not_buy_digital_goods(books: Books) -> None:
    assert (
        books.one(
            """select count(*) from RPT_SOI where voucher_code is not null
               and lower(trim(DELIVERY_TYPE)) in ('digital content', 'gift card')"""
        )
        == 0
    )


def test_codes_that_differ_only_in_case_belong_to_different_vouchers(books: Books) -> None:
    twins = books.one(
        """select count(*) from (select ID_COMPANY, lower(code) from V_STORECREDITVOUCHER_CLOSING
           group by all having count(distinct code) > 1 and count(distinct id) > 1)"""
    )
    assert twins > 5


def test_one_cash_record_a_package(books: Books) -> None:
    assert books.one("select count(*) - count(distinct (ID_COMPANY, package_nr)) from PACKAGE_CASHREC") == 0


def test_returns_follow_deliveries_and_failed_deliveries_are_no_returns(books: Books) -> None:
    assert books.one("select count(*) from RPT_SOI where RETURN_DATE < DELIVERED_DATE") == 0
    assert (
        books.one("select count(*) from RPT_SOI where FAIL_DATE is not null and RETURN_DATE is not null") == 0
    )
    assert books.one("select count(*) from RPT_SOI where RETURN_DATE < REFUND_DATE") > 0
    assert books.one("select count(*) from RPT_SOI where RETURN_DATE > REFUND_DATE") > 0


def test_nothing_in_the_books_is_dated_after_today(books: Books) -> None:
    for column in ("ORDER_CREATION_DATE", "DELIVERED_DATE", "REFUND_DATE", "CANCELLATION_DATE"):
        assert str(books.one(f"select max({column}) from RPT_SOI")) < "2026-01-17"


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("RPT_SOI", "PACKAGE_DELIVERY_DATE"),
        ("RPT_SOI", "FINANCE_VERIFIED_DATE"),
        ("RPT_SOI", "REFUND_DATE"),
        ("V_STORECREDITVOUCHER_CLOSING", "created_at"),
        ("V_STORECREDITVOUCHER_CLOSING", "to_date"),
        ("RPT_CASHREC_TRANSACTION", "Created_Date"),
        ("PACKAGE_CASHREC", "troubleshoot_resolution_date"),
    ],
)
def test_some_events_fall_just_before_and_at_midnight_of_the_last_day(
    books: Books, table: str, column: str
) -> None:
    month_end = f"date_trunc('month', {column} + interval 1 day)"
    before = books.one(f"select count(*) from {table} where {column} = {month_end} - interval 3 millisecond")
    after = books.one(f"select count(*) from {table} where {column} = date_trunc('month', {column})")
    assert before > 0
    assert after > 0


def test_text_is_awkward_and_ids_keep_their_zeros(books: Books) -> None:
    names = " ".join(name for (name,) in books.ask('select "Name" from Customers where "Name" is not null'))
    for mark in ('"', ",", "'", "É", "ش", "="):
        assert mark in names
    assert books.one('select count(*) from Customers where "Name" is null') > 0
    assert books.one("select count(*) from RPT_SOI where COD_OMS_SALES_ORDER_ITEM like '0%'") > 0
    assert books.one('select count(*) from "G_L Entries" where "Amount" <> round("Amount", 2)') > 1000
    assert books.one('select count(*) from "G_L Entries" where "Amount" <> round("Amount", 4)') == 0
    assert books.one("select count(*) from RPT_SOI where PAYMENT_METHOD is null or IS_PREPAYMENT is null") > 0


def test_nav_keeps_a_date_that_is_not_set_as_its_earliest_one_and_closing_dates_at_their_last_second(
    books: Books,
) -> None:
    dates = {"Customer Ledger Entries": ["Due Date"], "G_L Entries": ["Document Date", "G_L Creation Date"]}
    for table, columns in dates.items():
        for column in columns:
            unset = books.one(f'select count(*) from "{table}" where "{column}" = timestamp \'1753-01-01\'')
            assert unset > 0, column
            assert books.one(f'select count(*) from "{table}" where "{column}" is null') == 0
    for table in ("G_L Entries", "Detailed G_L Entry"):
        closing = books.ask(
            f"""select distinct "Posting Date"::date from "{table}"
                where "Posting Date"::time <> time '00:00:00' order by 1"""
        )
        assert [str(day) for (day,) in closing] == ["2023-12-31", "2024-12-31", "2025-12-31"]


def test_references_are_written_as_people_and_sheets_write_them(books: Books) -> None:
    entries = '"G_L Entries"'
    for column in ('"Document No_"', '"External Document No_"'):
        for written in ("like '%.0'", "like ' %'", "like '% '"):
            assert books.one(f"select count(*) from {entries} where {column} {written}") > 20, written
    assert books.one(f"""select count(*) from {entries} where "Document No_" like 'pkg-%'""") > 20
    share = books.one(
        f"""select count(*) filter ("Document No_" <> upper(trim("Document No_"))) / count(*) from {entries}"""
    )
    assert share < 0.1


def test_one_number_stands_for_two_invoices_in_both_ledgers(books: Books) -> None:
    twice = """select id_company, document from (
            select id_company, upper(trim("Document No_")) as document, "Amount" from "G_L Entries"
              where "Source Code" = 'SALES' and "Source Type" = 'Customer'
              and "Document Description" not like 'Correction%')
        group by all having count(distinct "Amount") > 1"""
    again = """select id_company, "Document No_" from "Customer Ledger Entries"
               group by all having count(*) > 1"""
    assert len(books.ask(twice)) > 10
    assert set(books.ask(twice)) <= set(books.ask(again))


def test_one_number_is_used_on_two_lines(books: Books) -> None:
    lines = """select id_company, upper(trim("Document No_")) from "G_L Entries" join Dim_ChartOfAccounts
        on Company_Code = id_company and "G/L_Account_No" = "Chart of Accounts No_"
        where Group_COA_Account_no in ({accounts})"""
    packages, collections = (
        lines.format(accounts="'13005', '13024'"),
        lines.format(accounts="'13001', '13002'"),
    )
    assert books.one(f"select count(*) from ({packages} intersect {collections})") > 100


def test_deposits_are_split_and_joined(books: Books) -> None:
    count = "select count(*) from (select {one} from RPT_PACKLIST_PAYMENTS where OMS_Payment_No is not null"
    count += " group by ID_Company, {one} having count(*) > 1)"
    assert books.one(count.format(one="OMS_Packlist_No")) > 20
    assert books.one(count.format(one="OMS_Payment_No")) > 20


def test_applications_close_entries_in_whole_and_in_part_and_never_before_both_are_there(
    books: Books,
) -> None:
    books.connection.execute(
        """create or replace temp table applied as
           select d.id_company, "Gen_ Ledger Entry No_" as entry, "G_L Account No_" as account,
                  sum(d."Amount") as rest, any_value(e."Amount") as amount,
                  min(d."Posting Date"::date) >= any_value(e."Posting Date"::date) as in_order, count(*) as details
           from "Detailed G_L Entry" d join "G_L Entries" e
             on e.id_company = d.id_company and e."Entry No_" = d."Gen_ Ledger Entry No_" group by all"""
    )
    assert books.one("select count(*) from applied where not in_order") == 0
    for account in ("13003", "13005", "18350"):
        of_account = f"from applied where account like '%{account}%' and details > 1"
        in_part = "details > 2" if account == "18350" else "abs(rest) between 0.01 and abs(amount) - 0.01"
        assert books.one(f"select count(*) {of_account} and rest = 0") > 20, account
        assert books.one(f"select count(*) {of_account} and {in_part}") > 5, account


def test_a_correction_is_reversed_in_a_later_month_with_and_without_saying_so(books: Books) -> None:
    entered = """select trim("Document Description") from "G_L Entries"
                 where "Document No_" ilike '%GJ-%' and "Document Description" {}"""
    assert len(books.ask(entered.format("like 'Reversal of COR-%'"))) == 9
    assert len(books.ask(entered.format("= 'Correction'"))) == 9


def test_documents_of_another_company_are_posted_and_mentioned(books: Books) -> None:
    other = """select id_company from "G_L Entries" join Dim_Company on Company_Code = id_company
               where regexp_extract(upper({column}), 'SI-(..)-', 1) not in ('', Company_Country)"""
    assert len(books.ask(other.format(column='"Document No_"'))) >= 2
    assert len(books.ask(other.format(column='"Document Description"'))) > 10
