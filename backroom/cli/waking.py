"""Wake-ups from the terminal: sent at once where Prefect answers, left to the sweep where it does not."""

from __future__ import annotations

import os
from collections.abc import Sequence

from backroom.cli.environments import auth_of, noted_ports
from backroom.cli.output import aside
from backroom.engine.wake import Waker
from backroom.shop.room import Room
from backroom.store.claims import Wakeup

WAIT_SECONDS = 5.0


def send(room: Room, wakeups: Sequence[Wakeup]) -> None:
    """Send and wait a moment: a command ends, and with it the thread that sends."""
    if not wakeups:
        return
    waker = waker_of(room)
    for wakeup in wakeups:
        waker.wake(wakeup)
    if not waker.close(WAIT_SECONDS):
        aside.print("[yellow]Prefect does not answer: the sweep carries it on when it is back.[/]")


def waker_of(room: Room) -> Waker:
    """For the Prefect that the environment names; where it names none, for the one that this shop was started with,
    and with the shop's own login: a terminal that was opened beside `backroom up` knows neither."""
    if os.environ.get("PREFECT_API_URL"):
        return Waker()
    return Waker(noted_ports(room.home).api, auth_of(room))
