"""The rows of the effects ledger. How a batch of effects is carried out stands in `backroom.effects`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, delete, select, update

from backroom.store.batches import chunks, insert_new
from backroom.store.claims import is_free
from backroom.store.seals import Seals
from backroom.store.tables import effects

PLANNED, STARTED, DONE, FAILED, UNKNOWN = "planned", "started", "done", "failed", "unknown"


@dataclass(frozen=True, slots=True)
class Plan:
    """An effect to be: its unique key, its kind (print, label, sheet, message), whose it is, its request's hash."""

    key: str
    kind: str
    order_id: int | None
    request_hash: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one effect: DONE with the other side's answer, FAILED, or UNKNOWN, with the reason."""

    key: str
    state: str
    answer: Mapping[str, Any] | None = None
    reason: str = ""


def request_hash(asked: Mapping[str, Any], seals: Seals | None = None) -> str:
    """The hash (hex) of all that is asked of the other side, as JSON; keyed by `seals` where that is personal data."""
    text = json.dumps(asked, ensure_ascii=False, sort_keys=True)
    return seals.digest("request", text) if seals else hashlib.sha256(text.encode()).hexdigest()


def plan(connection: Connection, plans: Sequence[Plan], token: str, at: datetime) -> dict[str, RowMapping]:
    """Write the rows that are missing, take what no other live claim holds into this one's hands, and return all.

    A row of what did not happen takes the new request's hash; where a call was begun, the hash it was begun with stays.
    """
    insert_new(
        connection,
        effects,
        [
            {
                "key": p.key,
                "kind": p.kind,
                "order_id": p.order_id,
                "request_hash": p.request_hash,
                "state": PLANNED,
                "claim_token": token,
                "tries": 0,
                "planned_at": at,
                "reason": "",
            }
            for p in plans
        ],
    )
    for batch in chunks(p.key for p in plans):
        others = effects.c.key.in_(batch) & (effects.c.claim_token != token)
        # Locked before it is asked who lives: on PostgreSQL, one that waited for a row would see the claims of before.
        connection.execute(select(effects.c.id).where(others).order_by(effects.c.id).with_for_update())
        connection.execute(update(effects).where(others, is_free(effects, at)).values(claim_token=token))
    rows = read(connection, (p.key for p in plans))
    changed = [p for p in plans if rows[p.key]["request_hash"] != p.request_hash]
    if not changed:
        return rows
    for p in changed:
        not_begun = effects.c.state.in_([PLANNED, FAILED]) & (effects.c.claim_token == token)
        connection.execute(update(effects).where(effects.c.key == p.key, not_begun).values(request_hash=p.request_hash))
    return read(connection, (p.key for p in plans))


def take(connection: Connection, keys: Iterable[str], token: str) -> None:
    """Put rows into a holder's hands, whoever had them: from now on only it may start them, or say that they did not
    happen. For holders that are no claims: the workers beside the printers."""
    for batch in chunks(keys):
        connection.execute(
            update(effects).where(effects.c.key.in_(batch), effects.c.claim_token != token).values(claim_token=token)
        )


def read(connection: Connection, keys: Iterable[str]) -> dict[str, RowMapping]:
    found: dict[str, RowMapping] = {}
    for batch in chunks(keys):
        for row in connection.execute(select(effects).where(effects.c.key.in_(batch))).mappings():
            found[row["key"]] = row
    return found


def start(connection: Connection, keys: Iterable[str], token: str, at: datetime) -> int:
    """Mark this holder's calls as begun, in the commit just before them; returns how many could be started."""
    count = 0
    for batch in chunks(keys):
        count += connection.execute(
            update(effects)
            .where(
                effects.c.key.in_(batch),
                effects.c.claim_token == token,
                effects.c.state.in_([PLANNED, FAILED, STARTED]),
            )
            .values(state=STARTED, started_at=at, tries=effects.c.tries + 1)
        ).rowcount
    return count


def drop(connection: Connection, keys: Iterable[str], token: str) -> None:
    """Forget what this holder planned, never began and will not begin."""
    for batch in chunks(keys):
        planned = effects.c.key.in_(batch) & (effects.c.claim_token == token) & (effects.c.state == PLANNED)
        connection.execute(delete(effects).where(planned))


def settle(connection: Connection, outcomes: Sequence[Outcome], token: str, at: datetime) -> None:
    """Write what became of calls. A DONE row never changes again.

    That a call happened is written whoever says so; that it did not, or that nobody knows, only by the row's holder:
    another one may have begun it anew since.
    """
    for settling, group in (
        (_HAPPENED, [one for one in outcomes if one.state == DONE]),
        (_DID_NOT, [one for one in outcomes if one.state != DONE]),
    ):
        if group:
            connection.execute(settling, [_settled(outcome, token, at) for outcome in group])


def _settled(outcome: Outcome, token: str, at: datetime) -> dict[str, Any]:
    return {
        "of": outcome.key,
        "holder": token,
        "state": outcome.state,
        "answer": dict(outcome.answer) if outcome.answer is not None else None,
        "reason": outcome.reason,
        "settled_at": at,
    }


_HAPPENED = (
    update(effects)
    .where(effects.c.key == bindparam("of"), effects.c.state != DONE)
    .values({name: bindparam(name) for name in ("state", "answer", "reason", "settled_at")})
)
_DID_NOT = _HAPPENED.where(effects.c.claim_token == bindparam("holder"))


def begun(connection: Connection, order_id: int, kind: str) -> list[RowMapping]:
    """Effects of one kind for an order that happened, or may have."""
    query = select(effects).where(
        effects.c.order_id == order_id, effects.c.kind == kind, effects.c.state.in_([STARTED, DONE, UNKNOWN])
    )
    return list(connection.execute(query).mappings())


def begun_of(connection: Connection, keys: Iterable[str]) -> set[str]:
    """Those of these effects that happened, or may have."""
    return {key for key, row in read(connection, keys).items() if row["state"] in (STARTED, DONE, UNKNOWN)}


def unknown(connection: Connection) -> list[RowMapping]:
    """Effects whose outcome nobody could tell: each waits for a person."""
    return list(connection.execute(select(effects).where(effects.c.state == UNKNOWN).order_by(effects.c.id)).mappings())
