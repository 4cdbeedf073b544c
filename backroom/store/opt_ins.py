"""Who asked for SMS at an event: the wish, its code, and the consent that comes of it.

What belongs here: the rows. What does not: how often and how long (`backroom.domain.opt_in`), sending the code
(`tasks.opt_ins`). What is told to whoever asks does not depend on whether we know that number.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, func, insert, select, update

from backroom.domain.breaker import MOST_FAILURES, next_attempt
from backroom.domain.consent import decide
from backroom.domain.opt_in import GOOD_FOR, PER_ADDRESS, PER_EVENT, PER_NUMBER, Limit, Verdict, may_send, may_try
from backroom.store import print_promises
from backroom.store.batches import update_by_id
from backroom.store.claims import Claim, attend, is_free, look_for_work, take
from backroom.store.database import now
from backroom.store.messages import consents_of
from backroom.store.opt_outs import KIND_OF, is_silenced
from backroom.store.people import find_or_add, load, not_erased
from backroom.store.seals import Seals, seal, unseal
from backroom.store.tables import consents, events, opt_ins
from backroom.store.waiting_messages import STAGE

CONTEXT = "opt_ins.content"
ASKED, SENT, REFUSED, CONFIRMED = "asked", "sent", "refused", "confirmed"
PAGE, TILL = "event.page", "event.till"


@dataclass(frozen=True, slots=True, repr=False)
class Wish:
    """Somebody wants SMS to `phone` (E.164). `key` is the asker's own; `address` is where they ask from on the net."""

    key: str
    event_id: int
    phone: str
    address: str
    source: str
    language: str
    wording: str


@dataclass(frozen=True, slots=True, repr=False)
class Code:
    """A code to be sent: what it is for, and to whom."""

    id: int
    phone: str
    code: str
    language: str


def ask(connection: Connection, seals: Seals, wish: Wish, code: str) -> Verdict:
    """Keep a wish, with the code that is to be sent; the same key again is the same wish. `code` is a fresh one."""
    # One after the other: who asks twice at the same time is counted twice.
    connection.execute(select(events.c.id).where(events.c.id == wish.event_id).with_for_update())
    at = now(connection)
    if connection.execute(select(opt_ins.c.id).where(opt_ins.c.key == wish.key)).first() is not None:
        return Verdict.SEND
    number = seals.digest(KIND_OF["sms"], wish.phone)
    address = seals.digest("address", wish.address) if wish.address else ""
    verdict = may_send(
        _count(connection, opt_ins.c.number == number, PER_NUMBER, at),
        _count(connection, opt_ins.c.address == address, PER_ADDRESS, at) if address else 0,
        _count(connection, opt_ins.c.event_id == wish.event_id, PER_EVENT, at),
        silenced=is_silenced(connection, "sms", number),
    )
    if verdict is not Verdict.SEND:
        return verdict
    person = find_or_add(connection, seals, [(KIND_OF["sms"], wish.phone)], at)
    content = json.dumps({"phone": wish.phone, "code": code}).encode()
    row = {
        "key": wish.key,
        "event_id": wish.event_id,
        "person_id": person.id,
        "number": number,
        "address": address,
        "source": wish.source,
        "language": wish.language,
        "wording": wish.wording,
        "content": seal(person.key, content, CONTEXT),
        "code_hash": _hash(seals, wish.key, code),
        "tries": 0,
        "state": ASKED,
        "reason": "",
        "asked_at": at,
        "next_attempt_at": at,
        "attempts": 0,
    }
    connection.execute(insert(opt_ins).values(row))
    return verdict


def confirm(connection: Connection, seals: Seals, event_id: int, code: str, *, key: str = "", phone: str = "") -> bool:
    """Whether this is the code of a wish, named by its key or by the number; then it is agreed to, once.

    A wrong code is a try less, so the transaction is to be committed either way.
    """
    at = now(connection)
    mine = opt_ins.c.key == key if key else opt_ins.c.number == seals.digest(KIND_OF["sms"], phone)
    query = select(opt_ins).where(opt_ins.c.event_id == event_id, mine).order_by(opt_ins.c.id.desc()).limit(1)
    row = connection.execute(query.with_for_update()).mappings().one_or_none()
    if row is None or row["state"] == REFUSED or not may_try(row["tries"], row["asked_at"], at):
        return False
    if not hmac.compare_digest(row["code_hash"], _hash(seals, row["key"], code)):
        connection.execute(update(opt_ins).where(opt_ins.c.id == row["id"]).values(tries=row["tries"] + 1))
        return False
    if row["state"] == CONFIRMED:
        return True
    if is_silenced(connection, "sms", row["number"]) or not not_erased(connection, [row["person_id"]]):
        return False
    done = {"state": CONFIRMED, "confirmed_at": at, "content": b"", "next_attempt_at": None}
    connection.execute(update(opt_ins).where(opt_ins.c.id == row["id"]).values(done))
    stated = consents_of(connection, [row["person_id"]])[row["person_id"]]
    if not decide(stated, "sms", "order_updates", at).allowed:
        said = {"person_id": row["person_id"], "medium": "sms", "purpose": "order_updates", "granted": True, "at": at}
        connection.execute(insert(consents).values(**said, source=row["source"], wording=row["wording"]))
        # The code may well come after the time that their print was promised for.
        print_promises.tell_again(connection, row["person_id"], at)
    return True


def due(connection: Connection, at: datetime) -> bool:
    """Whether a code is to be sent."""
    return connection.execute(select(opt_ins.c.id).where(_is_due(at)).limit(1)).first() is not None


def claim_codes(connection: Connection, *, hub: str, instance: str, run_id: str, most: int) -> Claim | None:
    """Claim codes that are to be sent, the longest wished for first; None when there is none."""
    at = look_for_work(connection, STAGE, hub)
    query = select(opt_ins.c.id, opt_ins.c.attempts, opt_ins.c.key).where(_is_due(at)).order_by(opt_ins.c.id)
    rows = connection.execute(query.limit(most).with_for_update(skip_locked=True, of=opt_ins)).all()
    if not rows:
        return None
    attend(connection, STAGE, hub, at if len(rows) < most else None)
    claim = take(connection, stage=STAGE, location=hub, instance=instance, run_id=run_id)
    taken = [
        {
            "id": row.id,
            "claim_token": claim.token,
            "attempts": row.attempts + 1,
            "next_attempt_at": next_attempt(row.attempts + 1, at, STAGE, seed=row.key),
        }
        for row in rows
    ]
    update_by_id(connection, opt_ins, taken)
    return replace(claim, full=len(rows) >= most)


def claimed(connection: Connection, seals: Seals, token: str) -> list[Code]:
    """The wave's codes, opened; of whoever was forgotten meanwhile there is none."""
    mine = opt_ins.c.claim_token == token, opt_ins.c.state == ASKED
    rows = connection.execute(select(opt_ins).where(*mine).order_by(opt_ins.c.id)).mappings().all()
    keys = load(connection, seals, not_erased(connection, (row["person_id"] for row in rows)))
    found = []
    for row in rows:
        if row["person_id"] in keys:
            opened: Mapping[str, str] = json.loads(unseal(keys[row["person_id"]].key, row["content"], CONTEXT))
            found.append(Code(row["id"], opened["phone"], opened["code"], row["language"]))
    return found


def settle(
    connection: Connection,
    token: str,
    ended: Mapping[int, tuple[str, str]],
    at: datetime,
    waits: Mapping[int, timedelta] | None = None,
) -> None:
    """What became of codes, by id: SENT, or REFUSED with why. Their number is kept no longer. What is not
    among these is tried again, no sooner than its provider asks (`waits`, by id)."""
    mine = opt_ins.c.claim_token == token
    for id_, (state, reason) in ended.items():
        gone = {"state": state, "reason": reason, "content": b"", "next_attempt_at": None, "claim_token": None}
        sent = {"sent_at": at} if state == SENT else {}
        # One that was confirmed meanwhile stays so.
        waiting = update(opt_ins).where(opt_ins.c.id == id_, mine, opt_ins.c.state == ASKED)
        connection.execute(waiting.values(gone | sent))
    for id_, wait in (waits or {}).items():
        sooner = update(opt_ins).where(opt_ins.c.id == id_, mine, opt_ins.c.next_attempt_at < at + wait)
        connection.execute(sooner.values(next_attempt_at=at + wait))
    tired = mine & (opt_ins.c.state == ASKED) & (opt_ins.c.attempts >= MOST_FAILURES)
    gone = {"state": REFUSED, "reason": "tried too often", "content": b"", "next_attempt_at": None}
    connection.execute(update(opt_ins).where(tired).values(gone))
    connection.execute(update(opt_ins).where(mine).values(claim_token=None))


def code_key(id_: int) -> str:
    """The key of the effect that sends a wish's code."""
    return f"opt-in-code-{id_}"


def silenced(connection: Connection, seals: Seals, phones: Mapping[str, str]) -> set[str]:
    """Those keys of `phones` whose number said stop."""
    digest = {key: seals.digest(KIND_OF["sms"], phone) for key, phone in phones.items()}
    return {key for key, number in digest.items() if is_silenced(connection, "sms", number)}


def forget_unconfirmed(connection: Connection, before: datetime, most: int) -> int:
    """Forget where codes were asked from, and the codes, of wishes from before then; returns how many."""
    old = select(opt_ins.c.id).where(opt_ins.c.asked_at < before, opt_ins.c.code_hash != "").limit(most)
    ids = list(connection.execute(old.order_by(opt_ins.c.id)).scalars())
    empty = {"address": "", "code_hash": "", "content": b"", "next_attempt_at": None}
    connection.execute(update(opt_ins).where(opt_ins.c.id.in_(ids)).values(empty))
    unsent = update(opt_ins).where(opt_ins.c.id.in_(ids), opt_ins.c.state.in_([ASKED, SENT]))
    connection.execute(unsent.values(state=REFUSED, reason="not confirmed"))
    return len(ids)


def listed(connection: Connection, event_id: int) -> dict[str, int]:
    """How many wishes of an event are in each state."""
    query = select(opt_ins.c.state, func.count()).where(opt_ins.c.event_id == event_id).group_by(opt_ins.c.state)
    return dict(connection.execute(query).tuples().all())


def _count(connection: Connection, which: ColumnElement[bool], limit: Limit, at: datetime) -> int:
    query = select(func.count()).select_from(opt_ins).where(which, opt_ins.c.asked_at > at - limit.within)
    return connection.execute(query).scalar_one()


def _is_due(at: datetime) -> ColumnElement[bool]:
    # One that comes after its time is of no use to anybody.
    in_time = opt_ins.c.asked_at > at - GOOD_FOR
    return (opt_ins.c.state == ASKED) & (opt_ins.c.next_attempt_at <= at) & in_time & is_free(opt_ins, at)


def _hash(seals: Seals, key: str, code: str) -> str:
    """Keyed, and bound to its wish: a million codes are soon tried against a hash without a key."""
    return seals.digest("opt-in-code", f"{key}:{code}")
