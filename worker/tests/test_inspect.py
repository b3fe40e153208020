"""Models are recognised by what they are, through the real engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import graphs
import numpy as np
import pytest
from fakes import FakeEngine

from aiw_worker.datatypes import EngineOptions, Frame, Size, TensorInfo, Thresholds
from aiw_worker.engines import open_engine
from aiw_worker.errors import WorkerError
from aiw_worker.inspect import input_size, inspect, size_warnings
from aiw_worker.pipeline import Pipeline

ANY = Size(0, 0)


def load(path: Path, wanted: Size = ANY) -> Pipeline:
    return Pipeline(open_engine(path, EngineOptions(threads=1)), wanted, path.name)


def refusal(path: Path, wanted: Size = ANY) -> WorkerError:
    with pytest.raises(WorkerError) as caught:
        load(path, wanted)
    assert "\n" not in caught.value.message
    return caught.value


def detect(pipeline: Pipeline, side: int = 128) -> list[Any]:
    frame = Frame(1, "", 0, side, side, "RGB", bytes(3 * side * side))
    found = pipeline.run(frame, Thresholds()).detections
    return [
        (*(round(v, 1) for v in box), round(score, 2), class_id)
        for box, score, class_id in zip(
            found.boxes.tolist(), found.scores.tolist(), found.class_ids.tolist(), strict=True
        )
    ]


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_yolo11(tmp_path: Path, dtype: str) -> None:
    output = np.zeros((1, 6, graphs.CELLS))
    output[0, :, 3] = (32, 32, 16, 8, 0.5, 0)
    # Suppressed by the one above in class 0; the one of class 1 stays.
    output[0, :, 4] = (32, 32, 16, 8, 0.4, 0)
    output[0, :, 5] = (32, 32, 16, 8, 0, 0.4)
    # The name says nothing.
    pipeline = load(graphs.fixed(tmp_path / "yolox.onnx", output, dtype, names="{0: 'cat', 1: \"dog's\"}"))
    assert pipeline.info.family == "yolo11"
    assert pipeline.info.class_names == ("cat", "dog's")
    assert (pipeline.info.dtype, pipeline.info.dynamic) == (dtype, False)
    assert detect(pipeline) == [(48, 56, 32, 16, 0.5, 0), (48, 56, 32, 16, 0.4, 1)]


def test_yolov5(tmp_path: Path) -> None:
    output = np.zeros((1, 3 * graphs.CELLS, 7))
    output[0, 3] = (32, 32, 16, 8, 0.8, 0.1, 0.75)
    pipeline = load(graphs.fixed(tmp_path / "m.onnx", output))
    assert (pipeline.info.family, pipeline.info.class_names) == ("yolov5", ("class_0", "class_1"))
    assert detect(pipeline) == [(48, 56, 32, 16, 0.6, 1)]


def test_yolox(tmp_path: Path) -> None:
    output = np.zeros((1, graphs.CELLS, 7))
    output[0, :, :2] = 0.5
    output[0, 9, 4:7] = (0.8, 0.75, 0)
    # Another class on nearly the same place: suppressed, since every class competes.
    output[0, 9, 2:4] = output[0, 1, 2:4] = np.log(4)
    output[0, 1, :2] = (1.5, 1.5)
    output[0, 1, 4:7] = (0.8, 0, 0.7)
    pipeline = load(graphs.fixed(tmp_path / "m.onnx", output))
    assert pipeline.info.family == "yolox"
    # The better is cell (1, 1): centre 12, 12, sides 32, cut at the border; twice that in the frame.
    assert detect(pipeline) == [(0, 0, 56, 56, 0.6, 0)]


def test_nms_in_graph(tmp_path: Path) -> None:
    output = np.zeros((1, 300, 6))
    output[0, 0] = (10, 10, 20, 30, 0.9, 1)
    pipeline = load(graphs.fixed(tmp_path / "m.onnx", output, names='["a", "b"]'))
    assert (pipeline.info.family, pipeline.info.class_names) == ("nms", ("a", "b"))
    assert detect(pipeline) == [(20, 20, 20, 40, 0.9, 1)]


@pytest.mark.parametrize(
    ("wanted", "meta", "size"),
    [
        (ANY, {}, Size(640, 640)),
        (ANY, {"imgsz": "[320, 416]"}, Size(416, 320)),
        (Size(640, 480), {}, Size(640, 480)),
        (Size(100, 70), {}, Size(128, 96)),
        (Size(100, 70), {"stride": "64"}, Size(128, 128)),
        (Size(0, 96), {"imgsz": "[64, 64]"}, Size(64, 96)),
        (ANY, {"imgsz": "__import__('os')"}, Size(640, 640)),
        (ANY, {"imgsz": "[-1, 5]", "stride": "no"}, Size(640, 640)),
    ],
)
def test_dynamic_takes_the_size_asked_for(tmp_path: Path, wanted: Size, meta: Any, size: Size) -> None:
    pipeline = load(graphs.dynamic_yolo11(tmp_path / "m.onnx", **meta), wanted)
    assert (pipeline.info.family, pipeline.info.size, pipeline.info.dynamic) == ("yolo11", size, True)
    assert size_warnings(pipeline.info, wanted) == []


def test_dynamic_size_is_limited(tmp_path: Path) -> None:
    error = refusal(graphs.dynamic_yolo11(tmp_path / "m.onnx"), Size(100_000, 64))
    assert error.name == "INPUT_SIZE"


def test_half_dynamic() -> None:
    tensor = TensorInfo("images", (1, 3, 480, "width"), "float32")
    assert input_size(tensor, {}, Size(320, 320)) == Size(320, 480)


def test_unknown_layout_says_what_it_is(tmp_path: Path) -> None:
    error = refusal(graphs.fixed(tmp_path / "m.onnx", np.zeros((1, 85, 22, 22))))
    assert error.name == "MODEL_UNKNOWN_LAYOUT"
    for word in (
        "images 1x3x64x64 float32",
        "output0 1x85x22x22 float32",
        "yolo11",
        "yolov5",
        "yolox",
        "nms",
    ):
        assert word in error.message


def test_other_tasks_are_refused_by_name(tmp_path: Path) -> None:
    error = refusal(graphs.fixed(tmp_path / "m.onnx", np.zeros((1, 116, graphs.CELLS)), task="segment"))
    assert error.name == "MODEL_UNSUPPORTED_TASK"
    assert "segment" in error.message


@pytest.mark.parametrize(
    ("shape", "dtype"),
    [
        ((1, 3, 64, 64), "uint8"),
        ((1, 64, 64, 3), "float32"),
        ((1, 1, 64, 64), "float32"),
        ((4, 3, 64, 64), "float32"),
    ],
)
def test_other_inputs_are_refused(tmp_path: Path, shape: Any, dtype: str) -> None:
    error = refusal(graphs.fixed(tmp_path / "m.onnx", np.zeros((1, 84, graphs.CELLS)), dtype, shape))
    assert error.name == "MODEL_UNSUPPORTED_INPUT"
    assert "images " + "x".join(map(str, shape)) in error.message


def test_second_output_may_be_the_one() -> None:
    results = [np.zeros((1, 3, 8, 8), np.float32), np.zeros((1, 9, graphs.CELLS), np.float32)]
    found = inspect(FakeEngine(results=results), ANY, "m")
    assert (found.output, found.info.family) == (1, "yolo11")


def test_static_size_that_is_ignored_is_said() -> None:
    info = inspect(FakeEngine(), Size(640, 480), "m").info
    (text,) = size_warnings(info, Size(640, 480))
    assert "64x64" in text
    assert size_warnings(info, Size(64, 0)) == []


def test_damaged_graph_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(b"\x08\x08\x12\x01t\x3a\x02\x0a\x00")
    error = refusal(path)
    assert error.name == "MODEL_INVALID"
    assert len(error.message) < 400
