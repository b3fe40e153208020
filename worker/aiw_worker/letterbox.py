"""Fitting a frame into a model's input, aspect kept, and mapping boxes back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aiw_worker.datatypes import F32, InputStyle, Size


@dataclass(frozen=True, slots=True)
class Letterbox:
    """Where the scaled frame lies inside the input. All in pixels."""

    frame: Size
    scaled: Size
    left: int
    top: int

    @property
    def resizes(self) -> bool:
        """Whether the frame's pixels must be scaled."""
        return self.frame != self.scaled

    def to_frame(self, boxes: F32) -> F32:
        """Maps boxes (n, 4) x1 y1 x2 y2 of the input to x y w h of the frame, cut to its borders.

        Each axis by its own factor: rounding the scaled sides makes the two differ slightly.
        """
        scale = np.array(
            [self.frame.width / self.scaled.width, self.frame.height / self.scaled.height] * 2, np.float32
        )
        shift = np.array([self.left, self.top] * 2, np.float32)
        limit = np.array([self.frame.width, self.frame.height] * 2, np.float32)
        mapped = np.subtract(boxes, shift, dtype=np.float32)
        mapped *= scale
        np.clip(mapped, np.float32(0), limit, out=mapped)
        mapped[:, 2:] -= mapped[:, :2]
        return mapped


def fit(frame: Size, target: Size, style: InputStyle) -> Letterbox:
    """The largest placement of a frame in the target with its aspect kept.

    Centred: rounding as Ultralytics' LetterBox (round(side * r), then round(padding / 2 - 0.1)).
    Top-left: as YOLOX's preproc (int(side * r)).
    """
    ratio = min(target.height / frame.height, target.width / frame.width)
    if style.rounded:
        scaled = Size(round(frame.width * ratio), round(frame.height * ratio))
    else:
        scaled = Size(int(frame.width * ratio), int(frame.height * ratio))
    # A side of a very long frame must not vanish, nor float error push it over the border.
    scaled = Size(min(max(scaled.width, 1), target.width), min(max(scaled.height, 1), target.height))
    if not style.centred:
        return Letterbox(frame, scaled, 0, 0)
    left = round((target.width - scaled.width) / 2 - 0.1)
    top = round((target.height - scaled.height) / 2 - 0.1)
    return Letterbox(frame, scaled, max(left, 0), max(top, 0))
