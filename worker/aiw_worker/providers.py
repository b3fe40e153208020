"""`python -m aiw_worker.providers [openvino]`: which execution providers of the engine really start.

Prints lines of JSON: first {"version", "listed"}, then {"provider", "failure"} for each, null where it
starts. They come one by one: a provider may take the whole process down with it, and then the first
without a line was the one. An engine that can't be imported is {"error"} and nothing else.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import aiw_worker  # noqa: F401 - turns the engine's telemetry off before it is loaded
from aiw_worker.errors import one_line

# Field types of protobuf's encoding.
_VARINT = 0
_BYTES = 2
_FLOAT = 1  # onnx.TensorProto.FLOAT
_IR_VERSION = 8
_OPSET = 13


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3 | _VARINT) + _varint(value)


def _nested(field: int, content: bytes | str) -> bytes:
    data = content.encode() if isinstance(content, str) else content
    return _varint(field << 3 | _BYTES) + _varint(len(data)) + data


def tiny_model() -> bytes:
    """The smallest ONNX model that computes something: y = x + x, both float32 of shape (2,).

    Encoded by hand, field numbers as in onnx.proto: the package onnx is not among the worker's.
    """
    shape = _nested(1, _number(1, 2))
    kind = _nested(1, _number(1, _FLOAT) + _nested(2, shape))
    node = _nested(1, "x") + _nested(1, "x") + _nested(2, "y") + _nested(4, "Add")
    graph = (
        _nested(1, node)
        + _nested(2, "tiny")
        + _nested(11, _nested(1, "x") + _nested(2, kind))
        + _nested(12, _nested(1, "y") + _nested(2, kind))
    )
    return _number(1, _IR_VERSION) + _nested(7, graph) + _nested(8, _nested(1, "") + _number(2, _OPSET))


def failure_of(start: Callable[[], object]) -> str | None:
    """Why `start` fails, or None. What a native library writes meanwhile tells more than its exception."""
    said: list[str] = []
    try:
        with _native_stderr(said):
            start()
    except Exception as error:
        return _reason(said) or one_line(error)
    return None


@contextmanager
def _native_stderr(said: list[str]) -> Iterator[None]:
    """Takes what is written to file descriptor 2, by whatever language, into `said`."""
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)
            file.seek(0)
            said += file.read().decode(errors="replace").splitlines()


def _reason(lines: list[str]) -> str | None:
    """The first error of the engine's log, without colours, time, place in its sources and folders."""
    for line in lines:
        plain = re.sub(r"\x1b\[[0-9;]*m", "", line)
        match = re.search(r"\[E:[^\]]*\] (.*)", plain)
        if match:
            text = re.sub(r"^.*\[ONNXRuntimeError\] : \d+ : \w+ : ", "", match[1])
            return one_line(Exception(re.sub(r"(?<=library )\S*[/\\]", "", text)))
    return None


def main() -> None:
    """See the module."""

    def say(record: dict[str, Any]) -> None:
        print(json.dumps(record), flush=True)

    if sys.argv[1:] == ["openvino"]:
        _try_openvino(say)
        return
    try:
        from aiw_worker.engines import ort  # noqa: PLC0415 - whether it can be imported is the question
    except Exception as error:
        say({"error": f"onnxruntime can't be imported: {one_line(error)}"})
        return
    listed = ort.available_providers()
    say({"version": ort.version(), "listed": listed})
    model = tiny_model()
    for name in listed:
        say({"provider": name, "failure": failure_of(partial(ort.start_provider, name, model))})


def _try_openvino(say: Callable[[dict[str, Any]], None]) -> None:
    """OpenVINO by itself, which has the CPU here and no other."""
    try:
        from aiw_worker.engines import ov  # noqa: PLC0415 - as in main
    except Exception as error:
        say({"error": f"openvino can't be imported: {one_line(error)}"})
        return
    say({"version": ov.version(), "listed": ["CPU"]})
    say({"provider": "CPU", "failure": failure_of(partial(ov.start, tiny_model()))})


if __name__ == "__main__":
    main()
