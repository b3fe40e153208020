"""The engines, by name."""

from __future__ import annotations

from pathlib import Path

from aiw_worker.datatypes import EngineOptions
from aiw_worker.engines.base import Engine
from aiw_worker.errors import Code, WorkerError, out_of_memory

ENGINES = ("auto", "onnxruntime", "openvino")
_OPENVINO = "openvino"


def check_engine(name: str) -> tuple[str, str]:
    """Name and version of the engine that `name` stands for.

    Raises:
        WorkerError: ENGINE_MISSING when it can't be imported.
    """
    if name == _OPENVINO:
        try:
            from aiw_worker.engines import ov  # noqa: PLC0415 - an engine that isn't used needn't be there
        except ImportError as error:
            raise _missing(name, _OPENVINO, error) from error
        return ov.NAME, ov.version()
    try:
        from aiw_worker.engines import ort  # noqa: PLC0415 - as above
    except ImportError as error:
        raise _missing(name, "onnxruntime", error) from error
    return ort.NAME, ort.version()


def open_engine(path: Path, options: EngineOptions) -> Engine:
    """Loads a graph with the engine asked for.

    Raises:
        WorkerError: ENGINE_MISSING, MODEL_INVALID, or PROVIDER_MISSING.
    """
    check_engine(options.name)
    if options.name == _OPENVINO:
        from aiw_worker.engines.ov import OpenVinoEngine  # noqa: PLC0415 - as above

        return OpenVinoEngine(path, options.threads, options.device, options.require_provider)
    from aiw_worker.engines.ort import OrtEngine  # noqa: PLC0415 - as above

    return OrtEngine(path, options.threads, options.device, options.require_provider)


def listed_providers(options: EngineOptions) -> list[str]:
    """The execution providers that the engine says it has, whether they start or not.

    Raises:
        WorkerError: ENGINE_MISSING.
    """
    check_engine(options.name)
    from aiw_worker.engines.ort import available_providers  # noqa: PLC0415 - as above

    return available_providers()


def nodes_taken(provider: str, path: Path, options: EngineOptions) -> int | None:
    """How many of a graph's nodes an execution provider takes; None where the engine doesn't tell.

    Raises:
        RuntimeError: the provider does not start.
    """
    from aiw_worker.engines import ort  # noqa: PLC0415 - as above

    return ort.nodes_taken(provider, path, options.threads)


def simplify(path: Path, out: Path) -> None:
    """Writes a graph with its constants folded, as onnxruntime simplifies it for every processor.

    Raises:
        WorkerError: MODEL_INVALID, also where the shapes of the graph contradict each other.
    """
    from aiw_worker.engines import ort  # noqa: PLC0415 - as above

    ort.simplify(path, out)


def _missing(asked: str, package: str, error: ImportError) -> WorkerError:
    return out_of_memory(error, f"load {package}") or WorkerError(
        Code.ENGINE_MISSING,
        f"engine '{asked}' needs the package {package}, which can't be imported ({error}); "
        f"run aiw init --engine {package}, or choose another with --engine",
    )
