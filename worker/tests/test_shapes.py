"""Models built here are as large, as much work and as well-behaved as the published ones."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from conftest import WORKER
from onnx import TensorProto, helper

from aiw_worker.datatypes import EngineOptions, Size
from aiw_worker.describe.weights import weigh
from aiw_worker.describe.work import work_of
from aiw_worker.engines import open_engine
from aiw_worker.inspect import inspect
from aiw_worker.shapes.yolo11 import NOTE, PRODUCER, SCALES, build

WAIT_S = 60
SIDE = 160
SMALL = Size(SIDE, SIDE)
# https://docs.ultralytics.com/models/yolo11: millions of parameters, 1e9 operations at 640x640.
PUBLISHED = {
    "yolo11n": (2.6, 6.5),
    "yolo11s": (9.4, 21.5),
    "yolo11m": (20.1, 68.0),
    "yolo11l": (25.3, 86.9),
    "yolo11x": (56.9, 194.9),
}


def shape_of(name: str = "yolo11n", size: Size = SMALL, seed: int | None = 0, dynamic: bool = False) -> Any:
    return build(name, size, dynamic=dynamic, seed=seed, version="7")


def session(model: Any) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    return ort.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])


def picture(size: Size) -> Any:
    return np.random.default_rng(1).random((1, 3, size.height, size.width), np.float32)


@pytest.mark.parametrize("dynamic", [False, True])
@pytest.mark.parametrize("name", SCALES)
def test_parameters_and_work_are_the_published_ones(name: str, dynamic: bool) -> None:
    model = shape_of(name, Size(640, 640), seed=None, dynamic=dynamic)
    parameters, gflop = PUBLISHED[name]
    assert weigh(model.graph).count / 1e6 == pytest.approx(parameters, rel=0.02)
    work = work_of(model, "images", [1, 3, 640, 640])
    assert work.unknown is None
    assert work.gflop == pytest.approx(gflop, rel=0.02)


def test_the_graph_is_valid_and_gives_84_rows_of_8400_cells() -> None:
    model = shape_of(size=Size(640, 640))
    onnx.checker.check_model(model, full_check=True)
    (output,) = session(model).run(None, {"images": picture(Size(640, 640))})
    assert output.shape == (1, 84, 8400)


@pytest.mark.parametrize("name", ["yolo11n", "yolo11m"])
def test_values_neither_grow_nor_vanish(name: str) -> None:
    model = shape_of(name)
    names = [node.output[0] for node in model.graph.node if node.op_type == "Conv"]
    model.graph.output.extend(helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in names)
    found = session(model).run(names, {"images": picture(SMALL)})
    assert len(found) > 80
    for path, values in zip(names, found, strict=True):
        spread = float(np.sqrt(np.mean(np.square(values))))
        # The last of the classes lie around their bias, the expected distances among the 16 bins.
        logits = "/cv3." in path and path.endswith("/2/Conv_output_0")
        limits = (11, 13) if logits else (3, 12) if "/dfl/" in path else (0.3, 3)
        assert limits[0] < spread < limits[1], path
        tiny = (values != 0) & (np.abs(values) < np.finfo(np.float32).tiny)
        assert not tiny.any(), path


def test_no_class_of_any_cell_comes_near_a_threshold() -> None:
    for frame in (
        picture(SMALL),
        np.zeros((1, 3, SIDE, SIDE), np.float32),
        np.ones((1, 3, SIDE, SIDE), np.float32),
    ):
        (output,) = session(shape_of()).run(None, {"images": frame})
        assert output[:, 4:].min() > 0
        assert output[:, 4:].max() < 0.05


def test_boxes_are_finite_and_around_their_cells() -> None:
    (output,) = session(shape_of()).run(None, {"images": picture(SMALL)})
    boxes = output[0, :4]
    assert np.isfinite(boxes).all()
    assert boxes[2:].min() > 0
    assert np.abs(boxes[:2] - SIDE / 2).max() < SIDE / 2 + 16 * 32


def test_one_of_any_size_gives_what_one_of_that_size_gives() -> None:
    free = session(shape_of(size=Size(640, 640), dynamic=True))
    for size in (Size(160, 96), Size(64, 160)):
        frame = {"images": picture(size)}
        (fixed,) = session(shape_of(size=size)).run(None, frame)
        (other,) = free.run(None, frame)
        np.testing.assert_allclose(other, fixed, rtol=1e-3, atol=1e-3)
    pair = np.concatenate([picture(SMALL), np.zeros_like(picture(SMALL))])
    (both,) = free.run(None, {"images": pair})
    (first,) = free.run(None, {"images": pair[:1]})
    np.testing.assert_allclose(both[:1], first, rtol=1e-3, atol=1e-3)


def test_the_seed_decides_the_weights() -> None:
    first, again, other = (shape_of(seed=seed).SerializeToString() for seed in (0, 0, 1))
    assert first == again
    assert first != other


def test_the_worker_takes_it_for_yolo11_and_passes_its_note_on(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(shape_of(size=Size(160, 96)).SerializeToString())
    found = inspect(open_engine(path, EngineOptions(threads=1)), Size(0, 0), "m.onnx")
    assert (found.info.family, found.info.notes, found.info.size) == ("yolo11", (NOTE,), Size(160, 96))
    assert found.info.class_names[0] == "person"


def test_a_file_begins_with_who_made_it() -> None:
    """src/worker-process/build-shape.ts tells files of ours by it."""
    head = shape_of(seed=None).SerializeToString()[:32]
    assert head.startswith(b"\x08\x08\x12" + bytes([len(PRODUCER)]) + PRODUCER.encode())


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "aiw_worker.shapes", *arguments]
    return subprocess.run(command, cwd=WORKER, capture_output=True, text=True, timeout=WAIT_S, check=False)


def test_as_a_process(tmp_path: Path) -> None:
    out = tmp_path / "m.onnx"
    done = run("yolo11n", "--out", str(out), "--size", "96x64", "--seed", "3", "--version", "7")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    model = onnx.load(str(out))
    assert model.producer_version == "7"
    properties = {entry.key: entry.value for entry in model.metadata_props}
    assert (properties["imgsz"], json.loads(properties["aiw_notes"])) == ("[64, 96]", [NOTE])
    assert [dim.dim_value for dim in model.graph.input[0].type.tensor_type.shape.dim] == [1, 3, 64, 96]


@pytest.mark.parametrize(
    ("arguments", "name", "said"),
    [
        (["yolo12n"], "USAGE", "yolo11n, yolo11s, yolo11m, yolo11l, yolo11x"),
        (["yolo11n", "--size", "641x640"], "USAGE", "'641x640'"),
        (["yolo11n", "--size", "0x0"], "USAGE", "multiples of 32"),
        (["yolo11n", "--size", "640"], "USAGE", "'640'"),
        (["yolo11n", "--size", "8192x640"], "USAGE", "up to 4096"),
        (["yolo11n", "--seed", "-1"], "USAGE", "--seed"),
        (["yolo11n", "--size", "64x64", "--out", "/dev/null/m.onnx"], "OUTPUT_FAILED", "/dev/null/m.onnx"),
    ],
)
def test_what_is_asked_for_wrongly_is_one_line(
    arguments: list[str], name: str, said: str, tmp_path: Path
) -> None:
    done = run(*arguments[:1], "--version", "1", "--out", str(tmp_path / "m.onnx"), *arguments[1:])
    assert done.stderr.startswith(f"aiw-worker: error {name}: ")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.returncode == (2 if name == "USAGE" else 1)
    assert not list(tmp_path.iterdir())
