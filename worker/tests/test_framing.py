"""The framer: every way to cut a stream, the caps, and the loan of the frame buffer."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiw_worker.errors import WorkerError
from aiw_worker.framing import MAX_MESSAGE_BYTES, SMALL_BYTES, Framer

LARGE = SMALL_BYTES + 1


def message(body: bytes) -> bytes:
    return len(body).to_bytes(4, "little") + body


def feed(framer: Framer, data: bytes, step: int | None = None) -> list[bytes]:
    """Feeds as a socket would, at most `step` bytes a time; large bodies are copied and given back."""
    bodies: list[bytes] = []
    view = memoryview(data)
    while view:
        target = framer.buffer()
        count = min(len(target), len(view), step or len(view))
        assert count > 0
        target[:count] = view[:count]
        view = view[count:]
        body = framer.advance(count)
        if body is not None:
            bodies.append(bytes(body))
            if isinstance(body, memoryview):
                framer.release()
    return bodies


def open_framer() -> Framer:
    return Framer(MAX_MESSAGE_BYTES)


def test_every_split() -> None:
    stream = message(b"abc") + message(b"d") + message(bytes(range(40)))
    for first in range(len(stream) + 1):
        framer = Framer()
        assert feed(framer, stream[:first]) + feed(framer, stream[first:]) == [
            b"abc",
            b"d",
            bytes(range(40)),
        ]


def test_byte_by_byte_with_a_large_message() -> None:
    large = bytes(range(256)) * 257
    assert feed(open_framer(), message(b"a") + message(large) + message(b"b"), 1) == [b"a", large, b"b"]


@settings(deadline=None, max_examples=60)
@given(st.lists(st.binary(min_size=1, max_size=300)), st.integers(1, 700))
def test_any_messages_in_any_steps(bodies: list[bytes], step: int) -> None:
    assert feed(Framer(), b"".join(map(message, bodies)), step) == bodies


def test_zero_length_is_refused() -> None:
    with pytest.raises(WorkerError) as caught:
        feed(Framer(), bytes(4))
    assert caught.value.name == "MESSAGE_EMPTY"


@pytest.mark.parametrize(
    ("cap", "size"),
    [(SMALL_BYTES, LARGE), (MAX_MESSAGE_BYTES, MAX_MESSAGE_BYTES + 1), (SMALL_BYTES, 2**32 - 1)],
)
def test_oversize_is_refused_before_anything_is_allocated(cap: int, size: int) -> None:
    framer = Framer(cap)
    with pytest.raises(WorkerError) as caught:
        feed(framer, size.to_bytes(4, "little"))
    assert caught.value.name == "MESSAGE_TOO_LARGE"
    assert str(size) in caught.value.message
    assert len(framer._frame) == 0


def test_exactly_the_cap_is_accepted() -> None:
    assert feed(Framer(), message(bytes(SMALL_BYTES))) == [bytes(SMALL_BYTES)]


def take_large(framer: Framer, fill: int) -> Any:
    body = None
    for part in (message(bytes([fill]) * LARGE)[:4], bytes([fill]) * LARGE):
        target = framer.buffer()
        target[: len(part)] = part
        body = framer.advance(len(part))
    return body


def test_large_body_is_lent_without_a_copy_and_small_ones_pass_beside_it() -> None:
    framer = open_framer()
    body = take_large(framer, 7)
    assert isinstance(body, memoryview)
    assert body.obj is framer._frame.obj
    assert feed(framer, message(b"heartbeat")) == [b"heartbeat"]
    assert bytes(body) == b"\x07" * LARGE


def test_second_large_message_waits_for_the_first() -> None:
    framer = open_framer()
    first = take_large(framer, 1)
    feed(framer, message(bytes(LARGE))[:4])
    assert framer.blocked
    assert not framer.proceed()
    assert len(framer.buffer()) == 0
    assert bytes(first) == b"\x01" * LARGE
    framer.release()
    assert framer.proceed()
    assert feed(framer, b"\x02" * LARGE) == [b"\x02" * LARGE]


def test_large_message_waits_for_an_undecided_init() -> None:
    framer = Framer()
    framer.undecided = True
    feed(framer, LARGE.to_bytes(4, "little"))
    assert framer.blocked
    framer.cap, framer.undecided = MAX_MESSAGE_BYTES, False
    assert framer.proceed()


def test_large_message_after_a_refused_init_is_too_large() -> None:
    framer = Framer()
    framer.undecided = True
    feed(framer, LARGE.to_bytes(4, "little"))
    framer.undecided = False
    with pytest.raises(WorkerError):
        framer.proceed()


def test_settled_it_is_as_before_an_init() -> None:
    framer = open_framer()
    body = take_large(framer, 7)
    framer.settle()
    assert bytes(body) == b"\x07" * LARGE
    framer.release()
    assert len(framer._frame) == 0
    with pytest.raises(WorkerError, match="before an Init"):
        feed(framer, LARGE.to_bytes(4, "little"))


def test_a_large_message_that_is_under_way_ends_where_it_began() -> None:
    framer = open_framer()
    whole = message(b"\x05" * LARGE)
    feed(framer, whole[:10])
    framer.settle()
    assert feed(framer, whole[10:]) == [b"\x05" * LARGE]


def test_no_memory_for_a_large_message(monkeypatch: Any) -> None:
    def none(*_: object) -> None:
        raise OSError(errno.ENOMEM, "no memory")

    monkeypatch.setattr("aiw_worker.framing.mmap.mmap", none)
    with pytest.raises(WorkerError) as caught:
        feed(open_framer(), LARGE.to_bytes(4, "little"))
    assert caught.value.name == "OUT_OF_MEMORY"


def test_knows_when_it_is_in_the_middle() -> None:
    framer = Framer()
    assert not framer.mid_message
    feed(framer, b"\x05")
    assert framer.mid_message
    feed(framer, b"\0\0\0" + b"abcde")
    assert not framer.mid_message


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc")
def test_an_announced_length_takes_no_memory() -> None:
    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    before = resident()
    framers = [Framer(MAX_MESSAGE_BYTES) for _ in range(8)]
    for framer in framers:
        framer.buffer()[:] = MAX_MESSAGE_BYTES.to_bytes(4, "little")
        framer.advance(4)
        assert len(framer.buffer()) == MAX_MESSAGE_BYTES
    assert resident() - before < 64 * 1024 * 1024
