"""Logging to stderr, one line a record, for people or as JSON of the shape that pino writes in the client.

Lines about somebody name them by the same fields in both: `client` (as its Init calls itself), `camera`,
`session`, `seq`; `peer` is an address.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from datetime import datetime, timezone
from typing import Any

logger = logging.getLogger("aiw_worker")

_NAME = "aiw-worker"
# pino's numbers; Python's are as far apart, and a step lower.
_PINO_LEVELS = {
    logging.DEBUG: 20,
    logging.INFO: 30,
    logging.WARNING: 40,
    logging.ERROR: 50,
    logging.CRITICAL: 60,
}
_OUR_KEYS = frozenset({"level", "time", "pid", "name", "msg", "stack"})
# A client may call itself anything.
_LONGEST_NAME = 256


def names_of(client_id: str, session_id: str = "") -> dict[str, str]:
    """The fields that name a client; nothing for one that has no name.

    Args:
        client_id: of its Init: its camera's name, or `PROGRAM:CAMERA`.
        session_id: of its session, where there is one.
    """
    client = client_id[:_LONGEST_NAME]
    camera = client.partition(":")[2] or client
    named = {"client": client, "camera": camera, "session": session_id}
    return {key: value for key, value in named.items() if value}


def info(message: str, **fields: Any) -> None:
    """Logs what an operator wants to read."""
    logger.info(message, extra={"fields": fields})


def warning(message: str, **fields: Any) -> None:
    """Logs what an operator should look at."""
    logger.warning(message, extra={"fields": fields})


def debug(message: str, **fields: Any) -> None:
    """Logs what only a developer wants to read."""
    logger.debug(message, extra={"fields": fields})


def exception(message: str, error: BaseException, **fields: Any) -> None:
    """Logs a fault of the worker itself: one line, and the traceback only with --debug."""
    debugging = logger.isEnabledFor(logging.DEBUG)
    fields["error"] = f"{type(error).__name__}: {error}".splitlines()[0]
    logger.error(message, exc_info=error if debugging else None, extra={"fields": fields})


class JsonFormatter(logging.Formatter):
    """{"level":30,"time":1767225600123,"pid":7,"name":"aiw-worker", …fields,"msg":"…"}, on one line.

    `time` is in milliseconds since 1970.
    """

    def format(self, record: logging.LogRecord) -> str:
        """One JSON object; newlines of a traceback are escaped by JSON itself."""
        entry: dict[str, Any] = {
            "level": _PINO_LEVELS.get(record.levelno, record.levelno),
            "time": int(record.created * 1000),
            "pid": os.getpid(),
            "name": _NAME,
        }
        for key, value in getattr(record, "fields", {}).items():
            entry[f"{key}_" if key in _OUR_KEYS else key] = value
        entry["msg"] = record.getMessage()
        if record.exc_info:
            entry["stack"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False, separators=(",", ":"), default=str)


class PrettyFormatter(logging.Formatter):
    """`12:00:00.123 info  message key=value`."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, and a traceback below it with --debug."""
        fields = getattr(record, "fields", {})
        tail = "".join(f" {key}={value}" for key, value in fields.items())
        line = f"{_time(record)[11:23]} {record.levelname.lower():<7} {record.getMessage()}{tail}"
        line = " ".join(line.splitlines())
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def configure(fmt: str, debugging: bool) -> None:
    """Sends the worker's log to stderr. `fmt` is "pretty" or "json"."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if fmt == "json" else PrettyFormatter())
    logger.handlers[:] = [handler]
    logger.setLevel(logging.DEBUG if debugging else logging.INFO)
    logger.propagate = False
    # asyncio's own complaints take the same way, and only matter to developers.
    aio = logging.getLogger("asyncio")
    aio.handlers[:] = [handler]
    aio.setLevel(logging.WARNING if debugging else logging.CRITICAL)
    aio.propagate = False


def _time(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, timezone.utc)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
