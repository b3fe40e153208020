"""The thread that writes session files: a disk that hangs holds up neither inference nor the event loop."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

from aiw_worker import log

# Records that wait for the disk; more are not written.
_MAX_WAITING = 4096


class Recorder:
    """Does jobs in their order, on a thread of its own."""

    def __init__(self, max_waiting: int = _MAX_WAITING) -> None:
        self._max_waiting = max_waiting
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        # A daemon: a disk that hangs must not keep the process from ending.
        self._thread = threading.Thread(target=self._serve, name="recorder", daemon=True)
        self._thread.start()

    @property
    def full(self) -> bool:
        """Whether so much waits that records are left out."""
        return self._jobs.qsize() >= self._max_waiting

    def submit(self, job: Callable[[], None]) -> None:
        """Does it in its turn."""
        self._jobs.put(job)

    def close(self, timeout_s: float) -> None:
        """Waits for all that was submitted, but not for long."""
        self._jobs.put(None)
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            log.warning("session files were not all written in time", waiting=self._jobs.qsize())

    def _serve(self) -> None:
        while (job := self._jobs.get()) is not None:
            try:
                job()
            except Exception as error:
                log.exception("writing session files failed", error)
            del job
