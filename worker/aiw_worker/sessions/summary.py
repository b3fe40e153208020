"""What many records come to: counts, detections by class, and latencies. The same live and at recovery."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

from aiw_worker.sessions.records import STAGES, Record

# A frame's time in the worker: from its last byte to its result.
_SUM = "worker"
_DIGITS = 3


class Latencies:
    """Microseconds with three significant digits, so that a session of any length takes little memory."""

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()
        self._sum = 0
        self._max = 0

    def add(self, us: int) -> None:
        """Counts one."""
        self._counts[round(us, -max(0, len(str(us)) - _DIGITS))] += 1
        self._sum += us
        self._max = max(self._max, us)

    def summary(self) -> dict[str, float]:
        """Milliseconds; a percentile is the least value that so many lie at or below (nearest rank)."""
        count = sum(self._counts.values())
        if count == 0:
            return {"count": 0}
        found: dict[str, float] = {"count": count, "mean": round(self._sum / count) / 1000}
        ordered = sorted(self._counts.items())
        for percent in (50, 90, 95, 99):
            found[f"p{percent}"] = self._at(ordered, math.ceil(count * percent / 100)) / 1000
        return {**found, "max": self._max / 1000}

    @staticmethod
    def _at(ordered: list[tuple[int, int]], rank: int) -> int:
        for value, count in ordered:
            rank -= count
            if rank <= 0:
                return value
        return ordered[-1][0]


class Summary:
    """Adds up the records of one session."""

    def __init__(self) -> None:
        self._results = 0
        self._errors = 0
        self._classes: Counter[str] = Counter()
        # The one used last comes last.
        self._models: dict[str, None] = {}
        self._latencies = {stage: Latencies() for stage in (_SUM, *STAGES)}

    def add(self, record: Record) -> None:
        """Adds one.

        Raises:
            KeyError, TypeError, ValueError: it is none; nothing was added.
        """
        model = str(record["model_id"])
        if "error" in record:
            self._errors += 1
        else:
            stages = {stage: round(float(record["latency_ms"][stage]) * 1000) for stage in STAGES}
            names = [str(found["class"]) for found in record["detections"]]
            self._results += 1
            self._classes.update(names)
            for stage, us in stages.items():
                self._latencies[stage].add(us)
            self._latencies[_SUM].add(sum(stages.values()))
        self.uses(model)

    def uses(self, model_id: str) -> None:
        """From now on it is this model."""
        self._models.pop(model_id, None)
        self._models[model_id] = None

    def values(self) -> dict[str, Any]:
        """For session.json."""
        return {
            "model_ids": list(self._models),
            "frames": {"results": self._results, "errors": self._errors},
            "detections": {
                "total": sum(self._classes.values()),
                "by_class": dict(sorted(self._classes.items())),
            },
            "latency_ms": {name: found.summary() for name, found in self._latencies.items()},
        }
