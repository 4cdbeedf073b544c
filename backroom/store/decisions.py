"""A person's word on an effect whose outcome nobody could tell: a sheet of labels, a message, a label's purchase.

Prints have a door of their own (`print_attempts.decide`), because a job is tried anew under another key.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, RowMapping, select

from backroom.domain.errors import Refuse
from backroom.store import effects, history, messages, news, refunds, sickness, waiting_messages
from backroom.store.claims import Wakeup, wakeup
from backroom.store.database import now
from backroom.store.fulfilment import STAGE
from backroom.store.print_jobs import KIND as PRINT
from backroom.store.shipping import LABEL
from backroom.store.tables import fulfilment_orders, orders, sheets, shipments


class NothingToDecide(Refuse):
    """The effect is not there, its outcome is known, or it cannot be decided this way."""

    cause = "nothing_to_decide"


@dataclass(frozen=True, slots=True)
class Undecided:
    """An effect that waits for a person's word, with the numbers of the orders that wait for it."""

    id: int
    key: str
    kind: str
    numbers: Sequence[str]
    started_at: datetime | None
    reason: str

    @property
    def may_have_happened(self) -> bool:
        """Whether a person can say that it happened; of a label they cannot, see `decide`."""
        return self.kind != LABEL


def undecided(connection: Connection) -> list[Undecided]:
    """Every unknown sheet, message and label, oldest first."""
    found = []
    for row in effects.unknown(connection):
        if row["kind"] == PRINT:
            continue
        ids = {part["order_id"] for part in _parts(connection, row)} | ({row["order_id"]} - {None})
        numbers = connection.execute(select(orders.c.number).where(orders.c.id.in_(ids)).order_by(orders.c.id))
        found.append(
            Undecided(
                row["id"], row["key"], row["kind"], numbers.scalars().all(), row["started_at"], row["reason"] or ""
            )
        )
    return found


def decide(
    connection: Connection, key: str, *, happened: bool, actor: str, answer: Mapping[str, str] | None = None
) -> list[Wakeup]:
    """Settle an unknown effect by what a person saw, and let its orders go on; returns the wake-ups this owes.

    `answer` is the other side's, where it was not a person who saw it but the other side that told.

    What did not happen is carried out again under the same key. A label that was bought cannot be settled by a word,
    because its numbers are missing: it is voided at the carrier first, and then it did not happen.
    """
    at = now(connection)
    row = effects.read(connection, [key]).get(key)
    if row is None or row["state"] != effects.UNKNOWN:
        raise NothingToDecide(f"{key} does not wait for a decision")
    if row["kind"] == PRINT:
        raise NothingToDecide(f"{key} is a print", remedy="Decide on the print job.")
    if row["kind"] == LABEL and happened:
        raise NothingToDecide(f"nobody knows the numbers of {key}", remedy="Void it, then say that it did not happen.")
    if happened:
        outcome = effects.Outcome(
            key, effects.DONE, {"by": actor, "provider": "", "at": at.isoformat(), **(answer or {})}
        )
    else:
        outcome = effects.Outcome(key, effects.FAILED, reason="a person saw that it did not happen")
    effects.settle(connection, [outcome], row["claim_token"], at)
    if row["kind"] == refunds.KIND:
        # The next look at what waits takes it up, whether its order was ever made anywhere or not.
        sickness.make_healthy(connection, row["order_id"])
        entry = history.Entry(row["order_id"], "effect.decided", {"effect": key, "happened": happened})
        history.record(connection, [entry], at=at, actor=actor)
        return []
    if row["kind"] == news.EFFECT:
        return _told(connection, row, happened, actor, at)
    if row["kind"] == messages.KIND and waiting_messages.try_again(connection, waiting_messages.of_keys([key]), at):
        # Its order has gone on without it; the next look at what waits takes it up.
        told = {"effect": key, "happened": happened}
        history.record(connection, [history.Entry(row["order_id"], "effect.decided", told)], at=at, actor=actor)
        return []
    parts = _parts(connection, row)
    for order_id in sorted({part["order_id"] for part in parts}):
        sickness.make_healthy(connection, order_id)
        entry = history.Entry(order_id, "effect.decided", {"effect": key, "happened": happened})
        history.record(connection, [entry], at=at, actor=actor)
    return [wakeup(connection, STAGE, location) for location in sorted({part["location"] for part in parts})]


def _told(connection: Connection, row: RowMapping, happened: bool, actor: str, at: datetime) -> list[Wakeup]:
    """News that a channel was told, or was not: it is settled by the next wave, or told again."""
    order_id = row["order_id"]
    channel = news.channel_of(connection, order_id)
    sickness.make_healthy(connection, order_id)
    entry = history.Entry(order_id, "effect.decided", {"effect": row["key"], "happened": happened})
    history.record(connection, [entry], at=at, actor=actor)
    return [wakeup(connection, news.STAGE, channel)] if channel else []


def _parts(connection: Connection, row: RowMapping) -> list[RowMapping]:
    """The fulfilment orders that wait for an effect: its order's, or all whose labels stand on its sheet."""
    query = select(fulfilment_orders.c.order_id, fulfilment_orders.c.location)
    if row["order_id"] is not None:
        query = query.where(fulfilment_orders.c.order_id == row["order_id"])
    else:
        query = (
            query.join(shipments, shipments.c.fulfilment_order_id == fulfilment_orders.c.id)
            .join(sheets, sheets.c.id == shipments.c.sheet_id)
            .where(sheets.c.key == row["key"])
        )
    return list(connection.execute(query).mappings())
