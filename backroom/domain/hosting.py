"""Where should it run? A shop's own arrivals served always on, serverless, or mixed: how long each waits, what runs.

What belongs here: the queues, pure, and what they cost by given prices. What does not: the prices (a file), the shop's
arrivals (`backroom.insight.hosting`).

An always-on worker takes whatever waits as one wave, as Backroom does: a run costs the same whatever it carries, and a
little more for each order. A function is called for each message by itself; where none is idle, one starts cold. Mixed
is an always-on worker that lets functions take what comes while more than so many wait.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from backroom.domain.assumptions import Values

ASSUMPTIONS = (
    "goal_seconds",
    "run_seconds",
    "order_seconds",
    "wave_most",
    "calls_per_order",
    "housekeeping_calls_per_hour",
    "housekeeping_seconds",
    "cold_start_seconds",
    "keep_warm_seconds",
    "most_at_once",
    "vcpu",
    "gib",
    "vcpu_second_usd",
    "gib_second_usd",
    "million_calls_usd",
    "free_vcpu_seconds",
    "free_gib_seconds",
    "free_calls",
    "usd",
    "machine_month",
    "database_month",
    "prefect_month",
    "burst_over_waiting",
)
MONTH_SECONDS = 365 / 12 * 86_400


@dataclass(frozen=True, slots=True)
class Served:
    """What became of arrivals: `latencies` in their order (seconds until done), seconds of functions that are billed,
    calls of functions, how many of them started cold, and the most that ran at once.
    """

    latencies: tuple[float, ...]
    billed_seconds: float = 0.0
    calls: int = 0
    cold: int = 0
    most_at_once: int = 0


def always_on(arrivals: Sequence[float], values: Values) -> Served:
    """One worker that is always there; arrivals are seconds in order. ValueError where they are not."""
    _check(arrivals)
    latencies, free_at, first = [], 0.0, 0
    while first < len(arrivals):
        begins = max(free_at, arrivals[first])
        upto = first + 1
        while upto < len(arrivals) and arrivals[upto] <= begins and upto - first < values["wave_most"]:
            upto += 1
        free_at = begins + values["run_seconds"] + (upto - first) * values["order_seconds"]
        latencies += [free_at - arrivals[number] for number in range(first, upto)]
        first = upto
    return Served(tuple(latencies))


def serverless(arrivals: Sequence[float], values: Values) -> Served:
    """A function for each arrival, at most so many at once; what finds all busy waits its turn."""
    _check(arrivals)
    functions = _Functions(values)
    return functions.served([functions.call(at) for at in arrivals])


def mixed(arrivals: Sequence[float], values: Values) -> Served:
    """An always-on worker, and functions for what arrives while more than `burst_over_waiting` wait for it."""
    _check(arrivals)
    functions, latencies = _Functions(values), [0.0] * len(arrivals)
    waiting: deque[int] = deque()
    free_at = 0.0

    def work_until(at: float) -> float:
        ends = free_at
        while waiting and max(ends, arrivals[waiting[0]]) < at:
            begins = max(ends, arrivals[waiting[0]])
            wave: list[int] = []
            while waiting and arrivals[waiting[0]] <= begins and len(wave) < values["wave_most"]:
                wave.append(waiting.popleft())
            ends = begins + values["run_seconds"] + len(wave) * values["order_seconds"]
            for number in wave:
                latencies[number] = ends - arrivals[number]
        return ends

    for number, at in enumerate(arrivals):
        free_at = work_until(at)
        if len(waiting) > values["burst_over_waiting"]:
            latencies[number] = functions.call(at)
        else:
            waiting.append(number)
    work_until(float("inf"))
    return functions.served(latencies)


def month_cost(served: Served, span_seconds: float, values: Values, *, machine: bool, functions: bool) -> float:
    """The bill of a month at the rate of the span, in whole units of the shop's currency.

    A machine carries database and Prefect's server as well; without one both are rented. Functions also do the
    housekeeping where there is no machine. What a provider gives free each month is taken off.
    """
    if machine and not functions:
        return values["machine_month"]
    times = MONTH_SECONDS / span_seconds
    calls, seconds = served.calls * values["calls_per_order"] * times, served.billed_seconds * times
    if not machine:
        kept = values["housekeeping_calls_per_hour"] * MONTH_SECONDS / 3600
        calls, seconds = calls + kept, seconds + kept * values["housekeeping_seconds"]
    usd = (
        max(0.0, seconds * values["vcpu"] - values["free_vcpu_seconds"]) * values["vcpu_second_usd"]
        + max(0.0, seconds * values["gib"] - values["free_gib_seconds"]) * values["gib_second_usd"]
        + max(0.0, calls - values["free_calls"]) / 1_000_000 * values["million_calls_usd"]
    )
    # Functions elsewhere cannot reach a database in a file on the machine either: it is rented with them, too.
    rented = values["database_month"] + (values["machine_month"] if machine else values["prefect_month"])
    return rented + usd * values["usd"]


class _Functions:
    """Instances that serve one call at a time, and stay warm for a while."""

    def __init__(self, values: Values) -> None:
        self.values = values
        self.service = values["run_seconds"] + values["order_seconds"]
        # When each busy instance is done, and since when the idle ones are idle: the one used last is used next.
        self.busy: list[float] = []
        self.idle: list[float] = []
        self.billed, self.calls, self.cold, self.most = 0.0, 0, 0, 0

    def call(self, at: float) -> float:
        """Serve a call that comes now; returns how long it takes until done."""
        begins, took = at, self.service
        self._settle(at)
        if self.idle:
            self.idle.pop()
        elif len(self.busy) >= self.values["most_at_once"]:
            begins = heapq.heappop(self.busy)
        else:
            took += self.values["cold_start_seconds"]
            self.cold += 1
        heapq.heappush(self.busy, begins + took)
        self.billed += took
        self.calls += 1
        self.most = max(self.most, len(self.busy))
        return begins + took - at

    def served(self, latencies: Sequence[float]) -> Served:
        return Served(tuple(latencies), self.billed, self.calls, self.cold, self.most)

    def _settle(self, at: float) -> None:
        """Who is done by then is idle, and who was idle too long is gone."""
        while self.busy and self.busy[0] <= at:
            self.idle.append(heapq.heappop(self.busy))
        warm_since = at - self.values["keep_warm_seconds"]
        if self.idle and self.idle[0] < warm_since:
            self.idle = [since for since in self.idle if since >= warm_since]


def _check(arrivals: Sequence[float]) -> None:
    if any(after < before for before, after in pairwise(arrivals)):
        raise ValueError("arrivals must be in order")
