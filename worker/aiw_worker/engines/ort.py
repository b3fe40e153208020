"""onnxruntime. The only module that imports it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from aiw_worker.datatypes import TensorInfo
from aiw_worker.errors import Code, WorkerError, one_line

NAME = "onnxruntime"
_CUDA = "CUDAExecutionProvider"
_CPU = "CPUExecutionProvider"
_DTYPES = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(double)": "float64",
    "tensor(uint8)": "uint8",
    "tensor(int8)": "int8",
    "tensor(int32)": "int32",
    "tensor(int64)": "int64",
    "tensor(bool)": "bool",
}

# Fatal only: what fails is raised as well, and goes out as one line of the worker's own.
ort.set_default_logger_severity(4)


def version() -> str:
    """Version of the installed onnxruntime."""
    return str(ort.__version__)


def available_providers() -> list[str]:
    """The execution providers that the installed onnxruntime says it has, whether they start or not."""
    return list(ort.get_available_providers())


def start_provider(name: str, model: bytes) -> None:
    """Opens a session of a model with this provider alone and runs it once; its input is two float32.

    Raises:
        RuntimeError: with onnxruntime's reason; where it only logs one, that is on stderr.
    """
    options = _options(1)
    options.log_severity_level = 3
    # A provider whose libraries can't be loaded is left out without an error; then only the log says why,
    # and it is the default logger that says it.
    ort.set_default_logger_severity(3)
    try:
        session = ort.InferenceSession(model, options, providers=[name], enable_fallback=0)
        if name not in session.get_providers():
            raise RuntimeError("onnxruntime left it out without a reason")
        session.run(None, {session.get_inputs()[0].name: np.ones(2, np.float32)})
    finally:
        ort.set_default_logger_severity(4)


class OrtEngine:
    """An onnxruntime session."""

    def __init__(self, path: Path, threads: int) -> None:
        wanted = [name for name in (_CUDA, _CPU) if name in ort.get_available_providers()]
        try:
            self._session = ort.InferenceSession(str(path), _options(threads), providers=wanted)
        except Exception as error:
            raise WorkerError(
                Code.MODEL_INVALID, f"onnxruntime can't load {path.name}, export it again: {one_line(error)}"
            ) from error
        self.name = NAME
        self.version = version()
        self.threads = threads
        self.providers = tuple(self._session.get_providers())
        self.warnings = tuple(f"{name} did not start" for name in wanted if name not in self.providers)
        self.inputs = tuple(_tensor(item) for item in self._session.get_inputs())
        self.outputs = tuple(_tensor(item) for item in self._session.get_outputs())
        self.metadata = dict(self._session.get_modelmeta().custom_metadata_map)

    def run(self, tensor: NDArray[Any]) -> list[NDArray[Any]]:
        """See Engine.run."""
        try:
            outputs: list[NDArray[Any]] = self._session.run(None, {self.inputs[0].name: tensor})
        except Exception as error:
            raise WorkerError(Code.INFERENCE_FAILED, f"onnxruntime failed: {one_line(error)}") from error
        return outputs


def _options(threads: int) -> Any:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    # Threads spin for work while a graph runs, which takes a tenth off it, but not between frames: that
    # spinning took a third of all CPU at 12 fps from whoever prepares the next frame.
    options.add_session_config_entry("session.intra_op.allow_spinning", "1")
    options.add_session_config_entry("session.force_spinning_stop", "1")
    return options


def _tensor(item: Any) -> TensorInfo:
    return TensorInfo(item.name, tuple(item.shape), _DTYPES.get(item.type, item.type))
