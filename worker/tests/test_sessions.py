"""Session files: what is in them, and that they are whole whatever happens."""

from __future__ import annotations

import errno
import json
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import graphs
import numpy as np
import pytest
from client import Client
from conftest import end, port_of
from fakes import WAIT_S, FakeEngine, Gate, Timers, fail_after_warm_up, fake_loader
from hypothesis import given
from hypothesis import strategies as st

from aiw_worker.counters import Count, Counters
from aiw_worker.schema import Envelope
from aiw_worker.sessions.files import Ending, Header, LineFile, write_atomically
from aiw_worker.sessions.part import Part
from aiw_worker.sessions.recorder import Recorder
from aiw_worker.sessions.recovery import recover, unfinished
from aiw_worker.sessions.registry import Registry
from aiw_worker.sessions.summary import Latencies, Summary
from aiw_worker.sessions.writer import SessionWriter

PIXELS = np.zeros((8, 8, 3), np.uint8)
GRACE_S = 60


def record(seq: int = 1, us: int = 1000, classes: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        "seq": seq,
        "model_id": "m",
        "latency_ms": dict.fromkeys(("queue", "preprocess", "inference", "postprocess"), us / 1000),
        "detections": [{"class": name} for name in classes],
    }


def closed(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "session.json").read_text()))


def lines(folder: Path) -> list[dict[str, Any]]:
    data = (folder / "detections.ndjson").read_bytes()
    assert data == b"" or data.endswith(b"\n")
    return [json.loads(line) for line in data.splitlines()]


def settle(worker: Any) -> None:
    """Waits for all that the recorder was told until now."""
    done = threading.Event()
    worker.on_loop(lambda: worker.server._registry._recorder.submit(done.set))
    assert done.wait(WAIT_S)


def only(root: Path) -> Path:
    (folder,) = root.iterdir()
    return folder


# Figures


@given(st.lists(st.integers(0, 10**7), min_size=1, max_size=200))
def test_percentiles_keep_three_digits(values: list[int]) -> None:
    latencies = Latencies()
    for value in values:
        latencies.add(value)
    found = latencies.summary()
    ordered = sorted(values)
    assert found["count"] == len(values)
    assert found["max"] == ordered[-1] / 1000
    for percent in (50, 90, 95, 99):
        exact = ordered[-(-len(values) * percent // 100) - 1]
        assert found[f"p{percent}"] * 1000 == pytest.approx(exact, rel=0.0051, abs=1e-6)


def test_summary_adds_up() -> None:
    summary = Summary()
    summary.add(record(classes=("car", "person", "car")))
    summary.add({"model_id": "n", "error": {}})
    for bad in ([], {}, {"model_id": "x"}, {"model_id": "x", "latency_ms": {}, "detections": []}):
        with pytest.raises((KeyError, TypeError)):
            summary.add(bad)  # type: ignore[arg-type]
    values = summary.values()
    assert values["model_ids"] == ["m", "n"]
    assert values["frames"] == {"results": 1, "errors": 1}
    assert values["detections"] == {"total": 3, "by_class": {"car": 2, "person": 1}}
    assert values["latency_ms"]["worker"]["p50"] == 4
    assert values["latency_ms"]["queue"]["count"] == 1


# A disk that fails


class Disk:
    """For LineFile: writes until `room` bytes are used up, then as a full disk does."""

    def __init__(self, room: int) -> None:
        self.room = room

    def __call__(self, fd: int, data: bytes) -> int:
        if self.room == 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        written = os.write(fd, data[: self.room])
        self.room -= written
        return written


def test_no_half_line_on_a_full_disk(tmp_path: Path) -> None:
    disk = Disk(15)
    file = LineFile(tmp_path / "f", disk)
    file.append(b"0123456789\n")
    for _ in range(2):
        with pytest.raises(OSError, match="No space"):
            file.append(b"0123456789\n")
        assert (tmp_path / "f").read_bytes() == b"0123456789\n"
    disk.room = 99
    file.append(b"more\n")
    file.close()
    assert (tmp_path / "f").read_bytes() == b"0123456789\nmore\n"


def test_what_could_not_be_cut_off_at_once_is_cut_before_the_next_line(
    tmp_path: Path, monkeypatch: Any
) -> None:
    disk = Disk(5)
    file = LineFile(tmp_path / "f", disk)
    with monkeypatch.context() as patch:
        patch.setattr(os, "ftruncate", Disk(0))
        with pytest.raises(OSError, match="No space"):
            file.append(b"0123456789\n")
    disk.room = 99
    file.append(b"more\n")
    file.close()
    assert (tmp_path / "f").read_bytes() == b"more\n"


def test_full_disk_costs_records_and_one_warning(tmp_path: Path, caplog: Any) -> None:
    counters, disk = Counters(), Disk(0)
    writer = SessionWriter(tmp_path / "s", Header("s", "me", "t0"), counters, disk)
    writer.begin()
    for seq in range(3):
        writer.record(lambda seq=seq: record(seq))
    disk.room = 10**6
    writer.record(lambda: record(4, classes=("car",)))
    writer.end(Ending("t1", "end"))
    assert [found["seq"] for found in lines(tmp_path / "s")] == [4]
    assert closed(tmp_path / "s")["frames"] == {"results": 1, "errors": 0, "not_recorded": 3}
    assert counters[Count.SESSION_RECORDS_LOST] == 3
    assert counters[Count.SESSION_WRITES_FAILED] == 3
    assert sum("can't be written" in message for message in caplog.messages) == 1


def test_session_that_cannot_be_closed_stays_for_recovery(tmp_path: Path, monkeypatch: Any) -> None:
    counters = Counters()
    writer = SessionWriter(tmp_path / "s", Header("s", "me", "t0"), counters)
    writer.begin()
    writer.record(record)
    with monkeypatch.context() as patch:
        patch.setattr("json.dump", lambda value, file, indent: Disk(0)(0, b""))
        writer.end(Ending("t1", "end"))
    assert sorted(path.name for path in (tmp_path / "s").iterdir()) == ["detections.ndjson", "open.json"]
    recover(unfinished(tmp_path), counters)
    assert closed(tmp_path / "s")["reason"] == "recovered"
    assert closed(tmp_path / "s")["start"] == "t0"
    assert sorted(path.name for path in (tmp_path / "s").iterdir()) == ["detections.ndjson", "session.json"]
    assert unfinished(tmp_path) == []


def test_atomic_write_replaces_all_or_nothing(tmp_path: Path, monkeypatch: Any) -> None:
    write_atomically(tmp_path / "f", 1)
    monkeypatch.setattr(os, "fsync", Disk(0))
    with pytest.raises((OSError, TypeError)):
        write_atomically(tmp_path / "f", 2)
    assert json.loads((tmp_path / "f").read_text()) == 1


# Recovery


@given(data=st.data())
def test_recovery_keeps_whole_lines(tmp_path_factory: Any, data: Any) -> None:
    root = tmp_path_factory.mktemp("sessions")
    text = b"".join(json.dumps(record(seq, classes=("car",))).encode() + b"\n" for seq in range(4))
    cut = data.draw(st.integers(0, len(text)))
    (root / "s").mkdir()
    (root / "s" / "detections.ndjson").write_bytes(text[:cut])
    counters = Counters()
    recover(unfinished(root), counters)
    whole = text[:cut].count(b"\n")
    assert len(lines(root / "s")) == whole
    assert closed(root / "s")["frames"]["results"] == whole
    assert closed(root / "s")["detections"]["total"] == whole
    assert counters[Count.SESSIONS_RECOVERED] == 1


def test_recovery_takes_what_it_finds(tmp_path: Path) -> None:
    for name in ("garbage", "empty", "live", "done", "other"):
        (tmp_path / name).mkdir()
    (tmp_path / "garbage" / "open.json").write_bytes(b"\xff{")
    nested = b"[" * 100_000
    (tmp_path / "garbage" / "detections.ndjson").write_bytes(
        b"\xff\xfe\n[1]\nnull\n" + nested + b"\n{}\ntorn"
    )
    write_atomically(
        tmp_path / "empty" / "open.json", {"session_id": "empty", "client_id": "c", "start": "t"}
    )
    write_atomically(tmp_path / "done" / "session.json", 1)
    (tmp_path / "link").symlink_to(tmp_path / "garbage")
    (tmp_path / "file").write_text("")
    live = LineFile(tmp_path / "live" / "detections.ndjson")
    recover(unfinished(tmp_path), Counters())
    assert closed(tmp_path / "garbage")["frames"] == {"results": 0, "errors": 0, "damaged": 5}
    assert (tmp_path / "garbage" / "detections.ndjson").read_bytes().endswith(b"{}\n")
    assert closed(tmp_path / "empty")["client_id"] == "c"
    assert json.loads((tmp_path / "done" / "session.json").read_text()) == 1
    # Another worker's, which runs.
    assert not (tmp_path / "live" / "session.json").exists()
    assert list((tmp_path / "other").iterdir()) == []
    live.close()


def test_recovery_leaves_no_mark_whenever_the_worker_was_killed(tmp_path: Path) -> None:
    begun = {"session_id": "s", "client_id": "c", "start": "t"}
    # Before the mark was whole; and after the session was closed, before the mark was gone.
    for name in ("begun", "ended"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "detections.ndjson").write_bytes(b"")
    (tmp_path / "begun" / "open.json.tmp").write_text("{")
    write_atomically(tmp_path / "ended" / "open.json", begun)
    write_atomically(tmp_path / "ended" / "session.json", {"reason": "end"})
    recover(unfinished(tmp_path), Counters())
    for name in ("begun", "ended"):
        files = sorted(path.name for path in (tmp_path / name).iterdir())
        assert files == ["detections.ndjson", "session.json"]
    assert closed(tmp_path / "begun")["reason"] == "recovered"
    assert closed(tmp_path / "ended") == {"reason": "end"}
    assert unfinished(tmp_path) == []


def test_recovery_leaves_the_sessions_of_agents(tmp_path: Path) -> None:
    for name in ("s", ".s.0123456789abcdef.part"):
        (tmp_path / name).mkdir()
        header = {"session_id": "s", "camera": "door", "client_id": "door", "start": "t", "owner": None}
        write_atomically(tmp_path / name / "open.json", header)
        (tmp_path / name / "detections.ndjson").write_bytes(b"half")
    assert unfinished(tmp_path) == []


def test_session_that_was_closed_meanwhile_is_not_recovered(tmp_path: Path) -> None:
    writer = SessionWriter(tmp_path / "s", Header("s", "me", "t0"), Counters())
    writer.begin()
    folders = unfinished(tmp_path)
    writer.end(Ending("t1", "end"))
    recover(folders, Counters())
    assert closed(tmp_path / "s")["reason"] == "end"


def test_recovered_session_does_not_end_before_its_start(tmp_path: Path) -> None:
    start = "2026-11-22T10:00:00.003Z"
    (tmp_path / "s").mkdir()
    write_atomically(tmp_path / "s" / "open.json", {"session_id": "s", "client_id": "c", "start": start})
    (tmp_path / "s" / "detections.ndjson").write_bytes(b"")
    # 4 ms of a coarse clock earlier.
    os.utime(tmp_path / "s" / "detections.ndjson", (0, 1795341599.999))
    recover(unfinished(tmp_path), Counters())
    assert closed(tmp_path / "s")["end"] == start


# The registry


class Nobody:
    """See registry.Owner."""

    def __init__(self) -> None:
        self.evictions = 0

    def evicted(self) -> None:
        self.evictions += 1


def test_those_that_are_away_are_bounded(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("aiw_worker.sessions.registry._MAX_AWAY", 2)
    timers, recorder = Timers(), Recorder()
    registry = Registry(
        tmp_path, recorder, Counters(), call_later=timers.call_later, grace_s=GRACE_S, now=lambda: 0.0
    )
    sessions = [registry.begin(Nobody(), "") for _ in range(3)]
    for session in sessions:
        registry.leave(session)
    assert len(timers.waiting) == 2
    registry.claim(sessions[2].session_id, Nobody())
    timers.advance(GRACE_S)
    registry.close(WAIT_S)
    reasons = [closed(tmp_path / session.session_id)["reason"] for session in sessions]
    assert reasons == ["disconnected", "disconnected", "stopped"]
    assert closed(tmp_path / sessions[0].session_id)["start"] == "1970-01-01T00:00:00.000Z"


def test_records_beyond_what_may_wait_are_left_out(tmp_path: Path) -> None:
    held, recorder = threading.Event(), Recorder(max_waiting=3)
    registry = Registry(tmp_path, recorder, Counters(), call_later=Timers().call_later, grace_s=GRACE_S)
    recorder.submit(lambda: held.wait(WAIT_S) and None)
    session = registry.begin(Nobody(), "")
    for seq in range(20):
        registry.record(session, lambda seq=seq: record(seq))
    held.set()
    registry.close(WAIT_S)
    frames = closed(tmp_path / session.session_id)["frames"]
    assert frames["results"] + frames["not_recorded"] == 20
    assert 0 < frames["results"] <= 3


def test_no_session_begins_where_as_much_waits_as_may(tmp_path: Path) -> None:
    held, recorder, counters = threading.Event(), Recorder(max_waiting=3), Counters()
    registry = Registry(tmp_path, recorder, counters, call_later=Timers().call_later, grace_s=GRACE_S)
    recorder.submit(lambda: held.wait(WAIT_S) and None)
    sessions = [registry.begin(Nobody(), "") for _ in range(20)]
    begun = [session for session in sessions if session is not None]
    assert 0 < len(begun) <= 4
    assert counters[Count.SESSIONS_NOT_RECORDED] == 20 - len(begun)
    for _ in range(20):
        registry.uses(begun[0], "a")
    assert recorder.full
    held.set()
    registry.close(WAIT_S)
    assert len(list(tmp_path.iterdir())) == len(begun)
    part = Part(registry, lambda: None)
    recorder._max_waiting = 0
    assert part.began("", "a") == ""


# A worker


@pytest.fixture
def recording(start_worker: Any, tmp_path: Path) -> Callable[..., Any]:
    """Starts workers that record."""

    def start(load: Any = None, timers: Timers | None = None, **settings: Any) -> Any:
        root = tmp_path / "sessions"
        root.mkdir(exist_ok=True)
        return start_worker(
            load, timers=timers, settings={"sessions_dir": root, **settings}, session_grace=GRACE_S
        )

    return start


def test_end_closes_the_files(recording: Any, tmp_path: Path) -> None:
    worker = recording()
    with Client(worker.port, Envelope) as client:
        ok = client.start("a.onnx", client_id="the door")
        assert ok.session_id
        client.detect(1, PIXELS)
        client.frame(2, b"short", width=8, height=8, pix_fmt="RGB")
        client.refused(2)
        # Another model in the same session.
        assert client.start("b.onnx", session_id=ok.session_id).session_id == ok.session_id
        assert client.start("b.onnx").session_id == ok.session_id
        client.detect(2**64 - 1, PIXELS)
        client.end()
        client.frame(4, PIXELS)
        client.refused(4)
        settle(worker)
        folder = tmp_path / "sessions" / ok.session_id
        first, second, third = lines(folder)
        assert first["schema"] == "aiw.detections/1"
        assert (first["source"], first["seq"]) == ("the door", 1)
        assert (first["time"], first["width"]) == ("2026-01-01T00:00:01Z", 8)
        assert first["latency_ms"]["total"] is None
        assert first["latency_ms"]["inference"] >= 0
        (found,) = first["detections"]
        assert (found["class"], found["class_id"], found["confidence"]) == ("class_1", 1, 0.9)
        assert set(found["box"]) == {"x", "y", "w", "h"}
        assert second["error"]["code"] == "FRAME_SIZE"
        assert third["seq"] == 2**64 - 1
        values = closed(folder)
        assert values["schema"] == "aiw.session/1"
        assert (values["session_id"], values["client_id"]) == (ok.session_id, "the door")
        assert values["reason"] == "end"
        assert values["start"] <= values["end"]
        assert len(values["model_ids"]) == 2
        assert values["model_id"] == third["model_id"] == values["model_ids"][1]
        assert values["frames"] == {"results": 2, "errors": 1, "not_recorded": 0}
        assert values["detections"] == {"total": 2, "by_class": {"class_1": 2}}
        assert values["latency_ms"]["inference"]["count"] == 2
        assert not (folder / "open.json").exists()
        # It can't be taken up again, and another begins.
        client.init("a.onnx", session_id=ok.session_id)
        assert client.expect("error").name == "SESSION_UNKNOWN"
        assert client.start("a.onnx").session_id != ok.session_id


def test_client_that_comes_back_in_time_goes_on(recording: Any, tmp_path: Path) -> None:
    timers = Timers()
    worker = recording(timers=timers)
    with Client(worker.port, Envelope) as client:
        session = client.start("a.onnx").session_id
        client.detect(1, PIXELS)
    wait_until_away(worker)
    worker.on_loop(lambda: timers.advance(GRACE_S - 1))
    with Client(worker.port, Envelope) as client:
        # What comes to nothing starts the grace time over.
        client.init("missing.onnx", session_id=session)
        assert client.expect("error").name == "MODEL_NOT_FOUND"
        worker.on_loop(lambda: timers.advance(GRACE_S - 1))
        assert client.start("a.onnx", session_id=session).session_id == session
        worker.on_loop(lambda: timers.advance(GRACE_S))
        client.detect(2, PIXELS)
    wait_until_away(worker)
    worker.on_loop(lambda: timers.advance(GRACE_S))
    settle(worker)
    folder = only(tmp_path / "sessions")
    assert [found["seq"] for found in lines(folder)] == [1, 2]
    assert closed(folder)["reason"] == "disconnected"
    with Client(worker.port, Envelope) as client:
        client.init("a.onnx", session_id=session)
        assert client.expect("error").name == "SESSION_UNKNOWN"


def wait_until_away(worker: Any) -> None:
    """The worker has seen that no client is left."""
    gone = worker.server._empty
    worker.wait_for(gone)


def test_client_comes_back_before_its_loss_is_noticed(recording: Any, tmp_path: Path) -> None:
    worker = recording(max_clients=1, max_models=1)
    with Client(worker.port, Envelope) as old, Client(worker.port, Envelope) as new:
        session = old.start("a.onnx").session_id
        old.detect(1, PIXELS)
        assert new.start("a.onnx", session_id=session).session_id == session
        assert old.expect("error").name == "SESSION_MOVED"
        assert old.ended()
        new.detect(2, PIXELS)
        new.end()
        new.frame(3, PIXELS)
        new.refused(3)
    settle(worker)
    folder = only(tmp_path / "sessions")
    assert [found["seq"] for found in lines(folder)] == [1, 2]
    assert closed(folder)["reason"] == "end"


def test_session_without_a_frame_has_a_model_too(recording: Any, tmp_path: Path) -> None:
    worker = recording()
    with Client(worker.port, Envelope) as client:
        first = client.start("a.onnx").model_id
        last = client.start("b.onnx").model_id
        client.start("a.onnx")
        client.end()
        client.frame(1, PIXELS)
        client.refused(1)
    settle(worker)
    values = closed(only(tmp_path / "sessions"))
    assert (values["model_id"], values["model_ids"]) == (first, [last, first])
    assert values["latency_ms"]["worker"] == {"count": 0}


def test_whoever_loses_what_it_asked_for_gives_up_what_it_had(recording: Any, tmp_path: Path) -> None:
    gate, timers = Gate(), Timers()

    def make(name: str) -> FakeEngine:
        if name == "b.onnx":
            gate.pass_through()
        return FakeEngine()

    worker = recording(fake_loader(make), timers)
    with Client(worker.port, Envelope) as one:
        wanted = one.start("a.onnx").session_id
    wait_until_away(worker)
    with Client(worker.port, Envelope) as two, Client(worker.port, Envelope) as three:
        had = two.start("a.onnx").session_id
        two.init("b.onnx", session_id=wanted)
        assert gate.entered.wait(WAIT_S)
        assert three.start("a.onnx", session_id=wanted).session_id == wanted
        assert two.expect("error").name == "SESSION_MOVED"
        gate.open.set()
        worker.on_loop(lambda: timers.advance(GRACE_S))
        settle(worker)
        assert closed(tmp_path / "sessions" / had)["reason"] == "disconnected"
        three.detect(1, PIXELS)


def test_another_session_takes_the_place_of_the_former(recording: Any, tmp_path: Path) -> None:
    worker = recording()
    with Client(worker.port, Envelope) as one:
        wanted = one.start("a.onnx").session_id
    wait_until_away(worker)
    with Client(worker.port, Envelope) as two:
        had = two.start("a.onnx").session_id
        assert two.start("a.onnx", session_id=wanted).session_id == wanted
        settle(worker)
        assert closed(tmp_path / "sessions" / had)["reason"] == "replaced"
        two.detect(1, PIXELS)


def test_no_id_leads_out_of_the_folder(recording: Any, tmp_path: Path) -> None:
    worker = recording()
    (tmp_path / "outside").mkdir()
    with Client(worker.port, Envelope) as client:
        for name in ("../outside", "..", ".", "/etc", str(tmp_path / "outside"), "a\0b", "x" * 10_000, "a/b"):
            client.init("a.onnx", session_id=name)
            error = client.expect("error")
            assert error.name == "SESSION_UNKNOWN"
            assert len(error.message) < 400
    assert list((tmp_path / "sessions").iterdir()) == []
    assert list((tmp_path / "outside").iterdir()) == []


def test_failed_inference_is_recorded(recording: Any, tmp_path: Path) -> None:
    worker = recording(fake_loader(lambda name: FakeEngine(on_run=fail_after_warm_up())))
    with Client(worker.port) as client:
        client.start("a.onnx")
        client.frame(1, PIXELS)
        client.refused(1)
    settle(worker)
    assert lines(only(tmp_path / "sessions"))[0]["error"]["code"] == "INFERENCE_FAILED"


def test_stopping_closes_all_sessions(recording: Any, tmp_path: Path) -> None:
    worker = recording()
    with Client(worker.port) as client:
        client.start("a.onnx")
        client.detect(1, PIXELS)
        worker.begin_stop()
        assert client.ended()
    assert closed(only(tmp_path / "sessions"))["reason"] == "stopped"


def test_without_a_folder_ids_mean_nothing(start_worker: Any) -> None:
    worker = start_worker()
    with Client(worker.port, Envelope) as client:
        assert client.start("a.onnx", session_id="of a worker before").session_id == ""


def test_killed_worker_recovers_at_its_next_start(spawn: Any, tmp_path: Path) -> None:
    graphs.dynamic_yolo11(tmp_path / "m.onnx")
    arguments = ("--port", "0", "--sessions-dir", "kept", "--exit-with-stdin", "--log-format", "json")
    process = spawn(*arguments)
    with Client(port_of(process), Envelope) as client:
        session = client.start("m.onnx").session_id
        folder = tmp_path / "kept" / session
        client.detect(1, PIXELS)
        # Recorded in order, so that the first is written once the second is answered with a line there.
        while not lines(folder):
            client.detect(2, PIXELS)
        process.send_signal(signal.SIGKILL)
        process.wait(WAIT_S)
    assert not (folder / "session.json").exists()
    with (folder / "detections.ndjson").open("ab") as file:
        file.write(b'{"torn')
    process = spawn(*arguments)
    port_of(process)
    for line in process.stderr:
        if '"session recovered"' in line:
            break
    assert closed(folder)["reason"] == "recovered"
    assert closed(folder)["frames"]["results"] == len(lines(folder)) >= 1
    end(process)


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="Linux only")
def test_inference_goes_on_when_nothing_more_can_be_written(spawn: Any, tmp_path: Path) -> None:
    """A limit on the size of files is met as a full disk is: a write in part, then none."""
    resource = pytest.importorskip("resource")
    graphs.dynamic_yolo11(tmp_path / "m.onnx")
    process = spawn("--port", "0", "--sessions-dir", "kept", "--exit-with-stdin")
    limit = 1000
    with Client(port_of(process), Envelope) as client:
        folder = tmp_path / "kept" / client.start("m.onnx").session_id
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        for seq in range(30):
            client.detect(seq, PIXELS)
        client.end()
        client.frame(31, PIXELS)
        client.refused(31)
        _, err = end(process)
    assert err.count("can't be written") == 1
    written = lines(folder)
    assert 0 < len(written) < 30
    assert (folder / "detections.ndjson").stat().st_size <= limit
