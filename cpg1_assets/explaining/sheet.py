"""The sheet of a month's open items that a controller fills in: every column of them, then what people say.

It comes back as `<inbox>/comments/<YYYY-MM>.csv` or `.xlsx`. Reading it back is not done here.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa

from cpg1_assets.evidence.packages.package import spreadsheet_csv
from cpg1_assets.rules.frames import OPEN_ITEMS

FILLED_IN = ("comment", "owner", "confirmed_cause")
"""The columns of a controller's own."""


def open_item_sheet(items: Iterable[Mapping[str, Any]], *, sample: bool) -> str:
    """Give open items as CSV, with empty cells where nobody said anything yet; amounts to their last digit.

    What a spreadsheet would run as a formula is neutralised as in the evidence; `item` is a word that no spreadsheet
    takes for a number.
    """
    schema = pa.schema([*OPEN_ITEMS.arrow_schema, *(pa.field(name, pa.string()) for name in FILLED_IN)])
    rows = [{name: item[name] for name in schema.names} for item in items]
    return spreadsheet_csv(pa.Table.from_pylist(rows, schema=schema), sample=sample)
