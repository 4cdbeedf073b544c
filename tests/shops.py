"""A small shop for tests, built in code: a hub, a local hub that scans, a booth with two printers, and its front door.

What belongs here: the shop, its catalogue, and a floor on which its waves run without Prefect's server: the same claims
and the same tasks that the flows are made of, called as functions. What does not: databases (`tests.databases`).
"""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import delete, func, select

from backroom.channels.registry import channel_for
from backroom.channels.strict_json import parse_json
from backroom.domain.carriers import CarrierSpec
from backroom.domain.channels import ChannelSpec
from backroom.domain.locations import Location, PrinterSpec
from backroom.domain.messaging import MessagingSpec
from backroom.domain.model import PrintJobState, StepOutcome, Variant
from backroom.domain.opening import OpeningHours
from backroom.domain.routing_rules import Filter, RoutingRule
from backroom.domain.shop import Owner, Shop, SlaSpec, Thresholds
from backroom.engine import wake
from backroom.outgoing.circuit import close_all, keep_in
from backroom.shop import room as rooms
from backroom.shop.room import Room
from backroom.shop.secrets import Secrets
from backroom.store import print_attempts, print_handing, scanning, stock
from backroom.store.asked_waits import WaitsBook
from backroom.store.catalogue import save_variants
from backroom.store.database import Database, now
from backroom.store.inbox_door import Delivery, Receipt, accept
from backroom.store.print_handing import HandedJob
from backroom.store.seals import Seals
from backroom.store.story import OrderStory, story
from backroom.store.tables import asked_waits, effects, orders, reservations, shipments, stock_levels, stock_movements
from tests.fakes import RememberingWaker

MASTER_KEY = bytes(range(32))
HUB, SOUTH, BOOTH = "hub", "south", "booth"
PLAIN, SCARCE, GTIN_TEE = "TEE-BLK-M", "TEE-RED-S", "TEE-WHT-L"
GTIN = "4006381333931"
ALWAYS = OpeningHours.parse({day: ["00:00-24:00"] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}, "UTC")
FAR, NEAR_SOUTH = (48.1, 11.6), (52.51, 13.41)
FIRST_STOCK = ((HUB, PLAIN, 100), (HUB, SCARCE, 1), (SOUTH, PLAIN, 20), (SOUTH, GTIN_TEE, 20))

# No word of these may ever stand in the database in clear, nor in what Prefect is told.
CANARIES = (
    "Zaphrodel",
    "Quibbleton",
    "zaphrodel.q@example.org",
    "+4915112345678",
    "Wurbelgasse",
    "leave it by the owl",
)


def a_variant(sku: str, *, gtin: str = "", printable: bool = True) -> Variant:
    return Variant(
        sku=sku,
        product=sku.split("-")[0],
        title=f"Shirt {sku}",
        colourway=sku.split("-")[1],
        size=sku.split("-")[2],
        price_minor=2900,
        currency="EUR",
        weight_g=180,
        gtin=gtin,
        artwork="owl.png" if printable else "",
        print_process="dtg" if printable else "",
        printed_width_mm=20,
        printed_height_mm=20,
    )


CATALOGUE = (a_variant(PLAIN), a_variant(SCARCE), a_variant(GTIN_TEE, gtin=GTIN, printable=False))


def a_shop() -> Shop:
    """The shop: what is near the local hub goes there and is scanned, the fair's orders are printed at the booth."""

    def press(name: str) -> PrinterSpec:
        return PrinterSpec(name, f"folder:{name}", ("dtg",))

    def place(
        id_: str, kind: str, at: tuple[float, float], *printers: PrinterSpec, scan: bool = False, event: str = ""
    ) -> Location:
        labels = PrinterSpec(f"labels-{id_}", f"folder:labels-{id_}", ())
        return Location(
            id_, id_.title(), kind, id_, *at, ALWAYS, "DE", printers, label_printer=labels, scan=scan, event=event
        )

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
            place(HUB, "hub", (53.55, 10.0), press("press-hub")),
            place(SOUTH, "local_hub", (52.5, 13.4), scan=True),
            place(BOOTH, "booth", (52.5, 13.5), press("press-1"), press("press-2"), event="fair"),
        ),
        channels=(ChannelSpec("web", "shopify", 2, "standard", secret="webhook.web", shop_domain="nord.example"),),
        slas=(SlaSpec("standard", 24, 1, 3),),
        rules=(
            RoutingRule(
                "fair", (Filter("event", "==", "fair"),), (Filter("location", "==", BOOTH),), (), short="print"
            ),
            RoutingRule(
                "local", (), (Filter("kind", "==", "local_hub"), Filter("distance_km", "<=", 10)), (), short="next"
            ),
            RoutingRule("else", (), (Filter("kind", "==", "hub"),), (), short="print"),
        ),
        thresholds=Thresholds(),
        carriers=(CarrierSpec("local", "local", "local", ("DE",), 20_000, 490),),
        messaging=MessagingSpec("folder", "folder", "shop@example.com", "Atelier"),
        hub=HUB,
    )


# An order at the booth whose customer comes there for it, and waits.
COLLECT = {
    "note_attributes": [
        {"name": "event", "value": "fair"},
        {"name": "checkout-method", "value": "pickup"},
        {"name": "pickup-location", "value": BOOTH},
    ]
}


def an_order(
    external_id: int, lines: Sequence[tuple[str, int]], *, at: str = HUB, minute: int = 0, **changes: Any
) -> dict[str, Any]:
    """An order as Shopify words it, paid and with consent; `at` is where the rules send it, `minute` its own clock."""
    latitude, longitude = NEAR_SOUTH if at == SOUTH else FAR
    total = sum(2900 * quantity for _, quantity in lines)
    stamp = datetime(2026, 11, 1, 10, minute, tzinfo=UTC).isoformat()
    return {
        "id": external_id,
        "name": f"#{external_id}",
        "created_at": datetime(2026, 11, 1, 9, tzinfo=UTC).isoformat(),
        "updated_at": stamp,
        "currency": "EUR",
        "total_price": f"{total / 100:.2f}",
        "current_total_price": f"{total / 100:.2f}",
        "financial_status": "paid",
        "email": CANARIES[2],
        "phone": CANARIES[3],
        "note": CANARIES[5],
        "note_attributes": [{"name": "event", "value": "fair"}] if at == BOOTH else [],
        "line_items": [
            {"id": number, "sku": sku, "quantity": quantity, "price": "29.00", "title": f"Shirt {sku}"}
            for number, (sku, quantity) in enumerate(lines, start=1)
        ],
        "shipping_address": {
            "name": f"{CANARIES[0]} {CANARIES[1]}",
            "address1": f"{CANARIES[4]} 4",
            "zip": "80331",
            "city": "München",
            "country_code": "DE",
            "latitude": latitude,
            "longitude": longitude,
        },
    } | changes


@dataclass
class Floor:
    """The shop at work: its front door, its waves, its printers and scanners, and the sums that must hold."""

    room: Room
    waker: RememberingWaker
    ids: Iterator[int] = field(default_factory=lambda: itertools.count(7001))
    deliveries: Iterator[int] = field(default_factory=itertools.count)

    def deliver(self, order: dict[str, Any], topic: str = "orders/create", key: str = "") -> Receipt:
        """Put an order through the front door: sealed under its person's key, in one commit."""
        spec = self.room.shop.channel("web")
        body = json.dumps(order).encode()
        parsed = parse_json(body)
        channel = channel_for(spec)
        contact = channel.contact(parsed)
        delivery = Delivery(
            channel=spec.id,
            key=key or f"delivery-{next(self.deliveries)}",
            topic=topic,
            external_id=channel.external_id(parsed),
            priority=spec.priority,
            lookups=(("email", contact.email or ""), ("phone", contact.phone or "")),
            body=body,
        )
        return self.room.database.write(lambda c: accept(c, self.room.seals, delivery, self.room.shop.hub))

    def order(self, *lines: tuple[str, int], at: str = HUB, **changes: Any) -> int:
        """Deliver a new order; returns its id at the channel."""
        external_id = next(self.ids)
        self.deliver(an_order(external_id, lines or ((PLAIN, 1),), at=at, **changes))
        return external_id

    def number(self, external_id: int) -> str:
        """The order's number, once intake has taken it in."""
        with self.room.database.read() as connection:
            query = select(orders.c.number).where(orders.c.external_id == str(external_id))
            number: str = connection.execute(query).scalar_one()
            return number

    def intake(self) -> list[StepOutcome]:
        """Run intake until nothing waits, as the flow does."""
        from tasks.claiming import claim_intake, holding
        from tasks.own_artwork import fetch_artwork
        from tasks.release import release
        from tasks.reserve import reserve
        from tasks.route import route
        from tasks.validate import validate

        outcomes: list[StepOutcome] = []
        while claim := claim_intake(self.room):
            with holding(self.room, claim):
                outcomes += validate.fn(claim) + fetch_artwork.fn(claim)
                for _ in range(3):
                    outcomes += route.fn(claim)
                    tried = reserve.fn(claim)
                    outcomes += tried
                    if not any(outcome.result == "again" for outcome in tried):
                        break
                outcomes += release.fn(claim)
        return outcomes

    def fulfil(self, location: str) -> list[StepOutcome]:
        """Run fulfilment at a location until nothing can advance, as the flow does."""
        from tasks.claiming import claim_fulfilment, holding
        from tasks.label import label
        from tasks.notify import notify
        from tasks.pack import pack
        from tasks.print_or_pick import print_or_pick

        outcomes: list[StepOutcome] = []
        while claim := claim_fulfilment(self.room, location):
            with holding(self.room, claim):
                for step in (print_or_pick, pack, label, notify):
                    outcomes += step.fn(claim)
        return outcomes

    def take_back(self) -> list[StepOutcome]:
        """See to returns until nothing waits, as the flow does."""
        from tasks.claiming import claim_returns, holding
        from tasks.pay_back import pay_back
        from tasks.return_notices import tell_customers

        outcomes: list[StepOutcome] = []
        while claim := claim_returns(self.room):
            with holding(self.room, claim):
                outcomes += pay_back.fn(claim) + tell_customers.fn(claim)
        return outcomes

    def pay_cancelled(self) -> list[StepOutcome]:
        """Pay cancelled orders back until nothing waits, as the flow does."""
        from tasks.claiming import claim_refunds, holding
        from tasks.pay_cancelled import pay_cancelled

        outcomes: list[StepOutcome] = []
        while claim := claim_refunds(self.room):
            with holding(self.room, claim):
                outcomes += pay_cancelled.fn(claim)
        return outcomes

    def tell(self, channel: str = "web") -> list[StepOutcome]:
        """Tell a channel of orders until nothing waits, as the flow does."""
        from tasks.claiming import claim_news, holding
        from tasks.tell_channel import tell_channel

        outcomes: list[StepOutcome] = []
        while claim := claim_news(self.room, channel):
            with holding(self.room, claim):
                outcomes += tell_channel.fn(claim)
        return outcomes

    def tell_stock(self, channel: str = "web", *, everything: bool = False, at_once: bool = False) -> list[str]:
        """Tell a channel its levels until nothing waits, as the flow does."""
        from tasks.claiming import claim_stock, holding
        from tasks.tell_stock import tell_stock

        with self.room.database.read() as connection:
            since = now(connection) if everything else None
        said: list[str] = []
        while taken := claim_stock(self.room, channel, compare_since=since, at_once=at_once):
            claim, due = taken
            with holding(self.room, claim):
                said.append(tell_stock.fn(claim, due))
            at_once = False
        return said

    def tell_of_parcels(self) -> list[StepOutcome]:
        """See to parcels after their label until nothing waits, as the flow does."""
        from tasks.claiming import claim_parcels, holding
        from tasks.parcel_notices import tell_of_parcels
        from tasks.parcel_refunds import refund_labels

        outcomes: list[StepOutcome] = []
        while claim := claim_parcels(self.room):
            with holding(self.room, claim):
                outcomes += refund_labels.fn(claim) + tell_of_parcels.fn(claim)
        return outcomes

    def taken_in(self, *lines: tuple[str, int], at: str = HUB, **changes: Any) -> str:
        """A new order, taken in; returns its number."""
        external_id = self.order(*lines, at=at, **changes)
        self.intake()
        return self.number(external_id)

    def waits_are_over(self) -> None:
        """As if the time was over for which other sides asked to be left alone, and they were called again."""
        self.room.database.write(lambda c: c.execute(delete(asked_waits)).rowcount)
        close_all()

    def hand_out(self, location: str, holder: str = "bench", most: int = 10) -> list[HandedJob]:
        return self.room.database.write(lambda c: print_handing.hand_out(c, location, holder, most))

    def print(self, job: HandedJob, outcome: str = "done", holder: str = "bench") -> None:
        """Start a job in hand and settle it."""
        self.room.database.write(lambda c: print_attempts.start(c, job.id, job.attempt, holder, "press"))
        self.room.database.write(lambda c: print_attempts.settle(c, job.id, job.attempt, holder, outcome, ""))

    def block(self, job: HandedJob, holder: str = "bench") -> None:
        """Say of a job in hand that its printer has no paper."""
        self.room.database.write(
            lambda c: print_attempts.progress(c, job.id, job.attempt, holder, PrintJobState.BLOCKED, "media-empty", "")
        )

    def blocked(self, count: int) -> list[HandedJob]:
        """Orders at the booth, each with a print that waits for paper."""
        for _ in range(count):
            self.order((PLAIN, 1), at=BOOTH)
        self.intake()
        self.fulfil(BOOTH)
        jobs = self.hand_out(BOOTH, most=count)
        for job in jobs:
            self.block(job)
        return jobs

    def scan(self, location: str, number: str, code: str) -> scanning.ScanResult:
        return self.room.database.write(lambda c: scanning.scan(c, location, number, code, "Ada"))

    def story(self, number: str) -> OrderStory:
        with self.room.database.read() as connection:
            told = story(connection, number)
        assert told is not None
        return told

    def state(self, number: str) -> tuple[str, list[str]]:
        """The order's state, and the states of its work."""
        told = self.story(number)
        return told.order["state"], [part["state"] for part in told.parts]

    def events(self, number: str) -> list[str]:
        return [entry["event"] for entry in self.story(number).history]

    def available(self, location: str, sku: str) -> tuple[int, int]:
        """Pieces on hand and reserved."""
        with self.room.database.read() as connection:
            level = stock.levels(connection)[location, sku]
        return level.on_hand, level.reserved

    def check_sums(self) -> None:
        """Stock counts again from nothing, and no effect happened under two keys or without being settled once."""
        with self.room.database.read() as connection:
            levels = connection.execute(select(stock_levels)).all()
            moved = {
                (row.location, row.sku): row.pieces
                for row in connection.execute(
                    select(
                        stock_movements.c.location,
                        stock_movements.c.sku,
                        func.sum(stock_movements.c.pieces).label("pieces"),
                    ).group_by(stock_movements.c.location, stock_movements.c.sku)
                )
            }
            held = {
                (row.location, row.sku): row.pieces
                for row in connection.execute(
                    select(
                        reservations.c.location, reservations.c.sku, func.sum(reservations.c.quantity).label("pieces")
                    )
                    .where(reservations.c.state == "held")
                    .group_by(reservations.c.location, reservations.c.sku)
                )
            }
        for level in levels:
            place = level.location, level.sku
            assert 0 <= level.reserved <= level.on_hand
            assert level.reserved == held.get(place, 0), place
            assert level.on_hand == moved.get(place, 0), place

    def check_effects(self) -> None:
        """Each effect happened once or not at all: what lies in the shop's folders is what the ledger says is done. Of
        one that was begun by whoever died over it nobody knows yet."""
        with self.room.database.read() as connection:
            keys = connection.execute(select(effects.c.key)).scalars().all()
            done = connection.execute(select(effects.c.kind, effects.c.key).where(effects.c.state == "done")).all()
            begun = Counter(connection.execute(select(effects.c.kind).where(effects.c.state == "started")).scalars())
            parcels = connection.execute(select(shipments.c.fulfilment_order_id)).scalars().all()
        home = self.room.home

        def check(kind: str, there: int) -> None:
            known = sum(row.kind == kind for row in done)
            assert known <= there <= known + begun[kind], f"{kind}: {there} there, {known} known, {begun[kind]} begun"

        assert len(keys) == len(set(keys))
        assert len(parcels) == len(set(parcels)) == sum(row.kind == "label" for row in done)
        check("message", sum(1 for _ in (*(home / "mail").glob("*.eml"), *(home / "sms").glob("*.txt"))))
        check("sheet", sum(1 for place in (HUB, SOUTH, BOOTH) for _ in (home / f"labels-{place}").glob("*.pdf")))
        # Of the tries at one print only one came out, unless a person said that it had to be printed again.
        lines = Counter(row.key.rsplit("-", 1)[0] for row in done if row.kind == "print")
        assert set(lines.values()) <= {1}

    def effects(self, kind: str) -> list[tuple[str, str]]:
        """Keys and states of one kind of effects."""
        with self.room.database.read() as connection:
            query = select(effects.c.key, effects.c.state).where(effects.c.kind == kind).order_by(effects.c.id)
            return [(row.key, row.state) for row in connection.execute(query)]


def reopen_floor(database: Database, home: Path) -> Floor:
    """The shop as another process left it."""
    room = Room(home, a_shop(), database, Seals(MASTER_KEY), Secrets(home / "secrets.toml", {}))
    return Floor(room, RememberingWaker())


def open_floor(database: Database, home: Path) -> Floor:
    """The shop on a database, with its stock and artwork, in a home folder."""
    (home / "artwork").mkdir(parents=True)
    Image.new("RGB", (200, 200), "black").save(home / "artwork" / "owl.png")

    def fill(connection: Any) -> None:
        save_variants(connection, CATALOGUE)
        stock.receive(connection, "first", FIRST_STOCK, "delivered", now(connection))

    database.write(fill)
    return reopen_floor(database, home)


def pay_by_secrets(floor: Floor, patch: pytest.MonkeyPatch) -> None:
    """Who pays back gets its block as it is made from the secrets: Prefect's store of blocks is left out, but for tests
    of its own (`tests/integration/engine/test_blocks.py`)."""

    def refunds_account(channel: str) -> Any:
        from blocks.channels import RefundsAccount

        spec = floor.room.shop.channel(channel)
        assert spec.refunds is not None
        return RefundsAccount(kind=spec.kind, secret=floor.room.secret(spec.refunds.secret))

    patch.setattr("tasks.connections.refunds_account", refunds_account)


@pytest.fixture
def floor(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Floor]:
    """A fresh shop, which is this process's room, and a waker that remembers: the tasks find both by themselves."""
    home = tmp_path / "home"
    floor = open_floor(database, home)
    monkeypatch.setenv("BACKROOM_HOME", str(home))
    monkeypatch.setitem(rooms._open, home.resolve(), floor.room)
    monkeypatch.setitem(vars(wake), "_this", floor.waker)

    pay_by_secrets(floor, monkeypatch)
    book = keep_in(WaitsBook(database))
    yield floor
    keep_in(book)
