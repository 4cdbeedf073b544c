"""The checks over a shop's own rows: what was wanted and picked, how fast one person scans, when messages came."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, insert, select, update

from backroom.cli.processes import ROOT
from backroom.domain import automation, hosting
from backroom.domain.cost_rates import CostRates
from backroom.domain.demand import Pattern
from backroom.insight.hosting import check_hosting
from backroom.insight.hosting_report import html_page as hosting_page
from backroom.insight.robotics import FEWEST_SCANS, RobotCheck, check_robotics
from backroom.insight.robotics_report import html_page as robots_page
from backroom.insight.robotics_report import way_rows
from backroom.shop.assumptions import read_assumptions
from backroom.store.database import now
from backroom.store.tables import fulfilment_lines, fulfilment_orders, inbox, order_lines, orders, scans
from tests.shops import CANARIES, GTIN_TEE, HUB, PLAIN, SOUTH, Floor

ROBOTS = read_assumptions(ROOT / "data" / "robotics.toml", automation.ASSUMPTIONS, "EUR")
PLACES = read_assumptions(ROOT / "data" / "hosting.toml", hosting.ASSUMPTIONS, "EUR")
WEEKS = 12


def check(floor: Floor) -> RobotCheck:
    with floor.room.database.read() as connection:
        since = now(connection) - timedelta(days=365)
    return check_robotics(floor.room, ROBOTS, since)


@pytest.fixture
def a_season(floor: Floor) -> Floor:
    """Twelve weeks: every Saturday twenty pieces of one SKU leave, every fourth one of another."""
    number = floor.taken_in((PLAIN, 1))
    floor.taken_in((GTIN_TEE, 1), at=SOUTH)
    floor.fulfil(HUB)

    def copy(connection: Connection) -> None:
        order = dict(connection.execute(select(orders).where(orders.c.number == number)).mappings().one())
        part = dict(
            connection.execute(select(fulfilment_orders).where(fulfilment_orders.c.order_id == order["id"]))
            .mappings()
            .one()
        )
        today = now(connection)
        for week in range(WEEKS):
            at = today - timedelta(weeks=WEEKS - week) + timedelta(hours=1)
            wanted = [(PLAIN, 20), *([(GTIN_TEE, 1)] if week % 4 == 0 else [])]
            for line_no, (sku, count) in enumerate(wanted, start=1):
                id_ = 10_000 + week * 10 + line_no
                connection.execute(
                    insert(orders).values(
                        order | {"id": id_, "number": f"B-{id_}", "external_id": str(id_), "placed_at": at}
                    )
                )
                connection.execute(
                    insert(order_lines).values(order_id=id_, line_no=1, sku=sku, quantity=count, unit_price_minor=1)
                )
                connection.execute(
                    insert(fulfilment_orders).values(
                        part | {"id": id_, "key": str(id_), "order_id": id_, "made_at": at}
                    )
                )
                connection.execute(
                    insert(fulfilment_lines).values(
                        fulfilment_order_id=id_, line_no=1, sku=sku, from_stock=count, to_print=0
                    )
                )

    floor.room.database.write(copy)
    return floor


def paying_wages(floor: Floor) -> Floor:
    shop = replace(floor.room.shop, costs=CostRates(wage_per_hour=2000, picking_minutes=1.5))
    return Floor(replace(floor.room, shop=shop), floor.waker)


def test_demand_and_picks_are_counted_from_the_shops_own_orders(a_season: Floor) -> None:
    found = check(a_season)
    assert found.period == "week"
    assert found.demand[PLAIN].pattern is Pattern.SMOOTH
    assert found.demand[GTIN_TEE].pattern is Pattern.INTERMITTENT
    assert found.picked == WEEKS * 20 + 3 + 1
    assert found.picking.picks_a_year == pytest.approx(found.picked * 365 / found.days)
    assert found.days == pytest.approx(WEEKS * 7, abs=0.1)
    assert found.busy[2] >= 20
    assert found.weekday is not None
    assert max(found.weekday.indices.values()) == pytest.approx(7, rel=0.2)
    assert found.month is None


def test_a_small_shop_needs_no_robot_and_is_told_from_when_it_would(a_season: Floor) -> None:
    assert "no wage_per_hour" in " ".join(check(a_season).because)
    found = check(paying_wages(a_season))
    assert found.verdict == "Not for you yet."
    assert found.pace.per_hour == 40
    assert found.year.best_saving < 0
    assert any("A cell pays from" in reason for reason in found.because)
    assert way_rows(found)[0]["way"] == "people, as today"
    page = robots_page(found)
    assert page.count("<img") == 2
    assert not [word for word in CANARIES if word in page]


def test_the_pace_is_that_between_one_persons_scans(a_season: Floor) -> None:
    assert "assumption" in check(a_season).pace.known_by

    def scan(connection: Connection) -> None:
        begin = now(connection) - timedelta(days=1)
        part = connection.execute(select(fulfilment_orders.c.id).limit(1)).scalar_one()
        rows: list[dict[str, Any]] = []
        for person, every in (("Ada", 30), ("Bo", 30)):
            for turn in range(FEWEST_SCANS):
                # After every tenth scan there is a pause, which is no picking.
                at = begin + timedelta(seconds=every * turn, hours=turn // 10)
                rows.append(
                    {"fulfilment_order_id": part, "code": "x", "accepted": True, "actor": person, "data": {}, "at": at}
                )
        connection.execute(insert(scans), rows)

    a_season.room.database.write(scan)
    pace = check(a_season).pace
    assert pace.per_hour == pytest.approx(120)
    assert "pairs of scans" in pace.known_by


def test_hosting_is_judged_by_the_messages_as_they_came(floor: Floor) -> None:
    for _ in range(30):
        floor.order((PLAIN, 1))

    def spread(connection: Connection) -> None:
        ids = connection.execute(select(inbox.c.id).order_by(inbox.c.id)).scalars().all()
        begin = datetime.now(UTC) - timedelta(days=20)
        for number, id_ in enumerate(ids):
            # Ten within a minute, the others a day apart.
            at = begin + (timedelta(seconds=6 * number) if number < 10 else timedelta(hours=20 * (number - 9)))
            connection.execute(update(inbox).where(inbox.c.id == id_).values(received_at=at))

    floor.room.database.write(spread)
    with floor.room.database.read() as connection:
        since = now(connection) - timedelta(days=90)
    found = check_hosting(floor.room, PLACES, since, peak=10)
    assert (found.arrivals, found.busiest) == (30, 10)
    always, functions, both = found.ways
    assert (always.name, functions.name, both.name) == ("always on", "serverless", "mixed")
    assert always.bill == 6
    assert functions.bill > always.bill
    assert functions.cold_share >= 0.7
    assert functions.p95 > found.assumptions.values()["cold_start_seconds"]
    assert always.p95 < 1.5
    assert found.verdict == "Always on: the cheapest that keeps the goal."
    # What a kept database costs is what swings it most.
    assert found.swings[0][0] == "database_month"
    assert sum(mean for _, mean, _ in found.curve) * found.days == pytest.approx(30, rel=0.05)
    assert hosting_page(found).count("<img") == 5
