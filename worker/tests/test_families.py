"""Each family's decoder on tensors made by hand, and who claims which output."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from aiw_worker.datatypes import Size
from aiw_worker.families import Evidence, recognise
from aiw_worker.families.base import cells, grid, strides_for

SIZE = Size(64, 96)
CELLS = cells(SIZE, (8, 16, 32))


def claim(output: Any, named: int | None = None) -> Any:
    return recognise(Evidence(np.asarray(output, np.float32), SIZE, named))


def read(match: Any, output: Any, conf: float = 0.3, classes: tuple[int, ...] = ()) -> list[Any]:
    found = match.decoder.decode(np.asarray(output, np.float32), conf, classes)
    return [
        (*(round(v, 3) for v in box), round(score, 4), class_id)
        for box, score, class_id in zip(
            found.boxes.tolist(), found.scores.tolist(), found.class_ids.tolist(), strict=True
        )
    ]


def test_cells() -> None:
    assert cells(Size(640, 640), (8, 16, 32)) == 8400
    assert cells(Size(416, 416), (8, 16, 32)) == 3549
    assert cells(Size(100, 100), (8,)) == 169
    assert strides_for(cells(SIZE, (4, 8, 16, 32)), SIZE) == (4, 8, 16, 32)
    assert strides_for(cells(SIZE, (8, 16, 32, 64)), SIZE) == (8, 16, 32, 64)
    assert strides_for(7, SIZE) is None


def test_yolo11() -> None:
    output = np.zeros((1, 4 + 3, CELLS), np.float32)
    output[0, :, 5] = (30, 40, 10, 20, 0.1, 0.8, 0.2)
    output[0, :, 9] = (10, 10, 4, 4, 0.3, 0, 0)
    output[0, :, 11] = (10, 10, 4, 4, 0.29, 0, 0)
    match = claim(output)
    assert (match.family, match.class_count, match.suppression) == ("yolo11", 3, "class")
    first, second = (25, 30, 35, 50, 0.8, 1), (8, 8, 12, 12, 0.3, 0)
    # The threshold is the least confidence that is reported.
    assert read(match, output, np.float32(0.3).item()) == [first, second]
    assert read(match, output, 0.5) == [first]
    assert read(match, output, 0.25, (0,)) == [second, (8, 8, 12, 12, 0.29, 0)]
    # A box's own class counts, not its best among those asked for.
    assert read(match, output, 0.15, (2,)) == []
    assert read(match, output, 0.99) == []


def test_yolov5() -> None:
    output = np.zeros((1, 3 * CELLS, 5 + 2), np.float32)
    output[0, 4] = (30, 40, 10, 20, 0.9, 0.2, 0.8)
    output[0, 5] = (30, 40, 10, 20, 0.4, 0.5, 0.1)
    match = claim(output)
    assert (match.family, match.class_count, match.suppression) == ("yolov5", 2, "class")
    assert read(match, output) == [(25, 30, 35, 50, 0.72, 1)]
    assert read(match, output, 0.15, (0,)) == [(25, 30, 35, 50, 0.2, 0)]


def yolox_output(decoded: bool) -> Any:
    corners, strides = grid(SIZE, (8, 16, 32))
    output = np.zeros((1, CELLS, 5 + 2), np.float32)
    output[0, :, :2] = 0.5
    output[0, :, 2:4] = np.log(2)
    if decoded:
        output[0, :, :2] = (output[0, :, :2] + corners) * strides
        output[0, :, 2:4] = 2 * strides
    # The second row of the grid of stride 8, third column: centre 20, 12, sides 16.
    output[0, 8 + 2, 4:] = (0.9, 0.1, 0.5)
    return output


@pytest.mark.parametrize("decoded", [False, True])
def test_yolox(decoded: bool) -> None:
    output = yolox_output(decoded)
    before = output.copy()
    match = claim(output)
    assert (match.family, match.class_count, match.suppression) == ("yolox", 2, "all")
    assert (match.style.colour, match.style.scale, match.style.centred) == ("BGR", 1, False)
    assert read(match, output) == [(12, 4, 28, 20, 0.45, 1)]
    assert np.array_equal(output, before)


def test_nms_in_graph() -> None:
    output = np.zeros((1, 10, 6), np.float32)
    output[0, 0] = (1, 2, 3, 4, 0.5, 7)
    output[0, 1] = (5, 6, 7, 8, 0.9, 79)
    output[0, 2] = (5, 6, 7, 8, 0.9, 80)
    match = claim(output)
    assert (match.family, match.class_count, match.suppression) == ("nms", 80, "none")
    assert read(match, output) == [(5, 6, 7, 8, 0.9, 79), (1, 2, 3, 4, 0.5, 7)]
    assert read(match, output, 0.3, (7,)) == [(1, 2, 3, 4, 0.5, 7)]
    assert read(match, np.zeros((1, 0, 6))) == []


@pytest.mark.parametrize(
    ("shape", "named", "family"),
    [
        ((1, 84, CELLS), None, "yolo11"),
        ((1, 84, CELLS), 80, "yolo11"),
        # Named classes that don't add up, as with masks or keypoints.
        ((1, 84 + 32, CELLS), 80, None),
        ((1, 5, CELLS), None, "yolo11"),
        ((1, 4, CELLS), None, None),
        ((1, 6, cells(SIZE, (4, 8, 16, 32))), None, "yolo11"),
        ((1, 3 * CELLS, 6), None, "yolov5"),
        ((1, CELLS, 6), None, "yolox"),
        ((1, CELLS, 6), 20, "nms"),
        ((1, 3 * CELLS, 85), 3, None),
        ((1, CELLS, 85), 3, None),
        ((1, 300, 6), 3, "nms"),
        ((1, 5000, 6), None, None),
        ((1, 84, 22), None, None),
    ],
)
def test_who_claims_what(shape: tuple[int, ...], named: int | None, family: str | None) -> None:
    match = claim(np.zeros(shape), named)
    assert (match.family if match else None) == family
