"""A sealed month whose data changes is a restatement: what came, went and changed, by company and amount."""

import json
import re
import shutil
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from cpg1_assets.cli.commands import main
from cpg1_assets.definitions import sealed_frames
from cpg1_assets.deployment import open_deployment
from cpg1_assets.errors import StorageError
from cpg1_assets.evidence.audit.differences import differences
from cpg1_assets.evidence.audit.restatement import Restatement, restatement, sealed_before
from cpg1_assets.evidence.chain.seal import latest_seal, sealed_versions
from cpg1_assets.frame import FrameSpec, columns
from cpg1_assets.home import Home
from cpg1_assets.settings import Settings
from cpg1_assets_tests.closing import Closed, close, listed
from cpg1_assets_tests.evidence.sealing import sealed_folder, with_amount
from cpg1_assets_tests.graph.hand_made import vouch

MONTH = "2025-09"
CHECK = "data_is_what_was_sealed"
SPEC = FrameSpec(
    name="entries",
    title="Entries",
    key=("id_company", "entry_no"),
    amounts=("amount",),
    columns=columns(
        ("id_company", "text"), ("entry_no", "integer"), ("amount", "amount"), ("note", "text"),
        required=["id_company"],
    ),
)  # fmt: skip
Row = tuple[str, int | None, Decimal | None, str | None]


def written(path: Path, rows: list[Row]) -> Path:
    table = pa.Table.from_pylist(
        [dict(zip(SPEC.arrow_schema.names, row, strict=True)) for row in rows], schema=SPEC.arrow_schema
    )
    pq.write_table(table, path)
    return path


def restated(closed: Closed, storage: Path) -> Restatement:
    """Compare a copy of the month's storage with its seal."""
    settings = replace(closed.settings, storage=str(storage))
    deployment = open_deployment(settings)
    specs = {spec.name: spec for spec in sealed_frames(deployment)}
    sealed = latest_seal(Home(settings).evidence_folder, closed.month)
    assert sealed is not None
    return restatement(sealed, deployment.storage, specs)


@pytest.fixture
def storage(closed: Closed, tmp_path: Path) -> Path:
    """Give a copy of the storage of a sealed month."""
    return Path(shutil.copytree(closed.settings.home / "storage", tmp_path / "storage"))


# Two versions of a frame


def test_rows_that_came_went_and_changed_are_told_apart_by_company_and_amount(tmp_path: Path) -> None:
    before = written(
        tmp_path / "before.parquet",
        [
            ("EC_NG", 1, Decimal("10.0000"), "kept"),
            ("EC_NG", 2, Decimal("20.0000"), "changed"),
            ("EC_NG", 3, Decimal("30.0000"), "went"),
            ("JD_GH", 1, None, "no amount"),
        ],
    )
    after = written(
        tmp_path / "after.parquet",
        [
            ("EC_NG", 1, Decimal("10.0000"), "kept"),
            ("EC_NG", 2, Decimal("20.0001"), "changed"),
            ("EC_KE", 9, Decimal("-5.5000"), "came"),
            ("JD_GH", 1, None, "another note"),
        ],
    )
    found = differences(before, after, SPEC)
    assert (found.came, found.went, found.changed) == (1, 1, 2)
    assert [(t.id_company, t.kind, t.rows, Decimal(t.amounts["amount"])) for t in found.totals] == [
        ("EC_KE", "came", 1, Decimal("-5.5")),
        ("EC_NG", "changed", 1, Decimal("0.0001")),
        ("JD_GH", "changed", 1, Decimal(0)),
        ("EC_NG", "went", 1, Decimal(-30)),
    ]
    changed = {
        row.key["id_company"]: (row.before, row.after) for row in found.listed if row.kind == "changed"
    }
    assert changed["EC_NG"] == ({"amount": "20.0000"}, {"amount": "20.0001"})
    assert changed["JD_GH"] == ({"note": "no amount"}, {"note": "another note"})


def test_the_list_is_bounded_and_the_totals_are_not(tmp_path: Path) -> None:
    before = written(tmp_path / "before.parquet", [])
    after = written(tmp_path / "after.parquet", [("EC_NG", n, Decimal(1), None) for n in range(500)])
    found = differences(before, after, SPEC, shown=7)
    assert (found.came, len(found.listed)) == (500, 7)
    assert Decimal(found.totals[0].amounts["amount"]) == 500


def test_a_column_of_another_type_or_name_is_named(tmp_path: Path) -> None:
    before = written(tmp_path / "before.parquet", [("EC_NG", 1, Decimal(1), "a")])
    table = pq.read_table(before)
    other = table.set_column(1, "entry_no", table.column(1).cast(pa.string())).rename_columns(
        {"note": "remark"}
    )
    pq.write_table(other, tmp_path / "after.parquet")
    found = differences(before, tmp_path / "after.parquet", SPEC)
    assert found.columns_came == ("entry_no (string)", "remark (string)")
    assert found.columns_went == ("entry_no (int64)", "note (string)")
    assert not found.none


def test_without_a_key_rows_come_and_go(tmp_path: Path) -> None:
    before = written(tmp_path / "before.parquet", [("EC_NG", 1, Decimal(1), "a"), ("EC_NG", 2, None, None)])
    after = written(tmp_path / "after.parquet", [("EC_NG", 1, Decimal(2), "a"), ("EC_NG", 2, None, None)])
    bare = FrameSpec(name="entries", title="Entries", key=(), columns=())
    found = differences(before, after, bare)
    assert (found.came, found.went, found.changed) == (1, 1, 0)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    before = written(tmp_path / "before.parquet", [])
    with pytest.raises(StorageError, match=r"gone\.parquet is not there"):
        differences(before, tmp_path / "gone.parquet", SPEC)


_ROWS = st.lists(
    st.tuples(
        st.sampled_from(["EC_NG", "JD_GH"]),
        st.none() | st.integers(0, 3),
        st.none() | st.decimals(-9, 9, places=4, allow_nan=False),
        st.none() | st.sampled_from(["a", "b"]),
    ),
    max_size=8,
)


@given(before=_ROWS, after=_ROWS)
def test_what_differs_is_exactly_what_is_not_in_both(
    tmp_path_factory: pytest.TempPathFactory, before: list[Row], after: list[Row]
) -> None:
    folder = tmp_path_factory.mktemp("versions")
    found = differences(
        written(folder / "before.parquet", before), written(folder / "after.parquet", after), SPEC
    )
    rest_before, rest_after = list(before), list(after)
    for row in before:
        if row in rest_after:
            rest_before.remove(row)
            rest_after.remove(row)
    assert found.went + found.changed == len(rest_before)
    assert found.came + found.changed == len(rest_after)
    keys = {row[:2] for row in rest_before} & {row[:2] for row in rest_after}
    assert found.changed == sum(
        min(sum(r[:2] == key for r in rest_before), sum(r[:2] == key for r in rest_after)) for key in keys
    )
    effect = sum(row[2] or 0 for row in after) - sum(row[2] or 0 for row in before)
    assert sum(Decimal(t.amounts["amount"]) for t in found.totals) == effect


# A month in storage against its seal


def test_a_month_that_did_not_change_is_as_sealed(closed: Closed, storage: Path) -> None:
    found = restated(closed, storage)
    assert found.as_sealed
    assert found.summary() == "as sealed (version 001)"


def test_other_bytes_for_the_same_rows_are_no_restatement(closed: Closed, storage: Path) -> None:
    path = storage / "ipe_07" / f"{MONTH}.parquet"
    pq.write_table(pq.read_table(path), path, compression="gzip")
    vouch(path)
    assert restated(closed, storage).as_sealed


def test_a_late_posting_and_a_file_that_is_gone_are_named(closed: Closed, storage: Path) -> None:
    path = storage / "ipe_07" / f"{MONTH}.parquet"
    table = pq.read_table(path)
    late = table.slice(0, 1).to_pylist()[0] | {"entry_no": 999_999_999}
    pq.write_table(pa.concat_tables([table, pa.Table.from_pylist([late], schema=table.schema)]), path)
    vouch(path)
    (storage / "cr_05" / f"{MONTH}.parquet").unlink()
    found = restated(closed, storage)
    assert found.absent == ("cr_05",)
    assert found.rows() == {"came": 1, "went": 0, "changed": 0}
    (total,) = found.totals()
    assert (total["asset"], total["id_company"], total["kind"]) == ("ipe_07", late["id_company"], "came")
    assert Decimal(total["difference"]) == late["remaining_amount_lcy"]
    assert "entry_no 999999999" in found.listed()[0]["row"]


# The check, and what a second materialization does


def _with_inbox(home: Path, place: Path) -> Settings:
    """Give settings whose inbox has a corrected file of EC_MA: its first voucher used for 1000 more."""
    inbox = Path(shutil.copytree(Home(Settings(home=home)).inbox_folder, place))
    path = inbox / "jdash" / MONTH / "EC_MA.csv"
    whole = path.read_text(encoding="utf-8-sig")
    # Without its total, which would no longer be the sum.
    before = "".join(line for line in whole.splitlines(keepends=True) if not line.startswith("Grand Total"))
    voucher, amount = re.findall(r'^(\d+),"([\d.]+)"', before, re.MULTILINE)[0]
    line = f'{voucher},"{amount}"'
    path.write_text(before.replace(line, f'{voucher},"{Decimal(amount) + 1000}"', 1), encoding="utf-8")
    return Settings(home=home, inbox=inbox)


def test_a_restated_month_keeps_its_seal_and_fails_the_check_as_a_warning(
    closed: Closed,
    sealed_home: Path,
    instance: dg.DagsterInstance,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    never = closed.evaluations("evidence_manifest")[CHECK]
    assert never.passed
    assert never.metadata["compared_with"].value == "never sealed before"
    home = sealed_home
    evidence = Home(Settings(home=home)).evidence_folder
    sealed = {p: p.read_bytes() for p in evidence.rglob("*") if p.is_file()}

    unchanged = close(Settings(home=home), MONTH, instance)
    assert unchanged.evaluations("evidence_manifest")[CHECK].passed
    assert len(sealed_versions(evidence, MONTH)) == 1

    later = close(_with_inbox(home, tmp_path / "inbox"), MONTH, instance)
    assert later.result.success
    check = later.evaluations("evidence_manifest")[CHECK]
    assert not check.passed
    assert check.severity == dg.AssetCheckSeverity.WARN
    assert str(check.metadata["compared_with"].value).startswith("version 001, sealed ")
    moved = {
        (row["asset"], row["id_company"]): row["difference"] for row in listed(check, "by_company_and_amount")
    }
    assert {key[1] for key in moved if key[0] == "jdash"} == {"EC_MA"}
    assert Decimal(str(moved["jdash", "EC_MA"])) == 1000
    assert any(row["asset"] == "jdash" and row["id_company"] == "EC_MA" for row in listed(check, "listed"))
    for path, content in sealed.items():
        assert path.read_bytes() == content, path
    versions = sealed_versions(evidence, MONTH)
    assert [version.version for version in versions] == [1, 2]
    before = sealed_before(evidence, MONTH, later.result.run_id)
    assert before is not None
    assert before.version == 1

    # Materialized again as it was, the month differs from its newest seal; status says so by company and amount.
    close(Settings(home=home), MONTH, instance, select=["jdash"])
    monkeypatch.setenv("CPG1_HOME", str(home))
    said = CliRunner().invoke(main, ["status", MONTH])
    assert said.exit_code == 0
    assert "Data: restated since version 002: jdash: " in said.output
    assert "amount_used -1000" in said.output
    against = json.loads(CliRunner().invoke(main, ["status", MONTH, "--json"]).stdout)["against_seal"]
    assert (against["version"], against["as_sealed"]) == (2, False)
    # What the newest version restated stays visible, also once the month is as sealed again.
    assert "Version 002: restated since version 001: " in said.output
    assert "amount_used 1000.0000" in said.output
    restated_then = against["newest_seal_against_the_one_before"]
    assert (restated_then["version"], restated_then["as_sealed"]) == (1, False)


def test_status_of_a_sealed_month_says_as_sealed_and_of_a_damaged_seal_what_is_wrong(
    closed: Closed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    shutil.copytree(closed.settings.home / "storage", home / "storage")
    shutil.copytree(Home(closed.settings).evidence_folder, home / "evidence")
    monkeypatch.setenv("CPG1_HOME", str(home))
    assert "Data: as sealed (version 001)" in CliRunner().invoke(main, ["status", MONTH]).output
    seal = sealed_folder(home / "evidence", MONTH) / "seal.json"
    seal.write_text(seal.read_text() + " ")
    said = CliRunner().invoke(main, ["status", MONTH])
    assert said.exit_code == 0
    assert "cannot be compared with its seal" in said.output
    assert "seal.json is not the file that was sealed" in said.output


def test_a_narrowed_scope_is_never_sealed_and_passes(narrowed: Closed) -> None:
    check = narrowed.evaluations("evidence_manifest")[CHECK]
    assert check.passed
    assert check.metadata["compared_with"].value == "never sealed before"


def test_a_changed_amount_in_storage_is_a_changed_row(closed: Closed, storage: Path) -> None:
    with_amount(
        storage / "cr_04" / f"{MONTH}.parquet", "balance_at_date",
        lambda values: [Decimal(str(values[0])) + 1, *values[1:]],
    )  # fmt: skip
    vouch(storage / "cr_04" / f"{MONTH}.parquet")
    found = restated(closed, storage)
    assert found.rows() == {"came": 0, "went": 0, "changed": 1}
    assert Decimal(found.totals()[0]["difference"]) == 1
