"""How a process of this package ends: exit code, and one line on stderr where it failed."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from typing import NoReturn

from aiw_worker.errors import Code, WorkerError, one_line, out_of_memory

_FAILED = 1
_BAD_USAGE = 2


def run_to_end(work: Callable[[], None]) -> NoReturn:
    """Runs the whole of a program, and ends the process with what became of it."""
    debugging = "--debug" in sys.argv
    try:
        work()
    except WorkerError as error:
        _fail(error, debugging)
    except ImportError as error:
        # cv2, numpy and their like are imported by what `work` imports.
        missing = WorkerError(Code.ENGINE_MISSING, f"a Python package is missing: {one_line(error)}")
        _fail(out_of_memory(error, "load the worker's packages") or missing, debugging)
    except KeyboardInterrupt:
        pass
    except Exception as error:
        lacking = out_of_memory(error, "go on")
        _fail(lacking or WorkerError(Code.INTERNAL, f"{type(error).__name__}: {one_line(error)}"), debugging)
    leave(0)


def leave(code: int) -> NoReturn:
    """Ends the process without waiting for threads, which may be inside native code."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            # Whoever read it is gone.
            continue
    os._exit(code)


def _fail(error: WorkerError, debugging: bool) -> NoReturn:
    print(f"aiw-worker: error {error.name}: {error.message}", file=sys.stderr)
    if debugging:
        traceback.print_exception(error)
    leave(_BAD_USAGE if error.kind is Code.USAGE else _FAILED)
