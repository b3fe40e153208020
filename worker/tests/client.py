"""A blocking client for tests. Speaks only the table unless given the full schema."""

from __future__ import annotations

import socket
import ssl
import time
from typing import Any

import numpy as np
from wire_table import TableEnvelope

TIMEOUT_S = 20.0


class ClosedError(Exception):
    """The worker ended its half."""


class Client:
    """One connection. Heartbeats are counted and skipped by receive()."""

    def __init__(self, port: int, envelope: Any = TableEnvelope, tls: ssl.SSLContext | None = None) -> None:
        self.envelope = envelope
        self.sock: socket.socket = socket.create_connection(("127.0.0.1", port), TIMEOUT_S)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls is not None:
            self.sock = tls.wrap_socket(self.sock, server_hostname="127.0.0.1")
        self.heartbeats = 0

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.sock.close()

    def raw(self, data: bytes) -> None:
        self.sock.sendall(data)

    def message(self, body: bytes) -> None:
        self.raw(len(body).to_bytes(4, "little") + body)

    def send(self, envelope: Any) -> None:
        self.message(envelope.SerializeToString())

    def init(self, model: str, **fields: Any) -> None:
        envelope = self.envelope()
        envelope.req.init.model_path = model
        for name, value in fields.items():
            if isinstance(value, (list, tuple)):
                getattr(envelope.req.init, name).extend(value)
            else:
                setattr(envelope.req.init, name, value)
        self.send(envelope)

    def frame_message(self, seq: int, pixels: Any, **fields: Any) -> bytes:
        envelope = self.envelope()
        frame = envelope.req.frame
        frame.seq = seq
        frame.ts_iso = f"2026-01-01T00:00:{seq % 60:02}Z"
        frame.ts_mono_ns = time.monotonic_ns()
        if isinstance(pixels, np.ndarray):
            frame.height, frame.width = pixels.shape[:2]
            frame.pix_fmt = "RGB"
            frame.data = pixels.tobytes()
        else:
            frame.data = pixels
        for name, value in fields.items():
            setattr(frame, name, value)
        return bytes(envelope.SerializeToString())

    def frame(self, seq: int, pixels: Any, **fields: Any) -> None:
        self.message(self.frame_message(seq, pixels, **fields))

    def end(self) -> None:
        envelope = self.envelope()
        envelope.req.end.SetInParent()
        self.send(envelope)

    def heartbeat(self) -> None:
        envelope = self.envelope()
        envelope.hb.ts_mono_ns = 1
        self.send(envelope)

    def any(self) -> Any:
        """The next Envelope, whatever it is."""
        size = int.from_bytes(self._exactly(4), "little")
        return self.envelope.FromString(self._exactly(size))

    def receive(self) -> Any:
        """The next Response, Heartbeats skipped."""
        # Heartbeats keep the socket's own timeout from ever striking.
        deadline = time.monotonic() + TIMEOUT_S
        while time.monotonic() < deadline:
            envelope = self.any()
            if envelope.HasField("res"):
                return envelope.res
            self.heartbeats += 1
        raise TimeoutError("only heartbeats came")

    def expect(self, kind: str) -> Any:
        """The next Response, which must be of that kind."""
        response = self.receive()
        found = response.WhichOneof("kind")
        assert found == kind, f"{found} instead of {kind}: {response}"
        return getattr(response, kind)

    def start(self, model: str, **fields: Any) -> Any:
        """Init as it should go: InitOk, then Ready(0)."""
        self.init(model, **fields)
        ok = self.expect("init_ok")
        assert self.expect("ready").seq == 0
        return ok

    def detect(self, seq: int, pixels: Any, **fields: Any) -> Any:
        self.frame(seq, pixels, **fields)
        result = self.expect("result")
        assert result.seq == seq
        return result

    def refused(self, seq: int) -> Any:
        """An Error, then the Ready that gives its credit back."""
        error = self.expect("error")
        assert self.expect("ready").seq == seq
        return error

    def ended(self) -> bool:
        """Whether the worker closes its half without another word."""
        try:
            response = self.receive()
        except (ClosedError, ConnectionError):
            return True
        raise AssertionError(f"still talking: {response}")

    def _exactly(self, count: int) -> bytes:
        data = bytearray()
        while len(data) < count:
            chunk = self.sock.recv(count - len(data))
            if not chunk:
                raise ClosedError
            data += chunk
        return bytes(data)
