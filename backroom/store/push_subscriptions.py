"""In which browsers customers asked for push messages: sealed with their own key, found by a keyed hash."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping

from sqlalchemy import Connection, delete, insert, select

from backroom.store import history
from backroom.store.batches import chunks, insert_new
from backroom.store.database import now
from backroom.store.people import load
from backroom.store.seals import Seals, seal, unseal
from backroom.store.tables import consents, inbox, orders, people, push_subscriptions

CONTEXT = "push_subscriptions.content"
SOURCE = "push.subscription"


def subscribe(
    connection: Connection, seals: Seals, channel: str, external_id: str, told: Mapping[str, str], wording: str
) -> bool | None:
    """Keep a browser's subscription for the person of a channel's order, with the consent that it was given by.

    `told` has endpoint, p256dh and auth. False when it is kept already; None when no such order is known.
    """
    person_id = _person_of(connection, channel, external_id)
    if person_id is None:
        return None
    at = now(connection)
    key = load(connection, seals, [person_id], hold=True)[person_id].key
    digest = seals.digest("push", told["endpoint"])
    # A browser that somebody else used before is theirs now.
    others = push_subscriptions.c.digest == digest, push_subscriptions.c.person_id != person_id
    connection.execute(delete(push_subscriptions).where(*others))
    row = {"person_id": person_id, "digest": digest, "at": at}
    row["content"] = seal(key, json.dumps(dict(told)).encode(), CONTEXT)
    if not insert_new(connection, push_subscriptions, [row]):
        return False
    said = {"person_id": person_id, "medium": "push", "purpose": "order_updates", "granted": True, "at": at}
    connection.execute(insert(consents).values(**said, source=SOURCE, wording=wording))
    entries = [
        history.Entry(id_, "push.subscribed")
        for id_ in connection.execute(
            select(orders.c.id).where(orders.c.channel == channel, orders.c.external_id == external_id)
        ).scalars()
    ]
    history.record(connection, entries, at=at)
    return True


def unsubscribe(connection: Connection, seals: Seals, endpoint: str, wording: str = "unsubscribed") -> bool:
    """Forget a browser, because its owner said so or its push service knows it no more; whether it was known. With the
    last one of a person their consent ends."""
    digest = seals.digest("push", endpoint)
    gone = delete(push_subscriptions).where(push_subscriptions.c.digest == digest)
    person_id = connection.execute(gone.returning(push_subscriptions.c.person_id)).scalar_one_or_none()
    if person_id is None:
        return False
    left = select(push_subscriptions.c.id).where(push_subscriptions.c.person_id == person_id).limit(1)
    if connection.execute(left).first() is None:
        row = {"person_id": person_id, "medium": "push", "purpose": "order_updates", "granted": False}
        connection.execute(insert(consents).values(**row, source=SOURCE, wording=wording, at=now(connection)))
    return True


def of_people(connection: Connection, keys: Mapping[int, bytes]) -> dict[int, list[dict[str, str]]]:
    """The subscriptions of people, by their ids and with their keys, opened."""
    found: dict[int, list[dict[str, str]]] = defaultdict(list)
    for batch in chunks(sorted(keys)):
        query = select(push_subscriptions).where(push_subscriptions.c.person_id.in_(batch))
        for row in connection.execute(query.order_by(push_subscriptions.c.id)).mappings():
            opened = unseal(keys[row["person_id"]], row["content"], CONTEXT)
            found[row["person_id"]].append(json.loads(opened))
    return found


def _person_of(connection: Connection, channel: str, external_id: str) -> int | None:
    for table in (orders, inbox):
        mine = table.c.channel == channel, table.c.external_id == external_id, people.c.wrapped_key.is_not(None)
        query = select(table.c.person_id).join(people, people.c.id == table.c.person_id).where(*mine)
        found: int | None = connection.execute(query.order_by(table.c.id.desc()).limit(1)).scalar_one_or_none()
        if found is not None:
            return found
    return None
