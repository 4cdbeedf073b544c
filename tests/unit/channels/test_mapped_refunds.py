"""What a mapped shop paid back, read with its order: by amount, by pieces, and every wrong value named."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from backroom.channels.base import NotAnOrder
from backroom.channels.mapped import MappedChannel
from backroom.channels.mapped_order import OrderReader, root_of
from backroom.channels.strict_json import parse_json
from backroom.channels.trying import try_message
from backroom.domain.model import IncomingOrder, PaymentStatus
from tests.mapped_shops import LANTERN, a_spec, read_spec
from tests.unit.channels.samples import payload, sum_of_parts

MESSAGE = payload("mapped_order.json")
REFUNDS = """
[mapping.refunds]
at = "payments[*].refunds[*]"
amount = "value"
field = "state"
words = ["settled", "done"]
lines = "rows[*]"
line = "itemId"
quantity = "count"
"""
SPEC = a_spec(LANTERN + REFUNDS)


def told(*refunds: Any) -> Any:
    message = copy.deepcopy(MESSAGE)
    message["data"]["order"]["payments"][0]["refunds"] = list(refunds)
    return parse_json(json.dumps(message).encode())


def read(*refunds: Any) -> IncomingOrder:
    return MappedChannel(SPEC).parse(told(*refunds), "", "DE")


def refund(value: Any, *rows: Any, state: str = "settled") -> dict[str, Any]:
    return {"value": value, "state": state, "rows": list(rows)}


def test_an_order_of_which_nothing_was_paid_back_is_as_it_was() -> None:
    assert read() == MappedChannel(a_spec()).parse(MESSAGE, "", "DE")


def test_a_piece_that_was_paid_back_is_not_ordered_any_more() -> None:
    order = read(refund("-28.00", {"itemId": 11, "count": "1"}))
    assert [(line.sku, line.quantity) for line in order.lines] == [("TEE-BLK-M", 1), ("PATCH-FOX", 1)]
    assert (order.payment, order.total_minor) == (PaymentStatus.PAID, 6640 - 2800)
    assert sum_of_parts(order) == order.total_minor


def test_several_refunds_are_added_up_and_those_that_were_not_paid_are_not() -> None:
    order = read(refund("9.00", {"itemId": 12, "count": 1}), refund(5, state="Done"), refund(60, state="failed"))
    assert [line.sku for line in order.lines] == ["TEE-BLK-M"]
    assert order.total_minor == 6640 - 900 - 500
    assert sum_of_parts(order) == order.total_minor


def test_money_of_a_line_without_a_piece_takes_none() -> None:
    order = read(refund("3.00", {"itemId": 12, "count": 0}))
    assert [line.quantity for line in order.lines] == [2, 1]


def test_what_was_paid_back_whole_is_paid_back() -> None:
    assert read(refund("66.40")).payment is PaymentStatus.REFUNDED
    assert read(refund("60.00", {"itemId": 11, "count": 2}, {"itemId": 12, "count": 1})).payment is (
        PaymentStatus.REFUNDED
    )


def test_a_list_of_orders_says_so_too() -> None:
    for refunds, payment in (((), PaymentStatus.PAID), ((refund("66.40"),), PaymentStatus.REFUNDED)):
        assert SPEC.mapping is not None
        assert OrderReader(SPEC.mapping, root_of(SPEC.mapping, told(*refunds))).head().payment is payment


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        ("28", "data.order.payments[0].refunds[0]"),
        (refund(None), "data.order.payments[0].refunds[0].value"),
        (refund("much"), "data.order.payments[0].refunds[0].value"),
        (refund("9.00", {"itemId": 12, "count": "some"}), "data.order.payments[0].refunds[0].rows[0].count"),
        (refund("9.00", {"count": 1}), "data.order.payments[0].refunds[0].rows[0].itemId"),
        (refund("9.00", "12"), "data.order.payments[0].refunds[0].rows[0]"),
        (refund("9.00", {"itemId": 12, "count": 2}), "data.order.payments[*].refunds[*]"),
        (refund("9.00", {"itemId": 99, "count": 1}), "data.order.payments[*].refunds[*]"),
    ],
)
def test_every_wrong_value_is_named_with_its_place(bad: Any, field: str) -> None:
    with pytest.raises(NotAnOrder) as error:
        read(bad)
    assert field in [problem.field for problem in error.value.problems]


def test_a_try_of_a_message_shows_where_each_came_from() -> None:
    body = json.dumps(told(refund("28.00", {"itemId": 11, "count": 1})), default=str).encode()
    traces = {one.field: (one.value, one.place) for one in try_message(SPEC, body, {}, "DE").traces}
    there = "data.order.payments[0].refunds[0]"
    assert traces["refund 1 paid"] == (True, f"{there}.state")
    assert traces["refund 1 amount_minor"] == (2800, f"{there}.value")
    assert traces["refund 1 line 1 of"] == ("11", f"{there}.rows[0].itemId")
    assert traces["refund 1 line 1 quantity"] == (1, f"{there}.rows[0].count")


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ('at = "refunds[*]"', "mapping.refunds.amount"),
        ('at = "refunds[*]"\namount = "value"\nfield = "state"', "and field go together"),
        ('at = "refunds[*]"\namount = "value"\nlines = "rows[*]"', "mapping.refunds.line"),
        ('at = "refunds[*"\namount = "value"', "mapping.refunds.at"),
        ('at = "refunds[*]"\namount = "value"\nreason = "why"', "mapping.refunds.reason"),
    ],
)
def test_every_wrong_table_is_named(table: str, said: str) -> None:
    _, problems = read_spec(f"{LANTERN}\n[mapping.refunds]\n{table}\n")
    assert any(said in problem for problem in problems), problems
