"""Stop, and the way back: what somebody wrote, whom it silences, and asking before a message is begun.

What belongs here: the rows. What does not: reading the words (`backroom.domain.reply_words`), and the rule over stated
consents (`backroom.domain.consent`).

Stop counts for the address it came from, by its keyed hash, whoever has that address now or gets it later; and for the
person who is known by it, as a consent withdrawn. Both are written in one commit, with the proof: what was written, by
which provider and under which id there. The question whether a message may go is asked in the commit that begins it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, or_, select, update

from backroom.domain.consent import PURPOSES, Medium, Purpose, decide
from backroom.domain.errors import Refuse
from backroom.domain.reply_words import Word
from backroom.store import desk, history
from backroom.store.batches import chunks, insert_new
from backroom.store.database import now
from backroom.store.messages import consents_of
from backroom.store.people import load
from backroom.store.seals import Seals, seal
from backroom.store.tables import consents, message_replies, orders, people, person_lookups, suppressions

CONTEXT = "message_replies.content"
# Under which kind the addresses of a medium are hashed, as those of people are (`people.find_or_add`).
KIND_OF: dict[Medium, str] = {"email": "email", "sms": "phone", "push": "push"}
SAID_STOP, SAID_START = "reply.stop", "reply.start"


class Withdrawn(Refuse):
    """Whoever the message is for wants none, and said so before it was begun: it is not sent."""

    cause = "consent-withdrawn"


@dataclass(frozen=True, slots=True)
class Proof:
    """What says stop, or start: a word that was written or a provider's code, the provider, and its id of that."""

    provider: str
    provider_id: str
    word: str


@dataclass(frozen=True, slots=True)
class Reply:
    """A message that came in. `sender` is an E.164 number; `proof.word` is the word of ours in it, if there is one."""

    medium: Medium
    sender: str
    text: str
    asks: Word | None
    proof: Proof


@dataclass(frozen=True, slots=True)
class Asked:
    """A message about to be begun: its effect's key, whom it is for and where it goes."""

    key: str
    person_id: int
    medium: Medium
    purpose: Purpose
    address: str


def take(connection: Connection, seals: Seals, reply: Reply) -> bool:
    """Keep a reply and do what it asks for; False when it was here before. What asks for nothing, and comes from nobody
    we know, is not kept."""
    digest = seals.digest(KIND_OF[reply.medium], reply.sender)
    person_id = _known_by(connection, reply.medium, digest)
    if person_id is None and reply.asks is None:
        return False
    content = b""
    if person_id is not None:
        key = load(connection, seals, [person_id])[person_id].key
        # Half of a surrogate pair cannot be written: what was typed around it can.
        text = reply.text.encode(errors="replace").decode()
        content = seal(key, json.dumps(text, ensure_ascii=False).encode(), CONTEXT)
    at = now(connection)
    row = {
        "provider": reply.proof.provider,
        "provider_id": reply.proof.provider_id,
        "person_id": person_id,
        "medium": reply.medium,
        "word": reply.asks or "",
        "content": content,
        "at": at,
    }
    if not insert_new(connection, message_replies, [row]):
        return False
    if reply.asks is Word.STOP:
        stop(connection, seals, reply.medium, reply.sender, reply.proof, at)
    elif reply.asks is Word.START:
        start(connection, seals, reply.medium, reply.sender, reply.proof, at)
    elif person_id is not None:
        told = {"medium": reply.medium, "provider": reply.proof.provider, "id": reply.proof.provider_id}
        _tell(connection, person_id, "customer.replied", told, at)
    return True


def stop(connection: Connection, seals: Seals, medium: Medium, address: str, proof: Proof, at: datetime) -> None:
    """Silence an address from now on, and withdraw the consents of the person known by it. The first proof stays."""
    digest = seals.digest(KIND_OF[medium], address)
    row = {"medium": medium, "digest": digest, "at": at, "lifted_at": None, "lifted_by": ""}
    row |= {"provider": proof.provider, "provider_id": proof.provider_id, "word": proof.word}
    if not insert_new(connection, suppressions, [row]):
        again = update(suppressions).where(
            suppressions.c.medium == medium, suppressions.c.digest == digest, suppressions.c.lifted_at.is_not(None)
        )
        connection.execute(again.values(row))
    person_id = _known_by(connection, medium, digest)
    if person_id is None:
        return
    refused = [
        {
            "person_id": person_id,
            "medium": medium,
            "purpose": purpose,
            "granted": False,
            "source": SAID_STOP,
            "wording": _wording(proof),
            "at": at,
        }
        for purpose in PURPOSES
    ]
    insert_new(connection, consents, refused)
    told = {"medium": medium, "word": proof.word, "provider": proof.provider, "id": proof.provider_id}
    _tell(connection, person_id, "consent.withdrawn", told, at)


def start(connection: Connection, seals: Seals, medium: Medium, address: str, proof: Proof, at: datetime) -> None:
    """Take a stop back: the address may be written to, and what stop withdrew is granted again, and no more."""
    digest = seals.digest(KIND_OF[medium], address)
    stands = suppressions.c.lifted_at.is_(None)
    lifted = update(suppressions).where(suppressions.c.medium == medium, suppressions.c.digest == digest, stands)
    if not connection.execute(lifted.values(lifted_at=at, lifted_by=f"{proof.provider} {proof.provider_id}")).rowcount:
        return
    person_id = _known_by(connection, medium, digest)
    if person_id is None:
        return
    again = [purpose for purpose in PURPOSES if _stopped(connection, person_id, medium, purpose)]
    for purpose in again:
        row = {"person_id": person_id, "medium": medium, "purpose": purpose, "granted": True, "at": at}
        connection.execute(insert(consents).values(**row, source=SAID_START, wording=_wording(proof)))
    told = {"medium": medium, "word": proof.word, "provider": proof.provider, "id": proof.provider_id}
    _tell(connection, person_id, "consent.given_again", told, at)


def withdrawn(connection: Connection, seals: Seals, asked: Sequence[Asked], at: datetime) -> dict[str, Withdrawn]:
    """Those of these messages that may not go, by key, each with why: asked in the commit that would begin them."""
    digests = {one.key: (one.medium, seals.digest(KIND_OF[one.medium], one.address)) for one in asked}
    silent: set[tuple[str, str]] = set()
    for batch in chunks(sorted({digest for _, digest in digests.values()})):
        query = select(suppressions.c.medium, suppressions.c.digest).where(
            suppressions.c.digest.in_(batch), suppressions.c.lifted_at.is_(None)
        )
        silent.update((row.medium, row.digest) for row in connection.execute(query))
    stated = consents_of(connection, (one.person_id for one in asked))
    found: dict[str, Withdrawn] = {}
    for one in asked:
        if digests[one.key] in silent:
            found[one.key] = Withdrawn(f"whoever has that {KIND_OF[one.medium]} told us to stop")
            continue
        decision = decide(stated.get(one.person_id, ()), one.medium, one.purpose, at)
        if not decision.allowed:
            found[one.key] = Withdrawn(decision.reason)
    return found


def is_silenced(connection: Connection, medium: Medium, digest: str) -> bool:
    """Whether the address behind this keyed hash said stop, and has not taken it back."""
    said = select(suppressions.c.id).where(
        suppressions.c.medium == medium, suppressions.c.digest == digest, suppressions.c.lifted_at.is_(None)
    )
    return connection.execute(said).first() is not None


def _known_by(connection: Connection, medium: Medium, digest: str) -> int | None:
    """Who is known by this address, unless they were forgotten."""
    query = (
        select(person_lookups.c.person_id)
        .join(people, people.c.id == person_lookups.c.person_id)
        .where(
            person_lookups.c.kind == KIND_OF[medium],
            person_lookups.c.digest == digest,
            people.c.wrapped_key.is_not(None),
        )
    )
    return connection.execute(query).scalar_one_or_none()


def _stopped(connection: Connection, person_id: int, medium: Medium, purpose: Purpose) -> bool:
    """Whether the last word on this was a stop that withdrew what had been granted before."""
    query = select(consents.c.granted, consents.c.source).where(
        consents.c.person_id == person_id, consents.c.medium == medium, consents.c.purpose == purpose
    )
    said = connection.execute(query.order_by(consents.c.at.desc(), consents.c.id.desc())).all()
    earlier = [row for row in said if row.source != SAID_STOP]
    return bool(said and said[0].source == SAID_STOP and earlier and earlier[0].granted)


def _wording(proof: Proof) -> str:
    return f"{proof.word} ({proof.provider} {proof.provider_id})"


def _tell(connection: Connection, person_id: int, event: str, told: dict[str, str], at: datetime) -> None:
    """Write it into the histories of the person's open orders, and of their last one."""
    mine = orders.c.person_id == person_id
    last = select(orders.c.id).where(mine).order_by(orders.c.id.desc()).limit(1).scalar_subquery()
    query = select(orders.c.id).where(mine, or_(orders.c.state.not_in(desk.ENDED), orders.c.id == last))
    ids = connection.execute(query.order_by(orders.c.id)).scalars().all()
    history.record(connection, [history.Entry(id_, event, told) for id_ in ids], at=at)
