"""TLS: served, checked both ways, and a clear word where one side speaks it and the other does not."""

from __future__ import annotations

import contextlib
import socket
import ssl
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from certificates import Authority, Pair
from client import Client, ClosedError
from fakes import WAIT_S

from aiw_worker.admission import MAX_CONNECTIONS
from aiw_worker.errors import Code, WorkerError
from aiw_worker.ration import Ration
from aiw_worker.schema import Envelope
from aiw_worker.tls import server_context

PIXELS = np.zeros((8, 8, 3), np.uint8)
BIG = np.zeros((480, 640, 3), np.uint8)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "authority")


@pytest.fixture
def pair(authority: Authority) -> Pair:
    return authority.sign("worker")


def client_context(authority: Authority, pair: Pair | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=authority.cert)
    if pair is not None:
        context.load_cert_chain(pair.cert, pair.key)
    return context


def tls(pair: Pair, **more: Any) -> dict[str, Any]:
    return {"tls_cert": pair.cert, "tls_key": pair.key, **more}


def fields_of(caplog: Any) -> list[dict[str, Any]]:
    return [getattr(record, "fields", {}) for record in caplog.records]


def failures(caplog: Any) -> list[tuple[str, str]]:
    """Peers and reasons of handshakes that failed."""
    found = [fields for fields in fields_of(caplog) if fields.get("error") == "TLS_MISMATCH"]
    return [(fields["peer"], fields.get("reason", "plain")) for fields in found]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_conversation(start_worker: Any, authority: Authority, pair: Pair, version: Any) -> None:
    worker = start_worker(settings=tls(pair))
    context = client_context(authority)
    context.minimum_version = context.maximum_version = version
    with Client(worker.port, Envelope, context) as client:
        assert client.sock.version() == version.name.replace("v1_", "v1.")  # type: ignore[attr-defined]
        client.frame(1, PIXELS)
        client.refused(1)
        client.start("a.onnx")
        for seq, pixels in enumerate((PIXELS, BIG, BIG, PIXELS), 2):
            client.detect(seq, pixels)
        # More than it has credit for: read as there is a place for it.
        bodies = [client.frame_message(seq, BIG) for seq in range(10, 14)]
        client.raw(b"".join(len(body).to_bytes(4, "little") + body for body in bodies))
        assert [client.expect("result").seq for _ in bodies] == [10, 11, 12, 13]
        client.end()
    with Client(worker.port, Envelope, context) as client:
        client.start("a.onnx")


def test_old_versions_are_refused(start_worker: Any, authority: Authority, pair: Pair) -> None:
    assert server_context(pair.cert, pair.key, None).minimum_version is ssl.TLSVersion.TLSv1_2  # type: ignore[union-attr]
    assert server_context(None, None, None) is None


def test_what_does_not_parse_gets_its_error_over_tls_too(
    start_worker: Any, authority: Authority, pair: Pair
) -> None:
    worker = start_worker(settings=tls(pair), drain=0.2)
    with Client(worker.port, Envelope, client_context(authority)) as client:
        client.start("a.onnx")
        client.frame(1, PIXELS)
        client.raw(b"\xff\xff\xff\xff" + b"more of it" * 1000)
        assert client.expect("result").seq == 1
        assert client.expect("error").name == "MESSAGE_TOO_LARGE"
        assert client.ended()


def test_mutual(start_worker: Any, authority: Authority, pair: Pair, tmp_path: Path, caplog: Any) -> None:
    worker = start_worker(settings=tls(pair, tls_client_ca=authority.cert))
    stranger = Authority(tmp_path, "other").sign("stranger")
    with Client(worker.port, Envelope, client_context(authority, authority.sign("client"))) as client:
        client.start("a.onnx")
        for wrong in (None, stranger):
            # In TLS 1.3 the client learns of it after its own handshake, by an alert that says which.
            with (
                pytest.raises(ssl.SSLError, match=r"(?i)certificate|unknown ca"),
                Client(worker.port, Envelope, client_context(authority, wrong)) as refused,
            ):
                refused.init("a.onnx")
                refused.any()
        client.detect(1, PIXELS)
    reasons = [reason for _, reason in failures(caplog)]
    assert reasons == ["peer did not return a certificate", "certificate verify failed"]
    assert all(peer.startswith("127.0.0.1:") for peer, _ in failures(caplog))


@pytest.mark.parametrize(
    "data",
    [b"", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\0\0\0" + b"\x0a" * 22],
    ids=["init", "http", "22"],
)
def test_plain_client_at_the_tls_port(
    start_worker: Any, authority: Authority, pair: Pair, caplog: Any, data: bytes
) -> None:
    worker = start_worker(settings=tls(pair))
    with Client(worker.port, Envelope) as client:
        if data:
            client.raw(data)
        else:
            client.init("a.onnx")
        error = client.expect("error")
        assert error.name == "TLS_MISMATCH"
        assert "tls://" in error.message
        # Whatever it says now ends it.
        with pytest.raises((ClosedError, ConnectionError)):
            while True:
                client.heartbeat()
                client.sock.settimeout(0.05)
                try:
                    client.any()
                except TimeoutError:
                    continue
    assert "a plain client came to the TLS port" in caplog.text
    with Client(worker.port, Envelope, client_context(authority)) as client:
        client.start("a.onnx")


def test_tls_client_at_the_plain_port(start_worker: Any, authority: Authority, caplog: Any) -> None:
    worker = start_worker()
    with pytest.raises(ssl.SSLError), Client(worker.port, Envelope, client_context(authority)):
        pass
    with Client(worker.port) as client:
        client.start("a.onnx")
    assert [peer.rpartition(":")[0] for peer, _ in failures(caplog)] == ["127.0.0.1"]


def test_handshake_of_tls_has_its_time_too(start_worker: Any, pair: Pair, caplog: Any) -> None:
    worker = start_worker(settings=tls(pair), handshake=0.05)
    with socket.create_connection(("127.0.0.1", worker.port), WAIT_S) as sock:
        # asyncio gives no reason before the handshake is done.
        assert sock.recv(1) == b""
        peer = f"127.0.0.1:{sock.getsockname()[1]}"
    worker.on_loop(lambda: None)
    assert failures(caplog) == [(peer, "it was not done in time")]


def test_garbage_at_the_tls_port_is_closed_soon(start_worker: Any, pair: Pair, caplog: Any) -> None:
    """Long before the handshake's time, though it says nothing more."""
    worker = start_worker(settings=tls(pair), drain=0.05)
    # A handshake's record whose content is none.
    for data in (b"\x16\x03\x01\x00\x05hello", b"\x80" * 2000):
        with socket.create_connection(("127.0.0.1", worker.port), WAIT_S) as sock:
            sock.sendall(data)
            with contextlib.suppress(ConnectionError):
                while sock.recv(4096):
                    continue
    worker.on_loop(lambda: None)
    assert len(failures(caplog)) == 2
    assert worker.server.counters.errors()[Code.TLS_MISMATCH] == 2
    assert worker.on_loop(lambda: worker.server._tls.open) == 0


def test_who_leaves_in_a_handshake(start_worker: Any, pair: Pair, caplog: Any) -> None:
    worker = start_worker(settings=tls(pair))
    for data in (b"", b"\x16\x03\x01\x02"):
        with socket.create_connection(("127.0.0.1", worker.port), WAIT_S) as sock:
            peer = f"127.0.0.1:{sock.getsockname()[1]}"
            sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)
            assert sock.recv(1) == b""
    worker.on_loop(lambda: None)
    # Not of one that said nothing.
    assert failures(caplog) == [(peer, "the peer left in the middle of it")]


def test_scanner_does_not_fill_the_log(
    start_worker: Any, authority: Authority, pair: Pair, caplog: Any
) -> None:
    worker = start_worker(settings=tls(pair))
    for _ in range(30):
        with Client(worker.port, Envelope) as client:
            client.raw(b"GET / HTTP/1.1\r\n\r\n")
            assert client.expect("error").name == "TLS_MISMATCH"
    assert len(failures(caplog)) == 10
    assert worker.server.counters.errors()[Code.TLS_MISMATCH] == 30
    with Client(worker.port, Envelope, client_context(authority)) as client:
        client.start("a.onnx")


def test_too_many_at_the_door(start_worker: Any, authority: Authority, pair: Pair) -> None:
    worker = start_worker(settings=tls(pair))
    worker.server._tls.open = 2 * MAX_CONNECTIONS
    with pytest.raises((OSError, ClosedError)), Client(worker.port, Envelope, client_context(authority)):
        pass
    worker.on_loop(lambda: None)
    assert worker.server._tls.open == 2 * MAX_CONNECTIONS
    worker.server._tls.open = 0
    with Client(worker.port, Envelope, client_context(authority)) as client:
        client.start("a.onnx")


def test_ration() -> None:
    ration = Ration(2, 10.0)
    assert [ration.take(now) for now in (0, 1, 2, 9.9, 10, 10, 10, 21)] == [0, 0, None, None, 2, 0, None, 1]


def test_stop_with_a_client_that_does_not_answer(start_worker: Any, authority: Authority, pair: Pair) -> None:
    worker = start_worker(settings=tls(pair), grace=0.1, drain=0.1)
    with Client(worker.port, Envelope, client_context(authority)) as client:
        client.start("a.onnx")
        worker.begin_stop()
        assert client.ended()


def test_files_that_can_not_be_used(authority: Authority, pair: Pair, tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_text("no certificate")
    damaged = tmp_path / "damaged"
    damaged.write_text("-----BEGIN PRIVATE KEY-----\nnone\n-----END PRIVATE KEY-----\n")
    other = authority.sign("other")
    hidden = authority.sign("hidden", b"password")
    for cert, key, client_ca, words in (
        (None, pair.key, None, ("--tls-key", "--tls-cert")),
        (None, None, authority.cert, ("--tls-client-ca", "--tls-cert")),
        ("nowhere", pair.key, None, ("--tls-cert 'nowhere'", "No such file")),
        (pair.cert, "nowhere", None, ("--tls-key 'nowhere'", "No such file")),
        (pair.cert, None, None, (f"--tls-cert '{pair.cert}' has no private key", "--tls-key")),
        (pair.cert, other.key, None, ("--tls-key", "key values mismatch")),
        (hidden.cert, hidden.key, None, ("--tls-key", "password")),
        (str(text), pair.key, None, ("--tls-cert", "can't be used")),
        (str(damaged), None, None, ("--tls-cert", "can't be used")),
        (pair.cert, pair.key, "nowhere", ("--tls-client-ca 'nowhere'", "No such file")),
        (pair.cert, pair.key, str(text), ("--tls-client-ca", "can't be used")),
    ):
        with pytest.raises(WorkerError) as caught:
            server_context(cert, key, client_ca)
        assert caught.value.kind is Code.USAGE
        assert "\n" not in caught.value.message
        for word in words:
            assert word in caught.value.message, caught.value.message
