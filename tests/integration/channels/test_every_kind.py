"""What holds of every kind of channel: news in any order end in the same state, what comes after the label is a Hold,
and what never came is counted and fetched in one round.

A kind that `tests/sellers.py` does not know fails here.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from sqlalchemy import func, select

from backroom.channels.reconciling import Books, Looked, look_at
from backroom.channels.registry import CHANNELS, SOURCES, channel_for
from backroom.channels.remote import Fetched, Listed, OrderSource
from backroom.domain.channels import CHANNEL_KINDS
from backroom.domain.reconciliation import Look
from backroom.outgoing.circuit import close_all
from backroom.outgoing.errors import ServiceAway
from backroom.shop import room as rooms
from backroom.store import paid_elsewhere
from backroom.store.inbox_door import Delivery, accept
from backroom.store.tables import orders
from tests.sellers import CANCELLED, CHANGED, DELETED, FEWER, PLACED, REFUNDED, SELLERS, Seller
from tests.shops import HUB, PLAIN, Floor


@pytest.fixture(autouse=True)
def fresh_circuits() -> Iterator[None]:
    close_all()
    yield
    close_all()


class Market:
    """The floor with one seller, whose orders are made at the hub."""

    def __init__(self, floor: Floor, seller: Seller) -> None:
        self.floor, self.seller = floor, seller
        seller.database = floor.room.database

    def arrive(self, *deliveries: Delivery) -> None:
        room = self.floor.room
        for one in deliveries:
            room.database.write(lambda c, one=one: accept(c, room.seals, one, HUB))
            self.floor.intake()

    def placed(self, number: int) -> str:
        """An order that came in, by whichever way it comes first; its number here."""
        self.arrive(self.seller.told(number, PLACED)[0])
        return self.number(number)

    def number(self, number: int) -> str:
        with self.floor.room.database.read() as connection:
            query = select(orders.c.number).where(orders.c.external_id == self.seller.id_of(number))
            return str(connection.execute(query).scalar_one())

    def stands(self, number: int) -> tuple[Any, ...]:
        """How an order stands; of a cancelled one nothing matters but that it is, and what was said last."""
        story = self.floor.story(self.number(number))
        order = story.order
        lines = [] if order["state"] == "cancelled" else [(one["sku"], one["quantity"]) for one in story.lines]
        return order["state"], order["hold_reason"], order["payment"], order["source_at"], lines

    def look(self, reach: Look = Look.RECENT, *, gives: bool = True) -> Looked:
        room, seller = self.floor.room, self.seller
        books = Books(room.database, room.seals, HUB, lambda _: None)
        connect: Callable[[], OrderSource] = seller.source if gives else lambda: GivesNothing(seller.source())
        return look_at(seller.spec, channel_for(seller.spec), connect, books, reach)

    def missing(self) -> int:
        with self.floor.room.database.read() as connection:
            return sum(paid_elsewhere.count_missing(connection).values())

    def count(self) -> int:
        with self.floor.room.database.read() as connection:
            return int(connection.execute(select(func.count()).select_from(orders)).scalar_one())


class GivesNothing:
    """A source that lists its orders, and is away when it is asked for them."""

    def __init__(self, source: OrderSource) -> None:
        self._source = source

    def changed_since(self, since: Any) -> Iterator[Listed]:
        return self._source.changed_since(since)

    def fetch(self, external_ids: Sequence[str]) -> Iterator[Fetched]:
        raise ServiceAway("seller", "the seller is away")


@pytest.fixture(params=CHANNEL_KINDS)
def market(
    request: pytest.FixtureRequest, floor: Floor, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> Market:
    seller = SELLERS[request.param](httpserver)
    # Few of them tell coordinates.
    shop = replace(floor.room.shop, channels=(seller.spec,), rules=floor.room.shop.rules[-1:])
    floor.room = replace(floor.room, shop=shop)
    monkeypatch.setitem(rooms._open, floor.room.home.resolve(), floor.room)
    return Market(floor, seller)


def test_every_kind_has_a_seller() -> None:
    assert set(SELLERS) == set(CHANNEL_KINDS) == set(CHANNELS)


@pytest.mark.parametrize("end", [CANCELLED, REFUNDED, DELETED])
def test_whatever_comes_first_or_twice_the_last_word_of_the_source_stands(market: Market, end: str) -> None:
    seller, chance = market.seller, random.Random(20261126)
    change = CHANGED if CHANGED in seller.says else FEWER
    life = [moment for moment in (PLACED, change, end) if moment in seller.says]
    numbers = itertools.count(1)
    control = next(numbers)
    market.arrive(*(one for moment in life for one in seller.told(control, moment)))
    expected = market.stands(control)
    assert expected[0] in (("cancelled", "held") if life[-1] == end else ("released",))
    for some in itertools.permutations(life):
        number = next(numbers)
        told = [one for moment in some for one in seller.told(number, moment)]
        market.arrive(*told, chance.choice(told))
        # Where a source does not say when it deleted an order, it is when we heard of it.
        count = 3 if end == DELETED else len(expected)
        assert market.stands(number)[:count] == expected[:count], some
    market.floor.check_sums()


@pytest.mark.parametrize("moment", [CHANGED, FEWER, CANCELLED, REFUNDED])
def test_what_is_said_after_the_label_is_a_hold_for_a_person(market: Market, moment: str) -> None:
    seller = market.seller
    if moment not in seller.says:
        pytest.skip(f"{seller.spec.kind} says nothing of the kind")
    number = market.placed(1)
    before = seller.told(1, PLACED)
    market.floor.fulfil(HUB)
    assert market.floor.state(number) == ("fulfilled", ["done"])
    news = seller.told(1, moment)
    market.arrive(*news)
    if moment == FEWER:
        # Money was given back for them: nothing is asked.
        assert market.floor.state(number) == ("fulfilled", ["done"])
    else:
        assert market.stands(1)[:2] == ("held", f"{moment}_after_label")
    was = market.stands(1)
    market.arrive(*before, *news)
    assert market.stands(1) == was


def test_a_piece_that_is_taken_off_before_the_label_is_free_again_and_the_rest_is_made(market: Market) -> None:
    seller, floor = market.seller, market.floor
    if FEWER not in seller.says:
        pytest.skip(f"{seller.spec.kind} says nothing of the kind")
    number = market.placed(1)
    assert floor.available(HUB, PLAIN) == (100, 2)
    market.arrive(*seller.told(1, FEWER))
    assert floor.available(HUB, PLAIN) == (100, 1)
    floor.fulfil(HUB)
    assert floor.state(number) == ("fulfilled", ["cancelled", "done"])
    assert floor.available(HUB, PLAIN) == (99, 0)
    floor.check_sums()


@pytest.mark.parametrize("market", sorted(SOURCES), indirect=True)
def test_what_never_came_is_counted_and_fetched_in_one_round(market: Market) -> None:
    seller = market.seller
    # What is deleted is listed no more: that is told by webhook only.
    later = [moment for moment in seller.says if moment not in (PLACED, DELETED)]
    for number in range(1, len(later) + 2):
        market.placed(number)
    # Of some of ours the news are lost, and of others all that was ever said.
    for number, moment in enumerate(later, start=2):
        seller.stand(number, moment)
    for number in range(11, 16):
        seller.stand(number, PLACED)
    looked = market.look(gives=False)
    assert isinstance(looked.error, ServiceAway)
    assert (looked.figures.missing, market.missing()) == (5, 5)
    close_all()
    looked = market.look()
    assert looked.error is None
    assert (looked.figures.behind, looked.figures.fetched, looked.figures.missing) == (len(later), 5 + len(later), 0)
    market.floor.intake()
    assert (market.missing(), market.count()) == (0, 6 + len(later))
    for number, moment in enumerate(later, start=2):
        control = 20 + number
        market.arrive(*seller.told(control, moment))
        assert market.stands(number) == market.stands(control), moment
    for reach in (Look.RECENT, Look.FULL):
        again = market.look(reach)
        assert again.error is None
        assert (again.figures.behind, again.figures.fetched, again.figures.missing) == (0, 0, 0), reach
    market.floor.check_sums()
