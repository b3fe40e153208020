"""Tiny ONNX graphs of each family, whose outputs are known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SIDE = 64
CELLS = 84


def save(
    path: Path, nodes: list[Any], inputs: list[Any], outputs: list[Any], constants: Any, **meta: str
) -> Path:
    """A model of these nodes; `constants` are its initializers, numpy arrays by name."""
    graph = helper.make_graph(
        nodes, "g", inputs, outputs, [numpy_helper.from_array(v, k) for k, v in constants.items()]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, meta)
    onnx.save(model, str(path))
    return path


def fixed(
    path: Path, output: Any, dtype: str = "float32", shape: Any = (1, 3, SIDE, SIDE), **meta: str
) -> Path:
    """A graph that answers `output`, whatever comes in."""
    kind = {"float32": TensorProto.FLOAT, "float16": TensorProto.FLOAT16, "uint8": TensorProto.UINT8}[dtype]
    value = np.asarray(output, np.float32 if dtype == "uint8" else dtype)
    out_kind = TensorProto.FLOAT16 if dtype == "float16" else TensorProto.FLOAT
    nodes = [
        # The input must be used, and must not matter.
        helper.make_node("Cast", ["images"], ["cast"], to=out_kind),
        helper.make_node("ReduceMean", ["cast"], ["mean"], keepdims=0),
        helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
        helper.make_node("Add", ["value", "nothing"], ["output0"]),
    ]
    return save(
        path,
        nodes,
        [helper.make_tensor_value_info("images", kind, list(shape))],
        [helper.make_tensor_value_info("output0", out_kind, list(value.shape))],
        {"value": value, "zero": np.zeros((), value.dtype)},
        **meta,
    )


def dynamic_yolo11(path: Path, **meta: str) -> Path:
    """(1, 6, cells) for any input: rows 0-2 and 3-5 are the mean red, green and blue of each cell."""
    nodes = []
    for stride in (8, 16, 32):
        nodes += [
            helper.make_node(
                "AveragePool", ["images"], [f"p{stride}"], kernel_shape=[stride] * 2, strides=[stride] * 2
            ),
            helper.make_node("Reshape", [f"p{stride}", "flat"], [f"f{stride}"]),
        ]
    nodes += [
        helper.make_node("Concat", ["f8", "f16", "f32"], ["cells"], axis=2),
        helper.make_node("Concat", ["cells", "cells"], ["output0"], axis=1),
    ]
    return save(
        path,
        nodes,
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["batch", 3, "height", "width"])],
        [helper.make_tensor_value_info("output0", TensorProto.FLOAT, ["batch", None, "anchors"])],
        {"flat": np.array([1, 3, -1], np.int64)},
        **meta,
    )


def network(
    path: Path, nodes: list[Any], constants: Any, shape: Any = (1, 3, SIDE, SIDE), dtype: str = "float32"
) -> Path:
    """Nodes between an input `images` and an output `output0` of unknown shape."""
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    return save(
        path,
        nodes,
        [helper.make_tensor_value_info("images", kind, list(shape))],
        [helper.make_tensor_value_info("output0", kind, None)],
        constants,
    )
