"""The shared words compare and divide as the specification says."""

from collections.abc import Iterator
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from fractions import Fraction

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpg1_assets.rules.vocabulary import MACROS


@pytest.fixture(scope="module", name="engine")
def make_engine() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as engine:
        for macro in MACROS:
            engine.execute(macro)
        yield engine


def in_usd(
    engine: duckdb.DuckDBPyConnection, pairs: list[tuple[Decimal | None, Decimal | None]]
) -> list[Decimal | None]:
    engine.register(
        "pairs",
        pa.table(
            {
                "lcy": pa.array([lcy for lcy, _ in pairs], pa.decimal128(38, 4)),
                "rate": pa.array([rate for _, rate in pairs], pa.decimal128(24, 10)),
            }
        ),
    )
    found: list[Decimal | None] = (
        engine.sql("SELECT in_usd(lcy, rate) AS usd FROM pairs").to_arrow_table()["usd"].to_pylist()
    )
    return found


@pytest.mark.parametrize(
    ("lcy", "rate", "usd"),
    [
        ("1", "3", "0.3333"),
        ("2", "3", "0.6667"),
        ("0.0001", "2", "0.0000"),  # half to even: down
        ("0.0003", "2", "0.0002"),  # half to even: up
        ("0.0005", "2", "0.0002"),
        ("-0.0003", "2", "-0.0002"),
        ("-0.0005", "2", "-0.0002"),
        ("99999999999999999999.9999", "1", "99999999999999999999.9999"),
        ("-99999999999999999999.9999", "1600.1234567891", None),
        ("1", "0.0000000001", "10000000000"),
        ("1", "99999999999999.9999999999", "0"),
    ],
)
def test_usd_is_exact_and_rounded_once_half_even(
    engine: duckdb.DuckDBPyConnection, lcy: str, rate: str, usd: str | None
) -> None:
    expected = Decimal(usd) if usd is not None else divided(Decimal(lcy), Decimal(rate))
    assert in_usd(engine, [(Decimal(lcy), Decimal(rate))]) == [expected]


def test_no_rate_gives_no_usd(engine: duckdb.DuckDBPyConnection) -> None:
    one = Decimal(1)
    assert in_usd(engine, [(one, None), (one, Decimal(0)), (one, -one), (None, one)]) == [None] * 4


def divided(lcy: Decimal, rate: Decimal) -> Decimal:
    exact = Fraction(lcy) / Fraction(rate)
    with localcontext(prec=80, rounding=ROUND_HALF_EVEN):
        # `round` of a Fraction is half to even.
        return Decimal(round(exact * 10_000)).scaleb(-4)


@settings(deadline=None, max_examples=60)
@given(
    pairs=st.lists(
        st.tuples(
            st.decimals(min_value=-(10**20) + 1, max_value=10**20 - 1, places=4),
            st.decimals(min_value="0.0001", max_value=10**14 - 1, places=10),
        ),
        min_size=1,
        max_size=30,
    )
)
def test_usd_equals_exact_division(
    engine: duckdb.DuckDBPyConnection, pairs: list[tuple[Decimal, Decimal]]
) -> None:
    assert in_usd(engine, [*pairs]) == [divided(lcy, rate) for lcy, rate in pairs]


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("12345.0", "12345"),
        (" 0012345.0 ", "0012345"),
        ("12345", "12345"),
        ("12345.00", "12345.00"),
        ("v12.0", "V12.0"),
        (".0", ".0"),
        ("1.5.0", "1.5.0"),
        ("\t12", "\t12"),
        ("\u00a012", "\u00a012"),
        ("   ", None),
        ("", None),
        (None, None),
    ],
)
def test_voucher_keys(engine: duckdb.DuckDBPyConnection, written: str | None, key: str | None) -> None:
    engine.register("given", pa.table({"t": pa.array([written], pa.string())}))
    assert engine.sql("SELECT voucher_key(t) FROM given").fetchall() == [(key,)]


@pytest.mark.parametrize(
    ("use", "non_marketing", "voucher_type"),
    [
        ("refund", True, "Refund"),
        (" REFUND ", True, "Refund"),
        ("apology_v2", True, "Apology"),
        ("apology", False, "Apology"),
        ("commercial gesture", False, "Apology"),
        ("CXP", False, "Apology"),
        ("jforce", True, "JForce"),
        ("store_credit", True, "Store Credit"),
        ("store credit", False, "Store Credit"),
        ("Jpay store_credit", True, "Store Credit"),
        ("jpay_store_credit", True, "Store Credit"),
        ("jpay_store_credit_gift", False, "Store Credit"),
        ("jpay_store_credit_DS", False, "Store Credit"),
        ("jpay_store_credit_other", False, "Store Credit"),
        ("marketing", False, None),
        ("refund\t", False, None),
        ("", False, None),
        (None, False, None),
    ],
)
def test_business_uses(
    engine: duckdb.DuckDBPyConnection,
    use: str | None,
    non_marketing: bool,  # noqa: FBT001
    voucher_type: str | None,
) -> None:
    engine.register("given", pa.table({"t": pa.array([use], pa.string())}))
    found = engine.sql("SELECT is_non_marketing(t), voucher_type_of(t) FROM given").fetchall()
    assert found == [(non_marketing, voucher_type)]
