"""What the optimiser reads off a graph and changes in it. Works on the file's own format, with onnx."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Container, Iterable, Mapping
from pathlib import Path

import onnx
from onnx import GraphProto, ModelProto, NodeProto, ValueInfoProto

from aiw_worker.datatypes import Size
from aiw_worker.describe.graphfile import unreadable
from aiw_worker.errors import Code, WorkerError

# Operators that only quantised graphs have.
_QUANTISED = frozenset(
    {"QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "ConvInteger", "MatMulInteger"}
    | {"QLinearConv", "QLinearMatMul"}
)
_STANDARD_DOMAINS = frozenset({"", "ai.onnx"})


def load(path: Path) -> ModelProto:
    """A model with all its weights.

    Raises:
        WorkerError: MODEL_INVALID.
    """
    try:
        return onnx.load(str(path))
    except Exception as error:
        raise unreadable(path, error) from error


def is_quantised(graph: GraphProto) -> bool:
    """Whether the graph computes in integers already."""
    return any(node.op_type in _QUANTISED for node in graph.node)


def image_input(graph: GraphProto) -> ValueInfoProto:
    """The input that is no weight.

    Raises:
        WorkerError: MODEL_INVALID where there are several, or it has not four sides.
    """
    weights = {tensor.name for tensor in graph.initializer}
    found = [one for one in graph.input if one.name not in weights]
    if len(found) != 1 or len(found[0].type.tensor_type.shape.dim) != 4:
        raise WorkerError(Code.MODEL_INVALID, "the model has not just one input of 1x3xHxW")
    return found[0]


def with_input_size(model: ModelProto, size: Size) -> None:
    """Gives the graph's input batch 1 and this size; what was known of shapes behind it is forgotten.

    Raises:
        WorkerError: MODEL_INVALID, as image_input().
    """
    dims = image_input(model.graph).type.tensor_type.shape.dim
    for dim, value in zip(dims, (1, 3, size.height, size.width), strict=True):
        dim.dim_value = value
    for output in model.graph.output:
        output.type.tensor_type.ClearField("shape")
    del model.graph.value_info[:]
    # Ultralytics writes height, width.
    set_metadata(model, {"imgsz": json.dumps([size.height, size.width])})


def set_metadata(model: ModelProto, values: Mapping[str, str]) -> None:
    """Sets metadata properties, each once."""
    kept = {prop.key: prop.value for prop in model.metadata_props} | dict(values)
    del model.metadata_props[:]
    onnx.helper.set_model_props(model, kept)


def tidy(model: ModelProto) -> None:
    """Gives every node a name of its own, which the quantiser tells them by, and drops the operator sets
    that nothing uses."""
    taken = {""}
    given = {node.name for node in model.graph.node}
    for index, node in enumerate(model.graph.node):
        if node.name in taken:
            node.name = _free_name(f"node_{index}", given)
        taken.add(node.name)
    used = {node.domain for node in model.graph.node}
    kept = [one for one in model.opset_import if one.domain in used | _STANDARD_DOMAINS]
    del model.opset_import[:]
    model.opset_import.extend(kept)


def _free_name(name: str, given: Container[str]) -> str:
    while name in given:
        name += "_"
    return name


def float_nodes(graph: GraphProto, convolutions: int) -> list[str]:
    """Names of the nodes that a detector keeps in float: those behind its last convolutions, and so many
    layers of convolutions before.

    What comes behind the last convolutions turns their output into boxes and scores, whose ranges have
    nothing to do with each other: 8 bits for both are too few for either. A convolution with one output
    channel does not count: YOLO's DFL layer, which is a weighted mean.

    Args:
        graph: a graph whose nodes have names.
        convolutions: 0 = what is behind the last convolutions; 1 = these too; 3 = most of a YOLO head.
    """
    distance = _distances(graph)
    return [
        node.name
        for node in graph.node
        if distance.get(node.name, 0) < convolutions or _is_tail(node, distance)
    ]


def _is_tail(node: NodeProto, distance: Mapping[str, int]) -> bool:
    return distance[node.name] < 0


def _distances(graph: GraphProto) -> dict[str, int]:
    """For each node the least number of convolutions from it to an output, itself counted, less one:
    -1 behind the last convolutions, 0 for those and what feeds nothing else, and so on."""
    channels = {tensor.name: tensor.dims[0] for tensor in graph.initializer if tensor.dims}
    users = defaultdict(list)
    for node in graph.node:
        for name in node.input:
            users[name].append(node)
    ends = {output.name for output in graph.output}
    distance: dict[str, int] = {}
    # Nodes of a valid graph stand in the order in which they can be computed.
    for node in reversed(graph.node):
        behind = [distance[user.name] for name in node.output for user in users[name]]
        behind += [-1 for name in node.output if name in ends]
        is_convolution = node.op_type == "Conv" and len(node.input) > 1 and channels.get(node.input[1], 2) > 1
        distance[node.name] = min(behind, default=-1) + is_convolution
    return distance


def operator_types(graph: GraphProto, wanted: Iterable[str]) -> list[str]:
    """The operators of a graph that are among those wanted."""
    return sorted({node.op_type for node in graph.node} & set(wanted))
