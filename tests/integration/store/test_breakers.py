"""A provider that is down is one breaker: many orders wait for it under one run, and go on together when it is back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import pytest
from pydantic import SecretStr
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from backroom.domain.breaker import what_to_do
from backroom.domain.model import StepOutcome
from backroom.outgoing.circuit import close_all
from backroom.shop import room as rooms
from backroom.store import news, sickness
from backroom.store.desk import find
from blocks.carriers import CarrierAccount
from blocks.messaging import SmsProvider
from tasks.sick import give_runs
from tasks.sweeping import BreakerOpen, try_breaker
from tasks.tell import markdown
from tests.fake_easypost import KEY, easypost
from tests.fake_tills import ShopifyTill
from tests.integration.carriers.conftest import world
from tests.shops import HUB, PLAIN, Floor, an_order
from tests.sms import sending_by
from tests.sqlite_only import database_url
from tests.told import Told
from tests.workshops import WORKSHOP, Workshop, a_partner, a_place, with_partners

__all__ = ["database_url"]

ORDERS = 60
DOWN = 503


@dataclass
class Outage:
    """A provider that takes nothing: whose work waits, where, one wave of it, and how the provider comes back."""

    service: str
    floor: Floor
    stage: str
    location: str
    wave: Callable[[], Sequence[StepOutcome]]
    back: Callable[[], object]
    is_done: Callable[[str], bool]
    calls: Callable[[], int]
    # What the provider knows of an order from the beginning.
    heard: Callable[[int], object] = lambda _: None

    def orders(self, count: int) -> list[str]:
        """So many more orders whose work needs the provider."""
        external_ids = [self.floor.order((PLAIN, 1)) for _ in range(count)]
        for one in external_ids:
            self.heard(one)
        self.floor.intake()
        return [self.floor.number(one) for one in external_ids]


@pytest.fixture(autouse=True)
def fresh_circuits() -> Iterator[None]:
    close_all()
    yield
    close_all()


def is_sent(floor: Floor, number: str) -> bool:
    return floor.state(number) == ("fulfilled", ["done"])


@contextmanager
def easypost_with(
    floor: Floor, monkeypatch: pytest.MonkeyPatch, trouble: dict[tuple[str, str], list[object]]
) -> Iterator[Outage]:
    block = CarrierAccount(kind="easypost", secret=SecretStr(KEY))
    monkeypatch.setattr(CarrierAccount, "load", lambda _name: block)
    with easypost() as there:
        there.currency, there.trouble = "EUR", trouble
        floor.room = replace(floor.room, shop=replace(floor.room.shop, carriers=(world(there),)))
        monkeypatch.setitem(rooms._open, floor.room.home.resolve(), floor.room)
        yield Outage(
            "EasyPost",
            floor,
            "fulfilment",
            HUB,
            lambda: floor.fulfil(HUB),
            there.trouble.clear,
            lambda number: is_sent(floor, number),
            lambda: sum(10_000 - len(left) for left in there.trouble.values()),
        )


@pytest.fixture
def carrier(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> Iterator[Outage]:
    """Down before it is asked for rates."""
    with easypost_with(floor, monkeypatch, {("POST", ""): [DOWN] * 10_000, ("GET", ""): [DOWN] * 10_000}) as outage:
        yield outage


@pytest.fixture
def buying(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> Iterator[Outage]:
    """Down once the rates are chosen."""
    one = "shipments/[^/]+"
    with easypost_with(floor, monkeypatch, {("POST", one): [DOWN] * 10_000, ("GET", one): [DOWN] * 10_000}) as outage:
        yield outage


@pytest.fixture
def sms(floor: Floor, httpserver: HTTPServer) -> Iterator[Outage]:
    up: list[bool] = []

    def answer(request: Request) -> Response:
        return Response('{"id": "1"}') if up else Response("", status=DOWN)

    httpserver.expect_request("/sms").respond_with_handler(answer)
    with sending_by(floor, SmsProvider(kind="json", url=httpserver.url_for("/sms"), password=SecretStr("t0ken"))):
        yield Outage(
            "SMS gateway",
            floor,
            "fulfilment",
            HUB,
            lambda: floor.fulfil(HUB),
            lambda: up.append(True),
            lambda number: is_sent(floor, number),
            lambda: len(httpserver.log),
        )


@pytest.fixture
def channel(told: Told, shopify_till: ShopifyTill, httpserver: HTTPServer) -> Outage:
    floor = told("shopify", shopify_till.listen(httpserver))
    shopify_till.bad = [Response("", status=DOWN) for _ in range(10_000)]

    def is_told(number: str) -> bool:
        with floor.room.database.read() as connection:
            rows = news.of_order(connection, find(connection, number)["id"])
        return [row["state"] for row in rows] == ["told"]

    def wave() -> Sequence[StepOutcome]:
        floor.fulfil(HUB)
        return floor.tell()

    def heard(external_id: int) -> None:
        shopify_till.orders[external_id] = an_order(external_id, [(PLAIN, 1)])

    return Outage(
        "Shopify",
        floor,
        "tell",
        "web",
        wave,
        shopify_till.bad.clear,
        is_told,
        lambda: 10_000 - len(shopify_till.bad),
        heard,
    )


@pytest.fixture
def partner(floor: Floor, workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> Outage:
    with_partners(floor, monkeypatch, a_place(a_partner(workshop.url)))
    workshop.kill()
    return Outage(
        "Workshop",
        floor,
        "fulfilment",
        WORKSHOP,
        lambda: floor.fulfil(WORKSHOP),
        workshop.start,
        lambda number: floor.state(number) == ("released", ["making"]),
        lambda: 0,
    )


@pytest.fixture
def outage(request: pytest.FixtureRequest, floor: Floor) -> Outage:
    found: Outage = request.getfixturevalue(request.param)
    return found


def behind(outage: Outage) -> tuple[int, int]:
    """The id of the one open breaker, and how many wait for it."""
    with outage.floor.room.database.read() as connection:
        (row,) = sickness.open_breakers(connection)
        assert (row["stage"], row["location"]) == (outage.stage, outage.location)
        return row["id"], sickness.waiting_behind(connection, row["id"])


@pytest.mark.parametrize(
    ("outage", "in_waves_of"),
    [("carrier", ORDERS), ("buying", 6), ("sms", ORDERS), ("sms", 6), ("channel", ORDERS), ("partner", ORDERS)],
    indirect=["outage"],
)
def test_sixty_orders_wait_for_one_provider_under_one_run_and_go_on_by_themselves(
    outage: Outage, running_prefect: object, in_waves_of: int
) -> None:
    floor, room = outage.floor, outage.floor.room
    numbers: list[str] = []
    while len(numbers) < ORDERS:
        numbers += outage.orders(in_waves_of)
        outage.wave()
        # What the wave's own run does at its end, and the sweep every minute.
        give_runs(room, outage.stage, outage.location)
    breaker, waiting = behind(outage)
    assert (waiting, set(floor.waker.breaker_runs), floor.waker.order_runs) == (ORDERS, {breaker}, [])
    for number in numbers:
        told = outage.floor.story(number)
        page = markdown(told, room.shop.location_names)
        assert told.breakers == [breaker]
        assert outage.service in page.partition("## ")[0]
        assert what_to_do(breaker) in page
    calls = outage.calls()
    assert outage.wave() == []
    with pytest.raises(BreakerOpen, match=f"{ORDERS} orders wait at {outage.location}"):
        try_breaker(room, breaker)
    give_runs(room, outage.stage, outage.location)
    assert (behind(outage), floor.waker.order_runs) == ((breaker, ORDERS), [])
    # A try is one order's, whatever waits.
    assert outage.calls() - calls <= 4
    outage.back()
    close_all()
    assert try_breaker(room, breaker) == f"breaker {breaker} closed: {ORDERS} orders go on"
    outage.wave()
    assert all(outage.is_done(number) for number in numbers)
    assert floor.waker.order_runs == []
