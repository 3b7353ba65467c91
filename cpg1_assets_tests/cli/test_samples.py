"""`cpg1 evidence sample`, `sample-check` and `sample-add`: from the seal to the auditor and back."""

import json
import shutil
from pathlib import Path

from cpg1_assets.home import Home
from cpg1_assets.settings import Settings
from cpg1_assets_tests.cli.conftest import Cpg1
from cpg1_assets_tests.evidence.samples.handed_out import (
    ASSET,
    MONTH,
    filled_in,
    header_at,
    rewritten,
    sealed_month,
)

DRAW = ("evidence", "sample", ASSET, "--month", MONTH, "--method", "monetary-unit", "--seed", "a-1")
MORE = ("--size", "5", "--company", "EC_KE", "--amount", "amount")


def test_from_the_seal_to_the_auditor_and_back(cpg1: Cpg1, home: Path, tmp_path: Path) -> None:
    evidence = Home(Settings(home=home)).evidence_folder
    sealed = sealed_month(evidence)
    xlsx, csv = tmp_path / "s.xlsx", tmp_path / "s.csv"
    drawn = cpg1(*DRAW, *MORE, "--out", str(xlsx), "--out", str(csv), "--json")
    assert drawn.exit_code == 0, drawn.output
    said = json.loads(drawn.stdout)
    assert (said["books"], said["population"]) == ("SAMPLE BOOKS", 30)
    assert said["files"] == [str(xlsx), str(csv)]
    # The same on a copy elsewhere.
    shutil.copytree(evidence, tmp_path / "copy")
    again = cpg1(
        *DRAW, *MORE, "--out", str(tmp_path / "again.csv"), "--path", str(tmp_path / "copy"), "--json"
    )
    assert json.loads(again.stdout)["rows"] == said["rows"]
    assert (tmp_path / "again.csv").read_bytes() == csv.read_bytes()

    for paper in (xlsx, csv):
        checked = cpg1("evidence", "sample-check", str(paper))
        assert checked.exit_code == 0
        assert "by the sealed frame, from which it was drawn again" in checked.stdout
        assert "0 ok, 0 exception, 0 not tested; " in checked.stdout
    by_root = cpg1("evidence", "sample-check", str(xlsx), "--root", said["rows_root"])
    assert (by_root.exit_code, "by the root that was given" in by_root.stdout) == (0, True)
    # Without the ledger: the chain and the seal alone.
    (tmp_path / "copy" / MONTH / "seals" / "001" / "data" / f"{ASSET}.parquet").unlink()
    by_seal = cpg1("evidence", "sample-check", str(csv), "--path", str(tmp_path / "copy"))
    assert (by_seal.exit_code, "by the root in the seal" in by_seal.stdout) == (0, True)

    added = cpg1("evidence", "sample-add", str(rewritten(xlsx, filled_in)), "--json")
    assert added.exit_code == 0, added.output
    link = json.loads(added.stdout)
    assert link["results"]["ok"] == link["rows"] == len(said["rows"])
    assert (evidence / MONTH / link["file"]).read_bytes() == xlsx.read_bytes()
    verified = cpg1("evidence", "verify", "--json")
    assert verified.exit_code == 0
    (who,) = (each for each in json.loads(verified.stdout)["signed"] if each["kind"] == "sample")
    assert who["name"] is None, "the name that a sample has is its file's"
    assert f"{MONTH}  1        sample" in cpg1("evidence", "verify").stdout
    assert cpg1("evidence", "sample-add", str(xlsx)).exit_code == 1
    assert sealed.version == link["version"]


def test_one_changed_digit_is_named_and_the_exit_status_says_so(
    cpg1: Cpg1, home: Path, tmp_path: Path
) -> None:
    sealed_month(Home(Settings(home=home)).evidence_folder)
    csv = tmp_path / "s.csv"
    root = json.loads(cpg1(*DRAW, *MORE, "--out", str(csv), "--json").stdout)["rows_root"]

    def one_more(rows: list[list[object]]) -> None:
        at = header_at(rows)
        place = rows[at].index("entry_no")
        rows[at + 1][place] = int(str(rows[at + 1][place])) + 1

    rewritten(csv, one_more)
    for more in ((), ("--root", root)):
        checked = cpg1("evidence", "sample-check", str(csv), *more)
        assert checked.exit_code == 1
        assert "entry_no of row" in checked.stdout
        assert "1 difference: this is not, or not all, what was drawn" in checked.stdout
        assert (
            json.loads(cpg1("evidence", "sample-check", str(csv), *more, "--json").stdout)["as_drawn"]
            is False
        )


def test_what_is_asked_wrongly_is_refused_before_anything_is_written(
    cpg1: Cpg1, home: Path, tmp_path: Path
) -> None:
    evidence = Home(Settings(home=home)).evidence_folder
    sealed_month(evidence)
    (tmp_path / "there.csv").write_text("mine")
    for out, said in (
        (tmp_path / "s.txt", "a workpaper is .xlsx or .csv"),
        (tmp_path / "there.csv", "is there already and is not overwritten"),
        (evidence / "s.csv", "is in the evidence folder"),
    ):
        refused = cpg1(*DRAW, *MORE, "--out", str(tmp_path / "new.csv"), "--out", str(out))
        assert refused.exit_code == 1
        assert said in refused.stderr
        assert not (tmp_path / "new.csv").exists()
    assert (tmp_path / "there.csv").read_text() == "mine"
    both = cpg1(
        "evidence", "sample-check", str(tmp_path / "there.csv"), "--root", "1:x", "--path", str(evidence)
    )
    assert "one of them" in both.stderr
    absent = cpg1(*DRAW, "--size", "5", "--version", "2", "--out", str(tmp_path / "new.csv"))
    assert "has no version 2" in absent.stderr
