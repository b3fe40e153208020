"""Which sessions there are, and whose: longer than the connections that have them. All on the event loop."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from aiw_worker import log
from aiw_worker.counters import Count, Counters
from aiw_worker.errors import Code, WorkerError
from aiw_worker.lifecycle import CallLater, Timer
from aiw_worker.sessions.files import Ending, Header, iso
from aiw_worker.sessions.recorder import Recorder
from aiw_worker.sessions.records import Record
from aiw_worker.sessions.writer import SessionWriter

# Sessions without a client: each holds a file open.
_MAX_AWAY = 128
_LONGEST_CLIENT_ID = 256


class Owner(Protocol):
    """A connection's part in a session."""

    def evicted(self) -> None:
        """The session's client came back on another connection."""
        ...


@dataclass(slots=True, eq=False)
class Recorded:
    """A session that is open."""

    session_id: str
    writer: SessionWriter
    owner: Owner | None
    # Of its grace time, while nobody has it.
    timer: Timer | None = None
    # Records that were left out because too many wait for the disk.
    left_out: int = 0


class Registry:
    """Sessions by id. An id that a client names is looked up here, and is never a part of a path."""

    def __init__(
        self,
        root: Path,
        recorder: Recorder,
        counters: Counters,
        *,
        call_later: CallLater,
        grace_s: float,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._root = root
        self._recorder = recorder
        self._call_later = call_later
        self._grace_s = grace_s
        self._counters = counters
        self._now = now
        self._sessions: dict[str, Recorded] = {}
        # Those that nobody has, longest first.
        self._away: dict[str, Recorded] = {}

    def begin(self, owner: Owner, client_id: str) -> Recorded | None:
        """A new session; none where so much waits for the disk that it would come to nothing."""
        if self._recorder.full:
            self._counters.add(Count.SESSIONS_NOT_RECORDED)
            log.warning("session is not recorded: the disk is too slow", **log.names_of(client_id))
            return None
        started = self._now()
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(started))
        # Whoever knows it may go on in the session.
        session_id = f"{stamp}-{secrets.token_hex(8)}"
        header = Header(session_id, client_id[:_LONGEST_CLIENT_ID], iso(started))
        writer = SessionWriter(self._root / session_id, header, self._counters)
        self._recorder.submit(writer.begin)
        self._counters.add(Count.SESSIONS_BEGUN)
        recorded = self._sessions[session_id] = Recorded(session_id, writer, owner)
        return recorded

    def claim(self, session_id: str, owner: Owner) -> Recorded:
        """A session for its client, who comes back; a connection that still has it loses it.

        Raises:
            WorkerError: SESSION_UNKNOWN.
        """
        recorded = self._sessions.get(session_id)
        if recorded is None:
            raise WorkerError(
                Code.SESSION_UNKNOWN,
                f"session {session_id[:64]!r} is not open: it ended, or its client stayed away for over "
                f"{self._grace_s:g} s; send Init without session_id for a new one",
            )
        former = recorded.owner
        if recorded.timer is not None:
            recorded.timer.cancel()
            recorded.timer = None
            del self._away[session_id]
        recorded.owner = owner
        if former is not None:
            former.evicted()
        self._counters.add(Count.SESSIONS_RESUMED)
        return recorded

    def leave(self, recorded: Recorded) -> None:
        """Its client is gone, and may come back for a while."""
        if recorded.session_id not in self._sessions:
            return
        recorded.owner = None
        if len(self._away) >= _MAX_AWAY:
            self.finish(next(iter(self._away.values())), "disconnected")
        self._away[recorded.session_id] = recorded
        recorded.timer = self._call_later(self._grace_s, partial(self.finish, recorded, "disconnected"))

    def finish(self, recorded: Recorded, reason: str) -> None:
        """Closes a session and its files, once."""
        if self._sessions.pop(recorded.session_id, None) is None:
            return
        if recorded.timer is not None:
            recorded.timer.cancel()
        recorded.owner = None
        self._away.pop(recorded.session_id, None)
        ending = Ending(iso(self._now()), reason)
        self._recorder.submit(partial(recorded.writer.end, ending, recorded.left_out))

    def uses(self, recorded: Recorded, model_id: str) -> None:
        """The session has this model from now on."""
        if not self._recorder.full:
            self._recorder.submit(partial(recorded.writer.uses, model_id))

    def record(self, recorded: Recorded, make: Callable[[], Record]) -> None:
        """Appends what `make` gives on the recorder's thread."""
        if self._recorder.full:
            recorded.left_out += 1
            self._counters.add(Count.SESSION_RECORDS_LOST)
        else:
            self._recorder.submit(partial(recorded.writer.record, make))

    def close(self, timeout_s: float) -> None:
        """Closes all of them, and waits for their files for a while."""
        for recorded in list(self._sessions.values()):
            self.finish(recorded, "stopped")
        self._recorder.close(timeout_s)
