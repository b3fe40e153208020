"""YOLOX: output (1, cells, 5 + nc) with objectness, boxes relative to their cells or decoded already.

Decoding as in Megvii's yolox/utils/demo_utils.py (demo_postprocess): x = (ox + column) * stride,
w = exp(ow) * stride. Input BGR 0..255 at the top left; suppression across classes.
"""

from __future__ import annotations

import numpy as np

from aiw_worker.datatypes import F32, Candidates, InputStyle
from aiw_worker.families.base import (
    Evidence,
    Match,
    Suppression,
    best_of_rows,
    grid,
    only_classes,
    strides_for,
    to_corners,
)

NAME = "yolox"
_STYLE = InputStyle(colour="BGR", scale=1.0, centred=False, rounded=False)


def match(evidence: Evidence) -> Match | None:
    """Claims an output with one row a cell; with named classes it must have a column for each."""
    _, rows, columns = evidence.output.shape
    count = columns - 5
    if count < 1 or (evidence.named is not None and evidence.named != count):
        return None
    strides = strides_for(rows, evidence.size)
    if strides is None:
        return None
    corners, scales = grid(evidence.size, strides)
    decoded = _is_decoded(evidence.output[0, :, 0], corners[:, 0], scales[:, 0])
    decoder = YoloxDecoder(None if decoded else corners, scales)
    return Match(NAME, count, _STYLE, Suppression.ALL, decoder)


def _is_decoded(x: F32, columns: F32, strides: F32) -> bool:
    """Whether x is in pixels: then it lies about its cell's centre, otherwise about 0.5 everywhere."""
    as_pixels = np.median(np.abs(x / strides - columns - 0.5))
    as_offsets = np.median(np.abs(x - 0.5))
    return bool(as_pixels < as_offsets)


class YoloxDecoder:
    """Rows of centre x, centre y, width, height, objectness and one score a class.

    Args:
        corners: column and row (n, 2) of each cell, or None where the graph decodes.
        strides: (n, 1).
    """

    __slots__ = ("_corners", "_strides")

    def __init__(self, corners: F32 | None, strides: F32) -> None:
        self._corners = corners
        self._strides = strides

    def decode(self, output: F32, conf: float, classes: tuple[int, ...]) -> Candidates:
        """See Decoder."""
        table = output[0]
        likely = np.flatnonzero(table[:, 4] >= conf)
        rows = table[likely]
        kept, scores, best = best_of_rows(rows[:, 5:], rows[:, 4], conf)
        boxes = rows[kept, :4]
        if self._corners is not None:
            strides = self._strides[likely[kept]]
            boxes[:, :2] += self._corners[likely[kept]]
            boxes[:, :2] *= strides
            boxes[:, 2:] = np.exp(boxes[:, 2:]) * strides
        return only_classes(Candidates(to_corners(boxes), scores, best), classes)
