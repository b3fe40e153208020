"""What sessions share, and what each needs of its connection."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Protocol

from aiw_worker.admission import Admission
from aiw_worker.codec import End, Init
from aiw_worker.counters import Counters
from aiw_worker.datatypes import Frame
from aiw_worker.errors import WorkerError
from aiw_worker.lifecycle import Lifecycle
from aiw_worker.models import ModelPool
from aiw_worker.progress import Progress
from aiw_worker.resources import ResourceMeter
from aiw_worker.scheduler import Scheduler
from aiw_worker.sessions.registry import Registry


class Port(Protocol):
    """What a session needs of its connection."""

    @property
    def peer(self) -> str:
        """Who is at its other end, for the log."""
        ...

    def send(self, message: bytes) -> None:
        """Writes one encoded message."""
        ...

    def served(self, request: Init | Frame | End) -> None:
        """A request was answered: its buffer is free, and there is room for another."""
        ...

    def idle(self) -> None:
        """Nothing is left to answer."""
        ...

    def fail(self, error: WorkerError) -> None:
        """Says why, then ends the connection."""
        ...


@dataclass(frozen=True, slots=True)
class Services:
    """What sessions share."""

    pool: ModelPool
    # Where models are loaded: off the event loop, and not on the inference thread.
    loaders: Executor
    lifecycle: Lifecycle
    scheduler: Scheduler
    meter: ResourceMeter
    call_soon_threadsafe: Callable[..., object]
    admission: Admission
    counters: Counters
    progress: Progress
    # None where sessions are not recorded.
    sessions: Registry | None = None
