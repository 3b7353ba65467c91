"""Every rule takes inputs without rows, with columns that have no type, and columns it does not know."""

from collections.abc import Callable

import duckdb
import pyarrow as pa
import pytest

from cpg1_assets.frame import Column, FrameSpec
from cpg1_assets.rules import (
    business_line_reclass,
    customer_posting_group_bridge,
    frames,
    gl_roll_forward,
    ipe_31_classified,
    nav_voucher_entries,
    open_item_changes,
    open_item_matches,
    open_item_rows,
    open_item_suggestions,
    open_items,
    reconciliation,
    target_values,
    timing_difference_bridge,
    voucher_accrual_variance,
    vtc_adjustment,
)
from cpg1_assets_tests.rules.rows import CLASSIFICATION, LINES, MATCHING, SEPTEMBER, THRESHOLDS


def empty(columns: tuple[Column, ...]) -> pa.Table:
    """Give no rows, the columns in another order than the rule's, one of them unknown, none with a type."""
    return pa.table({"unknown": pa.nulls(0)} | {column.name: pa.nulls(0) for column in reversed(columns)})


def of_customer_posting_group_bridge() -> duckdb.DuckDBPyRelation:
    rule = customer_posting_group_bridge
    return rule.customer_posting_group_bridge(empty(rule.IPE_07))


def of_business_line_reclass() -> duckdb.DuckDBPyRelation:
    return business_line_reclass.business_line_reclass(empty(business_line_reclass.IPE_07))


def of_nav_voucher_entries() -> duckdb.DuckDBPyRelation:
    rule = nav_voucher_entries
    return rule.nav_voucher_entries(empty(rule.CR_03), empty(rule.IPE_08), empty(rule.DOC_VOUCHER_USAGE))


def of_timing_difference_bridge() -> duckdb.DuckDBPyRelation:
    rule = timing_difference_bridge
    return rule.timing_difference_bridge(empty(rule.IPE_08), empty(rule.JDASH), SEPTEMBER)


def of_vtc_adjustment() -> duckdb.DuckDBPyRelation:
    rule = vtc_adjustment
    return rule.vtc_adjustment(
        empty(rule.IPE_08), empty(rule.NAV_VOUCHER_ENTRIES), empty(rule.CR_05), SEPTEMBER
    )


def of_ipe_31_classified() -> duckdb.DuckDBPyRelation:
    return ipe_31_classified.ipe_31_classified(empty(frames.IPE_31_COLUMNS), CLASSIFICATION)


def of_target_values() -> duckdb.DuckDBPyRelation:
    rule = target_values
    extracts = (rule.IPE_07, rule.IPE_08, rule.IPE_10, rule.IPE_12, rule.IPE_31, rule.IPE_34, rule.CR_05)
    ipe_07, ipe_08, ipe_10, ipe_12, ipe_31, ipe_34, cr_05 = (empty(columns) for columns in extracts)
    return rule.target_values(ipe_07, ipe_08, ipe_10, ipe_12, ipe_31, ipe_34, cr_05, LINES)


def of_reconciliation() -> duckdb.DuckDBPyRelation:
    rule = reconciliation
    return rule.reconciliation(
        empty(rule.TARGET_VALUES),
        empty(rule.TIMING_DIFFERENCE_BRIDGE),
        empty(rule.VTC_ADJUSTMENT),
        empty(rule.CUSTOMER_POSTING_GROUP_BRIDGE),
        empty(rule.BUSINESS_LINE_RECLASS),
        empty(rule.IPE_08),
        empty(rule.JDASH),
        empty(rule.CR_04),
        empty(rule.CR_05),
        SEPTEMBER,
        LINES,
        THRESHOLDS,
    )


def of_voucher_accrual_variance() -> duckdb.DuckDBPyRelation:
    rule = voucher_accrual_variance
    return rule.voucher_accrual_variance(
        empty(rule.NAV_VOUCHER_ENTRIES),
        empty(rule.IPE_08),
        empty(rule.DOC_VOUCHER_USAGE),
        empty(rule.CR_05),
        SEPTEMBER,
        THRESHOLDS,
    )


def of_gl_roll_forward() -> duckdb.DuckDBPyRelation:
    rule = gl_roll_forward
    return rule.gl_roll_forward(empty(rule.CR_03), empty(rule.CR_04), SEPTEMBER)


def of_open_item_changes() -> duckdb.DuckDBPyRelation:
    rule = open_item_changes
    return rule.open_item_changes(
        empty(rule.OPEN_ITEMS),
        empty(rule.OPEN_ITEM_MATCHES),
        empty(frames.OPEN_ITEMS_BEFORE.columns),
        empty(rule.RECONCILIATION),
    )


def _of_both_sides() -> dict[str, pa.Table]:
    """Give the extracts that the rows of both sides are read from, empty."""
    return {
        name: empty(getattr(open_item_rows, name.upper()))
        for name in (
            "nav_open_items",
            "ipe_07",
            "ipe_10",
            "ipe_12",
            "ipe_31",
            "ipe_34",
            "doc_voucher_usage",
            "cr_05",
        )
    }


def of_open_item_matches() -> duckdb.DuckDBPyRelation:
    rule = open_item_matches
    return rule.open_item_matches(
        **_of_both_sides(),
        ipe_08=empty(open_item_rows.IPE_08),
        collection_links=empty(rule.COLLECTION_LINKS),
        cr_04=empty(rule.CR_04),
        month=SEPTEMBER,
        lines=LINES,
        matching=MATCHING,
    )


def of_open_items() -> duckdb.DuckDBPyRelation:
    rule = open_items
    return rule.open_items(
        **_of_both_sides(),
        ipe_08=empty(rule.IPE_08),
        open_item_matches=empty(rule.MATCHES),
        timing_difference_bridge=empty(frames.TIMING_DIFFERENCE_BRIDGE.columns),
        vtc_adjustment=empty(frames.VTC_ADJUSTMENT.columns),
        reconciliation=empty(rule.LINES_COMPUTED),
        month=SEPTEMBER,
        lines=LINES,
        matching=MATCHING,
    )


def of_open_item_suggestions() -> duckdb.DuckDBPyRelation:
    rule = open_item_suggestions
    return rule.open_item_suggestions(empty(rule.OPEN_ITEMS), MATCHING)


RULES: dict[str, Callable[[], duckdb.DuckDBPyRelation]] = {
    "customer_posting_group_bridge": of_customer_posting_group_bridge,
    "business_line_reclass": of_business_line_reclass,
    "nav_voucher_entries": of_nav_voucher_entries,
    "timing_difference_bridge": of_timing_difference_bridge,
    "vtc_adjustment": of_vtc_adjustment,
    "ipe_31_classified": of_ipe_31_classified,
    "target_values": of_target_values,
    "reconciliation": of_reconciliation,
    "voucher_accrual_variance": of_voucher_accrual_variance,
    "gl_roll_forward": of_gl_roll_forward,
    "open_item_matches": of_open_item_matches,
    "open_items": of_open_items,
    "open_item_suggestions": of_open_item_suggestions,
    "open_item_changes": of_open_item_changes,
}


@pytest.mark.parametrize("spec", frames.DERIVED_FRAMES, ids=lambda spec: spec.name)
def test_every_derived_frame_is_computed_from_nothing_with_its_columns_and_types(spec: FrameSpec) -> None:
    found = RULES[spec.name]().to_arrow_table()
    assert found.num_rows == 0
    assert found.schema.names == spec.arrow_schema.names
    assert found.schema.types == spec.arrow_schema.types
