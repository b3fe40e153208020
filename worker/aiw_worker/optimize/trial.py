"""A candidate on trial: loaded once, in a process of its own, and asked by lines of JSON."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from typing import Any

from aiw_worker.datatypes import Detections, Frame, Outcome, Thresholds
from aiw_worker.optimize.frames import FrameFile
from aiw_worker.pipeline import Pipeline
from aiw_worker.resources import resident_bytes

# Before the first time that counts: caches and thread pools fill, clocks speed up.
_WARM_UP_RUNS = 3


def serve(
    load: Callable[[], Pipeline],
    frames: FrameFile,
    thresholds: Thresholds,
    questions: Iterable[str],
    answer: Callable[[dict[str, Any]], None],
) -> None:
    """Loads, then answers each question with one line until they end.

    {"time": n} is answered by {"inference_us": [...]}, n inferences of the frames in turn;
    {"detect": [first, end]} by that and "detections", of each frame a list of
    [class, confidence, x, y, w, h].
    First of all comes {"load_ms", "width", "height", "provider", "version", "threads",
    "rss_bytes"}.

    Raises:
        WorkerError: whatever loading or running raises.
    """
    started = time.perf_counter_ns()
    pipeline = load()
    loaded_ms = (time.perf_counter_ns() - started) / 1e6
    for frame in _around(frames, _WARM_UP_RUNS):
        pipeline.run(frame, thresholds)
    answer(
        {
            "load_ms": loaded_ms,
            "width": pipeline.info.size.width,
            "height": pipeline.info.size.height,
            "provider": pipeline.engine.providers[0],
            "version": pipeline.engine.version,
            "threads": pipeline.engine.threads,
            "rss_bytes": resident_bytes(),
        }
    )
    for question in questions:
        asked = json.loads(question)
        if "time" in asked:
            outcomes = [pipeline.run(frame, thresholds) for frame in _around(frames, int(asked["time"]))]
            answer({"inference_us": _times(outcomes)})
        else:
            first, end = asked["detect"]
            outcomes = [pipeline.run(frame, thresholds) for frame in frames.frames(first, end)]
            found = [_rows(outcome.detections) for outcome in outcomes]
            answer({"inference_us": _times(outcomes), "detections": found})


def _around(frames: FrameFile, count: int) -> Iterable[Frame]:
    """So many frames, from the start again where there are fewer."""
    while count > 0:
        yield from frames.frames(0, count)
        count -= len(frames)


def _times(outcomes: list[Outcome]) -> list[int]:
    return [outcome.inference_us for outcome in outcomes]


def _rows(found: Detections) -> list[list[float]]:
    rows = zip(found.class_ids.tolist(), found.scores.tolist(), found.boxes.tolist(), strict=True)
    return [[class_id, score, *box] for class_id, score, box in rows]
