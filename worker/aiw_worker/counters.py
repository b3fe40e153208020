"""What happened how often, since the start. Plain numbers, for any thread."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from enum import Enum

from aiw_worker.errors import Code
from aiw_worker.histogram import Histogram

# Milliseconds.
_LOAD_MS = (50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 120_000, 300_000)


class Count(Enum):
    """Everything that is counted, by its stable name."""

    TRANSITIONS_TO_IDLE = "transitions_to_idle"
    TRANSITIONS_TO_LOADING = "transitions_to_loading"
    TRANSITIONS_TO_READY = "transitions_to_ready"
    TRANSITIONS_TO_SESSION_ACTIVE = "transitions_to_session_active"
    MODELS_LOADED = "models_loaded"
    MODEL_LOADS_FAILED = "model_loads_failed"
    MODELS_UNLOADED = "models_unloaded"
    POOL_FULL = "pool_full"
    SESSIONS_BEGUN = "sessions_begun"
    SESSIONS_RESUMED = "sessions_resumed"
    SESSIONS_CLOSED = "sessions_closed"
    SESSIONS_RECOVERED = "sessions_recovered"
    SESSIONS_NOT_RECORDED = "sessions_not_recorded"
    SESSION_RECORDS_LOST = "session_records_lost"
    SESSION_WRITES_FAILED = "session_writes_failed"
    FRAMES_REFUSED = "frames_refused"
    CLIENTS_FELL_SILENT = "clients_fell_silent"


class Counters:
    """Counts since the start.

    Attributes:
        model_load: milliseconds that loads took which worked; add with `loaded`.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[Count] = Counter()
        self._errors: Counter[Code] = Counter()
        self.model_load = Histogram(_LOAD_MS)

    def add(self, count: Count, by: int = 1) -> None:
        """Counts what happened."""
        with self._lock:
            self._counts[count] += by

    def told(self, error: Code) -> None:
        """Counts an Error that a client was told, or would have been if there were a way."""
        with self._lock:
            self._errors[error] += 1

    def loaded(self, milliseconds: int) -> None:
        """Counts a model that was loaded."""
        with self._lock:
            self._counts[Count.MODELS_LOADED] += 1
            self.model_load.add(milliseconds)

    def __getitem__(self, count: Count) -> int:
        """How often it happened."""
        with self._lock:
            return self._counts[count]

    def errors(self) -> Mapping[Code, int]:
        """How often each error was told; those that never were are left out."""
        with self._lock:
            return dict(self._errors)

    def snapshot(self) -> Mapping[str, int]:
        """All of them by name, those that are 0 too."""
        with self._lock:
            return {count.value: self._counts[count] for count in Count}
