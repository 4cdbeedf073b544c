"""A small shop with a real database, SQLite and PostgreSQL, its gateway, and keys for every scope."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from sqlalchemy import Connection, select, update

from backroom.channels.signing import sign
from backroom.domain.carriers import CarrierSpec
from backroom.domain.channels import ChannelSpec
from backroom.domain.locations import Location, PrinterSpec, PromiseSpec
from backroom.domain.messaging import MessagingSpec
from backroom.domain.model import (
    Address,
    Assignment,
    IncomingLine,
    IncomingOrder,
    OrderState,
    RejectedAlternative,
    RoutingDecision,
    Variant,
)
from backroom.domain.opening import OpeningHours
from backroom.domain.shop import Owner, Shop, SlaSpec, Thresholds
from backroom.gateway.serve import server
from backroom.shop.room import MASTER_KEY_BEFORE, Room
from backroom.shop.secrets import Secrets
from backroom.store import catalogue, fulfilment, history, orders, people, tables
from backroom.store.api_keys import make_key
from backroom.store.claims import Wakeup, give_up, take
from backroom.store.contacts import Contact
from backroom.store.database import Database, now
from backroom.store.order_rows import NewOrder
from backroom.store.print_jobs import ToPrint, open_jobs
from backroom.store.routing import save_decisions
from backroom.store.seals import Seals, read_master_key
from backroom.store.shipping import NewShipment, save_shipments
from backroom.store.tables import fulfilment_orders

SECRET = "hush"
SHOP_DOMAIN = "atelier.example"
SKU = "TEE-BLK-M"
VARIANT = Variant(SKU, "tee", "Tee", "black", "M", 1990, "EUR", 180, "4006381333931", "tee.png", "dtg", 50, 60)
ALWAYS = OpeningHours.parse({day: ["00:00-24:00"] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}, "UTC")


@dataclass
class RecordingWaker:
    """Stands in for the engine's waker, which needs Prefect: it keeps what it was told."""

    told: list[tuple[str, str, int]] = field(default_factory=list)

    def wake(self, wakeup: Wakeup) -> None:
        self.told.append((wakeup.stage, wakeup.location, wakeup.generation))


@dataclass(frozen=True, repr=False)
class Gateway:
    """A gateway that really listens, its room, and a client that speaks to it."""

    room: Room
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
    """Headers as Shopify sends them, signed with the shop's secret; `headers` replace some of them."""
    made = sign("shopify", body, SECRET, shop_domain=SHOP_DOMAIN)
    if delivery:
        made["X-Shopify-Webhook-Id"] = made["X-Shopify-Event-Id"] = delivery
    return made | {name.replace("_", "-"): value for name, value in headers.items()}


_ids = itertools.count(5001)


def an_order(**changed: object) -> bytes:
    """A small order as Shopify words it; its id is new each time."""
    return json.dumps(
        {"id": next(_ids), "email": "ada@example.com", "phone": "+4930123456", "note": ""} | changed
    ).encode()


def make_order(
    room: Room, *, location: str = "booth-a", from_stock: int = 0, to_print: int = 2, hold_reason: str = ""
) -> str:
    """An order that is being made at a location (or held at intake), as intake and fulfilment leave it; its number."""
    assignment = Assignment(location, 1, SKU, from_stock, to_print)
    decision = RoutingDecision(
        "assigned",
        "nearest first",
        (assignment,),
        ("it is the nearest that is open",),
        (RejectedAlternative("nearest first", "hub", "it cannot print dtg"),),
        distance_km=2.5,
    )

    def work(connection: Connection) -> str:
        at = now(connection)
        catalogue.save_variants(connection, [VARIANT])
        person = people.find_or_add(connection, room.seals, [("email", "ada@example.com")], at)
        contact = Contact("ada@example.com", "+4930123456", Address("Ada Byron", "Weg 1", "10115", "Berlin", "DE"))
        line = IncomingLine("l1", SKU, from_stock + to_print, 1990)
        incoming = IncomingOrder("web", f"x{next(_ids)}", at, at, "EUR", 1990, (line,))
        new = NewOrder(incoming, contact, person.id, person.key, 2, at, "fingerprint", hold_reason)
        claim = take(connection, stage="intake", location="hub", instance="test", run_id="")
        [(order_id, number)] = orders.add_orders(connection, [new], prefix="A", token=claim.token, at=at)
        history.record(connection, [history.Entry(order_id, "order.accepted", {"channel": "web"})], at=at, run_id="r-1")
        if not hold_reason:
            save_decisions(connection, [(order_id, 1, decision)], at)
            released = update(tables.orders).where(tables.orders.c.id == order_id)
            connection.execute(released.values(state=OrderState.RELEASED, claim_token=None))
            fulfilment.open_parts(connection, [fulfilment.ToOpen(order_id, "ship", 2, [assignment])], at)
            part = connection.execute(
                update(fulfilment_orders)
                .where(fulfilment_orders.c.order_id == order_id)
                .values(state="making", outstanding=from_stock + bool(to_print))
                .returning(fulfilment_orders)
            ).one()
            if to_print:
                wanted = ToPrint(
                    part_id=part.id,
                    part_key=part.key,
                    order_id=order_id,
                    order_number=number,
                    line_no=1,
                    location=location,
                    copies=to_print,
                    priority=2,
                    variant=VARIANT,
                )
                open_jobs(connection, [wanted], claim.token, at)
        give_up(connection, claim.token)
        return number

    return room.database.write(work)


def make_sold_order(room: Room, return_label: str, *, location: str = "hub", tracking: str = "T1") -> str:
    """An order of one piece whose parcel has left with this return label, as fulfilment leaves it; its number."""
    number = make_order(room, location=location, from_stock=1, to_print=0)

    def work(connection: Connection) -> str:
        at = now(connection)
        order = connection.execute(select(tables.orders).where(tables.orders.c.number == number)).one()
        part = connection.execute(
            update(fulfilment_orders)
            .where(fulfilment_orders.c.order_id == order.id)
            .values(state="done", labelled_at=at, done_at=at)
            .returning(fulfilment_orders.c.id)
        ).scalar_one()
        ended = update(tables.orders).where(tables.orders.c.id == order.id)
        connection.execute(ended.values(state=OrderState.FULFILLED, ended_at=at))
        shipment = NewShipment(part, order.person_id, "local", "standard", tracking, return_label, 1, 1, "EUR", ())
        save_shipments(connection, [shipment], at)
        return number

    return room.database.write(work)


def a_shop() -> Shop:
    def location(id_: str, kind: str, *printers: PrinterSpec, scan: bool = False) -> Location:
        promise = PromiseSpec() if kind == "booth" else None
        return Location(id_, id_.title(), kind, id_, 52.52, 13.405, ALWAYS, "DE", printers, scan=scan, promise=promise)

    press = PrinterSpec("press-1", "folder:press-1", ("dtg",))
    return Shop(
        owner=Owner(
            name="Atelier Nord",
            currency="EUR",
            country="DE",
            language="en",
            timezone="Europe/Berlin",
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
        carriers=(CarrierSpec("local", "local", "local", ("DE",), 20_000, 490),),
        messaging=MessagingSpec("folder", "folder", "shop@example.com", "Atelier"),
        hub="hub",
    )


@pytest.fixture
def room(tmp_path: Path, database_url: str) -> Iterator[Room]:
    database = Database(database_url)
    own = bytes(range(32))
    path = tmp_path / "secrets.toml"
    secrets = Secrets(path, {"webhook.web": SECRET})

    def known() -> list[bytes]:
        before = Secrets.read(path).find(MASTER_KEY_BEFORE)
        return [own, *([read_master_key(before)] if before else [])]

    yield Room(tmp_path, a_shop(), database, Seals(own, reread=known), secrets)
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
        yield Gateway(room, url, waker, client)
    running.should_exit = True
    thread.join(20)
    assert not thread.is_alive()


# What only SQLite does: one file, one writer, a size it may not pass.
only_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def wait_until(true: Callable[[], bool], seconds: float = 10) -> None:
    """Wait for a condition; fails after `seconds`."""
    ends = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < ends, "it did not become true in time"
        time.sleep(0.01)
