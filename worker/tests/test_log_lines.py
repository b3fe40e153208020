"""What the log says of a client, from its first Init to its end: the same names in every line."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
from client import Client
from fakes import FakeEngine, fake_loader

from aiw_worker.schema import Envelope

PIXELS = np.zeros((8, 8, 3), np.uint8)


def lines(caplog: Any, message: str) -> list[dict[str, Any]]:
    return [getattr(each, "fields", {}) for each in caplog.records if each.message == message]


def failing_engine() -> FakeEngine:
    seen: list[int] = []

    def run(tensor: Any) -> None:
        seen.append(1)
        if len(seen) > 1:
            raise ZeroDivisionError("of the graph")

    return FakeEngine(on_run=run)


def test_lines_name_client_camera_session_and_seq(start_worker: Any, tmp_path: Path, caplog: Any) -> None:
    caplog.set_level(logging.DEBUG)
    (tmp_path / "s").mkdir()
    load = fake_loader(lambda name: failing_engine())
    worker = start_worker(load, settings={"sessions_dir": tmp_path / "s"})
    with Client(worker.port, Envelope) as client:
        peer = f"127.0.0.1:{client.sock.getsockname()[1]}"
        session = client.start("a.onnx", client_id="agent:front").session_id
        assert session
        client.frame(7, PIXELS)
        client.refused(7)
        client.init("missing.onnx", client_id="agent:front")
        client.expect("error")
        client.raw(b"\xff\xff\xff\xff")
        client.expect("error")
        assert client.ended()
    names = {"client": "agent:front", "camera": "front", "session": session}
    worker.wait_for(worker.server._empty)
    [accepted] = lines(caplog, "Init accepted")
    assert accepted == {"peer": peer, **names, "model": "a.onnx"}
    [failed] = lines(caplog, "running a frame failed")
    assert failed == {**names, "seq": 7, "error": "ZeroDivisionError: of the graph"}
    [refused] = lines(caplog, "frame refused")
    assert refused.items() >= {**names, "seq": 7, "error": "INTERNAL"}.items()
    for message in ("Init refused", "connection ended", "client gone"):
        [line] = lines(caplog, message)
        assert line.items() >= {"peer": peer, **names}.items(), message


def test_who_never_sends_an_init_leaves_no_line(start_worker: Any, caplog: Any) -> None:
    caplog.set_level(logging.INFO)
    worker = start_worker()
    for data in (b"", b"\0"):
        with Client(worker.port) as client:
            client.raw(data)
    with Client(worker.port) as client:
        client.frame(1, b"")
        client.refused(1)
    worker.wait_for(worker.server._empty)
    assert caplog.text == ""
