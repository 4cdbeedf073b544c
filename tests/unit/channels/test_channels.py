"""What holds of every channel, whatever it is sent."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backroom.channels.base import Contact, NotAnOrder
from backroom.channels.pos import split_batch
from backroom.channels.registry import UnknownKind, channel_for
from backroom.channels.strict_json import parse_json
from backroom.domain.channels import ChannelSpec
from backroom.domain.model import IncomingOrder
from tests.unit.channels.samples import KINDS, channel, payload, raw

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=20)
    | st.sampled_from(["1e999999999", "-0.0", "9" * 40, "2026-11-20T00:00:00Z", "0001-01-01T00:00:00+14:00", "EUR"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
SAMPLES: dict[str, Any] = {
    "shopify": payload("shopify_order.json"),
    "woocommerce": payload("woocommerce_order.json"),
    "pos": split_batch(payload("pos_batch.json"))[0][1],
    "csv": {"order_id": "A", "file": "f.csv", "rows": [{"row": 2, "order_id": "A", "sku": "S", "quantity": "1"}]},
}


def paths(value: object, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner: list[tuple[Any, ...]] = [path]
    if isinstance(value, dict):
        for key, one in value.items():
            inner += paths(one, (*path, key))
    elif isinstance(value, list):
        for index, one in enumerate(value):
            inner += paths(one, (*path, index))
    return inner


def replaced(value: Any, path: tuple[Any, ...], new: object) -> Any:
    if not path:
        return new
    copy = value.copy()
    copy[path[0]] = replaced(copy[path[0]], path[1:], new)
    return copy


def read_everything(kind: str, body: object) -> None:
    one = channel(kind)
    data = json.dumps(body).encode()
    assert isinstance(one.contact(body), Contact)
    assert isinstance(one.external_id(body), str)
    assert isinstance(one.delivery_key(body, {}, data), str)
    assert not one.is_ping(data, {})
    try:
        found = one.parse(body, "", "DE")
    except NotAnOrder as error:
        refused = error.problems
    else:
        refused = ()
        assert isinstance(found, IncomingOrder)
        assert found.placed_at.tzinfo is not None
        assert all(line.quantity > 0 and isinstance(line.unit_price_minor, int) for line in found.lines)
        found.note.encode()
    assert refused or found.lines


@pytest.mark.parametrize("kind", KINDS)
@given(body=JSON)
def test_any_json_is_an_order_or_refused_with_reasons(kind: str, body: object) -> None:
    read_everything(kind, body)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=300)
@given(data=st.data())
def test_an_order_with_anything_in_any_place_is_an_order_or_refused_with_reasons(
    kind: str, data: st.DataObject
) -> None:
    body = SAMPLES[kind]
    for _ in range(data.draw(st.integers(1, 3))):
        body = replaced(body, data.draw(st.sampled_from(paths(body))), data.draw(JSON))
    read_everything(kind, body)


def test_what_was_masked_and_written_again_reads_the_same() -> None:
    """The gateway stores `json.dumps` of the parsed body where it masked a card number."""
    for kind, name in (("shopify", "shopify_order.json"), ("woocommerce", "woocommerce_order.json")):
        first = parse_json(raw(name))
        again = parse_json(json.dumps(first).encode())
        assert channel(kind).parse(again, "", "DE") == channel(kind).parse(first, "", "DE")


def test_an_unknown_kind_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UnknownKind, match="shopify"):
        channel_for(ChannelSpec("x", "pigeon", 1, "standard"))


@given(st.integers(0, 10**9), st.integers(1, 50))
def test_money_is_exact_to_the_cent(minor: int, quantity: int) -> None:
    body = dict(SAMPLES["pos"])
    price = f"{minor // 100}.{minor % 100:02}"
    body |= {"total": price, "lines": [{"sku": "S", "quantity": quantity, "unit_price": price}]}
    found = channel("pos").parse(parse_json(json.dumps(body).encode()), "", "DE")
    assert found.total_minor == found.lines[0].unit_price_minor == minor
    bare = json.dumps(body).replace(f'"{price}"', price).encode()
    assert channel("pos").parse(parse_json(bare), "", "DE").total_minor == minor
