"""An auditor's machine without this software and without Python re-performs a month as the page "For auditors" says."""

import re
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from csv import DictReader
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cpg1_assets.evidence.audit.export import export_month
from cpg1_assets.evidence.audit.verify import verify
from cpg1_assets.evidence.chain.manifest import read_manifest
from cpg1_assets.home import Home
from cpg1_assets.rules.checks import checks
from cpg1_assets.rules.frames import CHECK_RESULTS, DERIVED_FRAMES
from cpg1_assets.rules.lines import Lines
from cpg1_assets.settings import Settings
from cpg1_assets.yaml_file import read_yaml
from cpg1_assets_tests.closing import close
from cpg1_assets_tests.conftest import ORDINARY_MONTH, home_with
from cpg1_assets_tests.required import DUCKDB, duckdb_cli, require
from cpg1_assets_tests.soak import soak

PAGE = Path(__file__).parents[3] / "docs" / "for-auditors.md"
NAMED_TOOLS = ("sha256sum", "grep", "cut")
"""What the page says it needs beside DuckDB, or what every Linux has."""


@dataclass(frozen=True)
class Machine:
    """An auditor's machine: a folder with an unpacked archive, and a PATH that has the tools of the page only."""

    place: Path
    month: str

    @property
    def sealed(self) -> Path:
        """Folder of the sealed version."""
        return self.place / "evidence" / self.month / "seals" / "001"

    def run(self, script: str, at: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run a script of the shell."""
        return subprocess.run(
            ["/bin/bash", "-euo", "pipefail", "-c", script],
            cwd=at or self.place,
            env={"PATH": str(self.place / "bin"), "HOME": str(self.place / "home"), "LANG": "C.UTF-8"},
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    def compare(self) -> subprocess.CompletedProcess[str]:
        """Run the page's last command again, on the database that is there."""
        command = f'duckdb "$HOME/{self.month}.duckdb" -csv -f reperform/compare.sql'
        return self.run(command, self.sealed)


def blocks(month: str) -> list[str]:
    """Commands of the page that run as they stand, block by block, for this month."""
    found = re.findall(r"^<!-- run: .*?-->\n```sh\n(.*?)```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert len(found) == 2
    return [block.replace("2025-09", month) for block in found]


def answers(machine: Machine, script: str) -> list[tuple[str, str]]:
    """Run a script and give each command with what it printed."""
    commands = [line for line in script.splitlines() if not line.startswith("#")]
    ran = machine.run("\n".join(f"{command}\nprintf '\\036'" for command in commands))
    assert (ran.returncode, ran.stderr) == (0, ""), ran.stdout + ran.stderr
    return list(zip(commands, ran.stdout.split("\036"), strict=False))


def unpacked(evidence: Path, month: str, place: Path) -> Machine:
    """Send an auditor the archive of a month."""
    require(DUCKDB)
    program = duckdb_cli()
    assert program is not None
    archive = export_month(evidence, month, place / "sent.zip")
    zipfile.ZipFile(archive).extractall(place)
    for folder in ("bin", "home"):
        (place / folder).mkdir()
    (place / "bin" / "duckdb").symlink_to(program)
    for tool in NAMED_TOOLS:
        (place / "bin" / tool).symlink_to(str(shutil.which(tool)))
    return Machine(place, month)


@pytest.fixture(scope="module")
def evidence(request: pytest.FixtureRequest, month: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the evidence of a month of the default books; the ordinary one is closed already."""
    if month == ORDINARY_MONTH:
        return Home(request.getfixturevalue("closed").settings).evidence_folder
    books: Path = request.getfixturevalue("sample_books")
    settings = Settings(home=home_with(books, tmp_path_factory.mktemp(month) / "home"))
    with dg.DagsterInstance.ephemeral() as instance:
        close(settings, month, instance)
    return Home(settings).evidence_folder


@pytest.fixture(
    scope="module",
    params=[ORDINARY_MONTH, pytest.param("2025-01", marks=soak), pytest.param("2025-12", marks=soak)],
)
def month(request: pytest.FixtureRequest) -> str:
    """Give a month."""
    return str(request.param)


@pytest.fixture(scope="module")
def machine(evidence: Path, month: str, tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """Give a machine of an auditor, which tests tamper with in turn and put right again."""
    return unpacked(evidence, month, tmp_path_factory.mktemp("auditor"))


@pytest.fixture(scope="module")
def performed(machine: Machine) -> list[tuple[str, str]]:
    """Give what each command of the page printed; the month is re-performed with them."""
    return answers(machine, blocks(machine.month)[0])


def derived_checks(machine: Machine) -> set[tuple[str, str]]:
    lines = read_yaml(machine.sealed / "rules" / "lines.yaml", Lines)
    return {(check.asset, check.name) for check in checks(lines).values()}


def test_the_page_runs_word_for_word_and_every_frame_is_identical(
    machine: Machine, performed: list[tuple[str, str]]
) -> None:
    said = performed
    (listed,) = [out for command, out in said if "--check" in command]
    assert listed == ""
    (manifest,) = [out for command, out in said if command.startswith("sha256sum")]
    (sealed,) = [out for command, out in said if "manifest_sha256" in command]
    assert manifest.split()[0] in sealed
    (link,) = [out for command, out in said if "grep -l" in command]
    assert re.fullmatch(r"\.\./chain/[0-9]{6}\.json\n", link)
    (computed,) = [out for command, out in said if "reperform.sql" in command]
    assert computed == ""
    (compared,) = [out for command, out in said if "compare.sql" in command]
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in compared.splitlines() if "│" in line]
    assert {row[0] for row in rows if "identical" in row} == {spec.name for spec in DERIVED_FRAMES}
    assert {(row[0], row[1]) for row in rows if "agrees" in row} == derived_checks(machine)
    assert (
        f"{len(DERIVED_FRAMES)} frames, all identical; {len(derived_checks(machine))} checks, all agree"
        in compared
    )
    looked = machine.run(blocks(machine.month)[1], machine.sealed)
    assert (looked.returncode, looked.stderr) == (0, "")
    assert verify(machine.place / "evidence", machine.month).problems == []  # nothing was left behind in it


def test_what_powershell_hands_to_duckdb_is_what_the_shell_does(machine: Machine) -> None:
    (windows,) = re.findall(r"^```powershell\n(.*?)```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    asked = [
        line for line in windows.replace("2025-09", machine.month).splitlines() if line.startswith("duckdb")
    ]
    hashes, *others = (command.split(" | ", 1)[0] for command in asked)
    linux = blocks(machine.month)[0].splitlines()
    assert others == [line for line in linux if line.startswith("duckdb")][1:]
    listed = machine.run(hashes, machine.sealed.parents[1])
    rows = read_manifest(machine.sealed / "manifest.parquet")
    found = [(row["path"], row["sha256"]) for row in DictReader(listed.stdout.splitlines())]
    assert found == [(row.path, row.sha256) for row in rows]


@pytest.mark.usefixtures("performed")
def test_a_sealed_frame_that_is_another_is_named_with_how_many_rows_differ(machine: Machine) -> None:
    other: dict[str, tuple[Callable[[pa.Table], pa.Table], str]] = {
        "target_values": (one_digit, "rows differ: 1 only sealed, 1 only performed"),
        "business_line_reclass": (one_row_twice, "rows differ: 1 only sealed, 0 only performed"),
        "reconciliation": (amounts_as_text, "other columns or types"),
    }
    paths = {name: machine.sealed / "data" / f"{name}.parquet" for name in other}
    as_sealed = {path: path.read_bytes() for path in paths.values()}
    try:
        for name, (change, _) in other.items():
            pq.write_table(change(pq.read_table(paths[name])), paths[name])
        ran = machine.compare()
    finally:
        for path, content in as_sealed.items():
            path.write_bytes(content)
    assert ran.returncode == 1
    assert f"3 of {len(DERIVED_FRAMES)} frames are not identical" in ran.stderr
    results = {row["frame"]: row["result"] for row in DictReader(ran.stdout.split("asset,")[0].splitlines())}
    assert results == {
        spec.name: other[spec.name][1] if spec.name in other else "identical" for spec in DERIVED_FRAMES
    }


def one_digit(table: pa.Table) -> pa.Table:
    at = table.schema.get_field_index("target_value")
    amounts = table.column(at).to_pylist()
    amounts[0] += Decimal("0.0001")
    return table.set_column(at, table.schema.field(at), pa.array(amounts, table.schema.field(at).type))


def one_row_twice(table: pa.Table) -> pa.Table:
    return pa.concat_tables([table, table.slice(0, 1)])


def amounts_as_text(table: pa.Table) -> pa.Table:
    at = table.schema.get_field_index("actual")
    return table.set_column(at, "actual", table.column(at).cast(pa.string()))


@pytest.mark.usefixtures("performed")
def test_a_check_that_was_sealed_otherwise_than_it_comes_out_is_named(machine: Machine) -> None:
    path = machine.sealed / "data" / "check_results.parquet"
    as_sealed = path.read_bytes()
    rows = pq.read_table(path).to_pylist()
    otherwise = [row | {"passed": row["passed"] or row["check"] == "none_is_old"} for row in rows]
    try:
        pq.write_table(pa.Table.from_pylist(otherwise, schema=CHECK_RESULTS.arrow_schema), path)
        ran = machine.compare()
    finally:
        path.write_bytes(as_sealed)
    assert ran.returncode == 1
    assert f"1 of {len(derived_checks(machine))} checks do not agree" in ran.stderr
    assert "open_items,none_is_old,differs,passed," in ran.stdout


def test_what_could_not_be_computed_is_never_compared(machine: Machine) -> None:
    lost = machine.sealed / "data" / "ipe_31.parquet"
    aside = lost.rename(lost.with_suffix(".aside"))
    try:
        computed = machine.run("duckdb $HOME/another.duckdb -f reperform/reperform.sql", machine.sealed)
        compared = machine.run("duckdb $HOME/another.duckdb -f reperform/compare.sql", machine.sealed)
    finally:
        aside.rename(lost)
    assert (computed.returncode, compared.returncode) == (1, 1)
    assert "ipe_31.parquet" in computed.stderr
    assert "identical" not in compared.stdout
