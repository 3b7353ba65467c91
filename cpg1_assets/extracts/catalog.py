"""The catalog of extracts: reads the queries folder, and refuses what breaks the rules before anything runs.

An extract is two files of one name, the query `.sql` and the contract `.yaml`; adding one needs no Python.
What a statement may say is in `query_rules`, what a contract may say in `contract`.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import yaml

from cpg1_assets import loaded
from cpg1_assets.errors import FileFormatError
from cpg1_assets.extracts.contract import MUST_BE_THERE, Contract, Witnesses
from cpg1_assets.extracts.query_rules import Violation, violations
from cpg1_assets.kept import kept
from cpg1_assets.yaml_file import parse_yaml

QUERIES_FOLDER = Path(__file__).with_name("queries")


@dataclass(frozen=True)
class Extract:
    """One extract: its contract, and query and contract as they stood in their files when they were read."""

    contract: Contract
    sql: str
    contract_text: str
    sql_path: Path
    contract_path: Path


def read_catalog(folder: Path = QUERIES_FOLDER) -> dict[str, Extract]:
    """Read every extract in `folder`, by name, in the order of names.

    Raises FileFormatError naming each file and line that breaks a rule, and what to do about it.
    """
    names = {kind: {path.stem for path in folder.glob(f"*.{kind}")} for kind in ("sql", "yaml")}
    unpaired = [
        f"{folder / name}.{present}, line 1: there is no {name}.{absent} beside it; an extract is both files."
        for present, absent in (("sql", "yaml"), ("yaml", "sql"))
        for name in sorted(names[present] - names[absent])
    ]
    if unpaired:
        raise FileFormatError("\n".join(unpaired))
    if not names["sql"]:
        raise FileFormatError(f"{folder}: there are no extracts in this folder.")
    return {
        name: _read_extract(folder / f"{name}.sql", folder / f"{name}.yaml") for name in sorted(names["sql"])
    }


def companies_in_scope_sql() -> str:
    """Give the query for the companies in scope; it names no parameter and gives `id_company`."""
    return loaded.text("extracts/companies_in_scope.sql")


def _read_extract(sql_path: Path, contract_path: Path) -> Extract:
    return _checked(sql_path, contract_path, _text(sql_path), _text(contract_path))


@lru_cache(maxsize=64)
def _checked(sql_path: Path, contract_path: Path, sql: str, contract_text: str) -> Extract:
    """Read an extract's two texts; the same texts are judged once."""
    contract = parse_yaml(contract_text, Contract, name=str(contract_path))

    def judged() -> str:
        lines = _lines_of_scalars(contract_text)
        found = list(_own_violations(contract, contract_path, lines))
        for path, offset, text, judge, amounts in _statements(contract, sql, sql_path, contract_path, lines):
            broken = violations(text, columns=judge, amounts=amounts, is_kept=path == sql_path)
            found += [_sentence(path, offset, violation) for violation in broken]
        return "\n".join(found)

    ours = contract_path.parent == QUERIES_FOLDER
    broken = kept(judged, "judged", sql_path.stem, sql, contract_text) if ours else judged()
    if broken:
        raise FileFormatError(broken)
    return Extract(
        contract=contract,
        sql=sql,
        contract_text=contract_text,
        sql_path=sql_path,
        contract_path=contract_path,
    )


def _own_violations(contract: Contract, path: Path, lines: dict[str, int]) -> Iterator[str]:
    if contract.name != path.stem:
        line = lines.get("name", 0) + 1
        yield f"{path}, line {line}: the name is {contract.name}, the file's is {path.stem}."
    if contract.columns[0].name != "id_company" or contract.columns[0].nullable:
        line = lines.get("columns", 0) + 1
        yield f"{path}, line {line}: the first column must be id_company, not nullable."


_Statement = tuple[Path, int, str, Callable[[Sequence[str]], str | None], Sequence[str]]


def _statements(
    contract: Contract, sql: str, sql_path: Path, contract_path: Path, lines: dict[str, int]
) -> Iterator[_Statement]:
    """Give each statement of an extract: where it stands, its text, and what its columns must be."""
    amounts = [column.name for column in contract.columns if column.type in ("amount", "rate")]
    all_columns = [column.name for column in contract.columns]

    def inside(key: str, text: str, judge: Callable[[Sequence[str]], str | None]) -> _Statement:
        return contract_path, lines.get(key, 0), text, judge, amounts

    yield sql_path, 0, sql, _exactly(contract.query_columns), amounts
    yield inside("control_totals", contract.control_totals, _exactly(contract.total_columns))
    yield inside(
        "witnesses.sql", contract.witnesses.sql, _witnessing(contract.witnesses, all_columns, contract.key)
    )
    if contract.unambiguous is not None:
        yield inside("unambiguous.sql", contract.unambiguous.sql, _named_by_company)


def _exactly(expected: Sequence[str]) -> Callable[[Sequence[str]], str | None]:
    def judge(columns: Sequence[str]) -> str | None:
        if list(columns) == list(expected):
            return None
        for position, name in enumerate(expected):
            given = columns[position] if position < len(columns) else "nothing"
            if given != name:
                return f"column {position + 1} must be {name}, it is {given or 'without a name'}: alias it so"
        first_more = columns[len(expected)]
        return f"there are {len(columns)} columns, the contract has {len(expected)}: remove {first_more}"

    return judge


def _witnessing(
    witnesses: Witnesses, allowed: Sequence[str], key: Sequence[str]
) -> Callable[[Sequence[str]], str | None]:
    positive, negative = witnesses.positive.columns, witnesses.negative.columns

    def judge(columns: Sequence[str]) -> str | None:
        *given, last = columns
        if last != MUST_BE_THERE:
            return f"the last column of the witnesses must be {MUST_BE_THERE} (1 or 0), it is {last or 'without a name'}"
        slips = (
            *(
                f"the witnesses give {name or 'a column without a name'}; they may give: {', '.join(allowed)}"
                for name in given
                if name not in allowed
            ),
            *(
                f"a witness compares by {name}, which the query does not give"
                for name in (*positive, *negative)
                if name not in given
            ),
            *(
                f"no witness compares by {name}: leave it out"
                for name in given
                if name not in (*positive, *negative)
            ),
            *(
                f"the negative witness compares by {name}; it may by the key: {', '.join(key)}"
                for name in negative
                if name not in key
            ),
        )
        if not slips and not set(positive) & set(key):
            return f"the positive witness must compare by part of the key: {', '.join(key)}"
        return next(iter(slips), None)

    return judge


def _named_by_company(columns: Sequence[str]) -> str | None:
    if columns[0] != "id_company":
        return f"the first column must be id_company, it is {columns[0] or 'without a name'}: alias it so"
    if "" in columns:
        return f"column {columns.index('') + 1} has no name: alias it, so that a person knows what it is"
    if len(set(columns)) < len(columns):
        return "two columns have one name: alias one of them"
    return None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FileFormatError(f"{path}: cannot be read ({error}).") from error


def _lines_of_scalars(text: str) -> dict[str, int]:
    """Give, by dotted path, how many lines of the file stand before the first line of each value."""
    lines: dict[str, int] = {}

    def walk(node: yaml.Node | None, path: str) -> None:
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                walk(value, f"{path}.{key.value}" if path else str(key.value))
        if isinstance(node, yaml.Node) and path:
            # The text of a block starts on the line after its | or >.
            is_block = isinstance(node, yaml.ScalarNode) and node.style in ("|", ">")
            lines[path] = node.start_mark.line + is_block

    walk(yaml.compose(text, Loader=yaml.SafeLoader), "")
    return lines


def _sentence(path: Path, offset: int, violation: Violation) -> str:
    line, what = violation
    return f"{path}, line {offset + line}: {what.rstrip('.')}."
