"""`POST /webhooks/{channel}`: a signed message is durable before it is acknowledged.

200 for what is stored now, was stored before, lies durable in the spool while the database is crowded (`spooling`), or
only asks whether we are here; 400 for broken JSON, 401 for a bad signature, 404 for an unknown channel, 408 for a body
that does not come, 413 for one above 1 MiB. 503 with Retry-After where the database is busy or full: then nothing was
acknowledged, and the sender sends again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import JSONResponse
from sqlalchemy import Connection
from starlette.requests import ClientDisconnect

from backroom.channels.base import BadSignature
from backroom.channels.strict_json import BrokenJson
from backroom.gateway.committing import committed
from backroom.gateway.doors import PrivacyDelivery, WebhookDoor
from backroom.gateway.front import Front, front_of
from backroom.privacy.requests import take

BODY_SECONDS = 20.0
# Bodies above this are checked in a thread, so that a big one does not keep the small ones waiting.
SMALL = 64 * 1024

T = TypeVar("T")

router = APIRouter()


async def receive(request: Request) -> Response:
    """A plain Starlette endpoint: there are no parameters for FastAPI to look into, and it takes its time to do so."""
    began = time.perf_counter()
    front = front_of(request)
    channel = request.path_params["channel"]
    door = front.doors.get(channel)
    if door is None:
        raise HTTPException(404, "there is no such channel")
    outcome = "refused"
    try:
        outcome = await _deliver(front, door, request)
    finally:
        front.meters.webhooks.labels(channel, outcome).inc()
        front.meters.webhook_seconds.observe(time.perf_counter() - began)
    return JSONResponse({"outcome": outcome})


router.add_route("/webhooks/{channel}", receive, methods=["POST"])


async def read_body(request: Request) -> bytes:
    """The whole body; 408 when it does not come in time, 413 (by the middleware) when it is too large."""
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await request.body()
    except TimeoutError as error:
        raise HTTPException(408, "the body did not come in time") from error
    except ClientDisconnect as error:
        raise HTTPException(400, "the body broke off") from error


async def commit(front: Front, work: Callable[[Connection], T]) -> T:
    """Commit what a delivery makes together with whatever else is waiting to be written."""
    return await committed(front.room.database, work)


async def _deliver(front: Front, door: WebhookDoor, request: Request) -> str:
    body = await read_body(request)
    if door.is_ping(body, request.headers):
        return "ping"
    try:
        if len(body) <= SMALL:
            delivery = door.read(body, request.headers)
        else:
            delivery = await asyncio.to_thread(door.read, body, request.headers)
    except BadSignature as error:
        raise HTTPException(401, "the signature does not match") from error
    except BrokenJson as error:
        raise HTTPException(400, "the body is not JSON that we take") from error
    if isinstance(delivery, PrivacyDelivery):
        new = await commit(
            front,
            partial(
                take,
                seals=front.room.seals,
                channel=delivery.channel,
                delivery_key=delivery.key,
                asked=delivery.asked,
            ),
        )
        return "accepted" if new else "duplicate"
    receipt = await front.spooling.accept(delivery)
    if receipt.spooled:
        return "spooled"
    if receipt.wakeup is not None:
        front.send([receipt.wakeup])
    return "accepted" if receipt.new else "duplicate"
