"""F2: deliveries eight times, in any order, some forged and some older than what is known."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import local

import httpx
import pytest
from sqlalchemy import func, select

from backroom.channels.signing import sign
from backroom.store.tables import inbox, order_lines, orders
from tests.benches import open_bench
from tests.faults.table import Fault
from tests.shops import HUB, PLAIN, Floor, an_order

COPIES, CLIENTS = 8, 8
# Each order is sent as it was, as it became, and once more as it had been in between, under a new delivery; besides
# these 17 there is one forged delivery: one in eighteen of either kind.
DELIVERIES_OF_AN_ORDER = 2 * COPIES + 2
ASKED_FIRST, FORGED, IN_BETWEEN, CANCELLED = 1, 9, 7, 0


@dataclass(frozen=True)
class Sent:
    """A delivery as it goes over the wire, and the answers that are right."""

    body: bytes
    headers: dict[str, str]
    right: frozenset[tuple[int, str]]


def a_delivery(
    external_id: int, key: str, quantity: int, minute: int, *, forged: bool = False, cancels: bool = False
) -> Sent:
    when = {"cancelled_at": f"2026-11-01T10:{minute}:00+00:00"} if cancels else {}
    body = json.dumps(an_order(external_id, [(PLAIN, quantity)], at=HUB, minute=minute, **when)).encode()
    headers = sign("shopify", body, "guessed" if forged else "hush", shop_domain="nord.example")
    headers["X-Shopify-Webhook-Id"] = headers["X-Shopify-Event-Id"] = key
    headers["X-Shopify-Topic"] = "orders/cancelled" if cancels else "orders/create" if minute == 0 else "orders/updated"
    right = {(401, "")} if forged else {(200, "accepted"), (200, "duplicate")}
    return Sent(body, headers, frozenset(right))


def deliveries_of(number: int, wanted: int) -> list[Sent]:
    """Of an order that is wanted in this quantity at last; 0 is cancelled at last, and stale news has it alive."""
    id_ = 10_000 + number
    first = a_delivery(id_, f"{id_}-first", ASKED_FIRST, 0)
    newest = a_delivery(id_, f"{id_}-newest", wanted or ASKED_FIRST, 30, cancels=wanted == CANCELLED)
    stale = a_delivery(id_, f"{id_}-stale", IN_BETWEEN, 15)
    forged = a_delivery(id_, f"{id_}-forged", FORGED, 45, forged=True)
    return [first] * COPIES + [newest] * COPIES + [stale, forged]


def sender(url: str) -> Callable[[Sent], tuple[int, str]]:
    """A client for each thread, as a channel keeps its connections."""
    own = local()

    def send(one: Sent) -> tuple[int, str]:
        if not hasattr(own, "client"):
            own.client = httpx.Client(base_url=url, timeout=60)
        answer = own.client.post("/webhooks/web", content=one.body, headers=one.headers)
        return answer.status_code, answer.json().get("outcome", "")

    return send


@pytest.mark.fault("F2")
@pytest.mark.timeout(900)
def test_repeated_reordered_forged_and_stale_deliveries_make_exactly_the_true_orders(
    floor: Floor, fault: Fault
) -> None:
    many = -(-fault.volume(360, 10_000, 10_000) // DELIVERIES_OF_AN_ORDER)
    wanted = {10_000 + number: fault.chance.choice((2, 3, 4, CANCELLED)) for number in range(many)}
    sent = [one for number in range(many) for one in deliveries_of(number, wanted[10_000 + number])]
    fault.chance.shuffle(sent)
    parts = [sent[start : start + 1 + len(sent) // 6] for start in range(0, len(sent), 1 + len(sent) // 6)]
    answers: Counter[int] = Counter()
    with open_bench(floor, ()) as bench, ThreadPoolExecutor(CLIENTS) as clients:
        for part in parts:
            for one, answer in zip(part, clients.map(sender(bench.url), part), strict=True):
                assert answer in one.right
                answers[answer[0]] += 1
            # Between the deliveries what came so far is taken in: stale news then meets newer news that was applied.
            floor.intake()
    with floor.room.database.read() as connection:
        stored = connection.execute(select(func.count()).select_from(inbox)).scalar_one()
        lines = connection.execute(
            select(orders.c.external_id, orders.c.state, order_lines.c.quantity).join(
                order_lines, order_lines.c.order_id == orders.c.id
            )
        ).all()
    taken = {int(row.external_id): CANCELLED if row.state == "cancelled" else row.quantity for row in lines}
    fault.tell(deliveries=len(sent), orders=len(taken), refused=answers[401], stored=stored)
    assert len(lines) == len(taken), "an order was taken in twice"
    assert taken == wanted
    assert answers[401] == many
    assert stored == 3 * many
