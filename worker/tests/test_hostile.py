"""The whole list of hostile input, against a worker as a process: each has its answer, and costs nobody else.

What parses gets an Error and the connection goes on; what does not gets an Error and a clean close. Answers
are waited for as long as client.TIMEOUT_S. The kinds of which time is the matter run against a worker of this
process that has less patience, for the real one's is half a minute; the slow reader is in test_admission.py.
"""

from __future__ import annotations

import contextlib
import math
import os
import struct
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import graphs
import numpy as np
import pytest
from client import Client
from conftest import port_of
from wire_table import enclosed

from aiw_worker.framing import MAX_FRAME_BYTES, MAX_MESSAGE_BYTES
from aiw_worker.schema import Envelope

MODEL = "m.onnx"
PIXELS = np.zeros((8, 8, 3), np.uint8)
IDLE_CONNECTIONS = 200
GROWTH_BYTES = 100_000_000
# The start of a TLS handshake: a record of type 22, its version, its length; a ClientHello.
TLS_HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
# A JPEG that claims 65500 x 65500 pixels, and has none.
HUGE_JPEG = b"\xff\xd8\xff\xc0\x00\x11\x08\xff\xdc\xff\xdc\x03\x01\x22\x00\x02\x11\x01\x03\x11\x01\xff\xd9"


def good(port: int) -> None:
    """A client as it should be is served."""
    with Client(port, Envelope) as client:
        client.start(MODEL)
        client.detect(1, PIXELS)
        client.end()


def goes_on(client: Client) -> None:
    """The connection that was refused something still serves."""
    client.start(MODEL)
    client.detect(99, PIXELS)


# What parses: an Error, and the connection goes on.

REFUSED_INITS: dict[str, tuple[dict[str, Any], str]] = {
    "path outside": ({"model": "../secret.onnx"}, "MODEL_OUTSIDE_ROOTS"),
    "absolute path outside": ({"model": "/etc/hostname"}, "MODEL_OUTSIDE_ROOTS"),
    "link that leads outside": ({"model": "link.onnx"}, "MODEL_OUTSIDE_ROOTS"),
    "folder in a model's place": ({"model": "."}, "MODEL_NOT_A_FILE"),
    "zero byte in a path": ({"model": "m.onnx\0.txt"}, "MODEL_NOT_FOUND"),
    "path of 60,000 characters": ({"model": "x" * 60_000}, "MODEL_NOT_FOUND"),
    "file that is no model": ({"model": "garbage.onnx"}, "MODEL_NOT_ONNX"),
    "class out of range": ({"classes_filter": [4_000_000_000]}, "CLASS_UNKNOWN"),
    "threshold that is no number": ({"conf_threshold": math.nan}, "SETTING_INVALID"),
    "endless threshold": ({"iou_threshold": math.inf}, "SETTING_INVALID"),
    "too many detections": ({"max_detections": 2**32 - 1}, "SETTING_INVALID"),
}

REFUSED_FRAMES: dict[str, tuple[dict[str, Any], str]] = {
    "short frame": ({"data": b"x" * 191}, "FRAME_SIZE"),
    "frame without pixels": ({"data": b""}, "FRAME_SIZE"),
    "zero size": ({"width": 0, "height": 0}, "FRAME_SIZE"),
    "huge size": ({"width": 2**32 - 1, "height": 2**32 - 1}, "FRAME_SIZE"),
    "unknown format": ({"pix_fmt": "BGRX"}, "FRAME_FORMAT"),
    "bad JPEG": ({"pix_fmt": "JPEG", "data": b"\xff\xd8 and no more"}, "FRAME_PICTURE"),
    "JPEG of 4 gigapixels": (
        {"pix_fmt": "JPEG", "data": HUGE_JPEG, "width": 65500, "height": 65500},
        "FRAME_SIZE",
    ),
    "JPEG of nothing but fill bytes": (
        {"pix_fmt": "JPEG", "data": b"\xff\xd8" + b"\xff" * 4_000_000},
        "FRAME_PICTURE",
    ),
    "bad WebP": ({"pix_fmt": "WEBP", "data": b"RIFF\0\0\0\0WEBPVP8 "}, "FRAME_PICTURE"),
}

# What does not parse: an Error, and a clean close.

BROKEN: dict[str, tuple[bytes, str]] = {
    "garbage for a length": (b"GET / HTTP/1.1\r\nHost: worker\r\n\r\n", "MESSAGE_TOO_LARGE"),
    "4 GiB length": (b"\xff\xff\xff\xff", "MESSAGE_TOO_LARGE"),
    "zero length": (bytes(4), "MESSAGE_EMPTY"),
    "garbage for a message": (b"\x08\0\0\0" + b"\xff" * 8, "MESSAGE_UNPARSABLE"),
    "TLS at the plain port": (TLS_HELLO, "TLS_MISMATCH"),
    "large frame before Init": (struct.pack("<I", 65537) + bytes(65537), "MESSAGE_TOO_LARGE"),
}


def frame_before_init(port: int) -> None:
    with Client(port, Envelope) as client:
        client.frame(1, PIXELS)
        assert client.refused(1).name == "NOT_INITIALISED"
        goes_on(client)


def half_a_frame(port: int) -> None:
    with Client(port, Envelope) as client:
        client.start(MODEL)
        body = client.frame_message(1, np.zeros((480, 640, 3), np.uint8))
        client.raw(len(body).to_bytes(4, "little") + body[: len(body) // 2])


def over_the_negotiated_maximum(port: int) -> None:
    with Client(port, Envelope) as client:
        client.start(MODEL)
        client.raw((MAX_MESSAGE_BYTES + 1).to_bytes(4, "little"))
        assert client.expect("error").name == "MESSAGE_TOO_LARGE"
        assert client.ended()


def nothing_but_fields(port: int) -> None:
    with Client(port, Envelope) as client:
        # A Frame whose seq is given 30,000 times, over and over, before the worker knows who sends it.
        frame = b"\x08\x01" * 30_000
        for _ in range(100):
            client.message(enclosed(0x0A, enclosed(0x12, frame)))
            assert client.refused(1).name == "NOT_INITIALISED"
        goes_on(client)


def list_of_16_million_classes(port: int) -> None:
    with Client(port, Envelope) as client:
        client.start(MODEL)
        # Packed: field 5 of Init, of Request's field 1, of Envelope's field 1.
        client.message(enclosed(0x0A, enclosed(0x0A, enclosed(0x2A, bytes(16_000_000)))))
        assert client.expect("error").name == "MESSAGE_TOO_LARGE"
        assert client.ended()


def no_heed_of_credit(port: int) -> None:
    with Client(port, Envelope) as client:
        client.start(MODEL)
        bodies = [client.frame_message(seq, PIXELS) for seq in range(500)]
        client.raw(b"".join(len(body).to_bytes(4, "little") + body for body in bodies))
        assert [client.expect("result").seq for _ in bodies] == list(range(500))


def init_after_init(port: int) -> None:
    with Client(port, Envelope) as client:
        for _ in range(50):
            client.init(MODEL)
        for _ in range(50):
            client.expect("init_ok")
            assert client.expect("ready").seq == 0
        client.detect(1, PIXELS)


def unknown_messages(port: int) -> None:
    with Client(port, Envelope) as client:
        # Field 15 of an Envelope, then a Response, which only workers send.
        client.message(b"\x7a\x03abc")
        client.message(b"\x12\x00")
        goes_on(client)


def idle_connections(port: int) -> None:
    with contextlib.ExitStack() as held:
        for _ in range(IDLE_CONNECTIONS):
            held.enter_context(Client(port, Envelope))
        good(port)


def refused_init(fields: dict[str, Any], name: str) -> Callable[[int], None]:
    def send(port: int) -> None:
        with Client(port, Envelope) as client:
            client.init(**{"model": MODEL, **fields})
            assert client.expect("error").name == name
            goes_on(client)
            # In mid-session as well: what was there stays.
            client.init(**{"model": MODEL, **fields})
            assert client.expect("error").name == name
            client.detect(100, PIXELS)

    return send


def refused_frame(fields: dict[str, Any], name: str) -> Callable[[int], None]:
    def send(port: int) -> None:
        with Client(port, Envelope) as client:
            client.start(MODEL)
            client.frame(7, PIXELS, **fields)
            error = client.refused(7)
            assert (error.name, error.seq, error.retryable) == (name, 7, False)
            client.detect(8, PIXELS)

    return send


def broken(data: bytes, name: str) -> Callable[[int], None]:
    def send(port: int) -> None:
        with Client(port, Envelope) as client:
            client.raw(data)
            assert client.expect("error").name == name
            assert client.ended()

    return send


KINDS: dict[str, Callable[[int], None]] = {
    **{kind: broken(*what) for kind, what in BROKEN.items()},
    **{kind: refused_init(*what) for kind, what in REFUSED_INITS.items()},
    **{kind: refused_frame(*what) for kind, what in REFUSED_FRAMES.items()},
    "frame before Init": frame_before_init,
    "half a frame": half_a_frame,
    "more than the negotiated maximum": over_the_negotiated_maximum,
    "Frames of nothing but fields": nothing_but_fields,
    "list of 16 million classes": list_of_16_million_classes,
    "500 frames at once": no_heed_of_credit,
    "50 Inits at once": init_after_init,
    "unknown messages": unknown_messages,
    f"{IDLE_CONNECTIONS} idle connections": idle_connections,
}


@pytest.fixture
def worker(spawn: Any, tmp_path: Path) -> Iterator[Any]:
    """A worker process that may load m.onnx; what it should not load lies about."""
    roots = tmp_path / "models"
    roots.mkdir()
    graphs.dynamic_yolo11(roots / MODEL)
    graphs.dynamic_yolo11(tmp_path / "secret.onnx")
    (roots / "link.onnx").symlink_to(tmp_path / "secret.onnx")
    (roots / "garbage.onnx").write_bytes(b"no model at all" * 100)
    # Two clients are all that it takes: who is idle is none.
    yield spawn("--port", "0", "--exit-with-stdin", "--model-dir", str(roots), "--max-clients", "2")


def resident_bytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(sys.platform == "win32", reason="makes symbolic links")
def test_every_kind_has_its_answer_and_a_good_client_is_served_right_after(worker: Any) -> None:
    port = port_of(worker)
    good(port)
    on_linux = sys.platform == "linux"
    before = resident_bytes(worker.pid) if on_linux else 0
    for kind, send in KINDS.items():
        try:
            send(port)
            good(port)
        except Exception as error:
            raise AssertionError(f"after '{kind}'") from error
    grown = resident_bytes(worker.pid) - before if on_linux else 0
    assert grown < GROWTH_BYTES
    print(f"{len(KINDS)} kinds; resident memory grew by {grown / 1e6:.1f} MB")
    _, said = worker.communicate(timeout=30)
    assert worker.returncode == 0, said
    assert "Traceback" not in said


@pytest.mark.parametrize("begin", [b"", b"\x05", b"\x10\0\0\0abc"], ids=["nothing", "a byte", "half an Init"])
def test_who_never_completes_the_handshake_is_told_and_cut(start_worker: Any, begin: bytes) -> None:
    worker = start_worker(heartbeat=0.01, handshake=0.05)
    with Client(worker.port, Envelope) as client:
        client.raw(begin)
        assert client.expect("error").name == "HANDSHAKE_TIMEOUT"
        assert client.ended()


def test_half_a_frame_is_not_waited_for(start_worker: Any) -> None:
    worker = start_worker(heartbeat=0.01, message=0.05)
    with Client(worker.port, Envelope) as client, Client(worker.port) as other:
        other.start("a.onnx")
        client.start("a.onnx")
        client.raw(MAX_FRAME_BYTES.to_bytes(4, "little") + b"x" * 1000)
        assert client.expect("error").name == "MESSAGE_TIMEOUT"
        assert client.ended()
        other.detect(1, PIXELS)
