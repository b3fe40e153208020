"""Static int8 quantisation by onnxruntime's quantiser, in QDQ form, which every engine reads.

uint8 activations with their ranges' least and largest value, int8 weights by channel: what
https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html says for x86-64 with VNNI.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantType
from onnxruntime.quantization.calibrate import TensorsData, create_calibrator
from onnxruntime.quantization.qdq_quantizer import QDQQuantizer

from aiw_worker.datatypes import Frame, Size
from aiw_worker.engines.base import Engine
from aiw_worker.errors import Code, WorkerError, one_line, out_of_memory
from aiw_worker.inspect import inspect
from aiw_worker.optimize import graph as graphs
from aiw_worker.preprocess import Preprocessor

# By the name of the setting: which operators compute in 8 bits.
OPERATORS: Mapping[str, tuple[str, ...]] = {
    "conv": ("Conv",),
    "all": (
        *("Conv", "MatMul", "Gemm", "Sigmoid", "Relu", "LeakyRelu", "Clip", "Mul", "Add"),
        *("Concat", "Split", "MaxPool", "AveragePool", "GlobalAveragePool", "Resize"),
    ),
}
# By the name of the setting: how many layers of convolutions before the output stay in float.
FLOAT_LAYERS: Mapping[str, int] = {"decode": 0, "outputs": 1, "head": 3}


def calibrate(path: Path, engine: Engine, frames: Iterable[Frame], out: Path) -> int:
    """Writes the range of every tensor over the frames, as JSON of [least, largest] by name.

    Args:
        path: a graph of static shape whose nodes have names.
        engine: the same graph, loaded: it tells how the family wants its input.
        frames: what the model is to look at.
        out: the file to write.

    Returns:
        The number of frames.

    Raises:
        WorkerError: QUANTIZE_FAILED.
    """
    info = inspect(engine, Size(0, 0), path.name).info
    reader = _Reader(engine.inputs[0].name, Preprocessor(info.size, info.style, info.dtype), frames)
    operators = graphs.operator_types(graphs.load(path).graph, OPERATORS["all"])
    with tempfile.TemporaryDirectory(dir=out.parent, prefix="calibrating-") as scratch:
        try:
            augmented = str(Path(scratch) / "augmented.onnx")
            calibrator = create_calibrator(path, operators, augmented, CalibrationMethod.MinMax)
            calibrator.set_execution_providers(["CPUExecutionProvider"])
            calibrator.collect_data(reader)
            ranges = calibrator.compute_data()
        except Exception as error:
            raise _failed(path, error) from error
    found = {
        name: [float(np.min(data.range_value[0])), float(np.max(data.range_value[1]))]
        for name, data in ranges.items()
    }
    out.write_text(json.dumps(found))
    return reader.count


def quantize(path: Path, ranges: Path, operators: str, kept_float: str, out: Path) -> None:
    """Writes a graph with 8-bit operators.

    Args:
        path: the graph that was calibrated, at whatever input size.
        ranges: what calibrate() wrote.
        operators: a name of OPERATORS.
        kept_float: a name of FLOAT_LAYERS.
        out: the file to write.

    Raises:
        WorkerError: QUANTIZE_FAILED, or USAGE when the ranges can't be read.
    """
    data = _ranges(ranges)
    model = graphs.load(path)
    excluded = graphs.float_nodes(model.graph, FLOAT_LAYERS[kept_float])
    types = graphs.operator_types(model.graph, OPERATORS[operators])
    try:
        quantizer = QDQQuantizer(
            model,
            per_channel=True,
            reduce_range=False,
            weight_qType=QuantType.QInt8,
            activation_qType=QuantType.QUInt8,
            tensors_range=TensorsData(CalibrationMethod.MinMax, data),
            nodes_to_quantize=[],
            nodes_to_exclude=excluded,
            op_types_to_quantize=types,
            extra_options={},
        )
        quantizer.quantize_model()
        quantised = quantizer.model.model
    except Exception as error:
        raise _failed(path, error) from error
    if not graphs.is_quantised(quantised.graph):
        raise WorkerError(
            Code.QUANTIZE_FAILED, f"{path.name} has no operator that could be quantised ({', '.join(types)})"
        )
    onnx.save(quantised, str(out))


def _ranges(path: Path) -> dict[str, tuple[np.float32, np.float32]]:
    try:
        found = json.loads(path.read_text()).items()
        return {name: (np.float32(low), np.float32(high)) for name, (low, high) in found}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise out_of_memory(error, f"read {path.name}") or WorkerError(
            Code.USAGE, f"the ranges of {path.name} can't be read: {one_line(error)}"
        ) from error


def _failed(path: Path, error: Exception) -> WorkerError:
    return out_of_memory(error, f"quantise {path.name}") or WorkerError(
        Code.QUANTIZE_FAILED, f"onnxruntime can't quantise {path.name}: {one_line(error)}"
    )


class _Reader(CalibrationDataReader):  # type: ignore[misc]
    """The input tensor of one frame after the other."""

    def __init__(self, name: str, preprocessor: Preprocessor, frames: Iterable[Frame]) -> None:
        self._name = name
        self._preprocessor = preprocessor
        self._frames = iter(frames)
        self.count = 0

    def get_next(self) -> dict[str, Any] | None:
        """The next input, or None at the end."""
        frame = next(self._frames, None)
        if frame is None:
            return None
        self.count += 1
        tensor, _ = self._preprocessor.prepare(frame)
        return {self._name: tensor}
