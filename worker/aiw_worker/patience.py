"""How long a client may take. No clock in here: whoever asks says what time it is."""

from __future__ import annotations

from dataclasses import dataclass

from aiw_worker.errors import Code, WorkerError


@dataclass(frozen=True, slots=True)
class Bounds:
    """Seconds.

    Attributes:
        handshake: from the connection, or an Init refused for more than its token, to an accepted one.
        message: from a message's first byte to its last.
        unread: that answers may wait for the client to read any of them.
    """

    handshake: float = 30.0
    message: float = 60.0
    unread: float = 10.0


class Patience:
    """What one client is waited for, and since when. Seconds of one monotonic clock."""

    __slots__ = ("_bounds", "_message", "_shaking", "_unread")

    def __init__(self, bounds: Bounds, now: float) -> None:
        self._bounds = bounds
        self._shaking: float | None = now
        self._message: float | None = None
        self._unread: float | None = None

    def received(self, mid_message: bool, complete: bool, now: float) -> None:
        """Bytes came: they completed a message, or left one begun."""
        if complete or not mid_message:
            self._message = None
        elif self._message is None:
            self._message = now

    def resumed(self, now: float) -> None:
        """The worker had not read for a while, which is not the client's doing."""
        if self._message is not None:
            self._message = now

    def refused(self, now: float) -> None:
        """An Init was answered with an Error: there is time for another, unless one was accepted before."""
        if self._shaking is not None:
            self._shaking = now

    def accepted(self) -> None:
        """An Init was accepted. From here on a client may be silent for ever, as old ones are."""
        self._shaking = None

    def unread(self, waiting: bool, now: float) -> None:
        """Whether answers wait in the worker's own memory, which they do once the kernel's is full."""
        if not waiting:
            self._unread = None
        elif self._unread is None:
            self._unread = now

    def overdue(self, excused: bool, now: float) -> WorkerError | None:
        """The reason to end the connection, if there is one.

        Args:
            excused: whether it is the worker that takes its time: it loads a model, or does not read.
            now: seconds.
        """
        bounds = self._bounds
        if _past(self._unread, bounds.unread, now):
            return WorkerError(
                Code.CLIENT_TOO_SLOW, f"the client read none of its answers for {bounds.unread:g} s"
            )
        if excused:
            return None
        if _past(self._message, bounds.message, now):
            return WorkerError(
                Code.MESSAGE_TIMEOUT, f"a message was not complete {bounds.message:g} s after its first byte"
            )
        if _past(self._shaking, bounds.handshake, now):
            return WorkerError(
                Code.HANDSHAKE_TIMEOUT,
                f"no Init was accepted within {bounds.handshake:g} s; send one at once",
            )
        return None


def _past(since: float | None, bound: float, now: float) -> bool:
    return since is not None and now - since >= bound
