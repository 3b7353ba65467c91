"""The derived assets: bridges, VTC, classification, reconciliation. Each one calls its rule and nothing else.

Which rows and figures come out is decided in `cpg1_assets.rules`; where they are kept, in `storage`.
Large frames stay lazy (`Dataset` in, DuckDB relation out); the small ones people look at are pandas.
"""

from collections.abc import Callable, Mapping
from typing import Any

import dagster as dg
import duckdb
import pandas as pd
from pyarrow.dataset import Dataset

from cpg1_assets.deployment import RuleBook
from cpg1_assets.frame import FrameSpec
from cpg1_assets.graph.frame_types import frame_type
from cpg1_assets.graph.steps import month_of
from cpg1_assets.rules import frames
from cpg1_assets.rules.bridges import BRIDGES
from cpg1_assets.rules.business_line_reclass import business_line_reclass as business_line_reclass_rule
from cpg1_assets.rules.customer_posting_group_bridge import (
    customer_posting_group_bridge as customer_posting_group_bridge_rule,
)
from cpg1_assets.rules.engine import to_frame
from cpg1_assets.rules.gl_roll_forward import gl_roll_forward as gl_roll_forward_rule
from cpg1_assets.rules.ipe_31_classified import ipe_31_classified as ipe_31_classified_rule
from cpg1_assets.rules.nav_voucher_entries import nav_voucher_entries as nav_voucher_entries_rule
from cpg1_assets.rules.open_item_changes import open_item_changes as open_item_changes_rule
from cpg1_assets.rules.open_item_matches import open_item_matches as open_item_matches_rule
from cpg1_assets.rules.open_item_suggestions import open_item_suggestions as open_item_suggestions_rule
from cpg1_assets.rules.open_items import open_items as open_items_rule
from cpg1_assets.rules.reconciliation import reconciliation as reconciliation_rule
from cpg1_assets.rules.target_values import target_values as target_values_rule
from cpg1_assets.rules.timing_difference_bridge import (
    timing_difference_bridge as timing_difference_bridge_rule,
)
from cpg1_assets.rules.voucher_accrual_variance import (
    voucher_accrual_variance as voucher_accrual_variance_rule,
)
from cpg1_assets.rules.vtc_adjustment import vtc_adjustment as vtc_adjustment_rule


def derived_assets(  # noqa: C901 - many short assets
    partitions: dg.PartitionsDefinition[str], book: RuleBook, codes: Mapping[str, str]
) -> list[dg.AssetsDefinition]:
    """Make all derived assets, partitioned by cutoff month, on the rule files of `book`; `codes` are their versions."""

    def derived(
        spec: FrameSpec, group: str, *, pandas: bool = True
    ) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
        """Wire a function of an asset's name."""
        limits = BRIDGES[spec.name].known_limits if spec.name in BRIDGES else ""
        return dg.asset(
            name=spec.name,
            description=f"{spec.title}.\n\n{spec.description}",
            partitions_def=partitions,
            group_name=group,
            kinds={"duckdb", "pandas" if pandas else "parquet"},
            io_manager_key="parquet",
            dagster_type=frame_type(spec) if pandas else None,
            code_version=codes[spec.name],
            metadata={"known_limits": limits} if limits else None,
        )

    lines, thresholds, matching = book.lines, book.thresholds, book.matching

    @derived(frames.NAV_VOUCHER_ENTRIES, "classification", pandas=False)
    def nav_voucher_entries(
        cr_03: Dataset, ipe_08: Dataset, doc_voucher_usage: Dataset
    ) -> duckdb.DuckDBPyRelation:
        return nav_voucher_entries_rule(cr_03, ipe_08, doc_voucher_usage)

    @derived(frames.IPE_31_CLASSIFIED, "classification", pandas=False)
    def ipe_31_classified(ipe_31: Dataset) -> duckdb.DuckDBPyRelation:
        return ipe_31_classified_rule(ipe_31, book.classification)

    @derived(frames.CUSTOMER_POSTING_GROUP_BRIDGE, "bridges")
    def customer_posting_group_bridge(ipe_07: Dataset) -> pd.DataFrame:
        return to_frame(customer_posting_group_bridge_rule(ipe_07))

    @derived(frames.TIMING_DIFFERENCE_BRIDGE, "bridges", pandas=False)
    def timing_difference_bridge(
        context: dg.AssetExecutionContext, ipe_08: Dataset, jdash: Dataset
    ) -> duckdb.DuckDBPyRelation:
        return timing_difference_bridge_rule(ipe_08, jdash, month_of(context))

    @derived(frames.VTC_ADJUSTMENT, "bridges")
    def vtc_adjustment(
        context: dg.AssetExecutionContext, ipe_08: Dataset, nav_voucher_entries: Dataset, cr_05: Dataset
    ) -> pd.DataFrame:
        return to_frame(vtc_adjustment_rule(ipe_08, nav_voucher_entries, cr_05, month_of(context)))

    @derived(frames.BUSINESS_LINE_RECLASS, "bridges")
    def business_line_reclass(ipe_07: Dataset) -> pd.DataFrame:
        return to_frame(business_line_reclass_rule(ipe_07))

    @derived(frames.TARGET_VALUES, "reconciliation")
    def target_values(
        ipe_07: Dataset, ipe_08: Dataset, ipe_10: Dataset, ipe_12: Dataset, ipe_31: Dataset, ipe_34: Dataset,
        cr_05: Dataset,
    ) -> pd.DataFrame:  # fmt: skip
        return to_frame(target_values_rule(ipe_07, ipe_08, ipe_10, ipe_12, ipe_31, ipe_34, cr_05, lines))

    @derived(frames.RECONCILIATION, "reconciliation")
    def reconciliation(
        context: dg.AssetExecutionContext,
        target_values: Dataset,
        timing_difference_bridge: Dataset,
        vtc_adjustment: Dataset,
        customer_posting_group_bridge: Dataset,
        business_line_reclass: Dataset,
        ipe_08: Dataset,
        jdash: Dataset,
        cr_04: Dataset,
        cr_05: Dataset,
    ) -> pd.DataFrame:
        return to_frame(
            reconciliation_rule(
                target_values, timing_difference_bridge, vtc_adjustment, customer_posting_group_bridge,
                business_line_reclass, ipe_08, jdash, cr_04, cr_05, month_of(context), lines, thresholds,
            )
        )  # fmt: skip

    @derived(frames.GL_ROLL_FORWARD, "reconciliation")
    def gl_roll_forward(context: dg.AssetExecutionContext, cr_03: Dataset, cr_04: Dataset) -> pd.DataFrame:
        return to_frame(gl_roll_forward_rule(cr_03, cr_04, month_of(context)))

    @derived(frames.VOUCHER_ACCRUAL_VARIANCE, "reconciliation")
    def voucher_accrual_variance(
        context: dg.AssetExecutionContext,
        nav_voucher_entries: Dataset,
        ipe_08: Dataset,
        doc_voucher_usage: Dataset,
        cr_05: Dataset,
    ) -> pd.DataFrame:
        return to_frame(
            voucher_accrual_variance_rule(
                nav_voucher_entries, ipe_08, doc_voucher_usage, cr_05, month_of(context), thresholds
            )
        )

    @derived(frames.OPEN_ITEM_MATCHES, "open_items", pandas=False)
    def open_item_matches(
        context: dg.AssetExecutionContext,
        nav_open_items: Dataset, collection_links: Dataset, cr_04: Dataset, cr_05: Dataset,
        ipe_07: Dataset, ipe_08: Dataset, ipe_10: Dataset, ipe_12: Dataset, ipe_31: Dataset, ipe_34: Dataset,
        doc_voucher_usage: Dataset,
    ) -> duckdb.DuckDBPyRelation:  # fmt: skip
        return open_item_matches_rule(
            nav_open_items, collection_links, cr_04, cr_05, ipe_07, ipe_08, ipe_10, ipe_12, ipe_31, ipe_34,
            doc_voucher_usage, month_of(context), lines, matching,
        )  # fmt: skip

    @derived(frames.OPEN_ITEMS, "open_items", pandas=False)
    def open_items(
        context: dg.AssetExecutionContext,
        open_item_matches: Dataset, nav_open_items: Dataset,
        ipe_07: Dataset, ipe_08: Dataset, ipe_10: Dataset, ipe_12: Dataset, ipe_31: Dataset, ipe_34: Dataset,
        doc_voucher_usage: Dataset, timing_difference_bridge: Dataset, vtc_adjustment: Dataset,
        reconciliation: Dataset, cr_05: Dataset,
    ) -> duckdb.DuckDBPyRelation:  # fmt: skip
        return open_items_rule(
            open_item_matches, nav_open_items, ipe_07, ipe_08, ipe_10, ipe_12, ipe_31, ipe_34, doc_voucher_usage,
            timing_difference_bridge, vtc_adjustment, reconciliation, cr_05, month_of(context), lines, matching,
        )  # fmt: skip

    @derived(frames.OPEN_ITEM_SUGGESTIONS, "open_items")
    def open_item_suggestions(open_items: Dataset) -> pd.DataFrame:
        return to_frame(open_item_suggestions_rule(open_items, matching))

    @derived(frames.OPEN_ITEM_CHANGES, "open_items", pandas=False)
    def open_item_changes(
        open_items: Dataset, open_item_matches: Dataset, open_items_before: Dataset, reconciliation: Dataset
    ) -> duckdb.DuckDBPyRelation:
        return open_item_changes_rule(open_items, open_item_matches, open_items_before, reconciliation)

    return [
        nav_voucher_entries, ipe_31_classified, customer_posting_group_bridge, timing_difference_bridge,
        vtc_adjustment, business_line_reclass, target_values, reconciliation, gl_roll_forward,
        voucher_accrual_variance, open_item_matches, open_items, open_item_suggestions,
        open_item_changes,
    ]  # fmt: skip
