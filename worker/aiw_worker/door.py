"""Where TLS is negotiated: says in the log, and to the peer, why that failed, and bounds what it may take."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from asyncio.sslproto import SSLProtocol
from collections.abc import Callable, Iterator
from typing import Any, cast

from aiw_worker import log
from aiw_worker.admission import MAX_CONNECTIONS
from aiw_worker.codec import encode_error
from aiw_worker.errors import Code, WorkerError, one_line
from aiw_worker.ration import Ration

# OpenSSL's names for bytes that are no TLS at all.
_PLAIN = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "HTTPS_PROXY_REQUEST", "UNKNOWN_PROTOCOL"})
# Lines about handshakes that failed, in so many seconds.
_LINES, _PERIOD_S = 10, 60.0


def reason_of(error: BaseException) -> str:
    """OpenSSL's name for it in words, or the error's text."""
    name = getattr(error, "reason", None)
    return str(name).replace("_", " ").lower() if name else one_line(error)


class _Handshake(ssl.SSLObject):
    """Looks on while OpenSSL negotiates.

    Attributes:
        door: whose it is.
        outgoing: what is sent next.
        turns: how often it went on; the first time before the peer has said anything.
        done: whether it succeeded.
    """

    door: Door | None = None
    outgoing: ssl.MemoryBIO | None = None
    failure: ssl.SSLError | None = None
    turns = 0
    done = False

    def do_handshake(self) -> None:
        """As ssl.SSLObject's, but the first failure looks like a wait for more bytes.

        asyncio then writes what is to be said, an alert of TLS or our Error, before it closes: when the peer
        sends on, or when the door has waited for that long enough.
        """
        if self.failure is not None:
            raise self.failure
        self.turns += 1
        try:
            super().do_handshake()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except ssl.SSLError as error:
            self.failure = error
            if self.door is not None:
                self.door.failed(error)
            # Python 3.10's asyncio looks at the number.
            raise ssl.SSLWantReadError(ssl.SSL_ERROR_WANT_READ, "failed") from error
        self.done = True


class DoorContext(ssl.SSLContext):
    """Makes the handshakes of doors, and bounds how many stand open: nothing else counts them before.

    Attributes:
        open: doors with a connection.
        ration: of lines about handshakes that fail.
    """

    sslobject_class = _Handshake

    def __init__(self, *_: Any) -> None:
        self.open = 0
        self._opening: Door | None = None
        self.ration = Ration(_LINES, _PERIOD_S)

    def wrap_bio(self, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO, *args: Any, **named: Any) -> Any:
        """As ssl.SSLContext's."""
        wrapped = super().wrap_bio(incoming, outgoing, *args, **named)
        assert isinstance(wrapped, _Handshake)
        wrapped.outgoing = outgoing
        wrapped.door = self._opening
        if self._opening is not None:
            self._opening.handshake = wrapped
        return wrapped

    @contextlib.contextmanager
    def opened_by(self, door: Door) -> Iterator[None]:
        """Whose handshakes are those that begin meanwhile: asyncio asks for one when it sees fit."""
        self._opening = door
        try:
            yield
        finally:
            self._opening = None


class Door(SSLProtocol):
    """asyncio's own TLS, which it would put before a protocol by itself; but not say whose handshake failed.

    Attributes:
        handshake: once there is a connection.
    """

    def __init__(
        self,
        app: asyncio.BufferedProtocol,
        context: DoorContext,
        drain_s: float,
        told: Callable[[Code], None],
        **options: float,
    ) -> None:
        """A door that nobody stands at yet.

        Args:
            app: what is behind it.
            context: certificate and key.
            drain_s: how long a peer whose handshake failed may take to read why.
            told: counts an Error.
            options: ssl_handshake_timeout and its like, seconds, as loop.create_server() takes them.
        """
        self._door_loop = asyncio.get_running_loop()
        self._context = context
        self._drain_s = drain_s
        self._told = told
        self._raw: asyncio.Transport | None = None
        self._peer = "?"
        self.handshake: _Handshake | None = None
        with context.opened_by(self):
            super().__init__(
                self._door_loop,
                app,
                context,
                # Nobody waits for it but `app`, and connection_lost.
                None,  # type: ignore[arg-type]
                server_side=True,
                **options,  # type: ignore[arg-type]
            )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The handshake begins, or one connection too many is sent away."""
        self._raw = cast(asyncio.Transport, transport)
        name = transport.get_extra_info("peername") or ("?",)
        self._peer = ":".join(str(part) for part in name[:2])
        context = self._context
        context.open += 1
        if context.open > 2 * MAX_CONNECTIONS:
            self._told(Code.TOO_MANY_CONNECTIONS)
            self._raw.abort()
            return
        with context.opened_by(self):
            super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Says so where there was a handshake that came to nothing."""
        self._context.open -= 1
        self._raw = None
        handshake = self.handshake
        if handshake is not None:
            # Or they would keep each other until the next collection.
            handshake.door = None
            if not handshake.done and handshake.failure is None:
                self._left(exc, handshake.turns > 1)
        super().connection_lost(exc)

    def failed(self, error: ssl.SSLError) -> None:
        """OpenSSL gave up; the peer is told, and has a while to read it."""
        self._told(Code.TLS_MISMATCH)
        if error.reason in _PLAIN:
            told = WorkerError(Code.TLS_MISMATCH, "this port speaks TLS; name the worker as tls://HOST:PORT")
            self._warn("a plain client came to the TLS port")
            outgoing = None if self.handshake is None else self.handshake.outgoing
            if outgoing is not None:
                # In place of the alert, which it could not read.
                outgoing.read()
                outgoing.write(encode_error(told))
        else:
            self._warn("TLS handshake failed", reason=reason_of(error))
        if self._raw is not None:
            self._door_loop.call_later(self._drain_s, self._raw.abort)

    def _left(self, exc: BaseException | None, spoke: bool) -> None:
        if isinstance(exc, ConnectionAbortedError):
            self._warn("TLS handshake failed", reason="it was not done in time")
        elif spoke:
            self._warn("TLS handshake failed", reason="the peer left in the middle of it")
        else:
            # Who only looks whether the port is open is of no interest.
            log.debug("connection ended before TLS", peer=self._peer)

    def _warn(self, message: str, **fields: str) -> None:
        left_out = self._context.ration.take(self._door_loop.time())
        if left_out is not None:
            more = {"left_out": left_out} if left_out else {}
            log.warning(message, peer=self._peer, error=Code.TLS_MISMATCH.name, **fields, **more)
