"""Who was forgotten, and how far that is outside the database: in files, in what the disk keeps, in Prefect."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import Connection, RowMapping, or_, select, update

from backroom.store.batches import chunks
from backroom.store.database import now
from backroom.store.opt_ins import code_key
from backroom.store.personal import Whose
from backroom.store.tables import effects, erasures, opt_ins, orders, people, sheets, shipments

FILES, SCRUBBED, PREFECT = "files_at", "scrubbed_at", "prefect_at"


def unfinished(connection: Connection, most: int = 500) -> list[RowMapping]:
    """Erasures of which something is left to do, oldest first."""
    left = or_(*(erasures.c[name].is_(None) for name in (FILES, SCRUBBED, PREFECT)))
    return list(connection.execute(select(erasures).where(left).order_by(erasures.c.id).limit(most)).mappings())


def settle(connection: Connection, ids: Iterable[int], step: str) -> None:
    """Note that a step of these erasures is done."""
    at = now(connection)
    for batch in chunks(ids):
        connection.execute(update(erasures).where(erasures.c.id.in_(batch)).values({step: at}))


def known(connection: Connection) -> list[RowMapping]:
    """Every erasure that the database knows of."""
    return list(connection.execute(select(erasures).order_by(erasures.c.id)).mappings())


def is_that_person(connection: Connection, person_id: int, since: datetime) -> bool:
    """Whether the person of this number is the one who was first heard of then, and can still be read."""
    query = select(people.c.id).where(
        people.c.id == person_id, people.c.created_at == since, people.c.wrapped_key.is_not(None)
    )
    return connection.execute(query).first() is not None


def order_numbers(connection: Connection, whose: Whose) -> list[str]:
    query = select(orders.c.number).where(orders.c.id.in_(whose.orders)).order_by(orders.c.id)
    return list(connection.execute(query).scalars())


def external_ids(connection: Connection, whose: Whose) -> list[tuple[str, str]]:
    """Their orders by channel and the channel's own id."""
    query = select(orders.c.channel, orders.c.external_id).where(orders.c.id.in_(whose.orders)).order_by(orders.c.id)
    return [(row.channel, row.external_id) for row in connection.execute(query)]


def message_keys(connection: Connection, whose: Whose) -> list[str]:
    """Under which keys messages went to them, or may have."""
    query = select(effects.c.key).where(effects.c.order_id.in_(whose.orders), effects.c.kind == "message")
    keys = list(connection.execute(query.order_by(effects.c.id)).scalars())
    if not whose.channel:
        codes = select(opt_ins.c.id).where(opt_ins.c.person_id == whose.person_id).order_by(opt_ins.c.id)
        keys += map(code_key, connection.execute(codes).scalars())
    return keys


def sheets_of(connection: Connection, whose: Whose) -> Sequence[RowMapping]:
    """The label sheets on which something of theirs was printed: id, key and location."""
    theirs = select(shipments.c.sheet_id).where(shipments.c.id.in_(whose.shipments), shipments.c.sheet_id.is_not(None))
    query = select(sheets.c.id, sheets.c.key, sheets.c.location).where(sheets.c.id.in_(theirs))
    return connection.execute(query.order_by(sheets.c.id)).mappings().all()
