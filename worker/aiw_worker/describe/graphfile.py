"""An ONNX file as its own format has it, without the weights that lie in files beside it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import onnx
from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto
from onnx.external_data_helper import ExternalDataInfo, uses_external_data
from onnx.inliner import inline_local_functions

from aiw_worker.errors import Code, WorkerError, one_line, out_of_memory

STANDARD_DOMAINS = ("", "ai.onnx")


def read_graph(path: Path) -> ModelProto:
    """A model, its local functions written out.

    Raises:
        WorkerError: MODEL_INVALID.
    """
    try:
        model = onnx.load(str(path), load_external_data=False)
        return inline_local_functions(model) if model.functions else model
    except Exception as error:
        raise unreadable(path, error) from error


def unreadable(path: Path, error: Exception) -> WorkerError:
    """The error of a graph that can't be loaded: protobuf and onnx's own native code know no common one."""
    return out_of_memory(error, f"read {path.name}") or WorkerError(
        Code.MODEL_INVALID, f"onnx can't read {path.name}, export it again: {one_line(error)}"
    )


def walk(graph: GraphProto, depth: int = 0) -> Iterator[tuple[NodeProto, int]]:
    """Every node, and how many branches and loops it lies in."""
    for node in graph.node:
        yield node, depth
        for inner in _bodies(node):
            yield from walk(inner, depth + 1)


def tensors(graph: GraphProto) -> Iterator[TensorProto]:
    """Every initializer, those of branches and loops too."""
    yield from graph.initializer
    for node in graph.node:
        for inner in _bodies(node):
            yield from tensors(inner)


def weight_files(model: ModelProto, path: Path) -> list[Path]:
    """The files beside the model that hold weights, each once."""
    named = dict.fromkeys(
        ExternalDataInfo(tensor).location for tensor in tensors(model.graph) if uses_external_data(tensor)
    )
    folder = path.parent.resolve()
    files = [(folder / name).resolve() for name in named]
    # Whatever a model names elsewhere is none of its files.
    return [file for file in files if file.is_relative_to(folder) and file.is_file()]


def opsets(model: ModelProto) -> tuple[int | None, dict[str, int]]:
    """Version of the standard operators, and of the others by their domain."""
    versions = {entry.domain: entry.version for entry in model.opset_import}
    standard = next((versions[domain] for domain in STANDARD_DOMAINS if domain in versions), None)
    return standard, {key: value for key, value in versions.items() if key not in STANDARD_DOMAINS}


def _bodies(node: NodeProto) -> Iterator[GraphProto]:
    for attribute in node.attribute:
        if attribute.type == AttributeProto.GRAPH:
            yield attribute.g
        elif attribute.type == AttributeProto.GRAPHS:
            yield from attribute.graphs
