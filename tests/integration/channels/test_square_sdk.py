"""Our calls and the fake's answers, held against Square's own SDK at the same server.

The SDK sends what its makers mean to be sent, and reads answers into the models of Square's API description: what we
send is the same, and what the fake answers has no field that Square does not have.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from square import Square

from backroom.channels.remote import Shipped, StockTold
from backroom.channels.square_calls import VERSION
from backroom.channels.square_news import SquareNews
from backroom.channels.square_refunds import SquareRefunds
from backroom.channels.square_source import SquareSource
from backroom.domain.channels import ChannelSpec
from tests.fake_square import LOCATION, TOKEN, FakeSquare
from tests.integration.channels.test_square import ORDER, PAYMENT, REFUND, SHIPPED, fresh_circuits, spec, square
from tests.sdk_models import unknown_fields

__all__ = ["fresh_circuits", "spec", "square"]

SINCE = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture
def sdk(spec: ChannelSpec) -> Square:
    assert spec.api is not None
    return Square(base_url=spec.api.url, token=TOKEN)


def last(square: FakeSquare) -> tuple[str, str, Any]:
    method, path, body = square.calls[-1]
    return method, path, json.loads(json.dumps(body))


def test_the_sdk_speaks_the_version_that_we_speak(square: FakeSquare, sdk: Square) -> None:
    sdk.orders.get(ORDER)
    assert square.headers[-1]["square-version"] == VERSION
    assert square.headers[-1]["authorization"] == f"Bearer {TOKEN}"


def test_orders_are_searched_as_the_sdk_does(square: FakeSquare, spec: ChannelSpec, sdk: Square) -> None:
    list(SquareSource(spec, TOKEN).changed_since(SINCE))
    ours = last(square)
    answer = sdk.orders.search(
        location_ids=[LOCATION, "L2"],
        query={
            "filter": {"date_time_filter": {"updated_at": {"start_at": "2026-11-01T00:00:00.000000Z"}}},
            "sort": {"sort_field": "UPDATED_AT", "sort_order": "ASC"},
        },
        limit=500,
        return_entries=False,
    )
    assert last(square) == ours
    assert list(unknown_fields(answer)) == []
    assert answer.orders is not None


def test_an_order_its_catalogue_and_its_payments_are_fetched_as_the_sdk_does(
    square: FakeSquare, spec: ChannelSpec, sdk: Square
) -> None:
    list(SquareSource(spec, TOKEN).fetch([ORDER]))
    ours, square.calls[:] = list(square.calls), []
    answers = [
        sdk.orders.batch_get(order_ids=[ORDER]),
        sdk.catalog.batch_get(
            object_ids=["BSOL4BB6RCMX6SH4KQIFWZDP", "EEDHXQ6FHSCKFQ4DYEYG6RCX"], include_deleted_objects=True
        ),
        sdk.payments.get(PAYMENT),
    ]
    assert square.calls == ours
    assert [list(unknown_fields(answer)) for answer in answers] == [[], [], []]


def test_a_parcel_is_told_as_the_sdk_would(square: FakeSquare, spec: ChannelSpec, sdk: Square) -> None:
    SquareNews(spec, TOKEN).shipped(SHIPPED)
    method, path, body = last(square)
    square.keys.clear()
    square.orders[ORDER]["version"] -= 1
    square.orders[ORDER]["fulfillments"][0]["state"] = "PROPOSED"
    answer = sdk.orders.update(ORDER, order=body["order"], idempotency_key=body["idempotency_key"])
    assert last(square) == (method, path, body)
    assert list(unknown_fields(answer)) == []


def test_levels_are_told_as_the_sdk_would(square: FakeSquare, spec: ChannelSpec, sdk: Square) -> None:
    list(SquareNews(spec, TOKEN).stock([StockTold("OWL-BLK-M", 9)]))
    ours, square.calls[:] = list(square.calls), []
    square.keys.clear()
    search, counts, change = (body for _, _, body in ours)
    answers: list[Any] = [sdk.catalog.search(object_types=search["object_types"], query=search["query"])]
    list(sdk.inventory.batch_get_counts(**counts))
    answers.append(sdk.inventory.batch_create_changes(**change))
    assert [(method, path) for method, path, _ in square.calls] == [(method, path) for method, path, _ in ours]
    assert [body for _, _, body in square.calls] == [search, counts, change]
    assert [list(unknown_fields(answer)) for answer in answers] == [[], []]


def test_a_refund_is_asked_for_as_the_sdk_would(square: FakeSquare, spec: ChannelSpec, sdk: Square) -> None:
    assert spec.api is not None
    SquareRefunds(spec.api.url, TOKEN).refund(REFUND)
    method, path, body = last(square)
    square.keys.clear()
    answer = sdk.refunds.refund_payment(**body)
    assert last(square) == (method, path, body)
    assert list(unknown_fields(answer)) == []
    assert list(unknown_fields(sdk.refunds.get("refund-1"))) == []


def test_a_made_up_field_would_be_found(square: FakeSquare, sdk: Square) -> None:
    square.orders[ORDER]["fulfilments"] = []
    assert list(unknown_fields(sdk.orders.get(ORDER))) == [".order.fulfilments"]


def test_nothing_else_is_told_of_a_part(spec: ChannelSpec, httpserver: HTTPServer) -> None:
    part = Shipped("k", ORDER, (), last=False)
    assert SquareNews(spec, TOKEN).was_told(part) == ""
    assert httpserver.log == []
