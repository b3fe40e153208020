"""The engines, by name."""

from __future__ import annotations

from pathlib import Path

from aiw_worker.datatypes import EngineOptions
from aiw_worker.engines.base import Engine
from aiw_worker.errors import Code, WorkerError

ENGINES = ("auto", "onnxruntime")


def check_engine(name: str) -> str:
    """Version of the engine that `name` stands for.

    Raises:
        WorkerError: ENGINE_MISSING when it can't be imported.
    """
    try:
        from aiw_worker.engines import ort  # noqa: PLC0415 - an engine that isn't used needn't be there
    except ImportError as error:
        raise WorkerError(
            Code.ENGINE_MISSING, f"engine '{name}' needs onnxruntime, which can't be imported: {error}"
        ) from error
    return ort.version()


def open_engine(path: Path, options: EngineOptions) -> Engine:
    """Loads a graph with the engine asked for.

    Raises:
        WorkerError: ENGINE_MISSING or MODEL_INVALID.
    """
    check_engine(options.name)
    from aiw_worker.engines.ort import OrtEngine  # noqa: PLC0415 - as above

    return OrtEngine(path, options.threads)


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
