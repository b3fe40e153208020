"""HOST:PORT, read and written."""

from __future__ import annotations

import re
from dataclasses import dataclass

from aiw_worker.errors import Code, WorkerError

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
