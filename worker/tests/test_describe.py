"""What is said of a model file: precision, parameters, work, family or refusal; and as a process."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import graphs
import numpy as np
import onnx
import pytest
from conftest import WORKER
from onnx import TensorProto, helper, numpy_helper

from aiw_worker.datatypes import EngineOptions
from aiw_worker.describe import description
from aiw_worker.describe.graphfile import read_graph
from aiw_worker.describe.weights import Weights, weigh
from aiw_worker.describe.work import Work, work_of
from aiw_worker.modelfiles import ModelFiles

WAIT_S = 60
SHAPE = [1, 3, graphs.SIDE, graphs.SIDE]
node = helper.make_node


def ones(dtype: Any, *shape: int) -> Any:
    return np.ones(shape, dtype)


def describe(path: Path) -> dict[str, Any]:
    """As the process prints it."""
    file = ModelFiles([path.parent]).find(path.name)
    text = json.dumps(description.describe(file, path.name, EngineOptions(threads=1)), allow_nan=False)
    return dict(json.loads(text))


def weights_of(path: Path) -> Weights:
    return weigh(read_graph(path).graph)


def work(path: Path, shape: list[int] | None = SHAPE) -> Work:
    return work_of(read_graph(path), "images", shape)


CONV = node("Conv", ["images", "w", "b"], ["output0"], kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
# 32x32 places, 8 channels, kernels of 3x3x3, and two operations for each.
CONV_GFLOP = 2 * 32 * 32 * 8 * 27 / 1e9


def dequantised(name: str, to: str) -> Any:
    return node("DequantizeLinear", [name, f"{name}_scale", f"{name}_zero"], [to])


def scales(name: str, dtype: Any = np.int8) -> dict[str, Any]:
    return {f"{name}_scale": ones(np.float32, 1), f"{name}_zero": np.zeros(1, dtype)}


QUANTISED_INPUT = [
    node("QuantizeLinear", ["images", "x_scale", "x_zero"], ["x"]),
    dequantised("x", "xf"),
]
WEIGHTS = ones(np.int8, 8, 3, 3, 3)
BIAS = ones(np.float32, 8)


@pytest.mark.parametrize(
    ("nodes", "constants", "precision", "count"),
    [
        ([CONV], {"w": ones(np.float32, 8, 3, 3, 3), "b": BIAS}, "fp32", 224),
        ([CONV], {"w": ones(np.float16, 8, 3, 3, 3), "b": ones(np.float16, 8)}, "fp16", 224),
        (
            [CONV, node("MatMul", ["output0", "m"], ["y"])],
            {"w": ones(np.float16, 8, 3, 3, 3), "b": ones(np.float16, 8), "m": ones(np.float32, 32, 4)},
            "mixed fp16 and fp32",
            352,
        ),
        (
            # What a shape is made of is no weight.
            [node("Reshape", ["images", "s"], ["output0"])],
            {"s": np.array([3, -1])},
            "no weights",
            0,
        ),
        (
            [*QUANTISED_INPUT, dequantised("w8", "w"), dequantised("b8", "b"), CONV],
            {
                "w8": WEIGHTS,
                "b8": ones(np.int32, 8),
                **scales("x"),
                **scales("w8"),
                **scales("b8", np.int32),
            },
            "int8 QDQ",
            224,
        ),
        (
            # Kept in floats, computed with in integers.
            [
                *QUANTISED_INPUT,
                node("QuantizeLinear", ["wf", "w8_scale", "w8_zero"], ["w8"]),
                dequantised("w8", "w"),
                CONV,
            ],
            {"wf": ones(np.float32, 8, 3, 3, 3), "b": BIAS, **scales("x"), **scales("w8")},
            "int8 QDQ",
            224,
        ),
        (
            [dequantised("w8", "w"), CONV],
            {"w8": WEIGHTS, "b": BIAS, **scales("w8")},
            "int8 weights only",
            224,
        ),
        (
            [
                node("DynamicQuantizeLinear", ["images"], ["x", "x_scale", "x_zero"]),
                node("ConvInteger", ["x", "w8", "x_zero", "w8_zero"], ["output0"]),
            ],
            {"w8": WEIGHTS, "w8_zero": np.zeros(1, np.int8)},
            "int8 dynamic",
            216,
        ),
        (
            [
                node(
                    "QLinearConv",
                    ["images", "x_scale", "x_zero", "w8", "w8_scale", "w8_zero", "y_scale", "y_zero", "b"],
                    ["output0"],
                )
            ],
            {"w8": WEIGHTS, "b": ones(np.int32, 8), **scales("x"), **scales("w8"), **scales("y")},
            "int8 QOperator",
            224,
        ),
        (
            # As exporters write that keep weights in nodes.
            [
                node("Constant", [], ["w"], value=numpy_helper.from_array(ones(np.float32, 8, 3, 3, 3))),
                node("Constant", [], ["other"], value=numpy_helper.from_array(BIAS)),
                node("Conv", ["images", "w"], ["c"]),
                node("Add", ["c", "other"], ["output0"]),
            ],
            {},
            "fp32",
            216,
        ),
    ],
)
def test_precision_and_parameters(
    tmp_path: Path, nodes: list[Any], constants: dict[str, Any], precision: str, count: int
) -> None:
    found = weights_of(graphs.network(tmp_path / "m.onnx", nodes, constants))
    assert (found.precision, found.count) == (precision, count)
    assert sum(found.shares.values()) == pytest.approx(1 if count else 0)


def test_shares_are_of_the_parameters(tmp_path: Path) -> None:
    nodes = [dequantised("w8", "w"), CONV, node("MatMul", ["output0", "m"], ["y"])]
    constants = {"w8": WEIGHTS, "b": BIAS, "m": ones(np.float32, 8, 8), **scales("w8")}
    found = weights_of(graphs.network(tmp_path / "m.onnx", nodes, constants))
    assert found.precision == "mixed int8 weights only and fp32"
    assert found.shares == {"int8": 216 / 288, "fp32": 72 / 288}


@pytest.mark.parametrize(
    ("nodes", "constants", "multiplications"),
    [
        ([CONV], {"w": ones(np.float32, 8, 3, 3, 3), "b": BIAS}, 32 * 32 * 8 * 27),
        # Each of three groups sees one channel.
        (
            [node("Conv", ["images", "w"], ["output0"], group=3)],
            {"w": ones(np.float32, 6, 1, 1, 1)},
            64 * 64 * 6,
        ),
        # Each of the inputs goes into 2x2 places of 5 channels.
        (
            [node("ConvTranspose", ["images", "w"], ["output0"], strides=[2, 2])],
            {"w": ones(np.float32, 3, 5, 2, 2)},
            3 * 64 * 64 * 5 * 4,
        ),
        ([node("MatMul", ["images", "w"], ["output0"])], {"w": ones(np.float32, 64, 10)}, 3 * 64 * 10 * 64),
        (
            [node("Flatten", ["images"], ["f"]), node("Gemm", ["f", "w"], ["output0"], transB=1)],
            {"w": ones(np.float32, 10, 3 * 64 * 64)},
            10 * 3 * 64 * 64,
        ),
        # The sum runs over the first side of what is turned.
        (
            [
                node("Reshape", ["images", "s"], ["r"]),
                node("Gemm", ["r", "w"], ["output0"], transA=1),
            ],
            {"s": np.array([64, 192]), "w": ones(np.float32, 64, 10)},
            192 * 10 * 64,
        ),
        (
            [
                node("DynamicQuantizeLinear", ["images"], ["x", "x_scale", "x_zero"]),
                node("ConvInteger", ["x", "w8", "x_zero"], ["c"]),
                node("Cast", ["c"], ["output0"], to=TensorProto.FLOAT),
            ],
            {"w8": ones(np.int8, 4, 3, 1, 1)},
            64 * 64 * 12,
        ),
        ([node("Relu", ["images"], ["output0"])], {}, 0),
    ],
)
def test_work(tmp_path: Path, nodes: list[Any], constants: dict[str, Any], multiplications: int) -> None:
    found = work(graphs.network(tmp_path / "m.onnx", nodes, constants))
    assert found == Work(2 * multiplications / 1e9)


def test_work_of_a_dynamic_model_is_that_at_the_size_asked_for(tmp_path: Path) -> None:
    """The size goes through operators that compute with shapes."""
    nodes = [
        node("Conv", ["images", "w"], ["c"]),
        node("Shape", ["c"], ["s"]),
        node("Gather", ["s", "first"], ["channels"]),
        node("Concat", ["one", "channels", "rest"], ["flat"], axis=0),
        node("Reshape", ["c", "flat"], ["r"]),
        node("MatMul", ["m", "r"], ["output0"]),
    ]
    constants = {
        "w": ones(np.float32, 4, 3, 1, 1),
        "first": np.array([1]),
        "one": np.array([1]),
        "rest": np.array([-1]),
        "m": ones(np.float32, 5, 4),
    }
    path = graphs.network(tmp_path / "m.onnx", nodes, constants, ("n", 3, "h", "w"))
    for height, width in ((64, 32), (128, 128)):
        pixels = height * width
        assert work(path, [1, 3, height, width]) == Work(2 * (pixels * 12 + 5 * pixels * 4) / 1e9)


def test_work_in_a_branch_is_not_known(tmp_path: Path) -> None:
    output = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    branches = {
        name: helper.make_graph([node("MatMul", ["images", "images"], ["y"])], name, [], [output])
        for name in ("then_branch", "else_branch")
    }
    path = graphs.network(
        tmp_path / "m.onnx", [node("If", ["yes"], ["output0"], **branches)], {"yes": np.array(True)}
    )
    found = work(path)
    assert found.gflop is None
    assert "branch" in str(found.unknown)


def test_work_of_unknown_shapes_is_not_known(tmp_path: Path) -> None:
    nodes = [node("NonZero", ["images"], ["z"]), node("Cast", ["z"], ["f"], to=TensorProto.FLOAT)]
    nodes.append(node("MatMul", ["w", "f"], ["output0"], name="/head/MatMul"))
    path = graphs.network(tmp_path / "m.onnx", nodes, {"w": ones(np.float32, 2, 4)})
    assert work(path) == Work(None, "the shape of output0 at /head/MatMul is not known")
    assert work(path, None).gflop is None


def yolo11(path: Path, **meta: str) -> Path:
    return graphs.fixed(path, np.zeros((1, 6, graphs.CELLS)), **meta)


def test_known_family(tmp_path: Path) -> None:
    path = yolo11(
        tmp_path / "m.onnx",
        names="{0: 'cat', 1: 'dog'}",
        task="detect",
        author="someone\nelse",
        license="x" * 5000,
        secret="not told",
    )
    found = describe(path)
    assert (found["file"], found["bytes"]) == ("m.onnx", path.stat().st_size)
    assert len(found["sha256"]) == 64
    assert (found["family"], found["refusal"], found["task"]) == ("yolo11", None, "detect")
    assert found["input"] == {
        "name": "images",
        "shape": [1, 3, 64, 64],
        "dtype": "float32",
        "width": 64,
        "height": 64,
        "dynamic": False,
    }
    assert found["outputs"] == [{"name": "output0", "shape": [1, 6, graphs.CELLS], "dtype": "float32"}]
    assert found["classes"] == {"names": ["cat", "dog"], "source": "metadata"}
    assert (found["opset"], found["ir_version"], found["other_opsets"]) == (17, 8, {})
    assert found["suppression"] == "by class"
    assert found["metadata"]["author"] == "someone else"
    assert len(found["metadata"]["license"]) == 300
    assert "secret" not in found["metadata"]
    assert found["runtime"].startswith("onnxruntime 1.")
    assert {"name": "CPUExecutionProvider", "starts": True, "reason": None} in found["providers"]
    assert (found["gflop"], found["gflop_unknown"], found["warnings"]) == (0, None, [])


def test_dynamic_input_keeps_its_names(tmp_path: Path) -> None:
    found = describe(graphs.dynamic_yolo11(tmp_path / "m.onnx", imgsz="[96, 64]", names="['a', 'b']"))
    assert found["input"]["shape"] == ["batch", 3, "height", "width"]
    assert (found["input"]["width"], found["input"]["height"], found["input"]["dynamic"]) == (64, 96, True)


@pytest.mark.parametrize(
    ("rows", "names", "count", "said"),
    [
        (6, "", 2, "names no classes: numbers are assumed"),
        (84, "", 80, "names no classes: those of COCO are assumed"),
        (6, "nonsense", 2, "names no classes: numbers are assumed"),
    ],
)
def test_assumed_classes_are_said(tmp_path: Path, rows: int, names: str, count: int, said: str) -> None:
    found = describe(
        graphs.fixed(tmp_path / "m.onnx", np.zeros((1, rows, graphs.CELLS)), names=names, task="detect")
    )
    assert found["classes"]["source"] == "assumed"
    assert len(found["classes"]["names"]) == count
    assert [text for text in found["warnings"] if said in text]


def test_suppression_in_the_graph_is_said(tmp_path: Path) -> None:
    found = describe(graphs.fixed(tmp_path / "m.onnx", np.zeros((1, 300, 6)), names="['a']"))
    assert (found["family"], found["suppression"]) == ("nms", "in the graph")
    assert [text for text in found["warnings"] if "--iou has no effect" in text]


@pytest.mark.parametrize(
    ("output", "shape", "dtype", "meta", "refusal", "width"),
    [
        ((1, 85, 22, 22), SHAPE, "float32", {}, "MODEL_UNKNOWN_LAYOUT", 64),
        ((1, 6, graphs.CELLS), SHAPE, "float32", {"task": "segment"}, "MODEL_UNSUPPORTED_TASK", 64),
        ((1, 6, graphs.CELLS), SHAPE, "uint8", {}, "MODEL_UNSUPPORTED_INPUT", 64),
        ((1, 1000), [1, 16], "float32", {}, "MODEL_UNSUPPORTED_INPUT", None),
        ((1, 1000), ["n", "words"], "float32", {}, "MODEL_UNSUPPORTED_INPUT", None),
        ((1, 1000), [], "float32", {}, "MODEL_UNSUPPORTED_INPUT", None),
    ],
)
def test_what_is_not_known_is_described_with_its_refusal(
    tmp_path: Path, output: Any, shape: Any, dtype: str, meta: dict[str, str], refusal: str, width: int | None
) -> None:
    found = describe(
        graphs.fixed(tmp_path / "m.onnx", np.zeros(output), dtype, shape, names="['a', 'b']", **meta)
    )
    assert found["family"] is None
    assert found["refusal"]["name"] == refusal
    assert (found["suppression"], found["input"]["width"]) == (None, width)
    assert found["classes"] == {"names": ["a", "b"], "source": "metadata"}
    assert found["outputs"][0]["shape"] == list(output)
    assert (found["gflop"] is None) == ("words" in shape)


def test_several_inputs(tmp_path: Path) -> None:
    inputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, SHAPE) for name in ("a", "b")]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, SHAPE)]
    found = describe(graphs.save(tmp_path / "m.onnx", [node("Add", ["a", "b"], ["y"])], inputs, outputs, {}))
    assert (found["input"], found["gflop"]) == (None, None)
    assert found["gflop_unknown"] == "it has 2 inputs"


def external(path: Path, location: str) -> Path:
    """A model whose weights lie in a file beside it."""
    graphs.network(path, [CONV], {"w": ones(np.float32, 8, 3, 3, 3), "b": BIAS})
    model = onnx.load(str(path))
    onnx.save(model, str(path), save_as_external_data=True, location=location, size_threshold=0)
    return path


def test_weights_beside_the_file(tmp_path: Path) -> None:
    path = external(tmp_path / "m.onnx", "m.data")
    found = describe(path)
    assert found["parameters"] == 224
    assert found["bytes"] == path.stat().st_size + (tmp_path / "m.data").stat().st_size
    assert [text for text in found["warnings"] if "m.data" in text]
    assert found["gflop"] == CONV_GFLOP


def test_provider_that_does_not_start_is_named_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aiw_worker.describe.providers.listed_providers", lambda options: ["X", "Y", "Z"])

    def taken(name: str, path: Path, options: EngineOptions) -> int | None:
        if name == "X":
            raise RuntimeError("no such device\nand more")
        return 0 if name == "Y" else None

    monkeypatch.setattr("aiw_worker.describe.providers.nodes_taken", taken)
    assert describe(yolo11(tmp_path / "m.onnx"))["providers"] == [
        {"name": "X", "starts": False, "reason": "no such device"},
        {"name": "Y", "starts": True, "reason": "it takes none of this model's operators"},
        {"name": "Z", "starts": True, "reason": None},
    ]


def run(*arguments: str, cwd: Path = WORKER) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "aiw_worker.describe", *arguments],
        cwd=cwd,
        env={"PYTHONPATH": str(WORKER)},
        capture_output=True,
        text=True,
        timeout=WAIT_S,
        check=False,
    )


def refused(path: Path, name: str, *said: str) -> None:
    """One line on stderr, nothing on stdout, exit code 1."""
    done = run(str(path))
    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    assert done.stderr.startswith(f"aiw-worker: error {name}: ")
    assert done.stderr.count("\n") == 1
    for text in said:
        assert text in done.stderr


def test_process_prints_one_line(tmp_path: Path) -> None:
    yolo11(tmp_path / "a model.onnx", names="{0: '\u0430', 1: '\\ud800'}")
    done = run("a model.onnx", "--threads", "1", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 1
    found = json.loads(done.stdout)
    # Half a character can't be sent.
    assert (found["file"], found["classes"]["names"]) == ("a model.onnx", ["\u0430", "\ufffd"])


def test_process_takes_thousands_of_classes(tmp_path: Path) -> None:
    names = [f"class number {i} \x1b[31m" for i in range(5000)]
    graphs.fixed(tmp_path / "m.onnx", np.zeros((1, 5004, graphs.CELLS)), names=json.dumps(names))
    assert json.loads(run(str(tmp_path / "m.onnx")).stdout)["classes"]["names"] == names


def test_nothing_else_gets_on_stdout() -> None:
    code = """if True:
        import os
        from aiw_worker.describe.__main__ import own_stdout
        out = own_stdout()
        print("noise", flush=True)
        os.write(1, b"of native code")
        out.write("{}")
        out.close()
    """
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=WORKER, capture_output=True, text=True, check=True, timeout=WAIT_S
    )
    assert (done.stdout, done.stderr) == ("{}", "noise\nof native code")


def test_process_refuses_what_a_run_would(tmp_path: Path) -> None:
    whole = yolo11(tmp_path / "whole.onnx").read_bytes()
    for name, content in {"empty": b"", "text": b"hello\n", "cut": whole[:-9]}.items():
        (tmp_path / name).write_bytes(content)
    refused(tmp_path / "empty", "MODEL_EMPTY")
    refused(tmp_path / "text", "MODEL_NOT_ONNX")
    refused(tmp_path / "cut", "MODEL_TRUNCATED")
    refused(tmp_path / "none", "MODEL_NOT_FOUND", "whole.onnx")
    refused(tmp_path, "MODEL_NOT_A_FILE")
    refused(tmp_path / ("x" * 5000), "MODEL_NOT_FOUND")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    refused(tmp_path / "loop", "MODEL_NOT_FOUND")


def test_process_refuses_a_damaged_graph(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(b"\x08\x08\x12\x01t\x3a\x02\x0a\x00")
    refused(tmp_path / "m.onnx", "MODEL_INVALID")


MARK = "@@@@"


def not_utf8(path: Path, spoil: Callable[[Any], None]) -> Path:
    """A model with four bytes that are no text where `spoil` sets the mark."""
    model = onnx.load(str(yolo11(path, author="someone")))
    spoil(model)
    path.write_bytes(model.SerializeToString().replace(MARK.encode(), b"\xff\xfe\x80\x80"))
    return path


@pytest.mark.parametrize("field", ["metadata", "input"])
def test_texts_that_are_not_utf8_are_one_line(tmp_path: Path, field: str) -> None:
    def spoil(model: Any) -> None:
        if field == "input":
            model.graph.input[0].name = model.graph.node[0].input[0] = MARK
        else:
            model.metadata_props[0].value = MARK

    refused(not_utf8(tmp_path / "m.onnx", spoil), "MODEL_INVALID", "not UTF-8")


def test_producer_that_is_not_utf8_is_no_matter(tmp_path: Path) -> None:
    def spoil(model: Any) -> None:
        model.producer_name = MARK

    done = run(str(not_utf8(tmp_path / "m.onnx", spoil)))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["family"] == "yolo11"


def test_missing_weights_are_one_line(tmp_path: Path) -> None:
    path = external(tmp_path / "m.onnx", "m.data")
    (tmp_path / "m.data").unlink()
    refused(path, "MODEL_INVALID", "m.onnx keeps its weights in m.data, which is not beside it")


def test_bad_usage() -> None:
    for arguments, word in ((["m.onnx", "--threads", "x"], "'x'"), ([], "FILE"), (["a", "b"], "b")):
        done = run(*arguments)
        assert done.returncode == 2
        assert done.stderr.startswith("aiw-worker: error USAGE: ")
        assert word in done.stderr


def test_the_worker_itself_never_imports_onnx() -> None:
    code = "import aiw_worker.server, aiw_worker.engines.ort, sys; print('onnx' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=WORKER, capture_output=True, text=True, check=True, timeout=WAIT_S
    )
    assert done.stdout == "False\n"


@pytest.mark.parametrize(
    ("name", "family", "precision", "millions", "gflop"),
    [
        # Ultralytics publishes 2.6 M and 6.5 for YOLO11n, 9.4 M and 21.5 for YOLO11s, at 640.
        ("yolo11n", "yolo11", "fp32", 2.6, 6.5),
        ("yolo11n-dynamic", "yolo11", "fp32", 2.6, 6.5),
        ("yolo11n-nms", "nms", "fp32", 2.6, 6.5),
        ("yolo11n-int8-dynamic", "yolo11", "int8 dynamic", 2.6, 6.5 / 4),
        ("yolo11s-random", "yolo11", "fp32", 9.4, 21.5),
        ("yolo11s-random-dynamic", "yolo11", "fp32", 9.4, 21.5),
        # Megvii publishes 0.91 M and 1.08 for YOLOX-nano, at 416.
        ("yolox-nano", "yolox", "fp32", 0.91, 1.08),
        ("fastestdet", None, "fp32", 0.24, 0.243),
    ],
)
def test_real_models(
    shared: Path, name: str, family: str | None, precision: str, millions: float, gflop: float
) -> None:
    found = describe(shared / "models" / f"{name}.onnx")
    assert (found["family"], found["precision"]["name"]) == (family, precision)
    assert found["parameters"] / 1e6 == pytest.approx(millions, rel=0.02)
    assert found["gflop"] == pytest.approx(gflop, rel=0.04)
    assert (found["refusal"] is None) == (family is not None)
