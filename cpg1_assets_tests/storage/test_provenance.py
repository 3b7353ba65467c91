"""Where a stored file came from lies beside it: found by the file's own hash, never believed of another file."""

from pathlib import Path

import pyarrow as pa
import pytest

from cpg1_assets.errors import StorageError
from cpg1_assets.frame import FrameSpec, columns
from cpg1_assets.storage.files import ParquetStorage
from cpg1_assets.storage.parquet import write_parquet
from cpg1_assets.storage.provenance import Provenance, provenance_name

MONTH = "2025-09"
SPEC = FrameSpec(
    name="example", title="Example", key=("id_company",), columns=columns(("id_company", "text"))
)


@pytest.fixture(params=["local", "memory"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> ParquetStorage:
    url = str(tmp_path / "storage") if request.param == "local" else f"memory://{tmp_path.name}"
    return ParquetStorage(url, tmp_path / "spool")


def put(storage: ParquetStorage, company: str) -> Provenance:
    table = pa.table({"id_company": [company]})
    written = write_parquet(table, SPEC, storage.spool_path("example", MONTH, "run"))
    provenance = Provenance(
        "example", MONTH, written.sha256, {"ipe_07": "a" * 64}, "code", "version", {"x": ["ü", 1, None]}
    )
    storage.publish(written, "example", MONTH, provenance)
    return provenance


def test_what_was_said_is_found_beside_the_file(storage: ParquetStorage) -> None:
    said = put(storage, "EC_NG")
    assert storage.provenance("example", MONTH) == (said.sha256, said)


def test_a_new_file_leaves_only_its_own_provenance(storage: ParquetStorage) -> None:
    before, now = put(storage, "EC_NG"), put(storage, "JD_GH")
    assert storage.provenance("example", MONTH) == (now.sha256, now)
    folder = storage.path("example", MONTH).rpartition("/")[0]
    names = [str(path).rpartition("/")[2] for path in storage.filesystem.ls(folder, detail=False)]
    assert provenance_name(MONTH, now.sha256) in names
    assert provenance_name(MONTH, before.sha256) not in names


def test_the_same_file_again_keeps_its_provenance(storage: ParquetStorage) -> None:
    put(storage, "EC_NG")
    said = put(storage, "EC_NG")
    assert storage.provenance("example", MONTH)[1] == said


def test_a_file_that_something_else_changed_is_refused(storage: ParquetStorage) -> None:
    put(storage, "EC_NG")
    storage.filesystem.pipe_file(storage.path("example", MONTH), b"something else")
    with pytest.raises(
        StorageError, match=r"is not the file that was written there.*Materialize example of 2025-09 again"
    ):
        storage.provenance("example", MONTH)


def test_a_file_beside_which_nothing_is_said_is_refused(storage: ParquetStorage) -> None:
    said = put(storage, "EC_NG")
    folder = storage.path("example", MONTH).rpartition("/")[0]
    storage.filesystem.rm_file(f"{folder}/{provenance_name(MONTH, said.sha256)}")
    with pytest.raises(StorageError, match=r"nothing beside it says where it came from.*Materialize example"):
        storage.dataset("example", MONTH)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"null", b'{"format": "cpg1-provenance-1"}', b"\xff" * 40]
)
def test_a_provenance_that_cannot_be_read_is_refused(storage: ParquetStorage, content: bytes) -> None:
    said = put(storage, "EC_NG")
    folder = storage.path("example", MONTH).rpartition("/")[0]
    storage.filesystem.pipe_file(f"{folder}/{provenance_name(MONTH, said.sha256)}", content)
    with pytest.raises(StorageError, match="does not say where"):
        storage.provenance("example", MONTH)


def test_the_provenance_of_another_asset_or_month_is_refused(storage: ParquetStorage) -> None:
    said = put(storage, "EC_NG")
    folder = storage.path("example", MONTH).rpartition("/")[0]
    other = Provenance("other", MONTH, said.sha256, {}, "code", "version")
    storage.filesystem.pipe_file(f"{folder}/{provenance_name(MONTH, said.sha256)}", other.content())
    with pytest.raises(StorageError, match="does not say where"):
        storage.provenance("example", MONTH)


def test_a_process_killed_between_the_two_leaves_the_old_file_with_its_own(tmp_path: Path) -> None:
    storage = ParquetStorage(str(tmp_path), tmp_path / "spool")
    before = put(storage, "EC_NG")
    kept = Path(storage.path("example", MONTH)).read_bytes()
    put(storage, "JD_GH")
    # The new provenance is there, the new file is not yet.
    Path(storage.path("example", MONTH)).write_bytes(kept)
    (tmp_path / "example" / provenance_name(MONTH, before.sha256)).write_bytes(before.content())
    assert storage.provenance("example", MONTH) == (before.sha256, before)


def test_a_file_that_is_not_there_is_named(storage: ParquetStorage) -> None:
    with pytest.raises(StorageError, match="example of 2025-09 is not in storage"):
        storage.provenance("example", MONTH)


def test_an_edit_in_place_is_seen_whatever_times_the_file_is_given(tmp_path: Path) -> None:
    import os  # noqa: PLC0415

    storage = ParquetStorage(str(tmp_path), tmp_path / "spool")
    put(storage, "EC_NG")
    path = Path(storage.path("example", MONTH))
    storage.provenance("example", MONTH)
    status, content = path.stat(), bytearray(path.read_bytes())
    content[10] ^= 1
    with path.open("r+b") as file:
        file.write(content)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    with pytest.raises(StorageError, match="is not the file that was written there"):
        storage.provenance("example", MONTH)
