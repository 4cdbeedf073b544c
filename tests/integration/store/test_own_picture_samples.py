"""Buyers' own pictures and samples: printed where a design is approved on that cloth, closed by too many bad ones."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest
from sqlalchemy import select

from backroom.domain.own_artwork import own_variant
from backroom.domain.samples import OWN_PICTURES
from backroom.store.catalogue import save_variants
from backroom.store.material_batches import INK
from backroom.store.print_rejects import Rejected
from backroom.store.sample_standing import every
from backroom.store.tables import print_rejects
from backroom.store.tables import samples as samples_table
from tests.integration.store.test_print_rejects import bad, print_it, ruin, shop
from tests.integration.store.test_samples import PRESSES, approve, batch, sample, why
from tests.shops import BOOTH, PLAIN, Floor, a_variant

__all__ = ["shop"]

TEE = replace(a_variant(PLAIN), tags=("tee",))
CAT, DOG = (own_variant(TEE, letter * 64) for letter in "ab")
BUYERS = (CAT.sku, DOG.sku)
# Another design on the same cloth, of which no sample was printed.
MOTH = replace(a_variant("MOTH-BLK-M"), tags=("tee",), artwork="moth.png")


@pytest.fixture
def pictures(shop: Floor) -> Floor:
    """The shop, whose design is approved on both presses, with two buyers' pictures."""
    folder = shop.room.artwork()
    for one in (CAT, DOG, MOTH):
        shutil.copy(folder / "owl.png", folder / one.artwork)
    shop.room.database.write(lambda c: save_variants(c, [CAT, DOG, MOTH]))
    return shop


def ordered(shop: Floor, sku: str = CAT.sku) -> str:
    return shop.taken_in((sku, 1), at=BOOTH)


def test_a_buyers_picture_is_printed_where_some_design_is_approved_on_that_cloth(pictures: Floor) -> None:
    assert pictures.state(ordered(pictures)) == ("released", ["open"])
    assert "no sample of it was printed (moth.png" in why(pictures, ordered(pictures, MOTH.sku)), "it needs its own"


def test_it_is_not_printed_with_a_new_batch_before_somebody_approved_a_print_with_it(pictures: Floor) -> None:
    waits = ordered(pictures)
    found = batch(pictures, INK, "press-1", "K2")
    assert {one.combination.artwork for one in found.fell} == {"owl.png", OWN_PICTURES}
    assert waits in found.taken.rerouted
    pictures.intake()
    assert "the batch of ink is K2" in why(pictures, waits)
    approve(pictures, sample(pictures, "press-1"))
    pictures.intake()
    assert pictures.state(waits)[0] == "released"


def test_too_many_bad_ones_of_any_buyer_stop_them_and_no_design_until_a_print_is_approved_again(
    pictures: Floor,
) -> None:
    assert ruin(pictures, 2, BUYERS).closed == []
    waits = ordered(pictures)
    found = ruin_one_more(pictures)
    assert len(found.closed) == 1
    assert found.rerouted == [waits]
    pictures.intake()
    assert "too many came out bad after its sample" in why(pictures, waits)
    assert pictures.state(ordered(pictures, PLAIN)) == ("released", ["open"]), "the design goes on"
    approve(pictures, sample(pictures, "press-1"))
    pictures.intake()
    assert pictures.state(waits)[0] == "released"
    pictures.check_sums()


def ruin_one_more(shop: Floor) -> Rejected:
    """The newest job at the booth comes out bad; what else is there was not begun."""
    ordered(shop, DOG.sku)
    shop.fulfil(BOOTH)
    job = max(shop.hand_out(BOOTH), key=lambda one: one.id)
    print_it(shop, job)
    return bad(shop, job)


def test_what_is_kept_of_a_bad_one_names_no_buyers_picture(pictures: Floor) -> None:
    ruin(pictures, 1, BUYERS)
    with pictures.room.database.read() as connection:
        assert connection.execute(select(print_rejects.c.artwork)).scalars().all() == [OWN_PICTURES]


def test_it_stands_in_the_list_once_for_each_piece_that_was_ordered_with_one(pictures: Floor) -> None:
    with pictures.room.database.read() as connection:
        at = connection.execute(select(samples_table.c.decided_at)).scalars().first()
        assert at is not None
        listed = [
            one.combination.artwork for _, one in every(connection, pictures.room.shop, at) if one.location == BOOTH
        ]
    assert listed.count(OWN_PICTURES) == len(PRESSES)
