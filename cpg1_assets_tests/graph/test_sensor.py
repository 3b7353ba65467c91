"""A late JDash file is materialized, with what depends on it, once per file version and not before its month."""

import shutil
from pathlib import Path

import dagster as dg
import pytest

from cpg1_assets.definitions import build_definitions
from cpg1_assets.deliverables.files import SUFFIXES
from cpg1_assets.settings import Settings
from cpg1_assets_tests.closing import close

MONTH = "2025-09"
LATE = "EC_KE.csv"
DOWNSTREAM = {
    "jdash", "timing_difference_bridge", "reconciliation", "bridge_calculations_evidence", "control_effectiveness",
    "check_results", "evidence_manifest", "open_items", "open_item_suggestions", "open_item_changes", "open_item_comments",
}  # fmt: skip


@pytest.fixture
def settings(home: Path, tmp_path: Path) -> Settings:
    """Give two companies, one of whose files has not come yet."""
    inbox = tmp_path / "inbox" / "jdash" / MONTH
    inbox.mkdir(parents=True)
    shutil.copy(home / "sample_books" / "inbox" / "jdash" / MONTH / "EC_NG.csv", inbox)
    return Settings(home=home, inbox=tmp_path / "inbox", companies=("EC_KE", "EC_NG"))


def tick(
    settings: Settings, instance: dg.DagsterInstance, cursor: str | None = None
) -> tuple[list[dg.RunRequest], str | None]:
    definitions = build_definitions(settings)
    context = dg.build_sensor_context(instance, cursor=cursor, definitions=definitions)
    answer = definitions.resolve_sensor_def("jdash_inbox")(context)
    assert isinstance(answer, dg.SensorResult)
    requests = list(answer.run_requests or [])
    assert bool(requests) != bool(answer.skip_reason)
    return requests, answer.cursor


def test_a_month_that_is_not_extracted_yet_is_left_to_its_close(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    assert tick(settings, instance)[0] == []


def test_a_late_file_is_materialized_with_what_depends_on_it_once(
    settings: Settings, instance: dg.DagsterInstance, home: Path
) -> None:
    definitions = build_definitions(settings)
    before = close(settings, MONTH, instance)
    assert before.result.success
    assert status(before.rows("reconciliation"), "EC_KE") == "NOT_COMPUTED"
    requests, cursor = tick(settings, instance)
    assert requests == []

    assert settings.inbox is not None
    late = settings.inbox / "jdash" / MONTH / LATE
    shutil.copy(home / "sample_books" / "inbox" / "jdash" / MONTH / LATE, late)
    (request,), cursor = tick(settings, instance, cursor)
    assert request.partition_key == MONTH
    (again,), cursor = tick(settings, instance, cursor)
    assert again.run_key == request.run_key, "one run for one version of the files, however often it is seen"

    after = close(settings, MONTH, instance, job=definitions.resolve_sensor_def("jdash_inbox").job_name)
    assert after.materialized() == DOWNSTREAM
    assert after.deliverables() == set(SUFFIXES)
    assert status(after.rows("reconciliation"), "EC_KE") != "NOT_COMPUTED"
    assert after.evaluations("jdash")["all_companies_present"].passed
    requests, cursor = tick(settings, instance, cursor)
    assert requests == [], "nothing has changed since"

    late.write_bytes(late.read_bytes() + b"\n")
    (changed,), _ = tick(settings, instance, cursor)
    assert changed.run_key != request.run_key, "another version of the file is another run"


def status(rows: list[dict[str, str]], company: str) -> str:
    (found,) = [r for r in rows if r["id_company"] == company and r["line"] == "voucher_liability"]
    return found["status"]
