"""Suppression against a twin written the slow and plain way."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiw_worker import nms
from aiw_worker.nms import overlaps, suppress


def twin_iou(a: Any, b: Any) -> float:
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    shared = width * height
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared
    return shared / union if union > 0 else 0.0


def twin(boxes: Any, scores: Any, classes: Any, iou: float, limit: int) -> list[int]:
    kept: list[int] = []
    for index in sorted(range(len(boxes)), key=lambda i: (-scores[i], i)):
        rivals = [k for k in kept if classes is None or classes[k] == classes[index]]
        if len(kept) < limit and all(twin_iou(boxes[k], boxes[index]) <= iou for k in rivals):
            kept.append(index)
    return kept


# Whole numbers: every overlap is then the same number in both.
_boxes = st.lists(
    st.tuples(st.integers(0, 30), st.integers(0, 30), st.integers(0, 12), st.integers(0, 12)), max_size=40
)


@settings(deadline=None, max_examples=250)
@given(_boxes, st.randoms(use_true_random=False), st.sampled_from([0.0, 0.31, 0.45, 0.7, 1.0]), st.booleans())
@pytest.mark.parametrize("matrix_limit", [0, 1000], ids=["by pass", "by matrix"])
def test_agrees_with_the_twin(matrix_limit: int, rows: Any, random: Any, iou: float, by_class: bool) -> None:
    before, nms._MATRIX_LIMIT = nms._MATRIX_LIMIT, matrix_limit
    try:
        boxes = np.array([(x, y, x + w, y + h) for x, y, w, h in rows], np.float32).reshape(-1, 4)
        scores = np.array([random.randint(0, 10) / 10 for _ in rows], np.float32)
        ids = np.array([random.randint(0, 2) for _ in rows], np.intp)
        classes = ids if by_class else None
        limit = random.randint(1, 12)
        found = suppress(boxes, scores, classes, iou, limit).tolist()
        assert found == twin(boxes.tolist(), scores.tolist(), classes, iou, limit)
    finally:
        nms._MATRIX_LIMIT = before


def test_no_boxes() -> None:
    nothing = np.empty((0, 4), np.float32)
    assert suppress(nothing, np.empty(0, np.float32), None, 0.5, 10).tolist() == []


def test_candidates_are_capped_to_the_best() -> None:
    count = nms.MAX_CANDIDATES + 100
    x = np.arange(count, dtype=np.float32) * 10
    boxes = np.stack((x, x, x + 1, x + 1), 1)
    scores = np.linspace(0, 1, count, dtype=np.float32)
    assert suppress(boxes, scores, None, 0.5, 5).tolist() == [count - 1 - i for i in range(5)]


def test_overlap_of_empty_boxes_is_nothing() -> None:
    empty = np.zeros((2, 4), np.float32)
    assert overlaps(empty, empty).tolist() == [[0, 0], [0, 0]]
