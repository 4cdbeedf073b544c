"""What we did goes back to the channel: once, whatever crashes, and no order waits for it."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from sqlalchemy import update
from werkzeug import Response

from backroom.domain.routing_rules import RoutingRule
from backroom.outgoing.circuit import close_all
from backroom.shop import room as rooms
from backroom.store import cancelling, decisions, desk, news, sickness
from backroom.store.database import Database, now
from backroom.store.tables import channel_news, effects
from tasks.sick import give_runs
from tests.fake_tills import ShopifyTill, run_killed
from tests.shops import GTIN, GTIN_TEE, HUB, PLAIN, SCARCE, SOUTH, Floor, an_order
from tests.told import Told

TELL_WITHIN = 60


def place(floor: Floor, till: ShopifyTill, *lines: tuple[str, int], at: str = HUB) -> str:
    """An order at the channel, taken in here; returns its number."""
    external_id = floor.order(*lines, at=at)
    till.orders[external_id] = an_order(external_id, lines or ((PLAIN, 1),), at=at)
    floor.intake()
    return floor.number(external_id)


def due_now(floor: Floor) -> None:
    """Let what was put off be due: the pauses are tested where they are ruled."""
    again = update(channel_news).values(next_attempt_at=None, sick_cause=None)
    floor.room.database.write(lambda c: c.execute(again).rowcount)
    close_all()


def news_of(floor: Floor, number: str) -> list[tuple[str, str, str]]:
    with floor.room.database.read() as connection:
        rows = news.of_order(connection, desk.find(connection, number)["id"])
    return [(row["kind"], row["state"], row["sick_reason"] or "") for row in rows]


def fulfilled(till: ShopifyTill) -> list[str]:
    return [one["tracking"]["number"] for parts in till.fulfilments.values() for one in parts]


def test_what_is_handed_over_is_told_once_with_its_tracking(
    told: Told, shopify_till: ShopifyTill, httpserver: HTTPServer
) -> None:
    floor = told("shopify", shopify_till.listen(httpserver))
    number = place(floor, shopify_till, (PLAIN, 2))
    floor.fulfil(HUB)
    assert ("tell", "web", 0) in floor.waker.woken
    assert floor.state(number) == ("fulfilled", ["done"])
    assert news_of(floor, number) == [("shipped", "waiting", "")]
    outcomes = floor.tell() + floor.tell()
    assert [(one.subject, one.result) for one in outcomes] == [(number, "told")]
    (shipment,) = floor.story(number).shipments
    assert fulfilled(shopify_till) == [shipment["tracking"]]
    assert news_of(floor, number) == [("shipped", "told", "")]
    assert "channel.told" in floor.events(number)


def test_an_order_in_two_parts_is_told_part_by_part(
    told: Told, shopify_till: ShopifyTill, httpserver: HTTPServer
) -> None:
    floor = told("shopify", shopify_till.listen(httpserver))
    split = RoutingRule("split", (), (), ("fewest_splits",), split=True, short="next")
    floor.room = replace(floor.room, shop=replace(floor.room.shop, rules=(split,)))
    rooms._open[floor.room.home.resolve()] = floor.room
    number = place(floor, shopify_till, (SCARCE, 1), (GTIN_TEE, 1))
    floor.fulfil(HUB)
    floor.tell()
    ((first,),) = shopify_till.fulfilments.values()
    assert [line["lineItem"]["id"] for line in first["lines"]] == ["gid://shopify/LineItem/1"]
    assert floor.state(number)[0] == "released"
    floor.fulfil(SOUTH)
    floor.scan(SOUTH, number, GTIN)
    floor.fulfil(SOUTH)
    assert floor.state(number)[0] == "fulfilled"
    floor.tell()
    ((first, second),) = shopify_till.fulfilments.values()
    assert [line["lineItem"]["id"] for line in second["lines"]] == ["gid://shopify/LineItem/2"]
    assert first["tracking"] != second["tracking"]
    assert news_of(floor, number) == [("shipped", "told", "")] * 2


def test_a_channel_that_is_away_holds_no_order_up_and_is_told_when_it_is_back(
    told: Told, shopify_till: ShopifyTill, httpserver: HTTPServer
) -> None:
    floor = told("shopify", shopify_till.listen(httpserver))
    shopify_till.bad = [Response("", status=503) for _ in range(20)]
    number = place(floor, shopify_till)
    floor.fulfil(HUB)
    (outcome,) = floor.tell()
    assert (outcome.result, outcome.cause) == ("waiting", "shopify-away")
    assert floor.state(number) == ("fulfilled", ["done"])
    ((_, state, reason),) = news_of(floor, number)
    assert (state, "takes nothing now" in reason) == ("waiting", True)
    with floor.room.database.read() as connection:
        assert sickness.of_order(connection, desk.find(connection, number)["id"]) == []
    shopify_till.bad = []
    due_now(floor)
    floor.tell()
    assert news_of(floor, number) == [("shipped", "told", "")]


def test_more_than_ten_of_one_cause_are_one_breaker_and_go_on_together(
    told: Told, shopify_till: ShopifyTill, httpserver: HTTPServer
) -> None:
    floor = told("shopify", shopify_till.listen(httpserver))
    numbers = [place(floor, shopify_till) for _ in range(12)]
    floor.fulfil(HUB)
    shopify_till.bad = [Response("", status=401) for _ in range(12)]
    outcomes = floor.tell()
    assert {outcome.cause for outcome in outcomes} == {"shopify-setup"}
    give_runs(floor.room, "tell", "web")
    assert len(floor.waker.breaker_runs) == 1
    assert floor.waker.order_runs == []
    assert {floor.state(number)[0] for number in numbers} == {"fulfilled"}
    shopify_till.bad = []
    floor.room.database.write(lambda c: sickness.close(c, floor.waker.breaker_runs[0], now(c)))
    floor.tell()
    assert len(fulfilled(shopify_till)) == 12


def test_what_is_cancelled_here_is_told_and_what_the_channel_cancelled_is_not(
    told: Told, shopify_till: ShopifyTill, httpserver: HTTPServer
) -> None:
    floor = told("shopify", shopify_till.listen(httpserver))
    ours, theirs = place(floor, shopify_till), place(floor, shopify_till)
    channels = floor.room.shop.told_ids("cancelled")
    cancel = floor.room.database.write(
        lambda c: cancelling.cancel(c, ours, "Ada", desk.CANCELLED_BY_STAFF, told=channels)
    )
    assert [(one.stage, one.location) for one in cancel] == [("tell", "web")]
    order = an_order(int(floor.story(theirs).order["external_id"]), ((PLAIN, 1),), minute=5)
    floor.deliver(order | {"cancelled_at": "2026-11-01T10:05:00+00:00"}, topic="orders/cancelled")
    floor.intake()
    assert floor.state(theirs)[0] == "cancelled"
    floor.tell()
    assert [cancel["reason"] for cancel in shopify_till.cancels] == ["STAFF"]
    assert news_of(floor, ours) == [("cancelled", "told", "")]
    assert news_of(floor, theirs) == []


def test_an_answer_that_is_lost_is_asked_for_at_once(
    told: Told, shopify_till: ShopifyTill, httpserver: HTTPServer
) -> None:
    floor = told("shopify", shopify_till.listen(httpserver))
    number = place(floor, shopify_till)
    floor.fulfil(HUB)
    shopify_till.lose = 1
    assert [outcome.result for outcome in floor.tell()] == ["told"]
    assert len(fulfilled(shopify_till)) == 1
    assert floor.effects("told") == [(f"shipped-{floor.story(number).parts[0]['key']}", "done")]


def test_an_answer_that_is_lost_and_shows_nothing_is_told_later_and_looked_for_first(
    told: Told, shopify_till: ShopifyTill, httpserver: HTTPServer
) -> None:
    floor = told("shopify", shopify_till.listen(httpserver))
    number = place(floor, shopify_till)
    floor.fulfil(HUB)
    standing, calls = shopify_till._answered, []

    def never_arrives(query: str, variables: dict[str, Any]) -> Response:
        calls.append("mutation" in query)
        return Response("", status=504) if "mutation" in query else standing(query, variables)

    shopify_till._answered = never_arrives  # type: ignore[method-assign]
    (outcome,) = floor.tell()
    assert (outcome.result, outcome.cause) == ("waiting", "not_seen_yet")
    assert calls == [False, True, False]
    shopify_till._answered = standing  # type: ignore[method-assign]
    due_now(floor)
    floor.tell()
    assert news_of(floor, number) == [("shipped", "told", "")]
    assert len(fulfilled(shopify_till)) == 1


@pytest.mark.parametrize("happened", [True, False])
def test_where_nobody_can_tell_a_persons_word_settles_it(
    told: Told, shopify_till: ShopifyTill, httpserver: HTTPServer, happened: bool
) -> None:
    floor = told("shopify", shopify_till.listen(httpserver))
    number = place(floor, shopify_till)
    floor.fulfil(HUB)
    key = f"shipped-{floor.story(number).parts[0]['key']}"
    due = update(channel_news).values(claim_token=None)
    floor.room.database.write(lambda c: c.execute(due).rowcount)
    _unknown(floor, key)
    (outcome,) = floor.tell()
    assert (outcome.result, outcome.cause) == ("sick", "unknown")
    with floor.room.database.read() as connection:
        (undecided,) = decisions.undecided(connection)
    assert (undecided.kind, list(undecided.numbers)) == ("told", [number])
    wakeups = floor.room.database.write(lambda c: decisions.decide(c, key, happened=happened, actor="Ada"))
    assert [(one.stage, one.location) for one in wakeups] == [("tell", "web")]
    floor.tell()
    assert news_of(floor, number) == [("shipped", "told", "")]
    assert len(fulfilled(shopify_till)) == (0 if happened else 1)


def _unknown(floor: Floor, key: str) -> None:
    from backroom.store.effects import Plan, plan
    from backroom.store.news import EFFECT
    from tasks.tell_channel import _leaving, _shipped, request_hash

    def work(c: Any) -> None:
        (row,) = news.untold(c)
        pieces = news.pieces_of(c, [row["part_id"]])[row["part_id"]]
        asked = request_hash(_leaving(_shipped(row, pieces)))
        plan(c, [Plan(key, EFFECT, row["order_id"], asked)], "", now(c))
        c.execute(update(effects).where(effects.c.key == key).values(state="unknown", started_at=now(c)))

    floor.room.database.write(work)


def test_what_a_channel_refuses_is_settled_by_a_person_who_told_it_there(
    told: Told, shopify_till: ShopifyTill, httpserver: HTTPServer
) -> None:
    floor = told("shopify", shopify_till.listen(httpserver))
    number = place(floor, shopify_till)
    floor.fulfil(HUB)
    del shopify_till.orders[int(floor.story(number).order["external_id"])]
    (outcome,) = floor.tell()
    assert (outcome.result, outcome.cause) == ("sick", "news_refused")
    give_runs(floor.room, "tell", "web")
    assert [run[0] for run in floor.waker.order_runs] == [number]
    with floor.room.database.read() as connection:
        order_id = desk.find(connection, number)["id"]
        assert sickness.of_order(connection, order_id)[0][0] == "news_refused"
    floor.room.database.write(lambda c: news.settle_by_hand(c, order_id, "Ada", now(c)))
    assert news_of(floor, number) == [("shipped", "settled", "")]
    with floor.room.database.read() as connection:
        assert sickness.of_order(connection, order_id) == []

    with pytest.raises(news.NothingToTell):
        floor.room.database.write(lambda c: news.settle_by_hand(c, order_id, "Ada", now(c)))


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("after", [False, True])
def test_whoever_is_killed_while_telling_has_told_once(
    told: Told, shopify_till: ShopifyTill, httpserver: HTTPServer, database: Database, after: bool
) -> None:
    """kill -9 of the telling process, just before or just after the channel did it, and before it wrote that down."""
    url = shopify_till.listen(httpserver)
    floor = told("shopify", url)
    number = place(floor, shopify_till)
    floor.fulfil(HUB)
    database.close()
    tells = [sys.executable, "-m", "tests.told", str(floor.room.home), "shopify", url]
    run_killed(shopify_till, tells, after=after, within=TELL_WITHIN)
    assert len(fulfilled(shopify_till)) == int(after)
    # Its lease is over, for its process is gone: the next one asks what became of the call.
    subprocess.run(tells, check=True, timeout=TELL_WITHIN)
    assert len(fulfilled(shopify_till)) == 1
    assert news_of(floor, number) == [("shipped", "told", "")]
    assert floor.effects("told") == [(f"shipped-{floor.story(number).parts[0]['key']}", "done")]
