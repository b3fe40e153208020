"""What became of frames: how long their stages took, and since when none went well. All on the event loop."""

from __future__ import annotations

import time
from itertools import chain

from aiw_worker.datatypes import Frame, Outcome
from aiw_worker.errors import WorkerError
from aiw_worker.histogram import Histogram

# Microseconds. 150 ms is what a frame of a live camera may take in all.
_INFERENCE_US = tuple(
    1000 * ms
    for ms in (1, 2, 3, 5, 7, 10, 15, 20, 30, 40, 50, 75, 100, 125, 150, 200, 300, 500, 750, 1000, 2000, 5000)
)
_SHORT_US = tuple(chain.from_iterable((10**n, 25 * 10 ** (n - 1), 5 * 10**n) for n in range(2, 6)))
_QUEUE_US = (*_SHORT_US, 1_000_000, 2_500_000, 5_000_000, 10_000_000)
# Errors from here on are the worker's own doing; those before are what a client sent.
_OURS = 500


class Progress:
    """Counts frames in four histograms, microseconds, and knows when the last one was answered.

    Attributes:
        answered_ns: when a frame was last answered as it should be, time.perf_counter_ns(); 0 = never. One
            that was refused for what it is counts: the worker did its part.
        failing_ns: for how long no frame got a result because of the worker's own errors, as of the last of
            those; nanoseconds, 0 = there were none, or only one, since the last result.
        failure: name of the last such error.
    """

    __slots__ = (
        "_failing_since_ns",
        "answered_ns",
        "failing_ns",
        "failure",
        "inference",
        "postprocess",
        "preprocess",
        "queue",
    )

    def __init__(self) -> None:
        self.queue = Histogram(_QUEUE_US)
        self.preprocess = Histogram(_SHORT_US)
        self.inference = Histogram(_INFERENCE_US)
        self.postprocess = Histogram(_SHORT_US)
        self.answered_ns = 0
        self.failing_ns = 0
        self.failure = ""
        self._failing_since_ns = 0

    def processed(self, frame: Frame, outcome: Outcome) -> None:
        """A frame has its result."""
        self.queue.add(max(0, outcome.started_ns - frame.received_ns) // 1000)
        self.preprocess.add(outcome.preprocess_us)
        self.inference.add(outcome.inference_us)
        self.postprocess.add(outcome.postprocess_us)
        self.answered_ns = time.perf_counter_ns()
        self._failing_since_ns = self.failing_ns = 0

    def refused(self, error: WorkerError) -> None:
        """A frame has its Error."""
        now = time.perf_counter_ns()
        if error.code < _OURS:
            # Says nothing of inference, which it may not have come to.
            self.answered_ns = now
            return
        if self._failing_since_ns == 0:
            self._failing_since_ns = now
        self.failing_ns = now - self._failing_since_ns
        self.failure = error.name
