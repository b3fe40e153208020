"""`python -m aiw_worker`: reads the settings, runs the server, sets the exit code."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import NoReturn

from aiw_worker import log
from aiw_worker.config import Config, parse_config
from aiw_worker.endings import leave, run_to_end
from aiw_worker.tokens import Token, take_token

# After stdin ended, the process does too, even if its event loop should hang.
_LAST_RESORT_S = 3.0


class _Stopper:
    """Asks the server to stop, from any thread, whether it runs already or not."""

    def __init__(self) -> None:
        self._stop: Callable[[], object] | None = None

    def attach(self, stop: Callable[[], object]) -> None:
        """From now on there is something to stop politely."""
        self._stop = stop

    def parent_gone(self) -> None:
        """Stops, and ends the process if that takes too long."""
        if self._stop is None:
            leave(0)
        try:
            self._stop()
        except RuntimeError:
            leave(0)
        time.sleep(_LAST_RESORT_S)
        leave(0)


def main() -> NoReturn:
    """Never returns: native threads of a load or an inference must not hold the process up."""
    run_to_end(_serve)


def _serve() -> None:
    config = parse_config(sys.argv[1:], os.environ)
    log.configure(config.log_format, config.debug)
    token = take_token(config.token_file, os.environ)
    stopper = _Stopper()
    if config.exit_with_stdin:
        threading.Thread(target=_watch_stdin, args=(stopper.parent_gone,), daemon=True).start()
    _run(config, token, stopper)


def _run(config: Config, token: Token | None, stopper: _Stopper) -> None:
    # Late: importing the engine takes some 0.4 s, in which stdin is watched already.
    from aiw_worker.start import run  # noqa: PLC0415 - as said above

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        stopped = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            # Not on Windows, where the default action ends the process.
            with contextlib.suppress(NotImplementedError):
                loop.add_signal_handler(number, stopped.set)
        stopper.attach(functools.partial(loop.call_soon_threadsafe, stopped.set))
        await run(config, token, stopped)

    # Not asyncio.run(): that waits for the default executor's threads.
    loop = asyncio.new_event_loop()
    loop.run_until_complete(serve())


def _watch_stdin(gone: Callable[[], None]) -> None:
    # An error, as where it never was open, counts as its end.
    with contextlib.suppress(OSError):
        while os.read(0, 65536):
            continue
    gone()


if __name__ == "__main__":
    main()
