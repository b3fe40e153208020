"""What happened how often, since the start. Plain numbers, for any thread."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from enum import Enum


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


class Counters:
    """Counts since the start."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[Count] = Counter()

    def add(self, count: Count, by: int = 1) -> None:
        """Counts what happened."""
        with self._lock:
            self._counts[count] += by

    def __getitem__(self, count: Count) -> int:
        """How often it happened."""
        with self._lock:
            return self._counts[count]

    def snapshot(self) -> Mapping[str, int]:
        """All of them by name, those that are 0 too."""
        with self._lock:
            return {count.value: self._counts[count] for count in Count}
