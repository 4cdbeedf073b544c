"""`POST /pos/sales`: a till's batch of sales, each its own message in the inbox, so that a bad one holds up nobody.

A till that was offline sends everything again; a sale is known by its device and sequence number, and counts once.
"""

from __future__ import annotations

import asyncio
import json
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Request

from backroom.channels.pos import split_batch
from backroom.channels.registry import channel_for
from backroom.channels.strict_json import parse_json
from backroom.domain.errors import Refuse
from backroom.domain.shop import ChannelSpec, Shop
from backroom.gateway.access import needs
from backroom.gateway.doors import delivery_of
from backroom.gateway.front import front_of
from backroom.gateway.webhooks import read_body, store
from backroom.store.api_keys import KeyInfo
from backroom.store.inbox_door import Delivery

router = APIRouter()


@router.post("/pos/sales")
async def sales(request: Request, key: Annotated[KeyInfo, Depends(needs("pos"))]) -> dict[str, Any]:
    """Answers for each sale, by its sequence number: accepted, duplicate, or refused with the reason."""
    front = front_of(request)
    spec = till_channel(front.room.shop, key.location)
    if spec is None:
        raise HTTPException(404, f"no till sells at {key.location}")
    body = await read_body(request)
    answers, deliveries = await asyncio.to_thread(read_batch, spec, body)
    receipts = await asyncio.gather(*(store(front, delivery) for _, delivery in deliveries))
    front.send(receipt.wakeup for receipt in receipts if receipt.wakeup is not None)
    stored = [
        {"seq": seq, "result": "accepted" if receipt.new else "duplicate"}
        for (seq, _), receipt in zip(deliveries, receipts, strict=True)
    ]
    return {"sales": sorted(answers + stored, key=lambda answer: str(answer["seq"]))}


def till_channel(shop: Shop, location: str) -> ChannelSpec | None:
    """The pos channel of a location: its own, else the one for every place."""
    tills = [spec for spec in shop.channels if spec.kind == "pos"]
    own = [spec for spec in tills if spec.location == location]
    return next(iter(own + [spec for spec in tills if not spec.location]), None)


def read_batch(spec: ChannelSpec, body: bytes) -> tuple[list[dict[str, Any]], list[tuple[int, Delivery]]]:
    """A till's batch as answers to what is refused, and as deliveries by sequence number; 400 when it is no batch."""
    channel = channel_for(spec)
    refused: list[dict[str, Any]] = []
    deliveries: list[tuple[int, Delivery]] = []
    try:
        sales = split_batch(parse_json(body))
    except Refuse as error:
        raise HTTPException(400, "the body is not a batch of sales") from error
    for sale in sales:
        if sale.problem:
            refused.append({"seq": sale.seq, "result": "refused", "reasons": [sale.problem]})
        else:
            raw = json.dumps(sale.body).encode()
            deliveries.append((sale.seq, delivery_of(spec, channel, sale.body, {}, raw)))
    return refused, deliveries
