"""How orders of the evening reach the shop: sales of the till, and orders of the web shop, in their channels' words.

What belongs here: those words, and a till that keeps its sales while there is no network. What does not: reading them,
which the product does through the same door as any other (`backroom.gateway.pos`, `backroom.channels`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any

from backroom.channels.delivering import delivery_of
from backroom.channels.registry import channel_for
from backroom.domain.model import Delivery
from backroom.gateway.pos import read_batch, till_channel
from backroom.shop.demo_people import NEARBY, person
from backroom.shop.demo_shapes import Item, Sale, pos_sale, shopify_order
from backroom.shop.room import Room
from backroom.store import till_numbers
from backroom.store.inbox_door import accept
from simulation.evening import OPENS, Customer, Wish
from simulation.hub import Bell
from simulation.stall import BOOTH

DEVICE, WEB = "till-evening", "web"
DELIVERIES = {Wish.CARRY: Delivery.CARRY_OUT, Wish.WAIT: Delivery.COLLECT, Wish.SEND: Delivery.SHIP}
FIRST_WEB_ID = 5_000_000_000
SHIPPING = 490


def sale_of(customer: Customer, at: datetime, number: int) -> Sale:
    """A customer's wish as a sale."""
    sent = customer.wish in (Wish.SEND, Wish.LOCAL, Wish.ONLINE)
    there = customer.wish is not Wish.CARRY
    return Sale(
        id=number,
        placed_at=at,
        updated_at=at,
        person=person(customer.number),
        items=tuple(Item(sku, quantity) for sku, quantity in customer.items),
        place=NEARBY[customer.number % len(NEARBY)] if customer.wish not in (Wish.CARRY, Wish.WAIT) else None,
        mail=there,
        shipping=SHIPPING if sent else 0,
    )


def paid_by(customer: Customer) -> int:
    """What a customer pays, in minor units."""
    return sale_of(customer, OPENS, 0).total


def till_sale(customer: Customer, at: datetime, seq: int) -> dict[str, Any]:
    """A sale at the till; what is carried out is in its customer's hand."""
    sale = pos_sale(sale_of(customer, at, seq), DEVICE, DELIVERIES[customer.wish])
    return sale | {"handed_over": customer.wish is Wish.CARRY}


def web_order(customer: Customer, at: datetime) -> dict[str, Any]:
    """An order of the web shop; one for the market carries its event, and where it is fetched."""
    order = shopify_order(sale_of(customer, at, FIRST_WEB_ID + customer.number), "web")
    attributes = [] if customer.wish is Wish.ONLINE else [{"name": "event", "value": "nachtmarkt"}]
    if customer.wish is Wish.FETCH:
        attributes += [
            {"name": "Checkout-Method", "value": "pickup"},
            {"name": "Pickup-Location-Id", "value": BOOTH},
        ]
    return order | {"note_attributes": attributes}


@dataclass
class Door:
    """The shop's front door, without sockets. `away`: the till has no network and keeps what it sells."""

    room: Room
    bell: Bell
    chance: Random
    away: bool = False
    last: int = 0
    kept: list[dict[str, Any]] = field(default_factory=list)
    missing: list[int] = field(default_factory=list)

    def sell(self, customer: Customer, at: datetime) -> str:
        """A sale at the till; its name at its channel."""
        self.last += 1
        self.kept.append(till_sale(customer, at, self.last))
        if not self.away:
            self.tell()
        return f"{DEVICE}-{self.last}"

    def tell(self) -> int:
        """Tell the shop what it has not confirmed; after a while without it out of order and some of it twice."""
        told, self.kept = self.kept, []
        if len(told) > 1:
            told = told + self.chance.sample(told, len(told) // 3)
            self.chance.shuffle(told)
        while told:
            size = self.chance.randint(1, 10)
            batch, told = told[:size], told[size:]
            self._sales(batch)
        return len(told)

    def order(self, customer: Customer, at: datetime) -> str:
        """An order of the web shop; one in ten webhooks comes twice. Its name at its channel."""
        order = web_order(customer, at)
        for _ in range(2 if self.chance.random() < 0.1 else 1):
            spec = self.room.shop.channel(WEB)
            headers = {"X-Shopify-Topic": "orders/create", "X-Shopify-Event-Id": f"event-{order['id']}"}
            body = json.dumps(order, ensure_ascii=False).encode()
            delivery = delivery_of(spec, channel_for(spec), order, headers, body)
            receipt = self.room.database.write(
                lambda c: accept(c, self.room.seals, delivery, self.room.shop.hub)  # noqa: B023
            )
            if receipt.wakeup is not None:
                self.bell.wake(receipt.wakeup)
        return str(order["id"])

    def _sales(self, batch: list[dict[str, Any]]) -> None:
        spec = till_channel(self.room.shop, BOOTH)
        assert spec is not None, "the demo shop has a till at its booth"
        body = json.dumps({"device": DEVICE, "sales": batch}, ensure_ascii=False).encode()
        refused, deliveries = read_batch(spec, self.room.shop.owner.country, body)
        assert not refused, [one.problems for one in refused]
        for _, delivery in deliveries:
            receipt = self.room.database.write(
                lambda c: accept(c, self.room.seals, delivery, self.room.shop.hub)  # noqa: B023
            )
            if receipt.wakeup is not None:
                self.bell.wake(receipt.wakeup)
        heard = [seq for seq, _ in deliveries]
        self.missing = self.room.database.write(lambda c: till_numbers.hear(c, DEVICE, BOOTH, heard))
