"""Where models may come from, how they are told apart, and how they are shared."""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import graphs
import numpy as np
import pytest
from conftest import STUB_MODEL
from fakes import WAIT_S, FakeEngine, Gate, fake_loader

from aiw_worker.datatypes import Size
from aiw_worker.errors import WorkerError
from aiw_worker.modelfiles import ModelFiles
from aiw_worker.models import ModelPool
from aiw_worker.names import COCO, class_names, parse_names

ANY = Size(0, 0)


def refusal(files: ModelFiles, name: str) -> str:
    with pytest.raises(WorkerError) as caught:
        files.find(name)
    assert "\n" not in caught.value.message
    return caught.value.name


def test_names_are_looked_up_in_each_root(models: Path, tmp_path: Path) -> None:
    second = tmp_path / "second"
    (second / "inner").mkdir(parents=True)
    (second / "inner" / "c.onnx").write_bytes(STUB_MODEL)
    files = ModelFiles([models, second])
    found = files.find("inner/c.onnx")
    assert found.path == (second / "inner" / "c.onnx").resolve()
    assert found.sha256 == hashlib.sha256(STUB_MODEL).hexdigest()
    assert files.find(str(models / "a.onnx")).path == (models / "a.onnx").resolve()


def test_nothing_outside_the_roots(models: Path, tmp_path: Path) -> None:
    outside = tmp_path / "secret.onnx"
    outside.write_bytes(STUB_MODEL)
    (models / "link.onnx").symlink_to(outside)
    (models / "folder").symlink_to(tmp_path)
    (models / "inside.onnx").symlink_to(models / "a.onnx")
    (models / "loop").symlink_to(models / "loop")
    # A sibling whose name begins like the root's.
    sibling = tmp_path / "models-more"
    sibling.mkdir()
    (sibling / "d.onnx").write_bytes(STUB_MODEL)
    files = ModelFiles([models])
    for name in (
        "../secret.onnx",
        str(outside),
        "link.onnx",
        "folder/secret.onnx",
        "../models-more/d.onnx",
        "../nothing-there",
        "/etc/passwd",
        "a/../../secret.onnx",
    ):
        assert refusal(files, name) == "MODEL_OUTSIDE_ROOTS", name
    assert files.find("inside.onnx").path == (models / "a.onnx").resolve()
    assert files.find("../models/a.onnx").path == (models / "a.onnx").resolve()
    for name in ("loop", "x" * 5000, "a\0b", "", "nope.onnx"):
        assert refusal(files, name) == "MODEL_NOT_FOUND", name


def test_files_that_are_no_models(models: Path, tmp_path: Path) -> None:
    whole = graphs.fixed(
        tmp_path / "whole.onnx", np.zeros((1, 6, graphs.CELLS)), names="{0: 'a'}"
    ).read_bytes()
    contents = {"empty": b"", "text": b"hello, this is text", "zip": b"PK\x03\x04" + bytes(99)}
    contents |= {f"cut{n}": whole[:n] for n in (len(whole) - 1, len(whole) // 2, 40)}
    for name, content in contents.items():
        (models / name).write_bytes(content)
    files = ModelFiles([models])
    assert refusal(files, "empty") == "MODEL_EMPTY"
    assert refusal(files, "text") == "MODEL_NOT_ONNX"
    assert refusal(files, "zip") == "MODEL_NOT_ONNX"
    assert refusal(files, ".") == "MODEL_NOT_A_FILE"
    for name in contents:
        if name.startswith("cut"):
            assert refusal(files, name) == "MODEL_TRUNCATED"


def test_hash_is_read_again_only_when_the_file_changed(models: Path, monkeypatch: Any) -> None:
    files = ModelFiles([models])
    first = files.find("a.onnx").sha256
    monkeypatch.setattr("aiw_worker.modelfiles._sha256", lambda file: "read again")
    assert files.find("a.onnx").sha256 == first
    (models / "a.onnx").write_bytes(STUB_MODEL + b"\x1a\x02bc")
    assert files.find("a.onnx").sha256 == "read again"


class Pool:
    """A pool with a record of what was loaded."""

    def __init__(
        self, models: Path, dynamic: bool = False, gate: Gate | None = None, max_models: int = 4
    ) -> None:
        self.gate = gate
        self.failing = False
        self.loads: list[tuple[str, Size]] = []
        self.providers: list[str] = []
        shape: Any = (1, 3, "h", "w") if dynamic else (1, 3, 64, 64)
        inner = fake_loader(lambda name: FakeEngine(shape=shape, metadata={"imgsz": "[64, 64]"}))

        def load(file: Any, wanted: Size, name: str, provider: str) -> Any:
            self.loads.append((name, wanted))
            self.providers.append(provider)
            if self.gate:
                self.gate.pass_through()
            if self.failing:
                raise MemoryError
            return inner(file, Size(64, 64) if dynamic else wanted, name)

        self.pool = ModelPool(ModelFiles([models]), load, max_models)

    @property
    def held(self) -> int:
        return self.pool.held


def test_unused_models_stay_until_they_are_dropped(models: Path) -> None:
    it = Pool(models)
    a = it.pool.acquire("a.onnx", ANY)
    it.pool.release(a)
    assert it.held == 1
    again = it.pool.acquire("a.onnx", ANY)
    assert again.pipeline is a.pipeline
    b = it.pool.acquire("b.onnx", ANY)
    it.pool.release(again)
    assert it.held == 2
    assert it.pool.drop_unused() == 1
    assert it.held == 1
    it.pool.release(b, keep=False)
    assert it.held == 0
    it.pool.acquire("a.onnx", ANY)
    assert [name for name, _ in it.loads] == ["a.onnx", "b.onnx", "a.onnx"]


def test_a_model_that_somebody_uses_is_kept_whoever_gives_it_up(models: Path) -> None:
    it = Pool(models)
    a, same = it.pool.acquire("a.onnx", ANY), it.pool.acquire("a.onnx", ANY)
    it.pool.release(a, keep=False)
    assert it.pool.drop_unused() == 0
    assert it.pool.acquire("a.onnx", ANY).pipeline is same.pipeline


def test_the_unused_that_was_used_longest_ago_makes_room(models: Path) -> None:
    for name in "cd":
        (models / f"{name}.onnx").write_bytes(STUB_MODEL + b"\x1a\x01" + name.encode())
    it = Pool(models, max_models=2)
    for name in ("a.onnx", "b.onnx", "a.onnx"):
        it.pool.release(it.pool.acquire(name, ANY))
    it.pool.acquire("c.onnx", ANY)
    it.pool.acquire("a.onnx", ANY)
    assert [name for name, _ in it.loads] == ["a.onnx", "b.onnx", "c.onnx"]
    with pytest.raises(WorkerError) as caught:
        it.pool.acquire("d.onnx", ANY)
    assert (caught.value.name, caught.value.retryable) == ("POOL_FULL", True)
    assert caught.value.retry_after_ms > 0
    assert it.held == 2
    # Who shares one that is there needs no room.
    it.pool.acquire("c.onnx", ANY)


def test_one_model_gives_way_to_the_next_of_its_only_user(models: Path) -> None:
    it = Pool(models, max_models=1)
    a = it.pool.acquire("a.onnx", ANY)
    b = it.pool.acquire("b.onnx", ANY, instead=a)
    it.pool.release(a)
    assert it.held == 1
    same = it.pool.acquire("b.onnx", ANY)
    # Not while another uses it too.
    with pytest.raises(WorkerError, match="--max-models"):
        it.pool.acquire("a.onnx", ANY, instead=b)
    it.pool.release(same)
    assert it.pool.acquire("a.onnx", ANY, instead=b).model_id == a.model_id


def test_nobody_else_takes_up_a_model_that_is_about_to_go(models: Path) -> None:
    gate = Gate()
    it = Pool(models, max_models=1)
    a = it.pool.acquire("a.onnx", ANY)
    it.gate = gate
    with ThreadPoolExecutor(1) as threads:
        b = threads.submit(it.pool.acquire, "b.onnx", ANY, instead=a)
        assert gate.entered.wait(WAIT_S)
        with pytest.raises(WorkerError, match="--max-models"):
            it.pool.acquire("a.onnx", ANY)
        gate.open.set()
        b.result(WAIT_S)


def test_a_model_that_was_not_replaced_after_all_is_there_for_others(models: Path) -> None:
    it = Pool(models, max_models=1)
    a = it.pool.acquire("a.onnx", ANY)
    it.failing = True
    with pytest.raises(MemoryError):
        it.pool.acquire("b.onnx", ANY, instead=a)
    assert it.pool.acquire("a.onnx", ANY).pipeline is a.pipeline


def test_a_model_that_another_has_taken_up_does_not_go(models: Path) -> None:
    (models / "c.onnx").write_bytes(STUB_MODEL + b"\x1a\x01c")
    gate = Gate()
    it = Pool(models, max_models=2)
    a = it.pool.acquire("a.onnx", ANY)
    it.gate = gate
    with ThreadPoolExecutor(1) as threads:
        b = threads.submit(it.pool.acquire, "b.onnx", ANY, instead=a)
        assert gate.entered.wait(WAIT_S)
        it.pool.acquire("a.onnx", ANY)
        with pytest.raises(WorkerError, match="--max-models"):
            it.pool.acquire("c.onnx", ANY)
        gate.open.set()
        b.result(WAIT_S)


def test_a_model_whose_user_left_during_the_reload_counts(models: Path) -> None:
    (models / "c.onnx").write_bytes(STUB_MODEL + b"\x1a\x01c")
    gate = Gate()
    it = Pool(models, max_models=2)
    a = it.pool.acquire("a.onnx", ANY)
    it.gate = gate
    with ThreadPoolExecutor(2) as threads:
        b = threads.submit(it.pool.acquire, "b.onnx", ANY, instead=a)
        assert gate.entered.wait(WAIT_S)
        it.pool.release(a)
        it.gate = other = Gate()
        c = threads.submit(it.pool.acquire, "c.onnx", ANY)
        assert other.entered.wait(WAIT_S)
        assert it.held == 2
        for held, lease in ((gate, b), (other, c)):
            held.open.set()
            lease.result(WAIT_S)


def test_a_file_that_took_the_place_and_the_times_of_another_is_another_model(models: Path) -> None:
    it = Pool(models)
    path = models / "a.onnx"
    before = path.stat()
    first = it.pool.acquire("a.onnx", ANY)
    path.write_bytes(STUB_MODEL.replace(b"t", b"u"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert it.pool.acquire("a.onnx", ANY).model_id != first.model_id


def test_a_file_replaced_on_disk_is_another_model(models: Path) -> None:
    it = Pool(models)
    first = it.pool.acquire("a.onnx", ANY)
    (models / "new").write_bytes(STUB_MODEL + b"\x1a\x01n")
    (models / "new").replace(models / "a.onnx")
    second = it.pool.acquire("a.onnx", ANY)
    assert second.model_id != first.model_id
    assert second.pipeline is not first.pipeline


def test_models_end_outside_the_lock(models: Path) -> None:
    ended: list[Any] = []

    def discard(gone: list[Any]) -> None:
        # It would wait for ever.
        assert pool.acquire("b.onnx", ANY)
        ended.append(gone.pop().result())

    pool = ModelPool(ModelFiles([models]), fake_loader(), discard=discard)
    pool.acquire("b.onnx", ANY)
    a = pool.acquire("a.onnx", ANY)
    pool.release(a)
    pool.drop_unused()
    assert ended == [a.pipeline]


def test_static_models_are_shared_by_all_sizes_and_dynamic_ones_not(models: Path) -> None:
    static, dynamic = Pool(models), Pool(models, dynamic=True)
    for it in (static, dynamic):
        for size in (ANY, Size(640, 480), Size(320, 320), ANY):
            it.pool.acquire("a.onnx", size)
    assert len(static.loads) == 1
    assert len(dynamic.loads) == 3


def test_same_content_under_two_names_is_one_model(models: Path) -> None:
    (models / "copy.onnx").write_bytes(STUB_MODEL)
    it = Pool(models)
    assert it.pool.acquire("a.onnx", ANY).pipeline is it.pool.acquire("copy.onnx", ANY).pipeline


def test_a_required_provider_has_a_session_of_its_own(models: Path) -> None:
    it = Pool(models)
    free = it.pool.acquire("a.onnx", ANY)
    bound = it.pool.acquire("a.onnx", ANY, "CUDAExecutionProvider")
    assert bound.pipeline is not free.pipeline
    assert it.pool.acquire("a.onnx", ANY, "CUDAExecutionProvider").pipeline is bound.pipeline
    assert it.providers == ["", "CUDAExecutionProvider"]


def test_two_at_once_load_once(models: Path) -> None:
    gate = Gate()
    it = Pool(models, gate=gate)
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(it.pool.acquire, "a.onnx", ANY)
        assert gate.entered.wait(WAIT_S)
        second = threads.submit(it.pool.acquire, "a.onnx", ANY)
        gate.open.set()
        assert first.result(WAIT_S).pipeline is second.result(WAIT_S).pipeline
    assert len(it.loads) == 1


def test_failed_load_leaves_nothing_behind(models: Path) -> None:
    tries: list[str] = []

    def make(name: str) -> FakeEngine:
        tries.append(name)
        if len(tries) == 1:
            raise MemoryError
        return FakeEngine()

    pool = ModelPool(ModelFiles([models]), fake_loader(make))
    with pytest.raises(MemoryError):
        pool.acquire("a.onnx", ANY)
    assert not pool._entries
    pool.acquire("a.onnx", ANY)


def test_file_replaced_during_its_load(models: Path) -> None:
    def make(name: str) -> FakeEngine:
        (models / "a.onnx").write_bytes(STUB_MODEL * 2)
        return FakeEngine()

    with pytest.raises(WorkerError) as caught:
        ModelPool(ModelFiles([models]), fake_loader(make)).acquire("a.onnx", ANY)
    assert (caught.value.name, caught.value.retryable) == ("MODEL_CHANGED", True)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("{0: 'a', 1: 'b'}", ("a", "b")),
        ('{"0": "a", "2": "c"}', ("a", "class_1", "c")),
        ('["a", "b"]', ("a", "b")),
        # As JSON writes U+1F600, and half of it.
        (r'{"0": "\ud83d\ude00"}', ("\U0001f600",)),
        (r'["\ud83d"]', ("\ufffd",)),
        ("", None),
        ("[]", None),
        ("{}", None),
        ("{-1: 'a'}", None),
        ("{'a': 'b'}", None),
        ("{99999999999: 'a'}", None),
        ("__import__('os').system('true')", None),
        ("[" * 5000, None),
        ("3", None),
    ],
)
def test_names_of_metadata(text: str, names: tuple[str, ...] | None) -> None:
    assert parse_names(text) == names


def test_names_without_metadata() -> None:
    assert class_names({}, 80) == COCO
    assert class_names({"names": "['a']"}, 2) == ("class_0", "class_1")
