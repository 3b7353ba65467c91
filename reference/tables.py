"""What each kind of table says, from what the product itself reads.

Meanings of source columns are the one thing that stands in a page only: they are kept when the table is made anew.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path

import click

from cpg1_assets.cli.commands import main
from cpg1_assets.deliverables.audit_data_standard import GL_DETAIL, TRIAL_BALANCE, StandardFile
from cpg1_assets.deployment import RuleBook, read_rules
from cpg1_assets.extracts.catalog import Extract, read_catalog
from cpg1_assets.frame import FrameSpec
from cpg1_assets.jdash.month import JDASH
from cpg1_assets.rules.bridges import BRIDGES
from cpg1_assets.rules.frames import (
    CONTROL_EFFECTIVENESS,
    DERIVED_FRAMES,
    MATCHING_PASSES,
    OPEN_ITEM_COMMENTS,
    OPEN_ITEMS_BEFORE,
)
from cpg1_assets.rules.graph import derivations
from cpg1_assets.rules.matching import CauseRule
from cpg1_assets.settings import Settings
from cpg1_assets.sources.schema import SOURCE_TABLES
from reference.blocks import Table

MISSING = "**say what it means**"
"""Stands where a page has yet to say what a new source column means; a test refuses it."""
_MINUS = "−"  # noqa: RUF001 - the sign people read
_SIGNS = {1: "+", -1: _MINUS, 0: "0"}
_ROWS = {
    "all": "",
    "redeemable": " of vouchers active, valid and non-marketing",
    "marketplace": " of marketplace items",
}


@cache
def catalog() -> dict[str, Extract]:
    """Give the extracts by name."""
    return dict(read_catalog())


@cache
def rules() -> RuleBook:
    """Give the package's own rule files."""
    return read_rules(Settings(home=Path()).rules_folder)


def frames() -> dict[str, FrameSpec]:
    """Give every frame that people read of, by name."""
    contracts = (extract.contract for extract in catalog().values())
    beside = (OPEN_ITEMS_BEFORE, OPEN_ITEM_COMMENTS, CONTROL_EFFECTIVENESS)
    return {f.name: f for f in (*contracts, JDASH, *DERIVED_FRAMES, *beside)}


def commands(group: click.Group = main, path: str = "cpg1") -> Iterator[tuple[str, click.Command]]:
    """Give every command with its whole name."""
    for name, command in group.commands.items():
        yield f"{path} {name}", command
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}")


def _columns(name: str, _now: str) -> Iterable[str]:
    """Columns of a frame, as its contract or its spec has them."""
    return _table(
        ("column", "type", "meaning"),
        ((_code(c.name), c.type, _text(c.description)) for c in frames()[name].columns),
    )


def _contract(name: str, _now: str) -> Iterable[str]:
    """Say what a contract promises besides columns, who uses the extract, and what its witnesses state."""
    contract = catalog()[name].contract
    rule = contract.date_rule
    allowed = [f"{_code(c.name)}: {_codes(c.allowed)}" for c in contract.columns if c.allowed]
    said = {
        "key": _codes(contract.key),
        "amounts": _codes(contract.amounts) or "none",
        "accounts it feeds": ", ".join(contract.feeds) or "none by itself",
        "used by": _codes(sorted(made for made, d in derivations().items() if name in d.inputs)) or "none",
        "date rule": "none: the query limits it" if rule is None else f"{_code(rule.column)} {_bound(rule)}",
        "never null": _codes(c.name for c in contract.columns if not c.nullable),
        "closed sets of values": "; ".join(allowed) or "none",
        "positive witness": _text(contract.witnesses.positive.statement),
        "negative witness": _text(contract.witnesses.negative.statement),
    }
    if contract.unambiguous is not None:
        said["unambiguous"] = _text(contract.unambiguous.statement)
    return _table(("", ""), said.items())


def _bound(rule: object) -> str:
    not_after, before = getattr(rule, "not_after", None), getattr(rule, "before", None)
    return f"not after `{not_after}`" if not_after else f"before `{before}`"


def _schema(name: str, now: str) -> Iterable[str]:
    """Columns and types of a source table from the schema of record; meanings as the page has them."""
    kept = {row[0].strip("`"): row[2] for row in _rows(now)}
    return _table(
        ("column", "type", "meaning"),
        ((_code(c), kind.sql_type, kept.get(c, MISSING)) for c, kind in SOURCE_TABLES[name].items()),
    )


def _lines(_name: str, _now: str) -> Iterable[str]:
    return _table(
        (
            "line",
            "actual: Σ `cr_04` balance at `cutoff_date` of",
            "target: Σ of",
            "sign of target",
            "bridges",
        ),
        (
            (
                _code(line.line),
                ", ".join(line.accounts),
                f"`{line.target.extract}` `{line.target.amount}`{_ROWS[line.target.rows]}",
                _SIGNS[line.sign],
                ", ".join(f"`{each.bridge}` ({_SIGNS[each.sign]})" for each in line.bridges),
            )
            for line in rules().lines.lines
        ),
    )


def _bridges(_name: str, _now: str) -> Iterable[str]:
    return _table(
        ("bridge", "sign", "amount", "item", "known limits"),
        (
            (
                _code(name),
                _SIGNS[b.sign],
                _code(b.row_amount) if b.sign else "",
                _codes(b.item),
                b.known_limits,
            )
            for name, b in BRIDGES.items()
        ),
    )


def _thresholds(_name: str, _now: str) -> Iterable[str]:
    return _table(
        ("country", "type", "USD", "scope"),
        (
            (
                r.country,
                r.type,
                f"{r.usd:,f}",
                ", ".join(filter(None, (r.account, r.category, r.voucher_type))),
            )
            for r in rules().thresholds.rules
        ),
    )


def _classification(_name: str, _now: str) -> Iterable[str]:
    return _table(
        ("key", "title", "fires on", "Dr", "Cr", "needs", "rank"),
        (
            (
                r.key,
                r.title,
                " and ".join(f"{_code(column)}: {', '.join(values)}" for column, values in r.when.items()),
                ", ".join(r.dr),
                ", ".join(r.cr),
                ", ".join(r.needs),
                str(r.rank),
            )
            for r in rules().classification.rules
        ),
    )


def _references(_name: str, _now: str) -> Iterable[str]:
    return _table(
        ("line", "NAV: the first that is not empty", "target"),
        ((_code(m.line), _codes(m.nav), _codes(m.target)) for m in rules().matching.lines),
    )


def _passes(_name: str, _now: str) -> Iterable[str]:
    """List the passes as the rule runs them, with the lines whose entry names them."""
    lines = rules().matching.lines
    through = {name: [m.line for m in lines if name in m.passes] for name in MATCHING_PASSES}
    return _table(
        ("pass", "lines"),
        ((_code(n), "every line" if len(t) == len(lines) else _codes(t)) for n, t in through.items() if t),
    )


def _expiry_runs(_name: str, _now: str) -> Iterable[str]:
    return _table(
        ("description contains", "voucher type"),
        ((_code(run.contains), run.voucher_type) for run in rules().matching.expiry_runs),
    )


def _causes(_name: str, _now: str) -> Iterable[str]:
    return _table(
        ("rank", "cause", "facts"), ((str(r.rank), r.cause, _asked(r)) for r in rules().matching.causes)
    )


def _asked(rule: CauseRule) -> str:
    """Give what a rule of causes asks for."""
    parts = [_codes(rule.when)]
    parts += [f"not: {_codes(rule.unless)}"] if rule.unless else []
    parts += [f"only: {_codes(rule.lines)}"] if rule.lines else []
    return "; ".join(parts)


def _options(name: str, _now: str) -> Iterable[str]:
    """Options of a command with the help that it prints."""
    command = dict(commands())[name]
    options = [option for option in command.params if isinstance(option, click.Option)]
    return _table(("option", "meaning"), ((_code(_written(o, command)), _helped(o)) for o in options))


def _written(option: click.Option, command: click.Command) -> str:
    name = ", ".join([*option.opts, *option.secondary_opts])
    if option.is_flag:
        return name
    value = option.make_metavar(click.Context(command)).strip("[]").replace("|", " or ")
    return f"{name} {value}"


def _helped(option: click.Option) -> str:
    said = (option.help or "").rstrip(".")
    if option.show_default and option.default is not None:
        said = f"{said}. Default: {option.default}"
    return _text(said)


def _standard(file: StandardFile) -> Table:
    return lambda _name, _now: _table(
        ("field", "what it holds"), ((_code(field.name), field.holds) for field in file.fields)
    )


TABLES: dict[str, Table] = {
    "columns": _columns,
    "contract": _contract,
    "schema": _schema,
    "lines": _lines,
    "bridges": _bridges,
    "thresholds": _thresholds,
    "classification": _classification,
    "references": _references,
    "passes": _passes,
    "expiry_runs": _expiry_runs,
    "causes": _causes,
    "options": _options,
    "gl_detail": _standard(GL_DETAIL),
    "trial_balance": _standard(TRIAL_BALANCE),
}


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield _row(header)
    yield _row(["---"] * len(header))
    yield from map(_row, rows)


def _row(cells: Sequence[str]) -> str:
    return "|" + "|".join(f" {cell} " if cell else " " for cell in cells) + "|"


def _rows(table: str) -> list[list[str]]:
    """Give the rows of a table as it stands, cell by cell, without its header."""
    lines = [line for line in table.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines][2:]


def _code(name: str) -> str:
    return f"`{name}`"


def _codes(names: Iterable[str]) -> str:
    return ", ".join(map(_code, names))


def _text(said: str) -> str:
    """Give a sentence of the code as Markdown: names with an underscore are code, a bar divides no cells."""
    return re.sub(r"(?<![\w`])(--)?[A-Za-z]+(?:_\w+)+", r"`\g<0>`", said.replace("|", r"\|"))
