"""A small sealed year, made through the product's own functions: months of few assets and a package each."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from cpg1_assets.disk import sha256_of
from cpg1_assets.evidence.chain.seal import MonthContent, SealResult, seal_month
from cpg1_assets.evidence.chain.signing import Signer
from cpg1_assets.evidence.packages.package import write_package

MONTHS = [f"2025-{month:02d}" for month in range(1, 13)]
OPEN = "voucher_liability:EC_NG"


def small_month(
    evidence: Path,
    month: str,
    *,
    run: str = "run-1",
    amount: int = 1,
    rule: str = "a",
    signer: Signer | None = None,
    companies: Sequence[str] = ("EC_NG", "JD_GH"),
    status: str = "VARIANCE_DETECTED",
    checks: Sequence[tuple[str, str, str, bool, bool]] | None = None,
    frames: Mapping[str, pa.Table] | None = None,
    rules: Mapping[str, bytes] | None = None,
) -> SealResult:
    """Run a small month (its packages are new, its data is what the arguments make it) and seal it.

    `status` is that of the line of the first company; `checks` are asset, check, severity, passed and tested of
    the results sealed with the month, None for a month sealed before there were any. `frames` are sealed beside these
    or in their place, and so are the rule files `rules`.
    """
    extract = parquet(evidence, "extract", {"id_company": ["EC_NG"], "month": [month], "amount": [amount]})
    rates = parquet(evidence, "rates", {"id_company": list(companies)})
    lines = parquet(
        evidence,
        "lines",
        {
            "line": ["voucher_liability"] * 2,
            "id_company": ["EC_NG", "JD_GH"],
            "status": [status, "RECONCILED"],
            "month": [month] * 2,
        },
    )
    context = {"books": "SAMPLE BOOKS", "month": month, "run_id": run, "code_version": "1", "git": None}
    write_package(
        evidence / month / "ipe_08" / run,
        {
            "00_system_context.json": context,
            "data.parquet": extract,
            "01_executed_query.sql": f"SELECT '{month}'",
        },
    )
    data = {"cr_05": rates, "ipe_08": extract, "reconciliation": lines}
    if checks is not None:
        names = ("asset", "check", "severity", "passed", "tested")
        results = {name: [row[at] for row in checks] for at, name in enumerate(names)}
        data["check_results"] = parquet(evidence, "results", results)
    for name, table in (frames or {}).items():
        data[name] = evidence.parent / f"{name}.parquet"
        pq.write_table(table, data[name])
    content = MonthContent(
        data=data,
        proven={name: sha256_of(path) for name, path in data.items()},
        rules={"lines.yaml": f"rule: {rule}\n", "scope.yaml": "scope: all\n", **(rules or {})},
        statements={"reconciliation": "SELECT 1"},
        queries={"ipe_08.sql": "SELECT 2", "ipe_08.yaml": "name: ipe_08\n"},
        context=context,
        packaged=["ipe_08"],
    )
    return seal_month(evidence, month, content, run_id=run, signer=signer)


def small_year(evidence: Path) -> Path:
    """Seal the twelve months, the last of them twice."""
    for month in MONTHS:
        small_month(evidence, month)
    small_month(evidence, MONTHS[-1], run="run-2", amount=2)
    return evidence


def parquet(evidence: Path, name: str, columns: Mapping[str, Sequence[object]]) -> Path:
    """Write a small file beside the evidence folder, as storage would hold it."""
    path = evidence.parent / f"{name}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path)
    return path


def files_of(evidence: Path) -> list[Path]:
    """Every file of the evidence, sorted."""
    return sorted(path for path in evidence.rglob("*") if path.is_file())


def link_of(evidence: Path, index: int) -> dict[str, object]:
    """Read a link of the chain as it stands."""
    found: dict[str, object] = json.loads((evidence / "chain" / f"{index:06d}.json").read_text())
    return found
