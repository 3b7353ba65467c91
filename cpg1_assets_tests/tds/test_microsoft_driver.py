"""Microsoft's driver, found in its wheel, gives the control what the server holds, to the letter."""

import datetime as dt
import random
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from cpg1_assets.errors import SourceError, TransientSourceError
from cpg1_assets.extracts.catalog import read_catalog
from cpg1_assets.extracts.extraction import extract_month
from cpg1_assets.extracts.scope import read_scope
from cpg1_assets.month import CutoffMonth
from cpg1_assets.sources.odbc import Waits
from cpg1_assets.sources.query import Query
from cpg1_assets.sources.sample import SampleBooks
from cpg1_assets.storage.parquet import write_parquet
from cpg1_assets_tests.network import Network
from cpg1_assets_tests.postgres.asking import NUMBERS, NUMBERS_FRAME
from cpg1_assets_tests.tds.conftest import Asking
from cpg1_assets_tests.tds.server import PASSWORD, USER, ServerError, Slow, TdsServer

_ANYTHING = Query("SELECT 1 AS anything", {})
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
)


@pytest.mark.parametrize("name", sorted(read_catalog()))
@pytest.mark.parametrize("key", ["2024-12", "2025-09"])
def test_an_extract_is_the_same_as_from_the_sample_books(
    server: TdsServer, asking: Asking, sample_books: Path, tmp_path: Path, key: str, name: str
) -> None:
    extract, month, scope = read_catalog()[name], CutoffMonth.parse(key), read_scope()
    asked = extract_month(extract, asking(), scope, month, tmp_path / "server.parquet")
    embedded = extract_month(extract, SampleBooks(sample_books), scope, month, tmp_path / "books.parquet")
    assert asked.complete
    assert asked.source.keeps_snapshot
    assert (tmp_path / "server.parquet").read_bytes() == (tmp_path / "books.parquet").read_bytes()
    assert [v.as_dict() for v in asked.validations] == [v.as_dict() for v in embedded.validations]
    texts = [text for text, _ in server.asked]
    assert f"-- Month {key}\n{Query(extract.sql, asked.parameters).expanded().text}" in texts
    (login,) = server.logins
    assert (login.application, login.database, login.reads_only) == (
        f"cpg1-assets {name} {key}",
        "AIG_Nav_DW",
        True,
    )
    assert texts[:6] == [
        "SET NOCOUNT ON", "SET LOCK_TIMEOUT 10000", "SET DEADLOCK_PRIORITY LOW",
        "SET TRANSACTION ISOLATION LEVEL READ COMMITTED", "SET TRANSACTION ISOLATION LEVEL SNAPSHOT",
        "BEGIN TRANSACTION",
    ]  # fmt: skip


def _field(name: str, kind: pa.DataType, tds: str = "") -> pa.Field:
    return pa.field(name, kind, metadata={"tds": tds})


def test_every_type_arrives_to_the_letter(server: TdsServer, asking: Asking) -> None:
    schema = pa.schema(
        [
            _field("money", pa.decimal128(38, 20)),
            _field("whole", pa.int64()),
            _field("flag", pa.bool_()),
            _field("moment", pa.timestamp("us")),
            _field("moment2", pa.timestamp("us"), "datetime2"),
            _field("day", pa.date32()),
            _field("text", pa.string()),
            _field("long_text", pa.string(), "nvarchar(max)"),
            _field("padded", pa.string(), "nchar(5)"),
        ]
    )
    most = Decimal("999999999999999999.99999999999999999999")
    rows: list[tuple[Any, ...]] = [
        (most, 2**63 - 1, True, dt.datetime.fromisoformat("9999-12-31T23:59:59.997"),
         dt.datetime.fromisoformat("9999-12-31T23:59:59.999999"), dt.date.max, "שלום مرحبا 你好 🧾🇳🇬", "é" * 20_000,
         "ab   "),
        (most.copy_negate(), -(2**63), False, dt.datetime.fromisoformat("1753-01-01T00:00:00.003"),
         dt.datetime.fromisoformat("0001-01-01T00:00:00"), dt.date.min, "", "", "     "),
        (None,) * 9,
        (Decimal("-1E-20"), 0, True, dt.datetime.fromisoformat("2025-09-30T23:59:59.007"),
         dt.datetime.fromisoformat("2025-09-30T23:59:59.1234567"), dt.date(2025, 9, 30), " trailing  ", "🌍",
         "abcde"),
    ]  # fmt: skip
    table = pa.Table.from_pylist([dict(zip(schema.names, row, strict=True)) for row in rows], schema)
    server.answers["anything"] = table
    with asking().session() as session:
        assert [tuple(row.values()) for row in session.rows(_ANYTHING)] == rows


def test_a_moment_with_an_offset_is_a_text_or_refused_by_name(server: TdsServer, asking: Asking) -> None:
    schema = pa.schema([_field("moment", pa.timestamp("us"), "datetimeoffset")])
    server.answers["anything"] = pa.Table.from_pylist([{"moment": dt.datetime(2025, 9, 30, 22, 59)}], schema)  # noqa: DTZ001
    with asking().session() as session:
        assert session.rows(_ANYTHING) == [{"moment": "2025-09-30 23:59:00.0000000 +01:00"}]
    through_pyodbc = f"{server.connection_string}WSID=é;"
    with (
        asking(through_pyodbc).session() as session,
        pytest.raises(SourceError, match="Column moment is of a type"),
    ):
        session.rows(_ANYTHING)


@pytest.mark.parametrize(
    ("kind", "length"),
    [
        ("nvarchar(max)", 1_024), ("nvarchar(max)", 1_025), ("nvarchar(max)", 8_193), ("nvarchar(max)", 65_536),
        ("nvarchar(4000)", 1_024), ("nvarchar(4000)", 1_025), ("nvarchar(4000)", 4_000),
    ],
)  # fmt: skip
def test_a_text_of_any_usual_length_arrives_whole(
    server: TdsServer, asking: Asking, kind: str, length: int
) -> None:
    text = "é" * length
    schema = pa.schema([_field("n", pa.int64()), _field("text", pa.string(), kind)])
    rows = [{"n": n, "text": "x" if n < 9_999 else text} for n in range(10_000)]
    server.answers["anything"] = pa.Table.from_pylist(rows, schema)
    with asking().session() as session:
        assert session.rows(_ANYTHING) == rows
        assert session.rows(Query("SELECT 1 AS one", {})) == [{"one": 1}]


def test_a_text_longer_than_can_be_read_is_an_error_and_not_cut_short(
    server: TdsServer, asking: Asking
) -> None:
    schema = pa.schema([_field("long_text", pa.string(), "nvarchar(max)")])
    server.answers["anything"] = pa.Table.from_pylist([{"long_text": "x" * 65_537}], schema)
    with asking().session() as session, pytest.raises(SourceError, match="more than 65,536 characters"):
        session.rows(_ANYTHING)


def test_an_extract_with_a_text_longer_than_expected_is_read_again_in_the_same_session(
    server: TdsServer, asking: Asking, sample_books: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cpg1_assets.sources.odbc._ROOMS", (12, 24, 1_024))
    extract, month = read_catalog()["ipe_07"], CutoffMonth.parse("2025-09")
    asked = extract_month(extract, asking(), read_scope(), month, tmp_path / "server.parquet")
    extract_month(extract, SampleBooks(sample_books), read_scope(), month, tmp_path / "books.parquet")
    assert (tmp_path / "server.parquet").read_bytes() == (tmp_path / "books.parquet").read_bytes()
    assert [entry for entry in asked.log if entry["event"] == "the rows are read once more"]
    assert asked.source.keeps_snapshot
    assert len(server.logins) == 1


def test_an_answer_without_columns_is_not_taken_for_no_rows(server: TdsServer, asking: Asking) -> None:
    server.answers["anything"] = pa.table({})
    with asking().session() as session, pytest.raises(SourceError, match="without any column"):
        session.rows(_ANYTHING)


def test_a_lost_connection_is_not_opened_again_by_the_driver_itself(
    server: TdsServer, asking: Asking
) -> None:
    with Network(server.port, 20_000).running() as network:
        given = server.connection_string.replace(f",{server.port};", f",{network.port};")
        _numbers(server)
        with pytest.raises(TransientSourceError), asking(given).session() as session:
            session.rows(NUMBERS)
    assert len(server.logins) == 1


def test_a_query_may_hold_every_script(asking: Asking) -> None:
    with asking().session() as session:
        assert session.rows(Query("SELECT N'é🌍 ش' AS t", {})) == [{"t": "é🌍 ش"}]
        assert session.rows(Query("SELECT N'it''s é🌍 ش' AS t, @a AS a", {"a": 1})) == [
            {"t": "it's é🌍 ش", "a": 1}
        ]


def test_a_password_may_hold_every_script(
    server: TdsServer, asking: Asking, sample_books: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    password = "pä;w}d🔑 x"  # noqa: S105 - made for the test
    monkeypatch.setattr("cpg1_assets_tests.tds.server.PASSWORD", password)
    extract, month = read_catalog()["ipe_08"], CutoffMonth.parse("2025-09")
    asked = extract_month(extract, asking(), read_scope(), month, tmp_path / "server.parquet")
    extract_month(extract, SampleBooks(sample_books), read_scope(), month, tmp_path / "books.parquet")
    assert server.logins[0].password == password
    assert asked.source.keeps_snapshot
    assert (tmp_path / "server.parquet").read_bytes() == (tmp_path / "books.parquet").read_bytes()


@pytest.mark.parametrize("value", _AWKWARD)
def test_awkward_texts_travel_as_values(server: TdsServer, asking: Asking, value: str) -> None:
    text = "SELECT @one AS one, CASE WHEN @one COLLATE Latin1_General_100_BIN2 IN (@several) THEN 1 ELSE 0 END AS found"
    query = Query(text, {"one": value, "several": ("none of them", value)})
    with asking().session() as session:
        assert session.rows(query) == [{"one": value, "found": 1}]
    _, query_sent, _answerable = server.asked[-3:]
    assert value not in ("", " ") or query_sent[1]["one"] == value


@pytest.mark.parametrize(
    ("number", "severity", "kind"),
    [
        (1205, 13, TransientSourceError), (1222, 16, TransientSourceError), (40501, 16, TransientSourceError),
        (208, 16, SourceError), (207, 16, SourceError), (229, 14, SourceError), (102, 15, SourceError),
        (468, 16, SourceError), (8115, 16, SourceError),
    ],
)  # fmt: skip
def test_an_error_is_judged_by_its_number(
    server: TdsServer, asking: Asking, number: int, severity: int, kind: type[SourceError]
) -> None:
    server.answers["anything"] = ServerError(number, f"the server's words for {USER}", severity)
    with asking().session() as session, pytest.raises(SourceError, match=f"error {number}") as refused:
        session.rows(_ANYTHING)
    assert type(refused.value) is kind
    assert "the server's words for ***" in str(refused.value)


def test_a_wrong_password_is_not_tried_again_and_not_shown(server: TdsServer, asking: Asking) -> None:
    given = server.connection_string.replace("PWD={", "PWD={wrong ")
    with pytest.raises(SourceError, match="error 18456") as refused, asking(given).session():
        pass
    assert type(refused.value) is SourceError
    for secret in (USER, PASSWORD, "wrong"):
        assert secret not in str(refused.value)
    assert len(server.logins) == 1


def test_where_a_database_allows_no_snapshot_the_session_goes_on_and_says_so(
    server: TdsServer, asking: Asking
) -> None:
    server.answers["anything"] = ServerError(3952, "Snapshot isolation transaction failed accessing database")
    with asking().session() as session:
        assert session.rows(Query("SELECT 1 AS one", {})) == [{"one": 1}]
        assert session.identity().keeps_snapshot
        with pytest.raises(SourceError, match="error 3952"):
            session.rows(_ANYTHING)
        assert not session.identity().keeps_snapshot
        server.answers.clear()
        assert session.rows(_ANYTHING) == [{"anything": 1}]
    assert "IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION" in [text for text, _ in server.asked]


def _numbers(server: TdsServer, count: int = 60_000, text: str = "nvarchar(4000)") -> None:
    schema = pa.schema([_field("n", pa.int64()), _field("text", pa.string(), text)])
    columns = [pa.array(range(count), pa.int64()), pa.array([f"number {n}" for n in range(count)])]
    server.answers["Numbers"] = pa.Table.from_arrays(columns, schema=schema)


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("text", ["nvarchar(max)", "nvarchar(100)"])
def test_a_connection_cut_anywhere_is_an_error_and_never_a_shorter_result(
    server: TdsServer, asking: Asking, tmp_path: Path, text: str, seed: int
) -> None:
    # Of a text of any length, Microsoft's driver may end the rows where the connection ended, without an error.
    _numbers(server, 30_000, text)
    limit = random.Random(seed).randrange(50, 750_000)  # noqa: S311 - a place to cut, not a secret
    with Network(server.port, limit).running() as network:
        given = server.connection_string.replace(f",{server.port};", f",{network.port};")
        with (
            pytest.raises(TransientSourceError),
            asking(given, Waits(login=3, query=20, grace=2)).session() as session,
        ):
            write_parquet(session.stream(NUMBERS), NUMBERS_FRAME, tmp_path / "numbers.parquet")
    assert list(tmp_path.iterdir()) == []


def test_a_whole_connection_gives_every_row(server: TdsServer, asking: Asking, tmp_path: Path) -> None:
    _numbers(server)
    with asking().session() as session:
        written = write_parquet(session.stream(NUMBERS), NUMBERS_FRAME, tmp_path / "numbers.parquet")
    assert written.rows == 60_000


@pytest.mark.parametrize("limit", [20, 900, 200_000, 1_200_000])
def test_a_network_that_goes_silent_is_given_up_in_time(
    server: TdsServer, asking: Asking, tmp_path: Path, limit: int
) -> None:
    _numbers(server)
    with Network(server.port, limit, cuts=False).running() as network:
        given = server.connection_string.replace(f",{server.port};", f",{network.port};")
        began = time.monotonic()
        with (
            pytest.raises(TransientSourceError),
            asking(given, Waits(login=2, query=2, grace=1)).session() as session,
        ):
            write_parquet(session.stream(NUMBERS), NUMBERS_FRAME, tmp_path / "numbers.parquet")
        assert time.monotonic() - began < 30
    assert list(tmp_path.iterdir()) == []


def test_a_query_that_takes_too_long_is_given_up_in_time(server: TdsServer, asking: Asking) -> None:
    server.answers["anything"] = Slow(60)
    began = time.monotonic()
    with asking(None, Waits(query=1, grace=5)).session() as session, pytest.raises(TransientSourceError):
        session.rows(_ANYTHING)
    assert time.monotonic() - began < 30
