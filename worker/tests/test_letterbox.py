"""Fitting a frame into the input, and boxes back into the frame."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiw_worker.datatypes import InputStyle, Size
from aiw_worker.letterbox import fit

CENTRED = InputStyle()
TOP_LEFT = InputStyle(centred=False, rounded=False)
_sides = st.integers(1, 5000)
_inputs = st.integers(1, 60).map(lambda n: n * 32)


@pytest.mark.parametrize(
    ("frame", "target", "style", "scaled", "corner"),
    [
        (Size(640, 480), Size(640, 640), CENTRED, Size(640, 480), (0, 80)),
        (Size(810, 1080), Size(640, 640), CENTRED, Size(480, 640), (80, 0)),
        # An odd rest: Ultralytics puts the smaller half first.
        (Size(768, 572), Size(640, 640), CENTRED, Size(640, 477), (0, 81)),
        (Size(572, 768), Size(640, 640), CENTRED, Size(477, 640), (81, 0)),
        (Size(641, 481), Size(640, 480), CENTRED, Size(640, 480), (0, 0)),
        (Size(100, 50), Size(640, 640), CENTRED, Size(640, 320), (0, 160)),
        (Size(810, 1080), Size(416, 416), TOP_LEFT, Size(312, 416), (0, 0)),
        (Size(5000, 1), Size(64, 64), CENTRED, Size(64, 1), (0, 31)),
    ],
)
def test_placement(
    frame: Size, target: Size, style: InputStyle, scaled: Size, corner: tuple[int, int]
) -> None:
    box = fit(frame, target, style)
    assert box.scaled == scaled
    assert (box.left, box.top) == corner


@given(_sides, _sides, _inputs, _inputs, st.sampled_from([CENTRED, TOP_LEFT]))
def test_lies_inside_and_fills_one_axis(w: int, h: int, tw: int, th: int, style: InputStyle) -> None:
    box = fit(Size(w, h), Size(tw, th), style)
    assert box.left >= 0
    assert box.top >= 0
    assert 1 <= box.scaled.width <= tw - box.left
    assert 1 <= box.scaled.height <= th - box.top
    assert box.scaled.width >= tw - 1 or box.scaled.height >= th - 1


@given(_sides, _sides, _inputs, _inputs, st.sampled_from([CENTRED, TOP_LEFT]), st.data())
def test_round_trip(w: int, h: int, tw: int, th: int, style: InputStyle, draw: st.DataObject) -> None:
    """A box of the frame, placed in the input, comes back; what lies beyond the frame is cut."""
    box = fit(Size(w, h), Size(tw, th), style)
    x1, x2 = sorted(draw.draw(st.tuples(st.floats(-9, w + 9), st.floats(-9, w + 9))))
    y1, y2 = sorted(draw.draw(st.tuples(st.floats(-9, h + 9), st.floats(-9, h + 9))))
    sx, sy = box.scaled.width / w, box.scaled.height / h
    placed = [x1 * sx + box.left, y1 * sy + box.top, x2 * sx + box.left, y2 * sy + box.top]
    ((x, y, width, height),) = box.to_frame(np.array([placed], np.float32)).tolist()
    cut = [min(max(x1, 0), w), min(max(y1, 0), h), min(max(x2, 0), w), min(max(y2, 0), h)]
    # float32 of some thousands, magnified by the scale.
    slack = 0.01 + 2e-3 / min(sx, sy)
    assert [x, y, x + width, y + height] == pytest.approx(cut, abs=slack)
    assert 0 <= x <= w
    assert 0 <= y <= h
    assert width >= 0
    assert height >= 0
