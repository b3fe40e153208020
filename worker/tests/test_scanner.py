"""The scanner finds exactly what protobuf's own parser reads, in every encoding."""

from __future__ import annotations

from typing import Any

import pytest
from fuzzing import runs
from hypothesis import example, given, settings
from hypothesis import strategies as st
from wire_table import TableEnvelope, enclosed

from aiw_worker.codec import parse
from aiw_worker.datatypes import Frame
from aiw_worker.errors import WorkerError
from aiw_worker.scanner import find_frame_data
from aiw_worker.schema import DecodeError, Envelope


def varint(value: int, padding: int = 0) -> bytes:
    """A varint, with needless continuation bytes where `padding` says so."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    if not padding:
        return bytes([*out, value])
    return bytes([*out, value | 0x80, *[0x80] * (padding - 1), 0])


def length_field(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


_frame_fields = st.one_of(
    st.builds(lambda v: varint(1 << 3) + varint(v), st.integers(0, 2**64 - 1)),
    st.builds(lambda v: length_field(2, v.encode()), st.text(max_size=8)),
    st.builds(lambda v, p: varint(4 << 3) + varint(v, p), st.integers(0, 2**32 - 1), st.integers(0, 3)),
    st.builds(lambda v: length_field(6, v.encode()), st.sampled_from(["", "RGB", "NV12"])),
    st.builds(lambda v: length_field(7, v), st.binary(max_size=40)),
    # Fields of the wrong type, and ones nobody knows.
    st.just(varint(7 << 3) + varint(5)),
    st.builds(lambda v: varint(30 << 3 | 1) + v, st.binary(min_size=8, max_size=8)),
    st.builds(lambda v: varint(31 << 3 | 5) + v, st.binary(min_size=4, max_size=4)),
    st.builds(lambda v: length_field(40, v), st.binary(max_size=8)),
    st.just(varint(50 << 3 | 3) + varint(50 << 3 | 4)),
)
_frames = st.builds(b"".join, st.lists(_frame_fields, max_size=7))
_requests = st.builds(
    lambda frames, tail: b"".join(length_field(2, frame) for frame in frames) + tail,
    st.lists(_frames, min_size=1, max_size=2),
    st.sampled_from([b"", b"", length_field(3, b""), length_field(1, b""), length_field(9, b"x")]),
)
_envelopes = st.builds(
    lambda requests, tail: b"".join(length_field(1, request) for request in requests) + tail,
    st.lists(_requests, min_size=1, max_size=2),
    st.sampled_from([b"", b"", length_field(3, b""), length_field(9, b"x")]),
)


def agrees(data: bytes) -> None:
    """parse() reads what full parsing reads, or refuses what it refuses."""
    try:
        envelope: Any = Envelope.FromString(data)
    except DecodeError:
        with pytest.raises(WorkerError) as caught:
            parse(data)
        assert caught.value.name == "MESSAGE_UNPARSABLE"
        return
    found = parse(data)
    is_frame = envelope.HasField("req") and envelope.req.HasField("frame")
    assert isinstance(found, Frame) == is_frame
    if isinstance(found, Frame):
        frame = envelope.req.frame
        assert bytes(found.data) == frame.data
        assert (found.seq, found.ts_iso, found.ts_mono_ns) == (frame.seq, frame.ts_iso, frame.ts_mono_ns)
        assert (found.width, found.height, found.pix_fmt) == (frame.width, frame.height, frame.pix_fmt)


@settings(deadline=None, max_examples=runs(400))
@given(_envelopes)
def test_agrees_with_protobuf_on_every_layout(data: bytes) -> None:
    agrees(data)


@settings(deadline=None, max_examples=runs(400))
@given(_envelopes, st.data())
def test_agrees_with_protobuf_on_damaged_messages(data: bytes, draw: st.DataObject) -> None:
    damaged = bytearray(data)
    for _ in range(draw.draw(st.integers(1, 3))):
        damaged[draw.draw(st.integers(0, len(damaged) - 1))] = draw.draw(st.integers(0, 255))
    agrees(bytes(damaged[: draw.draw(st.integers(0, len(damaged)))]))


@settings(deadline=None, max_examples=runs(300))
@example(b"\x0a\x80")
@given(st.binary(max_size=60))
def test_agrees_with_protobuf_on_garbage(data: bytes) -> None:
    agrees(data)


@pytest.mark.parametrize("fields", [31, 32, 33, 100_000])
def test_a_frame_of_very_many_fields_is_left_to_protobuf(fields: int) -> None:
    envelope = TableEnvelope()
    envelope.req.frame.data = b"pixels"
    frame = envelope.req.frame.SerializeToString() + b"\x20\x07" * (fields - 1)
    message = enclosed(0x0A, enclosed(0x12, frame))
    assert (find_frame_data(memoryview(message)) is None) == (fields > 32)
    agrees(message)


def _large(kind: str) -> Any:
    envelope = Envelope()
    if kind == "list":
        envelope.req.init.classes_filter.extend([1] * 70_000)
    elif kind == "name":
        envelope.req.init.client_id = "x" * 70_000
    else:
        envelope.req.frame.data = b"x" * 70_000
        return envelope.SerializeToString() + _large("name")
    return envelope.SerializeToString()


@pytest.mark.parametrize("kind", ["list", "name", "frame that became an Init"])
def test_only_a_frame_may_be_large(kind: str) -> None:
    with pytest.raises(WorkerError) as caught:
        parse(_large(kind))
    assert caught.value.name == "MESSAGE_TOO_LARGE"


def test_a_large_frame_is_taken_in_any_layout() -> None:
    envelope = Envelope()
    envelope.req.frame.data = b"x" * 70_000
    # Behind what this worker doesn't know, and with its data given twice.
    unknown = b"\xa2\x01\x05later"
    agrees(unknown + envelope.SerializeToString())
    frame = envelope.req.frame.SerializeToString() * 2
    agrees(enclosed(0x0A, enclosed(0x12, frame)))


def test_finds_the_pixels_of_a_plain_frame_without_copying() -> None:
    envelope = TableEnvelope()
    envelope.req.frame.seq = 3
    envelope.req.frame.data = b"x" * 70_000
    buffer = bytearray(envelope.SerializeToString())
    span = find_frame_data(memoryview(buffer))
    assert span is not None
    assert span.data_end - span.data_start == 70_000
    found = parse(memoryview(buffer))
    assert isinstance(found, Frame)
    assert isinstance(found.data, memoryview)
    assert found.data.obj is buffer
    assert found.leased
    found.data.release()
