"""How much arithmetic one frame takes, from the shapes in a graph."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from onnx import GraphProto, ModelProto, NodeProto, TypeProto, ValueInfoProto
from onnx.shape_inference import infer_shapes

from aiw_worker.describe.graphfile import walk
from aiw_worker.describe.operators import WORKING, Operator
from aiw_worker.errors import one_line

# Constants up to this size may say a shape; of weights only their dimensions matter.
_MOST_SHAPE_VALUES = 4096

_Shape = list["int | None"]


@dataclass(frozen=True, slots=True)
class Work:
    """1e9 operations, a multiplication and an addition counting as two; None for a reason."""

    gflop: float | None
    unknown: str | None = None


class _UnknownError(Exception):
    """The work can't be told, for the reason given."""


def work_of(model: ModelProto, name: str, shape: Sequence[int] | None) -> Work:
    """Work of the convolutions and matrix products at an input size. Empties the model's weights.

    Args:
        model: its graph is changed; read it again for anything else.
        name: the input.
        shape: of the input, every dimension; None = it can't be told.
    """
    if shape is None:
        return Work(None, "the size of its input is not known")
    try:
        _without_weights(model.graph)
        _set_input(model.graph, name, shape)
        graph = infer_shapes(model, data_prop=True).graph
        shapes = _shapes(graph)
        return Work(sum(_operations(node, depth, shapes) for node, depth in walk(graph)) / 1e9)
    except _UnknownError as error:
        return Work(None, str(error))
    except Exception as error:
        # Of native code, which has no common one: not to know the work is no reason to know nothing.
        return Work(None, f"its shapes can't be inferred: {one_line(error)}")


def _without_weights(graph: GraphProto) -> None:
    """Inference of shapes copies the model; a model of 1 GB need not be copied for it."""
    for tensor in graph.initializer:
        if math.prod(tensor.dims) > _MOST_SHAPE_VALUES:
            for field in ("raw_data", "float_data", "int32_data", "int64_data", "double_data", "uint64_data"):
                tensor.ClearField(field)


def _set_input(graph: GraphProto, name: str, shape: Sequence[int]) -> None:
    (value,) = [item for item in graph.input if item.name == name]
    dims = value.type.tensor_type.shape.dim
    if all(dim.HasField("dim_value") for dim in dims):
        return
    for dim, side in zip(dims, shape, strict=True):
        dim.dim_value = side
    # What was written down for any size would stand against what is inferred for this one.
    del graph.value_info[:]
    for output in graph.output:
        output.type.tensor_type.ClearField("shape")


def _shapes(graph: GraphProto) -> dict[str, _Shape]:
    known: dict[str, _Shape] = {tensor.name: [*tensor.dims] for tensor in graph.initializer}
    for value in (*graph.value_info, *graph.output, *graph.input):
        shape = _shape(value)
        if shape is not None:
            known.setdefault(value.name, shape)
    return known


def _shape(value: ValueInfoProto) -> _Shape | None:
    tensor: TypeProto.Tensor = value.type.tensor_type
    if not tensor.HasField("shape"):
        return None
    return [dim.dim_value if dim.HasField("dim_value") else None for dim in tensor.shape.dim]


def _operations(node: NodeProto, depth: int, shapes: dict[str, _Shape]) -> int:
    operator = WORKING.get(node.op_type)
    if operator is None:
        return 0
    if depth > 0:
        raise _UnknownError(f"part of its work ({node.op_type}) lies in a branch or loop")
    return 2 * _multiplications(node, operator, shapes)


def _multiplications(node: NodeProto, operator: Operator, shapes: dict[str, _Shape]) -> int:
    """Each output of a convolution is a sum over its kernel, each of a product one over a row."""
    data = _known(shapes, node, node.input[operator.data])
    if operator.kind == "product":
        turned = any(item.name == "transA" and item.i for item in node.attribute)
        return math.prod(_known(shapes, node, node.output[0])) * data[-2 if turned else -1]
    kernel = math.prod(_known(shapes, node, node.input[operator.weights])[1:])
    # Of a transposed one it is each input that is multiplied with every weight of its kernel.
    over = data if operator.kind == "deconv" else _known(shapes, node, node.output[0])
    return math.prod(over) * kernel


def _known(shapes: dict[str, _Shape], node: NodeProto, name: str) -> list[int]:
    shape = shapes.get(name)
    sides = [side for side in shape or [] if side is not None]
    if not shape or len(sides) != len(shape):
        raise _UnknownError(f"the shape of {name or 'an input'} at {node.name or node.op_type} is not known")
    return sides
