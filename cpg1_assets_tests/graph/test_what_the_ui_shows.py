"""The UI shows the result: every figure is the reconciliation's, nothing is personal, and checks run for a month."""

import base64
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import dagster as dg
import pyarrow as pa
import pytest
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import execute_run
from dagster_shared.record import copy

from cpg1_assets.definitions import build_definitions
from cpg1_assets.frame import FrameSpec, columns
from cpg1_assets.graph.check_specs import NONE, check_result, metadata_value
from cpg1_assets.graph.dead_runs import process_tags
from cpg1_assets.graph.instance import failures, run_tags
from cpg1_assets.graph.preview import is_shown, preview
from cpg1_assets.graph.result_metadata import open_items_metadata, reconciliation_metadata, result_metadata
from cpg1_assets.rules.frames import RECONCILIATION
from cpg1_assets.settings import Settings
from cpg1_assets.storage.parquet import write_parquet
from cpg1_assets.validation import Validation
from cpg1_assets_tests.closing import Closed, close
from cpg1_assets_tests.graph.hand_made import MONTH, put_in_storage
from cpg1_assets_tests.graph.test_declared_inputs import DECLARED

PERSONAL = {
    "customer_name", "customer_no", "customer_id", "description", "comment", "document_description", "user_id", "posted_by",
    "voucher_id", "voucher_no", "document_no", "external_document_no", "tracking_number", "owner", "reference",
}  # fmt: skip


def _shown(closed: Closed, asset: str) -> dict[str, dg.MetadataValue[Any]]:
    events = closed.result.get_asset_materialization_events()
    made = [e.step_materialization_data.materialization for e in events]
    (one,) = [m for m in made if m.asset_key == dg.AssetKey(asset)]
    return dict(one.metadata)


def _rows(value: object) -> list[dict[str, Any]]:
    assert isinstance(value, dg.TableMetadataValue)
    return [dict(record.data) for record in value.records]


def _amount(text: str) -> Decimal:
    return Decimal(text.replace(",", ""))


def test_the_result_table_is_the_reconciliation_open_lines_first(closed: Closed) -> None:
    shown = _shown(closed, "reconciliation")
    rows, lines = _rows(shown["result"]), closed.rows("reconciliation")
    assert list(rows[0]) == [
        "status",
        "id_company",
        "line",
        "unexplained",
        "unexplained_usd",
        "threshold_usd",
    ]
    found = {
        (r["id_company"], r["line"]): (r["status"], _amount(r["unexplained"]), _amount(r["unexplained_usd"]))
        for r in rows
    }
    assert found == {
        (r["id_company"], r["line"]): (r["status"], r["unexplained"], r["unexplained_usd"]) for r in lines
    }
    order = ["VARIANCE_DETECTED", "NOT_COMPUTED", "EXPLAINED", "RECONCILED"]
    statuses = [order.index(row["status"]) for row in rows]
    assert statuses == sorted(statuses)
    open_sizes = [abs(_amount(r["unexplained_usd"])) for r in rows if r["status"] == order[0]]
    assert open_sizes == sorted(open_sizes, reverse=True)
    assert any("," in row["unexplained"] for row in rows)


def test_what_the_ui_plots_is_what_stays_unexplained_by_line_in_usd(closed: Closed) -> None:
    shown, lines = _shown(closed, "reconciliation"), closed.rows("reconciliation")
    for line in {row["line"] for row in lines}:
        size = sum(abs(row["unexplained_usd"]) for row in lines if row["line"] == line)
        plotted = shown[f"abs_usd/{line}"]
        assert isinstance(plotted, dg.FloatMetadataValue)
        assert plotted.value == float(size)
    assert shown["lines_open"].value == sum(row["status"] == "VARIANCE_DETECTED" for row in lines)
    items = [item for item in closed.rows("open_items") if item["unexplained"]]
    assert _shown(closed, "open_items")["items"].value == len(items)


def test_the_waterfall_is_a_picture_whose_figures_are_the_reconciliations(closed: Closed) -> None:
    shown, lines = _shown(closed, "reconciliation"), closed.rows("reconciliation")
    said = str(shown["waterfall"].value)
    head, _, drawn = said.rstrip(")").partition("base64,")
    assert head.endswith("(data:image/svg+xml;")
    svg = base64.b64decode(drawn).decode()
    assert svg.startswith("<svg")
    assert "<script" not in svg
    rest = sum(row["unexplained_usd"] for row in lines)
    assert f"Unexplained {rest:,.2f}" in svg


def test_the_summary_says_how_many_lines_and_which_is_the_largest(closed: Closed) -> None:
    said = str(_shown(closed, "reconciliation")["summary"].value).replace("\\", "")
    red = [row for row in closed.rows("reconciliation") if row["status"] == "VARIANCE_DETECTED"]
    largest = max(red, key=lambda row: abs(row["unexplained_usd"]))
    assert f"{len(red)} with an unexplained variance" in said
    assert f"{largest['id_company']} {largest['line']}, {largest['unexplained_usd']:,.2f} USD" in said


def test_a_month_without_a_computed_line_is_shown_without_a_figure_and_without_a_picture() -> None:
    line: dict[str, Any] = dict.fromkeys(["unexplained", "unexplained_usd", "variance_usd"])
    line |= {"id_company": "EC_NG", "line": "x", "status": "NOT_COMPUTED", "threshold_usd": Decimal(1000)}
    shown = reconciliation_metadata(MONTH, [line])
    assert shown["summary"] == f"{MONTH}: 1 lines, 1 not computed."
    assert "waterfall" not in shown
    assert [name for name in shown if name.startswith("abs_usd/")] == []
    assert open_items_metadata(MONTH, [])["summary"] == f"{MONTH}: 0 items stay unexplained, of 0."


def test_items_without_a_rate_are_counted_and_named_as_in_no_figure() -> None:
    item = {"cause": "unknown", "id_company": "EC_NG", "line": "x", "unexplained": Decimal(5), "unexplained_usd": None,
            "age_days": 1, "item": "i1", "document_no": None}  # fmt: skip
    shown = open_items_metadata(MONTH, [item])
    assert "1 have no rate and are in no figure in USD" in str(shown["summary"])
    assert shown["items"] == 1


def test_no_preview_has_a_column_that_may_tell_of_people_or_is_money_to_who_has_it(closed: Closed) -> None:
    previewed = 0
    for asset in closed.materialized():
        shown = _shown(closed, asset)
        if "preview" in shown:
            previewed += 1
            value = shown["preview"]
            assert isinstance(value, dg.TableMetadataValue)
            assert PERSONAL.isdisjoint(column.name for column in value.schema.columns), asset
    assert previewed > 10


def test_a_text_column_that_nobody_listed_is_hidden_and_named(tmp_path: Path) -> None:
    spec = FrameSpec(
        name="new", title="New", key=("id_company",),
        columns=columns(("id_company", "text"), ("e_mail", "text"), ("amount", "amount"), ("posting_date", "date")),
    )  # fmt: skip
    path = tmp_path / "new.parquet"
    row = {
        "id_company": "EC_NG",
        "e_mail": "ann@example.com",
        "amount": Decimal("1234.5"),
        "posting_date": None,
    }
    write_parquet(pa.Table.from_pylist([row], schema=spec.arrow_schema), spec, path)
    shown = preview(spec, path)
    assert _rows(shown["preview"]) == [{"id_company": "EC_NG", "amount": "1,234.5000", "posting_date": None}]
    assert shown["preview_leaves_out"] == "e_mail"
    assert not is_shown(spec.columns[1])


def test_a_failed_check_says_its_largest_figures_first_and_writes_amounts_with_separators() -> None:
    rows = [
        {"bridges": "1.0000", "id_company": "EC_NG", "line": "x", "unexplained_usd": "1234.5000"},
        {"bridges": "2.0000", "id_company": "JD_GH", "line": "x", "unexplained_usd": "-9876543.2100"},
    ]
    found = check_result("a", Validation("c", "All is explained.", False, figures={"open": rows}), {})
    assert found.description == (
        "All is explained.\n\nOpen: JD_GH x -9,876,543.2100 USD; EC_NG x 1,234.5000 USD."
    )
    (first, _) = _rows(found.metadata["open"])
    assert list(first) == ["id_company", "line", "unexplained_usd", "bridges"]
    assert first["unexplained_usd"] == "1,234.5000"


def test_figures_by_company_are_a_table_and_an_empty_list_says_none() -> None:
    by_company = metadata_value({"EC_NG": {"row_count": "5", "amount": "1000.0000"}})
    assert _rows(by_company) == [{"company": "EC_NG", "amount": "1,000.0000", "row_count": "5"}]
    assert metadata_value([]) == dg.MetadataValue.text(NONE)
    assert metadata_value("18412") == dg.MetadataValue.text("18412")


def _asked(
    definitions: dg.Definitions, instance: dg.DagsterInstance, asset: str, *names: str
) -> dg.DagsterRun:
    """Run checks as the UI's Checks page does: by the asset job, without a month."""
    keys = {dg.AssetCheckKey(asset_key=dg.AssetKey(asset), name=name) for name in names}
    job = definitions.resolve_implicit_global_asset_job_def().get_subset(
        asset_selection=set(), asset_check_selection=keys
    )
    quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    made = instance.create_run_for_job(job, run_config=quiet)
    # What the UI sends and this way of making a run leaves out.
    run = copy(made, asset_check_selection=frozenset(keys))
    execute_run(InMemoryJob(job), run, instance)
    found = instance.get_run_by_id(run.run_id)
    assert found is not None
    return found


def test_checks_asked_for_without_a_month_are_those_of_the_newest_there_is(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    settings = Settings(home=tmp_path / "home")
    storage = tmp_path / "home" / "storage"
    put_in_storage(storage, *DECLARED["reconciliation"])
    assert close(settings, MONTH, instance, select=["reconciliation"]).result.success
    (storage / "reconciliation" / "2025-08.parquet").write_bytes(b"an older month, which nobody reads")
    run = _asked(build_definitions(settings), instance, "reconciliation", "customer_ar_explained")
    assert run.status is dg.DagsterRunStatus.SUCCESS
    assert run.tags["dagster/partition"] == MONTH
    events = instance.get_records_for_run(
        run.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION
    ).records
    evaluations = [e.event_log_entry.dagster_event.event_specific_data for e in events]  # type: ignore[union-attr]
    assert [(e.check_name, e.partition) for e in evaluations] == [("customer_ar_explained", MONTH)]  # type: ignore[union-attr]


def test_checks_of_what_is_in_no_month_fail_with_what_to_do(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    definitions = build_definitions(Settings(home=tmp_path / "home"))
    run = _asked(definitions, instance, "reconciliation", "customer_ar_explained")
    assert run.status is dg.DagsterRunStatus.FAILURE
    ((_, why),) = failures(instance, run.run_id)
    assert "No month of reconciliation is in storage, so there is nothing to check." in why


def test_every_check_that_looks_at_storage_can_be_executed_alone_and_check_month_asks_them_all(
    tmp_path: Path,
) -> None:
    definitions = build_definitions(Settings(home=tmp_path))
    graph = definitions.resolve_asset_graph()
    job = definitions.resolve_job_def("check_month").asset_layer
    asked = set(
        job.selected_asset_check_keys
        if hasattr(job, "selected_asset_check_keys")
        else job.asset_graph.asset_check_keys
    )
    alone = {
        key for key in graph.asset_check_keys if len(graph.get_execution_set_asset_and_check_keys(key)) <= 1
    }
    assert {key.asset_key.path[-1] for key in alone} >= {"reconciliation", "open_items", "evidence_manifest"}
    assert asked == alone


@pytest.mark.parametrize("source", ["sample", "sqlserver"])
def test_every_asset_says_whose_it_is_and_where_its_code_is_and_results_are_due_where_time_goes_on(
    tmp_path: Path, source: Literal["sample", "sqlserver"]
) -> None:
    settings = Settings(home=tmp_path, source=source, connection_string="Driver=x;Server=y")
    graph = build_definitions(settings).resolve_asset_graph()
    for node in graph.asset_nodes:
        assert node.owners, node.key
        assert node.tags["control"] == "C-PG-1"
        assert node.metadata["dagster/code_references"].code_references, node.key
    due = {node.key.path[-1] for node in graph.asset_nodes if node.freshness_policy is not None}
    assert due == (set() if source == "sample" else {"reconciliation", "evidence_manifest"})
    assert graph.get(dg.AssetKey("ipe_07")).tags["personal_data"] == "possible"
    assert "gl_account/13003" in graph.get(dg.AssetKey("ipe_07")).tags


def test_a_list_of_runs_shows_no_process_numbers() -> None:
    assert {name for name in {**process_tags(), **run_tags()} if not name.startswith(".dagster/")} == set()


def test_results_and_packages_link_to_the_page_beside_the_ui_and_to_none_where_it_is_off(
    closed: Closed, tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    assert _shown(closed, "reconciliation")["page"].value == f"http://127.0.0.1:3001/{closed.month}/"
    package = str(_shown(closed, "ipe_07")["page"].value)
    assert package == f"http://127.0.0.1:3001/evidence/{closed.month}/ipe_07/{closed.result.run_id}/"
    put_in_storage(tmp_path / "home" / "storage", "cr_03", "cr_04")
    off = close(Settings(home=tmp_path / "home", page_port=None), MONTH, instance, select=["gl_roll_forward"])
    assert "page" not in off.metadata("gl_roll_forward")


def test_the_lineage_of_columns_is_shown_and_what_is_not_told_is_named(closed: Closed) -> None:
    shown = _shown(closed, "reconciliation")
    lineage = shown["dagster/column_lineage"]
    assert isinstance(lineage, dg.TableColumnLineageMetadataValue)
    deps = lineage.column_lineage.deps_by_column["actual"]
    assert [(dep.asset_key.path[-1], dep.column_name) for dep in deps] == [("cr_04", "balance_at_date")]
    told = {row["column"]: row["made_of"] for row in _rows(shown["columns_made_of"])}
    assert told["actual"] == "cr_04.balance_at_date"
    assert {
        row["made_of"].partition(":")[0] for row in _rows(_shown(closed, "open_items")["columns_made_of"])
    } == {"not told"}
    assert "columns_made_of" not in _shown(closed, "ipe_07")


def test_what_came_out_of_data_is_no_mark_in_a_summary(tmp_path: Path) -> None:
    line = {column.name: None for column in RECONCILIATION.columns} | {
        "id_company": "![x](http://evil.example/x)<b>", "line": "x", "status": "VARIANCE_DETECTED", "threshold_rule": "r",
        **dict.fromkeys(RECONCILIATION.amounts, Decimal(5000)), "threshold_usd": Decimal(1000),
    }  # fmt: skip
    path = tmp_path / "reconciliation.parquet"
    write_parquet(pa.Table.from_pylist([line], schema=RECONCILIATION.arrow_schema), RECONCILIATION, path)
    said = result_metadata("reconciliation", MONTH, path, 1)["summary"]
    assert isinstance(said, dg.MarkdownMetadataValue)
    assert "\\!\\[x\\]\\(http\\://evil.example/x\\)\\<b\\>" in said.value
