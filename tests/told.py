"""A floor whose channel is told: its table in the shop file, and its block in a real Prefect server.

What belongs here: making one, and letting a process of its own tell (`python -m tests.told HOME KIND URL`), so that it
can be killed. What does not: the channels themselves (`tests.fake_tills`).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from backroom.domain.channels import NEWS, ApiSpec, ChannelSpec
from backroom.engine import wake
from backroom.outgoing.circuit import close_all
from backroom.shop import room as rooms
from backroom.store.database import Database
from blocks.channels import ChannelAccount, block_name
from tests import fake_etsy, fake_meta
from tests.fake_shops import LOGIN, TOKEN
from tests.shops import Floor, reopen_floor

SECRETS = {"shopify": TOKEN, "woocommerce": LOGIN, "mapped": "k3y", "etsy": fake_etsy.SECRET, "meta": fake_meta.TOKEN}
Told = Callable[..., Floor]


def with_api(spec: ChannelSpec, kind: str, url: str, **more: Any) -> ChannelSpec:
    """The channel, told of everything; its orders go on arriving as Shopify words them."""
    return replace(spec, kind=kind, api=ApiSpec(url, "channel.web", tell=NEWS, **more))


def open_api(floor: Floor, kind: str, url: str, **more: Any) -> None:
    """Let the floor's channel be told at this address."""
    (web, *others) = floor.room.shop.channels
    shop = replace(floor.room.shop, channels=(with_api(web, kind, url, **more), *others))
    floor.room = replace(floor.room, shop=shop)
    rooms._open[floor.room.home.resolve()] = floor.room


@pytest.fixture
def told(floor: Floor, monkeypatch: pytest.MonkeyPatch, running_prefect: object) -> Told:
    """Opens the floor's channel to news, with its block saved; the room is put back afterwards."""
    monkeypatch.setitem(rooms._open, floor.room.home.resolve(), floor.room)
    close_all()

    def open_(kind: str, url: str, **more: Any) -> Floor:
        ChannelAccount(kind=kind, secret=SECRETS[kind]).save(block_name("web"), overwrite=True)
        open_api(floor, kind, url, **more)
        return floor

    return open_


def main(home: Path, kind: str, url: str) -> None:
    """Tell what waits, once."""
    os.environ["BACKROOM_HOME"] = str(home)
    floor = reopen_floor(Database(f"sqlite:///{home.parent / 'shop.db'}"), home)
    vars(wake)["_this"] = floor.waker
    open_api(floor, kind, url)
    floor.tell()
    floor.tell_stock()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
