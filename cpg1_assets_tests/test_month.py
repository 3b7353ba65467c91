"""The cutoff month fixes every date of a run."""

from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpg1_assets.errors import MonthError
from cpg1_assets.month import CutoffMonth, month_range

MONTHS = st.builds(CutoffMonth, st.integers(2024, 2099), st.integers(1, 12))


def test_september_2025_has_the_dates_of_the_control() -> None:
    month = CutoffMonth.parse("2025-09")
    assert month.month_start == date(2025, 9, 1)
    assert month.cutoff_date == date(2025, 9, 30)
    assert month.next_month_start == date(2025, 10, 1)
    assert month.year_start == date(2025, 1, 1)
    assert month.previous_year_end == date(2024, 12, 31)
    assert month.voucher_window_start == date(2024, 10, 1)


def test_december_and_february_cross_their_year_and_leap_day() -> None:
    assert CutoffMonth.parse("2024-12").next_month_start == date(2025, 1, 1)
    assert CutoffMonth.parse("2024-12").voucher_window_start == date(2024, 1, 1)
    assert CutoffMonth.parse("2024-02").cutoff_date == date(2024, 2, 29)


@given(MONTHS)
def test_the_dates_of_a_month_follow_from_each_other(month: CutoffMonth) -> None:
    assert CutoffMonth.parse(month.key) == month
    assert month.next().month_start == month.next_month_start
    assert month.next().previous() == month
    assert month.voucher_window_start == CutoffMonth(month.year - 1, month.month).next_month_start
    assert CutoffMonth.last_complete(month.next_month_start) == month
    assert CutoffMonth.last_complete(month.cutoff_date) == month.previous()


@given(MONTHS.filter(lambda m: m.key > "2024-01"))
def test_a_cutoff_date_is_the_last_day_or_the_first_of_the_month_after(month: CutoffMonth) -> None:
    assert CutoffMonth.of_cutoff_date(str(month.cutoff_date)) == month
    assert CutoffMonth.of_cutoff_date(str(month.next_month_start)) == month


def test_a_day_in_the_middle_is_refused_naming_both_months() -> None:
    with pytest.raises(MonthError, match=r"2025-09.*2025-08"):
        CutoffMonth.of_cutoff_date("2025-09-15")


@pytest.mark.parametrize("key", ["2025-13", "2025-00", "2025-9", "09-2025", "", "2025-09-01", "\uff12025-09"])
def test_what_is_not_a_month_is_refused_by_name(key: str) -> None:
    with pytest.raises(MonthError, match="Unknown month"):
        CutoffMonth.parse(key)


@pytest.mark.parametrize("text", ["2025-09-31", "30.09.2025", "yesterday", ""])
def test_what_is_not_a_date_is_refused_by_name(text: str) -> None:
    with pytest.raises(MonthError, match="Unknown cutoff date"):
        CutoffMonth.of_cutoff_date(text)


def test_months_before_the_first_are_refused() -> None:
    with pytest.raises(MonthError, match="first month, 2024-01"):
        CutoffMonth.parse("2023-12")
    with pytest.raises(MonthError, match="first month, 2024-01"):
        CutoffMonth.of_cutoff_date("2024-01-01")


def test_a_range_holds_both_its_ends_and_is_never_empty() -> None:
    first, last = CutoffMonth.parse("2024-11"), CutoffMonth.parse("2025-02")
    assert [m.key for m in month_range(first, last)] == ["2024-11", "2024-12", "2025-01", "2025-02"]
    with pytest.raises(MonthError, match="earlier month first"):
        month_range(last, first)


def test_the_parameters_of_queries_are_dates_and_midnights() -> None:
    parameters = CutoffMonth.parse("2025-09").parameters()
    assert parameters["next_month_start"] == datetime(2025, 10, 1)  # noqa: DTZ001 - the source has no zones
    assert parameters["cutoff_date"] == date(2025, 9, 30)
    assert (parameters["year"], parameters["month"]) == (2025, 9)
