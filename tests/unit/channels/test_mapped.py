"""Orders of a mapped shop: every field from its place, and every wrong value a problem that names its place."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backroom.channels.base import Contact, NotAnOrder
from backroom.channels.mapped import MappedChannel
from backroom.channels.mapped_order import FETCHED
from backroom.channels.strict_json import parse_json
from backroom.domain.model import Address, Delivery, IncomingOrder, PaymentStatus
from tests.mapped_shops import API, LANTERN, a_spec
from tests.unit.channels.samples import payload, raw, sum_of_parts

LANTERN_SHOP = MappedChannel(a_spec())
MESSAGE = payload("mapped_order.json")


def read(message: Any, text: str = LANTERN) -> IncomingOrder:
    return MappedChannel(a_spec(text)).parse(message, "", "DE")


def changed(change: Callable[[Any], object]) -> Any:
    message = copy.deepcopy(MESSAGE)
    change(message["data"]["order"])
    # As the front door reads it: a number with a fraction stays the text that it was written in.
    return parse_json(json.dumps(message).encode())


def problems(message: Any, text: str = LANTERN) -> list[tuple[str, str]]:
    with pytest.raises(NotAnOrder) as error:
        read(message, text)
    return [(problem.code, problem.field) for problem in error.value.problems]


def test_every_field_comes_from_where_the_mapping_says() -> None:
    order = read(MESSAGE)
    assert (order.channel, order.external_id, order.external_name) == ("lantern", "ord_7h2", "L-2041")
    assert order.placed_at == datetime(2026, 11, 2, 8, 14, 3, tzinfo=UTC)
    assert order.updated_at == datetime(2026, 11, 2, 8, 15, 11, 250_000, tzinfo=UTC)
    assert (order.currency, order.total_minor, order.shipping_minor) == ("EUR", 6640, 490)
    assert (order.discount_minor, order.tax_added_minor) == (650, 300)
    assert (order.payment, order.cancelled, order.payment_token) == (PaymentStatus.PAID, False, "pay_91")
    assert (order.email, order.phone) == ("ines.q@example.org", "+49 151 23456789")
    assert (order.language, order.source, order.delivery) == ("de", "kiosk", Delivery.SHIP)
    assert order.note == "ring twice\nplease"
    assert order.address == Address(
        "Ines Quill", "Wurbelgasse 4b", "10997", "Berlin", "DE", latitude=52.5, longitude=13.44
    )
    moth, fox = order.lines
    assert (moth.external_id, moth.sku, moth.quantity, moth.unit_price_minor) == ("11", "TEE-BLK-M", 2, 2900)
    assert (moth.discount_minor, moth.title, moth.personalisation) == (200, "Night moth", "for Mo")
    assert (fox.sku, fox.quantity, fox.discount_minor) == ("PATCH-FOX", 1, 0)
    [consent] = order.consents
    assert (consent.medium, consent.granted, consent.wording) == ("sms", True, "Text me when my parcel is on its way")


def test_a_line_brings_its_own_picture_from_where_the_mapping_says() -> None:
    named = 'personalisation = "extras[key=engraving].value"'
    assert [line.artwork_url for line in read(MESSAGE).lines] == ["", ""]
    # Any text of a line will do: here its name stands for an address.
    moth, fox = read(MESSAGE, LANTERN.replace(named, 'artwork = "article.name"')).lines
    assert moth.artwork_url == "Night moth"
    assert "Night moth" not in repr(replace(moth, title="")), "an address may hold a customer's words"
    assert fox.artwork_url != moth.artwork_url


def test_the_sample_adds_up() -> None:
    order = read(MESSAGE)
    assert sum_of_parts(order) == order.total_minor


def test_an_address_is_taken_whole_from_the_first_block_that_names_a_place() -> None:
    def only_a_name(order: Any) -> None:
        order["shipTo"] = {"first": "Ines", "last": "Quill", "street": " ", "zip": None}

    address = read(changed(only_a_name)).address
    assert address is not None
    assert (address.line1, address.city, address.country) == ("Altgasse 2", "Wien", "AT")


def test_an_order_that_is_collected_says_where() -> None:
    order = read(changed(lambda order: order.update(pickup={"kind": "PickUp", "shop": "Harbour Hub"})))
    assert (order.delivery, order.location) == (Delivery.COLLECT, "harbour-hub")


@pytest.mark.parametrize(
    ("word", "status"),
    [("PAID", PaymentStatus.PAID), ("authorised", PaymentStatus.PENDING), ("refunded", PaymentStatus.REFUNDED)],
)
def test_words_of_payment_are_those_of_the_mapping(word: str, status: PaymentStatus) -> None:
    assert read(changed(lambda order: order["state"].update(payment=word))).payment is status


@pytest.mark.parametrize(
    ("told", "cancelled"), [("2026-11-03T10:00:00Z", True), (True, True), (False, False), (0, False)]
)
def test_an_order_is_cancelled_where_its_field_says_anything_but_no(told: object, cancelled: bool) -> None:
    assert read(changed(lambda order: order["state"].update(cancelledAt=told))).cancelled is cancelled


def test_a_line_of_no_pieces_is_left_out() -> None:
    order = read(changed(lambda order: order["items"][0].update(count=0, price=None)))
    assert [line.sku for line in order.lines] == ["PATCH-FOX"]


def test_a_cancelled_order_may_be_empty_and_must_say_which_it_is_and_when() -> None:
    def emptied(order: Any) -> None:
        order["items"], order["money"], order["shipTo"] = [], {}, {"country": "Nowhere", "zip": "1"}
        order["state"] = {"cancelledAt": "2026-11-03T10:00:00Z"}

    assert read(changed(emptied)).cancelled
    for key in ("id", "changed"):
        message = changed(emptied)
        message["data"]["order"][key] = "" if key == "id" else "today"
        assert [place for _, place in problems(message)] == [f"data.order.{key}"]


def test_a_word_that_means_cancelled_needs_no_word_of_payment() -> None:
    text = LANTERN.replace('field = "state.cancelledAt"', 'field = "state.payment"\nwords = ["void"]')
    order = read(changed(lambda order: order["state"].update(payment="Void")), text)
    assert (order.cancelled, order.payment) == (True, PaymentStatus.PENDING)


def test_minor_units_are_read_as_they_are() -> None:
    def minor(order: Any) -> None:
        order["money"] = {"currency": "JPY", "total": "1980", "shipping": 0}
        order["items"] = [{"itemId": "1", "article": {"code": "A"}, "count": 1, "price": 1980}]

    order = read(changed(minor), LANTERN.replace("[mapping]\n", '[mapping]\namounts = "minor"\n'))
    assert (order.total_minor, order.lines[0].unit_price_minor) == (1980, 1980)


@pytest.mark.parametrize("value", ["19.80", 19.8, True, "1e3", "", [], "0x10", "9" * 16])
def test_minor_units_are_whole(value: object) -> None:
    def minor(order: Any) -> None:
        order["money"]["total"] = parse_json(json.dumps(value).encode())

    text = LANTERN.replace("[mapping]\n", '[mapping]\namounts = "minor"\n')
    assert ("data.order.money.total" in {field for _, field in problems(changed(minor), text)}) is True


def test_taxes_come_on_top_of_net_prices() -> None:
    text = LANTERN.replace("[mapping]\n", '[mapping]\nprices = "net"\ntax = "taxes[*].sum"\n')
    order = read(changed(lambda order: order.update(taxes=[{"sum": "5.51"}, {"sum": 1.2}])), text)
    assert order.tax_added_minor == 300 + 551 + 120


@pytest.mark.parametrize(("told", "added"), [(True, 300), ("no", 851)])
def test_an_order_may_say_itself_whether_taxes_are_in(told: object, added: int) -> None:
    text = LANTERN.replace("[mapping]\n", '[mapping]\ntax_included = "inclusive"\ntax = "taxes[*].sum"\n')
    order = read(changed(lambda order: order.update(taxes=[{"sum": "5.51"}], inclusive=told)), text)
    assert order.tax_added_minor == added


def test_what_was_paid_for_a_line_is_divided_among_its_pieces() -> None:
    text = LANTERN.replace('unit_price = "price"\ndiscount = "off"', 'unit_price = "price"\ntotal = "sum"')
    order = read(changed(lambda order: [one.update(sum="55.01") for one in order["items"]]), text)
    moth, fox = order.lines
    assert (moth.unit_price_minor, moth.discount_minor) == (2900, 299)
    assert fox.quantity * fox.unit_price_minor - fox.discount_minor == 5501


def test_a_fee_below_zero_is_a_discount() -> None:
    order = read(changed(lambda order: order["money"].update(fees=[{"value": "-2.00"}])))
    assert (order.discount_minor, order.tax_added_minor) == (850, 0)


@pytest.mark.parametrize(
    ("form", "value"), [("epoch", 1_793_610_843), ("epoch_ms", "1793610843000"), ("utc", "2026-11-02T09:14:03")]
)
def test_times_are_read_in_the_form_of_the_mapping(form: str, value: object) -> None:
    text = LANTERN.replace("[mapping]\n", f'[mapping]\ntimes = "{form}"\n')
    order = read(changed(lambda order: order.update(created=value, changed=value)), text)
    assert order.placed_at == datetime(2026, 11, 2, 9, 14, 3, tzinfo=UTC)


@pytest.mark.parametrize("value", ["soon", True, -5, "12:00", 1_793_610_843_000, None, "9" * 30])
def test_a_time_that_is_no_epoch_is_a_problem(value: object) -> None:
    text = LANTERN.replace("[mapping]\n", '[mapping]\ntimes = "epoch"\n')
    wrong = problems(changed(lambda order: order.update(created=value, changed=5)), text)
    assert [field for _, field in wrong] == ["data.order.created"]


@pytest.mark.parametrize(
    ("change", "code", "place"),
    [
        (lambda o: o.pop("id"), "missing", "data.order.id"),
        (lambda o: o.update(id={"a": 1}), "missing", "data.order.id"),
        (lambda o: o.update(id="x" * 200), "identifier", "data.order.id"),
        (lambda o: o.update(created="2026-11-02T09:14:03"), "time", "data.order.created"),
        (lambda o: o.update(changed="yesterday"), "time", "data.order.changed"),
        (lambda o: o["money"].update(currency="EURO"), "currency", "data.order.money.currency"),
        (lambda o: o["money"].pop("total"), "missing", "data.order.money.total"),
        (lambda o: o["money"].update(total="12,50"), "amount", "data.order.money.total"),
        (lambda o: o["money"].update(total=[1]), "amount", "data.order.money.total"),
        (lambda o: o["money"].update(vouchers=[{"value": "x"}]), "amount", "data.order.money.vouchers[0].value"),
        (lambda o: o["state"].update(payment="paidish"), "payment", "data.order.state.payment"),
        (lambda o: o["state"].pop("payment"), "payment", "data.order.state.payment"),
        (lambda o: o.update(items=[]), "no_lines", "data.order.items[*]"),
        (lambda o: o.update(items={"a": 1}), "no_lines", "data.order.items[*]"),
        (lambda o: o["items"].append("x"), "line", "data.order.items[2]"),
        (lambda o: [one.update(count=0) for one in o["items"]], "no_lines", "data.order.items[*]"),
        (lambda o: o["items"][1].update(count=-1), "quantity", "data.order.items[1].count"),
        (lambda o: o["items"][1].update(count="2.5"), "quantity", "data.order.items[1].count"),
        (lambda o: o["items"][0].pop("price"), "missing", "data.order.items[0].price"),
        (lambda o: o["items"][0].pop("itemId"), "missing", "data.order.items[0].itemId"),
        (lambda o: o["shipTo"].update(country="Germany"), "country", "data.order.shipTo.country"),
        (lambda o: o["ticks"].update(sms="perhaps"), "consent", "data.order.ticks.sms"),
        (lambda o: o.update(remarks=["a"]), "text", "data.order.remarks"),
        (lambda o: o["buyer"].update(email={"a": "b"}), "text", "data.order.buyer.email"),
    ],
)  # fmt: skip
def test_every_wrong_value_is_a_problem_that_names_its_place(
    change: Callable[[Any], object], code: str, place: str
) -> None:
    assert (code, place) in problems(changed(change))


def test_all_problems_are_told_at_once() -> None:
    def many(order: Any) -> None:
        order["money"].update(total="x", shipping="y")
        order["items"][0]["count"] = -1

    assert len(problems(changed(many))) == 3


@pytest.mark.parametrize("message", [{}, [], None, "x", {"data": []}, {"event": "order.placed", "data": {"order": {}}}])
def test_a_message_without_an_order_says_so(message: object) -> None:
    assert "no_order" in {code for code, _ in problems(message)}


def test_a_message_about_something_else_is_no_order() -> None:
    assert ("topic", "") in problems(MESSAGE | {"event": "product.changed"})


def test_an_unknown_word_of_delivery_is_a_problem_only_where_all_are_listed() -> None:
    drone = changed(lambda order: order["pickup"].update(kind="drone"))
    assert read(drone).delivery is Delivery.SHIP
    text = LANTERN.replace('collect = ["pickup"]', 'collect = ["pickup"]\nship = ["parcel"]')
    assert problems(drone, text) == [("delivery", "data.order.pickup.kind")]


def test_a_ping_is_what_the_mapping_calls_so() -> None:
    assert LANTERN_SHOP.is_ping(b'{"event": "Hello"}', {})
    for body in (raw("mapped_order.json"), b"", b"{", b"[]", b'{"event": 1}'):
        assert not LANTERN_SHOP.is_ping(body, {})


def test_a_delivery_is_known_by_its_id_and_its_body() -> None:
    body = raw("mapped_order.json")
    first = LANTERN_SHOP.delivery_key(MESSAGE, {"x-lantern-delivery": "d1"}, body)
    assert first == LANTERN_SHOP.delivery_key(MESSAGE, {"X-Lantern-Delivery": "d1"}, body)
    assert first != LANTERN_SHOP.delivery_key(MESSAGE, {"X-Lantern-Delivery": "d1"}, body + b" ")
    assert first != LANTERN_SHOP.delivery_key(MESSAGE, {"X-Lantern-Delivery": "d2"}, body)


def test_its_person_is_found_by_mail_and_phone() -> None:
    assert LANTERN_SHOP.contact(MESSAGE) == Contact("ines.q@example.org", "+4915123456789")
    assert LANTERN_SHOP.external_id(MESSAGE) == "ord_7h2"


def test_what_somebody_wrote_is_masked_whatever_it_is_called() -> None:
    assert {"remarks", "value"} <= LANTERN_SHOP.free_text_keys


def test_an_order_that_was_fetched_is_put_where_a_message_has_it() -> None:
    order = MESSAGE["data"]["order"]
    wrapped = LANTERN_SHOP.wrapped(order)
    assert wrapped == {"data": {"order": order}}
    assert LANTERN_SHOP.parse(wrapped, FETCHED, "DE") == read(MESSAGE)


HINTING = (
    LANTERN.replace('pings = ["hello"]', 'pings = ["hello"]\nhint = ["data.orderId", "data.order.id"]')
    + """
[mapping.poll]
orders = "orders[*]"
order = "order"
list = { path = "/orders", params = { since = "{since}" } }
one = { path = "/orders/{id}" }
"""
    + API.format(port=80)
)


def test_a_message_without_lines_says_which_order_to_fetch() -> None:
    shop = MappedChannel(a_spec(HINTING))
    hint = {"event": "order.changed", "id": "evt_1", "data": {"orderId": "ord_9"}}
    assert shop.is_hint(hint, "")
    assert shop.external_id(hint) == "ord_9"


@pytest.mark.parametrize(
    ("message", "topic"),
    [
        (MESSAGE, ""),
        ({"event": "product.changed", "data": {"orderId": "ord_9"}}, ""),
        ({"event": "order.changed", "data": {}}, ""),
        ({"data": {"order": {"id": "ord_9"}}}, FETCHED),
        ([], ""),
    ],
)
def test_no_other_message_is_a_hint(message: object, topic: str) -> None:
    assert not MappedChannel(a_spec(HINTING)).is_hint(message, topic)
    assert not LANTERN_SHOP.is_hint(message, topic)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(-1e9, 1e9) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "value", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)


def places(value: Any, before: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [before, *(place for key, one in inner for place in places(one, (*before, key)))]


@given(st.sampled_from([place for place in places(MESSAGE) if place]), json_values)
def test_whatever_stands_anywhere_is_read_or_refused(place: tuple[Any, ...], value: Any) -> None:
    message = copy.deepcopy(MESSAGE)
    holder = message
    for key in place[:-1]:
        holder = holder[key]
    holder[place[-1]] = value
    message = parse_json(json.dumps(message).encode())
    LANTERN_SHOP.contact(message)
    LANTERN_SHOP.external_id(message)
    try:
        order = read(message)
    except NotAnOrder:
        return
    assert order.external_id
    assert order.lines
