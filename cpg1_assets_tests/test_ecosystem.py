"""What the ecosystem's own tools find: one code location by one name, the sample books, types."""

import json
import os
import shutil
import subprocess
import sys
import tomllib
from importlib.resources import files
from pathlib import Path

import pytest
from dagster._cli.workspace.cli_target import workspace_opts_to_load_target
from dagster_shared.cli import WorkspaceOpts

from cpg1_assets.evidence.chain.manifest import MANIFEST
from cpg1_assets.graph.packages import EVIDENCE_FRAMES
from cpg1_assets.rules.frames import CHECK_RESULTS, CONTROL_EFFECTIVENESS
from cpg1_assets.settings import Settings
from cpg1_assets_tests.required import DG, require
from reference.tables import frames

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("there", "named"),
    [("workspace.yaml", ()), ("pyproject.toml", ()), ("pyproject.toml", ("cpg1_assets",))],
    ids=["workspace.yaml", "pyproject.toml", "-m cpg1_assets"],
)
def test_the_code_location_has_one_name_whoever_starts_it(
    there: str, named: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(ROOT / there, tmp_path)
    monkeypatch.chdir(tmp_path)
    (origin,) = workspace_opts_to_load_target(WorkspaceOpts(module_name=named)).create_origins()
    assert origin.location_name == "cpg1_assets"
    assert origin.loadable_target_origin.module_name == "cpg1_assets"
    assert PROJECT["tool"]["dg"]["project"]["code_location_name"] == "cpg1_assets"


def test_with_nothing_set_it_is_the_sample_books_in_the_folder_where_one_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Settings.from_environment({})
    assert (settings.source, settings.home) == ("sample", tmp_path / "var")


def test_dg_lists_every_definition_without_a_warning(tmp_path: Path) -> None:
    require(DG)
    (tmp_path / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    kept = {
        k: v for k, v in os.environ.items() if not k.startswith(("CPG1_", "DAGSTER_")) and k != "CUTOFF_DATE"
    }
    done = subprocess.run(
        [str(Path(sys.executable).with_name("dg")), "list", "defs", "--json"],
        env=kept | {"CPG1_HOME": str(tmp_path / "home"), "PYTHONPATH": str(ROOT), "DAGSTER_HOME": str(tmp_path),
                    "VIRTUAL_ENV": sys.prefix},
        capture_output=True, text=True, check=False, cwd=ROOT,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    listed = json.loads(done.stdout)
    frames_of_a_month = {
        *frames(),
        *(spec.name for spec in EVIDENCE_FRAMES),
        MANIFEST.name,
        CHECK_RESULTS.name,
        CONTROL_EFFECTIVENESS.name,
        "control_report",
        "control_workbook",
    }
    assert {each["asset_key"] for each in listed["assets"]} == frames_of_a_month
    assert {"close_month", "take_comments"} <= {each["name"] for each in listed["jobs"]}
    assert listed["schedules"]
    assert listed["sensors"]
    assert not (tmp_path / "home").exists(), "to list is not to make"


def test_the_package_carries_its_types() -> None:
    assert files("cpg1_assets").joinpath("py.typed").is_file()
    assert "py.typed" in PROJECT["tool"]["setuptools"]["package-data"]["cpg1_assets"]
    # Installed in place, it is a folder on the path: no type checker follows the hook that it would be otherwise.
    assert PROJECT["tool"]["distutils"]["editable_wheel"]["mode"] == "compat"


def test_on_windows_it_says_that_it_needs_wsl() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import os; os.name = 'nt'; import cpg1_assets"],
        capture_output=True, text=True, check=False, cwd=ROOT,
    )  # fmt: skip
    assert done.returncode == 1
    assert "ImportError: C-PG-1 runs on Linux and macOS. On Windows, install and run it in WSL" in done.stderr
