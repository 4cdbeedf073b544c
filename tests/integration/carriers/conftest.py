"""A shop whose parcels go with its own courier, with EasyPost, or with whoever of both is chosen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from pydantic import SecretStr

from backroom.domain.carriers import CarrierApi, CarrierSpec
from backroom.outgoing.circuit import close_all
from backroom.shop import room as rooms
from blocks.carriers import CarrierAccount
from tests.fake_easypost import KEY, FakeEasyPost, easypost
from tests.shops import Floor, floor

__all__ = ["floor"]

LOCAL = CarrierSpec("bike", "local", "Nachtbote", ("DE",), 20_000, 490)


@pytest.fixture(autouse=True)
def fresh_circuits() -> Iterator[None]:
    close_all()
    yield
    close_all()


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeEasyPost]:
    """EasyPost, selling in the shop's currency; the block that opens it comes from here instead of from Prefect."""
    block = CarrierAccount(kind="easypost", secret=SecretStr(KEY))
    monkeypatch.setattr(CarrierAccount, "load", lambda _name: block)
    with easypost() as account:
        account.currency = "EUR"
        yield account


def world(there: FakeEasyPost, *services: str, **changes: object) -> CarrierSpec:
    api = CarrierApi(
        secret="carrier.world",
        webhook="carrier.events",
        url=f"{there.base}/v2",
        mode="test",
        label_hosts=(there.base.removeprefix("http://"),),
    )
    return CarrierSpec("world", "easypost", "EasyPost", ("DE",), 20_000, 0, None, services, replace(api, **changes))


def let_carry(floor: Floor, monkeypatch: pytest.MonkeyPatch, *carriers: CarrierSpec) -> None:
    """Give the shop these carriers."""
    floor.room = replace(floor.room, shop=replace(floor.room.shop, carriers=carriers))
    monkeypatch.setitem(rooms._open, floor.room.home.resolve(), floor.room)
