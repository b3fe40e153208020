"""`python -m aiw_worker.installed LOCK`: this environment's packages against a lock file, as JSON.

Standard library only: it must run where any package is missing or damaged.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import Distribution, PackagePath, distributions
from pathlib import Path

from aiw_worker.markers import holds, own_environment

_PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)\s*(?:;\s*([^\\]*))?")
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Package:
    """A package that the lock names. `found` None = not installed; `damage` says what is wrong with it."""

    name: str
    wanted: str
    found: str | None
    damage: str | None


def pinned(lock: str, environment: Mapping[str, str]) -> dict[str, str]:
    """The versions that a lock file pins for an environment, by normalised name."""
    lines = (_PINNED.match(line) for line in lock.splitlines())
    return {_normal(match[1]): match[2] for match in lines if match and holds(match[3] or "", environment)}


def compare(wanted: Mapping[str, str], installed: Iterable[Distribution]) -> list[Package]:
    """Each package wanted, as it is found."""
    found: dict[str, Distribution] = {}
    for distribution in installed:
        # The first on the path is the one that is imported.
        found.setdefault(_name(distribution), distribution)
    packages = []
    for name, version in sorted(wanted.items()):
        there = found.get(name)
        packages.append(
            Package(name, version, None, None)
            if there is None
            else Package(name, version, _version(there), damage(there))
        )
    return packages


def damage(distribution: Distribution) -> str | None:
    """What is wrong with the files of a distribution, or None: each must be there, with its recorded hash."""
    files = distribution.files
    if files is None:
        return "its list of files is missing"
    missing = [file for file in files if not Path(file.locate()).is_file()]
    if missing:
        return f"{len(missing)} of its {len(files)} files are missing ({missing[0]})"
    for file in files:
        try:
            if not _is_as_recorded(file):
                return f"{file} was altered"
        except OSError as error:
            return f"{file} can't be read ({error.strerror})"
    return None


def _is_as_recorded(file: PackagePath) -> bool:
    path = Path(file.locate())
    if file.size is not None and path.stat().st_size != file.size:
        return False
    if file.hash is None or file.hash.mode != "sha256":
        return True
    digest = hashlib.sha256()
    with path.open("rb") as content:
        while chunk := content.read(_CHUNK_BYTES):
            digest.update(chunk)
    return base64.urlsafe_b64encode(digest.digest()).decode().rstrip("=") == file.hash.value


def _name(distribution: Distribution) -> str:
    # A folder whose metadata was deleted has no name, although types say so.
    return _normal(str(distribution.metadata["Name"] or ""))


def _version(distribution: Distribution) -> str:
    return str(distribution.metadata["Version"] or "unknown")


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def main() -> None:
    """Prints {"packages": [...], "installed": ["name==version", ...]}."""
    lock = Path(sys.argv[1]).read_text(encoding="utf-8")
    installed = list(distributions())
    packages = compare(pinned(lock, own_environment()), installed)
    everything = {f"{_name(each)}=={_version(each)}" for each in installed if _name(each)}
    print(json.dumps({"packages": [asdict(each) for each in packages], "installed": sorted(everything)}))


if __name__ == "__main__":
    main()
