"""Buying labels through the ledger, from carriers of every temper: none is asked blindly for the same parcel twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace

import pytest

from backroom.domain.carriers import CARRIER_KINDS, CarrierSpec
from backroom.domain.errors import BackroomError, OutcomeUnknown
from backroom.domain.labels import LabelDocument, LabelKind, LabelRequest, ParcelSpec, PostalAddress, Purchase
from backroom.domain.rates import Rate
from backroom.domain.shop import NotInShopFile
from backroom.effects.ledger import Answer, Effect, RequestChanged, perform
from backroom.store.claims import give_up, take
from backroom.store.database import Database
from backroom.store.effects import request_hash
from backroom.store.seals import Seals
from tasks.connections import CARRIERS
from tasks.label_purchase import CarrierSink
from tests.shops import BOOTH, HUB, a_shop

SHOP = PostalAddress("Atelier Nord", None, ("Nordstr. 1",), "10115", "Berlin", None, "DE", None)
ANNA = PostalAddress("Anna Groß", None, ("Große Straße 5",), "80331", "München", None, "DE", None)


class Killed(BaseException):
    """The process died here."""


@dataclass
class Courier:
    """A carrier with an account, of which a test says what it can; it dies before or after the next purchase."""

    idempotent: bool
    can_tell: bool
    dies: str = ""
    name: str = "Schnellpost"
    sold: Counter[str] = field(default_factory=Counter)
    calls: list[int] = field(default_factory=list)

    def buy(self, requests: Sequence[LabelRequest]) -> list[Purchase | BackroomError]:
        self.calls.append(len(requests))
        if self.dies == "before":
            raise Killed
        for request in requests:
            if not (self.idempotent and self.sold[request.key]):
                self.sold[request.key] += 1
        if self.dies == "after":
            raise Killed
        return [self._purchase(request) for request in requests]

    def rates(self, requests: Sequence[LabelRequest]) -> list[list[Rate] | BackroomError]:
        return [[Rate("post", self.name, "standard", 490, "EUR")] for _ in requests]

    def documents(self, purchases: Sequence[Purchase]) -> list[dict[LabelKind, LabelDocument] | BackroomError]:
        return [{} for _ in purchases]

    def find(self, key: str) -> Purchase | None:
        assert self.can_tell, "nobody asks a carrier that cannot tell"
        return self._purchase(a_request(key)) if self.sold[key] else None

    def _purchase(self, request: LabelRequest) -> Purchase:
        answer = {
            "tracking": f"T{request.key}",
            "return_tracking": f"R{request.key}",
            "cost_minor": 490,
            "currency": "EUR",
            "carrier": self.name,
            "return_code": "R-1",
        }
        return Purchase.from_answer(request, answer)


def a_request(key: str) -> LabelRequest:
    return LabelRequest(key, "A-1042", SHOP, ANNA, ParcelSpec(180), "standard", "2026-11-02")


def buy(database: Database, courier: Courier, *requests: LabelRequest) -> list[Answer | BackroomError]:
    """What the next run does."""
    token = database.write(lambda c: take(c, stage="s", location="l", instance="i", run_id="")).token
    batch = [
        Effect(request.key, "label", 1, request_hash(asdict(request), Seals(bytes(32))), request)
        for request in requests
    ]
    try:
        return list(perform(database, token, batch, CarrierSink(courier)).values())
    finally:
        database.write(lambda c: give_up(c, token))


@pytest.mark.parametrize("dies", ["before", "after"])
@pytest.mark.parametrize("can_tell", [True, False])
@pytest.mark.parametrize("idempotent", [True, False])
def test_a_crash_at_the_counter_never_buys_a_second_label(
    database: Database, idempotent: bool, can_tell: bool, dies: str
) -> None:
    courier = Courier(idempotent, can_tell, dies)
    requests = [a_request("label-1"), a_request("label-2")]
    with pytest.raises(Killed):
        buy(database, courier, *requests)
    courier.dies = ""
    first, second = buy(database, courier, *requests)
    assert not isinstance(second, BackroomError)
    if idempotent or can_tell:
        assert not isinstance(first, BackroomError)
        assert courier.sold == {"label-1": 1, "label-2": 1}
    else:
        assert isinstance(first, OutcomeUnknown)
        assert courier.sold["label-1"] == (1 if dies == "after" else 0)
    # Only who knows our keys gets a wave in one call.
    assert set(courier.calls) == ({2} if idempotent else {1})


@pytest.mark.parametrize(
    "other", [replace(a_request("label-1"), recipient=SHOP), replace(a_request("label-1"), parcel=ParcelSpec(181))]
)
def test_a_label_is_not_passed_off_as_one_for_another_address_or_weight(
    database: Database, other: LabelRequest
) -> None:
    courier = Courier(idempotent=True, can_tell=True)
    buy(database, courier, a_request("label-1"))
    (answer,) = buy(database, courier, other)
    assert isinstance(answer, RequestChanged)
    assert courier.sold == {"label-1": 1}


def test_every_kind_of_carrier_that_a_shop_file_may_name_is_made() -> None:
    assert set(CARRIERS) == set(CARRIER_KINDS)


def test_a_parcels_carrier_is_its_channels_else_its_locations_else_any_of_them() -> None:
    shop = a_shop()
    carriers = tuple(CarrierSpec(id_, "local", id_, ("DE",), 1000, 490) for id_ in ("first", "calls", "asked"))
    locations = tuple(replace(one, carrier="calls") if one.id == BOOTH else one for one in shop.locations)
    shop = replace(shop, carriers=carriers, locations=locations)
    asking = replace(shop, channels=(replace(shop.channels[0], carrier="asked"),))
    assert shop.carrier_for(HUB, "web").id == "first"
    assert shop.carrier_for(BOOTH, "web").id == "calls"
    assert asking.carrier_for(BOOTH, "web").id == "asked"
    assert asking.carrier_for(BOOTH, "a channel that is gone").id == "calls"
    assert [spec.id for spec in shop.carriers_for(HUB, "web")] == ["first", "calls", "asked"]
    assert [spec.id for spec in shop.carriers_for(BOOTH, "web")] == ["calls"]
    assert [spec.id for spec in asking.carriers_for(BOOTH, "web")] == ["asked"]
    with pytest.raises(NotInShopFile):
        replace(shop, carriers=carriers[:1]).carrier_for(BOOTH, "web")
