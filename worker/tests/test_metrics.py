"""`--metrics`: what a scrape shows, what the probes say, and who can't hold either up."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from client import Client
from conftest import RunningWorker, end, port_of
from fakes import WAIT_S, FakeEngine, GatedFrames, Timers, fail_after_warm_up, fake_loader
from prometheus_client.parser import text_string_to_metric_families

from aiw_worker.addresses import Address
from aiw_worker.counters import Count
from aiw_worker.errors import Code, WorkerError
from aiw_worker.lifecycle import State
from aiw_worker.metrics.endpoint import Endpoint, listen
from aiw_worker.metrics.health import Pulse, Vitals, readiness
from aiw_worker.metrics.names import COUNTS, GAUGES
from aiw_worker.schema import Envelope

PIXELS = np.zeros((8, 8, 3), np.uint8)
S = 1_000_000_000
QUIET = Vitals(False, State.SESSION_ACTIVE, 1, 0, 0, 0, "")


@pytest.fixture
def watch() -> Iterator[Callable[..., Endpoint]]:
    """Serves the metrics of workers in this process."""
    running: list[Endpoint] = []

    def serve(worker: RunningWorker, **bounds: Any) -> Endpoint:
        sock = asyncio.run(listen(Address("127.0.0.1", 0)))
        server, loop = worker.server, worker.loop
        watched = server.watched({"version": "1"})
        endpoint = Endpoint(sock, watched, loop.call_soon_threadsafe, server.vitals, **bounds)
        endpoint.start()
        running.append(endpoint)
        return endpoint

    yield serve
    for endpoint in running:
        endpoint.close()


def ask(port: int, data: bytes) -> tuple[int, str]:
    """The status and body of what is answered to these bytes."""
    with socket.create_connection(("127.0.0.1", port), WAIT_S) as sock:
        sock.sendall(data)
        answer = b"".join(iter(lambda: sock.recv(65536), b"")).decode()
    head, _, body = answer.partition("\r\n\r\n")
    assert f"Content-Length: {len(body)}" in head or data.startswith(b"HEAD")
    return int(head.split(" ")[1]), body


def cut_off(sock: socket.socket) -> bool:
    """Waits for the end of a connection, on which nothing may come before."""
    try:
        return sock.recv(1) == b""
    except ConnectionError:
        return True


def get(port: int, path: str) -> tuple[int, str]:
    return ask(port, f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())


def scrape(port: int) -> dict[str, float]:
    """Values by name and label."""
    status, body = get(port, "/metrics")
    assert status == 200
    found = {}
    for family in text_string_to_metric_families(body):
        for sample in family.samples:
            label = next(iter(sample.labels.values()), "")
            found[f"{sample.name} {label}".strip()] = sample.value
    return found


def test_what_a_scrape_shows(start_worker: Any, watch: Any) -> None:
    timers = Timers()
    worker = start_worker(timers=timers)
    port = watch(worker).port
    before = scrape(port)
    assert before["worker_state IDLE"] == 1
    assert sum(before[f"worker_state {state.value}"] for state in State) == 1
    assert before["frames_processed_total"] == before["connections_active"] == 0
    with Client(worker.port, Envelope) as client:
        client.start("a.onnx")
        for seq in range(1, 6):
            client.detect(seq, PIXELS)
        client.frame(6, b"too few")
        client.refused(6)
        client.init("missing.onnx")
        client.expect("error")
        found = scrape(port)
        assert found["worker_state SESSION_ACTIVE"] == found["connections_active"] == 1
        assert found["worker_clients"] == found["worker_sessions_active"] == found["worker_models_held"] == 1
        assert found["frames_processed_total"] == found["inference_time_ms_count"] == 5
        assert found["inference_time_ms_bucket +Inf"] == 5
        assert found["inference_time_ms_bucket 150"] <= 5
        for stage in ("queue", "preprocess", "postprocess"):
            assert found[f"{stage}_time_seconds_count"] == 5
        assert found["model_load_seconds_count"] == found["worker_models_loaded_total"] == 1
        assert found["worker_frames_failed_total"] == found["worker_errors_total FRAME_SIZE"] == 1
        assert found["worker_errors_total MODEL_NOT_FOUND"] == 1
        assert found["worker_errors_total POOL_FULL"] == 0
        client.end()
    worker.wait_for(worker.server._empty)
    worker.on_loop(lambda: timers.advance(1000))
    found = scrape(port)
    assert found["worker_state IDLE"] == found["transitions_to_idle_total"] == 1
    assert found["worker_models_unloaded_total"] == 1


def test_every_count_is_shown_and_names_are_as_prometheus_wants_them() -> None:
    assert set(COUNTS) == set(Count)
    texts = [*COUNTS.values(), *((name, text) for name, text, _ in GAUGES)]
    assert len({name for name, _ in texts}) == len(texts)
    for name, text in texts:
        assert name.islower()
        assert not name.endswith("_total")
        assert text.endswith(".")


def test_clients_turned_away_and_cut_off_are_counted(start_worker: Any, watch: Any) -> None:
    worker = start_worker(settings={"max_clients": 1}, token="right", heartbeat=0.02, handshake=0.05)
    port = watch(worker).port
    with Client(worker.port, Envelope) as first, Client(worker.port, Envelope) as second:
        first.init("a.onnx", token="wrong")
        assert first.expect("error").name == "TOKEN_WRONG"
        first.start("a.onnx", token="right")
        second.init("a.onnx", token="right")
        error = second.expect("error")
        assert error.name == "TOO_MANY_CLIENTS"
        assert "serves 1 client," in error.message
        assert second.expect("error").name == "HANDSHAKE_TIMEOUT"
        found = scrape(port)
        for name in ("TOKEN_WRONG", "TOO_MANY_CLIENTS", "HANDSHAKE_TIMEOUT"):
            assert found[f"worker_errors_total {name}"] == 1, name


def test_formats_and_what_is_not_served(start_worker: Any, watch: Any) -> None:
    port = watch(start_worker()).port
    accept = b"Accept: application/openmetrics-text; version=1.0.0\r\n"
    status, body = ask(port, b"GET /metrics?x=1 HTTP/1.1\r\n" + accept + b"\r\n")
    assert status == 200
    assert body.endswith("# EOF\n")
    assert ask(port, b"HEAD /healthz HTTP/1.0\r\n\r\n") == (200, "")
    for request, code, word in (
        (b"GET / HTTP/1.1\r\n\r\n", 404, "/metrics"),
        (b"POST /metrics HTTP/1.1\r\n\r\n", 405, "GET"),
        (b"\x16\x03\x01\r\n\r\n", 400, "HTTP"),
        (b"GET /healthz\r\n\r\n", 400, "HTTP"),
        (b"GET /metrics HTTP/1.1\r\nA: " + b"x" * 9000, 431, "too long"),
    ):
        status, body = ask(port, request)
        assert (status, body.count("\n")) == (code, 1)
        assert word in body


def test_alive_and_idle(start_worker: Any, watch: Any) -> None:
    worker = start_worker()
    port = watch(worker).port
    assert get(port, "/healthz") == (200, "alive\n")
    assert get(port, "/readyz") == (200, "idle: no client has a session (IDLE)\n")
    with Client(worker.port) as client:
        client.start("a.onnx")
        client.detect(1, PIXELS)
        status, body = get(port, "/readyz")
        assert status == 200
        assert body.startswith("serving: 1 session")
    worker.begin_stop()
    assert get(port, "/healthz")[0] == 200
    assert get(port, "/readyz") == (503, "the worker is stopping\n")


def test_not_alive_where_the_event_loop_hangs(start_worker: Any, watch: Any) -> None:
    worker = start_worker()
    port = watch(worker, alive_within_s=0.05).port
    entered, go_on = threading.Event(), threading.Event()

    def hang() -> None:
        entered.set()
        go_on.wait(WAIT_S)

    worker.loop.call_soon_threadsafe(hang)
    assert entered.wait(WAIT_S)
    for path in ("/healthz", "/readyz", "/healthz"):
        status, body = get(port, path)
        assert status == 503
        assert "event loop did not answer within 0.05 s" in body
    # What it counts can be seen all the same.
    assert scrape(port)["worker_state IDLE"] == 1
    go_on.set()
    worker.on_loop(lambda: None)
    assert get(port, "/healthz")[0] == 200


def test_not_ready_while_a_frame_hangs(start_worker: Any, watch: Any) -> None:
    frames = GatedFrames()
    worker = start_worker(fake_loader(lambda name: FakeEngine(on_run=frames)))
    port = watch(worker, answered_within_s=0.0).port
    with Client(worker.port) as client:
        client.start("a.onnx")
        assert get(port, "/readyz")[0] == 200
        client.frame(1, PIXELS)
        assert frames.gate.entered.wait(WAIT_S)
        status, body = get(port, "/readyz")
        assert status == 503
        assert "none was answered for" in body
        assert get(port, "/healthz")[0] == 200
        frames.gate.open.set()
        client.expect("result")
        assert get(port, "/readyz")[0] == 200


def test_not_ready_while_every_frame_fails(start_worker: Any, watch: Any) -> None:
    worker = start_worker(fake_loader(lambda name: FakeEngine(on_run=fail_after_warm_up())))
    port = watch(worker, answered_within_s=1e-9).port
    with Client(worker.port) as client:
        client.start("a.onnx")
        for seq in (1, 2):
            client.frame(seq, PIXELS)
            client.refused(seq)
        status, body = get(port, "/readyz")
        assert status == 503
        assert "every frame failed for" in body
        assert "INFERENCE_FAILED" in body
        client.frame(3, b"")
        client.refused(3)
        assert get(port, "/readyz")[0] == 503
    # Nobody is there who could be served badly.
    worker.wait_for(worker.server._empty)
    assert get(port, "/readyz")[0] == 200


@pytest.mark.parametrize(
    ("vitals", "now_s", "good", "word"),
    [
        (Vitals(True, State.IDLE, 0, 0, 0, 0, ""), 0, False, "stopping"),
        (Vitals(False, State.LOADING, 0, 0, 0, 0, ""), 99, True, "LOADING"),
        (Vitals(False, State.READY, 0, 0, 0, 99 * S, "X"), 99, True, "idle"),
        (QUIET, 9999, True, "serving"),
        # Waits long by itself, but others are answered in turn.
        (Vitals(False, State.SESSION_ACTIVE, 9, 10 * S, 98 * S, 0, ""), 100, True, "serving"),
        (Vitals(False, State.SESSION_ACTIVE, 9, 90 * S, 20 * S, 0, ""), 100, True, "serving"),
        (Vitals(False, State.SESSION_ACTIVE, 9, 85 * S, 20 * S, 0, ""), 100, False, "9 session(s) wait"),
        (Vitals(False, State.SESSION_ACTIVE, 1, 0, 0, 14 * S, "OUT_OF_MEMORY"), 0, True, "serving"),
        (Vitals(False, State.SESSION_ACTIVE, 1, 0, 0, 15 * S, "OUT_OF_MEMORY"), 0, False, "OUT_OF_MEMORY"),
    ],
)
def test_readiness(vitals: Vitals, now_s: int, good: bool, word: str) -> None:
    verdict = readiness(vitals, now_s * S)
    assert verdict.good is good
    assert word in verdict.why


def test_a_loop_that_hangs_has_one_question_in_line() -> None:
    line: list[Any] = []
    pulse = Pulse(lambda call, *given: line.append((call, given)), lambda: "well")
    first = pulse.answer()
    assert pulse.answer() is first
    assert len(line) == 1
    call, given = line.pop()
    call(*given)
    assert first.result(0) == "well"
    assert pulse.answer() is not first


def test_who_connects_and_says_nothing_holds_nobody_up(start_worker: Any, watch: Any) -> None:
    worker = start_worker()
    port = watch(worker, most=8, deadline_s=WAIT_S).port
    idle = [socket.create_connection(("127.0.0.1", port), WAIT_S) for _ in range(100)]
    try:
        for sock in idle[50:]:
            sock.sendall(b"GET /metrics HTTP/1.1\r\nX: ")
        # Those that came first made room.
        assert get(port, "/healthz")[0] == 200
        assert cut_off(idle[0])
        assert scrape(port)["connections_active"] == 0
    finally:
        for sock in idle:
            sock.close()


def test_who_is_slow_has_its_time(start_worker: Any, watch: Any) -> None:
    port = watch(start_worker(), deadline_s=0.05).port
    with socket.create_connection(("127.0.0.1", port), WAIT_S) as sock:
        sock.sendall(b"GET /metrics HTTP/1.1\r\n")
        assert cut_off(sock)


def test_scrape_that_fails_is_answered(start_worker: Any, watch: Any, caplog: Any) -> None:
    worker = start_worker()
    endpoint = watch(worker)
    worker.server.lifecycle.state = "none"
    worker.server.counters.errors = None  # type: ignore[assignment,method-assign]
    assert get(endpoint.port, "/metrics")[0] == 500
    assert "a scrape failed" in caplog.text
    worker.server.lifecycle.state = State.IDLE


def test_port_that_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(WorkerError) as caught:
            asyncio.run(listen(Address("127.0.0.1", port)))
    assert caught.value.kind is Code.PORT_IN_USE
    assert str(port) in caught.value.message
    assert "--metrics" in caught.value.message


def test_beyond_loopback_is_warned_of(start_worker: Any, caplog: Any) -> None:
    worker = start_worker()
    for host, insecure, warned in (("127.0.0.1", False, 0), ("0.0.0.0", True, 0), ("0.0.0.0", False, 1)):
        sock = asyncio.run(listen(Address(host, 0)))
        endpoint = Endpoint(
            sock, worker.server.watched({}), worker.loop.call_soon_threadsafe, worker.server.vitals
        )
        endpoint.warn_if_open(insecure)
        sock.close()
        assert caplog.text.count("can be read from other machines") == warned


def test_of_a_process(spawn: Any) -> None:
    process = spawn("--port", "0", "--exit-with-stdin", "--metrics", "127.0.0.1:0")
    port_of(process)
    line = next(line for line in process.stderr if "metrics are served" in line)
    port = int(line.rsplit(":", 1)[1].partition("/")[0])
    found = scrape(port)
    assert found["process_resident_memory_bytes"] > 1_000_000
    assert "worker_info" in " ".join(found)
    # Its thread holds nothing up.
    end(process)


def test_process_whose_metrics_port_is_taken(spawn: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        process = spawn("--port", "0", "--metrics", f"127.0.0.1:{taken.getsockname()[1]}")
        out, err = process.communicate(timeout=WAIT_S)
    # Before it says that it listens.
    assert (process.returncode, out) == (1, "")
    assert err.startswith("aiw-worker: error PORT_IN_USE: ")
    assert err.count("\n") == 1
