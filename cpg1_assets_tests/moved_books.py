"""Sample books that moved since 2025-09 was sealed: late postings, late applications, an entry that went, a balance.

All is done to `COMPANY` alone, by hand, so that a test can say to the last digit what must be found.
"""

import json
import shutil
from pathlib import Path

import duckdb

from cpg1_assets.embedded import literal

COMPANY = "EC_NG"
APPLIED_IN_PART, APPLIED, REMOVED, REWORDED, OF_2023 = 8031, 8036, 8033, 8034, 2
_TABLES = {
    "entries": "[AIG_Nav_DW].[dbo].[G_L Entries]",
    "detailed": "[AIG_Nav_DW].[dbo].[Detailed G_L Entry]",
    "balances": "[AIG_Nav_Jumia_Reconciliation].[dbo].[V_BS_ANAPLAN_IMPORT_IFRS_MAPPING_CURRENCY_SPLIT]",
}
_NEW_ENTRIES = [
    # Number, dated, made, its detailed entry dated, amount.
    (900_001, "2025-09-15", "2025-10-20", "2025-09-15", "100.2500"),  # above all numbers that were sealed
    (0, "2025-09-16", "2099-01-01", "2025-09-16", "-0.0001"),  # made after the seal, whatever its number
    (900_002, "2025-08-31", "2025-10-20", "2025-08-31", "7.0000"),  # dated in a month before
    (-1, "2025-09-17", "2025-09-17", "2025-09-17", "3.0000"),  # made before the seal, and it was not there
    (
        -2,
        "2024-06-01",
        "2024-06-01",
        "2025-09-02",
        "5.0000",
    ),  # of an earlier year, and moved by an application
    (
        900_003,
        "2025-10-01",
        "2025-10-20",
        "2025-10-01",
        "999.0000",
    ),  # dated after the month: none of its business
]
_APPLICATIONS = [
    (APPLIED_IN_PART, "2025-09-20", "-1620.0000"),
    (APPLIED, "2025-09-20", "-13830.0000"),
    (OF_2023, "2025-09-21", "10.0000"),
]


def moved_books(books: Path, folder: Path) -> Path:
    """Copy `books` to `folder`, with all of it moved."""
    shutil.copytree(books, folder)
    contents = json.loads((folder / "books.json").read_bytes())
    paths = {view: folder / contents["tables"][name]["path"] for view, name in _TABLES.items()}
    with duckdb.connect() as connection:
        for view, path in paths.items():
            connection.execute(f"CREATE TABLE {view} AS SELECT * FROM read_parquet({literal(str(path))})")
        _move(connection)
        for view, path in paths.items():
            connection.execute(f"COPY {view} TO {literal(str(path))} (FORMAT parquet)")
    # Other books have another list of contents.
    (folder / "books.json").write_text(json.dumps(contents | {"moved": True}))
    file = folder / "inbox" / "jdash" / "2025-09" / f"{COMPANY}.csv"
    text = file.read_text(encoding="utf-8")
    for was, now in (
        ("42,487.20", "42,487.21"),
        ("17,665,331.6324", "17,665,331.6424"),
    ):  # a voucher, the total
        assert text.count(was) == 1
        text = text.replace(was, now)
    file.write_text(text, encoding="utf-8")
    (file.parent / "EC_KE.csv").unlink()
    return folder


def _move(connection: duckdb.DuckDBPyConnection) -> None:
    for number, dated, made, moved, amount in _NEW_ENTRIES:
        connection.execute(
            f"""INSERT INTO entries SELECT * REPLACE ($1 AS "Entry No_", $2::TIMESTAMP AS "Posting Date",
                $3::TIMESTAMP AS "G_L Creation Date", $4::DECIMAL(38, 20) AS "Amount")
            FROM entries WHERE id_company = '{COMPANY}' AND "Entry No_" = {APPLIED_IN_PART}""",
            [number, dated, made, amount],
        )
        _detail(connection, number, moved, amount)
    for number, dated, amount in _APPLICATIONS:
        _detail(connection, number, dated, amount)
    of_company = f"id_company = '{COMPANY}' AND"
    connection.execute(f'DELETE FROM entries WHERE {of_company} "Entry No_" = {REMOVED}')
    connection.execute(f'DELETE FROM detailed WHERE {of_company} "Gen_ Ledger Entry No_" = {REMOVED}')
    connection.execute(
        f'UPDATE entries SET "Comment" = \'in other words\' WHERE {of_company} "Entry No_" = {REWORDED}'
    )
    at_cutoff = f"ID_COMPANY = '{COMPANY}' AND CLOSING_DATE = TIMESTAMP '2025-09-30'"
    connection.execute(f"UPDATE balances SET REFRESH_DATE = TIMESTAMP '2099-01-01' WHERE {at_cutoff}")
    connection.execute(
        f"""UPDATE balances SET BALANCE_AT_DATE = BALANCE_AT_DATE + 0.5 WHERE {at_cutoff} AND rowid =
        (SELECT min(rowid) FROM balances WHERE {at_cutoff} AND GROUP_COA_ACCOUNT_NO = '18412')"""
    )


def _detail(connection: duckdb.DuckDBPyConnection, entry: int, dated: str, amount: str) -> None:
    connection.execute(
        """INSERT INTO detailed SELECT * REPLACE ((SELECT max("Entry No_") + 1 FROM detailed) AS "Entry No_",
            $1 AS "Gen_ Ledger Entry No_", $2::TIMESTAMP AS "Posting Date", $3::DECIMAL(38, 20) AS "Amount")
        FROM detailed WHERE id_company = $4 LIMIT 1""",
        [entry, dated, amount, COMPANY],
    )
