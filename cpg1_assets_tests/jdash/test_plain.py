"""Rows read by columns and rows read one at a time: the same vouchers, the same amounts, the same refusals."""

from unittest import mock

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from cpg1_assets.errors import DataError
from cpg1_assets.jdash import file as jdash_file
from cpg1_assets.jdash.file import parse_jdash
from cpg1_assets_tests.inbox.workbooks import number, row, sheet, xlsx

_IDS = st.one_of(
    st.from_regex(r"[0-9]{1,18}", fullmatch=True),
    st.sampled_from(
        ["", " 7 ", "7.0", "Total", "total 2025", "V-1", "12 345", "1E5", "nan", "١٢", "null", '"x, y"']
    ),
)
_AMOUNTS = st.one_of(
    st.decimals(-(10**15), 10**15, places=2).map(str),
    st.decimals(-(10**10), 10**10, places=4).map(str),
    st.from_regex(r"-?[0-9]{1,5}\.[0-9]{0,5}", fullmatch=True),
    st.sampled_from(
        ["", "1,5", " 12.50", "₦5", "-0", "-0.00", "007", "1.234", "0.234", "1e3", "99999999999999999999"]
    ),
)
_NUMBERS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.floats(-(10**6), 10**6),
    st.integers(-5, 10**16).map(float),
    st.decimals(-(10**12), 10**12, places=4).map(float),
    st.sampled_from([0.1 + 0.2, -0.0, 2.0**39, 2.0**39 - 2**-14, 1e15, 123456789012.3456, 0.00005]),
)


def _answer(content: bytes, name: str) -> object:
    try:
        return list(parse_jdash(name, content))
    except DataError as error:
        return str(error)


def _one_at_a_time(content: bytes, name: str) -> object:
    def none(_: object, rows: list[object]) -> tuple[pa.Table | None, range]:
        return None, range(len(rows))

    with mock.patch.object(jdash_file, "plain_rows", none):
        return _answer(content, name)


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["", "x", "Total", "TotalEnergies"]), _IDS, _AMOUNTS), max_size=8))
def test_texts_give_the_same(rows: list[tuple[str, str, str]]) -> None:
    text = "note;id;amount\n" + "".join(f"{note};{voucher};{amount}\n" for note, voucher, amount in rows)
    assert _answer(text.encode(), "a.csv") == _one_at_a_time(text.encode(), "a.csv")


@settings(deadline=None)
@given(st.lists(st.tuples(_NUMBERS, _NUMBERS), min_size=1, max_size=6))
def test_numbers_give_the_same(rows: list[tuple[float, float]]) -> None:
    content = xlsx(sheet("".join(row(at, number(abs(a)), number(b)) for at, (a, b) in enumerate(rows, 2))))
    assert _answer(content, "a.xlsx") == _one_at_a_time(content, "a.xlsx")


def test_a_total_after_many_plain_rows_is_compared_with_all_of_them() -> None:
    rows = "".join(f"{at},1.25\n" for at in range(40_000))
    good = f"id,amount\n{rows}Total,50000.00\n".encode()
    assert len(parse_jdash("a.csv", good)) == 40_000
    bad = f"id,amount\n{rows}Total,50000.01\n".encode()
    assert "the total line says 50000.01" in str(_answer(bad, "a.csv"))
    assert "rows follow it" in str(_answer(f"id,amount\nTotal,1.00\n{rows}".encode(), "a.csv"))


def test_blank_rows_after_the_total_do_not_matter_however_many() -> None:
    blank = "\n , \n" * 20_000
    assert len(parse_jdash("a.csv", f"id,amount\n1,1.00\n2,2.00\nTotal,3.00\n{blank}".encode())) == 2
