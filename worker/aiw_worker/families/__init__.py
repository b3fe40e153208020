"""The model families that are known, in the order in which they are asked."""

from __future__ import annotations

from collections.abc import Callable

from aiw_worker.families import nms_in_graph, yolo11, yolov5, yolox
from aiw_worker.families.base import Evidence, Match

__all__ = ["KNOWN_LAYOUTS", "Evidence", "Match", "recognise"]

_MATCHERS: tuple[Callable[[Evidence], Match | None], ...] = (
    yolo11.match,
    yolov5.match,
    yolox.match,
    nms_in_graph.match,
)

# What each family's output looks like, for messages.
KNOWN_LAYOUTS = (
    "yolo11 (1, 4+classes, cells)",
    "yolov5 (1, 3*cells, 5+classes)",
    "yolox (1, cells, 5+classes)",
    "nms (1, up to 1000, 6)",
)


def recognise(evidence: Evidence) -> Match | None:
    """The family that claims an output, or None."""
    for matcher in _MATCHERS:
        found = matcher(evidence)
        if found is not None:
            return found
    return None
