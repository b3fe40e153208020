"""One TCP connection: bytes in and out, heartbeats, and the way it ends."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import cast

from aiw_worker import log
from aiw_worker.codec import End, Heartbeat, Init, encode_error, encode_heartbeat, parse
from aiw_worker.counters import Count
from aiw_worker.datatypes import Frame
from aiw_worker.errors import Code, WorkerError
from aiw_worker.framing import MAX_MESSAGE_BYTES, Framer
from aiw_worker.patience import Bounds, Patience
from aiw_worker.services import Services
from aiw_worker.session import Session

# Requests in line before reading pauses: more only come from clients that take no notice of credits.
_MAX_BACKLOG = 8
# Answers that the client hasn't read before nothing new is started for it.
_WRITE_HIGH_BYTES = 256 * 1024
_KEEPALIVE_IDLE_S = 60
_SCRATCH_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Timings:
    """Seconds; tests shorten them."""

    heartbeat: float = 2.0
    silence: float = 10.0
    drain: float = 2.0
    grace: float = 1.0
    # A session whose client is gone without End waits for it so long.
    session_grace: float = 60.0
    # What is left to write of session files when the worker stops.
    recording: float = 0.8
    # What a client may take; see patience.Bounds.
    handshake: float = 30.0
    message: float = 60.0
    unread: float = 10.0


class _State(Enum):
    OPEN = auto()
    # The stream can't be read any further; what came before is still answered.
    FAILING = auto()
    # The client sends no more; what came before is still answered.
    FINISHING = auto()
    # Our side is closed; what the client still sends is thrown away.
    DRAINING = auto()
    CLOSED = auto()


class Connection(asyncio.BufferedProtocol):
    """Feeds a session. All of it runs on the event loop, and none of it waits."""

    def __init__(
        self,
        services: Services,
        timings: Timings,
        opened: Callable[[Connection], None],
        closed: Callable[[Connection], None],
    ) -> None:
        self._timings = timings
        self._opened = opened
        self._closed = closed
        self._loop = asyncio.get_running_loop()
        self._framer = Framer()
        bounds = Bounds(timings.handshake, timings.message, timings.unread)
        self._patience = Patience(bounds, self._loop.time())
        self._admission = services.admission
        self._counters = services.counters
        self._session = Session(services, self)
        self._state = _State.OPEN
        self._reading = True
        self._peer_beats = False
        self._half_closes = True
        self._sent_at = self._heard_at = self._loop.time()
        self._timer: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport
        self._scratch = memoryview(b"")
        # What Python 3.10's TLS gives although it was told to pause: the rest of what it had decrypted.
        self._spilled: deque[memoryview] = deque()
        self.peer = "?"

    # asyncio.BufferedProtocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Starts the heartbeat, or sends away one connection too many."""
        self._transport = cast(asyncio.Transport, transport)
        # TLS ends both ways at once.
        self._half_closes = self._transport.can_write_eof()
        self._transport.set_write_buffer_limits(high=_WRITE_HIGH_BYTES)
        self._prepare_socket()
        self._opened(self)
        try:
            self._admission.connected()
        except WorkerError as error:
            if self._admission.flooded:
                self._counters.told(error.kind)
                self._transport.abort()
            else:
                self.fail(error)
            return
        # Who only looks in, as scanners and health checks do, leaves no line; a client does with its Init.
        log.debug("connected", peer=self.peer)
        self._timer = self._loop.call_later(self._timings.heartbeat, self._beat)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where the next bytes go: straight into the message's own buffer."""
        if self._state is not _State.OPEN:
            if not self._scratch:
                self._scratch = memoryview(bytearray(_SCRATCH_BYTES))
            return self._scratch
        if self._spilled or self._is_full():
            self._spilled.append(memoryview(bytearray(sizehint if sizehint > 0 else _SCRATCH_BYTES)))
            return self._spilled[-1]
        return self._framer.buffer()

    def buffer_updated(self, nbytes: int) -> None:
        """Takes what came; a complete message goes to the session at once."""
        now = self._heard_at = self._loop.time()
        if self._state is not _State.OPEN:
            return
        if self._spilled:
            self._spilled[-1] = self._spilled[-1][:nbytes]
        else:
            self._advance(nbytes, now)
        self._regulate()

    def _advance(self, nbytes: int, now: float) -> None:
        try:
            body = self._framer.advance(nbytes)
            self._patience.received(self._framer.mid_message, body is not None, now)
            if body is not None:
                self._receive(body)
        except WorkerError as error:
            self._stop_reading_for(error)

    def eof_received(self) -> bool:
        """The client sends no more: what it sent is still answered, then the connection ends."""
        if self._framer.mid_message and self._state is _State.OPEN:
            log.debug("client left in the middle of a message", peer=self.peer, **self._session.names)
        if self._state is _State.OPEN:
            self._state = _State.FINISHING
            if self._session.busy or self._session.backlog:
                return self._half_closes
        elif self._state is _State.FAILING:
            return self._half_closes
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Frees everything, whatever was going on."""
        self._state = _State.CLOSED
        if self._timer is not None:
            self._timer.cancel()
        self._session.close()
        self._admission.disconnected()
        names = self._session.names
        tell = log.info if names else log.debug
        tell("client gone", peer=self.peer, **names, **({"reason": str(exc)} if exc else {}))
        self._closed(self)

    def pause_writing(self) -> None:
        """The client doesn't read: nothing new is started for it."""
        self._session.hold(True)

    def resume_writing(self) -> None:
        """The client reads again."""
        self._session.hold(False)

    # session.Port

    def send(self, message: bytes) -> None:
        """Writes one encoded message, or several."""
        if self._state in (_State.OPEN, _State.FAILING, _State.FINISHING):
            self._sent_at = self._loop.time()
            self._transport.write(message)

    def served(self, request: Init | Frame | End) -> None:
        """Takes the frame's buffer back, and reads on if that was what it waited for."""
        if isinstance(request, Frame) and request.leased:
            self._framer.release()
        elif isinstance(request, Init) and self._session.active:
            self._framer.cap = MAX_MESSAGE_BYTES
            self._patience.accepted()
        elif isinstance(request, Init) and self._session.trusted:
            self._patience.refused(self._loop.time())
        if not self._session.active:
            # As before an Init: who has no place among the clients keeps no memory of one.
            self._framer.settle()
        self._regulate()

    def idle(self) -> None:
        """Ends the connection when the client has already ended its half."""
        if self._state is _State.FINISHING:
            self._transport.close()

    def fail(self, error: WorkerError) -> None:
        """Sends the Error, closes our half and lets the client finish reading it, for a while."""
        if self._state in (_State.DRAINING, _State.CLOSED):
            return
        names = self._session.names
        log.warning("connection ended", peer=self.peer, **names, error=error.name, reason=error.message)
        self._counters.told(error.kind)
        self.send(encode_error(error))
        self._state = _State.DRAINING
        if self._half_closes:
            self._transport.write_eof()
            self._resume()
        else:
            # TLS has no half that could be closed: this flushes, reads on for a while, then ends.
            self._transport.close()
        self._loop.call_later(self._timings.drain, self._transport.abort)

    # server

    @property
    def waiting_since_ns(self) -> int:
        """When the frame in hand was taken in hand, time.perf_counter_ns(); 0 = none is."""
        return self._session.waiting_since_ns

    def finish(self) -> None:
        """Takes nothing more; the frame in hand is still answered, then the connection ends."""
        self._session.drop_waiting()
        if self._state is _State.OPEN:
            self._state = _State.FINISHING
        if self._session.running:
            self._pause()
        else:
            self._transport.close()

    def abort(self) -> None:
        """Ends the connection at once."""
        self._transport.abort()

    def _prepare_socket(self) -> None:
        sock = self._transport.get_extra_info("socket")
        if sock is None or sock.family not in (socket.AF_INET, socket.AF_INET6):
            return
        # None where the peer is gone again.
        name = self._transport.get_extra_info("peername") or ("?",)
        self.peer = ":".join(str(part) for part in name[:2])
        # Some systems refuse options of a connection that the peer has ended already.
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            # A machine that went away says nothing, and old clients say nothing either.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            if hasattr(socket, "TCP_KEEPIDLE"):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _KEEPALIVE_IDLE_S)

    def _receive(self, body: bytes | memoryview) -> None:
        message = parse(body)
        if isinstance(body, memoryview) and not (isinstance(message, Frame) and message.leased):
            self._framer.release()
        if isinstance(message, Heartbeat):
            self._peer_beats = True
        elif message is not None:
            self._session.offer(message)

    def _stop_reading_for(self, error: WorkerError) -> None:
        self._state = _State.FAILING
        self._pause()
        # Behind what came before it, which is answered first.
        self._session.offer(error)

    def _regulate(self) -> None:
        """Reads only what there is a place for."""
        self._proceed()
        while self._spilled and self._state is _State.OPEN and not self._is_full():
            self._take_spilled()
            self._proceed()
        if self._state is not _State.OPEN:
            self._spilled.clear()
        elif self._is_full():
            self._pause()
        else:
            self._resume()

    def _proceed(self) -> None:
        if self._state is not _State.OPEN:
            return
        self._framer.undecided = self._session.undecided
        try:
            self._framer.proceed()
        except WorkerError as error:
            self._stop_reading_for(error)

    def _is_full(self) -> bool:
        return self._framer.blocked or self._session.backlog >= _MAX_BACKLOG

    def _take_spilled(self) -> None:
        spilled = self._spilled.popleft()
        place = self._framer.buffer()
        count = min(len(place), len(spilled))
        place[:count] = spilled[:count]
        if count < len(spilled):
            self._spilled.appendleft(spilled[count:])
        self._advance(count, self._loop.time())

    def _pause(self) -> None:
        if self._reading:
            self._reading = False
            self._transport.pause_reading()

    def _resume(self) -> None:
        if not self._reading:
            self._reading = True
            # The client was not silent: nobody listened.
            self._heard_at = self._loop.time()
            self._patience.resumed(self._heard_at)
            self._transport.resume_reading()

    def _judge(self, now: float) -> None:
        """Ends the connection of a client that keeps the worker waiting."""
        self._patience.unread(self._transport.get_write_buffer_size() > 0, now)
        error = self._patience.overdue(self._session.undecided or not self._reading, now)
        if error is None:
            return
        if error.kind is Code.CLIENT_TOO_SLOW:
            # Not behind what it doesn't read anyway.
            self._session.close()
            self.fail(error)
        elif self._state is _State.OPEN:
            self._stop_reading_for(error)

    def _beat(self) -> None:
        """Sends a Heartbeat when nothing else was sent for a while; ends it when the peer fell silent."""
        now = self._loop.time()
        silent = now - self._heard_at
        if self._peer_beats and self._reading and silent >= self._timings.silence:
            log.warning("client fell silent", peer=self.peer, **self._session.names, seconds=round(silent, 1))
            self._counters.add(Count.CLIENTS_FELL_SILENT)
            self._transport.abort()
            return
        self._judge(now)
        if now - self._sent_at >= self._timings.heartbeat - 0.001:
            # Not on top of what the client doesn't read anyway.
            if self._transport.get_write_buffer_size() == 0:
                self.send(encode_heartbeat())
            self._sent_at = now
        self._timer = self._loop.call_at(self._sent_at + self._timings.heartbeat, self._beat)
