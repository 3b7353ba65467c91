"""Where a rule of T-SQL has a shape, many values of it against a plain model made from Microsoft's pages."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpg1_assets.sources.dialect import to_duckdb
from cpg1_assets.sources.query import Query, QueryError, Value

_BIN = "COLLATE Latin1_General_100_BIN2"
_TEXTS = st.text(st.sampled_from("aAbB é \u00a0\t_%"), max_size=8)
_DAYS = st.dates(date(1753, 1, 1), date(9000, 12, 31))
_MOST_DIGITS = 38


@pytest.fixture(name="ask", scope="module")
def _ask() -> Iterator[Any]:
    """Give the value and type of an expression."""
    with duckdb.connect(":memory:") as connection:

        def ask(expression: str, /, **parameters: Value) -> tuple[Any, str]:
            text, values = to_duckdb(Query(f"SELECT {expression} AS v", parameters))
            result = connection.sql(text, params=values or None)
            (kind,) = result.types
            ((value,),) = result.fetchall()
            return value, str(kind)

        yield ask


@st.composite
def _digits(draw: st.DrawFn) -> tuple[int, int]:
    precision = draw(st.integers(1, _MOST_DIGITS))
    return precision, draw(st.integers(0, precision))


@given(left=_digits(), right=_digits(), sign=st.sampled_from("+-*"))
def test_a_decimal_has_the_digits_of_the_rule_or_is_refused(
    ask: Any,  # noqa: ANN401
    left: tuple[int, int],
    right: tuple[int, int],
    sign: str,
) -> None:
    (p1, s1), (p2, s2) = left, right
    if sign == "*":
        precision, scale, loses = p1 + p2 + 1, s1 + s2, p1 + p2 + 1 > _MOST_DIGITS
    else:
        whole, scale = max(p1 - s1, p2 - s2), max(s1, s2)
        precision, loses = min(whole + scale + 1, _MOST_DIGITS), whole + scale > _MOST_DIGITS
    expression = f"CAST(0 AS decimal({p1},{s1})) {sign} CAST(0 AS decimal({p2},{s2}))"
    if loses:
        with pytest.raises(QueryError, match="fewer places"):
            ask(expression)
    else:
        assert ask(expression) == (Decimal(0), f"DECIMAL({precision},{scale})")


@given(left=_digits(), right=_digits())
def test_what_stands_for_one_of_two_decimals_takes_both_or_is_refused(
    ask: Any,  # noqa: ANN401
    left: tuple[int, int],
    right: tuple[int, int],
) -> None:
    (p1, s1), (p2, s2) = left, right
    whole, scale = max(p1 - s1, p2 - s2), max(s1, s2)
    expression = f"COALESCE(CAST(0 AS decimal({p1},{s1})), CAST(0 AS decimal({p2},{s2})))"
    if whole + scale > _MOST_DIGITS:
        with pytest.raises(QueryError, match="decimal"):
            ask(expression)
    else:
        assert ask(expression) == (Decimal(0), f"DECIMAL({whole + scale},{scale})")


@given(text=_TEXTS, start=st.integers(-5, 12), length=st.integers(0, 12))
def test_substring_counts_places_before_the_first(
    ask: Any,  # noqa: ANN401
    text: str,
    start: int,
    length: int,
) -> None:
    end = max(start + length - 1, 0)
    assert ask(f"SUBSTRING(@t, {start}, {length})", t=text)[0] == text[max(start - 1, 0) : end]


@given(text=_TEXTS, count=st.integers(0, 10))
def test_left_and_right_give_what_there_is(ask: Any, text: str, count: int) -> None:  # noqa: ANN401
    assert ask(f"LEFT(@t, {count})", t=text)[0] == text[:count]
    assert ask(f"RIGHT(@t, {count})", t=text)[0] == (text[-count:] if count else "")


@given(text=_TEXTS)
def test_only_the_space_character_is_trimmed_and_not_counted_at_the_end(ask: Any, text: str) -> None:  # noqa: ANN401
    assert ask("LTRIM(@t)", t=text)[0] == text.lstrip(" ")
    assert ask("RTRIM(@t)", t=text)[0] == text.rstrip(" ")
    assert ask("TRIM(@t)", t=text)[0] == text.strip(" ")
    assert ask("LEN(@t)", t=text)[0] == len(text.rstrip(" "))
    assert ask("CAST(@t AS nvarchar(3))", t=text)[0] == text[:3]


@given(one=_TEXTS, other=_TEXTS)
def test_texts_are_equal_but_for_blanks_at_the_end(ask: Any, one: str, other: str) -> None:  # noqa: ANN401
    same = one.rstrip(" ") == other.rstrip(" ")
    assert ask(f"CASE WHEN @a {_BIN} = @b THEN 1 ELSE 0 END", a=one, b=other)[0] == same
    assert ask(f"CASE WHEN @a {_BIN} IN (@several) THEN 1 ELSE 0 END", a=one, several=(other, "x"))[0] == same
    assert (ask(f"NULLIF(@a {_BIN}, @b)", a=one, b=other)[0] is None) == same


@given(day=_DAYS, months=st.integers(-30, 30))
def test_adding_months_stays_in_the_month(ask: Any, day: date, months: int) -> None:  # noqa: ANN401
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = (date(year + (month == 11), (month + 1) % 12 + 1, 1) - timedelta(days=1)).day
    expected = date(year, month + 1, min(day.day, last))
    assert ask(f"DATEADD(month, {months}, @d)", d=day) == (expected, "DATE")
    moment = datetime.combine(day, datetime.min.time())
    assert ask(f"DATEADD(month, {months}, @d)", d=moment)[0] == datetime.combine(expected, moment.time())
    assert ask(f"EOMONTH(@d, {months})", d=day)[0] == date(year, month + 1, last)


@given(first=_DAYS, second=_DAYS)
@settings(max_examples=50)
def test_a_difference_counts_the_boundaries_passed(ask: Any, first: date, second: date) -> None:  # noqa: ANN401
    boundaries = {
        "year": second.year - first.year,
        "quarter": (second.year * 4 + (second.month - 1) // 3) - (first.year * 4 + (first.month - 1) // 3),
        "month": (second.year * 12 + second.month) - (first.year * 12 + first.month),
        "day": (second - first).days,
    }
    for unit, count in boundaries.items():
        assert ask(f"DATEDIFF({unit}, @a, @b)", a=first, b=second) == (count, "INTEGER"), unit


@given(first=st.integers(0, 10**6), second=st.integers(0, 10**6))
def test_a_difference_of_moments_counts_the_boundaries_passed(ask: Any, first: int, second: int) -> None:  # noqa: ANN401
    start = datetime(2025, 1, 31)  # noqa: DTZ001 - the source keeps no zone
    a, b = start + timedelta(seconds=first), start + timedelta(seconds=second)
    for unit, seconds in (("hour", 3600), ("minute", 60), ("second", 1)):
        # The day begins with an hour and a minute.
        assert ask(f"DATEDIFF({unit}, @a, @b)", a=a, b=b)[0] == second // seconds - first // seconds


@given(number=st.integers(-(10**6), 10**6), by=st.integers(1, 50))
def test_a_remainder_has_the_sign_of_the_first(ask: Any, number: int, by: int) -> None:  # noqa: ANN401
    assert ask(f"@n % {by}", n=number)[0] == abs(number) % by * (-1 if number < 0 else 1)
