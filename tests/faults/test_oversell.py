"""F3: many clients for the last pieces."""

from __future__ import annotations

import itertools
import json
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from sqlalchemy import func, select

from backroom.channels.signing import sign
from backroom.store import stock
from backroom.store.database import now
from backroom.store.tables import orders, print_jobs, reservations
from tests.benches import open_bench
from tests.faults.table import Fault
from tests.shops import FIRST_STOCK, GTIN_TEE, HUB, PLAIN, SCARCE, SOUTH, Floor, an_order

PIECES, CLIENTS, WAVES = 100, 64, 4
# Prints nobody can make of it: who comes too late waits for stock, by the shop's last rule.
SCARCE_TEE = GTIN_TEE


def offer(floor: Floor, place: str, sku: str) -> None:
    """A hundred pieces of it lie there, and nobody has any."""
    there = sum(pieces for at, which, pieces in FIRST_STOCK if (at, which) == (place, sku))
    more = [(place, sku, PIECES - there)]
    floor.room.database.write(lambda c: stock.receive(c, "more", more, "delivered", now(c)))


def sell(floor: Floor, place: str, sku: str, attempts: int) -> None:
    """So many orders for one piece of it, by 64 clients at once, taken in by four waves while they come."""
    numbers = itertools.count(20_000)
    all_sent = threading.Event()

    def a_client(url: str, orders_of_his: int) -> None:
        with httpx.Client(base_url=url, timeout=120) as client:
            for _ in range(orders_of_his):
                body = json.dumps(an_order(next(numbers), [(sku, 1)], at=place)).encode()
                headers = sign("shopify", body, "hush", shop_domain="nord.example")
                assert client.post("/webhooks/web", content=body, headers=headers).status_code == 200

    def a_wave_after_the_other() -> None:
        while not all_sent.wait(0.01):
            floor.intake()
        floor.intake()

    shares = [attempts // CLIENTS + (client < attempts % CLIENTS) for client in range(CLIENTS)]
    with open_bench(floor, ()) as bench, ThreadPoolExecutor(CLIENTS + WAVES) as threads:
        waves = [threads.submit(a_wave_after_the_other) for _ in range(WAVES)]
        clients = [threads.submit(a_client, bench.url, share) for share in shares]
        try:
            for client in clients:
                client.result()
        finally:
            all_sent.set()
        for wave in waves:
            wave.result()


def held_of(floor: Floor, sku: str) -> int:
    """Pieces of it that orders hold."""
    query = select(func.sum(reservations.c.quantity)).where(reservations.c.state == "held", reservations.c.sku == sku)
    with floor.room.database.read() as connection:
        return int(connection.execute(query).scalar_one())


def ends_of(floor: Floor) -> Counter[str]:
    with floor.room.database.read() as connection:
        return Counter(connection.execute(select(orders.c.state)).scalars())


@pytest.mark.fault("F3")
@pytest.mark.timeout(900)
def test_sixty_four_clients_get_exactly_the_hundred_pieces_there_are(floor: Floor, fault: Fault) -> None:
    attempts = fault.volume(256, 5_000, 10_000)
    offer(floor, SOUTH, SCARCE_TEE)
    sell(floor, SOUTH, SCARCE_TEE, attempts)
    held, states = held_of(floor, SCARCE_TEE), ends_of(floor)
    fault.tell(attempts=attempts, sold=held, **states)
    assert held == PIECES
    assert floor.available(SOUTH, SCARCE_TEE) == (PIECES, PIECES)
    assert states == {"released": PIECES, "backordered": attempts - PIECES}
    floor.check_sums()
    assert floor.available("hub", PLAIN)[1] == 0


@pytest.mark.fault("F3 printed")
@pytest.mark.timeout(900)
def test_whoever_comes_too_late_for_what_can_be_printed_has_it_made(floor: Floor, fault: Fault) -> None:
    attempts = fault.volume(256, 2_000, 10_000)
    offer(floor, HUB, SCARCE)
    sell(floor, HUB, SCARCE, attempts)
    held, states = held_of(floor, SCARCE), ends_of(floor)
    floor.fulfil(HUB)
    with floor.room.database.read() as connection:
        pieces = connection.execute(select(func.sum(print_jobs.c.copies)).where(print_jobs.c.sku == SCARCE))
        made = int(pieces.scalar_one())
    fault.tell(attempts=attempts, sold=held, made=made, **states)
    assert held == PIECES
    assert made == attempts - PIECES
    assert states == {"released": attempts}
    assert floor.available(HUB, SCARCE)[0] >= 0
    floor.check_sums()
