"""Claims and wake-ups: leases with fencing, and generations that make sure no wake-up is lost.

A claim is a token with an end. Rows carry the token; whoever holds it may move them, and every commit of a wave calls
`fence` first: it renews the lease in the same transaction, and refuses when the lease ran out. A row is free when it
carries no token or that of a claim which is over.

A wake-up names (stage, location, generation). Whoever looks for work raises the generation before it looks, in the
same commit, and finding nothing counts: so what was committed before is seen by that look, and what came after wakes a
new run under a new name. A run that holds a wave looks again when it is through; so for a few seconds what comes to
its stage and location needs no run of its own (`attend`), and a hundred small waves become a few large ones. On
PostgreSQL that generation's row is also the lock under which the claims of a stage and location are taken one after the
other: a writer that reads it for its wake-up keeps it until its commit.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Row, Table, bindparam, delete, exists, insert, or_, select, update

from backroom.domain.errors import Retry
from backroom.store.batches import insert_new
from backroom.store.connections import writes
from backroom.store.database import now
from backroom.store.tables import (
    channel_news,
    claims,
    fulfilment_orders,
    generations,
    inbox,
    messages,
    opt_ins,
    orders,
    parcels,
    partner_orders,
    refunds,
    returns,
)

# Built once: each commit that owes a wake-up reads it, those of all webhooks among them.
_GENERATION = select(generations.c.number, generations.c.attended_until).where(
    generations.c.stage == bindparam("stage"), generations.c.location == bindparam("location")
)
_LOCKED_GENERATION = _GENERATION.with_for_update(read=True)

LEASE = timedelta(seconds=60)
RENEW_SECONDS = 20.0
# A wave that is at it for longer lets others begin beside it: what came meanwhile does not wait for a slow carrier.
ATTENDED = timedelta(seconds=10)


class ClaimLost(Retry):
    """The lease ran out, or its instance was taken for dead: nothing of this transaction was written."""

    cause = "claim_lost"


@dataclass(frozen=True, slots=True)
class Claim:
    """A lease and what it is for. `run_id` is the Prefect run that took it; it is written beside what happens.

    `full`: it took as many as a wave may, so more may wait.
    """

    token: str
    stage: str
    location: str
    run_id: str = ""
    full: bool = False


@dataclass(frozen=True, slots=True)
class Wakeup:
    """Say "there is work for this stage at this location"; the same generation twice is one wake-up.

    `attended`: a run is at it that will find the work by itself.
    """

    stage: str
    location: str
    generation: int
    attended: bool = False


def look_for_work(connection: Connection, stage: str, location: str) -> datetime:
    """Begin a claim, before its rows are chosen: raise the generation, and end the leases that ran out.

    Ending them waits for whoever is just renewing one, so that a lease is either renewed or over, never both. Returns
    the time by which rows are free and due.
    """
    raise_generation(connection, stage, location)
    at = now(connection)
    connection.execute(delete(claims).where(claims.c.until <= at))
    return at


def attend(connection: Connection, stage: str, location: str, at: datetime | None) -> None:
    """Say that whoever just looked for work here looks again after this wave; with None, that he does not.

    In the commit of the look, so that a wake-up is either seen by it, or knows what it said.
    """
    here = (generations.c.stage == stage) & (generations.c.location == location)
    until = None if at is None else at + ATTENDED
    connection.execute(update(generations).where(here).values(attended_until=until))


def take(connection: Connection, *, stage: str, location: str, instance: str, run_id: str) -> Claim:
    """Open a lease in the caller's transaction, which has looked for work and then marks rows with the token."""
    at = now(connection)
    token = uuid.uuid4().hex
    connection.execute(
        insert(claims).values(
            token=token,
            instance=instance,
            stage=stage,
            location=location,
            run_id=run_id,
            taken_at=at,
            until=at + LEASE,
        )
    )
    return Claim(token, stage, location, run_id)


def fence(connection: Connection, token: str) -> datetime:
    """Renew the lease inside the caller's transaction and return the database's time; ClaimLost if it is over."""
    at = now(connection)
    renewed = connection.execute(
        update(claims).where(claims.c.token == token, claims.c.until > at).values(until=at + LEASE)
    )
    if renewed.rowcount != 1:
        raise ClaimLost(f"the claim {token} is over", remedy="Another run goes on with its orders.")
    return at


def give_up(connection: Connection, token: str, *, blameless: bool = False) -> None:
    """End a lease. Rows that still carry its token are free from now on.

    `blameless` says that it ended for a reason that none of its rows can have: then this claim counts against none.
    """
    for table in (
        (inbox, orders, fulfilment_orders, returns, refunds, parcels, partner_orders, channel_news, messages, opt_ins)
        if blameless
        else ()
    ):
        held = update(table).where(table.c.claim_token == token, table.c.attempts > 0)
        connection.execute(held.values(attempts=table.c.attempts - 1))
    connection.execute(delete(claims).where(claims.c.token == token))


def end_instance(connection: Connection, instance: str) -> int:
    """End every lease of an instance that is proved dead (its process is gone); returns how many."""
    return connection.execute(delete(claims).where(claims.c.instance == instance)).rowcount


def live_instances(connection: Connection) -> set[str]:
    """The instances that hold a lease which has not run out."""
    at = now(connection)
    return set(connection.execute(select(claims.c.instance).where(claims.c.until > at).distinct()).scalars())


def sweep_expired(connection: Connection) -> int:
    """Forget leases that ran out; their rows were free already. Returns how many."""
    return connection.execute(delete(claims).where(claims.c.until <= now(connection))).rowcount


def is_free(table: Table, at: datetime) -> ColumnElement[bool]:
    """A row of `table` that no live lease holds."""
    held = exists().where(claims.c.token == table.c.claim_token, claims.c.until > at)
    return or_(table.c.claim_token.is_(None), ~held)


def wakeup(connection: Connection, stage: str, location: str) -> Wakeup:
    """The wake-up that a commit owes; send it after the commit, outside the request.

    Call it after the rows are written: a look for work that begins meanwhile waits for this commit, and sees them.
    """
    found = _generation(connection, stage, location)
    if found is None and writes(connection):
        row = {"stage": stage, "location": location, "number": 0, "at": now(connection)}
        insert_new(connection, generations, [row])
        found = _generation(connection, stage, location)
    if found is None:
        return Wakeup(stage, location, 0)
    attended = found.attended_until is not None and found.attended_until > now(connection)
    return Wakeup(stage, location, found.number, attended)


def raise_generation(connection: Connection, stage: str, location: str) -> Wakeup:
    """Raise a generation; returns the wake-up under its new number."""
    at = now(connection)
    row = {"stage": stage, "location": location, "number": 0, "at": at}
    here = (generations.c.stage == stage) & (generations.c.location == location)
    raised = update(generations).where(here).values(number=generations.c.number + 1, at=at)
    number = connection.execute(raised.returning(generations.c.number)).scalar_one_or_none()
    if number is None:
        insert_new(connection, generations, [row])
        number = connection.execute(raised.returning(generations.c.number)).scalar_one()
    return Wakeup(stage, location, number)


def _generation(connection: Connection, stage: str, location: str) -> Row[tuple[int, datetime | None]] | None:
    query = _LOCKED_GENERATION if writes(connection) else _GENERATION
    return connection.execute(query, {"stage": stage, "location": location}).one_or_none()
