"""The worker's states, the idle timer, and a model that changes under a client that others don't notice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import graphs
import numpy as np
import pytest
from client import Client
from conftest import port_of
from fakes import WAIT_S, FakeEngine, Gate, Timers, fake_loader

from aiw_worker.counters import Count, Counters
from aiw_worker.lifecycle import TRANSITIONS, Event, Lifecycle, State
from aiw_worker.schema import Envelope

PIXELS = np.zeros((8, 8, 3), np.uint8)
TIMEOUT = 60


class Models:
    """See lifecycle.Models."""

    def __init__(self) -> None:
        self.held = 0
        self.used = 0

    def drop_unused(self) -> int:
        dropped, self.held = self.held - self.used, self.used
        return dropped


class Life:
    """A lifecycle with what it looks at."""

    def __init__(self) -> None:
        self.models = Models()
        self.timers = Timers()
        self.counters = Counters()
        self.it = Lifecycle(self.models, TIMEOUT, self.timers.call_later, self.counters)

    def load(self, works: bool = True) -> None:
        self.it.load_began()
        self.models.held += works
        self.it.load_ended(works)

    def begin(self, client: str, loads: bool = True) -> None:
        self.it.asked(client)
        if loads:
            self.load()
        self.models.used = 1
        self.it.session_began(client)

    def end(self, client: str) -> None:
        self.models.used = 0
        self.it.session_ended(client)


def test_every_state_is_reached_and_left() -> None:
    assert {state for state, _ in TRANSITIONS} == set(State) == set(TRANSITIONS.values())
    assert {event for _, event in TRANSITIONS} == set(Event)


def test_a_model_goes_after_the_idle_timeout() -> None:
    life = Life()
    assert life.it.state is State.IDLE
    life.begin("a")
    assert life.it.state is State.SESSION_ACTIVE
    life.timers.advance(1e6)
    assert life.it.state is State.SESSION_ACTIVE
    life.end("a")
    assert life.it.state is State.READY
    life.timers.advance(TIMEOUT - 1)
    assert life.it.state is State.READY
    life.timers.advance(1)
    assert life.it.state is State.IDLE
    assert life.models.held == 0
    assert life.timers.waiting == []
    assert life.counters[Count.TRANSITIONS_TO_IDLE] == 1
    assert life.counters[Count.TRANSITIONS_TO_READY] == 2
    assert life.counters.snapshot()["transitions_to_loading"] == 1


def test_who_comes_back_in_time_finds_the_model_however_long_the_init_takes() -> None:
    life = Life()
    life.begin("a")
    life.end("a")
    life.timers.advance(TIMEOUT - 1)
    life.it.asked("b")
    life.timers.advance(TIMEOUT)
    assert life.it.state is State.READY
    life.it.session_began("b")
    assert life.it.state is State.SESSION_ACTIVE
    assert life.models.held == 1


def test_a_model_that_was_loaded_for_nobody_goes_too() -> None:
    life = Life()
    life.it.asked("a")
    life.load()
    life.it.answered("a")
    assert life.it.state is State.READY
    assert life.timers.waiting == [TIMEOUT]


def test_inits_that_are_refused_keep_no_model() -> None:
    life = Life()
    life.begin("a")
    life.end("a")
    for _ in range(3):
        life.timers.advance(TIMEOUT / 4)
        life.it.asked("b")
        life.load(works=False)
        life.it.answered("b")
    assert life.timers.waiting == [TIMEOUT / 4]
    life.it.asked("b")
    life.it.asked("c")
    life.timers.advance(TIMEOUT)
    life.it.answered("b")
    assert life.it.state is State.READY
    life.it.answered("c")
    assert life.it.state is State.IDLE
    assert life.timers.waiting == []


def test_a_failed_load_leaves_the_worker_as_it_was() -> None:
    life = Life()
    life.it.asked("a")
    life.load(works=False)
    life.it.answered("a")
    assert life.it.state is State.IDLE
    assert life.timers.waiting == []
    life.begin("b")
    life.end("b")
    life.load(works=False)
    assert life.it.state is State.READY


def test_several_clients() -> None:
    life = Life()
    life.begin("a")
    life.begin("b", loads=False)
    # Another Init of the same client.
    life.begin("b")
    assert life.it.state is State.SESSION_ACTIVE
    life.it.session_ended("a")
    life.it.session_ended("a")
    life.it.session_ended("unknown")
    assert life.it.state is State.SESSION_ACTIVE
    # One that nobody uses goes while another is used.
    life.timers.advance(TIMEOUT)
    assert life.models.held == 1
    life.it.load_began()
    life.end("b")
    assert life.it.state is State.LOADING
    life.it.load_ended(worked=True)
    assert life.it.state is State.READY


def state(worker: Any) -> State:
    return worker.on_loop(lambda: worker.server.lifecycle.state)


def test_worker_unloads_when_its_last_client_is_gone(start_worker: Any) -> None:
    timers, loads = Timers(), []

    def make(name: str) -> FakeEngine:
        loads.append(name)
        return FakeEngine()

    worker = start_worker(fake_loader(make), timers=timers)
    with Client(worker.port) as client:
        client.start("a.onnx")
        assert state(worker) is State.SESSION_ACTIVE
        worker.on_loop(lambda: timers.advance(TIMEOUT))
        client.detect(1, PIXELS)
        client.end()
        client.frame(2, PIXELS)
        client.refused(2)
        assert state(worker) is State.READY
        worker.on_loop(lambda: timers.advance(TIMEOUT - 1))
        client.start("a.onnx")
        assert loads == ["a.onnx"]
        client.end()
        client.frame(3, PIXELS)
        client.refused(3)
        worker.on_loop(lambda: timers.advance(TIMEOUT))
        assert state(worker) is State.IDLE
        client.start("a.onnx")
        client.detect(4, PIXELS)
    assert loads == ["a.onnx", "a.onnx"]


def test_frames_wait_for_a_hot_reload_and_others_do_not(start_worker: Any) -> None:
    gate, engines = Gate(), []

    def make(name: str) -> FakeEngine:
        engines.append(name)
        if name == "b.onnx":
            gate.pass_through()
        return FakeEngine()

    worker = start_worker(fake_loader(make), settings={"max_models": 1})
    with Client(worker.port) as one, Client(worker.port) as two:
        one.start("a.onnx")
        one.init("b.onnx")
        assert gate.entered.wait(WAIT_S)
        one.frame(1, PIXELS)
        two.frame(1, PIXELS)
        two.refused(1)
        assert state(worker) is State.SESSION_ACTIVE
        gate.open.set()
        one.expect("init_ok")
        one.expect("ready")
        assert one.expect("result").seq == 1
        assert worker.server.counters[Count.MODELS_UNLOADED] == 1
        two.start("b.onnx")
    assert engines == ["a.onnx", "b.onnx"]


def test_another_client_of_the_old_model_is_served_during_a_hot_reload(start_worker: Any) -> None:
    gate = Gate()

    def make(name: str) -> FakeEngine:
        if name == "b.onnx":
            gate.pass_through()
        return FakeEngine()

    worker = start_worker(fake_loader(make))
    with Client(worker.port) as one, Client(worker.port) as two:
        one.start("a.onnx")
        two.start("a.onnx")
        one.init("b.onnx")
        assert gate.entered.wait(WAIT_S)
        for seq in range(3):
            two.detect(seq, PIXELS)
        gate.open.set()
        one.expect("init_ok")
        two.detect(3, PIXELS)


def test_full_pool_refuses_and_the_former_model_stays(start_worker: Any) -> None:
    worker = start_worker(settings={"max_models": 1})
    with Client(worker.port, Envelope) as one, Client(worker.port, Envelope) as two:
        one.start("a.onnx")
        two.start("a.onnx")
        one.init("b.onnx")
        error = one.expect("error")
        assert (error.name, error.retryable, error.retry_after_ms > 0) == ("POOL_FULL", True, True)
        one.detect(1, PIXELS)
        two.end()
        two.frame(1, PIXELS)
        two.refused(1)
        one.start("b.onnx")
        one.detect(2, PIXELS)


def test_failed_hot_reload_leaves_the_former_model(start_worker: Any) -> None:
    def make(name: str) -> FakeEngine:
        if name == "b.onnx":
            raise MemoryError
        return FakeEngine()

    worker = start_worker(fake_loader(make))
    with Client(worker.port) as client:
        client.start("a.onnx")
        client.init("b.onnx")
        client.expect("error")
        client.detect(1, PIXELS)


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads /proc")
def test_memory_goes_back_to_the_system(spawn: Any, tmp_path: Path) -> None:
    """The real thing in real time: resident memory before, with, and after a model of 160 MB."""
    graphs.heavy(tmp_path / "m.onnx")
    process = spawn("--port", "0", "--idle-timeout", "1", "--log-format", "json")

    def resident_mb() -> float:
        return int(Path(f"/proc/{process.pid}/statm").read_text().split()[1]) * 4096 / 2**20

    port = port_of(process)
    with Client(port) as client:
        client.frame(1, PIXELS)
        client.refused(1)
        fresh = resident_mb()
        client.start("m.onnx")
        client.detect(2, PIXELS)
        assert resident_mb() > fresh + 120
    for line in process.stderr:
        if '"memory returned"' in line:
            break
    assert resident_mb() < fresh + 60
