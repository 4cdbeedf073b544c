"""Three days of the demo shop, each order at its minute, on a clock that is set: for figures that are counted by hand.

What belongs here: the demo's shop file, catalogue and stock in a fresh home, and hands that take orders through the
product's own doors, waves, printers and returns. What does not: what is sold when, and what it comes to (the tests).
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection
from starlette.datastructures import Headers

from backroom.channels.signing import sign
from backroom.cli.prepare import make_secrets
from backroom.cli.processes import ROOT
from backroom.domain.message_reports import Report
from backroom.domain.reject_rates import Fault
from backroom.domain.returns import Disposition, Reason, Wanted
from backroom.engine import wake
from backroom.gateway.doors import PrivacyDelivery, webhook_doors
from backroom.gateway.pos import read_batch, till_channel
from backroom.shop import room as rooms
from backroom.shop.catalogue import read_catalogue, read_stock
from backroom.shop.demo_messages import BOOTH, FRIENDS, MAIN, TILL, WEB
from backroom.shop.demo_people import Place, person
from backroom.shop.demo_samples import approve_samples
from backroom.shop.demo_shapes import Item, Sale, pos_sale, shopify_order, woocommerce_order
from backroom.shop.load import load_shop
from backroom.shop.room import Room, open_room
from backroom.shop.secrets import Secrets
from backroom.store import (
    backlog,
    message_reports,
    print_attempts,
    print_rejects,
    return_desk,
    return_opening,
    sealing,
    stock,
)
from backroom.store.catalogue import save_variants
from backroom.store.database import now
from backroom.store.inbox_door import Delivery, accept
from backroom.store.print_handing import HandedJob
from simulation.clock import StandingClock
from tests.fakes import RememberingWaker
from tests.shops import Floor

BERLIN = ZoneInfo("Europe/Berlin")
# A Thursday, a Friday and a Saturday, in winter: the night market is on the second and the third.
DAYS = {"thu": date(2026, 11, 19), "fri": date(2026, 11, 20), "sat": date(2026, 11, 21), "sun": date(2026, 11, 22)}
WHO = "Ada"
WORKER = "bench"


def moment(said: str) -> datetime:
    """`fri 08:20:00` by the shop's clock, in UTC."""
    day, clock = said.split()
    return datetime.combine(DAYS[day], time.fromisoformat(clock), BERLIN).astimezone(UTC)


class Blank(Item):
    """A blank that is sold as it is: the demo's own stories sell none."""

    @property
    def price(self) -> int:
        return 900


@dataclass
class DemoDays:
    """The demo shop at work. Every deed happens at the moment that the clock shows."""

    room: Room
    clock: StandingClock
    floor: Floor

    def at(self, said: str) -> None:
        """It is this time now, by the shop's clock; never earlier than it was."""
        wanted = moment(said)
        assert wanted >= self.clock(), f"{said} is over"
        self.clock.set(wanted)

    def wait(self, seconds: int) -> None:
        self.clock.set(self.clock() + timedelta(seconds=seconds))

    def web(self, number: int, placed: str, *items: Item, to: Place, mail: bool = True, sms: str = "") -> None:
        """An order of the web shop by the customer of that number, through its webhook."""
        self._webhook(WEB, shopify_order(_sale(number, placed, items, to, mail, sms), "web"), "orders/create")

    def friends(self, number: int, placed: str, *items: Item, to: Place) -> None:
        """An order of the shop that is shared with friends, through its webhook."""
        self._webhook(FRIENDS, woocommerce_order(_sale(number, placed, items, to, True, "")), "order.created")

    def till(
        self, number: int, placed: str, delivery: str, *items: Item, to: Place | None = None, mail: bool = False
    ) -> None:
        """A sale at the night market's till; what is carried out is in its customer's hand."""
        sale = pos_sale(_sale(number, placed, items, to, mail=mail, sms=""), TILL, delivery)
        sale |= {"handed_over": delivery == "carry_out"}
        spec = till_channel(self.room.shop, BOOTH)
        assert spec is not None
        refused, deliveries = read_batch(spec, "DE", json.dumps({"device": TILL, "sales": [sale]}).encode())
        assert not refused
        for _, one in deliveries:
            self._accept(one)

    def take_in(self, released_after: int) -> None:
        """One wave of intake; so many seconds after it was accepted, its orders are routed and released."""
        from tasks.claiming import claim_intake, holding
        from tasks.release import release
        from tasks.reserve import reserve
        from tasks.route import route
        from tasks.validate import validate

        claim = claim_intake(self.room)
        assert claim is not None
        with holding(self.room, claim):
            validate.fn(claim)
            self.wait(released_after)
            for step in (route, reserve, release):
                step.fn(claim)

    def fulfil(self, location: str, labelled_after: int = 0, announced_after: int = 0) -> None:
        """One wave of fulfilment; so many seconds lie before its labels, and between them and the announcement."""
        from tasks.claiming import claim_fulfilment, holding
        from tasks.label import label
        from tasks.notify import notify
        from tasks.pack import pack
        from tasks.print_or_pick import print_or_pick

        claim = claim_fulfilment(self.room, location)
        assert claim is not None
        with holding(self.room, claim):
            print_or_pick.fn(claim)
            pack.fn(claim)
            self.wait(labelled_after)
            label.fn(claim)
            self.wait(announced_after)
            notify.fn(claim)

    def job(self, location: str, sku: str) -> HandedJob:
        """The print of this SKU, handed to the worker beside the printers and begun."""
        (job,) = [one for one in self.floor.hand_out(location, WORKER) if one.sku == sku]
        press = self.room.shop.location(location).printers[0].name
        self._write(lambda c: print_attempts.start(c, job.id, job.attempt, WORKER, press))
        return job

    def comes_out(self, job: HandedJob) -> None:
        self._write(lambda c: print_attempts.settle(c, job.id, job.attempt, WORKER, "done", ""))

    def fails(self, job: HandedJob) -> None:
        self._write(lambda c: print_attempts.settle(c, job.id, job.attempt, WORKER, "failed", "media-jam"))

    def is_bad(self, job: HandedJob, pieces: int) -> None:
        """Somebody looks at what came out, and so many pieces of it are bad."""
        self._write(
            lambda c: print_rejects.came_out_bad(c, self.room.shop, job.id, job.attempt, Fault.SMEARED, WHO, pieces)
        )

    def arrives(self, location: str, sku: str, pieces: int) -> None:
        """A delivery is put into the shelf, and the sweep sees who waited for it."""
        self._write(lambda c: stock.receive(c, "delivery", [(location, sku, pieces)], "delivered", now(c)))
        self._write(lambda c: backlog.wake_again(c, self.room.shop.hub))

    def is_not_delivered(self, external_id: str, medium: str) -> None:
        """The provider reports that it could not deliver the message about an order's parcel."""
        (one,) = [row for row in self.floor.story(self.number(external_id)).messages if row["medium"] == medium]
        assert self._write(lambda c: message_reports.note(c, one["key"], Report.UNDELIVERED, "30003", "test")).new

    def comes_back(self, external_id: str, sku: str, paid_back: int) -> None:
        """One piece comes back by the label in its parcel, goes into the shelf, and is paid back."""
        shop, write = self.room.shop, self._write
        code = self.floor.story(self.number(external_id)).shipments[0]["return_tracking"]
        rma = write(lambda c: return_opening.open_by_code(c, shop, code, MAIN, WHO)).number
        line = write(lambda c: return_desk.receive(c, shop, rma, MAIN, sku, WHO, 0)).line_id
        write(lambda c: return_desk.say(c, shop, line, Reason.SIZE, Wanted.REFUND, "", WHO))
        write(lambda c: return_desk.dispose(c, shop, line, Disposition.RESTOCK, WHO))
        write(lambda c: return_desk.that_is_all(c, shop, rma, WHO))
        write(lambda c: return_desk.confirm_refund(c, shop, rma, paid_back, "re_1", WHO))
        self.floor.take_back()

    def number(self, external_id: str) -> str:
        """Our number of an order of a channel."""
        return self.floor.number(int(external_id))

    def _webhook(self, channel: str, payload: dict[str, Any], topic: str) -> None:
        spec = self.room.shop.channel(channel)
        body = json.dumps(payload, ensure_ascii=False).encode()
        headers = sign(spec.kind, body, self.room.secret(spec.secret), topic=topic, shop_domain=spec.shop_domain)
        one = webhook_doors(self.room)[channel].read(body, Headers(dict(headers)))
        assert not isinstance(one, PrivacyDelivery)
        self._accept(one)

    def _accept(self, one: Delivery) -> None:
        self._write(lambda c: accept(c, self.room.seals, one, self.room.shop.hub))

    def _write(self, work: Callable[[Connection], Any]) -> Any:
        return self.room.database.write(work)


def _sale(number: int, placed: str, items: tuple[Item, ...], to: Place | None, mail: bool, sms: str) -> Sale:
    at = moment(placed)
    ids = int(at.timestamp())
    return Sale(id=ids, placed_at=at, updated_at=at, person=person(number), items=items, place=to, mail=mail, phone=sms)


def external_id(placed: str) -> str:
    """The id at its channel of the order that was placed at this moment."""
    return str(int(moment(placed).timestamp()))


@contextmanager
def open_days(database_url: str, home: Path, begins: str) -> Iterator[DemoDays]:
    """The demo shop as `backroom init` lays it, with its first stock counted at this moment."""
    shutil.copytree(ROOT / "data", home, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    Secrets.read(home / "secrets.toml").add({"database_url": database_url})
    make_secrets(home, load_shop(home / "shop.toml"))
    clock = StandingClock(moment(begins))
    room = open_room(home, clock=clock)

    def fill(connection: Connection) -> None:
        sealing.register(connection, room.seals)
        save_variants(connection, read_catalogue(home / "catalogue.csv"))
        stock.receive(connection, "first count", read_stock(home / "stock.csv"), "counted", now(connection))

    room.database.write(fill)
    with pytest.MonkeyPatch.context() as patch:
        waker = RememberingWaker()
        patch.setenv("BACKROOM_HOME", str(home))
        patch.setitem(rooms._open, home.resolve(), room)
        patch.setitem(vars(wake), "_this", waker)
        approve_samples(room)
        yield DemoDays(room, clock, Floor(room, waker))
    room.close()
