"""The files of one session, in a folder of its own.

detections.ndjson grows by whole lines; open.json is there while the session is, session.json afterwards.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from aiw_worker.sessions.summary import Summary

SCHEMA = "aiw.session/1"
DETECTIONS = "detections.ndjson"
OPEN = "open.json"
CLOSED = "session.json"
_TEMPORARY = ".tmp"
# Without O_BINARY, which only Windows has, lines would end in two characters there.
_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0)

Write = Callable[[int, bytes], int]


@dataclass(frozen=True, slots=True)
class Header:
    """What is known of a session from its start on."""

    session_id: str
    client_id: str
    start: str


@dataclass(frozen=True, slots=True)
class Ending:
    """When a session ended, and why: "end", "disconnected", "replaced", "stopped" or "recovered"."""

    at: str
    reason: str


class LineFile:
    """Appends whole lines to detections.ndjson. What could be written of a line only in part is cut off."""

    def __init__(self, path: Path, write: Write = os.write) -> None:
        """Opens it, made where it isn't there, and locks it: a worker that starts leaves it alone then.

        Raises:
            OSError: it can't be opened, or another has it.
        """
        self._write = write
        self._fd = os.open(path, _FLAGS, 0o644)
        try:
            _lock(self._fd)
            self._size = os.fstat(self._fd).st_size
        except OSError:
            os.close(self._fd)
            raise
        self._torn = False

    def append(self, line: bytes) -> None:
        """Writes one line, or nothing.

        Raises:
            OSError: as when the disk is full.
        """
        if self._torn:
            self.cut(self._size)
        # Until it is known to be whole.
        self._torn = True
        written = 0
        try:
            while written < len(line):
                written += self._write(self._fd, line[written:])
        except OSError:
            with contextlib.suppress(OSError):
                self.cut(self._size)
            raise
        self._size += written
        self._torn = False

    def cut(self, size: int) -> None:
        """Drops what is beyond `size` bytes.

        Raises:
            OSError: it can't.
        """
        os.ftruncate(self._fd, size)
        self._size, self._torn = size, False

    def sync(self) -> None:
        """Brings it to the disk.

        Raises:
            OSError: it may not be there.
        """
        if self._torn:
            self.cut(self._size)
        os.fsync(self._fd)

    def close(self) -> None:
        """Closes and unlocks it."""
        with contextlib.suppress(OSError):
            os.close(self._fd)


def write_atomically(path: Path, value: Any) -> None:
    """Replaces a file by JSON, of which there is never half.

    Raises:
        OSError: nothing was replaced.
    """
    temporary = path.with_name(path.name + _TEMPORARY)
    try:
        with temporary.open("w", encoding="utf-8") as file:
            json.dump(value, file, indent=2)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    _sync_folder(path.parent)


def close_session(
    folder: Path, header: Header, ending: Ending, summary: Summary, more: dict[str, int]
) -> None:
    """Writes session.json; from then on the session is closed.

    Raises:
        OSError: it is still open.
    """
    values = summary.values()
    values["frames"].update(more)
    models = values.pop("model_ids")
    write_atomically(
        folder / CLOSED,
        {
            "schema": SCHEMA,
            "session_id": header.session_id,
            "client_id": header.client_id,
            "start": header.start,
            "end": ending.at,
            "reason": ending.reason,
            # The last one; a session whose model was changed had several, in the order of their last use.
            "model_id": models[-1] if models else None,
            "model_ids": models,
            **values,
        },
    )
    unmark(folder)


def unmark(folder: Path) -> None:
    """Takes away that a session is open, and what a killed worker left of saying so."""
    for name in (OPEN, OPEN + _TEMPORARY):
        with contextlib.suppress(OSError):
            (folder / name).unlink()


def iso(moment: float) -> str:
    """A time in seconds since 1970 as RFC 3339, UTC."""
    text = datetime.fromtimestamp(moment, timezone.utc).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def _lock(fd: int) -> None:
    try:
        import fcntl  # noqa: PLC0415 - Unix only; elsewhere an open file can't be taken over anyway
    except ImportError:
        return
    fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _sync_folder(folder: Path) -> None:
    """So that the new name is on the disk too; where folders can't be opened it is as the system sees fit."""
    with contextlib.suppress(OSError):
        fd = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
