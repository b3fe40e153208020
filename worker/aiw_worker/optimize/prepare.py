"""A model's file rewritten: at an input size of its own, simplified, with more metadata."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import onnx

from aiw_worker.datatypes import Size
from aiw_worker.engines import simplify
from aiw_worker.notes import NOTES_KEY, model_notes
from aiw_worker.optimize import graph as graphs

# What the quantiser can read; ranges of float16 graphs it takes for something else.
_FLOAT = onnx.TensorProto.FLOAT


def prepare(path: Path, size: Size | None, out: Path) -> dict[str, Any]:
    """Writes the model with constants folded and every shape known.

    Args:
        path: the model.
        size: input size that it gets; None = the one it has.
        out: the file to write.

    Returns:
        {"why": what keeps it from being quantised, or null}

    Raises:
        WorkerError: MODEL_INVALID, also where the graph can't have that size.
    """
    model = graphs.load(path)
    metadata = {prop.key: prop.value for prop in model.metadata_props}
    with tempfile.TemporaryDirectory(dir=out.parent, prefix="preparing-") as scratch:
        resized = Path(scratch) / path.name
        if size is not None:
            graphs.with_input_size(model, size)
            metadata = {prop.key: prop.value for prop in model.metadata_props}
        onnx.save(model, str(resized))
        simple = Path(scratch) / "simple.onnx"
        simplify(resized, simple)
        model = onnx.shape_inference.infer_shapes(graphs.load(simple))
    graphs.tidy(model)
    graphs.set_metadata(model, metadata)
    onnx.save(model, str(out))
    return {"why": _not_quantisable(model)}


def finish(path: Path, metadata: Mapping[str, str], notes: Sequence[str], out: Path) -> None:
    """Writes the model with these metadata properties set, and notes before those that it has.

    Raises:
        WorkerError: MODEL_INVALID.
    """
    model = graphs.load(path)
    # First, since only so many are read.
    all_notes = [*notes, *model_notes({prop.key: prop.value for prop in model.metadata_props})]
    noted = {NOTES_KEY: json.dumps(all_notes)} if all_notes else {}
    graphs.set_metadata(model, {**metadata, **noted})
    onnx.save(model, str(out))


def _not_quantisable(model: onnx.ModelProto) -> str | None:
    if graphs.is_quantised(model.graph):
        return "it is quantised already"
    if graphs.image_input(model.graph).type.tensor_type.elem_type != _FLOAT:
        return "its input is not float32"
    if not any(node.op_type == "Conv" for node in model.graph.node):
        return "it has no convolutions"
    return None
