"""What people ask for, or a channel on their behalf: to be told what is held of them, to be forgotten; and a channel
that closes. By number only: what they were known by is looked up when the request comes, and not kept.

An erasure waits until it can be carried out; an export waits for somebody who hands it over.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

from sqlalchemy import Connection, RowMapping, select, update

from backroom.domain.errors import Refuse
from backroom.store.batches import insert_new
from backroom.store.database import now
from backroom.store.tables import privacy_requests

EXPORT, ERASE, CLOSE = "export", "erase", "close"
WAITING, DONE, DECLINED = "waiting", "done", "declined"
# What the law of most places gives, and Shopify asks for ("Privacy law compliance", shopify.dev).
WITHIN = timedelta(days=30)


class NoSuchRequest(Refuse):
    """No request has this number, or it was settled before."""

    cause = "no_such_request"


def ask(connection: Connection, kind: str, key: str, people: Iterable[int], channel: str = "", actor: str = "") -> bool:
    """Write a request down once; False where one of this key is there. Of nobody it is done as it comes."""
    at, whom = now(connection), sorted(set(people))
    nothing = kind != CLOSE and not whom
    row = {
        "kind": kind,
        "channel": channel,
        "key": key,
        "people": whom,
        "state": DONE if nothing else WAITING,
        "asked_at": at,
        "due_at": at + WITHIN,
        "done_at": at if nothing else None,
        "actor": actor,
    }
    return bool(insert_new(connection, privacy_requests, [row]))


def waiting(connection: Connection, *kinds: str) -> Sequence[RowMapping]:
    """Requests that wait, those that are due first."""
    query = select(privacy_requests).where(privacy_requests.c.state == WAITING)
    if kinds:
        query = query.where(privacy_requests.c.kind.in_(kinds))
    return connection.execute(query.order_by(privacy_requests.c.due_at, privacy_requests.c.id)).mappings().all()


def listed(connection: Connection, most: int) -> Sequence[RowMapping]:
    """The newest requests, settled ones as well."""
    query = select(privacy_requests).order_by(privacy_requests.c.id.desc()).limit(most)
    return connection.execute(query).mappings().all()


def one(connection: Connection, request_id: int) -> RowMapping:
    """A request that waits; raises NoSuchRequest."""
    query = select(privacy_requests).where(privacy_requests.c.id == request_id, privacy_requests.c.state == WAITING)
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        raise NoSuchRequest(f"no request {request_id} waits", remedy="`backroom person requests` lists them.")
    return row


def settle(connection: Connection, request_id: int, state: str, actor: str = "") -> None:
    """End a request; raises NoSuchRequest where it does not wait any more."""
    one(connection, request_id)
    values = {"state": state, "done_at": now(connection), "actor": actor}
    connection.execute(update(privacy_requests).where(privacy_requests.c.id == request_id).values(values))
