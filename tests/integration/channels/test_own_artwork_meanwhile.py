"""Pictures of buyers' own and what others do with their orders: while one is fetched, after one was refused, and when
their source speaks again."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from backroom.domain.own_artwork import base_of, is_own
from backroom.domain.partners import PartnerProduct
from backroom.domain.routing_rules import Filter, RoutingRule
from backroom.store import amending, cancelling
from tests.integration.channels.test_own_artwork import Shop, pictures, png, shop
from tests.shops import HUB, PLAIN, SCARCE
from tests.workshops import WORKSHOP, Workshop, a_partner, a_place, with_partners, workshop

__all__ = ["pictures", "shop", "workshop"]


def _while_fetching(shop: Shop, act: Callable[[], object]) -> None:
    """Something happens once, while the first picture's host is looked up."""
    left = [act]

    def resolve(host: str, port: int) -> Sequence[str]:
        if left:
            left.pop()()
        return ["127.0.0.1"]

    shop.by(shop.pictures.fetcher(resolve=resolve))


def _correct(shop: Shop, id_: str, field: str, value: str) -> None:
    number, room = shop.number(id_), shop.floor.room
    room.database.write(lambda c: amending.amend(c, room.seals, number, field, value, "Ada"))


def _state(shop: Shop, id_: str) -> tuple[str, str]:
    order = shop.floor.story(shop.number(id_)).order
    return order["state"], order["hold_reason"]


def test_a_partner_that_makes_the_piece_with_a_design_of_its_own_is_not_asked_for_one_with_a_picture(
    shop: Shop, workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    finished = (PartnerProduct(PLAIN, "shirt-owl-m", artwork=False),)
    able = Filter("location", "==", WORKSHOP), Filter("can_make", "==", True)
    rules = (RoutingRule("at-workshop", (), able, (), short="print"),)
    with_partners(shop.floor, monkeypatch, a_place(a_partner(workshop.url, products=finished)), rules=rules)
    shop.pictures.answers["/cat.png"] = (200, {}, png())
    shop.put("B-1", (PLAIN, shop.pictures.url("/cat.png")))
    shop.floor.intake()
    assert is_own(shop.skus("B-1")[0])
    (part,) = shop.floor.story(shop.number("B-1")).parts
    assert part["location"] == HUB


def test_an_order_that_is_cancelled_while_its_picture_is_fetched_costs_the_others_nothing(shop: Shop) -> None:
    shop.pictures.answers["/dog.png"] = (200, {}, png())
    shop.put("B-1", (PLAIN, shop.pictures.url("/cat.png")))
    shop.put("B-2", (PLAIN, shop.pictures.url("/dog.png")))
    room = shop.floor.room
    _while_fetching(
        shop, lambda: room.database.write(lambda c: cancelling.cancel(c, shop.number("B-1"), "Ada", "asked_by_staff"))
    )
    shop.floor.intake()
    assert _state(shop, "B-1")[0] == "cancelled"
    assert _state(shop, "B-2") == ("released", "")
    events = [entry["event"] for entry in shop.floor.story(shop.number("B-1")).history]
    assert "artwork.refused" not in events


def test_an_order_whose_source_brings_a_good_address_meanwhile_is_not_held_for_the_old_one(shop: Shop) -> None:
    shop.pictures.answers["/dog.png"] = (200, {}, png())
    shop.put("B-1", (PLAIN, shop.pictures.url("/cat.png")))

    def source_speaks() -> None:
        shop.put("B-1", (PLAIN, shop.pictures.url("/dog.png")), day=2)
        shop.floor.intake()

    _while_fetching(shop, source_speaks)
    shop.floor.intake()
    assert _state(shop, "B-1") == ("released", "")
    assert is_own(shop.skus("B-1")[0])


def test_a_picture_whose_piece_is_corrected_while_it_is_fetched_is_printed_on_the_right_one(shop: Shop) -> None:
    shop.pictures.answers["/cat.png"] = (200, {}, png())
    shop.put("B-1", (PLAIN, shop.pictures.url("/cat.png")))
    _while_fetching(shop, lambda: _correct(shop, "B-1", "line.1.sku", SCARCE))
    shop.floor.intake()
    (sku,) = shop.skus("B-1")
    assert (base_of(sku), is_own(sku)) == (SCARCE, True)
    assert _state(shop, "B-1") == ("released", "")
