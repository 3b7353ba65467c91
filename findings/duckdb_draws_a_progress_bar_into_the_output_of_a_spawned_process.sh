#!/usr/bin/env bash
# duckdb 2.0.1: in a process that multiprocessing spawned, the engine takes itself for a prompt, and draws its progress
# bar into the standard output of whoever started it.
#
# In an ordinary process `enable_progress_bar` is false unless somebody sets it. In a spawned worker the same call says
# true, and a statement of more than two seconds then writes the bar to standard output, also where that is a pipe: a
# program that answers with JSON gives an answer that is none. The option is refused in `connect(config=...)`; it has to
# be SET on each connection.
#
# Run: bash findings/duckdb_draws_a_progress_bar_into_the_output_of_a_spawned_process.sh   (Python 3.11+, package index)
# Output seen:
#   duckdb 2.0.1
#   ordinary process: enable_progress_bar = False
#   spawned process:  enable_progress_bar = True
#   connect(config={'enable_progress_bar': False}) is refused
# Exit status: 0 while that is so, 1 once it has changed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check 'duckdb==2.0.1'
cat > "$work/probe.py" <<'PY'
import multiprocessing
import sys

import duckdb


def told() -> bool:
    return duckdb.connect().execute("SELECT current_setting('enable_progress_bar')").fetchall()[0][0]


if __name__ == "__main__":
    print("duckdb", duckdb.__version__)
    ordinary = told()
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        spawned = pool.apply(told)
    print("ordinary process: enable_progress_bar =", ordinary)
    print("spawned process:  enable_progress_bar =", spawned)
    try:
        duckdb.connect(config={"enable_progress_bar": False})
        refused = False
    except duckdb.Error:
        refused = True
    print("connect(config={'enable_progress_bar': False}) is", "refused" if refused else "taken")
    sys.exit((ordinary, spawned, refused) != (False, True, True))
PY
"$work/venv/bin/python" "$work/probe.py" < /dev/null
