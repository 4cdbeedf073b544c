"""A provider that asks to be left alone: each row that needs it waits until then, and nobody calls it meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from pydantic import SecretStr
from pytest_httpserver import HTTPServer
from sqlalchemy import select, update

from backroom.outgoing.circuit import close_all
from backroom.store import sickness
from backroom.store.claims import fence
from backroom.store.database import now
from backroom.store.sickness import Sick
from backroom.store.tables import breakers, fulfilment_orders
from blocks.messaging import SmsProvider
from tasks.claiming import claim_fulfilment
from tasks.sick import give_runs
from tasks.sweeping import BreakerOpen, try_breaker
from tests.shops import HUB, PLAIN, Floor
from tests.sms import sending_by

ASKED = timedelta(hours=3)
ASKS = {"Retry-After": str(round(ASKED.total_seconds()))}


@pytest.fixture
def gateway(floor: Floor, httpserver: HTTPServer) -> Iterator[HTTPServer]:
    """A floor whose SMS go by a gateway that takes none for three hours."""
    close_all()
    httpserver.expect_request("/sms").respond_with_data("", status=429, headers=ASKS)
    block = SmsProvider(kind="json", url=httpserver.url_for("/sms"), password=SecretStr("t0ken"))
    with sending_by(floor, block):
        yield httpserver
    close_all()


def waits(floor: Floor) -> list[timedelta | None]:
    """For how long each fulfilment order is left alone."""
    with floor.room.database.read() as connection:
        at = now(connection)
        query = select(fulfilment_orders.c.next_attempt_at).order_by(fulfilment_orders.c.id)
        return [None if until is None else until - at for until in connection.execute(query).scalars()]


def probe_left(floor: Floor) -> timedelta:
    with floor.room.database.read() as connection:
        until: datetime = connection.execute(select(breakers.c.next_probe_at)).scalar_one()
        return until - now(connection)


def let_time_pass(floor: Floor) -> None:
    late = update(fulfilment_orders).where(fulfilment_orders.c.next_attempt_at.is_not(None))
    floor.room.database.write(lambda c: c.execute(late.values(next_attempt_at=now(c) - timedelta(seconds=1))))


def test_every_order_waits_as_long_as_the_provider_asks_after_one_call_of_one_of_them(
    floor: Floor, gateway: HTTPServer
) -> None:
    for _ in range(5):
        floor.taken_in((PLAIN, 1))
    outcomes = floor.fulfil(HUB)
    assert {one.result for one in outcomes if one.cause} == {"waiting"}
    assert len(gateway.log) == 1
    assert all(left is not None and ASKED - timedelta(minutes=1) < left <= ASKED for left in waits(floor))


def test_what_comes_later_to_another_process_waits_until_then_without_a_call(floor: Floor, gateway: HTTPServer) -> None:
    floor.taken_in((PLAIN, 1))
    floor.fulfil(HUB)
    close_all()
    number = floor.taken_in((PLAIN, 1))
    (outcome,) = [one for one in floor.fulfil(HUB) if one.cause]
    assert "asked to be left alone until" in outcome.reason
    assert len(gateway.log) == 1
    assert all(left is not None and ASKED - timedelta(minutes=1) < left <= ASKED for left in waits(floor))
    assert floor.state(number) == ("released", ["labelled"])


def test_after_that_time_all_go_on(floor: Floor, gateway: HTTPServer) -> None:
    numbers = [floor.taken_in((PLAIN, 1)) for _ in range(3)]
    floor.fulfil(HUB)
    gateway.clear_all_handlers()
    gateway.expect_request("/sms").respond_with_json({"id": "7"})
    floor.waits_are_over()
    let_time_pass(floor)
    floor.fulfil(HUB)
    assert [floor.state(number)[0] for number in numbers] == ["fulfilled"] * 3


def test_a_breaker_is_tried_no_sooner_than_its_provider_asks(
    floor: Floor, gateway: HTTPServer, running_prefect: object
) -> None:
    for _ in range(12):
        floor.taken_in((PLAIN, 1))
    floor.fulfil(HUB)
    give_runs(floor.room, "fulfilment", HUB)
    with floor.room.database.read() as connection:
        (row,) = sickness.open_breakers(connection, "fulfilment", HUB)
    with pytest.raises(BreakerOpen, match="asked to be left alone until"):
        try_breaker(floor.room, row["id"])
    assert len(gateway.log) == 1
    assert ASKED - timedelta(minutes=1) < probe_left(floor) <= ASKED


def test_a_wait_that_is_shorter_than_our_own_pause_shortens_nothing(floor: Floor) -> None:
    floor.taken_in((PLAIN, 1))
    claim = claim_fulfilment(floor.room, HUB)
    assert claim is not None

    def leave(connection: sickness.Connection) -> None:
        row = connection.execute(select(fulfilment_orders.c.id, fulfilment_orders.c.order_id)).one()
        at = fence(connection, claim.token)
        one = Sick(row.id, row.order_id, "A-1", "x-away", "away", may_pass=True, wait=timedelta(seconds=1))
        sickness.leave_wave(connection, claim.stage, claim.location, claim.token, [one], at, "")

    floor.room.database.write(leave)
    (left,) = waits(floor)
    assert left is not None
    assert left > timedelta(seconds=8)
