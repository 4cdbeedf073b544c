"""Blanks leave the stock of the location that prints on them, where it counts them, on both databases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Connection

from backroom.store import blanks, stock
from backroom.store.catalogue import save_variants
from backroom.store.database import now
from tests.shops import BOOTH, HUB, PLAIN, Floor, a_variant

BLANK = replace(a_variant("BLANK-BLK-M", printable=False), tags=("blank", "tee"))
OTHER = replace(a_variant("BLANK-BLK-L", printable=False), tags=("blank", "tee"))


def with_blanks(floor: Floor, pieces: Sequence[tuple[str, str, int]]) -> None:
    def work(connection: Connection) -> None:
        save_variants(connection, [BLANK, OTHER, replace(a_variant(PLAIN), tags=("tee",))])
        stock.receive(connection, "blanks", pieces, "delivered", now(connection))

    floor.room.database.write(work)


def print_two(floor: Floor, outcome: str = "done") -> None:
    """Two pieces of one order, printed at the booth."""
    floor.taken_in((PLAIN, 2), at=BOOTH)
    floor.fulfil(BOOTH)
    for job in floor.hand_out(BOOTH):
        floor.print(job, outcome)


def test_a_print_takes_its_blanks_once(floor: Floor) -> None:
    with_blanks(floor, [(BOOTH, BLANK.sku, 5), (BOOTH, OTHER.sku, 5), (HUB, BLANK.sku, 5)])
    print_two(floor)
    assert floor.available(BOOTH, BLANK.sku) == (3, 0)
    assert floor.available(BOOTH, OTHER.sku) == (5, 0)
    assert floor.available(HUB, BLANK.sku) == (5, 0)
    floor.check_sums()


@pytest.mark.parametrize(("there", "left"), [(1, 0), (2, 0)])
def test_a_place_that_counts_fewer_prints_all_the_same(floor: Floor, there: int, left: int) -> None:
    with_blanks(floor, [(BOOTH, BLANK.sku, there)])
    print_two(floor)
    assert floor.available(BOOTH, BLANK.sku) == (left, 0)
    floor.check_sums()


def test_a_place_that_counts_none_counts_none(floor: Floor) -> None:
    with_blanks(floor, [(HUB, BLANK.sku, 5)])
    print_two(floor)
    assert floor.available(HUB, BLANK.sku) == (5, 0)
    with floor.room.database.read() as connection:
        assert (BOOTH, BLANK.sku) not in stock.levels(connection)


def test_what_was_printed_on_is_counted_by_place_and_time(floor: Floor) -> None:
    with_blanks(floor, [(BOOTH, BLANK.sku, 5), (BOOTH, OTHER.sku, 5), (HUB, BLANK.sku, 5)])
    with floor.room.database.read() as connection:
        before = now(connection)
    print_two(floor)
    with floor.room.database.read() as connection:
        assert blanks.used_at(connection, BOOTH, before) == {BLANK.sku: 2}
        assert blanks.used_at(connection, HUB, before) == {}
        assert blanks.used_at(connection, BOOTH, before - timedelta(days=1), before - timedelta(hours=1)) == {}
        assert blanks.used_at(connection, BOOTH, now(connection) + timedelta(hours=1)) == {}
