"""Writes the detector as ONNX, laid out and described as YOLO11's exports are."""

from __future__ import annotations

from pathlib import Path

import onnx
import torch
from network import CLASSES, Detector, Exported

HEIGHT, WIDTH = 480, 640


def export(network: Detector, path: Path) -> None:
    """Static 1x3x480x640, BatchNorm folded into the convolutions, opset 17."""
    model = Exported(network.eval(), HEIGHT, WIDTH).eval()
    torch.onnx.export(
        model,
        (torch.zeros(1, 3, HEIGHT, WIDTH),),
        str(path),
        input_names=["images"],
        output_names=["output0"],
        opset_version=17,
        dynamo=False,
    )
    graph = onnx.load(str(path))
    metadata = {
        "description": "aiw's detector for its own synthetic scene; it knows nothing else",
        "author": "aiw",
        "license": "MIT",
        "task": "detect",
        "stride": "32",
        "batch": "1",
        "imgsz": str([HEIGHT, WIDTH]),
        "names": str(dict(enumerate(CLASSES))),
    }
    onnx.helper.set_model_props(graph, metadata)
    onnx.checker.check_model(graph, full_check=True)
    onnx.save(graph, str(path))
    print(f"wrote {path}, {path.stat().st_size} bytes")
