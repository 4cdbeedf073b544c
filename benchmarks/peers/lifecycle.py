"""One order's life in six steps, as every peer runs it: the same rows as Backroom writes, and the same local sinks.

What belongs here: what a step does, in one commit of its own. What does not: which engine calls it.

Every step may be called again, as engines do after a crash: it moves the order from the state before it or finds that
it has moved already. Labels are drawn and messages written by Backroom's own code, so that all do the same work.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from backroom.carriers.courier import LocalCourier
from backroom.carriers.sheets import render_labels
from backroom.carriers.zpl import zpl
from backroom.domain.labels import LabelRequest, ParcelSpec, PostalAddress, Purchase
from backroom.messaging.base import OutgoingMessage
from backroom.messaging.mailfolder import MailFolder
from backroom.messaging.templates import choose, fill
from benchmarks.pages import pages
from benchmarks.peers.domain_database import DomainDatabase, Execute

STEPS = ("validate", "route", "reserve", "print_or_pick", "label", "notify")
FULFILLED = "fulfilled"
HUB = "main-hub"
SKUS = [f"TEE-{number:03d}" for number in range(100)]
_PIECES = 1_000_000
_SENDER = PostalAddress("Motte & Mond", None, ("Weserstraße 7",), "12047", "Berlin", None, "DE", phone="+493012345678")
_COURIER = LocalCourier(name="Courier", countries=["DE"], max_weight_g=31_500, prices={"standard": 490}, currency="EUR")
_STREETS = ("Sonnenallee", "Karl-Marx-Straße", "Hermannstraße", "Pannierstraße", "Reuterstraße")
_NAMES = ("Łukasz Nowak", "Ada Lindqvist", "Zoë Müller", "Jean-Luc Lefèvre", "Amira Şahin")


class Lifecycle:
    """The six steps on one database, with label and mail folders beside it."""

    def __init__(self, database: DomainDatabase, folder: Path) -> None:
        self.database = database
        self._labels = folder / "labels"
        self._mail = MailFolder(folder / "mail")

    @property
    def steps(self) -> Mapping[str, Callable[[int], None]]:
        """In their order, by name."""
        return {name: getattr(self, name) for name in STEPS}

    def prepare(self, orders: int) -> None:
        """The tables, the stock, and so many messages of orders that wait."""
        self._labels.mkdir()
        self.database.create()
        self.database.insert_many(
            "INSERT INTO stock_levels (location, sku, on_hand) VALUES (?, ?, ?)", [(HUB, sku, _PIECES) for sku in SKUS]
        )
        self.database.insert_many(
            "INSERT INTO inbox (id, body) VALUES (?, ?)", [(id_, json.dumps(_message(id_))) for id_ in range(orders)]
        )

    def validate(self, order: int) -> None:
        """The message becomes an order with its lines."""

        def commit(execute: Execute) -> None:
            message = json.loads(execute("SELECT body FROM inbox WHERE id = ?", (order,)).fetchone()[0])
            total = sum(line["quantity"] * line["price_minor"] for line in message["lines"])
            if total != message["total_minor"] or any(line["sku"] not in SKUS for line in message["lines"]):
                raise ValueError(f"order {order} does not add up")
            new = execute(
                "INSERT INTO orders (id, number, channel, external_id, state, currency, total_minor, contact,"
                " accepted_at) VALUES (?, ?, 'web', ?, 'accepted', ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (order, _number(order), message["id"], message["currency"], total, json.dumps(message["to"]), _now()),
            )
            if not new.rowcount:
                return
            for number, line in enumerate(message["lines"], start=1):
                execute(
                    "INSERT INTO order_lines (order_id, line_no, sku, quantity, price_minor) VALUES (?, ?, ?, ?, ?)",
                    (order, number, line["sku"], line["quantity"], line["price_minor"]),
                )
            _record(execute, order, "order.accepted", {"total_minor": total})

        self.database.transact(commit)

    def route(self, order: int) -> None:
        """Where it is made: the hub, which has the pieces."""

        def commit(execute: Execute) -> None:
            sku, quantity = _line(execute, order)
            have = execute("SELECT on_hand - reserved FROM stock_levels WHERE location = ? AND sku = ?", (HUB, sku))
            if have.fetchone()[0] < quantity:
                raise ValueError(f"order {order} finds no stock")
            if not _move(execute, order, "accepted", "routed"):
                return
            execute(
                "INSERT INTO routing_decisions (order_id, location, reasons, at) VALUES (?, ?, ?, ?)",
                (order, HUB, json.dumps(["has the pieces"]), _now()),
            )
            _record(execute, order, "order.routed", {"location": HUB})

        self.database.transact(commit)

    def reserve(self, order: int) -> None:
        """Its pieces are taken out of what may be promised."""

        def commit(execute: Execute) -> None:
            sku, quantity = _line(execute, order)
            if not _move(execute, order, "routed", "reserved"):
                return
            execute(
                "UPDATE stock_levels SET reserved = reserved + ? WHERE location = ? AND sku = ?", (quantity, HUB, sku)
            )
            execute(
                "INSERT INTO reservations (order_id, location, sku, quantity, state, at)"
                " VALUES (?, ?, ?, ?, 'held', ?)",
                (order, HUB, sku, quantity, _now()),
            )
            _record(execute, order, "order.reserved", {})

        self.database.transact(commit)

    def print_or_pick(self, order: int) -> None:
        """Picked from the shelf and packed: the pieces leave the stock."""

        def commit(execute: Execute) -> None:
            sku, quantity = _line(execute, order)
            if not _move(execute, order, "reserved", "packed"):
                return
            at = _now()
            execute(
                "INSERT INTO fulfilment_orders (order_id, location, state, opened_at) VALUES (?, ?, 'packed', ?)",
                (order, HUB, at),
            )
            execute("UPDATE reservations SET state = 'consumed' WHERE order_id = ?", (order,))
            execute(
                "UPDATE stock_levels SET on_hand = on_hand - ?, reserved = reserved - ? WHERE location = ? AND sku = ?",
                (quantity, quantity, HUB, sku),
            )
            execute(
                "INSERT INTO stock_movements (key, location, sku, pieces, at) VALUES (?, ?, ?, ?, ?)",
                (f"pack-{_number(order)}", HUB, sku, -quantity, at),
            )
            _record(execute, order, "parcel.packed", {"location": HUB})

        self.database.transact(commit)

    def label(self, order: int) -> None:
        """Both labels bought under the order's own key, drawn, and printed into the folder of the label printer."""
        row = self.database.execute("SELECT contact FROM orders WHERE id = ?", (order,)).fetchone()
        contact = json.loads(row[0])
        request = LabelRequest(
            key=f"label-{_number(order)}",
            order_number=_number(order),
            sender=_SENDER,
            recipient=PostalAddress(**{**contact["address"], "lines": tuple(contact["address"]["lines"])}),
            parcel=ParcelSpec(weight_g=300),
            service="standard",
            date=_now()[:10],
        )
        [purchase] = _COURIER.buy([request])
        if not isinstance(purchase, Purchase):
            raise purchase
        labels = {"shipping": purchase.shipping, "return": purchase.return_}
        _write(self._labels / f"{request.key}.pdf", render_labels(list(labels.values())))

        def commit(execute: Execute) -> None:
            if not _move(execute, order, "packed", "labelled"):
                return
            execute(
                "INSERT INTO shipments (order_id, carrier, tracking, return_tracking, cost_minor, currency, at)"
                " VALUES (?, 'Courier', ?, ?, ?, ?, ?)",
                (
                    order,
                    purchase.tracking,
                    purchase.return_tracking,
                    purchase.cost_minor,
                    purchase.currency,
                    _now(),
                ),
            )
            for kind, data in labels.items():
                execute(
                    "INSERT INTO labels (order_id, kind, data, zpl) VALUES (?, ?, ?, ?)",
                    (order, kind, json.dumps(asdict(data)), zpl(data)),
                )
            _record(execute, order, "parcel.labelled", {"tracking": purchase.tracking})

        self.database.transact(commit)

    def notify(self, order: int) -> None:
        """The customer is told, once; the order has ended."""
        contact, tracking = self.database.execute(
            "SELECT o.contact, s.tracking FROM orders o JOIN shipments s ON s.order_id = o.id WHERE o.id = ?", (order,)
        ).fetchone()
        to = json.loads(contact)
        template = choose((), "handed_over", "email", "en", "en")
        text = fill(
            template,
            {
                "shop": _SENDER.name,
                "order": _number(order),
                "name": to["address"]["name"],
                "carrier": "Courier",
                "tracking": tracking,
                "location": HUB,
                "window": "Tue 24 Nov to Thu 26 Nov",
            },
        )
        sent = self._mail.send(
            OutgoingMessage(
                key=f"message-{_number(order)}",
                medium="email",
                recipient=to["email"],
                subject=text.subject,
                body=text.body,
                sender="Motte & Mond <post@motteundmond.example>",
            )
        )

        def commit(execute: Execute) -> None:
            if not _move(execute, order, "labelled", FULFILLED):
                return
            at = _now()
            execute(
                "INSERT INTO messages (order_id, medium, content, provider_id, sent_at) VALUES (?, 'email', ?, ?, ?)",
                (order, json.dumps(asdict(text)), sent.provider_id, sent.at.isoformat()),
            )
            execute("UPDATE fulfilment_orders SET state = 'done', done_at = ? WHERE order_id = ?", (at, order))
            execute("UPDATE orders SET ended_at = ? WHERE id = ?", (at, order))
            _record(execute, order, "order.fulfilled", {})

        self.database.transact(commit)

    def counts(self) -> dict[str, int]:
        """What database and folders hold, read back: one for every order, but two labels, each a printed page."""
        count = self.database.count
        return {
            "orders_fulfilled": count(f"orders WHERE state = '{FULFILLED}'"),
            "orders_other": count(f"orders WHERE state <> '{FULFILLED}'"),
            "reservations_consumed": count("reservations WHERE state = 'consumed'"),
            "parcels": count("shipments"),
            "labels": count("labels"),
            "messages": count("messages"),
            "history": count("history"),
            "prints": pages(self._labels.glob("*.pdf")),
            "delivered": len(list(self._mail.folder.glob("*.eml"))),
        }

    def expected(self, orders: int) -> dict[str, int]:
        """What `counts` must be after so many orders: each step's effects once for each of them."""
        once = dict.fromkeys(("orders_fulfilled", "reservations_consumed", "parcels", "messages", "delivered"), orders)
        twice = dict.fromkeys(("labels", "prints"), 2 * orders)
        return {**once, **twice, "orders_other": 0, "history": len(STEPS) * orders}


def _message(order: int) -> dict[str, object]:
    quantity, price = 1 + order % 2, 2900
    return {
        "id": f"web-{order}",
        "currency": "EUR",
        "total_minor": quantity * price,
        "lines": [{"sku": SKUS[order % len(SKUS)], "quantity": quantity, "price_minor": price}],
        "to": {
            "email": f"buyer-{order}@mail.example",
            "address": {
                "name": _NAMES[order % len(_NAMES)],
                "company": None,
                "lines": [f"{_STREETS[order % len(_STREETS)]} {1 + order % 180}"],
                "postcode": f"{12043 + order % 16}",
                "city": "Berlin",
                "region": None,
                "country": "DE",
                "phone": None,
            },
        },
    }


def _number(order: int) -> str:
    return f"A-{order:06d}"


def _now() -> str:
    return datetime.now(UTC).isoformat()


def _line(execute: Execute, order: int) -> tuple[str, int]:
    sku, quantity = execute("SELECT sku, quantity FROM order_lines WHERE order_id = ?", (order,)).fetchone()
    return sku, quantity


def _move(execute: Execute, order: int, old: str, new: str) -> bool:
    """Whether it was this call that moved the order on."""
    return execute("UPDATE orders SET state = ? WHERE id = ? AND state = ?", (new, order, old)).rowcount == 1


def _record(execute: Execute, order: int, event: str, data: Mapping[str, object]) -> None:
    execute(
        "INSERT INTO history (order_id, event, data, at) VALUES (?, ?, ?, ?)", (order, event, json.dumps(data), _now())
    )


def _write(path: Path, content: bytes) -> None:
    """Whole, on the disk, and then under its name."""
    draft = path.with_suffix(".draft")
    with draft.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
