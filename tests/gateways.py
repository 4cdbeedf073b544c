"""A shop's real gateway for tests, in a thread of this process, on a free port.

What belongs here: starting it and ending it. What does not: gateways that are killed (`tests.faults.gateways`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from backroom.gateway.front import Waker
from backroom.gateway.serve import server
from backroom.shop.room import Room


@contextmanager
def listening(room: Room, waker: Waker | None) -> Iterator[str]:
    """The gateway of a room, which takes calls; its address. It has ended when the body has."""
    running = server(room, waker, port=0)
    thread = threading.Thread(target=running.run, daemon=True)
    thread.start()
    try:
        deadline = time.monotonic() + 20
        while not running.started:
            assert time.monotonic() < deadline, "the gateway did not start"
            time.sleep(0.01)
        yield f"http://127.0.0.1:{running.servers[0].sockets[0].getsockname()[1]}"
    finally:
        running.should_exit = True
        thread.join(20)
    assert not thread.is_alive(), "the gateway did not end"
