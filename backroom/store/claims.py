"""Claims and wake-ups: leases with fencing, and generations that make sure no wake-up is lost.

A claim is a token with an end. Rows carry the token; whoever holds it may move them, and every commit of a wave calls
`fence` first: it renews the lease in the same transaction, and refuses when the lease ran out. A row is free when it
carries no token or that of a claim which is over.

A wake-up names (stage, location, generation). A claim raises the generation in its own commit, so whatever was
committed before the claim is seen by it, and whatever came after wakes a new run under a new name.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Table, delete, exists, insert, or_, select, update

from backroom.domain.errors import Retry
from backroom.store.database import now
from backroom.store.tables import claims, generations

LEASE = timedelta(seconds=60)
RENEW_SECONDS = 20.0


class ClaimLost(Retry):
    """The lease ran out, or its instance was taken for dead: nothing of this transaction was written."""

    cause = "claim_lost"


@dataclass(frozen=True, slots=True)
class Claim:
    """A lease and what it is for. `run_id` is the Prefect run that took it; it is written beside what happens."""

    token: str
    stage: str
    location: str
    run_id: str = ""


@dataclass(frozen=True, slots=True)
class Wakeup:
    """Say "there is work for this stage at this location"; the same generation twice is one wake-up."""

    stage: str
    location: str
    generation: int


def take(connection: Connection, *, stage: str, location: str, instance: str, run_id: str) -> Claim:
    """Open a lease and raise the generation, in the caller's transaction; the caller then marks rows with the token."""
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
    raised = connection.execute(
        update(generations)
        .where(generations.c.stage == stage, generations.c.location == location)
        .values(number=generations.c.number + 1, at=at)
    )
    if raised.rowcount == 0:
        connection.execute(insert(generations).values(stage=stage, location=location, number=1, at=at))
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


def give_up(connection: Connection, token: str) -> None:
    """End a lease. Rows that still carry its token are free from now on."""
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
    """The wake-up that a commit owes; send it after the commit, outside the request."""
    number = connection.execute(
        select(generations.c.number).where(generations.c.stage == stage, generations.c.location == location)
    ).scalar_one_or_none()
    return Wakeup(stage, location, number or 0)
