"""Calls a model bare, paced, in a process of its own: what the pipeline's overhead is measured against.

bare.py MODEL FPS FRAMES: prints one inference time in milliseconds a line.
"""

import os
import sys
import time

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import numpy as np
import onnxruntime as ort

model, fps, frames = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
options = ort.SessionOptions()
options.intra_op_num_threads = (
    len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
)
options.log_severity_level = 4
session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
(tensor,) = session.get_inputs()
shape = [
    side if isinstance(side, int) else default
    for side, default in zip(tensor.shape, (1, 3, 640, 640), strict=True)
]
pixels = np.random.default_rng(0).random(shape, dtype=np.float32)
start = time.monotonic()
for i in range(frames):
    time.sleep(max(0.0, start + i / fps - time.monotonic()))
    before = time.perf_counter()
    session.run(None, {tensor.name: pixels})
    print(f"{(time.perf_counter() - before) * 1e3:.3f}")
