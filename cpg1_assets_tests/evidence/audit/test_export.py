"""One archive an auditor can be sent: it verifies by itself, reproduces, and cannot reach out of its folder."""

import os
import random
import re
import shutil
import stat
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cpg1_assets.errors import EvidenceError
from cpg1_assets.evidence.audit.export import export_month, opened_evidence
from cpg1_assets.evidence.audit.verify import VerifyReport, verify
from cpg1_assets.evidence.chain.links import anchor_of, head
from cpg1_assets.evidence.chain.manifest import read_manifest

MONTH = "2025-12"


def verified(path: Path, noted: str | None = None) -> VerifyReport:
    """Verify what is at `path` as the command does."""
    with opened_evidence(path) as found:
        report = verify(found.folder, found.month, noted)
        report.problems.extend(found.problems)
        return report


@pytest.fixture
def archive(sealed_year: Path, tmp_path: Path) -> Path:
    return export_month(sealed_year, MONTH, tmp_path / "export.zip")


def test_an_archive_holds_the_month_the_whole_chain_and_how_to_check_it(
    archive: Path, sealed_year: Path
) -> None:
    names = zipfile.ZipFile(archive).namelist()
    assert names == sorted(names)
    assert {name.split("/")[1] for name in names if name.startswith("evidence/")} == {"chain", MONTH}
    assert len([name for name in names if name.startswith("evidence/chain/")]) == 13
    assert {f"evidence/{MONTH}/seals/00{version}/seal.json" for version in (1, 2)} <= set(names)
    newest = head(sealed_year)
    assert newest is not None
    assert anchor_of(newest) in zipfile.ZipFile(archive).read("README.txt").decode()


def test_an_archive_verifies_by_itself_packed_and_unpacked(
    archive: Path, sealed_year: Path, tmp_path: Path
) -> None:
    newest = head(sealed_year)
    assert newest is not None
    zipfile.ZipFile(archive).extractall(tmp_path / "unpacked")
    for path in (archive, tmp_path / "unpacked"):
        report = verified(path, anchor_of(newest))
        assert report.problems == []
        assert report.months == {MONTH: 2}
        assert report.conclusion.startswith("As it was sealed. ")


def test_an_evidence_folder_is_opened_as_it_is_also_where_it_holds_one_of_that_name(year: Path) -> None:
    (year / "evidence").mkdir()
    with opened_evidence(year) as found:
        assert (found.folder, found.month, found.problems) == (year, None, ())
    with opened_evidence(year.parent) as found:
        assert (found.folder, found.month) == (year, None)


def test_the_same_evidence_gives_the_same_bytes(archive: Path, sealed_year: Path, tmp_path: Path) -> None:
    copy = Path(
        shutil.copytree(sealed_year, tmp_path / "elsewhere" / "evidence", copy_function=shutil.copyfile)
    )
    again = export_month(copy, MONTH, tmp_path / "again.zip")
    assert again.read_bytes() == archive.read_bytes()


def test_an_archive_is_not_overwritten_nor_put_into_the_evidence(archive: Path, year: Path) -> None:
    with pytest.raises(EvidenceError, match="is there already"):
        export_month(year, MONTH, archive)
    with pytest.raises(EvidenceError, match="where it does not belong"):
        export_month(year, MONTH, year / "export.zip")
    assert not list(archive.parent.glob(".*"))


def test_what_is_not_sealed_or_was_changed_is_not_exported(year: Path, tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match="2024-01 is not sealed"):
        export_month(year, "2024-01", tmp_path / "out.zip")
    (year / MONTH / "seals" / "001" / "data" / "ipe_08.parquet").unlink()
    with pytest.raises(EvidenceError, match="is not exported"):
        export_month(year, MONTH, tmp_path / "out.zip")
    assert not (tmp_path / "out.zip").exists()


@pytest.mark.parametrize("seed", range(3))
def test_any_byte_changed_in_an_archive_is_found(archive: Path, seed: int) -> None:
    draw = random.Random(seed)  # noqa: S311 - which byte, not a secret
    content = archive.read_bytes()
    for _ in range(20):
        changed = bytearray(content)
        changed[draw.randrange(len(content))] ^= draw.randrange(1, 256)
        archive.write_bytes(changed)
        try:
            found = bool(verified(archive).problems)
        except EvidenceError as error:
            found = str(archive) in str(error)
        assert found


@pytest.mark.parametrize("share", [0, 0.1, 0.5, 0.9, 0.9999])
def test_a_truncated_archive_is_refused_by_name(archive: Path, share: float) -> None:
    content = archive.read_bytes()
    archive.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(EvidenceError, match=rf"{archive.name} is not a whole ZIP archive"):
        verified(archive)


@pytest.mark.parametrize(
    "name",
    [
        "../outside.txt",
        "evidence/../../outside.txt",
        "/outside.txt",
        "..\\outside.txt",
        "C:/outside.txt",
        "a//b",
    ],
)
def test_an_archive_whose_paths_climb_out_is_refused_and_nothing_is_written(
    archive: Path, tmp_path: Path, name: str
) -> None:
    with zipfile.ZipFile(archive, "a") as more:
        more.writestr(name, "x")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(EvidenceError, match="is refused: "):
        verified(archive)
    assert sorted(tmp_path.rglob("*")) == before


def test_an_archive_with_a_link_in_it_is_refused(archive: Path) -> None:
    entry = zipfile.ZipInfo("evidence/link")
    entry.create_system, entry.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(archive, "a") as more:
        more.writestr(entry, "/etc/passwd")
    with pytest.raises(EvidenceError, match="'evidence/link' is a link"):
        verified(archive)


def test_a_file_more_in_an_archive_is_found(archive: Path) -> None:
    with zipfile.ZipFile(archive, "a") as more:
        more.writestr("evidence/notes.txt", "x")
    assert "added" in {problem.kind for problem in verified(archive).problems}


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.zip").write_text("text")
    with pytest.raises(EvidenceError, match="not a whole ZIP archive"):
        verified(tmp_path / "text.zip")
    with pytest.raises(EvidenceError, match="is not there"):
        verified(tmp_path / "nowhere.zip")


def test_the_manifest_is_checked_by_hand_with_sha256sum(archive: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(archive).extractall(tmp_path / "unpacked")
    month = tmp_path / "unpacked" / "evidence" / MONTH
    rows = read_manifest(month / "seals" / "002" / "manifest.parquet")
    listed = "".join(f"{row.sha256}  {row.path}\n" for row in rows)
    checked = subprocess.run(
        ["sha256sum", "--check", "--quiet"],
        input=listed,
        text=True,
        cwd=month,
        capture_output=True,
        check=False,
    )
    assert (checked.returncode, checked.stdout) == (0, "")


def test_an_archive_that_says_it_holds_a_folder_elsewhere_reads_nothing_there(
    sealed_year: Path, tmp_path: Path
) -> None:
    shutil.copytree(sealed_year, tmp_path / "unpacked" / "evidence")
    (tmp_path / "unpacked" / "export.json").write_text('{"format": "cpg1-export-1", "month": "../../.."}')
    with opened_evidence(tmp_path / "unpacked") as found:
        assert found.month is None
        assert [(problem.kind, problem.path) for problem in found.problems] == [("export", "export.json")]


def packed(archive: Path, change: Callable[[dict[str, bytes]], None], **options: Any) -> None:  # noqa: ANN401
    """Pack what is in an archive again, changed, as somebody else would."""
    with zipfile.ZipFile(archive) as read:
        contents = {name: read.read(name) for name in read.namelist()}
    change(contents)
    with zipfile.ZipFile(archive, "w", **options) as again:
        for name, content in contents.items():
            again.writestr(name, content)


def test_a_compressed_archive_is_refused_before_anything_is_unpacked(archive: Path) -> None:
    def bomb(contents: dict[str, bytes]) -> None:
        contents["evidence/bomb"] = bytes(20_000_000)

    for method in (zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2):
        packed(archive, bomb if method == zipfile.ZIP_DEFLATED else lambda _: None, compression=method)
        assert archive.stat().st_size < 1_000_000
        with pytest.raises(EvidenceError, match="is compressed or encrypted, or has another size"):
            verified(archive)


def sizes_said(archive: Path, said: int) -> None:
    """Say of the first file, in the archive's directory, that it has another size."""
    content = bytearray(archive.read_bytes())
    at = content.find(b"PK\x01\x02")
    for offset in (20, 24):  # compressed, uncompressed
        content[at + offset : at + offset + 4] = said.to_bytes(4, "little")
    archive.write_bytes(content)


@pytest.mark.parametrize("said", [0, 1, 100_000, 0xFFFFFFFE])
def test_an_archive_that_says_other_sizes_is_refused_by_name(archive: Path, said: int) -> None:
    sizes_said(archive, said)
    with pytest.raises(EvidenceError, match=archive.name):
        verified(archive)


@pytest.mark.parametrize("name", ["evidence/" + "n/" * 30 + "x", "evidence/" + "n" * 2000])
def test_names_without_end_are_refused(archive: Path, name: str) -> None:
    with zipfile.ZipFile(archive, "a") as more:
        more.writestr(name, "x")
    with pytest.raises(EvidenceError, match="is no plain file name"):
        verified(archive)


def test_a_name_that_is_a_file_and_a_folder_is_refused(archive: Path) -> None:
    with zipfile.ZipFile(archive, "a") as more:
        more.writestr("evidence/chain/000001.json/x", "x")
    with pytest.raises(EvidenceError, match="cannot be unpacked"):
        verified(archive)


def test_a_pipe_is_no_archive(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "export.zip")
    with pytest.raises(EvidenceError, match="neither a folder nor a file"):
        verified(tmp_path / "export.zip")


OTHER_MONTH, OTHER_HEAD = b"2025-11", b"9-00000-00000-00000-00000"
CLAIMS: dict[str, tuple[str, Callable[[bytes], bytes | None]]] = {
    "another month": ("export.json", lambda said: said.replace(MONTH.encode(), OTHER_MONTH)),
    "a month that was not sealed": ("export.json", lambda said: said.replace(MONTH.encode(), b"2024-01")),
    "another head": ("export.json", lambda said: re.sub(rb"13-[0-9a-f-]+", OTHER_HEAD, said)),
    "more": ("export.json", lambda said: said.replace(b"{", b'{"more": 1,', 1)),
    "otherwise written": ("export.json", lambda said: said + b" "),
    "twice": ("export.json", lambda said: said.replace(b"{", b'{"month": "2025-11",', 1)),
    "no JSON": ("export.json", lambda _: b"{"),
    "a list": ("export.json", lambda _: b"[]"),
    "without end": ("export.json", lambda _: b"[" * 200_000),
    "nothing": ("export.json", lambda _: b""),
    "no export.json": ("export.json", lambda _: None),
    "a readme of another head": ("README.txt", lambda said: re.sub(rb"13-[0-9a-f-]+", OTHER_HEAD, said)),
    "a readme of another month": ("README.txt", lambda said: said.replace(MONTH.encode(), OTHER_MONTH)),
    "a readme without end": ("README.txt", lambda said: said * 100),
    "no readme": ("README.txt", lambda _: None),
}


@pytest.mark.parametrize("what", CLAIMS)
def test_what_an_export_says_of_itself_is_held_against_its_chain(
    archive: Path, tmp_path: Path, what: str
) -> None:
    name, change = CLAIMS[what]

    def changed(contents: dict[str, bytes]) -> None:
        said = change(contents[name])
        contents.pop(name)
        if said is not None:
            contents[name] = said

    packed(archive, changed)
    zipfile.ZipFile(archive).extractall(tmp_path / "unpacked")
    for path in (archive, tmp_path / "unpacked", tmp_path / "unpacked" / "evidence"):
        with opened_evidence(path) as found:
            if what == "another month":
                # Then it is another month that is looked for, and not there.
                assert verify(found.folder, found.month).problems
            assert {name, "README.txt"} & {problem.path for problem in found.problems}, path


def test_an_export_that_leads_elsewhere_is_named(archive: Path, sealed_year: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(archive).extractall(tmp_path / "unpacked")
    shutil.rmtree(tmp_path / "unpacked" / "evidence")
    (tmp_path / "unpacked" / "evidence").symlink_to(sealed_year, target_is_directory=True)
    (tmp_path / "unpacked" / "export.json").unlink()
    os.mkfifo(tmp_path / "unpacked" / "export.json")
    with opened_evidence(tmp_path / "unpacked") as found:
        assert {(problem.kind, problem.path) for problem in found.problems} == {
            ("link", "evidence"), ("export", "export.json"),
        }  # fmt: skip
