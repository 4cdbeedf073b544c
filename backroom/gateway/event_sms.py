"""`POST /e/{code}/sms`: somebody on an event's page asks for SMS; `POST /e/{code}/sms/confirm`: their code.

What belongs here: HTTP, as a page for whoever has no script and as JSON for the page's own. What does not: the limits
(`backroom.domain.opt_in`), and what is kept (`backroom.store.opt_ins`). The answer to a number is the same whether we
know it or not. Pages that lie at a CDN may call from another site: nothing here depends on who is logged in.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse
from sqlalchemy import Connection

from backroom.channels.contact import normalise_phone
from backroom.domain.event_page import Phase
from backroom.domain.opt_in import DIGITS, GOOD_FOR, Verdict, new_code
from backroom.eventpage.opting_in import FORM_WORDS, FormWords, find_wording, page
from backroom.eventpage.words import first_language
from backroom.gateway.event_page import Code, check_code
from backroom.gateway.front import Front, front_of
from backroom.gateway.pages.forms import Fields
from backroom.gateway.webhooks import commit
from backroom.store import event_page, events, opt_ins
from backroom.store.claims import Wakeup, wakeup
from backroom.store.database import now
from backroom.store.events import NoSuchEvent
from backroom.store.opt_ins import Wish
from backroom.store.waiting_messages import STAGE

# A page of another site, such as a CDN's, may read these answers.
FROM_ANYWHERE = {"Access-Control-Allow-Origin": "*"}
_KEY = re.compile(r"[0-9a-f]{32}")
_OVER = (Phase.OVER, Phase.CALLED_OFF)

router = APIRouter()


@dataclass(frozen=True, slots=True)
class _Asked:
    event_id: int
    code: str
    language: str


@router.post("/e/{code}/sms")
async def ask(code: Code, request: Request, given: Fields) -> Response:
    """`phone`, `shown` (which words were shown) and, of a script, `key`: 32 hexadecimal digits of its own."""
    front = front_of(request)
    shop = front.room.shop
    found = find_wording(given.get("shown", ""), shop.owner.name)
    language = found[0] if found else first_language(shop.owner.language)
    asked = _Asked(await _event(front, code), code, language)
    words = FORM_WORDS[language]
    if found is None:
        return _said(request, asked, words, "old_page", 409)
    phone = normalise_phone(given.get("phone", ""), shop.owner.country)
    if phone is None:
        return _said(request, asked, words, "no_number", 400, again=True)
    key = given["key"] if _KEY.fullmatch(given.get("key", "")) else uuid.uuid4().hex
    address = request.client.host if request.client else ""
    wish = Wish(key, asked.event_id, phone, address, opt_ins.PAGE, language, found[1])
    verdict = await _keep(front, wish)
    if verdict is Verdict.TOO_MANY:
        return _said(request, asked, words, "too_many", 429, again=True)
    return _said(request, asked, words, "asked", 202, key=key)


@router.post("/e/{code}/sms/confirm")
async def confirm(code: Code, request: Request, given: Fields) -> Response:
    """`key` of the wish, or the `phone`, and the `code` that came; `language` is that of the answer."""
    front = front_of(request)
    language = given.get("language", "")
    language = language if language in FORM_WORDS else first_language(front.room.shop.owner.language)
    asked = _Asked(await _event(front, code), code, language)
    words, key = FORM_WORDS[language], given.get("key", "")
    typed = re.sub(r"\s", "", given.get("code", ""))
    phone = normalise_phone(given.get("phone", ""), front.room.shop.owner.country) or ""
    key, right = key if _KEY.fullmatch(key) else "", False
    if (key or phone) and re.fullmatch(rf"[0-9]{{{DIGITS}}}", typed):
        find = partial(opt_ins.confirm, seals=front.room.seals, event_id=asked.event_id, code=typed)
        right = await commit(front, partial(find, key=key, phone=phone))
    if not right:
        return _said(request, asked, words, "wrong_code", 403, key=key, again=True)
    return _said(request, asked, words, "done", 200)


async def take_wish(front: Front, location: str, key: str, wish: Mapping[str, Any]) -> tuple[str, FormWords]:
    """What a till tells of a customer: a `phone` with the words `shown`, or with its `code`. Returns the name of what
    is to be said of it, and the words. Its staff sees who asks, so no address is counted."""
    shop, told = front.room.shop, {name: str(value) for name, value in wish.items()}
    found = find_wording(told.get("shown", ""), shop.owner.name)
    words = FORM_WORDS[found[0] if found else first_language(shop.owner.language)]
    phone = normalise_phone(told.get("phone", ""), shop.owner.country)
    with front.room.database.read() as connection:
        event = events.newest_at(connection, location, now(connection))
    if phone is None or event is None:
        return "no_number", words
    if "code" in told:
        work = partial(opt_ins.confirm, seals=front.room.seals, event_id=event["id"], code=told["code"], phone=phone)
        return ("done" if await commit(front, work) else "wrong_code"), words
    if found is None:
        return "old_page", words
    verdict = await _keep(front, Wish(key, event["id"], phone, "", opt_ins.TILL, found[0], found[1]))
    return ("too_many" if verdict is Verdict.TOO_MANY else "asked"), words


async def _keep(front: Front, wish: Wish) -> Verdict:
    """Keep a wish with a fresh code, and wake whoever sends it."""
    made = new_code()

    def work(connection: Connection) -> tuple[Verdict, Wakeup]:
        verdict = opt_ins.ask(connection, front.room.seals, wish, made)
        return verdict, wakeup(connection, STAGE, front.room.shop.hub)

    verdict, owed = await commit(front, work)
    if verdict is Verdict.SEND:
        front.send([owed])
    return verdict


async def _event(front: Front, code: str) -> int:
    """The event's id; 404 where it has no page, is over, or the shop sends no SMS."""
    check_code(code)
    if front.room.shop.messaging.sms == "none":
        raise HTTPException(404, "this shop sends no SMS")
    try:
        seen = await front.looks.ask(front.room, code)
    except NoSuchEvent:
        raise HTTPException(404, "there is no such event") from None
    if seen.event.phase in _OVER:
        raise HTTPException(404, "this event is over")
    with front.room.database.read() as connection:
        return int(event_page.find_published(connection, code)["id"])


def _said(
    request: Request, asked: _Asked, words: FormWords, name: str, status: int, *, key: str = "", again: bool = False
) -> Response:
    """A sentence of the form's words: as JSON where a script asks, else as a page."""
    said = str(getattr(words, name))
    headers = dict(FROM_ANYWHERE)
    if status == 429:
        headers["Retry-After"] = str(int(GOOD_FOR.total_seconds()))
    if "application/json" in request.headers.get("accept", ""):
        return JSONResponse({"outcome": name, "said": said, "key": key}, status, headers)
    shop = front_of(request).room.shop.owner.name
    body = page(asked.language, shop, said, event=asked.code, key=key, again=again)
    return HTMLResponse(body, status, headers)
