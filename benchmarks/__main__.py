"""Run all benchmarks, or those named: `python -m benchmarks [rules] [close] [baseline] [inbox] [items] [memory] [odbc] …`.

Every figure that needs a process of its own (times to compare, peak memory) is measured in one, so that
nothing measured before it shows.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from benchmarks import measured
from benchmarks.inbox import IDS, make_workbook, read_in_a_process

SMALL, LARGE = 500_000, 5_000_000
VOUCHERS = 1_000_000
ITEMS = 200_000
PAIRS, PAIRS_OF_READS = 5, 3
MONTH = "2025-09"
HERE = Path(__file__).parent.parent


def alone(task: str, *arguments: object, module: str = "measured") -> dict[str, float]:
    """Run a task of `measured`, or of another module here, in a process of its own and give its figures."""
    command = [sys.executable, "-m", f"benchmarks.{module}", task, *map(str, arguments)]
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
        from cpg1_assets_tests import required  # noqa: PLC0415
    except ImportError as error:
        print(f"odbc: not measured ({error}). Install the tests' packages: pip install '.[test]'")
        return
    slower = "for comparison: its driver is the slower part"
    for title, server, parts, least in (
        ("Microsoft's driver", servers.packed_rows, required.TDS_OVER_ODBC, "at least 3"),
        (
            "Microsoft's driver, nvarchar(max)",
            servers.packed_rows_of_long_columns,
            required.TDS_OVER_ODBC,
            "at least 3",
        ),
        ("PostgreSQL", servers.postgresql, required.POSTGRESQL_OVER_ODBC, slower),
    ):
        lacking = next((part for part in parts if not part.is_there()), None)
        if lacking is not None:
            print(f"{title}: not measured: {lacking.missing}")
            continue
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
    left = alone("resume", folder / "failed")
    print(
        f"  going on where a close failed in its last step: {left['kept']:.0f} assets kept, {left['resumed']:.1f} s, "
        f"{left['resumed'] / left['whole']:.2f} of a whole close (at most 0.3)"
    )
    planted = alone("plant")
    print(
        f"  {planted['rows']:.0f} faults and sound companies planted and looked for: {planted['seconds']:.2f} s (below 1)"
    )


@contextmanager
def older_build(named: str, folder: Path) -> Iterator[tuple[str, Path] | None]:
    """Check out the build whose commit the file `named` beside this one names; None where the repository lacks it."""
    if shutil.which("git") is None:
        print("not measured: git on PATH is missing: apt-get install git")
        yield None
        return
    commit = (Path(__file__).with_name(named)).read_text(encoding="ascii").strip()
    there = folder / "older"
    added = ["git", "-C", str(HERE), "worktree", "add", "--quiet", "--detach", str(there), commit]
    if subprocess.run(added, check=False).returncode:  # noqa: S603 - our own repository
        print(f"not measured: the commit {commit[:7]} is not in this repository (a shallow clone?).")
        yield None
        return
    try:
        yield commit[:7], there
    finally:
        removed = ["git", "-C", str(HERE), "worktree", "remove", "--force", str(there)]
        subprocess.run(removed, check=False)  # noqa: S603 - as above


def side_by_side(
    folder: Path,
    named: str,
    pairs: int,
    measure: Callable[[Path], dict[str, float]],
    units: Mapping[str, str],
) -> tuple[str, dict[str, float]] | None:
    """Measure the older build and this one in turns. Give its commit and the median ratio of each figure."""
    with older_build(named, folder) as older:
        if older is None:
            return None
        commit, there = older
        ratios: dict[str, list[float]] = {name: [] for name in units}
        for _ in range(pairs):
            before, now = measure(there), measure(HERE)
            for name, found in ratios.items():
                found.append(now[name] / before[name])
            print(f"  {commit}: {_said(before, units)}; now: {_said(now, units)}")
        return commit, {name: sorted(found)[pairs // 2] for name, found in ratios.items()}


def _said(figures: Mapping[str, float], units: Mapping[str, str]) -> str:
    return ", ".join(unit.format(figures[name]) for name, unit in units.items())


def baseline(folder: Path) -> None:
    """Close a month as a whole process, side by side with the build whose commit `BASELINE` names, in fresh homes."""
    units = {"wall": "{:.1f} s", "cpu": "CPU {:.1f} s"}
    found = side_by_side(
        folder, "BASELINE", PAIRS, lambda tree: measured.close_in_a_process(tree, folder), units
    )
    if found is not None:
        commit, ratios = found
        print(
            f"close 2025-09 of the default books against {commit}: median of the pairs' ratios: "
            f"wall {ratios['wall']:.2f}, CPU {ratios['cpu']:.2f} (at most 1.0)"
        )


def inbox(folder: Path) -> None:
    """Read JDash workbooks of a million vouchers, side by side with the build that `BASELINE_INBOX` names."""
    units = {"seconds": "{:.1f} s", "peak_mb": "peak {:.0f} MB"}
    for ids in IDS:
        path = folder / "EC_NG.xlsx"
        make_workbook(path, VOUCHERS, ids)
        found = side_by_side(
            folder, "BASELINE_INBOX", PAIRS_OF_READS, partial(read_in_a_process, path=path), units
        )
        if found is None:
            return
        commit, ratios = found
        print(
            f"read an .xlsx of {VOUCHERS:,} vouchers, ids as {ids}, against {commit}: median of the pairs' ratios: "
            f"time {ratios['seconds']:.2f} (at most 0.25), peak memory {ratios['peak_mb']:.2f} (at most 0.5)"
        )


def items(folder: Path) -> None:
    """Match open items, 5 million a side, against a sorted copy of both and datacompy; memory up to 20 million."""

    def measure(task: str) -> dict[str, float]:
        return alone(task, folder, module="items")

    alone("make_items", folder, LARGE, module="items")
    copied, matched = measure("copy_both"), measure("match")
    print(
        f"match {LARGE:,} entries with {LARGE:,} rows of the target: {matched['seconds']:.1f} s, peak "
        f"{matched['peak_mb']:.0f} MB; sorted copy of both {copied['seconds']:.1f} s"
    )
    print(f"  ratio {matched['seconds'] / copied['seconds']:.2f} (at most 2.5)")
    compared = measure("compare")
    print(f"datacompy on Polars: {compared['seconds']:.1f} s, peak {compared['peak_mb']:.0f} MB")
    print(
        f"  rows a second {compared['seconds'] / matched['seconds']:.2f} times datacompy's (at least 5), "
        f"peak memory {matched['peak_mb'] / compared['peak_mb']:.2f} of its (at most 0.5)"
    )
    floor = measure("join_and_write")
    print(
        f"  DuckDB alone, that only reads, joins and writes: {floor['seconds']:.1f} s, "
        f"{compared['seconds'] / floor['seconds']:.2f} times datacompy's rows a second"
    )
    alone("make_items", folder, 4 * LARGE, module="items")
    most = measure("match")
    print(
        f"match {4 * LARGE:,} a side: {most['seconds']:.1f} s, peak {most['peak_mb']:.0f} MB: grows by "
        f"{most['peak_mb'] - matched['peak_mb']:.0f} MB over {LARGE:,} (less than 500)"
    )


def workbook(folder: Path) -> None:
    """Write open items into a workbook, against `pandas.DataFrame.to_excel` with openpyxl on the same rows."""
    alone("make_rows", folder, ITEMS, module="workbook")
    by_hand, ours = (alone(task, folder, module="workbook") for task in ("with_pandas", "product"))
    print(
        f"write {ITEMS:,} open items of 12 columns: {ours['seconds']:.1f} s (CPU {ours['cpu']:.1f} s), peak "
        f"{ours['peak_mb']:.0f} MB; pandas and openpyxl {by_hand['seconds']:.1f} s (CPU {by_hand['cpu']:.1f} s), "
        f"{by_hand['peak_mb']:.0f} MB"
    )
    time, cpu, peak = (ours[name] / by_hand[name] for name in ("seconds", "cpu", "peak_mb"))
    print(f"  time {time:.2f} of theirs, CPU {cpu:.2f} (at most 0.5); peak memory {peak:.2f} (at most 0.3)")


def report(folder: Path) -> None:
    """Make the report of a month of the default books, against plain tables and pictures of the same rows."""
    alone("close", folder / "home", MONTH)
    evidence = folder / "home" / "evidence"
    ours = min(
        (alone("make_report", evidence, MONTH, module="pages") for _ in range(2)), key=lambda t: t["seconds"]
    )
    plain = min(
        (alone("make_plainly", evidence, MONTH, int(ours["pictures"]), module="pages") for _ in range(2)),
        key=lambda t: t["seconds"],
    )
    print(
        f"report of {MONTH} of the default books: {ours['seconds']:.1f} s (at most 2), {ours['bytes'] / 1e6:.2f} MB "
        f"(less than 1), {ours['pictures']:.0f} pictures; plain tables and pictures of the same rows: "
        f"{plain['seconds']:.1f} s, {plain['bytes'] / 1e6:.2f} MB"
    )
    print(f"  ratio {ours['seconds'] / plain['seconds']:.2f} (at most 1)")


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
    print(f"  {figures['sha256sum'] / figures['verify']:.2f} of its speed (at least 3)")


def calendar(folder: Path) -> None:
    """Count how many due dates of the group in two years are not what counting Monday to Friday gives."""
    from cpg1_assets.close_calendar.calendar_file import read_calendar_file  # noqa: PLC0415
    from cpg1_assets.close_calendar.due_dates import CloseCalendar  # noqa: PLC0415
    from cpg1_assets.close_calendar.public_holidays import package_version  # noqa: PLC0415
    from cpg1_assets.month import CutoffMonth, month_range  # noqa: PLC0415
    from cpg1_assets.settings import Settings  # noqa: PLC0415

    file = read_calendar_file(Settings(home=folder).calendar_file, None)
    months = month_range(CutoffMonth(2024, 12), CutoffMonth(2026, 11))
    countries = {code: code for code in ("NG", "GH", "CI", "SN", "MA", "KE", "UG", "DZ", "EG")}
    due = [each for month in months for each in CloseCalendar(file).due_dates(month, countries)]
    other = [each for each in due if each.due != each.counted]
    print(
        f"due dates in 2025 and 2026, holidays {package_version()}: {len(other)} of {len(due)} are not what Monday to "
        f"Friday gives, the latest on day {max(each.due.day for each in due)} of its month; "
        f"{sum(not each.is_certain for each in due)} not certain"
    )


def main() -> None:
    """Run the benchmarks named on the command line, or all of them."""
    known = {
        "rules": rules,
        "close": close,
        "baseline": baseline,
        "inbox": inbox,
        "items": items,
        "memory": memory,
        "odbc": odbc,
        "report": report,
        "books": books,
        "verify": verify,
        "workbook": workbook,
        "calendar": calendar,
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
