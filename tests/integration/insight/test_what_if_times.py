"""How fast a what-if says that it would have been, checked by doing it: the same days in a fresh shop under the changed
rules, on a clock that is set, each place at a pace of its own.

A piece of work takes the same time wherever both shops give it to the same place: it is the same day, with the same
people. What goes elsewhere takes what chance gives it there, and the what-if knows nothing of that but what the first
shop measured.
"""

from __future__ import annotations

import heapq
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import Connection, select

from backroom.domain.routing_rules import Filter, RoutingRule
from backroom.engine import wake
from backroom.insight.what_if import what_if
from backroom.insight.work_times import nearest_rank
from backroom.shop import room as rooms
from backroom.store import stock
from backroom.store.database import Database, now
from backroom.store.tables import fulfilment_orders, orders
from simulation.clock import StandingClock
from tests.integration.insight.test_what_if import a_priced_shop, decided_for_real, decided_in_the_replay
from tests.shops import BOOTH, FAR, GTIN_TEE, HUB, NEAR_SOUTH, PLAIN, SCARCE, SOUTH, Floor, an_order, open_floor

OPENS = datetime(2026, 11, 2, 8, tzinfo=UTC)
# Hours that a piece of work takes there, by the median and by how far it spreads; what is printed takes longer.
PACES = {HUB: (14.0, 0.5), SOUTH: (4.0, 0.7), BOOTH: (0.6, 0.4)}
PRINTING = 1.6
FAIR = RoutingRule("fair", (Filter("event", "==", "fair"),), (Filter("location", "==", BOOTH),), (), short="print")
ELSE = RoutingRule("else", (), (Filter("kind", "==", "hub"),), (), short="print")


def near_or_far(comparison: str) -> RoutingRule:
    distance = Filter("distance_km", comparison, 20)
    return RoutingRule("local", (), (Filter("kind", "==", "local_hub"), distance), (), short="next")


# As many go to each place as before, and other ones: nobody's pace suffers.
OLD, NEW = (FAIR, near_or_far("<="), ELSE), (FAIR, near_or_far(">"), ELSE)


def the_orders(seed: int, count: int) -> Iterator[tuple[datetime, dict[str, Any]]]:
    """What comes when: the same in every shop."""
    chance, at = Random(seed), OPENS
    for id_ in range(7001, 7001 + count):
        at += timedelta(minutes=1 + chance.expovariate(1 / 90))
        place = chance.choices([HUB, BOOTH], [5, 1])[0]
        order = an_order(id_, [(chance.choice([PLAIN, PLAIN, SCARCE, GTIN_TEE]), 1)], at=place)
        latitude, longitude = chance.choice([FAR, NEAR_SOUTH])
        order["shipping_address"] |= {"latitude": latitude, "longitude": longitude}
        yield at, order | {"created_at": at.isoformat(), "updated_at": at.isoformat()}


@dataclass
class Days:
    """A shop whose days are played: what comes, and each piece of work done when its time is over."""

    floor: Floor
    clock: StandingClock
    seed: int
    count: int

    def play(self) -> None:
        due: list[tuple[datetime, int, str, str]] = []
        known: set[int] = set()
        for at, order in the_orders(self.seed, self.count):
            self._finish(due, until=at)
            self.clock.set(at)
            self.floor.deliver(order)
            self.floor.intake()
            for row in self._released(known):
                heapq.heappush(due, (row.opened_at + self._takes(row), row.id, row.number, row.location))
        self._finish(due)

    def _released(self, known: set[int]) -> Sequence[Any]:
        part = fulfilment_orders.c
        query = select(part.id, part.opened_at, part.location, orders.c.number, orders.c.external_id, part.order_id)
        with self.floor.room.database.read() as connection:
            rows = connection.execute(query.join(orders, orders.c.id == part.order_id)).all()
        new = [row for row in rows if row.id not in known]
        known.update(row.id for row in new)
        return new

    def _takes(self, row: Any) -> timedelta:
        median, spread = PACES[row.location]
        chance = Random(f"{self.seed}/{row.external_id}/{row.location}")
        printed = any(line["to_print"] for line in self.floor.story(row.number).part_lines)
        return timedelta(hours=median * chance.lognormvariate(0, spread) * (PRINTING if printed else 1))

    def _finish(self, due: list[tuple[datetime, int, str, str]], until: datetime | None = None) -> None:
        while due and (until is None or due[0][0] <= until):
            at, _, number, location = heapq.heappop(due)
            self.clock.set(at)
            self._make(number, location)
            while jobs := self.floor.hand_out(location):
                for job in jobs:
                    self.floor.print(job)
                self._make(number, location)

    def _make(self, number: str, location: str) -> None:
        from tasks.claiming import claim_fulfilment, holding
        from tasks.label import label
        from tasks.notify import notify
        from tasks.pack import pack
        from tasks.print_or_pick import print_or_pick

        if claim := claim_fulfilment(self.floor.room, location, number):
            with holding(self.floor.room, claim):
                for step in (print_or_pick, pack, label, notify):
                    step.fn(claim)

    def took(self) -> dict[str, float]:
        """Seconds from its customer's order until it left, of each order that did, by its own rows."""
        query = select(orders.c.number, orders.c.placed_at, orders.c.ended_at).where(orders.c.state == "fulfilled")
        with self.floor.room.database.read() as connection:
            return {row.number: (row.ended_at - row.placed_at).total_seconds() for row in connection.execute(query)}


def days(
    name: str,
    rules: Sequence[RoutingRule],
    seed: int,
    count: int,
    template: Path,
    tmp_path: Path,
    patch: pytest.MonkeyPatch,
) -> Days:
    """A fresh shop under these rules, its days over."""
    path, clock = tmp_path / f"{name}.db", StandingClock(OPENS)
    shutil.copy(template, path)
    floor = open_floor(Database(f"sqlite:///{path}", clock=clock), tmp_path / name)
    floor = Floor(replace(floor.room, shop=a_priced_shop(floor.room.shop, rules)), floor.waker)
    patch.setenv("BACKROOM_HOME", str(floor.room.home))
    patch.setitem(rooms._open, floor.room.home.resolve(), floor.room)
    patch.setitem(vars(wake), "_this", floor.waker)

    def fill(connection: Connection) -> None:
        shelves = [(place, sku, 200) for place in (HUB, SOUTH) for sku in (PLAIN, GTIN_TEE)]
        stock.receive(connection, "lorry", [*shelves, (BOOTH, GTIN_TEE, 50)], "received", now(connection))

    floor.room.database.write(fill)
    played = Days(floor, clock, seed, count)
    played.play()
    return played


@dataclass
class Checked:
    """What a what-if said of how fast it would be, and how fast it was: the figures that lie within what was stated
    (median, p90), and the share of the moved orders whose own time does."""

    moved: int
    figures: tuple[bool, bool]
    orders: float


def checked(seed: int, count: int, template: Path, tmp_path: Path, patch: pytest.MonkeyPatch) -> Checked:
    was = days(f"was-{seed}", OLD, seed, count, template, tmp_path, patch)
    changed = a_priced_shop(was.floor.room.shop, NEW)
    answer = what_if(was.floor.room, changed, OPENS - timedelta(hours=1))
    real = days(f"real-{seed}", NEW, seed, count, template, tmp_path, patch)
    took = real.took()
    assert decided_in_the_replay(answer) == decided_for_real(real.floor)
    would = {row.one.past.order.number: row.would for row in answer.rows if row.was_seconds is not None and row.would}
    assert set(would) == set(took)
    assert answer.sums.would_times is not None
    assert all(low < high for low, _, high in answer.sums.would_times)
    own = {number: one.median for number, one in would.items() if one.own}
    assert {number: took[number] for number in own} == pytest.approx(own, abs=1)
    moved = {number: one for number, one in would.items() if not one.own}
    median, p90 = (
        low <= nearest_rank(took.values(), share) <= high
        for share, (low, _, high) in zip((0.5, 0.9), answer.sums.would_times, strict=True)
    )
    within = sum(one.low <= took[number] <= one.high for number, one in moved.items())
    return Checked(len(moved), (median, p90), within / len(moved))


def test_how_fast_the_changed_rules_are_for_real_lies_within_what_the_what_if_said(
    sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # One week: how often that is so, the test below counts.
    found = checked(1, 60, sqlite_template, tmp_path, monkeypatch)
    assert found.moved > 20
    assert found.figures == (True, True)
    assert found.orders >= 0.6


@pytest.mark.whole
@pytest.mark.timeout(900)
def test_over_several_weeks_the_real_times_lie_within_the_spread_as_often_as_it_says(
    sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weeks = [checked(seed, 60, sqlite_template, tmp_path, monkeypatch) for seed in range(11, 16)]
    # Eight in ten is what is stated; a few figures and few measurements keep that only about.

    assert sum(inside for week in weeks for inside in week.figures) >= 6
    assert sum(week.orders * week.moved for week in weeks) / sum(week.moved for week in weeks) >= 0.65
