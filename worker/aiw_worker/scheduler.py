"""One thread that runs inference, first come, first served."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from aiw_worker import log

T = TypeVar("T")


class _Job(Generic[T]):
    __slots__ = ("done", "work")

    def __init__(self, work: Callable[[], T], done: Callable[[T | Exception], None]) -> None:
        self.work = work
        self.done = done

    def run(self) -> T | Exception:
        try:
            return self.work()
        except Exception as error:
            return error


class Scheduler:
    """Runs work on its thread and hands each outcome back on the event loop.

    A plain queue and one call_soon_threadsafe: no task is woken in between, so that handing over costs
    two thread switches and nothing else.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._jobs: queue.SimpleQueue[_Job[Any] | None] = queue.SimpleQueue()
        # A daemon: a graph that hangs must not keep the process from ending.
        self._thread = threading.Thread(target=self._serve, name="inference", daemon=True)
        self._thread.start()

    def submit(self, work: Callable[[], T], done: Callable[[T | Exception], None]) -> None:
        """Runs `work` on its thread, then `done` on the event loop with what it returned or raised."""
        self._jobs.put(_Job(work, done))

    def close(self) -> None:
        """Ends the thread after the work that is queued, without waiting for it."""
        self._jobs.put(None)

    def _serve(self) -> None:
        while (job := self._jobs.get()) is not None:
            outcome = job.run()
            try:
                self._loop.call_soon_threadsafe(job.done, outcome)
            except RuntimeError:
                log.debug("the event loop ended before a frame did")
                return
            # Not kept until the next job: it holds a connection's buffer and tensors.
            del job, outcome
