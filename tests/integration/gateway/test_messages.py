"""What SMS providers tell the gateway: believed only with proof, in the database before it is answered, and once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select

from backroom.messaging.kannel_marks import mark
from backroom.shop.room import Room
from backroom.shop.secrets import Secrets
from backroom.store.database import Database, now
from backroom.store.people import find_or_add
from backroom.store.seals import Seals, seal
from backroom.store.tables import consents, message_replies, messages, orders, suppressions
from tests import fake_twilio
from tests.integration.gateway.conftest import SECRET, Gateway, a_shop, make_order

PUBLIC = "https://hooks.shop.example"
KEY = "message-A-1-x1-handed_over-sms"
PHONE = "+4915112345678"
TOKEN = "token-for-kannel"
SHOP_NUMBER = "+4915799999999"


@pytest.fixture(params=["twilio"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def room(tmp_path: Path, database_url: str, kind: str) -> Iterator[Room]:
    """A shop whose SMS go by a provider, which reaches its gateway at a public address."""
    database = Database(database_url)
    told = {"webhook.web": SECRET, "sms.kind": kind, "sms.auth_token": fake_twilio.TOKEN, "sms.token": TOKEN}
    shop = a_shop()
    shop = replace(shop, messaging=replace(shop.messaging, sms="gateway", public_url=PUBLIC))
    yield Room(tmp_path, shop, database, Seals(bytes(range(32))), Secrets(tmp_path / "secrets.toml", told))
    database.close()


kannel = pytest.mark.parametrize("kind", ["kannel"], indirect=True)


def a_message(gateway: Gateway) -> str:
    """An order one of whose messages went under KEY, to a person known by PHONE; the order's number."""
    number = make_order(gateway.room)

    def work(connection: Any) -> None:
        order = connection.execute(select(orders).where(orders.c.number == number)).mappings().one()
        person = find_or_add(
            connection, gateway.room.seals, [("email", "ada@example.com"), ("phone", PHONE)], now(connection)
        )
        row = {"key": KEY, "order_id": order["id"], "person_id": person.id, "kind": "handed_over", "medium": "sms"}
        row |= {"content": seal(person.key, b"{}", "messages.content"), "state": "sent", "at": now(connection)}
        connection.execute(insert(messages).values(row))
        said = {"person_id": person.id, "medium": "sms", "purpose": "order_updates", "granted": True, "source": "web"}
        connection.execute(insert(consents).values(said | {"wording": "yes", "at": now(connection)}))

    gateway.room.database.write(work)
    return number


def rows(gateway: Gateway, table: Any) -> list[dict[str, Any]]:
    with gateway.room.database.read() as connection:
        return [dict(row) for row in connection.execute(select(table)).mappings()]


def delivery(gateway: Gateway) -> str:
    [row] = rows(gateway, messages)
    return str(row["delivery"])


def status(gateway: Gateway, state: str, key: str = KEY, token: str = fake_twilio.TOKEN, **more: str) -> Any:
    form = {"MessageSid": "SM77", "MessageStatus": state, "To": PHONE, "AccountSid": fake_twilio.ACCOUNT} | more
    path = f"/messages/twilio/{key}"
    return fake_twilio.post(gateway.url + path, form, PUBLIC + path, token)


def write_back(gateway: Gateway, text: str, sid: str = "SM1", token: str = fake_twilio.TOKEN, **more: str) -> Any:
    form = fake_twilio.reply(SHOP_NUMBER, PHONE, text, sid, **more)
    return fake_twilio.post(f"{gateway.url}/messages/twilio", form, f"{PUBLIC}/messages/twilio", token)


def test_twilios_report_stands_beside_the_message_before_it_is_answered(gateway: Gateway) -> None:
    a_message(gateway)
    for state, known in (("queued", "queued"), ("sent", "sent"), ("delivered", "delivered"), ("sent", "delivered")):
        answer = status(gateway, state)
        assert answer.status_code == 200
        assert delivery(gateway) == known
    assert answer.json() == {"outcome": "duplicate"}


def test_an_undelivered_message_says_why_by_twilios_code(gateway: Gateway) -> None:
    a_message(gateway)
    status(gateway, "undelivered", ErrorCode="30003", ErrorMessage=f"Unreachable {PHONE}")
    [row] = rows(gateway, messages)
    assert (row["delivery"], row["delivery_code"]) == ("undelivered", "30003")


def test_a_report_that_somebody_stopped_is_taken_as_a_stop(gateway: Gateway) -> None:
    a_message(gateway)
    status(gateway, "failed", ErrorCode="21610")
    [silent] = rows(gateway, suppressions)
    assert (silent["word"], silent["provider_id"]) == ("21610", "SM77")
    assert [row["granted"] for row in rows(gateway, consents)] == [True, False, False]


def test_nobody_but_twilio_is_believed(gateway: Gateway) -> None:
    a_message(gateway)
    assert status(gateway, "delivered", token="other").status_code == 401
    form = {"MessageStatus": "delivered"}
    elsewhere = f"{gateway.url}/messages/twilio/{KEY}"
    for signed_for in (elsewhere, f"{PUBLIC}/messages/twilio/other", PUBLIC):
        assert fake_twilio.post(elsewhere, form, signed_for).status_code == 401
    assert gateway.client.post(f"/messages/twilio/{KEY}", data=form).status_code == 401
    assert write_back(gateway, "STOP", token="other").status_code == 401
    assert delivery(gateway) == ""
    assert rows(gateway, suppressions) == []


def test_what_no_provider_sends_is_said_to_be_so(gateway: Gateway) -> None:
    a_message(gateway)
    assert status(gateway, "flying").status_code == 400
    assert status(gateway, "sent", key="message-A-9-x-handed_over-sms").json() == {"outcome": "unknown"}
    assert status(gateway, "sent", key="%00").status_code == 404
    assert gateway.client.get(f"/messages/kannel/{KEY}/{mark(TOKEN, KEY)}?state=1").status_code == 401


def test_stop_by_twilio_is_kept_once_and_twilio_answers_it_itself(gateway: Gateway) -> None:
    a_message(gateway)
    for _ in range(2):
        answer = write_back(gateway, "STOP")
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("application/xml")
        assert "<Message>" not in answer.text
    [reply] = rows(gateway, message_replies)
    assert (reply["provider"], reply["provider_id"], reply["word"]) == ("twilio", "SM1", "stop")
    assert len(rows(gateway, suppressions)) == 1


def test_a_german_stop_is_answered_by_us_because_twilio_does_not_know_it(gateway: Gateway) -> None:
    a_message(gateway)
    answer = write_back(gateway, "\u200bAbmelden!")
    assert "<Message>Atelier Nord: you get no more SMS from us." in answer.text
    assert len(rows(gateway, suppressions)) == 1
    assert "<Message>" in write_back(gateway, "Hilfe", "SM2").text
    assert "<Message>" not in write_back(gateway, "Hilfe", "SM3", OptOutType="HELP").text


def test_twilio_may_know_words_for_stop_that_we_do_not(gateway: Gateway) -> None:
    a_message(gateway)
    write_back(gateway, "no more please", OptOutType="STOP")
    assert rows(gateway, suppressions)[0]["word"] == "stop"


def test_a_short_number_is_no_customer(gateway: Gateway) -> None:
    form = fake_twilio.reply(SHOP_NUMBER, "22345", "STOP", "SM1")
    where = f"{gateway.url}/messages/twilio"
    assert fake_twilio.post(where, form, f"{PUBLIC}/messages/twilio").status_code == 200
    assert rows(gateway, suppressions) == []


@kannel
def test_kannels_report_is_known_by_the_mark_of_its_message(gateway: Gateway) -> None:
    a_message(gateway)
    where = f"/messages/kannel/{KEY}/{mark(TOKEN, KEY)}"
    for state, known in (("8", "sent"), ("4", "sent"), ("1", "delivered")):
        assert gateway.client.get(where, params={"state": state}).status_code == 200
        assert delivery(gateway) == known
    assert gateway.client.get(where, params={"state": "3"}).status_code == 400
    for wrong in (mark("other", KEY), mark(TOKEN, KEY + "x"), TOKEN, "x"):
        assert gateway.client.get(f"/messages/kannel/{KEY}/{wrong}?state=2").status_code == 401


@kannel
def test_of_a_receipt_the_codes_are_kept_and_not_the_words(gateway: Gateway) -> None:
    a_message(gateway)
    receipt = "id:1 sub:001 dlvrd:000 stat:UNDELIV err:006 text:Hello Ada"
    query = {"state": "2", "receipt": receipt}
    gateway.client.get(f"/messages/kannel/{KEY}/{mark(TOKEN, KEY)}", params=query)
    assert rows(gateway, messages)[0]["delivery_code"] == "UNDELIV 006"


@kannel
@pytest.mark.parametrize("sender", [PHONE, "4915112345678", "004915112345678", "015112345678"])
def test_stop_by_kannel_is_kept_once_and_answered_once(gateway: Gateway, sender: str) -> None:
    a_message(gateway)
    headers = {"X-Kannel-From": sender, "Content-Type": 'text/plain; charset="UTF-8"'}
    answers = [
        gateway.client.post(f"/messages/kannel/{TOKEN}?id=k-1", content="Stopp ü".encode(), headers=headers)
        for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].text.startswith("Atelier Nord: you get no more SMS")
    assert answers[1].text == ""
    [reply] = rows(gateway, message_replies)
    assert (reply["provider"], reply["provider_id"]) == ("kannel", "k-1")
    assert reply["person_id"] is not None


@kannel
def test_nobody_without_the_token_can_stop_anybody(gateway: Gateway) -> None:
    a_message(gateway)
    headers = {"X-Kannel-From": PHONE}
    assert gateway.client.post("/messages/kannel/other?id=1", content=b"STOP", headers=headers).status_code == 401
    form = fake_twilio.reply(SHOP_NUMBER, PHONE, "STOP", "SM1")
    where = f"{gateway.url}/messages/twilio"
    assert fake_twilio.post(where, form, f"{PUBLIC}/messages/twilio").status_code == 401
    assert rows(gateway, suppressions) == []


@kannel
def test_what_needs_unicode_comes_as_utf_16(gateway: Gateway) -> None:
    a_message(gateway)
    headers = {"X-Kannel-From": PHONE, "Content-Type": 'text/plain; charset="UTF-16BE"'}
    body = "\u200bAUFHÖREN 👗".encode("utf-16-be")
    gateway.client.post(f"/messages/kannel/{TOKEN}?id=k-2", content=body, headers=headers)
    assert [row["word"] for row in rows(gateway, suppressions)] == ["aufhören"]
