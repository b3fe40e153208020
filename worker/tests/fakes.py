"""Engines for tests: no graph, an output made by hand, and inference that waits when told to."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from aiw_worker.datatypes import Size, TensorInfo
from aiw_worker.errors import Code, WorkerError
from aiw_worker.pipeline import Pipeline

WAIT_S = 20.0
SIDE = 64
# 8x8 + 4x4 + 2x2 cells at 64x64
CELLS = 84


def yolo11_output(class_count: int = 2, cells: int = CELLS) -> Any:
    """One detection: class 1, 0.9, centre 32, 32, 16 wide, 32 high."""
    output = np.zeros((1, 4 + class_count, cells), np.float32)
    output[0, :4, 10] = (32, 32, 16, 32)
    output[0, 5, 10] = 0.9
    return output


@dataclass
class FakeEngine:
    """Answers every run with the same outputs; `on_run` may wait or raise."""

    results: list[Any] = field(default_factory=lambda: [yolo11_output()])
    shape: tuple[Any, ...] = (1, 3, SIDE, SIDE)
    dtype: str = "float32"
    metadata: dict[str, str] = field(default_factory=dict)
    providers: tuple[str, ...] = ("CPUExecutionProvider",)
    warnings: tuple[str, ...] = ()
    name: str = "fake"
    version: str = "1"
    threads: int = 1
    on_run: Callable[[Any], None] = lambda tensor: None
    runs: int = 0

    @property
    def inputs(self) -> tuple[TensorInfo, ...]:
        return (TensorInfo("images", self.shape, self.dtype),)

    @property
    def outputs(self) -> tuple[TensorInfo, ...]:
        return tuple(TensorInfo(f"output{i}", r.shape, str(r.dtype)) for i, r in enumerate(self.results))

    def run(self, tensor: Any) -> list[Any]:
        self.runs += 1
        self.on_run(tensor)
        return self.results


def fake_loader(make: Callable[[str], FakeEngine] = lambda name: FakeEngine()) -> Any:
    """A loader of engines by the model's name."""

    def load(file: Any, wanted: Size, name: str, provider: str = "") -> Pipeline:
        return Pipeline(make(name), wanted, name)

    return load


class Gate:
    """Something that a test holds up: `entered` says that it was reached, `open` lets it go on."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.open = threading.Event()

    def pass_through(self) -> None:
        self.entered.set()
        assert self.open.wait(WAIT_S)


class GatedFrames:
    """For FakeEngine.on_run: lets the warm-up pass and holds frames up while `closed`."""

    def __init__(self) -> None:
        self.gate = Gate()
        self.warm = False

    def __call__(self, tensor: Any) -> None:
        if self.warm:
            self.gate.pass_through()
        self.warm = True


def fail_after_warm_up() -> Callable[[Any], None]:
    """For FakeEngine.on_run: the graph fails on every frame."""
    seen: list[int] = []

    def run(tensor: Any) -> None:
        seen.append(1)
        if len(seen) > 1:
            raise WorkerError(Code.INFERENCE_FAILED, "the graph failed")

    return run


class FakeTimer:
    """See lifecycle.Timer."""

    def __init__(self, due: float, call: Callable[[], object]) -> None:
        self.due = due
        self.call = call
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Timers:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 0.0
        self._timers: list[FakeTimer] = []

    @property
    def waiting(self) -> list[float]:
        """Seconds until each that is due."""
        return sorted(timer.due - self.now for timer in self._timers if not timer.cancelled)

    def call_later(self, delay: float, call: Callable[[], object]) -> FakeTimer:
        timer = FakeTimer(self.now + delay, call)
        self._timers.append(timer)
        return timer

    def advance(self, seconds: float) -> None:
        """Moves the clock; what becomes due happens, in order."""
        self.now += seconds
        due = [timer for timer in self._timers if timer.due <= self.now and not timer.cancelled]
        self._timers = [timer for timer in self._timers if timer.due > self.now and not timer.cancelled]
        for timer in sorted(due, key=lambda timer: timer.due):
            timer.call()
