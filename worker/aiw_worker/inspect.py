"""What a model is, from its graph, its metadata and one warm-up run; never from its file's name."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aiw_worker.datatypes import ModelInfo, Size, TensorInfo
from aiw_worker.engines.base import Engine
from aiw_worker.errors import Code, WorkerError
from aiw_worker.families import KNOWN_LAYOUTS, Evidence, Match, recognise
from aiw_worker.names import class_names, parse_names
from aiw_worker.notes import model_notes

_DEFAULT_SIZE = Size(640, 640)
_DEFAULT_STRIDE = 32
_MAX_SIDE = 4096
_INPUT_TYPES = ("float32", "float16")
_TASK = "detect"


@dataclass(frozen=True, slots=True)
class Inspected:
    """What a model is, and how its output number `output` is read."""

    info: ModelInfo
    match: Match
    output: int


def inspect(engine: Engine, wanted: Size, name: str) -> Inspected:
    """Recognises a loaded graph, running it once on a frame that is all padding.

    Args:
        engine: the loaded graph.
        wanted: input size asked for, 0 = as the model says; only dynamic axes follow it.
        name: the model as the client calls it, for messages.

    Raises:
        WorkerError: MODEL_UNSUPPORTED_TASK, MODEL_UNSUPPORTED_INPUT, INPUT_SIZE, MODEL_UNKNOWN_LAYOUT or
            INFERENCE_FAILED.
    """
    metadata = engine.metadata
    task = metadata.get("task", _TASK)
    if task != _TASK:
        raise WorkerError(
            Code.MODEL_UNSUPPORTED_TASK,
            f"{name} is a model for the task '{task[:64]}'; this worker runs '{_TASK}'",
        )
    tensor = _checked_input(engine.inputs, name)
    size = input_size(tensor, metadata, wanted)
    named = parse_names(metadata.get("names", ""))
    # The style differs by family, which is not known yet; a model's layout doesn't depend on it.
    gray = np.full((1, 3, size.height, size.width), 114 / 255, np.dtype(tensor.dtype))
    outputs = engine.run(gray)
    index, match = _recognised(outputs, size, len(named) if named else None, engine, name)
    info = ModelInfo(
        family=match.family,
        class_names=class_names(metadata, match.class_count),
        size=size,
        dtype=tensor.dtype,
        style=match.style,
        version=metadata.get("version", ""),
        dynamic=not all(isinstance(side, int) for side in tensor.shape[2:]),
        notes=model_notes(metadata),
    )
    return Inspected(info, match, index)


def input_size(tensor: TensorInfo, metadata: Mapping[str, str], wanted: Size) -> Size:
    """The input's size: the graph's own sides, and for dynamic ones what is wanted, rounded up to the stride.

    Raises:
        WorkerError: INPUT_SIZE when more than 4096 is wanted of a dynamic one.
    """
    default = _metadata_size(metadata)
    stride = max(_integers(metadata.get("stride", "")) or [_DEFAULT_STRIDE])
    height, width = tensor.shape[2:]
    return Size(
        _side(width, wanted.width, default.width, stride),
        _side(height, wanted.height, default.height, stride),
    )


def size_warnings(info: ModelInfo, wanted: Size) -> list[str]:
    """What to tell a client that asked for a size which the model does not take."""
    ignored = [
        (asked, has)
        for asked, has in ((wanted.width, info.size.width), (wanted.height, info.size.height))
        if asked and asked != has
    ]
    if not ignored or info.dynamic:
        return []
    return [f"the model's input is {info.size} and can't change; the {wanted} asked for is ignored"]


def _side(own: int | str | None, wanted: int, default: int, stride: int) -> int:
    if isinstance(own, int):
        return own
    if wanted > _MAX_SIDE:
        raise WorkerError(
            Code.INPUT_SIZE,
            f"an input side of {wanted} pixels is asked for; at most {_MAX_SIDE} are possible",
        )
    return -(-(wanted or default) // stride) * stride


def _metadata_size(metadata: Mapping[str, str]) -> Size:
    sides = _integers(metadata.get("imgsz", ""))
    if not sides or not all(0 < side <= _MAX_SIDE for side in sides):
        return _DEFAULT_SIZE
    # Ultralytics writes height, width.
    return Size(sides[-1], sides[0])


def _integers(text: str) -> list[int]:
    """Integers of "[640, 640]" or "32"; empty for anything else."""
    if len(text) > 1000:
        return []
    try:
        value = ast.literal_eval(text.strip()) if text.strip() else []
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return []
    values = list(value) if isinstance(value, (list, tuple)) else [value]
    good = all(isinstance(item, int) and 0 < item <= _MAX_SIDE for item in values)
    return values if good else []


def _checked_input(inputs: Sequence[TensorInfo], name: str) -> TensorInfo:
    listed = ", ".join(str(item) for item in inputs)
    if len(inputs) != 1 or len(inputs[0].shape) != 4:
        raise _unsupported(name, listed)
    tensor = inputs[0]
    batch, channels, height, width = tensor.shape
    fits = channels == 3 and (not isinstance(batch, int) or batch == 1)
    sides = all(not isinstance(side, int) or 0 < side <= _MAX_SIDE for side in (height, width))
    if not (fits and sides and tensor.dtype in _INPUT_TYPES):
        raise _unsupported(name, listed)
    return tensor


def _unsupported(name: str, listed: str) -> WorkerError:
    return WorkerError(
        Code.MODEL_UNSUPPORTED_INPUT,
        f"{name} takes {listed or 'no input'}; this worker feeds one input 1x3xHxW of float32 or float16",
    )


def _recognised(
    outputs: Sequence[NDArray[Any]], size: Size, named: int | None, engine: Engine, name: str
) -> tuple[int, Match]:
    for index, output in enumerate(outputs):
        if output.ndim != 3 or output.shape[0] != 1 or output.dtype.kind != "f":
            continue
        match = recognise(Evidence(output.astype(np.float32, copy=False), size, named))
        if match is not None:
            return index, match
    # The shapes of this very run, since those of a dynamic graph are only names.
    described = ", ".join(
        str(replace(info, shape=tuple(output.shape)))
        for info, output in zip(engine.outputs, outputs, strict=True)
    )
    inputs = ", ".join(str(item) for item in engine.inputs)
    classes = f", {named} named classes" if named else ""
    raise WorkerError(
        Code.MODEL_UNKNOWN_LAYOUT,
        f"{name} is of no known family: input {inputs}; output {described}{classes}; "
        f"known are {', '.join(KNOWN_LAYOUTS)}",
    )
