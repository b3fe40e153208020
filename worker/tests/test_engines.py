"""Both engines behind one port: the same numbers, the same description, and what they say when they can't."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import onnx
import pytest
from conftest import WORKER
from graphs import SIDE, dynamic_yolo11, fixed, network
from onnx import helper

from aiw_worker import engines
from aiw_worker.datatypes import Detections, EngineOptions, Frame, Size, Thresholds
from aiw_worker.engines import check_engine, open_engine, ort
from aiw_worker.engines.base import Engine
from aiw_worker.errors import Code, WorkerError, out_of_memory
from aiw_worker.pipeline import Pipeline
from aiw_worker.providers import tiny_model

ENGINES = ["onnxruntime", "openvino"]
LISTED = ["TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"]


def opened(path: Path, name: str) -> Engine:
    return open_engine(path, EngineOptions(name, threads=1))


@pytest.mark.parametrize("name", ENGINES)
def test_says_what_it_is(name: str, tmp_path: Path) -> None:
    value = np.arange(6, dtype=np.float32).reshape(1, 2, 3)
    engine = opened(fixed(tmp_path / "m.onnx", value, task="detect", names="{0: 'a'}"), name)
    assert (engine.name, engine.version) == check_engine(name)
    assert engine.threads == 1
    assert [str(item) for item in engine.inputs] == [f"images 1x3x{SIDE}x{SIDE} float32"]
    assert [str(item) for item in engine.outputs] == ["output0 1x2x3 float32"]
    assert {"task": "detect", "names": "{0: 'a'}"}.items() <= engine.metadata.items()
    assert len(engine.providers) == 1
    assert not engine.warnings


@pytest.mark.parametrize("name", ENGINES)
def test_reads_the_same_array_anew_each_time(name: str, tmp_path: Path) -> None:
    engine = opened(dynamic_yolo11(tmp_path / "m.onnx"), name)
    tensor = np.zeros((1, 3, 64, 96), np.float32)
    black = np.array(engine.run(tensor)[0])
    tensor.fill(0.5)
    gray = np.array(engine.run(tensor)[0])
    assert gray.shape == black.shape == (1, 6, 8 * 12 + 4 * 6 + 2 * 3)
    assert black.max() == 0
    np.testing.assert_allclose(gray, 0.5)


@pytest.mark.parametrize("name", ENGINES)
def test_a_dynamic_graph_keeps_open_sides_until_it_runs(name: str, tmp_path: Path) -> None:
    engine = opened(dynamic_yolo11(tmp_path / "m.onnx"), name)
    assert not any(isinstance(side, int) for side in engine.inputs[0].shape[2:])
    assert Pipeline(engine, Size(96, 64), "m.onnx").info.size == Size(96, 64)


@pytest.mark.parametrize("name", ENGINES)
def test_detections_outlive_the_next_frame(name: str, tmp_path: Path) -> None:
    """Outputs may be views of the engine's memory; what the graph has suppressed is not copied again."""
    nodes = [
        helper.make_node("ReduceMean", ["images"], ["mean"], keepdims=0),
        helper.make_node("Mul", ["rows", "mean"], ["output0"]),
    ]
    rows = np.array([[[0, 0, 32, 32, 1, 0]]], np.float32)
    engine = opened(network(tmp_path / "m.onnx", nodes, {"rows": rows}), name)
    pipeline = Pipeline(engine, Size(SIDE, SIDE), "m.onnx")
    assert pipeline.info.family == "nms"

    def detect(value: int) -> Detections:
        frame = Frame(1, "", 0, SIDE, SIDE, "RGB", bytes([value]) * (3 * SIDE * SIDE))
        return pipeline.run(frame, Thresholds()).detections

    found = detect(255)
    detect(0)
    assert len(found.scores) == 1
    np.testing.assert_allclose(found.scores, 1, rtol=1e-6)


@pytest.mark.parametrize("name", ENGINES)
def test_float16_goes_in_and_out(name: str, tmp_path: Path) -> None:
    value = np.arange(6, dtype=np.float16).reshape(1, 2, 3)
    engine = opened(fixed(tmp_path / "m.onnx", value, dtype="float16"), name)
    assert engine.inputs[0].dtype == "float16"
    (output,) = engine.run(np.ones((1, 3, SIDE, SIDE), np.float16))
    np.testing.assert_array_equal(output.astype(np.float16), value)


@pytest.mark.parametrize("name", ENGINES)
def test_what_is_no_model_is_one_line_that_names_it(name: str, tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(b"\x08\x08\x12\x07nothing")
    with pytest.raises(WorkerError) as caught:
        opened(path, name).run(np.zeros((1, 3, SIDE, SIDE), np.float32))
    assert caught.value.kind is Code.MODEL_INVALID
    assert "m.onnx" in caught.value.message
    assert "\n" not in caught.value.message


@pytest.mark.parametrize("name", ENGINES)
def test_a_tensor_of_another_shape_is_an_error_of_this_run_alone(name: str, tmp_path: Path) -> None:
    engine = opened(fixed(tmp_path / "m.onnx", np.ones((1, 2, 3), np.float32)), name)
    with pytest.raises(WorkerError) as caught:
        engine.run(np.zeros((1, 3, SIDE, SIDE * 2), np.float32))
    assert caught.value.kind is Code.INFERENCE_FAILED
    # Where in an engine's sources it was noticed says nothing to anybody.
    assert "shape" in caught.value.message or "dimensions" in caught.value.message
    assert engine.run(np.zeros((1, 3, SIDE, SIDE), np.float32))[0].shape == (1, 2, 3)


@pytest.mark.parametrize("name", ENGINES)
def test_weights_that_are_not_beside_the_file_are_named(name: str, tmp_path: Path) -> None:
    path = fixed(tmp_path / "m.onnx", np.ones((1, 2, 3), np.float32))
    onnx.save(onnx.load(path), path, save_as_external_data=True, location="m.data", size_threshold=0)
    assert opened(path, name).outputs
    (tmp_path / "m.data").unlink()
    with pytest.raises(WorkerError) as caught:
        opened(path, name)
    assert caught.value.kind is Code.MODEL_INVALID
    assert "m.onnx keeps its weights in m.data, which is not beside it" in caught.value.message


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the cores of each thread")
@pytest.mark.parametrize("name", ENGINES)
def test_no_thread_leaves_the_cores_of_its_process(name: str, tmp_path: Path) -> None:
    path = fixed(tmp_path / "m.onnx", np.ones((1, 2, 3), np.float32))
    # The last core: engines that number cores themselves count from the first.
    core = max(os.sched_getaffinity(0))
    script = f"""
import os
os.sched_setaffinity(0, [{core}])
import numpy as np
from pathlib import Path
from aiw_worker.datatypes import EngineOptions
from aiw_worker.engines import open_engine
from aiw_worker.resources import available_threads
assert available_threads() == 1
engine = open_engine(Path({str(path)!r}), EngineOptions({name!r}, threads=4))
engine.run(np.zeros((1, 3, {SIDE}, {SIDE}), np.float32))
print({{core for thread in os.listdir("/proc/self/task") for core in os.sched_getaffinity(int(thread))}})
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(WORKER)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == f"{{{core}}}", done.stderr


@pytest.mark.parametrize(
    ("device", "required", "available", "wanted"),
    [
        ("cpu", "", LISTED, ["CPUExecutionProvider"]),
        ("auto", "", ["CPUExecutionProvider"], ["CPUExecutionProvider"]),
        ("auto", "", LISTED, ["CUDAExecutionProvider", "CPUExecutionProvider"]),
        ("cuda", "", ["CPUExecutionProvider"], ["CUDAExecutionProvider", "CPUExecutionProvider"]),
        ("cpu", LISTED[0], LISTED, LISTED),
        ("cpu", "CUDAExecutionProvider", LISTED, ["CUDAExecutionProvider", "CPUExecutionProvider"]),
        ("cpu", "CPUExecutionProvider", LISTED, ["CPUExecutionProvider"]),
        (
            *("cpu", "OpenVINOExecutionProvider"),
            ["OpenVINOExecutionProvider", "CPUExecutionProvider"],
            ["OpenVINOExecutionProvider", "CPUExecutionProvider"],
        ),
    ],
)
def test_providers_that_are_asked_for(
    device: str, required: str, available: list[str], wanted: list[str]
) -> None:
    assert ort.providers_for(device, required, available) == wanted


def test_a_required_provider_that_is_not_installed_is_refused() -> None:
    with pytest.raises(WorkerError) as caught:
        ort.providers_for("cpu", "CUDAExecutionProvider", ["CPUExecutionProvider"])
    assert caught.value.kind is Code.PROVIDER_MISSING
    assert "which has CPUExecutionProvider" in caught.value.message


@pytest.mark.filterwarnings("ignore:Specified provider")
def test_a_fall_to_the_cpu_is_never_silent(tmp_path: Path) -> None:
    path = fixed(tmp_path / "m.onnx", np.ones((1, 2, 3), np.float32))
    engine = open_engine(path, EngineOptions(threads=1, device="cuda"))
    if "CUDAExecutionProvider" in engine.providers:
        pytest.skip("this machine has a GPU that onnxruntime can use")
    (warning,) = engine.warnings
    assert warning.startswith("CUDAExecutionProvider did not start (")
    if "CUDAExecutionProvider" not in ort.available_providers():
        assert "(it is not in this onnxruntime)" in warning
    assert warning.endswith("inference runs on CPUExecutionProvider")


@pytest.mark.filterwarnings("ignore:Specified provider")
def test_a_required_provider_that_did_not_start_is_refused_with_its_reason() -> None:
    with pytest.raises(WorkerError) as caught:
        list(ort.fallen(LISTED[1:], ["CPUExecutionProvider"], "CUDAExecutionProvider"))
    assert caught.value.kind is Code.PROVIDER_MISSING
    assert "did not start: " in caught.value.message


def test_a_missing_engine_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(engines, "ov", raising=False)
    monkeypatch.setitem(sys.modules, "aiw_worker.engines.ov", None)
    with pytest.raises(WorkerError) as caught:
        check_engine("openvino")
    assert caught.value.kind is Code.ENGINE_MISSING
    assert "aiw init --engine openvino" in caught.value.message


def test_an_engine_that_memory_is_too_little_for_is_not_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    class Unloadable(ModuleType):
        def __getattr__(self, name: str) -> object:
            raise ImportError("libopenvino.so: failed to map segment from shared object")

    monkeypatch.delattr(engines, "ov", raising=False)
    monkeypatch.setitem(sys.modules, "aiw_worker.engines", Unloadable("aiw_worker.engines"))
    with pytest.raises(WorkerError, match="too little memory to load openvino") as caught:
        check_engine("openvino")
    assert caught.value.kind is Code.OUT_OF_MEMORY


def test_a_package_that_memory_is_too_little_for_is_not_missing() -> None:
    program = (
        "from aiw_worker.endings import run_to_end\ndef work(): raise ImportError({!r})\nrun_to_end(work)"
    )
    for said, name in (("cv2.so: failed to map segment", "OUT_OF_MEMORY"), ("No module", "ENGINE_MISSING")):
        command = [sys.executable, "-c", program.format(said)]
        ended = subprocess.run(command, cwd=WORKER, capture_output=True, text=True, timeout=60, check=False)
        assert ended.stderr.startswith(f"aiw-worker: error {name}: "), ended


@pytest.mark.parametrize("required", ["CUDAExecutionProvider", "OpenVINOExecutionProvider"])
def test_openvino_refuses_the_providers_of_onnxruntime(required: str, tmp_path: Path) -> None:
    path = fixed(tmp_path / "m.onnx", np.ones((1, 2, 3), np.float32))
    with pytest.raises(WorkerError) as caught:
        open_engine(path, EngineOptions("openvino", require_provider=required))
    assert caught.value.kind is Code.PROVIDER_MISSING
    assert required in caught.value.message
    assert open_engine(path, EngineOptions("openvino", require_provider="CPU")).providers == ("CPU",)


def test_openvino_says_that_it_runs_on_the_cpu_where_a_gpu_was_asked_for(tmp_path: Path) -> None:
    path = fixed(tmp_path / "m.onnx", np.ones((1, 2, 3), np.float32))
    engine = open_engine(path, EngineOptions("openvino", device="cuda"))
    assert list(engine.warnings) == ["the engine openvino does not use cuda; inference runs on CPU"]
    assert not open_engine(path, EngineOptions("openvino", device="cpu")).warnings


def test_loads_cudas_libraries_once_and_in_silence_before_its_provider(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    asked: list[str] = []

    def preload(directory: str) -> None:
        asked.append(directory)
        print("Failed to load libcublas")

    monkeypatch.setattr(ort.ort, "preload_dlls", preload, raising=False)
    ort._load_cuda.cache_clear()
    try:
        with pytest.raises(Exception):  # noqa: B017 - whatever a build without CUDA says
            ort.start_provider("CUDAExecutionProvider", tiny_model())
        ort.start_provider("CPUExecutionProvider", tiny_model())
        with pytest.raises(Exception):  # noqa: B017 - as above
            ort.start_provider("TensorrtExecutionProvider", tiny_model())
    finally:
        ort._load_cuda.cache_clear()
    assert asked == [""]
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize(
    "said",
    [
        "std::bad_alloc",
        "can't alloc",
        "[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : bfc_arena.cc:359 Failed to allocate",
        "Unable to allocate 1.17 MiB for an array with shape (640, 640, 3)",
        "[Errno 12] Cannot allocate memory",
        "cv2.abi3.so: failed to map segment from shared object",
    ],
)
def test_a_lack_of_memory_is_known_by_any_librarys_words(said: str) -> None:
    lacking = out_of_memory(RuntimeError(said), "load m.onnx")
    assert lacking is not None
    assert lacking.kind is Code.OUT_OF_MEMORY
    assert lacking.message.startswith("there is too little memory to load m.onnx; ")
    assert out_of_memory(MemoryError(), "go on") is not None
    assert out_of_memory(RuntimeError("export it again"), "load m.onnx") is None


_LOADS_WITH_LITTLE = """
import resource, sys
from pathlib import Path
from aiw_worker.datatypes import EngineOptions
from aiw_worker.engines import open_engine
from aiw_worker.errors import WorkerError
open_engine(Path(sys.argv[1]), EngineOptions(sys.argv[3], threads=1))
used = 4096 * int(Path("/proc/self/statm").read_text().split()[0])
resource.setrlimit(resource.RLIMIT_AS, (used + (48 << 20), resource.RLIM_INFINITY))
try:
    open_engine(Path(sys.argv[2]), EngineOptions(sys.argv[3], threads=1))
except WorkerError as error:
    print(error.name, error.message)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is Linux's, and /proc")
@pytest.mark.parametrize("name", ENGINES)
def test_too_little_memory_is_no_fault_of_the_model(name: str, tmp_path: Path) -> None:
    small, large = tmp_path / "small.onnx", tmp_path / "large.onnx"
    fixed(small, np.zeros((1, 2, 3), np.float32))
    fixed(large, np.ones((1, 6, 8 << 20), np.float32))
    command = [sys.executable, "-c", _LOADS_WITH_LITTLE, str(small), str(large), name]
    ended = subprocess.run(command, cwd=WORKER, capture_output=True, text=True, timeout=120, check=False)
    assert ended.stdout.startswith("OUT_OF_MEMORY there is too little memory to load large.onnx"), ended
