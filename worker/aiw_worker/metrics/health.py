"""Whether the worker is alive and ready, from what its event loop says of it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Generic, TypeVar

from aiw_worker.lifecycle import State

T = TypeVar("T")

# Frames that wait are answered within this, or the worker is not ready: several times what one of the largest
# models takes on a slow machine, and well before a client gives the worker up (60 s).
ANSWERED_WITHIN_S = 15.0
# The event loop does nothing that takes over a millisecond.
ALIVE_WITHIN_S = 2.0
_S = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Vitals:
    """What the event loop knows; moments are time.perf_counter_ns(), 0 = none.

    Attributes:
        waiting_since_ns: when the frame was taken in hand that waits longest for its answer.
        answered_ns, failing_ns, failure: see progress.Progress.
    """

    stopping: bool
    state: State
    sessions: int
    waiting_since_ns: int
    answered_ns: int
    failing_ns: int
    failure: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether it is so, and why, in one line."""

    good: bool
    why: str


def readiness(vitals: Vitals, now_ns: int, within_s: float = ANSWERED_WITHIN_S) -> Verdict:
    """Ready is a worker that answered a frame lately, or has none to answer.

    Args:
        vitals: of the worker.
        now_ns: time.perf_counter_ns().
        within_s: what lately means.
    """
    if vitals.stopping:
        return Verdict(False, "the worker is stopping")
    if vitals.sessions == 0:
        return Verdict(True, f"idle: no client has a session ({vitals.state.value})")
    if vitals.failing_ns > 0 and vitals.failing_ns >= within_s * _S:
        return Verdict(
            False,
            f"every frame failed for {vitals.failing_ns // _S} s ({vitals.failure}); see the worker's log",
        )
    if vitals.waiting_since_ns:
        stuck_s = (now_ns - max(vitals.waiting_since_ns, vitals.answered_ns)) / _S
        if stuck_s >= within_s:
            return Verdict(
                False,
                f"frames of {vitals.sessions} session(s) wait, and none was answered for {stuck_s:.0f} s; "
                "inference hangs, or the machine is overloaded",
            )
    return Verdict(True, f"serving: {vitals.sessions} session(s), no frame waits for long")


class Pulse(Generic[T]):
    """Asks something on the event loop, from one other thread, with one question there at a time.

    A loop that hangs for hours under a probe every second must not find thousands of them in line.
    """

    def __init__(self, call_soon_threadsafe: Callable[..., object], ask: Callable[[], T]) -> None:
        self._call = call_soon_threadsafe
        self._ask = ask
        self._asked: Future[T] | None = None

    def answer(self) -> Future[T]:
        """What the loop will say, once it comes to it.

        Raises:
            RuntimeError: the loop has ended.
        """
        if self._asked is None or self._asked.done():
            asked: Future[T] = Future()
            # A future in that state can't be cancelled by whoever waits no longer.
            asked.set_running_or_notify_cancel()
            self._call(self._tell, asked)
            self._asked = asked
        return self._asked

    def _tell(self, asked: Future[T]) -> None:
        try:
            asked.set_result(self._ask())
        except Exception as error:
            asked.set_exception(error)
