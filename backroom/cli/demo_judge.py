"""Judging the demo: how each order ended, against how the demo says that it must end."""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import requests
from sqlalchemy import Connection, RowMapping, func, select

from backroom.shop.demo_orders import DemoExpectation, DemoOrder
from backroom.shop.room import Room
from backroom.store.tables import (
    fulfilment_lines,
    fulfilment_orders,
    inbox,
    labels,
    messages,
    orders,
    print_jobs,
    quarantine,
    routing_decisions,
)

READ_SECONDS = 30.0
# Messages about a print's time, before its parcel or its collection.
BEFOREHAND = ("promised", "promised_later", "made_elsewhere")


@dataclass(frozen=True, slots=True)
class Verdict:
    """One order as the demo's table shows it. `ended` is false while it is still on its way; `wrong` says what is not
    as it must be."""

    number: str
    channel: str
    kind: str
    route: str
    why: str
    made: str
    label: str
    message: str
    ending: str
    expected: str
    ended: bool
    wrong: str


@dataclass(frozen=True, slots=True)
class Figures:
    """What the demo's line of JSON says; times in seconds, None where nothing was printed.

    `orders` are the messages that channels sent. `accepted` are the orders that the shop makes or has made: neither
    held for a person nor cancelled.
    """

    orders: int
    accepted: int
    held: int
    quarantined: int
    printed: int
    picked: int
    labels: int
    return_labels: int
    messages: int
    seconds: float
    webhook_to_print_p50_s: float | None
    webhook_to_print_p95_s: float | None
    failed: int

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def judge(room: Room, sent: Sequence[DemoOrder], failed_runs: Collection[str]) -> list[Verdict]:
    """A verdict for every order that was sent, and for every message that must not have become one.

    `failed_runs` are the names of Prefect's runs that are Failed: a sick order has ended when its own run is there.
    """
    expected: dict[tuple[str, str], tuple[DemoOrder, DemoExpectation]] = {}
    refused: list[DemoOrder] = []
    for order in sent:
        if order.expect.ending in ("refused", "duplicate") or not order.external_id:
            refused.append(order)
        if order.external_id and order.expect.ending not in ("refused", "duplicate"):
            expected[order.channel_id, order.external_id] = order, order.expect
    with room.database.read() as connection:
        seen = _Seen(connection)
        aside = Counter(connection.execute(select(quarantine.c.channel)).scalars())
    verdicts = []
    for identity, (order, expect) in expected.items():
        row = seen.orders.get(identity)
        if row is None:
            quarantined = expect.ending == "quarantined" and identity in seen.quarantined
            verdicts.append(_unseen(order, ended=quarantined))
        else:
            verdicts.append(_verdict(order, expect, row, seen, failed_runs))
    for order in refused:
        ended = order.expect.ending != "quarantined" or aside[order.channel_id] > 0
        verdicts.append(_unseen(order, ended=ended))
    return verdicts


def figures(room: Room, sent: Sequence[DemoOrder], verdicts: Sequence[Verdict], seconds: float) -> Figures:
    """The figures of a finished demo, counted in the database."""
    with room.database.read() as connection:
        states = Counter(connection.execute(select(orders.c.state)).scalars())
        kinds = Counter(connection.execute(select(labels.c.kind)).scalars())
        waits = _webhook_to_print(connection)
        picked = connection.execute(
            select(func.coalesce(func.sum(fulfilment_lines.c.from_stock), 0))
            .join(fulfilment_orders, fulfilment_orders.c.id == fulfilment_lines.c.fulfilment_order_id)
            .where(fulfilment_orders.c.state == "done")
        ).scalar_one()
        return Figures(
            orders=len(sent),
            accepted=sum(states.values()) - states["held"] - states["cancelled"],
            held=states["held"],
            quarantined=_count(connection, select(func.count()).select_from(quarantine)),
            printed=_count(
                connection, select(func.count()).select_from(print_jobs).where(print_jobs.c.state == "done")
            ),
            picked=picked,
            labels=kinds["shipping"],
            return_labels=kinds["return"],
            messages=_count(connection, select(func.count()).select_from(messages).where(messages.c.state == "sent")),
            seconds=round(seconds, 2),
            webhook_to_print_p50_s=round(statistics.median(waits), 3) if waits else None,
            webhook_to_print_p95_s=round(sorted(waits)[int(len(waits) * 0.95)], 3) if waits else None,
            failed=sum(1 for verdict in verdicts if verdict.wrong or not verdict.ended),
        )


class _Seen:
    """What the database holds, by order."""

    def __init__(self, connection: Connection) -> None:
        rows = connection.execute(select(*[c for c in orders.c if c.name != "contact"])).mappings().all()
        self.orders: dict[tuple[str, str], RowMapping] = {(row["channel"], row["external_id"]): row for row in rows}
        self.parts: Mapping[int, list[RowMapping]] = _grouped(connection, fulfilment_orders, "order_id")
        self.lines: Mapping[int, list[RowMapping]] = _grouped(connection, fulfilment_lines, "fulfilment_order_id")
        self.messages: Mapping[int, list[RowMapping]] = _grouped(connection, messages, "order_id")
        self.labelled = set(
            connection.execute(
                select(fulfilment_orders.c.order_id).where(fulfilment_orders.c.labelled_at.is_not(None))
            ).scalars()
        )
        decided = select(routing_decisions.c.order_id, routing_decisions.c.reasons).order_by(routing_decisions.c.round)
        self.why = {order_id: ", ".join(reasons) for order_id, reasons in connection.execute(decided)}
        query = select(inbox.c.channel, inbox.c.external_id).where(inbox.c.state == "quarantined")
        self.quarantined = {(row[0], row[1]) for row in connection.execute(query)}


def _verdict(
    order: DemoOrder, expect: DemoExpectation, row: RowMapping, seen: _Seen, failed_runs: Collection[str]
) -> Verdict:
    parts = [part for part in seen.parts[row["id"]] if part["state"] != "cancelled"]
    lines = [line for part in parts for line in seen.lines[part["id"]]]
    sent = [one for one in seen.messages[row["id"]] if one["state"] == "sent"]
    causes = {row["sick_cause"], *(part["sick_cause"] for part in parts)} - {None}
    sick = bool(causes)
    ending = "failed" if sick and row["number"] in failed_runs else str(row["state"])
    printed = any(line["printed"] for line in lines)
    wrong = []
    if ending == expect.ending:
        places = {part["location"] for part in parts}
        if expect.location is not None and parts and places != {expect.location}:
            wrong.append(f"made at {', '.join(sorted(places))}, not {expect.location}")
        if expect.reason is not None and expect.reason not in ({row["hold_reason"]} | causes):
            wrong.append(f"reason {row['hold_reason'] or ', '.join(causes)}, not {expect.reason}")
        if expect.printed is not None and ending == "fulfilled" and printed != expect.printed:
            wrong.append("printed" if printed else "not printed")
        # Whether somebody hears beforehand when a print is ready depends on how soon it came out.
        of_its_end = [one for one in sent if one["kind"] not in BEFOREHAND]
        if expect.messages is not None and ending == "fulfilled" and len(of_its_end) != expect.messages:
            wrong.append(f"{len(of_its_end)} messages, not {expect.messages}")
    return Verdict(
        number=row["number"],
        channel=row["channel"],
        kind=order.kind,
        route=", ".join(sorted({part["location"] for part in parts})),
        why="; ".join(sorted(causes)) or seen.why.get(row["id"], "") or row["hold_reason"],
        made=_made(lines),
        label="both" if row["id"] in seen.labelled and row["delivery"] == "ship" else "",
        message=", ".join(sorted(one["medium"] for one in sent)),
        ending=ending,
        expected=expect.ending,
        ended=ending == expect.ending,
        wrong="; ".join(wrong),
    )


def _unseen(order: DemoOrder, *, ended: bool) -> Verdict:
    return Verdict(
        number="",
        channel=order.channel_id,
        kind=order.kind,
        route="",
        why="",
        made="",
        label="",
        message="",
        ending=order.expect.ending if ended else "missing",
        expected=order.expect.ending,
        ended=ended,
        wrong="",
    )


def _made(lines: Sequence[RowMapping]) -> str:
    printed = sum(line["printed"] for line in lines)
    picked = sum(line["from_stock"] for line in lines)
    said = [f"{printed} printed"] if printed else []
    return ", ".join(said + ([f"{picked} picked"] if picked else []))


def _webhook_to_print(connection: Connection) -> list[float]:
    """Seconds from the inbox's commit to the end of the order's first print: later than the printer's acceptance."""
    query = (
        select(func.min(inbox.c.received_at), func.min(print_jobs.c.ended_at))
        .join(orders, orders.c.id == inbox.c.order_id)
        .join(fulfilment_orders, fulfilment_orders.c.order_id == orders.c.id)
        .join(print_jobs, print_jobs.c.fulfilment_order_id == fulfilment_orders.c.id)
        .where(print_jobs.c.state == "done")
        .group_by(orders.c.id)
    )
    return [(ended - received).total_seconds() for received, ended in connection.execute(query)]


def failed_run_names(api: str) -> set[str]:
    """Names of the runs that are Failed in Prefect's UI. Raises what `requests` raises."""
    names: set[str] = set()
    while True:
        page = requests.post(
            f"{api}/flow_runs/filter",
            json={"flow_runs": {"state": {"type": {"any_": ["FAILED"]}}}, "limit": 200, "offset": len(names)},
            timeout=READ_SECONDS,
        )
        page.raise_for_status()
        found = [run["name"] for run in page.json()]
        names.update(found)
        if len(found) < 200:
            return names


def _grouped(connection: Connection, table: Any, column: str) -> Mapping[int, list[RowMapping]]:
    grouped: dict[int, list[RowMapping]] = defaultdict(list)
    for row in connection.execute(select(table)).mappings():
        grouped[row[column]].append(row)
    return grouped


def _count(connection: Connection, query: Any) -> int:
    return int(connection.execute(query).scalar_one())
