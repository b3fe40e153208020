"""Non-maximum suppression: pure functions over arrays."""

from __future__ import annotations

import numpy as np

from aiw_worker.datatypes import F32, Ints

# Best-scored candidates that suppression looks at. A YOLO11 at 640 has 8400 cells in all; Ultralytics
# takes 30,000. Only a threshold near 0 on a large input reaches it, and the cost stays bounded.
MAX_CANDIDATES = 8192
# Up to here the whole overlap matrix (n, n) costs less than a pass of numpy calls for each kept box.
_MATRIX_LIMIT = 160


def suppress(boxes: F32, scores: F32, class_ids: Ints | None, iou: float, limit: int) -> Ints:
    """Indices of the boxes to keep, best first, at most `limit`.

    A box goes when a better one of its class (any class, where class_ids is None) overlaps it by more
    than `iou`, as in torchvision's nms. Ties keep the order that came.

    Args:
        boxes: (n, 4) x1 y1 x2 y2.
        scores: (n,).
        class_ids: (n,), or None for suppression across classes.
        iou: overlap allowed, 0..1.
        limit: most boxes kept.
    """
    order = np.argsort(-scores, kind="stable")[:MAX_CANDIDATES]
    boxes = boxes[order]
    classes = None if class_ids is None else class_ids[order]
    keep = _by_matrix if len(order) <= _MATRIX_LIMIT else _by_pass
    return order[keep(boxes, classes, iou, limit)]


def _by_matrix(boxes: F32, classes: Ints | None, iou: float, limit: int) -> Ints:
    over = overlaps(boxes, boxes) > iou
    if classes is not None:
        over &= classes[:, None] == classes
    gone = np.zeros(len(boxes), np.bool_)
    kept: list[int] = []
    for index in range(len(boxes)):
        if not gone[index]:
            kept.append(index)
            if len(kept) == limit:
                break
            gone |= over[index]
    return np.array(kept, np.intp)


def _by_pass(boxes: F32, classes: Ints | None, iou: float, limit: int) -> Ints:
    left: Ints = np.arange(len(boxes))
    kept: list[int] = []
    while left.size and len(kept) < limit:
        best, left = left[0], left[1:]
        kept.append(int(best))
        over = overlaps(boxes[best : best + 1], boxes[left])[0] > iou
        if classes is not None:
            over &= classes[left] == classes[best]
        left = left[~over]
    return np.array(kept, np.intp)


def overlaps(a: F32, b: F32) -> F32:
    """Intersection over union (n, m) of boxes (n, 4) and (m, 4), x1 y1 x2 y2; 0 where both are empty."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    side = np.maximum(high - low, np.float32(0))
    shared = side[..., 0] * side[..., 1]
    union = _areas(a)[:, None] + _areas(b)[None, :] - shared
    overlap: F32 = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return overlap


def _areas(boxes: F32) -> F32:
    sides = np.maximum(boxes[:, 2:] - boxes[:, :2], np.float32(0))
    areas: F32 = sides[:, 0] * sides[:, 1]
    return areas
