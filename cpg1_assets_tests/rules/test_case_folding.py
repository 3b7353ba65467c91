"""Case is ignored by Unicode's simple case folding: the same in Python and on the engine, for every character."""

import re
import sys
from collections.abc import Iterator

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpg1_assets.rules.business_line_reclass import IPE_07 as LINE_COLUMNS
from cpg1_assets.rules.business_line_reclass import business_line_reclass
from cpg1_assets.rules.case_folding import COMMON, ELSEWHERE, REPRESENTATIVES, folded, text_key
from cpg1_assets.rules.case_folding_table import SIMPLE_FOLDINGS
from cpg1_assets.rules.customer_posting_group_bridge import IPE_07 as GROUP_COLUMNS
from cpg1_assets.rules.customer_posting_group_bridge import customer_posting_group_bridge
from cpg1_assets.rules.timing_difference_bridge import IPE_08, JDASH, timing_difference_bridge
from cpg1_assets.rules.vocabulary import MACROS
from cpg1_assets_tests.rules.rows import SEPTEMBER, rows, table

SURROGATES = range(0xD800, 0xE000)
EVERY_CHARACTER = [chr(code) for code in range(sys.maxunicode + 1) if code not in SURROGATES]
FOLDINGS = {
    chr(code): chr(code + distance)
    for first, last, step, distance in SIMPLE_FOLDINGS
    for code in range(first, last + 1, step)
}

# Simple foldings (status S) that stand beside a full one of more characters, which is what Python gives: Greek with
# iota beneath, capital sharp s, and three that Unicode 15.1 gave a simple folding.
BESIDE_A_FULL_ONE = {
    *map(chr, range(0x1F88, 0x1F90)),
    *map(chr, range(0x1F98, 0x1FA0)),
    *map(chr, range(0x1FA8, 0x1FB0)),
    *"\u1e9e\u1fbc\u1fcc\u1ffc",
    *"\u1fd3\u1fe3\ufb05",
}
# Letters that came with Unicode 15, 16 and 17, which the Python that runs this may not know.
LATER = {
    *"\u1c89\ua7cb\ua7cc\ua7ce\ua7d2\ua7d4\ua7da\ua7dc",
    *map(chr, range(0x10D50, 0x10D66)),
    *map(chr, range(0x16EA0, 0x16EB9)),
}


@pytest.fixture(scope="module", name="engine")
def make_engine() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as engine:
        for macro in MACROS:
            engine.execute(macro)
        yield engine


def on_the_engine(engine: duckdb.DuckDBPyConnection, word: str, texts: list[str]) -> list[str | None]:
    engine.register("given", pa.table({"t": pa.array(texts, pa.string())}))
    found: list[str | None] = (
        engine.sql(f"SELECT {word}(t) AS k FROM given").to_arrow_table()["k"].to_pylist()
    )
    return found


def test_the_engine_and_python_say_the_same_of_every_character(engine: duckdb.DuckDBPyConnection) -> None:
    # Alone where characters have case, so that each way of the macro is taken; all others many at a time.
    alone = sorted({*EVERY_CHARACTER[:0x3000], *FOLDINGS, *FOLDINGS.values()})
    together = ["".join(EVERY_CHARACTER[at : at + 256]) for at in range(0, len(EVERY_CHARACTER), 256)]
    texts = [*alone, *together]
    assert on_the_engine(engine, "compared", texts) == [folded(text).strip(" ") for text in texts]
    assert on_the_engine(engine, "text_key", texts) == [text_key(text) for text in texts]


@pytest.mark.parametrize("beside", ["aé", "ŒŽ", "\u017f", "ك", "Ω", "\U00010400"], ids=ascii)
def test_the_other_characters_of_a_text_change_nothing(
    engine: duckdb.DuckDBPyConnection, beside: str
) -> None:
    texts = [f"{one}{beside}" for one in FOLDINGS]
    assert on_the_engine(engine, "compared", texts) == [folded(one) + folded(beside) for one in FOLDINGS]


def test_the_table_is_unicodes_as_far_as_python_knows_it() -> None:
    single = {one: one.casefold() for one in EVERY_CHARACTER if len(one.casefold()) == 1}
    changed = {one: other for one, other in single.items() if one != other}
    assert len(FOLDINGS) == 1512
    assert {one: FOLDINGS.get(one) for one in changed} == changed
    assert set(FOLDINGS) - set(changed) - LATER == BESIDE_A_FULL_ONE
    assert {ord(FOLDINGS[one]) - ord(one) for one in BESIDE_A_FULL_ONE} == {
        -8, -9, 0xDF - 0x1E9E, 0x390 - 0x1FD3, 0x3B0 - 0x1FE3, 1,
    }  # fmt: skip


def test_folding_is_one_character_for_one_and_folding_again_changes_nothing() -> None:
    everything = "".join(EVERY_CHARACTER)
    once = folded(everything)
    assert len(once) == len(everything)
    assert folded(once) == once
    assert all(folded(one) == other for one, other in zip(everything[:0x3000], once, strict=False))
    assert not set(FOLDINGS) & set(FOLDINGS.values())


def test_what_folds_to_the_same_has_one_representative_and_ascii_letters_are_capitals() -> None:
    classes: dict[str, set[str]] = {}
    for one, representative in zip(EVERY_CHARACTER, folded("".join(EVERY_CHARACTER)), strict=True):
        classes.setdefault(FOLDINGS.get(one, one), set()).add(representative)
    assert {len(representatives) for representatives in classes.values()} == {1}
    assert len({*map(min, classes.values())}) == len(classes)
    assert folded("\u017fkK strasse İı") == "SKK STRASSE İı"
    assert folded("ÉTÉ é ẞß ÿŸ µΜμ ΣςσΌ Straße") == "éTé é ßß ÿÿ μμμ σσσό STRAßE"
    assert folded("".join(map(chr, range(128)))) == "".join(map(chr, range(128))).upper()


def test_a_text_needs_the_long_table_only_where_the_expression_says_so() -> None:
    rare = set(REPRESENTATIVES) - set(COMMON)
    assert [one for one in rare if not re.search(ELSEWHERE, one)] == []
    assert [one for one in COMMON if re.search(ELSEWHERE, one)] == []
    # What people write in the countries of the control has a short way.
    assert not re.search(ELSEWHERE, "Œuvre été ’–€ كود القسيمة ÑÜ 12")


@pytest.mark.parametrize(
    ("text", "key"),
    [(" É t ", "é T"), ("\u00a0x", "\u00a0X"), ("\t", "\t"), ("  ", None), ("", None), (None, None)],
)
def test_only_the_space_character_surrounds_a_text(text: str | None, key: str | None) -> None:
    assert text_key(text) == key


letters = st.sampled_from(sorted({*FOLDINGS, *FOLDINGS.values()}))
IN_CLASS: dict[str, list[str]] = {}
for _one in sorted({*FOLDINGS, *FOLDINGS.values()}):
    IN_CLASS.setdefault(folded(_one), []).append(_one)
texts_twice = st.lists(
    letters.flatmap(lambda one: st.tuples(st.just(one), st.sampled_from(IN_CLASS[folded(one)]))),
    min_size=1,
    max_size=6,
).map(lambda pairs: tuple("".join(side) for side in zip(*pairs, strict=True)))


@settings(deadline=None, max_examples=10)
@given(texts=texts_twice)
def test_rules_take_texts_for_one_that_differ_only_in_case(texts: tuple[str, str]) -> None:
    one, other = texts
    entry = {"id_company": one, "customer_no": one, "remaining_amount_lcy": "1"}
    again = {"id_company": other, "customer_no": other, "remaining_amount_lcy": "1"}
    groups = [
        entry | {"customer_posting_group": one},
        again | {"customer_posting_group": other},
        again | {"customer_posting_group": "1"},
    ]
    [found] = rows(customer_posting_group_bridge(table(GROUP_COLUMNS, groups)))
    assert (found["posting_group_count"], found["entry_count"]) == (2, 3)
    assert found["posting_groups"] == ", ".join(sorted(["1", min(one, other)]))
    lines = [entry | {"busline_code": one}, again | {"busline_code": other}, again | {"busline_code": "1"}]
    assert {row["balance_lcy"] for row in rows(business_line_reclass(table(LINE_COLUMNS, lines)))} == {1, 2}
    voucher = {
        "id_company": one, "voucher_id": one, "business_use": "\u017ftore_credit", "created_at": "2025-09-01",
    }  # fmt: skip
    used = {"id_company": other, "voucher_id": other, "amount_used": "3"}
    [bridged] = rows(timing_difference_bridge(table(IPE_08, [voucher]), table(JDASH, [used]), SEPTEMBER))
    assert bridged["variance"] == 3


def test_a_sharp_s_is_no_double_s() -> None:
    entry = {"id_company": "A", "customer_no": "1", "remaining_amount_lcy": "1"}
    groups = [entry | {"customer_posting_group": group} for group in ("STRASSE", "straße", "STRAẞE")]
    [found] = rows(customer_posting_group_bridge(table(GROUP_COLUMNS, groups)))
    assert found["posting_groups"] == "STRASSE, STRAẞE"
