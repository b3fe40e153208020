"""Histograms, and what the worker knows of its frames."""

from __future__ import annotations

from bisect import bisect_left

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from aiw_worker.counters import Count, Counters
from aiw_worker.datatypes import Detections, Frame, Outcome
from aiw_worker.errors import Code, WorkerError
from aiw_worker.histogram import Histogram
from aiw_worker.progress import Progress

NONE = Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.intp))
FRAME = Frame(1, "", 0, 8, 8, "RGB", b"", received_ns=1_000_000)
OUTCOME = Outcome(NONE, 1_300_000, 1000, 150_000, 1001)


@given(st.lists(st.integers(0, 300)))
def test_histogram_has_each_value_once_within_its_bound(values: list[int]) -> None:
    histogram = Histogram((10, 100, 150))
    for value in values:
        histogram.add(value)
    counts, total = histogram.read()
    assert (sum(counts), histogram.count, total) == (len(values), len(values), sum(values))
    for index, bound in enumerate(histogram.bounds):
        assert sum(counts[: index + 1]) == sum(value <= bound for value in values)


def test_stages_of_a_frame() -> None:
    progress = Progress()
    progress.processed(FRAME, OUTCOME)
    assert [each.read()[1] for each in (progress.queue, progress.preprocess)] == [300, 1000]
    assert [each.read()[1] for each in (progress.inference, progress.postprocess)] == [150_000, 1001]
    # 150 ms is within the bound of 150 ms.
    counts, _ = progress.inference.read()
    assert counts[bisect_left(progress.inference.bounds, 150_000)] == 1
    assert 150_000 in progress.inference.bounds
    assert progress.answered_ns > 0


def test_failing_lasts_from_the_first_fault_of_ours_to_the_last() -> None:
    progress, fault = Progress(), WorkerError(Code.INFERENCE_FAILED, "the graph failed")
    progress.refused(fault)
    assert (progress.failing_ns, progress.failure, progress.answered_ns) == (0, "INFERENCE_FAILED", 0)
    progress.refused(fault)
    first = progress.failing_ns
    progress.refused(fault)
    assert 0 < first < progress.failing_ns
    # What the client did wrong is answered as it should be, but shows nothing of inference.
    progress.refused(WorkerError(Code.FRAME_SIZE, "too few bytes"))
    assert progress.failing_ns > 0
    assert progress.answered_ns > 0
    progress.processed(FRAME, OUTCOME)
    assert progress.failing_ns == 0
    progress.refused(fault)
    assert progress.failing_ns == 0


def test_errors_and_loads_are_counted() -> None:
    counters = Counters()
    counters.told(Code.POOL_FULL)
    counters.told(Code.POOL_FULL)
    counters.loaded(250)
    assert counters.errors() == {Code.POOL_FULL: 2}
    assert counters[Count.MODELS_LOADED] == 1
    assert counters.model_load.read()[1] == 250
