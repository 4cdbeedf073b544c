"""The till's sales."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from backroom.channels.base import NotAnOrder
from backroom.channels.pos import split_batch
from backroom.domain.model import Delivery, IncomingOrder, PaymentStatus
from tests.unit.channels.samples import channel, payload, sum_of_parts


def sale(number: int = 17, **changes: object) -> dict[str, Any]:
    return dict(split_batch(payload("pos_batch.json")))[number] | changes


def parse(body: object, **spec: Any) -> IncomingOrder:
    return channel("pos", location="booth-a", event="fair", **spec).parse(body, "pos.sale", "DE")


def reasons(body: object) -> set[tuple[str, str]]:
    with pytest.raises(NotAnOrder) as caught:
        parse(body)
    return {(problem.code, problem.field) for problem in caught.value.problems}


def test_a_sale_is_read_whole() -> None:
    found = parse(sale())
    assert (found.channel, found.external_id, found.source) == ("my-pos", "till-1-17", "pos")
    assert found.placed_at == found.updated_at == datetime(2026, 11, 20, 13, 3, tzinfo=UTC)
    assert (found.delivery, found.location, found.event) == (Delivery.CARRY_OUT, "booth-a", "fair")
    assert (found.payment, found.payment_token) == (PaymentStatus.PAID, "tok_17")
    assert [(one.medium, one.granted, one.wording) for one in found.consents] == [
        ("sms", True, "May we text you when it is ready?")
    ]
    assert sum_of_parts(found) == found.total_minor == 8400


@pytest.mark.parametrize(
    ("told", "stated", "words"),
    [
        ({"granted": True, "wording": "May we?"}, {}, ["May we?"]),
        ({"granted": True, "wording": "May we?"}, {"sms_order_updates": "Text me."}, ["May we?"]),
        ({"granted": True}, {"sms_order_updates": "Text me."}, ["Text me."]),
        ({"granted": True, "wording": " "}, {}, []),
        ({"granted": True}, {"email_order_updates": "Mail me."}, []),
        ({"granted": False}, {}, [""]),
    ],
)
def test_a_yes_without_its_words_is_no_consent_and_a_no_is_one(
    told: dict[str, object], stated: dict[str, str], words: list[str]
) -> None:
    body = sale(consents=[{"medium": "sms", "purpose": "order_updates"} | told])
    assert [one.wording for one in parse(body, wordings=stated).consents] == words


def test_a_sale_that_is_shipped_carries_its_address_in_any_script() -> None:
    found = parse(sale(19))
    assert found.address is not None
    assert (found.delivery, found.address.name, found.address.country) == (Delivery.SHIP, "陳美", "DE")
    assert sum_of_parts(found) == found.total_minor == 3490


def test_one_bad_sale_never_holds_its_batch() -> None:
    results: list[tuple[int | None, object]] = []
    for seq, message in split_batch(payload("pos_batch.json")):
        try:
            results.append((seq, parse(message).external_id))
        except NotAnOrder as error:
            results.append((seq, sorted(problem.field for problem in error.problems)))
    assert results == [(17, "till-1-17"), (18, ["lines", "sold_at", "total"]), (19, "till-1-19")]


def test_a_sale_is_known_by_its_device_and_number() -> None:
    till, one = channel("pos"), sale()
    assert till.delivery_key(one, {}, b"") == "till-1:17"
    assert till.external_id(one) == "till-1-17"
    assert till.delivery_key(json.loads(json.dumps(one)), {}, b"other bytes") == "till-1:17"


@pytest.mark.parametrize("seq", [None, "17", -1, True, 10**15, [1]])
def test_a_sale_without_a_number_is_kept_and_refused_later(seq: object) -> None:
    ((found, message),) = split_batch({"device": "till-1", "sales": [sale(seq=seq)]})
    assert found is None
    assert len(channel("pos").delivery_key(message, {}, b"body")) == 64
    assert ("seq", "seq") in reasons(message)


@pytest.mark.parametrize(
    "body", [None, [], {}, {"device": "t"}, {"sales": [{}]}, {"device": "t", "sales": []}, {"device": "t", "sales": {}}]
)
def test_what_is_no_batch_is_refused(body: object) -> None:
    with pytest.raises(NotAnOrder):
        split_batch(body)


def test_something_that_is_no_sale_does_not_hold_the_others() -> None:
    assert [seq for seq, _ in split_batch({"device": "t", "sales": [None, sale(), "x"]})] == [None, 17, None]


def test_the_device_is_the_batchs_and_not_the_sales() -> None:
    ((_, message),) = split_batch({"device": "till-1", "sales": [sale(device="till-9")]})
    assert message["device"] == "till-1"


def test_every_reason_is_told() -> None:
    body = sale(
        currency="BTC", delivery="pigeon", consents=[{"medium": "fax"}], total=84.0, sold_at="2026-11-20T14:03:00"
    )
    body["lines"] = [{"sku": "", "quantity": 1.5, "unit_price": "29,00"}, "x"]
    assert reasons(body) == {
        ("currency", "currency"),
        ("delivery", "delivery"),
        ("consent", "consents[0]"),
        ("amount", "total"),
        ("time", "sold_at"),
        ("missing", "lines[0].sku"),
        ("quantity", "lines[0].quantity"),
        ("amount", "lines[0].unit_price"),
        ("lines", "lines"),
    }
