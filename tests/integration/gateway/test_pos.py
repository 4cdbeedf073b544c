"""The till's door: a batch in, an answer for each sale, and a bad sale holds nobody up."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from sqlalchemy import select

from backroom.store.quarantined import open_quarantine
from backroom.store.tables import inbox
from tests.integration.gateway.conftest import SKU, Gateway


def a_sale(seq: int | None, **changed: object) -> dict[str, Any]:
    line = {"sku": SKU, "quantity": 1, "unit_price": "19.90"}
    sale = {"seq": seq, "sold_at": "2026-11-20T14:03:00+01:00", "currency": "EUR", "lines": [line], "total": "19.90"}
    return sale | changed


def sell(gateway: Gateway, *sales: object, location: str = "booth-a") -> httpx.Response:
    headers = gateway.bearer("pos", location)
    return gateway.client.post("/pos/sales", json={"device": "till-1", "sales": list(sales)}, headers=headers)


def results(answer: httpx.Response) -> dict[int | None, str]:
    assert answer.status_code == 200, answer.text
    return {one["seq"]: one["result"] for one in answer.json()["sales"]}


def stored(gateway: Gateway) -> list[str]:
    with gateway.room.database.read() as connection:
        return sorted(connection.execute(select(inbox.c.delivery_key)).scalars())


def test_every_sale_of_a_batch_is_a_message_of_its_own(gateway: Gateway) -> None:
    assert results(sell(gateway, a_sale(1), a_sale(2))) == {1: "accepted", 2: "accepted"}
    assert stored(gateway) == ["till-1:1", "till-1:2"]
    assert set(gateway.waker.told) == {("intake", "hub", 0)}


def test_a_batch_that_is_sent_again_counts_once(gateway: Gateway) -> None:
    sell(gateway, a_sale(1))
    assert results(sell(gateway, a_sale(1), a_sale(2))) == {1: "duplicate", 2: "accepted"}
    assert stored(gateway) == ["till-1:1", "till-1:2"]


def test_the_same_number_twice_in_one_batch_counts_once(gateway: Gateway) -> None:
    answer = sell(gateway, a_sale(1), a_sale(1))
    assert sorted(one["result"] for one in answer.json()["sales"]) == ["accepted", "duplicate"]


def test_a_bad_sale_is_refused_with_its_reasons_and_holds_up_nobody(gateway: Gateway) -> None:
    answer = sell(gateway, a_sale(1), a_sale(2, total="lots", currency="XXX"), a_sale(None), "no sale", a_sale(5))
    by_number = [(one["seq"], one["result"]) for one in answer.json()["sales"]]
    assert sorted(by_number, key=str) == sorted(
        [(1, "accepted"), (2, "refused"), (None, "refused"), (None, "refused"), (5, "accepted")], key=str
    )
    reasons = next(one["reasons"] for one in answer.json()["sales"] if one["seq"] == 2)
    assert {reason["field"] for reason in reasons} >= {"currency", "total"}
    assert [key for key in stored(gateway) if not key.startswith("refused:")] == ["till-1:1", "till-1:5"]


def test_a_refused_sale_is_kept_in_quarantine_once_and_sealed(gateway: Gateway) -> None:
    for _ in range(2):
        sell(gateway, a_sale(2, total="lots", email="ada@example.com", note="4242 4242 4242 4242"), "no sale")
    with gateway.room.database.read() as connection:
        kept = open_quarantine(connection)
        bodies = connection.execute(select(inbox.c.body)).scalars().all()
    problems = {row["external_id"]: {one["field"] for one in row["problems"]} for row in kept}
    assert problems.keys() == {"", "till-1-2"}
    assert "total" in problems["till-1-2"]
    assert len(bodies) == 2
    assert not any(b"ada@" in bytes(body) for body in bodies)
    assert gateway.waker.told == []


def test_a_mended_sale_is_taken_under_its_number(gateway: Gateway) -> None:
    sell(gateway, a_sale(1, total="lots"))
    assert results(sell(gateway, a_sale(1))) == {1: "accepted"}


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"device": "till-1"}', b'{"device": "t", "sales": []}', b"\xff"])
def test_what_is_no_batch_is_400(gateway: Gateway, body: bytes) -> None:
    assert gateway.client.post("/pos/sales", content=body, headers=gateway.bearer("pos")).status_code == 400


def test_a_batch_above_one_mebibyte_is_413(gateway: Gateway) -> None:
    body = b" " * (1024 * 1024 + 1)
    assert gateway.client.post("/pos/sales", content=body, headers=gateway.bearer("pos")).status_code == 413


def test_a_place_without_a_till_is_404(gateway: Gateway) -> None:
    assert sell(gateway, a_sale(1), location="booth-b").status_code == 404
