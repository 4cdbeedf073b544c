"""What to take: never more than fits, each piece worth no less than the next, and near the best there is."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backroom.domain.intermittent import distribution
from backroom.domain.lost_sales import Family, NoForecast
from backroom.domain.prestaging import Candidate, Kind, Material, Plan, TwoBlanks, plan

SKUS = ("a", "b", "c")
VAN, BOOTH, PRINTS = "room in the van", "room at the booth", "printing time"
Demand = dict[str, tuple[float, ...]]

MEANS = st.floats(0.05, 6)
DEMAND = st.fixed_dictionaries(
    {sku: st.tuples(MEANS, st.floats(0, 2)).map(lambda d: distribution(d[0], d[0] + d[1] * d[0] ** 2)) for sku in SKUS}
)


def finished(sku: str, room: int = 10) -> Candidate:
    return Candidate(sku, Kind.FINISHED, (sku,), {VAN: room, BOOTH: room})


def blank(serves: Sequence[str], room: int = 10, seconds: int = 60, ink: int = 0) -> Candidate:
    takes = {"ink": ink} if ink else {}
    return Candidate("blank", Kind.BLANK, tuple(serves), {VAN: room, BOOTH: room, PRINTS: seconds}, takes)


def lost_by_enumeration(demand: Demand, pieces: Mapping[str, int], blanks: int) -> float:
    total = 0.0
    for counts in itertools.product(*(range(len(demand[sku])) for sku in SKUS)):
        chance = 1.0
        short = 0
        for sku, count in zip(SKUS, counts, strict=True):
            chance *= demand[sku][count]
            short += max(0, count - pieces.get(sku, 0))
        total += chance * max(0, short - blanks)
    return total


SMALL = st.lists(st.floats(0.05, 1), min_size=2, max_size=5).map(lambda w: tuple(x / sum(w) for x in w))
SMALL_DEMAND = st.fixed_dictionaries(dict.fromkeys(SKUS, SMALL))


@settings(max_examples=50)
@given(SMALL_DEMAND, st.fixed_dictionaries(dict.fromkeys(SKUS, st.integers(0, 3))), st.integers(0, 4))
def test_lost_sales_and_what_a_piece_avoids_are_exact(demand: Demand, pieces: dict[str, int], blanks: int) -> None:
    family = Family(demand, blanks + 1)
    for sku, count in pieces.items():
        family.add(sku, count)
    family.add_blanks(blanks)
    lost = lost_by_enumeration(demand, pieces, blanks)
    assert family.lost() == pytest.approx(lost, abs=1e-9)
    assert family.blank_avoids() == pytest.approx(lost - lost_by_enumeration(demand, pieces, blanks + 1), abs=1e-9)
    more = lost_by_enumeration(demand, pieces | {"a": pieces["a"] + 1}, blanks)
    assert family.piece_avoids("a") == pytest.approx(lost - more, abs=1e-9)


ROOMS = st.integers(5, 40)
LIMITS = st.fixed_dictionaries({VAN: st.integers(0, 300), BOOTH: st.integers(0, 300), PRINTS: st.integers(0, 900)})
OFFERS = st.tuples(ROOMS, ROOMS, ROOMS, ROOMS, st.integers(10, 200), st.integers(1, 30)).map(
    lambda r: [finished("a", r[0]), finished("b", r[1]), finished("c", r[2]), blank("ab", r[3], r[4], r[5])]
)
INK = Material("ink", "bottle", 50, {VAN: 20})


def taken(chosen: Plan, offers: Sequence[Candidate]) -> dict[str, int]:
    uses = {(one.kind, one.item): one.uses for one in offers}
    total = dict.fromkeys((VAN, BOOTH, PRINTS), 0)
    for line in chosen.lines:
        for name, amount in uses[line.kind, line.item].items():
            total[name] += amount * line.pieces
    for pack in chosen.packs:
        total[VAN] += 20 * pack.packs
    return total


@settings(max_examples=60)
@given(DEMAND, OFFERS, LIMITS)
def test_a_plan_never_breaks_a_limit_and_says_what_it_takes(
    demand: Demand, offers: list[Candidate], limits: dict[str, int]
) -> None:
    chosen = plan(demand, offers, limits, space=[VAN, BOOTH, PRINTS], materials=[INK])
    total = taken(chosen, offers)
    assert total == dict(chosen.used)
    assert all(total[name] <= limit for name, limit in limits.items())
    ink = next(one.takes["ink"] for one in offers if one.takes)
    blanks = sum(line.pieces for line in chosen.lines if line.kind is Kind.BLANK)
    assert sum(50 * pack.packs for pack in chosen.packs) >= ink * blanks
    assert chosen.lost_without - chosen.lost_with == pytest.approx(sum(line.avoids for line in chosen.lines))
    assert all(line.pieces > 0 and line.reason for line in chosen.lines)


def test_no_new_bottle_is_taken_while_the_one_that_is_there_has_enough() -> None:
    demand = {"a": distribution(3, 3), "b": distribution(2, 2), "c": distribution(1, 1)}
    offers, limits = [blank("ab", 10, 1, 10)], {VAN: 300, BOOTH: 300, PRINTS: 30}
    first = plan(demand, offers, limits, space=[VAN, BOOTH, PRINTS], materials=[INK])
    units = first.packs[0].units
    assert (first.packs[0].packs, units) == (2, 10 * first.pieces)
    there = replace(INK, spare=units)
    again = plan(demand, offers, limits, space=[VAN, BOOTH, PRINTS], materials=[there])
    assert again.lines == first.lines
    assert again.packs == ()
    there = replace(INK, spare=units - 1)
    less = plan(demand, offers, limits, space=[VAN, BOOTH, PRINTS], materials=[there])
    assert less.packs[0].packs == 1


@settings(max_examples=40)
@given(DEMAND, OFFERS, LIMITS, st.permutations(range(4)))
def test_the_same_pieces_in_another_order_are_the_same_plan(
    demand: Demand, offers: list[Candidate], limits: dict[str, int], order: list[int]
) -> None:
    backwards = dict(reversed(demand.items()))
    one = plan(demand, offers, limits, space=[VAN, BOOTH, PRINTS], materials=[INK])
    other = plan(backwards, [offers[i] for i in order], limits, space=[VAN, BOOTH, PRINTS], materials=[INK])
    assert one == other


@settings(max_examples=40)
@given(DEMAND, OFFERS, st.integers(0, 300), st.integers(0, 60))
def test_with_one_limit_more_room_never_loses_more_sales(
    demand: Demand, offers: list[Candidate], room: int, more: int
) -> None:
    offers = [Candidate(one.item, one.kind, one.serves, {VAN: one.uses[VAN]}) for one in offers]
    lost = [plan(demand, offers, {VAN: r}, space=[VAN], least_chance=0.0).lost_with for r in (room, room + more)]
    assert lost[1] <= lost[0] + 1e-9


@settings(max_examples=40)
@given(DEMAND, st.integers(0, 12))
def test_each_piece_of_an_item_avoids_no_more_than_the_one_before(demand: Demand, room: int) -> None:
    offers = [finished(sku, 1) for sku in SKUS] + [blank("ab", 1)]
    limits = {VAN: room, PRINTS: 6000}
    lost = [plan(demand, offers, limits | {VAN: r}, space=[VAN], least_chance=0.0).lost_with for r in range(room + 1)]
    steps = [before - after for before, after in itertools.pairwise(lost)]
    assert all(after <= before + 1e-9 for before, after in itertools.pairwise(steps))
    assert all(-1e-9 <= step <= 1 + 1e-9 for step in steps)


def best_by_force(demand: Demand, offers: Sequence[Candidate], limits: Mapping[str, int]) -> float:
    """The least that any choice loses."""
    best = float("inf")
    most = [min(limits[name] // use for name, use in one.uses.items() if use and name in limits) for one in offers]
    for counts in itertools.product(*(range(count + 1) for count in most)):
        if any(
            sum(n * one.uses.get(name, 0) for n, one in zip(counts, offers, strict=True)) > limit
            for name, limit in limits.items()
        ):
            continue
        family, lone = Family({sku: demand[sku] for sku in "ab"}, most[3]), Family({"c": demand["c"]}, 0)
        for sku, count in zip("ab", counts, strict=False):
            family.add(sku, count)
        lone.add("c", counts[2])
        family.add_blanks(counts[3])
        best = min(best, family.lost() + lone.lost())
    return best


@settings(max_examples=20)
@given(DEMAND, st.integers(0, 6), st.integers(0, 3))
def test_where_all_pieces_take_the_same_room_nothing_is_better(demand: Demand, room: int, prints: int) -> None:
    offers = [finished(sku, 1) for sku in SKUS] + [blank("ab", 1, 1)]
    limits = {VAN: room, PRINTS: prints}
    chosen = plan(demand, offers, limits, space=[VAN], least_chance=0.0)
    assert chosen.lost_with == pytest.approx(best_by_force(demand, offers, limits), abs=1e-9)


@settings(max_examples=20)
@given(DEMAND, st.tuples(*[st.integers(2, 5)] * 4), st.integers(4, 16), st.integers(0, 6))
def test_with_several_sizes_and_limits_a_plan_avoids_nearly_what_the_best_does(
    demand: Demand, rooms: tuple[int, ...], room: int, prints: int
) -> None:
    offers = [finished(sku, rooms[i]) for i, sku in enumerate(SKUS)] + [blank("ab", rooms[3], 1)]
    limits = {VAN: room, BOOTH: room + 3, PRINTS: prints}
    chosen = plan(demand, offers, limits, space=[VAN, BOOTH], least_chance=0.0)
    best = chosen.lost_without - best_by_force(demand, offers, limits)
    # Over 150 such cases it was 0.98 of the best on average, and 0.82 at worst.
    assert chosen.lost_without - chosen.lost_with >= 0.5 * best - 1e-9


def test_what_is_there_already_is_not_brought_again() -> None:
    demand = {sku: distribution(3, 4) for sku in SKUS}
    offers = [finished(sku) for sku in SKUS]
    fresh = plan(demand, offers, {VAN: 1000}, space=[VAN])
    more = plan(demand, offers, {VAN: 1000}, space=[VAN], there={"a": 4, "b": 100})
    brought = {line.item: line.pieces for line in fresh.lines}
    again = {line.item: line.pieces for line in more.lines}
    assert again == {"a": brought["a"] - 4, "c": brought["c"]}
    assert more.lost_without < fresh.lost_without


def test_a_line_says_what_stopped_it() -> None:
    demand = {"a": distribution(5, 8)}
    (line,) = plan(demand, [finished("a")], {VAN: 25, BOOTH: 1000}, space=[VAN, BOOTH]).lines
    assert line.pieces == 2
    assert line.reason.startswith("avoids 1.")
    assert line.reason.endswith("but room in the van is used up")
    assert plan(demand, [finished("a")], {VAN: 5, BOOTH: 1000}, space=[VAN, BOOTH]).full == (VAN,)
    (line,) = plan(demand, [finished("a")], {VAN: 5000}, space=[VAN]).lines
    assert "used up" not in line.reason
    assert plan(demand, [finished("a")], {VAN: 5000}, space=[VAN]).full == ()


def test_a_piece_that_hardly_ever_sells_stays_at_home() -> None:
    assert plan({"a": distribution(0.01, 0.01)}, [finished("a")], {VAN: 1000}, space=[VAN]).lines == ()


def test_a_blank_needs_its_ink_and_the_bottle_needs_room() -> None:
    demand = {"a": distribution(5, 6), "b": distribution(5, 6)}
    chosen = plan(demand, [blank("ab", 10, 60, ink=25)], {VAN: 100, PRINTS: 6000}, space=[VAN], materials=[INK])
    # Four blanks and two bottles fill 80; the fifth blank would need a third bottle.
    assert [(line.pieces, line.stopped) for line in chosen.lines] == [(4, VAN)]
    assert [(pack.packs, pack.units) for pack in chosen.packs] == [(2, 100)]


def test_a_sku_on_two_blanks_is_refused() -> None:
    two = [blank("a"), Candidate("other", Kind.BLANK, ("a",), {VAN: 1})]
    with pytest.raises(TwoBlanks):
        plan({"a": distribution(1, 1)}, two, {VAN: 10}, space=[VAN])


def test_a_piece_without_a_forecast_is_refused() -> None:
    with pytest.raises(NoForecast, match="no forecast of b"):
        plan({"a": distribution(1, 1)}, [finished("b")], {VAN: 10}, space=[VAN])
