"""The conversation over a real socket, with a client that knows only the table."""

from __future__ import annotations

import math
import socket
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from client import Client
from fakes import SIDE, WAIT_S, FakeEngine, Gate, GatedFrames, fail_after_warm_up, fake_loader

from aiw_worker.connection import Connection
from aiw_worker.schema import Envelope

PIXELS = np.zeros((SIDE, SIDE, 3), np.uint8)
# Over 64 KiB: takes the frame buffer.
BIG = np.zeros((200, 300, 3), np.uint8)


def test_handshake_credit_and_result(start_worker: Any) -> None:
    with Client(start_worker().port) as client:
        ok = client.start("a.onnx", width=640, height=480)
        assert list(ok.class_names) == ["class_0", "class_1"]
        assert ok.runtime == "fake 1"
        assert ok.max_frame_bytes == 64 * 1024 * 1024
        assert len(ok.model_id) == 64
        assert (ok.preproc.layout, ok.preproc.letterbox) == ("NCHW", True)
        for seq in (1, 2, 2**63):
            result = client.detect(seq, PIXELS, ts_iso="then", ts_mono_ns=2**60 + 1)
            assert (result.ts_iso, result.ts_mono_ns) == ("then", 2**60 + 1)
            (found,) = result.detections
            assert (found.cls, found.track_id) == ("class_1", "")
            assert found.conf == pytest.approx(0.9)
            box = found.bbox
            assert (box.x, box.y, box.w, box.h) == (24, 16, 16, 32)


@pytest.mark.parametrize("count", [4, 30])
def test_what_comes_although_reading_is_paused_is_kept(
    start_worker: Any, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    # As TLS of Python 3.10 does, which hands on all that it had decrypted.
    def pause(self: Connection) -> None:
        self._reading = False

    def resume(self: Connection) -> None:
        self._reading = True

    monkeypatch.setattr(Connection, "_pause", pause)
    monkeypatch.setattr(Connection, "_resume", resume)
    with Client(start_worker().port) as client:
        client.start("a.onnx")
        seqs = range(1, count + 1)
        bodies = [client.frame_message(seq, BIG if seq % 3 else PIXELS) for seq in seqs]
        client.raw(b"".join(len(body).to_bytes(4, "little") + body for body in bodies))
        assert [client.expect("result").seq for _ in bodies] == list(seqs)


def test_extensions(start_worker: Any) -> None:
    with Client(start_worker().port, Envelope) as client:
        ok = client.start("a.onnx", width=640, height=480, client_id="c", protocol_version=1)
        assert list(ok.input_shape) == [1, 3, SIDE, SIDE]
        assert (ok.family, ok.engine, ok.threads, ok.window) == ("yolo11", "fake", 1, 1)
        assert list(ok.pixel_formats) == ["RGB", "I420", "NV12", "JPEG", "WEBP"]
        assert "64x64" in ok.warnings[0]
        assert "640x480" in ok.warnings[0]
        result = client.detect(1, PIXELS)
        assert result.detections[0].class_id == 1
        for name in ("queue_us", "preprocess_us", "inference_us", "postprocess_us", "process_cpu_us"):
            assert result.HasField(name)
        assert result.process_rss_bytes > 1_000_000
        # The size that it has anyway is nothing to warn of.
        assert not client.start("a.onnx", width=SIDE, height=SIDE).warnings


def test_frame_before_init(start_worker: Any) -> None:
    with Client(start_worker().port) as client:
        client.frame(7, PIXELS)
        assert "Init" in client.refused(7).message
        client.start("a.onnx")
        client.detect(8, PIXELS)


def test_large_frame_before_init_breaks_the_cap(start_worker: Any) -> None:
    with Client(start_worker().port) as client:
        client.frame(7, BIG)
        assert "65536" in client.expect("error").message
        assert client.ended()


@pytest.mark.parametrize(
    ("fields", "pixels", "name"),
    [
        ({"width": SIDE + 1}, PIXELS, "FRAME_SIZE"),
        ({"width": 0}, PIXELS, "FRAME_SIZE"),
        ({"width": 2**32 - 1, "height": 2**32 - 1}, PIXELS, "FRAME_SIZE"),
        ({"width": 60_000, "height": 60_000}, PIXELS, "FRAME_SIZE"),
        ({"pix_fmt": "BGR"}, PIXELS, "FRAME_FORMAT"),
        ({"pix_fmt": "JPEG"}, PIXELS, "FRAME_PICTURE"),
        ({"pix_fmt": "WEBP"}, PIXELS, "FRAME_PICTURE"),
        ({"pix_fmt": "I420", "width": 3, "height": 2}, b"123456789", "FRAME_SIZE"),
        ({"pix_fmt": "NV12", "width": 2, "height": 2}, b"12345", "FRAME_SIZE"),
        ({"width": 4, "height": 4, "pix_fmt": "RGB24"}, b"", "FRAME_SIZE"),
    ],
)
def test_bad_frame_gets_an_error_and_its_credit_back(
    start_worker: Any, fields: dict[str, Any], pixels: Any, name: str
) -> None:
    with Client(start_worker().port, Envelope) as client:
        client.start("a.onnx")
        client.frame(5, pixels, **fields)
        error = client.refused(5)
        assert (error.name, error.seq, error.retryable) == (name, 5, False)
        assert "\n" not in error.message
        client.detect(6, PIXELS)


def test_failing_inference(start_worker: Any) -> None:
    worker = start_worker(fake_loader(lambda name: FakeEngine(on_run=fail_after_warm_up())))
    with Client(worker.port, Envelope) as client:
        client.start("a.onnx")
        for seq in (1, 2):
            client.frame(seq, PIXELS)
            assert client.refused(seq).name == "INFERENCE_FAILED"


def test_fault_of_the_worker_is_an_error_too(start_worker: Any) -> None:
    frames: list[int] = []

    def break_down(tensor: Any) -> None:
        frames.append(1)
        if len(frames) == 2:
            raise ZeroDivisionError

    worker = start_worker(fake_loader(lambda name: FakeEngine(on_run=break_down)))
    with Client(worker.port, Envelope) as client:
        client.start("a.onnx")
        client.frame(1, PIXELS)
        assert client.refused(1).name == "INTERNAL"
        client.detect(2, PIXELS)


@pytest.mark.parametrize(
    ("model", "fields", "name"),
    [
        ("missing.onnx", {}, "MODEL_NOT_FOUND"),
        ("", {}, "MODEL_NOT_FOUND"),
        ("../models/../secret", {}, "MODEL_OUTSIDE_ROOTS"),
        ("/etc/hostname", {}, "MODEL_OUTSIDE_ROOTS"),
        ("a.onnx", {"conf_threshold": math.nan}, "SETTING_INVALID"),
        ("a.onnx", {"conf_threshold": 1.5}, "SETTING_INVALID"),
        ("a.onnx", {"conf_threshold": -0.1}, "SETTING_INVALID"),
        ("a.onnx", {"iou_threshold": math.inf}, "SETTING_INVALID"),
        ("a.onnx", {"max_detections": 100_000}, "SETTING_INVALID"),
        ("a.onnx", {"classes_filter": [0, 2]}, "CLASS_UNKNOWN"),
        ("a.onnx", {"require_provider": "CUDAExecutionProvider"}, "PROVIDER_MISSING"),
    ],
)
def test_refused_init_leaves_the_former_one_as_it_was(
    start_worker: Any, model: str, fields: dict[str, Any], name: str
) -> None:
    with Client(start_worker().port, Envelope) as client:
        client.init(model, **fields)
        assert client.expect("error").name == name
        client.start("a.onnx")
        client.init(model, **fields)
        assert client.expect("error").name == name
        # No Ready came in between, and the model still answers.
        client.detect(1, PIXELS)


def test_thresholds_and_classes(start_worker: Any) -> None:
    with Client(start_worker().port, Envelope) as client:
        for fields, count in (
            ({}, 1),
            ({"conf_threshold": 0.95}, 0),
            ({"conf_threshold": 0.0}, 84),
            ({"conf_threshold": 0.0, "max_detections": 3}, 3),
            ({"classes_filter": [0]}, 0),
            ({"classes_filter": [1, 1]}, 1),
        ):
            client.start("a.onnx", iou_threshold=1.0, **fields)
            assert len(client.detect(1, PIXELS).detections) == count


def test_reinit_loads_once_and_reloads_for_other_settings(start_worker: Any) -> None:
    loads: list[str] = []

    def make(name: str) -> FakeEngine:
        loads.append(name)
        return FakeEngine()

    with Client(start_worker(fake_loader(make)).port) as client:
        first = client.start("a.onnx").model_id
        assert client.start("a.onnx").model_id == first
        assert client.start("a.onnx", width=128).model_id == first
        assert loads == ["a.onnx"]
        assert client.start("b.onnx").model_id != first
        assert loads == ["a.onnx", "b.onnx"]
        client.detect(1, PIXELS)


def test_replaced_model_is_noticed(start_worker: Any, models: Path) -> None:
    with Client(start_worker().port) as client:
        first = client.start("a.onnx").model_id
        new = models / "new"
        new.write_bytes((models / "b.onnx").read_bytes())
        new.replace(models / "a.onnx")
        assert client.start("a.onnx").model_id != first


def test_end_then_another_init(start_worker: Any) -> None:
    with Client(start_worker().port) as client:
        client.start("a.onnx")
        client.end()
        client.frame(4, PIXELS)
        client.refused(4)
        client.start("b.onnx")
        client.detect(5, PIXELS)


def test_old_client_ends_and_closes_at_once(start_worker: Any) -> None:
    worker = start_worker()
    with Client(worker.port) as client:
        client.start("a.onnx")
        client.end()
    with Client(worker.port) as client:
        client.start("a.onnx")


@pytest.mark.parametrize("pixels", [PIXELS, BIG], ids=["small", "large"])
def test_pipelined_frames_are_each_answered_in_order(start_worker: Any, pixels: Any) -> None:
    frames = GatedFrames()
    worker = start_worker(fake_loader(lambda name: FakeEngine(on_run=frames)))
    with Client(worker.port) as client:
        client.start("a.onnx")
        bodies = [client.frame_message(seq, pixels) for seq in range(1, 31)]
        data = b"".join(len(body).to_bytes(4, "little") + body for body in bodies)
        # Sent from a thread of its own: the worker reads no further than it can hold.
        sender = threading.Thread(target=client.raw, args=(data,))
        sender.start()
        assert frames.gate.entered.wait(WAIT_S)
        frames.gate.open.set()
        assert [client.expect("result").seq for _ in range(30)] == list(range(1, 31))
        sender.join(WAIT_S)


def test_frame_buffer_is_not_overwritten_while_it_is_used(start_worker: Any) -> None:
    """What inference sees of a frame is that frame, however many more arrive meanwhile."""
    seen: list[float] = []
    frames = GatedFrames()

    def look(tensor: Any) -> None:
        frames(tensor)
        seen.append(float(tensor[0, 0, SIDE // 2, SIDE // 2]))

    worker = start_worker(fake_loader(lambda name: FakeEngine(on_run=look)))
    with Client(worker.port) as client:
        client.start("a.onnx")
        data = b""
        for seq in range(1, 9):
            pixels = np.full(PIXELS.shape if seq % 2 else BIG.shape, seq * 10, np.uint8)
            body = client.frame_message(seq, pixels)
            data += len(body).to_bytes(4, "little") + body
        sender = threading.Thread(target=client.raw, args=(data,))
        sender.start()
        assert frames.gate.entered.wait(WAIT_S)
        frames.gate.open.set()
        for seq in range(1, 9):
            assert client.expect("result").seq == seq
        sender.join(WAIT_S)
    assert seen[1:] == [pytest.approx(seq * 10 / 255) for seq in range(1, 9)]


def test_frame_sent_during_the_load_waits_for_it(start_worker: Any) -> None:
    gate = Gate()

    def make(name: str) -> FakeEngine:
        gate.pass_through()
        return FakeEngine()

    with Client(start_worker(fake_loader(make), heartbeat=0.01).port) as client:
        client.init("a.onnx")
        assert gate.entered.wait(WAIT_S)
        body = client.frame_message(1, BIG)
        data = len(body).to_bytes(4, "little") + body
        client.raw(data[:4])
        # Two heartbeats later the event loop has certainly read what was there before them.
        assert [client.any().WhichOneof("kind") for _ in range(2)] == ["hb", "hb"]
        gate.open.set()
        client.raw(data[4:])
        client.expect("init_ok")
        assert client.expect("ready").seq == 0
        assert client.expect("result").seq == 1


@pytest.mark.parametrize("where", ["load", "frame"])
def test_heartbeats_go_on_meanwhile(start_worker: Any, where: str) -> None:
    gate, frames = Gate(), GatedFrames()

    def make(name: str) -> FakeEngine:
        if where == "load":
            gate.pass_through()
            return FakeEngine()
        return FakeEngine(on_run=frames)

    with Client(start_worker(fake_loader(make), heartbeat=0.01).port) as client:
        client.init("a.onnx")
        if where == "frame":
            client.expect("init_ok")
            client.expect("ready")
            client.frame(1, PIXELS)
        for _ in range(3):
            assert client.any().WhichOneof("kind") == "hb"
        (gate if where == "load" else frames.gate).open.set()
        client.expect("init_ok" if where == "load" else "result")


def test_silent_peer_that_sent_a_heartbeat_is_let_go(start_worker: Any) -> None:
    with Client(start_worker(heartbeat=0.01, silence=0.05).port) as client:
        client.heartbeat()
        assert client.ended()


def test_silent_peer_that_never_sent_one_stays(start_worker: Any) -> None:
    with Client(start_worker(heartbeat=0.01, silence=0.02).port) as client:
        for _ in range(20):
            assert client.any().HasField("hb")
        client.start("a.onnx")


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"\0\0\0\0", "no bytes"),
        (b"\xff\xff\xff\xff", "4294967295"),
        (b"\x02\0\0\0\x0a\xff", "not an ai.Envelope"),
    ],
    ids=["zero", "oversize", "garbage"],
)
def test_what_does_not_parse_ends_the_connection_after_an_error(
    start_worker: Any, data: bytes, word: str
) -> None:
    with Client(start_worker().port) as client:
        client.start("a.onnx")
        # Answered first, in order.
        client.frame(1, PIXELS)
        client.raw(data + b"and more of it" * 1000)
        assert client.expect("result").seq == 1
        assert word in client.expect("error").message
        assert client.ended()


def test_drain_is_bounded(start_worker: Any) -> None:
    with Client(start_worker(drain=0.05).port) as client:
        client.raw(bytes(4))
        client.expect("error")
        assert client.ended()
        # Our half is still open and keeps talking: the worker doesn't listen for ever.
        with pytest.raises(OSError):
            while True:
                client.raw(bytes(65536))


def test_unknown_messages_are_ignored(start_worker: Any) -> None:
    with Client(start_worker().port) as client:
        for body in (b"\x52\x01x", b"\x0a\x03\x52\x01x", b"\x12\x02\x12\x00"):
            client.message(body)
        client.start("a.onnx")


def test_vanishing_in_mid_frame_frees_the_worker(start_worker: Any, caplog: Any) -> None:
    worker = start_worker()
    for cut in (2, 100, 100_000):
        with Client(worker.port) as client:
            client.start("a.onnx")
            body = client.frame_message(1, BIG)
            client.raw((len(body).to_bytes(4, "little") + body)[:cut])
            # A reset, not a tidy end.
            client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    with Client(worker.port) as client:
        client.start("a.onnx")
        client.detect(1, PIXELS)
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


def test_client_that_sends_no_more_still_gets_its_answer(start_worker: Any) -> None:
    with Client(start_worker().port) as client:
        client.start("a.onnx")
        client.frame(1, PIXELS)
        client.sock.shutdown(socket.SHUT_WR)
        assert client.expect("result").seq == 1
        assert client.ended()


def test_two_clients_share_a_model_and_keep_their_settings(start_worker: Any) -> None:
    loads: list[str] = []

    def make(name: str) -> FakeEngine:
        loads.append(name)
        return FakeEngine()

    worker = start_worker(fake_loader(make))
    with Client(worker.port) as one, Client(worker.port) as two:
        one.start("a.onnx")
        two.start("a.onnx", conf_threshold=0.95)
        assert loads == ["a.onnx"]
        assert len(one.detect(1, PIXELS).detections) == 1
        assert len(two.detect(1, PIXELS).detections) == 0
        assert len(one.detect(2, PIXELS).detections) == 1


def test_stop_answers_the_frame_in_hand(start_worker: Any) -> None:
    frames = GatedFrames()
    worker = start_worker(fake_loader(lambda name: FakeEngine(on_run=frames)), grace=WAIT_S)
    with Client(worker.port) as client:
        client.start("a.onnx")
        client.frame(1, PIXELS)
        assert frames.gate.entered.wait(WAIT_S)
        ending = threading.Thread(target=worker.begin_stop)
        ending.start()
        frames.gate.open.set()
        assert client.expect("result").seq == 1
        assert client.ended()
        ending.join(WAIT_S)


def test_slow_reader_is_bounded(start_worker: Any) -> None:
    """Without reading a single answer a client can't make the worker work, or hold answers, without end."""
    frames = 0

    def count(tensor: Any) -> None:
        nonlocal frames
        frames += 1

    many = np.zeros((1, 5, 84), np.float32)
    many[0, 4] = 0.9
    many[0, :4] = np.arange(84) * 0.5 + 1
    worker = start_worker(fake_loader(lambda name: FakeEngine(results=[many], on_run=count)))
    with Client(worker.port, Envelope) as client:
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.start("a.onnx", iou_threshold=1.0)
        body = client.frame_message(1, np.zeros((8, 8, 3), np.uint8), ts_iso="x" * 20_000)
        data = len(body).to_bytes(4, "little") + body
        client.sock.settimeout(1.0)
        with pytest.raises(TimeoutError):
            for _ in range(100_000):
                client.raw(data)
        assert frames < 5000
