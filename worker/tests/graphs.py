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


def heavy(path: Path, floats: int = 40_000_000) -> Path:
    """Four bytes of resident memory for each of its floats, of which each run reads one."""
    nodes = [
        helper.make_node("ReduceMean", ["images"], ["mean"], keepdims=0),
        helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
        helper.make_node("Cast", ["nothing"], ["index"], to=TensorProto.INT64),
        helper.make_node("Gather", ["ballast", "index"], ["one"]),
        helper.make_node("Add", ["value", "one"], ["output0"]),
    ]
    return save(
        path,
        nodes,
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, SIDE, SIDE])],
        [helper.make_tensor_value_info("output0", TensorProto.FLOAT, [1, 6, CELLS])],
        {
            "value": np.zeros((1, 6, CELLS), np.float32),
            "zero": np.zeros((), np.float32),
            "ballast": np.zeros(floats, np.float32),
        },
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


def conv_yolo11(path: Path, size: int | None = SIDE, anchors: bool = False, **meta: str) -> Path:
    """YOLO11's form in small, with weights that are always the same: two convolutions, then at each of three
    strides a hidden one and two heads (boxes, scores), and behind them a one-channel DFL convolution.
    Nodes are named by their outputs.

    Args:
        path: the file to write.
        size: of the input, both sides; None = open.
        anchors: adds a constant of as many columns as a 64x64 input has cells, as exporters write.
        **meta: metadata properties.
    """
    random = np.random.default_rng(5)
    nodes: list[Any] = []
    constants: dict[str, Any] = {
        "flat": np.array([1, 10, -1]),
        "parts": np.array([8, 2]),
        "bins": np.array([1, 4, 2, -1]),
        "boxes": np.array([1, 4, -1]),
        "dfl_w": np.array([0, 1], np.float32).reshape(1, 2, 1, 1),
        "side": np.float32(SIDE),
        "anchors": np.full((1, 4, CELLS), 0.5, np.float32),
    }

    def node(kind: str, inputs: list[str], *outputs: str, **attributes: Any) -> None:
        nodes.append(helper.make_node(kind, inputs, list(outputs), name=outputs[0], **attributes))

    def conv(of: str, to: str, channels: tuple[int, int], kernel: int = 1) -> None:
        fan = channels[0] * kernel * kernel
        weights = random.normal(0, 2 / fan**0.5, (channels[1], channels[0], kernel, kernel))
        constants[f"{to}_w"] = weights.astype(np.float32)
        constants[f"{to}_b"] = random.normal(0, 0.1, channels[1]).astype(np.float32)
        node("Conv", [of, f"{to}_w", f"{to}_b"], to, kernel_shape=[kernel] * 2, strides=[kernel] * 2)

    conv("images", "deep", (3, 8), 4)
    node("Relu", ["deep"], "deep_relu")
    conv("deep_relu", "p8", (8, 8), 2)
    node("AveragePool", ["p8"], "p16", kernel_shape=[2, 2], strides=[2, 2])
    node("AveragePool", ["p16"], "p32", kernel_shape=[2, 2], strides=[2, 2])
    for stride in (8, 16, 32):
        conv(f"p{stride}", f"hidden{stride}", (8, 8))
        node("Relu", [f"hidden{stride}"], f"relu{stride}")
        conv(f"relu{stride}", f"box{stride}", (8, 8))
        conv(f"relu{stride}", f"cls{stride}", (8, 2))
        node("Concat", [f"box{stride}", f"cls{stride}"], f"both{stride}", axis=1)
        node("Reshape", [f"both{stride}", "flat"], f"flat{stride}")
    node("Concat", ["flat8", "flat16", "flat32"], "cells", axis=2)
    node("Split", ["cells", "parts"], "box", "cls", axis=1)
    node("Reshape", ["box", "bins"], "binned")
    node("Transpose", ["binned"], "turned", perm=[0, 2, 1, 3])
    node("Softmax", ["turned"], "soft", axis=1)
    node("Conv", ["soft", "dfl_w"], "dfl", kernel_shape=[1, 1])
    node("Reshape", ["dfl", "boxes"], "ltrb")
    node("Mul", ["ltrb", "side"], "scaled")
    if anchors:
        node("Add", ["scaled", "anchors"], "placed")
    node("Sigmoid", ["cls"], "scores")
    node("Concat", ["placed" if anchors else "scaled", "scores"], "output0", axis=1)
    shape = ["batch", 3, "height", "width"] if size is None else [1, 3, size, size]
    return save(
        path,
        nodes,
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("output0", TensorProto.FLOAT, [1, 6, None])],
        constants,
        **meta,
    )
