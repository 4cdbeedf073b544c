"""A small shop with a real SQLite database, its gateway, and keys for every scope."""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from backroom.domain.opening import OpeningHours
from backroom.domain.shop import (
    ChannelSpec,
    CourierSpec,
    Location,
    MessagingSpec,
    Owner,
    PrinterSpec,
    Shop,
    SlaSpec,
    Thresholds,
)
from backroom.gateway.serve import server
from backroom.shop.room import Room
from backroom.shop.secrets import Secrets
from backroom.store.api_keys import make_key
from backroom.store.database import Database
from backroom.store.seals import Seals
from backroom.store.tables import metadata

SECRET = "hush"
SHOP_DOMAIN = "atelier.example"
ALWAYS = OpeningHours.parse({day: ["00:00-24:00"] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}, "UTC")


@dataclass
class RecordingWaker:
    """Stands in for the engine's waker, which needs Prefect: it keeps what it was told."""

    told: list[tuple[str, str, int]] = field(default_factory=list)

    def wake(self, stage: str, location: str, generation: int) -> None:
        self.told.append((stage, location, generation))


@dataclass(frozen=True)
class Gateway:
    """A gateway that really listens, its room, and a client that speaks to it."""

    room: Room
    app: FastAPI
    url: str
    waker: RecordingWaker
    client: httpx.Client

    def key(self, scope: str, location: str = "") -> str:
        place = location or ("booth-a" if scope in ("pos", "booth") else "")
        return self.room.database.write(lambda connection: make_key(connection, "Ada", scope, place))

    def bearer(self, scope: str, location: str = "") -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key(scope, location)}"}

    def deliver(self, body: bytes, **headers: str) -> httpx.Response:
        return self.client.post("/webhooks/web", content=body, headers=signed(body, **headers))


def signed(body: bytes, delivery: str = "", **headers: str) -> dict[str, str]:
    """Headers as Shopify sends them, signed with the shop's secret."""
    digest = base64.b64encode(hmac.new(SECRET.encode(), body, hashlib.sha256).digest()).decode()
    return {
        "X-Shopify-Hmac-Sha256": digest,
        "X-Shopify-Topic": "orders/create",
        "X-Shopify-Shop-Domain": SHOP_DOMAIN,
        "X-Shopify-Webhook-Id": delivery or hashlib.sha256(body).hexdigest(),
        "Content-Type": "application/json",
    } | {name.replace("_", "-"): value for name, value in headers.items()}


_ids = itertools.count(5001)


def an_order(**changed: object) -> bytes:
    """A small order as Shopify words it; its id is new each time."""
    return json.dumps(
        {"id": next(_ids), "email": "ada@example.com", "phone": "+4930123456", "note": ""} | changed
    ).encode()


def a_shop() -> Shop:
    def location(id_: str, kind: str, *printers: PrinterSpec, scan: bool = False) -> Location:
        return Location(id_, id_.title(), kind, id_, 52.52, 13.405, ALWAYS, "DE", printers, scan=scan)

    press = PrinterSpec("press-1", "folder:press-1", ("dtg",))
    return Shop(
        owner=Owner(
            name="Atelier Nord",
            currency="EUR",
            country="DE",
            language="en",
            timezone="UTC",
            order_prefix="A",
            email="shop@example.com",
            phone="+4930123456",
            sender_lines=("Nordstr. 1",),
            sender_postcode="10115",
            sender_city="Berlin",
        ),
        locations=(
            location("hub", "hub", scan=True),
            location("booth-a", "booth", press),
            location("booth-b", "booth", press),
        ),
        channels=(
            ChannelSpec("web", "shopify", 2, "standard", secret="webhook.web", shop_domain=SHOP_DOMAIN),
            ChannelSpec("till", "pos", 1, "standard", location="booth-a"),
        ),
        slas=(SlaSpec("standard", 24, 1, 3),),
        rules=(),
        thresholds=Thresholds(),
        courier=CourierSpec("local", ("DE",), 20_000, 490),
        messaging=MessagingSpec("folder", "folder", "shop@example.com", "Atelier"),
        hub="hub",
    )


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    database = Database(f"sqlite:///{tmp_path / 'shop.db'}")
    metadata.create_all(database.engine)
    secrets = Secrets(tmp_path / "secrets.toml", {"webhook.web": SECRET})
    yield Room(tmp_path, a_shop(), database, Seals(bytes(range(32))), secrets)
    database.close()


@pytest.fixture
def gateway(room: Room) -> Iterator[Gateway]:
    waker = RecordingWaker()
    running = server(room, waker, port=0)
    thread = threading.Thread(target=running.run, daemon=True)
    thread.start()
    wait_until(lambda: running.started)
    port = running.servers[0].sockets[0].getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    with httpx.Client(base_url=url, timeout=30) as client:
        yield Gateway(room, running.config.app, url, waker, client)
    running.should_exit = True
    thread.join(20)
    assert not thread.is_alive()


def wait_until(true: Callable[[], bool], seconds: float = 10) -> None:
    """Wait for a condition; fails after `seconds`."""
    ends = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < ends, "it did not become true in time"
        time.sleep(0.01)
