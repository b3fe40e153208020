"""The health check: what it proves of a worker, what it leaves behind, what it makes of everybody else."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from certificates import Authority
from client import Client
from conftest import ENVIRONMENT, WORKER
from fakes import WAIT_S

from aiw_worker.addresses import Address
from aiw_worker.errors import Code, WorkerError
from aiw_worker.healthcheck import parse_target
from aiw_worker.probe import Target, UnhealthyError, ask, client_context
from aiw_worker.schema import Envelope

PIXELS = np.zeros((8, 8, 3), np.uint8)


def target(port: int, **more: Any) -> Target:
    return Target(Address("127.0.0.1", port), **{"timeout_s": WAIT_S, **more})


@pytest.fixture
def other_server() -> Iterator[Callable[[bytes | None], int]]:
    """Starts servers that take one connection and send these bytes; None = they keep silent."""
    stop = threading.Event()
    threads: list[threading.Thread] = []

    def serve(listener: socket.socket, data: bytes | None) -> None:
        with listener, listener.accept()[0] as sock:
            if data is None:
                stop.wait(WAIT_S)
            else:
                sock.recv(4096)
                sock.sendall(data)

    def start(data: bytes | None) -> int:
        listener = socket.create_server(("127.0.0.1", 0))
        thread = threading.Thread(target=serve, args=(listener, data), daemon=True)
        thread.start()
        threads.append(thread)
        return int(listener.getsockname()[1])

    yield start
    stop.set()
    for thread in threads:
        thread.join(WAIT_S)


def run(*arguments: str, env: dict[str, str] | None = None) -> tuple[int, str]:
    """Exit code and all that was said, of a health check as a process."""
    clean = {k: v for k, v in os.environ.items() if k not in ENVIRONMENT}
    done = subprocess.run(
        [sys.executable, "-m", "aiw_worker.healthcheck", *arguments],
        env={**clean, "PYTHONPATH": str(WORKER), **(env or {})},
        capture_output=True,
        text=True,
        timeout=WAIT_S,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("token", [None, "s3cret"])
def test_healthy_worker_is_left_as_it_was(start_worker: Any, caplog: Any, token: str | None) -> None:
    caplog.set_level(logging.INFO)
    worker = start_worker(token=token, settings={"max_clients": 1})
    with Client(worker.port, Envelope) as client:
        # All the places there are, and still it answers.
        client.start("a.onnx", token=token or "")
        said, state = caplog.text, worker.server.lifecycle.state
        answer = ask(target(worker.port, token=token or ""))
        assert answer.startswith(f"127.0.0.1:{worker.port} answered a Frame before an Init")
        assert ("took the token" in answer) is (token is not None)
        assert worker.on_loop(lambda: worker.server.vitals().sessions) == 1
        assert worker.server.lifecycle.state is state
        assert worker.server.counters.errors() == {}
        assert not any(worker.server.counters.snapshot()[name] for name in ("frames_refused", "pool_full"))
        client.detect(1, PIXELS)
        assert caplog.text == said


def test_token(start_worker: Any) -> None:
    worker = start_worker(token="right")
    # It serves, whoever may use it.
    ask(target(worker.port))
    with pytest.raises(UnhealthyError, match="answered TOKEN_WRONG: ") as caught:
        ask(target(worker.port, token="wrong-one"))
    assert "wrong-one" not in str(caught.value)


def test_tls(start_worker: Any, tmp_path: Path) -> None:
    authority = Authority(tmp_path, "authority")
    pair, own = authority.sign("worker"), authority.sign("checker")
    settings = {"tls_cert": pair.cert, "tls_key": pair.key, "tls_client_ca": authority.cert}
    worker = start_worker(settings=settings)
    # The authority's certificate serves, and so does the worker's own.
    for ca in (authority.cert, pair.cert):
        ask(target(worker.port, tls=client_context(ca, own.cert, own.key)))
    with pytest.raises(UnhealthyError, match=r"TLS_MISMATCH.*--tls-ca"):
        ask(target(worker.port))
    stranger = Authority(tmp_path, "stranger")
    with pytest.raises(UnhealthyError, match=r"(?i)certificate verify failed"):
        ask(target(worker.port, tls=client_context(stranger.cert, None, None)))
    with pytest.raises(UnhealthyError, match=r"(?i)mismatch|not valid for"):
        ask(target(worker.port, tls=client_context(authority.cert, None, None), server_name="other.example"))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "closed the connection without an answer"),
        (b"\xff\xff\xff\xff" + b"x" * 100, "announced a message of 4294967295 bytes: that is no aiw worker"),
        (b"\0\0\0\0", "announced a message of 0 bytes"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "that is no aiw worker"),
        (b"\x08\0\0\0" + b"\xff" * 8, "answered what can't be read"),
        (b"\x08\0\0\0" + b"\x12\x03", "closed the connection without an answer"),
    ],
    ids=["closes", "4GiB", "nothing", "http", "garbage", "half"],
)
def test_who_is_no_worker(other_server: Any, data: bytes, words: str) -> None:
    with pytest.raises(UnhealthyError) as caught:
        ask(target(other_server(data)))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        # Of another frame, or with other words than it had to be refused with.
        ({"name": "NOT_INITIALISED", "seq": 1, "message": "x"}, "answered NOT_INITIALISED: x"),
        ({"name": "SHUTTING_DOWN", "message": "it\nstops\x1b[2J"}, "answered SHUTTING_DOWN: it?stops?[2J"),
        ({"code": 9, "message": "old"}, "answered 9: old"),
    ],
)
def test_worker_that_refuses_otherwise(other_server: Any, fields: dict[str, Any], words: str) -> None:
    envelope = Envelope()
    for name, value in fields.items():
        setattr(envelope.res.error, name, value)
    beat = Envelope()
    beat.hb.ts_mono_ns = 1
    bodies = [each.SerializeToString() for each in (beat, envelope)]
    with pytest.raises(UnhealthyError) as caught:
        ask(target(other_server(b"".join(len(body).to_bytes(4, "little") + body for body in bodies))))
    assert words in str(caught.value)


def test_worker_that_answers_a_frame_before_an_init(other_server: Any) -> None:
    envelope = Envelope()
    envelope.res.result.seq = 1
    body = envelope.SerializeToString()
    with pytest.raises(UnhealthyError, match="answered with result what it had to refuse"):
        ask(target(other_server(len(body).to_bytes(4, "little") + body)))


def test_who_never_answers_and_who_is_not_there(other_server: Any) -> None:
    port = other_server(None)
    assert run("--port", str(port), "--timeout", "0.1") == (
        1,
        f"unhealthy: 127.0.0.1:{port} did not answer within 0.1 s\n",
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        code, said = run("--port", str(port))
    assert code == 1
    assert said.startswith(f"unhealthy: nobody listens on 127.0.0.1:{port}")
    assert said.count("\n") == 1


def test_process_takes_the_variables_of_the_worker(start_worker: Any, tmp_path: Path) -> None:
    worker = start_worker(token="s3cret")
    (tmp_path / "token").write_text("s3cret\n")
    env = {"BIND_HOST": "0.0.0.0", "BIND_PORT": str(worker.port), "AIW_TOKEN_FILE": str(tmp_path / "token")}
    code, said = run(env=env)
    assert code == 0, said
    assert said.startswith(
        f"healthy: 127.0.0.1:{worker.port} answered a Frame before an Init, and took the token"
    )
    # One line, though others can read the file: the worker has said so.
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--timeout", "nan"], "--timeout is 'nan'"),
        (["--timeout", "0"], "above 0"),
        (["--port", "0"], "from 1 to 65535"),
        (["--tls-ca", "nowhere"], "'nowhere' can't be used"),
        (["--tls", "--tls-cert", "nowhere"], "'nowhere' can't be used"),
        (["--bogus"], "--bogus"),
    ],
)
def test_bad_usage(arguments: list[str], word: str) -> None:
    with pytest.raises(WorkerError) as caught:
        parse_target(arguments, {})
    assert caught.value.kind is Code.USAGE
    assert word in caught.value.message
    assert "\n" not in caught.value.message


def test_bad_usage_is_not_healthy_either() -> None:
    # Container engines know 0 and 1, and reserve 2.
    code, said = run("--bogus")
    assert code == 1
    assert said.startswith("unhealthy: USAGE: ")


def test_addresses(tmp_path: Path) -> None:
    for host, found in (("0.0.0.0", "127.0.0.1"), ("::", "::1"), ("10.0.0.1", "10.0.0.1")):
        assert parse_target([], {"BIND_HOST": host}).address == Address(found, 7001)
    assert parse_target([], {}).tls is None
    pair = Authority(tmp_path, "authority")
    assert parse_target([], {"AIW_TLS_CA": str(pair.cert)}).tls is not None
    assert "s3cret" not in repr(parse_target([], {"AIW_TOKEN": "s3cret"}))


def test_starts_without_what_takes_long_to_import() -> None:
    slow = {"asyncio", "cv2", "numpy", "onnxruntime", "prometheus_client"}
    code = f"import sys, aiw_worker.healthcheck; print(sorted({slow} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(WORKER)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"
