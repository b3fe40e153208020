"""Where the CPU time of a worker goes, without anything to install.

Python imports this file by itself at its start where its folder is in PYTHONPATH:

    AIW_PYTHON=ENV/bin/python PYTHONPATH=bench/profiler AIW_PROFILE=FILE aiw run …

(a worker keeps a PYTHONPATH only for an interpreter that AIW_PYTHON names). Four times a second a line of
JSON goes to FILE, with sums since the start, CPU time in nanoseconds:

- `at_ns`: of CLOCK_MONOTONIC
- `process_ns`, `user_ns`, `system_ns` of the whole process; `profiler_ns` is this file's own share of it
- `frames` that an engine has run, and `inference_ns`: CPU time of all threads meanwhile
- `functions`: [thread, function, CPU time], by samples of all threads that Python knows: a thread's time
  since the sample before counts for the function that it is in. What is left of the process are the
  engine's own threads.

AIW_PROFILE_PERIOD_MS is the time between two samples, 1 by default; with 0 there are none, and the sums alone
are exact.
"""

import functools
import json
import os
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Any

PERIOD_S = float(os.environ.get("AIW_PROFILE_PERIOD_MS") or 1) / 1e3
WRITTEN_EACH_S = 0.25


def thread_cpu_ns(native_id: int) -> int:
    """CPU time of a thread; 0 of one that has ended."""
    # The kernel's name for a thread's clock (linux/posix-timers.h). pthread_getcpuclockid() would crash where
    # the thread ends at the same moment.
    try:
        return time.clock_gettime_ns((~native_id << 3) | 6)
    except OSError:
        return 0


class Profiler:
    """Samples in a thread of its own, and times each run of an engine."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._functions: Counter[tuple[str, str]] = Counter()
        self._seen_ns: dict[int, int] = {}
        self._frames = 0
        self._inference_ns = 0
        self._native_id = 0

    def run(self) -> None:
        """Never returns; the thread ends with the process."""
        self._native_id = threading.get_native_id()
        due = 0.0
        while True:
            if PERIOD_S:
                self._sample()
            if time.monotonic() >= due:
                self._time_engines()
                self._write()
                due = time.monotonic() + WRITTEN_EACH_S
            time.sleep(PERIOD_S or WRITTEN_EACH_S)

    def _sample(self) -> None:
        frames = sys._current_frames()
        for thread in threading.enumerate():
            frame, native_id = frames.get(thread.ident or 0), thread.native_id
            if frame is None or native_id is None or native_id == self._native_id:
                continue
            now_ns = thread_cpu_ns(native_id)
            used_ns = now_ns - self._seen_ns.get(native_id, now_ns)
            self._seen_ns[native_id] = now_ns
            if used_ns > 0:
                self._functions[thread.name, name_of(frame)] += used_ns

    def _time_engines(self) -> None:
        """Whatever class of aiw_worker.engines has a `run` has it timed from now on."""
        for name, module in list(sys.modules.items()):
            if not name.startswith("aiw_worker.engines."):
                continue
            for value in list(vars(module).values()):
                if isinstance(value, type) and value.__module__ == name:
                    self._time_runs(value)

    def _time_runs(self, engine: Any) -> None:
        run = vars(engine).get("run")
        if run is None or hasattr(run, "__wrapped__") or getattr(engine, "_is_protocol", False):
            return

        @functools.wraps(run)
        def timed(*args: Any, **kwargs: Any) -> Any:
            before_ns = self._others_ns()
            try:
                return run(*args, **kwargs)
            finally:
                self._inference_ns += self._others_ns() - before_ns
                self._frames += 1

        engine.run = timed

    def _others_ns(self) -> int:
        return time.process_time_ns() - thread_cpu_ns(self._native_id)

    def _write(self) -> None:
        times = os.times()
        line = {
            "at_ns": time.monotonic_ns(),
            "process_ns": time.process_time_ns(),
            "user_ns": round(times.user * 1e9),
            "system_ns": round(times.system * 1e9),
            "profiler_ns": thread_cpu_ns(self._native_id),
            "frames": self._frames,
            "inference_ns": self._inference_ns,
            "functions": [[*key, ns] for key, ns in self._functions.items()],
        }
        with self._path.open("a") as out:
            out.write(f"{json.dumps(line)}\n")


def name_of(frame: FrameType) -> str:
    """ "preprocess.py Preprocessor.run", of a package's module with the package before it."""
    code = frame.f_code
    path = Path(code.co_filename)
    place = path.name if path.parent.name == "aiw_worker" else f"{path.parent.name}/{path.name}"
    return f"{place} {getattr(code, 'co_qualname', code.co_name)}"


def start(path: str) -> None:
    """Profiles this process until it ends."""
    # A sampler that waits for the GIL sees threads only where they let go of it.
    sys.setswitchinterval(1e-4)
    threading.Thread(target=Profiler(path).run, name="profiler", daemon=True).start()


if os.environ.get("AIW_PROFILE") and "aiw_worker" in sys.orig_argv:
    start(os.environ["AIW_PROFILE"])
