"""Finds a frame's pixels inside an encoded Envelope, so that protobuf never copies them.

Wire format: https://protobuf.dev/programming-guides/encoding/. A field is a varint tag
(number << 3 | type) and a value; type 2 is a varint length and that many bytes.
"""

from __future__ import annotations

from typing import NamedTuple

_LEN = 2
_ENVELOPE_REQ = 1 << 3 | _LEN
_REQUEST_FRAME = 2 << 3 | _LEN
_FRAME_DATA = 7 << 3 | _LEN
_FIXED_BYTES = {1: 8, 5: 4}
_MAX_VARINT_BYTES = 10
# A Frame has seven. This runs on the event loop: a message made of nothing but fields must not hold it up.
_MOST_FIELDS = 32


class DataSpan(NamedTuple):
    """Offsets into the message: the Frame, within it field 7 with its tag, and the bytes of that field."""

    frame_start: int
    field_start: int
    data_start: int
    data_end: int


class _UnusualError(Exception):
    """The layout is not the plain one; protobuf's own parser decides."""


def find_frame_data(body: memoryview) -> DataSpan | None:
    """The span of Envelope.req.frame.data, where the message is one plain Frame.

    None for everything else: other messages, submessages given twice (which protobuf merges), data
    given twice or not at all, groups, very many fields, and whatever is malformed. The caller then
    parses the whole.
    """
    try:
        request = _only_field(body, 0, _ENVELOPE_REQ)
        frame = _only_field(body, request, _REQUEST_FRAME)
        return _scan_frame(body, frame)
    except _UnusualError:
        return None


def bytes_beside_frame(body: memoryview) -> int:
    """How much of a message is not the last Envelope.req.frame in it; all of it where that can't be told."""
    try:
        start, end = _last_field(body, 0, len(body), _ENVELOPE_REQ)
        start, end = _last_field(body, start, end, _REQUEST_FRAME)
    except _UnusualError:
        return len(body)
    return len(body) - (end - start)


def _last_field(body: memoryview, at: int, end: int, wanted: int) -> tuple[int, int]:
    """Start and end of the content of the last such field between two offsets."""
    found: tuple[int, int] | None = None
    for _ in range(_MOST_FIELDS):
        if at == end:
            break
        tag, at = _varint(body, at)
        value_start, at = _skip(body, at, tag)
        if tag == wanted:
            found = value_start, at
    if found is None or at != end:
        raise _UnusualError
    return found


def _only_field(body: memoryview, at: int, wanted: int) -> int:
    """Start of the content of the one field that fills the rest of the message."""
    tag, at = _varint(body, at)
    if tag != wanted:
        raise _UnusualError
    length, at = _varint(body, at)
    if at + length != len(body):
        raise _UnusualError
    return at


def _scan_frame(body: memoryview, frame_start: int) -> DataSpan | None:
    end = len(body)
    at = frame_start
    found: DataSpan | None = None
    for _ in range(_MOST_FIELDS + 1):
        if at == end:
            return found
        field_start = at
        tag, at = _varint(body, at)
        value_start, at = _skip(body, at, tag)
        if tag == _FRAME_DATA:
            if found is not None:
                raise _UnusualError
            found = DataSpan(frame_start, field_start, value_start, at)
    raise _UnusualError


def _skip(body: memoryview, at: int, tag: int) -> tuple[int, int]:
    """Start and end of the value after a tag."""
    wire_type = tag & 7
    if not 0 < tag >> 3 < 1 << 29:
        raise _UnusualError
    start = at
    if wire_type == 0:
        _, at = _varint(body, at)
    elif wire_type == _LEN:
        length, start = _varint(body, at)
        at = start + length
    elif wire_type in _FIXED_BYTES:
        at += _FIXED_BYTES[wire_type]
    else:
        raise _UnusualError
    if at > len(body):
        raise _UnusualError
    return start, at


def _varint(body: memoryview, at: int) -> tuple[int, int]:
    """A varint's value and the offset after it."""
    value = shift = 0
    for index in range(at, min(at + _MAX_VARINT_BYTES, len(body))):
        byte = body[index]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, index + 1
        shift += 7
    raise _UnusualError
