"""How soon the running shop answers, and how soon what was ordered is at the printer.

    python -m benchmarks.latency --orders 60 --seconds 30

The whole shop runs: Prefect's server, the gateway, the hub's two workers and the booth's, with real IPP printers at the
booth. First one order a second of what the booth prints: from the moment the webhook was answered until the printer had
taken the Print-Job, by the printer's own record (the moment its command kept the document, just after it accepted the
job). Then a hundred signed webhooks a second, each sent at its time, while waves work on them. A table for each and one
line of JSON at the end.

With `--past N` the shop gets that many orders of the past in between, and the trickle is measured again. The orders'
prints are counted back from the printers, and what is less or more than was ordered fails the run. It ends with 3 where
a goal is broken, among them 1.25 times the time at 100,000 past orders, for half of them and for nineteen of twenty.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from backroom.shop.demo_messages import WEB
from backroom.store.print_jobs import key_of
from backroom.store.tables import fulfilment_orders, inbox, orders, print_jobs
from benchmarks import goals
from benchmarks.latency_sending import OrderMaker, Sent, percentile, send_at
from benchmarks.latency_shop import MeasuredShop, Sharing, machine, measured_shop, postgres, sharing
from benchmarks.verdicts import of_latency

WARM_UP, WARM_UP_SECONDS = 6, 120.0
PATIENCE = 300.0
STAGES = ("accepted", "released", "job opened", "job handed", "call begun", "at the printer")


@dataclass(frozen=True, slots=True)
class Spread:
    """Half, nineteen of twenty, ninety-nine of a hundred, and all of the samples lie at or below these."""

    p50: float
    p95: float
    p99: float
    most: float
    samples: int

    @classmethod
    def of(cls, values: Sequence[float], digits: int = 3) -> Spread:
        p50, p95, p99, most = (round(percentile(values, share), digits) for share in (0.5, 0.95, 0.99, 1.0))
        return cls(p50, p95, p99, most, len(values))


@dataclass(frozen=True, slots=True)
class Trickle:
    """One order a second: how long to the printer, since it was answered and since it was sent, and where it went."""

    to_printer_s: Spread
    from_sending_s: Spread
    stages_p50_s: Mapping[str, float]
    print_jobs: int
    printed: int
    sharing: Sharing


@dataclass(frozen=True, slots=True)
class Answers:
    """Webhooks at a rate: how long each took to be answered, and how many orders the waves ended meanwhile."""

    answer_ms: Spread
    since_due_ms: Spread
    sender_late_ms: Spread
    refused: int
    stored: int
    fulfilled_meanwhile: int
    sharing: Sharing


def warm_up(shop: MeasuredShop, maker: OrderMaker) -> None:
    """Some orders of each kind: code is loaded, connections are open, statements are prepared."""
    send_at([*maker.at_the_booth(WARM_UP), *maker.from_stock(WARM_UP)], 2, shop.ports.gateway)
    shop.wait_for(2 * WARM_UP, WARM_UP_SECONDS)


def trickle(shop: MeasuredShop, maker: OrderMaker, count: int, rate: float = 1.0) -> Trickle:
    before, kept = shop.numbers().get("fulfilled", 0), _records(shop.printed)
    with sharing(shop) as told:
        sent = send_at(maker.at_the_booth(count), rate, shop.ports.gateway)
        shop.wait_for(before + count, PATIENCE)
    # Each is one order of one line, so one job.
    if (printed := _records(shop.printed) - kept) != count:
        raise SystemExit(f"the printers kept {printed} jobs and not {count}")
    moments = _moments(shop, {one.external_id for one in sent})
    steps: dict[str, list[float]] = {name: [] for name in STAGES}
    for one in sent:
        last = one.answered
        for name, moment in zip(STAGES, moments[one.external_id], strict=True):
            steps[name].append(moment - last)
            last = moment
    at_printer = [(one, moments[one.external_id][-1]) for one in sent]
    return Trickle(
        Spread.of([at - one.answered for one, at in at_printer]),
        Spread.of([at - one.sent for one, at in at_printer]),
        {name: round(percentile(values, 0.5), 3) for name, values in steps.items()},
        count,
        printed,
        told[0],
    )


def answers(shop: MeasuredShop, maker: OrderMaker, seconds: float, rate: float) -> Answers:
    webhooks = maker.from_stock(round(seconds * rate))
    before = shop.numbers().get("fulfilled", 0)
    with sharing(shop) as told:
        sent = send_at(webhooks, rate, shop.ports.gateway)
        meanwhile = shop.numbers().get("fulfilled", 0) - before
    answered = [one for one in sent if one.status == 200]
    result = Answers(
        Spread.of([one.answer_ms for one in answered], 1),
        Spread.of([one.answer_ms + one.late_ms for one in answered], 1),
        Spread.of([one.late_ms for one in sent], 1),
        len(sent) - len(answered),
        _stored(shop, sent),
        meanwhile,
        told[0],
    )
    shop.wait_for(before + len(answered), PATIENCE + 2 * seconds)
    return result


def _stored(shop: MeasuredShop, sent: Sequence[Sent]) -> int:
    """How many of them lie in the inbox, read back from the database."""
    least, most = (pick(int(one.external_id) for one in sent) for pick in (min, max))
    ids = [str(number) for number in range(least, most + 1)]
    count = 0
    with shop.room.database.read() as connection:
        for index in range(0, len(ids), 1000):
            query = select(func.count()).where(
                inbox.c.channel == WEB, inbox.c.external_id.in_(ids[index : index + 1000])
            )
            count += connection.execute(query).scalar_one()
    return count


def _moments(shop: MeasuredShop, ids: set[str]) -> dict[str, list[float]]:
    """When each order went through its stages, as the store wrote it, and the printer's record as the last."""
    at_printer = _printed(shop.printed)
    query = (
        select(print_jobs, orders.c.external_id, orders.c.accepted_at, fulfilment_orders.c.opened_at)
        .join(fulfilment_orders, fulfilment_orders.c.id == print_jobs.c.fulfilment_order_id)
        .join(orders, orders.c.id == fulfilment_orders.c.order_id)
        .where(orders.c.channel == WEB, orders.c.external_id.in_(ids))
    )
    found = {}
    with shop.room.database.read() as connection:
        for row in connection.execute(query).mappings():
            written: list[datetime] = [
                row[name] for name in ("accepted_at", "opened_at", "created_at", "handed_at", "started_at")
            ]
            found[row["external_id"]] = [one.timestamp() for one in written] + [at_printer[key_of(row)]]
    return found


def _records(folders: Sequence[Path]) -> int:
    """How many jobs the printers kept so far; one that was printed twice counts twice."""
    return sum(1 for folder in folders for _ in folder.glob("*.json"))


def _printed(folders: Sequence[Path]) -> dict[str, float]:
    """By the job's name, when a printer kept its document: the name of the record is that moment in nanoseconds."""
    found = {}
    for folder in folders:
        for record in folder.glob("*.json"):
            found[json.loads(record.read_text())["attributes"]["job-name"]] = int(record.stem) / 1e9
    return found


def show_trickle(title: str, told: Trickle) -> None:
    print(f"{title}: webhook answered → at the printer, {told.to_printer_s.samples} orders, one a second")
    for name, spread in (("since the answer", told.to_printer_s), ("since sending", told.from_sending_s)):
        print(f"  {name:<18} p50 {spread.p50:.3f} s   p95 {spread.p95:.3f} s   most {spread.most:.3f} s")
    print(f"  counted back       {told.printed} jobs at the printers, of {told.print_jobs} orders")
    print("  half of them took  " + ", ".join(f"{name} {took:.3f}" for name, took in told.stages_p50_s.items()))
    show_sharing(told.sharing)


def show_answers(told: Answers, rate: float) -> None:
    print(f"webhooks at {rate:g}/s: {told.answer_ms.samples} answered, {told.refused} refused, {told.stored} stored,")
    print(f"  {told.fulfilled_meanwhile} orders fulfilled meanwhile")
    rows = (
        ("answer", told.answer_ms),
        ("since it was due", told.since_due_ms),
        ("sender was late", told.sender_late_ms),
    )
    for name, spread in rows:
        print(f"  {name:<18} p50 {spread.p50:.1f} ms   p99 {spread.p99:.1f} ms   most {spread.most:.1f} ms")
    show_sharing(told.sharing)


def show_sharing(told: Sharing) -> None:
    shares = ", ".join(f"{name} {percent:.0f}" for name, percent in sorted(told.percent.items()))
    print(f"  % of a core        {shares}; all {told.total:.0f}")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.latency", description=__doc__.splitlines()[0])
    parser.add_argument("--orders", type=int, default=60, help="how many orders trickle, one a second (60); 0: none")
    parser.add_argument("--seconds", type=float, default=30, help="how long webhooks are sent (30); 0: none")
    parser.add_argument("--rate", type=float, default=100, help="webhooks a second (100)")
    parser.add_argument("--past", type=int, default=0, help="orders of the past, for a second trickle (0: none)")
    parser.add_argument("--postgres", action="store_true", help="the shop on PostgreSQL instead of SQLite")
    asked = parser.parse_args()
    figures: dict[str, Any] = {"database": "postgres" if asked.postgres else "sqlite", "rate": asked.rate}
    if asked.postgres:
        with postgres("shop") as server, measured_shop(database_url=server.urls["shop"]) as shop:
            measure(shop, asked, figures)
    else:
        with measured_shop() as shop:
            measure(shop, asked, figures)
    judged = of_latency(figures)
    print("\n".join(goals.lines(judged)))
    print(json.dumps(figures | {"goals": goals.told(judged), "machine": machine()}))
    return goals.code(judged)


def measure(shop: MeasuredShop, asked: argparse.Namespace, figures: dict[str, Any]) -> None:
    maker = OrderMaker(shop.room)
    warm_up(shop, maker)
    if asked.orders:
        fresh = trickle(shop, maker, asked.orders)
        show_trickle("fresh database", fresh)
        figures["to_printer"] = asdict(fresh)
    if asked.orders and asked.past:
        # Imported at use: the copies stand beside the measure of throughput.
        from benchmarks.backroom_past import add_past

        began = time.monotonic()
        laid = add_past(shop.room, asked.past)
        print(f"{laid} orders of the past laid in {time.monotonic() - began:.0f} s")
        later = trickle(shop, maker, asked.orders)
        show_trickle(f"{laid} past orders", later)
        figures |= {"to_printer_past": asdict(later), "past": laid}
    if asked.seconds:
        told = answers(shop, maker, asked.seconds, asked.rate)
        show_answers(told, asked.rate)
        figures["answers"] = asdict(told)


if __name__ == "__main__":
    raise SystemExit(main())
