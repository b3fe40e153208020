"""Puts together what is known of a model file. The same names as in src/core/model-description.ts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from onnx import ModelProto

from aiw_worker.datatypes import EngineOptions, Size, TensorInfo
from aiw_worker.describe.graphfile import opsets, read_graph, weight_files
from aiw_worker.describe.providers import try_providers
from aiw_worker.describe.remarks import remarks
from aiw_worker.describe.weights import weigh
from aiw_worker.describe.work import work_of
from aiw_worker.engines import open_engine
from aiw_worker.engines.base import Engine
from aiw_worker.errors import WorkerError
from aiw_worker.families.base import Suppression
from aiw_worker.inspect import Inspected, input_size, inspect
from aiw_worker.modelfiles import ModelFile
from aiw_worker.names import parse_names

_OWN_SIZE = Size(0, 0)
_TOLD = ("author", "license", "date", "version", "description")
_MAX_TEXT = 300
_SUPPRESSIONS = {
    Suppression.NONE: "in the graph",
    Suppression.CLASS: "by class",
    Suppression.ALL: "of all classes",
}


@dataclass(frozen=True, slots=True)
class _Recognised:
    """What inspect() found, or why it found nothing."""

    found: Inspected | None
    refusal: WorkerError | None


def describe(file: ModelFile, given: str, options: EngineOptions) -> dict[str, Any]:
    """All that is known of a model, as JSON takes it.

    Args:
        file: the model, found and hashed.
        given: its name as it was asked for.
        options: the engine that it is tried with.

    Raises:
        WorkerError: ENGINE_MISSING, or MODEL_INVALID. What is loaded but not recognised is described.
    """
    engine = open_engine(file.path, options)
    recognised = _recognise(engine, str(file.path))
    model = read_graph(file.path)
    weights = weigh(model.graph)
    beside = weight_files(model, file.path)
    standard, others = opsets(model)
    size = _size(engine, recognised)
    return {
        "file": given,
        "bytes": file.identity.size + sum(path.stat().st_size for path in beside),
        "sha256": file.sha256,
        "weight_files": [str(path.relative_to(file.path.parent.resolve())) for path in beside],
        "family": recognised.found and recognised.found.info.family,
        "refusal": _refusal(recognised.refusal),
        "task": _text(engine.metadata.get("task", "")),
        "input": _input(engine, size),
        "outputs": [asdict(output) for output in engine.outputs],
        "classes": _classes(engine.metadata, recognised.found),
        "precision": {"name": weights.precision, "shares": weights.shares},
        "opset": standard,
        "other_opsets": others,
        "ir_version": model.ir_version,
        "producer": _text(f"{model.producer_name} {model.producer_version}"),
        "parameters": weights.count,
        **_work(model, engine, size),
        "suppression": recognised.found and _SUPPRESSIONS[recognised.found.match.suppression],
        "metadata": {key: _text(engine.metadata.get(key, "")) for key in _TOLD},
        "runtime": f"{engine.name} {engine.version}",
        "providers": try_providers(engine, file.path, options),
        "warnings": remarks(recognised.found, engine.metadata, weights.precision, beside),
    }


def _recognise(engine: Engine, name: str) -> _Recognised:
    try:
        return _Recognised(inspect(engine, _OWN_SIZE, name), None)
    except WorkerError as refusal:
        return _Recognised(None, refusal)


def _refusal(error: WorkerError | None) -> dict[str, str] | None:
    return None if error is None else {"name": error.name, "message": error.message}


def _size(engine: Engine, recognised: _Recognised) -> Size | None:
    """The size that frames are fitted to; None for what takes no pictures."""
    if recognised.found is not None:
        return recognised.found.info.size
    if len(engine.inputs) != 1 or len(engine.inputs[0].shape) != 4 or engine.inputs[0].shape[1] != 3:
        return None
    return input_size(engine.inputs[0], engine.metadata, _OWN_SIZE)


def _input(engine: Engine, size: Size | None) -> dict[str, Any] | None:
    if len(engine.inputs) != 1:
        return None
    tensor = engine.inputs[0]
    return {
        **asdict(tensor),
        "width": size and size.width,
        "height": size and size.height,
        "dynamic": size is not None and not all(isinstance(side, int) for side in tensor.shape[2:]),
    }


def _work(model: ModelProto, engine: Engine, size: Size | None) -> dict[str, Any]:
    if len(engine.inputs) != 1:
        return {"gflop": None, "gflop_unknown": f"it has {len(engine.inputs)} inputs"}
    tensor = engine.inputs[0]
    work = work_of(model, tensor.name, _running_shape(tensor, size))
    return {"gflop": work.gflop, "gflop_unknown": work.unknown}


def _running_shape(tensor: TensorInfo, size: Size | None) -> list[int] | None:
    """The input's dimensions for one frame."""
    if size is not None:
        return [1, 3, size.height, size.width]
    # Of what takes no pictures only the first dimension can be guessed: a batch of one.
    sides = [
        1 if index == 0 and not isinstance(side, int) else side for index, side in enumerate(tensor.shape)
    ]
    known = [side for side in sides if isinstance(side, int)]
    return known if len(known) == len(sides) else None


def _classes(metadata: Mapping[str, str], found: Inspected | None) -> dict[str, Any] | None:
    named = parse_names(metadata.get("names", ""))
    names = named if found is None else found.info.class_names
    if names is None:
        return None
    return {"names": names, "source": "metadata" if names == named else "assumed"}


def _text(text: str) -> str | None:
    """A text of the metadata on one line, or None where there is none."""
    line = " ".join(text.split())
    return (line if len(line) <= _MAX_TEXT else f"{line[: _MAX_TEXT - 1]}…") or None
