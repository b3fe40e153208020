"""The inference worker of aiw: frames in over TCP + protobuf, detections out."""

import os

__version__ = "0.1.0"

# onnxruntime would send usage events to its makers and keep a database of them in the user's cache;
# it reads this when it is loaded. Who sets the variable keeps the say.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
