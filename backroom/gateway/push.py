"""Web push, for the shop's own site: the key that browsers subscribe with, and the subscriptions that it passes on.

The site's server calls here with a key of scope `push`, and names the order at its channel: so nobody subscribes to
another's orders. What was agreed to is kept in the words that the customer read.
"""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from backroom.gateway.access import needs
from backroom.gateway.front import front_of
from backroom.gateway.webhooks import commit
from backroom.messaging.push_crypto import public_key
from backroom.messaging.webpush import NoSubscription, Subscription
from backroom.store import push_subscriptions
from backroom.store.api_keys import KeyInfo

router = APIRouter()
Site = Annotated[KeyInfo, Depends(needs("push"))]


class Subscribing(BaseModel):
    """A browser's subscription, the order it is for, and the words that were agreed to."""

    channel: str = Field(min_length=1, max_length=60)
    order: str = Field(min_length=1, max_length=200)
    wording: str = Field(min_length=1, max_length=1000)
    subscription: dict[str, Any]


class Leaving(BaseModel):
    """A browser whose owner wants no more."""

    endpoint: str = Field(min_length=1, max_length=1000)


@router.get("/push/key")
def key(request: Request, _site: Site) -> Response:
    """The `applicationServerKey` of this shop."""
    private = _private_key(request)
    return JSONResponse({"key": public_key(private)})


@router.post("/push/subscriptions")
async def subscribe(request: Request, told: Subscribing, _site: Site) -> Response:
    """201 for a new one, 200 for one that is kept already; 404 where the order is not known (yet), 422 for what is no
    subscription or is of a push service that is not known."""
    _private_key(request)
    front = front_of(request)
    try:
        one = Subscription.read(told.subscription)
    except NoSubscription as error:
        raise HTTPException(422, error.message) from error
    kept = {"endpoint": one.endpoint, "p256dh": one.p256dh, "auth": one.auth}

    def work(connection: Connection) -> bool | None:
        return push_subscriptions.subscribe(connection, front.room.seals, told.channel, told.order, kept, told.wording)

    new = await commit(front, work)
    if new is None:
        raise HTTPException(404, "no such order is known here")
    return JSONResponse({"outcome": "accepted" if new else "duplicate"}, 201 if new else 200)


@router.post("/push/unsubscribe")
async def unsubscribe(request: Request, told: Leaving, _site: Site) -> Response:
    """200, whether it was known or not."""
    front = front_of(request)
    leave = partial(push_subscriptions.unsubscribe, seals=front.room.seals, endpoint=told.endpoint)
    known = await commit(front, leave)
    return JSONResponse({"outcome": "accepted" if known else "unknown"})


def _private_key(request: Request) -> str:
    room = front_of(request).room
    if room.shop.messaging.push != "web":
        raise HTTPException(404, "this shop sends no push messages")
    return room.secret("push.private_key")
