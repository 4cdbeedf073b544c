"""When what a customer waits for is ready, as the shop said last: by the number of its sale, and in words.

What belongs here: reading that, and saying it. What does not: asking the shop (`telling`), and what may be promised
(`backroom.domain.print_queue`). Without network nobody promises: it is said that there is none.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping

from backroom.domain.waiting_sales import Wait

# What the page lists: of what is over, the newest few.
MOST_OVER = 3
_TIME = re.compile(r"[0-2][0-9]:[0-5][0-9]")
_OVER = (Wait.READY, Wait.ELSEWHERE, Wait.CANCELLED)
_WORDS: Mapping[Wait, str] = {
    Wait.READY: "ready",
    Wait.ELSEWHERE: "made at another place, ask the hub",
    Wait.SHORT: "no time yet: there are no pieces for it, ask the hub",
    Wait.HELD: "no time yet: it is on hold, ask the hub",
    Wait.CANCELLED: "cancelled",
}
# By number: how a sale stands, and its time on the shop's clock where there is one.
Told = Mapping[int, tuple[Wait, str]]


def read_waits(told: object) -> Told | None:
    """What the shop says of this till's sales; None where it promises nothing at this place. ValueError for words of
    another shape."""
    waits = told.get("waits") if isinstance(told, dict) else None
    if waits is None:
        return None
    if not isinstance(waits, dict) or not all(isinstance(one, dict) for one in waits.values()):
        raise ValueError("this is not how sales stand")
    found = {int(seq): (Wait(one["state"]), str(one.get("time", ""))) for seq, one in waits.items()}
    if any(bool(_TIME.fullmatch(time)) is not (state is Wait.PROMISED) for state, time in found.values()):
        raise ValueError("this is no time of day")
    return found


class OwnWaits:
    """The sales of this process that somebody waits for, by number: of what the shop has not heard yet nothing else
    can be known here, for it is sealed. Any thread may call it."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._seqs: set[int] = set()

    def sold(self, seq: int) -> None:
        with self._guard:
            self._seqs.add(seq)

    def never(self, seq: int) -> None:
        """The shop refused it: nobody makes it."""
        with self._guard:
            self._seqs.discard(seq)

    def unsaid(self, told: Told, since: int) -> set[int]:
        """Those of which the shop says nothing yet, from the number `since` on; it is not asked of older ones."""
        with self._guard:
            self._seqs = {seq for seq in self._seqs if seq >= since}
            return self._seqs - set(told)


def say_waits(told: Told, unsaid: set[int], *, cut_off: bool) -> list[str]:
    """A line for each sale that somebody waits for, newest first; of what is over the newest few."""
    over = sorted((seq for seq, (state, _) in told.items() if state in _OVER), reverse=True)
    shown = (set(told) | unsaid) - set(over[MOST_OVER:])
    return [f"Number {seq}: {_say(*told.get(seq, (Wait.QUEUED, '')), cut_off)}." for seq in sorted(shown, reverse=True)]


def _say(state: Wait, time: str, cut_off: bool) -> str:
    if state is Wait.QUEUED:
        return "no time yet: no network" if cut_off else "no time yet"
    if state is Wait.PROMISED:
        return f"ready about {time}" + (", as the shop said last: no network" if cut_off else "")
    return _WORDS[state]
