"""One look at one source: list what changed, find every paid order among ours, fetch what is missing through our door.

What belongs here: the order of the steps, and what is written down of them. What does not: any source's words, the
classes (`backroom.domain.reconciliation`), and when it is done and who is told (`tasks.reconcile`).

No write holds the database while the source is asked. Whatever stops a look, the next one does the same again, and
nothing comes in twice: what was fetched has a key of its content, and an order is known by (channel, id).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from backroom.channels.asking import ask_for
from backroom.channels.base import Channel, digest
from backroom.channels.delivering import delivery_of_fetched
from backroom.channels.remote import Fetched, Listed, OrderSource
from backroom.channels.strict_json import BrokenJson
from backroom.domain.channels import ChannelSpec
from backroom.domain.errors import BackroomError
from backroom.domain.model import OrderState, Problem
from backroom.domain.reconciliation import Figures, Found, Look, begins_at, find
from backroom.store import looks, paid_elsewhere
from backroom.store.batches import chunks
from backroom.store.claims import Wakeup
from backroom.store.database import Database, now
from backroom.store.hints import surely_there
from backroom.store.inbox_door import Delivery, accept, put_aside
from backroom.store.paid_elsewhere import BY_LOOK, Ours, PaidOrder
from backroom.store.seals import Seals

# So many orders are asked for and stored at once: a crash loses no more, and webhooks need the database too.
TOGETHER = 50
BROKEN = Problem("broken_json", "", "is no JSON that we take, as its source gives it")


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look came to: its figures, the ids that it found missing for the first time and could not fetch, and the
    error that stopped it, if one did."""

    channel: str
    figures: Figures
    new_missing: tuple[str, ...] = ()
    error: BackroomError | None = None


@dataclass(frozen=True, slots=True)
class Books:
    """Our side: the database, what seals what comes in, the hub that works on it, and who sends its wake-ups."""

    database: Database
    seals: Seals
    hub: str
    send: Callable[[Iterable[Wakeup]], None]


@dataclass(slots=True)
class _Sorted:
    """What was listed, in classes. Asked for are those that are missing, and ours that are behind."""

    figures: Figures
    missing: dict[str, PaidOrder]
    behind: list[str]
    seen_until: datetime | None


def look_at(
    spec: ChannelSpec, channel: Channel, connect: Callable[[], OrderSource], books: Books, look: Look
) -> Looked:
    """Look at one source, which `connect` makes. An error of ours or of the source's is written down and returned;
    other errors are raised."""
    database = books.database
    row = database.write(lambda connection: looks.begin(connection, spec.id, look, now(connection)))
    figures: Figures | None = None
    came: set[str] = set()
    failed: dict[str, BackroomError] = {}
    try:
        source = connect()
        # Of an order that changed while we read, what was said last.
        since = begins_at(look, row["tried_at"], row["starts_at"], row["seen_until"])
        listed = {one.external_id: one for one in source.changed_since(since)}
        with database.read() as connection:
            before = paid_elsewhere.missed_by_looks(connection, spec.id)
            found = paid_elsewhere.ours(connection, spec.id, {*listed, *before})
        sorted_ = _sort(listed.values(), found, row["starts_at"], row["tried_at"], row["seen_until"])
        figures = sorted_.figures
        database.write(
            lambda c: paid_elsewhere.report(c, spec.id, list(sorted_.missing.values()), now(c), found_by=BY_LOOK)
        )
        for some in chunks([*sorted_.missing, *sorted(before - sorted_.missing.keys()), *sorted_.behind], TOGETHER):
            failed |= _fetch(spec, channel, source, books, some, came)
        # What is missing stays so, and is asked for at every look. Of what is only behind nothing would be left.
        if unread := [failed[id_] for id_ in sorted_.behind if id_ in failed]:
            raise unread[0]
    except BackroomError as error:
        cause, reason = error.cause, str(error)
        reached = replace(figures, fetched=len(came)) if figures is not None else None
        figures = database.write(lambda c: _break_off(c, spec.id, look, reached, cause, reason))
        return Looked(spec.id, figures, (), error)
    reached, seen_until = replace(figures, fetched=len(came)), sorted_.seen_until
    figures = database.write(lambda c: _end(c, spec.id, look, reached, seen_until))
    new = tuple(id_ for id_ in sorted_.missing if id_ not in before and id_ not in came)
    return Looked(spec.id, figures, new)


def _break_off(
    connection: Connection, channel: str, look: Look, reached: Figures | None, cause: str, reason: str
) -> Figures:
    missing = paid_elsewhere.count_missing(connection).get(channel, 0)
    figures = replace(reached, missing=missing) if reached is not None else None
    looks.broke_off(connection, channel, look, figures, cause, reason)
    return figures or Figures(missing=missing)


def _end(connection: Connection, channel: str, look: Look, reached: Figures, seen_until: datetime | None) -> Figures:
    at = now(connection)
    paid_elsewhere.settle_those_that_came(connection, at)
    figures = replace(reached, missing=paid_elsewhere.count_missing(connection).get(channel, 0))
    looks.end(connection, channel, look, figures, seen_until, at)
    return figures


def _sort(
    listed: Iterable[Listed], ours: Ours, starts_at: datetime, tried_at: datetime, seen_until: datetime | None
) -> _Sorted:
    counts = dict.fromkeys(Found, 0)
    missing: dict[str, PaidOrder] = {}
    behind: list[str] = []
    total = 0
    for one in listed:
        total += 1
        id_ = one.external_id
        reached = max(seen_until or one.updated_at, one.updated_at)
        # A time that goes wrong over there must not hide what changes until then.
        seen_until = min(reached, tried_at)
        here = id_ in ours.orders
        comes = id_ in ours.waiting or id_ in ours.quarantined
        # Of somebody who was forgotten nothing is fetched again.
        if here and not comes and id_ not in ours.forgotten and ours.source_at[id_] < one.updated_at:
            behind.append(id_)
        if not one.paid:
            continue
        state = find(
            cancelled=ours.orders[id_] == OrderState.CANCELLED if here else None,
            waiting=id_ in ours.waiting,
            quarantined=id_ in ours.quarantined,
            settled=id_ in ours.settled,
            sent=one.fulfilled,
            earlier=one.placed_at is not None and one.placed_at < starts_at,
        )
        counts[state] += 1
        if state is Found.MISSING:
            missing[id_] = PaidOrder(id_, one.name, one.placed_at, one.total_minor, one.currency)
    figures = Figures(
        listed=total,
        paid=sum(counts.values()),
        behind=len(behind),
        **{found.value: count for found, count in counts.items()},
    )
    return _Sorted(figures, missing, behind, seen_until)


def _fetch(
    spec: ChannelSpec, channel: Channel, source: OrderSource, books: Books, wanted: Sequence[str], came: set[str]
) -> dict[str, BackroomError]:
    """Fetch these orders, store them in one commit, and note in `came` which they were; also those that came before the
    source went away. Returns what it cannot give of them while it gives others."""

    def known() -> str:
        with books.database.read() as connection:
            return surely_there(connection, spec.id, but_for=wanted)

    asked = ask_for(source, wanted, known)
    given = [one for id_, one in asked.given.items() if one.ours and id_ in wanted]

    def store(connection: Connection) -> list[Wakeup]:
        return [wakeup for one in given for wakeup in _store(connection, spec, channel, books, one)]

    if given:
        try:
            owed = books.database.write(store)
        except IntegrityError:
            # A webhook made the same person in the same moment; now it is there to be found.
            owed = books.database.write(store)
        came.update(_asked(one) for one in given)
        books.send(owed[-1:])
    if asked.away is not None:
        raise asked.away
    return asked.failed


def _store(
    connection: Connection, spec: ChannelSpec, channel: Channel, books: Books, fetched: Fetched
) -> Iterable[Wakeup]:
    try:
        delivery = delivery_of_fetched(spec, channel, fetched)
    except BrokenJson:
        # Of nobody that we could know.
        key, topic = digest(fetched.body), fetched.topic
        broken = Delivery(spec.id, key, topic, fetched.external_id, spec.priority, (), fetched.body)
        put_aside(connection, books.seals, broken, books.hub, [BROKEN])
        return ()
    receipt = accept(connection, books.seals, delivery, books.hub)
    return (receipt.wakeup,) if receipt.wakeup is not None else ()


def _asked(fetched: Fetched) -> str:
    """The id by which it was asked for."""
    return fetched.asked or fetched.external_id
