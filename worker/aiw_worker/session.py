"""What one client asked for, served in order, one request at a time."""

from __future__ import annotations

import contextlib
import functools
import time
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass
from enum import Enum, auto

from aiw_worker import log
from aiw_worker.admission import HEALTHCHECK
from aiw_worker.codec import End, Init, encode_error, encode_init_ok, encode_ready, encode_result
from aiw_worker.counters import Count
from aiw_worker.datatypes import Frame, Outcome, Size, Thresholds
from aiw_worker.errors import Code, WorkerError
from aiw_worker.faults import typed
from aiw_worker.handshake import check_against_model, init_ok, thresholds_of
from aiw_worker.models import Lease
from aiw_worker.services import Port, Services
from aiw_worker.sessions.part import Part


@dataclass(frozen=True, slots=True)
class _Active:
    """A model and how its output is reported."""

    lease: Lease
    thresholds: Thresholds


class _State(Enum):
    IDLE = auto()
    LOADING = auto()
    RUNNING = auto()
    CLOSED = auto()


class Session:
    """Requests wait in line here, so that answers come in the order of the questions.

    Attributes:
        trusted: whether the last Init knew the token, where there is one.
        names: what the log calls the client by; empty until an Init was accepted.
        waiting_since_ns: when the frame in hand was taken in hand, time.perf_counter_ns(); 0 = none is.
    """

    def __init__(self, services: Services, port: Port) -> None:
        self._services = services
        self._port = port
        self._line: deque[Init | Frame | End | WorkerError] = deque()
        self._state = _State.IDLE
        self._active: _Active | None = None
        self._held = False
        self.trusted = False
        self.names: dict[str, str] = {}
        self.waiting_since_ns = 0
        self._turns = services.scheduler.join()
        self._recorded = Part(services.sessions, self._evicted)

    @property
    def backlog(self) -> int:
        """Requests that wait, the one in hand not counted."""
        return len(self._line)

    @property
    def busy(self) -> bool:
        """Whether a request is in hand."""
        return self._state in (_State.LOADING, _State.RUNNING)

    @property
    def running(self) -> bool:
        """Whether a frame is in hand."""
        return self._state is _State.RUNNING

    @property
    def undecided(self) -> bool:
        """Whether an Init is in hand or in line."""
        return self._state is _State.LOADING or any(isinstance(item, Init) for item in self._line)

    @property
    def active(self) -> bool:
        """Whether an Init was accepted and not ended."""
        return self._active is not None

    def offer(self, request: Init | Frame | End | WorkerError) -> None:
        """Takes a request in line. An error ends the connection when its turn comes."""
        if self._state is not _State.CLOSED:
            self._line.append(request)
            self._serve()

    def hold(self, held: bool) -> None:
        """Starts nothing new while held: the client doesn't read its answers."""
        self._held = held
        if not held:
            self._serve()

    def drop_waiting(self) -> None:
        """Forgets what waits in line; the request in hand is still answered."""
        self._line.clear()

    def close(self) -> None:
        """Ends the session whatever is in hand, whose outcome nobody gets."""
        if self._state is _State.CLOSED:
            return
        loading = self._state is _State.LOADING
        self._state = _State.CLOSED
        self.waiting_since_ns = 0
        self._line.clear()
        self._recorded.left()
        self._deactivate()
        if not loading:
            self._services.admission.leave(self)

    def _serve(self) -> None:
        while self._state is _State.IDLE and self._line and not self._held:
            request = self._line.popleft()
            if isinstance(request, Frame):
                self._start_frame(request)
            elif isinstance(request, Init):
                self._start_load(request)
            elif isinstance(request, End):
                self._recorded.ended()
                self._end()
                self._port.served(request)
            else:
                self._line.clear()
                self._port.fail(request)
        if self._state is _State.IDLE and not self._line:
            self._port.idle()

    # Init

    def _start_load(self, init: Init) -> None:
        try:
            self._check_token(init)
            if not init.model_path:
                # Before it has a place among the clients: it is for this that a health check can ask.
                raise WorkerError(Code.MODEL_NOT_FOUND, "model_path '' names no model")
            thresholds = thresholds_of(init)
            # First: a connection that still has the session gives up its place.
            self._recorded.claim(init.session_id)
            self._services.admission.enter(self)
        except WorkerError as error:
            self._refuse(init, error)
            return
        self._state = _State.LOADING
        services = self._services
        services.lifecycle.asked(self)
        wanted = Size(init.width, init.height)
        # What is in use stays so until the other is there.
        instead = None if self._active is None else self._active.lease

        def load() -> Lease:
            if self._state is _State.CLOSED:
                raise WorkerError(Code.SHUTTING_DOWN, "the connection ended")
            return services.pool.acquire(init.model_path, wanted, init.require_provider, instead)

        loaded = services.loaders.submit(load)
        loaded.add_done_callback(functools.partial(self._hand_over_load, init, thresholds))

    def _check_token(self, init: Init) -> None:
        """Before anything else: who doesn't know the token learns nothing, and keeps nothing."""
        try:
            self._services.admission.check_token(init.token)
        except WorkerError:
            self.trusted = False
            self._recorded.left()
            self._end()
            raise
        self.trusted = True

    def _hand_over_load(self, init: Init, thresholds: Thresholds, loaded: Future[Lease]) -> None:
        """On the loader's thread."""
        if loaded.cancelled():
            return
        outcome = loaded.exception() or loaded.result()
        # The event loop may have ended before the load did.
        with contextlib.suppress(RuntimeError):
            self._services.call_soon_threadsafe(self._end_load, init, thresholds, outcome)

    def _end_load(self, init: Init, thresholds: Thresholds, loaded: Lease | BaseException) -> None:
        if self._state is _State.CLOSED:
            if isinstance(loaded, Lease):
                self._services.pool.release(loaded)
            self._services.lifecycle.answered(self)
            # Not before: whoever comes and goes would have any number of loads in line.
            self._services.admission.leave(self)
            return
        self._state = _State.IDLE
        if isinstance(loaded, BaseException):
            self._services.lifecycle.answered(self)
            error = typed(loaded, "loading the model", log.names_of(init.client_id))
            self._refuse(init, error)
            self._serve()
            return
        try:
            check_against_model(init, loaded)
        except WorkerError as error:
            self._services.pool.release(loaded)
            self._services.lifecycle.answered(self)
            self._refuse(init, error)
        else:
            self._accept(init, _Active(loaded, thresholds))
        self._serve()

    def _accept(self, init: Init, active: _Active) -> None:
        if self._active is not None:
            # Its place is taken, and so is its memory.
            self._services.pool.release(self._active.lease, keep=False)
        self._active = active
        self._services.lifecycle.session_began(self)
        self._turns.priority = init.priority
        session_id = self._recorded.began(init.client_id, active.lease.model_id)
        answer = init_ok(init, active.lease, session_id)
        self.names = log.names_of(init.client_id, session_id)
        log.info("Init accepted", peer=self._port.peer, **self.names, model=init.model_path)
        for text in answer.warnings:
            log.warning(text, peer=self._port.peer, **self.names, model=init.model_path)
        self._port.send(encode_init_ok(answer) + encode_ready(0))
        self._port.served(init)

    def _refuse(self, init: Init, error: WorkerError) -> None:
        # No Ready: the former settings, and the credit that came with them, stay as they are.
        # It comes every few seconds, and fails as it is meant to.
        checking = init.client_id == HEALTHCHECK and error.kind is Code.MODEL_NOT_FOUND
        tell = log.debug if checking else log.warning
        names = {**self.names, **log.names_of(init.client_id)}
        tell("Init refused", peer=self._port.peer, **names, error=error.name, reason=error.message)
        if not checking:
            self._services.counters.told(error.kind)
        self._recorded.refused()
        if self._active is None:
            self._services.admission.leave(self)
        self._port.send(encode_error(error))
        self._port.served(init)

    # Frames

    def _start_frame(self, frame: Frame) -> None:
        active = self._active
        if active is None:
            error = WorkerError(Code.NOT_INITIALISED, "a Frame came before an accepted Init; send Init first")
            self._refuse_frame(frame, error)
            return
        self._state = _State.RUNNING
        self.waiting_since_ns = time.perf_counter_ns()

        def run() -> Outcome:
            if self._state is _State.CLOSED:
                raise WorkerError(Code.SHUTTING_DOWN, "the connection ended")
            return active.lease.pipeline.run(frame, active.thresholds)

        self._services.scheduler.submit(
            self._turns, run, lambda outcome: self._end_frame(frame, active, outcome)
        )

    def _end_frame(self, frame: Frame, active: _Active, outcome: Outcome | Exception) -> None:
        if self._state is _State.CLOSED:
            return
        self._state = _State.IDLE
        self.waiting_since_ns = 0
        if isinstance(outcome, Outcome):
            self._services.progress.processed(frame, outcome)
            names = active.lease.pipeline.info.class_names
            self._port.send(encode_result(frame, outcome, names, self._services.meter.usage()))
            self._recorded.result(frame, outcome, names, active.lease.model_id)
            self._port.served(frame)
        else:
            about: dict[str, str | int] = {**self.names, "seq": frame.seq}
            self._refuse_frame(frame, typed(outcome, "running a frame", about))
        self._serve()

    def _refuse_frame(self, frame: Frame, error: WorkerError) -> None:
        # In debug only: a client that sends a bad frame sends many.
        log.debug("frame refused", **self.names, seq=frame.seq, error=error.name, reason=error.message)
        # A frame without pixels before an Init is how a health check asks whether somebody answers.
        if self._active is not None or len(frame.data):
            self._services.progress.refused(error)
            self._services.counters.told(error.kind)
            self._services.counters.add(Count.FRAMES_REFUSED)
        self._port.send(encode_error(error, frame.seq) + encode_ready(frame.seq))
        if self._active is not None:
            self._recorded.error(frame, error, self._active.lease.model_id)
        self._port.served(frame)

    # Session

    def _evicted(self) -> None:
        self.close()
        message = "the session goes on on another connection of its client"
        self._port.fail(WorkerError(Code.SESSION_MOVED, message))

    def _end(self) -> None:
        self._services.admission.leave(self)
        self._deactivate()

    def _deactivate(self) -> None:
        if self._active is not None:
            self._services.pool.release(self._active.lease)
            self._active = None
            self._services.lifecycle.session_ended(self)
