"""How many orders a second one hub worker ends, and how many two: on one PostgreSQL, which they share.

    python -m benchmarks.latency_workers --orders 2000

In turn with one worker and with two, each time a whole shop of its own, on a PostgreSQL with its durability as it comes
(Prefect's server on SQLite: this PostgreSQL has not the extension that its tables want). The orders lie in the inbox,
put there as the gateway does; the pool is held until then (Prefect's own switch). From the moment it is let loose until
the last order is fulfilled. Which worker ended how many is read from the history and from Prefect's record of who ran
each run; what was done twice, from the ledger, the parcels and the mail folder. A table, and one line of JSON at the
end.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

import requests
from sqlalchemy import func, select
from starlette.datastructures import Headers

from backroom.engine.wake import RunRequest, Waker, deployment_for
from backroom.gateway.doors import webhook_doors
from backroom.shop.demo_messages import MAIN, WEB
from backroom.store.inbox_door import accept
from backroom.store.tables import effects, history, messages, orders, shipments
from benchmarks.backroom_counts import mails
from benchmarks.latency_sending import OrderMaker, Webhook
from benchmarks.latency_shop import MeasuredShop, machine, measured_shop, postgres, sharing

POOL = "hub"
WARM_UP = 20
PATIENCE = 1200.0
TOGETHER = 500


@dataclass(frozen=True, slots=True)
class Round:
    """One shop with so many hub workers: orders a second, who ended how many, and what they took of the processor."""

    workers: int
    orders: int
    seconds: float
    orders_per_s: float
    ended_by: dict[str, int]
    released_by: dict[str, int]
    percent_of_a_core: dict[str, float]
    cpu_ms_per_order: float
    twice: int


def measure(workers: int, count: int) -> Round:
    with (
        postgres("shop") as server,
        measured_shop(printers=False, database_url=server.urls["shop"], workers=workers) as shop,
    ):
        maker = OrderMaker(shop.room)
        take_in(shop, maker.from_stock(WARM_UP))
        let_loose(shop)
        shop.wait_for(WARM_UP, PATIENCE)
        hold(shop, paused=True)
        take_in(shop, maker.from_stock(count))
        database = server.processor_seconds()
        began = time.time()
        with sharing(shop) as told:
            let_loose(shop)
            ended = shop.wait_for(WARM_UP + count, PATIENCE)
        took = ended - began
        percent = told[0].percent | {"postgres": 100 * (server.processor_seconds() - database) / told[0].seconds}
        return Round(
            workers,
            count,
            round(took, 2),
            round(count / took, 1),
            by_worker(shop, "order.fulfilled"),
            by_worker(shop, "order.released"),
            {name: round(share, 1) for name, share in percent.items()},
            round(sum(percent.values()) / 100 * told[0].seconds * 1000 / count, 2),
            done_twice(shop),
        )


def take_in(shop: MeasuredShop, webhooks: list[Webhook]) -> None:
    """Put signed webhooks into the inbox as the gateway does: checked, sealed, by its own door; nobody is woken."""
    room = shop.room
    door = webhook_doors(room)[WEB]
    deliveries = []
    for webhook in webhooks:
        head, _, body = webhook.request.partition(b"\r\n\r\n")
        pairs = [line.partition(b": ") for line in head.split(b"\r\n")[1:]]
        deliveries.append(door.read(body, Headers(raw=[(name.lower(), value) for name, _, value in pairs])))
    for start in range(0, len(deliveries), TOGETHER):
        group = deliveries[start : start + TOGETHER]
        room.database.write(lambda c, group=group: [accept(c, room.seals, one, room.shop.hub) for one in group])


def hold(shop: MeasuredShop, *, paused: bool) -> None:
    """Let the pool's workers take no run, or let them again: Prefect's own switch, as in its UI."""
    asked = {"is_paused": paused}
    requests.patch(f"{shop.ports.api}/work_pools/{POOL}", json=asked, timeout=30).raise_for_status()


def let_loose(shop: MeasuredShop) -> None:
    """Switch the pool on, and wake intake under a key of its own."""
    hold(shop, paused=False)
    waker = Waker(shop.ports.api)
    key = f"measured:{datetime.now(UTC).isoformat()}"
    waker.start(RunRequest(deployment_for("intake", MAIN), "measured", key))
    if not waker.close(60):
        raise TimeoutError("Prefect took no wake-up")


def by_worker(shop: MeasuredShop, event: str) -> dict[str, int]:
    """How many orders each worker brought to an event: by the run that wrote it, and by who ran that run."""
    query = select(history.c.run_id, func.count()).where(history.c.event == event).group_by(history.c.run_id)
    with shop.room.database.read() as connection:
        counted = [(run_id, count) for run_id, count in connection.execute(query)]
    found: Counter[str] = Counter()
    for run_id, count in counted:
        run = requests.get(f"{shop.ports.api}/flow_runs/{run_id}", timeout=30)
        run.raise_for_status()
        found[str(run.json()["infrastructure_pid"]).rpartition(":")[0]] += count
    return dict(sorted(found.items()))


def done_twice(shop: MeasuredShop) -> int:
    """How many effects happened once too often: parcels and mails beyond the ledger's, and orders told twice."""
    with shop.room.database.read() as connection:
        kinds = Counter(connection.execute(select(effects.c.kind).where(effects.c.state == "done")).scalars())
        parcels = connection.execute(select(func.count()).select_from(shipments)).scalar_one()
        told = connection.execute(select(messages.c.order_id).where(messages.c.state == "sent")).scalars().all()
        ended = select(history.c.order_id).where(history.c.event == "order.fulfilled")
        fulfilled = connection.execute(ended).scalars().all()
        known = connection.execute(select(func.count()).select_from(orders)).scalar_one()
    return (
        abs(parcels - kinds["label"])
        + abs(mails(shop.room.home / "mail") - kinds["message"])
        + (len(told) - len(set(told)))
        + (len(fulfilled) - known)
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.latency_workers", description=__doc__.splitlines()[0])
    parser.add_argument("--orders", type=int, default=2000, help="how many wait when the pool is let loose (2000)")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2], help="how many at the hub, in turn (1 2)")
    asked = parser.parse_args()
    rounds = [measure(workers, asked.orders) for workers in asked.workers]
    for one in rounds:
        print(f"{one.workers} hub workers: {one.orders_per_s:g} orders/s ({one.orders} in {one.seconds:g} s)")
        for name, who in (("released by", one.released_by), ("ended by", one.ended_by)):
            print(f"  {name:<12} {', '.join(f'{worker} {count}' for worker, count in who.items())}")
        shares = ", ".join(f"{name} {share:.0f}" for name, share in sorted(one.percent_of_a_core.items()))
        print(f"  % of a core  {shares}; {one.cpu_ms_per_order:g} ms an order")
        print(f"  done twice   {one.twice}")
    ratio = rounds[-1].orders_per_s / rounds[0].orders_per_s
    print(f"{rounds[-1].workers} workers end {ratio:.2f} times as many as {rounds[0].workers}")
    figures = {"rounds": [asdict(one) for one in rounds], "ratio": round(ratio, 2), "machine": machine()}
    print(json.dumps(figures))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
