"""News from partners: each order at a partner that is due is asked about, or cancelled there where that is wanted.

A signed message that came meanwhile is read instead of asking; it says the whole order. What follows is one commit an
order: one that fails leaves the others as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from datetime import datetime, timedelta

from prefect import task
from sqlalchemy import Connection, RowMapping

from backroom.domain.errors import BackroomError
from backroom.domain.model import StepOutcome
from backroom.domain.partner_orders import PartnerStatus, next_ask
from backroom.domain.shop import Location
from backroom.effects.ledger import Answer, Effect, perform
from backroom.partners.base import Partner, TooLate
from backroom.partners.registry import read_told
from backroom.shop.room import Room, this_room
from backroom.store import partner_news, partner_orders, people
from backroom.store.claims import Claim, Wakeup, fence
from backroom.store.effects import request_hash
from backroom.store.notes import CONTEXT as NOTE
from backroom.store.people import PersonErased
from backroom.store.seals import seal
from backroom.store.sickness import Sick
from tasks.connections import partner_from
from tasks.sick import failed, leave
from tasks.waking import send


@task(name="ask partner", retries=2, retry_delay_seconds=2, task_run_name="ask {claim.location}")
def ask_partner(claim: Claim) -> list[StepOutcome]:
    """Ask how the wave's orders stand at their partner, and do what follows."""
    room = this_room()
    location = room.shop.location(claim.location)
    with room.database.read() as connection:
        ids = [row["id"] for row in partner_orders.claimed(connection, claim.token)]
    if not ids:
        return []
    outcomes: list[StepOutcome] = []
    sick: list[Sick] = []
    try:
        opened = partner_from(room, location)
    except BackroomError as error:
        with room.database.read() as connection:
            rows = partner_orders.claimed(connection, claim.token)
        return leave(room, claim, [failed(row, error) for row in rows])
    with closing(opened) as partner:
        for id_ in ids:
            # As it stands when its turn comes, which in a long wave is minutes later.
            with room.database.read() as connection:
                rows = partner_orders.claimed(connection, claim.token, id_)
            if not rows:
                continue
            row = rows[0]
            try:
                outcomes.append(_one(room, claim, location, partner, row))
            except BackroomError as error:
                sick.append(failed(row, error))
    return outcomes + leave(room, claim, sick)


def _one(room: Room, claim: Claim, location: Location, partner: Partner, row: RowMapping) -> StepOutcome:
    status: PartnerStatus | None = None
    if row["cancel_wanted"]:
        try:
            status = _cancel(room, claim, partner, row)
        except TooLate:
            return _too_late(room, claim, location, partner, row)
    elif row["told"] is not None:
        status = read_told(location, row["told"], row["reference"])
    return _apply(room, claim, location, row, status or partner.status(row["reference"], row["partner_id"]))


def _apply(room: Room, claim: Claim, location: Location, row: RowMapping, status: PartnerStatus) -> StepOutcome:
    note = _sealed(room, row, status.reason)

    def commit(connection: Connection) -> tuple[StepOutcome, list[Wakeup]]:
        at = fence(connection, claim.token)
        context = partner_news.Context(location, room.shop.hub, claim.token, claim.run_id, at, note)
        return partner_news.apply(connection, context, row, status, _next(location, row, at))

    outcome, wakeups = room.database.write(commit)
    send(wakeups)
    return outcome


def _too_late(room: Room, claim: Claim, location: Location, partner: Partner, row: RowMapping) -> StepOutcome:
    """What cannot be cancelled goes on; and it may have ended meanwhile, so it is asked about at once."""

    def commit(connection: Connection) -> tuple[StepOutcome, list[Wakeup]]:
        at = fence(connection, claim.token)
        context = partner_news.Context(location, room.shop.hub, claim.token, claim.run_id, at)
        return partner_news.cannot_cancel(connection, context, row, at)

    outcome, wakeups = room.database.write(commit)
    send(wakeups)
    return outcome


def _cancel(room: Room, claim: Claim, partner: Partner, row: RowMapping) -> PartnerStatus | None:
    """Take it back over there, once. None where that was done by a run before this one: then the partner is asked."""
    key = partner_orders.cancel_key(row["reference"])
    sink = _CancelSink(partner, row)
    asked = request_hash({"reference": row["reference"], "partner_id": row["partner_id"]})
    effect = Effect(key, partner_orders.CANCEL, row["order_id"], asked, row["reference"])
    result = perform(room.database, claim.token, [effect], sink)[key]
    if isinstance(result, BackroomError):
        raise result
    return sink.status


class _CancelSink:
    """Cancelling as the ledger sees it: cancelling twice is cancelling once."""

    idempotent = True

    def __init__(self, partner: Partner, row: RowMapping) -> None:
        self._partner, self._row = partner, row
        self.status: PartnerStatus | None = None

    def carry_out(self, requests: Sequence[tuple[str, str]]) -> list[Answer | BackroomError]:
        answers: list[Answer | BackroomError] = []
        for _, reference in requests:
            try:
                self.status = self._partner.cancel(reference, self._row["partner_id"])
                answers.append({"state": self.status.state})
            except BackroomError as error:
                answers.append(error)
        return answers

    def ask(self, key: str, age: timedelta) -> Answer | None:
        return None


def _next(location: Location, row: RowMapping, at: datetime) -> datetime:
    signed = bool(location.partner and location.partner.webhook_secret)
    return next_ask(at, row["submitted_at"], signed=signed)


def _sealed(room: Room, row: RowMapping, words: str) -> bytes | None:
    """What somebody over there wrote, under the customer's key: it may name them."""
    if not words:
        return None
    try:
        with room.database.read() as connection:
            key = people.load(connection, room.seals, [row["person_id"]])[row["person_id"]].key
    except PersonErased:
        return None
    return seal(key, words.encode(), NOTE)
