"""Claiming a wave and holding it: a thread renews the lease while the steps run.

These are plain functions and not tasks: a claim is what a run does before it has anything to show.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Protocol, TypeVar

import httpx
from prefect.runtime import flow_run
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from backroom.domain.errors import BackroomError, Retry
from backroom.shop.room import Room
from backroom.store import (
    cancelled_refunds,
    desk,
    fulfilment,
    intake,
    level_calls,
    news,
    opt_ins,
    parcels,
    partner_orders,
    returns,
    selling,
    waiting_messages,
)
from backroom.store.claims import RENEW_SECONDS, Claim, fence, give_up
from backroom.store.database import now
from backroom.store.instances import end_dead_instances, this_instance

T = TypeVar("T")

# A shop on a small machine may hold its waves smaller; `docs/performance.md` tells what that costs.
WAVE_MOST = int(os.environ.get("BACKROOM_WAVE_MOST") or 500)
# Each is a call to the partner: a wave that is short gives its claim back soon.
PARTNER_WAVE_MOST = 50
# SQLite has one lock for all who write: while a wave of 500 commits a step, a delivery waits for its answer.
WAVE_MOST_BESIDE_THE_DOOR = 100
# Each is some calls of its own to its channel: what is told is written down before long.
NEWS_MOST = 50
# Prefect's server pays for a wave, whatever it carries: at peak one large wave a second instead of five small ones.
PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.1, 1.0
# A database or a Prefect server that is away ends any wave, whatever is in it; so does a worker that is stopped.
NO_ORDERS_FAULT = (Retry, OperationalError, httpx.HTTPError)

# Claims of this process that ended and could not be given up, and whether they count against none of their rows. A
# process that dies first owes nothing: its leases end with it, and what it died of may be one of its orders.
_owed: dict[str, bool] = {}

log = logging.getLogger(__name__)


def one_after_another(claim: Callable[[], Claim | None]) -> Iterator[Claim]:
    """Claims until nothing waits. The busier it is, the longer is the pause in which the next wave gathers; after a
    full one the next has gathered already."""
    pauses = 0
    while taken := claim():
        yield taken
        if not taken.full:
            pauses += 1
            time.sleep(min(pauses * PAUSE_SECONDS, LONGEST_PAUSE_SECONDS))


def claim_intake(room: Room, number: str | None = None) -> Claim | None:
    """The next wave of intake (of one order, where its number is given); None when nothing waits."""
    run_id, instance, hub = _run_id(), this_instance(), room.shop.hub

    def work(connection: Connection) -> intake.IntakeClaim | None:
        if number is None:
            most = _wave_most(connection)
            return intake.claim_waiting(connection, hub=hub, instance=instance, run_id=run_id, most=most)
        order_id = desk.find(connection, number)["id"]
        return intake.claim_order(connection, order_id, hub=hub, instance=instance, run_id=run_id)

    taken = _paying(room, work)
    return taken.claim if taken else None


def claim_fulfilment(room: Room, location: str, number: str | None = None) -> Claim | None:
    """The next wave of fulfilment at a location (of one order, where its number is given); None when nothing waits."""
    run_id, instance = _run_id(), this_instance()

    def work(connection: Connection) -> tuple[Claim, int] | None:
        if number is None:
            most = _wave_most(connection)
            return fulfilment.claim_waiting(connection, location=location, instance=instance, run_id=run_id, most=most)
        order_id = desk.find(connection, number)["id"]
        return fulfilment.claim_order(connection, order_id, location=location, instance=instance, run_id=run_id)

    taken = _paying(room, work)
    return taken[0] if taken else None


class _StageAtHub(Protocol):
    """The rows of a stage that only the hub works at: a module of `backroom.store`."""

    def claim_waiting(
        self, connection: Connection, *, hub: str, instance: str, run_id: str, most: int
    ) -> Claim | None: ...

    def claim_order(
        self, connection: Connection, order_id: int, *, hub: str, instance: str, run_id: str
    ) -> Claim | None: ...


def _next_at_hub(room: Room, stage: _StageAtHub, number: str | None) -> Claim | None:
    run_id, instance, hub = _run_id(), this_instance(), room.shop.hub

    def work(connection: Connection) -> Claim | None:
        if number is None:
            most = _wave_most(connection)
            return stage.claim_waiting(connection, hub=hub, instance=instance, run_id=run_id, most=most)
        order_id = desk.find(connection, number)["id"]
        return stage.claim_order(connection, order_id, hub=hub, instance=instance, run_id=run_id)

    return _paying(room, work)


def claim_returns(room: Room, number: str | None = None) -> Claim | None:
    """The next wave of returns (of one order, where its number is given); None when nothing waits."""
    return _next_at_hub(room, returns, number)


def claim_refunds(room: Room, number: str | None = None) -> Claim | None:
    """The next wave of cancelled orders that are to be paid back (of one order, where its number is given); None when
    nothing waits."""
    return _next_at_hub(room, cancelled_refunds, number)


def claim_partner(room: Room, location: str, number: str | None = None) -> Claim | None:
    """The next wave of what is to be asked of a partner (of one order, where its number is given); None when nothing
    is due."""
    run_id, instance = _run_id(), this_instance()

    def work(connection: Connection) -> Claim | None:
        if number is None:
            return partner_orders.claim_waiting(
                connection, location=location, instance=instance, run_id=run_id, most=PARTNER_WAVE_MOST
            )
        order_id = desk.find(connection, number)["id"]
        return partner_orders.claim_order(connection, order_id, location=location, instance=instance, run_id=run_id)

    return _paying(room, work)


def claim_parcels(room: Room, number: str | None = None) -> Claim | None:
    """The next wave of parcels with news (of one order, where its number is given); None when nothing waits."""
    return _next_at_hub(room, parcels, number)


def claim_news(room: Room, channel: str = "", *, number: str | None = None) -> Claim | None:
    """The next wave of news for a channel (of one order, where its number is given); None when nothing waits."""
    run_id, instance = _run_id(), this_instance()

    def work(connection: Connection) -> Claim | None:
        if number is None:
            return news.claim_waiting(connection, channel=channel, instance=instance, run_id=run_id, most=NEWS_MOST)
        order_id = desk.find(connection, number)["id"]
        of = news.channel_of(connection, order_id)
        return news.claim_order(connection, order_id, channel=of, instance=instance, run_id=run_id) if of else None

    return _paying(room, work)


def claim_messages(room: Room) -> Claim | None:
    """The next wave of messages whose hour has come; None when there is none."""
    run_id, instance, hub = _run_id(), this_instance(), room.shop.hub

    def work(connection: Connection) -> Claim | None:
        waiting_messages.set_tired_aside(connection, now(connection))
        most = _wave_most(connection)
        return waiting_messages.claim_due(connection, hub=hub, instance=instance, run_id=run_id, most=most)

    return _paying(room, work)


def claim_codes(room: Room) -> Claim | None:
    """The next wave of codes for those who asked for SMS at an event; None when there is none."""
    run_id, instance, hub = _run_id(), this_instance(), room.shop.hub

    def work(connection: Connection) -> Claim | None:
        most = _wave_most(connection)
        return opt_ins.claim_codes(connection, hub=hub, instance=instance, run_id=run_id, most=most)

    return _paying(room, work)


def claim_stock(
    room: Room, channel: str, *, compare_since: datetime | None = None, at_once: bool = False
) -> tuple[Claim, list[selling.ToTell]] | None:
    """The next levels that a channel is to be told; None when there are none, or it is left alone for now."""
    run_id, instance = _run_id(), this_instance()
    return _paying(
        room,
        lambda connection: level_calls.claim(
            connection,
            room.shop,
            channel,
            instance=instance,
            run_id=run_id,
            compare_since=compare_since,
            at_once=at_once,
        ),
    )


@contextmanager
def holding(room: Room, claim: Claim) -> Iterator[Claim]:
    """Renew the lease while the body runs, and end it afterwards, whatever happened: what is left is free at once.

    Where the database takes nothing, not even that, it is owed, and this process's next claim pays it first.
    """
    done = threading.Event()
    blameless = False

    def renew() -> None:
        while not done.wait(RENEW_SECONDS):
            try:
                room.database.write(lambda connection: fence(connection, claim.token))
            except (BackroomError, OperationalError) as error:
                # The steps' own fences refuse from now on; a busy or full database is tried again at the next turn.
                log.warning("the claim %s was not renewed: %s", claim.token, type(error).__name__)

    thread = threading.Thread(target=renew, name=f"renew-{claim.token[:8]}", daemon=True)
    thread.start()
    try:
        yield claim
    except BaseException as error:
        blameless = isinstance(error, NO_ORDERS_FAULT) or not isinstance(error, Exception)
        raise
    finally:
        done.set()
        thread.join()
        try:
            room.database.write(lambda connection: give_up(connection, claim.token, blameless=blameless))
        except NO_ORDERS_FAULT as error:
            _owed[claim.token] = blameless
            log.warning("the claim %s was not given up: %s", claim.token, type(error).__name__)


def _paying(room: Room, claim: Callable[[Connection], T]) -> T:
    """Claim in one commit, which first ends the leases of dead instances and those that this process owes."""
    owed: dict[str, bool] = {}
    with suppress(KeyError):
        # Taken out one by one: another run of this process may be here at the same time, and each is paid once.
        while True:
            owed.update([_owed.popitem()])

    def work(connection: Connection) -> T:
        end_dead_instances(connection)
        for token, blameless in owed.items():
            give_up(connection, token, blameless=blameless)
        return claim(connection)

    try:
        return room.database.write(work)
    except BaseException:
        _owed.update(owed)
        raise


def _wave_most(connection: Connection) -> int:
    """How many orders the next wave takes at the most: fewer while deliveries and waves take turns at one lock."""
    one_lock = connection.dialect.name == "sqlite"
    return min(WAVE_MOST, WAVE_MOST_BESIDE_THE_DOOR) if one_lock and intake.door_is_busy(connection) else WAVE_MOST


def _run_id() -> str:
    return str(flow_run.get_id() or "")
