"""Chance, in whole numbers only.

Every draw is made from the raw 64-bit stream of PCG64 with integer arithmetic, so the same seed gives the
same books on every machine and with every version of numpy. No other module makes random numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cpg1_assets.sample_books.months import DAY, ENDS, SECOND, Flags, Ints

if TYPE_CHECKING:
    from collections.abc import Sequence

_TICKS = np.array([0, 3_000, 7_000], dtype=np.int64)
"""The thousandths SQL Server's datetime can keep."""

_PER_MILLE = 1000
_SNAP_DAYS = 3


class Draws:
    """A stream of chance, independent for each path of whole numbers below the seed."""

    def __init__(self, seed: int, *path: int) -> None:
        """Open the stream of `seed` at `path`."""
        self._bits = np.random.PCG64(np.random.SeedSequence([seed, *path]))

    def below(self, count: int, limit: int) -> Ints:
        """Draw `count` whole numbers from 0 up to, not including, `limit` (at most 2**31)."""
        raw = self._bits.random_raw(count).astype(np.uint64) >> np.uint64(32)
        return ((raw * np.uint64(limit)) >> np.uint64(32)).astype(np.int64)

    def between(self, count: int, low: int, high: int) -> Ints:
        """Draw `count` whole numbers from `low` to `high`, both included."""
        return low + self.below(count, high - low + 1)

    def one(self, low: int, high: int) -> int:
        """Draw a single whole number from `low` to `high`, both included."""
        return int(self.between(1, low, high)[0])

    def chance(self, count: int, per_mille: int) -> Flags:
        """Flip `count` coins that show true `per_mille` times in a thousand."""
        return self.below(count, _PER_MILLE) < per_mille

    def pick(self, count: int, weights: Sequence[int]) -> Ints:
        """Draw `count` positions in `weights`, each as often as its weight says."""
        edges = np.cumsum(np.asarray(weights, dtype=np.int64))
        return np.searchsorted(edges, self.below(count, int(edges[-1])), side="right").astype(np.int64)

    def delay(self, count: int, low: int, high: int) -> Ints:
        """Draw delays between two lengths of time, in whole seconds (so the thousandths stay as they are)."""
        return self.between(count, low // SECOND, high // SECOND) * SECOND

    def moments(self, count: int, first: int, end: int) -> Ints:
        """Draw moments from `first` (a midnight) up to `end`, with thousandths that SQL Server keeps."""
        days = self.below(count, (end - first) // DAY)
        seconds = self.below(count, DAY // SECOND)
        hundredths = self.below(count, 100) * 10_000
        return first + days * DAY + seconds * SECOND + hundredths + _TICKS[self.below(count, len(_TICKS))]

    def snapped(self, moments: Ints, per_mille: int = 180) -> Ints:
        """Move some of the moments in the last days of a month to the very edge of it.

        Half of them become 23:59:59.997 of the last day, half 00:00:00.000 of the next month. Moments only
        move forward, so what had to come before still does.
        """
        count = len(moments)
        month = np.minimum(np.searchsorted(ENDS, moments, side="right"), len(ENDS) - 1)
        edge = ENDS[month]
        near = (edge > moments) & (edge - moments < _SNAP_DAYS * DAY)
        chosen = self.chance(count, per_mille) & near
        before = self.chance(count, 500)
        target = np.where(before, np.maximum(edge - 3_000, moments), edge)
        return np.where(chosen, target, moments)
