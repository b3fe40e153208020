"""How often values lay within which bounds: a few additions for each, read by whoever wants to know."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence


class Histogram:
    """Whole numbers by upper bounds, which count as within.

    One thread at a time may add; any may read. No lock: a reader may miss what is being added.
    """

    __slots__ = ("_counts", "_sum", "bounds")

    def __init__(self, bounds: Sequence[int]) -> None:
        self.bounds = tuple(bounds)
        # One more for what is over all of them.
        self._counts = [0] * (len(self.bounds) + 1)
        self._sum = 0

    def add(self, value: int) -> None:
        """Counts a value."""
        self._counts[bisect_left(self.bounds, value)] += 1
        self._sum += value

    @property
    def count(self) -> int:
        """How many values there were."""
        return sum(self._counts)

    def read(self) -> tuple[list[int], int]:
        """How many values each bound holds that the one before does not, those over all last; the sum."""
        return list(self._counts), self._sum
