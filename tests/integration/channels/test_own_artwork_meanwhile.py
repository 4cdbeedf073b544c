"""Pictures of buyers' own and what others do with their orders: while one is fetched, after one was refused, and when
their source speaks again."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from sqlalchemy import update

from backroom.domain.breaker import MOST_FAILURES
from backroom.domain.own_artwork import base_of, is_own
from backroom.domain.partners import PartnerProduct
from backroom.domain.routing_rules import Filter, RoutingRule
from backroom.store import amending, cancelling
from backroom.store.tables import orders
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


def test_a_picture_that_is_slow_for_hours_is_nobodys_fault_and_then_a_persons_to_look_at(shop: Shop) -> None:
    pictures = shop.pictures
    pictures.answers["/cat.png"] = (200, {}, png(side=600))
    pictures.drop, pictures.drip = 16, 0.05
    shop.by(pictures.fetcher(all_seconds=0.3, read_seconds=0.2))
    shop.put("B-1", (PLAIN, pictures.url("/cat.png")))
    (outcome,) = [one for one in shop.floor.intake() if one.cause]
    assert (outcome.result, outcome.cause) == ("waiting", "file_away")
    almost = update(orders).values(failures=MOST_FAILURES - 1)
    shop.floor.room.database.write(lambda c: c.execute(almost))
    shop.due()
    (outcome,) = shop.floor.intake()
    assert (outcome.result, outcome.cause) == ("sick", "file_away")
    assert "takes too long. Ask for a smaller one" in outcome.reason


def test_a_correction_of_another_line_than_the_refused_one_leaves_that_ones_picture(shop: Shop) -> None:
    answers = shop.pictures.answers
    answers["/away.png"] = (503, {}, b"")
    shop.put("B-1", (PLAIN, shop.pictures.url("/gone.png")), (PLAIN, shop.pictures.url("/away.png")))
    shop.floor.intake()
    assert shop.held("B-1").startswith("file_not_there")
    _correct(shop, "B-1", "line.2.sku", SCARCE)
    answers["/gone.png"], answers["/away.png"] = (503, {}, b""), (404, {}, b"")
    shop.release("B-1")
    shop.floor.intake()
    # Now the other one is refused, and the first, which was before, is away.
    assert _state(shop, "B-1") == ("held", "artwork_unfit")
    _correct(shop, "B-1", "line.1.sku", SCARCE)
    answers["/gone.png"], answers["/away.png"] = (200, {}, png()), (200, {}, png("blue"))
    shop.release("B-1")
    shop.floor.intake()
    assert [(base_of(sku), is_own(sku)) for sku in shop.skus("B-1")] == [(SCARCE, True), (SCARCE, True)]
    assert _state(shop, "B-1")[0] != "held"


@pytest.mark.parametrize("corrected", [False, True])
def test_a_picture_that_is_here_is_not_fetched_again_because_its_source_speaks_of_something_else(
    shop: Shop, corrected: bool
) -> None:
    from tasks.claiming import claim_intake, holding
    from tasks.own_artwork import fetch_artwork
    from tasks.validate import validate

    shop.pictures.answers["/cat.png"] = (200, {}, png())
    url = shop.pictures.url("/cat.png")
    shop.put("B-1", (PLAIN, url))
    claim = claim_intake(shop.floor.room)
    assert claim is not None
    with holding(shop.floor.room, claim):
        validate.fn(claim)
        if corrected:
            _correct(shop, "B-1", "line.1.sku", SCARCE)
        fetch_artwork.fn(claim)
    (before,) = shop.skus("B-1")
    assert is_own(before)
    shop.pictures.answers["/cat.png"] = (404, {}, b"")
    shop.put("B-1", (PLAIN, url), day=2, email="ada@example.com")
    shop.floor.intake()
    assert shop.skus("B-1") == [before]
    assert [line["personalised"] for line in shop.lines("B-1")] == [True]
    assert _state(shop, "B-1") == ("released", "")
    assert len(shop.pictures.asked) == 1


def test_a_good_address_from_the_source_ends_the_hold_for_the_one_that_was_not(shop: Shop) -> None:
    shop.pictures.answers["/dog.png"] = (200, {}, png())
    shop.put("B-1", (PLAIN, shop.pictures.url("/cat.png")))
    shop.floor.intake()
    assert _state(shop, "B-1") == ("held", "artwork_unfit")
    shop.put("B-1", (PLAIN, shop.pictures.url("/dog.png")), day=2)
    shop.floor.intake()
    assert _state(shop, "B-1") == ("released", "")
    assert is_own(shop.skus("B-1")[0])
