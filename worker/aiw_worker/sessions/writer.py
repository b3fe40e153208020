"""Writes one session, come what may. All of it on the recorder's thread."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from aiw_worker import log
from aiw_worker.counters import Count, Counters
from aiw_worker.errors import one_line
from aiw_worker.sessions.files import (
    DETECTIONS,
    OPEN,
    Ending,
    Header,
    LineFile,
    Write,
    close_session,
    write_atomically,
)
from aiw_worker.sessions.records import Record, line_of
from aiw_worker.sessions.summary import Summary


class SessionWriter:
    """A disk that is full costs records, which are counted, and one warning; it is tried again with each."""

    def __init__(self, folder: Path, header: Header, counters: Counters, write: Write = os.write) -> None:
        self.header = header
        self._folder = folder
        self._counters = counters
        self._write = write
        self._lines: LineFile | None = None
        self._summary = Summary()
        self._lost = 0
        self._warned = False

    def begin(self) -> None:
        """Makes the files."""
        self._attempt(self._open)

    def uses(self, model_id: str) -> None:
        """From now on the session has this model, whether a frame comes or not."""
        self._summary.uses(model_id)

    def record(self, make: Callable[[], Record]) -> None:
        """Appends a record."""
        record = make()
        if self._attempt(lambda: self._append(record)):
            self._summary.add(record)
        else:
            self._lost += 1
            self._counters.add(Count.SESSION_RECORDS_LOST)

    def end(self, ending: Ending, left_out: int = 0) -> None:
        """Closes the session. Where that fails it stays open, for the next start to recover.

        Args:
            ending: when and why.
            left_out: records that never came here.
        """
        lines, self._lines = self._lines, None
        if lines is not None:
            self._attempt(lines.sync)
        more = {"not_recorded": self._lost + left_out}
        if self._attempt(lambda: close_session(self._folder, self.header, ending, self._summary, more)):
            self._counters.add(Count.SESSIONS_CLOSED)
            log.info("session closed", **self._names(), reason=ending.reason)
        if lines is not None:
            # Locked until it is closed, so that no other worker recovers it.
            lines.close()

    def _names(self) -> dict[str, str]:
        return log.names_of(self.header.client_id, self.header.session_id)

    def _append(self, record: Record) -> None:
        self._open().append(line_of(record, self.header.client_id))

    def _open(self) -> LineFile:
        if self._lines is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            header = self.header
            # Locked before it can be found.
            self._lines = LineFile(self._folder / DETECTIONS, self._write)
            write_atomically(
                self._folder / OPEN,
                {"session_id": header.session_id, "client_id": header.client_id, "start": header.start},
            )
        return self._lines

    def _attempt(self, work: Callable[[], object]) -> bool:
        try:
            work()
        except OSError as error:
            self._counters.add(Count.SESSION_WRITES_FAILED)
            if not self._warned:
                self._warned = True
                log.warning(
                    "session file can't be written; detection goes on without it",
                    **self._names(),
                    reason=one_line(error),
                )
            return False
        return True
