"""Rows that fail a grave check are put aside and come out again: orders held, stock not sold, no more than of one check
may be; once, however often it is looked at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, update

from backroom.domain.model import OrderState
from backroom.domain.quality import FindingState, Severity
from backroom.domain.quarantine import IN_QUARANTINE, MOST_ROWS, Aside
from backroom.insight.facts import facts_of
from backroom.quality.quarantine import table, why_held
from backroom.quality.repairing import Workshop
from backroom.quality.suites import RULES
from backroom.quality.telling import alert, markdown, read_told
from backroom.quality.validate import Inspector
from backroom.store import desk, raw_orders, selling, stock
from backroom.store import order_facts as facts_store
from backroom.store.database import Database, now
from backroom.store.quality import aside, findings, quarantine
from backroom.store.quality.quarantine import Settled
from backroom.store.tables import (
    fulfilment_orders,
    history,
    order_facts,
    orders,
    quality_findings,
    stock_levels,
)
from tests.integration.quality.damages import DAMAGES, Damage
from tests.integration.quality.test_damages import look
from tests.shops import HUB, PLAIN, a_shop

BY_NAME = {damage.name: damage for damage in DAMAGES}
TOO_MANY_ON_HAND = BY_NAME["what is on hand is not the sum of the movements"]


def settle(database: Database) -> Settled:
    return database.write(lambda c: quarantine.settle(c, HUB, now(c)))


def look_and_settle(database: Database, inspector: Inspector, subjects: Sequence[str] = ("orders",)) -> Settled:
    look(database, inspector, subjects)
    return settle(database)


def state_of(database: Database, number: str) -> tuple[str, str]:
    with database.read() as connection:
        order = desk.find(connection, number)
    return order["state"], order["hold_reason"]


def under_way(database: Database) -> list[str]:
    """Released orders of which nothing has left, oldest first."""
    with database.read() as connection:
        query = select(orders.c.number).where(orders.c.state == OrderState.RELEASED, aside.is_here())
        return list(connection.execute(query.order_by(orders.c.id)).scalars())


def damage_total(database: Database, *numbers: str, to: int = -1) -> None:
    database.write(lambda c: c.execute(update(orders).where(orders.c.number.in_(numbers)).values(total_minor=to)))


def events_of(database: Database, number: str) -> list[str]:
    with database.read() as connection:
        query = select(history.c.event).join(orders, orders.c.id == history.c.order_id)
        return list(connection.execute(query.where(orders.c.number == number).order_by(history.c.id)).scalars())


def finding_of(database: Database, number: str) -> int:
    with database.read() as connection:
        return int(aside.of_order(connection, number)[0]["id"])


def part_states(database: Database, number: str) -> list[tuple[str, str]]:
    with database.read() as connection:
        query = select(fulfilment_orders.c.state, fulfilment_orders.c.hold_reason)
        mine = query.join(orders, orders.c.id == fulfilment_orders.c.order_id).where(orders.c.number == number)
        return [(row.state, row.hold_reason) for row in connection.execute(mine)]


def test_an_order_that_has_not_left_is_held_with_its_parts_once_and_goes_on_when_its_row_is_well(
    honest: Database, inspector: Inspector
) -> None:
    number = under_way(honest)[0]
    before = part_states(honest, number)
    damage_total(honest, number)
    assert look_and_settle(honest, inspector).held == [number]
    assert state_of(honest, number) == (OrderState.HELD, IN_QUARANTINE)
    assert all(reason == IN_QUARANTINE for state, reason in part_states(honest, number) if state == "held")
    again = look_and_settle(honest, inspector)
    assert (again.held, again.released, again.aside) == ([], [], 0)
    assert events_of(honest, number).count("order.held") == 1
    damage_total(honest, number, to=2900)
    well = look_and_settle(honest, inspector)
    assert well.released == [number]
    assert well.wakeups
    assert state_of(honest, number) == (OrderState.RELEASED, "")
    assert part_states(honest, number) == before
    assert look_and_settle(honest, inspector).released == []
    assert events_of(honest, number)[-2:] == ["order.left_quarantine", "order.released_from_quarantine"]


def test_an_order_that_has_left_is_listed_and_not_held(honest: Database, inspector: Inspector) -> None:
    with honest.read() as connection:
        number = connection.execute(select(orders.c.number).where(orders.c.state == "fulfilled")).scalars().first()
    assert number is not None
    damage_total(honest, number)
    assert look_and_settle(honest, inspector).held == []
    assert state_of(honest, number)[0] == OrderState.FULFILLED
    with honest.read() as connection:
        (row,) = quarantine.listed(connection, 10)
        assert aside.left_out(connection, [number]) == {number: "orders.total"}
    assert (row["number"], row["aside"], row["order_state"]) == (number, Aside.IN, OrderState.FULFILLED)


def test_the_facts_of_an_order_in_quarantine_say_which_check_leaves_it_out(
    honest: Database, inspector: Inspector
) -> None:
    with honest.read() as connection:
        id_, number, day = connection.execute(
            select(order_facts.c.order_id, order_facts.c.number, order_facts.c.shipped_day).where(
                order_facts.c.shipped_day != ""
            )
        ).first() or (0, "", "")
    damage_total(honest, number)
    look_and_settle(honest, inspector)
    with honest.read() as connection:
        (raw,) = raw_orders.read_orders(connection, [id_]).values()
        before = len(facts_store.facts_of_days(connection, [day]))
    fact = facts_of(raw, a_shop())
    assert fact["left_out"] == "orders.total"
    honest.write(lambda c: facts_store.save_facts(c, [fact], []))
    with honest.read() as connection:
        assert [row["number"] for row in facts_store.left_out_of_days(connection, [day])] == [number]
        streamed = [row for rows in facts_store.stream_of_days(connection, [day], ("number",)) for row in rows]
        assert (number,) not in streamed
        assert len(streamed) == before - 1
    found = look(honest, inspector, ["orders", "key_figures", "order_facts"])
    assert set(found) == {"orders.total", "key_figures.shipped"}


def test_a_warning_holds_nothing(shop_on_sqlite: Database, inspector: Inspector) -> None:
    number = under_way(shop_on_sqlite)[0]
    shop_on_sqlite.write(lambda c: c.execute(update(orders).where(orders.c.number == number).values(country="xx")))
    assert set(look(shop_on_sqlite, inspector, ["orders"])) == {"orders.country"}
    assert settle(shop_on_sqlite) == Settled([], [], [], 0, [])
    assert state_of(shop_on_sqlite, number)[0] == OrderState.RELEASED


def test_who_lets_it_go_on_says_that_it_is_right_and_is_not_asked_again(honest: Database, inspector: Inspector) -> None:
    number = under_way(honest)[0]
    damage_total(honest, number)
    look_and_settle(honest, inspector)
    honest.write(lambda c: desk.release(c, number, "Ada", HUB))
    assert state_of(honest, number) == (OrderState.RELEASED, "")
    for _ in range(2):
        assert look_and_settle(honest, inspector).held == []
    with honest.read() as connection:
        (row,) = connection.execute(select(quality_findings)).mappings()
        assert aside.left_out(connection, [number]) == {}
    assert (row["state"], row["aside"], row["actor"]) == (FindingState.ACCEPTED, Aside.OUT, "Ada")


def test_of_two_findings_both_must_end_before_the_order_goes_on(shop_on_sqlite: Database, inspector: Inspector) -> None:
    number = under_way(shop_on_sqlite)[0]
    damage_total(shop_on_sqlite, number)
    shop_on_sqlite.write(lambda c: c.execute(update(orders).where(orders.c.number == number).values(currency="XXQ")))
    assert look_and_settle(shop_on_sqlite, inspector).aside == 2
    damage_total(shop_on_sqlite, number, to=2900)
    assert look_and_settle(shop_on_sqlite, inspector).released == []
    left = finding_of(shop_on_sqlite, number)
    accept(shop_on_sqlite, left)
    assert state_of(shop_on_sqlite, number)[0] == OrderState.RELEASED


def accept(database: Database, id_: int) -> None:
    def work(connection: Any) -> None:
        at = now(connection)
        findings.settle(connection, id_, FindingState.ACCEPTED, "Ada", at)
        quarantine.let_out(connection, HUB, at, "Ada")

    database.write(work)


def test_a_row_that_was_mended_and_replayed_lets_its_order_go_on_at_once(
    shop_on_sqlite: Database, inspector: Inspector
) -> None:
    number = under_way(shop_on_sqlite)[0]
    damage_total(shop_on_sqlite, number)
    look_and_settle(shop_on_sqlite, inspector)
    damage_total(shop_on_sqlite, number, to=2900)
    workshop = Workshop(shop_on_sqlite, a_shop(), inspector)
    workshop.replay(finding_of(shop_on_sqlite, number), "Ada")
    assert state_of(shop_on_sqlite, number)[0] == OrderState.RELEASED
    assert workshop.owed


def test_one_that_waits_for_something_else_is_not_let_go_by_that_alone(
    shop_on_sqlite: Database, inspector: Inspector
) -> None:
    number = under_way(shop_on_sqlite)[0]
    shop_on_sqlite.write(lambda c: desk.hold(c, number, desk.ASKED_BY_STAFF, "Ada"))
    damage_total(shop_on_sqlite, number)
    assert look_and_settle(shop_on_sqlite, inspector).held == []
    assert state_of(shop_on_sqlite, number) == (OrderState.HELD, desk.ASKED_BY_STAFF)
    shop_on_sqlite.write(lambda c: desk.release(c, number, "Ada", HUB))
    assert state_of(shop_on_sqlite, number) == (OrderState.HELD, IN_QUARANTINE)
    shop_on_sqlite.write(lambda c: desk.release(c, number, "Ada", HUB))
    assert state_of(shop_on_sqlite, number)[0] == OrderState.RELEASED


def test_a_check_that_fails_for_the_whole_shop_holds_none_and_people_may_say_that_it_is_right(
    honest: Database, inspector: Inspector
) -> None:
    with honest.read() as connection:
        before = dict(connection.execute(select(orders.c.number, orders.c.state)).tuples().all())
    damage_total(honest, *before)
    many = look_and_settle(honest, inspector)
    assert (many.held, many.too_many, many.aside) == ([], ["orders.total"], 0)
    with honest.read() as connection:
        assert dict(connection.execute(select(orders.c.number, orders.c.state)).tuples().all()) == before
        assert aside.left_out(connection, before) == {}
        assert quarantine.count(connection) == {Aside.IN: 0, Aside.TOO_MANY: len(before)}
    assert look_and_settle(honest, inspector).held == []
    here = under_way(honest)
    held = honest.write(lambda c: quarantine.take_all(c, "orders.total", now(c)))
    assert set(here) <= set(held)
    assert look_and_settle(honest, inspector).held == []


def test_a_broken_check_that_finds_a_few_more_each_hour_does_not_hold_the_shop_bit_by_bit(
    shop_on_sqlite: Database, inspector: Inspector
) -> None:
    with shop_on_sqlite.read() as connection:
        numbers = list(connection.execute(select(orders.c.number).order_by(orders.c.id.desc())).scalars())
    for number in numbers:
        damage_total(shop_on_sqlite, number)
        look_and_settle(shop_on_sqlite, inspector)
    with shop_on_sqlite.read() as connection:
        assert quarantine.count(connection)[Aside.IN] <= MOST_ROWS
        held = orders.c.hold_reason == IN_QUARANTINE
        assert connection.execute(select(func.count()).select_from(orders).where(held)).scalar_one() <= 3


GRAVE = [one for one in DAMAGES if any(RULES[code].severity is Severity.CRITICAL for code in one.found_by)]


@pytest.mark.parametrize("damage", GRAVE, ids=lambda damage: damage.name)
def test_a_hold_never_makes_its_own_finding_pass_nor_another_fail(
    damage: Damage, shop_on_sqlite: Database, inspector: Inspector
) -> None:
    damage.plant(shop_on_sqlite)
    touched = [*damage.subjects, "orders", "order_lines", "parts", "part_lines"]
    found = look(shop_on_sqlite, inspector, touched)
    first = settle(shop_on_sqlite)
    assert look(shop_on_sqlite, inspector, touched) == found
    again = settle(shop_on_sqlite)
    assert (again.held, again.released, again.aside, again.too_many) == ([], [], 0, [])
    with shop_on_sqlite.read() as connection:
        grave = [row for row in findings.open_findings(connection, 1000) if row["severity"] == Severity.CRITICAL]
        assert {row["aside"] for row in grave if row["subject"] != "traffic"} <= {Aside.IN, Aside.TOO_MANY}
    assert len(first.held) <= 3


def test_stock_in_doubt_is_neither_sold_nor_promised_until_it_is_repaired(
    honest: Database, inspector: Inspector
) -> None:
    shop = a_shop()
    TOO_MANY_ON_HAND.plant(honest)
    look_and_settle(honest, inspector, ["stock"])
    with honest.read() as connection:
        assert stock.levels(connection)[HUB, PLAIN].available == 0
        (order,) = connection.execute(select(orders.c.id).limit(1)).scalars()
    wish = stock.Wish(order, HUB, PLAIN, 1)
    assert honest.write(lambda c: stock.reserve(c, [wish], at=now(c), expires_at=None)) == {order}
    with honest.read() as connection:
        (row,) = connection.execute(select(quality_findings.c.id)).scalars()
    Workshop(honest, shop, inspector).repair(row, "Ada")
    with honest.read() as connection:
        level = stock.levels(connection)[HUB, PLAIN]
        freed = connection.execute(
            select(stock_levels.c.freed_at).where(stock_levels.c.location == HUB, stock_levels.c.sku == PLAIN)
        ).scalar_one()
    assert level.available == level.on_hand - level.reserved > 0
    assert freed is not None


def test_what_a_channel_may_sell_leaves_stock_in_doubt_out_and_has_it_again(
    honest: Database, inspector: Inspector
) -> None:
    shop = a_shop()
    channel = shop.channels[0].id
    with honest.read() as connection:
        before = selling.for_sale(connection, shop, channel)
    TOO_MANY_ON_HAND.plant(honest)
    look_and_settle(honest, inspector, ["stock"])
    with honest.read() as connection:
        meanwhile = selling.for_sale(connection, shop, channel)
        told = {one.sku: one.available for one in selling.to_tell(connection, shop, channel, now(connection))}
    assert meanwhile[PLAIN] < before[PLAIN]
    assert told[PLAIN] == meanwhile[PLAIN]
    with honest.read() as connection:
        (row,) = connection.execute(select(quality_findings.c.id)).scalars()
    Workshop(honest, shop, inspector).repair(row, "Ada")
    with honest.read() as connection:
        assert selling.for_sale(connection, shop, channel) == before


def test_people_are_told_what_is_in_quarantine_and_when_too_much_failed_for_it(
    shop_on_sqlite: Database, inspector: Inspector
) -> None:
    number = under_way(shop_on_sqlite)[0]
    damage_total(shop_on_sqlite, number)
    look_and_settle(shop_on_sqlite, inspector)
    with shop_on_sqlite.read() as connection:
        told = read_told(connection)
        (row,) = table(quarantine.listed(connection, 10))
        _, what = alert("orders.total", findings.untold(connection, [Severity.CRITICAL])["orders.total"])
        (why,) = why_held(connection, number)
    assert told is not None
    assert (row["number"], row["now"], row["do"]) == (number, "on hold", RULES["orders.total"].person)
    assert "1 findings keep their rows in quarantine" in markdown(told, "quality/index.html")
    assert "It is in quarantine" in what
    assert why == f"{RULES['orders.total'].says} (orders.total) {RULES['orders.total'].person}"
    with shop_on_sqlite.read() as connection:
        everybody = list(connection.execute(select(orders.c.number)).scalars())
    shop_on_sqlite.write(lambda c: c.execute(update(orders).values(currency="EURO")))
    look_and_settle(shop_on_sqlite, inspector)
    with shop_on_sqlite.read() as connection:
        told = read_told(connection)
        _, what = alert("orders.currency", findings.untold(connection, [Severity.CRITICAL])["orders.currency"])
    assert told is not None
    assert "none was put on hold" in what
    assert "backroom quality quarantine --check orders.currency" in what
    assert f"{len(everybody)} more are of checks" in markdown(told, "quality/index.html")


ACTS = st.lists(st.sampled_from(["damage", "mend", "look", "release", "accept", "hold"]), min_size=3, max_size=9)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=ACTS)
def test_whatever_happens_an_order_is_held_at_most_once_a_finding_and_never_left_behind(
    acts: list[str], shop_on_sqlite: Database
) -> None:
    """The findings are written as a run writes them, without Great Expectations: it is the same each time."""
    number = under_way(shop_on_sqlite)[0]
    start = shop_on_sqlite.write(lambda c: Play(c, number).begin())
    for act in [*acts, "mend", "look", "release"]:
        shop_on_sqlite.write(lambda c, act=act: Play(c, number).do(act))
        shop_on_sqlite.write(lambda c: quarantine.settle(c, HUB, now(c)))
        again = shop_on_sqlite.write(lambda c: quarantine.settle(c, HUB, now(c)))
        assert again == Settled([], [], [], 0, [])
        with shop_on_sqlite.read() as connection:
            order = desk.find(connection, number)
            kept = aside.of_order(connection, number)
        assert bool(kept) <= (order["state"] == OrderState.HELD)
        assert (order["hold_reason"] == IN_QUARANTINE) <= bool(kept)
    assert state_of(shop_on_sqlite, number) == (start, "")


class Play:
    """One order, one check, and what people and runs do about them."""

    def __init__(self, connection: Any, number: str) -> None:
        self.connection, self.number, self.at = connection, number, now(connection)

    def begin(self) -> str:
        """The order as it was before the last example: well, and not on hold."""
        self.connection.execute(quality_findings.delete())
        order = desk.find(self.connection, self.number)
        if order["state"] == OrderState.HELD:
            desk.release(self.connection, self.number, "Ada", HUB)
        self._total(2900)
        return str(desk.find(self.connection, self.number)["state"])

    def do(self, act: str) -> None:
        order = desk.find(self.connection, self.number)
        if act in ("damage", "mend"):
            self._total(-1 if act == "damage" else 2900)
        elif act == "look":
            self._look(order)
        elif act == "release" and order["state"] == OrderState.HELD:
            desk.release(self.connection, self.number, "Ada", HUB)
        elif act == "hold":
            desk.hold(self.connection, self.number, desk.ASKED_BY_STAFF, "Ada")
        elif act == "accept":
            for row in aside.of_order(self.connection, self.number):
                findings.settle(self.connection, row["id"], FindingState.ACCEPTED, "Ada", self.at)

    def _total(self, to: int) -> None:
        self.connection.execute(update(orders).where(orders.c.number == self.number).values(total_minor=to))

    def _look(self, order: Any) -> None:
        key, newest = str(order["id"]), select(func.coalesce(func.max(quality_findings.c.last_run), 0))
        run = self.connection.execute(newest).scalar_one() + 1
        failed = findings.Failure("orders.total", key, "orders", Severity.CRITICAL, self.number)
        wrong = desk.find(self.connection, self.number)["total_minor"] < 0
        findings.note(self.connection, run, [failed] if wrong else [], self.at)
        findings.passed(self.connection, "orders", {key}, run, self.at)
