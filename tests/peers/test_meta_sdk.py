"""Every call to Meta, held against the classes of its own SDK (`tests/peers/meta_sdk.py`).

The SDK says of an order's edges (`items`, `shipments`, `cancellations`, `refunds`) only how they are written, and not
which fields they are read with: those are of Meta's pages (`tests/integration/channels/test_meta.py`).
"""

from __future__ import annotations

import pytest

from backroom.channels import meta_levels
from backroom.channels.meta import OURS, PROCESSING
from backroom.channels.meta_calls import VERSION
from backroom.channels.meta_news import MetaNews
from backroom.channels.meta_refunds import MetaRefunds
from backroom.channels.meta_source import MetaSource
from backroom.channels.remote import Cancelled, StockTold, Taken
from backroom.domain.channels import ChannelSpec
from tests.fake_meta import CATALOGUE, CMS, TOKEN, FakeMeta, ok
from tests.integration.channels.test_meta import (
    ID,
    SHIPPED,
    SINCE,
    WHOLE,
    another,
    fresh_circuits,
    in_state,
    meta,
    spec,
    told,
)
from tests.peers import meta_sdk
from tests.unit.channels.samples import payload

__all__ = ["fresh_circuits", "meta", "spec", "told"]

pytestmark = [
    pytest.mark.peer,
    pytest.mark.skipif(not meta_sdk.is_there(), reason="NO SDK of Meta: its package is missing (bash .ci/peers)"),
]

# What an object of the SDK is called that is none of the orders.
SELLER = "commercemerchantsettings"
NODES = {CMS: SELLER, CATALOGUE: "productcatalog", "me": "user"}


def edges(meta: FakeMeta) -> set[tuple[str, str, str]]:
    """Every call that was made: which kind of object, the method, and its edge."""
    return {(kind, method, edge) for kind, method, edge, _ in called(meta)}


def called(meta: FakeMeta) -> list[tuple[str, str, str, dict[str, object]]]:
    found = []
    for method, path, said in meta.calls:
        id_, _, edge = path.partition("/")
        found.append((NODES.get(id_, "commerceorder"), method, edge, said))
    return found


def wrong(meta: FakeMeta) -> list[str]:
    return [one for kind, method, edge, said in called(meta) for one in meta_sdk.wrong(kind, method, edge, said)]


def test_the_sdk_speaks_the_version_that_we_speak() -> None:
    assert meta_sdk.version() == VERSION


def test_orders_are_listed_and_fetched_with_names_of_the_sdk(meta: FakeMeta, spec: ChannelSpec) -> None:
    meta.take(another(2, **in_state("COMPLETED")))
    source = MetaSource(spec, TOKEN)
    source.check()
    assert len(list(source.changed_since(SINCE))) == 2
    assert len(list(source.fetch([ID]))) == 1
    assert wrong(meta) == []
    assert edges(meta) == {
        (SELLER, "GET", "commerce_orders"),
        ("productcatalog", "GET", ""),
        *(("commerceorder", "GET", edge) for edge in ("", "items", "cancellations")),
    }


def test_what_we_took_sent_and_paid_back_is_told_with_names_of_the_sdk(
    meta: FakeMeta, spec: ChannelSpec, told: MetaNews
) -> None:
    assert spec.api is not None
    told.taken(Taken("taken-1", ID, "A-1042"))
    told.shipped(SHIPPED)
    refunds = MetaRefunds(spec.api.url, TOKEN)
    meta.bad = [ok({"id": "1"})]
    refunds.check()
    refunds.refund(WHOLE)
    assert wrong(meta) == []
    assert {one for one in edges(meta) if one[1] == "POST"} == {
        (SELLER, "POST", "acknowledge_orders"),
        ("commerceorder", "POST", "shipments"),
        ("commerceorder", "POST", "refunds"),
    }


@pytest.mark.parametrize("reason", ["out_of_stock", "forgotten", "anything else"])
def test_a_cancellation_is_told_with_names_of_the_sdk(meta: FakeMeta, told: MetaNews, reason: str) -> None:
    meta.orders[ID] |= in_state("IN_PROGRESS")
    told.cancelled(Cancelled("cancelled-1", ID, reason))
    assert wrong(meta) == []
    assert ("commerceorder", "POST", "cancellations") in edges(meta)


def test_levels_are_told_with_names_of_the_sdk(meta: FakeMeta, told: MetaNews, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meta_levels, "PAUSES", (0.0,))
    meta.catalogue.have("OWL-BLK-M", 1)
    assert [one.level for one in told.stock([StockTold("OWL-BLK-M", 0)])] == [0]
    catalogue = meta_sdk.node("productcatalog")
    for kind, method, edge, said in called(meta):
        assert kind == "productcatalog"
        assert said.keys() - meta_sdk.OF_EVERY_CALL <= catalogue.calls[method, f"/{edge}"].kinds.keys()
    assert [edge for _, _, edge, _ in called(meta)] == ["products", "items_batch", "check_batch_request_status"]
    [products, _, status] = [said for _, _, _, said in called(meta)]
    item = meta_sdk.node("productitem")
    assert set(str(products["fields"]).split(",")) <= item.fields
    assert set(str(status["fields"]).split(",")) <= meta_sdk.node("checkbatchrequeststatus").fields
    # What a batch sets of an item is what one that is made has.
    [batch] = meta.catalogue.batches
    made = catalogue.calls["POST", "/products"]
    assert batch["requests"][0]["data"].keys() - {"id"} <= made.kinds.keys()
    assert batch["requests"][0]["data"]["availability"] in made.words["availability_enum"]


def test_an_order_as_we_read_it_has_no_field_and_no_state_that_the_sdk_does_not_have() -> None:
    # Items and cancellations are edges of it, which we put into the order ourselves.
    order = payload("meta_order.json").keys() - {"items", "cancellations"}
    assert order <= meta_sdk.node("commerceorder").fields
    listed = meta_sdk.node(SELLER).calls["GET", "/commerce_orders"]
    assert {*OURS, PROCESSING} == listed.words["state_enum"]


@pytest.mark.parametrize(
    ("kind", "method", "edge", "said", "expected"),
    [
        ("commerceorder", "POST", "fulfilments", {}, "no such call"),
        ("commerceorder", "POST", "shipments", {"tracking": {}}, "no parameter tracking"),
        ("commerceorder", "POST", "shipments", {"items": {"id": "1"}}, "items is no list<map>"),
        ("commerceorder", "POST", "refunds", {"reason_code": "OTHER"}, "reason_code is no reason_code_enum"),
        ("commerceorder", "GET", "", {"fields": "id,total"}, "no field total"),
        (SELLER, "GET", "commerce_orders", {"state": "CREATED,SENT"}, "state is no list<state_enum>"),
        (SELLER, "GET", "commerce_orders", {"updated_after": "noon"}, "updated_after is no datetime"),
    ],
)
def test_what_the_sdk_does_not_have_is_seen(
    kind: str, method: str, edge: str, said: dict[str, object], expected: str
) -> None:
    assert meta_sdk.wrong(kind, method, edge, said) == [f"{method} {kind}/{edge}: {expected}"]
