"""Which columns a derived asset's columns are made of, as the UI shows it. What is known of it, the rules say."""

from typing import Any

import dagster as dg

from cpg1_assets.graph.check_specs import table
from cpg1_assets.rules.column_lineage import column_lineage
from cpg1_assets.rules.graph import derivations

NOT_TOLD = "not told: the statement says it in a way that is not followed"


def lineage_metadata(asset: str) -> dict[str, dg.MetadataValue[Any]]:
    """Give the column lineage of a derived asset, for tools and as a table, where what could not be followed is named.

    Of extracts there is none: their columns come from the source's tables, which are no assets. The open-source UI
    shows no column lineage of its own, so the table is what a person sees there.
    """
    if asset not in derivations():
        return {}
    known = column_lineage(asset)
    lineage = dg.TableColumnLineage(
        deps_by_column={
            name: [
                dg.TableColumnDep(asset_key=dg.AssetKey(frame), column_name=column) for frame, column in of
            ]
            for name, of in known.made_of.items()
        }
    )
    told = {
        name: ", ".join(f"{frame}.{column}" for frame, column in of) for name, of in known.made_of.items()
    }
    told |= dict.fromkeys(known.not_told, NOT_TOLD)
    return {
        "dagster/column_lineage": dg.MetadataValue.column_lineage(lineage),
        "columns_made_of": table([{"column": name, "made_of": of} for name, of in told.items()]),
    }
