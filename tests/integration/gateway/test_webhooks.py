"""The webhook door, over a real socket and real databases: what is acknowledged is durable, once, and sealed."""

from __future__ import annotations

import json
import socket
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from backroom.store.intake import BODY_CONTEXT
from backroom.store.people import load
from backroom.store.seals import unseal
from backroom.store.tables import inbox, people
from tests.integration.gateway.conftest import Gateway, an_order, only_sqlite, signed

MIB = 1024 * 1024


def rows(gateway: Gateway) -> int:
    with gateway.room.database.read() as connection:
        return connection.execute(select(func.count()).select_from(inbox)).scalar_one()


def only_body(gateway: Gateway) -> bytes:
    with gateway.room.database.read() as connection:
        row = connection.execute(select(inbox)).one()
        person = load(connection, gateway.room.seals, [row.person_id])[row.person_id]
    return unseal(person.key, row.body, BODY_CONTEXT)


def test_a_signed_order_is_stored_before_it_is_acknowledged(gateway: Gateway) -> None:
    body = an_order(id=77)
    answer = gateway.deliver(body, delivery="d-1")
    assert (answer.status_code, answer.json()) == (200, {"outcome": "accepted"})
    with gateway.room.database.read() as connection:
        row = connection.execute(select(inbox)).one()
    stored = (row.channel, row.delivery_key, row.topic, row.external_id, row.priority, row.state)
    assert stored == ("web", "orders/create:d-1", "orders/create", "77", 2, "waiting")
    assert only_body(gateway) == body


def test_intake_at_the_hub_is_woken_after_the_commit(gateway: Gateway) -> None:
    gateway.deliver(an_order())
    assert gateway.waker.told == [("intake", "hub", 0)]


def test_a_repeated_delivery_answers_200_and_changes_nothing(gateway: Gateway) -> None:
    body = an_order()
    gateway.deliver(body)
    again = gateway.deliver(body)
    assert (again.status_code, again.json()) == (200, {"outcome": "duplicate"})
    assert rows(gateway) == 1
    assert len(gateway.waker.told) == 1


def test_eight_copies_at_once_become_one_message(gateway: Gateway) -> None:
    body = an_order()
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: gateway.deliver(body), range(8)))
    assert [answer.status_code for answer in answers] == [200] * 8
    assert sorted(answer.json()["outcome"] for answer in answers) == ["accepted"] + ["duplicate"] * 7
    assert rows(gateway) == 1


def test_messages_of_one_customer_share_one_person(gateway: Gateway) -> None:
    gateway.deliver(an_order(email="Ada@Example.com "))
    gateway.deliver(an_order(email="ada@example.com"))
    gateway.deliver(an_order(email="grace@example.com", phone="+493055555"))
    with gateway.room.database.read() as connection:
        assert connection.execute(select(func.count()).select_from(people)).scalar_one() == 2


@only_sqlite
def test_nothing_of_the_customer_stands_in_clear_on_the_disk(gateway: Gateway) -> None:
    gateway.deliver(an_order(email="very.private@example.com"))
    gateway.room.database.close()
    stored = b"".join(path.read_bytes() for path in gateway.room.home.glob("shop.db*"))
    assert b"very.private" not in stored


def test_a_card_number_in_a_note_is_masked_before_it_is_stored(gateway: Gateway) -> None:
    gateway.deliver(an_order(note="my card is 4111 1111 1111 1111, thanks"))
    assert b"4111 1111 1111 1111" not in only_body(gateway)
    assert b"thanks" in only_body(gateway)


def test_a_wrong_signature_is_401_and_nothing_is_stored(gateway: Gateway) -> None:
    headers = signed(b"another body")
    assert gateway.client.post("/webhooks/web", content=an_order(), headers=headers).status_code == 401
    assert gateway.client.post("/webhooks/web", content=an_order()).status_code == 401
    assert rows(gateway) == 0


def test_the_signature_is_checked_before_the_body_is_parsed(gateway: Gateway) -> None:
    assert gateway.client.post("/webhooks/web", content=b"{broken").status_code == 401


def test_another_shops_domain_is_401_even_with_our_signature(gateway: Gateway) -> None:
    assert gateway.deliver(an_order(), X_Shopify_Shop_Domain="other.example").status_code == 401
    assert rows(gateway) == 0


@pytest.mark.parametrize("body", [b"{broken", b"", b"\xff\xfe", b'{"a": NaN}', b'{"a":1,"a":2}'])
def test_broken_json_is_400(gateway: Gateway, body: bytes) -> None:
    assert gateway.deliver(body).status_code == 400
    assert rows(gateway) == 0


def test_json_nested_too_deep_is_400(gateway: Gateway) -> None:
    assert gateway.deliver(b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}").status_code == 400


@pytest.mark.parametrize("channel", ["nobody", "till"])
def test_a_channel_that_does_not_sign_or_does_not_exist_is_404(gateway: Gateway, channel: str) -> None:
    assert gateway.client.post(f"/webhooks/{channel}", content=b"{}").status_code == 404


def test_a_body_of_one_mebibyte_is_taken_and_one_byte_more_is_413(gateway: Gateway) -> None:
    frame = len(b'{"id": 1, "note": ""}')
    body = b'{"id": 1, "note": "' + b"x" * (MIB - frame) + b'"}'
    assert len(body) == MIB
    assert gateway.deliver(body).status_code == 200
    assert gateway.deliver(body + b" ").status_code == 413
    assert rows(gateway) == 1


def test_a_chunked_body_is_cut_off_at_one_mebibyte(gateway: Gateway) -> None:
    """The answer comes although the body never ends: it is not read whole."""
    url = httpx.URL(gateway.url)
    with socket.create_connection((url.host, url.port), timeout=10) as connection:
        connection.sendall(
            b"POST /webhooks/web HTTP/1.1\r\nHost: gateway\r\nTransfer-Encoding: chunked\r\n\r\n"
            + b"10000\r\n"
            + b"x" * 0x10000
            + b"\r\n"
        )
        for _ in range(16):
            connection.sendall(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
        assert connection.recv(64).startswith(b"HTTP/1.1 413")


@only_sqlite
def test_a_full_database_answers_503_and_acknowledges_nothing(gateway: Gateway) -> None:
    pages = gateway.room.database.write(lambda c: c.exec_driver_sql("PRAGMA page_count").scalar_one())
    gateway.room.database.write(lambda c: c.exec_driver_sql(f"PRAGMA max_page_count={pages}").scalar_one())
    refused = gateway.deliver(an_order(note="x" * 100_000))
    assert refused.status_code == 503
    assert int(refused.headers["Retry-After"]) > 0
    assert rows(gateway) == 0
    assert gateway.waker.told == []
    gateway.room.database.write(lambda c: c.exec_driver_sql("PRAGMA max_page_count=100000").scalar_one())
    assert gateway.deliver(an_order(note="x" * 100_000)).status_code == 200


def test_ids_that_no_column_could_hold_are_taken_as_their_hashes(gateway: Gateway) -> None:
    assert gateway.deliver(an_order(id="\x00" + "9" * 5000), delivery="d" * 4000).status_code == 200
    with gateway.room.database.read() as connection:
        row = connection.execute(select(inbox)).one()
    assert row.external_id.startswith("sha256:")
    assert row.delivery_key.startswith("sha256:")


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)
fields = st.sampled_from(
    ["id", "email", "phone", "note", "customer", "billing_address", "shipping_address", "line_items", "note_attributes"]
)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=300))
def test_arbitrary_signed_bytes_never_give_a_5xx(gateway: Gateway, body: bytes) -> None:
    assert gateway.deliver(body).status_code < 500
    assert gateway.client.post("/webhooks/web", content=body).status_code < 500


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(payload=st.dictionaries(fields | st.text(), anything, max_size=6))
def test_arbitrary_signed_objects_are_always_taken(gateway: Gateway, payload: dict[str, object]) -> None:
    """What is not an order is for intake to put aside; the door only keeps it."""
    assert gateway.deliver(json.dumps(payload).encode()).status_code == 200
