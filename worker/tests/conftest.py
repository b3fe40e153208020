"""Fixtures: workers in this process with engines of their own, and the shared test data where it is."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes import WAIT_S, Timers, fake_loader

from aiw_worker.config import Config
from aiw_worker.connection import Timings
from aiw_worker.server import Server
from aiw_worker.tokens import Token

WORKER = Path(__file__).resolve().parents[1]
# The first fields of an ONNX file: ir_version 8, producer "t". Engines of tests don't read on.
STUB_MODEL = b"\x08\x08\x12\x01t"

# Variables that a worker process takes settings from.
ENVIRONMENT = ("AIW_INSECURE", "AIW_TOKEN", "AIW_TOKEN_FILE", "BIND_HOST", "BIND_PORT")


class RunningWorker:
    """A server on a thread of its own."""

    def __init__(
        self, config: Config, load: Any, timings: Timings, token: Token | None, timers: Timers | None
    ) -> None:
        self._timers = timers
        self.loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self.server: Server
        self._thread = threading.Thread(target=self._run, args=(config, load, timings, token), daemon=True)
        self._thread.start()
        assert self._ready.wait(20)

    @property
    def port(self) -> int:
        return self.server.port

    def on_loop(self, ask: Callable[[], Any]) -> Any:
        """What `ask` returns on the worker's event loop, after everything that was to happen there before."""

        async def call() -> Any:
            return ask()

        return asyncio.run_coroutine_threadsafe(call(), self.loop).result(20)

    def wait_for(self, event: asyncio.Event) -> None:
        """Waits for an event of the worker's loop."""
        asyncio.run_coroutine_threadsafe(event.wait(), self.loop).result(20)

    def begin_stop(self) -> None:
        """Stops the server, not its event loop."""
        asyncio.run_coroutine_threadsafe(self.server.stop(), self.loop).result(20)

    def stop(self) -> None:
        self.begin_stop()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(20)
        self.loop.close()

    def _run(self, config: Config, load: Any, timings: Timings, token: Token | None) -> None:
        asyncio.set_event_loop(self.loop)

        async def start() -> None:
            call_later = self._timers and self._timers.call_later
            self.server = Server(config, load, timings, token, call_later)
            await self.server.start()

        self.loop.run_until_complete(start())
        self._ready.set()
        self.loop.run_forever()


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A model directory with a.onnx and b.onnx, for engines that don't read them."""
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "a.onnx").write_bytes(STUB_MODEL)
    (folder / "b.onnx").write_bytes(STUB_MODEL + b"\x1a\x01b")
    return folder


@pytest.fixture
def start_worker(models: Path) -> Iterator[Callable[..., RunningWorker]]:
    """Starts workers that stop with the test."""
    running: list[RunningWorker] = []

    def start(
        load: Any = None,
        model_dir: Path = models,
        token: str | None = None,
        settings: dict[str, Any] | None = None,
        timers: Timers | None = None,
        **timings: float,
    ) -> RunningWorker:
        config = Config(port=0, model_dirs=(model_dir,), **(settings or {}))
        worker = RunningWorker(
            config, load or fake_loader(), Timings(**timings), token and Token(token), timers
        )
        running.append(worker)
        return worker

    yield start
    for worker in running:
        worker.stop()


@pytest.fixture
def spawn(tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Starts worker processes that end with the test."""
    started: list[Any] = []

    def start(*arguments: str, env: dict[str, str] | None = None) -> Any:
        clean = {k: v for k, v in os.environ.items() if k not in ENVIRONMENT}
        process = subprocess.Popen(
            [sys.executable, "-m", "aiw_worker", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=tmp_path,
            env={**clean, "PYTHONPATH": str(WORKER), **(env or {})},
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def port_of(process: Any) -> int:
    line = process.stdout.readline()
    assert line.startswith("aiw worker listening on 127.0.0.1:"), line + process.stderr.read()
    return int(line.rsplit(":", 1)[1])


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of models, media and golden files that a user's clone does not have."""
    folder = Path(os.environ.get("AIW_SHARED") or WORKER.parents[1] / "shared")
    if not (folder / "models").is_dir():
        pytest.skip(f"no shared test data at {folder} (AIW_SHARED names another place)")
    return folder


def end(process: Any) -> tuple[str, str]:
    """Waits for a tidy end; what else was on stdout, and stderr."""
    out, err = process.communicate(timeout=WAIT_S)
    assert process.returncode == 0, err
    assert "Traceback" not in err
    return out, err
