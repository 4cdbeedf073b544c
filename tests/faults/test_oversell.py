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
from backroom.store.tables import orders, reservations
from tests.benches import open_bench
from tests.faults.table import Fault
from tests.shops import FIRST_STOCK, GTIN_TEE, PLAIN, SOUTH, Floor, an_order

PIECES, CLIENTS, WAVES = 100, 64, 4
# Prints nobody can make of it: who comes too late waits for stock, by the shop's last rule.
SCARCE_TEE = GTIN_TEE


@pytest.mark.fault("F3")
@pytest.mark.timeout(900)
def test_sixty_four_clients_get_exactly_the_hundred_pieces_there_are(floor: Floor, fault: Fault) -> None:
    attempts = fault.volume(256, 10_000, 10_000)
    there = next(pieces for place, sku, pieces in FIRST_STOCK if (place, sku) == (SOUTH, SCARCE_TEE))
    more = [(SOUTH, SCARCE_TEE, PIECES - there)]
    floor.room.database.write(lambda c: stock.receive(c, "more", more, "delivered", now(c)))
    numbers = itertools.count(20_000)
    all_sent = threading.Event()

    def a_client(url: str, orders_of_his: int) -> None:
        with httpx.Client(base_url=url, timeout=120) as client:
            for _ in range(orders_of_his):
                body = json.dumps(an_order(next(numbers), [(SCARCE_TEE, 1)], at=SOUTH)).encode()
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
    with floor.room.database.read() as connection:
        held = connection.execute(
            select(func.sum(reservations.c.quantity)).where(
                reservations.c.state == "held", reservations.c.sku == SCARCE_TEE
            )
        ).scalar_one()
        states = Counter(connection.execute(select(orders.c.state)).scalars())
    fault.tell(attempts=attempts, sold=held, **states)
    assert held == PIECES
    assert floor.available(SOUTH, SCARCE_TEE) == (PIECES, PIECES)
    assert states == {"released": PIECES, "backordered": attempts - PIECES}
    floor.check_sums()
    assert floor.available("hub", PLAIN)[1] == 0
