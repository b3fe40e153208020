"""`python -m aiw_worker.optimize COMMAND`: one step of the optimiser, its outcome as JSON on stdout."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TextIO

from aiw_worker.config import MAX_THREADS, Parser, checked_number
from aiw_worker.datatypes import EngineOptions, Size, Thresholds
from aiw_worker.describe.__main__ import own_stdout
from aiw_worker.endings import run_to_end
from aiw_worker.engines import ENGINES, open_engine
from aiw_worker.errors import Code, WorkerError
from aiw_worker.optimize.frames import FrameFile
from aiw_worker.resources import available_threads


def _main() -> None:
    arguments = _parser().parse_args(sys.argv[1:])
    out = own_stdout()
    try:
        arguments.run(arguments, out)
    except OSError as error:
        # What can't be read has errors of its own.
        where = getattr(arguments, "out", "its answer")
        raise WorkerError(
            Code.OUTPUT_FAILED, f"can't write {where} ({error.strerror or type(error).__name__})"
        ) from error
    out.close()


def _say(out: TextIO, answer: dict[str, Any]) -> None:
    json.dump(answer, out, allow_nan=False)
    out.write("\n")
    out.flush()


def _parser() -> Parser:
    parser = Parser(prog="python -m aiw_worker.optimize", description=__doc__, allow_abbrev=False)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    prepare = commands.add_parser("prepare", help="write a model simplified, at an input size of its own")
    prepare.set_defaults(run=_prepare)
    prepare.add_argument("--size", help="WxH; without it the model's own", default="")

    calibrate = commands.add_parser("calibrate", help="write the ranges of a prepared model's tensors")
    calibrate.set_defaults(run=_calibrate)
    _add_frames(calibrate)
    calibrate.add_argument("--count", required=True, help="so many frames from the first")

    quantize = commands.add_parser("quantize", help="write a prepared model in 8 bits")
    quantize.set_defaults(run=_quantize)
    quantize.add_argument("--ranges", type=Path, required=True)
    quantize.add_argument("--operators", required=True)
    quantize.add_argument("--float", required=True, dest="kept_float")

    finish = commands.add_parser("finish", help="write a model with more metadata")
    finish.set_defaults(run=_finish)
    finish.add_argument("--metadata", required=True, help="a JSON object of texts")
    finish.add_argument(
        "--note", action="append", default=[], help="what is to be said of the model from now on"
    )

    trial = commands.add_parser("trial", help="load a model and answer the questions on stdin")
    trial.set_defaults(run=_trial)
    _add_frames(trial)
    trial.add_argument("--engine", choices=ENGINES, default="auto")
    trial.add_argument("--conf", type=float, default=Thresholds().conf)
    trial.add_argument("--iou", type=float, default=Thresholds().iou)

    for command in (prepare, calibrate, quantize, finish, trial):
        command.add_argument("--model", type=Path, required=True)
        command.add_argument("--threads", default="0")
        command.add_argument("--debug", action="store_true")
    for command in (prepare, calibrate, quantize, finish):
        command.add_argument("--out", type=Path, required=True)
    return parser


def _add_frames(command: argparse.ArgumentParser) -> None:
    command.add_argument("--pixels", type=Path, required=True, help="RGB frames, one behind the other")
    command.add_argument("--sizes", type=Path, required=True, help="JSON list of [width, height]")


def _options(arguments: argparse.Namespace, engine: str = "onnxruntime") -> EngineOptions:
    threads = checked_number("--threads", arguments.threads, 0, MAX_THREADS)
    return EngineOptions(engine, threads or available_threads())


def _prepare(arguments: argparse.Namespace, out: TextIO) -> None:
    from aiw_worker.optimize.prepare import prepare  # noqa: PLC0415 - onnx takes most of a second

    size = _size(arguments.size) if arguments.size else None
    _say(out, prepare(arguments.model, size, arguments.out))


def _calibrate(arguments: argparse.Namespace, out: TextIO) -> None:
    from aiw_worker.optimize.quantize import calibrate  # noqa: PLC0415 - as above

    frames = FrameFile(arguments.pixels, arguments.sizes)
    count = checked_number("--count", arguments.count, 1, len(frames))
    engine = open_engine(arguments.model, _options(arguments))
    _say(out, {"frames": calibrate(arguments.model, engine, frames.frames(0, count), arguments.out)})


def _quantize(arguments: argparse.Namespace, out: TextIO) -> None:
    from aiw_worker.optimize.quantize import FLOAT_LAYERS, OPERATORS, quantize  # noqa: PLC0415 - as above

    _check_choice("--operators", arguments.operators, OPERATORS)
    _check_choice("--float", arguments.kept_float, FLOAT_LAYERS)
    quantize(arguments.model, arguments.ranges, arguments.operators, arguments.kept_float, arguments.out)
    _say(out, {"bytes": arguments.out.stat().st_size})


def _finish(arguments: argparse.Namespace, out: TextIO) -> None:
    from aiw_worker.optimize.prepare import finish  # noqa: PLC0415 - as above

    finish(arguments.model, _texts("--metadata", arguments.metadata), arguments.note, arguments.out)
    _say(out, {"bytes": arguments.out.stat().st_size})


def _trial(arguments: argparse.Namespace, out: TextIO) -> None:
    from aiw_worker.optimize.trial import serve  # noqa: PLC0415 - as above
    from aiw_worker.pipeline import Pipeline  # noqa: PLC0415 - as above

    options = _options(arguments, arguments.engine)
    thresholds = Thresholds(arguments.conf, arguments.iou)

    def load() -> Pipeline:
        return Pipeline(open_engine(arguments.model, options), Size(0, 0), arguments.model.name)

    frames = FrameFile(arguments.pixels, arguments.sizes)
    serve(load, frames, thresholds, _lines(), lambda answer: _say(out, answer))


def _lines() -> Any:
    # Not `for line in sys.stdin`, which reads ahead.
    return iter(sys.stdin.readline, "")


def _size(text: str) -> Size:
    match = re.fullmatch(r"([1-9]\d{0,4})x([1-9]\d{0,4})", text)
    if match is None:
        raise WorkerError(Code.USAGE, f"--size is '{text[:64]}'; it must be WxH")
    return Size(int(match[1]), int(match[2]))


def _check_choice(name: str, text: str, known: Iterable[str]) -> None:
    if text not in known:
        raise WorkerError(Code.USAGE, f"{name} is '{text[:64]}'; known are {', '.join(known)}")


def _texts(name: str, text: str) -> dict[str, str]:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise WorkerError(Code.USAGE, f"{name} is not a JSON object of texts")
    return found


if __name__ == "__main__":
    # A parent that is gone asks no more; its pipe ends, and so does this.
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    run_to_end(_main)
