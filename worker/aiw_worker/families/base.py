"""What a model family is: how its input is made and how its output is read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from aiw_worker.datatypes import F32, Candidates, InputStyle, Ints, Size

# Strides of the detection heads that are in use: the usual three, with P2, with P6, with both.
STRIDE_SETS = ((8, 16, 32), (4, 8, 16, 32), (8, 16, 32, 64), (4, 8, 16, 32, 64))


@dataclass(frozen=True, slots=True)
class Evidence:
    """One output of a graph as the warm-up gave it, and what the metadata says."""

    # (1, rows, columns) float32, of a frame that is all padding.
    output: F32
    size: Size
    # Number of class names in the metadata; None = it names none.
    named: int | None


class Suppression:
    """Which boxes compete: NONE = the graph did it, CLASS = those of one class, ALL = every box."""

    NONE = "none"
    CLASS = "class"
    ALL = "all"


class Decoder(Protocol):
    """Reads one output. May keep scratch arrays: not for several threads."""

    def decode(self, output: F32, conf: float, classes: tuple[int, ...]) -> Candidates:
        """Candidates of at least `conf`, of the classes asked for (empty = all), in input pixels."""
        ...


@dataclass(frozen=True, slots=True)
class Match:
    """A family that claims an output."""

    family: str
    class_count: int
    style: InputStyle
    suppression: str
    decoder: Decoder


def cells(size: Size, strides: Iterable[int]) -> int:
    """Number of cells of the grids that the strides lay over an input."""
    return sum(-(-size.height // stride) * -(-size.width // stride) for stride in strides)


def strides_for(count: int, size: Size, anchors: int = 1) -> tuple[int, ...] | None:
    """The stride set whose grids have `count` cells (times anchors), or None."""
    for strides in STRIDE_SETS:
        if anchors * cells(size, strides) == count:
            return strides
    return None


def grid(size: Size, strides: Iterable[int]) -> tuple[F32, F32]:
    """For each cell its column and row (n, 2) and its stride (n, 1), in the order of the outputs."""
    corners, scales = [], []
    for stride in strides:
        rows, columns = -(-size.height // stride), -(-size.width // stride)
        y, x = np.mgrid[0:rows, 0:columns]
        corners.append(np.stack((x.ravel(), y.ravel()), 1))
        scales.append(np.full((rows * columns, 1), stride))
    return np.concatenate(corners).astype(np.float32), np.concatenate(scales).astype(np.float32)


def to_corners(boxes: F32) -> F32:
    """Boxes (n, 4) of centre x, centre y, width, height as x1 y1 x2 y2."""
    half = boxes[:, 2:] * np.float32(0.5)
    return np.concatenate((boxes[:, :2] - half, boxes[:, :2] + half), 1)


def only_classes(found: Candidates, classes: tuple[int, ...]) -> Candidates:
    """The candidates of some classes; all of them where none is named."""
    if not classes:
        return found
    wanted = np.isin(found.class_ids, classes)
    return Candidates(found.boxes[wanted], found.scores[wanted], found.class_ids[wanted])


def best_of_rows(rows: F32, objectness: F32, conf: float) -> tuple[Ints, F32, Ints]:
    """Of rows (n, nc) of class scores: rows whose best score times objectness (n,) reaches `conf`.

    Returns their indices, their scores and their classes.
    """
    best = rows.argmax(1)
    scores = rows[np.arange(len(rows)), best] * objectness
    kept = np.flatnonzero(scores >= conf)
    return kept, scores[kept], best[kept]
