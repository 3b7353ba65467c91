"""Adding an extract takes two files and no Python: a query, and a contract that says what it gives."""

import shutil
from pathlib import Path

import dagster as dg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cpg1_assets.definitions import month_partitions
from cpg1_assets.deployment import open_deployment
from cpg1_assets.errors import FileFormatError
from cpg1_assets.extracts.catalog import QUERIES_FOLDER, read_catalog
from cpg1_assets.extracts.validation import statements
from cpg1_assets.graph.code_versions import extract_version
from cpg1_assets.graph.extracts import extract_asset
from cpg1_assets.graph.io_manager import parquet_io_manager
from cpg1_assets.settings import Settings
from cpg1_assets_tests.closing import QUIET

MONTH = "2025-09"
SQL = """\
-- What is still on vouchers, by company: a small extract of two files.
SELECT
    v.ID_COMPANY AS id_company,
    COUNT(*) AS times_used,
    SUM(v.remaining_amount) AS remaining_amount
FROM [AIG_Nav_Jumia_Reconciliation].[dbo].[V_STORECREDITVOUCHER_CLOSING] AS v
WHERE v.snapshot_date = @cutoff_date
    AND v.ID_COMPANY IN (@companies)
GROUP BY v.ID_COMPANY
"""
CONTRACT = """\
name: vouchers_by_company
title: Vouchers by company
key: [id_company]
amounts: [remaining_amount]
columns:
  - {name: id_company, type: text, nullable: false, description: "Company code"}
  - {name: times_used, type: integer, description: "Vouchers in the snapshot"}
  - {name: remaining_amount, type: amount, description: "What remains on them, LCY"}
control_totals: |
  SELECT t.id_company, COUNT(*) AS row_count, SUM(t.amount) AS remaining_amount
  FROM (
      SELECT v.ID_COMPANY AS id_company, SUM(v.remaining_amount) AS amount
      FROM [AIG_Nav_Jumia_Reconciliation].[dbo].[V_STORECREDITVOUCHER_CLOSING] AS v
      WHERE v.snapshot_date = @cutoff_date
          AND v.ID_COMPANY IN (@companies)
      GROUP BY v.ID_COMPANY
  ) AS t
  GROUP BY t.id_company
witnesses:
  positive:
    statement: "Every company in scope with a voucher is there."
    columns: [id_company]
  negative:
    statement: "No company out of scope is there."
    columns: [id_company]
  sql: |
    SELECT DISTINCT v.ID_COMPANY AS id_company, CASE WHEN v.ID_COMPANY IN (@companies) THEN 1 ELSE 0 END AS must_be_there
    FROM [AIG_Nav_Jumia_Reconciliation].[dbo].[V_STORECREDITVOUCHER_CLOSING] AS v
    WHERE v.snapshot_date = @cutoff_date
"""


@pytest.fixture
def queries(tmp_path: Path) -> Path:
    folder = tmp_path / "queries"
    shutil.copytree(QUERIES_FOLDER, folder)
    (folder / "vouchers_by_company.sql").write_text(SQL)
    (folder / "vouchers_by_company.yaml").write_text(CONTRACT)
    return folder


@pytest.mark.filterwarnings("ignore::dagster.PreviewWarning")
def test_two_files_are_an_asset_with_its_checks_and_its_evidence(
    queries: Path, home: Path, instance: dg.DagsterInstance
) -> None:
    catalog = read_catalog(queries)
    assert set(catalog) == {*read_catalog(), "vouchers_by_company"}
    extract = catalog["vouchers_by_company"]
    deployment = open_deployment(Settings(home=home))
    result = dg.materialize(
        [extract_asset(extract, month_partitions(deployment.settings), extract_version(extract))],
        resources={
            "deployment": deployment,
            "parquet": parquet_io_manager(deployment, {extract.contract.name: extract.contract}),
        },
        partition_key=MONTH,
        instance=instance,
        run_config=QUIET,
    )
    evaluations = result.get_asset_check_evaluations()
    assert {e.check_name for e in evaluations} >= set(statements(extract.contract))
    assert all(e.passed for e in evaluations)
    table = pq.read_table(home / "storage" / "vouchers_by_company" / f"{MONTH}.parquet")
    assert len(table) == 9
    assert table.schema.types == [pa.string(), pa.int64(), pa.decimal128(24, 4)]
    package = home / "evidence" / MONTH / "vouchers_by_company" / result.run_id
    assert (package / "query_as_written.sql").read_text() == SQL


def test_one_file_alone_is_refused_by_name(queries: Path) -> None:
    (queries / "vouchers_by_company.yaml").unlink()
    with pytest.raises(FileFormatError, match=r"vouchers_by_company\.sql, line 1: there is no .*\.yaml"):
        read_catalog(queries)


def test_a_slip_in_the_contract_names_file_and_line(queries: Path) -> None:
    contract = queries / "vouchers_by_company.yaml"
    contract.write_text(CONTRACT.replace("type: integer", "type: number"))
    with pytest.raises(FileFormatError, match=r"vouchers_by_company\.yaml, line 7"):
        read_catalog(queries)
