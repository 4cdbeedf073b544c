"""The booth's own till (`backroom till`): what there is to sell, how many are left and when what was sold is ready, its
sealed sales and wishes.

What belongs here: those doors, and what customers ask for beside a sale. What does not: sales in clear (`pos`), and the
till's own page (`backroom.till`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from backroom.domain.money import exponent
from backroom.domain.opt_in import wording
from backroom.domain.shop import Shop
from backroom.eventpage.opting_in import shown
from backroom.eventpage.words import first_language
from backroom.gateway.access import needs
from backroom.gateway.conditional import answer_once
from backroom.gateway.event_sms import take_wish
from backroom.gateway.front import front_of
from backroom.gateway.pos import Answer, take_batch, till_channel
from backroom.shop.room import Room
from backroom.store import event_page, events, waiting_sales
from backroom.store.api_keys import KeyInfo
from backroom.store.catalogue import all_variants
from backroom.store.database import now
from backroom.till.sealed_sale import SaleDoesNotOpen, open_sale, open_wish, public_of

router = APIRouter()
Till = Annotated[KeyInfo, Depends(needs("pos"))]


class SealedSale(BaseModel):
    """One sale as the till sealed it: base64, bound to the till's name and this number."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seq: int = Field(ge=0, lt=10**15)
    sealed: str = Field(max_length=64 * 1024)


class SealedSales(BaseModel):
    """A batch of one till."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    device: str = Field(min_length=1, max_length=60, pattern=r"^[^\x00-\x1f\x7f]*$")
    sales: list[SealedSale] = Field(min_length=1, max_length=100)


class SealedWish(BaseModel):
    """What a customer asked for beside a sale, as the till sealed it: bound to the till's name and this key."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: str = Field(pattern=r"^[0-9a-f]{32}$")
    sealed: str = Field(max_length=4 * 1024)


class SealedWishes(BaseModel):
    """A batch of one till."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    device: str = Field(min_length=1, max_length=60, pattern=r"^[^\x00-\x1f\x7f]*$")
    wishes: list[SealedWish] = Field(min_length=1, max_length=100)


@router.get("/pos/catalogue")
def catalogue(request: Request, key: Till) -> Response:
    """What there is to sell, with its prices, and the shop's public key for sales; at an event the words for SMS."""
    room = _room_of(request, key)
    with room.database.read() as connection:
        sold = [one for one in all_variants(connection) if one.currency == room.shop.owner.currency]
        event = events.newest_at(connection, key.location, now(connection))
    told = ("sku", "product", "title", "size", "price_minor")
    said = {
        "location": key.location,
        "currency": room.shop.owner.currency,
        "digits": exponent(room.shop.owner.currency),
        "language": room.shop.owner.language,
        **({"sms": _words(room.shop)} if event is not None and room.shop.messaging.sms != "none" else {}),
        "sealing_key": public_of(room.seals.till_secrets()[0]),
        "items": [
            {name: getattr(one, name) for name in told} for one in sorted(sold, key=lambda one: (one.product, one.sku))
        ],
    }
    return answer_once(request, said)


@router.get("/pos/stock")
def stock(
    request: Request,
    key: Till,
    device: Annotated[str, Query(max_length=60)] = "",
    last: Annotated[int, Query(ge=0, lt=10**15)] = 0,
) -> Response:
    """How many are free at the till's booth, by SKU, of what is counted there; and what is printed there on the spot.
    Looked up anew each time: an order of the web shop that took a shared piece is in it as soon as it is committed.

    A till that says who it is (`device`, and the number of its `last` sale) hears as well when those are ready that
    its customers wait for, where the booth promises (`waits`)."""
    room = _room_of(request, key)
    with room.database.read() as connection:
        free = event_page.free_at(connection, key.location)
        printed = event_page.printed_at(connection, room.shop, key.location, free, now(connection))
        waits = _waits(connection, room.shop, key.location, device, last) if device else {}
    return answer_once(request, {"free": dict(sorted(free.items())), "printed": sorted(printed), **waits})


@router.post("/pos/sealed-sales")
async def sealed_sales(asked: SealedSales, request: Request, key: Till) -> dict[str, Any]:
    """The same answers as `POST /pos/sales`, and the till's numbers that were never heard (`missing`)."""
    seals = front_of(request).room.seals
    opened, closed = _open(seals.till_secrets(), asked.device, asked.sales)
    if closed:
        # Sealed for a key that was brought back since, it may be.
        more, closed = _open(seals.till_secrets(look_again=True), asked.device, closed)
        opened += more
    # The till keeps these: nothing of them is stored here.
    reason = {"code": "sealed", "field": "sealed", "detail": "does not open"}
    refused: list[Answer] = [{"seq": one.seq, "result": "refused", "reasons": [reason]} for one in closed]
    if not opened:
        return {"sales": refused, "missing": []}
    body = json.dumps({"device": asked.device, "sales": opened}, ensure_ascii=False).encode()
    answers: dict[str, Any] = await take_batch(front_of(request), key, body)
    told: list[Answer] = answers["sales"] + refused
    return answers | {"sales": told}


@router.post("/pos/sealed-wishes")
async def sealed_wishes(asked: SealedWishes, request: Request, key: Till) -> dict[str, Any]:
    """SMS that customers asked for at the till, and the codes they read out. Each counts once by its key; `outcome` is
    what the form of an event's page says, `too_many` is to be told again later."""
    front = front_of(request)
    secrets, looked = front.room.seals.till_secrets(), False
    answers = []
    for one in asked.wishes:
        wish = _open_wish(secrets, asked.device, one)
        if wish is None and not looked:
            # Sealed for a key that was brought back since, it may be.
            secrets, looked = front.room.seals.till_secrets(look_again=True), True
            wish = _open_wish(secrets, asked.device, one)
        if wish is None:
            # The till keeps it: nothing of it is stored here.
            answers.append({"key": one.key, "outcome": "sealed", "said": "A wish does not open."})
            continue
        outcome, words = await take_wish(front, key.location, one.key, wish)
        answers.append({"key": one.key, "outcome": outcome, "said": str(getattr(words, outcome))})
    return {"wishes": answers}


def _room_of(request: Request, key: KeyInfo) -> Room:
    """The room; 404 where no till sells at the key's location."""
    room = front_of(request).room
    if till_channel(room.shop, key.location) is None:
        raise HTTPException(404, f"no till sells at {key.location}")
    return room


def _waits(connection: Connection, shop: Shop, location: str, device: str, last: int) -> dict[str, Any]:
    """How a till's sales stand, each time by the shop's clock, as its customer is told it; empty where nothing is
    promised."""
    spec = till_channel(shop, location)
    if spec is None or shop.location(location).promise is None:
        return {}
    zone = ZoneInfo(shop.owner.timezone)
    found = waiting_sales.waits_of(connection, spec.id, location, device, last)
    times = {seq: {"time": f"{at.astimezone(zone):%H:%M}"} if at else {} for seq, (_, at) in found.items()}
    return {"waits": {str(seq): {"state": state, **times[seq]} for seq, (state, _) in found.items()}}


def _words(shop: Shop) -> dict[str, str]:
    language = first_language(shop.owner.language)
    words = wording(language, shop.owner.name)
    told = {"language": language, "wording": words, "shown": shown(language, shop.owner.name)}
    # By it the till reads numbers as they are dialled there, with or without a line.
    return told | {"country": shop.owner.country}


def _open_wish(secrets: Sequence[bytes], device: str, one: SealedWish) -> dict[str, Any] | None:
    try:
        return open_wish(secrets, device, one.key, one.sealed)
    except SaleDoesNotOpen:
        return None


def _open(
    secrets: Sequence[bytes], device: str, sales: Iterable[SealedSale]
) -> tuple[list[dict[str, Any]], list[SealedSale]]:
    """Those that open with one of these secrets, and those that do not."""
    opened, closed = [], []
    for one in sales:
        try:
            opened.append(open_sale(secrets, device, one.seq, one.sealed) | {"seq": one.seq})
        except SaleDoesNotOpen:
            closed.append(one)
    return opened, closed
