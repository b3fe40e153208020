"""The operators that do a network's arithmetic, and where their inputs lie.

Of the standard set, and of onnxruntime's own ("com.microsoft"), which its optimiser and quantiser write:
https://onnx.ai/onnx/operators/ and onnxruntime's docs/ContribOperators.md.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Operator:
    """Numbers of the inputs that hold the data and the weights (of a product: its two sides)."""

    data: int
    weights: int
    # "conv", "deconv" or "product".
    kind: str
    # Of scales and zero points, which are no weights.
    scales: tuple[int, ...] = ()


WORKING = {
    "Conv": Operator(0, 1, "conv"),
    "FusedConv": Operator(0, 1, "conv"),
    "ConvInteger": Operator(0, 1, "conv", (2, 3)),
    "QLinearConv": Operator(0, 3, "conv", (1, 2, 4, 5, 6, 7)),
    "ConvTranspose": Operator(0, 1, "deconv"),
    "Gemm": Operator(0, 1, "product"),
    "QGemm": Operator(0, 3, "product", (1, 2, 4, 5, 7, 8)),
    "MatMul": Operator(0, 1, "product"),
    "FusedMatMul": Operator(0, 1, "product"),
    "MatMulInteger": Operator(0, 1, "product", (2, 3)),
    "MatMulIntegerToFloat": Operator(0, 1, "product", (2, 3, 4, 5)),
    "DynamicQuantizeMatMul": Operator(0, 1, "product", (2, 3)),
    "QLinearMatMul": Operator(0, 3, "product", (1, 2, 4, 5, 6, 7)),
}
# Quantise or dequantise their input 0.
CONVERTERS = {"QuantizeLinear": (1, 2), "DequantizeLinear": (1, 2)}

DYNAMIC = frozenset(
    {"DynamicQuantizeLinear", "ConvInteger", "MatMulInteger", "MatMulIntegerToFloat", "DynamicQuantizeMatMul"}
)
INTEGER = frozenset({"QLinearConv", "QLinearMatMul", "QGemm"})
