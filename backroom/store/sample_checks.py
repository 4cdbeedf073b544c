"""The item of an event's list that samples count by themselves: nobody ticks what the shop knows.

What belongs here: writing into the lists how samples stand. What does not: what they lack (`backroom.domain.samples`).
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select, update

from backroom.domain.events import EventState
from backroom.domain.model import Variant
from backroom.domain.readiness import SAMPLES, CheckState
from backroom.domain.samples import lacks_for_event
from backroom.domain.shop import Shop
from backroom.store.catalogue import all_variants
from backroom.store.sample_standing import Standings, read_standings
from backroom.store.tables import event_checks, events


def tell_events(connection: Connection, shop: Shop, at: datetime) -> None:
    """Write into the list of each event to come how its samples stand now.

    One that is live keeps what it had: a new batch in the middle of an evening stops the prints, and not the booth.
    """
    if not shop.samples.require:
        return
    query = (
        select(
            event_checks.c.id,
            event_checks.c.state,
            event_checks.c.note,
            events.c.location,
            events.c.ends_at,
            events.c.printers,
        )
        .join(events, events.c.id == event_checks.c.event_id)
        .where(event_checks.c.measure == SAMPLES, events.c.state.in_((EventState.PLANNED, EventState.READY)))
    )
    rows = connection.execute(query).mappings().all()
    if not rows:
        return
    standings, variants = read_standings(connection, at), all_variants(connection)
    for row in rows:
        lacks = _lacks(standings, variants, shop, row["location"], row["printers"], row["ends_at"])
        found = {"state": CheckState.FAILED if lacks else CheckState.DONE, "note": lacks}
        if found != {"state": row["state"], "note": row["note"]}:
            change = update(event_checks).where(event_checks.c.id == row["id"])
            connection.execute(change.values(**found, checked_by="", checked_at=at))


def _lacks(
    standings: Standings, variants: list[Variant], shop: Shop, location: str, printers: list[str], ends_at: datetime
) -> str:
    place = next((one for one in shop.locations if one.id == location), None)
    if place is None:
        return ""
    there = (standings.at_place(place, variant) for variant in variants)
    coming = [[one for one in each if not printers or one.printer in printers] for each in there]
    return lacks_for_event(coming, ends_at)
