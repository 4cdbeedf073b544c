"""Wake-ups from the terminal: sent at once where Prefect answers, left to the sweep where it does not."""

from __future__ import annotations

from collections.abc import Sequence

from backroom.cli.output import aside
from backroom.engine.wake import Waker
from backroom.store.claims import Wakeup

WAIT_SECONDS = 5.0


def send(wakeups: Sequence[Wakeup]) -> None:
    """Send and wait a moment: a command ends, and with it the thread that sends."""
    if not wakeups:
        return
    waker = Waker()
    for wakeup in wakeups:
        waker.wake(wakeup)
    if not waker.close(WAIT_SECONDS):
        aside.print("[yellow]Prefect does not answer: the sweep carries it on when it is back.[/]")
