"""An order that was paid and is cancelled here is paid back once, by its channel or by a person, whatever crashes."""

from __future__ import annotations

import copy
import json
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from sqlalchemy import select, update
from werkzeug import Request, Response

from backroom.domain.cancelling import Why
from backroom.domain.channels import ApiSpec, ChannelSpec, RefundsSpec
from backroom.outgoing.circuit import close_all
from backroom.shop import room as rooms
from backroom.shop.secrets import Secrets
from backroom.store import cancelled_refunds, cancelling, decisions, desk, forgetting, refunds, sickness
from backroom.store import news as channel_telling
from backroom.store.cancelled_refunds import waits
from backroom.store.database import Database, now
from backroom.store.personal import Whose
from backroom.store.tables import channel_news, effects, orders
from backroom.store.tables import refunds as rows
from tests import fake_shops, fake_square, fake_stripe
from tests.fake_meta import FakeMeta
from tests.fake_square import FakeSquare
from tests.fake_stripe import FakeStripe
from tests.fake_tills import ShopifyTill, paid, run_killed
from tests.integration.channels.test_mapped_paying import WHERE, WHOLE
from tests.mapped_shops import LANTERN, a_spec
from tests.shops import HUB, PLAIN, Floor, an_order
from tests.unit.channels.samples import payload

PAY_WITHIN = 60
PATH = "/wp-json/wc/v3/orders/{}/refunds"


@pytest.fixture(autouse=True)
def fresh_circuits() -> Iterator[None]:
    close_all()
    yield
    close_all()


@pytest.fixture
def at(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """An order of 29.00 that was paid, at a channel of that kind from now on; returns its number."""

    def sold(kind: str, url: str = "", secret: str = "ck_1:cs_1", **changes: Any) -> str:
        number = floor.number(floor.order((PLAIN, 1), **changes.pop("order", {})))
        (web,) = floor.room.shop.channels
        spec = replace(web, kind=kind, refunds=RefundsSpec(url, "refunds.web") if url else None)
        opened(floor, replace(spec, **changes), monkeypatch, secret)
        return number

    floor_order = floor.order

    def order(*lines: tuple[str, int], **changes: Any) -> int:
        external_id = floor_order(*lines, **changes)
        floor.intake()
        return external_id

    monkeypatch.setattr(floor, "order", order)
    return sold


def opened(floor: Floor, spec: ChannelSpec, monkeypatch: pytest.MonkeyPatch, secret: str) -> None:
    secrets = Secrets(floor.room.home / "secrets.toml", {"refunds.web": secret})
    floor.room = replace(floor.room, shop=replace(floor.room.shop, channels=(spec,)), secrets=secrets)
    monkeypatch.setitem(rooms._open, floor.room.home.resolve(), floor.room)


def cancel(floor: Floor, number: str, reason: str = desk.CANCELLED_BY_STAFF, **more: Any) -> None:
    floor.room.database.write(lambda c: cancelling.cancel(c, number, "Ada", reason, **more))


def external_id(floor: Floor, number: str) -> str:
    return str(floor.story(number).order["external_id"])


def standing(floor: Floor, number: str) -> list[tuple[str, int | None, str]]:
    """The refunds of an order: state, what was paid, why a person has to."""
    return [(one["state"], one["paid_minor"], one["by_hand"]) for one in floor.story(number).refunds]


def owed(floor: Floor) -> list[refunds.Owed]:
    with floor.room.database.read() as connection:
        return refunds.waiting(connection, floor.room.seals)


def key_of(floor: Floor) -> str:
    ((key, _),) = floor.effects("refund")
    return key


def made(key: str) -> dict[str, object]:
    return {"id": 726, "amount": "29.00", "reason": f"Backroom {key}", "refunded_payment": True}


def posts(server: HTTPServer) -> int:
    return sum(request.method == "POST" for request, _ in server.log)


def paid_at_woocommerce(floor: Floor, number: str, server: HTTPServer) -> None:
    server.expect_request(PATH.format(external_id(floor, number)), method="POST").respond_with_json(
        made(key_of(floor)), status=201
    )


def says(floor: Floor, number: str, **changes: Any) -> None:
    """The source's later words of an order, taken in."""
    known = floor.story(number).order
    (spec,) = floor.room.shop.channels
    # Its words are Shopify's, as the floor's orders are.
    shop = replace(floor.room.shop, channels=(replace(spec, kind="shopify", mapping=None),))
    mine, floor.room = floor.room, replace(floor.room, shop=shop)
    rooms._open[floor.room.home.resolve()] = floor.room
    floor.deliver(an_order(int(known["external_id"]), ((PLAIN, 1),), minute=30, **changes), topic="orders/updated")
    floor.intake()
    floor.room = mine
    rooms._open[floor.room.home.resolve()] = mine


# Each channel that pays back.


def test_woocommerce_pays_a_cancelled_order_back_once(
    floor: Floor, at: Callable[..., str], httpserver: HTTPServer
) -> None:
    number = at("woocommerce", httpserver.url_for(""))
    cancel(floor, number)
    paid_at_woocommerce(floor, number, httpserver)
    (outcome,) = floor.pay_cancelled()
    assert (outcome.subject, outcome.result, outcome.reason) == (number, "advanced", "29.00 EUR paid back")
    assert floor.pay_cancelled() == []
    assert standing(floor, number) == [("done", 2900, "")]
    assert floor.effects("refund") == [(key_of(floor), "done")]
    assert len(httpserver.log) == 1
    assert [event for event in floor.events(number) if event.startswith("refund.")] == ["refund.planned", "refund.paid"]
    assert owed(floor) == []


def test_shopify_pays_a_cancelled_order_back_once(
    floor: Floor, at: Callable[..., str], shopify_till: ShopifyTill, httpserver: HTTPServer
) -> None:
    number = at("shopify", shopify_till.listen(httpserver), fake_shops.TOKEN)
    id_ = int(external_id(floor, number))
    shopify_till.orders[id_] = an_order(id_, [(PLAIN, 1)])
    shopify_till.transactions[id_] = [paid(901, "SALE", "29.00")]
    cancel(floor, number)
    floor.pay_cancelled()
    (refund,) = shopify_till.refunds[id_]
    assert refund["note"] == f"Backroom {key_of(floor)}"
    assert standing(floor, number) == [("done", 2900, "")]


def test_square_pays_a_cancelled_order_back_once(floor: Floor, at: Callable[..., str], httpserver: HTTPServer) -> None:
    there, whole = FakeSquare(), payload("square_order.json")
    number = at("square", there.listen(httpserver), fake_square.TOKEN)
    order = copy.deepcopy(whole["order"]) | {"id": external_id(floor, number)}
    there.orders[order["id"]] = order
    there.payments[whole["payments"][0]["id"]] = copy.deepcopy(whole["payments"][0])
    cancel(floor, number)
    floor.pay_cancelled()
    (refund,) = there.refunds.values()
    assert refund["amount_money"] == {"amount": 2900, "currency": "EUR"}
    assert refund["reason"].endswith(key_of(floor))
    assert standing(floor, number) == [("done", 2900, "")]


def test_stripe_pays_a_cancelled_order_back_once(floor: Floor, at: Callable[..., str], httpserver: HTTPServer) -> None:
    there, whole = FakeStripe(), payload("stripe_session.json")
    number = at("stripe", there.listen(httpserver), fake_stripe.KEY)
    session = copy.deepcopy(whole)
    session["session"]["id"] = external_id(floor, number)
    there.take(session)
    cancel(floor, number)
    floor.pay_cancelled()
    (refund,) = there.refunds
    assert (refund["amount"], refund["metadata"]["backroom"]) == (2900, key_of(floor))
    assert standing(floor, number) == [("done", 2900, "")]


def test_a_mapped_shop_pays_a_cancelled_order_back_once(
    floor: Floor, at: Callable[..., str], httpserver: HTTPServer
) -> None:
    mapping = a_spec(LANTERN + WHERE + WHOLE).mapping
    number = at("mapped", httpserver.url_for("")[:-1], "k3y", mapping=mapping)
    there: list[dict[str, Any]] = []

    def respond(request: Request) -> Response:
        if request.path.endswith("settle"):
            there[0]["state"] = "done"
        elif request.method == "POST":
            there.append({"id": 1, "state": "asked", "note": request.get_json()["note"]})
        body = {"refunds": there} if request.method == "GET" else {"id": 1}
        return Response(json.dumps(body), content_type="application/json")

    httpserver.expect_request(f"/orders/{external_id(floor, number)}/refunds").respond_with_handler(respond)
    httpserver.expect_request("/refunds/1/settle").respond_with_handler(respond)
    cancel(floor, number)
    floor.pay_cancelled()
    assert there == [{"id": 1, "state": "done", "note": key_of(floor)}]
    assert standing(floor, number) == [("done", 2900, "")]


# Channels whose cancellation gives the money back, and channels that pay nothing back.


def told_of(floor: Floor, number: str) -> None:
    """What telling the channel of the cancellation leaves behind."""
    told = update(channel_news).where(channel_news.c.kind == channel_telling.CANCELLED)
    floor.room.database.write(lambda c: c.execute(told.values(state=channel_telling.TOLD, told_at=now(c))).rowcount)


@pytest.mark.parametrize("kind", ["meta", "mapped"])
def test_where_its_cancellation_gives_the_money_back_no_refund_is_asked_for(
    floor: Floor, at: Callable[..., str], httpserver: HTTPServer, kind: str
) -> None:
    there = FakeMeta()
    cancels = '\n[mapping.tell.cancelled]\npays_back = true\n[[mapping.tell.cancelled.calls]]\npath = "/x"\n'
    cancels += 'method = "POST"\n'
    more = {"mapping": a_spec(LANTERN + WHERE + WHOLE + cancels).mapping} if kind == "mapped" else {}
    url = there.listen(httpserver)
    number = at(kind, url, api=ApiSpec(url, "channel.web", tell=("cancelled",)), **more)
    cancel(floor, number, told=floor.room.shop.told_ids("cancelled"))
    (outcome,) = floor.pay_cancelled()
    assert (outcome.result, outcome.reason) == ("waiting", "its channel is to be told first")
    assert (standing(floor, number), floor.pay_cancelled()) == ([("waiting", None, "")], [])
    told_of(floor, number)
    later = update(rows).values(next_attempt_at=rows.c.planned_at)
    floor.room.database.write(lambda c: c.execute(later).rowcount)
    floor.pay_cancelled()
    assert standing(floor, number) == [("done", 2900, "")]
    assert floor.events(number)[-1] == "refund.paid_there"
    assert floor.effects("refund") == [(key_of(floor), "done")]
    assert (there.calls, httpserver.log) == ([], [])


def test_where_such_a_channel_is_not_told_a_person_cancels_it_there(
    floor: Floor, at: Callable[..., str], httpserver: HTTPServer
) -> None:
    number = at("meta", httpserver.url_for(""), "token")
    cancel(floor, number)
    floor.pay_cancelled()
    assert standing(floor, number) == [("waiting", None, Why.CANCEL_THERE)]
    assert httpserver.log == []


def test_where_the_channel_has_no_call_a_person_pays_and_says_so_once(floor: Floor, at: Callable[..., str]) -> None:
    number = at("etsy")
    cancel(floor, number)
    (outcome,) = floor.pay_cancelled()
    assert (outcome.result, outcome.cause) == ("waiting", Why.NO_CALL)
    assert floor.pay_cancelled() == []
    (one,) = owed(floor)
    assert (one.number, one.of_return, one.amount_minor, one.by_hand) == (number, False, 2900, Why.NO_CALL)
    with pytest.raises(refunds.NotPayable):
        floor.room.database.write(lambda c: cancelled_refunds.confirm(c, number, 2901, "", "Ada"))
    assert floor.room.database.write(lambda c: cancelled_refunds.confirm(c, number, 2900, "re_1", "Ada"))
    assert not floor.room.database.write(lambda c: cancelled_refunds.confirm(c, number, 2900, "re_1", "Ada"))
    assert (standing(floor, number), owed(floor)) == ([("done", 2900, Why.NO_CALL)], [])
    assert floor.effects("refund") == [(key_of(floor), "done")]
    assert floor.events(number).count("refund.confirmed") == 1


def test_a_person_who_has_the_shop_file_mended_lets_the_channel_pay(
    floor: Floor, at: Callable[..., str], httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = at("woocommerce")
    cancel(floor, number)
    floor.pay_cancelled()
    (spec,) = floor.room.shop.channels
    opened(floor, replace(spec, refunds=RefundsSpec(httpserver.url_for(""), "refunds.web")), monkeypatch, "ck_1:cs_1")
    paid_at_woocommerce(floor, number, httpserver)
    assert floor.pay_cancelled() == []
    woken = floor.room.database.write(lambda c: desk.retry(c, number, "Ada", HUB))
    assert ("refunds", HUB) in [(one.stage, one.location) for one in woken]
    floor.pay_cancelled()
    assert standing(floor, number) == [("done", 2900, "")]


# Once, whatever crashes.


def begun(floor: Floor) -> None:
    started = update(effects).where(effects.c.key == key_of(floor))
    values = {"state": "started", "started_at": effects.c.planned_at}
    floor.room.database.write(lambda c: c.execute(started.values(**values)).rowcount)


@pytest.mark.parametrize("happened", [True, False])
def test_a_crash_between_the_call_and_its_outcome_pays_nothing_twice(
    floor: Floor, at: Callable[..., str], httpserver: HTTPServer, happened: bool
) -> None:
    number = at("woocommerce", httpserver.url_for(""))
    cancel(floor, number)
    begun(floor)
    with pytest.raises(refunds.BeingPaid):
        floor.room.database.write(lambda c: cancelled_refunds.confirm(c, number, 2900, "", "Ada"))
    path = PATH.format(external_id(floor, number))
    httpserver.expect_request(path, method="GET").respond_with_json([made(key_of(floor))] if happened else [])
    if not happened:
        paid_at_woocommerce(floor, number, httpserver)
    floor.pay_cancelled()
    assert standing(floor, number) == [("done", 2900, "")]
    assert posts(httpserver) == int(not happened)


def test_what_was_paid_and_not_written_down_is_not_paid_again(
    floor: Floor, at: Callable[..., str], httpserver: HTTPServer
) -> None:
    number = at("woocommerce", httpserver.url_for(""))
    cancel(floor, number)
    answer = {"paid_minor": 2900, "reference": "726"}
    done = update(effects).where(effects.c.key == key_of(floor)).values(state="done", answer=answer)
    floor.room.database.write(lambda c: c.execute(done).rowcount)
    floor.pay_cancelled()
    assert standing(floor, number) == [("done", 2900, "")]
    assert httpserver.log == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("after", [False, True])
def test_whoever_is_killed_while_paying_has_paid_once(
    floor: Floor,
    at: Callable[..., str],
    shopify_till: ShopifyTill,
    httpserver: HTTPServer,
    database: Database,
    after: bool,
) -> None:
    """kill -9 of the paying process, just before or just after the channel did it, and before it wrote that down."""
    url = shopify_till.listen(httpserver)
    number = at("shopify", url, fake_shops.TOKEN)
    id_ = int(external_id(floor, number))
    shopify_till.orders[id_] = an_order(id_, [(PLAIN, 1)])
    shopify_till.transactions[id_] = [paid(901, "SALE", "29.00")]
    cancel(floor, number)
    database.close()
    pays = [sys.executable, "-m", "tests.paying", str(floor.room.home), url]
    run_killed(shopify_till, pays, after=after, within=PAY_WITHIN)
    assert len(shopify_till.refunds.get(id_, [])) == int(after)
    assert floor.effects("refund") == [(key_of(floor), "started")]
    # Its lease is over, for its process is gone: the next one asks what became of the call.
    subprocess.run(pays, check=True, timeout=PAY_WITHIN)
    assert len(shopify_till.refunds[id_]) == 1
    assert standing(floor, number) == [("done", 2900, "")]


@pytest.mark.parametrize("happened", [True, False])
def test_where_nobody_can_tell_a_person_looks_and_nothing_is_repeated_before(
    floor: Floor, at: Callable[..., str], httpserver: HTTPServer, happened: bool
) -> None:
    number = at("woocommerce", httpserver.url_for(""))
    cancel(floor, number)
    path = PATH.format(external_id(floor, number))
    httpserver.expect_oneshot_request(path, method="POST").respond_with_data("a proxy", status=502)
    httpserver.expect_oneshot_request(path, method="GET").respond_with_json([])
    (outcome,) = floor.pay_cancelled()
    assert (outcome.result, outcome.cause) == ("sick", "unknown")
    assert floor.pay_cancelled() == []
    key = key_of(floor)
    floor.room.database.write(lambda c: decisions.decide(c, key, happened=happened, actor="Ada"))
    if not happened:
        httpserver.expect_oneshot_request(path, method="POST").respond_with_json(made(key), status=201)
    floor.pay_cancelled()
    assert standing(floor, number) == [("done", 2900, "")]
    assert posts(httpserver) == 1 + int(not happened)


def test_where_the_channel_refuses_it_is_listed_and_a_person_pays(
    floor: Floor, at: Callable[..., str], httpserver: HTTPServer
) -> None:
    number = at("woocommerce", httpserver.url_for(""))
    cancel(floor, number)
    no = {"code": "woocommerce_rest_cannot_create_order_refund"}
    path = PATH.format(external_id(floor, number))
    httpserver.expect_request(path, method="POST").respond_with_json(no, status=500)
    (outcome,) = floor.pay_cancelled()
    assert (outcome.result, outcome.cause) == ("sick", "refund-refused")
    (one,) = owed(floor)
    assert "does not pay" in one.trouble
    with floor.room.database.read() as connection:
        assert [row[1] for row in sickness.alone(connection, "refunds", HUB)] == [number]
        assert number not in sickness.well(connection, [number])
    floor.room.database.write(lambda c: cancelled_refunds.confirm(c, number, 2900, "", "Ada"))
    with floor.room.database.read() as connection:
        assert sickness.alone(connection, "refunds", HUB) == []
        assert number in sickness.well(connection, [number])
    assert floor.pay_cancelled() == []
    assert len(httpserver.log) == 1


def test_more_than_ten_of_one_cause_are_one_breaker(
    floor: Floor, at: Callable[..., str], httpserver: HTTPServer
) -> None:
    others = [floor.number(floor.order((PLAIN, 1))) for _ in range(11)]
    numbers = [*others, at("woocommerce", httpserver.url_for(""))]
    for number in numbers:
        cancel(floor, number)
    httpserver.expect_request(re.compile("/wp-json/.*")).respond_with_json({}, status=401)
    assert {outcome.cause for outcome in floor.pay_cancelled()} == {"refund-setup"}
    from tasks.sick import give_runs

    give_runs(floor.room, "refunds", HUB)
    assert (len(floor.waker.breaker_runs), floor.waker.order_runs) == (1, [])


# Exactly one of the two.


def test_what_its_channel_cancelled_is_not_paid_back_here(
    floor: Floor, at: Callable[..., str], httpserver: HTTPServer
) -> None:
    number = at("woocommerce", httpserver.url_for(""))
    says(floor, number, cancelled_at="2026-11-01T10:30:00+00:00")
    assert floor.state(number)[0] == "cancelled"
    assert (floor.pay_cancelled(), standing(floor, number), floor.effects("refund")) == ([], [], [])


@pytest.mark.parametrize("status", ["pending", "refunded"])
def test_what_was_never_paid_or_is_paid_back_already_is_not_paid_back(
    floor: Floor, at: Callable[..., str], httpserver: HTTPServer, status: str
) -> None:
    number = at("woocommerce", httpserver.url_for(""), order={"financial_status": status})
    assert floor.state(number)[0] == "held"
    cancel(floor, number)
    assert (floor.pay_cancelled(), standing(floor, number)) == ([], [])


def test_what_the_channel_pays_back_on_its_own_meanwhile_is_not_paid_again(
    floor: Floor, at: Callable[..., str], httpserver: HTTPServer
) -> None:
    number = at("woocommerce", httpserver.url_for(""))
    cancel(floor, number)
    says(floor, number, financial_status="refunded", cancelled_at="2026-11-01T10:30:00+00:00")
    assert standing(floor, number) == [("done", 2900, "")]
    assert floor.effects("refund") == [(key_of(floor), "done")]
    assert (floor.pay_cancelled(), httpserver.log) == ([], [])
    assert floor.events(number).count("refund.paid_there") == 1


def test_the_echo_of_our_own_refund_settles_nothing_before_its_answer_is_known(
    floor: Floor, at: Callable[..., str], httpserver: HTTPServer
) -> None:
    number = at("woocommerce", httpserver.url_for(""))
    cancel(floor, number)
    begun(floor)
    says(floor, number, financial_status="refunded")
    assert standing(floor, number) == [("waiting", None, "")]
    path = PATH.format(external_id(floor, number))
    httpserver.expect_request(path, method="GET").respond_with_json([made(key_of(floor))])
    floor.pay_cancelled()
    assert standing(floor, number) == [("done", 2900, "")]
    assert floor.events(number)[-1] == "refund.paid"
    assert posts(httpserver) == 0


def test_a_call_that_never_came_through_is_not_made_where_the_channel_has_paid_since(
    floor: Floor, at: Callable[..., str], httpserver: HTTPServer
) -> None:
    number = at("woocommerce", httpserver.url_for(""))
    cancel(floor, number)
    begun(floor)
    says(floor, number, financial_status="refunded")
    httpserver.expect_request(PATH.format(external_id(floor, number)), method="GET").respond_with_json([])
    floor.pay_cancelled()
    assert standing(floor, number) == [("done", 2900, "")]
    assert floor.events(number)[-1] == "refund.paid_there"
    assert (floor.pay_cancelled(), posts(httpserver)) == ([], 0)


def test_a_person_who_pays_while_the_wave_looks_is_the_only_one_who_does(
    floor: Floor, at: Callable[..., str], httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tasks.pay_cancelled

    number = at("woocommerce", httpserver.url_for(""))
    cancel(floor, number)
    asks = tasks.pay_cancelled.ask_channels

    def after_a_person(*args: Any, **how: Any) -> Any:
        floor.room.database.write(lambda c: cancelled_refunds.confirm(c, number, 2900, "", "Ada"))
        return asks(*args, **how)

    monkeypatch.setattr(tasks.pay_cancelled, "ask_channels", after_a_person)
    floor.pay_cancelled()
    assert (standing(floor, number), httpserver.log) == ([("done", 2900, "")], [])


def test_what_is_paid_after_it_was_cancelled_is_owed(
    floor: Floor, at: Callable[..., str], httpserver: HTTPServer
) -> None:
    number = at("woocommerce", httpserver.url_for(""), order={"financial_status": "pending"})
    cancel(floor, number)
    says(floor, number, financial_status="paid")
    assert floor.state(number)[0] == "cancelled"
    paid_at_woocommerce(floor, number, httpserver)
    floor.pay_cancelled()
    assert standing(floor, number) == [("done", 2900, "")]


def test_an_order_whose_money_is_kept_is_not_paid_back_even_when_it_is_paid_later(
    floor: Floor, at: Callable[..., str], httpserver: HTTPServer
) -> None:
    late = floor.number(floor.order((PLAIN, 1), financial_status="pending"))
    number = at("woocommerce", httpserver.url_for(""))
    for one in (number, late):
        cancel(floor, one, keep_money=True)
    says(floor, late, financial_status="paid")
    assert (floor.pay_cancelled(), standing(floor, number), standing(floor, late)) == ([], [], [])


@pytest.mark.parametrize("reason", ["changed_while_making", "changed_after_label"])
def test_what_was_changed_at_its_channel_after_it_was_begun_is_a_persons(
    floor: Floor, at: Callable[..., str], httpserver: HTTPServer, reason: str
) -> None:
    number = at("woocommerce", httpserver.url_for(""))
    floor.room.database.write(lambda c: desk.hold(c, number, reason, ""))
    cancel(floor, number)
    floor.pay_cancelled()
    assert standing(floor, number) == [("waiting", None, Why.CHANGED_THERE)]
    assert httpserver.log == []


def test_cancelling_from_two_sides_at_once_owes_it_once(floor: Floor, at: Callable[..., str]) -> None:
    number = at("etsy")
    together = threading.Barrier(2)

    def one() -> None:
        together.wait()
        cancel(floor, number)

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(standing(floor, number)) == len(floor.effects("refund")) == 1


def test_the_sweep_finds_what_waits_and_nobody_is_forgotten_before(floor: Floor, at: Callable[..., str]) -> None:
    number = at("etsy")
    cancel(floor, number)
    with floor.room.database.read() as connection:
        assert waits(connection)
        person = connection.execute(select(orders.c.person_id).where(orders.c.number == number)).scalar_one()
        assert forgetting.open_work(connection, Whose(person)) == [number]
    floor.pay_cancelled()
    with floor.room.database.read() as connection:
        assert not waits(connection)
    with pytest.raises(forgetting.StillServed):
        floor.room.database.write(lambda c: forgetting.forget(c, Whose(person)))
    floor.room.database.write(lambda c: forgetting.forget(c, Whose(person), close=True))
    assert (standing(floor, number)[0][0], owed(floor)) == ("dropped", [])


def test_what_is_put_off_goes_on_by_itself(floor: Floor, at: Callable[..., str], httpserver: HTTPServer) -> None:
    number = at("woocommerce", httpserver.url_for(""))
    cancel(floor, number)
    path = PATH.format(external_id(floor, number))
    busy = {"Retry-After": "3600"}
    httpserver.expect_oneshot_request(path, method="POST").respond_with_data("", status=429, headers=busy)
    (outcome,) = floor.pay_cancelled()
    assert outcome.result == "waiting"
    assert floor.pay_cancelled() == []
    floor.waits_are_over()
    due = update(rows).values(next_attempt_at=rows.c.planned_at)
    floor.room.database.write(lambda c: c.execute(due).rowcount)
    paid_at_woocommerce(floor, number, httpserver)
    floor.pay_cancelled()
    assert standing(floor, number) == [("done", 2900, "")]
