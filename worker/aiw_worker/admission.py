"""Who is let in: the token, and how many clients and connections there may be. All on the event loop."""

from __future__ import annotations

from collections.abc import Hashable

from aiw_worker.errors import Code, WorkerError
from aiw_worker.tokens import Token

DEFAULT_CLIENTS = 64
# Far above the clients': one that has said nothing yet costs little, and must not keep out one that will.
MAX_CONNECTIONS = 512
# What a health check calls itself.
HEALTHCHECK = "aiw-healthcheck"
_RETRY_AFTER_MS = 1000


class Admission:
    """Counts what comes in against its bounds.

    Attributes:
        connections: open ones, those that are only told that they are too many included.
    """

    def __init__(
        self,
        token: Token | None = None,
        max_clients: int = DEFAULT_CLIENTS,
        max_connections: int = MAX_CONNECTIONS,
    ) -> None:
        self.connections = 0
        self._token = token
        self._max_clients = max_clients
        self._max_connections = max_connections
        self._clients: set[Hashable] = set()

    def connected(self) -> None:
        """Counts a connection; `disconnected` counts it out, whether it was one too many or not.

        Raises:
            WorkerError: TOO_MANY_CONNECTIONS.
        """
        self.connections += 1
        if self.connections > self._max_connections:
            raise WorkerError(
                Code.TOO_MANY_CONNECTIONS,
                f"the worker has {_counted(self._max_connections, 'connection')}, as many as it takes; "
                "try again later",
                _RETRY_AFTER_MS,
            )

    def disconnected(self) -> None:
        """Counts a connection out."""
        self.connections -= 1

    @property
    def clients(self) -> int:
        """Connections that have sent an Init, and not ended it."""
        return len(self._clients)

    @property
    def flooded(self) -> bool:
        """Whether so many are being told that they are too many that the next ones are not told."""
        return self.connections > 2 * self._max_connections

    def check_token(self, given: str) -> None:
        """Passes who knows the token, and everybody where there is none.

        Raises:
            WorkerError: TOKEN_MISSING or TOKEN_WRONG.
        """
        if self._token is not None:
            self._token.check(given)

    def enter(self, client: Hashable) -> None:
        """Counts a client from its Init on; one that is counted already changes nothing.

        Raises:
            WorkerError: TOO_MANY_CLIENTS.
        """
        if client not in self._clients and len(self._clients) >= self._max_clients:
            raise WorkerError(
                Code.TOO_MANY_CLIENTS,
                f"the worker serves {_counted(self._max_clients, 'client')}, as many as it takes "
                "(--max-clients); try again later",
                _RETRY_AFTER_MS,
            )
        self._clients.add(client)

    def leave(self, client: Hashable) -> None:
        """Counts a client out, if it was in."""
        self._clients.discard(client)


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
