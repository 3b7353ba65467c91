"""A workpaper comes back as it went out, or each difference is named: with the sealed frame, or with its root alone."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest

from cpg1_assets.errors import EvidenceError
from cpg1_assets.evidence.chain.seal import ROW_TREES, SealedVersion
from cpg1_assets.evidence.row_tree.rows import RowTree
from cpg1_assets.evidence.samples.draw import Terms
from cpg1_assets.evidence.samples.returned import changed, read_workpaper, unproven
from cpg1_assets.evidence.samples.sample import draw_sample
from cpg1_assets_tests.evidence.samples.handed_out import (
    ASSET,
    FRAME,
    TERMS,
    Table,
    handed_out,
    header_at,
    rewritten,
    sealed_month,
)

SUFFIXES = (".xlsx", ".csv")
METHODS = (
    Terms("random", 40, "all"),
    Terms("systematic", 7, "s-1"),
    Terms("systematic", 3, "s-1", "amount", "JM_EG"),
    Terms("monetary-unit", 8, "mus", "amount", "EC_KE"),
)


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> SealedVersion:
    return sealed_month(tmp_path_factory.mktemp("sealed") / "evidence")


@pytest.fixture
def tree(sealed: SealedVersion) -> RowTree:
    return RowTree(**sealed.seal[ROW_TREES][ASSET])


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("terms", METHODS, ids=lambda terms: f"{terms.method} {terms.size}")
def test_a_workpaper_comes_back_as_it_went_out(
    sealed: SealedVersion, tree: RowTree, tmp_path: Path, terms: Terms, suffix: str
) -> None:
    path = tmp_path / f"sample{suffix}"
    sample = handed_out(sealed, path, terms)
    returned = read_workpaper(path)
    assert (returned.mark.terms, returned.mark.tree) == (terms, tree)
    assert [row.row for row in returned.rows] == [row.drawn.row for row in sample.rows]
    assert [*changed(returned, sample)] == []
    assert [*unproven(returned, tree)] == []
    # Saved by another program, it still is what was handed out.
    assert [*changed(read_workpaper(rewritten(path, lambda _: None)), sample)] == []


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_same_sample_is_the_same_bytes(sealed: SealedVersion, tmp_path: Path, suffix: str) -> None:
    one, other = tmp_path / f"one{suffix}", tmp_path / f"other{suffix}"
    handed_out(sealed, one)
    handed_out(sealed, other)
    assert one.read_bytes() == other.read_bytes()


def test_it_says_which_books_it_is_of_and_what_the_population_comes_to(
    sealed: SealedVersion, tmp_path: Path
) -> None:
    handed_out(sealed, tmp_path / "s.csv", Terms("monetary-unit", 8, "mus", "amount", "EC_KE"))
    content = (tmp_path / "s.csv").read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    text = content.decode("utf-8-sig")
    assert "SAMPLE BOOKS" in text.partition("\r\n")[0]
    assert "Population: 30 rows" in text
    # 15 amounts below zero (n = 0..14), of which that of n = 3 is none; 15 above.
    above = sum((n * n - 200) / 8 for n in range(15, 30))
    below = sum((n * n - 200) / 8 for n in range(15) if n != 3)
    assert (
        f"total {above + below:,.4f}; 15 rows above zero, {above:,.4f}; 14 below, {below:,.4f}; 1 of zero or without"
        in text
    )
    assert sealed.link.digest in text
    assert sealed.content[ASSET] in text


def test_amounts_of_several_currencies_are_neither_added_up_nor_drawn_from(
    sealed: SealedVersion, tmp_path: Path
) -> None:
    handed_out(sealed, tmp_path / "s.csv", Terms("random", 2, "s", "amount"))
    text = (tmp_path / "s.csv").read_text("utf-8-sig")
    assert "Population, EC_KE, amount: " in text
    assert "Population, JM_EG, amount: " in text
    with pytest.raises(EvidenceError, match="give --company, one of EC_KE, JM_EG"):
        draw_sample(sealed, ASSET, Terms("monetary-unit", 2, "s", "amount"))


def test_no_cell_is_a_formula(sealed: SealedVersion, tmp_path: Path) -> None:
    handed_out(sealed, tmp_path / "s.xlsx", METHODS[0])
    (sheet,) = openpyxl.load_workbook(tmp_path / "s.xlsx").worksheets
    assert {cell.data_type for row in sheet.iter_rows() for cell in row} <= {"s", "n", "inlineStr"}
    assert "=1+1" in [cell.value for row in sheet.iter_rows() for cell in row]
    handed_out(sealed, tmp_path / "s.csv", METHODS[0])
    cells = (tmp_path / "s.csv").read_text("utf-8-sig").replace("\r\n", ",").split(",")
    assert "'=1+1" in cells
    assert "=1+1" not in cells


def test_a_row_is_checked_by_hand_with_sha256sum(sealed: SealedVersion, tree: RowTree) -> None:
    row = draw_sample(sealed, ASSET, TERMS).rows[0]
    at, last = row.drawn.row - 1, tree.rows - 1
    digest = sha256sum(b"\0" + row.hashed)
    for beside in row.proof:
        while at % 2 == 0 and at == last:  # no neighbour: taken up as it is
            at, last = at // 2, last // 2
        digest = sha256sum(b"\1" + (beside + digest if at % 2 else digest + beside))
        at, last = at // 2, last // 2
    assert digest.hex() == tree.root


def sha256sum(content: bytes) -> bytes:
    done = subprocess.run(["sha256sum"], input=content, capture_output=True, check=True)
    return bytes.fromhex(done.stdout.split()[0].decode())


# Changed


def cell(column: str, change: Callable[[str], object], row: int = 0) -> Callable[[Table], object]:
    def changing(rows: Table) -> None:
        at = header_at(rows)
        place = rows[at].index(column)
        rows[at + 1 + row][place] = change(str(rows[at + 1 + row][place]))

    return changing


def another_digit(text: str) -> str:
    at = next(at for at, letter in enumerate(text) if letter.isdigit())
    return f"{text[:at]}{(int(text[at]) + 1) % 10}{text[at + 1 :]}"


def remove(rows: Table) -> None:
    del rows[header_at(rows) + 1]


def twice(rows: Table) -> None:
    rows.append([*rows[-1]])


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(
    ("change", "said", "said_by_root"),
    [
        (cell("amount", another_digit), "amount of row", "amount of row"),
        (cell("entry_no", another_digit, 1), "entry_no of row", "entry_no of row"),
        (cell("posting_date", another_digit, 2), "posting_date of row", "posting_date of row"),
        (cell("id_company", lambda text: f"{text}X"), "id_company of row", "id_company of row"),
        (cell("Row as hashed", another_digit), "Row as hashed or Proof or", "is not in the sealed frame"),
        (cell("Proof", another_digit), "Row as hashed or Proof or", "is not in the sealed frame"),
        (cell("Drawn by", another_digit), "was drawn by was changed", "was drawn by was changed"),
        (cell("Row", lambda _: 41), "row 41 was not drawn", "row 41 was not drawn"),
        (remove, "was drawn, and is not there any more", "was drawn, and is not there any more"),
        (twice, "is there 2 times", "is there 2 times"),
    ],
)  # fmt: skip
def test_what_was_changed_in_the_table_is_named(
    sealed: SealedVersion,
    tree: RowTree,
    tmp_path: Path,
    suffix: str,
    change: Callable[[Table], object],
    said: str,
    said_by_root: str,
) -> None:
    path = tmp_path / f"sample{suffix}"
    sample = handed_out(sealed, path)
    returned = read_workpaper(rewritten(path, change))
    assert any(said in problem for problem in changed(returned, sample))
    assert any(said_by_root in problem for problem in unproven(returned, tree))


def test_an_amount_and_the_row_as_hashed_changed_alike_are_found_too(
    sealed: SealedVersion, tree: RowTree, tmp_path: Path
) -> None:
    path = tmp_path / "s.csv"
    sample = handed_out(sealed, path)

    def both(rows: Table) -> None:
        at = header_at(rows)
        row, place = rows[at + 1], rows[at].index("amount")
        now = another_digit(str(row[place]))
        row[-2] = str(row[-2]).replace(f'"{row[place]}"', f'"{now}"')
        row[place] = now

    returned = read_workpaper(rewritten(path, both))
    assert any("is not in the sealed frame" in problem for problem in unproven(returned, tree))
    assert len([*changed(returned, sample)]) == 1


def test_a_row_that_was_not_drawn_is_named_although_it_is_proven(
    sealed: SealedVersion, tree: RowTree, tmp_path: Path
) -> None:
    handed_out(sealed, tmp_path / "all.csv", METHODS[0])
    path = tmp_path / "s.csv"
    sample = handed_out(sealed, path)
    drawn = {str(row.drawn.row) for row in sample.rows}
    others: Table = []
    rewritten(tmp_path / "all.csv", lambda rows: others.extend(rows[header_at(rows) + 1 :]))
    other = next(row for row in others if row[1] not in drawn)
    returned = read_workpaper(rewritten(path, lambda rows: rows.append(other)))
    assert [problem.partition(": ")[2] for problem in changed(returned, sample)] == [
        f"row {other[1]} was not drawn."
    ]
    assert [problem.partition(": ")[2] for problem in unproven(returned, tree)] == [
        f"row {other[1]} was not drawn."
    ]


def test_another_root_fits_no_row(sealed: SealedVersion, tree: RowTree, tmp_path: Path) -> None:
    handed_out(sealed, tmp_path / "s.csv")
    returned = read_workpaper(tmp_path / "s.csv")
    problems = [*unproven(returned, RowTree(tree.rows, another_digit(tree.root)))]
    assert len(problems) == 1 + TERMS.size
    # Nor does the same root of another number of rows.
    assert [*unproven(returned, RowTree(tree.rows + 1, tree.root))]


@pytest.mark.parametrize("line", [0, 2, 3, 4, 5])
def test_a_line_above_the_table_that_was_changed_is_named(
    sealed: SealedVersion, tmp_path: Path, line: int
) -> None:
    path = tmp_path / "s.csv"
    sample = handed_out(sealed, path)

    def change(rows: Table) -> None:
        rows[line][0] = another_digit(str(rows[line][0]))

    assert [
        problem
        for problem in changed(read_workpaper(rewritten(path, change)), sample)
        if f"line {line + 1}: it says" in problem
    ]


# What is none


def test_rows_may_be_in_another_order_and_blank_lines_between(sealed: SealedVersion, tmp_path: Path) -> None:
    path = tmp_path / "s.csv"
    sample = handed_out(sealed, path)

    def sort(rows: Table) -> None:
        at = header_at(rows)
        rows[at + 1 :] = [*reversed(rows[at + 1 :]), ["", ""]]

    assert [*changed(read_workpaper(rewritten(path, sort)), sample)] == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda rows: rows.pop(1), "is not the workpaper of one sample"),
        (lambda rows: rows.pop(3), "is not the workpaper of one sample"),
        (lambda rows: rows.pop(header_at(rows)), "is not the workpaper of one sample"),
        (lambda rows: rows.insert(1, rows[1]), "is not the workpaper of one sample"),
        (lambda rows: rows[header_at(rows)].remove("Note"), "its header is not the one"),
        (lambda rows: rows[-1].append("more"), "there is a cell right of the table, 'more'"),
        (cell("Row", lambda _: "x"), "its row is 'x', which is no number"),
        (cell("Row as hashed", lambda _: "nothing"), "is not what was handed out"),
        (cell("Row as hashed", lambda _: "base64:????"), "is not what was handed out"),
        (cell("Proof", lambda text: text.upper()), "is not what was handed out"),
    ],
)
def test_what_is_no_workpaper_is_refused(
    sealed: SealedVersion, tmp_path: Path, change: Callable[[Table], object], said: str
) -> None:
    path = tmp_path / "s.csv"
    handed_out(sealed, path)
    rewritten(path, change)
    with pytest.raises(EvidenceError, match=said):
        read_workpaper(path)


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04nothing", b"\0\1\2", b'"open', b"a,b\n1,2\n", b"\xff\xfe\x00"]
)
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_any_other_bytes_are_refused_in_a_sentence(tmp_path: Path, suffix: str, content: bytes) -> None:
    path = tmp_path / f"s{suffix}"
    path.write_bytes(content)
    with pytest.raises(EvidenceError, match=r"s\.(xlsx|csv)"):
        read_workpaper(path)


def test_a_pipe_a_large_file_and_one_of_another_kind_are_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    with (tmp_path / "large.csv").open("wb") as file:
        file.truncate(1 << 40)
    (tmp_path / "s.txt").write_text("x")
    for name, said in (
        ("pipe.csv", "it is a pipe"),
        ("large.csv", "more than"),
        ("s.txt", "are .xlsx or .csv"),
    ):
        with pytest.raises(EvidenceError, match=said):
            read_workpaper(tmp_path / name)


# What cannot be drawn


@pytest.mark.parametrize(
    ("asset", "terms", "said"),
    [
        ("ipe_99", TERMS, "ipe_99 is no frame of 2025-09 version 1. Its frames are: cr_05, ipe_07"),
        (ASSET, TERMS._replace(amount="text"), "has no amount text. Its columns of amounts are: amount"),
        (ASSET, TERMS._replace(company="XX"), "has no row of XX. Its companies are: EC_KE, JM_EG"),
        (ASSET, TERMS._replace(company="JM_EG", size=11), "The population has 10 rows"),
        (ASSET, Terms("monetary-unit", 2, "s"), "give --amount, one of amount"),
        ("reconciliation", TERMS._replace(size=3), "The population has 2 rows"),
    ],
)
def test_what_cannot_be_drawn_is_said(sealed: SealedVersion, asset: str, terms: Terms, said: str) -> None:
    with pytest.raises(EvidenceError, match=said):
        draw_sample(sealed, asset, terms)


def test_a_frame_that_is_not_as_it_was_sealed_is_not_drawn_from(tmp_path: Path) -> None:
    sealed = sealed_month(tmp_path / "evidence")
    path = sealed.folder / "data" / f"{ASSET}.parquet"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(EvidenceError, match="is not the file that was sealed"):
        draw_sample(sealed, ASSET, TERMS)


def test_a_root_of_other_rows_in_the_seal_is_not_drawn_by(sealed: SealedVersion) -> None:
    other = SealedVersion(sealed.folder, sealed.month, sealed.version, sealed.link)
    other.seal[ROW_TREES][ASSET]["rows"] = FRAME.num_rows + 1
    with pytest.raises(EvidenceError, match="does not have the rows whose number and root are in the seal"):
        draw_sample(other, ASSET, TERMS)
