"""Every error that a client can be told: one table of code, stable name and whether trying again helps."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, slots=True)
class ErrorKind:
    """An error's number on the wire, and whether the same request may succeed later."""

    code: int
    retryable: bool = False


class Code(Enum):
    """Names are stable: clients and logs match on them. Numbers go in hundreds by subject."""

    # The conversation
    MESSAGE_EMPTY = ErrorKind(100)
    MESSAGE_TOO_LARGE = ErrorKind(101)
    MESSAGE_UNPARSABLE = ErrorKind(102)
    NOT_INITIALISED = ErrorKind(103)
    SHUTTING_DOWN = ErrorKind(104, retryable=True)
    HANDSHAKE_TIMEOUT = ErrorKind(110)
    MESSAGE_TIMEOUT = ErrorKind(111)
    CLIENT_TOO_SLOW = ErrorKind(112)
    TOO_MANY_CONNECTIONS = ErrorKind(113, retryable=True)
    TOO_MANY_CLIENTS = ErrorKind(114, retryable=True)
    TOKEN_MISSING = ErrorKind(115)
    TOKEN_WRONG = ErrorKind(116)
    TLS_MISMATCH = ErrorKind(117)
    SESSION_UNKNOWN = ErrorKind(118)
    SESSION_MOVED = ErrorKind(119)
    # Settings of an Init
    SETTING_INVALID = ErrorKind(200)
    CLASS_UNKNOWN = ErrorKind(201)
    PROVIDER_MISSING = ErrorKind(202)
    INPUT_SIZE = ErrorKind(203)
    # Models
    MODEL_NOT_FOUND = ErrorKind(300)
    MODEL_OUTSIDE_ROOTS = ErrorKind(301)
    MODEL_NOT_A_FILE = ErrorKind(302)
    MODEL_EMPTY = ErrorKind(303)
    MODEL_UNREADABLE = ErrorKind(304)
    MODEL_NOT_ONNX = ErrorKind(305)
    MODEL_TRUNCATED = ErrorKind(306)
    MODEL_INVALID = ErrorKind(307)
    MODEL_CHANGED = ErrorKind(308, retryable=True)
    MODEL_UNKNOWN_LAYOUT = ErrorKind(309)
    MODEL_UNSUPPORTED_INPUT = ErrorKind(310)
    MODEL_UNSUPPORTED_TASK = ErrorKind(311)
    QUANTIZE_FAILED = ErrorKind(312)
    POOL_FULL = ErrorKind(313, retryable=True)
    # Frames
    FRAME_SIZE = ErrorKind(400)
    FRAME_FORMAT = ErrorKind(401)
    FRAME_PICTURE = ErrorKind(402)
    # Running
    INFERENCE_FAILED = ErrorKind(500)
    INTERNAL = ErrorKind(501)
    OUT_OF_MEMORY = ErrorKind(502)
    # Starting
    USAGE = ErrorKind(600)
    PORT_IN_USE = ErrorKind(601)
    LISTEN_FAILED = ErrorKind(602)
    ENGINE_MISSING = ErrorKind(603)
    SCHEMA_MISSING = ErrorKind(604)
    # Writing files
    OUTPUT_FAILED = ErrorKind(700)


class WorkerError(Exception):
    """A stable name, and one sentence: what is wrong, with what value, and the way out."""

    def __init__(self, kind: Code, message: str, retry_after_ms: int = 0) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.retry_after_ms = retry_after_ms

    @property
    def name(self) -> str:
        """Stable name, as on the wire."""
        return self.kind.name

    @property
    def code(self) -> int:
        """Number on the wire."""
        return self.kind.value.code

    @property
    def retryable(self) -> bool:
        """Whether the same request may succeed later."""
        return self.kind.value.retryable


# As numpy, onnxruntime (its arena, C++ beneath it), OpenVINO, protobuf, the system and its loader say it.
_NO_MEMORY = re.compile(
    r"bad_alloc|bfc_arena|out of memory|can(no|')t alloc|(unable|failed) to allocate|failed to map segment",
    re.I,
)


def out_of_memory(error: BaseException, doing: str) -> WorkerError | None:
    """The error to raise where memory ran out, in whatever words a library says so; None for any other.

    Args:
        error: what was raised.
        doing: what there was too little memory for ("load yolo11s.onnx").
    """
    if not isinstance(error, MemoryError) and not _NO_MEMORY.search(str(error)):
        return None
    return WorkerError(
        Code.OUT_OF_MEMORY,
        f"there is too little memory to {doing}; free some, allow more of it, or take a smaller model",
    )


def one_line(error: BaseException, limit: int = 240) -> str:
    """First line of an exception's text, without the dumps that native libraries append."""
    text = str(error).strip() or type(error).__name__
    line = " ".join(text.splitlines()[0].split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
