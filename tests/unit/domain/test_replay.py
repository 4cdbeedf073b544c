"""Routing the past once more: stock and work follow the new decisions, and nothing is promised twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backroom.domain.carriers import CarrierSpec
from backroom.domain.channels import ChannelSpec
from backroom.domain.cost_rates import CostRates
from backroom.domain.locations import Location
from backroom.domain.model import RoutingDecision
from backroom.domain.replay import Past, PastOrder, PastWork, Replay, Restocking, StockChange, replay, without_stock
from backroom.domain.replay_costs import cost_of
from backroom.domain.routing_rules import RoutingRule
from backroom.domain.shop import Shop
from backroom.domain.supply import Supply
from tests.shops import a_shop, a_variant
from tests.unit.domain.routing_cases import order, rule, some_orders, some_rules, view

START = datetime(2026, 11, 2, 9, tzinfo=UTC)
END = START + timedelta(days=30)
NEVER = RoutingDecision("hold", "", (), ())
VARIANTS = {sku: replace(a_variant("TEE-BLK-M"), sku=sku) for sku in ("TEE", "HOOD", "CAP")}


def hours(count: float) -> datetime:
    return START + timedelta(hours=count)


def a_place(id_: str, *, kind: str = "hub", prints: bool = False, capacity: int = 0) -> Location:
    place = view(id_, kind=kind).location
    printers = a_shop().locations[0].printers if prints else ()
    return replace(place, printers=printers, capacity=capacity)


def a_shop_with(rules: Sequence[RoutingRule], *places: Location) -> Shop:
    return replace(
        a_shop(),
        rules=tuple(rules),
        locations=places,
        channels=(ChannelSpec("web", "shopify", 2, "standard"),),
        carriers=(CarrierSpec("post", "local", "post", ("DE",), 20_000, 500),),
    )


def came(id_: int, at: float, *wanted: tuple[str, int], cancelled: float | None = None, priority: int = 5) -> PastOrder:
    routed = hours(at)
    return PastOrder(
        id_,
        priority,
        routed,
        replace(order(*wanted), number=f"A-{id_}"),
        NEVER,
        routed,
        cancelled_at=None if cancelled is None else hours(cancelled),
    )


def past(*orders: PastOrder, stock: dict[tuple[str, str], int], changes: Sequence[StockChange] = ()) -> Past:
    return Past(START, END, stock, tuple(changes), (), orders)


def nobody_knows(_: str, __: bool) -> None:
    return None


def run(shop: Shop, what: Past, restocking: dict[str, Restocking] | None = None) -> Replay:
    return replay(what, shop, VARIANTS, nobody_knows, restocking)


def outcomes(replayed: Replay) -> dict[int, str]:
    return {
        one.past.id: ", ".join(f"{x.location} {x.from_stock}+{x.to_print}" for x in one.decision.assignments)
        or one.decision.outcome
        for one in replayed.orders
    }


def test_a_piece_goes_to_who_came_first_and_not_twice() -> None:
    shop = a_shop_with([rule(short="backorder")], a_place("hub"))
    found = run(shop, past(came(1, 2, ("TEE", 1)), came(2, 1, ("TEE", 1)), stock={("hub", "TEE"): 1}))
    assert outcomes(found) == {1: "backorder", 2: "hub 1+0"}


def test_who_waits_is_served_when_pieces_come_and_is_said_to_have_waited() -> None:
    shop = a_shop_with([rule(short="backorder")], a_place("hub"))
    what = past(came(1, 1, ("TEE", 2)), stock={}, changes=[StockChange(hours(5), "hub", "TEE", 2)])
    (one,) = run(shop, what).orders
    assert (one.decision.outcome, one.routed_at) == ("assigned", hours(5))


def test_what_a_cancelled_order_took_goes_to_who_waits() -> None:
    shop = a_shop_with([rule(short="backorder")], a_place("hub"))
    what = past(came(1, 1, ("TEE", 1), cancelled=6), came(2, 2, ("TEE", 1)), stock={("hub", "TEE"): 1})
    _, two = run(shop, what).orders
    assert (two.decision.outcome, two.routed_at) == ("assigned", hours(6))


def test_an_order_that_waited_and_was_cancelled_waits_no_more() -> None:
    shop = a_shop_with([rule(short="backorder")], a_place("hub"))
    what = past(came(1, 1, ("TEE", 1), cancelled=2), stock={}, changes=[StockChange(hours(3), "hub", "TEE", 1)])
    assert outcomes(run(shop, what)) == {1: "backorder"}


def test_in_one_wave_the_better_priority_gets_the_last_piece() -> None:
    shop = a_shop_with([rule(short="backorder")], a_place("hub"))
    what = past(came(1, 1, ("TEE", 1)), came(2, 1, ("TEE", 1), priority=1), stock={("hub", "TEE"): 1})
    assert outcomes(run(shop, what)) == {1: "backorder", 2: "hub 1+0"}


def test_pieces_that_others_took_are_gone_and_never_below_none_are_given() -> None:
    shop = a_shop_with([rule(short="backorder")], a_place("hub"))
    what = past(came(1, 2, ("TEE", 1)), stock={("hub", "TEE"): 1}, changes=[StockChange(hours(1), "hub", "TEE", -3)])
    found = run(shop, what)
    assert outcomes(found) == {1: "backorder"}
    assert found.left["hub", "TEE"] == -2


def test_work_that_was_done_there_frees_its_place_when_it_was_done() -> None:
    shop = a_shop_with([rule(where=(("capacity_left", ">", 0),), short="hold")], a_place("hub", capacity=1))
    stock = {("hub", "TEE"): 9}
    (assigned,) = run(shop, past(came(1, 1, ("TEE", 1)), stock=stock)).orders
    done = replace(came(1, 1, ("TEE", 1)), decision=assigned.decision, work=(PastWork("hub", hours(1), hours(3)),))
    found = run(shop, past(done, came(2, 2, ("TEE", 1)), came(3, 3, ("TEE", 1)), stock=stock))
    assert outcomes(found) == {1: "hub 1+0", 2: "hold", 3: "hub 1+0"}


def test_work_that_is_only_there_now_takes_as_long_as_it_usually_does() -> None:
    shop = a_shop_with([rule(where=(("capacity_left", ">", 0),), short="hold")], a_place("hub", capacity=1))
    what = past(came(1, 1, ("TEE", 1)), came(2, 2, ("TEE", 1)), came(3, 4, ("TEE", 1)), stock={("hub", "TEE"): 9})
    found = replay(what, shop, VARIANTS, lambda location, prints: timedelta(hours=2))
    assert outcomes(found) == {1: "hub 1+0", 2: "hold", 3: "hub 1+0"}


def test_a_place_is_open_or_shut_as_it_was_when_the_order_came() -> None:
    # Mondays from nine to six in Berlin; the tests begin on a Monday at ten there.
    shop = a_shop_with([rule(where=(("open_now", "==", True),))], a_place("hub"))
    found = run(shop, past(came(1, 1, ("TEE", 1)), came(2, 12, ("TEE", 1)), stock={("hub", "TEE"): 2}))
    assert outcomes(found) == {1: "hub 1+0", 2: "hold"}


def test_a_booth_is_shut_from_when_it_was_said_until_it_was_not() -> None:
    shop = a_shop_with([rule(short="next"), rule("else", short="hold")], a_place("booth", kind="booth"))
    what = past(*(came(number, number, ("TEE", 1)) for number in (1, 3, 5)), stock={("booth", "TEE"): 9})
    told = replace(what, shut={"booth": ((hours(2), "its event fair is planned"), (hours(4), ""))})
    assert outcomes(run(shop, told)) == {1: "booth 1+0", 3: "hold", 5: "booth 1+0"}


def test_what_was_lent_to_a_booth_is_for_its_own_orders() -> None:
    shop = a_shop_with([rule(short="hold")], a_place("booth", kind="booth"))
    what = replace(past(came(1, 1, ("TEE", 1)), stock={("booth", "TEE"): 9}), kept={"booth": frozenset({"TEE"})})
    assert outcomes(run(shop, what)) == {1: "hold"}


def test_without_stock_every_piece_is_printed() -> None:
    shop = a_shop_with([rule()], a_place("hub", prints=True))
    what = past(came(1, 1, ("TEE", 2), ("CAP", 1)), stock={("hub", "TEE"): 9, ("hub", "CAP"): 9})
    assert outcomes(run(shop, without_stock(what, {"TEE"}))) == {1: "hub 0+2, hub 1+0"}


def test_stock_is_bought_at_the_threshold_and_comes_after_its_lead_time() -> None:
    shop = a_shop_with([rule(short="backorder")], a_place("hub"))
    buying = Restocking(reorder_at=1, fill_to=5, lead=timedelta(hours=10))
    what = past(came(1, 1, ("TEE", 2)), came(2, 2, ("TEE", 3)), stock={("hub", "TEE"): 3})
    found = run(shop, what, {"TEE": buying})
    served = {one.past.id: one.routed_at for one in found.orders}
    assert served == {1: hours(1), 2: hours(11)}
    # Four came for the one that was left; three of five were taken, and that was below the threshold again at no time.
    assert found.purchases == {("hub", "TEE"): 1}
    assert found.left["hub", "TEE"] == 2


def test_what_was_bought_in_the_past_does_not_come_when_the_rule_buys() -> None:
    shop = a_shop_with([rule(short="backorder")], a_place("hub"))
    lorry = StockChange(hours(2), "hub", "TEE", 50, bought=True)
    counted = StockChange(hours(2), "hub", "TEE", 1)
    found = run(shop, past(stock={}, changes=[lorry, counted]), {"TEE": Restocking(0, 1, timedelta(days=90))})
    assert found.left["hub", "TEE"] == 1


def test_pieces_lie_on_the_shelf_for_as_many_days_as_they_do() -> None:
    shop = a_shop_with([rule(short="backorder")], a_place("hub"))
    found = run(shop, past(came(1, 24 * 10, ("TEE", 1)), stock={("hub", "TEE"): 2}))
    assert found.shelf_days["TEE"] == pytest.approx(2 * 10 + 1 * 20)
    supply = Supply(Restocking(0, 1, timedelta()), piece=365, holding_percent=10)
    assert supply.holding_of(found) == pytest.approx(40 * 0.1)


def test_restocking_that_never_fills_is_refused() -> None:
    with pytest.raises(ValueError, match="fills to more"):
        Restocking(5, 5, timedelta())


def test_a_split_order_is_two_parcels_and_each_place_has_its_own_rates() -> None:
    rates = CostRates(packaging=60, print=100, blank=300, picking_minutes=3, wage_per_hour=2000)
    hub, booth = (
        replace(a_place("hub"), costs=rates),
        replace(a_place("booth"), costs=CostRates(packaging=10)),
    )
    shop = a_shop_with([rule(split=True, short="backorder")], hub, booth)
    what = past(came(1, 1, ("TEE", 2), ("CAP", 1)), stock={("hub", "TEE"): 2, ("booth", "CAP"): 1})
    (one,) = run(shop, what).orders
    cost = cost_of(one.decision.assignments, one.past.order, shop, {"TEE": 900.0})
    assert (cost.label, cost.packaging, cost.picking, cost.print, cost.goods) == (1000, 70, 200, 0, 1800)


@given(st.lists(some_orders(), max_size=8), some_rules(), st.data())
def test_no_piece_is_promised_that_was_not_there(orders, rules, data) -> None:  # type: ignore[no-untyped-def]
    places = [a_place(f"p{index}", kind="hub", prints=bool(index % 2), capacity=index) for index in range(3)]
    stock = {(place.id, sku): data.draw(st.integers(0, 4)) for place in places for sku in VARIANTS}
    moments = [data.draw(st.integers(0, 5)) for _ in orders]
    changes = [
        StockChange(hours(at + 0.5), "p0", "TEE", pieces)
        for at, pieces in data.draw(st.lists(st.tuples(st.integers(0, 5), st.integers(1, 3)), max_size=3))
    ]
    what = past(
        *(
            PastOrder(number, 5, hours(at), one, NEVER, hours(at))
            for number, (at, one) in enumerate(zip(moments, orders, strict=True))
        ),
        stock=stock,
        changes=changes,
    )
    found = replay(what, a_shop_with(rules, *places), VARIANTS, nobody_knows)
    assert {one.past.id for one in found.orders} == set(range(len(orders)))
    arrived = sum(change.pieces for change in changes)
    taken = sum(x.from_stock for one in found.orders for x in one.decision.assignments)
    assert all(pieces >= 0 for pieces in found.left.values())
    assert sum(found.left.values()) + taken == sum(stock.values()) + arrived
