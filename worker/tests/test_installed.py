"""The environment against its lock: markers, missing packages, damaged ones."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
import sys
from importlib.metadata import PathDistribution, distributions
from pathlib import Path

import pytest

from aiw_worker.installed import compare, pinned
from aiw_worker.markers import holds, own_environment

WORKER = Path(__file__).resolve().parents[1]
LINUX = {"python_full_version": "3.11.7", "sys_platform": "linux", "platform_machine": "x86_64"}


@pytest.mark.parametrize(
    ("marker", "truth"),
    [
        ("", True),
        ("python_full_version < '3.11'", False),
        ("python_full_version == '3.11.*'", True),
        ("python_full_version == '3.1.*'", False),
        ("python_full_version >= '3.12'", False),
        ("python_full_version >= '3.9'", True),
        ("python_full_version != '3.11.7'", False),
        (
            "python_full_version < '3.11' or (platform_machine == 'x86_64' and sys_platform == 'darwin')",
            False,
        ),
        (
            "python_full_version >= '3.11' and (platform_machine != 'x86_64' or sys_platform != 'darwin')",
            True,
        ),
    ],
)
def test_markers(marker: str, truth: bool) -> None:
    assert holds(marker, LINUX) is truth


@pytest.mark.parametrize(
    "marker",
    ["os_name == 'posix'", "sys_platform < 'x'", "sys_platform", "1 +", "__import__('os')", "a == b == c"],
)
def test_markers_that_are_not_known(marker: str) -> None:
    with pytest.raises(ValueError, match=r"marker|compared"):
        holds(marker, LINUX)


def test_pinned_takes_what_the_markers_admit() -> None:
    lock = (
        "# comment\n"
        "numpy==2.2.6 ; python_full_version < '3.11' \\\n    --hash=sha256:00\n"
        "numpy==2.4.6 ; python_full_version == '3.11.*' \\\n    --hash=sha256:00\n"
        "Imageio_FFmpeg==0.8.1 \\\n    --hash=sha256:00\n"
    )
    assert pinned(lock, LINUX) == {"numpy": "2.4.6", "imageio-ffmpeg": "0.8.1"}


def test_own_lock_can_be_read_on_every_platform() -> None:
    for name in ("requirements.lock", "requirements-dev.lock"):
        lock = (WORKER / name).read_text()
        for version in ("3.10.1", "3.11.7", "3.14.0"):
            for platform in ("linux", "darwin", "win32"):
                environment = {**own_environment(), "python_full_version": version, "sys_platform": platform}
                assert {"numpy", "onnxruntime", "protobuf"} <= pinned(lock, environment).keys()


def install(folder: Path, name: str, version: str) -> None:
    """A package of one module and one native library, as an installer leaves it."""
    info = folder / f"{name}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (folder / f"{name}.py").write_text("x = 1\n")
    (folder / f"{name}.so").write_bytes(b"library")
    lines = []
    for file in (folder / f"{name}.py", folder / f"{name}.so", info / "METADATA"):
        digest = base64.urlsafe_b64encode(hashlib.sha256(file.read_bytes()).digest()).decode().rstrip("=")
        lines.append(f"{file.relative_to(folder)},sha256={digest},{file.stat().st_size}")
    (info / "RECORD").write_text("\n".join([*lines, f"{info.name}/RECORD,,", ""]))


def found(folder: Path, **wanted: str) -> list[tuple[str | None, str | None]]:
    packages = compare(wanted, distributions(path=[str(folder)]))
    return [(package.found, package.damage) for package in packages]


def test_whole_package(tmp_path: Path) -> None:
    install(tmp_path, "thing", "1.0")
    assert found(tmp_path, thing="1.0") == [("1.0", None)]


def test_missing_and_other_version(tmp_path: Path) -> None:
    install(tmp_path, "thing", "1.0")
    assert found(tmp_path, other="1.0", thing="2.0") == [(None, None), ("1.0", None)]


def test_deleted_file(tmp_path: Path) -> None:
    install(tmp_path, "thing", "1.0")
    (tmp_path / "thing.so").unlink()
    assert found(tmp_path, thing="1.0") == [("1.0", "1 of its 4 files are missing (thing.so)")]


@pytest.mark.parametrize("content", [b"Library", b"longer than it was"])
def test_altered_file(tmp_path: Path, content: bytes) -> None:
    install(tmp_path, "thing", "1.0")
    (tmp_path / "thing.so").write_bytes(content)
    assert found(tmp_path, thing="1.0") == [("1.0", "thing.so was altered")]


def test_metadata_that_is_gone(tmp_path: Path) -> None:
    install(tmp_path, "thing", "1.0")
    info = tmp_path / "thing-1.0.dist-info"
    (info / "RECORD").unlink()
    assert found(tmp_path, thing="1.0") == [("1.0", "its list of files is missing")]
    # Only a folder's name is left: it counts as not installed, and is no error.
    (info / "METADATA").unlink()
    assert compare({"thing": "1.0"}, [PathDistribution(info)])[0].found is None
    shutil.rmtree(info)
    assert found(tmp_path, thing="1.0") == [(None, None)]


def test_module_prints_json_of_this_environment() -> None:
    command = [sys.executable, "-m", "aiw_worker.installed", "requirements-dev.lock"]
    done = subprocess.run(command, cwd=WORKER, check=True, capture_output=True, text=True)
    answer = json.loads(done.stdout)
    assert {package["name"] for package in answer["packages"]} >= {"numpy", "onnxruntime", "pytest"}
    assert any(line.startswith("numpy==") for line in answer["installed"])
