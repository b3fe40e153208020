"""`python -m aiw_worker.shapes NAME --out FILE`: writes a model of known layers and random weights."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path

from aiw_worker.config import Parser, checked_number
from aiw_worker.datatypes import Size
from aiw_worker.endings import run_to_end
from aiw_worker.errors import Code, WorkerError

_STRIDE = 32
_MOST = 4096


@dataclass(frozen=True, slots=True)
class _Arguments:
    name: str
    out: Path
    size: Size
    dynamic: bool
    seed: int
    version: str


def _main() -> None:
    arguments = _parsed(sys.argv[1:])
    # Late: what is asked for wrongly is told in no time, and these take most of a second.
    from aiw_worker.shapes.yolo11 import SCALES, build  # noqa: PLC0415 - as said above

    if arguments.name not in SCALES:
        known = ", ".join(SCALES)
        raise WorkerError(Code.USAGE, f"there is no shape '{arguments.name[:64]}'; known are {known}")
    model = build(
        arguments.name,
        arguments.size,
        dynamic=arguments.dynamic,
        seed=arguments.seed,
        version=arguments.version,
    )
    try:
        arguments.out.write_bytes(model.SerializeToString())
    except OSError as error:
        raise WorkerError(
            Code.OUTPUT_FAILED, f"can't write {arguments.out} ({error.strerror or type(error).__name__})"
        ) from error


def _parsed(arguments: list[str]) -> _Arguments:
    parser = Parser(
        prog="python -m aiw_worker.shapes",
        description="Writes an ONNX model of known layers and random weights.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("name", metavar="NAME", help="yolo11n, yolo11s, yolo11m, yolo11l or yolo11x")
    add("--out", required=True, metavar="FILE", help="the file to write; whoever calls it renames it")
    add("--size", default="640x640", metavar="WxH", help="of the input, multiples of 32 (default: 640x640)")
    add("--dynamic", action="store_true", help="leave batch, height and width open")
    add("--seed", default="0", help="of the weights (default: 0)")
    add("--version", required=True, help="of the builder, as the file says it")
    add("--debug", action="store_true", help="show tracebacks")
    found = parser.parse_args(arguments)
    seed = checked_number("--seed", found.seed, 0, 2**32 - 1)
    return _Arguments(found.name, Path(found.out), _size(found.size), found.dynamic, seed, found.version)


def _size(text: str) -> Size:
    match = re.fullmatch(r"(\d{1,5})x(\d{1,5})", text)
    sides = [int(side) for side in match.groups()] if match else []
    if not sides or not all(0 < side <= _MOST and side % _STRIDE == 0 for side in sides):
        raise WorkerError(
            Code.USAGE, f"--size is '{text[:64]}'; it must be WxH of multiples of {_STRIDE}, up to {_MOST}"
        )
    return Size(*sides)


if __name__ == "__main__":
    run_to_end(_main)
