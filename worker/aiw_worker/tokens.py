"""The token that clients must know: where it comes from, and how it is compared."""

from __future__ import annotations

import hashlib
import hmac
import os
import stat
from collections.abc import Mapping, MutableMapping
from pathlib import Path

from aiw_worker import log
from aiw_worker.errors import Code, WorkerError

TOKEN_VARIABLE = "AIW_TOKEN"
FILE_VARIABLE = "AIW_TOKEN_FILE"
_MAX_BYTES = 4096
# Bits of a file's mode by which others than its owner read, write or run it.
_OTHERS = 0o077


class Token:
    """What an Init must bring. Only its hash is kept."""

    __slots__ = ("_digest",)

    def __init__(self, secret: str) -> None:
        self._digest = _digest(secret)

    def check(self, given: str) -> None:
        """Passes the token that it was made of, in a time that says nothing about it.

        Raises:
            WorkerError: TOKEN_MISSING or TOKEN_WRONG.
        """
        if not given:
            raise WorkerError(
                Code.TOKEN_MISSING,
                f"this worker wants a token and the Init has none; set {TOKEN_VARIABLE} or {FILE_VARIABLE} "
                "for the client",
            )
        if not hmac.compare_digest(_digest(given), self._digest):
            raise WorkerError(
                Code.TOKEN_WRONG, "the Init's token is not this worker's; give the client the one it has"
            )


def take_token(named: str | None, environment: MutableMapping[str, str]) -> Token | None:
    """What read_secret() finds, of which only the hash is kept; None = there is none.

    Raises:
        WorkerError: USAGE, see read_secret().
    """
    secret = read_secret(named, environment)
    return None if secret is None else Token(secret)


def read_secret(named: str | None, environment: MutableMapping[str, str]) -> str | None:
    """The token from `--token-file`, AIW_TOKEN or AIW_TOKEN_FILE, in that order; None = there is none.

    Takes the variables out of the environment, so that no child process inherits them.

    Raises:
        WorkerError: USAGE for an empty one, and for a file that can't be read or holds no token.
    """
    secret = environment.pop(TOKEN_VARIABLE, None)
    file = environment.pop(FILE_VARIABLE, None)
    if named is not None:
        return _read(named, "--token-file", environment)
    if secret is not None:
        # Not the same as none: who sets it wants a door that is shut.
        if not secret.strip():
            raise WorkerError(Code.USAGE, f"{TOKEN_VARIABLE} is empty; give it a value, or unset it")
        return secret.strip()
    return None if file is None else _read(file, FILE_VARIABLE, environment)


def _read(name: str, setting: str, environment: Mapping[str, str]) -> str:
    path = Path(name)
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise WorkerError(Code.USAGE, f"{setting} '{name}' is not a file; name the file with the token")
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            data = file.read(_MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no such path"
        raise WorkerError(Code.USAGE, f"{setting} '{name}' can't be read: {reason}") from error
    # Windows has no such bits.
    if os.name != "nt" and mode & _OTHERS and not _is_credential(path, environment):
        log.warning(f"others on this machine may use the token file {name}; say: chmod 600 {name}")
    try:
        secret = data.decode("utf-8").strip()
    except UnicodeDecodeError:
        raise WorkerError(Code.USAGE, f"{setting} '{name}' is not text; it must hold one token") from None
    if not secret:
        raise WorkerError(Code.USAGE, f"{setting} '{name}' is empty; write the token into it")
    if len(data) > _MAX_BYTES or len(secret.splitlines()) > 1:
        raise WorkerError(
            Code.USAGE,
            f"{setting} '{name}' holds more than one line of {_MAX_BYTES} bytes; it must hold one token",
        )
    return secret


def _is_credential(path: Path, environment: Mapping[str, str]) -> bool:
    """systemd gives its credentials to one service alone; its access list shows as bits of the group."""
    folder = environment.get("CREDENTIALS_DIRECTORY")
    return bool(folder) and Path(str(folder)) in path.parents


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()
