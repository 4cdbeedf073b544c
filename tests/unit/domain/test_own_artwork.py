"""A piece with a picture of its buyer's own: what it has from the one that was ordered, and what it has not."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from backroom.domain.own_artwork import base_of, is_own, own_variant
from backroom.domain.partners import PartnerProduct
from backroom.domain.routing_places import can_make
from backroom.domain.samples import InUse, judge_at
from tests.shops import CATALOGUE, GTIN_TEE, HUB, PLAIN, a_shop
from tests.workshops import a_partner, a_place

DIGEST = "0123456789abcdef" * 4
BASE = next(one for one in CATALOGUE if one.sku == PLAIN)


def test_it_is_what_was_ordered_but_for_its_picture_and_the_code_that_scanners_read() -> None:
    coded = next(one for one in CATALOGUE if one.sku == GTIN_TEE)
    own = own_variant(coded, DIGEST)
    assert (own.sku, own.artwork, own.gtin) == (f"{GTIN_TEE}-own-0123456789abcdef", f"own-{DIGEST}.png", "")
    assert (own.product, own.size, own.weight_g, own.tags) == (coded.product, coded.size, coded.weight_g, coded.tags)
    assert own_variant(own, DIGEST).sku == own.sku, "the same bytes give the same one, once"


@pytest.mark.parametrize(
    "sku", [PLAIN, "TEE-own-", "TEE-own-0123", "-own-0123456789abcdef", "TEE-own-0123456789ABCDEF"]
)
def test_a_sku_of_the_catalogue_is_its_own_base(sku: str) -> None:
    assert (base_of(sku), is_own(sku)) == (sku, False)
    assert base_of(own_variant(BASE, DIGEST).sku) == PLAIN


def test_nobody_approves_a_sample_of_what_is_printed_for_one_buyer() -> None:
    place, at = a_shop().location(HUB), datetime(2026, 11, 1, tzinfo=UTC)
    assert judge_at(place, BASE, (), {}, InUse(), at) != ()
    assert judge_at(place, own_variant(BASE, DIGEST), (), {}, InUse(), at) == ()


def test_a_partner_knows_it_by_the_piece_that_was_ordered() -> None:
    product = a_partner("https://workshop.example").product(own_variant(BASE, DIGEST).sku)
    assert product is not None
    assert product.code == "shirt-black-m"


@pytest.mark.parametrize("products", [(), (PartnerProduct(PLAIN, "shirt-owl-m", artwork=False),)])
def test_who_prints_nothing_of_ours_knows_the_piece_that_was_ordered_and_none_with_a_picture(
    products: tuple[PartnerProduct, ...],
) -> None:
    place = a_place(a_partner("https://workshop.example", products=products))
    own = own_variant(BASE, DIGEST)
    assert place.partner is not None
    assert place.partner.product(PLAIN) is not None
    assert place.partner.product(own.sku) is None
    assert not can_make(place, own)
