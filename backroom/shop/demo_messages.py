"""The demo's messages: their shape, what is expected of each, and the hand that makes them.

What belongs here: one message of one channel with its expectation, and what there is to buy. What does not: which
messages make a story (`demo_stories`), how stories are mixed (`demo_orders`), the channels' words (`demo_shapes`).
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count as count_up
from typing import Any, Literal

from backroom.shop.demo_people import Place, person, phone
from backroom.shop.demo_shapes import Item, Sale, pos_sale, shopify_order, woocommerce_order

Door = Literal["shopify", "woocommerce", "pos", "csv"]
Ending = Literal["fulfilled", "held", "quarantined", "failed", "cancelled", "duplicate", "refused"]

BAD_ENDINGS: tuple[Ending, ...] = ("held", "quarantined", "failed", "refused")

WEB, FRIENDS, TILL, BOUTIQUES = "web", "friends", "till-a", "boutiques"
MAIN, LOCAL, BOOTH = "main-hub", "local-hub", "booth-a"
POSTAGE = 490

# Never in stock; always in stock; and tees, of which there are some.
MADE_TO_ORDER = (
    *("HOOD-MOTH-INK-M", "HOOD-FOX-MOSS-L", "HOOD-CAT-SLATE-S", "JACK-TRAM-DENIM-M", "JACK-PRIM-BLACK-L"),
    *("TEE-MOTH-INK-XL", "TEE-FOX-FERN-XL", "HOOD-MOTH-INK-S", "TEE-TIDE-BONE-XL", "HOOD-CAT-SLATE-L"),
)
PLENTY = (
    *("TOTE-MOTH-NAT", "TOTE-TIDE-NAT", "TOTE-FOX-NAT", "TOTE-TRAM-NAT", "TOTE-PRIM-NAT", "TOTE-CAT-NAT"),
    *("TOTE-MOTH-BLACK", "TOTE-FOX-BLACK", "PATCH-MOTH", "PATCH-TIDE", "PATCH-FOX", "PATCH-TRAM", "PATCH-CAT"),
)
SOME = (
    *("TEE-MOTH-INK-M", "TEE-MOTH-BONE-S", "TEE-TIDE-BONE-L", "TEE-FOX-FERN-M", "TEE-TIDE-BONE-M"),
    *("TEE-PRIM-INK-S", "TEE-CAT-SLATE-M", "TEE-FOX-FERN-S", "TEE-MOTH-INK-L"),
)
# Never in stock, and nobody has looked at a sample of it at the workshop on the canal (`demo_samples`).
UNSAMPLED_THERE = "TEE-TRAM-BONE-XL"
WITHOUT_ARTWORK = ("TEE-ECLI-INK-S", "TEE-ECLI-INK-M", "TEE-ECLI-INK-L")
NOT_IN_CATALOGUE = "TEE-GHOST-INK-M"
# More orders of one cause than a breaker's limit would wait behind it instead of failing by themselves.
MOST_SICK = 8
# The test number that payment providers publish.
NOTE_WITH_CARD = "Please charge 4242 4242 4242 4242 if postage is missing"


@dataclass(frozen=True, slots=True)
class DemoExpectation:
    """How the order a message is about must end, or the message where it makes none.

    `status` is what the gateway answers; `printed` whether any piece is printed; `messages` how many the customer
    gets; `reason` the hold's reason or the failure's cause. None is not judged.
    """

    ending: Ending
    location: str | None = None
    reason: str | None = None
    printed: bool | None = None
    messages: int | None = None
    status: int = 200


@dataclass(frozen=True, slots=True)
class DemoOrder:
    """One message as a channel sends it.

    `kind` says in a few words what it shows. `external_id` is the order's id at its channel, empty where the message
    has none; messages about one order share it. `topic` goes into the webhook's header. `body` is sent instead of the
    payload where it is not empty; a `forged` message is signed with a wrong secret. The payload of `pos` is one sale
    with its device, that of `csv` is `{"order_id", "rows": […]}`, to be written by `csv_file`.
    """

    kind: str
    door: Door
    channel_id: str
    external_id: str
    payload: dict[str, Any]
    expect: DemoExpectation
    topic: str = ""
    body: str = ""
    forged: bool = False


class Maker:
    """Hands out ids, people and things to buy, in turn; `sick` counts the orders that cannot be printed.

    `till` is the name of its till, which no other seed has: `till_numbers` are those of its sales, without a gap.
    """

    def __init__(self, seed: int, now: datetime) -> None:
        self.dice = random.Random(seed)  # noqa: S311 - picks what a demo customer buys
        self._now = now
        self._base = (seed % 10_000 + 1) * 100_000
        self._sales = count_up(1)
        self._phones = count_up(seed * 500)
        self.till, self.till_numbers = f"{TILL}-{seed % 10_000}", count_up(1)
        self.sick = 0

    def sale(self, *items: Item, place: Place | None, sms: bool = False, mail: bool = True, postage: int = 0) -> Sale:
        number = next(self._sales)
        at = self._now - timedelta(hours=3) + timedelta(seconds=number % 7200)
        return Sale(
            id=self._base + number,
            placed_at=at,
            updated_at=at,
            person=person(self._base + number),
            items=items,
            place=place,
            mail=mail,
            phone=phone(next(self._phones)) if sms else "",
            shipping=postage,
        )

    def one_of(self, skus: Sequence[str]) -> Item:
        return Item(self.dice.choice(skus), self.dice.choice((1, 1, 1, 2)))

    def place(self, places: Sequence[Place]) -> Place:
        return self.dice.choice(places)


def good(sale: Sale, location: str) -> DemoExpectation:
    """Fulfilled there, with one message by each way the customer asked for."""
    skus = {item.sku for item in sale.items}
    printed = True if skus & {*MADE_TO_ORDER, UNSAMPLED_THERE} else None if skus & set(SOME) else False
    return DemoExpectation("fulfilled", location, None, printed, sale.mail + bool(sale.phone))


def from_shopify(
    kind: str,
    sale: Sale,
    expect: DemoExpectation,
    *,
    source: str = "web",
    topic: str = "orders/create",
    coordinates: bool = True,
) -> DemoOrder:
    payload = shopify_order(sale, source, coordinates=coordinates)
    return DemoOrder(kind, "shopify", WEB, str(sale.id), payload, expect, topic)


def from_woocommerce(kind: str, sale: Sale, expect: DemoExpectation, topic: str = "order.created") -> DemoOrder:
    return DemoOrder(kind, "woocommerce", FRIENDS, str(sale.id), woocommerce_order(sale), expect, topic)


def from_till(kind: str, maker: Maker, sale: Sale, expect: DemoExpectation, delivery: str) -> DemoOrder:
    seq = next(maker.till_numbers)
    payload = pos_sale(sale, maker.till, delivery) | {"seq": seq}
    return DemoOrder(kind, "pos", TILL, f"{maker.till}-{seq}", payload, expect)
