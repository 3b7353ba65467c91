"""The first rows of a file, as the UI previews them: no personal data, and nothing that is money to whoever has it.

What may be shown is listed, not what may not: a text column that a new contract brings stays hidden until its name is
put here. Texts that people write, names, customers, users, documents and vouchers are not on the list.
"""

from pathlib import Path

import dagster as dg
import pyarrow.parquet as pq

from cpg1_assets.frame import Column, FrameSpec
from cpg1_assets.graph.check_specs import table

_ROWS = 5
_LEAST_COLUMNS = 3
_TEXTS = frozenset(
    {
        "account_name", "asset", "bridge_key", "bridge_title", "business_use", "business_use_formatted", "case_type",
        "check", "company_country", "conso_account_no", "country_code", "country_name", "currency", "delivery_type",
        "document_type", "gl_account_no", "group_coa_account_name", "group_coa_account_no", "id_company", "ifrs_level_1",
        "ifrs_level_2", "ifrs_level_3", "is_valid", "line", "opco_or_central", "payment_method", "rate_type", "real_coa",
        "rule_version", "severity", "threshold_rule", "transaction_type", "voucher_kind", "voucher_type",
    }
)  # fmt: skip


def is_shown(column: Column) -> bool:
    """Whether a preview shows a column: numbers, dates and flags, closed sets, and texts that are listed here."""
    return column.type != "text" or column.allowed is not None or column.name in _TEXTS


def preview(spec: FrameSpec, path: Path) -> dict[str, dg.TableMetadataValue | str]:
    """Give the first rows of a Parquet file and name the columns left out; nothing where hardly a column may be shown."""
    shown = [column.name for column in spec.columns if is_shown(column)]
    if len(shown) < _LEAST_COLUMNS:
        return {}
    with pq.ParquetFile(path) as file:
        first = next(file.iter_batches(batch_size=_ROWS, columns=shown), None)
    hidden = [column.name for column in spec.columns if not is_shown(column)]
    return {
        "preview": table([] if first is None else first.to_pylist()),
        **({"preview_leaves_out": ", ".join(hidden)} if hidden else {}),
    }
