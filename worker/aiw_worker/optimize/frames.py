"""Frames that the client took of a source: a file of pixels, and a list of their sizes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from aiw_worker.datatypes import U8, Frame
from aiw_worker.errors import Code, WorkerError, out_of_memory

_CHANNELS = 3


class FrameFile:
    """RGB frames, one behind the other without a gap, mapped and not read.

    Args:
        pixels: the file of pixels.
        sizes: a JSON list of [width, height], one for each frame.
    """

    def __init__(self, pixels: Path, sizes: Path) -> None:
        """Opens both.

        Raises:
            WorkerError: USAGE when one can't be read, they don't fit together, or there is no frame;
                OUT_OF_MEMORY.
        """
        try:
            self._sizes = [(int(width), int(height)) for width, height in json.loads(sizes.read_text())]
            self._pixels: U8 = np.memmap(pixels, np.uint8, "r") if self._sizes else np.empty(0, np.uint8)
        except (OSError, ValueError, TypeError, OverflowError) as error:
            raise out_of_memory(error, "map the frames") or WorkerError(
                Code.USAGE, f"the frames of {pixels.name} can't be read: {error}"
            ) from error
        if not self._sizes:
            raise WorkerError(Code.USAGE, f"{sizes.name} names no frames; there must be one at least")
        self._starts = np.cumsum([0, *(_CHANNELS * width * height for width, height in self._sizes)])
        if self._starts[-1] != len(self._pixels):
            raise WorkerError(
                Code.USAGE, f"{pixels.name} has {len(self._pixels)} bytes; its sizes say {self._starts[-1]}"
            )

    def __len__(self) -> int:
        """Number of frames, at least one."""
        return len(self._sizes)

    def frames(self, first: int, end: int) -> Iterator[Frame]:
        """Frames number `first` to `end` - 1, as they would come over the wire."""
        for index in range(first, min(end, len(self))):
            width, height = self._sizes[index]
            pixels = self._pixels[self._starts[index] : self._starts[index + 1]]
            yield Frame(index, "", 0, width, height, "RGB", pixels.data)
