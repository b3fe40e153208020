"""How many weights a graph has, and in what numbers they and the arithmetic are."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from onnx import GraphProto, NodeProto, TensorProto

from aiw_worker.describe.graphfile import tensors, walk
from aiw_worker.describe.operators import CONVERTERS, DYNAMIC, INTEGER, WORKING

_TYPES: dict[int, str] = {
    TensorProto.FLOAT: "fp32",
    TensorProto.DOUBLE: "fp64",
    TensorProto.FLOAT16: "fp16",
    TensorProto.BFLOAT16: "bf16",
    TensorProto.INT8: "int8",
    TensorProto.UINT8: "int8",
    TensorProto.INT4: "int4",
    TensorProto.UINT4: "int4",
    TensorProto.FLOAT8E4M3FN: "fp8",
    TensorProto.FLOAT8E4M3FNUZ: "fp8",
    TensorProto.FLOAT8E5M2: "fp8",
    TensorProto.FLOAT8E5M2FNUZ: "fp8",
}
_QUANTISED = frozenset({"int8", "int4"})
# A type of a smaller share is that of biases or of a constant, not of the model.
_LEAST_SHARE = 0.05


@dataclass(frozen=True, slots=True)
class Weights:
    """`count` weights; `shares` of them by type, largest first, which add up to 1 where there are any."""

    count: int
    precision: str
    shares: dict[str, float]


def weigh(graph: GraphProto) -> Weights:
    """Weights are the initializers of a type that networks compute with, but for scales and zero points.

    Constants count where an operator takes them for its weights: some exporters write all weights so.
    """
    uses = _Uses(graph)
    counts: Counter[str] = Counter()
    for tensor in (*tensors(graph), *uses.constants()):
        kind = _kind(tensor, uses)
        if kind is not None:
            counts[kind] += math.prod(tensor.dims)
    total = counts.total()
    shares = {kind: count / total for kind, count in counts.most_common()} if total else {}
    return Weights(total, _precision(shares, uses.operators), shares)


class _Uses:
    """What a graph's nodes make of its tensors, by name."""

    def __init__(self, graph: GraphProto) -> None:
        self.operators: set[str] = set()
        self.scales: set[str] = set()
        # Taken by QuantizeLinear: kept in floats, computed with in integers.
        self.quantised: set[str] = set()
        # 32-bit biases of integer arithmetic.
        self.biases: set[str] = set()
        self._weights: set[str] = set()
        self._constants: dict[str, TensorProto] = {}
        for node, _ in walk(graph):
            self.operators.add(node.op_type)
            self._note(node)

    def constants(self) -> Iterator[TensorProto]:
        """Constants that are an operator's weights."""
        for name in self._weights & self._constants.keys():
            tensor = TensorProto()
            tensor.CopyFrom(self._constants[name])
            tensor.name = name
            yield tensor

    def _note(self, node: NodeProto) -> None:
        kind, inputs = node.op_type, list(node.input)
        if kind == "Constant":
            self._constants.update(
                (node.output[0], item.t) for item in node.attribute if item.name == "value"
            )
        elif kind in WORKING:
            self._weights |= _at(inputs, (WORKING[kind].weights,))
            self.scales |= _at(inputs, WORKING[kind].scales)
            if kind == "QLinearConv":
                self.biases |= _at(inputs, (8,))
        elif kind in CONVERTERS:
            self._weights |= _at(inputs, (0,))
            self.scales |= _at(inputs, CONVERTERS[kind])
            (self.quantised if kind == "QuantizeLinear" else self.biases).update(_at(inputs, (0,)))


def _at(names: list[str], places: tuple[int, ...]) -> set[str]:
    return {names[place] for place in places if place < len(names) and names[place]}


def _kind(tensor: TensorProto, uses: _Uses) -> str | None:
    if tensor.name in uses.scales or not tensor.dims:
        return None
    if tensor.name in uses.quantised:
        return "int8"
    if tensor.data_type == TensorProto.INT32 and tensor.name in uses.biases:
        return "int8"
    return _TYPES.get(tensor.data_type)


def _precision(shares: dict[str, float], operators: set[str]) -> str:
    """ "fp32", "int8 QDQ", "mixed int8 QDQ and fp32": the types that matter, and how integers are used."""
    kinds = [kind for kind, share in shares.items() if share >= _LEAST_SHARE]
    if not kinds:
        return "no weights"
    names = [f"{kind} {_scheme(operators)}" if kind in _QUANTISED else kind for kind in kinds]
    return names[0] if len(names) == 1 else f"mixed {' and '.join(names)}"


def _scheme(operators: set[str]) -> str:
    if operators & DYNAMIC:
        return "dynamic"
    if operators & INTEGER:
        return "QOperator"
    return "QDQ" if "QuantizeLinear" in operators else "weights only"
