"""YOLO11, YOLOv8 and their kin: output (1, 4 + nc, cells), no objectness, boxes in input pixels."""

from __future__ import annotations

import numpy as np

from aiw_worker.datatypes import F32, Candidates, InputStyle
from aiw_worker.families.base import Evidence, Match, Suppression, only_classes, strides_for, to_corners

NAME = "yolo11"


def match(evidence: Evidence) -> Match | None:
    """Claims an output with one column a cell; with named classes it must have a row for each."""
    _, rows, columns = evidence.output.shape
    count = rows - 4
    if count < 1 or (evidence.named is not None and evidence.named != count):
        return None
    if strides_for(columns, evidence.size) is None:
        return None
    return Match(NAME, count, InputStyle(), Suppression.CLASS, Yolo11Decoder())


class Yolo11Decoder:
    """Columns of centre x, centre y, width, height and one score a class."""

    __slots__ = ("_best",)

    def __init__(self) -> None:
        self._best: F32 = np.empty(0, np.float32)

    def decode(self, output: F32, conf: float, classes: tuple[int, ...]) -> Candidates:
        """See Decoder. Every score is read once; only survivors are looked at again."""
        table = output[0]
        if len(self._best) != table.shape[1]:
            self._best = np.empty(table.shape[1], np.float32)
        np.maximum.reduce(table[4:], axis=0, out=self._best)
        kept = np.flatnonzero(self._best >= conf)
        columns = table[:, kept]
        boxes = to_corners(np.ascontiguousarray(columns[:4].T))
        return only_classes(Candidates(boxes, self._best[kept], columns[4:].argmax(0)), classes)
