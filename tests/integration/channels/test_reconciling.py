"""Reconciliation with shops that answer over real HTTP: what was dropped is here after one look, and nothing twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from prometheus_client.parser import text_string_to_metric_families
from pytest_httpserver import HTTPServer
from sqlalchemy import func, select, update
from werkzeug import Response

from backroom.channels.reconciling import Books, Looked, look_at
from backroom.channels.registry import channel_for
from backroom.channels.shopify_source import ShopifySource
from backroom.domain.channels import ApiSpec
from backroom.domain.errors import AskPerson
from backroom.domain.reconciliation import Figures, Look
from backroom.gateway.meters import Meters
from backroom.insight.audit.reading import read_audit
from backroom.insight.reconciled import trouble_of
from backroom.outgoing.circuit import close_all
from backroom.outgoing.errors import ServiceAway, ServiceSetup
from backroom.store import cancelling, looks, paid_elsewhere
from backroom.store.database import now
from backroom.store.tables import orders, people
from tests.fake_shops import TOKEN, FakeShopify
from tests.shops import PLAIN, Floor, an_order


@pytest.fixture(autouse=True)
def fresh_circuits() -> Iterator[None]:
    close_all()
    yield
    close_all()


class Source:
    """The floor's channel `web` with a shop behind it that may be asked."""

    def __init__(self, floor: Floor, shop: FakeShopify, server: HTTPServer) -> None:
        self.floor, self.shop = floor, shop
        self.spec = replace(floor.room.shop.channel("web"), api=ApiSpec(shop.listen(server), "channel.web"))
        self.sent: list[Any] = []

    def look(self, reach: Look = Look.RECENT, token: str = TOKEN) -> Looked:
        room = self.floor.room
        books = Books(room.database, room.seals, room.shop.hub, self.sent.extend)
        return look_at(self.spec, channel_for(self.spec), lambda: ShopifySource(self.spec, token), books, reach)

    def sell(self, id_: int, *, dropped: bool = False, **changes: Any) -> dict[str, Any]:
        """An order at the source; its webhook comes unless it is dropped."""
        order = an_order(id_, [(PLAIN, 1)], **changes)
        self.shop.orders[id_] = order
        if not dropped:
            self.floor.deliver(order)
        return order

    def row(self, reach: Look = Look.RECENT) -> Any:
        with self.floor.room.database.read() as connection:
            return next(row for row in looks.all_looks(connection) if row["look"] == reach)

    def missing(self) -> dict[str, int]:
        with self.floor.room.database.read() as connection:
            return paid_elsewhere.count_missing(connection)


@pytest.fixture
def source(floor: Floor, fake_shopify: FakeShopify, httpserver: HTTPServer) -> Source:
    return Source(floor, fake_shopify, httpserver)


def counted(floor: Floor) -> Counter[str]:
    with floor.room.database.read() as connection:
        return Counter(connection.execute(select(orders.c.external_id)).scalars())


def whole_is_away(asked: dict[str, Any]) -> Response | None:
    """It lists its orders and gives none."""
    return Response("", status=503, headers={"Retry-After": "60"}) if "Whole" in asked["query"] else None


def test_what_is_missing_is_a_figure_until_it_is_fetched(source: Source, floor: Floor) -> None:
    source.sell(1)
    for id_ in (2, 3, 4):
        source.sell(id_, dropped=True)
    floor.intake()
    source.shop.fails = whole_is_away
    looked = source.look()
    assert isinstance(looked.error, ServiceAway)
    assert source.missing() == {"web": 3}
    row = source.row()
    assert (row["missing"], row["fetched"], row["looked_at"], row["cause"]) == (3, 0, None, "shopify-away")
    found = {one.subject: one for one in read_audit(floor.room).findings}
    assert {"#2", "#3", "#4"} <= found.keys()
    source.shop.fails = lambda _asked: None
    floor.waits_are_over()
    assert source.look().figures.fetched == 3
    assert (source.missing(), source.row()["cause"]) == ({}, "")
    assert not {"#2", "#3", "#4"} & {one.subject for one in read_audit(floor.room).findings}


def test_what_was_fetched_before_the_shop_went_away_is_here(source: Source, floor: Floor) -> None:
    source.sell(1)
    for id_ in range(2, 82):
        source.sell(id_, dropped=True)
    floor.intake()
    asked = []

    def goes_away(query: dict[str, Any]) -> Response | None:
        asked.append(query)
        return whole_is_away(query) if len(asked) > 8 else None

    source.shop.fails = goes_away
    looked = source.look()
    assert isinstance(looked.error, ServiceAway)
    assert (looked.figures.fetched, looked.figures.missing) == (35, 45)
    source.shop.fails = lambda _asked: None
    floor.waits_are_over()
    assert source.look().figures.fetched == 45
    floor.intake()
    assert counted(floor) == Counter(str(id_) for id_ in range(1, 82))


def test_a_look_begins_where_the_last_complete_one_ended(source: Source, floor: Floor) -> None:
    recent = (datetime.now(UTC) - timedelta(hours=2)).replace(microsecond=0)
    source.sell(1, placed_at=recent.isoformat(), created_at=recent.isoformat(), updated_at=recent.isoformat())
    floor.intake()
    source.look()
    source.look(token="wrong")
    source.look()
    since = [call["variables"]["query"] for call in source.shop.calls if "Changed" in call["query"]]
    begin = f"updated_at:>='{recent - timedelta(minutes=15):%Y-%m-%dT%H:%M:%SZ}'"
    assert since == [begin, begin, begin]
    source.sell(2, created_at=recent.isoformat(), updated_at=(recent + timedelta(hours=1)).isoformat())
    source.look()
    source.look()
    assert f"{recent + timedelta(minutes=45):%Y-%m-%dT%H:%M:%SZ}" in source.shop.calls[-1]["variables"]["query"]


def test_the_whole_is_looked_at_a_month_back_and_no_further_than_we_began(source: Source, floor: Floor) -> None:
    source.sell(1)
    floor.intake()
    source.look(Look.FULL)
    far = floor.room.database
    far.write(lambda c: c.execute(update(looks.looks).values(starts_at=datetime(2020, 1, 1, tzinfo=UTC))))
    source.look(Look.FULL)
    first, second = (call["variables"]["query"] for call in source.shop.calls)
    assert first == "updated_at:>='2026-11-01T08:45:00Z'", "an order of ours was placed at nine"
    assert second > f"updated_at:>='{datetime.now(UTC) - timedelta(days=30, minutes=5):%Y-%m-%dT%H:%M:%SZ}'"


def test_what_others_sent_and_what_was_placed_before_we_began_is_not_made_again(source: Source, floor: Floor) -> None:
    source.sell(5, created_at="2026-11-01T09:00:00+00:00")
    source.sell(6, dropped=True, created_at="2026-11-01T08:59:59+00:00")
    source.sell(7, dropped=True, fulfillment_status="fulfilled")
    source.sell(8, dropped=True, financial_status="pending")
    source.sell(9, dropped=True, cancelled_at="2026-11-01T10:00:00Z")
    floor.intake()
    figures = source.look().figures
    assert figures == Figures(listed=5, paid=3, ours=1, earlier=1, sent=1)
    floor.intake()
    assert counted(floor) == Counter(["5"])


def test_a_shop_that_is_connected_today_is_not_asked_for_what_it_sold_before(source: Source, floor: Floor) -> None:
    source.sell(1, dropped=True)
    soon = (datetime.now(UTC) + timedelta(minutes=1)).isoformat()
    source.sell(2, dropped=True, created_at=soon, updated_at=soon)
    assert source.look().figures == Figures(listed=1, paid=1, fetched=1)
    floor.intake()
    assert counted(floor) == Counter(["2"])


def test_each_class_has_its_figure(source: Source, floor: Floor) -> None:
    for id_ in (1, 2):
        source.sell(id_)
    floor.intake()

    floor.room.database.write(lambda c: cancelling.cancel(c, floor.number(2), "Ada", "asked_by_staff"))
    source.sell(3, line_items=[])
    floor.intake()
    source.sell(4)
    source.sell(5, dropped=True)
    at = datetime.now(UTC)
    told = [paid_elsewhere.PaidOrder("5", "#5", None, 2900, "EUR")]
    floor.room.database.write(lambda c: paid_elsewhere.report(c, "web", told, at))
    floor.room.database.write(lambda c: paid_elsewhere.settle(c, "web", "5", "paid_back", "Ada", at))
    figures = source.look().figures
    assert figures == Figures(listed=5, paid=5, ours=1, cancelled=1, quarantine=1, waiting=1, settled=1)


def test_what_lies_in_quarantine_is_not_fetched_again_and_again(source: Source, floor: Floor) -> None:
    source.sell(1)
    source.sell(2, dropped=True, line_items=[])
    floor.intake()
    assert source.look().figures.fetched == 1
    floor.intake()
    figures = source.look(Look.FULL).figures
    assert (figures.fetched, figures.quarantine, figures.missing) == (0, 1, 0)


def test_news_whose_webhook_was_dropped_come_by_a_look(source: Source, floor: Floor) -> None:
    for id_ in (1, 2, 3):
        source.sell(id_)
    floor.intake()
    source.sell(1, dropped=True, minute=5, line_items=an_order(1, [(PLAIN, 4)])["line_items"])
    source.shop.orders[1] |= {"total_price": "116.00", "current_total_price": "116.00"}
    source.sell(2, dropped=True, minute=5, cancelled_at="2026-11-01T10:05:00Z")
    source.sell(3, dropped=True, minute=5, financial_status="refunded")
    figures = source.look().figures
    assert (figures.behind, figures.fetched) == (3, 3)
    floor.intake()
    assert [line["quantity"] for line in floor.story(floor.number(1)).lines] == [4]
    assert floor.state(floor.number(2))[0] == "cancelled"
    assert floor.story(floor.number(3)).order["hold_reason"] == "payment_refunded"
    assert source.look().figures.fetched == 0


def test_a_webhook_that_comes_after_all_is_the_same_news(source: Source, floor: Floor) -> None:
    source.sell(1)
    late = source.sell(2, dropped=True)
    floor.intake()
    source.look()
    floor.intake()
    number, was = floor.number(2), floor.events(floor.number(2))
    floor.deliver(late)
    floor.intake()
    assert floor.events(number) == [*was, "news.stale"]
    assert floor.state(number) == ("released", ["open"])
    assert counted(floor) == Counter(["1", "2"])


def test_a_webhook_and_a_look_at_the_same_moment_make_one_order(source: Source, floor: Floor) -> None:
    source.sell(1)
    orders_ = [source.sell(id_, dropped=True) for id_ in range(2, 60)]
    floor.intake()

    def meanwhile(asked: dict[str, Any]) -> None:
        # While the source is asked for the first of them, every webhook arrives.
        if "Whole" in asked["query"] and orders_:
            for order in orders_:
                floor.deliver(order)
            orders_.clear()

    source.shop.fails = meanwhile  # type: ignore[assignment]
    assert source.look().error is None
    floor.intake()
    assert counted(floor) == Counter(str(id_) for id_ in range(1, 60))
    assert {floor.state(floor.number(id_))[0] for id_ in range(1, 60)} == {"released"}
    floor.check_sums()


def test_of_somebody_who_was_forgotten_nothing_is_fetched(source: Source, floor: Floor) -> None:
    from backroom.store.forgetting import forget
    from backroom.store.personal import Whose

    source.sell(1)
    floor.intake()
    floor.fulfil("hub")
    person = floor.story(floor.number(1)).order["person_id"]
    floor.room.database.write(lambda c: forget(c, Whose(person)))
    source.sell(1, dropped=True, minute=9)
    assert source.look().figures == Figures(listed=1, paid=1, ours=1)
    with floor.room.database.read() as connection:
        assert connection.execute(select(func.count()).select_from(people)).scalar() == 1


def test_what_the_source_lists_and_does_not_give_stays_a_figure_and_is_told_as_new_once(
    source: Source, floor: Floor
) -> None:
    source.sell(1)
    source.sell(2, dropped=True)
    floor.intake()

    def gives_nothing(asked: dict[str, Any]) -> Response | None:
        if "Whole" not in asked["query"]:
            return None
        return Response('{"data": {"nodes": [null]}}', content_type="application/json")

    source.shop.fails = gives_nothing
    looked = source.look()
    assert (looked.error, looked.new_missing, looked.figures.missing) == (None, ("2",), 1)
    again = source.look()
    assert (again.error, again.new_missing, again.figures.missing) == (None, (), 1)
    at = datetime.now(UTC)
    floor.room.database.write(lambda c: paid_elsewhere.settle(c, "web", "#2", "not_ours", "Ada", at))
    assert source.look().figures.missing == 0


def test_what_is_missing_and_then_deleted_at_its_source_is_missing_no_more(source: Source, floor: Floor) -> None:
    source.sell(1)
    source.sell(2, dropped=True)
    floor.intake()
    source.shop.fails = whole_is_away
    source.look()
    assert source.missing() == {"web": 1}
    source.shop.fails = lambda _asked: None
    floor.waits_are_over()
    del source.shop.orders[2]
    assert source.look().figures.missing == 1, "nobody said why it is not there"
    floor.deliver({"id": 2}, "orders/delete")
    floor.intake()
    assert source.missing() == {}
    assert source.look().figures.missing == 0


def test_what_a_file_reported_is_not_asked_for_by_its_number(source: Source, floor: Floor) -> None:
    """A file's numbers are not always the source's ids: another order may have that one as its id."""
    source.sell(1)
    floor.intake()
    source.sell(77, dropped=True, updated_at="2026-10-01T10:00:00+00:00", created_at="2026-10-01T10:00:00+00:00")
    told = [paid_elsewhere.PaidOrder("77", "#77", None, 2900, "EUR")]
    floor.room.database.write(lambda c: paid_elsewhere.report(c, "web", told, now(c)))
    figures = source.look().figures
    assert (figures.fetched, figures.missing) == (0, 1)


def test_a_key_that_is_refused_is_written_down_without_the_key(source: Source) -> None:
    looked = source.look(token="shpat_wrong")
    assert isinstance(looked.error, ServiceSetup)
    row = source.row()
    assert row["cause"] == "shopify-setup"
    assert "shpat" not in row["reason"] + str(looked.error)


def test_a_fetched_order_with_a_text_that_nobody_can_store_comes_in_without_it(source: Source, floor: Floor) -> None:
    source.sell(1)
    source.sell(2, dropped=True, note="half a pair: \ud83d")
    floor.intake()
    assert source.look().figures.fetched == 1
    floor.intake()
    figures = source.look().figures
    assert (figures.quarantine, figures.fetched, figures.missing) == (0, 0, 0)
    with floor.room.database.read() as connection:
        kept = connection.execute(select(orders.c.external_id, orders.c.state).order_by(orders.c.id)).all()
    assert [one.external_id for one in kept] == ["1", "2"]


def test_what_comes_in_wakes_the_hub(source: Source, floor: Floor) -> None:
    source.sell(1)
    source.sell(2, dropped=True)
    floor.intake()
    source.look()
    assert [(one.stage, one.location) for one in source.sent] == [("intake", "hub")]


def sample(page: str, name: str, **labels: str) -> float:
    """One sample of a page of metrics."""
    [found] = [
        one.value
        for family in text_string_to_metric_families(page)
        for one in family.samples
        if one.name == name and one.labels == labels
    ]
    return float(found)


def test_what_is_unaccounted_stands_in_the_metrics_and_so_does_the_age_of_the_last_look(
    source: Source, floor: Floor
) -> None:
    def page() -> str:
        return Meters(floor.room.database, ZoneInfo("UTC")).page().decode()

    assert "backroom_unaccounted_orders{" not in page()
    source.sell(1)
    source.sell(2, dropped=True)
    floor.intake()
    source.shop.fails = whole_is_away
    source.look()
    assert sample(page(), "backroom_unaccounted_orders", channel="web") == 1
    tried = {"tried_since": datetime.now(UTC) - timedelta(hours=3)}
    floor.room.database.write(lambda c: c.execute(update(looks.looks).values(**tried)))
    floor.waits_are_over()
    source.look()
    assert 10_700 < sample(page(), "backroom_reconciliation_age_seconds", channel="web", look="recent") < 10_900
    source.shop.fails = lambda _asked: None
    floor.waits_are_over()
    source.look()
    assert sample(page(), "backroom_unaccounted_orders", channel="web") == 0
    assert sample(page(), "backroom_reconciliation_orders", channel="web", look="recent", found="fetched") == 1
    assert sample(page(), "backroom_reconciliation_age_seconds", channel="web", look="recent") < 60


def trouble(source: Source, looked: Looked) -> str:
    row = source.row()
    at = datetime.now(UTC)
    told = trouble_of(row, at, for_a_person=isinstance(looked.error, AskPerson), new_missing=len(looked.new_missing))
    return told.word if told else ""


def test_people_hear_at_once_of_what_only_they_can_mend_and_after_an_hour_of_a_source_that_is_away(
    source: Source, floor: Floor
) -> None:
    source.sell(1)
    floor.intake()
    assert trouble(source, source.look()) == ""
    assert trouble(source, source.look(token="wrong")) == "shopify-setup"
    source.shop.bad = [Response("", status=503, headers={"Retry-After": "60"})]
    away = source.look()
    assert trouble(source, away) == "", "it comes back by itself"
    past = datetime.now(UTC) - timedelta(minutes=61)
    floor.room.database.write(lambda c: c.execute(update(looks.looks).values(looked_at=past)))
    assert trouble(source, away) == "away"
    floor.waits_are_over()
    assert trouble(source, source.look()) == ""


def test_an_order_of_a_time_to_come_hides_nothing_that_changes_until_then(source: Source, floor: Floor) -> None:
    recent = (datetime.now(UTC) - timedelta(hours=2)).replace(microsecond=0)
    source.sell(1, created_at=recent.isoformat(), updated_at="2099-01-01T00:00:00Z")
    floor.intake()
    source.look()
    source.sell(2, dropped=True, created_at=recent.isoformat(), updated_at=datetime.now(UTC).isoformat())
    assert source.look().figures.fetched == 1
    # What an earlier version wrote down is no reason either.
    far = datetime(2099, 1, 1, tzinfo=UTC)
    floor.room.database.write(lambda c: c.execute(update(looks.looks).values(seen_until=far)))
    source.sell(3, dropped=True, created_at=recent.isoformat(), updated_at=datetime.now(UTC).isoformat())
    assert source.look().figures.fetched == 1


def test_one_order_that_the_source_cannot_give_keeps_no_other_one_out(source: Source, floor: Floor) -> None:
    source.sell(1)
    for id_ in (2, 3, 4):
        source.sell(id_, dropped=True)
    floor.intake()

    def breaks_at_two(asked: dict[str, Any]) -> Response | None:
        ids = [str(one) for one in asked["variables"].get("ids", ())]
        return Response("", status=500) if any(one.endswith("/2") for one in ids) else None

    source.shop.fails = breaks_at_two
    looked = source.look()
    assert (looked.error, looked.new_missing, looked.figures.missing) == (None, ("2",), 1)
    floor.intake()
    assert counted(floor) == Counter(["1", "3", "4"])


def test_a_look_that_cannot_read_what_changed_begins_there_again(source: Source, floor: Floor) -> None:
    for id_ in (1, 2, 3):
        source.sell(id_)
    floor.intake()
    source.look()
    for id_ in (1, 2):
        source.sell(id_, dropped=True, minute=5)

    def breaks_at_one(asked: dict[str, Any]) -> Response | None:
        ids = [str(one) for one in asked["variables"].get("ids", ())]
        return Response("", status=500) if any(one.endswith("/1") for one in ids) else None

    source.shop.fails = breaks_at_one
    seen = source.row()["seen_until"]
    looked = source.look()
    assert (looked.figures.fetched, source.row()["seen_until"]) == (1, seen)
    assert isinstance(looked.error, ServiceAway)
