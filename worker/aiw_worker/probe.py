"""A conversation of two questions with a worker, which only one that serves can answer.

A Frame before any Init has one right answer, an Error NOT_INITIALISED with the Frame's own number: to give
it, the worker takes the connection, reads the message, has a session refuse it on its event loop, and writes.
No model is loaded, no place among the clients is taken, and the log stays as it is. With a token there is an
Init after it which names no model: the worker looks at the token first. That inference works is for /readyz
of --metrics to say.

Standard library and protobuf only: it starts fast.
"""

from __future__ import annotations

import socket
import ssl
import time
from dataclasses import dataclass, field
from typing import Any

from aiw_worker.addresses import Address
from aiw_worker.admission import HEALTHCHECK
from aiw_worker.errors import Code, WorkerError, one_line
from aiw_worker.framing import SMALL_BYTES
from aiw_worker.schema import DecodeError, Envelope

# A number that comes back by itself from nobody.
_SEQ = 0x616977
_LONGEST_WORDS = 200


class UnhealthyError(Exception):
    """One line that says why."""


@dataclass(frozen=True, slots=True)
class Target:
    """Whom to ask, and how.

    Attributes:
        address: of the worker.
        timeout_s: for all of it.
        token: "" = none is shown.
        tls: None = plain TCP.
        server_name: what the certificate must be for.
    """

    address: Address
    timeout_s: float
    token: str = field(default="", repr=False)
    tls: ssl.SSLContext | None = None
    server_name: str = ""


def client_context(ca: str | None, cert: str | None, key: str | None) -> ssl.SSLContext:
    """How to speak TLS to a worker.

    Args:
        ca: PEM file with who signed its certificate, or that certificate; None = whom the system trusts.
        cert: PEM file with our certificate, for a worker that asks for one.
        key: its key; None = it is in the certificate's file.

    Raises:
        WorkerError: USAGE, naming the file that can't be used.
    """
    named = ca
    try:
        context = ssl.create_default_context(cafile=ca)
        # A worker's own certificate is trusted as well where it is no authority's; and what a client in Node
        # takes, this does, where newer Pythons are stricter.
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        if cert is not None:
            named = cert if key is None else f"{cert}' with '{key}"
            context.load_cert_chain(cert, key, lambda: "")
    except (OSError, ValueError) as error:
        raise WorkerError(Code.USAGE, f"the TLS file '{named}' can't be used: {one_line(error)}") from error
    return context


def ask(target: Target) -> str:
    """What a healthy worker answered, in one line.

    Raises:
        UnhealthyError: it is not.
    """
    address, began = target.address, time.monotonic()
    asked = "a Frame before an Init"
    try:
        with _connected(target, began + target.timeout_s) as conversation:
            conversation.refused(_frame(), Code.NOT_INITIALISED, _SEQ)
            if target.token:
                asked += ", and took the token"
                conversation.refused(_init(target.token), Code.MODEL_NOT_FOUND)
    except TimeoutError as error:
        raise UnhealthyError(f"{address} did not answer within {target.timeout_s:g} s") from error
    except ConnectionRefusedError as error:
        raise UnhealthyError(
            f"nobody listens on {address}: the worker is not started, or elsewhere"
        ) from error
    except (OSError, UnicodeError) as error:
        raise UnhealthyError(f"{address} can't be asked: {_printable(one_line(error))}") from error
    except _NoWorkerError as error:
        raise UnhealthyError(f"{address} {error}") from error
    return f"{address} answered {asked}, within {1000 * (time.monotonic() - began):.0f} ms"


class _NoWorkerError(Exception):
    """What the other side did, to be said behind its address."""


class _Conversation:
    """Messages to a worker and from it, until a moment of time.monotonic()."""

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self._sock = sock
        self._deadline = deadline

    def __enter__(self) -> _Conversation:
        return self

    def __exit__(self, *_: object) -> None:
        self._sock.close()

    def refused(self, request: Any, kind: Code, seq: int = 0) -> None:
        """Sends what must be refused with this error, about this frame where one is given."""
        body = request.SerializeToString()
        self._sock.settimeout(self._left())
        self._sock.sendall(len(body).to_bytes(4, "little") + body)
        error = self._error()
        if error.name != kind.name or error.seq != seq:
            said = _printable(error.message)
            raise _NoWorkerError(
                f"answered {_printable(error.name) or error.code}: {said}{_advice(error.name)}"
            )

    def _error(self) -> Any:
        """The next Error; heartbeats and credits may come before it."""
        while True:
            envelope = self._receive()
            answer = envelope.res.WhichOneof("kind")
            if answer == "error":
                return envelope.res.error
            if answer not in (None, "ready"):
                raise _NoWorkerError(f"answered with {answer} what it had to refuse")

    def _receive(self) -> Any:
        size = int.from_bytes(self._exactly(4), "little")
        if not 0 < size <= SMALL_BYTES:
            raise _NoWorkerError(f"announced a message of {size} bytes: that is no aiw worker")
        try:
            return Envelope.FromString(self._exactly(size))
        except DecodeError as error:
            raise _NoWorkerError("answered what can't be read: that is no aiw worker") from error

    def _exactly(self, count: int) -> bytes:
        data = bytearray()
        while len(data) < count:
            self._sock.settimeout(self._left())
            chunk = self._sock.recv(count - len(data))
            if not chunk:
                raise _NoWorkerError("closed the connection without an answer")
            data += chunk
        return bytes(data)

    def _left(self) -> float:
        return _left(self._deadline)


def _connected(target: Target, deadline: float) -> _Conversation:
    host, port = target.address.host, target.address.port
    sock = socket.create_connection((host, port), _left(deadline))
    if target.tls is not None:
        try:
            sock.settimeout(_left(deadline))
            sock = target.tls.wrap_socket(sock, server_hostname=target.server_name or host)
        except BaseException:
            sock.close()
            raise
    return _Conversation(sock, deadline)


def _frame() -> Any:
    envelope = Envelope()
    # Without pixels, by which the worker knows that nobody means it.
    envelope.req.frame.seq = _SEQ
    return envelope


def _init(token: str) -> Any:
    envelope = Envelope()
    envelope.req.init.client_id = HEALTHCHECK
    envelope.req.init.token = token
    return envelope


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _advice(name: str) -> str:
    return " (for a health check: --tls-ca)" if name == Code.TLS_MISMATCH.name else ""


def _printable(text: str) -> str:
    """What another program said, so that it is one line and shows what it is."""
    return "".join(char if char.isprintable() else "?" for char in text[:_LONGEST_WORDS])
