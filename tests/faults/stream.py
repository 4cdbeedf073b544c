"""Channels that deliver orders all the time, and deliver again what was not acknowledged, as channels do.

What belongs here: the demo's messages on their way to a shop that may be down. What does not: the messages
(`backroom.shop.demo_orders`) and what must become of them (`backroom.cli.demo_judge`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import requests

from backroom.cli.demo_messages import Sender
from backroom.shop.demo_orders import DemoOrder

CLIENTS = 3
AGAIN_SECONDS = 0.5
LOOKS_AGAIN_SECONDS = 0.2
GIVES_UP_SECONDS = 300.0


@dataclass
class Stream:
    """Messages that are delivered, so many a second; `sent` are those that were begun, in order.

    A message that gets no answer, or another than it must get, is delivered again; `again` counts that. While the shop
    is `behind`, nothing new is sent: how fast the machine is says nothing of what is lost.
    """

    sender: Sender
    orders: Sequence[DemoOrder]
    per_second: float
    behind: Callable[[], bool]
    sent: list[DemoOrder] = field(default_factory=list)
    again: int = 0
    given_up: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _ending: threading.Event = field(default_factory=threading.Event)

    def client(self) -> None:
        """One that delivers: many of them share the messages."""
        while (order := self._next()) is not None:
            self._deliver(order)
            self._ending.wait(CLIENTS / self.per_second)
            while self.behind() and not self._ending.wait(LOOKS_AGAIN_SECONDS):
                pass

    def end(self) -> None:
        self._ending.set()

    def _next(self) -> DemoOrder | None:
        with self._lock:
            if len(self.sent) == len(self.orders):
                return None
            order = self.orders[len(self.sent)]
            # What was begun to be told of an order is told to its end, or nobody knows how it must end.
            goes_on = order.external_id and any(order.external_id == one.external_id for one in self.sent[-5:])
            if self._ending.is_set() and not goes_on:
                return None
            self.sent.append(order)
            return order

    def _deliver(self, order: DemoOrder) -> None:
        deadline = time.monotonic() + GIVES_UP_SECONDS
        while problem := self._try(order):
            if time.monotonic() > deadline:
                self.given_up.append(problem)
                return
            with self._lock:
                self.again += 1
            time.sleep(AGAIN_SECONDS)

    def _try(self, order: DemoOrder) -> str:
        try:
            return self.sender.deliver(order)
        except requests.RequestException as error:
            return f"{order.kind} got no answer ({type(error).__name__})"


@contextmanager
def streaming(
    sender: Sender, orders: Sequence[DemoOrder], per_second: float, behind: Callable[[], bool] = lambda: False
) -> Iterator[Stream]:
    """Deliver while the body runs; at its end all that was begun is acknowledged."""
    stream = Stream(sender, orders, per_second, behind)
    clients = [threading.Thread(target=stream.client, daemon=True) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    try:
        yield stream
    finally:
        stream.end()
        for client in clients:
            client.join()
    assert stream.given_up == []
