"""The books are whole, repeatable, and shaped like the source database."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from cpg1_assets.sample_books import DEFAULT_SEED, FIRST_MONTH, LAST_MONTH, make, make_sample_books
from cpg1_assets.sample_books.spellings import PADDED
from cpg1_assets.sample_books.tables import TABLES, file_of

if TYPE_CHECKING:
    from cpg1_assets_tests.sample_books.conftest import Books


def digest(root: Path) -> dict[str, str]:
    files = sorted(path for path in root.rglob("*") if path.is_file())
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_same_seed_gives_the_same_bytes_and_another_seed_others(books: Books, tmp_path: Path) -> None:
    again, other = tmp_path / "again", tmp_path / "other"
    make_sample_books(again, seed=DEFAULT_SEED)
    make_sample_books(other, seed=DEFAULT_SEED + 1)
    first = digest(books.root)
    assert digest(again) == first
    changed = {name for name, value in digest(other).items() if first.get(name) != value}
    assert "truth/lines.parquet" in changed
    assert any("RPT_SOI" in name for name in changed)


def test_a_factor_makes_more_of_the_same_and_progress_is_told(books: Books, tmp_path: Path) -> None:
    told: list[str] = []
    make_sample_books(tmp_path / "triple", factor=3, progress=told.append)
    assert all(line.startswith("SAMPLE BOOKS") for line in told)
    assert any("JM_EG" in line for line in told)
    text = (tmp_path / "triple" / "books.json").read_text(encoding="utf-8")
    tripled = json.loads(text)["tables"]
    for name in ("RPT_SOI", "V_STORECREDITVOUCHER_CLOSING", "Customer Ledger Entries"):
        (full,) = [table for table in TABLES if f"[{name}]" in table]
        assert 2.7 < tripled[full]["rows"] / books.manifest["tables"][full]["rows"] < 3.3


def test_books_are_made_in_chunks_whose_numbers_do_not_meet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(make, "_CHUNK", 1)
    make_sample_books(tmp_path / "chunked", factor=2)
    for name, keys in (
        ("AIG_Nav_DW/dbo/G_L Entries", ["id_company", "Entry No_"]),
        ("AIG_Nav_DW/dbo/Customer Ledger Entries", ["id_company", "Entry No_"]),
        ("AIG_Nav_Jumia_Reconciliation/dbo/RPT_SOI", ["ID_COMPANY", "COD_OMS_SALES_ORDER_ITEM"]),
        ("AIG_Nav_Jumia_Reconciliation/dbo/RPT_CASHDEPOSIT", ["ID_Company", "OMS_Payment_No"]),
    ):
        table = pq.read_table(tmp_path / "chunked" / "tables" / f"{name}.parquet", columns=keys)
        texts = [pc.utf8_rtrim(c, " ") if pa.types.is_string(c.type) else c for c in table.columns]
        table = pa.table(texts, names=keys)
        assert table.group_by(keys).aggregate([]).num_rows == table.num_rows


def test_about_a_quarter_of_a_million_rows(books: Books) -> None:
    assert 225_000 < sum(table["rows"] for table in books.manifest["tables"].values()) < 275_000


def test_the_manifest_says_sample_books_and_hashes_every_table(books: Books) -> None:
    manifest = books.manifest
    assert manifest["title"] == "SAMPLE BOOKS"
    assert (manifest["seed"], manifest["factor"]) == (DEFAULT_SEED, 1)
    assert (manifest["first_month"], manifest["last_month"]) == (FIRST_MONTH, LAST_MONTH)
    for table in manifest["tables"].values():
        path = books.root / table["path"]
        assert hashlib.sha256(path.read_bytes()).hexdigest() == table["sha256"]
        assert pq.read_metadata(path).num_rows == table["rows"]


@pytest.mark.parametrize("name", sorted(TABLES))
def test_every_source_table_has_its_columns_and_rows(books: Books, name: str) -> None:
    path = books.root / books.manifest["tables"][name]["path"]
    schema = pq.read_schema(path)
    assert [(field.name, field.type) for field in schema] == list(TABLES[name])
    assert books.manifest["tables"][name]["rows"] > 0
    assert not any(pa.types.is_floating(field.type) for field in schema)


@pytest.mark.parametrize(("table", "column"), [(t, c) for t, columns in PADDED.items() for c in columns])
def test_some_texts_end_in_blanks_and_mean_the_same_without_them(
    books: Books, table: str, column: str
) -> None:
    values = pq.read_table(books.root / file_of(table), columns=[column])[column]
    ending = pc.filter(values, pc.ends_with(values, " ")).to_pylist()
    assert 0 < len(ending) < max(len(values) / 2, 2)
    assert all(text.rstrip(" ") for text in ending), "a blank text stays what it was"


def test_some_rows_spell_their_company_in_lower_case_and_the_group_itself_never(books: Books) -> None:
    for table, columns in PADDED.items():
        for column in columns:
            if column.lower() in ("id_company", "company_code"):
                codes = pq.read_table(books.root / file_of(table), columns=[column])[column].to_pylist()
                lower = [code for code in codes if code != code.upper()]
                assert len(lower) < max(len(codes) / 2, 2)
                assert bool(lower) == (column.lower() == "id_company") or len(codes) < 200, table


def test_all_dates_have_thousandths_that_sql_server_keeps(books: Books) -> None:
    for name, columns in TABLES.items():
        view = name.split("].[")[-1].rstrip("]")
        for column, kind in columns:
            if pa.types.is_timestamp(kind):
                odd = books.one(
                    f'select count(*) from "{view}" '
                    f'where microsecond("{column}") % 10000 not in (0, 3000, 7000)'
                )
                assert odd == 0, (name, column)


def test_old_books_stay_when_a_make_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "sample_books"
    root.mkdir()
    (root / "books.json").write_text("the old ones", encoding="utf-8")

    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(make, "write_truth", fail)
    with pytest.raises(KeyboardInterrupt):
        make_sample_books(root)
    assert (root / "books.json").read_text(encoding="utf-8") == "the old ones"
    assert [path.name for path in tmp_path.iterdir()] == ["sample_books"]


def test_new_books_replace_the_old_ones_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "sample_books"
    root.mkdir()
    (root / "left over").touch()
    monkeypatch.setattr(make, "_write_books", lambda making, *_: (making / "books.json").write_text("new"))
    make_sample_books(root)
    assert [path.name for path in root.iterdir()] == ["books.json"]
    assert [path.name for path in tmp_path.iterdir()] == ["sample_books"]


def test_old_books_go_back_when_the_new_ones_cannot_be_moved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "sample_books"
    root.mkdir()
    (root / "books.json").write_text("the old ones", encoding="utf-8")
    monkeypatch.setattr(make, "_write_books", lambda making, *_: making.rmdir())
    with pytest.raises(FileNotFoundError):
        make_sample_books(root)
    assert (root / "books.json").read_text(encoding="utf-8") == "the old ones"


@pytest.mark.parametrize(("seed", "factor"), [(-1, 1), (1, 0)])
def test_a_senseless_seed_or_factor_is_refused(tmp_path: Path, seed: int, factor: int) -> None:
    with pytest.raises(ValueError, match="seed of 0 or more"):
        make_sample_books(tmp_path / "books", seed=seed, factor=factor)


def test_the_simulation_imports_nothing_of_the_control() -> None:
    folder = Path(make.__file__).parent
    for module in folder.glob("*.py"):
        text = module.read_text("utf-8")
        imported = re.findall(r"^\s*(?:from|import) (cpg1_assets[\w.]*)", text, re.MULTILINE)
        assert all(name.startswith("cpg1_assets.sample_books") for name in imported), module.name
