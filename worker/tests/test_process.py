"""The worker as a process: its one line, how it fails, and every way it ends."""

from __future__ import annotations

import json
import signal
import socket
from pathlib import Path
from typing import Any

import graphs
import pytest
from client import Client
from conftest import end, port_of

from aiw_worker.schema import Envelope

WAIT_S = 30


def test_ends_with_stdin_and_prints_one_line(spawn: Any) -> None:
    process = spawn("--port", "0", "--exit-with-stdin", "--log-format", "json")
    port_of(process)
    out, err = end(process)
    assert out == ""
    for line in err.splitlines():
        assert {"level", "time", "msg"} <= set(json.loads(line))


def test_ends_with_stdin_while_a_client_has_a_model(spawn: Any, tmp_path: Path) -> None:
    graphs.dynamic_yolo11(tmp_path / "m.onnx")
    process = spawn("--port", "0", "--exit-with-stdin")
    with Client(port_of(process)) as client:
        client.start("m.onnx")
        end(process)
        assert client.ended()


def test_ends_with_stdin_while_a_model_loads(spawn: Any, tmp_path: Path) -> None:
    """A sparse file whose first field is 32 GiB long: reading it outlasts the test by far."""
    with (tmp_path / "m.onnx").open("wb") as file:
        file.write(b"\x08\x08\x3a\x80\x80\x80\x80\x80\x01")
        file.truncate(9 + 2**35)
    process = spawn("--port", "0", "--exit-with-stdin", "--debug")
    with Client(port_of(process)) as client:
        client.init("m.onnx")
        # Answered in order on its own connection, so the load goes on; another connection is served.
        with Client(client.sock.getpeername()[1]) as other:
            other.frame(1, b"")
            other.refused(1)
        end(process)
        assert client.ended()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_ends_with_a_signal(spawn: Any, number: int) -> None:
    process = spawn("--port", "0")
    port_of(process)
    process.send_signal(number)
    end(process)


def test_stays_without_stdin_unless_asked(spawn: Any) -> None:
    process = spawn("--port", "0")
    port = port_of(process)
    process.stdin.close()
    with Client(port) as client:
        client.frame(1, b"")
        client.refused(1)
    process.stdin = None
    process.terminate()
    end(process)


def failure(process: Any, code: int) -> str:
    out, err = process.communicate(timeout=WAIT_S)
    assert process.returncode == code, err
    assert out == ""
    assert err.startswith("aiw-worker: error ")
    assert err.count("\n") == 1
    return str(err)


def test_port_in_use(spawn: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        text = failure(spawn("--port", port), 1)
    assert text.startswith("aiw-worker: error PORT_IN_USE: ")
    assert port in text
    assert "--port" in text


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--port", "70000"], "70000"),
        (["--port", "x"], "whole number"),
        (["--threads", "-1"], "-1"),
        (["--bogus"], "--bogus"),
        (["--engine", "magic"], "magic"),
        (["--model-dir", "nowhere"], "nowhere"),
        (["--host", "0.0.0.0"], "--insecure"),
        (["--host", "::"], "--insecure"),
    ],
)
def test_bad_usage(spawn: Any, arguments: list[str], word: str) -> None:
    text = failure(spawn("--port", "0", *arguments), 2)
    assert text.startswith("aiw-worker: error USAGE: ")
    assert word in text


def test_debug_shows_where_it_failed(spawn: Any) -> None:
    process = spawn("--port", "x", "--debug")
    _, err = process.communicate(timeout=WAIT_S)
    assert process.returncode == 2
    assert "Traceback" in err


def test_token_of_the_environment(spawn: Any, tmp_path: Path) -> None:
    """As a command spawns its own worker: it shows neither in the log nor on the command line."""
    graphs.dynamic_yolo11(tmp_path / "m.onnx")
    process = spawn("--port", "0", "--exit-with-stdin", "--debug", env={"AIW_TOKEN": "s3cret-of-this-run"})
    with Client(port_of(process), Envelope) as client:
        client.init("m.onnx")
        assert client.expect("error").name == "TOKEN_MISSING"
        client.start("m.onnx", token="s3cret-of-this-run")
    _, err = end(process)
    assert "TOKEN_MISSING" in err
    assert "s3cret" not in err


def test_beyond_loopback_with_a_token(spawn: Any) -> None:
    process = spawn("--port", "0", "--host", "0.0.0.0", "--exit-with-stdin", env={"AIW_TOKEN": "x" * 16})
    assert process.stdout.readline().startswith("aiw worker listening on 0.0.0.0:")
    end(process)
