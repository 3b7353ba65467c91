"""A query names its parameters; values are bound by name and lists are written out."""

from datetime import date

import pytest

from cpg1_assets.errors import Cpg1Error
from cpg1_assets.sources.query import Query, QueryError


def test_only_named_parameters_are_given_in_order_of_first_appearance() -> None:
    query = Query("SELECT @b, @a, @b FROM t", {"a": 1, "b": 2, "c": 3})
    assert list(query.named().items()) == [("b", 2), ("a", 1)]


def test_names_in_texts_quoted_names_and_comments_are_no_parameters() -> None:
    text = """SELECT '@a', 'it''s @b', N'@c', [@d], [x]]@e], "@f", a@g -- @h
    /* @i /* @j */ @k */ FROM t WHERE x = @real"""
    assert Query(text, {"real": 1}).named() == {"real": 1}


def test_an_unknown_parameter_is_named_with_its_line() -> None:
    with pytest.raises(QueryError, match=r"line 2: .*@Companies.*Known are: @companies"):
        Query("SELECT 1\nWHERE x IN (@Companies)", {"companies": ("EC_NG",)}).named()
    assert issubclass(QueryError, Cpg1Error)


def test_the_servers_own_names_are_refused() -> None:
    with pytest.raises(QueryError, match="@@names"):
        Query("SELECT @@VERSION", {"VERSION": 1}).named()


def test_lists_are_written_out_and_scalars_stay() -> None:
    query = Query(
        "SELECT '@l' FROM t WHERE a IN (@l) AND b < @d AND c IN ( @l )",
        {"l": ("x", "y"), "d": date(2025, 1, 1)},
    )
    expanded = query.expanded()
    assert expanded.text == "SELECT '@l' FROM t WHERE a IN (@l_1, @l_2) AND b < @d AND c IN ( @l_1, @l_2 )"
    assert expanded.parameters == {"d": date(2025, 1, 1), "l_1": "x", "l_2": "y"}
    assert list(expanded.named()) == ["l_1", "l_2", "d"]


def test_a_value_is_never_pasted_into_the_text() -> None:
    poison = "x'); DROP TABLE t; --"
    assert poison not in Query("SELECT a FROM t WHERE a IN (@l)", {"l": (poison,)}).expanded().text


def test_a_list_that_would_write_over_a_parameter_is_refused() -> None:
    with pytest.raises(QueryError, match="@l_1 is a parameter already"):
        Query("SELECT @l_1 WHERE 1 IN (@l)", {"l": (1,), "l_1": 2}).expanded()
