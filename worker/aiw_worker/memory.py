"""Memory that is free in this process goes back to the system."""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Callable
from functools import cache


def give_back() -> None:
    """Collects what is garbage, then returns free pages. Takes tens of milliseconds: not on the event loop.

    The C library keeps what was freed for the next malloc: a model of 40 MB loaded and freed leaves several
    times that behind.
    """
    gc.collect()
    trim = _trim()
    if trim is not None:
        trim(0)


@cache
def _trim() -> Callable[[int], object] | None:
    """glibc's malloc_trim(); other C libraries have none, and give back by themselves or not at all."""
    try:
        function = ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError, TypeError):
        return None
    function.argtypes = [ctypes.c_size_t]
    return function
