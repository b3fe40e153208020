"""Where to listen: hosts looked up, and in plain words what keeps a port from being taken."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import socket

from aiw_worker.addresses import Address
from aiw_worker.errors import Code, WorkerError, one_line


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
