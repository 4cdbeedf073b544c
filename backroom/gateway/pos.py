"""`POST /pos/sales`: a till's batch of sales, each its own message in the inbox, so that a bad one holds up nobody.

A till that was offline sends everything again; a sale is known by its device and sequence number, and counts once.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Request

from backroom.channels.base import NotAnOrder
from backroom.channels.delivering import delivery_of
from backroom.channels.pos import TOPIC, split_batch
from backroom.channels.registry import channel_for
from backroom.channels.strict_json import BrokenJson, parse_json
from backroom.domain.channels import ChannelSpec
from backroom.domain.model import Problem
from backroom.domain.shop import Shop
from backroom.gateway.access import needs
from backroom.gateway.committing import accepted
from backroom.gateway.front import Front, front_of
from backroom.gateway.webhooks import commit, read_body
from backroom.store import till_numbers
from backroom.store.api_keys import KeyInfo
from backroom.store.inbox_door import Delivery, put_aside

Answer = dict[str, Any]

router = APIRouter()


@router.post("/pos/sales")
async def sales(request: Request, key: Annotated[KeyInfo, Depends(needs("pos"))]) -> Answer:
    """Answers for each sale, by its sequence number: accepted, duplicate, or refused with the reason; and the numbers
    of this till that were never heard (`missing`)."""
    return await take_batch(front_of(request), key, await read_body(request))


async def take_batch(front: Front, key: KeyInfo, body: bytes) -> Answer:
    """Take a till's batch in, whichever way it came; 404 where no till sells, 400 where it is no batch."""
    spec = till_channel(front.room.shop, key.location)
    if spec is None:
        raise HTTPException(404, f"no till sells at {key.location}")
    refused, deliveries = await asyncio.to_thread(read_batch, spec, front.room.shop.owner.country, body)
    keep = partial(put_aside, seals=front.room.seals, hub=front.room.shop.hub)
    await asyncio.gather(
        *(commit(front, partial(keep, delivery=one.delivery, problems=one.problems)) for one in refused)
    )
    receipts = await asyncio.gather(*(accepted(front.room, delivery) for _, delivery in deliveries))
    front.send(receipt.wakeup for receipt in receipts if receipt.wakeup is not None)
    stored: list[Answer] = [
        {"seq": seq, "result": "accepted" if receipt.new else "duplicate"}
        for (seq, _), receipt in zip(deliveries, receipts, strict=True)
    ]
    heard = [one.seq for one in refused if one.seq is not None] + [seq for seq, _ in deliveries]
    device = device_of(body)
    missing = await commit(front, partial(till_numbers.hear, device=device, location=key.location, seqs=heard))
    return {"sales": [one.answer() for one in refused] + stored, "missing": missing}


@dataclass(frozen=True, slots=True)
class Refused:
    """A sale that is no order: the till is told why, and we keep it in quarantine, should the till drop it."""

    seq: int | None
    delivery: Delivery
    problems: Sequence[Problem]

    def answer(self) -> Answer:
        reasons = [{"code": p.code, "field": p.field, "detail": p.detail} for p in self.problems]
        return {"seq": self.seq, "result": "refused", "reasons": reasons}


def device_of(body: bytes) -> str:
    """The till's own name, in a batch that was read."""
    batch = parse_json(body)
    return str(batch["device"]) if isinstance(batch, dict) else ""


def till_channel(shop: Shop, location: str) -> ChannelSpec | None:
    """The pos channel of a location: its own, else the one for every place."""
    tills = [spec for spec in shop.channels if spec.kind == "pos"]
    own = [spec for spec in tills if spec.location == location]
    return next(iter(own + [spec for spec in tills if not spec.location]), None)


def read_batch(spec: ChannelSpec, country: str, body: bytes) -> tuple[list[Refused], list[tuple[int, Delivery]]]:
    """A till's batch as what is refused, and as deliveries by sequence number; 400 when it is no batch.

    The till may send a refused sale again under the same number once it is mended.
    """
    channel = channel_for(spec)
    try:
        batch = split_batch(parse_json(body))
    except (BrokenJson, NotAnOrder) as error:
        raise HTTPException(400, str(error)) from error
    refused: list[Refused] = []
    deliveries: list[tuple[int, Delivery]] = []
    for seq, sale in batch:
        delivery = delivery_of(spec, channel, sale, {}, json.dumps(sale, ensure_ascii=False).encode())
        try:
            channel.parse(sale, TOPIC, country)
        except NotAnOrder as error:
            refused.append(Refused(seq, delivery, error.problems))
        else:
            assert seq is not None, "a sale without its number is no order"
            deliveries.append((seq, delivery))
    return refused, deliveries
