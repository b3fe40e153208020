"""Fuzzes what comes from a client: it is a message of known types, or one of the documented errors.

For how long: see fuzzing.py.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
from fuzzing import runs
from hypothesis import given, settings
from hypothesis import strategies as st

from aiw_worker.codec import End, Heartbeat, Init, Message, parse
from aiw_worker.datatypes import Frame, Thresholds
from aiw_worker.errors import Code, WorkerError
from aiw_worker.framing import MAX_MESSAGE_BYTES, SMALL_BYTES, Framer
from aiw_worker.handshake import thresholds_of
from aiw_worker.pixels import PixelDecoder
from aiw_worker.schema import Envelope

# What a stream can end of; everything else is a fault of ours.
STREAM_ERRORS = {
    Code.MESSAGE_EMPTY,
    Code.MESSAGE_TOO_LARGE,
    Code.MESSAGE_UNPARSABLE,
    Code.TLS_MISMATCH,
}
FRAME_ERRORS = {Code.FRAME_SIZE, Code.FRAME_FORMAT, Code.FRAME_PICTURE}
UINT32 = st.integers(0, 2**32 - 1)
UINT64 = st.integers(0, 2**64 - 1)
TEXT = st.text(max_size=20)


@st.composite
def _inits(draw: st.DrawFn) -> bytes:
    envelope: Any = Envelope()
    init = envelope.req.init
    init.model_path = draw(TEXT)
    init.width, init.height = draw(UINT32), draw(UINT32)
    init.classes_filter.extend(draw(st.lists(UINT32, max_size=5)))
    for name, values in (
        ("conf_threshold", st.floats(width=32)),
        ("iou_threshold", st.floats(width=32)),
        ("max_detections", UINT32),
        ("token", TEXT),
        ("client_id", TEXT),
        ("require_provider", TEXT),
    ):
        if draw(st.booleans()):
            setattr(init, name, draw(values))
    return bytes(envelope.SerializeToString())


@st.composite
def _frames(draw: st.DrawFn, data: st.SearchStrategy[bytes]) -> bytes:
    envelope: Any = Envelope()
    frame = envelope.req.frame
    frame.seq, frame.ts_mono_ns, frame.ts_iso = draw(UINT64), draw(UINT64), draw(TEXT)
    frame.width, frame.height = draw(UINT32), draw(UINT32)
    frame.pix_fmt = draw(TEXT | st.sampled_from(["RGB", "I420", "NV12", "JPEG", "WEBP"]))
    frame.data = draw(data)
    return bytes(envelope.SerializeToString())


def _others() -> Iterator[bytes]:
    for fill in (
        lambda envelope: envelope.req.end.SetInParent(),
        lambda envelope: envelope.hb.SetInParent(),
        lambda envelope: envelope.res.ready.SetInParent(),
    ):
        envelope: Any = Envelope()
        fill(envelope)
        yield bytes(envelope.SerializeToString())


# One in some is of more than the small buffer holds.
_large = st.integers(SMALL_BYTES - 100, SMALL_BYTES + 100).map(bytes)
_messages = _inits() | _frames(st.binary(max_size=200)) | _frames(_large) | st.sampled_from(list(_others()))


@st.composite
def _streams(draw: st.DrawFn) -> bytes:
    """Messages one after another, with some bytes changed, left out, or put in."""
    bodies = draw(st.lists(_messages, min_size=1, max_size=4))
    stream = bytearray(b"".join(len(body).to_bytes(4, "little") + body for body in bodies))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(stream)))
        how = draw(st.sampled_from(["change", "cut", "insert"]))
        if how == "change" and at < len(stream):
            stream[at] = draw(st.integers(0, 255))
        elif how == "cut":
            del stream[at : at + draw(st.integers(1, 8))]
        else:
            stream[at:at] = draw(st.binary(min_size=1, max_size=8))
    return bytes(stream)


def read(stream: bytes, cuts: list[int], cap: int) -> tuple[list[tuple[Any, ...]], Code | None]:
    """What a connection would read of a stream that comes in such pieces, and what ended it."""
    framer = Framer(cap)
    found: list[tuple[Any, ...]] = []
    edges = [0, *sorted(cuts), len(stream)]
    try:
        for begin, end in itertools.pairwise(edges):
            piece = memoryview(stream)[begin:end]
            while piece:
                target = framer.buffer()
                count = min(len(target), len(piece))
                assert count > 0
                target[:count] = piece[:count]
                piece = piece[count:]
                body = framer.advance(count)
                if body is None:
                    continue
                found.append(essence(parse(body)))
                framer.release()
    except WorkerError as error:
        assert error.kind in STREAM_ERRORS, error
        assert "\n" not in error.message
        return found, error.kind
    return found, None


def essence(message: Message | None) -> tuple[Any, ...]:
    """What a message says, but for when it came, its types checked."""
    assert message is None or isinstance(message, (Init, Frame, End, Heartbeat))
    if isinstance(message, Frame):
        assert all(type(n) is int for n in (message.seq, message.ts_mono_ns, message.width, message.height))
        assert type(message.ts_iso) is type(message.pix_fmt) is str
        return ("frame", message.seq, message.width, message.height, message.pix_fmt, bytes(message.data))
    if isinstance(message, Init):
        assert all(type(text) is str for text in (message.model_path, message.token, message.client_id))
        assert all(type(class_id) is int for class_id in message.classes)
        # A NaN is not equal to itself.
        return ("init", repr(message), message.token)
    return (type(message).__name__,)


@settings(deadline=None, max_examples=runs(300))
@given(_streams(), st.data(), st.sampled_from([SMALL_BYTES, MAX_MESSAGE_BYTES]))
def test_a_damaged_stream_is_read_alike_however_it_is_cut(
    stream: bytes, draw: st.DataObject, cap: int
) -> None:
    cuts = draw.draw(st.lists(st.integers(0, len(stream)), max_size=20))
    assert read(stream, cuts, cap) == read(stream, [], cap)


@settings(deadline=None, max_examples=runs(100))
@given(st.lists(_messages, max_size=5))
def test_whole_stream_is_read_whole(bodies: list[bytes]) -> None:
    stream = b"".join(len(body).to_bytes(4, "little") + body for body in bodies)
    found, ended_by = read(stream, [], MAX_MESSAGE_BYTES)
    assert ended_by is (None if all(bodies) else Code.MESSAGE_EMPTY)
    assert found == [essence(parse(body)) for body in itertools.takewhile(len, bodies)]


@settings(deadline=None, max_examples=runs(300))
@given(st.binary(max_size=300))
def test_so_is_garbage(stream: bytes) -> None:
    every_byte = list(range(len(stream)))
    assert read(stream, every_byte, MAX_MESSAGE_BYTES) == read(stream, [], MAX_MESSAGE_BYTES)


@settings(deadline=None, max_examples=runs(300))
@given(_inits())
def test_settings_are_in_range_or_refused(body: bytes) -> None:
    init = parse(body)
    assert isinstance(init, Init)
    try:
        thresholds = thresholds_of(init)
    except WorkerError as error:
        assert error.kind is Code.SETTING_INVALID
        return
    assert isinstance(thresholds, Thresholds)
    assert 0 <= thresholds.conf <= 1
    assert 0 <= thresholds.iou <= 1


def _picture(kind: str) -> bytes:
    pixels = np.random.default_rng(1).integers(0, 255, (16, 24, 3), np.uint8)
    return bytes(cv2.imencode(f".{kind.lower()}", pixels)[1])


PICTURES = {"JPEG": _picture("JPEG"), "WEBP": _picture("WEBP")}


@settings(deadline=None, max_examples=runs(300))
@given(st.sampled_from(sorted(PICTURES)), st.sampled_from(sorted(PICTURES)), st.data())
def test_damaged_picture_has_the_named_size_or_is_refused(said: str, kind: str, draw: st.DataObject) -> None:
    data = bytearray(PICTURES[kind])
    for _ in range(draw.draw(st.integers(0, 4))):
        data[draw.draw(st.integers(0, len(data) - 1))] = draw.draw(st.integers(0, 255))
    cut = bytes(data[: draw.draw(st.just(len(data)) | st.integers(0, len(data)))])
    width, height = draw.draw(st.sampled_from([(24, 16), (16, 24), (65_500, 65_500)]))
    decode(Frame(1, "", 0, width, height, said, cut))


@settings(deadline=None, max_examples=runs(300))
@given(st.sampled_from(["RGB", "I420", "NV12", "JPEG", "WEBP"]), st.binary(max_size=200), st.data())
def test_so_has_any_frame(kind: str, data: bytes, draw: st.DataObject) -> None:
    side = st.integers(0, 12) | UINT32
    decode(Frame(1, "", 0, draw.draw(side), draw.draw(side), kind, data))


def decode(frame: Frame) -> None:
    try:
        image = PixelDecoder().decode(frame)
    except WorkerError as error:
        assert error.kind in FRAME_ERRORS, error
        return
    assert image.pixels.shape == (frame.height, frame.width, 3)
