"""Settings, and what the process may use."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path

import pytest

from aiw_worker.config import parse_config
from aiw_worker.errors import Code, WorkerError, one_line
from aiw_worker.log import JsonFormatter, PrettyFormatter, names_of
from aiw_worker.resources import ResourceMeter, available_threads, cpu_quota


def test_flag_before_environment_before_default(tmp_path: Path) -> None:
    default = parse_config([], {})
    assert (default.host, default.port, default.threads, default.engine) == ("127.0.0.1", 7001, 0, "auto")
    assert default.device == "auto"
    assert Path.cwd() in default.model_dirs
    env = {"BIND_HOST": "0.0.0.0", "BIND_PORT": "9", "AIW_INSECURE": "1"}
    found = parse_config([], env)
    assert (found.host, found.port, found.insecure) == ("0.0.0.0", 9, True)
    found = parse_config(["--host", "::1", "--port", "0", "--model-dir", str(tmp_path)], env)
    assert (found.host, found.port, found.model_dirs) == ("::1", 0, (tmp_path,))


def test_lifecycle_settings(tmp_path: Path) -> None:
    default = parse_config([], {})
    assert (default.max_models, default.idle_timeout_s, default.sessions_dir) == (4, 60, None)
    env = {"IDLE_TIMEOUT_SEC": "5"}
    assert parse_config([], env).idle_timeout_s == 5
    folder = tmp_path / "not" / "yet"
    found = parse_config(["--idle-timeout", "0", "--max-models", "1", "--sessions-dir", str(folder)], env)
    assert (found.max_models, found.idle_timeout_s, found.sessions_dir) == (1, 0, folder.resolve())
    assert folder.is_dir()


def test_bad_lifecycle_settings_are_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for arguments, env, word in (
        (["--max-models", "0"], {}, "--max-models"),
        (["--idle-timeout", "-1"], {}, "--idle-timeout"),
        ([], {"IDLE_TIMEOUT_SEC": "soon"}, "IDLE_TIMEOUT_SEC"),
        (["--sessions-dir", str(tmp_path / "file")], {}, "--sessions-dir"),
        (["--sessions-dir", str(tmp_path / "file" / "inner")], {}, "--sessions-dir"),
    ):
        with pytest.raises(WorkerError, match=word) as caught:
            parse_config(arguments, env)
        assert caught.value.kind is Code.USAGE


def test_device_is_one_that_is_known() -> None:
    assert parse_config(["--device", "cuda"], {}).device == "cuda"
    with pytest.raises(WorkerError, match="--device"):
        parse_config(["--device", "gpu"], {})


def test_bad_environment_is_named() -> None:
    with pytest.raises(WorkerError) as caught:
        parse_config([], {"BIND_PORT": "many"})
    assert "BIND_PORT" in caught.value.message


@pytest.mark.parametrize(
    ("membership", "files", "quota"),
    [
        ("0::/a/b\n", {"a/b/cpu.max": "max 100000", "a/cpu.max": "150000 100000"}, 1.5),
        # As a container sees it: the host's path, of which only the root is there.
        ("0::/docker/xyz\n", {"cpu.max": "200000 100000\n"}, 2),
        ("0::/\n", {"cpu.max": "max 100000\n"}, None),
        (
            "3:cpuset:/\n4:cpu,cpuacct:/x\n",
            {"cpu,cpuacct/x/cpu.cfs_quota_us": "50000", "cpu,cpuacct/x/cpu.cfs_period_us": "100000"},
            0.5,
        ),
        ("1:cpu:/\n", {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, None),
        ("0::/\n", {"cpu.max": "nonsense"}, None),
        ("garbage\n", {}, None),
    ],
)
def test_cpu_quota(tmp_path: Path, membership: str, files: dict[str, str], quota: float | None) -> None:
    root = tmp_path / "cgroup"
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    own = tmp_path / "self"
    own.write_text(membership)
    assert cpu_quota(root, own) == quota
    assert cpu_quota(root, tmp_path / "missing") is None


def test_resources_of_this_process() -> None:
    assert available_threads() >= 1
    usage = ResourceMeter().usage()
    assert usage.cpu_us > 0
    assert usage.rss_bytes > 1_000_000


def test_error_codes_are_unique() -> None:
    codes = [kind.value.code for kind in Code]
    assert len(codes) == len(set(codes))
    assert len(Code) == len(Code.__members__)


def test_one_line() -> None:
    assert one_line(ValueError("first   line\nsecond")) == "first line"
    assert one_line(KeyError()) == "KeyError"
    assert len(one_line(ValueError("x" * 1000))) == 240


def test_log_is_one_line_a_record() -> None:
    record = logging.LogRecord("n", logging.WARNING, "f", 1, "two\nlines", None, None)
    record.fields = {"model": "a\nb"}
    entry = json.loads(JsonFormatter().format(record))
    assert (entry["level"], entry["msg"], entry["model"]) == (40, "two\nlines", "a\nb")
    # As pino has it.
    assert (entry["name"], entry["pid"]) == ("aiw-worker", os.getpid())
    assert abs(entry["time"] - 1000 * record.created) < 2
    assert "\n" not in PrettyFormatter().format(record)


def test_log_keeps_its_own_keys_and_has_the_levels_of_pino() -> None:
    numbers = {}
    for level in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR):
        record = logging.LogRecord("n", level, "f", 1, "said", None, None)
        record.fields = {"name": "x", "time": 0, "pid": 0, "level": 0, "msg": "y", "seq": 7}
        entry = json.loads(JsonFormatter().format(record))
        assert (entry["name"], entry["name_"], entry["msg"], entry["seq"]) == ("aiw-worker", "x", "said", 7)
        numbers[level] = entry["level"]
    assert list(numbers.values()) == [20, 30, 40, 50]


def test_names_of_a_client() -> None:
    assert names_of("") == {}
    assert names_of("front") == {"client": "front", "camera": "front"}
    assert names_of("agent:front", "s1") == {"client": "agent:front", "camera": "front", "session": "s1"}
    assert len(names_of("x" * 70_000)["client"]) == 256


@pytest.mark.parametrize("text", ["127.0.0.1:9101", "[::1]:0", "localhost:65535"])
def test_metrics_address(text: str) -> None:
    found = parse_config(["--metrics", text], {}).metrics
    assert str(found) == text


@pytest.mark.parametrize(
    "text", ["9101", ":9101", "127.0.0.1", "h:65536", "h:-1", "::1:9101", "h:", "h:9101/x", ""]
)
def test_metrics_address_that_is_none(text: str) -> None:
    with pytest.raises(WorkerError) as caught:
        parse_config(["--metrics", text], {})
    assert caught.value.kind is Code.USAGE
    assert f"--metrics is '{text}'" in caught.value.message
    assert "HOST:PORT" in caught.value.message
