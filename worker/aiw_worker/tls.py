"""TLS of the listening side, and plain words for what a handshake fails of."""

from __future__ import annotations

import ssl
import weakref
from pathlib import Path
from typing import Any, NoReturn

from aiw_worker import log
from aiw_worker.admission import MAX_CONNECTIONS
from aiw_worker.codec import encode_error
from aiw_worker.errors import Code, WorkerError, one_line

# OpenSSL's names for bytes that are no TLS at all.
_PLAIN = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "HTTPS_PROXY_REQUEST", "UNKNOWN_PROTOCOL"})


def server_context(cert: str | None, key: str | None, client_ca: str | None) -> ssl.SSLContext | None:
    """What to listen with; None where no certificate is named. TLS 1.2 or newer.

    Args:
        cert: PEM file with the certificate and what it was signed with.
        key: PEM file with its key; None = it is in the certificate's file.
        client_ca: PEM file with the authorities of clients' certificates; None = clients need none.

    Raises:
        WorkerError: USAGE for files that can't be used, naming them.
    """
    if cert is None:
        for flag, value in (("--tls-key", key), ("--tls-client-ca", client_ca)):
            if value is not None:
                raise WorkerError(Code.USAGE, f"{flag} '{value}' needs a --tls-cert; give that too")
        return None
    context = _Context(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    _readable("--tls-cert", cert)
    if key is not None:
        _readable("--tls-key", key)
    try:
        context.load_cert_chain(cert, key, _no_password)
    except (OSError, ValueError) as error:
        if key is None and not _has_key(cert):
            raise WorkerError(
                Code.USAGE, f"--tls-cert '{cert}' has no private key in it; name its file with --tls-key"
            ) from error
        files = f"--tls-cert '{cert}'" + (f" with --tls-key '{key}'" if key is not None else "")
        raise WorkerError(Code.USAGE, f"{files} can't be used: {_reason(error)}") from error
    if client_ca is not None:
        _readable("--tls-client-ca", client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
        try:
            context.load_verify_locations(client_ca)
        except (OSError, ValueError) as error:
            raise WorkerError(
                Code.USAGE, f"--tls-client-ca '{client_ca}' can't be used: {_reason(error)}"
            ) from error
    return context


class _Handshake(ssl.SSLObject):
    """Says in the log, and to the peer, why a handshake failed, which asyncio keeps to itself."""

    outgoing: ssl.MemoryBIO | None = None
    failure: ssl.SSLError | None = None

    def do_handshake(self) -> None:
        """As ssl.SSLObject's, but the first failure looks like a wait for more bytes.

        asyncio then writes what is to be said, an alert of TLS or our Error, before it closes: when the peer
        sends on, or at the end of the handshake's time.
        """
        if self.failure is not None:
            raise self.failure
        try:
            super().do_handshake()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except ssl.SSLError as error:
            self._explain(error)
            self.failure = error
            raise ssl.SSLWantReadError from error

    def _explain(self, error: ssl.SSLError) -> None:
        if error.reason not in _PLAIN:
            log.warning("TLS handshake failed", error=Code.TLS_MISMATCH.name, reason=_reason(error))
            return
        told = WorkerError(Code.TLS_MISMATCH, "this port speaks TLS; name the worker as tls://HOST:PORT")
        log.warning("a plain client came to the TLS port", error=told.name)
        if self.outgoing is not None:
            # In place of the alert, which it could not read.
            self.outgoing.read()
            self.outgoing.write(encode_error(told))


class _Context(ssl.SSLContext):
    """Bounds what has begun a handshake, which nothing else counts before it is done."""

    sslobject_class = _Handshake

    def __init__(self, *_: Any) -> None:
        self._begun: weakref.WeakSet[_Handshake] = weakref.WeakSet()

    def wrap_bio(self, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO, *args: Any, **named: Any) -> Any:
        """As ssl.SSLContext's."""
        if len(self._begun) >= 2 * MAX_CONNECTIONS:
            raise ssl.SSLError("too many connections")
        wrapped = super().wrap_bio(incoming, outgoing, *args, **named)
        assert isinstance(wrapped, _Handshake)
        wrapped.outgoing = outgoing
        self._begun.add(wrapped)
        return wrapped


def _readable(flag: str, name: str) -> None:
    try:
        with Path(name).open("rb"):
            pass
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no such path"
        raise WorkerError(Code.USAGE, f"{flag} '{name}' can't be read: {reason}") from error


def _has_key(name: str) -> bool:
    """Whether a PEM file has a private key, of whatever kind and encrypted or not (RFC 7468)."""
    return b"PRIVATE KEY-----" in Path(name).read_bytes()


def _no_password() -> NoReturn:
    raise ValueError("its key wants a password, and nobody is there to give it; store it without one")


def _reason(error: BaseException) -> str:
    """OpenSSL's name for it in words, or the error's text."""
    name = getattr(error, "reason", None)
    return str(name).replace("_", " ").lower() if name else one_line(error)
