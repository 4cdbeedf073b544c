"""A floor with Printful or Prodigi on it, whose gateway stands behind a public address."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from backroom.domain.partners import PartnerProduct
from backroom.shop import room as rooms
from tests.fake_printful import FakePrintful
from tests.fake_prodigi import FakeProdigi
from tests.shops import PLAIN, SCARCE, Floor
from tests.workshops import Partnership, a_partner, a_place, with_partners

PUBLIC = "https://hooks.nord.example"


def reachable(floor: Floor, monkeypatch: pytest.MonkeyPatch, url: str = PUBLIC) -> None:
    """The gateway stands behind a public address."""
    messaging = replace(floor.room.shop.messaging, public_url=url)
    floor.room = replace(floor.room, shop=replace(floor.room.shop, messaging=messaging))
    monkeypatch.setitem(rooms._open, floor.room.home.resolve(), floor.room)


def at_printful(floor: Floor, monkeypatch: pytest.MonkeyPatch, fake: FakePrintful, **attributes: str) -> Partnership:
    """Printful makes the black shirt in front, with these options, and the red one at the back."""
    products = (
        PartnerProduct(PLAIN, "4012", "front", technique="dtg", attributes=attributes, price_minor=900),
        PartnerProduct(SCARCE, "4013", "back", price_minor=950),
    )
    spec = a_partner(fake.url, adapter="printful", products=products)
    partnership = with_partners(floor, monkeypatch, a_place(spec))
    reachable(floor, monkeypatch)
    return partnership


def at_prodigi(floor: Floor, monkeypatch: pytest.MonkeyPatch, fake: FakeProdigi) -> Partnership:
    sizes = {"color": "black", "size": "M", "sizing": "fillPrintArea"}
    products = (PartnerProduct(PLAIN, "GLOBAL-TEE-GIL-64000", "default", attributes=sizes),)
    spec = a_partner(fake.url, adapter="prodigi", products=products, currency="GBP", exchange=Decimal("1.20"))
    partnership = with_partners(floor, monkeypatch, a_place(spec))
    reachable(floor, monkeypatch)
    return partnership
