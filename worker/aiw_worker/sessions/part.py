"""A connection's part in the sessions on disk; where there are none, all of it does nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from aiw_worker.datatypes import Frame, Outcome
from aiw_worker.errors import WorkerError
from aiw_worker.sessions.records import head_of, with_error, with_outcome
from aiw_worker.sessions.registry import Recorded, Registry


class Part:
    """One session at a time, and another that is asked for while an Init is in hand."""

    def __init__(self, registry: Registry | None, evicted: Callable[[], None]) -> None:
        """No session yet.

        Args:
            registry: None where sessions are not recorded.
            evicted: called when the session goes on on another connection.
        """
        self._registry = registry
        self._on_evicted = evicted
        self._current: Recorded | None = None
        self._claimed: Recorded | None = None

    def claim(self, session_id: str) -> None:
        """An Init names a session ("" = none); began() or refused() follows.

        Raises:
            WorkerError: SESSION_UNKNOWN.
        """
        mine = self._current is not None and self._current.session_id == session_id
        if self._registry is not None and session_id and not mine:
            self._claimed = self._registry.claim(session_id, self)

    def refused(self) -> None:
        """The Init came to nothing."""
        if self._registry is not None and self._claimed is not None:
            self._registry.leave(self._claimed)
        self._claimed = None

    def began(self, client_id: str, model_id: str) -> str:
        """The Init was accepted; the session that was named, that of before, or a new one ("" = none)."""
        if self._registry is None:
            return ""
        if self._claimed is not None:
            self._finish("replaced")
            self._current, self._claimed = self._claimed, None
        if self._current is None:
            self._current = self._registry.begin(self, client_id)
        if self._current is None:
            return ""
        self._registry.uses(self._current, model_id)
        return self._current.session_id

    def result(self, frame: Frame, outcome: Outcome, names: Sequence[str], model_id: str) -> None:
        """Records a frame's detections."""
        if self._registry is not None and self._current is not None:
            head = head_of(frame, model_id)
            make = partial(with_outcome, head, frame.received_ns, outcome, names)
            self._registry.record(self._current, make)

    def error(self, frame: Frame, error: WorkerError, model_id: str) -> None:
        """Records that a frame failed."""
        if self._registry is not None and self._current is not None:
            self._registry.record(self._current, partial(with_error, head_of(frame, model_id), error))

    def ended(self) -> None:
        """The client said End."""
        self._finish("end")

    def left(self) -> None:
        """The client is gone without End."""
        self.refused()
        if self._registry is not None and self._current is not None:
            self._registry.leave(self._current)
        self._current = None

    def evicted(self) -> None:
        """See Owner."""
        if self._current is not None and self._current.owner is not self:
            self._current = None
        if self._claimed is not None and self._claimed.owner is not self:
            self._claimed = None
        # What is left is given up as by any connection that ends.
        self._on_evicted()

    def _finish(self, reason: str) -> None:
        if self._registry is not None and self._current is not None:
            self._registry.finish(self._current, reason)
        self._current = None
