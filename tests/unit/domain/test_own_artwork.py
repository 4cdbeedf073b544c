"""A piece with a picture of its buyer's own: what it has from the one that was ordered, and what it has not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from backroom.domain.own_artwork import base_of, is_own, own_variant
from backroom.domain.partners import PartnerProduct
from backroom.domain.routing_places import can_make
from backroom.domain.samples import Batches, InUse, Sample, SampleState, Standing, judge_at
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


def test_it_needs_a_good_sample_of_some_design_on_the_same_cloth_and_printer_and_none_of_itself() -> None:
    place, at = a_shop().location(HUB), datetime(2026, 11, 1, tzinfo=UTC)
    own = own_variant(BASE, DIGEST)
    (of_base,), (of_own,) = (judge_at(place, one, (), {}, InUse(), at) for one in (BASE, own))
    assert (of_own.combination, of_own.verdict.approved) == (of_base.combination.of_own_pictures, False)
    good = Sample(1, SampleState.APPROVED, Batches(), at, at, at + timedelta(days=90))
    other = replace(of_base.combination, artwork="moth.png")
    for sampled, approved in (
        (other, True),
        (replace(other, colourway="Bone"), False),
        (replace(other, fabric="hoodie"), False),
        (replace(other, process="transfer"), False),
        (replace(other, kind="another"), False),
    ):
        (found,) = judge_at(place, own, (), {sampled: [good]}, InUse(), at)
        assert found.verdict.approved is approved
    (base,) = judge_at(place, BASE, (), {other: [good]}, InUse(), at)
    assert not base.verdict.approved, "a design needs one of its own"


@pytest.mark.parametrize("state", [SampleState.REJECTED, SampleState.CLOSED])
def test_a_design_that_is_not_good_says_nothing_of_buyers_pictures(state: SampleState) -> None:
    place, at = a_shop().location(HUB), datetime(2026, 11, 1, tzinfo=UTC)
    own = own_variant(BASE, DIGEST)
    (found,) = judge_at(place, own, (), {}, InUse(), at)
    good = Sample(1, SampleState.APPROVED, Batches(), at, at, at + timedelta(days=90))
    later = Sample(2, state, Batches(), at, at + timedelta(hours=1))
    designs = {replace(found.combination, artwork="owl.png"): [good], replace(found.combination, artwork="x"): [later]}
    (judged,) = judge_at(place, own, (), designs, InUse(), at)
    assert judged.verdict.sample == 1
    closed = Sample(3, SampleState.CLOSED, Batches(), at, at + timedelta(minutes=1))
    (judged,) = judge_at(place, own, (), designs | {found.combination: [closed]}, InUse(), at)
    assert judged.verdict.standing is Standing.CLOSED


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
