"""YOLOv5 and YOLOv7: output (1, 3 * cells, 5 + nc) with objectness, boxes decoded to input pixels."""

from __future__ import annotations

import numpy as np

from aiw_worker.datatypes import F32, Candidates, InputStyle
from aiw_worker.families.base import (
    Evidence,
    Match,
    Suppression,
    best_of_rows,
    only_classes,
    strides_for,
    to_corners,
)

NAME = "yolov5"
_ANCHORS = 3


def match(evidence: Evidence) -> Match | None:
    """Claims an output with three rows a cell; with named classes it must have a column for each."""
    _, rows, columns = evidence.output.shape
    count = columns - 5
    if count < 1 or (evidence.named is not None and evidence.named != count):
        return None
    if strides_for(rows, evidence.size, _ANCHORS) is None:
        return None
    return Match(NAME, count, InputStyle(), Suppression.CLASS, Yolov5Decoder())


class Yolov5Decoder:
    """Rows of centre x, centre y, width, height, objectness and one score a class."""

    __slots__ = ()

    def decode(self, output: F32, conf: float, classes: tuple[int, ...]) -> Candidates:
        """See Decoder. A score is objectness times class score, so objectness alone rules most rows out."""
        table = output[0]
        rows = table[np.flatnonzero(table[:, 4] >= conf)]
        kept, scores, best = best_of_rows(rows[:, 5:], rows[:, 4], conf)
        return only_classes(Candidates(to_corners(rows[kept, :4]), scores, best), classes)
