"""Calls a model bare, paced, in a process of its own: what the pipeline's overhead is measured against.

bare.py MODEL FPS FRAMES: prints a line for each inference, its time and the CPU time of all
threads in it, milliseconds.
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
    before, cpu_before = time.perf_counter(), time.process_time()
    session.run(None, {tensor.name: pixels})
    took, cpu = time.perf_counter() - before, time.process_time() - cpu_before
    print(f"{took * 1e3:.3f} {cpu * 1e3:.3f}")
