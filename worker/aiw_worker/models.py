"""Loaded models, shared between connections: loaded once, bounded, dropped when nobody uses them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import Protocol

from aiw_worker import log
from aiw_worker.config import DEFAULT_MODELS
from aiw_worker.counters import Count, Counters
from aiw_worker.datatypes import EngineOptions, Size
from aiw_worker.engines import open_engine
from aiw_worker.errors import Code, WorkerError
from aiw_worker.modelfiles import ModelFile, ModelFiles
from aiw_worker.pipeline import Pipeline

_RETRY_AFTER_MS = 1000

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
    # Its only user is loading another in its place.
    going: bool = False


@dataclass(frozen=True, slots=True)
class Lease:
    """A model in use. Give it back with ModelPool.release, once."""

    model_id: str
    pipeline: Pipeline
    entry: _Entry


class PoolListener(Protocol):
    """Told of loads, on the thread that loads."""

    def load_began(self) -> None:
        """A model is being loaded."""
        ...

    def load_ended(self, worked: bool) -> None:
        """It is loaded, or failed to be."""
        ...


class ModelPool:
    """Models by hash and input size. For any thread; acquire() alone may take as long as a load.

    A model that nobody uses stays, for whoever comes back, until its place is needed or drop_unused().
    """

    def __init__(
        self,
        files: ModelFiles,
        load: Loader,
        max_models: int = DEFAULT_MODELS,
        counters: Counters | None = None,
        discard: Callable[[list[Future[Pipeline]]], None] = list.clear,
    ) -> None:
        """A pool without models.

        Args:
            files: where they come from.
            load: makes one of them ready.
            max_models: how many may be loaded at once. One whose only user is loading another in its place
                doesn't count: it goes as soon as the other is there.
            counters: where to count.
            discard: gets the models that left the pool, in a list, and clears it where their end, which
                joins the engine's threads, holds nobody up.
        """
        self._files = files
        self._load = load
        self._max_models = max_models
        self._counters = counters or Counters()
        self._discard = discard
        self._lock = threading.Lock()
        # Those used last come last.
        self._entries: dict[_Key, _Entry] = {}
        # Hashes of models of static size.
        self._static: set[str] = set()
        self.listener: PoolListener | None = None

    @property
    def held(self) -> int:
        """Models loaded or being loaded."""
        return len(self._entries)

    def acquire(self, name: str, wanted: Size, provider: str = "", instead: Lease | None = None) -> Lease:
        """The model of that name for that input size (0 = its own), loaded if it isn't yet.

        Args:
            name: as the client calls it.
            wanted: input size, 0 = the model's own.
            provider: execution provider that must start; "" = whichever does.
            instead: what the caller gives back once it has this one.

        Raises:
            WorkerError: the file is refused (see ModelFiles.find), or can't be loaded; POOL_FULL.
        """
        file = self._files.find(name)
        with self._lock:
            key = _Key(file.sha256, None if file.sha256 in self._static else wanted, provider)
            entry = self._entries.get(key)
            mine = entry is None
            unused: list[_Entry] = []
            if entry is None:
                leaving = self._leaving(instead)
                unused = self._make_room(name, leaving)
                if leaving is not None:
                    leaving.going = True
                entry = self._entries[key] = _Entry(key)
            elif entry.going and len(self._entries) > self._max_models:
                raise self._full(name)
            elif entry.users:
                # It stays for this user.
                entry.going = False
            entry.users += 1
        # Their memory is needed now more than they are.
        self._drop(unused)
        if mine:
            try:
                self._fill(entry, file, wanted, name)
            finally:
                if leaving is not None:
                    leaving.going = False
        # Another thread may be loading it: its error is raised here too, and the entry is gone by then.
        return Lease(file.sha256, entry.loaded.result(), entry)

    def release(self, lease: Lease, keep: bool = True) -> None:
        """Gives a model back.

        Args:
            lease: what acquire() gave.
            keep: whether it is to stay loaded though nobody else uses it.
        """
        entry = lease.entry
        with self._lock:
            entry.users -= 1
            gone = entry.users == 0 and (not keep or len(self._entries) > self._max_models)
            if self._entries.get(entry.key) is entry:
                del self._entries[entry.key]
                if not gone:
                    self._entries[entry.key] = entry
        if gone:
            self._drop([entry])

    def drop_unused(self) -> int:
        """Lets go of the models that nobody uses; how many."""
        with self._lock:
            unused = self._unused()
            for entry in unused:
                del self._entries[entry.key]
        dropped = len(unused)
        self._drop(unused)
        return dropped

    def _unused(self) -> list[_Entry]:
        return [entry for entry in self._entries.values() if entry.users == 0]

    def _leaving(self, instead: Lease | None) -> _Entry | None:
        if instead is None or instead.entry.users != 1 or instead.entry.going:
            return None
        return instead.entry if self._entries.get(instead.entry.key) is instead.entry else None

    def _make_room(self, name: str, leaving: _Entry | None) -> list[_Entry]:
        """Takes out the unused that were used longest ago, as many as must go for one more."""
        staying = [
            entry
            for entry in self._entries.values()
            # Its user may have gone before what it loads was there; then it stays.
            if not (entry.going and entry.users) and entry is not leaving
        ]
        over = len(staying) + 1 - self._max_models
        if over <= 0:
            return []
        unused = self._unused()[:over]
        if len(unused) < over:
            raise self._full(name)
        for entry in unused:
            del self._entries[entry.key]
        return unused

    def _full(self, name: str) -> WorkerError:
        self._counters.add(Count.POOL_FULL)
        return WorkerError(
            Code.POOL_FULL,
            f"there is no room for model '{name}': the worker has {self._max_models} in use, as many as it "
            "takes (--max-models); try again later",
            _RETRY_AFTER_MS,
        )

    def _drop(self, entries: list[_Entry]) -> None:
        """Outside the lock: the end of a model takes its time. Empties the list, so that none is held on."""
        if entries:
            self._counters.add(Count.MODELS_UNLOADED, len(entries))
            models = [entry.loaded for entry in entries]
            entries.clear()
            self._discard(models)

    def _fill(self, entry: _Entry, file: ModelFile, wanted: Size, name: str) -> None:
        """Loads into the entry; when that fails, its error goes there and the entry out of the pool."""
        if self.listener is not None:
            self.listener.load_began()
        began = time.monotonic()
        try:
            pipeline = self._load(file, wanted, name, entry.key.provider)
            if not file.is_unchanged():
                raise WorkerError(
                    Code.MODEL_CHANGED, f"model '{name}' was replaced during its load; try again"
                )
        except BaseException as error:
            with self._lock:
                del self._entries[entry.key]
            self._counters.add(Count.MODEL_LOADS_FAILED)
            self._tell_ended(worked=False)
            entry.loaded.set_exception(error)
            return
        self._counters.loaded(round(1000 * (time.monotonic() - began)))
        log.info(
            "model loaded",
            model=name,
            sha256=file.sha256[:12],
            family=pipeline.info.family,
            input=str(pipeline.info.size),
        )
        if not pipeline.info.dynamic:
            self._share_for_all_sizes(entry)
        self._tell_ended(worked=True)
        entry.loaded.set_result(pipeline)

    def _tell_ended(self, worked: bool) -> None:
        if self.listener is not None:
            self.listener.load_ended(worked)

    def _share_for_all_sizes(self, entry: _Entry) -> None:
        shared = _Key(entry.key.sha256, None, entry.key.provider)
        with self._lock:
            self._static.add(shared.sha256)
            # Another size may have been asked for meanwhile; then both live until they are released.
            if shared not in self._entries:
                del self._entries[entry.key]
                entry.key = shared
                self._entries[shared] = entry
