"""`POST /pos/sales`: a till's batch of sales, each its own message in the inbox, so that a bad one holds up nobody.

A till that was offline sends everything again; a sale is known by its device and sequence number, and counts once.
"""

from __future__ import annotations

import asyncio
import json
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Request

from backroom.channels.base import NotAnOrder
from backroom.channels.delivering import delivery_of
from backroom.channels.pos import TOPIC, split_batch
from backroom.channels.registry import channel_for
from backroom.channels.strict_json import BrokenJson, parse_json
from backroom.domain.shop import ChannelSpec, Shop
from backroom.gateway.access import needs
from backroom.gateway.front import front_of
from backroom.gateway.webhooks import read_body, store
from backroom.store.api_keys import KeyInfo
from backroom.store.inbox_door import Delivery

Answer = dict[str, Any]

router = APIRouter()


@router.post("/pos/sales")
async def sales(request: Request, key: Annotated[KeyInfo, Depends(needs("pos"))]) -> dict[str, list[Answer]]:
    """Answers for each sale, by its sequence number: accepted, duplicate, or refused with the reason."""
    front = front_of(request)
    spec = till_channel(front.room.shop, key.location)
    if spec is None:
        raise HTTPException(404, f"no till sells at {key.location}")
    body = await read_body(request)
    refused, deliveries = await asyncio.to_thread(read_batch, spec, front.room.shop.owner.country, body)
    receipts = await asyncio.gather(*(store(front, delivery) for _, delivery in deliveries))
    front.send(receipt.wakeup for receipt in receipts if receipt.wakeup is not None)
    stored: list[Answer] = [
        {"seq": seq, "result": "accepted" if receipt.new else "duplicate"}
        for (seq, _), receipt in zip(deliveries, receipts, strict=True)
    ]
    return {"sales": refused + stored}


def till_channel(shop: Shop, location: str) -> ChannelSpec | None:
    """The pos channel of a location: its own, else the one for every place."""
    tills = [spec for spec in shop.channels if spec.kind == "pos"]
    own = [spec for spec in tills if spec.location == location]
    return next(iter(own + [spec for spec in tills if not spec.location]), None)


def read_batch(spec: ChannelSpec, country: str, body: bytes) -> tuple[list[Answer], list[tuple[int, Delivery]]]:
    """A till's batch as answers to what is refused, and as deliveries by sequence number; 400 when it is no batch.

    A sale that cannot be read is not stored: the till keeps it, and may send it again under the same number once it
    is mended.
    """
    channel = channel_for(spec)
    try:
        batch = split_batch(parse_json(body))
    except (BrokenJson, NotAnOrder) as error:
        raise HTTPException(400, str(error)) from error
    refused: list[Answer] = []
    deliveries: list[tuple[int, Delivery]] = []
    for seq, sale in batch:
        try:
            channel.parse(sale, TOPIC, country)
        except NotAnOrder as error:
            reasons = [{"code": p.code, "field": p.field, "detail": p.detail} for p in error.problems]
            refused.append({"seq": seq, "result": "refused", "reasons": reasons})
        else:
            assert seq is not None, "a sale without its number is no order"
            raw = json.dumps(sale, ensure_ascii=False).encode()
            deliveries.append((seq, delivery_of(spec, channel, sale, {}, raw)))
    return refused, deliveries
