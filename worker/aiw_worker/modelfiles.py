"""Model files: found inside the model directories, checked, and named by their hash."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from aiw_worker.errors import Code, WorkerError

_CHUNK_BYTES = 1 << 20
_LISTED = 8
# Top-level fields of ONNX's ModelProto (onnx.proto): 1 ir_version … 8 opset_import, 14, 20, 25, 26.
_MODEL_FIELDS = frozenset({*range(1, 9), 14, 20, 25, 26})


@dataclass(frozen=True, slots=True)
class FileIdentity:
    """Changes when a file is replaced or written."""

    path: Path
    device: int
    inode: int
    size: int
    mtime_ns: int
    # The one time that a copy does not bring along, where another file has the place of the former.
    ctime_ns: int


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A file that looks like a model."""

    identity: FileIdentity
    sha256: str

    @property
    def path(self) -> Path:
        """Real path, symlinks resolved."""
        return self.identity.path

    def is_unchanged(self) -> bool:
        """Whether the file is still the one that was hashed."""
        try:
            return identify(self.path) == self.identity
        except OSError:
            return False


class ModelFiles:
    """The model directories, and the hashes of what was read there."""

    def __init__(self, roots: Sequence[Path]) -> None:
        self.roots = tuple(dict.fromkeys(root.resolve() for root in roots))
        self._hashes: dict[FileIdentity, str] = {}

    def find(self, name: str) -> ModelFile:
        """The model of that name or absolute path, hashed. Reads the file only when it changed.

        Raises:
            WorkerError: MODEL_NOT_FOUND, MODEL_OUTSIDE_ROOTS, MODEL_NOT_A_FILE, MODEL_UNREADABLE,
                MODEL_EMPTY, MODEL_NOT_ONNX or MODEL_TRUNCATED.
        """
        path = self._resolve(name)
        try:
            identity = identify(path)
            known = self._hashes.get(identity)
            if known is None:
                with path.open("rb") as file:
                    _check_shape(file, identity.size, name)
                    known = _sha256(file)
                # A path has one current identity; older ones would only pile up. Replaced as a whole: other
                # threads may be reading it.
                others = {key: value for key, value in self._hashes.items() if key.path != path}
                self._hashes = {**others, identity: known}
        except OSError as error:
            reason = error.strerror or "it went away"
            raise WorkerError(
                Code.MODEL_UNREADABLE, f"model '{name}' can't be read: {reason}; check its permissions"
            ) from error
        return ModelFile(identity, known)

    def _resolve(self, name: str) -> Path:
        shown = name[:200]
        if not name or "\0" in name:
            raise WorkerError(Code.MODEL_NOT_FOUND, f"model_path {shown!r} names no model")
        outside = False
        # An absolute name replaces the root it is joined to, so one rule serves both.
        for root in self.roots:
            try:
                path = (root / name).resolve()
                exists = path.exists()
            except (OSError, RuntimeError, ValueError):
                # Too long, or a loop of symlinks.
                continue
            if not any(path.is_relative_to(allowed) for allowed in self.roots):
                outside = True
            elif exists:
                if not path.is_file():
                    raise WorkerError(
                        Code.MODEL_NOT_A_FILE, f"model '{shown}' is not a file; name the .onnx file itself"
                    )
                return path
        places = ", ".join(str(root) for root in self.roots)
        if outside:
            raise WorkerError(
                Code.MODEL_OUTSIDE_ROOTS,
                f"model '{shown}' lies outside the worker's model directories ({places}); add --model-dir",
            )
        raise WorkerError(Code.MODEL_NOT_FOUND, f"model '{shown}' is not in {places}{self._hint()}")

    def _hint(self) -> str:
        found: list[str] = []
        for root in self.roots:
            try:
                found += sorted(entry.name for entry in root.glob("*.onnx"))
            except OSError:
                continue
        if not found:
            return "; there is no .onnx file"
        more = f" and {len(found) - _LISTED} more" if len(found) > _LISTED else ""
        return f"; there are {', '.join(found[:_LISTED])}{more}"


def identify(path: Path) -> FileIdentity:
    """What tells whether a file is still the same.

    Raises:
        OSError: it is gone or can't be looked at.
    """
    info = path.stat()
    if not stat.S_ISREG(info.st_mode):
        raise OSError(0, "not a file", str(path))
    return FileIdentity(path, info.st_dev, info.st_ino, info.st_size, info.st_mtime_ns, info.st_ctime_ns)


def _sha256(file: BinaryIO) -> str:
    digest = hashlib.sha256()
    file.seek(0)
    while chunk := file.read(_CHUNK_BYTES):
        digest.update(chunk)
    return digest.hexdigest()


def _check_shape(file: BinaryIO, size: int, name: str) -> None:
    """Walks the top-level fields, to tell what was cut off from what never was a model.

    Cheap: lengths are skipped over. The graph itself is for the engine to judge.
    """
    if size == 0:
        raise WorkerError(Code.MODEL_EMPTY, f"model '{name}' is an empty file; copy or download it again")
    first = True
    while file.tell() < size:
        tag = _read_varint(file)
        if tag is None or tag >> 3 not in _MODEL_FIELDS or tag & 7 not in (0, 2):
            raise _not_onnx(name)
        value = _read_varint(file)
        if value is None:
            raise _cut(name, size)
        if tag & 7 == 2:
            if file.tell() + value > size:
                # In the very first field a length beyond the end says nothing about ONNX.
                raise _not_onnx(name) if first else _cut(name, size)
            file.seek(value, os.SEEK_CUR)
        first = False


def _not_onnx(name: str) -> WorkerError:
    return WorkerError(
        Code.MODEL_NOT_ONNX,
        f"model '{name}' is not an ONNX file; export it with: yolo export model=NAME.pt format=onnx",
    )


def _cut(name: str, size: int) -> WorkerError:
    return WorkerError(
        Code.MODEL_TRUNCATED, f"model '{name}' is cut off after {size} bytes; copy or download it again"
    )


def _read_varint(file: BinaryIO) -> int | None:
    value = 0
    for shift in range(0, 70, 7):
        byte = file.read(1)
        if not byte:
            return None
        value |= (byte[0] & 0x7F) << shift
        if byte[0] < 0x80:
            return value
    return None
