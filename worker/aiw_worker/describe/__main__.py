"""`python -m aiw_worker.describe FILE`: what a model is, as one JSON object on stdout."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from aiw_worker.config import MAX_THREADS, Parser, checked_number
from aiw_worker.endings import run_to_end
from aiw_worker.errors import Code, WorkerError
from aiw_worker.modelfiles import ModelFiles


@dataclass(frozen=True, slots=True)
class _Arguments:
    file: str
    # 0 = as many as the process may use.
    threads: int


def _main() -> None:
    arguments = _parsed(sys.argv[1:])
    out = own_stdout()
    path = _real(arguments.file)
    file = ModelFiles([path.parent]).find(str(path))
    # Late: what is no model is told in no time, and these take most of a second.
    from aiw_worker.datatypes import EngineOptions  # noqa: PLC0415 - as said above
    from aiw_worker.describe.description import describe  # noqa: PLC0415 - as said above
    from aiw_worker.resources import available_threads  # noqa: PLC0415 - as said above

    options = EngineOptions(threads=arguments.threads or available_threads())
    json.dump(describe(file, arguments.file, options), out, allow_nan=False)
    out.write("\n")
    out.close()


def _parsed(arguments: list[str]) -> _Arguments:
    parser = Parser(
        prog="python -m aiw_worker.describe",
        description="Says what a model file is, as JSON.",
        allow_abbrev=False,
    )
    parser.add_argument("file", metavar="FILE", help="the model, an .onnx file")
    parser.add_argument(
        "--threads", default="0", help="threads of its one run (default: the cores it may use)"
    )
    parser.add_argument("--debug", action="store_true", help="show tracebacks")
    found = parser.parse_args(arguments)
    return _Arguments(found.file, checked_number("--threads", found.threads, 0, MAX_THREADS))


def _real(name: str) -> Path:
    try:
        return Path(name).resolve()
    except (OSError, RuntimeError, ValueError) as error:
        # Too long, a loop of symlinks, or not a name at all.
        raise WorkerError(Code.MODEL_NOT_FOUND, f"{name[:200]!r} names no model") from error


def own_stdout() -> TextIO:
    """stdout for the JSON alone: whatever else prints, in whatever language, does so on stderr."""
    sys.stdout.flush()
    own = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return own


if __name__ == "__main__":
    run_to_end(_main)
