"""Closes the sessions that a killed worker left open."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from aiw_worker import log
from aiw_worker.counters import Count, Counters
from aiw_worker.errors import one_line
from aiw_worker.sessions.files import (
    CLOSED,
    DETECTIONS,
    OPEN,
    Ending,
    Header,
    LineFile,
    close_session,
    iso,
    unmark,
)
from aiw_worker.sessions.summary import Summary


def unfinished(root: Path) -> list[Path]:
    """Folders of sessions that are open; those of other workers that run are among them, and agents' are not.

    Raises:
        OSError: the folder can't be read.
    """
    return [
        folder
        for folder in sorted(root.iterdir())
        if folder.is_dir()
        and not folder.is_symlink()
        # An agent's, which is about to get its name.
        and not folder.name.startswith(".")
        and not _is_agents(folder)
        and ((folder / OPEN).exists() or ((folder / DETECTIONS).exists() and not (folder / CLOSED).exists()))
    ]


def recover(folders: Sequence[Path], counters: Counters) -> None:
    """Cuts off what was written of a last line only in part, and writes session.json of what is there."""
    for folder in folders:
        try:
            recovered = _recover(folder)
        except OSError as error:
            log.warning("session can't be recovered", session=folder.name, reason=one_line(error))
            continue
        if recovered:
            counters.add(Count.SESSIONS_RECOVERED)
            log.info("session recovered", session=folder.name)


def _recover(folder: Path) -> bool:
    path = folder / DETECTIONS
    header = _header(folder)
    try:
        lines = LineFile(path)
    except BlockingIOError:
        # Another worker's, which runs.
        return False
    try:
        # By the worker that was killed before it could say so, or by another since we looked.
        if (folder / CLOSED).exists():
            unmark(folder)
            return False
        ended = path.stat().st_mtime
        summary = Summary()
        whole, damaged = _read(path, summary)
        lines.cut(whole)
        lines.sync()
        more = {"damaged": damaged} if damaged else {}
        # A file system's clock is coarse: a file's time may lie before the one at which it was made.
        ending = Ending(max(header.start, iso(ended)), "recovered")
        close_session(folder, header, ending, summary, more)
    finally:
        lines.close()
    return True


def _read(path: Path, summary: Summary) -> tuple[int, int]:
    """Adds up the records; bytes of whole lines, and lines among them that are no records."""
    whole = damaged = 0
    with path.open("rb") as file:
        for line in file:
            if not line.endswith(b"\n"):
                break
            whole += len(line)
            try:
                summary.add(json.loads(line))
            except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
                damaged += 1
    return whole, damaged


def _is_agents(folder: Path) -> bool:
    """Whether an agent has it open, or had: agents close their own, and say from the first on whose it is."""
    try:
        return "owner" in json.loads((folder / OPEN).read_text(encoding="utf-8"))
    except (OSError, ValueError, TypeError, RecursionError):
        return False


def _header(folder: Path) -> Header:
    """As open.json has it; it may never have come to the disk."""
    try:
        found = json.loads((folder / OPEN).read_text(encoding="utf-8"))
        return Header(folder.name, str(found["client_id"]), str(found["start"]))
    except (OSError, ValueError, KeyError, TypeError):
        return Header(folder.name, "", iso(folder.stat().st_mtime))
