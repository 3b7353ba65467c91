"""The pages in docs/ say what the code does: names, columns, settings, commands, checks, links."""

import ast
import re
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

import click
import pytest

from cpg1_assets.cli.commands import main
from cpg1_assets.deployment import read_rules
from cpg1_assets.errors import Cpg1Error
from cpg1_assets.extracts.catalog import Extract, companies_in_scope_sql, read_catalog
from cpg1_assets.extracts.contract import MONTH_PARAMETERS
from cpg1_assets.extracts.named_columns import named_tables, source_columns, statements_of
from cpg1_assets.extracts.scope import LIST_PARAMETERS, read_scope
from cpg1_assets.frame import FrameSpec
from cpg1_assets.jdash.month import JDASH
from cpg1_assets.rules import open_items
from cpg1_assets.rules.frames import (
    CAUSES,
    DERIVED_FRAMES,
    IPE_31_CLASSIFIED,
    MATCHING_CONFIDENCES,
    MATCHING_PASSES,
    MATCHING_SIDES,
    TARGET_VALUES,
)
from cpg1_assets.rules.matching import FACTS, CauseRule
from cpg1_assets.settings import Settings
from cpg1_assets.sources.schema import SOURCE_TABLES

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
CATALOG = read_catalog()
FRAMES = [*(extract.contract for extract in CATALOG.values()), JDASH]
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


def columns_said(text: str) -> list[tuple[str, str]]:
    """Name and type of each row of the table headed `column | type | meaning`."""
    lines = text.splitlines()
    start = next(at for at, line in enumerate(lines) if line.startswith("| column | type |"))
    rows = table_rows("\n".join(takewhile(lambda line: line.startswith("|"), lines[start:])))
    return [(row[0].strip("`"), row[1]) for row in rows[2:]]


def source_schema() -> dict[str, dict[str, str]]:
    """Columns and types by table, as docs/source-schema.md lists them."""
    headings = re.findall(r"^## `(\[.+\])`$", page("source-schema.md"), re.MULTILINE)
    return {name: dict(columns_said(section(page("source-schema.md"), f"## `{name}`"))) for name in headings}


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
    linked = set(re.findall(r"\]\(([^)#\s]+)", page("index.md")))
    assert linked == {str(path.relative_to(DOCS)) for path in PAGES} - {"index.md"}


# Settings and commands


def test_every_setting_is_documented_and_no_other() -> None:
    source = (ROOT / "cpg1_assets" / "settings.py").read_text(encoding="utf-8")
    read = set(re.findall(r"\"(CPG1_[A-Z_]+|DB_CONNECTION_STRING|CUTOFF_DATE)\"", source))
    said = {row[0].strip("`") for row in table_rows(page("settings.md")) if re.match(r"`[A-Z]", row[0])}
    assert said == read | {"DAGSTER_HOME", "TMPDIR"}


def _commands(group: click.Group, path: str = "cpg1") -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        yield f"{path} {name}", command
        if isinstance(command, click.Group):
            yield from _commands(command, f"{path} {name}")


def test_every_command_and_option_is_documented() -> None:
    text = page("commands.md")
    for name, command in _commands(main):
        assert f"`{name}" in text, name
        options = [option for option in command.params if isinstance(option, click.Option)]
        heading = next(
            (line for line in text.splitlines() if re.match(rf"## `{name}[` ]", line)), "## `cpg1 runs`"
        )
        for option in options:
            assert any(long in section(text, heading) for long in option.opts), f"{name} {option.opts}"


# Source schema and extracts


def test_the_source_schema_is_documented_column_by_column() -> None:
    assert {name: list(columns.items()) for name, columns in source_schema().items()} == {
        name: [(column, kind.sql_type) for column, kind in columns.items()]
        for name, columns in SOURCE_TABLES.items()
    }


@pytest.mark.parametrize("name", [*CATALOG, "companies_in_scope"])
def test_queries_name_only_what_the_source_schema_lists(name: str) -> None:
    schema = {table: set(columns) for table, columns in source_schema().items()}
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


@pytest.mark.parametrize("spec", FRAMES, ids=lambda spec: spec.name)
def test_every_extract_is_documented_column_by_column(spec: FrameSpec) -> None:
    said = section(page("extracts.md"), f"## `{spec.name}`")
    assert columns_said(said) == [(column.name, column.type) for column in spec.columns]
    facts = {row[0]: row[1] for row in table_rows(said) if len(row) == 2}
    assert re.findall(r"`(\w+)`", facts["key"]) == list(spec.key)
    assert re.findall(r"`(\w+)`", facts["amounts"]) == list(spec.amounts)


@pytest.mark.parametrize("extract", CATALOG.values(), ids=list(CATALOG))
def test_the_facts_of_every_contract_are_documented(extract: Extract) -> None:
    contract = extract.contract
    said = section(page("extracts.md"), f"## `{contract.name}`")
    facts = {row[0]: row[1] for row in table_rows(said) if len(row) == 2}
    never_null = [column.name for column in contract.columns if not column.nullable]
    assert re.findall(r"`(\w+)`", facts["never null"]) == never_null
    assert re.findall(r"\b\d{5}\b", facts["feeds"]) == list(contract.feeds) or "every line" in facts["feeds"]
    for column in contract.columns:
        for value in column.allowed or ():
            assert f"`{value}`" in facts["closed sets of values"]
    if contract.date_rule is not None:
        rule = contract.date_rule
        bound = f"not after `{rule.not_after}`" if rule.not_after else f"before `{rule.before}`"
        assert facts["date rule"] == f"`{rule.column}` {bound}"
    assert facts["positive witness"] == contract.witnesses.positive.statement
    assert facts["negative witness"] == contract.witnesses.negative.statement
    assert facts.get("unambiguous") == (contract.unambiguous.statement if contract.unambiguous else None)


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


@pytest.mark.parametrize("spec", DERIVED_FRAMES, ids=lambda spec: spec.name)
def test_every_derived_frame_is_documented_column_by_column(spec: FrameSpec) -> None:
    text = page("rules.md") + page("reconciliation.md")
    if spec is IPE_31_CLASSIFIED or spec is TARGET_VALUES:
        known = {column.name for column in CATALOG["ipe_31"].contract.columns}
        assert all(f"`{column.name}`" in text for column in spec.columns if column.name not in known)
        return
    heading = "## Roll-forward" if spec.name == "gl_roll_forward" else f"## `{spec.name}`"
    assert columns_said(section(text, heading)) == [(column.name, column.type) for column in spec.columns]


def test_the_rule_files_are_documented_figure_by_figure() -> None:
    book = read_rules(RULES)
    lines = {row[0].strip("`"): row for row in table_rows(section(page("reconciliation.md"), "## Lines"))}
    for line in book.lines.lines:
        assert re.findall(r"\d{5}", lines[line.line][1]) == list(line.accounts)
        assert f"`{line.target.extract}` `{line.target.amount}`" in lines[line.line][2]
        assert lines[line.line][3] == ("+" if line.sign == 1 else "−")  # noqa: RUF001 - the sign of the page
    said = table_rows(section(page("reconciliation.md"), "## Thresholds"))[2:]
    assert [(r[0], r[1], int(r[2].replace(",", "")), r[3]) for r in said] == [
        (rule.country, rule.type, int(rule.usd), rule.account or "") for rule in book.thresholds.rules
    ]
    rows = table_rows(section(page("rules.md"), "## `ipe_31_classified`"))[2:]
    assert [(r[0], r[1], r[3], r[4], r[5], int(r[6])) for r in rows] == [
        (rule.key, rule.title, ", ".join(rule.dr), ", ".join(rule.cr), ", ".join(rule.needs), rule.rank)
        for rule in book.classification.rules
    ]
    for row, rule in zip(rows, book.classification.rules, strict=True):
        said_when = {
            column: tuple(value.strip() for value in values.split(","))
            for column, values in (part.split(":") for part in row[2].replace("`", "").split(" and "))
        }
        assert said_when == rule.when


MATCHES = section(page("rules.md"), "## `open_item_matches`")


def coded(cell: str) -> tuple[str, ...]:
    """Give what a cell has between backticks."""
    return tuple(re.findall(r"`([^`]+)`", cell))


def test_the_sides_passes_and_confidences_of_a_match_are_those_of_the_code() -> None:
    rows = table_rows(section(MATCHES, "### What a row of a side is"))
    assert tuple(coded(row[0])[0] for row in rows if re.fullmatch("`[A-Z]+`", row[0])) == MATCHING_SIDES
    (confidence,) = (row[2] for row in table_rows(MATCHES) if row[0] == "`confidence`")
    assert set(coded(confidence)) & set(MATCHING_CONFIDENCES) == set(MATCHING_CONFIDENCES)
    passes = tuple(row[0].strip("`") for row in table_rows(section(MATCHES, "### Passes"))[2:8])
    assert (*passes, "ledger", "none") == MATCHING_PASSES


def test_references_and_passes_of_each_line_are_those_of_the_file() -> None:
    lines = read_rules(RULES).matching.lines
    said = table_rows(section(MATCHES, "### References"))[2:]
    assert [(row[0].strip("`"), coded(row[1]), coded(row[2])) for row in said] == [
        (line.line, line.nav, line.target) for line in lines
    ]
    for name, where in (row for row in table_rows(section(MATCHES, "### Passes"))[2:8]):
        through = tuple(line.line for line in lines if name.strip("`") in line.passes)
        assert through == (coded(where) or tuple(line.line for line in lines)), name


def test_expiry_runs_usage_words_and_figures_of_the_matching_are_those_of_the_file() -> None:
    matching = read_rules(RULES).matching
    assert [(row[0].strip("`"), row[1]) for row in table_rows(section(MATCHES, "### Expiry runs"))[2:]] == [
        (run.contains, run.voucher_type) for run in matching.expiry_runs
    ]
    for words in {words for line in matching.lines for words in line.usage}:
        assert f"`{words}`" in section(MATCHES, "### Passes")
    text = page("rules.md")
    assert f"more than {matching.shared_by_at_most} open rows of one side carry (`shared_by_at_most`)" in text
    assert f"at most {matching.days_apart} days (`days_apart`)" in text
    assert f"more than {matching.days_in_transit} days (`days_in_transit`)" in text


def _told(rule: CauseRule) -> str:
    """Give what a rule of causes asks for, as the page writes it."""
    parts = [", ".join(f"`{fact}`" for fact in rule.when)]
    parts += [f"not: {', '.join(f'`{fact}`' for fact in rule.unless)}"] if rule.unless else []
    parts += [f"only: {', '.join(f'`{line}`' for line in rule.lines)}"] if rule.lines else []
    return "; ".join(parts)


def test_causes_and_their_facts_are_those_of_the_file_and_of_the_rule() -> None:
    rows = table_rows(section(page("rules.md"), "### Causes"))
    facts_from = next(at for at, row in enumerate(rows) if row[0] == "fact")
    assert [(int(row[0]), row[1], row[2]) for row in rows[2:facts_from]] == [
        (rule.rank, rule.cause, _told(rule)) for rule in read_rules(RULES).matching.causes
    ]
    facts = [row[0].strip("`") for row in rows[facts_from + 2 :]]
    assert sorted(facts) == sorted(FACTS)
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
    said = [row[0] for row in table_rows(section(page("operations.md"), "## Troubleshooting"))[2:]]
    quoted = [message for cell in said for message in re.findall(r"`([^`]+)`", cell)]
    code = list(_messages_of_the_code())
    assert quoted
    for message in quoted:
        parts = [re.escape(part.strip(" .")) for part in message.split("…") if len(part.strip(" .")) > 1]
        assert any(re.search(".*".join(parts), text, re.DOTALL) for text in code), message
