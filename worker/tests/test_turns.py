"""Fairness, with time that is counted and not waited for; and the thread that takes turns."""

from __future__ import annotations

import asyncio
import heapq
import random
import threading
from collections import Counter
from typing import Any

import numpy as np
import pytest
from client import Client as WireClient
from fakes import WAIT_S, FakeEngine, GatedFrames, fake_loader
from hypothesis import given
from hypothesis import strategies as st

from aiw_worker.scheduler import Scheduler
from aiw_worker.schema import Envelope
from aiw_worker.turns import EVERY, Client, Turns

SERVICE_MS = 50.0


def saturate(priorities: list[int], turns: int) -> Counter[int]:
    """How often each client is served when all of them always wait."""
    queue: Turns[int] = Turns()
    clients = [queue.join() for _ in priorities]
    for index, priority in enumerate(priorities):
        clients[index].priority = priority
        queue.add(clients[index], index)
    served: Counter[int] = Counter()
    for _ in range(turns):
        index = queue.take()
        served[index] += 1
        queue.add(clients[index], index)
    return served


def test_equals_take_turns() -> None:
    assert set(saturate([0] * 8, 800).values()) == {100}
    assert set(saturate([7] * 3, 300).values()) == {100}


def test_priority_goes_first_and_starves_nobody() -> None:
    served = saturate([5, 5, 0, 0, -3], EVERY * 300)
    # Those first turns in which nobody has waited longer than another are nobody's loss.
    assert served[0] + served[1] == pytest.approx((EVERY - 1) * 300, abs=2)
    assert served[0] == pytest.approx(served[1], abs=1)
    # The rest goes to whoever waited longest, whatever the others' priority.
    assert [served[index] for index in (2, 3, 4)] == [pytest.approx(100, abs=1)] * 3


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=12))
def test_nobody_waits_longer_than_every_turn_of_everybody(priorities: list[int]) -> None:
    queue: Turns[int] = Turns()
    clients = [queue.join() for _ in priorities]
    since = dict.fromkeys(range(len(priorities)), 0)
    for index, priority in enumerate(priorities):
        clients[index].priority = priority
        queue.add(clients[index], index)
    for turn in range(1, 300):
        index = queue.take()
        since[index] = turn
        queue.add(clients[index], index)
        assert turn - min(since.values()) <= EVERY * len(priorities)


def test_who_comes_back_as_somebody_new_gains_nothing() -> None:
    queue: Turns[str] = Turns()
    patient = queue.join()
    other = queue.join()
    for _ in range(10):
        queue.add(other, "other")
        queue.take()
    queue.add(patient, "patient")
    queue.add(queue.join(), "new")
    assert queue.take() == "patient"


def p95_of(rates: list[float], priorities: list[int], seconds: float) -> list[float]:
    """Latency p95 of each client, ms: frames at random times around its rate, one at a time, one server."""
    rng = random.Random(7)
    queue: Turns[tuple[int, float]] = Turns()
    clients: list[Client] = [queue.join() for _ in rates]
    for client, priority in zip(clients, priorities, strict=True):
        client.priority = priority
    arrivals = [(rng.uniform(0, 1000 / rate), index) for index, rate in enumerate(rates)]
    heapq.heapify(arrivals)
    latencies: list[list[float]] = [[] for _ in rates]
    free = 0.0
    while free < seconds * 1000:
        while arrivals and (arrivals[0][0] <= free or not len(queue)):
            at, index = heapq.heappop(arrivals)
            free = max(free, at) if not len(queue) else free
            queue.add(clients[index], (index, at))
        index, at = queue.take()
        free += SERVICE_MS
        latencies[index].append(free - at)
        # A client has one frame in hand: the next one comes when it is due, or when this one is answered.
        period = 1000 / rates[index]
        heapq.heappush(arrivals, (max(free, at + period * rng.uniform(0.9, 1.1)), index))
    return [float(np.percentile(each, 95)) for each in latencies]


# Of one server that does 20 a second.
@pytest.mark.parametrize("rate", [1, 2, 2.4, 2.6, 5, 1000])
def test_equal_demand_gets_equal_p95(rate: float) -> None:
    found = p95_of([rate] * 8, [0] * 8, 600)
    assert max(found) <= 1.3 * min(found), found


def test_a_greedy_client_does_not_slow_a_modest_one_down() -> None:
    modest, *greedy = p95_of([1, 1000, 1000, 1000], [0] * 4, 600)
    assert modest <= min(greedy)


def test_priority_is_quicker() -> None:
    high, *low = p95_of([2, 1000, 1000, 1000, 1000], [1, 0, 0, 0, 0], 600)
    # The frame that is being served, its own, and now and then the turn of who waited longest.
    assert high <= 3 * SERVICE_MS
    assert min(low) > high


def test_scheduler_takes_turns() -> None:
    async def run() -> list[str]:
        scheduler = Scheduler(asyncio.get_running_loop())
        order: list[str] = []
        finished = asyncio.Event()
        frames = GatedFrames()
        frames.warm = True
        one, two, high = (scheduler.join() for _ in range(3))
        high.priority = 1

        def work(name: str) -> None:
            order.append(name)

        scheduler.submit(one, lambda: frames(None), lambda outcome: None)
        assert await asyncio.to_thread(frames.gate.entered.wait, WAIT_S)
        for client, name in ((one, "one"), (two, "two"), (high, "high")):
            scheduler.submit(
                client,
                lambda name=name: work(name),
                lambda outcome: finished.set() if len(order) == 3 else None,
            )
        scheduler.close()
        frames.gate.open.set()
        await asyncio.wait_for(finished.wait(), WAIT_S)
        return order

    assert asyncio.run(run()) == ["high", "two", "one"]


def test_priority_of_an_init(start_worker: Any) -> None:
    """Three clients wait while a fourth's frame is in hand: the one that said so goes first."""
    frames = GatedFrames()
    seen: list[int] = []

    def look(tensor: Any) -> None:
        frames(tensor)
        seen.append(round(float(tensor[0, 0, 32, 32]) * 255))

    pixels = {value: np.full((64, 64, 3), value, np.uint8) for value in (10, 20, 30, 40)}
    worker = start_worker(fake_loader(lambda name: FakeEngine(on_run=look)))
    scheduler = worker.server._services.scheduler
    submit, waiting = scheduler.submit, threading.Semaphore(0)
    scheduler.submit = lambda *job: (submit(*job), waiting.release())
    clients = {value: WireClient(worker.port, Envelope) for value in pixels}
    for value, client in clients.items():
        client.start("a.onnx", priority=9 if value == 40 else 0)
    for value, client in clients.items():
        client.frame(1, pixels[value])
        assert waiting.acquire(timeout=WAIT_S)
        # The first is in hand before the next one comes.
        assert frames.gate.entered.wait(WAIT_S)
    frames.gate.open.set()
    for client in clients.values():
        client.expect("result")
        client.sock.close()
    assert seen[1:] == [10, 40, 20, 30]
