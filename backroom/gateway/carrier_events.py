"""`POST /carriers/{carrier}/events`: what a carrier tells of parcels, written down before it is acknowledged.

200 for what is written now, was written before, or is about nothing of ours; 400 for broken JSON, 401 for a bad
signature, 404 for a carrier that tells nothing here, 413 and 408 as for webhooks. 503 where the database is busy or
full: then nothing was acknowledged, and the carrier sends again.

Of a body only states, codes and times are kept: it names streets and whoever signed.
"""

from __future__ import annotations

import asyncio
from functools import partial

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import JSONResponse
from sqlalchemy import Connection

from backroom.carriers.easypost_webhook import BadSignature, Told
from backroom.channels.strict_json import BrokenJson
from backroom.gateway.carrier_doors import CarrierDoor
from backroom.gateway.front import Front, front_of
from backroom.gateway.webhooks import SMALL, commit, read_body
from backroom.store.database import now
from backroom.store.parcel_news import Noted, note_events, refund_told

router = APIRouter()


async def receive(request: Request) -> Response:
    """A plain Starlette endpoint, as that of the webhooks is."""
    front = front_of(request)
    carrier = request.path_params["carrier"]
    door = front.carrier_doors.get(carrier)
    if door is None:
        raise HTTPException(404, "there is no such carrier")
    outcome = "refused"
    try:
        outcome = await _note(front, door, request)
    finally:
        front.meters.webhooks.labels(f"carrier:{carrier}", outcome).inc()
    return JSONResponse({"outcome": outcome})


router.add_route("/carriers/{carrier}/events", receive, methods=["POST"])


async def _note(front: Front, door: CarrierDoor, request: Request) -> str:
    body = await read_body(request)
    try:
        if len(body) <= SMALL:
            told = door.read(body, request.headers)
        else:
            told = await asyncio.to_thread(door.read, body, request.headers)
    except BadSignature as error:
        raise HTTPException(401, "the signature does not match") from error
    except BrokenJson as error:
        raise HTTPException(400, "the body is not JSON that we take") from error
    if told is None:
        return "ignored"
    noted = await commit(front, partial(_write, door.spec.id, told, front.room.shop.hub))
    front.send(noted.wakeups)
    return "accepted" if noted.new else "duplicate"


def _write(carrier: str, told: Told, hub: str, connection: Connection) -> Noted:
    if told.refund is not None:
        known = refund_told(connection, carrier, told.reference, told.refund, now(connection))
        return Noted(int(known), known)
    return note_events(
        connection, carrier, told.reference, told.events, source="webhook", hub=hub, tracking=told.tracking
    )
