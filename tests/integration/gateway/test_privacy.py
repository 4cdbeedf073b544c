"""Shopify's three privacy webhooks: through the signed door, written down once, by number, and carried out."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from backroom.privacy.requests import carry_out
from backroom.store import people, requests
from backroom.store.database import now
from backroom.store.people import find_or_add
from backroom.store.tables import inbox, orders, privacy_requests
from tests.integration.gateway.conftest import SHOP_DOMAIN, Gateway, make_order

CUSTOMER = {"id": 191167, "email": "Ada@Example.com", "phone": "+49 30 123456"}


def payload(**more: Any) -> bytes:
    return json.dumps({"shop_id": 954889, "shop_domain": SHOP_DOMAIN} | more).encode()


def post(gateway: Gateway, topic: str, body: bytes, delivery: str = "d-1", **headers: str) -> httpx.Response:
    return gateway.deliver(body, delivery=delivery, X_Shopify_Topic=topic, **headers)


def rows(gateway: Gateway) -> list[dict[str, Any]]:
    with gateway.room.database.read() as connection:
        found = connection.execute(select(privacy_requests).order_by(privacy_requests.c.id)).mappings().all()
    return [dict(row) for row in found]


def end(gateway: Gateway, number: str, channel: str = "web") -> int:
    """An order that has ended, at a channel; returns whose it is."""
    with gateway.room.database.read() as connection:
        person = connection.execute(select(orders.c.person_id).where(orders.c.number == number)).scalar_one()
    ended = orders.update().where(orders.c.number == number).values(state="fulfilled", channel=channel)
    gateway.room.database.write(lambda c: c.execute(ended.values(ended_at=now(c))))
    return int(person)


def carried_out(gateway: Gateway, confirmed: int | None = None) -> list[tuple[list[int], int]]:
    """Of each request who was forgotten, and how many are still served."""
    return [
        (report.people, len(report.still)) for _, report in carry_out(gateway.room, lambda numbers: None, confirmed)
    ]


def known(gateway: Gateway, person: int) -> bool:
    with gateway.room.database.read() as connection:
        try:
            people.load(connection, gateway.room.seals, [person])
        except people.PersonErased:
            return False
    return True


@pytest.mark.parametrize("topic", ["customers/data_request", "customers/redact", "shop/redact"])
def test_what_is_not_signed_is_refused_and_nothing_is_written(gateway: Gateway, topic: str) -> None:
    answer = post(gateway, topic, payload(customer=CUSTOMER), X_Shopify_Hmac_Sha256="AAAA")
    assert answer.status_code == 401
    assert rows(gateway) == []


def test_a_request_names_people_by_number_and_keeps_nothing_of_what_it_said(gateway: Gateway) -> None:
    person = end(gateway, make_order(gateway.room))
    body = payload(customer=CUSTOMER, orders_requested=[299938], data_request={"id": 9999})
    assert post(gateway, "customers/data_request", body).json() == {"outcome": "accepted"}
    assert post(gateway, "customers/data_request", body).json() == {"outcome": "duplicate"}
    (row,) = rows(gateway)
    assert (row["kind"], row["channel"], row["people"], row["state"]) == ("export", "web", [person], "waiting")
    assert (row["due_at"] - row["asked_at"]).days == 30
    kept = json.dumps(row, default=str).lower()
    assert not any(word in kept for word in ("ada@", "example", "123456"))
    with gateway.room.database.read() as connection:
        assert connection.execute(select(inbox)).all() == []
        # Who hands it over takes it from the list of what waits.
        assert [one["id"] for one in requests.waiting(connection)] == [row["id"]]


def test_a_customer_is_forgotten_when_their_orders_have_ended(gateway: Gateway) -> None:
    number = make_order(gateway.room)
    assert post(gateway, "customers/redact", payload(customer=CUSTOMER, orders_to_redact=[])).status_code == 200
    assert carried_out(gateway) == [([], 1)]
    assert rows(gateway)[0]["state"] == "waiting"
    person = end(gateway, number)
    assert carried_out(gateway) == [([person], 0)]
    assert rows(gateway)[0]["state"] == "done"
    assert not known(gateway, person)
    assert carried_out(gateway) == []


def test_a_customer_is_found_by_the_orders_too(gateway: Gateway) -> None:
    number = make_order(gateway.room)
    person = end(gateway, number)
    with gateway.room.database.read() as connection:
        external_id = connection.execute(select(orders.c.external_id)).scalar_one()
    body = payload(customer={"id": 1, "email": None, "phone": None}, orders_to_redact=[external_id, 7])
    assert post(gateway, "customers/redact", body).status_code == 200
    assert carried_out(gateway) == [([person], 0)]


@pytest.mark.parametrize(
    "body", [payload(customer=CUSTOMER), b"{}", b"[]", payload(customer="x", orders_to_redact="y"), b'"text"']
)
def test_whoever_is_not_known_here_has_nothing_here_and_is_not_made_known(gateway: Gateway, body: bytes) -> None:
    answer = post(gateway, "customers/redact", body)
    if answer.status_code == 400:
        return
    assert answer.status_code == 200
    assert [row["state"] for row in rows(gateway)] == ["done"]
    with gateway.room.database.read() as connection:
        assert connection.execute(select(people.people)).all() == []


def test_a_shop_that_closes_waits_for_somebodys_word_while_the_shop_file_has_it(gateway: Gateway) -> None:
    person = end(gateway, make_order(gateway.room))
    assert post(gateway, "shop/redact", payload()).status_code == 200
    assert carried_out(gateway) == []
    assert known(gateway, person)
    assert carried_out(gateway, rows(gateway)[0]["id"]) == [([person], 0)]
    assert not known(gateway, person)
    assert rows(gateway)[0]["state"] == "done"


def test_a_channel_that_closes_takes_what_it_brought_and_leaves_what_others_did(gateway: Gateway) -> None:
    room = gateway.room
    both, elsewhere = make_order(room), make_order(room)
    person = end(gateway, both)
    end(gateway, elsewhere, "till")
    post(gateway, "shop/redact", payload())
    assert carried_out(gateway, rows(gateway)[0]["id"]) == [([person], 0)]
    assert known(gateway, person)
    with room.database.read() as connection:
        contacts = dict(connection.execute(select(orders.c.number, orders.c.contact)).tuples().all())
    assert contacts[both] == b""
    assert contacts[elsewhere] != b""
    page = gateway.client.get(f"/orders/{both}", headers=gateway.bearer("staff"))
    assert page.status_code == 200
    # They are the same customer to the other channel.
    lookups = [("email", "ada@example.com")]
    assert room.database.write(lambda c: find_or_add(c, room.seals, lookups, now(c))).id == person
