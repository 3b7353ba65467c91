"""No month passes that should not: what is sealed is one computation, of one run, and a signed-off month stays."""

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import dagster as dg
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cpg1_assets import loaded
from cpg1_assets.claims import Claims
from cpg1_assets.definitions import build_definitions
from cpg1_assets.deployment import open_deployment
from cpg1_assets.errors import BusyError
from cpg1_assets.evidence.audit.reperform import reperform
from cpg1_assets.evidence.audit.verify import problems_of
from cpg1_assets.evidence.chain.reopen import reopen
from cpg1_assets.evidence.chain.seal import latest_seal, sealed_versions
from cpg1_assets.graph.sealed_month import COMPANIES, LATE, LATE_AND_SIGNED_OFF
from cpg1_assets.home import Home
from cpg1_assets.rules.frames import RECONCILIATION
from cpg1_assets.settings import Settings
from cpg1_assets.sources.interface import Session, SourceIdentity
from cpg1_assets.sources.sample import SampleBooks
from cpg1_assets.storage.parquet import write_parquet
from cpg1_assets.storage.provenance import Provenance
from cpg1_assets_tests.closing import QUIET, Closed, close
from cpg1_assets_tests.evidence.chain.signing import sign_with_every_comment

MONTH = "2025-09"
SEAL = "evidence_manifest"


@pytest.fixture
def sealed(sealed_home: Path) -> Settings:
    """Give a home of the test's own with a month that was closed and sealed."""
    return Settings(home=sealed_home)


class Spied:
    """The sample books, and how often they were asked."""

    def __init__(self, home: Path) -> None:
        """Count from here on."""
        self._books = SampleBooks(home / "sample_books")
        self.sessions = 0

    def identity(self) -> SourceIdentity:
        """Say what the books say of themselves."""
        return self._books.identity()

    @contextmanager
    def session(self, purpose: Mapping[str, str] | None = None) -> Iterator[Session]:
        """Open the books, and count it."""
        self.sessions += 1
        with self._books.session(purpose) as session:
            yield session


def sign(settings: Settings) -> None:
    """Have preparer and reviewer sign the month off, with every comment it asks for."""
    sign_with_every_comment(Home(settings).evidence_folder, MONTH)


# What is sealed is one computation


def test_a_month_sealed_again_unchanged_is_the_same_version_and_reperforms(
    sealed: Settings, instance: dg.DagsterInstance
) -> None:
    before = (Home(sealed).place / "storage" / "check_results" / f"{MONTH}.parquet").read_bytes()
    again = close(sealed, MONTH, instance)
    assert again.result.success
    assert again.path("check_results").read_bytes() == before
    (version,) = sealed_versions(Home(sealed).evidence_folder, MONTH)
    assert reperform(version.folder).identical


def test_a_file_without_provenance_is_not_computed_from_nor_sealed(
    sealed: Settings, instance: dg.DagsterInstance
) -> None:
    for said in (Home(sealed).place / "storage" / "ipe_07").glob("*.json"):
        said.unlink()
    for step in ("customer_posting_group_bridge", SEAL):
        why = close(sealed, MONTH, instance, select=[step]).why_failed(step)
        assert f"ipe_07/{MONTH}.parquet is not the file that was written there" in why
        assert "nothing beside it says where it came from" in why
        assert "cpg1 close --month 2025-09" in why
    assert len(sealed_versions(Home(sealed).evidence_folder, MONTH)) == 1


def test_a_file_that_something_else_wrote_is_not_computed_from(
    sealed: Settings, instance: dg.DagsterInstance
) -> None:
    path = Home(sealed).place / "storage" / "ipe_07" / f"{MONTH}.parquet"
    pq.write_table(pq.read_table(path).slice(1), path)
    refused = close(sealed, MONTH, instance, select=["business_line_reclass"])
    assert "is not the file that was written there" in refused.why_failed("business_line_reclass")


def test_one_new_extract_and_the_seal_alone_are_refused_naming_what_is_older(
    sealed: Settings, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    """A rule changed in between: what it gave is not what the month would give now."""
    rules = tmp_path / "rules"
    rules.mkdir()
    for name in ("lines.yaml", "thresholds.yaml", "collection_classification.yaml", "open_items.yaml"):
        (rules / name).write_bytes(loaded.TEXTS[f"rules/{name}"])
    text = (rules / "thresholds.yaml").read_text().replace("usd: 1000}", "usd: 1}")
    (rules / "thresholds.yaml").write_text(text)
    changed = Settings(home=sealed.home, rules_folder=rules)
    refused = close(changed, MONTH, instance, select=["ipe_07", SEAL])
    said = refused.why_failed(SEAL)
    assert "reconciliation: it was computed by other code, rules or queries than are loaded" in said
    assert "gl_roll_forward" not in said, "it follows no threshold"
    assert len(sealed_versions(Home(sealed).evidence_folder, MONTH)) == 1
    whole = close(changed, MONTH, instance)
    assert whole.result.success
    assert len(sealed_versions(Home(sealed).evidence_folder, MONTH)) == 2


def test_the_seal_is_refused_when_the_disk_is_not_what_was_loaded(
    sealed: Settings, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    definitions = build_definitions(sealed)
    edited = {**loaded.TEXTS, "rules/vocabulary.py": b"# edited while the month was being closed"}
    monkeypatch.setattr(loaded, "_read", lambda: edited)
    result = definitions.resolve_job_def("close_month").execute_in_process(
        partition_key=MONTH, instance=instance, run_config=QUIET, raise_on_error=False,
        asset_selection=[dg.AssetKey(SEAL)],
    )  # fmt: skip
    refused = Closed(sealed, MONTH, instance, result)
    assert "rules/vocabulary.py changed" in refused.why_failed(SEAL)


def test_the_seal_says_which_version_of_the_control_computed(sealed: Settings) -> None:
    version = latest_seal(Home(sealed).evidence_folder, MONTH)
    assert version is not None
    context = json.loads((version.folder / "context.json").read_text())
    assert version.seal["control_version"] == context["control_version"]
    assert len(context["control_version"]) == 64
    assert context["git"] is None or set(context["git"]) == {"commit", "clean"}


def test_a_forged_frame_with_forged_provenance_is_found_by_computing_it_again(
    sealed: Settings, instance: dg.DagsterInstance
) -> None:
    storage = open_deployment(sealed).storage
    _, provenance = storage.provenance("reconciliation", MONTH)
    path = Path(storage.path("reconciliation", MONTH))
    table = pq.read_table(path)
    at = table.schema.get_field_index("status")
    forged = table.set_column(at, table.schema.field(at), pa.array(["RECONCILED"] * len(table), pa.string()))
    written = write_parquet(forged, RECONCILIATION, storage.spool_path("reconciliation", MONTH, "forger"))
    storage.publish(written, "reconciliation", MONTH, replace(provenance, sha256=written.sha256))
    computed_from_it = [
        "bridge_calculations_evidence", "open_items", "open_item_suggestions", "open_item_changes",
        "open_item_comments", "check_results", SEAL,
    ]  # fmt: skip
    refused = close(sealed, MONTH, instance, select=computed_from_it)
    assert "reconciliation" in refused.why_failed(SEAL)
    assert "is not what the month's extracts and rules give" in refused.why_failed(SEAL)
    assert len(sealed_versions(Home(sealed).evidence_folder, MONTH)) == 1


def test_what_was_found_when_an_extract_was_drawn_is_what_is_sealed(
    sealed: Settings, instance: dg.DagsterInstance
) -> None:
    (path,) = (sealed.home / "storage" / "jdash").glob("*.json")
    provenance = Provenance.read(path.read_bytes())
    assert provenance is not None
    other = [
        validation | {"passed": not validation["passed"]} for validation in provenance.said["validations"]
    ]
    path.write_bytes(replace(provenance, said={**provenance.said, "validations": other}).content())
    older = close(sealed, MONTH, instance, select=[SEAL])
    assert "its check results are not what was found when jdash was drawn" in older.why_failed(SEAL)
    forged = close(sealed, MONTH, instance, select=["check_results", SEAL])
    assert "is not what any evidence package with its data says" in forged.why_failed(SEAL)


def test_nobody_signs_a_month_that_a_run_works_on(sealed: Settings) -> None:
    Claims(sealed.home).hold(MONTH, "a-run", {}, lambda _: False)
    with pytest.raises(BusyError, match=r"worked on by run a-run.*Sign when it is over"):
        sign(sealed)
    Claims(sealed.home).release("a-run")
    sign(sealed)


def test_a_step_whose_run_lost_the_month_meanwhile_publishes_nothing(
    sealed: Settings, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = sealed.home / "storage" / "gl_roll_forward" / f"{MONTH}.parquet"
    before = path.read_bytes()

    def taken_over(_: object) -> pd.DataFrame:
        place = sealed.home / "claims" / f"{MONTH}.json"
        said = json.loads(place.read_text())
        place.write_text(json.dumps(said | {"run_id": "another"}))
        frame: pd.DataFrame = pq.read_table(path).slice(1).to_pandas(types_mapper=pd.ArrowDtype)
        return frame

    monkeypatch.setattr("cpg1_assets.graph.derived.to_frame", taken_over)
    refused = close(sealed, MONTH, instance, select=["gl_roll_forward"])
    assert "another" in refused.why_failed("gl_roll_forward")
    assert path.read_bytes() == before


# One run at a time


def test_a_month_that_another_run_works_on_is_left_alone_before_anything_is_asked(
    sealed: Settings, instance: dg.DagsterInstance
) -> None:
    Claims(sealed.home).hold(MONTH, "the-other-run", {}, lambda _: False)
    source = Spied(sealed.home)
    refused = close(sealed, MONTH, instance, source=source, select=["ipe_07"])
    assert "2025-09 is being worked on by run the-other-run" in refused.why_failed("ipe_07")
    assert source.sessions == 0
    derived = close(sealed, MONTH, instance, select=["gl_roll_forward"])
    assert "the-other-run" in derived.why_failed("gl_roll_forward")
    Claims(sealed.home).release("the-other-run")
    assert close(sealed, MONTH, instance, select=["gl_roll_forward"]).result.success


def test_a_run_lets_go_of_its_month_when_it_ends_also_when_it_fails(
    sealed: Settings, instance: dg.DagsterInstance
) -> None:
    shutil.rmtree(sealed.home / "storage" / "cr_04")
    assert not close(sealed, MONTH, instance, select=["gl_roll_forward"]).result.success
    assert Claims(sealed.home).claim(MONTH) is None


def test_a_run_from_the_graph_gets_the_tags_of_the_job(
    sealed: Settings, instance: dg.DagsterInstance
) -> None:
    definitions = build_definitions(Settings(home=sealed.home, max_run_seconds=77))
    job = definitions.resolve_implicit_global_asset_job_def()
    result = job.execute_in_process(
        partition_key=MONTH, instance=instance, run_config=QUIET, raise_on_error=False,
        asset_selection=[dg.AssetKey("gl_roll_forward")],
    )  # fmt: skip
    run = instance.get_run_by_id(result.run_id)
    assert run is not None
    assert run.job_name == "__ASSET_JOB"
    assert run.tags["dagster/max_runtime"] == "77"
    assert run.tags["cpg1/books"] == "SAMPLE BOOKS"


# A signed-off month is closed


def test_nothing_of_a_signed_off_month_is_materialized_until_it_is_reopened(
    sealed: Settings, instance: dg.DagsterInstance
) -> None:
    sign(sealed)
    source = Spied(sealed.home)
    stored = {path: path.read_bytes() for path in (sealed.home / "storage").rglob("*.parquet")}
    for asset in (
        "ipe_07",
        "jdash",
        "reconciliation",
        "bridge_classifications_evidence",
        "check_results",
        SEAL,
    ):
        refused = close(sealed, MONTH, instance, source=source, select=[asset])
        assert "2025-09 is signed off (version 1, reviewer Bob Diallo)" in refused.why_failed(asset), asset
        assert "cpg1 reopen 2025-09" in refused.why_failed(asset)
    assert source.sessions == 0
    assert {path: path.read_bytes() for path in stored} == stored

    evidence = Home(sealed).evidence_folder
    reopen(evidence, MONTH, name="Cleo", reason="a late posting", problems_of=problems_of)
    assert close(sealed, MONTH, instance).result.success
    assert len(sealed_versions(evidence, MONTH)) == 1, "nothing had changed"
    sign(sealed)
    assert "is signed off" in close(sealed, MONTH, instance, select=["ipe_07"]).why_failed("ipe_07")


def test_checks_of_a_signed_off_month_may_be_looked_at(
    sealed: Settings, instance: dg.DagsterInstance
) -> None:
    sign(sealed)
    job = build_definitions(sealed).resolve_implicit_global_asset_job_def()
    keys = {key for key in job.asset_layer.asset_graph.asset_check_keys if key.name == "ties_out"}
    only_checks = job.get_subset(asset_selection=set(), asset_check_selection=keys)
    result = only_checks.execute_in_process(partition_key=MONTH, instance=instance, run_config=QUIET)
    assert result.success


def test_the_sensor_launches_nothing_for_a_signed_off_month_and_says_so_once(
    sealed: Settings, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    inbox = Path(
        shutil.copytree(Home(sealed).inbox_folder / "jdash" / MONTH, tmp_path / "inbox" / "jdash" / MONTH)
    )
    late = Settings(home=sealed.home, inbox=tmp_path / "inbox")
    sign(sealed)
    changed = next(inbox.iterdir())
    changed.write_bytes(changed.read_bytes() + b"\n")
    definitions = build_definitions(late)
    sensor = definitions.resolve_sensor_def("jdash_inbox")

    def tick(cursor: str | None) -> dg.SensorResult:
        answer = sensor(dg.build_sensor_context(instance, cursor=cursor, definitions=definitions))
        assert isinstance(answer, dg.SensorResult)
        return answer

    first = tick(None)
    assert not first.run_requests
    assert LATE_AND_SIGNED_OFF in str(first.skip_reason)
    (evaluation,) = first.asset_events
    assert isinstance(evaluation, dg.AssetCheckEvaluation)
    assert (evaluation.check_name, evaluation.passed, evaluation.partition) == (LATE, False, MONTH)
    second = tick(first.cursor)
    assert not second.asset_events, "said once for one state of the files"
    assert LATE_AND_SIGNED_OFF in str(second.skip_reason)
    changed.write_bytes(changed.read_bytes() + b"\n")
    assert len(tick(second.cursor).asset_events) == 1


# The companies of the seal before


def test_a_company_that_left_the_scope_since_the_last_seal_is_named(
    sealed: Settings, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    books = Path(shutil.copytree(sealed.home / "sample_books", tmp_path / "books"))
    (sealed.home / "sample_books").unlink()
    books.rename(sealed.home / "sample_books")
    edit(sealed.home, "Flg_In_Conso_Scope", lambda company, flag: 0 if company == "EC_NG" else flag)
    smaller = close(sealed, MONTH, instance)
    assert smaller.result.success
    check = smaller.evaluations(SEAL)[COMPANIES]
    assert not check.passed
    assert check.severity is dg.AssetCheckSeverity.ERROR
    assert check.metadata["left"].value == ["EC_NG"]
    edit(sealed.home, "Flg_In_Conso_Scope", lambda _company, _flag: 0)
    nobody = close(sealed, MONTH, instance)
    assert "Flg_In_Conso_Scope" in nobody.why_failed("cr_05")
    assert len(sealed_versions(Home(sealed).evidence_folder, MONTH)) == 2


def edit(home: Path, column: str, changed: object) -> None:
    """Change a column of the books' Dim_Company, company by company."""
    assert callable(changed)
    contents = json.loads((home / "sample_books" / "books.json").read_text())
    path = (
        home
        / "sample_books"
        / contents["tables"]["[AIG_Nav_Jumia_Reconciliation].[fdw].[Dim_Company]"]["path"]
    )
    table = pq.read_table(path)
    companies = [code.rstrip() for code in table.column("Company_Code").to_pylist()]
    values = [changed(c, v) for c, v in zip(companies, table.column(column).to_pylist(), strict=True)]
    at = table.schema.get_field_index(column)
    pq.write_table(
        table.set_column(at, table.schema.field(at), pa.array(values, table.schema.field(at).type)), path
    )
