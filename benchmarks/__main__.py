"""Run all benchmarks, or those named: `python -m benchmarks [rules] [close] [baseline] [memory] [odbc] [books] [verify]`.

Every figure that needs a process of its own (times to compare, peak memory) is measured in one, so that
nothing measured before it shows.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks import measured

SMALL, LARGE = 500_000, 5_000_000
PAIRS = 5


def alone(task: str, *arguments: object) -> dict[str, float]:
    """Run a task of `measured` in a process of its own and give its figures."""
    command = [sys.executable, "-m", "benchmarks.measured", task, *map(str, arguments)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own module
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def rules(folder: Path) -> None:
    """Categorise and type 5 million voucher entries, Parquet to Parquet, against a plain copy of the same rows."""
    alone("make_entries", folder, LARGE)
    copies = [alone("copy_entries", folder) for _ in range(2)]
    ruled = [alone("categorise", folder) for _ in range(2)]
    copy, rule = min(c["seconds"] for c in copies), min(r["seconds"] for r in ruled)
    print(f"categorise and type {LARGE:,} entries: {rule:.1f} s; plain copy of the same rows: {copy:.1f} s")
    print(f"  ratio {rule / copy:.2f} (at most 4)")


def memory(folder: Path) -> None:
    """Peak memory of the heaviest steps at 500,000 and at 5 million rows of their input."""
    tasks = ("categorise", "write_sorted", "validate_and_pack")
    peaks: dict[str, list[float]] = {task: [] for task in tasks}
    for rows in (SMALL, LARGE):
        alone("make_entries", folder, rows)
        for task in tasks:
            peaks[task].append(alone(task, folder)["peak_mb"])
    for task, (small, large) in peaks.items():
        most = 1_500 if task == "categorise" else 100
        print(
            f"{task}: peak {small:.0f} MB at {SMALL:,} rows, {large:.0f} MB at {LARGE:,}: "
            f"grows by {large - small:.0f} MB (less than {most:,})"
        )


def odbc(folder: Path) -> None:
    """Take an extract over ODBC, against pandas.read_sql and to_parquet, from two servers.

    One only sends rows made ready beforehand, through Microsoft's driver, in columns of text that are short and
    in columns of any length; the other is a real PostgreSQL.
    """
    try:
        from benchmarks import servers  # noqa: PLC0415
    except ImportError as error:
        print(f"odbc: not measured ({error}). It needs unixODBC, odbc-postgresql and pip install '.[test]'.")
        return
    for title, server, least in (
        ("Microsoft's driver", servers.packed_rows, "at least 3"),
        ("Microsoft's driver, nvarchar(max)", servers.packed_rows_of_long_columns, "at least 3"),
        ("PostgreSQL", servers.postgresql, "for comparison: its driver is the slower part"),
    ):
        with server(SMALL) as given:
            small = alone("odbc_product", given, SMALL, folder)
        with server(LARGE) as given:
            by_hand, ours = (
                min((alone(task, given, LARGE, folder) for _ in range(2)), key=lambda taken: taken["seconds"])
                for task in ("odbc_pandas", "odbc_product")
            )
        print(
            f"{title}: {ours['rows']:,} rows over ODBC into sorted Parquet: {ours['seconds']:.1f} s, "
            f"peak {ours['peak_mb']:.0f} MB (at most 400); at {small['rows']:,} {small['peak_mb']:.0f} MB"
        )
        print(
            f"  pandas.read_sql and to_parquet: {by_hand['seconds']:.1f} s, peak {by_hand['peak_mb']:.0f} MB: "
            f"{by_hand['seconds'] / ours['seconds']:.1f} times its rows a second ({least})"
        )


def close(folder: Path) -> None:
    """Close a month of the default books in process; what of it is orchestration."""
    figures = alone("close", folder / "home", "2025-09")
    print(
        f"close 2025-09 of the default books: {figures['seconds']:.1f} s (at most 15), of which extracts, rules, "
        f"checks and evidence {figures['work']:.1f} s"
    )
    share = (figures["seconds"] - figures["work"]) / figures["assets"]
    print(f"  orchestration {share:.3f} s an asset, {figures['assets']:.0f} assets (at most 0.2)")


def baseline(folder: Path) -> None:
    """Close a month as a whole process, side by side with the build whose commit `BASELINE` names, in fresh homes."""
    commit = (Path(__file__).with_name("BASELINE")).read_text(encoding="ascii").strip()
    here, there = Path(__file__).parent.parent, folder / "baseline"
    added = ["git", "-C", str(here), "worktree", "add", "--quiet", "--detach", str(there), commit]
    if subprocess.run(added, check=False).returncode:  # noqa: S603 - our own repository
        print(
            f"baseline: not measured: the commit {commit[:7]} is not in this repository (a shallow clone?)."
        )
        return
    try:
        ratios: dict[str, list[float]] = {"wall": [], "cpu": []}
        for _ in range(PAIRS):
            before, now = (measured.close_in_a_process(tree, folder) for tree in (there, here))
            for name, found in ratios.items():
                found.append(now[name] / before[name])
            print(
                f"  {commit[:7]}: {before['wall']:.1f} s, CPU {before['cpu']:.1f} s; "
                f"now: {now['wall']:.1f} s, CPU {now['cpu']:.1f} s"
            )
        wall, cpu = (sorted(ratios[name])[PAIRS // 2] for name in ("wall", "cpu"))
        print(
            f"close 2025-09 of the default books against {commit[:7]}: median of the pairs' ratios: wall {wall:.2f}, "
            f"CPU {cpu:.2f} (at most 1.0)"
        )
    finally:
        removed = ["git", "-C", str(here), "worktree", "remove", "--force", str(there)]
        subprocess.run(removed, check=False)  # noqa: S603 - as above


def books(folder: Path) -> None:
    """Make the sample books: the default size, and ten times larger."""
    for factor in (1, 10):
        figures = alone("make_books", folder / f"books-{factor}", factor)
        print(f"sample books, factor {factor}: {figures['seconds']:.1f} s, peak {figures['peak_mb']:.0f} MB")


def verify(folder: Path) -> None:
    """Verify a sealed month against `sha256sum` of the same files."""
    figures = alone("verify", folder / "sealed")
    print(
        f"verify a sealed month of 360 MB: {figures['verify']:.2f} s; sha256sum: {figures['sha256sum']:.2f} s"
    )
    print(f"  {figures['sha256sum'] / figures['verify']:.2f} of its speed (at least 0.5)")


def main() -> None:
    """Run the benchmarks named on the command line, or all of them."""
    known = {
        "rules": rules,
        "close": close,
        "baseline": baseline,
        "memory": memory,
        "odbc": odbc,
        "books": books,
        "verify": verify,
    }
    named = sys.argv[1:] or list(known)
    unknown = [name for name in named if name not in known]
    if unknown:
        sys.exit(f"Unknown benchmark {', '.join(unknown)}: there are {', '.join(known)}.")
    print(f"cores: {measured.cores()}")
    for name in named:
        with tempfile.TemporaryDirectory(prefix="cpg1-bench-") as folder:
            known[name](Path(folder))


if __name__ == "__main__":
    main()
