"""What a run left is kept where it is proven, and nothing else: the next close gives the bytes that a whole one gives."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, NoReturn

import pytest

from cpg1_assets.closing import one_month
from cpg1_assets.closing.one_month import CloseOutcome, close_month
from cpg1_assets.definitions import definitions_of
from cpg1_assets.deployment import Deployment, open_deployment
from cpg1_assets.disk import sha256_of
from cpg1_assets.errors import EvidenceError
from cpg1_assets.evidence.audit.verify import verify
from cpg1_assets.graph import manifest, resume
from cpg1_assets.graph.code_versions import code_versions
from cpg1_assets.graph.job import CLOSE_MONTH
from cpg1_assets.graph.resume import Left, left_by
from cpg1_assets.jdash.month import month_folder
from cpg1_assets.month import CutoffMonth
from cpg1_assets.rules.graph import derivations
from cpg1_assets.settings import Settings
from cpg1_assets.sources.interface import SourceIdentity
from cpg1_assets_tests.closing import Closed

MONTH = CutoffMonth.parse("2025-09")


@pytest.fixture
def stored(closed: Closed, tmp_path: Path) -> Deployment:
    """Give the deployment of a home with a copy of what the run of the closed month stored."""
    home = tmp_path / "home"
    shutil.copytree(closed.settings.home, home, symlinks=True)
    inbox = shutil.copytree(open_deployment(closed.settings).home.inbox_folder, tmp_path / "inbox")
    return open_deployment(Settings(home=home, inbox=inbox))


def left(deployment: Deployment, closed: Closed) -> Left | None:
    """Give what is kept of the run of the closed month."""
    job = definitions_of(deployment).resolve_job_def(CLOSE_MONTH)
    run = closed.instance.get_run_by_id(closed.result.run_id)
    assert run is not None
    return left_by(run, deployment, MONTH, closed.instance, job)


def kept(deployment: Deployment, closed: Closed) -> tuple[set[str], dict[str, str]]:
    """Give the assets that are kept, and why others are not."""
    found = left(deployment, closed)
    return (set(), {}) if found is None else (set(found.kept), dict(found.anew))


def made_of(*assets: str) -> set[str]:
    """Give what a rule makes of these, over however many steps, and them."""
    found = set(assets)
    for name, each in derivations().items():
        if found & set(each.inputs):
            found.add(name)
    return found


def test_all_of_a_run_is_kept_where_nothing_changed(stored: Deployment, closed: Closed) -> None:
    found = left(stored, closed)
    assert found is not None
    assert set(found.kept) == closed.materialized() - {"evidence_manifest"}
    assert found.kept == {asset: sha256_of(closed.path(asset)) for asset in found.kept}
    assert (found.anew, found.steps) == ({}, ("evidence_manifest*",))


def _a_jdash_file_came(deployment: Deployment) -> None:
    (month_folder(deployment.home.inbox_folder, MONTH) / "late.csv").write_text("late")


def _a_bit_flipped(deployment: Deployment) -> None:
    path = Path(deployment.storage.path("ipe_07", MONTH.key))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def _a_package_went(deployment: Deployment) -> None:
    shutil.rmtree(deployment.home.evidence_folder / MONTH.key / "ipe_07")


def _a_file_of_another_run(deployment: Deployment) -> None:
    """Leave a file that another run drew: it is of another time."""
    folder = deployment.home.evidence_folder / MONTH.key / "ipe_07"
    (package,) = folder.iterdir()
    package.rename(folder / "another-run")


def _an_unreadable_package(deployment: Deployment) -> None:
    (package,) = (deployment.home.evidence_folder / MONTH.key / "ipe_07").iterdir()
    (package / "05_integrity_hash.json").write_text("{")


@pytest.mark.parametrize(
    ("happens", "asset", "why"),
    [
        (_a_jdash_file_came, "jdash", "late.csv"),
        (_a_bit_flipped, "ipe_07", "is not the file that was written there"),
        (_a_package_went, "ipe_07", "no evidence package of the run has its data"),
        (_a_file_of_another_run, "ipe_07", "no evidence package of the run has its data"),
        (_an_unreadable_package, "ipe_07", "no evidence package of the run has its data"),
    ],
)
def test_what_is_another_by_now_is_made_anew_and_all_that_is_made_of_it(
    stored: Deployment, closed: Closed, happens: Callable[[Deployment], None], asset: str, why: str
) -> None:
    happens(stored)
    now, anew = kept(stored, closed)
    assert anew.keys() == {asset}
    assert why in anew[asset]
    assert not made_of(asset) & now
    unaffected = {name for name in derivations() if name not in made_of(asset)}
    assert unaffected <= now
    found = left(stored, closed)
    assert found is not None
    assert found.steps == (f"{asset}*", "evidence_manifest*")


def test_what_other_code_made_is_made_anew(
    stored: Deployment, closed: Closed, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes = code_versions(stored)
    monkeypatch.setattr(resume, "code_versions", lambda _: codes | {"target_values": "other"})
    now, anew = kept(stored, closed)
    assert anew == {"target_values": "it was computed by other code, rules or queries than are loaded"}
    assert not made_of("target_values") & now


def test_nothing_is_kept_that_was_drawn_from_another_source(
    stored: Deployment, closed: Closed, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = replace(stored.source.identity(), version="0" * 64)

    def identity(_: object) -> SourceIdentity:
        return other

    monkeypatch.setattr(type(stored.source), "identity", identity)
    now, anew = kept(stored, closed)
    assert set(stored.catalog) <= anew.keys()
    assert now <= {"open_items_before"}


@pytest.fixture(scope="module")
def failed(sample_books: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, CloseOutcome]:
    """Give a home in which a close failed at its last step, and what that close came to."""
    home = tmp_path_factory.mktemp("failed") / "home"
    home.mkdir()
    (home / "sample_books").symlink_to(sample_books, target_is_directory=True)

    def refuse(*_: object, **__: object) -> NoReturn:
        raise EvidenceError("The disk is gone.")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest, "seal_month", refuse)
        return home, close_month(Settings(home=home), MONTH, lambda _: None)


def test_a_close_goes_on_where_the_last_one_failed_and_gives_what_a_whole_one_gives(
    failed: tuple[Path, CloseOutcome], closed: Closed, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, before = failed
    assert before.failures == [("evidence_manifest", "The disk is gone.")]
    said: list[str] = []
    steps: list[str] = []

    def progress(told: object) -> None:
        (said if isinstance(told, str) else steps).append(getattr(told, "step", str(told)))

    asked: list[Left | None] = []

    def only_asked(*given: Any) -> tuple[str, bool]:  # noqa: ANN401 - as run_month is called
        asked.append(given[-1])
        return "", False

    with monkeypatch.context() as patch:
        patch.setattr(one_month, "_RESUMED_WITHIN", timedelta(0))
        patch.setattr(one_month, "run_month", only_asked)
        close_month(Settings(home=home), MONTH, progress)
        assert said[-1].endswith("all is run. To go on with it: cpg1 close --month 2025-09 --resume")
        close_month(Settings(home=home), MONTH, progress, resume=True)
        close_month(Settings(home=home), MONTH, progress, resume=False)
    assert [each is not None for each in asked] == [False, True, False]

    after = close_month(Settings(home=home), MONTH, progress)
    assert after.exit_status == 4
    assert after.resumes == before.run_id
    assert f"Goes on with run {before.run_id[:8]}" in said[-1]
    assert set(after.kept) == closed.materialized() - {"evidence_manifest"}
    assert not {*after.kept} & {*steps}
    assert {asset: after.files[asset] for asset in after.kept} == {
        asset: sha256_of(closed.path(asset)) for asset in after.kept
    }
    assert not verify(home / "evidence").problems
    seal = json.loads((home / "evidence" / MONTH.key / "seals" / "001" / "seal.json").read_text())
    assert seal["content"] == {asset: after.files[asset] for asset in after.kept}
