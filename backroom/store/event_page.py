"""What of an event is told to everybody, read as it stands: nothing of any customer, order or figure of the shop.

What belongs here: reading it, and whether an event has a page at all. What does not: how coarse it is
(`backroom.domain.event_page`), and the page (`backroom.eventpage`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, RowMapping, case, select, update

from backroom.domain.event_page import Offer, Phase, PublicEvent, minutes_until, offers_of, phase_of, printed_here
from backroom.domain.events import EventState
from backroom.domain.locations import Location, PromiseSpec
from backroom.domain.model import PrintJobState, Variant
from backroom.domain.print_queue import may_promise
from backroom.domain.shop import Shop
from backroom.store import events, sample_standing
from backroom.store.catalogue import all_variants
from backroom.store.events import NoSuchEvent
from backroom.store.print_jobs import ACTIVE
from backroom.store.print_queue import read_queue
from backroom.store.tables import events as events_table
from backroom.store.tables import print_jobs, stock_levels

_UNDER_WAY = (PrintJobState.WAITING, *ACTIVE, PrintJobState.UNKNOWN)


def publish(connection: Connection, code: str, at: datetime | None, *, by: str, when: datetime) -> None:
    """Give an event its public page, from `at` on; None takes it away. NoSuchEvent for a code that is not there."""
    row = events.locked(connection, code)
    if (row["published_at"] is None) == (at is None):
        return
    connection.execute(update(events_table).where(events_table.c.id == row["id"]).values(published_at=at))
    events.record(connection, row["id"], "page.published" if at else "page.taken_away", {}, at=when, actor=by)


def published(connection: Connection) -> list[RowMapping]:
    """The events that have a page, by their start."""
    query = select(events_table).where(events_table.c.published_at.is_not(None))
    return list(connection.execute(query.order_by(events_table.c.starts_at, events_table.c.id)).mappings())


@dataclass(frozen=True, slots=True)
class Standing:
    """What the pages tell of, in short: one look differs from the last when an event itself, a piece at its booth or a
    job in its print queue is another. Rows as they stand, to be compared and not to be read."""

    events: tuple[tuple[Any, ...], ...] = ()
    pieces: tuple[tuple[Any, ...], ...] = ()
    prints: tuple[tuple[Any, ...], ...] = ()


def standing(connection: Connection) -> Standing:
    """How what is told stands, of every event that has a page and is not settled. Cheap enough to be asked every
    second: the rows of those booths only, by their indexes."""
    rows = [row for row in published(connection) if row["state"] != EventState.SETTLED]
    if not rows:
        return Standing()
    booths = sorted({row["location"] for row in rows})
    level = stock_levels.c
    pieces = select(level.location, level.sku, level.on_hand, level.reserved).where(level.location.in_(booths))
    job = print_jobs.c
    prints = select(job.location, job.id, job.state).where(job.location.in_(booths), job.state.in_(_UNDER_WAY))
    return Standing(
        tuple(tuple(row.values()) for row in rows),
        tuple(sorted(tuple(row) for row in connection.execute(pieces))),
        tuple(sorted(tuple(row) for row in connection.execute(prints))),
    )


def codes(connection: Connection) -> frozenset[str]:
    """The codes of the events that have a page."""
    query = select(events_table.c.code).where(events_table.c.published_at.is_not(None))
    return frozenset(connection.execute(query).scalars())


def find_published(connection: Connection, code: str) -> RowMapping:
    """An event by its code, as anybody may ask for it; NoSuchEvent, which tells of no other, where it has no page."""
    query = select(events_table).where(events_table.c.code == code, events_table.c.published_at.is_not(None))
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        raise NoSuchEvent("there is no such event")
    return row


def read(connection: Connection, row: RowMapping, shop: Shop, at: datetime) -> PublicEvent:
    """All that is told of an event at this instant; NotInShopFile when its booth is gone from the shop file."""
    event = events.event_of(row)
    place = _set_up(shop.location(event.location), event.printers)
    # Only of one that is open it is asked whether orders go there.
    live = event.state is EventState.LIVE and at < event.ends_at
    shut = events.gates(connection, at, event.location)[event.location].shut if live else ""
    phase, turn = phase_of(event, was_opened=row["opened_at"] is not None, shut=shut, at=at)
    waits = _waits(connection, place, at)
    if phase is not Phase.OPEN:
        # Nobody prints: what is printed there stays true, how soon does not.
        waits = dict.fromkeys(waits)
    over = phase in (Phase.OVER, Phase.CALLED_OFF)
    offers = () if over else _offers(connection, shop, place, waits, at)
    return PublicEvent(
        code=event.code,
        name=event.name,
        place=event.place or place.name,
        timezone=place.hours.timezone,
        sessions=event.sessions,
        phase=phase,
        turn=turn,
        offers=offers,
        wait_minutes=max((wait for wait in waits.values() if wait is not None), default=None),
    )


def _set_up(place: Location, printers: Collection[str]) -> Location:
    """The booth with the printers that came along."""
    return replace(place, printers=tuple(one for one in place.printers if not printers or one.name in printers))


def _offers(
    connection: Connection, shop: Shop, place: Location, waits: Mapping[str, int | None], at: datetime
) -> tuple[Offer, ...]:
    catalogue = all_variants(connection)
    unsampled = _unsampled(connection, shop, place, catalogue, at)
    return offers_of(catalogue, free_at(connection, place.id), waits, unsampled)


def printed_at(
    connection: Connection, shop: Shop, location: str, free: Mapping[str, int], at: datetime
) -> frozenset[str]:
    """The SKUs that a booth prints on the spot, with the printers that came along to its event; `free` as `free_at`
    says. NotInShopFile for a location that is gone."""
    row = events.newest_at(connection, location, at)
    place = _set_up(shop.location(location), events.event_of(row).printers if row is not None else ())
    catalogue = all_variants(connection)
    processes = {process for one in place.printers for process in one.prints}
    return printed_here(catalogue, free, processes, _unsampled(connection, shop, place, catalogue, at))


def _unsampled(
    connection: Connection, shop: Shop, place: Location, catalogue: Sequence[Variant], at: datetime
) -> Collection[str]:
    here = replace(shop, locations=(place,))
    return sample_standing.not_on_demand(connection, here, catalogue, at).get(place.id, {})


def free_at(connection: Connection, location: str) -> dict[str, int]:
    """Pieces that nobody has a right to, by SKU; 0 for what is gone."""
    query = select(
        stock_levels.c.sku,
        case((stock_levels.c.aside, 0), else_=stock_levels.c.on_hand - stock_levels.c.reserved),
    )
    rows = connection.execute(query.where(stock_levels.c.location == location))
    return dict(rows.tuples().all())


def _waits(connection: Connection, place: Location, at: datetime) -> dict[str, int | None]:
    """The minutes that a print takes that is asked for now, by the processes of the printers that came along; None
    where no printer prints it at the moment, the power ends before, or the booth cannot be heard."""
    queue = read_queue(connection, place, at)
    handling = timedelta(minutes=(place.promise or PromiseSpec()).handling_minutes)
    found: dict[str, int | None] = {}
    for process in sorted({process for one in queue.printers for process in one.processes}):
        foreseen = queue.foresee_new(process)
        told = foreseen is not None and may_promise(foreseen, handling, queue.power_until)
        found[process] = minutes_until(foreseen, handling, at) if foreseen is not None and told else None
    return found
