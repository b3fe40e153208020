"""TLS of the listening side: certificate, key, and who must have signed those of clients."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import NoReturn

from aiw_worker.door import DoorContext, reason_of
from aiw_worker.errors import Code, WorkerError


def server_context(cert: str | None, key: str | None, client_ca: str | None) -> DoorContext | None:
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
    context = DoorContext(ssl.PROTOCOL_TLS_SERVER)
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
        raise WorkerError(Code.USAGE, f"{files} can't be used: {reason_of(error)}") from error
    if client_ca is not None:
        _readable("--tls-client-ca", client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
        try:
            context.load_verify_locations(client_ca)
        except (OSError, ValueError) as error:
            raise WorkerError(
                Code.USAGE, f"--tls-client-ca '{client_ca}' can't be used: {reason_of(error)}"
            ) from error
    return context


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
