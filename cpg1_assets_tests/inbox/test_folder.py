"""A month's folder of the inbox: what is certainly no data is left alone, what cannot be read never stops the rest."""

import json
import os
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpg1_assets.errors import DataError
from cpg1_assets.inbox import folder as inbox
from cpg1_assets.inbox.folder import Hashes, content, is_left_alone, kept_as, listed, shown, states
from cpg1_assets.jdash.month import JdashMonth, read_jdash
from cpg1_assets.month import CutoffMonth

MONTH = CutoffMonth.parse("2025-09")
GOOD = b"Voucher Id,Amount Used\n2,2.50\n10,1.50\n"
COMPANIES = ["EC_KE", "EC_NG"]
NOBODY = 65534


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make the month's folder with a good file of EC_KE in it."""
    folder = tmp_path / "jdash" / MONTH.key
    folder.mkdir(parents=True)
    (folder / "EC_KE.csv").write_bytes(GOOD)
    return folder


def read(folder: Path) -> JdashMonth:
    return read_jdash(folder.parent.parent, MONTH, COMPANIES)


def only_problem(month: JdashMonth) -> tuple[str | None, str, str]:
    """See that the good file was read all the same, and give the one problem."""
    assert list(month.read) == ["EC_KE"]
    assert month.missing == ("EC_NG",)
    (problem,) = month.problems
    return problem.id_company, problem.file, problem.message


# What is certainly no data

NO_DATA = [
    "EC_NG.csv:Zone.Identifier", "EC_NG.csv:Zone.Identifier:$DATA", "EC_NG.csv\uf03aZone.Identifier",
    "EC_NG.csv:com.apple.quarantine", "EC_NG.csv:com.dropbox.attrs", "Thumbs.db:encryptable", "EC_NG.csv:AFP_AfpInfo",
    "@eaDir", "#recycle", "@Recycle", "@Recently-Snapshot", "#snapshot", "$RECYCLE.BIN", "System Volume Information",
    "__MACOSX", "lost+found", "Icon\r", "Icon\uf00d", "Thumbs.db", "THUMBS.DB", "desktop.ini", "ehthumbs.db",
    "EC_NG.csv.crdownload", "Unconfirmed 123.crdownload", "EC_NG.csv.part", "EC_NG.csv.PARTIAL", "EC_NG.csv.download",
    "EC_NG.csv.opdownload", "EC_NG.csv.filepart", "EC_NG.csv.aria2", "EC_NG.csv.tmp", "EC_NG.csv.temp",
    "EC_NG.csv.~tmp", "~$EC_NG.xlsx", "~WRD0001.tmp", "lu1234abcd.tmp", "~syncthing~EC_NG.csv.tmp",
    ".syncthing.EC_NG.csv.tmp", ".EC_NG.csv.Ab12Cd", ".DS_Store", "._EC_NG.csv", ".~lock.EC_NG.csv#",
    ".goutputstream-ABC123", ".EC_NG.csv.swp", ".dropbox.attr", ".849C9593-D756-4E56-8D6E-42412F2A707B",
    ".nfs0000001", ".Trash-1000", "EC_NG.csv.a1b2c3d4.partial",
]  # fmt: skip


@pytest.mark.parametrize("name", NO_DATA)
def test_what_is_certainly_no_data_is_left_alone_and_listed_and_its_company_is_missing(
    folder: Path, name: str
) -> None:
    (folder / name).write_bytes(GOOD)
    month = read(folder)
    assert month.problems == ()
    assert month.missing == ("EC_NG",)
    assert month.left_alone == (shown(name),)
    assert list(month.files) == ["EC_KE.csv"], "it does not count when files are compared"


def test_a_left_alone_name_of_a_missing_company_is_told_with_it(folder: Path) -> None:
    for name in ("EC_NG.csv.crdownload", "EC_KE.csv:Zone.Identifier", ".DS_Store"):
        (folder / name).write_bytes(b"")
    assert read(folder).left_alone_of_missing == ["EC_NG.csv.crdownload"]


@pytest.mark.parametrize("name", ["@eaDir", "EC_NG.csv.download", "__MACOSX"])
def test_so_is_a_folder(folder: Path, name: str) -> None:
    (folder / name).mkdir()
    month = read(folder)
    assert (month.problems, month.left_alone) == ((), (name,))


@pytest.mark.parametrize(
    "name",
    [
        "EC_NG (1).csv", "EC_NG - Copy.csv", "EC_NG.csv.bak", "EC_NG.csv~", "#EC_NG.csv#", "Copy of EC_NG.csv",
        "EC_NG.sync-conflict-20250930.csv", "EC_NG (conflicted copy).csv", "EC_NG.csv.old", "EC_NG.gsheet",
        "Icon", "partial.csv", "EC_NG:2025.csv", "~EC_NG.csv", "@EC_NG.csv", "tmp", "Thumbs.csv",
    ],
)  # fmt: skip
def test_what_somebody_may_have_meant_is_a_problem_by_name(folder: Path, name: str) -> None:
    (folder / name).write_bytes(GOOD)
    month = read(folder)
    assert month.left_alone == ()
    assert only_problem(month)[1] == name
    assert f"{name}: " in only_problem(month)[2]


@given(
    st.from_regex(r"[A-Z]{2}_[A-Z]{2}( ?\(?[a-z0-9]{0,4}\)?)?\.(csv|xlsx|xls|xlsb|ods|CSV)", fullmatch=True)
)
def test_no_name_of_an_export_is_left_alone(name: str) -> None:
    assert not is_left_alone(name)


# Names


@given(st.binary(min_size=1).filter(lambda name: b"/" not in name and b"\0" not in name))
def test_any_name_can_be_shown_and_kept(name: bytes) -> None:
    text = os.fsdecode(name)
    for said in (shown(text), kept_as(text)):
        assert said.isprintable()
        json.dumps(said, ensure_ascii=False).encode()
    assert len(kept_as(text).encode()) <= 255


@given(st.lists(st.binary(min_size=1, max_size=6), min_size=2, max_size=2, unique=True))
def test_two_names_never_look_the_same(names: list[bytes]) -> None:
    one, other = map(os.fsdecode, names)
    assert shown(one) != shown(other)


def test_names_of_people_are_shown_as_they_are() -> None:
    assert shown("Gutscheine für März (1).csv") == "Gutscheine für März (1).csv"
    assert shown("EC_\udcff\u202egsv.csv") == r"EC_\xff\u202egsv.csv"


def test_a_name_that_is_no_text_is_a_problem_by_its_printable_name(folder: Path) -> None:
    Path(os.fsdecode(os.fsencode(folder) + b"/EC_NG\xff.csv")).write_bytes(GOOD)
    assert only_problem(read(folder)) == (
        None,
        r"EC_NG\xff.csv",
        (
            r"EC_NG\xff.csv: it names no company in scope. Name it <COMPANY>.csv or <COMPANY>.xlsx "
            "(also read: .xls, .xlsb, .ods), or take it out of the inbox."
        ),
    )


def test_a_company_s_file_whose_name_has_what_cannot_be_seen_is_read_under_a_printable_name(
    folder: Path,
) -> None:
    (folder / "EC_NG\u3000.csv").write_bytes(GOOD)
    month = read(folder)
    assert month.missing == ()
    assert set(month.table["source_file"].to_pylist()) == {"EC_KE.csv", r"EC_NG\u3000.csv"}


# What cannot be read


def test_what_is_no_file_stops_its_company_only_and_is_never_waited_for(folder: Path) -> None:
    path = folder / "EC_NG.csv"
    os.mkfifo(path)
    assert only_problem(read(folder))[2].startswith("EC_NG.csv: it is a pipe, and not a file")
    path.unlink()
    path.mkdir()
    assert only_problem(read(folder))[2].startswith("EC_NG.csv: it is a folder, and not a file")
    path.rmdir()
    path.symlink_to("/dev/zero")
    assert only_problem(read(folder))[2].startswith("EC_NG.csv: it is a device, and not a file")
    path.unlink()
    path.symlink_to(folder / "nowhere.csv")
    assert only_problem(read(folder))[2].startswith("EC_NG.csv: it is a link to a file that is not there.")
    path.unlink()
    path.symlink_to(path)
    assert only_problem(read(folder))[2].startswith("EC_NG.csv: it cannot be opened (")


def test_a_socket_is_no_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)  # the name of a socket must be short
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("EC_NG.csv")
        assert only_problem(read(folder))[2].startswith("EC_NG.csv: it is a socket, and not a file")


def test_a_file_that_may_not_be_opened_stops_its_company_only(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "EC_NG.csv").write_bytes(GOOD)
    (folder / "EC_NG.csv.bak").write_bytes(GOOD)
    opened = os.open

    def refused(path: str | Path, *arguments: int, **named: int) -> int:
        if "EC_NG" in os.fspath(path):
            raise PermissionError(13, "Permission denied", os.fspath(path))
        return opened(path, *arguments, **named)

    monkeypatch.setattr(os, "open", refused)
    month = read(folder)
    assert list(month.read) == ["EC_KE"]
    assert [problem.message for problem in month.problems if problem.id_company == "EC_NG"] == [
        "EC_NG.csv: it cannot be opened (Permission denied). Make it readable and try again."
    ]
    assert month.files["EC_NG.csv"] == "not read: it cannot be opened (Permission denied)"
    assert month.files["EC_NG.csv.bak"] == "not read: it cannot be opened (Permission denied)"


@pytest.fixture
def of_somebody_else() -> Iterator[Path]:
    """Give a month's folder that this user may list and enter, and not write; root is somebody else meanwhile."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made) / "jdash" / MONTH.key
        folder.mkdir(parents=True)
        (folder / "EC_KE.csv").write_bytes(GOOD)
        (folder / "EC_NG.csv").write_bytes(GOOD)
        (folder / "EC_NG.csv").chmod(0)
        Path(made).chmod(0o755)
        is_root = os.geteuid() == 0
        if is_root:
            os.seteuid(NOBODY)
        try:
            yield folder
        finally:
            if is_root:
                os.seteuid(0)


def test_so_it_is_where_the_system_itself_refuses(of_somebody_else: Path) -> None:
    assert only_problem(read(of_somebody_else)) == (
        "EC_NG",
        "EC_NG.csv",
        "EC_NG.csv: it cannot be opened (Permission denied). Make it readable and try again.",
    )


def test_a_file_that_goes_while_the_inbox_is_read_stops_its_company_only(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "EC_NG.csv").write_bytes(GOOD)

    def gone(path: Path) -> bytes:
        (folder / "EC_NG.csv").unlink(missing_ok=True)
        return content(path)

    monkeypatch.setattr("cpg1_assets.jdash.month.content", gone)
    month = read(folder)
    assert only_problem(month)[2].startswith("EC_NG.csv: it was taken away while the inbox was read.")
    assert list(month.files) == ["EC_KE.csv"], "what is not there is no file to compare with"


def test_a_file_that_is_written_while_it_is_read_is_not_believed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "EC_NG.csv").write_bytes(GOOD)
    looked = os.fstat

    def growing(descriptor: int) -> os.stat_result:
        status = looked(descriptor)
        with (folder / "EC_NG.csv").open("ab") as file:
            file.write(b"3,1.00\n")
        return status

    monkeypatch.setattr(os, "fstat", growing)
    with pytest.raises(DataError, match=r"EC_NG\.csv: it was being written while it was read"):
        content(folder / "EC_NG.csv")


def test_a_file_that_is_no_export_by_its_size_is_not_read_into_memory(folder: Path) -> None:
    with (folder / "EC_NG.csv").open("wb") as file:
        file.truncate(2**40)
    assert "more than 1 GiB" in only_problem(read(folder))[2]


def test_a_folder_that_may_not_be_listed_is_said_and_one_not_there_yet_is_empty(folder: Path) -> None:
    assert listed(folder.parent / "2025-08") == ((), ())
    (folder.parent / "2025-08").write_bytes(b"")
    with pytest.raises(DataError, match="2025-08: it cannot be listed"):
        listed(folder.parent / "2025-08")


# Hashes


def test_a_hash_is_taken_again_only_of_what_is_not_as_it_was(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folder / "EC_KE.csv"
    monkeypatch.setattr(inbox, "_SETTLED_SECONDS", -10)
    first = Hashes({})
    before = first.sha256(path)
    status = path.stat()
    known = {"EC_KE.csv": [*first.noted["EC_KE.csv"][:-1], "as noted"]}
    assert Hashes(known).sha256(path) == "as noted"
    path.write_bytes(GOOD.replace(b"2.50", b"9.50"))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    after = Hashes(known).sha256(path)
    assert path.stat().st_size == status.st_size
    assert path.stat().st_mtime_ns == status.st_mtime_ns
    assert after not in ("as noted", before), "the same size and time are not the same content"


def test_what_was_written_just_now_is_read_again_the_next_time(folder: Path) -> None:
    hashes = Hashes({})
    assert states([folder / "EC_KE.csv"], hashes) == {"EC_KE.csv": hashes.sha256(folder / "EC_KE.csv")}
    assert hashes.noted == {}
