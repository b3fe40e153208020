"""One thread that runs inference, one client at a time in turn."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from aiw_worker import log
from aiw_worker.turns import Client, Turns

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

    Frames of several clients are not run as one batch, though many a graph could: with a window of one,
    whoever was answered first is back before the others, so that batches are of one and of all the rest in
    turns. Measured end to end on two cores, four clients with YOLO11n at 640 gained nothing, eight at 320
    between 4 and 7 %.

    A plain queue that counts what waits, and one call_soon_threadsafe: no task is woken in between, so that
    handing over costs two thread switches and nothing else.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._turns: Turns[_Job[Any]] = Turns()
        self._lock = threading.Lock()
        # True for each job that waits, in whatever order they are taken; False at the end.
        self._wake: queue.SimpleQueue[bool] = queue.SimpleQueue()
        # A daemon: a graph that hangs must not keep the process from ending.
        self._thread = threading.Thread(target=self._serve, name="inference", daemon=True)
        self._thread.start()

    def join(self) -> Client:
        """One who takes turns."""
        return self._turns.join()

    def submit(self, client: Client, work: Callable[[], T], done: Callable[[T | Exception], None]) -> None:
        """Runs `work` on its thread when it is the client's turn, then `done` on the event loop.

        Args:
            client: whose work it is, as `join` gave it.
            work: anything; on the inference thread.
            done: gets what it returned or raised.
        """
        with self._lock:
            self._turns.add(client, _Job(work, done))
        self._wake.put(True)

    def close(self) -> None:
        """Ends the thread after the work that is queued, without waiting for it."""
        self._wake.put(False)

    def _serve(self) -> None:
        while self._wake.get():
            with self._lock:
                job = self._turns.take()
            outcome = job.run()
            try:
                self._loop.call_soon_threadsafe(job.done, outcome)
            except RuntimeError:
                log.debug("the event loop ended before a frame did")
                return
            # Not kept until the next job: it holds a connection's buffer and tensors.
            del job, outcome
