"""What a benchmark holds its stopwatch to is there: a name that moved would stop it, or leave work uncounted."""

from benchmarks.measured import stopwatch
from cpg1_assets.graph import derived


def test_the_stopwatch_of_a_close_finds_everything_it_counts() -> None:
    before = dict(vars(derived))
    with stopwatch() as work:
        assert vars(derived)["reconciliation_rule"] is not before["reconciliation_rule"]
        assert work() == 0
    assert vars(derived) == before
