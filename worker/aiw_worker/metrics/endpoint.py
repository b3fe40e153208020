"""`--metrics`: a thread with an event loop of its own, so that no scrape ever takes the worker's."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable
from http import HTTPStatus

from aiw_worker import log
from aiw_worker.addresses import Address
from aiw_worker.listening import is_loopback, listening_error, resolve
from aiw_worker.metrics.collector import Exposition
from aiw_worker.metrics.health import ALIVE_WITHIN_S, ANSWERED_WITHIN_S, Pulse, Vitals, readiness
from aiw_worker.metrics.http import DEADLINE_S, MAX_CONNECTIONS, Answer, Conversation, Conversations, plain
from aiw_worker.metrics.names import Watched

_BACKLOG = 128


async def listen(address: Address) -> socket.socket:
    """Takes the port, before the worker says that it is ready; nobody is answered yet.

    Raises:
        WorkerError: PORT_IN_USE or LISTEN_FAILED.
    """
    host = await resolve("--metrics", address)
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        if os.name != "nt":
            # A port whose old connections are still being ended is free. On Windows it means another thing.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, address.port))
        sock.listen(_BACKLOG)
    except OSError as error:
        sock.close()
        raise listening_error("--metrics", address, error) from error
    return sock


class Endpoint:
    """Serves /metrics, /healthz and /readyz on a socket that listens."""

    def __init__(
        self,
        sock: socket.socket,
        watched: Watched,
        call_soon_threadsafe: Callable[..., object],
        vitals: Callable[[], Vitals],
        *,
        alive_within_s: float = ALIVE_WITHIN_S,
        answered_within_s: float = ANSWERED_WITHIN_S,
        deadline_s: float = DEADLINE_S,
        most: int = MAX_CONNECTIONS,
    ) -> None:
        """Not serving yet.

        Args:
            sock: listens; closed at the end.
            watched: what /metrics tells.
            call_soon_threadsafe: the worker's event loop's.
            vitals: asked on that loop.
            alive_within_s: what that loop may take to answer.
            answered_within_s: see readiness().
            deadline_s: what one request may take in all.
            most: connections at once.
        """
        self.host, self.port = sock.getsockname()[:2]
        self._sock = sock
        self._exposition = Exposition(watched)
        self._pulse = Pulse(call_soon_threadsafe, vitals)
        self._alive_within_s = alive_within_s
        self._answered_within_s = answered_within_s
        pages = {"/metrics": self._metrics, "/healthz": self._healthz, "/readyz": self._readyz}
        self._conversations = Conversations(pages, deadline_s, most)
        self._loop = asyncio.new_event_loop()
        self._stopped = asyncio.Event()
        # A daemon, as all threads are here: the worker's end never waits for it.
        self._thread = threading.Thread(target=self._serve, name="metrics", daemon=True)

    def start(self) -> None:
        """Serves from now on."""
        address = Address(self.host, self.port)
        self._thread.start()
        log.info("metrics are served", url=f"http://{address}/metrics")

    def warn_if_open(self, insecure: bool) -> None:
        """Says so where others can read the metrics, which nothing guards, unless that was asked for."""
        if not insecure and not is_loopback(self.host):
            log.warning(
                "--metrics can be read from other machines, without token or TLS; listen on 127.0.0.1, or "
                "say --insecure if that network is yours",
                host=self.host,
            )

    def close(self) -> None:
        """Ends it; what is being answered is cut off."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._stopped.set)

    def _serve(self) -> None:
        try:
            self._loop.run_until_complete(self._run())
        except Exception as error:
            # The worker goes on without: nobody's frames depend on it.
            log.exception("metrics are served no more", error)
        finally:
            self._loop.close()

    async def _run(self) -> None:
        server = await self._loop.create_server(lambda: Conversation(self._conversations), sock=self._sock)
        await self._stopped.wait()
        server.close()

    async def _metrics(self, accept: str) -> Answer:
        body, content_type = self._exposition.text(accept)
        return Answer(HTTPStatus.OK, body, content_type)

    async def _healthz(self, accept: str) -> Answer:
        if await self._vitals() is None:
            return self._hangs()
        return plain(HTTPStatus.OK, "alive")

    async def _readyz(self, accept: str) -> Answer:
        vitals = await self._vitals()
        if vitals is None:
            return self._hangs()
        verdict = readiness(vitals, time.perf_counter_ns(), self._answered_within_s)
        return plain(HTTPStatus.OK if verdict.good else HTTPStatus.SERVICE_UNAVAILABLE, verdict.why)

    async def _vitals(self) -> Vitals | None:
        """What the worker's loop says; None where it has not said anything in time."""
        try:
            asked = asyncio.wrap_future(self._pulse.answer())
            return await asyncio.wait_for(asked, self._alive_within_s)
        except (asyncio.TimeoutError, RuntimeError):
            return None

    def _hangs(self) -> Answer:
        why = f"the worker's event loop did not answer within {self._alive_within_s:g} s"
        return plain(HTTPStatus.SERVICE_UNAVAILABLE, why)
