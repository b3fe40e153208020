"""A real slowdown, planted: every inference of the worker takes AIW_SLOWER_PERCENT percent longer.

Python imports this file by itself at its start where its folder is in PYTHONPATH:

    AIW_PYTHON=ENV/bin/python PYTHONPATH=bench/slower AIW_SLOWER_PERCENT=10 aiw bench

(a worker keeps a PYTHONPATH only for an interpreter that AIW_PYTHON names). With 0, or without the
variable, nothing is changed.
"""

import os
import sys
import time
from typing import Any

SHARE = float(os.environ.get("AIW_SLOWER_PERCENT") or 0) / 100


def plant() -> None:
    """Makes ONNX Runtime's `run` keep its thread busy for a share of its own time more."""
    import onnxruntime  # noqa: PLC0415 - only a worker has to pay for it

    run = onnxruntime.InferenceSession.run

    def slower(self: Any, *args: Any, **kwargs: Any) -> Any:
        begun = time.perf_counter()
        outputs = run(self, *args, **kwargs)
        ended = time.perf_counter()
        # Busy, as a slower kernel would be: a sleep would leave the core to others.
        while time.perf_counter() - ended < SHARE * (ended - begun):
            pass
        return outputs

    onnxruntime.InferenceSession.run = slower


if SHARE > 0 and "aiw_worker" in sys.orig_argv:
    plant()
