"""The workpaper index names every file of the seal under what it proves, with the hash that the manifest has."""

import csv
import io
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import pytest

from cpg1_assets.deliverables.closed_month import ClosedMonth, closed_month
from cpg1_assets.deliverables.workpaper_index import (
    ATTRIBUTES,
    BYTE_ORDER_MARK,
    Entry,
    index_csv,
    index_html,
    workpaper_index,
)
from cpg1_assets.disk import sha256_of
from cpg1_assets.errors import EvidenceError
from cpg1_assets.home import Home
from cpg1_assets.month import CutoffMonth
from cpg1_assets_tests.closing import Closed
from cpg1_assets_tests.deliverables.hand_sealed import MONTH, red_month, seal_by_hand
from cpg1_assets_tests.deliverables.page import parsed
from cpg1_assets_tests.evidence.chain.signing import begun, prepare, reopened, review
from cpg1_assets_tests.evidence.small_year import small_month


@pytest.fixture(scope="module")
def month(closed: Closed) -> ClosedMonth:
    return closed_month(Home(closed.settings).evidence_folder, CutoffMonth.parse(closed.month))


@pytest.fixture(scope="module")
def entries(month: ClosedMonth) -> list[Entry]:
    return workpaper_index(month)


def by_attribute(entries: list[Entry]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for entry in entries:
        found[entry.attribute].add(entry.file)
    return found


def test_every_file_is_there_and_has_the_hash_of_the_manifest_and_the_link_that_vouches_for_it(
    month: ClosedMonth, entries: list[Entry]
) -> None:
    seal = month.sealed.link
    listed = {
        f"{month.month.key}/{row.path}": (row.sha256, row.size_bytes) for row in month.sealed.manifest()
    }
    own = {
        f"{month.month.key}/seals/001/seal.json": seal.body["seal_sha256"],
        f"{month.month.key}/seals/001/manifest.parquet": seal.body["manifest_sha256"],
        seal.name: sha256_of(month.evidence / seal.name),
    }
    for entry in entries:
        if not entry.file:
            continue
        path = month.evidence / entry.file
        assert (entry.sha256, entry.size_bytes) == (sha256_of(path), path.stat().st_size)
        assert (entry.link, entry.digest) == (seal.name, seal.digest)
        assert entry.sha256 == (listed[entry.file][0] if entry.file in listed else own[entry.file])
    # And the other way round: no row of the manifest is left out.
    assert {entry.file for entry in entries} - {""} == listed.keys() | own.keys()


def test_every_file_of_a_closed_month_is_named_by_an_attribute(entries: list[Entry]) -> None:
    assert list(by_attribute(entries)) == [attribute.name for attribute in ATTRIBUTES]
    nothing = {name for name, files in by_attribute(entries).items() if files == {""}}
    assert nothing == {
        "preparation and review",
        "key register",
        "trusted time",
        "samples",
        "reopening",
        "earlier runs",
    }


@pytest.mark.parametrize(
    ("attribute", "files"),
    [
        ("thresholds", ["rules/thresholds.yaml"]),
        (
            "roll-forward",
            ["data/cr_03.parquet", "data/cr_04.parquet", "data/gl_roll_forward.parquet", "statements/gl_roll_forward.sql"],
        ),
        ("checks", ["data/check_results.parquet", "statements/check_results.sql"]),
        ("effectiveness", ["data/control_effectiveness.parquet"]),
    ],
)  # fmt: skip
def test_what_proves_an_attribute(entries: list[Entry], attribute: str, files: list[str]) -> None:
    assert by_attribute(entries)[attribute] == {f"2025-09/seals/001/{file}" for file in files}


def test_completeness_of_each_report_is_proved_by_its_package(entries: list[Entry], closed: Closed) -> None:
    files = by_attribute(entries)["population completeness"]
    for extract in ("cr_03", "cr_04", "ipe_08", "jdash"):
        assert f"2025-09/{extract}/{closed.result.run_id}/06_validation_results.json" in files


def test_as_csv_it_opens_in_a_spreadsheet_and_says_whose_books_they_are(
    month: ClosedMonth, entries: list[Entry]
) -> None:
    text = index_csv(month)
    assert text.encode().startswith(b"\xef\xbb\xbfattribute,proves,file,")
    rows = list(csv.DictReader(io.StringIO(text.removeprefix(BYTE_ORDER_MARK))))
    assert [row["file"] for row in rows] == [entry.file for entry in entries]
    assert {row["books"] for row in rows} == {"SAMPLE BOOKS"}


def test_as_a_page_it_has_the_same_rows_and_every_text_is_text(
    month: ClosedMonth, entries: list[Entry]
) -> None:
    page = parsed(index_html(month))
    shown = [row.one("td", class_="n") for row in page.all("tr") if list(row.all("td"))]
    assert len(shown) == sum(bool(entry.file) for entry in entries)
    assert "SAMPLE BOOKS" in page.text
    assert "<script" not in index_html(month)


def test_packages_of_other_data_prove_nothing_of_this_seal(tmp_path: Path) -> None:
    evidence = tmp_path / "evidence"
    small_month(evidence, MONTH.key)
    small_month(evidence, MONTH.key, run="run-2", amount=2)
    found = by_attribute(workpaper_index(closed_month(evidence, MONTH)))
    assert {file.split("/")[2] for file in found["earlier runs"]} == {"run-1"}
    assert {file.split("/")[2] for file in found["IPE: how each report was drawn"] if "/ipe_08/" in file} == {
        "run-2"
    }
    first = by_attribute(workpaper_index(closed_month(evidence, MONTH, 1)))
    assert first["earlier runs"] == {""}
    assert first["seal"] == {
        "2025-09/seals/001/seal.json",
        "2025-09/seals/001/manifest.parquet",
        "chain/000001.json",
    }
    with pytest.raises(EvidenceError, match="2025-09 has no version 3"):
        closed_month(evidence, MONTH, 3)


def test_sign_offs_and_reopenings_are_links_of_the_version_they_are_of(tmp_path: Path) -> None:
    evidence = tmp_path / "evidence"
    small_month(evidence, MONTH.key)
    prepare(evidence)
    review(evidence)
    reopened(evidence)
    small_month(evidence, MONTH.key, run="run-2", amount=2)
    first = by_attribute(workpaper_index(closed_month(evidence, MONTH, 1)))
    assert first["preparation and review"] == {"chain/000002.json", "chain/000003.json"}
    assert first["reopening"] == {"chain/000004.json"}
    second = by_attribute(workpaper_index(closed_month(evidence, MONTH)))
    assert second["preparation and review"] == second["reopening"] == {""}


def test_the_key_register_is_of_no_month_and_in_every_index(tmp_path: Path) -> None:
    evidence = tmp_path / "evidence"
    small_month(begun(evidence), MONTH.key)
    found = by_attribute(workpaper_index(closed_month(evidence, MONTH)))
    assert found["key register"] == {f"chain/00000{index}.json" for index in (1, 2, 3)}
    assert "chain/000004.json" in found["seal"]


def test_a_file_or_link_that_no_attribute_names_is_listed_as_such(tmp_path: Path) -> None:
    evidence = tmp_path / "evidence"
    small_month(evidence, MONTH.key)
    found = closed_month(evidence, MONTH)
    # A kind of link that only a later version makes: of this month, and of no version of it.
    other = replace(found.links[0], index=2, kind="stamp", body={"month": MONTH.key})
    (evidence / other.name).write_bytes(b"{}")
    entries = workpaper_index(replace(found, links=(*found.links, other)))
    # Rates that no package vouches for are nowhere drawn.
    others = [(entry.file, entry.kind) for entry in entries if entry.attribute == "others"]
    assert others == [("2025-09/seals/001/data/cr_05.parquet", "data"), ("chain/000002.json", "link: stamp")]


def test_a_seal_that_is_not_the_one_of_the_chain_has_no_index(tmp_path: Path) -> None:
    evidence = tmp_path / "evidence"
    seal_by_hand(evidence, red_month())
    seal = evidence / MONTH.key / "seals" / "001" / "seal.json"
    seal.write_bytes(seal.read_bytes() + b" ")
    with pytest.raises(EvidenceError, match="is not the file that was sealed"):
        workpaper_index(closed_month(evidence, MONTH))
