"""Messages to customers: one for each parcel or return, kind and medium; content sealed; the consents behind them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, RowMapping, select

from backroom.domain.model import StatedConsent
from backroom.store import effects
from backroom.store.batches import chunks, insert_new, update_by_id
from backroom.store.tables import consents, messages

CONTEXT = "messages.content"
# The kind of the effects that send them.
KIND = "message"
PLANNED, SENT, SKIPPED = "planned", "sent", "skipped"
# It waits for its hour, and was not sent when that had come: its order goes on without it.
WAITING, FAILED = "waiting", "failed"


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A message about to be planned, its content (recipient, subject, body) sealed under the customer's key.

    It is about a parcel (`part_id`) or about a return. `key` is the key of the effect that sends it.
    """

    part_id: int | None
    return_id: int | None
    order_id: int
    person_id: int
    kind: str
    medium: str
    content: bytes
    state: str
    reason: str
    key: str
    next_attempt_at: datetime | None = None


def save_messages(connection: Connection, new: Sequence[NewMessage], at: datetime) -> list[RowMapping]:
    """Write messages, and return all messages about those parcels and returns.

    One that is there already is written anew, for its recipient may have been corrected, or may want no message any
    more; but not when it was sent or may have been: then it stays what was sent.
    """
    inserted = insert_new(
        connection,
        messages,
        [
            {
                "key": m.key,
                "fulfilment_order_id": m.part_id,
                "return_id": m.return_id,
                "order_id": m.order_id,
                "person_id": m.person_id,
                "kind": m.kind,
                "medium": m.medium,
                "content": m.content,
                "state": m.state,
                "reason": m.reason,
                "next_attempt_at": m.next_attempt_at,
                "at": at,
            }
            for m in new
        ],
    )
    rows = _about_the_same(connection, new)
    if inserted == len(new):
        return rows
    begun = effects.begun_of(connection, (m.key for m in new))
    fresh = {(m.part_id, m.return_id, m.kind, m.medium): m for m in new if m.key not in begun}
    changed = [
        {
            "id": row["id"],
            "content": m.content,
            "state": m.state,
            "reason": m.reason,
            "next_attempt_at": m.next_attempt_at,
        }
        for row in rows
        if row["state"] != SENT and (m := fresh.get(_identity(row)))
    ]
    update_by_id(connection, messages, changed)
    return _about_the_same(connection, new)


def _identity(row: RowMapping) -> tuple[int | None, int | None, str, str]:
    return row["fulfilment_order_id"], row["return_id"], row["kind"], row["medium"]


def _about_the_same(connection: Connection, new: Sequence[NewMessage]) -> list[RowMapping]:
    found: list[RowMapping] = []
    for column, ids in (
        (messages.c.fulfilment_order_id, {m.part_id for m in new} - {None}),
        (messages.c.return_id, {m.return_id for m in new} - {None}),
    ):
        for batch in chunks(sorted(id_ for id_ in ids if id_ is not None)):
            found += (
                connection.execute(select(messages).where(column.in_(batch)).order_by(messages.c.id)).mappings().all()
            )
    return found


def settle_messages(connection: Connection, outcomes: Sequence[tuple[int, str, str, datetime | None]]) -> None:
    """`(message id, state, reason, sent at)`."""
    update_by_id(
        connection,
        messages,
        [
            {
                "id": id_,
                "state": state,
                "reason": reason,
                "sent_at": sent_at,
                "next_attempt_at": None,
                "claim_token": None,
            }
            for id_, state, reason, sent_at in outcomes
        ],
    )


def consents_of(connection: Connection, person_ids: Iterable[int]) -> dict[int, list[StatedConsent]]:
    """Every statement each person made, oldest first."""
    found: dict[int, list[StatedConsent]] = defaultdict(list)
    for batch in chunks(sorted(set(person_ids))):
        query = select(consents).where(consents.c.person_id.in_(batch)).order_by(consents.c.at, consents.c.id)
        for row in connection.execute(query).mappings():
            values = {name: value for name, value in row.items() if name not in ("id", "person_id")}
            found[row["person_id"]].append(StatedConsent(**values))
    return found
