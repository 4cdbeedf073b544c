"""Giving back labels that were not used: an effect a label, both ways.

What belongs here: the carrier as the ledger sees it when a label is given back. What does not: a person's word that it
is (`backroom.store.parcel_desk.void`), and how the refund goes on (`tasks.parcel_following`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from prefect import task
from sqlalchemy import Connection, RowMapping

from backroom.carriers.base import Tracks
from backroom.domain.errors import BackroomError, OutcomeUnknown
from backroom.domain.model import StepOutcome
from backroom.effects.ledger import Answer, Effect, perform
from backroom.shop.room import Room, this_room
from backroom.store import parcel_news, parcels
from backroom.store.claims import Claim, fence
from backroom.store.effects import request_hash
from backroom.store.sickness import Sick
from tasks.connections import carrier_from
from tasks.sick import failed, leave

REFUND = "label_refund"
# Which column says how it stands, and the end of its effect's key.
WAYS = (("refund", "reference", "out"), ("return_refund", "return_reference", "back"))


@task(name="refund labels", retries=2, retry_delay_seconds=2, task_run_name="refund labels")
def refund_labels(claim: Claim) -> list[StepOutcome]:
    """Give back every label of the wave that a person took back, and write down what its carrier says."""
    room = this_room()
    with room.database.read() as connection:
        rows = [row for row in parcels.claimed(connection, claim.token) if row["voided_at"] is not None]
    outcomes: list[StepOutcome] = []
    sick: list[Sick] = []
    for row in rows:
        try:
            said = _give_back(room, claim, row)
        except BackroomError as error:
            sick.append(failed(row, error))
        else:
            outcomes.append(StepOutcome(row["number"], "advanced", f"label of {row['tracking']}: {said}"))
    return outcomes + leave(room, claim, sick)


class RefundSink:
    """A carrier as the ledger sees it when a label is given back: asked again, it is one refund."""

    idempotent = True

    def __init__(self, carrier: Tracks) -> None:
        self._carrier = carrier

    def carry_out(self, requests: Sequence[tuple[str, str]]) -> list[Answer | BackroomError]:
        return [self._one(reference) for _, reference in requests]

    def ask(self, key: str, age: timedelta) -> Answer | None:
        raise OutcomeUnknown(f"{key} is not asked for: it is carried out again", remedy="Look at the carrier.")

    def _one(self, reference: str) -> Answer | BackroomError:
        try:
            return {"outcome": self._carrier.refund(reference)}
        except BackroomError as error:
            return error


def _give_back(room: Room, claim: Claim, row: RowMapping) -> str:
    """Both labels of a parcel; returns how the first stands."""
    carrier = carrier_from(room, room.shop.carrier(row["carrier"]))
    outcome = {"refund": "not_applicable", "return_refund": ""}
    if isinstance(carrier, Tracks):
        outcome = {}
        for column, name, way in WAYS:
            # What stands already is not asked for again; a person's second word is another effect.
            if row[name] and not row[column]:
                key = f"void-{row['number']}-{row['key']}-{way}-{row['voided_at']:%y%m%d%H%M%S}"
                asked = request_hash({"carrier": row["carrier"], "reference": row[name]})
                effect = Effect(key, REFUND, row["order_id"], asked, str(row[name]))
                result = perform(room.database, claim.token, [effect], RefundSink(carrier))[key]
                if isinstance(result, BackroomError):
                    raise result
                outcome[column] = str(result["outcome"])

    def commit(connection: Connection) -> None:
        at = fence(connection, claim.token)
        for column, said in outcome.items():
            if said:
                parcel_news.note_refund(connection, row["id"], column, said, at)

    room.database.write(commit)
    return outcome.get("refund", "") or "given back"
