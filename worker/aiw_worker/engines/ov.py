"""OpenVINO's own runtime on the CPU. The only module that imports it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
from numpy.typing import NDArray

from aiw_worker.datatypes import TensorInfo
from aiw_worker.engines.base import no_weights
from aiw_worker.errors import Code, WorkerError, one_line, out_of_memory

NAME = "openvino"
_DEVICE = "CPU"
# OpenVINO says the same of a file that is too short.
_WEIGHTS = re.compile(r"externally stored data in file \((.+), offset: ")
# Where the ONNX frontend puts a model's metadata.
_METADATA = "framework"


def version() -> str:
    """Version of the installed openvino: "2026.4.1"."""
    return str(ov.__version__).partition("-")[0]


def start(model: bytes) -> None:
    """Compiles a model and runs it once, on zeros. Raises whatever OpenVINO does."""
    core = ov.Core()
    compiled = core.compile_model(core.read_model(BytesIO(model)), _DEVICE)
    compiled([np.zeros(tuple(port.shape), np.float32) for port in compiled.inputs])


class OpenVinoEngine:
    """A graph, compiled for the shape of its first input: a dynamic one is as fast as a static one then."""

    def __init__(self, path: Path, threads: int, device: str = "auto", require_provider: str = "") -> None:
        """Reads the graph, and compiles it unless its shape is still open.

        Raises:
            WorkerError: PROVIDER_MISSING for any required but the CPU, MODEL_INVALID.
        """
        if require_provider not in ("", _DEVICE):
            raise WorkerError(
                Code.PROVIDER_MISSING,
                f"the required provider '{require_provider[:64]}' is not one of the engine openvino, "
                f"which has {_DEVICE}; --engine onnxruntime has others",
            )
        self.name = NAME
        self.version = version()
        self.threads = threads
        self.warnings: Sequence[str] = (
            (f"the engine openvino does not use {device}; inference runs on {_DEVICE}",)
            if device not in ("auto", "cpu")
            else ()
        )
        self._path = path
        self._core = ov.Core()
        self._request: Any = None
        self._bound: NDArray[Any] | None = None
        try:
            model = self._core.read_model(str(path))
            self.inputs = tuple(_tensor(port) for port in model.inputs)
            self.outputs = tuple(_tensor(port) for port in model.outputs)
            self.metadata = _metadata(model)
        except Exception as error:
            raise self._not_loaded(error) from error
        self.providers: Sequence[str] = (_DEVICE,)
        # Kept only until it is compiled: it holds the weights a second time.
        self._open: Any = model
        if not model.is_dynamic():
            self._compile()

    def run(self, tensor: NDArray[Any]) -> list[NDArray[Any]]:
        """See Engine.run. The outputs are views of the engine's own memory, valid until the next call."""
        if self._open is not None:
            self._compile(tensor.shape)
        try:
            if self._bound is not tensor:
                # Always the same array after the warm-up: bound once, never copied.
                self._request.set_input_tensor(ov.Tensor(tensor, shared_memory=True))
                self._bound = tensor
            self._request.start_async()
            self._request.wait()
            return [self._request.get_output_tensor(index).data for index in range(len(self.outputs))]
        except Exception as error:
            raise out_of_memory(error, "run the model") or WorkerError(
                Code.INFERENCE_FAILED, f"openvino failed: {_reason(error)}"
            ) from error

    def _compile(self, shape: tuple[int, ...] | None = None) -> None:
        try:
            if shape is not None:
                self._open.reshape(list(shape))
            compiled = self._core.compile_model(self._open, _DEVICE, _settings(self.threads))
            self._request = compiled.create_infer_request()
            self.providers = tuple(compiled.get_property("EXECUTION_DEVICES"))
        except Exception as error:
            raise self._not_loaded(error) from error
        self._open = None

    def _not_loaded(self, error: Exception) -> WorkerError:
        reason = _reason(error)
        beside = _WEIGHTS.search(reason)
        if beside and not (self._path.parent / beside[1]).exists():
            return no_weights(self._path, Path(beside[1]).name)
        return out_of_memory(error, f"load {self._path.name}") or WorkerError(
            Code.MODEL_INVALID,
            f"openvino can't load {self._path.name}; try --engine onnxruntime: {reason}",
        )


def _settings(threads: int) -> dict[str, Any]:
    return {
        "PERFORMANCE_HINT": "LATENCY",
        "NUM_STREAMS": 1,
        "INFERENCE_NUM_THREADS": threads,
        # fp32 is meant: with bf16 units the CPU plugin would choose those.
        "INFERENCE_PRECISION_HINT": "f32",
        # Two workers would sit on the same cores, whose numbers each counts from the first.
        "ENABLE_CPU_PINNING": False,
        # `threads` counts what this process may use, whatever shares a core.
        "ENABLE_HYPER_THREADING": True,
    }


def _metadata(model: Any) -> Mapping[str, str]:
    if not model.has_rt_info([_METADATA]):
        return {}
    found = model.rt_info[_METADATA]
    return {str(key): str(getattr(value, "value", value)) for key, value in found.items()}


def _tensor(port: Any) -> TensorInfo:
    dims = tuple(dim.get_length() if dim.is_static else None for dim in port.partial_shape)
    return TensorInfo(port.any_name, dims, np.dtype(port.element_type.to_dtype()).name)


def _reason(error: Exception) -> str:
    """What failed stands in the last line that says something: before come places in OpenVINO's sources."""
    lines = [line.strip() for line in str(error).splitlines()]
    said = [line for line in lines if line and not line.startswith(("Exception from", "Check '"))]
    return one_line(Exception(said[-1] if said else str(error)))
