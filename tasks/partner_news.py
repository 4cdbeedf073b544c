"""News from partners: each order at a partner that is due is asked about, or cancelled there where that is wanted.

A signed message that came meanwhile is read instead of asking; it says the whole order. A draft that waited for its
cost is compared once more, and confirmed. What follows is one commit an order: one that fails leaves the others as they
are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import datetime, timedelta

from prefect import task
from sqlalchemy import Connection, RowMapping

from backroom.domain.errors import BackroomError, Retry
from backroom.domain.locations import Location
from backroom.domain.model import StepOutcome
from backroom.domain.partner_answers import compare
from backroom.domain.partner_orders import PartnerOrderState, PartnerStatus, next_ask
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
    status = status or partner.status(row["reference"], row["partner_id"])
    if _may_be_confirmed(row, status):
        status = _confirm(room, claim, partner, row, status)
    return _apply(room, claim, location, row, status)


def _may_be_confirmed(row: RowMapping, status: PartnerStatus) -> bool:
    """A draft that is ready and as it was asked, of an order that nobody holds for another reason."""
    held = row["held_for"] not in ("", partner_news.STUCK)
    return status.ready and not held and not compare(partner_orders.asked_lines(row), status.lines)


def _apply(room: Room, claim: Claim, location: Location, row: RowMapping, status: PartnerStatus) -> StepOutcome:
    note = _sealed(room, row, status.reason)

    def commit(connection: Connection) -> tuple[StepOutcome, list[Wakeup]]:
        at = fence(connection, claim.token)
        context = partner_news.Context(location, room.shop.hub, claim.token, claim.run_id, at, note)
        waits = status.draft and status.state is PartnerOrderState.SUBMITTED
        return partner_news.apply(connection, context, row, status, _next(location, row, at, draft=waits))

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


def _confirm(room: Room, claim: Claim, partner: Partner, row: RowMapping, found: PartnerStatus) -> PartnerStatus:
    """Have a draft made, once. One that may not be confirmed at this moment is a draft still, and asked about again."""
    key = partner_orders.confirm_key(row["reference"])
    sink = _Sink(partner.confirm, row)
    _perform(room, claim, row, key, partner_orders.CONFIRM, sink)
    return sink.status or found


def _cancel(room: Room, claim: Claim, partner: Partner, row: RowMapping) -> PartnerStatus | None:
    """Take it back over there, once. None where that was done by a run before this one: then the partner is asked."""
    key = partner_orders.cancel_key(row["reference"])
    sink = _Sink(partner.cancel, row)
    _perform(room, claim, row, key, partner_orders.CANCEL, sink)
    return sink.status


def _perform(room: Room, claim: Claim, row: RowMapping, key: str, kind: str, sink: _Sink) -> None:
    asked = request_hash({"reference": row["reference"], "partner_id": row["partner_id"]})
    effect = Effect(key, kind, row["order_id"], asked, row["reference"])
    result = perform(room.database, claim.token, [effect], sink)[key]
    if isinstance(result, BackroomError) and not isinstance(result, _DraftStill):
        raise result


class _DraftStill(Retry):
    """It could not be confirmed at this moment: no trouble, but not done either."""

    cause = "draft_still"


class _Sink:
    """One call about an order that is there, as the ledger sees it: doing it twice is doing it once."""

    idempotent = True

    def __init__(self, call: Callable[[str, str], PartnerStatus], row: RowMapping) -> None:
        self._call, self._row = call, row
        self.status: PartnerStatus | None = None

    def carry_out(self, requests: Sequence[tuple[str, str]]) -> list[Answer | BackroomError]:
        answers: list[Answer | BackroomError] = []
        for _, reference in requests:
            try:
                self.status = self._call(reference, self._row["partner_id"])
                if self.status.draft:
                    raise _DraftStill(f"{reference} is a draft still")
                answers.append({"state": self.status.state})
            except BackroomError as error:
                answers.append(error)
        return answers

    def ask(self, key: str, age: timedelta) -> Answer | None:
        return None


def _next(location: Location, row: RowMapping, at: datetime, *, draft: bool) -> datetime:
    signed = bool(location.partner and location.partner.webhook_secret)
    return next_ask(at, row["submitted_at"], signed=signed, draft=draft)


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
