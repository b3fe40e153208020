"""So many lines in so long: what comes in floods must not fill the log."""

from __future__ import annotations


class Ration:
    """Lets the first of each period through, and counts the others. No clock in here."""

    def __init__(self, lines: int, period_s: float) -> None:
        self._lines = lines
        self._period_s = period_s
        self._began: float | None = None
        self._used = 0
        self._left_out = 0

    def take(self, now: float) -> int | None:
        """How many lines were left out before this one; None where this one is to be left out.

        Args:
            now: seconds of one monotonic clock.
        """
        if self._began is None or now - self._began >= self._period_s:
            self._began = now
            self._used = 0
        if self._used >= self._lines:
            self._left_out += 1
            return None
        self._used += 1
        left_out, self._left_out = self._left_out, 0
        return left_out
