"""What went wrong in the worker itself, made ready for a client's eyes."""

from __future__ import annotations

from collections.abc import Mapping

from aiw_worker import log
from aiw_worker.errors import Code, WorkerError, out_of_memory


def typed(error: BaseException, doing: str, about: Mapping[str, str | int]) -> WorkerError:
    """An error that a client can be told; what is not one is a fault of the worker, and logged as such.

    Args:
        error: what was raised.
        doing: what the worker did ("loading the model").
        about: whom it concerns, for the log.
    """
    if isinstance(error, WorkerError):
        return error
    lacking = out_of_memory(error, "go on")
    if lacking:
        return lacking
    log.exception(f"{doing} failed", error, **about)
    return WorkerError(Code.INTERNAL, f"{doing} failed in the worker ({type(error).__name__}); see its log")
