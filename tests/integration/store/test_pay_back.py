"""Refunds at a channel that pays back by itself: once, whatever crashes, and by hand where it does not."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pytest_httpserver import HTTPServer
from sqlalchemy import update

from backroom.channels.registry import REFUNDS
from backroom.domain.channels import REFUNDING_KINDS, RefundsSpec
from backroom.domain.returns import Disposition, Reason
from backroom.shop import room as rooms
from backroom.shop.secrets import Secrets
from backroom.store import decisions, refunds, sickness
from backroom.store.tables import effects
from backroom.store.tables import refunds as refund_rows
from tests.fake_shops import TOKEN
from tests.fake_tills import ShopifyTill, paid
from tests.integration.store.test_returns import Counter
from tests.shops import HUB, PLAIN, Floor, an_order


def taken_in(floor: Floor, monkeypatch: pytest.MonkeyPatch, httpserver: HTTPServer) -> tuple[Counter, str, str]:
    """A return that is owed 29.00, at a channel that pays back; with the path of its order's refunds there."""
    counter = Counter(floor, floor.room.shop)
    number = counter.sold((PLAIN, 1))
    rma = counter.scan(counter.label(number))
    counter.settle(rma, PLAIN, Reason.SIZE, Disposition.DISCARD)
    counter.all_in(rma)
    spec = replace(
        floor.room.shop.channels[0],
        kind="woocommerce",
        refunds=RefundsSpec(httpserver.url_for(""), "refunds.web"),
    )
    secrets = Secrets(floor.room.home / "secrets.toml", {"refunds.web": "ck_1:cs_1"})
    floor.room = replace(floor.room, shop=replace(floor.room.shop, channels=(spec,)), secrets=secrets)
    counter.shop = floor.room.shop
    monkeypatch.setitem(rooms._open, floor.room.home.resolve(), floor.room)
    external_id = floor.story(number).order["external_id"]
    return counter, rma, f"/wp-json/wc/v3/orders/{external_id}/refunds"


def made(rma_key: str) -> dict[str, object]:
    return {"id": 726, "amount": "29.00", "reason": f"Backroom {rma_key}", "refunded_payment": True}


def key_of(floor: Floor) -> str:
    ((key, _),) = floor.effects("refund")
    return key


def test_what_is_owed_is_paid_by_its_channel_once_and_the_customer_told(
    floor: Floor, monkeypatch: pytest.MonkeyPatch, httpserver: HTTPServer
) -> None:
    counter, rma, path = taken_in(floor, monkeypatch, httpserver)
    httpserver.expect_ordered_request(path, method="POST").respond_with_json(made(key_of(floor)), status=201)
    floor.take_back()
    assert (counter.state(rma), counter.owed()) == ("closed", [])
    assert floor.effects("refund") == [(key_of(floor), "done")]
    assert len(httpserver.log) == 1
    number = rma.split("-", 1)[1].rsplit("-", 1)[0]
    assert "refund.paid" in floor.events(number)
    assert "29.00 EUR" in "".join(file.read_text() for file in (floor.room.home / "mail").glob("*.eml"))


def test_a_crash_between_the_call_and_its_outcome_pays_nothing_twice(
    floor: Floor, monkeypatch: pytest.MonkeyPatch, httpserver: HTTPServer
) -> None:
    counter, rma, path = taken_in(floor, monkeypatch, httpserver)
    begun = update(effects).where(effects.c.key == key_of(floor))
    counter.write(lambda c: c.execute(begun.values(state="started", started_at=effects.c.planned_at)).rowcount)
    with pytest.raises(refunds.BeingPaid):
        counter.pay(rma, 2900)
    httpserver.expect_request(path, method="GET").respond_with_json([made(key_of(floor))])
    floor.take_back()
    assert counter.state(rma) == "closed"
    assert [request.method for request, _ in httpserver.log] == ["GET"]


def test_what_was_paid_and_not_written_down_is_not_paid_again(
    floor: Floor, monkeypatch: pytest.MonkeyPatch, httpserver: HTTPServer
) -> None:
    counter, rma, _ = taken_in(floor, monkeypatch, httpserver)
    answer = {"paid_minor": 2900, "reference": "726"}
    done = update(effects).where(effects.c.key == key_of(floor)).values(state="done", answer=answer)
    counter.write(lambda c: c.execute(done).rowcount)
    floor.take_back()
    assert counter.state(rma) == "closed"
    assert httpserver.log == []


def test_where_the_channel_refuses_a_person_pays_and_says_so(
    floor: Floor, monkeypatch: pytest.MonkeyPatch, httpserver: HTTPServer
) -> None:
    counter, rma, path = taken_in(floor, monkeypatch, httpserver)
    no = {"code": "woocommerce_rest_cannot_create_order_refund"}
    httpserver.expect_request(path, method="POST").respond_with_json(no, status=500)
    (outcome,) = floor.take_back()
    assert (outcome.result, outcome.cause) == ("sick", "refund-refused")
    with floor.room.database.read() as connection:
        (owed,) = refunds.waiting(connection, floor.room.seals)
        assert "does not pay" in owed.trouble
        assert len(sickness.alone(connection, "returns", HUB)) == 1
    counter.pay(rma, 2900)
    floor.take_back()
    assert counter.state(rma) == "closed"
    with floor.room.database.read() as connection:
        assert sickness.alone(connection, "returns", HUB) == []
    assert len(httpserver.log) == 1


@pytest.mark.parametrize("happened", [True, False])
def test_where_nobody_can_tell_a_person_looks_and_says_what_they_saw(
    floor: Floor, monkeypatch: pytest.MonkeyPatch, httpserver: HTTPServer, happened: bool
) -> None:
    counter, rma, path = taken_in(floor, monkeypatch, httpserver)
    key = key_of(floor)
    httpserver.expect_oneshot_request(path, method="POST").respond_with_data("a proxy", status=502)
    httpserver.expect_oneshot_request(path, method="GET").respond_with_json([])
    (outcome,) = floor.take_back()
    assert outcome.cause == "unknown"
    counter.write(lambda c: decisions.decide(c, key, happened=happened, actor="Ada"))
    if not happened:
        httpserver.expect_oneshot_request(path, method="POST").respond_with_json(made(key), status=201)
    floor.take_back()
    assert counter.state(rma) == "closed"
    with floor.room.database.read() as connection:
        row = connection.execute(refund_rows.select()).mappings().one()
    assert (row["paid_minor"], row["reference"]) == (2900, "" if happened else "726")


def test_every_kind_that_a_shop_file_may_name_can_pay_back() -> None:
    assert set(REFUNDS) == set(REFUNDING_KINDS)


def test_a_return_of_a_shopify_order_is_paid_back_there_once(
    floor: Floor, monkeypatch: pytest.MonkeyPatch, shopify_till: ShopifyTill, httpserver: HTTPServer
) -> None:
    counter, rma, _ = taken_in(floor, monkeypatch, httpserver)
    (web,) = floor.room.shop.channels
    floor.room = replace(
        floor.room,
        shop=replace(floor.room.shop, channels=(replace(web, kind="shopify"),)),
        secrets=Secrets(floor.room.home / "secrets.toml", {"refunds.web": TOKEN}),
    )
    counter.shop = floor.room.shop
    monkeypatch.setitem(rooms._open, floor.room.home.resolve(), floor.room)
    number = rma.split("-", 1)[1].rsplit("-", 1)[0]
    external_id = int(floor.story(number).order["external_id"])
    shopify_till.orders[external_id] = an_order(external_id, [(PLAIN, 1)])
    shopify_till.transactions[external_id] = [paid(901, "SALE", "29.00")]
    shopify_till.listen(httpserver)
    floor.take_back()
    assert (counter.state(rma), counter.owed()) == ("closed", [])
    (refund,) = shopify_till.refunds[external_id]
    assert refund["note"] == f"Backroom {key_of(floor)}"
    assert floor.effects("refund") == [(key_of(floor), "done")]
