"""Which providers start: the hand-made model, and what is said of one that does not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx.reference import ReferenceEvaluator

from aiw_worker import providers
from aiw_worker.engines import ort

WORKER = Path(__file__).resolve().parents[1]
CUDA_LOG = (
    "\x1b[1;31m2026-11-25 02:18:35.9 [E:onnxruntime:Default, provider_bridge_ort.cc:2458 operator()] "
    "/onnxruntime_src/provider_bridge_ort.cc:2043 Provider& Get() [ONNXRuntimeError] : 1 : FAIL : "
    "Failed to load library /opt/env/capi/libonnxruntime_providers_cuda.so with error: "
    "libcublasLt.so.13: cannot open shared object file: No such file or directory\x1b[m\n"
)


def test_tiny_model_is_what_it_says() -> None:
    model = onnx.load_from_string(providers.tiny_model())
    onnx.checker.check_model(model, full_check=True)
    (result,) = ReferenceEvaluator(model).run(None, {"x": np.array([1, -2], np.float32)})
    assert result.tolist() == [2, -4]


def test_cpu_starts() -> None:
    assert (
        providers.failure_of(lambda: ort.start_provider("CPUExecutionProvider", providers.tiny_model()))
        is None
    )


def test_openvino_is_asked_by_itself() -> None:
    pytest.importorskip("openvino")
    command = [sys.executable, "-m", "aiw_worker.providers", "openvino"]
    said = subprocess.run(command, cwd=WORKER, capture_output=True, text=True, check=True).stdout
    first, second = (json.loads(line) for line in said.splitlines())
    assert first["listed"] == ["CPU"]
    assert second == {"provider": "CPU", "failure": None}


@pytest.mark.filterwarnings("ignore:Specified provider")
def test_unknown_provider_is_refused_with_the_engines_reason() -> None:
    model = providers.tiny_model()
    failure = providers.failure_of(lambda: ort.start_provider("NoneExecutionProvider", model))
    assert failure is not None
    assert "NoneExecutionProvider" in failure


def test_damaged_model_is_one_line() -> None:
    failure = providers.failure_of(lambda: ort.start_provider("CPUExecutionProvider", b"\x08\x08"))
    assert failure
    assert "\n" not in failure


def test_reason_is_taken_from_the_native_log(capfd: pytest.CaptureFixture[str]) -> None:
    def start() -> None:
        os.write(2, CUDA_LOG.encode())
        raise RuntimeError("left out without a reason")

    assert providers.failure_of(start) == (
        "Failed to load library libonnxruntime_providers_cuda.so with error: "
        "libcublasLt.so.13: cannot open shared object file: No such file or directory"
    )
    # What comes later goes where it went before.
    os.write(2, b"after")
    assert capfd.readouterr().err == "after"


def test_exception_is_the_reason_where_nothing_was_logged() -> None:
    def start() -> None:
        raise RuntimeError("no device\nmore")

    assert providers.failure_of(start) == "no device"


def run_module(**env: str) -> list[dict[str, object]]:
    done = subprocess.run(
        [sys.executable, "-m", "aiw_worker.providers"],
        cwd=WORKER,
        env={**os.environ, **env},
        check=True,
        capture_output=True,
        text=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_module_prints_a_line_for_each() -> None:
    first, *rest = run_module()
    assert [line["provider"] for line in rest] == first["listed"]
    assert {"provider": "CPUExecutionProvider", "failure": None} in rest


def test_module_says_when_the_engine_cannot_be_imported(tmp_path: Path) -> None:
    (tmp_path / "onnxruntime.py").write_text("raise ImportError('libonnxruntime.so is damaged')\n")
    (line,) = run_module(PYTHONPATH=str(tmp_path), PYTHONSAFEPATH="")
    assert "libonnxruntime.so is damaged" in str(line["error"])
