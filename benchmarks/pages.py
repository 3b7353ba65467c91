"""Making the report of a closed month: the tasks of `python -m benchmarks report`, each in a process of its own.

What it is held against is what a person would write in an afternoon: the same rows as tables by pandas, and a picture of
bars for each of the report's own, by the same library as it comes. Both begin with what they import.
"""

import io
import time
from pathlib import Path

from benchmarks.measured import run_task
from cpg1_assets.month import CutoffMonth

_SHOWN = ("reconciliation", "open_items", "check_results")


def make_report(evidence: str, month: str) -> dict[str, float]:
    """Make the report of a sealed month."""
    started = time.perf_counter()
    from cpg1_assets.deliverables.closed_month import closed_month  # noqa: PLC0415 - its import is measured
    from cpg1_assets.deliverables.report import report_html  # noqa: PLC0415

    page = report_html(closed_month(Path(evidence), CutoffMonth.parse(month)))
    return {
        "seconds": time.perf_counter() - started,
        "bytes": len(page.encode()),
        "pictures": page.count("<svg "),
    }


def make_plainly(evidence: str, month: str, pictures: str) -> dict[str, float]:
    """Write the sealed rows as tables by pandas, and so many pictures of bars by pyplot."""
    started = time.perf_counter()
    import matplotlib as mpl  # noqa: PLC0415 - its import is measured

    mpl.use("svg")
    import pandas as pd  # noqa: PLC0415
    from matplotlib import pyplot as plt  # noqa: PLC0415

    data = max((Path(evidence) / month / "seals").iterdir()) / "data"
    page = [pd.read_parquet(data / f"{name}.parquet").to_html() for name in _SHOWN]
    for _ in range(int(pictures)):
        figure, axes = plt.subplots()
        axes.barh([f"step {number}" for number in range(8)], range(8))
        drawn = io.StringIO()
        figure.savefig(drawn, format="svg")
        plt.close(figure)
        page.append(drawn.getvalue())
    return {"seconds": time.perf_counter() - started, "bytes": len("".join(page).encode())}


if __name__ == "__main__":
    run_task(globals())
