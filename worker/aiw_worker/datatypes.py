"""Plain values that the rooms hand to each other. A leaf: imports nothing of the package."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]
Ints = NDArray[np.intp]
Bytes = bytes | bytearray | memoryview


@dataclass(frozen=True, slots=True)
class Size:
    """Width and height, pixels."""

    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame as it came over the wire; `data` may point into a connection's receive buffer."""

    seq: int
    ts_iso: str
    ts_mono_ns: int
    width: int
    height: int
    pix_fmt: str
    data: Bytes
    # time.perf_counter_ns() at the frame's last byte.
    received_ns: int = 0
    # Whether `data` lies in the receive buffer, which must be given back after use.
    leased: bool = False


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What of a model's output is reported."""

    conf: float = 0.35
    iou: float = 0.45
    max_detections: int = 300
    # Class ids to report; empty = all.
    classes: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class InputStyle:
    """How a family wants its input: (pixel * scale), channels in `colour` order, padded with 114."""

    colour: str = "RGB"
    scale: float = 1 / 255
    # Padding on both sides (True) or right and below only.
    centred: bool = True
    # Sides are rounded to the nearest pixel (True) or cut down.
    rounded: bool = True


@dataclass(frozen=True, slots=True)
class Candidates:
    """Boxes before suppression: boxes (n, 4) x1 y1 x2 y2 in input pixels, scores (n,), class_ids (n,)."""

    boxes: F32
    scores: F32
    class_ids: Ints


@dataclass(frozen=True, slots=True)
class Detections:
    """Best first: boxes (n, 4) x y w h in pixels of the frame, scores (n,), class_ids (n,)."""

    boxes: F32
    scores: F32
    class_ids: Ints


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """An input or output of a graph. Symbolic dimensions are strings, unknown ones None."""

    name: str
    shape: tuple[int | str | None, ...]
    # numpy's name of the element type ("float32"), or the engine's where numpy has none.
    dtype: str

    def __str__(self) -> str:
        dims = "x".join("?" if d is None else str(d) for d in self.shape)
        return f"{self.name} {dims or 'scalar'} {self.dtype}"


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What is known of a model once it was inspected and warmed up."""

    family: str
    class_names: tuple[str, ...]
    size: Size
    # Numpy name of the input's element type: "float32" or "float16".
    dtype: str
    style: InputStyle
    version: str
    # Whether another size may be asked for.
    dynamic: bool
    # What must be said wherever the model is used.
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """A frame's detections and its stages in microseconds."""

    detections: Detections
    started_ns: int
    preprocess_us: int
    inference_us: int
    postprocess_us: int


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """What an engine is opened with."""

    name: str = "auto"
    threads: int = 1
    # "cpu", "cuda", or "auto": a GPU where the installed engine has one.
    device: str = "auto"
    # Execution provider that must start; "" = whichever does.
    require_provider: str = ""
