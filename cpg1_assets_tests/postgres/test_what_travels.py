"""Values, types and snapshots over the real wire: every value arrives as it is, and one state is seen."""

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpg1_assets.sources.query import Query
from cpg1_assets_tests.postgres.asking import source_on
from cpg1_assets_tests.postgres.cluster import Cluster

_TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=200)
_AWKWARD = (
    "EC_NG'; DROP TABLE x; --",
    "a]b[c",
    "/* x */",
    "?",
    "{fn now()}",
    '"',
    "",
    " ",
    "x  ",
    "شركة 🌍",
    "ñ\n\t",
)
_COUNT = Query("SELECT COUNT(*) AS n FROM [AIG_Nav_DW].[dbo].[Changing] AS t", {})


@pytest.fixture(scope="module")
def described(cluster: Cluster) -> None:
    cluster.run(
        'CREATE TABLE "AIG_Nav_DW.dbo"."Kinds" (i int, d numeric(38,20), w bigint, b boolean, m timestamp(3), '
        "day date, t text, c char(6))",
        """INSERT INTO "AIG_Nav_DW.dbo"."Kinds" VALUES
        (1, 123456789012345678.99999999999999999999, 9223372036854775807, true, '9999-12-31 23:59:59.997',
         '9999-12-31', 'שלום مرحبا 你好 🧾🇳🇬', 'ab'),
        (2, -0.00000000000000000001, -9223372036854775808, false, '1753-01-01 00:00:00.003', '0001-01-01', '', ''),
        (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
        (4, 0, 0, true, '2025-09-30 23:59:59.007', '2025-09-30', ' trailing  ', 'abcdef')""",
        'GRANT SELECT ON "AIG_Nav_DW.dbo"."Kinds" TO cpg1_reader',
    )


@pytest.mark.usefixtures("described")
@pytest.mark.parametrize("string_of", [Cluster.connection_string, Cluster.far_connection_string])
def test_every_type_arrives_to_the_letter(cluster: Cluster, string_of: Callable[[Cluster], str]) -> None:
    query = Query(
        "SELECT k.i AS i, k.d AS d, k.w AS w, k.b AS b, k.m AS m, k.day AS day, k.t AS t, k.c AS c "
        "FROM [AIG_Nav_DW].[dbo].[Kinds] AS k",
        {},
    )
    with source_on(cluster, given=string_of(cluster)).session() as session:
        rows = [tuple(row.values())[1:] for row in sorted(session.rows(query), key=lambda row: row["i"])]
    assert rows == [
        (
            Decimal("123456789012345678.99999999999999999999"), 2**63 - 1, True,
            datetime.fromisoformat("9999-12-31T23:59:59.997"), date(9999, 12, 31), "שלום مرحبا 你好 🧾🇳🇬", "ab    ",
        ),
        (
            Decimal("-0.00000000000000000001"), -(2**63), False,
            datetime.fromisoformat("1753-01-01T00:00:00.003"), date(1, 1, 1), "", "      ",
        ),
        (None,) * 7,
        (Decimal(0), 0, True, datetime.fromisoformat("2025-09-30T23:59:59.007"), date(2025, 9, 30), " trailing  ",
         "abcdef"),
    ]  # fmt: skip


@pytest.mark.parametrize("value", _AWKWARD)
def test_awkward_texts_travel_as_values(cluster: Cluster, value: str) -> None:
    found = "CASE WHEN @one COLLATE Latin1_General_100_BIN2 IN (@several) THEN 1 ELSE 0 END AS found"
    query = Query(f"SELECT @one AS one, {found}", {
        "one": value, "several": ("none of them", value, "x'y"),
    })  # fmt: skip
    with source_on(cluster).session() as session:
        assert session.rows(query) == [{"one": value, "found": 1}]


@given(texts=st.lists(_TEXTS, min_size=1, max_size=5))
@settings(max_examples=25)
def test_any_text_travels_as_a_value(cluster: Cluster, texts: list[str]) -> None:
    listed = {f"v{position}": text for position, text in enumerate(texts)}
    query = Query("SELECT " + ", ".join(f"@{name} AS {name}" for name in listed), listed)
    with source_on(cluster).session() as session:
        assert session.rows(query) == [listed]


@pytest.mark.parametrize(("snapshot", "seen"), [(True, 0), (False, 1)])
def test_one_session_sees_one_state_where_it_may(cluster: Cluster, snapshot: bool, seen: int) -> None:  # noqa: FBT001
    cluster.run(
        'CREATE TABLE "AIG_Nav_DW.dbo"."Changing" (n int)',
        'GRANT SELECT ON "AIG_Nav_DW.dbo"."Changing" TO cpg1_reader',
    )
    try:
        with source_on(cluster, snapshot=snapshot).session() as session:
            before = session.rows(_COUNT)
            cluster.run('INSERT INTO "AIG_Nav_DW.dbo"."Changing" VALUES (1)')
            assert session.identity().keeps_snapshot is snapshot
            assert session.rows(_COUNT)[0]["n"] - before[0]["n"] == seen
    finally:
        cluster.run('DROP TABLE "AIG_Nav_DW.dbo"."Changing"')
