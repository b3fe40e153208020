"""Whose turn it is, among those who wait: by priority, and by who was served least recently.

The highest priority goes first, but one of `EVERY` turns goes to whoever has waited longest, whatever its
priority: what is low is served slowly, never not at all. Within a priority it is the client's turn that was
served longest ago. A new client counts as served when it joined, so that coming back often gains nothing.
"""

from __future__ import annotations

from typing import Generic, TypeVar

T = TypeVar("T")

EVERY = 5


class Client:
    """One of those who take turns; its own from `Turns.join`.

    Attributes:
        priority: of what it asks for next; higher goes first.
    """

    __slots__ = ("priority", "served")

    def __init__(self, served: int) -> None:
        self.priority = 0
        self.served = served


class _Waiting(Generic[T]):
    __slots__ = ("client", "item", "priority")

    def __init__(self, client: Client, item: T) -> None:
        self.client = client
        self.item = item
        self.priority = client.priority


class Turns(Generic[T]):
    """What waits, a few items of each client at most: taking one looks at all of them."""

    def __init__(self) -> None:
        # In order of arrival.
        self._waiting: list[_Waiting[T]] = []
        self._count = 0
        # Turns in a row in which priority went before the longest wait.
        self._passed = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def join(self) -> Client:
        """A new client."""
        return Client(self._count)

    def add(self, client: Client, item: T) -> None:
        """Lets an item wait."""
        self._waiting.append(_Waiting(client, item))

    def take(self) -> T:
        """The item whose turn it is, of one or more that wait."""
        chosen = self._waiting.pop(self._next())
        self._count += 1
        chosen.client.served = self._count
        return chosen.item

    def _next(self) -> int:
        waiting = self._waiting
        indices = range(len(waiting))
        longest = min(indices, key=lambda index: waiting[index].client.served)
        first = min(indices, key=lambda index: (-waiting[index].priority, waiting[index].client.served))
        if waiting[first].priority > waiting[longest].priority and self._passed < EVERY - 1:
            self._passed += 1
            return first
        self._passed = 0
        return longest
