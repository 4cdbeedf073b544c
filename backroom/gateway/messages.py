"""What SMS providers tell us: what became of a message, and what somebody wrote back.

- `POST /messages/twilio/{key}`: a status of the message of that key, as a form signed by Twilio.
- `POST /messages/twilio`: an SMS that came in, as a form signed by Twilio; the answer is TwiML.
- `GET /messages/kannel/{key}/{mark}`: a delivery report; the mark was made when the message was sent.
- `POST /messages/kannel/{token}`: an SMS that came in; the answer's text is what Kannel sends back.

Whatever is answered with 200 is in the database, and the same again changes nothing. 401 for what cannot prove where it
comes from, 400 for what no provider sends, 404 where the shop has no such provider.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import ParamSpec

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from sqlalchemy import Connection

from backroom.domain.signatures import BadSignature
from backroom.gateway.front import Front, front_of
from backroom.gateway.message_door import Form, MessageDoor, Told, form_of, text_of
from backroom.gateway.webhooks import commit, read_body
from backroom.messaging.replies import answer, twiml
from backroom.store.database import now
from backroom.store.message_reports import Noted, note
from backroom.store.opt_outs import Proof, Reply, stop, take

P = ParamSpec("P")

router = APIRouter()


async def twilio_report(request: Request) -> Response:
    door, form = await _twilio(request)
    told = door.twilio_report(request.path_params["key"], dict(form))
    return await _note(front_of(request), told)


async def twilio_reply(request: Request) -> Response:
    door, form = await _twilio(request)
    front, fields = front_of(request), dict(form)
    reply = door.twilio_reply(fields)
    await _take(front, reply)
    asks = reply.asks if reply else None
    answered = bool(fields.get("OptOutType"))
    said = twiml(fields.get("Body", ""), asks, front.room.shop.owner, answered=answered)
    return Response(said, media_type="application/xml")


async def kannel_report(request: Request) -> Response:
    key, told = request.path_params["key"], request.path_params["mark"]
    door = _door(request)
    _checked(door.check_kannel, told, key)
    query = request.query_params
    return await _note(front_of(request), door.kannel_report(key, query.get("state", ""), query.get("receipt", "")))


async def kannel_reply(request: Request) -> Response:
    door = _door(request)
    _checked(door.check_kannel, request.path_params["token"])
    text = text_of(await read_body(request), request.headers.get("content-type", ""))
    sender = request.headers.get("x-kannel-from", "")
    reply = door.kannel_reply(request.query_params.get("id", ""), sender, text)
    front = front_of(request)
    new = await _take(front, reply)
    # Kannel sends what is answered: to the same message it is sent once.
    return PlainTextResponse(answer(reply.asks, front.room.shop.owner) if reply and new else "")


router.add_route("/messages/twilio/{key}", twilio_report, methods=["POST"])
router.add_route("/messages/twilio", twilio_reply, methods=["POST"])
router.add_route("/messages/kannel/{key}/{mark}", kannel_report, methods=["GET"])
router.add_route("/messages/kannel/{token}", kannel_reply, methods=["POST"])


async def _twilio(request: Request) -> tuple[MessageDoor, Form]:
    door = _door(request)
    try:
        form = form_of(await read_body(request))
    except ValueError as error:
        raise HTTPException(400, "it is no form") from error
    path = request.scope["raw_path"].decode("ascii", "replace")
    query = request.scope["query_string"].decode("ascii", "replace")
    _checked(door.check_twilio, f"{path}?{query}" if query else path, form, request.headers)
    return door, form


def _door(request: Request) -> MessageDoor:
    door = front_of(request).messages
    if door is None:
        raise HTTPException(404, "this shop sends no SMS by a provider")
    return door


def _checked(check: Callable[P, None], *told: P.args, **more: P.kwargs) -> None:
    try:
        check(*told, **more)
    except BadSignature as error:
        raise HTTPException(401, "this does not come from the provider") from error


async def _note(front: Front, told: Told | None) -> Response:
    if told is None:
        raise HTTPException(400, "it tells of no state that we know")
    noted = await commit(front, partial(_noting, front, told))
    front.send(noted.wakeups)
    return JSONResponse({"outcome": "accepted" if noted.new else "duplicate" if noted.found else "unknown"})


def _noting(front: Front, told: Told, connection: Connection) -> Noted:
    noted = note(connection, told.key, told.report, told.code, told.provider, told.provider_id)
    if told.stopped and noted.new:
        proof = Proof(told.provider, told.provider_id, told.code)
        stop(connection, front.room.seals, "sms", told.stopped, proof, now(connection))
    return noted


async def _take(front: Front, reply: Reply | None) -> bool:
    if reply is None:
        return False
    return await commit(front, partial(take, seals=front.room.seals, reply=reply))
