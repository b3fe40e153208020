"""From settings to a worker that says where it listens, and to its end."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

from aiw_worker import __version__, log
from aiw_worker.addresses import Address
from aiw_worker.admission import MAX_CONNECTIONS
from aiw_worker.config import Config
from aiw_worker.datatypes import EngineOptions
from aiw_worker.engines import check_engine
from aiw_worker.models import loader_for
from aiw_worker.resources import allow_files, available_threads
from aiw_worker.server import Server
from aiw_worker.tokens import Token

if TYPE_CHECKING:
    from aiw_worker.metrics.endpoint import Endpoint

# Twice as many connections as are served (see Admission.flooded), files of sessions, and what else there is.
_FILES = 2 * MAX_CONNECTIONS + 1024


async def run(config: Config, token: Token | None, stopped: asyncio.Event) -> None:
    """Serves until `stopped` is set. Prints the one line that says where it listens.

    Raises:
        WorkerError: what keeps it from starting.
    """
    allow_files(_FILES)
    engine, version = check_engine(config.engine)
    threads = config.threads or available_threads()
    load = loader_for(EngineOptions(config.engine, threads, config.device))
    server = Server(config, load, token=token)
    about = {"version": __version__, "engine": f"{engine} {version}", "threads": str(threads)}
    # Its port is taken before ours is: who finds the worker ready finds its metrics too.
    metrics = None if config.metrics is None else await _metrics_of(server, config, about)
    await server.start()
    if metrics is not None:
        metrics.start()
    log.info(
        "worker ready",
        engine=f"{engine} {version}",
        threads=threads,
        token=token is not None,
        tls=config.tls_cert is not None,
        model_dirs=[str(path) for path in config.model_dirs],
    )
    print(f"aiw worker listening on {Address(server.host, server.port)}", flush=True)
    await stopped.wait()
    log.info("worker stopping")
    await server.stop()
    if metrics is not None:
        metrics.close()


async def _metrics_of(server: Server, config: Config, about: Mapping[str, str]) -> Endpoint:
    """The endpoint of --metrics, which does not serve yet.

    Raises:
        WorkerError: PORT_IN_USE or LISTEN_FAILED.
    """
    # Late: prometheus_client is of no use to a worker without --metrics.
    from aiw_worker.metrics.endpoint import Endpoint, listen  # noqa: PLC0415 - as said above

    assert config.metrics is not None
    sock = await listen(config.metrics)
    loop = asyncio.get_running_loop()
    endpoint = Endpoint(sock, server.watched(about), loop.call_soon_threadsafe, server.vitals)
    endpoint.warn_if_open(config.insecure)
    return endpoint
