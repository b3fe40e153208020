"""onnxruntime. The only module that imports it."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from aiw_worker.datatypes import TensorInfo
from aiw_worker.engines.base import no_weights
from aiw_worker.errors import Code, WorkerError, one_line, out_of_memory
from aiw_worker.providers import failure_of, tiny_model

NAME = "onnxruntime"
_CUDA = "CUDAExecutionProvider"
_TENSORRT = "TensorrtExecutionProvider"
_CPU = "CPUExecutionProvider"
# The path's last part names the file. The other way to say it is that of 1.23, the last for Python 3.10.
_NO_WEIGHTS = re.compile(
    r'(?:External data path does not exist: "|cannot get file size: No such file or directory \[)'
    r'(?:[^"\]]*[/\\])?([^"\]/\\]+)["\]]'
)
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
    with _errors_logged():
        session = _session_with(name, model, _options(1))
        session.run(None, {session.get_inputs()[0].name: np.ones(2, np.float32)})


def nodes_taken(name: str, path: Path, threads: int) -> int | None:
    """Opens a session of a model with this provider first: how many of the graph's nodes it takes.

    None where this onnxruntime is too old (before 1.24) to tell.

    Raises:
        RuntimeError: as start_provider().
    """
    options = _options(threads)
    options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
    with _errors_logged():
        session = _session_with(name, str(path), options)
    if not hasattr(session, "get_provider_graph_assignment_info"):
        return None
    parts = session.get_provider_graph_assignment_info()
    return sum(len(part.get_nodes()) for part in parts if part.ep_name == name)


def simplify(path: Path, out: Path) -> None:
    """Writes a graph with onnxruntime's basic optimisations: those that any engine can still read.

    Raises:
        WorkerError: MODEL_INVALID.
    """
    options = _options(1)
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(out)
    try:
        ort.InferenceSession(str(path), options, providers=[_CPU])
    except Exception as error:
        raise _not_loaded(path, error) from error


@contextmanager
def _errors_logged() -> Iterator[None]:
    """A provider whose libraries can't be loaded is left out without an error; then only the log says why,
    and it is the default logger that says it."""
    ort.set_default_logger_severity(3)
    try:
        yield
    finally:
        ort.set_default_logger_severity(4)


def _session_with(name: str, model: bytes | str, options: Any) -> Any:
    options.log_severity_level = 3
    _find_libraries_of(name)
    session = ort.InferenceSession(model, options, providers=[name], enable_fallback=0)
    if name not in session.get_providers():
        raise RuntimeError("onnxruntime left it out without a reason")
    return session


def _find_libraries_of(provider: str) -> None:
    if provider in (_CUDA, _TENSORRT):
        _load_cuda()


@cache
def _load_cuda() -> None:
    """Loads CUDA's libraries where they came as packages: a provider looks only for the system's own."""
    if not hasattr(ort, "preload_dlls"):
        return
    # It prints what it misses on stdout, which others read; the provider's error says it again.
    with redirect_stdout(io.StringIO()):
        ort.preload_dlls(directory="")


class OrtEngine:
    """An onnxruntime session."""

    def __init__(self, path: Path, threads: int, device: str = "auto", require_provider: str = "") -> None:
        """Loads the graph with the providers that the device or the one required stand for.

        Raises:
            WorkerError: PROVIDER_MISSING when the required one does not start, MODEL_INVALID.
        """
        wanted = providers_for(device, require_provider, ort.get_available_providers())
        for name in _installed(wanted):
            _find_libraries_of(name)
        try:
            self._session = ort.InferenceSession(
                str(path), _options(threads), providers=_installed(wanted), enable_fallback=0
            )
        except Exception as error:
            raise _not_loaded(path, error) from error
        try:
            self.inputs = tuple(_tensor(item) for item in self._session.get_inputs())
            self.outputs = tuple(_tensor(item) for item in self._session.get_outputs())
            self.metadata = dict(self._session.get_modelmeta().custom_metadata_map)
        except UnicodeDecodeError as error:
            # ONNX's format doesn't check its texts, so that anything may be in them.
            raise WorkerError(
                Code.MODEL_INVALID, f"{path.name} has names or metadata that are not UTF-8; export it again"
            ) from error
        self.name = NAME
        self.version = version()
        self.threads = threads
        self.providers = tuple(self._session.get_providers())
        self.warnings = tuple(fallen(wanted, self.providers, require_provider))

    def run(self, tensor: NDArray[Any]) -> list[NDArray[Any]]:
        """See Engine.run."""
        try:
            outputs: list[NDArray[Any]] = self._session.run(None, {self.inputs[0].name: tensor})
        except Exception as error:
            raise out_of_memory(error, "run the model") or WorkerError(
                Code.INFERENCE_FAILED, f"onnxruntime failed: {one_line(error)}"
            ) from error
        return outputs


def providers_for(device: str, required: str, available: Sequence[str]) -> list[str]:
    """The execution providers to ask for, first choice first; what is not installed is still among them.

    Raises:
        WorkerError: PROVIDER_MISSING when the required one is not in this build of onnxruntime.
    """
    if required and required not in available:
        raise WorkerError(
            Code.PROVIDER_MISSING,
            f"the required provider '{required[:64]}' is not in this onnxruntime, which has "
            f"{', '.join(available)}",
        )
    # TensorRT leaves to CUDA what it can't do, and anything leaves the rest to the CPU.
    chain = [required] if required else []
    if device == "cuda" or required == _TENSORRT or (device == "auto" and _CUDA in available):
        chain.append(_CUDA)
    return list(dict.fromkeys([*chain, _CPU]))


def _installed(wanted: Sequence[str]) -> list[str]:
    return [name for name in wanted if name in ort.get_available_providers()]


def fallen(wanted: Sequence[str], started: Sequence[str], required: str) -> Iterator[str]:
    """What to say of the providers that were wanted and did not start.

    Raises:
        WorkerError: PROVIDER_MISSING when the required one is among them.
    """
    for name in wanted:
        if name in started:
            continue
        reason = _why_not_started(name)
        if name == required:
            raise WorkerError(
                Code.PROVIDER_MISSING,
                f"the required provider '{name}' did not start: {reason}; there is {', '.join(started)}",
            )
        yield f"{name} did not start ({reason}); inference runs on {started[0]}"


def _why_not_started(name: str) -> str:
    if name not in ort.get_available_providers():
        return "it is not in this onnxruntime"
    return failure_of(partial(start_provider, name, tiny_model())) or "onnxruntime does not say why"


def _not_loaded(path: Path, error: Exception) -> WorkerError:
    beside = _NO_WEIGHTS.search(str(error))
    if beside:
        return no_weights(path, beside[1])
    return out_of_memory(error, f"load {path.name}") or WorkerError(
        Code.MODEL_INVALID, f"onnxruntime can't load {path.name}, export it again: {one_line(error)}"
    )


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
