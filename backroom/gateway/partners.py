"""`POST /partners/{location}/messages`: a partner says that something is new with an order of ours.

A signed message of a workshop says the whole order: it is durable before it is acknowledged, and read by the next run.
Anything else is only a hint to ask the partner: whoever sends it can make us ask, not often, and believe nothing.
200 for all that is taken, of orders that are not there as well, so that nobody learns which are; 401 for a signature
that is not right, 404 for a location that is no partner's, 413 above 1 MiB, 503 where the database is busy.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from fastapi import APIRouter, HTTPException, Request
from sqlalchemy import Connection

from backroom.domain.errors import BackroomError
from backroom.domain.signatures import BadSignature
from backroom.gateway.front import front_of
from backroom.gateway.webhooks import commit, read_body
from backroom.partners.base import News
from backroom.partners.registry import HINTS, MESSAGES
from backroom.shop.room import Room
from backroom.store import partner_orders
from backroom.store.claims import Wakeup

router = APIRouter()
# One message is about one order; some tell of a few.
MOST_NAMES = 20


@dataclass(frozen=True, slots=True)
class PartnerDoor:
    """One partner's door. The secret is read when the gateway starts; without one, all it sends are hints."""

    location: str
    adapter: str
    secret: str

    def read(self, body: bytes, headers: Mapping[str, str]) -> News:
        """What a message says; BadSignature for what is signed otherwise than agreed."""
        if self.secret:
            return MESSAGES[self.adapter](body, headers, self.secret)
        return News(HINTS[self.adapter](body)[:MOST_NAMES])


def partner_doors(room: Room) -> dict[str, PartnerDoor]:
    """The doors of every partner, by location; SecretMissing where one signs and its secret is not there."""
    return {
        place.id: PartnerDoor(
            place.id,
            place.partner.adapter,
            room.secret(place.partner.webhook_secret) if place.partner.webhook_secret else "",
        )
        for place in room.shop.locations
        if place.partner is not None
    }


@router.post("/partners/{location}/messages")
async def message(location: str, request: Request) -> dict[str, str]:
    """Keep a signed word, or take a hint."""
    front = front_of(request)
    door = front.partner_doors.get(location)
    if door is None:
        raise HTTPException(404, "there is no such partner")
    body = await read_body(request)
    try:
        news = await asyncio.to_thread(door.read, body, request.headers)
    except BadSignature as error:
        raise HTTPException(401, "the signature does not match") from error
    except BackroomError as error:
        raise HTTPException(400, "this message cannot be read") from error
    if news.names:
        front.send(await commit(front, partial(_take, location=location, news=news)))
    return {"outcome": "taken"}


def _take(connection: Connection, location: str, news: News) -> list[Wakeup]:
    if news.status is None:
        return partner_orders.hint(connection, location, news.names)
    return partner_orders.tell(connection, location, news.status.reference, news.told, news.status.revision)
