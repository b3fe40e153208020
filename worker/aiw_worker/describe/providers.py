"""The engine's execution providers, each tried with the model itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from aiw_worker.datatypes import EngineOptions
from aiw_worker.engines import listed_providers, nodes_taken
from aiw_worker.engines.base import Engine
from aiw_worker.providers import failure_of


def try_providers(engine: Engine, path: Path, options: EngineOptions) -> list[dict[str, Any]]:
    """{"name", "starts", "reason"} of each; those that `engine` runs the model with have started already."""
    return [
        _outcome(name, True, None) if name in engine.providers else _tried(name, path, options)
        for name in listed_providers(options)
    ]


def _tried(name: str, path: Path, options: EngineOptions) -> dict[str, Any]:
    taken: list[int | None] = []
    failure = failure_of(lambda: taken.append(nodes_taken(name, path, options)))
    # One that starts may still leave the whole graph to the CPU.
    idle = "it takes none of this model's operators" if taken == [0] else None
    return _outcome(name, failure is None, failure or idle)


def _outcome(name: str, starts: bool, reason: str | None) -> dict[str, Any]:
    return {"name": name, "starts": starts, "reason": reason}
