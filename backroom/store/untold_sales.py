"""Sales of an event that its tills are known not to have told: what keeps it from being settled, and giving them up.

What belongs here: gaps in the numbers of an event's tills, and a person's word that nobody will tell them any more.
What does not: the numbers (`till_numbers`), settling (`leases`), and a sale that is told after all, which is an order.

A gap is known by the sales on both of its sides. What a till sold last and never told is not: so it is said when each
was heard last.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, RowMapping, select

from backroom.domain.events import EventState
from backroom.store import events, till_numbers
from backroom.store.events import EventRefused
from backroom.store.tables import event_history
from backroom.store.tables import events as events_table

GIVEN_UP = "sales.given_up"
MOST_NAMED = 5
# What to do first.
BRING_IT_BACK = "Bring the till back to where it reaches the shop: it tells them by itself."


@dataclass(frozen=True, slots=True)
class Untold:
    """A till and its numbers that were never told, as stretches with both of their ends."""

    till: str
    stretches: tuple[tuple[int, int], ...]

    @property
    def said(self) -> str:
        """One clause, such as "sales 2 and 3 of till-1a2b were never told"; the first few stretches of many."""
        words = [word for one in self.stretches[: MOST_NAMED + 1] for word in _words(*one)]
        if len(words) > MOST_NAMED:
            words[MOST_NAMED:] = ["more"]
        numbers = " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))
        one = words == [str(self.stretches[0][0])]
        return f"sale{'' if one else 's'} {numbers} of {self.till} {'was' if one else 'were'} never told"


def of_event(connection: Connection, row: RowMapping) -> list[Untold]:
    """Every till of an event's booth that lacks sales, without those that somebody gave up at an event there; none of a
    settled one."""
    if row["state"] == EventState.SETTLED:
        return []
    lost = _given_up(connection, row["location"])
    found: dict[str, list[tuple[int, int]]] = {}
    for name, first, last in till_numbers.stretches(connection, row["location"]):
        # A gap only becomes smaller: what is left of one that was given up lies within it.
        if not any(start <= first and last <= end for start, end in lost.get(name, ())):
            found.setdefault(name, []).append((first, last))
    return [Untold(name, tuple(stretches)) for name, stretches in found.items()]


def heard(connection: Connection, row: RowMapping, untold: Sequence[Untold]) -> list[RowMapping]:
    """The tills of an event (`name`, `heard_at`): those heard at its booth since it began, and those that lack sales
    (`untold`, what `of_event` says); none of a settled one."""
    if row["state"] == EventState.SETTLED:
        return []
    since = min(at for at in (row["opened_at"], row["starts_at"]) if at is not None)
    lacking = {one.till for one in untold}
    return [
        one
        for one in till_numbers.listing(connection)
        if one["location"] == row["location"] and (one["heard_at"] >= since or one["name"] in lacking)
    ]


def refuse_while_untold(connection: Connection, row: RowMapping) -> None:
    """EventRefused while sales of an event are known that were never told: their pieces would be called missing."""
    if untold := of_event(connection, row):
        raise EventRefused(
            said(untold),
            remedy=f"{BRING_IT_BACK} If it is lost, settle without them: on the event's page, with --sales-lost, or "
            "with the tick in the run form.",
        )


def said(untold: Sequence[Untold]) -> str:
    """All of them in one sentence."""
    return "; ".join(one.said for one in untold)


def give_up(connection: Connection, row: RowMapping, at: datetime, *, actor: str, run_id: str = "") -> None:
    """Write into an event's history that nobody will tell what is missing now; nothing where nothing is."""
    if untold := of_event(connection, row):
        lost = {one.till: [list(stretch) for stretch in one.stretches] for one in untold}
        events.record(connection, row["id"], GIVEN_UP, {"tills": lost}, at=at, actor=actor, run_id=run_id)


def _given_up(connection: Connection, location: str) -> dict[str, list[tuple[int, int]]]:
    query = (
        select(event_history.c.data)
        .join(events_table, events_table.c.id == event_history.c.event_id)
        .where(events_table.c.location == location, event_history.c.event == GIVEN_UP)
    )
    lost: dict[str, list[tuple[int, int]]] = {}
    for data in connection.execute(query).scalars():
        for name, stretches in data["tills"].items():
            lost.setdefault(name, []).extend((first, last) for first, last in stretches)
    return lost


def _words(first: int, last: int) -> list[str]:
    """A stretch as it is said among others."""
    return [f"{first} to {last}"] if last > first + 1 else [str(one) for one in range(first, last + 1)]
