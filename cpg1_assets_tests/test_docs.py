"""The pages in docs/ say what the code does: names, columns, settings, commands, checks, links."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from cpg1_assets.deployment import read_rules
from cpg1_assets.errors import Cpg1Error
from cpg1_assets.extracts.catalog import companies_in_scope_sql, read_catalog
from cpg1_assets.extracts.contract import MONTH_PARAMETERS
from cpg1_assets.extracts.named_columns import named_tables, source_columns, statements_of
from cpg1_assets.extracts.scope import LIST_PARAMETERS, read_scope
from cpg1_assets.rules import open_items
from cpg1_assets.rules.frames import (
    CAUSES,
    IPE_31_CLASSIFIED,
    MATCHING_CONFIDENCES,
    MATCHING_PASSES,
    MATCHING_SIDES,
    TARGET_VALUES,
)
from cpg1_assets.rules.matching import FACTS
from cpg1_assets.settings import Settings
from cpg1_assets.sources.query import BINARY_COLLATION
from cpg1_assets.sources.schema import SOURCE_TABLES
from reference.blocks import asked_for, made_anew, stale
from reference.tables import MISSING, TABLES, commands, frames

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
CATALOG = read_catalog()
RULES = Settings(home=Path()).rules_folder


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def section(text: str, heading: str) -> str:
    """Give what stands under a heading, up to the next one of its rank."""
    rank = heading.split(" ", 1)[0]
    found = re.search(
        rf"^{re.escape(heading)}$\n(.*?)(?=^#{{1,{len(rank)}}} |\Z)", text, re.MULTILINE | re.DOTALL
    )
    assert found is not None, f"no heading {heading!r}"
    return found[1]


def table_rows(text: str) -> list[list[str]]:
    """Rows of the Markdown tables of a text, cell by cell, header and rule included."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


# Links and shape


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_relative_link_leads_somewhere(path: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8")):
        if link.startswith("http"):
            continue
        file, _, anchor = link.partition("#")
        target = path.parent / file if file else path
        assert target.is_file(), f"{path.name}: {link}"
        if anchor:
            assert anchor in set(_anchors(target)), f"{path.name}: {link}"


def _anchors(path: Path) -> Iterator[str]:
    for heading in re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE):
        kept = re.sub(r"[^\w\- ]", "", heading.lower())
        yield kept.replace(" ", "-")


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_page_begins_with_what_it_is_for(path: Path) -> None:
    title, empty, purpose, *_ = path.read_text(encoding="utf-8").splitlines()
    assert title.startswith("# ")
    assert empty == ""
    assert re.match(r"This (page|record) says |This page (lists|gives) ", purpose), purpose


def test_the_index_names_every_page() -> None:
    linked = set(re.findall(r"(?<!!)\[[^\]]*\]\(([^)#\s]+)", page("index.md")))
    assert linked == {str(path.relative_to(DOCS)) for path in PAGES} - {"index.md"}


# What is made from the code


def test_every_table_that_is_made_from_the_code_is_as_the_code_has_it() -> None:
    pages = [str(path.relative_to(ROOT)) for path in stale(TABLES)]
    assert pages == [], "write them anew with: make docs"


def test_every_frame_extract_source_table_and_command_has_its_table() -> None:
    # These two are told in prose: columns of their input and some more.
    assert sorted(asked_for("columns")) == sorted(
        frames().keys() - {IPE_31_CLASSIFIED.name, TARGET_VALUES.name}
    )
    assert sorted(asked_for("contract")) == sorted(CATALOG)
    assert sorted(asked_for("schema")) == sorted(SOURCE_TABLES)
    only_json = {
        name for name, command in commands() if {o.name for o in command.params} <= {"as_json", "run_id"}
    }
    with_options = {
        name for name, command in commands() if any(isinstance(o, click.Option) for o in command.params)
    }
    assert sorted({*asked_for("options"), *only_json}) == sorted(with_options | only_json)
    for kind in TABLES.keys() - {"columns", "contract", "schema", "options"}:
        assert asked_for(kind) == [""], kind


def test_every_source_column_says_what_it_means() -> None:
    assert MISSING not in page("source-schema.md")


def test_only_what_stands_between_the_marks_is_made_anew() -> None:
    told = (
        "a\n<!-- made: thresholds -->\nold\n<!-- made end -->\n<!-- made: letter b -->\n<!-- made end -->\n"
    )
    tables = {"thresholds": lambda _name, now: [now.strip(), "new"], "letter": lambda name, _now: [name]}
    assert made_anew(told, tables) == told.replace("old\n", "old\nnew\n").replace("b -->\n", "b -->\nb\n")
    with pytest.raises(KeyError, match="letter"):
        made_anew(told, {"thresholds": tables["thresholds"]})


# Settings and commands


def test_every_setting_is_documented_and_no_other() -> None:
    source = (ROOT / "cpg1_assets" / "settings.py").read_text(encoding="utf-8")
    read = set(re.findall(r"\"(CPG1_[A-Z_]+|DB_CONNECTION_STRING|CUTOFF_DATE)\"", source))
    said = {row[0].strip("`") for row in table_rows(page("settings.md")) if re.match(r"`[A-Z]", row[0])}
    assert said == read | {"DAGSTER_HOME", "TMPDIR"}


def test_the_defaults_of_settings_are_those_of_the_code() -> None:
    said = {row[0].strip("`"): coded(row[1]) for row in table_rows(page("settings.md")) if len(row) == 3}
    for name in (
        "login_timeout",
        "query_timeout",
        "lock_timeout",
        "max_concurrent_queries",
        "max_run_seconds",
    ):
        assert said[f"CPG1_{name.upper()}"] == (str(getattr(Settings, name)),), name
    assert said["CPG1_RETRY_WAITS"] == (",".join(map(str, Settings.retry_waits)),)
    assert said["CPG1_COLLATION"] == (BINARY_COLLATION,)


def test_every_command_has_its_section() -> None:
    headings = set(re.findall(r"^## `(cpg1[a-z -]+[a-z])", page("commands.md"), re.MULTILINE))
    listed = {"cpg1 evidence", "cpg1 runs show", "cpg1 runs history"}
    assert headings == {name for name, _ in commands()} - listed
    assert all(f"`{name} RUN_ID`" in page("commands.md") for name in listed - {"cpg1 evidence"})


# Source schema and extracts


@pytest.mark.parametrize("name", [*CATALOG, "companies_in_scope"])
def test_queries_name_only_what_the_source_schema_lists(name: str) -> None:
    schema = {table: set(columns) for table, columns in SOURCE_TABLES.items()}
    statements = [companies_in_scope_sql()] if name not in CATALOG else statements_of(CATALOG[name])
    named = {
        (".".join(f"[{part}]" for part in table), column)
        for sql in statements
        for table, column in source_columns(sql)
    }
    unknown = sorted(
        f"{table}.{column}"
        for table, column in named
        if table not in schema or (column and column not in schema[table])
    )
    assert not unknown
    assert any(column for _, column in named)


def test_the_script_grants_what_the_queries_read_and_nothing_else() -> None:
    granted = []
    for line in section(page("sql-server.md"), "## What to grant").splitlines():
        if used := re.match(r"USE (\[.+\]);$", line):
            database = used[1]
        elif grant := re.match(r"GRANT SELECT ON (.+) TO \[cpg1_reader\];$", line):
            granted.append(f"{database}.{grant[1]}")
    assert granted == [f"[{t.database}].[{t.schema}].[{t.name}]" for t in named_tables(CATALOG)]


def test_every_parameter_of_a_query_is_documented() -> None:
    for name in (*MONTH_PARAMETERS, *LIST_PARAMETERS):
        assert f"`@{name}`" in page("extracts.md"), name


def test_the_scope_lists_are_documented() -> None:
    scope = read_scope()
    for account in scope.gl_accounts:
        assert account in section(page("control.md"), "## Scope")
    for group in scope.customer_posting_groups:
        assert group in section(page("extracts.md"), "## `ipe_07`")


def _example(language: str) -> str:
    text = section(page("extracts.md"), "## Adding an extract")
    found = re.search(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def test_the_worked_example_of_an_extract_is_read_by_the_catalog(tmp_path: Path) -> None:
    (tmp_path / "customer_cards.sql").write_text(_example("sql"), encoding="utf-8")
    (tmp_path / "customer_cards.yaml").write_text(_example("yaml"), encoding="utf-8")
    contract = read_catalog(tmp_path)["customer_cards"].contract
    assert contract.key == ("id_company", "customer_no")


def test_a_slip_in_the_worked_example_is_refused_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "customer_cards.sql").write_text(
        _example("sql").replace("customer_no", "number"), encoding="utf-8"
    )
    (tmp_path / "customer_cards.yaml").write_text(_example("yaml"), encoding="utf-8")
    with pytest.raises(Cpg1Error, match=r"customer_cards\.sql, line \d+"):
        read_catalog(tmp_path)


# Rules and reconciliation


MATCHES = section(page("rules.md"), "## `open_item_matches`")


def coded(cell: str) -> tuple[str, ...]:
    """Give what a cell has between backticks."""
    return tuple(re.findall(r"`([^`]+)`", cell))


def test_the_sides_passes_and_confidences_of_a_match_are_those_of_the_code() -> None:
    rows = table_rows(section(MATCHES, "### What a row of a side is"))
    assert tuple(coded(row[0])[0] for row in rows if re.fullmatch("`[A-Z]+`", row[0])) == MATCHING_SIDES
    (confidence,) = (row[2] for row in table_rows(MATCHES) if row[0] == "`confidence`")
    assert [each for each in MATCHING_CONFIDENCES if each not in confidence] == []
    passes = re.findall(r"^\*\*`(\w+)`\*\*:", section(MATCHES, "### Passes"), re.MULTILINE)
    assert (*passes, "ledger", "none") == MATCHING_PASSES


def test_usage_words_and_figures_of_the_matching_are_those_of_the_file() -> None:
    matching = read_rules(RULES).matching
    for words in {words for line in matching.lines for words in line.usage}:
        assert f"`{words}`" in section(MATCHES, "### Passes")
    text = page("rules.md")
    assert f"more than {matching.shared_by_at_most} open rows of one side carry (`shared_by_at_most`)" in text
    assert f"at most {matching.days_apart} days (`days_apart`)" in text
    assert f"more than {matching.days_in_transit} days (`days_in_transit`)" in text


def test_the_facts_that_causes_rest_on_are_those_of_the_rule() -> None:
    rows = table_rows(section(page("rules.md"), "### Causes"))
    facts_from = next(at for at, row in enumerate(rows) if row[0] == "fact")
    assert sorted(row[0].strip("`") for row in rows[facts_from + 2 :]) == sorted(FACTS)
    # A fact that nothing finds is none.
    assert [fact for fact in FACTS if f"'{fact}' END" not in open_items.STATEMENT] == []


def test_what_to_do_is_said_of_every_cause() -> None:
    said = table_rows(section(page("a-line-is-red.md"), "## What to do about each cause"))[2:]
    assert sorted(row[0] for row in said) == sorted(CAUSES)


def test_every_asset_stands_in_the_flow() -> None:
    from cpg1_assets.definitions import build_definitions  # noqa: PLC0415 - builds all assets

    flow = set(re.findall(r"\w+", section(page("control.md"), "## Flow")))
    graph = build_definitions(Settings(home=Path("unused"))).resolve_asset_graph()
    assert {key.path[-1] for key in graph.get_all_asset_keys()} - flow == set()


def test_every_check_is_documented_with_its_severity_and_whether_it_blocks() -> None:
    from cpg1_assets.definitions import build_definitions  # noqa: PLC0415 - builds all assets

    definitions = build_definitions(Settings(home=Path("unused")))
    graph = definitions.resolve_asset_graph()
    said = section(page("reconciliation.md"), "## Checks")
    of_extracts = {row[0]: row for row in table_rows(section(said, "### Extracts"))[2:]}
    of_assets = {(row[0], row[1]): row for row in table_rows(section(said, "### Assets"))[2:]}
    found = set()
    for key in graph.asset_check_keys:
        asset, check = key.asset_key.path[-1], key.name.strip()
        blocking = "yes" if graph.get(key).blocking else "no"
        if asset in CATALOG and check in {name.strip("`") for name in of_extracts}:
            assert of_extracts[f"`{check}`"][2] == blocking, key
        else:
            found.add((f"`{asset}`", f"`{check}`"))
            assert of_assets[f"`{asset}`", f"`{check}`"][3] == blocking, key
    assert found == set(of_assets)


# Messages


def _messages_of_the_code() -> Iterator[str]:
    """Every text in the code, with an ellipsis for what is filled in."""
    for path in sorted((ROOT / "cpg1_assets").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                yield "".join(
                    str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values
                )
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def test_the_messages_of_the_troubleshooting_list_are_the_real_ones() -> None:
    said = [row[0] for row in table_rows(page("troubleshooting.md"))]
    quoted = [message for cell in said for message in re.findall(r"`([^`]+)`", cell)]
    code = list(_messages_of_the_code())
    assert quoted
    for message in quoted:
        parts = [re.escape(part.strip(" .")) for part in message.split("…") if len(part.strip(" .")) > 1]
        assert any(re.search(".*".join(parts), text, re.DOTALL) for text in code), message


# What people come from


CAME_FROM = [
    "cpg1_workflow.py", "cpg1_activities.py", "cpg1_worker.py", "run_full_reconciliation.py",
    "generate_customer_accounts.py", "generate_collection_accounts.py", "generate_other_ar.py",
    "classify_bridges.py", "TEMPORAL_HOST", "TEMPORAL_NAMESPACE", "TEMPORAL_TASK_QUEUE",
    "DB_CONNECTION_STRING", "CUTOFF_DATE", "start-dev", "--cutoff-date", "--gl-accounts", "8233", "list",
    "describe", "show", "health", "requirements.txt", "IPE_07", "IPE_31", "IPE_10", "IPE_08", "CR_04",
    "CR_03", "DOC_VOUCHER_USAGE", "retries", "idempotent", "durable", "compensation", "parallel",
    "versions", "Prometheus", "logs", "alerts", "cancel", "retry", "inputs", "outputs",
    "logging.basicConfig", "test_cpg1_activities.py", "test_cpg1_workflow.py", "@activity.defn",
    "availability", "Ctrl+C",
]  # fmt: skip
"""Files, commands, variables, steps and promises of the version on Temporal, as its description has them."""


@pytest.mark.parametrize("word", CAME_FROM)
def test_what_was_there_has_a_row_in_the_migration(word: str) -> None:
    there = [row[0] for row in table_rows(page("migration.md"))]
    assert any(word in cell for cell in there), word


@pytest.mark.parametrize(
    "entry",
    [
        "Unable to connect to Temporal server",
        "activities timing out",
        "DB_CONNECTION_STRING not set",
        'workflow shows as "Running" but no progress',
    ],
)
def test_each_old_entry_of_troubleshooting_is_answered_by_what_is_said_here(entry: str) -> None:
    parts = page("troubleshooting.md").split("\n## ")
    (answer,) = (
        part for part in parts if re.search(f"^On Temporal: .*{re.escape(entry)}", part, re.MULTILINE)
    )
    assert len(table_rows(answer)) > 2


def test_a_missing_connection_string_is_said_as_the_page_has_it() -> None:
    with pytest.raises(Cpg1Error) as refused:
        Settings.from_environment({"CPG1_SOURCE": "sqlserver"})
    assert f"`{str(refused.value).split('. ')[0]}.`" in page("troubleshooting.md")
