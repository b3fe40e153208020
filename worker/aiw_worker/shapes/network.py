"""Writes a network's graph node by node, and sizes its random weights."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper

# Mean square of x * sigmoid(x) where x is normal with a mean of 0 and a variance of 1.
_SILU_POWER = 0.356
# The same of the largest of the 25 (and, chained, up to 169) such values that pooling takes.
_POOLED_POWER = 4.0
# What biases add of a mean square of 1. Weights alone would only carry on whatever a layer is given, and an
# estimate that is somewhat off would be so much more off in each layer after it.
_BIAS_POWER = 0.3


@dataclass(frozen=True, slots=True)
class Tensor:
    """An intermediate result. `power` is the mean square to expect of its values."""

    name: str
    channels: int
    power: float = 1.0


class Network:
    """Nodes and initializers so far. Node names follow their modules: "/model.2/cv1/conv/Conv".

    Weights are drawn such that whatever is convolved comes out with a mean square of about 1, as He
    initialisation (arXiv:1502.01852) has it, a part of it from the biases: activations neither explode,
    vanish nor become denormal, however deep it is.

    Args:
        random: where the weights come from; None = initializers have dimensions and no values.
    """

    def __init__(self, random: np.random.Generator | None) -> None:
        self.nodes: list[NodeProto] = []
        self.initializers: list[TensorProto] = []
        self._random = random

    def node(self, kind: str, path: str, inputs: Sequence[str], outputs: int = 1, **attributes: Any) -> str:
        """Adds an operator; returns the name of its first output, ending in "_output_0"."""
        name = f"{path}/{kind}"
        made = [f"{name}_output_{index}" for index in range(outputs)]
        self.nodes.append(helper.make_node(kind, list(inputs), made, name, **attributes))
        return made[0]

    def constant(self, path: str, value: NDArray[Any]) -> str:
        """A value that belongs to the graph's shape: it is not counted among the weights."""
        return self.node("Constant", path, (), value=numpy_helper.from_array(value))

    def integers(self, path: str, *values: int) -> str:
        """A constant list of int64."""
        return self.constant(path, np.array(values, np.int64))

    def conv(
        self,
        x: Tensor,
        path: str,
        channels: int,
        kernel: int = 1,
        *,
        stride: int = 1,
        groups: int = 1,
        bias: float | None = None,
    ) -> Tensor:
        """A convolution, padded so that a stride of 1 keeps the size; biases are random or all the same."""
        fan_in = x.channels // groups * kernel * kernel
        module = path.strip("/").replace("/", ".")
        deviation = math.sqrt((1 - _BIAS_POWER) / (fan_in * x.power))
        shape = (channels, x.channels // groups, kernel, kernel)
        weight = self._random_values(f"{module}.weight", shape, deviation)
        spread, middle = (math.sqrt(_BIAS_POWER), 0.0) if bias is None else (0.0, bias)
        offset = self._random_values(f"{module}.bias", (channels,), spread, middle)
        name = self.node(
            "Conv",
            path,
            (x.name, weight, offset),
            dilations=[1, 1],
            group=groups,
            kernel_shape=[kernel] * 2,
            pads=[kernel // 2] * 4,
            strides=[stride] * 2,
        )
        return Tensor(name, channels)

    def silu(self, x: Tensor, path: str) -> Tensor:
        """x * sigmoid(x), as exporters write it."""
        gate = self.node("Sigmoid", path, (x.name,))
        return Tensor(self.node("Mul", path, (x.name, gate)), x.channels, _SILU_POWER * x.power)

    def add(self, a: Tensor, b: Tensor, path: str) -> Tensor:
        """Their sum."""
        return Tensor(self.node("Add", path, (a.name, b.name)), a.channels, a.power + b.power)

    def concat(self, parts: Sequence[Tensor], path: str) -> Tensor:
        """All channels of the parts, in their order."""
        channels = sum(part.channels for part in parts)
        power = sum(part.channels * part.power for part in parts) / channels
        return Tensor(self.node("Concat", path, [part.name for part in parts], axis=1), channels, power)

    def halves(self, x: Tensor, path: str) -> tuple[Tensor, Tensor]:
        """Its first and its second half of channels."""
        half = x.channels // 2
        first = self.node("Split", path, (x.name, self.integers(path, half, half)), 2, axis=1)
        second = first.replace("_output_0", "_output_1")
        return Tensor(first, half, x.power), Tensor(second, half, x.power)

    def pool(self, x: Tensor, path: str, kernel: int) -> Tensor:
        """The largest of each neighbourhood; the size stays."""
        pads = [kernel // 2] * 4
        name = self.node("MaxPool", path, (x.name,), kernel_shape=[kernel] * 2, pads=pads, strides=[1, 1])
        return Tensor(name, x.channels, _POOLED_POWER)

    def twice_as_large(self, x: Tensor, path: str) -> Tensor:
        """Each pixel four times."""
        scales = self.constant(path, np.array([1, 1, 2, 2], np.float32))
        name = self.node(
            "Resize",
            path,
            (x.name, "", scales),
            coordinate_transformation_mode="asymmetric",
            mode="nearest",
            nearest_mode="floor",
        )
        return Tensor(name, x.channels, x.power)

    def initializer(self, name: str, value: NDArray[np.float32]) -> str:
        """Weights of given values."""
        self.initializers.append(numpy_helper.from_array(value, name))
        return name

    def _random_values(self, name: str, shape: tuple[int, ...], deviation: float, middle: float = 0.0) -> str:
        if self._random is None:
            self.initializers.append(TensorProto(name=name, data_type=TensorProto.FLOAT, dims=shape))
            return name
        values = self._random.standard_normal(shape, np.float32)
        values *= np.float32(deviation)
        values += np.float32(middle)
        return self.initializer(name, values)
