"""Partners that make or pick for the shop, as its owner describes them in the shop file.

What belongs here: who a partner is, what it calls our pieces, where it sends them. What does not: one order there
(`partner_orders`), and speaking with it (`backroom.partners`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from backroom.domain.own_artwork import base_of, is_own

# Kinds of locations that are somebody else's, and who can stand there.
PARTNER, ROBOT_CELL = "partner", "robot_cell"
ADAPTERS: Mapping[str, tuple[str, ...]] = {
    PARTNER: ("microfactory", "printful", "prodigi"),
    ROBOT_CELL: ("integrator",),
}
TO_CUSTOMER, TO_HUB = "customer", "hub"
SHIPS_TO = (TO_CUSTOMER, TO_HUB)
# They fetch artwork from an address of our gateway; it is handed over to all others.
FETCHING = ("printful", "prodigi")
# Where each one's interface is, where that is the same for all.
URLS: Mapping[str, str] = {"printful": "https://api.printful.com", "prodigi": "https://api.prodigi.com"}
# The print area where the shop file names none.
PLACEMENTS: Mapping[str, str] = {"prodigi": "default"}
# How it prints where the shop file names no technique, for those who must be told one.
TECHNIQUES: Mapping[str, str] = {"printful": "dtg"}


@dataclass(frozen=True, slots=True)
class PartnerProduct:
    """What a partner calls one of our pieces: its `code`, and the `placement` (print area) of our artwork on it.

    `technique` and `attributes` are what its product asks for besides; `price_minor` is what it charges for a piece,
    in the partner's currency. One without `artwork` is finished as it is: nothing is sent to be printed.
    """

    sku: str
    code: str
    placement: str = "front"
    technique: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    price_minor: int = 0
    artwork: bool = True


@dataclass(frozen=True, slots=True)
class PartnerSpec:
    """A partner at a location. `secret` names what opens its interface, `webhook_secret` what signs its messages.

    It sends what it made to the customer or to our hub (`ships_to`). `countries` are those that it sends to, none for
    all; `shipping_minor` is what it charges for a parcel. One unit of its `currency` is `exchange` units of the shop's.
    `lead_days` is how long it takes until it hands a parcel over.
    """

    adapter: str
    url: str
    secret: str
    webhook_secret: str = ""
    products: tuple[PartnerProduct, ...] = ()
    ships_to: str = TO_CUSTOMER
    countries: tuple[str, ...] = ()
    lead_days: int = 0
    shipping_minor: int = 0
    currency: str = "EUR"
    exchange: Decimal = Decimal(1)
    shipping_method: str = ""

    def product(self, sku: str) -> PartnerProduct | None:
        """What it calls a piece; None for one that it does not know. Without a list it calls all as we do. One with a
        picture of its buyer's own is the piece that was ordered, printed with that: whoever prints nothing of ours does
        not know it."""
        if self.products:
            found = next((one for one in self.products if one.sku == base_of(sku)), None)
        else:
            found = PartnerProduct(sku, sku, placement="", artwork=False)
        return found if found is None or found.artwork or not is_own(sku) else None

    @property
    def fetches(self) -> bool:
        """Whether it fetches artwork from us."""
        return self.adapter in FETCHING

    def can_make(self, sku: str, *, has_artwork: bool) -> bool:
        """Whether it makes that piece: it is listed, and what is printed on it is there."""
        product = self.product(sku) if self.products else None
        return product is not None and (has_artwork or not product.artwork)

    def in_shop_currency(self, minor: int) -> int:
        """An amount of the partner's, in minor units of the shop's currency."""
        return round(minor * self.exchange)

    def price_minor(self, pieces: Mapping[str, int]) -> int:
        """What it would charge for so many pieces of each SKU and, where it sends them to the customer, the parcel; in
        the shop's currency."""
        made = sum((one.price_minor if (one := self.product(sku)) else 0) * count for sku, count in pieces.items())
        return self.in_shop_currency(made + self.shipping_minor)
