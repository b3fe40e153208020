"""What runs a graph. Everything above knows only this."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from numpy.typing import NDArray

from aiw_worker.datatypes import TensorInfo
from aiw_worker.errors import Code, WorkerError


class Engine(Protocol):
    """A loaded graph."""

    @property
    def name(self) -> str:
        """Name of the engine ("onnxruntime")."""
        ...

    @property
    def version(self) -> str:
        """Version of the engine ("1.32.0")."""
        ...

    @property
    def threads(self) -> int:
        """Threads of one inference."""
        ...

    @property
    def providers(self) -> Sequence[str]:
        """Execution providers that started, first choice first."""
        ...

    @property
    def warnings(self) -> Sequence[str]:
        """What the user should know about how it started."""
        ...

    @property
    def inputs(self) -> Sequence[TensorInfo]:
        """The graph's inputs."""
        ...

    @property
    def outputs(self) -> Sequence[TensorInfo]:
        """The graph's outputs."""
        ...

    @property
    def metadata(self) -> Mapping[str, str]:
        """The model's own metadata."""
        ...

    def run(self, tensor: NDArray[Any]) -> Sequence[NDArray[Any]]:
        """Runs the graph on its one input; the outputs in the graph's order.

        Raises:
            WorkerError: INFERENCE_FAILED.
        """
        ...


def no_weights(path: Path, weights: str) -> WorkerError:
    """The error of a model whose weights are in a file of their own that is not there."""
    return WorkerError(
        Code.MODEL_INVALID,
        f"{path.name} keeps its weights in {weights}, which is not beside it; keep the files together",
    )
