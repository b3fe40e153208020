"""Real models agree with the reference implementations, over the wire."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import pytest
from client import Client

from aiw_worker.datatypes import EngineOptions
from aiw_worker.models import loader_for
from aiw_worker.resources import available_threads
from aiw_worker.schema import Envelope


def iou(a: Any, b: Any) -> float:
    width = min(a["x"] + a["w"], b["x"] + b["w"]) - max(a["x"], b["x"])
    height = min(a["y"] + a["h"], b["y"] + b["h"]) - max(a["y"], b["y"])
    shared = max(0, width) * max(0, height)
    return float(shared / (a["w"] * a["h"] + b["w"] * b["h"] - shared))


@pytest.fixture(params=["onnxruntime", "openvino"])
def client(request: Any, shared: Path, start_worker: Any) -> Any:
    load = loader_for(EngineOptions(request.param, available_threads()))
    with Client(start_worker(load, shared / "models").port, Envelope) as client:
        yield client


def picture(shared: Path, name: str) -> Any:
    return cv2.cvtColor(cv2.imread(str(shared / "media" / name)), cv2.COLOR_BGR2RGB)


@pytest.mark.parametrize(
    ("model", "golden", "conf", "iou_threshold", "family"),
    [
        ("yolo11n.onnx", "yolo11n", 0.25, 0.7, "yolo11"),
        ("yolo11n-dynamic.onnx", "yolo11n", 0.25, 0.7, "yolo11"),
        ("yolo11n-nms.onnx", "yolo11n", 0.25, 0.7, "nms"),
        ("yolox-nano.onnx", "yolox-nano", 0.3, 0.45, "yolox"),
    ],
)
def test_agrees_with_the_reference(
    client: Any, shared: Path, model: str, golden: str, conf: float, iou_threshold: float, family: str
) -> None:
    ok = client.start(model, conf_threshold=conf, iou_threshold=iou_threshold)
    assert ok.family == family
    assert ok.class_names[0] == "person"
    reference = json.loads((shared / "golden" / f"{golden}.json").read_text())
    for seq, (name, expected) in enumerate(reference.items()):
        found = list(client.detect(seq, picture(shared, name)).detections)
        # A detection this near the threshold may come or go.
        found = [item for item in found if item.conf >= conf + 0.03]
        assert len(found) == len(expected["detections"])
        for wanted in expected["detections"]:
            match = max(
                (item for item in found if item.cls == wanted["class"]),
                key=lambda item: iou(wanted["box"], {k: getattr(item.bbox, k) for k in "xywh"}),
            )
            box = {key: getattr(match.bbox, key) for key in "xywh"}
            assert iou(wanted["box"], box) >= 0.98
            assert match.conf == pytest.approx(wanted["confidence"], abs=0.02)
            assert match.class_id == wanted["class_id"]


def test_int8_runs(client: Any, shared: Path) -> None:
    ok = client.start("yolo11n-int8-dynamic.onnx", width=640, height=480)
    assert list(ok.input_shape) == [1, 3, 320, 320]
    assert ok.warnings
    names = {item.cls for item in client.detect(1, picture(shared, "bus.jpg")).detections}
    assert {"bus", "person"} <= names


def test_dynamic_at_another_size(client: Any, shared: Path) -> None:
    ok = client.start("yolo11n-dynamic.onnx", width=640, height=480)
    assert list(ok.input_shape) == [1, 3, 480, 640]
    names = {item.cls for item in client.detect(1, picture(shared, "dog.jpg")).detections}
    assert {"dog", "bicycle"} <= names


def test_unknown_layout(client: Any) -> None:
    client.init("fastestdet.onnx")
    error = client.expect("error")
    assert error.name == "MODEL_UNKNOWN_LAYOUT"
    assert "1x85x22x22" in error.message
