"""What the pack says of itself: how it is run, and what of the month it does not compute."""

from collections.abc import Collection
from textwrap import fill

from cpg1_assets.evidence.sql_pack.comparison import COMPARE, FOUND, PERFORMED
from cpg1_assets.rules.frames import CHECK_RESULTS
from cpg1_assets.rules.graph import derivations

README = "README.txt"


def readme(month: str, sealed: Collection[str]) -> str:
    """Say how the pack is run, what it computes, and of all other `sealed` frames that it does not."""
    derived = derivations()
    others = sorted(set(sealed) - derived.keys() - {CHECK_RESULTS.name})
    return f"""\
C-PG-1, {month}: the control as plain SQL

With this folder the month is computed again without the software of the control: by the DuckDB command line alone, from
the sealed files beside it. DuckDB is one program: https://duckdb.org, or pip install duckdb-cli, or on Windows
winget install DuckDB.cli. It was tried with versions 1.4 to 2.0.

Run it in the folder of the sealed version, the one that holds data and reperform. The first argument is a database file
of your own, outside of the evidence; it is made, or what these scripts make in it is made anew. The lines are the same in
a shell of Linux or macOS and in PowerShell:

    duckdb "$HOME/{month}.duckdb" -f reperform/reperform.sql
    duckdb "$HOME/{month}.duckdb" -f reperform/{COMPARE}

The first computes and says nothing unless it fails. The second says of each frame "identical", or how many rows differ
(only_sealed: in the sealed file only; only_performed: computed now only; a row that is there twice counts twice), of each
check whether what was sealed agrees with what is found now, and then ends with an error unless all do. Each step that
fails ends its script with an exit status other than 0, and a frame that was not computed is not compared.
Afterwards, to look at a frame or at what a check finds:

    duckdb "$HOME/{month}.duckdb" -c "FROM {PERFORMED}.reconciliation"
    duckdb "$HOME/{month}.duckdb" -c "FROM {FOUND}.none_is_old"

That these are the files that were sealed is for the manifest to show: hash them first, as the page "For auditors" of
the documentation says.

What is here

    reperform.sql    the words all statements share, then each statement of the control as it was run, in order
    {COMPARE}      the comparison with the sealed frames and check results
    tables/*.csv     what the statements read besides frames: the month's dates, and lines, thresholds, classification
                     and matching as tables, out of rules/*.yaml. A text is in double quotes, a null is nothing at all,
                     a list is written ["one", "two"]. Types are in the script: each column is cast from text.

What is computed: {len(derived)} frames, each from sealed frames and from those before it

{_listed(derived)}

What is not computed here, and what can be checked of it instead

    {CHECK_RESULTS.name}: the figures beside each result are put together by the software. The statement of each
    check is run here, and what it finds is compared with whether the check was sealed as passed, failed or with nothing
    to test (lists of open items stop at 100). What was found of an extract when it was drawn needs the source: it is in
    the package of the extract, 06_validation_results.json, with the queries to ask again.

    The other sealed frames are what the control was given or what it left behind: no statement gives them. An extract is
    held against the source with its query and its control totals, queries/*.sql and *.yaml; what came from files (JDash,
    comments), against the files in its package; a frame that lists the files of a package (path, size, SHA-256), against
    that package; and all of them, byte for byte, against the manifest.

{_listed(others)}
"""


def _listed(names: Collection[str]) -> str:
    return fill(", ".join(names), width=118, initial_indent="    ", subsequent_indent="    ")
