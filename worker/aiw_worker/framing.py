"""Cuts a byte stream into length-prefixed messages, without I/O and without copying a frame's pixels.

Whoever reads the stream asks `buffer()` where the next bytes go and tells `advance()` how many came.
Small messages pass through a buffer of their own, so that a Heartbeat can arrive while the frame
buffer is lent to inference; a second large message meanwhile leaves the framer `blocked`.
"""

from __future__ import annotations

import mmap
from enum import Enum, auto

from aiw_worker.errors import Code, WorkerError

SMALL_BYTES = 64 * 1024
MAX_FRAME_BYTES = 64 * 1024 * 1024
# A frame's header fields and the envelope around them, on top of its pixels.
MAX_MESSAGE_BYTES = MAX_FRAME_BYTES + SMALL_BYTES
_PREFIX_BYTES = 4
# How a TLS handshake begins: a record of type 22, version 3. As a length it is over the cap before an Init.
_TLS_HANDSHAKE = b"\x16\x03"


class _State(Enum):
    PREFIX = auto()
    SMALL = auto()
    LARGE = auto()
    # The prefix of a large message was read, but its body has no place yet.
    BLOCKED = auto()
    FAILED = auto()


class Framer:
    """The receiving half of one connection.

    Attributes:
        cap: largest message accepted, bytes; 64 KiB until an Init was accepted.
        undecided: whether an Init is being loaded that may raise the cap: large messages wait for it.
    """

    __slots__ = (
        "_frame",
        "_got",
        "_leased",
        "_prefix",
        "_size",
        "_small",
        "_state",
        "_target",
        "cap",
        "undecided",
    )

    def __init__(self, cap: int = SMALL_BYTES) -> None:
        self.cap = cap
        self.undecided = False
        self._prefix = memoryview(bytearray(_PREFIX_BYTES))
        self._small = memoryview(bytearray(SMALL_BYTES))
        self._frame = memoryview(b"")
        self._leased = False
        self._state = _State.PREFIX
        self._target = self._prefix
        self._size = _PREFIX_BYTES
        self._got = 0

    @property
    def blocked(self) -> bool:
        """Whether nothing may be read until `release` or a decided Init lets `proceed` succeed."""
        return self._state is _State.BLOCKED

    @property
    def mid_message(self) -> bool:
        """Whether an end of the stream here would cut a message."""
        return self._state is not _State.PREFIX or self._got > 0

    def buffer(self) -> memoryview:
        """Where the next bytes of the stream go; never empty unless `blocked` or failed."""
        return self._target[self._got : self._size]

    def advance(self, count: int) -> bytes | memoryview | None:
        """Takes `count` bytes written to `buffer()`; returns the body of a message that they complete.

        A body of at most 64 KiB is the caller's own. A larger one is a view of the frame buffer, lent
        to the caller until `release()`.

        Raises:
            WorkerError: MESSAGE_EMPTY, MESSAGE_TOO_LARGE or OUT_OF_MEMORY; the stream can't be read any
                further.
        """
        self._got += count
        if self._got < self._size:
            return None
        if self._state is _State.PREFIX:
            self._take_prefix(int.from_bytes(self._prefix, "little"))
            return None
        body: bytes | memoryview
        if self._state is _State.SMALL:
            body = bytes(self._target[: self._size])
        else:
            body = self._target[: self._size]
            self._leased = True
        self._expect(_State.PREFIX, self._prefix, _PREFIX_BYTES)
        return body

    def release(self) -> None:
        """Takes back the frame buffer that the last large message was lent in."""
        self._leased = False

    def settle(self) -> None:
        """Goes back to how it was before an Init was accepted: the cap, and the memory held."""
        self.cap = SMALL_BYTES
        # A large message that is being received keeps its place.
        self._frame = memoryview(b"")

    def proceed(self) -> bool:
        """Starts receiving a blocked message where that is possible now; whether it was.

        Raises:
            WorkerError: MESSAGE_TOO_LARGE, when the Init that it waited for did not raise the cap;
                OUT_OF_MEMORY.
        """
        if self._state is not _State.BLOCKED or self._leased or self.undecided:
            return False
        self._begin(self._size)
        return True

    def _take_prefix(self, size: int) -> None:
        if size == 0:
            self._fail(Code.MESSAGE_EMPTY, "a message of no bytes came; a length must be above 0")
        if size > SMALL_BYTES and (self._leased or self.undecided) and size <= MAX_MESSAGE_BYTES:
            self._expect(_State.BLOCKED, self._prefix[:0], size)
        else:
            self._begin(size)

    def _begin(self, size: int) -> None:
        # Checked before anything is allocated: a length is only a claim.
        if size > self.cap:
            if self._prefix[:2] == _TLS_HANDSHAKE:
                self._fail(
                    Code.TLS_MISMATCH,
                    "this port speaks plain TCP, and a TLS handshake came; name the worker as HOST:PORT, or "
                    "start it with --tls-cert",
                )
            hint = "" if self.cap > SMALL_BYTES else " before an Init is accepted"
            self._fail(
                Code.MESSAGE_TOO_LARGE, f"a message of {size} bytes is over the {self.cap} allowed{hint}"
            )
        if size <= SMALL_BYTES:
            self._expect(_State.SMALL, self._small, size)
            return
        if len(self._frame) < size:
            # Memory is taken as bytes come, not as they are announced.
            try:
                self._frame = memoryview(mmap.mmap(-1, size))
            except OSError:
                self._fail(Code.OUT_OF_MEMORY, f"there is no memory for a message of {size} bytes")
        self._expect(_State.LARGE, self._frame, size)

    def _expect(self, state: _State, target: memoryview, size: int) -> None:
        self._state = state
        self._target = target
        self._size = size
        self._got = 0

    def _fail(self, kind: Code, message: str) -> None:
        self._state = _State.FAILED
        raise WorkerError(kind, message)
