"""The wire's schema, read from the descriptor set that the build makes of proto/ai.proto."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from aiw_worker.errors import Code, WorkerError

__all__ = ["DecodeError", "Envelope", "FrameHeader"]

SCHEMA_FILE = Path(__file__).with_name("ai.fds")


def load(path: Path) -> descriptor_pool.DescriptorPool:
    """Reads a FileDescriptorSet into a pool of its own.

    Raises:
        WorkerError: SCHEMA_MISSING when there is none, or it is not one.
    """
    try:
        files = descriptor_pb2.FileDescriptorSet.FromString(path.read_bytes())
    except (OSError, DecodeError) as error:
        raise WorkerError(
            Code.SCHEMA_MISSING,
            f"{path.name} beside the worker's modules is missing or damaged; build or reinstall the package",
        ) from error
    pool = descriptor_pool.DescriptorPool()
    for file in files.file:
        pool.Add(file)  # type: ignore[no-untyped-call,unused-ignore]  # stubs differ by version
    return pool


_pool = load(SCHEMA_FILE)


def _message_class(name: str) -> Any:
    # Made at run time, so there is no static type to give.
    return message_factory.GetMessageClass(_pool.FindMessageTypeByName(name))


Envelope: Any = _message_class("ai.Envelope")
FrameHeader: Any = _message_class("ai.Frame")
