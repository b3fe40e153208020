"""Every metric of the worker but the histograms: its name, what it says, and where the number comes from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from aiw_worker.admission import Admission
from aiw_worker.counters import Count, Counters
from aiw_worker.lifecycle import Lifecycle
from aiw_worker.progress import Progress


@dataclass(frozen=True, slots=True)
class Watched:
    """What is looked at when a scrape comes. All of it may be read on any thread.

    Attributes:
        models_held: models loaded or being loaded.
        about: labels that say what this worker is.
    """

    lifecycle: Lifecycle
    admission: Admission
    counters: Counters
    progress: Progress
    models_held: Callable[[], int]
    about: Mapping[str, str]


# Counted by counters.Count; each has its line here, which a test holds us to.
COUNTS: Mapping[Count, tuple[str, str]] = {
    Count.TRANSITIONS_TO_IDLE: ("transitions_to_idle", "Times that the last model was unloaded."),
    Count.TRANSITIONS_TO_LOADING: (
        "transitions_to_loading",
        "Times that a load began while no client had a model.",
    ),
    Count.TRANSITIONS_TO_READY: (
        "transitions_to_ready",
        "Times that a model was there and no client had it any more, or not yet.",
    ),
    Count.TRANSITIONS_TO_SESSION_ACTIVE: (
        "transitions_to_session_active",
        "Times that a client got a model while no other had one.",
    ),
    Count.MODELS_LOADED: ("worker_models_loaded", "Models loaded."),
    Count.MODEL_LOADS_FAILED: ("worker_model_loads_failed", "Models that could not be loaded."),
    Count.MODELS_UNLOADED: ("worker_models_unloaded", "Models unloaded."),
    Count.POOL_FULL: ("worker_pool_full", "Loads refused because --max-models were in use."),
    Count.SESSIONS_BEGUN: ("worker_sessions_begun", "Recorded sessions begun."),
    Count.SESSIONS_RESUMED: ("worker_sessions_resumed", "Recorded sessions whose client came back."),
    Count.SESSIONS_CLOSED: ("worker_sessions_closed", "Recorded sessions closed, their files written."),
    Count.SESSIONS_RECOVERED: (
        "worker_sessions_recovered",
        "Sessions of a worker that was killed, closed by this one.",
    ),
    Count.SESSIONS_NOT_RECORDED: (
        "worker_sessions_not_recorded",
        "Sessions served but not recorded because the disk was too slow.",
    ),
    Count.SESSION_RECORDS_LOST: (
        "worker_session_records_lost",
        "Records of frames that were not written because the disk was full or too slow.",
    ),
    Count.SESSION_WRITES_FAILED: ("worker_session_writes_failed", "Writes to session files that failed."),
    Count.FRAMES_REFUSED: ("worker_frames_failed", "Frames answered with an Error."),
    Count.CLIENTS_FELL_SILENT: (
        "worker_clients_fell_silent",
        "Connections ended because their Heartbeats had stopped.",
    ),
}

GAUGES: tuple[tuple[str, str, Callable[[Watched], int]], ...] = (
    ("connections_active", "Open connections.", lambda it: it.admission.connections),
    ("worker_clients", "Connections that have sent an Init.", lambda it: it.admission.clients),
    ("worker_sessions_active", "Clients that have a model.", lambda it: it.lifecycle.sessions),
    ("worker_models_held", "Models loaded or being loaded.", lambda it: it.models_held()),
)

ERRORS = (
    "worker_errors",
    "Errors told to clients, by name; TOO_MANY_CLIENTS, TOO_MANY_CONNECTIONS and TOKEN_WRONG are clients "
    "turned away, CLIENT_TOO_SLOW is one cut off because it read no answers.",
)
