"""The worker's states, and when it lets go of what nobody uses. All on the event loop."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from enum import Enum
from typing import Protocol

from aiw_worker import log
from aiw_worker.counters import Count, Counters

DEFAULT_IDLE_TIMEOUT_S = 60


class State(Enum):
    """No model is loaded; none yet, one is being loaded; one is loaded; somebody has it."""

    IDLE = "IDLE"
    LOADING = "LOADING"
    READY = "READY"
    SESSION_ACTIVE = "SESSION_ACTIVE"


class Event(Enum):
    """What moves the worker from one state to another."""

    LOAD_BEGAN = "a load began"
    LOADED = "the last load ended"
    NOT_LOADED = "the last load failed, and no other model is there"
    FIRST_SESSION = "a session began"
    LAST_SESSION = "the last session ended"
    UNLOADED = "nobody used the model for the idle timeout"


# What is not here can't happen.
TRANSITIONS: dict[tuple[State, Event], State] = {
    (State.IDLE, Event.LOAD_BEGAN): State.LOADING,
    (State.READY, Event.LOAD_BEGAN): State.LOADING,
    (State.LOADING, Event.LOADED): State.READY,
    (State.LOADING, Event.NOT_LOADED): State.IDLE,
    (State.LOADING, Event.FIRST_SESSION): State.SESSION_ACTIVE,
    (State.READY, Event.FIRST_SESSION): State.SESSION_ACTIVE,
    (State.SESSION_ACTIVE, Event.LAST_SESSION): State.READY,
    (State.READY, Event.UNLOADED): State.IDLE,
}

_COUNTS = {
    State.IDLE: Count.TRANSITIONS_TO_IDLE,
    State.LOADING: Count.TRANSITIONS_TO_LOADING,
    State.READY: Count.TRANSITIONS_TO_READY,
    State.SESSION_ACTIVE: Count.TRANSITIONS_TO_SESSION_ACTIVE,
}


class Timer(Protocol):
    """Something that happens later, unless cancelled."""

    def cancel(self) -> None:
        """It won't happen."""
        ...


CallLater = Callable[[float, Callable[[], object]], Timer]


class Models(Protocol):
    """What the lifecycle needs of the pool."""

    @property
    def held(self) -> int:
        """Models loaded or being loaded."""
        ...

    def drop_unused(self) -> int:
        """Lets go of the models that nobody uses; how many."""
        ...


class Lifecycle:
    """Sums up what clients and loads do to one state.

    Models that nobody uses are dropped once the idle timeout has passed since a session last began or ended,
    or a model was loaded. An Init in hand holds that up, so that whoever comes in time finds the model there;
    one that is refused does not start the timeout over.
    """

    def __init__(
        self, models: Models, idle_timeout_s: float, call_later: CallLater, counters: Counters
    ) -> None:
        self.state = State.IDLE
        self._models = models
        self._idle_timeout_s = idle_timeout_s
        self._call_later = call_later
        self._counters = counters
        self._asking: set[Hashable] = set()
        self._sessions: set[Hashable] = set()
        self._loads = 0
        self._timer: Timer | None = None
        # The timeout has passed while an Init was in hand.
        self._due = False

    @property
    def sessions(self) -> int:
        """Clients that have a model."""
        return len(self._sessions)

    def load_began(self) -> None:
        """A model is being loaded."""
        self._loads += 1
        if self.state in (State.IDLE, State.READY):
            self._move(Event.LOAD_BEGAN)

    def load_ended(self, worked: bool) -> None:
        """A load came to its end."""
        self._loads -= 1
        if self._loads == 0 and self.state is State.LOADING:
            self._move(Event.LOADED if self._models.held else Event.NOT_LOADED)
        if worked:
            self._rearm()

    def asked(self, client: Hashable) -> None:
        """An Init is in hand; answered() or session_began() follows."""
        self._asking.add(client)

    def answered(self, client: Hashable) -> None:
        """The Init is no longer in hand."""
        self._asking.discard(client)
        if self._due and not self._asking:
            self._idle()

    def session_began(self, client: Hashable) -> None:
        """A client has a model; another Init of the same one changes nothing."""
        self._sessions.add(client)
        if self.state is not State.SESSION_ACTIVE:
            self._move(Event.FIRST_SESSION)
        self._rearm()
        self.answered(client)

    def session_ended(self, client: Hashable) -> None:
        """A client has no model any more; it may not have had one."""
        if client not in self._sessions:
            return
        self._sessions.discard(client)
        if not self._sessions:
            self._move(Event.LAST_SESSION)
            if self._loads:
                self._move(Event.LOAD_BEGAN)
        self._rearm()

    def close(self) -> None:
        """Nothing happens any more by itself."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _rearm(self) -> None:
        self.close()
        self._due = False
        if self._models.held:
            self._timer = self._call_later(self._idle_timeout_s, self._idle)

    def _idle(self) -> None:
        self._timer = None
        self._due = bool(self._asking)
        if self._due:
            return
        dropped = self._models.drop_unused()
        if dropped:
            log.info("models unloaded", models=dropped, idle_timeout_s=self._idle_timeout_s)
        if self.state is State.READY and self._models.held == 0:
            self._move(Event.UNLOADED)

    def _move(self, event: Event) -> None:
        before, self.state = self.state, TRANSITIONS[self.state, event]
        self._counters.add(_COUNTS[self.state])
        log.info("worker state", state=self.state.value, before=before.value, because=event.value)
