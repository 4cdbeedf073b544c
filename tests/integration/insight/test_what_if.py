"""A what-if is checked by doing it: the same orders in a fresh shop under the changed rules, for real.

The first shop works under its rules: orders come in waves, stock arrives, orders wait for it, one is cancelled, all are
made. The replay says what the changed rules would have decided and what that would have cost. The second shop has the
changed rules from the start, and is sent the same orders at the same turns; decisions and costs are read from its rows.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, func, select

from backroom.domain.carriers import CarrierSpec
from backroom.domain.cost_rates import CostRates
from backroom.domain.replay import Restocking, replay
from backroom.domain.routing_rules import Filter, RoutingRule
from backroom.domain.shop import Shop
from backroom.domain.supply import Supply
from backroom.engine import wake
from backroom.insight.stock_what_if import print_or_buy, thresholds
from backroom.insight.what_if import Answer, read, what_if
from backroom.insight.what_if_report import csv_rows, html_page, order_rows, summary
from backroom.shop import room as rooms
from backroom.store import backlog, cancelling, stock
from backroom.store.database import Database, now
from backroom.store.forgetting import forget
from backroom.store.personal import Whose
from backroom.store.tables import (
    fulfilment_lines,
    fulfilment_orders,
    orders,
    routing_decisions,
    shipments,
    stock_levels,
    stock_movements,
)
from backroom.store.tables import (
    people as people_table,
)
from tests.integration.store.test_event_desk import close, open_, plan
from tests.shops import (
    BOOTH,
    CANARIES,
    FAR,
    GTIN_TEE,
    HUB,
    NEAR_SOUTH,
    PLAIN,
    SCARCE,
    SOUTH,
    Floor,
    an_order,
    open_floor,
)

ORDERS = 16
RATES = {
    HUB: CostRates(packaging=60, print=190, blank=420, picking_minutes=2, wage_per_hour=1800),
    SOUTH: CostRates(packaging=80, picking_minutes=3, wage_per_hour=2000),
    BOOTH: CostRates(packaging=50, print=250, blank=500, picking_minutes=1, wage_per_hour=2400),
}
WAITING = RoutingRule("hub", (), (Filter("kind", "==", "hub"),), (), short="backorder")
OLD = (RoutingRule("fair", (Filter("event", "==", "fair"),), (Filter("location", "==", BOOTH),), ()), WAITING)
NEW = (
    RoutingRule(
        "fair", (Filter("event", "==", "fair"),), (Filter("in_stock", "==", True),), ("cheapest",), short="next"
    ),
    RoutingRule("near", (), (Filter("distance_km", "<=", 20), Filter("kind", "!=", "booth")), (), short="next"),
    RoutingRule("split", (), (), ("most_complete", "nearest"), split=True, short="backorder"),
)
LOADED = (RoutingRule("least", (), (Filter("capacity_left", ">", 0),), ("least_loaded",), short="backorder"),)


def a_priced_shop(shop: Shop, rules: Sequence[RoutingRule], capacity: int = 0) -> Shop:
    """The tests' shop with rates of its own at each place, a courier of its own at one, and nothing to be scanned."""
    return replace(
        shop,
        locations=tuple(
            replace(
                place,
                costs=RATES[place.id],
                scan=False,
                carrier="bike" if place.id == SOUTH else "",
                capacity=capacity if place.id == SOUTH else 0,
            )
            for place in shop.locations
        ),
        carriers=(*shop.carriers, CarrierSpec("bike", "local", "Bike", ("DE",), 20_000, 390)),
        rules=tuple(rules),
    )


Turn = Callable[[Floor], None]


def a_story(seed: int, *, count: int = ORDERS, most: int = 5, made: bool = True, lorries: bool = True) -> list[Turn]:
    """What happens, turn by turn, the same in every shop: each turn knows orders by what their channel calls them."""
    chance = random.Random(seed)
    turns: list[Turn] = []
    ids = iter(range(7001, 7001 + count))
    while wave := [next(ids, 0) for _ in range(chance.randint(1, most))]:
        wave = [id_ for id_ in wave if id_]
        if not wave:
            break
        turns.append(_come([_an_order(chance, id_) for id_ in wave]))
        if chance.random() < 0.3:
            turns.append(_cancel(chance.choice(wave)))
        if chance.random() < 0.4 and lorries:
            turns.append(_receive(chance.choice([HUB, SOUTH]), chance.choice([SCARCE, GTIN_TEE]), chance.randint(1, 6)))
        if made and chance.random() < 0.5:
            turns.append(_make_all)
    return [*turns, _make_all] if made else turns


def _an_order(chance: random.Random, id_: int) -> dict[str, Any]:
    lines = [(sku, chance.randint(1, 3)) for sku in chance.sample([PLAIN, SCARCE, GTIN_TEE], chance.randint(1, 2))]
    order = an_order(id_, lines, at=chance.choice([HUB, SOUTH, BOOTH]))
    latitude, longitude = chance.choice([FAR, NEAR_SOUTH])
    return order | {"shipping_address": order["shipping_address"] | {"latitude": latitude, "longitude": longitude}}


def _come(wave: Sequence[dict[str, Any]]) -> Turn:
    def turn(floor: Floor) -> None:
        for order in wave:
            floor.deliver(order)
        floor.intake()

    return turn


def _receive(location: str, sku: str, pieces: int) -> Turn:
    def turn(floor: Floor) -> None:
        def work(connection: Connection) -> None:
            at = now(connection)
            stock.receive(connection, f"lorry:{at.isoformat()}", [(location, sku, pieces)], "received", at)
            backlog.wake_backorders(connection, [sku], HUB)

        floor.room.database.write(work)
        floor.intake()

    return turn


def _cancel(id_: int) -> Turn:
    def turn(floor: Floor) -> None:
        number = floor.number(id_)
        floor.room.database.write(lambda c: cancelling.cancel(c, number, "Ada", "cancelled_by_staff", keep_money=True))
        floor.room.database.write(lambda c: backlog.wake_again(c, HUB))
        floor.intake()

    return turn


def _make_all(floor: Floor) -> None:
    for place in (HUB, SOUTH, BOOTH):
        floor.fulfil(place)
        while jobs := floor.hand_out(place):
            for job in jobs:
                floor.print(job)
        floor.fulfil(place)


@dataclass
class Shops:
    """Shops that run one after another in this process."""

    first: Floor
    template: Path
    tmp_path: Path
    patch: pytest.MonkeyPatch

    def run(self, floor: Floor, rules: Sequence[RoutingRule], story: Sequence[Turn], capacity: int = 0) -> Floor:
        at_work = Floor(replace(floor.room, shop=a_priced_shop(floor.room.shop, rules, capacity)), floor.waker)
        self.patch.setenv("BACKROOM_HOME", str(floor.room.home))
        self.patch.setitem(rooms._open, floor.room.home.resolve(), at_work.room)
        self.patch.setitem(vars(wake), "_this", at_work.waker)
        for turn in story:
            turn(at_work)
        return at_work

    def fresh(self, name: str = "fresh") -> Floor:
        path = self.tmp_path / f"{name}.db"
        shutil.copy(self.template, path)
        return open_floor(Database(f"sqlite:///{path}"), self.tmp_path / name)


@pytest.fixture
def shops(floor: Floor, sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shops:
    return Shops(floor, sqlite_template, tmp_path, monkeypatch)


def beginning(floor: Floor) -> datetime:
    with floor.room.database.read() as connection:
        return now(connection) - timedelta(hours=1)


def ask(floor: Floor, rules: Sequence[RoutingRule], capacity: int = 0) -> Answer:
    return what_if(floor.room, a_priced_shop(floor.room.shop, rules, capacity), beginning(floor))


def decided_for_real(floor: Floor) -> dict[str, tuple[str, str, list[tuple[Any, ...]]]]:
    """Of each order its last decision: outcome, rule, and what each place was given."""
    query = (
        select(orders.c.number, routing_decisions)
        .join(routing_decisions, routing_decisions.c.order_id == orders.c.id)
        .order_by(routing_decisions.c.round)
    )
    with floor.room.database.read() as connection:
        return {
            row.number: (row.outcome, row.rule, [tuple(sorted(one.items())) for one in row.assignments])
            for row in connection.execute(query)
        }


def decided_in_the_replay(answer: Answer) -> dict[str, tuple[str, str, list[tuple[Any, ...]]]]:
    return {
        row.one.past.order.number: (
            row.one.decision.outcome,
            row.one.decision.rule,
            [
                tuple(sorted((name, getattr(one, name)) for name in one.__slots__))
                for one in row.one.decision.assignments
            ],
        )
        for row in answer.rows
    }


def cost_for_real(floor: Floor) -> dict[str, float]:
    """What each fulfilled order cost by its own rows: the labels that were bought, the pieces that were handled."""
    part = fulfilment_orders.c
    lines = (
        select(part.order_id, part.location, fulfilment_lines.c.from_stock, fulfilment_lines.c.printed)
        .join(fulfilment_lines, fulfilment_lines.c.fulfilment_order_id == part.id)
        .where(part.state == "done")
    )
    parcels = select(part.order_id, part.location, shipments.c.cost_minor).join(
        shipments, shipments.c.fulfilment_order_id == part.id
    )
    with floor.room.database.read() as connection:
        numbers = dict(
            connection.execute(select(orders.c.id, orders.c.number).where(orders.c.state == "fulfilled")).tuples().all()
        )
        cost = dict.fromkeys(numbers.values(), 0.0)
        for row in connection.execute(lines):
            rates = RATES[row.location]
            pieces = row.from_stock + row.printed
            minutes = pieces * rates.picking_minutes
            cost[numbers[row.order_id]] += minutes * rates.wage_per_hour / 60 + row.printed * (
                rates.print + rates.blank
            )
        for row in connection.execute(parcels):
            cost[numbers[row.order_id]] += row.cost_minor + RATES[row.location].packaging
    return cost


@pytest.mark.parametrize("seed", [1, 2])
def test_a_replay_decides_and_costs_what_the_changed_rules_do_for_real(shops: Shops, seed: int) -> None:
    story = a_story(seed)
    was = shops.run(shops.first, OLD, story)
    answer = ask(was, NEW)
    real = shops.run(shops.fresh(), NEW, story)
    assert decided_in_the_replay(answer) == decided_for_real(real)
    assert sum(row.moved for row in answer.rows) > 3
    predicted = {
        row.one.past.order.number: row.would_cost.total for row in answer.rows if row.one.past.cancelled_at is None
    }
    paid = cost_for_real(real)
    assert len(paid) >= ORDERS / 3
    assert {number: predicted[number] for number in paid} == pytest.approx(paid)
    # What was is by the same formula what the first shop really paid.
    before = {row.one.past.order.number: row.was_cost.total for row in answer.rows}
    assert {number: before[number] for number in cost_for_real(was)} == pytest.approx(cost_for_real(was))


def test_a_replay_of_the_same_rules_is_what_happened(shops: Shops) -> None:
    was = shops.run(shops.first, OLD, a_story(2))
    answer = ask(was, OLD)
    assert answer.sums.moved == 0
    assert decided_in_the_replay(answer) == decided_for_real(was)
    own = [(row.would, row.was_seconds) for row in answer.rows if row.counts and row.was_seconds is not None]
    assert len(own) > 3
    # Who waited for stock is routed the moment it comes; for real it was a moment later.
    assert all(would and would.own and would.median == pytest.approx(seconds, abs=60) for would, seconds in own)


def test_after_the_same_rules_the_shelves_are_as_they_are(shops: Shops) -> None:
    was = shops.run(shops.first, OLD, a_story(3, count=10))
    found, times = read(was.room, beginning(was))
    left = replay(found.past, was.room.shop, found.variants, times.usual).left
    with was.room.database.read() as connection:
        there = {place: level.available for place, level in stock.levels(connection).items()}
    assert {place: pieces for place, pieces in left.items() if pieces} == {p: n for p, n in there.items() if n}


def test_an_order_that_was_changed_or_could_not_be_located_comes_anew(shops: Shops) -> None:
    near = RoutingRule("near", (), (Filter("distance_km", "<=", 20),), (), short="next")

    def story(floor: Floor) -> None:
        floor.deliver(an_order(7001, [(PLAIN, 1)]))
        lost = an_order(7002, [(PLAIN, 1)], at=SOUTH)
        known = lost["shipping_address"]
        lost["shipping_address"] = known | {"latitude": None, "longitude": None}
        floor.deliver(lost)
        floor.intake()
        assert floor.state(floor.number(7002))[0] == "held"
        floor.deliver(an_order(7001, [(PLAIN, 5)], minute=5), "orders/updated")
        floor.deliver(an_order(7002, [(PLAIN, 1)], minute=5, shipping_address=known), "orders/updated")
        floor.intake()

    was = shops.run(shops.first, (near, WAITING), [story])
    answer = ask(was, (near, WAITING))
    assert decided_in_the_replay(answer) == decided_for_real(was)
    assert [(row.moved, row.one.past.routed_at == row.one.past.decided_at) for row in answer.rows] == [
        (False, True)
    ] * 2
    assert [row.one.decision.rule for row in answer.rows] == ["hub", "near"]


def test_a_booth_is_shut_to_a_replay_while_its_event_was(shops: Shops) -> None:
    def comes(floor: Floor) -> None:
        floor.order((PLAIN, 1), at=BOOTH)
        floor.intake()

    was = shops.run(shops.first, OLD, [comes, plan, comes, open_, comes])
    answer = ask(was, OLD)
    assert decided_in_the_replay(answer) == decided_for_real(was)
    assert [row.one.decision.rule for row in answer.rows] == ["fair", "hub", "fair"]
    # What was still to be made there when it closed comes anew, and goes elsewhere.
    shops.run(was, OLD, [close, Floor.intake])
    answer = ask(was, OLD)
    assert decided_in_the_replay(answer) == decided_for_real(was)
    assert [row.one.decision.rule for row in answer.rows] == ["hub"] * 3


def test_other_thresholds_decide_what_buying_so_does_for_real(shops: Shops) -> None:
    rule = Restocking(reorder_at=3, fill_to=8, lead=timedelta())
    supply = Supply(rule, piece=700, order=1000, holding_percent=20)
    story = a_story(5, count=12, lorries=False)
    was = shops.run(shops.first, OLD, story)
    found = thresholds(was.room, supply, beginning(was))
    real = shops.run(shops.fresh(), OLD, [_buy(rule), *(step for turn in story for step in (turn, _buy(rule)))])
    assert decided_in_the_replay(found.answer) == decided_for_real(real)
    assert sum(row.moved for row in found.answer.rows) > 3
    with real.room.database.read() as connection:
        bought = select(func.count()).select_from(stock_movements).where(stock_movements.c.reason == "bought")
        assert found.would.purchases == connection.execute(bought).scalar_one()
        assert found.would.left == sum(level.available for level in stock.levels(connection).values())
    assert found.would.ordering == found.would.purchases * 1000
    assert found.was.purchases == 0


@pytest.mark.parametrize("seed", [6, 7])
def test_print_or_buy_comes_to_what_printing_all_and_buying_all_cost_for_real(shops: Shops, seed: int) -> None:
    rules = (RoutingRule("hub", (), (Filter("kind", "==", "hub"),), (), short="print"),)
    rule = Restocking(reorder_at=3, fill_to=8, lead=timedelta())
    supply = Supply(rule, piece=700, order=1000, holding_percent=0)
    # One by one, for a purchase comes after each order in the replay, and after each turn for real.
    story = a_story(seed, count=12, most=1, lorries=False)
    # When its first stock is there already: before it came, whoever buys by the rule would have bought some too.
    opened = beginning(shops.first) + timedelta(hours=1)
    was = shops.run(shops.first, rules, story)
    found = {row.sku: row for row in print_or_buy(was.room, supply, opened)}
    assert set(found) == {PLAIN, SCARCE}
    printing = shops.run(shops.fresh("printing"), rules, [_empty_shelves, *story])
    buy = _buy(rule, (PLAIN, SCARCE))
    # What lay there from before is used up first; then it is bought by the rule.
    turns = [buy, *(step for turn in story for step in (turn, buy))]
    buying = shops.run(shops.fresh("buying"), rules, turns)
    purchases = _purchases(buying)
    for sku, row in found.items():
        made = _made_for_real(printing, sku)
        assert (row.pieces, row.printed) == (made.pieces, pytest.approx(made.cost))
        shelf = _made_for_real(buying, sku)
        assert row.printed_anyway == shelf.printed
        picked = shelf.pieces - shelf.printed
        assert row.bought == pytest.approx(shelf.cost + picked * 700 + purchases.get(sku, 0) * 1000)


def _empty_shelves(floor: Floor) -> None:
    """Nothing that can be printed was ever bought."""

    def work(connection: Connection) -> None:
        there = [one for one in stock.levels(connection).values() if one.sku in (PLAIN, SCARCE)]
        pieces = [(one.location, one.sku, -one.available) for one in there]
        stock.receive(connection, "never", pieces, "counted", now(connection))

    floor.room.database.write(work)


@dataclass
class _Made:
    pieces: int = 0
    printed: int = 0
    cost: float = 0.0


def _made_for_real(floor: Floor, sku: str) -> _Made:
    """What was handled and printed of one SKU in the parts that were done, and what that cost."""
    query = (
        select(fulfilment_orders.c.location, fulfilment_lines.c.from_stock, fulfilment_lines.c.printed)
        .join(fulfilment_lines, fulfilment_lines.c.fulfilment_order_id == fulfilment_orders.c.id)
        .where(fulfilment_orders.c.state == "done", fulfilment_lines.c.sku == sku)
    )
    made = _Made()
    with floor.room.database.read() as connection:
        for row in connection.execute(query):
            rates, pieces = RATES[row.location], row.from_stock + row.printed
            made.pieces += pieces
            made.printed += row.printed
            made.cost += pieces * rates.picking_minutes * rates.wage_per_hour / 60
            made.cost += row.printed * (rates.print + rates.blank)
    return made


def _purchases(floor: Floor) -> dict[str, int]:
    moved = stock_movements.c
    query = select(moved.sku, func.count()).where(moved.reason == "bought").group_by(moved.sku)
    with floor.room.database.read() as connection:
        return dict(connection.execute(query).tuples().all())


def _buy(rule: Restocking, skus: Sequence[str] = (PLAIN, SCARCE, GTIN_TEE)) -> Turn:
    """What somebody does who buys by the rule, at once, as often as there is need."""

    def turn(floor: Floor) -> None:
        def work(connection: Connection) -> list[str]:
            levels = [one for one in stock.levels(connection).values() if one.sku in skus]
            low = [one for one in levels if one.available <= rule.reorder_at]
            at = now(connection)
            pieces = [(one.location, one.sku, rule.fill_to - one.available) for one in low]
            stock.receive(connection, f"bought:{at.isoformat()}", pieces, "bought", at)
            if low:
                backlog.wake_backorders(connection, [one.sku for one in low], HUB)
            return [one.sku for one in low]

        while floor.room.database.write(work):
            floor.intake()

    return turn


def test_how_busy_a_place_is_follows_the_changed_rules(shops: Shops) -> None:
    story = a_story(4, made=False)
    was = shops.run(shops.first, OLD, story)
    answer = ask(was, LOADED, capacity=6)
    real = shops.run(shops.fresh(), LOADED, story, capacity=6)
    assert decided_in_the_replay(answer) == decided_for_real(real)
    assert sum(row.moved for row in answer.rows) > 3


def test_a_replay_writes_nothing_and_tells_nobodys_name(shops: Shops) -> None:
    was = shops.run(shops.first, OLD, a_story(1, count=8))
    before = counts(was)
    answer = ask(was, NEW)
    assert counts(was) == before
    told = html_page(answer, "what if") + " ".join(summary(answer)) + str(csv_rows(answer)) + str(order_rows(answer))
    assert not [word for word in CANARIES if word in told]
    assert "They would have cost" in told
    assert told.count("<img") == 2


def test_an_order_whose_customer_was_erased_is_left_out_and_keeps_its_pieces(shops: Shops) -> None:
    was = shops.run(shops.first, OLD, a_story(1, count=8))
    with was.room.database.read() as connection:
        everybody = connection.execute(select(people_table.c.id)).scalars().all()
        shipped = connection.execute(select(orders.c.number).where(orders.c.delivery == "ship")).scalars().all()
        left = stock.levels(connection)
    for number in was.room.database.write(lambda c: _unfinished(c)):
        was.room.database.write(
            lambda c, number=number: cancelling.cancel(c, number, "Ada", "cancelled_by_staff", keep_money=True)
        )
    for person in everybody:
        was.room.database.write(lambda c, person=person: forget(c, Whose(person)))
    answer = ask(was, NEW)
    assert set(answer.left_out) == set(shipped)
    assert answer.rows == ()
    assert "cannot be routed again" in " ".join(summary(answer))
    assert left


def _unfinished(connection: Connection) -> list[str]:
    query = select(orders.c.number).where(orders.c.state.not_in(["fulfilled", "cancelled"]))
    return list(connection.execute(query).scalars())


def counts(floor: Floor) -> list[int]:
    with floor.room.database.read() as connection:
        return [
            connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in (orders, routing_decisions, stock_levels, shipments, fulfilment_orders)
        ]
