"""YOLO11's head: for each cell of three grids the distances to a box's sides, and a score a class."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from aiw_worker.datatypes import Size
from aiw_worker.families.base import grid
from aiw_worker.shapes.blocks import conv
from aiw_worker.shapes.network import Network, Tensor

STRIDES = (8, 16, 32)
# Of each distance a distribution over so many bins is predicted (DFL, arXiv:2006.04388).
_BINS = 16
# The scores' logits are this, give or take a few: no class of any cell comes near a threshold.
_CLASS_BIAS = -12.0


def detect(net: Network, levels: Sequence[Tensor], path: str, classes: int, size: Size | None) -> str:
    """Adds the head; returns the name of an output (1, 4 + classes, cells), boxes in pixels of the input.

    `levels` are features of strides 8, 16 and 32; `size` is the input's, None = known when the graph runs.
    """
    narrow = levels[0].channels
    hidden = max(16, narrow // 4, 4 * _BINS), max(narrow, min(classes, 100))
    distances = [_box_branch(net, x, f"{path}/cv2.{i}", hidden[0]) for i, x in enumerate(levels)]
    logits = [_class_branch(net, x, f"{path}/cv3.{i}", hidden[1], classes) for i, x in enumerate(levels)]
    distance = _expected(net, _flat(net, distances, f"{path}/boxes"), f"{path}/dfl")
    places, strides = _anchors(net, levels, f"{path}/anchors", size)
    boxes = net.node("Mul", f"{path}/pixels", (_boxes(net, distance, places, f"{path}/decode"), strides))
    scores = net.node("Sigmoid", f"{path}/scores", (_flat(net, logits, f"{path}/logits"),))
    return net.node("Concat", path, (boxes, scores), axis=1)


def _box_branch(net: Network, x: Tensor, path: str, hidden: int) -> Tensor:
    for index in range(2):
        x = conv(net, x, f"{path}/{index}", hidden, 3)
    return net.conv(x, f"{path}/2", 4 * _BINS)


def _class_branch(net: Network, x: Tensor, path: str, hidden: int, classes: int) -> Tensor:
    for index in range(2):
        x = conv(net, x, f"{path}/{index}.0", x.channels, 3, groups=x.channels)
        x = conv(net, x, f"{path}/{index}.1", hidden)
    return net.conv(x, f"{path}/2", classes, bias=_CLASS_BIAS)


def _flat(net: Network, levels: Sequence[Tensor], path: str) -> str:
    """(1, channels, cells) of all levels one after the other."""
    rows = [
        net.node("Reshape", f"{path}.{i}", (x.name, net.integers(f"{path}.{i}", 0, x.channels, -1)))
        for i, x in enumerate(levels)
    ]
    return net.node("Concat", path, rows, axis=2)


def _expected(net: Network, distances: str, path: str) -> str:
    """The mean of each distribution: (1, 4 * bins, cells) to (1, 4, cells)."""
    split = net.integers(f"{path}/split", 0, 4, _BINS, -1)
    bins = net.node("Reshape", f"{path}/split", (distances, split))
    bins = net.node("Transpose", path, (bins,), perm=[0, 2, 1, 3])
    shares = net.node("Softmax", path, (bins,), axis=1)
    numbers = np.arange(_BINS, dtype=np.float32).reshape(1, _BINS, 1, 1)
    weight = net.initializer(f"{path.strip('/').replace('/', '.')}.conv.weight", numbers)
    means = net.node("Conv", path, (shares, weight), kernel_shape=[1, 1])
    return net.node("Reshape", f"{path}/means", (means, net.integers(f"{path}/means", 0, 4, -1)))


def _boxes(net: Network, distance: str, places: str, path: str) -> str:
    """Centres and sizes (1, 4, cells), in cells, from the distances to left, top, right and bottom."""
    halves = net.integers(f"{path}/halves", 2, 2)
    before = net.node("Split", f"{path}/halves", (distance, halves), 2, axis=1)
    first = net.node("Sub", f"{path}/first", (places, before))
    last = net.node("Add", f"{path}/last", (places, before.replace("_output_0", "_output_1")))
    total = net.node("Add", f"{path}/total", (first, last))
    two = net.constant(f"{path}/two", np.array(2, np.float32))
    centre = net.node("Div", f"{path}/centre", (total, two))
    sides = net.node("Sub", f"{path}/sides", (last, first))
    return net.node("Concat", path, (centre, sides), axis=1)


def _anchors(net: Network, levels: Sequence[Tensor], path: str, size: Size | None) -> tuple[str, str]:
    """Centres of the cells (1, 2, cells) x and y, in cells, and strides (1, cells)."""
    if size is not None:
        corners, scales = grid(size, STRIDES)
        places = net.constant(f"{path}/places", (corners.T + 0.5)[None])
        return places, net.constant(f"{path}/strides", scales.T)
    each = [
        _level_anchors(net, x, stride, f"{path}.{i}")
        for i, (x, stride) in enumerate(zip(levels, STRIDES, strict=True))
    ]
    places = net.node("Concat", f"{path}/places", [place for place, _ in each], axis=2)
    return places, net.node("Concat", f"{path}/strides", [scale for _, scale in each], axis=1)


def _level_anchors(net: Network, x: Tensor, stride: int, path: str) -> tuple[str, str]:
    """The same of one level, as large as its features are."""
    sides = net.node("Shape", path, (x.name,), start=2)
    row = net.integers(f"{path}/row", 1, 1, -1)
    axes = []
    # x changes along a row, y from row to row.
    for axis, side, column in (("x", 1, None), ("y", 0, net.integers(f"{path}/column", -1, 1))):
        part = f"{path}/{axis}"
        which = net.constant(f"{part}/which", np.array(side, np.int64))
        count = net.node("Gather", part, (sides, which), axis=0)
        limits = [
            net.constant(f"{part}/{name}", np.array(n, np.int64)) for name, n in (("from", 0), ("by", 1))
        ]
        steps = net.node("Range", part, (limits[0], count, limits[1]))
        steps = net.node("Cast", part, (steps,), to=1)
        steps = net.node("Add", part, (steps, net.constant(f"{part}/half", np.array(0.5, np.float32))))
        if column is not None:
            steps = net.node("Reshape", f"{part}/upright", (steps, column))
        full = net.node("Expand", part, (steps, sides))
        axes.append(net.node("Reshape", part, (full, row)))
    scale = net.constant(f"{path}/stride", np.array([stride], np.float32))
    scales = net.node("Expand", f"{path}/stride", (scale, sides))
    flat = net.node("Reshape", f"{path}/stride", (scales, net.integers(f"{path}/flat", 1, -1)))
    return net.node("Concat", f"{path}/places", axes, axis=1), flat
