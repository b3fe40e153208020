"""Where to listen: HOST:PORT read and looked up, and what keeps a port from being taken in plain words."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import re
import socket
from dataclasses import dataclass

from aiw_worker.errors import Code, WorkerError, one_line

# An IPv6 address stands in brackets, as in a URL.
_HOST_AND_PORT = re.compile(r"(?:\[(?P<v6>[^\[\]]+)\]|(?P<host>[^\[\]:\s]+)):(?P<port>[0-9]{1,5})")


@dataclass(frozen=True, slots=True)
class Address:
    """A host's name or address, and a port; 0 = a free one."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_address(setting: str, text: str) -> Address:
    """HOST:PORT of a setting.

    Raises:
        WorkerError: USAGE, naming the setting and the value.
    """
    found = _HOST_AND_PORT.fullmatch(text)
    if found is None or int(found["port"]) > 65535:
        raise WorkerError(
            Code.USAGE,
            f"{setting} is '{text}'; it must be HOST:PORT with a port from 0 to 65535, as 127.0.0.1:9101 or "
            "[::1]:9101",
        )
    return Address(found["v6"] or found["host"], int(found["port"]))


def is_loopback(address: str) -> bool:
    """Whether only this machine reaches a numeric address."""
    # An IPv6 address may name its interface behind a percent sign.
    return ipaddress.ip_address(address.partition("%")[0]).is_loopback


async def resolve(setting: str, address: Address) -> str:
    """The first numeric address of a host: one socket, so that port 0 is one port.

    Raises:
        WorkerError: LISTEN_FAILED, naming the setting.
    """
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except (OSError, UnicodeError) as error:
        raise WorkerError(
            Code.LISTEN_FAILED, f"{setting} '{address.host}' can't be looked up: {one_line(error)}"
        ) from error
    return str(found[0][4][0])


def listening_error(setting: str, address: Address, error: OSError) -> WorkerError:
    """What to say where an address can't be listened on; `setting` is the flag that names its port."""
    if error.errno == errno.EADDRINUSE:
        return WorkerError(
            Code.PORT_IN_USE,
            f"port {address.port} on {address.host} is in use; stop what uses it, or choose another with "
            f"{setting} (0 = a free one)",
        )
    reason = errno.errorcode.get(error.errno or 0, "unknown")
    return WorkerError(Code.LISTEN_FAILED, f"can't listen on {address} ({reason})")
