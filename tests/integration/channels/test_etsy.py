"""Asking and telling an Etsy that answers by hand over real HTTP, and keeping the login that it renews."""

from __future__ import annotations

import copy
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from sqlalchemy import select, update
from werkzeug import Response

from backroom.channels.etsy_calls import LoginEnded
from backroom.channels.etsy_source import EtsyNews, EtsySource, NotOffered
from backroom.channels.login_drawer import LoginDrawer
from backroom.channels.registry import SOURCES, WRITE_BACKS, channel_for
from backroom.channels.remote import Cancelled, KeepsLogin, Shipped
from backroom.domain.channels import ApiSpec, ChannelSpec
from backroom.outgoing.circuit import close_all
from backroom.outgoing.errors import AnswerUnreadable, ServiceAway, ServiceRefused, ServiceSetup, ServiceSilent
from backroom.outgoing.probe import wide_of
from backroom.store.database import Database, now
from backroom.store.tables import channel_logins
from tests.fake_etsy import FIRST, KEY, SECRET, SHOP, FakeEtsy, error
from tests.unit.channels.samples import payload

RECEIPT = payload("etsy_receipt.json")
ID = str(RECEIPT["receipt_id"])
SINCE = datetime(2026, 11, 1, tzinfo=UTC)
SHIPPED = Shipped("ship-A-1042-1", ID, (), "dhl", "00340434161094")

# Of Etsy's own API description (oas/3.0.0.json), schemas ShopReceipt, ShopReceiptTransaction and ShopReceiptShipment.
SHOP_RECEIPT = """
receipt_id receipt_type seller_user_id seller_email buyer_user_id buyer_email name first_line second_line city state zip
status formatted_address country_iso payment_method payment_email message_from_seller message_from_buyer
message_from_payment is_paid is_shipped create_timestamp created_timestamp update_timestamp updated_timestamp is_gift
gift_message gift_sender grandtotal subtotal total_price total_shipping_cost total_tax_cost total_vat_cost discount_amt
gift_wrap_price shipments transactions refunds
"""
TRANSACTION = """
transaction_id title description seller_user_id buyer_user_id create_timestamp created_timestamp paid_timestamp
shipped_timestamp quantity listing_image_id receipt_id is_digital file_data listing_id transaction_type product_id sku
price shipping_cost variations product_data shipping_profile_id min_processing_days max_processing_days shipping_method
shipping_upgrade expected_ship_date buyer_coupon shop_coupon
"""
SHIPMENT = "receipt_shipping_id shipment_notification_timestamp carrier_name tracking_code"
LIST_PARAMETERS = """
min_created max_created min_last_modified max_last_modified limit offset sort_on sort_order was_paid was_shipped
was_delivered was_canceled legacy
"""


@pytest.fixture(autouse=True)
def fresh_circuits() -> Iterator[None]:
    close_all()
    yield
    close_all()


@pytest.fixture
def etsy() -> FakeEtsy:
    fake = FakeEtsy()
    fake.receipts[ID] = copy.deepcopy(RECEIPT)
    return fake


@pytest.fixture
def spec(etsy: FakeEtsy, httpserver: HTTPServer) -> ChannelSpec:
    return ChannelSpec(
        "stall", "etsy", 3, "standard", api=ApiSpec(etsy.listen(httpserver), "channel.stall", account=SHOP)
    )


@pytest.fixture
def source(spec: ChannelSpec, database: Database) -> EtsySource:
    return opened(spec, database)


def opened(spec: ChannelSpec, database: Database, secret: str = SECRET) -> EtsySource:
    source = EtsySource(spec, secret)
    assert isinstance(source, KeepsLogin)
    source.keep_in(LoginDrawer(database, spec.id))
    return source


def told_by(spec: ChannelSpec, database: Database) -> EtsyNews:
    news = EtsyNews(spec, SECRET)
    news.keep_in(LoginDrawer(database, spec.id))
    return news


def another(number: int, at: int, **changes: Any) -> dict[str, Any]:
    return copy.deepcopy(RECEIPT) | {"receipt_id": number, "updated_timestamp": at, "update_timestamp": at} | changes


def test_every_receipt_that_changed_is_listed_the_longest_unchanged_first(etsy: FakeEtsy, source: EtsySource) -> None:
    first = RECEIPT["updated_timestamp"]
    for number in range(1, 251):
        # A hundred and more within one second, and a page's end among them.
        etsy.receipts[str(number)] = another(number, first + (number > 120))
    listed = list(source.changed_since(SINCE))
    assert len(listed) == len({one.external_id for one in listed}) == 251
    assert [one.updated_at for one in listed] == sorted(one.updated_at for one in listed)
    assert all(one.paid and one.total_minor == 6390 for one in listed)
    for method, path, params in etsy.calls:
        if path.endswith("/receipts"):
            assert method == "GET"
            assert params.keys() <= set(LIST_PARAMETERS.split())


def test_what_is_sent_or_off_is_listed_as_such(etsy: FakeEtsy, source: EtsySource) -> None:
    etsy.receipts = {
        "1": another(1, 1795196801, is_shipped=True),
        "2": another(2, 1795196802, status="canceled"),
        "3": another(3, 1795196803, status="open", is_paid=False),
    }
    listed = {one.external_id: (one.paid, one.fulfilled) for one in source.changed_since(SINCE)}
    assert listed == {"1": (True, True), "2": (False, False), "3": (False, False)}


def test_receipts_are_fetched_whole_and_what_is_not_there_is_left_out(
    etsy: FakeEtsy, spec: ChannelSpec, source: EtsySource
) -> None:
    [fetched] = source.fetch([ID, "99", "../users/me", ""])
    order = channel_for(spec).parse(json.loads(fetched.body), fetched.topic, "DE")
    assert (order.external_id, order.total_minor) == (ID, 6390)
    assert not channel_for(spec).is_hint(json.loads(fetched.body), fetched.topic)
    assert not [path for _, path, _ in etsy.calls if "users" in path]


def test_what_the_fake_answers_has_no_field_that_etsy_does_not_have(
    etsy: FakeEtsy, spec: ChannelSpec, database: Database
) -> None:
    told_by(spec, database).shipped(SHIPPED)
    [fetched] = opened(spec, database).fetch([ID])
    receipt = json.loads(fetched.body)
    assert receipt.keys() == set(SHOP_RECEIPT.split())
    assert receipt["transactions"][0].keys() == set(TRANSACTION.split())
    assert receipt["shipments"][0].keys() == set(SHIPMENT.split())


def test_a_login_is_renewed_once_and_kept_for_the_next_process(
    etsy: FakeEtsy, spec: ChannelSpec, database: Database
) -> None:
    list(opened(spec, database).fetch([ID]))
    list(opened(spec, database).fetch([ID]))
    assert etsy.renewed == 1
    [token] = [params for _, path, params in etsy.calls if path == "public/oauth/token"]
    assert token == {"grant_type": "refresh_token", "client_id": "keystring", "refresh_token": FIRST}


def test_the_next_renewal_is_by_the_token_that_the_last_one_gave(
    etsy: FakeEtsy, spec: ChannelSpec, database: Database
) -> None:
    etsy.expires_in = 60
    for _ in range(3):
        list(opened(spec, database).fetch([ID]))
    told = [params["refresh_token"] for _, path, params in etsy.calls if path == "public/oauth/token"]
    assert told == [FIRST, "42.renewal-1", "42.renewal-2"]


def test_many_processes_that_need_a_login_at_once_renew_it_once(
    etsy: FakeEtsy, spec: ChannelSpec, database: Database
) -> None:
    found: list[int] = []
    threads = [
        threading.Thread(target=lambda: found.append(len(list(opened(spec, database).fetch([ID]))))) for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (found, etsy.renewed) == ([1] * 6, 1)


def test_what_is_kept_is_sealed_and_begins_anew_with_another_secret(
    etsy: FakeEtsy, spec: ChannelSpec, database: Database
) -> None:
    list(opened(spec, database).fetch([ID]))
    with database.read() as connection:
        [row] = connection.execute(select(channel_logins)).all()
    assert b"42." not in row.sealed
    assert FIRST not in str(row)
    etsy.renewals.add("42.again")
    list(opened(spec, database, f"{KEY} 42.again").fetch([ID]))
    told = [params["refresh_token"] for _, path, params in etsy.calls if path == "public/oauth/token"]
    assert told == [FIRST, "42.again"]


def test_a_login_that_etsy_renews_no_more_says_what_to_do_and_is_tried_again_when_mended(
    etsy: FakeEtsy, spec: ChannelSpec, database: Database
) -> None:
    etsy.renewals.clear()
    with pytest.raises(LoginEnded, match="invalid_grant") as caught:
        list(opened(spec, database).fetch([ID]))
    assert "refresh token" in caught.value.remedy
    assert FIRST not in str(caught.value)
    etsy.renewals.add(FIRST)
    assert len(list(opened(spec, database).fetch([ID]))) == 1


def test_whoever_died_while_renewing_is_not_waited_for_for_ever(
    etsy: FakeEtsy, spec: ChannelSpec, database: Database
) -> None:
    drawer = LoginDrawer(database, spec.id)
    assert drawer.read(SECRET) is None
    assert drawer.take_turn(SECRET)
    assert not LoginDrawer(database, spec.id).take_turn(SECRET)
    database.write(lambda c: c.execute(update(channel_logins).values(busy_until=now(c) - timedelta(seconds=1))))
    assert len(list(opened(spec, database).fetch([ID]))) == 1


def test_without_a_drawer_nothing_is_renewed(etsy: FakeEtsy, spec: ChannelSpec) -> None:
    for ask in (lambda source: list(source.fetch([ID])), lambda source: source.check()):
        with pytest.raises(LoginEnded):
            ask(EtsySource(spec, SECRET))
    assert etsy.renewed == 0


def test_the_doctor_tries_the_apps_key_and_the_shops_login_and_keeps_what_was_renewed(
    database: Database, etsy: FakeEtsy, spec: ChannelSpec
) -> None:
    opened(spec, database).check()
    opened(spec, database).check()
    assert etsy.renewed == 1
    for secret, kind in ((f"wrong {FIRST}", ServiceSetup), (f"{SECRET.partition(' ')[0]} another", LoginEnded)):
        source = EtsySource(spec, secret)
        source.keep_in(LoginDrawer(database, spec.id))
        with pytest.raises(kind):
            source.check()


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (error(403, "insufficient_scope"), ServiceSetup),
        (Response("<html>", 200), AnswerUnreadable),
        (Response("", 500), ServiceAway),
        (Response("", 429, headers={"Retry-After": "3600"}), ServiceAway),
    ],
)
def test_each_bad_answer_is_an_error_of_the_tree(
    etsy: FakeEtsy, source: EtsySource, answer: Response, kind: type[Exception]
) -> None:
    list(source.fetch([ID]))
    etsy.bad = [answer] * 3
    with pytest.raises(kind) as caught:
        list(source.fetch([ID]))
    assert KEY not in str(caught.value)
    assert etsy.access not in str(caught.value)


def test_a_parcel_is_told_once_and_found_again(etsy: FakeEtsy, spec: ChannelSpec, database: Database) -> None:
    assert WRITE_BACKS["etsy"] is EtsyNews
    assert SOURCES["etsy"] is EtsySource
    news = told_by(spec, database)
    assert not news.idempotent
    assert news.was_told(SHIPPED) is None
    first = news.shipped(SHIPPED)
    assert news.shipped(SHIPPED) == news.was_told(SHIPPED) == first == "1"
    assert len(etsy.receipts[ID]["shipments"]) == 1
    assert news.was_told(replace(SHIPPED, tracking="another")) is None


def test_a_carrier_that_etsy_does_not_know_is_another(etsy: FakeEtsy, spec: ChannelSpec, database: Database) -> None:
    told_by(spec, database).shipped(replace(SHIPPED, carrier="Nachtbote"))
    assert [one["carrier_name"] for one in etsy.receipts[ID]["shipments"]] == ["other"]


def test_what_has_no_number_is_only_marked_as_sent(etsy: FakeEtsy, spec: ChannelSpec, database: Database) -> None:
    news = told_by(spec, database)
    collected = replace(SHIPPED, carrier="", tracking="")
    assert news.was_told(collected) is None
    assert news.shipped(collected) == news.was_told(collected) == "shipped"
    assert etsy.receipts[ID]["shipments"] == []


def test_a_lost_answer_is_unknown_and_the_parcel_is_found_and_not_told_again(
    etsy: FakeEtsy, spec: ChannelSpec, database: Database
) -> None:
    news = told_by(spec, database)
    etsy.lost = 1
    with pytest.raises(ServiceSilent):
        news.shipped(SHIPPED)
    assert news.was_told(SHIPPED) == news.shipped(SHIPPED) == "1"
    assert len([1 for method, path, _ in etsy.calls if method == "POST" and path.endswith("/tracking")]) == 1


def test_a_login_with_more_scopes_than_are_used_is_wide(etsy: FakeEtsy, spec: ChannelSpec, source: EtsySource) -> None:
    etsy.scopes = ("transactions_r",)
    assert wide_of(source) is None
    etsy.scopes += ("transactions_w", "email_r")
    wide = wide_of(source)
    assert wide is not None
    assert "email_r, transactions_w" in wide.message
    assert spec.api is not None


def test_what_etsy_has_no_call_for_is_a_persons(spec: ChannelSpec, database: Database) -> None:
    news = told_by(spec, database)
    with pytest.raises(NotOffered):
        news.cancelled(Cancelled("cancel-A-1042", ID, "out_of_stock"))
    with pytest.raises(ServiceRefused):
        news.was_told(replace(SHIPPED, external_id="99"))
