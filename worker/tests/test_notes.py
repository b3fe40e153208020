"""What a model asks to be said of it is said, in bounds; what is no such note is not."""

from __future__ import annotations

import json
from pathlib import Path

import graphs
import numpy as np
import pytest

from aiw_worker.codec import Init
from aiw_worker.datatypes import EngineOptions, Size
from aiw_worker.describe.description import describe
from aiw_worker.engines import open_engine
from aiw_worker.handshake import init_ok
from aiw_worker.inspect import inspect
from aiw_worker.modelfiles import ModelFile, ModelFiles
from aiw_worker.models import ModelPool
from aiw_worker.notes import NOTES_KEY, model_notes
from aiw_worker.pipeline import Pipeline

NOTE = "int8, not judged: 4 detections to compare"


def noted(path: Path) -> Path:
    output = np.zeros((1, 6, graphs.CELLS))
    return graphs.fixed(path, output, names="['a', 'b']", **{NOTES_KEY: json.dumps([NOTE])})


@pytest.mark.parametrize(
    ("text", "notes"),
    [
        ('["one", "two"]', ("one", "two")),
        ("[]", ()),
        (json.dumps(["x" * 200, "x" * 201, "kept"]), ("x" * 200, "kept")),
        (json.dumps([str(number) for number in range(20)]), tuple("01234567")),
        (json.dumps(["a\nb", "\x1b[31mred", "\u202eback", "", "  ", 7, None, ["x"], "kept"]), ("kept",)),
        ("", ()),
        ("one", ()),
        ('"one"', ()),
        ('{"one": 1}', ()),
        ("['one']", ()),
        ("[" * 60_000, ()),
        (json.dumps(["a"] + [" " * 1000] * 100), ()),
    ],
)
def test_only_short_printable_sentences_are_notes(text: str, notes: tuple[str, ...]) -> None:
    assert model_notes({NOTES_KEY: text}) == notes


def test_a_model_without_the_property_has_none() -> None:
    assert model_notes({}) == ()


def test_inspection_finds_them(tmp_path: Path) -> None:
    engine = open_engine(noted(tmp_path / "m.onnx"), EngineOptions(threads=1))
    assert inspect(engine, Size(0, 0), "m.onnx").info.notes == (NOTE,)


def test_they_are_warnings_of_every_session(tmp_path: Path) -> None:
    name = noted(tmp_path / "m.onnx").name
    init = Init(name, width=640, height=480)

    def load(file: ModelFile, wanted: Size, name: str, provider: str) -> Pipeline:
        assert not provider
        return Pipeline(open_engine(file.path, EngineOptions(threads=1)), wanted, name)

    ok = init_ok(init, ModelPool(ModelFiles([tmp_path]), load).acquire(name, Size(640, 480)))
    assert ok.warnings[-1] == NOTE
    assert "640x480" in ok.warnings[0]


def test_a_description_tells_them(tmp_path: Path) -> None:
    file = ModelFiles([tmp_path]).find(noted(tmp_path / "m.onnx").name)
    assert describe(file, "m.onnx", EngineOptions(threads=1))["warnings"] == [NOTE]
