"""Leases whose end has passed: naming them once, keeping their pieces from the online shops, and giving them more time.

What belongs here: what happens to a lease between its expiry and a person's decision. What does not: leasing, counting
and settling (`backroom.store.leases`), the rule (`backroom.domain.leases`), and the mail (`tasks.event_reminders`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, RowMapping, select, update

from backroom.domain.events import Event, EventState
from backroom.domain.leases import LeaseRefused, Term, extended, kept_at_booth, lease_ends, looked_at
from backroom.store import events
from backroom.store.database import now
from backroom.store.events import EventRefused
from backroom.store.leases import leases_of
from backroom.store.tables import events as events_table
from backroom.store.tables import stock_leases, stock_levels


@dataclass(frozen=True, slots=True)
class Overdue:
    """An event whose pieces should be back: how many its leases are of, and since when."""

    code: str
    pieces: int
    since: datetime


def name_overdue(connection: Connection, at: datetime, run_id: str = "") -> list[Overdue]:
    """Name every lease whose end has passed and that nobody named yet; returns the events of those. Their pieces are
    kept from here on, shared ones too, until a person decided."""
    ripe = (
        select(events_table.c.code)
        .join(stock_leases, stock_leases.c.event_id == events_table.c.id)
        .where(
            events_table.c.state != EventState.SETTLED,
            stock_leases.c.overdue_at.is_(None),
            stock_leases.c.expires_at <= at,
        )
        .distinct()
        .order_by(events_table.c.code)
    )
    found = []
    for code in connection.execute(ripe).scalars().all():
        row = events.locked(connection, code)
        leases = leases_of(connection, row["id"])
        new = [one for one in leases if looked_at(_term(one), at) != _term(one)]
        if row["state"] == EventState.SETTLED or not new:
            continue
        ids = [one["id"] for one in new]
        connection.execute(update(stock_leases).where(stock_leases.c.id.in_(ids)).values(overdue_at=at))
        _keep(connection, row, {one["sku"]: kept_at_booth(shared=one["shared"], overdue=True) for one in new})
        pieces = sum(one["pieces"] for one in new)
        events.record(connection, row["id"], "lease.overdue", {"pieces": pieces}, at=at, run_id=run_id)
        found.append(Overdue(code, pieces, min(one["expires_at"] for one in new)))
    return found


def overdue_of(connection: Connection, row: RowMapping) -> Overdue | None:
    """How far an event is behind with its pieces; None where it is not, or is settled."""
    if row["state"] == EventState.SETTLED:
        return None
    late = [one for one in leases_of(connection, row["id"]) if one["overdue_at"] is not None]
    if not late:
        return None
    return Overdue(row["code"], sum(one["pieces"] for one in late), min(one["expires_at"] for one in late))


def has_more_time(connection: Connection, row: RowMapping) -> bool:
    """Whether a person gave an event's pieces more time than its hours do."""
    usual = lease_ends(events.event_of(row))
    return any(one["expires_at"] > usual for one in leases_of(connection, row["id"]))


def extend(connection: Connection, code: str, until: datetime, actor: str) -> datetime:
    """Give all of an event's leases until then, whether they are overdue or not; returns that moment. Shared pieces may
    be sold online again, where the booth is open. LeaseRefused where that is no later end, or nothing is leased."""
    row, at = events.locked(connection, code), now(connection)
    if row["state"] == EventState.SETTLED:
        raise EventRefused(f"{code} is settled", remedy="Nothing is out any more.")
    leases = leases_of(connection, row["id"])
    if not leases:
        raise LeaseRefused(f"nothing is leased to {code}", remedy="Lend it pieces first.")
    # One that ends later than that already keeps its own end.
    term = extended(Term(min(one["expires_at"] for one in leases)), until, at)
    later = update(stock_leases).where(stock_leases.c.event_id == row["id"], stock_leases.c.expires_at < until)
    connection.execute(later.values(expires_at=term.expires_at, overdue_at=None))
    _keep(connection, row, {one["sku"]: kept_at_booth(shared=one["shared"], overdue=False) for one in leases})
    told = {"until": term.expires_at.isoformat(), "pieces": sum(one["pieces"] for one in leases)}
    events.record(connection, row["id"], "lease.extended", told, at=at, actor=actor)
    return term.expires_at


def follow(connection: Connection, row: RowMapping, event: Event) -> None:
    """The hours of an event were changed from `row` to `event`: leases that nobody gave another end move with them."""
    before = lease_ends(events.event_of(row))
    moved = update(stock_leases).where(
        stock_leases.c.event_id == row["id"], stock_leases.c.expires_at == before, stock_leases.c.overdue_at.is_(None)
    )
    connection.execute(moved.values(expires_at=lease_ends(event)))


def _term(lease: RowMapping) -> Term:
    return Term(lease["expires_at"], lease["overdue_at"])


def _keep(connection: Connection, row: RowMapping, kept: dict[str, bool]) -> None:
    """Whether the booth's pieces of these SKUs are its own alone. Rows are touched in a fixed order."""
    for sku, alone in sorted(kept.items()):
        here = (stock_levels.c.location == row["location"]) & (stock_levels.c.sku == sku)
        connection.execute(update(stock_levels).where(here).values(kept=alone))
