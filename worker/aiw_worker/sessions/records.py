"""One line of detections.ndjson: the record aiw.detections/1, as far as the worker knows it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from aiw_worker.datatypes import Frame, Outcome
from aiw_worker.errors import WorkerError

SCHEMA = "aiw.detections/1"
# Texts of a client go into every line.
_LONGEST_TEXT = 64
STAGES = ("queue", "preprocess", "inference", "postprocess")

Record = dict[str, Any]


def head_of(frame: Frame, model_id: str) -> Record:
    """What a record says of its frame. Keeps nothing of its pixels, whose buffer is used again."""
    return {
        "schema": SCHEMA,
        "seq": frame.seq,
        "time": frame.ts_iso[:_LONGEST_TEXT],
        "width": frame.width,
        "height": frame.height,
        "model_id": model_id,
    }


def with_outcome(head: Record, received_ns: int, outcome: Outcome, names: Sequence[str]) -> Record:
    """The record of a frame with its detections; what only the client knows of its latency is null."""
    stages = (
        max(0, outcome.started_ns - received_ns) // 1000,
        outcome.preprocess_us,
        outcome.inference_us,
        outcome.postprocess_us,
    )
    found = outcome.detections
    rows = zip(found.boxes.tolist(), found.scores.tolist(), found.class_ids.tolist(), strict=True)
    head["latency_ms"] = {
        **dict.fromkeys(("total", "wait", "transport")),
        **{stage: us / 1000 for stage, us in zip(STAGES, stages, strict=True)},
    }
    head["detections"] = [
        {
            "class": names[class_id],
            "class_id": class_id,
            "confidence": round(score, 4),
            "box": {"x": round(x, 2), "y": round(y, 2), "w": round(w, 2), "h": round(h, 2)},
            "track_id": None,
        }
        for (x, y, w, h), score, class_id in rows
    ]
    return head


def with_error(head: Record, error: WorkerError) -> Record:
    """The record of a frame that failed."""
    head["error"] = {"code": error.name, "message": error.message}
    return head


def line_of(record: Record, source: str) -> bytes:
    """The record as its line."""
    text = json.dumps({"source": source, **record}, separators=(",", ":"))
    return text.encode("ascii") + b"\n"
