"""Models that suppress inside the graph: output (1, n, 6) of x1 y1 x2 y2 score class, in input pixels.

Ultralytics' export with nms=True, and end-to-end models such as YOLOv10. Unused rows have score 0.
"""

from __future__ import annotations

import numpy as np

from aiw_worker.datatypes import F32, Candidates, InputStyle
from aiw_worker.families.base import Evidence, Match, Suppression, only_classes

NAME = "nms"
_MAX_ROWS = 1000
_COLUMNS = 6
# Where the metadata names no classes there is no way to count them; COCO is what is trained on most.
_DEFAULT_CLASSES = 80


def match(evidence: Evidence) -> Match | None:
    """Claims an output of six columns and few rows. Asked last: a grid's output may have six columns too."""
    _, rows, columns = evidence.output.shape
    if columns != _COLUMNS or rows > _MAX_ROWS:
        return None
    count = evidence.named or _DEFAULT_CLASSES
    return Match(NAME, count, InputStyle(), Suppression.NONE, NmsInGraphDecoder(count))


class NmsInGraphDecoder:
    """Rows of x1, y1, x2, y2, score, class."""

    __slots__ = ("_count",)

    def __init__(self, count: int) -> None:
        self._count = count

    def decode(self, output: F32, conf: float, classes: tuple[int, ...]) -> Candidates:
        """See Decoder. Best first; rows of classes beyond the count are padding and left out."""
        rows = output[0]
        rows = rows[rows[:, 4] >= conf]
        rows = rows[np.argsort(-rows[:, 4], kind="stable")]
        class_ids = rows[:, 5].astype(np.intp)
        real = (class_ids >= 0) & (class_ids < self._count)
        found = Candidates(rows[real, :4], rows[real, 4], class_ids[real])
        return only_classes(found, classes)
