"""Listening and stopping, and all that connections share."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path

from aiw_worker import log
from aiw_worker.addresses import Address
from aiw_worker.admission import Admission
from aiw_worker.config import Config
from aiw_worker.connection import Connection, Timings
from aiw_worker.counters import Counters
from aiw_worker.door import Door
from aiw_worker.errors import Code, WorkerError, one_line
from aiw_worker.lifecycle import CallLater, Lifecycle
from aiw_worker.listening import is_loopback, listening_error, resolve
from aiw_worker.memory import give_back
from aiw_worker.metrics.health import Vitals
from aiw_worker.metrics.names import Watched
from aiw_worker.modelfiles import ModelFiles
from aiw_worker.models import Loader, ModelPool
from aiw_worker.pipeline import Pipeline
from aiw_worker.progress import Progress
from aiw_worker.resources import ResourceMeter, resident_bytes
from aiw_worker.scheduler import Scheduler
from aiw_worker.services import Services
from aiw_worker.sessions.recorder import Recorder
from aiw_worker.sessions.recovery import recover, unfinished
from aiw_worker.sessions.registry import Registry
from aiw_worker.tls import server_context
from aiw_worker.tokens import Token

# Loads at the same time: one that takes long doesn't hold up a client whose model is loaded already, unless
# so many wait for it.
_LOADERS = 4


class _OnLoop:
    """Tells the lifecycle of loads, from the threads that load."""

    def __init__(self, loop: asyncio.AbstractEventLoop, lifecycle: Lifecycle) -> None:
        self._loop = loop
        self._lifecycle = lifecycle

    def load_began(self) -> None:
        """See PoolListener."""
        self._call(self._lifecycle.load_began)

    def load_ended(self, worked: bool) -> None:
        """See PoolListener."""
        self._call(partial(self._lifecycle.load_ended, worked))

    def _call(self, told: Callable[[], None]) -> None:
        # The event loop may have ended before the load did.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(told)


class Server:
    """The listening worker."""

    def __init__(
        self,
        config: Config,
        load: Loader,
        timings: Timings | None = None,
        token: Token | None = None,
        call_later: CallLater | None = None,
    ) -> None:
        self._config = config
        self._timings = timings or Timings()
        self._tls = server_context(config.tls_cert, config.tls_key, config.tls_client_ca)
        self._guarded = token is not None or self._tls is not None
        loop = self._loop = asyncio.get_running_loop()
        call_later = call_later or loop.call_later
        self.counters = Counters()
        self.progress = Progress()
        self._loaders = ThreadPoolExecutor(_LOADERS, "loader")
        # Apart from those that load: what is freed must not wait for what takes its place.
        self._discarder = ThreadPoolExecutor(1, "discarder")
        pool = ModelPool(ModelFiles(config.model_dirs), load, config.max_models, self.counters, self._discard)
        self.lifecycle = Lifecycle(pool, config.idle_timeout_s, call_later, self.counters)
        self._registry = self._sessions(config.sessions_dir, call_later)
        pool.listener = _OnLoop(loop, self.lifecycle)
        self._services = Services(
            pool=pool,
            loaders=self._loaders,
            lifecycle=self.lifecycle,
            scheduler=Scheduler(loop),
            meter=ResourceMeter(),
            admission=Admission(token, config.max_clients, config.max_connections),
            call_soon_threadsafe=loop.call_soon_threadsafe,
            counters=self.counters,
            progress=self.progress,
            sessions=self._registry,
        )
        self._stopping = False
        self._connections: set[Connection] = set()
        self._empty = asyncio.Event()
        self._empty.set()
        self._server: asyncio.Server | None = None
        self.host = config.host
        self.port = config.port

    async def start(self) -> None:
        """Listens; `host` and `port` then say where.

        Raises:
            WorkerError: USAGE for a forbidden address beyond loopback, PORT_IN_USE or LISTEN_FAILED.
        """
        loop = asyncio.get_running_loop()
        address = await resolve("--host", Address(self._config.host, self._config.port))
        guarded = self._config.insecure or self._guarded
        if not is_loopback(address) and not guarded:
            raise WorkerError(
                Code.USAGE,
                f"--host {self._config.host} can be reached from other machines, and the worker has no "
                "token or TLS; give --token-file, listen on 127.0.0.1, or say --insecure (AIW_INSECURE=1)",
            )
        try:
            self._server = await loop.create_server(self._entrance(), address, self._config.port)
        except OSError as error:
            named = Address(self._config.host, self._config.port)
            raise listening_error("--port", named, error) from error
        self.host, self.port = self._server.sockets[0].getsockname()[:2]

    async def stop(self) -> None:
        """Takes nothing new, lets frames in hand be answered for a moment, then closes every connection."""
        self._stopping = True
        if self._server is not None:
            self._server.close()
        for connection in list(self._connections):
            connection.finish()
        try:
            await asyncio.wait_for(self._empty.wait(), self._timings.grace)
        except asyncio.TimeoutError:
            for connection in list(self._connections):
                connection.abort()
        self.lifecycle.close()
        if self._registry is not None:
            self._registry.close(self._timings.recording)
        self._services.scheduler.close()
        self._loaders.shutdown(wait=False, cancel_futures=True)
        self._discarder.shutdown(wait=False, cancel_futures=True)

    def vitals(self) -> Vitals:
        """How it goes. On the event loop."""
        waiting = (each.waiting_since_ns for each in self._connections)
        return Vitals(
            stopping=self._stopping,
            state=self.lifecycle.state,
            sessions=self.lifecycle.sessions,
            waiting_since_ns=min((since for since in waiting if since), default=0),
            answered_ns=self.progress.answered_ns,
            failing_ns=self.progress.failing_ns,
            failure=self.progress.failure,
        )

    def watched(self, about: Mapping[str, str]) -> Watched:
        """What metrics are made of; `about` says what this worker is."""
        return Watched(
            lifecycle=self.lifecycle,
            admission=self._services.admission,
            counters=self.counters,
            progress=self.progress,
            models_held=lambda: self._services.pool.held,
            about=about,
        )

    def _sessions(self, root: Path | None, call_later: CallLater) -> Registry | None:
        """The sessions of a folder, after those that were left open there.

        Raises:
            WorkerError: USAGE for a folder that can't be read.
        """
        if root is None:
            return None
        try:
            folders = unfinished(root)
        except OSError as error:
            raise WorkerError(
                Code.USAGE, f"--sessions-dir '{root}' can't be read: {one_line(error)}"
            ) from error
        if folders:
            # Apart from the recorder, whose sessions are others: those may be long.
            threading.Thread(
                target=recover, args=(folders, self.counters), name="recovery", daemon=True
            ).start()
        return Registry(
            root,
            Recorder(),
            self.counters,
            call_later=call_later,
            grace_s=self._timings.session_grace,
        )

    def _discard(self, models: list[Future[Pipeline]]) -> None:
        def free() -> None:
            models.clear()
            give_back()
            log.info("memory returned", rss_mb=resident_bytes() >> 20)

        # Not before whoever gave it back has let go of it. Once the worker stops, it needn't be.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._submit_discard, free)

    def _submit_discard(self, free: Callable[[], None]) -> None:
        with contextlib.suppress(RuntimeError):
            self._discarder.submit(free)

    def _entrance(self) -> Callable[[], asyncio.BaseProtocol]:
        """Makes what a new connection comes to."""
        context, drain = self._tls, self._timings.drain
        if context is None:
            return self._connection
        options = {"ssl_handshake_timeout": self._timings.handshake}
        if sys.version_info >= (3, 11):
            # Without it, a peer that doesn't answer the end is waited for 30 s.
            options["ssl_shutdown_timeout"] = drain
        return lambda: Door(self._connection(), context, drain, self.counters.told, **options)

    def _connection(self) -> Connection:
        return Connection(self._services, self._timings, self._remember, self._forget)

    def _remember(self, connection: Connection) -> None:
        self._connections.add(connection)
        self._empty.clear()

    def _forget(self, connection: Connection) -> None:
        self._connections.discard(connection)
        if not self._connections:
            self._empty.set()
