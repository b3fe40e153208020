"""The optimiser's steps: what graphs are read for, other shapes and precisions, trials, and the commands."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import graphs
import numpy as np
import pytest
from conftest import WORKER
from fakes import FakeEngine
from graphs import SIDE, conv_yolo11
from onnx import TensorProto, helper

from aiw_worker.datatypes import EngineOptions, Size, Thresholds
from aiw_worker.engines import open_engine
from aiw_worker.errors import Code, WorkerError
from aiw_worker.notes import NOTES_KEY, model_notes
from aiw_worker.optimize import graph as reading
from aiw_worker.optimize.frames import FrameFile
from aiw_worker.optimize.prepare import finish, prepare
from aiw_worker.optimize.quantize import calibrate, quantize
from aiw_worker.optimize.trial import serve
from aiw_worker.pipeline import Pipeline

WAIT_S = 60
ONE_THREAD = EngineOptions("onnxruntime", 1)
WIDTH, HEIGHT = 64, 48
# Of conv_yolo11: layers of convolutions from the output back, and what computes between them.
HEADS = {f"{kind}{stride}" for kind in ("box", "cls") for stride in (8, 16, 32)}
RELUS = {f"relu{stride}" for stride in (8, 16, 32)}
HIDDEN = {f"hidden{stride}" for stride in (8, 16, 32)} | {"p16", "p32"}
BACKBONE = {"deep", "deep_relu", "p8"}


def frame_file(folder: Path, count: int = 6) -> FrameFile:
    """Frames of noise, always the same."""
    noise = np.random.default_rng(3).integers(0, 256, (count, HEIGHT, WIDTH, 3), np.uint8)
    return written(folder, noise.tobytes(), [[WIDTH, HEIGHT]] * count)


def written(folder: Path, pixels: bytes, sizes: Any) -> FrameFile:
    (folder / "pixels").write_bytes(pixels)
    (folder / "sizes").write_text(sizes if isinstance(sizes, str) else json.dumps(sizes))
    return FrameFile(folder / "pixels", folder / "sizes")


def opened(path: Path) -> Any:
    return open_engine(path, ONE_THREAD)


def metadata(path: Path) -> dict[str, str]:
    return {prop.key: prop.value for prop in reading.load(path).metadata_props}


def operators(path: Path) -> list[str]:
    return [node.op_type for node in reading.load(path).graph.node]


class TestGraph:
    @pytest.mark.parametrize(
        ("layers", "in_8_bits"),
        [
            (0, BACKBONE | HIDDEN | RELUS | HEADS),
            (1, BACKBONE | HIDDEN),
            (2, BACKBONE),
            (3, {"deep"}),
            (4, set()),
        ],
    )
    def test_float_nodes(self, tmp_path: Path, layers: int, in_8_bits: set[str]) -> None:
        graph = reading.load(conv_yolo11(tmp_path / "m.onnx")).graph
        kept = reading.float_nodes(graph, layers)
        assert {node.name for node in graph.node} - set(kept) == in_8_bits
        assert len(kept) == len(set(kept))

    def test_an_output_counts_also_where_the_graph_goes_on_behind_it(self, tmp_path: Path) -> None:
        model = reading.load(conv_yolo11(tmp_path / "m.onnx"))
        model.graph.output.append(helper.make_tensor_value_info("p8", TensorProto.FLOAT, None))
        kept = reading.float_nodes(model.graph, 1)
        assert {"p8", "deep_relu"} <= set(kept)
        assert not {"deep", "hidden8"} & set(kept)

    def test_input_size(self, tmp_path: Path) -> None:
        model = reading.load(conv_yolo11(tmp_path / "m.onnx", imgsz="[64, 64]", names="['a', 'b']"))
        model.graph.value_info.append(
            helper.make_tensor_value_info("deep", TensorProto.FLOAT, [1, 8, 16, 16])
        )
        reading.with_input_size(model, Size(96, 32))
        assert [dim.dim_value for dim in model.graph.input[0].type.tensor_type.shape.dim] == [1, 3, 32, 96]
        assert not model.graph.output[0].type.tensor_type.HasField("shape")
        assert not model.graph.value_info
        assert {prop.key: prop.value for prop in model.metadata_props} == {
            "imgsz": "[32, 96]",
            "names": "['a', 'b']",
        }

    def test_names_take_the_place_of_open_sides(self, tmp_path: Path) -> None:
        model = reading.load(conv_yolo11(tmp_path / "m.onnx", size=None))
        reading.with_input_size(model, Size(96, 32))
        dims = model.graph.input[0].type.tensor_type.shape.dim
        assert [(dim.dim_value, dim.dim_param) for dim in dims] == [(1, ""), (3, ""), (32, ""), (96, "")]

    def test_weights_among_the_inputs_are_no_images(self, tmp_path: Path) -> None:
        """As exporters wrote before ONNX 1.4, in any order."""
        model = reading.load(conv_yolo11(tmp_path / "m.onnx"))
        model.graph.input.insert(0, helper.make_tensor_value_info("deep_w", TensorProto.FLOAT, [8, 3, 4, 4]))
        reading.with_input_size(model, Size(96, 32))
        sizes = [[dim.dim_value for dim in one.type.tensor_type.shape.dim] for one in model.graph.input]
        assert sizes == [[8, 3, 4, 4], [1, 3, 32, 96]]

    @pytest.mark.parametrize("shape", [[1, 16], None])
    def test_an_input_that_is_no_image_has_no_size(self, tmp_path: Path, shape: Any) -> None:
        model = reading.load(conv_yolo11(tmp_path / "m.onnx"))
        model.graph.input[0].CopyFrom(helper.make_tensor_value_info("images", TensorProto.FLOAT, shape))
        with pytest.raises(WorkerError, match="1x3xHxW") as refused:
            reading.with_input_size(model, Size(96, 32))
        assert refused.value.kind is Code.MODEL_INVALID

    @pytest.mark.parametrize(
        ("kind", "quantised"),
        [
            ("Conv", False),
            ("Cast", False),
            ("QuantizeLinear", True),
            ("DequantizeLinear", True),
            ("DynamicQuantizeLinear", True),
            ("ConvInteger", True),
            ("QLinearMatMul", True),
        ],
    )
    def test_is_quantised(self, kind: str, quantised: bool) -> None:
        nodes = [helper.make_node("Relu", ["images"], ["a"]), helper.make_node(kind, ["a"], ["b"])]
        assert reading.is_quantised(helper.make_graph(nodes, "g", [], [])) is quantised

    def test_tidy_names_every_node_by_a_name_of_its_own(self) -> None:
        names = ["", "node_0", "same", "same", ""]
        nodes = [helper.make_node("Relu", [f"t{i}"], [f"t{i + 1}"], name=n) for i, n in enumerate(names)]
        model = helper.make_model(helper.make_graph(nodes, "g", [], []))
        reading.tidy(model)
        found = [node.name for node in model.graph.node]
        assert all(found)
        assert len(set(found)) == len(found)
        assert (found[1], found[2]) == ("node_0", "same")

    def test_tidy_drops_the_operator_sets_that_nothing_uses(self) -> None:
        nodes = [
            helper.make_node("Relu", ["a"], ["b"]),
            helper.make_node("Gelu", ["b"], ["c"], domain="com.microsoft"),
        ]
        sets = [helper.make_opsetid(name, 1) for name in ("", "com.microsoft", "ai.onnx.ml")]
        model = helper.make_model(helper.make_graph(nodes, "g", [], []), opset_imports=sets)
        reading.tidy(model)
        assert [one.domain for one in model.opset_import] == ["", "com.microsoft"]

    def test_load_says_in_one_line_what_it_cannot_read(self, tmp_path: Path) -> None:
        (tmp_path / "m.onnx").write_bytes(b"\xff\xff\xff")
        for name in ("m.onnx", "none.onnx"):
            with pytest.raises(WorkerError, match=name) as refused:
                reading.load(tmp_path / name)
            assert refused.value.kind is Code.MODEL_INVALID
            assert "\n" not in refused.value.message


class TestPrepare:
    def test_a_dynamic_graph_gets_the_size(self, tmp_path: Path) -> None:
        path = conv_yolo11(
            tmp_path / "m.onnx", size=None, imgsz="[64, 64]", names="['a', 'b']", task="detect"
        )
        out = tmp_path / "out.onnx"
        assert prepare(path, Size(96, 64), out) == {"why": None}
        engine = opened(out)
        assert engine.inputs[0].shape == (1, 3, 64, 96)
        assert engine.outputs[0].shape == (1, 6, 12 * 8 + 6 * 4 + 3 * 2)
        assert metadata(out) == {"imgsz": "[64, 96]", "names": "['a', 'b']", "task": "detect"}
        assert sorted(tmp_path.iterdir()) == [path, out]

    def test_it_computes_what_the_model_does(self, tmp_path: Path) -> None:
        path, out = conv_yolo11(tmp_path / "m.onnx", anchors=True, names="['a', 'b']"), tmp_path / "out.onnx"
        prepare(path, None, out)
        tensor = np.random.default_rng(4).random((1, 3, SIDE, SIDE), np.float32)
        np.testing.assert_allclose(opened(out).run(tensor)[0], opened(path).run(tensor)[0], rtol=1e-5)
        assert metadata(out) == {"names": "['a', 'b']"}

    def test_constants_are_folded_and_nodes_named(self, tmp_path: Path) -> None:
        nodes = [
            helper.make_node("Add", ["one", "one"], ["two"]),
            helper.make_node("Mul", ["images", "two"], ["output0"]),
        ]
        path = graphs.network(tmp_path / "m.onnx", nodes, {"one": np.float32(1)})
        prepare(path, None, tmp_path / "out.onnx")
        found = reading.load(tmp_path / "out.onnx").graph.node
        assert [node.op_type for node in found] == ["Mul"]
        assert found[0].name

    def test_a_graph_made_for_one_size_is_refused_another(self, tmp_path: Path) -> None:
        path = conv_yolo11(tmp_path / "m.onnx", anchors=True)
        with pytest.raises(WorkerError, match=r"m\.onnx") as refused:
            prepare(path, Size(96, 64), tmp_path / "out.onnx")
        assert refused.value.kind is Code.MODEL_INVALID
        assert list(tmp_path.iterdir()) == [path]

    @pytest.mark.parametrize(
        ("nodes", "dtype", "why"),
        [
            ([helper.make_node("Relu", ["images"], ["output0"])], "float32", "it has no convolutions"),
            ([helper.make_node("Conv", ["images", "w"], ["output0"])], "float16", "its input is not float32"),
            (
                [
                    helper.make_node("QuantizeLinear", ["images", "s", "z"], ["q"]),
                    helper.make_node("DequantizeLinear", ["q", "s", "z"], ["f"]),
                    helper.make_node("Conv", ["f", "w"], ["output0"]),
                ],
                "float32",
                "it is quantised already",
            ),
        ],
    )
    def test_why_it_cannot_be_quantised(self, tmp_path: Path, nodes: Any, dtype: str, why: str) -> None:
        constants = {"w": np.ones((2, 3, 1, 1), dtype), "s": np.float32(1), "z": np.uint8(0)}
        path = graphs.network(tmp_path / "m.onnx", nodes, constants, dtype=dtype)
        assert prepare(path, None, tmp_path / "out.onnx") == {"why": why}

    def test_finish_keeps_what_is_there(self, tmp_path: Path) -> None:
        notes = json.dumps(["said before"])
        path = conv_yolo11(tmp_path / "m.onnx", names="['a', 'b']", stride="32", **{NOTES_KEY: notes})
        out = tmp_path / "out.onnx"
        finish(path, {"stride": "16", "aiw_source": "x"}, ["said now", "and this"], out)
        found = metadata(out)
        assert model_notes(found) == ("said now", "and this", "said before")
        del found[NOTES_KEY]
        assert found == {"names": "['a', 'b']", "stride": "16", "aiw_source": "x"}
        finish(out, {}, ["last"], out)
        assert model_notes(metadata(out)) == ("last", "said now", "and this", "said before")
        assert metadata(out)["aiw_source"] == "x"

    def test_finish_without_notes_writes_none(self, tmp_path: Path) -> None:
        finish(conv_yolo11(tmp_path / "m.onnx"), {"a": "b"}, [], tmp_path / "out.onnx")
        assert metadata(tmp_path / "out.onnx") == {"a": "b"}


@pytest.fixture
def prepared(tmp_path: Path) -> Path:
    """conv_yolo11, prepared, with the ranges of four frames beside it in `ranges`."""
    out = tmp_path / "prepared.onnx"
    prepare(conv_yolo11(tmp_path / "m.onnx", names="['a', 'b']"), None, out)
    assert calibrate(out, opened(out), frame_file(tmp_path).frames(0, 4), tmp_path / "ranges") == 4
    return out


def float_operators(path: Path) -> set[str]:
    """Names of the nodes that neither have an input out of a DequantizeLinear nor are one's."""
    graph = reading.load(path).graph
    dequantised = {name for node in graph.node if node.op_type == "DequantizeLinear" for name in node.output}
    return {
        node.name
        for node in graph.node
        if "Quantize" not in node.op_type and "Dequantize" not in node.op_type
        if not dequantised & set(node.input)
    }


class TestQuantize:
    def test_ranges_are_those_of_the_frames(self, tmp_path: Path, prepared: Path) -> None:
        ranges = json.loads((tmp_path / "ranges").read_text())
        pipeline = Pipeline(opened(prepared), Size(0, 0), "m")
        assert 0 <= ranges["images"][0] <= ranges["images"][1] <= 1
        # Padding and noise are in it: nothing of 0 to 1 is missing by more than noise lacks.
        assert ranges["images"] == pytest.approx([0, 1], abs=0.01)
        assert pipeline.info.family == "yolo11"
        assert all(low <= high for low, high in ranges.values())
        assert ranges["deep"][0] < 0 < ranges["deep"][1]
        assert ranges["deep_relu"] == pytest.approx([0, ranges["deep"][1]])

    @pytest.mark.parametrize("kept", ["decode", "outputs", "head"])
    @pytest.mark.parametrize("which", ["conv", "all"])
    def test_near_the_float_graph_but_in_8_bits(
        self, tmp_path: Path, prepared: Path, which: str, kept: str
    ) -> None:
        out = tmp_path / "q.onnx"
        quantize(prepared, tmp_path / "ranges", which, kept, out)
        assert reading.is_quantised(reading.load(out).graph)
        assert metadata(out)["names"] == "['a', 'b']"
        tensor = np.random.default_rng(4).random((1, 3, SIDE, SIDE), np.float32)
        expected, found = opened(prepared).run(tensor)[0], opened(out).run(tensor)[0]
        assert found.shape == expected.shape
        # Boxes are up to 64 wide, scores up to 1; 8 bits err by a two hundred and fiftieth a layer.
        assert np.abs(found - expected)[:, :4].mean() < 0.5
        assert np.abs(found - expected)[:, 4:].max() < 0.05
        assert np.abs(found - expected).max() > 0

    @pytest.mark.parametrize(("kept", "layers"), [("decode", 0), ("outputs", 1), ("head", 3)], ids=str)
    @pytest.mark.parametrize("which", ["conv", "all"])
    def test_what_is_to_stay_in_float_does(
        self, tmp_path: Path, prepared: Path, which: str, kept: str, layers: int
    ) -> None:
        out = tmp_path / "q.onnx"
        quantize(prepared, tmp_path / "ranges", which, kept, out)
        graph = reading.load(prepared).graph
        excluded = set(reading.float_nodes(graph, layers))
        convolutions = {node.name for node in graph.node if node.op_type == "Conv"}
        in_float = float_operators(out)
        assert convolutions & in_float == convolutions & excluded
        weights = {tensor.name: tensor.data_type for tensor in reading.load(out).graph.initializer}
        for name in convolutions & excluded:
            assert weights[f"{name}_w"] == TensorProto.FLOAT
        assert TensorProto.INT8 in weights.values()
        # One scale for each of its channels.
        scales = {tensor.name: list(tensor.dims) for tensor in reading.load(out).graph.initializer}
        assert scales["deep_w_scale"] == [8]

    def test_all_takes_more_than_the_convolutions(self, tmp_path: Path, prepared: Path) -> None:
        for which in ("conv", "all"):
            quantize(prepared, tmp_path / "ranges", which, "decode", tmp_path / f"{which}.onnx")
        # A range that begins with 0 does what Relu did, where that is quantised at all.
        assert operators(tmp_path / "conv.onnx").count("Relu") == 4
        assert operators(tmp_path / "all.onnx").count("Relu") == 0

    def test_nothing_to_quantise(self, tmp_path: Path) -> None:
        nodes = [helper.make_node("Conv", ["images", "w"], ["output0"], name="only", kernel_shape=[1, 1])]
        path = graphs.network(tmp_path / "m.onnx", nodes, {"w": np.ones((2, 3, 1, 1), np.float32)})
        (tmp_path / "ranges").write_text(json.dumps({"images": [0, 1], "output0": [0, 3]}))
        with pytest.raises(WorkerError, match=r"m\.onnx has no operator.*\(Conv\)") as refused:
            quantize(path, tmp_path / "ranges", "conv", "head", tmp_path / "q.onnx")
        assert refused.value.kind is Code.QUANTIZE_FAILED
        assert not (tmp_path / "q.onnx").exists()

    def test_what_the_quantiser_throws_is_one_line(self, tmp_path: Path, prepared: Path) -> None:
        (tmp_path / "ranges").write_text("{}")
        with pytest.raises(WorkerError, match=r"can't quantise prepared\.onnx") as refused:
            quantize(prepared, tmp_path / "ranges", "conv", "decode", tmp_path / "q.onnx")
        assert refused.value.kind is Code.QUANTIZE_FAILED
        assert "\n" not in refused.value.message
        assert not (tmp_path / "q.onnx").exists()

    @pytest.mark.parametrize("text", [None, "", "[1]", '{"a": 1}'])
    def test_ranges_that_are_none(self, tmp_path: Path, prepared: Path, text: str | None) -> None:
        ranges = tmp_path / "others"
        if text is not None:
            ranges.write_text(text)
        with pytest.raises(WorkerError, match="others") as refused:
            quantize(prepared, ranges, "conv", "decode", tmp_path / "q.onnx")
        assert refused.value.kind is Code.USAGE

    def test_calibration_that_fails(self, tmp_path: Path, prepared: Path) -> None:
        class Broken:
            """Frames that can't be read."""

            def __iter__(self) -> Any:
                return self

            def __next__(self) -> Any:
                raise RuntimeError("no such frame\nand more")

        with pytest.raises(WorkerError, match=r"can't quantise prepared\.onnx: no such frame$") as refused:
            calibrate(prepared, opened(prepared), Broken(), tmp_path / "new")
        assert refused.value.kind is Code.QUANTIZE_FAILED
        assert not (tmp_path / "new").exists()
        assert not list(tmp_path.glob("calibrating-*"))


class TestFrames:
    def test_each_with_its_size(self, tmp_path: Path) -> None:
        frames = written(tmp_path, bytes(range(24)), [[2, 1], [1, 2], [4, 1]])
        assert len(frames) == 3
        found = list(frames.frames(1, 9))
        assert [(frame.seq, frame.width, frame.height, frame.pix_fmt) for frame in found] == [
            (1, 1, 2, "RGB"),
            (2, 4, 1, "RGB"),
        ]
        assert [bytes(frame.data) for frame in found] == [bytes(range(6, 12)), bytes(range(12, 24))]
        assert not list(frames.frames(2, 2))

    @pytest.mark.parametrize(
        ("pixels", "sizes", "said"),
        [
            (bytes(12), [[2, 1]], "pixels has 12 bytes; its sizes say 6"),
            (bytes(5), [[2, 1]], "pixels has 5 bytes; its sizes say 6"),
            (b"", [[2, 1]], "can't be read"),
            (b"", [], "no frames"),
            (bytes(6), [], "no frames"),
            (bytes(6), "", "can't be read"),
            (bytes(6), "null", "can't be read"),
            (bytes(6), [[2]], "can't be read"),
            (bytes(6), "[[Infinity, 1]]", "can't be read"),
        ],
    )
    def test_what_does_not_fit(self, tmp_path: Path, pixels: bytes, sizes: Any, said: str) -> None:
        with pytest.raises(WorkerError, match=said) as refused:
            written(tmp_path, pixels, sizes)
        assert refused.value.kind is Code.USAGE

    def test_files_that_are_not_there(self, tmp_path: Path) -> None:
        (tmp_path / "sizes").write_text("[[2, 1]]")
        for pixels, sizes in (("none", "sizes"), ("sizes", "none")):
            with pytest.raises(WorkerError, match="can't be read") as refused:
                FrameFile(tmp_path / pixels, tmp_path / sizes)
            assert refused.value.kind is Code.USAGE

    def test_too_little_memory_to_map_them_is_no_fault_of_theirs(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: object) -> None:
            raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))

        monkeypatch.setattr(np, "memmap", refuse)
        with pytest.raises(WorkerError, match="too little memory to map the frames") as refused:
            written(tmp_path, bytes(6), [[2, 1]])
        assert refused.value.kind is Code.OUT_OF_MEMORY


class TestTrial:
    def ask(self, engine: Any, frames: FrameFile, *questions: Any) -> list[dict[str, Any]]:
        """Every answer to these questions, the first one included, as they go out."""
        answers: list[dict[str, Any]] = []
        serve(
            lambda: Pipeline(engine, Size(0, 0), "m"),
            frames,
            Thresholds(conf=0.5),
            [json.dumps(question) for question in questions],
            lambda answer: answers.append(json.loads(json.dumps(answer, allow_nan=False))),
        )
        return answers

    def test_first_it_says_what_it_is(self, tmp_path: Path) -> None:
        engine = FakeEngine(threads=3)
        (ready,) = self.ask(engine, frame_file(tmp_path))
        assert set(ready) == {"load_ms", "width", "height", "provider", "version", "threads", "rss_bytes"}
        assert (ready["width"], ready["height"], ready["threads"]) == (SIDE, SIDE, 3)
        assert (ready["provider"], ready["version"]) == ("CPUExecutionProvider", "1")
        assert ready["rss_bytes"] > 1_000_000
        # One to recognise the model, three to warm up.
        assert engine.runs == 4

    def test_frames_come_in_turn_and_begin_again(self, tmp_path: Path) -> None:
        seen: list[int] = []
        engine = FakeEngine(on_run=lambda tensor: seen.append(round(float(tensor[0, 0, 0, 0]) * 255)))
        frames = written(tmp_path, bytes([10]) * 12 + bytes([20]) * 12, [[2, 2], [2, 2]])
        _, answer = self.ask(engine, frames, {"time": 5})
        assert seen[1:] == [10, 20, 10, 10, 20, 10, 20, 10]
        assert len(answer["inference_us"]) == 5

    def test_fewer_are_asked_for_than_there_are(self, tmp_path: Path) -> None:
        engine = FakeEngine()
        answers = self.ask(engine, frame_file(tmp_path), {"time": 2}, {"detect": [4, 6]}, {"detect": [2, 2]})
        assert [len(answer["inference_us"]) for answer in answers[1:]] == [2, 2, 0]
        assert answers[3]["detections"] == []
        assert engine.runs == 4 + 2 + 2

    def test_detections_are_those_of_a_run(self, tmp_path: Path) -> None:
        path = conv_yolo11(tmp_path / "m.onnx")
        frames = frame_file(tmp_path)
        _, answer = self.ask(opened(path), frames, {"detect": [1, 4]})
        pipeline = Pipeline(opened(path), Size(0, 0), "m")
        for frame, rows in zip(frames.frames(1, 4), answer["detections"], strict=True):
            expected = pipeline.run(frame, Thresholds(conf=0.5)).detections
            assert len(rows) == len(expected.scores) > 0
            assert [row[0] for row in rows] == expected.class_ids.tolist()
            assert [row[1] for row in rows] == expected.scores.tolist()
            assert [row[2:] for row in rows] == expected.boxes.tolist()

    def test_what_fails_is_raised(self, tmp_path: Path) -> None:
        def fail(tensor: Any) -> None:
            raise WorkerError(Code.INFERENCE_FAILED, "the graph failed")

        with pytest.raises(WorkerError, match="the graph failed"):
            self.ask(FakeEngine(on_run=fail), frame_file(tmp_path))


def run(*arguments: object, said: str | None = "") -> subprocess.CompletedProcess[str]:
    """The command line as a process; `said` is all of its stdin."""
    return subprocess.run(
        [sys.executable, "-m", "aiw_worker.optimize", *map(str, arguments)],
        cwd=WORKER,
        env={"PYTHONPATH": str(WORKER)},
        input=said,
        capture_output=True,
        text=True,
        timeout=WAIT_S,
        check=False,
    )


def answers(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


class TestCommands:
    def test_one_after_the_other(self, tmp_path: Path) -> None:
        """Of a model whose name might be a flag's, from its file to trials of what became of it."""
        model = conv_yolo11(tmp_path / "-a model.onnx", size=None, names="['a', 'b']")
        simple, ranges, small, out = (tmp_path / name for name in ("-s.onnx", "ranges", "q.onnx", "out.onnx"))
        kept = frame_file(tmp_path)
        frames = (f"--pixels={tmp_path / 'pixels'}", f"--sizes={tmp_path / 'sizes'}")
        one = "--threads=1"
        done = run("prepare", f"--model={model}", "--size", "64x64", f"--out={simple}", one)
        assert answers(done) == [{"why": None}]
        done = run("calibrate", f"--model={simple}", *frames, "--count", 3, f"--out={ranges}", one)
        assert answers(done) == [{"frames": 3}]
        args = ("--ranges", ranges, "--operators", "conv", "--float", "outputs")
        assert answers(run("quantize", f"--model={simple}", *args, f"--out={small}")) == [
            {"bytes": small.stat().st_size}
        ]
        args = ("--metadata", '{"aiw_source": "x"}', "--note=- a note", "--note", "another")
        assert answers(run("finish", f"--model={small}", *args, f"--out={out}")) == [
            {"bytes": out.stat().st_size}
        ]
        assert model_notes(metadata(out)) == ("- a note", "another")
        asked = '{"time": 7}\n{"detect": [0, 2]}\n'
        options = ("--engine=onnxruntime", one, "--conf=0.9", "--iou=0.2")
        ready, times, found = answers(run("trial", f"--model={out}", *frames, *options, said=asked))
        assert (ready["width"], ready["height"], ready["threads"]) == (64, 64, 1)
        assert len(times["inference_us"]) == 7
        pipeline = Pipeline(opened(out), Size(0, 0), "m")
        expected = [pipeline.run(frame, Thresholds(0.9, 0.2)).detections for frame in kept.frames(0, 2)]
        assert [len(rows) for rows in found["detections"]] == [len(one.scores) for one in expected]
        assert min(row[1] for rows in found["detections"] for row in rows) >= 0.9

    def test_a_trial_whose_stdin_is_closed_ends(self, tmp_path: Path) -> None:
        frame_file(tmp_path)
        model = conv_yolo11(tmp_path / "m.onnx")
        frames = ("--pixels", tmp_path / "pixels", "--sizes", tmp_path / "sizes")
        (ready,) = answers(run("trial", "--model", model, *frames, said=""))
        assert "load_ms" in ready

    def test_a_model_that_cannot_be_read(self, tmp_path: Path) -> None:
        (tmp_path / "m.onnx").write_bytes(b"\x08\x08\x12\x01t\x3a\x02\x0a\x00")
        failed(run("prepare", "--model", tmp_path / "m.onnx", "--out", tmp_path / "out"), 1, "MODEL_INVALID")

    def test_a_folder_that_is_not_there(self, tmp_path: Path) -> None:
        model, out = conv_yolo11(tmp_path / "m.onnx"), tmp_path / "none" / "out.onnx"
        said = failed(run("prepare", "--model", model, "--out", out), 1, "OUTPUT_FAILED")
        assert str(out) in said
        said = failed(run("finish", "--model", model, "--metadata={}", "--out", out), 1, "OUTPUT_FAILED")
        assert str(out) in said

    @pytest.mark.parametrize(
        ("arguments", "word"),
        [
            ([], "COMMAND"),
            (["shrink"], "shrink"),
            (["prepare"], "--model"),
            (["prepare", "--model=m", "--out=o", "--size=64"], "'64'"),
            (["prepare", "--model=m", "--out=o", "--size=64x0"], "'64x0'"),
            (["prepare", "--model=m", "--out=o", "--size=64x-32"], "'64x-32'"),
            (["prepare", "--model=m", "--out=o", "--quick"], "--quick"),
            (
                ["quantize", "--model=m", "--out=o", "--ranges=r", "--operators=some", "--float=head"],
                "'some'",
            ),
            (["quantize", "--model=m", "--out=o", "--ranges=r", "--operators=conv", "--float=x"], "'x'"),
            (["finish", "--model=m", "--out=o", "--metadata={"], "--metadata"),
            (["finish", "--model=m", "--out=o", '--metadata={"a": 1}'], "--metadata"),
            (["finish", "--model=m", "--out=o", "--metadata=[]"], "--metadata"),
            (["calibrate", "--model=m", "--out=o", "--pixels=p", "--sizes=s", "--count=1"], "frames of p"),
            (["trial", "--model=m", "--pixels=p", "--sizes=s", "--engine=fast"], "fast"),
            (["trial", "--model=m", "--pixels=p", "--sizes=s", "--threads=many"], "'many'"),
            (["trial", "--model=m", "--pixels=p", "--sizes=s", "--conf=high"], "high"),
        ],
    )
    def test_bad_usage(self, arguments: list[str], word: str) -> None:
        assert word in failed(run(*arguments), 2, "USAGE")

    @pytest.mark.parametrize("count", ["0", "7", "all"])
    def test_more_frames_than_there_are(self, tmp_path: Path, count: str) -> None:
        frame_file(tmp_path)
        frames = ("--pixels", tmp_path / "pixels", "--sizes", tmp_path / "sizes")
        done = run("calibrate", "--model=m", "--out=o", *frames, "--count", count)
        assert "from 1 to 6" in failed(done, 2, "USAGE")


def failed(done: subprocess.CompletedProcess[str], code: int, name: str) -> str:
    """The message: one line on stderr, nothing on stdout."""
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    assert done.stderr.startswith(f"aiw-worker: error {name}: ")
    assert done.stderr.count("\n") == 1
    return done.stderr
