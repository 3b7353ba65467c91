"""The files of the pack: the script that computes, the one that compares, the tables they read, and how to run them."""

from collections.abc import Collection, Mapping

import pyarrow as pa

from cpg1_assets.embedded import parquet, quoted
from cpg1_assets.evidence.sql_pack.comparison import COMPARE, FOUND, PERFORMED, comparison
from cpg1_assets.evidence.sql_pack.readme import README, readme
from cpg1_assets.evidence.sql_pack.tables import csv_text, select_from
from cpg1_assets.rules.checks import Check, checks
from cpg1_assets.rules.engine import AS_WRITTEN, Asked, Frame, as_frame, stage_made, typed
from cpg1_assets.rules.graph import Circumstances, derivations, word_names, words

FOLDER = "reperform"
"""Where the pack is in a sealed version. Its scripts are run in the folder of the version itself."""
REPERFORM = "reperform.sql"


def sql_pack(circumstances: Circumstances, sealed: Collection[str]) -> dict[str, str]:
    """Give the pack of a month, by name of file: what computes its derived frames and asks its checks again, as SQL.

    `sealed` names all frames that are sealed with the month. Rules and checks are asked for what they ask of the engine,
    with the tables that month and rule files give them. What they read of other frames is read from the sealed files,
    or is the frame just computed where a rule gives it. The same month, rule files and frames give the same text.

    Raises KeyError where a frame that is read is not sealed.
    """
    frames: dict[str, Frame] = {name: pa.table({}) for name in sealed}
    names = {id(frame): name for name, frame in frames.items()}
    looked = list(checks(circumstances.lines).values())
    performed = {name: made.asked(frames, circumstances) for name, made in derivations().items()}
    found = {check.question: _asked_by(check, frames, circumstances) for check in looked}
    asked = {
        **{f"{PERFORMED}.{quoted(name)}": each for name, each in performed.items()},
        **{f"{FOUND}.{quoted(name)}": each for name, each in found.items()},
    }
    shared = _shared(asked.values())
    steps = [_step(table, each, names, shared) for table, each in asked.items()]
    month = circumstances.month.key
    return {
        REPERFORM: "\n\n".join([_beginning(month), *steps]) + "\n",
        COMPARE: comparison(month, [each.result for each in performed.values()], looked),
        README: readme(month, sealed),
        **_tables(asked.values(), shared),
    }


def _asked_by(check: Check, frames: Mapping[str, Frame], circumstances: Circumstances) -> Asked:
    asked = check.asked(frames, circumstances)
    if asked.statement != check.sql:
        raise TypeError(f"{check.asset}.{check.name} asks something else than its SQL first.")
    return asked


def _shared(asked: Collection[Asked]) -> set[str]:
    """Name the tables that say the same to every statement that reads one of their name."""
    said: dict[str, list[pa.Table]] = {}
    for each in asked:
        for name, given in each.inputs.items():
            if given.columns is None:
                said.setdefault(name, []).append(given.frame)
    return {name for name, tables in said.items() if all(table.equals(tables[0]) for table in tables)}


def _path(asked: Asked, name: str, shared: Collection[str]) -> str:
    return f"tables/{name}.csv" if name in shared else f"tables/{asked.result.name}.{name}.csv"


def _tables(asked: Collection[Asked], shared: Collection[str]) -> dict[str, str]:
    texts: dict[str, str] = {}
    for each in asked:
        for name, given in each.inputs.items():
            if given.columns is not None:
                continue
            path, text = _path(each, name, shared), csv_text(given.frame)
            if texts.setdefault(path, text) != text:
                raise ValueError(f"Two tables of the pack would be {path}.")
    return texts


def _beginning(month: str) -> str:
    dropped = "\n".join(f"DROP MACRO IF EXISTS {name};" for name in word_names())
    return f"""\
-- C-PG-1, {month}: every derived frame computed again, in the order they need each other, and every check asked.
-- How it is run: {FOLDER}/{README}, in the folder of the sealed version.
-- Frames come to be in the schema {PERFORMED}; what checks find, in the schema {FOUND}. The views before a statement
-- are what it reads, each with the columns and types that the rule names. A frame that a rule gives is the one performed
-- here, never the sealed one.

DROP SCHEMA IF EXISTS {PERFORMED} CASCADE;
DROP SCHEMA IF EXISTS {FOUND} CASCADE;
CREATE SCHEMA {PERFORMED};
CREATE SCHEMA {FOUND};

-- Joins run as they are written, the larger side first, as they do in the control: another order gives the same rows later.
SET disabled_optimizers = '{AS_WRITTEN}';

-- The words the statements use.
{dropped}
{words()}"""


def _step(table: str, asked: Asked, names: Mapping[int, str], shared: Collection[str]) -> str:
    """Write one statement: what it reads as views, what it keeps on the way, the table it gives, and the tidying up."""
    views = []
    for name, given in asked.inputs.items():
        if given.columns is None:
            selected = select_from(f"{FOLDER}/{_path(asked, name, shared)}", given.frame.schema)
        else:
            selected = f"SELECT {typed(given.columns)} FROM {_source(names[id(given.frame)])}"
        views.append(f"CREATE TEMP VIEW {quoted(name)} AS {selected};")
    stages = [f"{stage_made(name, stage.strip())};" for name, stage in asked.stages.items()]
    made = f"CREATE TABLE {table} AS\n{as_frame(asked.statement.strip(), asked.result)};"
    dropped = [
        *(f"DROP TABLE temp.{quoted(name)};" for name in asked.stages),
        *(f"DROP VIEW temp.{quoted(name)};" for name in asked.inputs),
    ]
    return "\n\n".join([f"-- {asked.result.title}", "\n".join(views), *stages, made, "\n".join(dropped)])


def _source(frame: str) -> str:
    return f"{PERFORMED}.{quoted(frame)}" if frame in derivations() else parquet(f"data/{frame}.parquet")
