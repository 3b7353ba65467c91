"""The chain only grows, link by link, and its head fits on a piece of paper."""

import hashlib
import json
import multiprocessing
import os
from pathlib import Path

import pytest

from cpg1_assets.errors import EvidenceError
from cpg1_assets.evidence.chain.links import (
    BEFORE_THE_FIRST,
    anchor_of,
    append_link,
    head,
    inspect_chain,
    parse_anchor,
    read_chain,
)
from cpg1_assets_tests.evidence.small_year import link_of


def test_each_link_covers_the_digest_of_the_one_before(tmp_path: Path) -> None:
    evidence = tmp_path / "evidence"
    links = [append_link(evidence, "seal", {"month": f"2025-0{n}"}) for n in range(1, 4)]
    assert [link.index for link in links] == [1, 2, 3]
    assert [link.previous for link in links] == [BEFORE_THE_FIRST, links[0].digest, links[1].digest]
    assert read_chain(evidence) == links
    assert head(evidence) == links[-1]


def test_a_digest_is_recomputed_from_the_file_alone(tmp_path: Path) -> None:
    evidence = tmp_path / "evidence"
    append_link(evidence, "sign-off", {"name": "Zoë – 张伟", "version": 1})
    said = link_of(evidence, 1)
    digest = said.pop("digest")
    text = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert hashlib.sha256(text.encode()).hexdigest() == digest


def test_an_empty_evidence_folder_has_no_head(tmp_path: Path) -> None:
    assert head(tmp_path) is None


def append_several(evidence: Path) -> None:
    for _ in range(5):
        append_link(evidence, "seal", {"month": "2025-01"})


def test_several_processes_add_to_one_chain(tmp_path: Path) -> None:
    evidence = tmp_path / "evidence"
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=append_several, args=(evidence,)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [link.index for link in read_chain(evidence)] == list(range(1, 16))


def test_nothing_but_links_is_left_in_the_folder(tmp_path: Path) -> None:
    evidence = tmp_path / "evidence"
    (evidence / "chain").mkdir(parents=True)
    old = evidence / "chain" / ".000001.json.1.partial"
    old.write_text("half")
    os.utime(old, (0, 0))
    append_link(evidence, "seal", {"month": "2025-01"})
    assert [path.name for path in (evidence / "chain").iterdir()] == ["000001.json"]


def test_what_a_killed_process_left_half_written_is_a_note_and_no_problem(tmp_path: Path) -> None:
    evidence = tmp_path / "evidence"
    append_link(evidence, "seal", {"month": "2025-01"})
    # Killed between the link and the removal of its other name.
    (evidence / "chain" / ".000001.json.1.partial").hardlink_to(evidence / "chain" / "000001.json")
    found = inspect_chain(evidence)
    assert found.problems == []
    assert len(found.notes) == 1


@pytest.mark.parametrize("text", ["{}", "[]", "", "nonsense", '{"format":"cpg1-chain-1"}', "[" * 100_000])
def test_a_file_that_is_no_link_is_a_problem(tmp_path: Path, text: str) -> None:
    (tmp_path / "chain").mkdir()
    (tmp_path / "chain" / "000001.json").write_text(text)
    (problem,) = inspect_chain(tmp_path).problems
    assert (problem.kind, problem.path) == ("changed", "chain/000001.json")
    with pytest.raises(EvidenceError, match="damaged"):
        append_link(tmp_path, "seal", {})


def test_an_anchor_is_read_as_people_copy_it(tmp_path: Path) -> None:
    link = append_link(tmp_path / "evidence", "seal", {})
    written = anchor_of(link)
    assert len(written) == len("1-12345-12345-12345-12345")
    wanted = (1, link.digest[:20])
    digits = written.removeprefix("1-")
    assert parse_anchor(written) == wanted
    assert parse_anchor(written.upper()) == wanted
    assert parse_anchor("1-" + digits.replace("-", "")) == wanted
    assert parse_anchor(f" 1 {digits.replace('-', ' ')} ") == wanted
    assert parse_anchor(written.replace("-", "–")) == wanted


@pytest.mark.parametrize(
    "text", ["", "12", "1-abc", "x-12345-12345-12345-12345", "1-12345-12345-12345-1234g"]
)
def test_what_cannot_be_an_anchor_is_refused(text: str) -> None:
    with pytest.raises(EvidenceError, match="is not an anchor"):
        parse_anchor(text)
