"""Loaded models, shared between connections: loaded once, counted, dropped when nobody uses them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field, replace

from aiw_worker import log
from aiw_worker.datatypes import EngineOptions, Size
from aiw_worker.engines import open_engine
from aiw_worker.errors import Code, WorkerError
from aiw_worker.modelfiles import ModelFile, ModelFiles
from aiw_worker.pipeline import Pipeline

# A file, the input size asked for, the name for messages, and the provider required ("" = any).
Loader = Callable[[ModelFile, Size, str, str], Pipeline]


def loader_for(options: EngineOptions) -> Loader:
    """Loads, recognises and warms up a model with an engine."""

    def load(file: ModelFile, wanted: Size, name: str, provider: str) -> Pipeline:
        engine = open_engine(file.path, replace(options, require_provider=provider))
        return Pipeline(engine, wanted, name)

    return load


@dataclass(frozen=True, slots=True)
class _Key:
    sha256: str
    # None for a model of static size, which is the same whatever is asked for.
    wanted: Size | None
    # The one that was required, which decides what runs it; "" = none was.
    provider: str


@dataclass(slots=True, eq=False)
class _Entry:
    key: _Key
    loaded: Future[Pipeline] = field(default_factory=Future)
    users: int = 0


@dataclass(frozen=True, slots=True)
class Lease:
    """A model in use. Give it back with ModelPool.release, once."""

    model_id: str
    pipeline: Pipeline
    entry: _Entry


class ModelPool:
    """Models by hash and input size. For any thread; acquire() may take as long as a load."""

    def __init__(self, files: ModelFiles, load: Loader) -> None:
        self._files = files
        self._load = load
        self._lock = threading.Lock()
        self._entries: dict[_Key, _Entry] = {}
        # Hashes of models of static size.
        self._static: set[str] = set()

    def acquire(self, name: str, wanted: Size, provider: str = "") -> Lease:
        """The model of that name for that input size (0 = its own), loaded if it isn't yet.

        Args:
            name: as the client calls it.
            wanted: input size, 0 = the model's own.
            provider: execution provider that must start; "" = whichever does.

        Raises:
            WorkerError: the file is refused (see ModelFiles.find), or can't be loaded.
        """
        file = self._files.find(name)
        with self._lock:
            key = _Key(file.sha256, None if file.sha256 in self._static else wanted, provider)
            entry = self._entries.get(key)
            mine = entry is None
            if entry is None:
                # Their memory is needed now more than they are.
                self._drop_unused()
                entry = self._entries[key] = _Entry(key)
            entry.users += 1
        if mine:
            self._fill(entry, file, wanted, name)
        # Another thread may be loading it: its error is raised here too, and the entry is gone by then.
        return Lease(file.sha256, entry.loaded.result(), entry)

    def release(self, lease: Lease) -> None:
        """Gives a model back. The last one stays loaded, for whoever reconnects."""
        entry = lease.entry
        with self._lock:
            entry.users -= 1
            if entry.users == 0 and len(self._entries) > 1:
                del self._entries[entry.key]

    def _fill(self, entry: _Entry, file: ModelFile, wanted: Size, name: str) -> None:
        """Loads into the entry; when that fails, its error goes there and the entry out of the pool."""
        try:
            pipeline = self._load(file, wanted, name, entry.key.provider)
            if not file.is_unchanged():
                raise WorkerError(
                    Code.MODEL_CHANGED, f"model '{name}' was replaced during its load; try again"
                )
        except BaseException as error:
            with self._lock:
                del self._entries[entry.key]
            entry.loaded.set_exception(error)
            return
        log.info(
            "model loaded",
            model=name,
            sha256=file.sha256[:12],
            family=pipeline.info.family,
            input=str(pipeline.info.size),
        )
        if not pipeline.info.dynamic:
            self._share_for_all_sizes(entry)
        entry.loaded.set_result(pipeline)

    def _share_for_all_sizes(self, entry: _Entry) -> None:
        shared = _Key(entry.key.sha256, None, entry.key.provider)
        with self._lock:
            self._static.add(shared.sha256)
            # Another size may have been asked for meanwhile; then both live until they are released.
            if shared not in self._entries:
                del self._entries[entry.key]
                entry.key = shared
                self._entries[shared] = entry

    def _drop_unused(self) -> None:
        for key in [key for key, entry in self._entries.items() if entry.users == 0]:
            del self._entries[key]
