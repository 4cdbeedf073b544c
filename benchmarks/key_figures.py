"""The flow of key figures over a long past: how long it takes, and how much memory, in a process of its own.

    python -m benchmarks.key_figures --orders 1000000 [--database postgres]

A shop gets so many fulfilled orders over two years, with all rows that figures are made of, and a real Prefect server.
Then the flow runs by itself, each time in a fresh process: `first` (daily, when nothing was computed yet), `daily`
(after a day's orders), `hourly` (after an hour's), and `all days` (daily, when the figures of every day are to be
computed anew). Prints a line of JSON for each: seconds of the run, of its processor, and the most memory in megabytes.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from backroom.cli.environments import Ports, environment_of
from backroom.cli.processes import ROOT, free_ports, server_child
from backroom.domain.returns import Disposition, Reason, Wanted
from backroom.engine.supervise import Supervisor
from backroom.shop.demo_messages import LOCAL, Maker
from backroom.shop.room import Room
from backroom.store import order_facts, refunds, return_desk, return_opening
from backroom.store.database import now
from backroom.store.tables import (
    consents,
    fulfilment_lines,
    fulfilment_orders,
    history,
    inbox,
    labels,
    order_lines,
    orders,
    person_lookups,
    print_jobs,
    reservations,
    sheets,
    shipments,
    stock_movements,
)
from backroom.store.tables import order_facts as facts_table
from benchmarks.backroom_past import BACK, add_past
from benchmarks.backroom_shop import lay_shop, own_postgres, take_in

ORIGINALS = 400
# No figure is made of them, and they are three quarters of the database.
LEFT_OUT = (person_lookups, consents, inbox, order_lines, reservations, sheets, labels, stock_movements)
AN_HOUR = 60
EVERY_SO_MANY, WHO = 8, "benchmark"
RAN = "ran: "


def main(arguments: list[str] | None = None) -> int:
    """Make the past, run the flow over it, and print what each run took."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.key_figures", description=__doc__)
    parser.add_argument("--orders", type=int, default=1_000_000)
    parser.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--run", choices=("daily", "hourly"), help="only the flow, in the shop of BACKROOM_HOME")
    chosen = parser.parse_args(arguments)
    if chosen.run:
        print(RAN + json.dumps(_run(chosen.run)))
        return 0
    with ExitStack() as stack:
        home = Path(tempfile.mkdtemp(prefix="backroom-figures-"))
        stack.callback(shutil.rmtree, home, ignore_errors=True)
        secrets = {}
        if chosen.database == "postgres":
            secrets["database_url"], _ = stack.enter_context(own_postgres())
        # Before Prefect is imported: it reads its settings then, and no server is to be asked while orders are made.
        os.environ |= {"BACKROOM_HOME": str(home), "PREFECT_HOME": str(home / "prefect")}
        os.environ |= {"PREFECT_API_URL": "http://127.0.0.1:9/api", "PREFECT_LOGGING_TO_API_ENABLED": "false"}
        _measure(home, secrets, chosen.orders, stack)
    return 0


def _measure(home: Path, secrets: dict[str, str], count: int, stack: ExitStack) -> None:
    lay_shop(home, secrets, pieces=2 * (ORIGINALS + count) + 1000).close()
    from backroom.shop.room import this_room

    room = this_room()
    stack.callback(room.close)
    maker = Maker(1, datetime.now(UTC))
    a_day = max(count // BACK.days, AN_HOUR)
    _fulfil(room, maker, ORIGINALS)
    # Before the orders change hands: what they were paid by opens by their own person's key.
    _bring_back(room)
    room.database.write(_vary)
    began = time.monotonic()
    there = add_past(room, count, LEFT_OUT)
    _say("past", orders=there, seconds=round(time.monotonic() - began, 1), mb=_megabytes(room))
    ports = free_ports()
    with Supervisor([server_child(room, ports)], home / "logs"):
        _say("first", **_in_a_process(room, ports, "daily"))
        _fulfil(room, maker, a_day)
        _say("daily", orders=a_day, **_in_a_process(room, ports, "daily"))
        _fulfil(room, maker, AN_HOUR)
        _say("hourly", orders=AN_HOUR, **_in_a_process(room, ports, "hourly"))
        room.database.write(_mark_all_due)
        _say("all days", **_in_a_process(room, ports, "daily"))


def _fulfil(room: Room, maker: Maker, count: int) -> None:
    """Take so many orders their whole way, as if it had been an hour ago: what was just written waits."""
    from benchmarks.backroom_stages import Clock, work

    take_in(room, maker, count)
    work(Clock())
    room.database.write(_age)


def _age(connection: Connection) -> None:
    """What was written just now was written an hour ago: the newest waits for the next run."""
    before = now(connection) - timedelta(hours=1)
    connection.execute(update(history).where(history.c.at > before).values(at=before))


def _vary(connection: Connection) -> None:
    """As the orders of a shop differ: by way, by customer, and some were printed, one in eight of them twice."""
    of_event = orders.c.id % 4 == 1
    connection.execute(update(orders).where(of_event).values(event="nachtmarkt"))
    connection.execute(update(fulfilment_orders).where(fulfilment_orders.c.order_id % 4 == 2).values(location=LOCAL))
    people_of = {row[0]: row[1] for row in connection.execute(select(orders.c.id, orders.c.person_id))}
    for order_id, before in zip(list(people_of)[2::3], list(people_of.values())[1::3], strict=False):
        connection.execute(update(orders).where(orders.c.id == order_id).values(person_id=before))
    parts = select(fulfilment_orders.c.id).join(orders, orders.c.id == fulfilment_orders.c.order_id).where(of_event)
    printed = fulfilment_lines.c.fulfilment_order_id.in_(parts)
    pieces = fulfilment_lines.c.from_stock
    connection.execute(update(fulfilment_lines).where(printed).values(to_print=pieces, from_stock=0))
    for line in connection.execute(select(fulfilment_lines).where(printed)).mappings().all():
        job: dict[str, Any] = {name: line[name] for name in ("fulfilment_order_id", "line_no", "sku")}
        job |= {"part_key": "", "order_number": "", "location": LOCAL, "process": "dtg", "artwork": "", "state": "done"}
        job |= {"copies": line["to_print"], "attempt": 2 if line["id"] % 8 == 0 else 1, "created_at": now(connection)}
        connection.execute(insert(print_jobs).values(job))


def _bring_back(room: Room) -> None:
    """Of every eighth order a piece comes back to the hub's shelf, and is paid back."""
    shop, write = room.shop, room.database.write
    which = (
        select(shipments.c.return_tracking, func.min(fulfilment_lines.c.sku))
        .join(fulfilment_orders, fulfilment_orders.c.id == shipments.c.fulfilment_order_id)
        .join(fulfilment_lines, fulfilment_lines.c.fulfilment_order_id == fulfilment_orders.c.id)
        .where(fulfilment_orders.c.order_id % EVERY_SO_MANY == 0)
        .group_by(shipments.c.id)
    )
    with room.database.read() as connection:
        back = connection.execute(which).all()
    for label, sku in back:
        number = write(lambda c, label=label: return_opening.open_by_code(c, shop, label, shop.hub, WHO)).number
        line = write(lambda c, n=number, sku=sku: return_desk.receive(c, shop, n, shop.hub, sku, WHO)).line_id
        write(lambda c, line=line: return_desk.say(c, shop, line, Reason.SIZE, Wanted.REFUND, "", WHO))
        write(lambda c, line=line: return_desk.dispose(c, shop, line, Disposition.RESTOCK, WHO))
        write(lambda c, n=number: return_desk.that_is_all(c, shop, n, WHO))
        with room.database.read() as connection:
            (owed,) = refunds.waiting(connection, room.seals, [number])
        write(lambda c, n=number, due=owed: return_desk.confirm_refund(c, shop, n, due.amount_minor, "re_1", WHO))
    write(_age)


def _mark_all_due(connection: Connection) -> None:
    days = connection.execute(select(facts_table.c.shipped_day).where(facts_table.c.shipped_day != "").distinct())
    order_facts.mark_due(connection, {day: [] for day in days.scalars()})


def _in_a_process(room: Room, ports: Ports, period: str) -> dict[str, Any]:
    argv = [sys.executable, "-m", "benchmarks.key_figures", "--run", period]
    environment = environment_of(room, ports) | {"PREFECT_LOGGING_TO_API_ENABLED": "true"}
    done = subprocess.run(argv, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603
    lines = [line for line in done.stdout.splitlines() if line.startswith(RAN)]
    if done.returncode or not lines:
        raise RuntimeError(f"{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    told: dict[str, Any] = json.loads(lines[-1].removeprefix(RAN))
    return told


def _run(period: str) -> dict[str, Any]:
    from flows.kpi import kpi

    began, cpu = time.monotonic(), time.process_time()
    said = kpi(period=period)  # type: ignore[arg-type]
    return {
        "seconds": round(time.monotonic() - began, 2),
        "cpu_s": round(time.process_time() - cpu, 2),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1_000_000),
        "said": said,
    }


def _megabytes(room: Room) -> int:
    with room.database.read() as connection:
        if room.database.is_sqlite:
            size = room.home.joinpath("shop.db").stat().st_size
        else:
            size = connection.execute(select(func.pg_database_size(func.current_database()))).scalar_one()
    return round(size / 1_000_000)


def _say(what: str, **figures: object) -> None:
    print(json.dumps({"run": what} | figures), flush=True)


if __name__ == "__main__":
    sys.exit(main())
