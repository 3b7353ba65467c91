"""Verify fails closed: whatever stands in an evidence folder is a finding by name, soon, and never a traceback.

What is only changed is in `test_verify`; here are files that have no end or are none, documents that are not what they
should be, and what somebody writes who hashes everything anew.
"""

import base64
import builtins
import io
import json
import os
import shutil
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cpg1_assets.errors import EvidenceError
from cpg1_assets.evidence.audit.verify import VerifyReport, verify
from cpg1_assets.evidence.audit.walk import walk
from cpg1_assets.evidence.chain.links import anchor_of, append_link, head, inspect_chain
from cpg1_assets.evidence.chain.manifest import MANIFEST, ManifestRow, parse_manifest
from cpg1_assets.evidence.chain.signing import is_signed, make_key, read_public_key
from cpg1_assets.json_file import parse_json
from cpg1_assets_tests.evidence.attacks import forge, forge_file, rewrite, rewrite_from
from cpg1_assets_tests.evidence.chain.signing import prepare, reopened, review
from cpg1_assets_tests.evidence.small_year import OPEN, link_of, small_month

MONTH, EARLIER = "2025-09", "2025-08"
VERSION = f"{MONTH}/seals/002"
SEAL, MANIFEST_FILE = f"{VERSION}/seal.json", f"{VERSION}/manifest.parquet"
DATA, PACKAGED = f"{VERSION}/data/ipe_08.parquet", f"{MONTH}/ipe_08/run-2/data.parquet"
CONTEXT = f"{MONTH}/ipe_08/run-2/00_system_context.json"
_SOON = 10.0
_HUGE = 1 << 42


@pytest.fixture(autouse=True)
def soon() -> Iterator[None]:
    """Let nothing here be waited for: what does not end is interrupted."""

    def late(*_: object) -> None:
        raise AssertionError("verify does not end")

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, _SOON)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seal one month once and the next twice; the last is signed by both. Nobody writes in it."""
    evidence = tmp_path_factory.mktemp("small") / "evidence"
    small_month(evidence, EARLIER)
    small_month(evidence, MONTH)
    small_month(evidence, MONTH, run="run-2", amount=2)
    prepare(evidence, MONTH)
    review(evidence, MONTH)
    return evidence


@pytest.fixture
def evidence(small: Path, tmp_path: Path) -> Path:
    """Give a copy to tamper with."""
    return Path(shutil.copytree(small, tmp_path / "evidence"))


def kinds(report: VerifyReport) -> set[tuple[str, str]]:
    return {(problem.kind, problem.path) for problem in report.problems}


def messages(report: VerifyReport, kind: str) -> str:
    return " ".join(problem.message for problem in report.problems if problem.kind == kind)


def test_before_any_of_it_nothing_is_found(small: Path) -> None:
    report = verify(small)
    assert report.problems == []
    (note,) = report.notes
    assert note.startswith("Preparer and reviewer signed with the same operating-system account (")


# Files that are none


def pipe(path: Path) -> None:
    os.mkfifo(path)


def bound_socket(path: Path) -> None:
    # The path of a socket may have 107 bytes only.
    here = Path.cwd()
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(here)


def to_a_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def to_itself(path: Path) -> None:
    path.symlink_to(path)


def folder(path: Path) -> None:
    path.mkdir()


def sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(_HUGE)


MADE: dict[str, Callable[[Path], None]] = {
    "a pipe": pipe, "a socket": bound_socket, "a link to a device": to_a_device, "a link to itself": to_itself,
    "a folder": folder, "a file of four terabytes": sparse,
}  # fmt: skip
PLACES = [
    "chain/000003.json", "chain/000005.json", "chain", MONTH, f"{MONTH}/seals", VERSION, SEAL, MANIFEST_FILE, DATA,
    PACKAGED, CONTEXT, f"{MONTH}/ipe_08",
]  # fmt: skip


@pytest.mark.parametrize("made", MADE)
def test_what_is_no_file_or_has_no_end_is_named_wherever_it_stands(
    small: Path, tmp_path: Path, made: str
) -> None:
    for number, place in enumerate(PLACES):
        evidence = Path(shutil.copytree(small, tmp_path / str(number) / "evidence"))
        path = evidence / place
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
        if place in (MONTH, "chain", VERSION, f"{MONTH}/seals", f"{MONTH}/ipe_08") and made == "a folder":
            continue
        MADE[made](path)
        found = {problem.path for problem in verify(evidence).problems}
        assert place in found or any(each.startswith(f"{place}/") for each in found), (made, place)
        assert place in found or place in ("chain", f"{MONTH}/seals", f"{MONTH}/ipe_08"), (made, place)


@pytest.mark.parametrize("made", MADE)
@pytest.mark.parametrize(
    "place",
    ["more", "chain/000006.json", f"{MONTH}/more", f"{VERSION}/data/more", f"{MONTH}/ipe_08/run-2/more"],
)
def test_what_is_no_file_is_named_where_nothing_was(evidence: Path, made: str, place: str) -> None:
    MADE[made](evidence / place)
    report = verify(evidence)
    inside = {problem.path for problem in report.problems}
    assert place in inside or (made, place) == ("a folder", f"{MONTH}/more")


@pytest.mark.parametrize("name", ["00_system_context.json", "data.parquet"])
@pytest.mark.parametrize("made", ["a pipe", "a link to a device", "a file of four terabytes"])
def test_a_package_of_a_later_run_with_no_file_in_it_is_looked_at_soon(
    evidence: Path, made: str, name: str
) -> None:
    package = Path(
        shutil.copytree(evidence / MONTH / "ipe_08" / "run-2", evidence / MONTH / "ipe_08" / "run-9")
    )
    assert verify(evidence).problems == []
    (package / name).unlink()
    MADE[made](package / name)
    report = verify(evidence)
    # Nothing is known of what a later run left, but that it is not to be read.
    large = (made, name) == ("a file of four terabytes", "data.parquet")
    assert large or f"{MONTH}/ipe_08/run-9/{name}" in {problem.path for problem in report.problems}


def test_a_file_is_read_no_further_than_it_is_long_by_the_manifest(
    evidence: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (evidence / DATA).open("ab") as file:
        file.truncate(_HUGE)
    report = verify(evidence)
    assert kinds(report) == {("changed", DATA)}
    assert f"It has {_HUGE:,} bytes." in messages(report, "changed")

    # Nor where it grows after it was looked at.
    (evidence / DATA).unlink()
    (evidence / DATA).write_bytes((evidence / PACKAGED).read_bytes())
    assert verify(evidence).problems == []

    def growing(folder: Path, shown: str) -> object:
        walked = walk(folder, shown)
        if shown == MONTH:
            with (evidence / DATA).open("ab") as file:
                file.truncate(_HUGE)
        return walked

    monkeypatch.setattr("cpg1_assets.evidence.audit.month_check.walk", growing)
    assert ("unreadable", DATA) in kinds(verify(evidence))


def test_copies_of_a_sealed_file_beyond_number_are_not_all_hashed(
    evidence: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = (evidence / DATA).stat().st_size
    (evidence / DATA).unlink()
    for number in range(50):
        with (evidence / VERSION / "data" / f"{number}.parquet").open("wb") as file:
            file.truncate(size)
    monkeypatch.setattr("cpg1_assets.evidence.audit.month_check._LEAST_BUDGET", 0)
    report = verify(evidence)
    assert report.size_bytes < 2 * sum(path.stat().st_size for path in evidence.rglob("*") if path.is_file())
    assert ("missing", DATA) in kinds(report)
    assert len(report.problems) == 51


@pytest.mark.parametrize("below", ["", "seals/002/"])
def test_folders_nested_without_end_are_named_and_not_walked(evidence: Path, below: str) -> None:
    top = evidence / MONTH / below
    top.mkdir(exist_ok=True)
    here = os.open(top, os.O_RDONLY)
    for _ in range(1200):
        os.mkdir("n", dir_fd=here)
        deeper = os.open("n", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = deeper
    os.close(here)
    report = verify(evidence)
    assert "levels deep" in messages(report, "added")
    assert len(report.problems) < 40
    os.system(f"rm -rf '{top}/n'")  # noqa: S605 - shutil.rmtree is a call a level


# Documents that are not what they should be

OTHER = {
    "empty": b"",
    "not JSON": b"{",
    "bytes that are no text": b"\xff\xfe{}",
    "UTF-16": '{"month": "2025-09"}'.encode("utf-16"),
    "a list": b"[]",
    "a text": b'"2025-09"',
    "null": b"null",
    "nested deep": b"[" * 200_000 + b"]" * 200_000,
    "nested less deep": b'{"month":' * 900 + b"1" + b"}" * 900,
    "a number of 100,000 digits": b'{"month": ' + b"9" * 100_000 + b"}",
    "no number": b'{"month": NaN}',
    "half a character": b'{"month": "\\ud800"}',
    "a key twice": b'{"month": "2025-09", "month": "2025-09"}',
    "other fields": b'{"a": 1}',
    "huge": b'{"month": "' + b"x" * 9_000_000 + b'"}',
}


@pytest.mark.parametrize("what", OTHER)
def test_a_document_of_another_shape_is_named_wherever_it_stands(
    small: Path, tmp_path: Path, what: str
) -> None:
    for number, place in enumerate(("chain/000005.json", SEAL, CONTEXT)):
        evidence = Path(shutil.copytree(small, tmp_path / str(number) / "evidence"))
        (evidence / place).write_bytes(OTHER[what])
        assert place in {problem.path for problem in verify(evidence).problems}
    # The same, hashed anew up to the head.
    forge(evidence, MONTH, 2, seal=OTHER[what])
    assert kinds(verify(evidence)) & {("seal", SEAL), ("changed", SEAL)}
    evidence = Path(shutil.copytree(small, tmp_path / "context" / "evidence"))
    forge_file(evidence, MONTH, 2, "context.json", OTHER[what])
    found = {problem.path for problem in verify(evidence).problems}
    assert found & {SEAL, f"{VERSION}/context.json"}
    # And in a package of a run that was not sealed.
    evidence = Path(shutil.copytree(small, tmp_path / "package" / "evidence"))
    package = Path(
        shutil.copytree(evidence / MONTH / "ipe_08" / "run-2", evidence / MONTH / "ipe_08" / "run-9")
    )
    (package / "00_system_context.json").write_bytes(OTHER[what])
    assert verify(evidence).problems


@pytest.mark.parametrize("what", OTHER)
def test_json_has_one_reading_or_none(what: str) -> None:
    if what not in ("a list", "a text", "null", "other fields", "huge"):
        with pytest.raises(ValueError, match=r"."):
            parse_json(OTHER[what])


LINKS: dict[str, Callable[[dict[str, Any]], None]] = {
    "a body that is none": lambda said: said.update(body=[]),
    "a body nested deep": lambda said: said.update(body=json.loads("[" * 80 + "]" * 80)),
    "a month that is none": lambda said: said["body"].update(month="2025-13"),
    "a month that is a list": lambda said: said["body"].update(month=["2025-09"]),
    "a month elsewhere": lambda said: said["body"].update(month="../2025-09"),
    "no month": lambda said: said["body"].pop("month"),
    "a version that is none": lambda said: said["body"].update(version="2"),
    "a version that is true": lambda said: said["body"].update(version=True),
    "a version below the first": lambda said: said["body"].update(version=-1),
    "a version without end": lambda said: said["body"].update(version=10**30),
    "a version left out": lambda said: said["body"].update(version=4),
    "a digest that is none": lambda said: said["body"].update(seal_sha256=["x"]),
    "no digest": lambda said: said["body"].pop("manifest_sha256"),
    "more than a seal says": lambda said: said["body"].update(more=1),
    "a kind to come": lambda said: said.update(kind="other"),
    "another index": lambda said: said.update(index=7),
    "a format to come": lambda said: said.update(format="cpg1-chain-2"),
    "a time that is none": lambda said: said.update(made_at="yesterday"),
    "a time without an end": lambda said: said.update(made_at="9" * 100_000),
    "an earlier time": lambda said: said.update(made_at="2001-01-01T00:00:00+00:00"),
    "a time that no calendar has": lambda said: said.update(made_at="2025-02-30T00:00:00+00:00"),
    "a signature that is none": lambda said: said.update(signature="x"),
    "a signature of numbers": lambda said: said.update(signature={"key_id": 1}),
    "a signature of nothing": lambda said: said.update(signature={}),
    "a digest before that is none": lambda said: said.update(previous="x"),
}


@pytest.mark.parametrize("what", LINKS)
def test_a_link_that_says_something_else_is_named_also_when_all_is_hashed_anew(
    evidence: Path, what: str
) -> None:
    rewrite(evidence, 3, LINKS[what])
    with suppress(KeyError, TypeError, ValueError):
        rewrite_from(evidence, 3)
    report = verify(evidence)
    assert any(problem.path.startswith(("chain/", VERSION)) for problem in report.problems), report.problems
    assert all(len(problem.message) < 1000 for problem in report.problems)


def test_a_gap_of_a_hundred_thousand_links_is_told_in_a_few_words(evidence: Path) -> None:
    (evidence / "chain" / "000005.json").rename(evidence / "chain" / "900000.json")
    report = verify(evidence)
    assert ("missing", "chain/000005.json") in kinds(report)
    assert len(report.problems) < 120
    assert "up to chain/899999.json" in messages(report, "missing")


def test_three_thousand_sign_offs_are_looked_at_soon(evidence: Path) -> None:
    body = link_of(evidence, 4)["body"]
    said: dict[str, Any] = {**link_of(evidence, 5), "body": body}
    for index in range(6, 3_000):
        said |= {"index": index, "previous": said["digest"]}
        (evidence / "chain" / f"{index:06d}.json").write_text(json.dumps(said))
        rewrite(evidence, index, lambda _: None)
        said = {**link_of(evidence, index)}
    assert verify(evidence).problems == []


def test_a_half_written_name_hides_nothing_but_what_is_half_written(evidence: Path) -> None:
    pipe(evidence / "chain" / ".x.partial")
    (evidence / VERSION).with_name(".hidden").mkdir()
    (evidence / MONTH / "ipe_08" / ".hidden").mkdir()
    (evidence / MONTH / "ipe_08" / ".hidden" / "data").write_text("x")
    report = verify(evidence)
    assert kinds(report) >= {
        ("special file", "chain/.x.partial"),
        ("unchained", f"{MONTH}/seals/.hidden"),
        ("added", f"{MONTH}/ipe_08/.hidden/data"),
    }


# What manifest, seal and link say of one another


def parquet(table: pa.Table, **options: Any) -> bytes:  # noqa: ANN401 - of whoever writes it
    sink = io.BytesIO()
    pq.write_table(table, sink, **options)
    return sink.getvalue()


def row(path: str, kind: str = "package", size: int = 1, sha256: str = "0" * 64) -> ManifestRow:
    return ManifestRow(path, kind, size, sha256)


MANIFESTS: dict[str, Callable[[list[ManifestRow]], list[ManifestRow]]] = {
    "empty": lambda _: [],
    "without its version": lambda rows: [each for each in rows if not each.path.startswith("seals/002/")],
    "of another version": lambda rows: [
        each._replace(path=each.path.replace("seals/002/", "seals/001/")) for each in rows
    ],
    "with a path outside": lambda rows: [*rows, row("../outside")],
    "with a path to the root": lambda rows: [*rows, row("/etc/passwd")],
    "with another separator": lambda rows: [*rows, row("..\\outside")],
    "with no path": lambda rows: [*rows, row("")],
    "with a path to itself": lambda rows: [*rows, row(".")],
    "with a null in it": lambda rows: [*rows, row("a/b/c\0d")],
    "with a file twice": lambda rows: [*rows, rows[0]],
    "with a kind to come": lambda rows: [*rows, row("a/b/c", kind="other")],
    "with a size below zero": lambda rows: [*rows, row("a/b/c", size=-1)],
    "with a digest that is none": lambda rows: [*rows, row("a/b/c", sha256="X" * 64)],
    "with data in a package": lambda rows: [*rows, row("a/b/c", kind="data")],
    "with a package in a version": lambda rows: [*rows, row("seals/002/a/b")],
    "with a file of no package": lambda rows: [*rows, row("notes.txt")],
    "with a path without end": lambda rows: [*rows, row("a/b/" + "c" * 5000)],
}


@pytest.mark.parametrize("what", MANIFESTS)
def test_a_manifest_that_can_be_none_is_a_problem_and_no_note(evidence: Path, what: str) -> None:
    forge(evidence, MONTH, 2, rows=MANIFESTS[what])
    report = verify(evidence)
    assert ("manifest", MANIFEST_FILE) in kinds(report)
    assert "compared" not in " ".join(report.notes)


NO_MANIFEST = {
    "empty": b"",
    "not Parquet": b"x" * 100,
    "other columns": parquet(pa.table({"a": [1]})),
    "other types": parquet(pa.table({"path": [1], "kind": [1.5], "size_bytes": ["x"], "sha256": [None]})),
    "a null": parquet(
        pa.table({"path": pa.array([None], pa.string()), "kind": ["data"], "size_bytes": [1], "sha256": ["0" * 64]})
    ),
    "a text of a megabyte a thousand times": parquet(
        pa.table({"path": ["x" * 1_000_000] * 1_000, "kind": ["data"] * 1_000, "size_bytes": [1] * 1_000,
                  "sha256": ["0" * 64] * 1_000}), compression="zstd",
    ),
    "a row ten million times": parquet(
        pa.table({"path": pa.repeat("x", 2_000_000), "kind": pa.repeat("data", 2_000_000),
                  "size_bytes": pa.repeat(1, 2_000_000), "sha256": pa.repeat("0" * 64, 2_000_000)}),
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", NO_MANIFEST)
def test_a_manifest_that_cannot_be_read_in_bounds_is_a_problem_and_no_note(evidence: Path, what: str) -> None:
    with pytest.raises(EvidenceError, match="readable manifest"):
        parse_manifest(NO_MANIFEST[what], "It")
    forge(evidence, MONTH, 2, manifest=NO_MANIFEST[what])
    report = verify(evidence)
    assert ("manifest", MANIFEST_FILE) in kinds(report)
    assert "compared" not in " ".join(report.notes)
    assert report.conclusion.endswith("as it was sealed.")


def test_what_a_lost_manifest_listed_is_compared_as_far_as_the_seal_tells(evidence: Path) -> None:
    (evidence / MANIFEST_FILE).write_bytes(b"x")
    with (evidence / DATA).open("ab") as file:
        file.write(b"x")
    report = verify(evidence)
    assert kinds(report) == {("changed", MANIFEST_FILE), ("changed", DATA)}
    assert "not all files of this version were compared" in messages(report, "changed")


CLAIMS: dict[str, Callable[[dict[str, Any]], None]] = {
    "another month": lambda said: said.update(month=EARLIER),
    "another version": lambda said: said.update(version=1),
    "a version that is true": lambda said: said.update(version=True),
    "another control": lambda said: said.update(control="C-PG-2"),
    "a format to come": lambda said: said.update(format="cpg1-seal-2"),
    "another manifest": lambda said: said.update(manifest_sha256="0" * 64),
    "more files": lambda said: said.update(files=said["files"] + 1),
    "no count": lambda said: said.pop("files"),
    "another digest": lambda said: said["content"].update(ipe_08="0" * 64),
    "data that is not there": lambda said: said["content"].update(ipe_09="0" * 64),
    "data left out": lambda said: said["content"].pop("ipe_08"),
    "content of another shape": lambda said: said.update(content=["ipe_08"]),
    "no content": lambda said: said.pop("content"),
    "other books": lambda said: said.update(books="the real ones"),
    "another code": lambda said: said.update(code_version="2"),
    "another control version": lambda said: said.update(control_version="x"),
    "another commit": lambda said: said.update(git={"commit": "x", "clean": True}),
    "no time": lambda said: said.pop("sealed_at"),
    "a later time than its link": lambda said: said.update(sealed_at="2999-01-01T00:00:00+00:00"),
    "an earlier time than the version before": lambda said: said.update(sealed_at="2001-01-01T00:00:00+00:00"),
}  # fmt: skip


@pytest.mark.parametrize("what", CLAIMS)
def test_what_a_seal_says_is_held_against_link_and_manifest(evidence: Path, what: str) -> None:
    forge(evidence, MONTH, 2, seal=CLAIMS[what])
    assert ("seal", SEAL) in kinds(verify(evidence))


def test_a_second_seal_of_a_version_is_a_problem(evidence: Path) -> None:
    append_link(evidence, "seal", dict(link_of(evidence, 3)["body"]))  # type: ignore[call-overload]
    report = verify(evidence)
    assert kinds(report) == {("seal", "chain/000006.json")}
    assert "seals version 2 again" in messages(report, "seal")


def test_a_link_under_another_name_is_a_problem(evidence: Path) -> None:
    for name in ("000006.json", "5.json", "0000006.json", "000005.JSON"):
        shutil.copy(evidence / "chain" / "000005.json", evidence / "chain" / name)
        assert f"chain/{name}" in {problem.path for problem in verify(evidence).problems}
        (evidence / "chain" / name).unlink()


def test_times_never_run_backward_whatever_the_clock_says(evidence: Path) -> None:
    rewrite(evidence, 5, lambda said: said.update(made_at="2999-01-01T00:00:00+00:00"))
    assert verify(evidence).problems == []
    small_month(evidence, MONTH, run="run-3", amount=3)
    assert verify(evidence).problems == []
    made = json.loads((evidence / MONTH / "seals" / "003" / "seal.json").read_bytes())
    assert made["sealed_at"] == link_of(evidence, 6)["made_at"] == "2999-01-01T00:00:00+00:00"


# Signatures


def test_a_key_of_small_order_is_nobodys(evidence: Path, tmp_path: Path) -> None:
    """With the neutral point as key, the neutral point and zero are a signature of anything."""
    pytest.importorskip("cryptography")
    import hashlib  # noqa: PLC0415 - for the key's id only

    neutral = bytes([1]) + bytes(31)
    key = base64.b64encode(neutral).decode()
    signature = {
        "key_id": hashlib.sha256(neutral).hexdigest()[:16],
        "public_key": key,
        "ed25519": base64.b64encode(neutral + bytes(32)).decode(),
    }
    rewrite(evidence, 5, lambda said: said.update(signature=signature))
    assert ("signature", "chain/000005.json") in kinds(verify(evidence))
    assert ("signature", "chain/000005.json") in kinds(verify(evidence, trusted_keys=[key]))
    (tmp_path / "key.pub").write_text(key)
    with pytest.raises(EvidenceError, match="made without a key"):
        read_public_key(tmp_path / "key.pub")


def test_every_point_of_small_order_is_known_and_no_other() -> None:
    """The eight points are the multiples of one of order 8, computed here by the curve's own law."""
    from cpg1_assets.evidence.chain.signing import _FIELD, _SMALL_ORDER  # noqa: PLC0415

    d = -121665 * pow(121666, -1, _FIELD) % _FIELD

    def x_of(y: int) -> int | None:
        square = (y * y - 1) * pow(d * y * y + 1, -1, _FIELD) % _FIELD
        root = pow(square, (_FIELD + 3) // 8, _FIELD)
        if root * root % _FIELD != square:
            root = root * pow(2, (_FIELD - 1) // 4, _FIELD) % _FIELD
        return root if root * root % _FIELD == square else None

    def added(one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
        (a, b), (c, e) = one, other
        both = d * a * b * c * e % _FIELD
        return (
            (a * e + b * c) * pow(1 + both, -1, _FIELD) % _FIELD,
            (b * e + a * c) * pow(1 - both, -1, _FIELD) % _FIELD,
        )

    found = set()
    for y in _SMALL_ORDER:
        x = x_of(y)
        assert x is not None
        point = (x, y)
        for _ in range(3):
            point = added(point, point)
        assert point == (0, 1)
        found |= {(x, y), ((-x) % _FIELD, y)}
    assert len(found) == 8


def test_signatures_that_could_not_be_checked_are_no_clean_answer(
    evidence: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    signer = make_key(tmp_path / "key")
    small_month(evidence, "2025-10", signer=signer)
    assert verify(evidence).problems == []
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:  # noqa: ANN401 - as the import system has it
        if name.startswith("cryptography"):
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    report = verify(evidence)
    assert kinds(report) == {("unchecked", "chain")}
    assert "1 link is signed" in messages(report, "unchecked")
    assert report.conclusion.startswith("No difference was found, but not all was checked")
    newest = head(evidence)
    assert newest is not None
    assert verify(evidence, anchor=anchor_of(newest)).conclusion.startswith("No difference was found, but")
    (evidence / DATA).unlink()
    assert verify(evidence).conclusion.startswith("2 problems")


def test_a_signature_of_another_shape_is_none(evidence: Path) -> None:
    digest = str(link_of(evidence, 5)["digest"])
    for odd in ({}, {"public_key": "x"}, {"public_key": "é", "ed25519": "é", "key_id": "é"}):
        assert not is_signed(digest, odd)
        rewrite(evidence, 5, lambda said, odd=odd: said.update(signature=odd))  # type: ignore[misc]
        assert ("signature", "chain/000005.json") in kinds(verify(evidence))


# Sign-offs


SIGNED: dict[str, tuple[int, Callable[[dict[str, Any]], None]]] = {
    "no certification": (4, lambda body: body.pop("certification")),
    "a blank certification": (5, lambda body: body.update(certification=" \n")),
    "no comment": (5, lambda body: body.update(comment="")),
    "a comment that is no text": (4, lambda body: body.update(comment=1)),
    "no account": (5, lambda body: body.update(os_account=None)),
    "no comment on the open line": (4, lambda body: body.update(open_variances={})),
    "a blank one": (5, lambda body: body.update(open_variances={OPEN: " "})),
    "a preparer who reviews": (4, lambda body: body.update(reviews="0" * 64)),
    "a seal that is a list": (5, lambda body: body.update(seal_digest=["x"])),
    "a role that is a list": (5, lambda body: body.update(role=["reviewer"])),
    "comments that are none": (4, lambda body: body.update(failed_checks=[])),
    "comments left out": (5, lambda body: body.pop("open_items")),
    "a rule that is none": (5, lambda body: body.update(rule="9" * 5000)),
}


@pytest.mark.parametrize("what", SIGNED)
def test_verify_asks_of_a_sign_off_what_signing_asks(evidence: Path, what: str) -> None:
    index, change = SIGNED[what]
    rewrite(evidence, index, lambda said: change(said["body"]))
    before = link_of(evidence, 4)["digest"]
    rewrite(evidence, 5, lambda said: said.update(previous=before))
    if index == 4:
        rewrite(evidence, 5, lambda said: said["body"].update(reviews=before))
    assert ("sign-off", f"chain/{index:06d}.json") in kinds(verify(evidence))


def test_a_sign_off_covers_the_newest_version_of_its_time(evidence: Path) -> None:
    old = link_of(evidence, 2)
    body = {**link_of(evidence, 4)["body"], "version": 1, "seal_digest": old["digest"]}  # type: ignore[dict-item]
    append_link(evidence, "sign-off", body)
    report = verify(evidence)
    assert kinds(report) == {("sign-off", "chain/000006.json")}
    assert "signs version 1, when a newer one was sealed" in messages(report, "sign-off")


def test_a_change_of_companies_needs_a_comment_also_when_it_is_verified(evidence: Path) -> None:
    small_month(evidence, "2025-10", companies=("EC_NG",))
    with pytest.raises(EvidenceError, match="JD_GH left"):
        prepare(evidence, "2025-10")
    checks = {"evidence_manifest:companies_are_those_sealed_before": "sold in September"}
    prepared = prepare(evidence, "2025-10", checks=checks)
    assert verify(evidence).problems == []
    append_link(evidence, "sign-off", {**prepared.body, "failed_checks": {}})
    report = verify(evidence)
    assert kinds(report) == {("sign-off", "chain/000008.json")}
    assert "change of companies: JD_GH left, against 2025-09 version 2" in messages(report, "sign-off")
    shutil.rmtree(evidence / MONTH)
    alone = verify(evidence, "2025-10")
    assert alone.problems == []
    assert "whether companies left or came" in " ".join(alone.notes)


def of_a_few_bytes(rows: int, text: str) -> pa.Table:
    """Make a frame of lines that takes a few bytes in Parquet, and gigabytes when its texts are laid out."""
    texts = pa.DictionaryArray.from_arrays(pa.repeat(pa.scalar(0, pa.int32()), rows), pa.array([text]))
    return pa.table(dict.fromkeys(("line", "id_company", "status"), texts))


@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("reconciliation", pa.table({"a": [1]})),
        ("reconciliation", pa.table({"line": [None], "id_company": [1], "status": [[1]]})),
        ("cr_05", pa.table({"id_company": [[1]]})),
        ("reconciliation", of_a_few_bytes(20_000, "x" * 1_000_000)),
        ("reconciliation", of_a_few_bytes(50_000_000, "x")),
    ],
)
def test_frames_of_another_shape_leave_a_sign_off_that_cannot_be_told(
    evidence: Path, name: str, table: pa.Table
) -> None:
    # Sealed so from the start: nothing is changed afterwards.
    forge_file(evidence, MONTH, 2, f"data/{name}.parquet", parquet(table))
    seal = link_of(evidence, 3)["digest"]
    for index in (4, 5):
        rewrite(evidence, index, lambda said: said["body"].update(seal_digest=seal))
        rewrite_from(evidence, index)
    prepared = link_of(evidence, 4)["digest"]
    rewrite(evidence, 5, lambda said: said["body"].update(reviews=prepared))
    report = verify(evidence)
    assert {kind for kind, _ in kinds(report)} == {"sign-off"}
    assert "cannot be told" in messages(report, "sign-off")


# Sizes


@pytest.mark.parametrize(
    "said",
    [{"name": "A" * 201}, {"comment": "x" * 20_001}, {"variances": {OPEN: "x" * 20_001}},
     {"certification": "x" * 20_001}, {"comment": "\udcff"}],
    ids=["name", "comment", "comment on a line", "certification", "no character"],
)  # fmt: skip
def test_an_oversized_sign_off_is_refused_before_anything_is_written(
    evidence: Path, said: dict[str, Any]
) -> None:
    before = sorted((path, path.read_bytes()) for path in evidence.rglob("*") if path.is_file())
    with pytest.raises(EvidenceError, match="Nothing was recorded"):
        prepare(evidence, MONTH, **said)
    assert sorted((path, path.read_bytes()) for path in evidence.rglob("*") if path.is_file()) == before
    small_month(evidence, MONTH, run="run-3", amount=3)
    assert verify(evidence).problems == []


@pytest.mark.parametrize("said", [{"name": "A" * 201}, {"reason": "x" * 20_001}, {"reason": "\udcff"}])
def test_so_is_an_oversized_reopening(evidence: Path, said: dict[str, Any]) -> None:
    with pytest.raises(EvidenceError, match="Nothing was recorded"):
        reopened(evidence, MONTH, **said)
    assert len(inspect_chain(evidence).links) == 5
    reopened(evidence, MONTH)
    assert verify(evidence).problems == []


def test_no_link_is_written_that_is_too_large_to_be_read(evidence: Path) -> None:
    with pytest.raises(EvidenceError, match=r"room for 1,048,576 in one link\. Nothing was recorded"):
        append_link(evidence, "seal", {"month": MONTH, "said": "x" * (1 << 20)})
    assert len(inspect_chain(evidence).links) == 5


def test_the_longest_sign_off_there_may_be_can_be_reviewed(evidence: Path) -> None:
    small_month(
        evidence,
        "2025-10",
        checks=[("ipe_08", f"check_{n}", "ERROR", False, True) for n in range(30)],
    )
    checks = {f"ipe_08:check_{n}": "x" * 13_000 for n in range(30)}
    with pytest.raises(EvidenceError, match=r"a sign-off has room for 400,000\. Nothing was recorded"):
        prepare(evidence, "2025-10", checks={key: text + "x" * 1_000 for key, text in checks.items()})
    control = "\x01" * 20_000  # each takes six bytes in JSON
    prepare(evidence, "2025-10", comment=f"x{control}x"[:20_000], checks=checks)
    review(evidence, "2025-10", comment=f"x{control}x"[:19_999] + "x")
    assert verify(evidence).problems == []


def test_a_manifest_has_the_columns_of_its_frame() -> None:
    assert [column.name for column in MANIFEST.columns] == list(ManifestRow._fields)
