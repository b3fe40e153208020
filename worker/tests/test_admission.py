"""Bounds on clients, connections and their time: as arithmetic, and against a worker."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import numpy as np
import pytest
from client import Client, ClosedError
from fakes import WAIT_S, FakeEngine, Gate, fake_loader

from aiw_worker.admission import Admission
from aiw_worker.errors import Code, WorkerError
from aiw_worker.patience import Bounds, Patience
from aiw_worker.schema import Envelope

PIXELS = np.zeros((8, 8, 3), np.uint8)
BOUNDS = Bounds(handshake=30, message=60, unread=10)


def overdue(patience: Patience, now: float, excused: bool = False) -> Code | None:
    error = patience.overdue(excused, now)
    return error and error.kind


def test_handshake_ends_with_an_accepted_init() -> None:
    patience = Patience(BOUNDS, 100)
    assert overdue(patience, 129.9) is None
    assert overdue(patience, 130) is Code.HANDSHAKE_TIMEOUT
    # A load takes as long as it takes.
    assert overdue(patience, 500, excused=True) is None
    patience.refused(500)
    assert overdue(patience, 529) is None
    assert overdue(patience, 530) is Code.HANDSHAKE_TIMEOUT
    patience.accepted()
    patience.refused(540)
    assert overdue(patience, 1e9) is None


def test_message_has_its_time_from_its_first_byte_on() -> None:
    patience = Patience(BOUNDS, 0)
    patience.accepted()
    patience.received(True, False, 10)
    # A trickle doesn't start it over.
    patience.received(True, False, 69)
    assert overdue(patience, 69.9) is None
    assert overdue(patience, 70) is Code.MESSAGE_TIMEOUT
    # What the worker didn't read is not held against the client.
    assert overdue(patience, 70, excused=True) is None
    patience.resumed(100)
    assert overdue(patience, 159) is None
    assert overdue(patience, 160) is Code.MESSAGE_TIMEOUT
    patience.received(False, True, 161)
    assert overdue(patience, 1e9) is None
    patience.resumed(1e9)
    assert overdue(patience, 2e9) is None


def test_unread_answers_start_over_with_each_time_that_none_are() -> None:
    patience = Patience(BOUNDS, 0)
    patience.accepted()
    patience.unread(True, 1)
    patience.unread(True, 10)
    assert overdue(patience, 10.9) is None
    assert overdue(patience, 11, excused=True) is Code.CLIENT_TOO_SLOW
    patience.unread(False, 11)
    patience.unread(True, 12)
    assert overdue(patience, 21) is None


def test_admission_counts() -> None:
    admission = Admission(None, max_clients=2, max_connections=3)
    for client in ("a", "b", "a"):
        admission.enter(client)
    with pytest.raises(WorkerError) as caught:
        admission.enter("c")
    assert caught.value.kind is Code.TOO_MANY_CLIENTS
    assert caught.value.retryable
    assert caught.value.retry_after_ms > 0
    admission.leave("c")
    admission.leave("a")
    admission.enter("c")
    for _ in range(3):
        admission.connected()
    for _ in range(3):
        with pytest.raises(WorkerError, match="3 connections"):
            admission.connected()
    assert not admission.flooded
    with pytest.raises(WorkerError):
        admission.connected()
    assert admission.flooded
    for _ in range(5):
        admission.disconnected()
    admission.connected()


def test_too_many_clients(start_worker: Any) -> None:
    loads: list[str] = []

    def make(name: str) -> FakeEngine:
        loads.append(name)
        return FakeEngine()

    worker = start_worker(fake_loader(make), settings={"max_clients": 2})
    with Client(worker.port) as one, Client(worker.port) as two, Client(worker.port, Envelope) as three:
        one.start("a.onnx")
        two.start("a.onnx")
        # Another model is not even loaded.
        three.init("b.onnx")
        error = three.expect("error")
        assert (error.name, error.retryable, error.retry_after_ms > 0) == ("TOO_MANY_CLIENTS", True, True)
        assert loads == ["a.onnx"]
        # Who is in stays in, whatever it asks for.
        one.init("missing.onnx")
        one.expect("error")
        one.start("b.onnx")
        three.init("a.onnx")
        assert three.expect("error").name == "TOO_MANY_CLIENTS"
        one.end()
        # Nothing answers an End; this is answered after it.
        one.frame(1, PIXELS)
        one.refused(1)
        three.start("a.onnx")
        three.detect(1, PIXELS)
        one.init("a.onnx")
        one.expect("error")


def test_refused_init_takes_no_place(start_worker: Any) -> None:
    worker = start_worker(settings={"max_clients": 1})
    with Client(worker.port, Envelope) as bad, Client(worker.port) as good:
        for model, fields in (("missing.onnx", {}), ("a.onnx", {"classes_filter": [9]})):
            bad.init(model, **fields)
            bad.expect("error")
        good.start("a.onnx")


def worker_whose_client_left_during_a_load(start_worker: Any, gate: Gate) -> Any:
    """Of one place; the load goes on until the gate is opened."""

    def make(name: str) -> FakeEngine:
        gate.pass_through()
        return FakeEngine()

    worker = start_worker(fake_loader(make), settings={"max_clients": 1})
    with Client(worker.port) as client:
        client.init("a.onnx")
        assert gate.entered.wait(WAIT_S)
    return worker


def test_place_of_a_client_that_left_while_its_model_loaded(start_worker: Any) -> None:
    gate = Gate()
    worker = worker_whose_client_left_during_a_load(start_worker, gate)
    gate.open.set()
    with Client(worker.port, Envelope) as other:
        while True:
            other.init("a.onnx")
            kind = other.receive().WhichOneof("kind")
            if kind == "init_ok":
                break
            # Its end may not have been noticed yet.
            assert kind == "error"


def test_who_leaves_during_a_load_keeps_the_place_until_its_end(start_worker: Any) -> None:
    gate = Gate()
    worker = worker_whose_client_left_during_a_load(start_worker, gate)
    worker.wait_for(worker.server._empty)
    with Client(worker.port, Envelope) as other:
        other.init("b.onnx")
        assert other.expect("error").name == "TOO_MANY_CLIENTS"
        gate.open.set()


def test_nothing_is_loaded_for_who_left_before_its_turn(start_worker: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("aiw_worker.server._LOADERS", 1)
    gate, loads = Gate(), []

    def make(name: str) -> FakeEngine:
        loads.append(name)
        gate.pass_through()
        return FakeEngine()

    worker = start_worker(fake_loader(make))
    with Client(worker.port) as first, Client(worker.port) as second:
        first.init("a.onnx")
        assert gate.entered.wait(WAIT_S)
        second.init("b.onnx")
        second.sock.close()
        first.sock.close()
        worker.wait_for(worker.server._empty)
    gate.open.set()
    with Client(worker.port) as third:
        third.start("a.onnx")
    assert loads == ["a.onnx"]


def test_too_many_connections(start_worker: Any) -> None:
    worker = start_worker(settings={"max_connections": 3})
    with ExitStack() as open_ones:
        clients = [open_ones.enter_context(Client(worker.port)) for _ in range(3)]
        clients[0].start("a.onnx")
        with Client(worker.port, Envelope) as extra:
            error = extra.expect("error")
            assert (error.name, error.retryable, error.retry_after_ms > 0) == (
                "TOO_MANY_CONNECTIONS",
                True,
                True,
            )
            assert extra.ended()
        clients[1].start("a.onnx")
        clients[1].detect(1, PIXELS)
    with Client(worker.port) as client:
        while True:
            # Those above may not have been noticed to be gone yet.
            try:
                client.start("a.onnx")
                break
            except (AssertionError, ClosedError, ConnectionError):
                client.sock.close()
                client.__init__(worker.port)  # type: ignore[misc]


def test_flood_of_connections_is_cut_without_a_word(start_worker: Any) -> None:
    worker = start_worker(settings={"max_connections": 1}, drain=WAIT_S)
    with Client(worker.port) as first, Client(worker.port) as second, Client(worker.port) as third:
        first.start("a.onnx")
        second.expect("error")
        assert third.ended()
        first.detect(1, PIXELS)


def test_wrong_tokens_keep_no_connection_open(start_worker: Any) -> None:
    worker = start_worker(token="x" * 16, heartbeat=0.01, handshake=0.05)
    with Client(worker.port, Envelope) as client:
        names = []
        while "HANDSHAKE_TIMEOUT" not in names:
            client.init("a.onnx", token="wrong")
            names.append(client.expect("error").name)
        assert set(names) == {"TOKEN_WRONG", "HANDSHAKE_TIMEOUT"}


def test_silent_client_with_an_accepted_init_stays(start_worker: Any) -> None:
    """Deployed clients send nothing between two frames, however long."""
    worker = start_worker(heartbeat=0.01, handshake=0.02, message=0.02, unread=0.02)
    with Client(worker.port) as client:
        client.init("a.onnx")
        client.expect("init_ok")
        client.expect("ready")
        for _ in range(20):
            assert client.any().HasField("hb")
        client.detect(1, PIXELS)


def test_who_never_reads_is_cut_and_costs_the_others_nothing(start_worker: Any, caplog: Any) -> None:
    worker = start_worker(heartbeat=0.01, unread=0.1, drain=0.05)
    with Client(worker.port, Envelope) as deaf, Client(worker.port) as good:
        deaf.start("a.onnx")
        good.start("a.onnx")
        body = deaf.frame_message(1, PIXELS, ts_iso="x" * 60_000)
        with pytest.raises(ConnectionError):
            for seq in range(1_000_000):
                # Answers of 60 kB each, of which none is read, until the worker hangs up.
                deaf.message(body)
                if seq % 50 == 0:
                    good.detect(seq, PIXELS)
        good.detect(1, PIXELS)
    assert "CLIENT_TOO_SLOW" in [getattr(record, "fields", {}).get("error") for record in caplog.records]
