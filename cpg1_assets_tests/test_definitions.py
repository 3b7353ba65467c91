"""The asset graph is the one of the specification: these names, these inputs, these months, either executor."""

from pathlib import Path

import dagster as dg
import pytest

from cpg1_assets.definitions import build_definitions
from cpg1_assets.month import CutoffMonth, month_range
from cpg1_assets.settings import Settings

EXTRACTS = {
    "ipe_07", "ipe_08", "ipe_10", "ipe_12", "ipe_31", "ipe_34", "cr_03", "cr_04", "cr_05", "doc_voucher_usage",
    "nav_open_items", "collection_links",
}  # fmt: skip
INPUTS = {
    # The files, and the companies they must be there for.
    "jdash": {"cr_05"},
    "nav_voucher_entries": {"cr_03", "ipe_08", "doc_voucher_usage"},
    "timing_difference_bridge": {"ipe_08", "jdash"},
    "vtc_adjustment": {"ipe_08", "nav_voucher_entries", "cr_05"},
    "customer_posting_group_bridge": {"ipe_07"},
    "business_line_reclass": {"ipe_07"},
    "ipe_31_classified": {"ipe_31"},
    "target_values": {"ipe_07", "ipe_08", "ipe_10", "ipe_12", "ipe_31", "ipe_34", "cr_05"},
    "reconciliation": {
        "target_values", "timing_difference_bridge", "vtc_adjustment", "customer_posting_group_bridge",
        "business_line_reclass", "ipe_08", "jdash", "cr_04", "cr_05",
    },
    "gl_roll_forward": {"cr_03", "cr_04"},
    "voucher_accrual_variance": {"nav_voucher_entries", "ipe_08", "doc_voucher_usage", "cr_05"},
    "open_item_matches": {
        "nav_open_items", "collection_links", "cr_04", "cr_05", "ipe_07", "ipe_08", "ipe_10", "ipe_12", "ipe_31", "ipe_34",
        "doc_voucher_usage",
    },
    "open_items": {
        "open_item_matches", "nav_open_items", "ipe_07", "ipe_08", "ipe_10", "ipe_12", "ipe_31", "ipe_34",
        "doc_voucher_usage", "timing_difference_bridge", "vtc_adjustment", "reconciliation", "cr_05",
    },
    "open_item_suggestions": {"open_items"},
    "open_items_before": set(),
    "open_item_changes": {"open_items", "open_item_matches", "open_items_before", "reconciliation"},
    "open_item_comments": {"open_items", "open_item_changes"},
    "bridge_calculations_evidence": {
        "timing_difference_bridge", "vtc_adjustment", "customer_posting_group_bridge", "business_line_reclass",
        # For the thresholds in USD.
        "cr_05",
    },
    "bridge_classifications_evidence": {"ipe_31_classified"},
}  # fmt: skip
# Seeded by what was drawn, as far as rules read it.
INPUTS["control_effectiveness"] = EXTRACTS | {"jdash"}
# What was validated when it was drawn, and what a check looks at.
INPUTS["check_results"] = EXTRACTS | {
    "control_effectiveness",
    "jdash", "ipe_31_classified", "nav_voucher_entries", "gl_roll_forward",
    "voucher_accrual_variance", "reconciliation", "open_item_matches", "open_items", "open_items_before",
    "open_item_comments",
}  # fmt: skip
# The last of the month: what it seals is everything else.
INPUTS["evidence_manifest"] = EXTRACTS | INPUTS.keys()
# What people look at is made of what was sealed.
INPUTS["control_report"] = INPUTS["control_workbook"] = {"evidence_manifest"}
MONTHS = [month.key for month in month_range(CutoffMonth(2024, 1), CutoffMonth(2025, 12))]


@pytest.fixture(params=["in_process", "multiprocess"])
def definitions(request: pytest.FixtureRequest, tmp_path: Path) -> dg.Definitions:
    return build_definitions(Settings(home=tmp_path / "home", executor=request.param))


def test_definitions_load_for_either_executor(definitions: dg.Definitions) -> None:
    dg.Definitions.validate_loadable(definitions)


def test_loading_definitions_makes_no_books_and_writes_nothing(
    definitions: dg.Definitions, tmp_path: Path
) -> None:
    definitions.get_repository_def()
    assert list(tmp_path.iterdir()) == []


def test_assets_and_their_inputs_are_the_specifications(tmp_path: Path) -> None:
    graph = build_definitions(Settings(home=tmp_path)).resolve_asset_graph()
    found = {
        node.key.to_user_string(): {parent.to_user_string() for parent in node.parent_keys}
        for node in graph.asset_nodes
    }
    assert found == {**{extract: set() for extract in EXTRACTS}, **INPUTS}


def test_every_asset_and_check_is_partitioned_by_the_months_of_the_books(tmp_path: Path) -> None:
    graph = build_definitions(Settings(home=tmp_path)).resolve_asset_graph()
    for node in graph.asset_nodes:
        assert node.partitions_def is not None
        assert node.partitions_def.get_partition_keys() == MONTHS, node.key
    checks = list(graph.asset_check_keys)
    assert checks
    for check in checks:
        partitions = graph.get(check).partitions_def
        assert partitions is not None, check
        assert partitions.get_partition_keys() == MONTHS, check


def test_an_extract_has_every_check_and_only_completeness_blocks(tmp_path: Path) -> None:
    graph = build_definitions(Settings(home=tmp_path)).resolve_asset_graph()
    wanted = {
        "contract", "key_unique", "completeness", "positive_witness", "negative_witness", "nothing_after_cutoff",
    }  # fmt: skip
    for extract in EXTRACTS:
        checks = {k.name: graph.get(k) for k in graph.asset_check_keys if k.asset_key.path == [extract]}
        assert wanted <= checks.keys(), extract
        assert {name for name, node in checks.items() if node.blocking} == {"completeness"}, extract


def test_extracts_share_one_pool_and_nothing_else_is_in_it(tmp_path: Path) -> None:
    graph = build_definitions(Settings(home=tmp_path)).resolve_asset_graph()
    pools = {node.key.to_user_string(): node.pools for node in graph.asset_nodes}
    assert {asset for asset, pool in pools.items() if pool == {"source"}} == EXTRACTS
    assert all(pool in (set(), {"source"}) for pool in pools.values())


def test_the_job_has_a_longest_run_time_and_says_whose_books_it_closes(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, max_run_seconds=77, companies=("EC_NG",))
    tags = build_definitions(settings).resolve_job_def("close_month").tags
    assert tags["dagster/max_runtime"] == "77"
    assert tags["cpg1/books"] == "SAMPLE BOOKS"
    assert "companies-EC_NG" in tags["cpg1/scope"]


def test_every_asset_of_a_seal_has_a_code_version(tmp_path: Path) -> None:
    graph = build_definitions(Settings(home=tmp_path)).resolve_asset_graph()
    without = {node.key.to_user_string() for node in graph.asset_nodes if node.code_version is None}
    assert without == {"evidence_manifest", "control_report", "control_workbook"}
