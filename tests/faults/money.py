"""What the model of the whole lifecycle knows of money: what customers paid at the channel, what was paid back there,
and the sums that must hold between the two and the shop's books.

What belongs here: the channel's till, as its owner sees it, and the sums. What does not: what may happen to an order
(`test_lifecycle`), and to what comes back (`taking_back`).

The till is a Shopify over real HTTP. It keeps every payment and every refund, whoever made it, so that it, and not the
books, says what was paid twice.
"""

from __future__ import annotations

import itertools
import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from sqlalchemy import Row, select
from werkzeug import Response

from backroom.domain.channels import RefundsSpec
from backroom.domain.model import OrderState
from backroom.domain.returns import PieceState, ReturnState, Wanted, Word
from backroom.outgoing import client
from backroom.shop.secrets import Secrets
from backroom.store import refunds as owed
from backroom.store.orders import lines_of
from backroom.store.tables import effects, orders, refunds, return_lines, returns
from tests.fake_shops import TOKEN
from tests.fake_tills import ShopifyTill, paid
from tests.shops import Floor

PIECE_MINOR = 2900
SOURCE, BY_HAND = "at the source", "by hand"
_KEY = re.compile(r"Backroom (\S+)")


@dataclass(frozen=True)
class Price:
    """What comes off an order and what its postage costs, in minor units."""

    discount: int
    postage: int

    def on(self, order: dict[str, Any]) -> tuple[dict[str, Any], int]:
        """The order's message with this price, and its total."""
        (line,) = order["line_items"]
        goods = PIECE_MINOR * line["quantity"]
        total = goods - min(self.discount, goods) + self.postage
        line = line | {"total_discount": _decimal(min(self.discount, goods))}
        post = [{"title": "Post", "price": _decimal(self.postage)}] if self.postage else []
        said = {"line_items": [line], "shipping_lines": post}
        return order | said | dict.fromkeys(("total_price", "current_total_price"), _decimal(total)), total


@dataclass
class Till:
    """The channel's till."""

    shop: ShopifyTill = field(default_factory=ShopifyTill)

    def takes(self, external_id: int, order: dict[str, Any], total_minor: int) -> None:
        """A customer pays for an order, or what it costs since they changed it."""
        self.shop.orders[external_id] = order
        self.shop.transactions[external_id] = [paid(external_id, "SALE", _decimal(total_minor))]

    def taken(self, external_id: int) -> int:
        (sale,) = self.shop.transactions[external_id]
        return _minor(sale["amountSet"]["presentmentMoney"]["amount"])

    def given(self, external_id: int) -> dict[str, int]:
        """What was paid back of an order: by our key, or by who did it."""
        found: Counter[str] = Counter()
        for one in self.shop.refunds.get(external_id, []):
            amount = _minor(one["totalRefundedSet"]["presentmentMoney"]["amount"])
            key = _KEY.search(one["note"])
            found[key[1] if key else one["note"]] += amount
        return dict(found)

    def left(self, external_id: int) -> int:
        return self.taken(external_id) - sum(self.given(external_id).values())

    def gives(self, external_id: int, minor: int, note: str) -> None:
        """Somebody pays back in the channel's own pages; no more than there is."""
        assert 0 < minor <= self.left(external_id)
        (sale,) = self.shop.transactions[external_id]
        money = {"presentmentMoney": {"amount": _decimal(minor), "currencyCode": "EUR"}}
        made = [paid(next(_IDS), "REFUND", _decimal(minor), parent=sale)]
        self.shop.refunds.setdefault(external_id, []).append(
            {
                "id": f"gid://shopify/Refund/{next(_IDS)}",
                "note": note,
                "made": made,
                "transactions": lambda _i, first: {"nodes": made[:first]},
                "totalRefundedSet": {"shopMoney": money["presentmentMoney"]} | money,
            }
        )

    def has_a_day(self, kind: str) -> None:
        """How the till is until told otherwise: `fine`; `lost` (it pays, and three answers are lost), `away`, or
        `refuses`."""
        self.shop.lose = 3 if kind == "lost" else 0
        refused = {"data": {"refundCreate": {"refund": None, "userErrors": [{"field": ["transactions"]}]}}}

        def fails(asked: Mapping[str, Any]) -> Response | None:
            if kind == "refuses" and "refundCreate" in asked["query"]:
                return Response(json.dumps(refused), content_type="application/json")
            return Response(status=503) if kind == "away" else None

        self.shop.fails = fails


_IDS = itertools.count(500_000)


def open_till(server: HTTPServer, day: int, floor: Floor, patch: pytest.MonkeyPatch) -> Till:
    """A till for one day, at an address of its own, which pays back what the floor's shop asks for."""
    till = Till()
    server.clear()
    server.expect_request(re.compile(rf"/day-{day}/.*")).respond_with_handler(till.shop.answer)
    (spec,) = floor.room.shop.channels
    spec = replace(spec, refunds=RefundsSpec(server.url_for(f"/day-{day}"), "refunds.web"))
    secrets = Secrets(floor.room.home / "secrets.toml", {"refunds.web": TOKEN})
    floor.room = replace(floor.room, shop=replace(floor.room.shop, channels=(spec,)), secrets=secrets)
    # The pause before a call is tried again: its length is a matter of `backroom.outgoing`'s own tests.
    patch.setattr(client, "FIRST_PAUSE", 0.001)
    return till


def check_never_too_much(floor: Floor, till: Till) -> None:
    """At every moment: nothing is paid back twice or beyond what was paid, and no more is promised than that."""
    with floor.room.database.read() as connection:
        planned = {row.key: row for row in connection.execute(select(refunds))}
        roots = {row.key: _root(connection, row.order_id) for row in planned.values()}
        totals = {row.id: row.total_minor for row in connection.execute(select(orders.c.id, orders.c.total_minor))}
    for external_id in till.shop.transactions:
        given = till.given(external_id)
        assert till.left(external_id) >= 0, external_id
        for key, minor in given.items():
            if key in (SOURCE, BY_HAND):
                continue
            assert roots[key] == external_id
            assert minor == planned[key].goods_minor + planned[key].shipping_minor
        notes = [one["note"] for one in till.shop.refunds.get(external_id, [])]
        ours = [note for note in notes if _KEY.search(note)]
        assert len(ours) == len(set(ours)), f"paid back twice: {ours}"
    promised: Counter[int] = Counter()
    for row in planned.values():
        promised[row.order_id] += row.goods_minor + row.shipping_minor
    for order_id, minor in promised.items():
        assert minor <= totals[order_id]


def check_conserved(floor: Floor, till: Till) -> int:
    """At the end of a day: what came in is what was kept and what was paid back, of each order and in sum, at the till
    as in the books; what came back was paid back for what it had cost; and who has no order any more has all of their
    money, whoever cancelled it. Returns how many refunds there were.
    """
    with floor.room.database.read() as connection:
        rows = connection.execute(select(refunds)).all()
        roots = {row.id: _root(connection, row.order_id) for row in rows}
        known = {row.id: row for row in connection.execute(select(orders))}
        lines = lines_of(connection, known)
        backs = connection.execute(_PAID_BACK).scalars().all()
        answers = dict(connection.execute(select(effects.c.key, effects.c.answer)).tuples().all())
    paid_minor: Counter[int] = Counter()
    booked: Counter[int] = Counter()
    for row in rows:
        assert (row.state, row.settled_at is not None) == (owed.DONE, True), row.key
        paid_minor[row.order_id] += row.paid_minor
        # What the source paid on its own is its own payment at the till.
        if (answers[row.key] or {}).get("by") != "channel":
            booked[roots[row.id]] += row.paid_minor
    assert set(booked) <= set(till.shop.orders)
    # What its source changed after its label is a person's to compare: there the books keep what was made.
    as_sold = set()
    taken = kept = back = 0
    for order in known.values():
        if order.return_id is not None:
            as_sold.add(order.id)
            continue
        external_id = int(order.external_id)
        given = till.given(external_id)
        by_source = given.pop(SOURCE, 0)
        assert booked[external_id] == sum(given.values()), order.number
        taken += till.taken(external_id)
        back += booked[external_id] + by_source
        if _asked(till.shop.orders[external_id]) == [(one["sku"], one["quantity"]) for one in lines[order.id]]:
            kept += order.total_minor - booked[external_id] - by_source
            if order.state == OrderState.CANCELLED:
                assert till.left(external_id) == 0, f"{order.number} is cancelled, and its money is here"
            if not by_source:
                as_sold.add(order.id)
        else:
            kept += till.left(external_id)
    assert taken == kept + back
    for order_id, count in Counter(backs).items():
        if order_id in as_sold:
            pieces = sum(one["quantity"] for one in lines[order_id])
            _check_price(known[order_id], count, pieces, paid_minor[order_id])
    return len(rows)


def _check_price(order: Row[Any], count: int, pieces: int, minor: int) -> None:
    """All of an order is paid back to the cent, with its postage; a part of it by its share, cut by less than a cent a
    piece."""
    said = f"{order.number}: {minor} for {count} of {pieces}"
    if count == pieces:
        assert minor == order.total_minor, said
    else:
        assert abs(minor * pieces - (order.total_minor - order.shipping_minor) * count) < pieces * pieces, said


_PAID_BACK = (
    select(return_lines.c.order_id)
    .join(returns, returns.c.id == return_lines.c.return_id)
    .where(
        returns.c.state == ReturnState.CLOSED,
        return_lines.c.state == PieceState.RECEIVED,
        return_lines.c.word == Word.GRANTED,
        return_lines.c.wanted == Wanted.REFUND,
    )
)


def _asked(order: dict[str, Any]) -> list[tuple[str, int]]:
    return [(line["sku"], line["quantity"]) for line in order["line_items"]]


def _root(connection: Any, order_id: int) -> int:
    return int(owed.payer(connection, order_id)["external_id"])


def _decimal(minor: int) -> str:
    return f"{Decimal(minor) / 100:.2f}"


def _minor(amount: str) -> int:
    return int(Decimal(amount) * 100)
