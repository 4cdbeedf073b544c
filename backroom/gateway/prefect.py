"""`/booth/prefect`: a booth's worker talks to Prefect through here, with its own key and not with Prefect's.

What belongs here: who comes in, and HTTP and web sockets of it. What does not: what may be asked (`prefect_door`).

PREFECT_API_URL of a booth's worker is this address, and its PREFECT_API_AUTH_STRING `booth:` and its key. A key is
looked up at every call, and on an open event stream at every event: a revoked one is out at once.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import logging
from typing import Any

from fastapi import APIRouter, HTTPException, Request, Response, WebSocket, WebSocketDisconnect
from fastapi.responses import JSONResponse

from backroom.engine.patience import AWAY
from backroom.gateway.access import admit, bearer
from backroom.gateway.front import Front
from backroom.gateway.prefect_door import Call, NotForBooths, PrefectAway, PrefectDoor

log = logging.getLogger(__name__)

PREFIX = "/booth/prefect"
SUBPROTOCOL = "prefect"
# RFC 6455, section 7.4.1: refused by what it is, and try again later.
REFUSED, LATER = 1008, 1013
LONGEST_EVENT = 256 * 1024

router = APIRouter()


async def ask(request: Request) -> Response:
    """One call of Prefect's API: passed on, or 403. 503 while Prefect is away."""
    front: Front = request.app.state.front
    pool = await asyncio.to_thread(
        _pool_of, front, _key_of(request.headers.get("authorization", "")) or bearer(request)
    )
    door = _door(request.app.state.prefect)
    path = "/" + request.path_params["rest"]
    try:
        answer = await door.ask(Call(request.method, path, request.url.query, await request.body(), pool))
    except NotForBooths as error:
        return JSONResponse({"detail": str(error), "cause": "not_for_booths"}, 403)
    except PrefectAway as error:
        said = {"detail": f"Prefect is away ({error})", "cause": "prefect_away"}
        return JSONResponse(said, 503, {AWAY: "away"})
    return Response(answer.body, answer.status, media_type=answer.media_type)


router.add_route(PREFIX + "/{rest:path}", ask, methods=["GET", "POST", "PATCH", "PUT", "DELETE"])


@router.websocket(PREFIX + "/events/in")
async def events(socket: WebSocket) -> None:
    """What the worker tells of its task runs, event by event. One that is not its own ends the stream."""
    front: Front = socket.app.state.front
    key = _key_of(socket.headers.get("authorization", ""))
    await socket.accept(subprotocol=SUBPROTOCOL if SUBPROTOCOL in socket.scope.get("subprotocols", ()) else None)
    try:
        greeting = json.loads(await socket.receive_text())
        key = key or _password(str(greeting.get("token", "")))
        pool = await asyncio.to_thread(_pool_of, front, key)
        door = _door(socket.app.state.prefect)
        await socket.send_text('{"type":"auth_success"}')
        while True:
            event = _event(await socket.receive_text())
            await asyncio.to_thread(_pool_of, front, key)
            await door.take_event(pool, event)
    except WebSocketDisconnect:
        return
    except PrefectAway:
        await socket.close(LATER)
    except (NotForBooths, HTTPException, ValueError, AttributeError) as error:
        log.warning("an event stream of a booth was ended: %s", getattr(error, "detail", None) or type(error).__name__)
        await socket.close(REFUSED)


def _event(text: str) -> Any:
    if len(text) > LONGEST_EVENT:
        raise NotForBooths("the event is too long")
    return json.loads(text)


def _pool_of(front: Front, key: str | None) -> str:
    """The pool of a booth's key. The hub's own pool is no booth's: its runs are not to be had with such a key."""
    info = admit(front, key, "booth")
    shop = front.room.shop
    pool = next((place.pool for place in shop.locations if place.id == info.location), None)
    if pool is None or pool == shop.location(shop.hub).pool:
        raise HTTPException(403, "this key is for no booth's pool")
    return pool


def _door(door: PrefectDoor | None) -> PrefectDoor:
    if door is None:
        raise HTTPException(503, "this gateway knows no Prefect")
    return door


def _key_of(header: str) -> str | None:
    """The password of an `Authorization: Basic` header (RFC 7617): Prefect's clients send their auth string so."""
    kind, _, value = header.partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        return _password(base64.b64decode(value, validate=True).decode())
    except (binascii.Error, UnicodeDecodeError):
        return None


def _password(auth: str) -> str | None:
    return auth.partition(":")[2] or None
