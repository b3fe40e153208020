"""Training samples: crops of the synthetic scene's frames, read from its own renderer."""

from __future__ import annotations

import subprocess
from pathlib import Path
from random import Random

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

WIDTH, HEIGHT = 640, 480
# As the figures judge it: what is less than half visible, or has a side below 8 pixels, counts neither way.
LEAST_VISIBLE = 0.5
LEAST_SIDE = 8.0


class Frames:
    """Frames and their objects (n, 6) of class, visible share, x, y, w, h, from frames.mjs."""

    def __init__(self, first_seed: int, step: int) -> None:
        script = Path(__file__).with_name("frames.mjs")
        self._renderer = subprocess.Popen(
            ["node", str(script), str(first_seed), str(step)], stdout=subprocess.PIPE
        )

    def read(self) -> tuple[np.ndarray, np.ndarray]:
        count = int(np.frombuffer(self._bytes(4), "<f4")[0])
        objects = np.frombuffer(self._bytes(24 * count), "<f4").reshape(count, 6)
        pixels = np.frombuffer(self._bytes(WIDTH * HEIGHT * 3), np.uint8)
        return pixels.reshape(HEIGHT, WIDTH, 3), objects

    def close(self) -> None:
        assert self._renderer.stdout is not None
        self._renderer.stdout.close()
        self._renderer.wait()

    def _bytes(self, size: int) -> bytes:
        assert self._renderer.stdout is not None
        data = self._renderer.stdout.read(size)
        if len(data) < size:
            raise EOFError("the renderer ended; was the CLI built (npm run build)?")
        return data


class Crops:
    """Batches of crops, mostly around an object, half of them rescaled and half of them mirrored."""

    def __init__(self, frames: Frames, random: Random, width: int, height: int) -> None:
        self._frames = frames
        self._random = random
        self._size = (width, height)

    def batch(self, count: int, per_frame: int) -> tuple[Tensor, list[Tensor]]:
        """Pixels (count, 3, height, width), 0..1, and of each its objects as in Frames, boxes in pixels
        of the crop; those that are not to be judged have a visible share of 0."""
        pixels, objects = [], []
        while len(pixels) < count:
            frame, found = self._frames.read()
            for _ in range(min(per_frame, count - len(pixels))):
                crop, kept = self._crop(frame, found)
                pixels.append(crop)
                objects.append(kept)
        return torch.stack(pixels), objects

    def _crop(self, frame: np.ndarray, objects: np.ndarray) -> tuple[Tensor, Tensor]:
        random = self._random
        width, height = self._size
        scale = random.uniform(height / HEIGHT, 1) if random.random() < 0.5 else 1.0
        w, h = min(WIDTH, round(width / scale)), min(HEIGHT, round(height / scale))
        x, y = random.randint(0, WIDTH - w), random.randint(0, HEIGHT - h)
        if len(objects) > 0 and random.random() < 0.8:
            _, _, left, top, wide, high = objects[random.randrange(len(objects))]
            x = _around(left + wide / 2, w, WIDTH, random)
            y = _around(top + high / 2, h, HEIGHT, random)
        pixels = torch.from_numpy(frame[y : y + h, x : x + w].copy()).permute(2, 0, 1).float().div_(255)
        if (w, h) != (width, height):
            pixels = functional.interpolate(
                pixels[None], (height, width), mode="bilinear", antialias=True, align_corners=False
            )[0]
        kept = _inside(torch.from_numpy(objects.copy()), (x, y, w, h), self._size)
        if random.random() < 0.5:
            pixels = pixels.flip(2)
            kept[:, 2] = width - kept[:, 2] - kept[:, 4]
        return pixels, kept


def _around(middle: float, length: int, whole: int, random: Random) -> int:
    start = round(middle - length * random.uniform(0.25, 0.75))
    return max(0, min(whole - length, start))


def _inside(objects: Tensor, window: tuple[int, int, int, int], size: tuple[int, int]) -> Tensor:
    """The objects in a window x, y, w, h of a frame, as they are when that is scaled to a size."""
    x, y, w, h = window
    corner = objects[:, 2:4] - torch.tensor([x, y])
    start = corner.clamp(min=0)
    end = torch.minimum(corner + objects[:, 4:6], torch.tensor([float(w), float(h)]))
    size = end - start
    share = objects[:, 1] * (size.clamp(min=0).prod(1) / objects[:, 4:6].prod(1))
    scale = torch.tensor([size[0] / w, size[1] / h])
    moved = torch.cat((objects[:, :1], share[:, None], start * scale, size * scale), 1)
    moved = moved[(size > 0).all(1)]
    judged = (moved[:, 1] >= LEAST_VISIBLE) & (moved[:, 4:6].amin(1) >= LEAST_SIDE)
    moved[:, 1] *= judged
    return moved
