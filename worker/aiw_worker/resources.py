"""What this process may use and what it uses."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from aiw_worker.codec import Usage

_RSS_PERIOD_NS = 1_000_000_000
_CGROUP_ROOT = Path("/sys/fs/cgroup")
_CGROUP_SELF = Path("/proc/self/cgroup")


def available_threads() -> int:
    """Cores that this process may use: its CPU affinity, cut by the CPU quota of its control groups."""
    if sys.platform == "linux":
        cores = len(os.sched_getaffinity(0))
        quota = cpu_quota(_CGROUP_ROOT, _CGROUP_SELF)
        # Rounded down: a thread more than the quota gets all of them throttled.
        return max(1, min(cores, int(quota))) if quota else cores
    return os.cpu_count() or 1


def cpu_quota(root: Path, membership: Path) -> float | None:
    """The least CPU quota of the process's control groups (v1 or v2), in cores; None = no limit."""
    try:
        lines = membership.read_text().splitlines()
    except OSError:
        return None
    quotas = [
        quota
        for line in lines
        for folder, read in _controllers(root, line)
        for level in _upward(root, folder)
        if (quota := read(level)) is not None
    ]
    return min(quotas, default=None)


_Read = Callable[[Path], "float | None"]


def _controllers(root: Path, line: str) -> Iterator[tuple[Path, _Read]]:
    """Folders named by a line of /proc/self/cgroup ("0::/path" in v2, "1:cpu,cpuacct:/path" in v1)."""
    number, _, rest = line.partition(":")
    names, _, path = rest.partition(":")
    inner = path.lstrip("/")
    if number == "0" and not names:
        yield root / inner, _quota_v2
    elif "cpu" in names.split(","):
        yield root / names / inner, _quota_v1
        yield root / "cpu" / inner, _quota_v1


def _upward(root: Path, folder: Path) -> Iterator[Path]:
    """A folder and those above it up to the root: a limit holds for all below, and inside a container the
    path may be the host's, with only the root to be seen."""
    while folder.is_relative_to(root):
        yield folder
        if folder == root:
            return
        folder = folder.parent


def _quota_v2(folder: Path) -> float | None:
    try:
        quota, _, period = (folder / "cpu.max").read_text().partition(" ")
        return None if quota == "max" else int(quota) / int(period)
    except (OSError, ValueError, ZeroDivisionError):
        return None


def _quota_v1(folder: Path) -> float | None:
    try:
        quota = int((folder / "cpu.cfs_quota_us").read_text())
        period = int((folder / "cpu.cfs_period_us").read_text())
        return quota / period if quota > 0 else None
    except (OSError, ValueError, ZeroDivisionError):
        return None


class ResourceMeter:
    """CPU time and memory of this process, cheap enough to ask for with every frame."""

    def __init__(self) -> None:
        self._rss = 0
        self._next_ns = 0

    def usage(self) -> Usage:
        """CPU time as of now, microseconds; resident memory as of at most a second ago, bytes."""
        now = time.monotonic_ns()
        if now >= self._next_ns:
            self._next_ns = now + _RSS_PERIOD_NS
            self._rss = resident_bytes()
        return Usage(time.process_time_ns() // 1000, self._rss)


def allow_files(count: int) -> None:
    """Raises this process's bound on open files to `count`, or as far as the system lets it."""
    try:
        import resource  # noqa: PLC0415 - Unix only
    except ImportError:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count if hard == resource.RLIM_INFINITY else min(count, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def resident_bytes() -> int:
    """Resident memory of this process; its peak where the system has no /proc; 0 where it tells neither."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        pass
    try:
        import resource  # noqa: PLC0415 - Unix only
    except ImportError:
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
