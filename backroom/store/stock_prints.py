"""Prints to stock: the pieces that a transfer to a market lacks, printed at the hub before it leaves.

What belongs here: opening those jobs with a person's yes, where a piece of them goes, and dropping what nobody waits
for any more. What does not: a worker's turn at a job (`print_attempts`), and a transfer's own states (`transfers`).

One job is one piece: an order that comes meanwhile waits for the few single prints that the worker has in hand, and
where nobody can tell whether it was printed, that is one piece. What comes out is put to the hub's stock and set aside
for its transfer in one commit, so that nobody else is sold it in between; where its transfer has left, does not go, or
its event is over, it stays in the stock, for everybody.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, RowMapping, insert, select, update

from backroom.domain.blanks import blanks_of
from backroom.domain.model import PrintJobState, Variant
from backroom.domain.shop import Shop
from backroom.store import effects, print_seals, stock
from backroom.store.catalogue import all_variants
from backroom.store.claims import Wakeup, wakeup
from backroom.store.print_jobs import (
    KIND,
    STAGE,
    drop_unbegun,
    job_key,
    owner_of,
    pieces_of,
    request_hash_of,
    tell,
)
from backroom.store.sample_standing import not_on_demand
from backroom.store.tables import print_jobs, stock_levels, transfer_lines, transfers
from backroom.store.transfer_rows import Transfer, still_printing
from backroom.store.transfer_stock import change

# Whoever has paid comes first, however patient a channel: theirs are far below.
PRIORITY = 1000
NO_SAMPLE = "its sample is not approved any more"


def open_jobs(connection: Connection, shop: Shop, one: Transfer, at: datetime) -> None:
    """Open a job for each piece that a transfer has printed first, as far as the hub prints it, with an approved
    sample, and has blanks; call it once, in the commit of its yes. What is left out is short, by name."""
    if not any(line.to_print for line in one.lines):
        return
    hub = shop.location(one.from_location)
    variants = all_variants(connection)
    by_sku = {variant.sku: variant for variant in variants}
    wanted = {line.sku: by_sku[line.sku] for line in one.lines if line.to_print}
    able = {sku: v for sku, v in wanted.items() if v.artwork and hub.can_print(v.print_process)}
    closed = not_on_demand(connection, shop, list(able.values()), at).get(hub.id, {})
    blanks, left = blanks_of(variants), free_blanks(connection, hub.id, variants)
    pieces: list[Variant] = []
    for line in one.lines:
        if line.sku not in able or line.sku in closed:
            continue
        blank = blanks.get(line.sku)
        count = line.to_print if blank is None else max(0, min(line.to_print, left[blank]))
        if blank is not None:
            left[blank] -= count
        pieces += [able[line.sku]] * count
    _open(connection, one, pieces, at)


def free_blanks(connection: Connection, location: str, variants: Collection[Variant]) -> Counter[str]:
    """Blanks of a location that neither an order nor an open print to stock will have, by their SKU."""
    blanks = blanks_of(variants)
    free = stock_levels.c.on_hand - stock_levels.c.reserved
    here = select(stock_levels.c.sku, free).where(
        stock_levels.c.location == location,
        stock_levels.c.sku.in_(set(blanks.values())),
        ~stock_levels.c.kept,
        ~stock_levels.c.aside,
    )
    found = Counter({sku: int(count) for sku, count in connection.execute(here)})
    for sku, count in to_come(connection, location).items():
        if sku in blanks:
            found[blanks[sku]] -= count
    return found


def to_come(connection: Connection, location: str) -> dict[str, int]:
    """Pieces that are still to be printed to stock at a location, by SKU, whichever transfer they are for."""
    found: Counter[str] = Counter()
    ids = select(transfers.c.id).where(transfers.c.from_location == location)
    for (_, sku), count in still_printing(connection, transfers.c.id.in_(ids)).items():
        found[sku] += count
    return dict(found)


def came_out(connection: Connection, row: RowMapping, at: datetime) -> None:
    """A piece of a job was printed: into the hub's stock, and set aside for its transfer where that waits for it."""
    pieces, key = pieces_of(row), f"to stock:{row['id']}:{row['attempt']}"
    if owner_of(connection, row).over:
        stock.receive(connection, key, [(row["location"], row["sku"], pieces)], "printed for a market, not taken", at)
        told = {"sku": row["sku"], "pieces": pieces, "location": row["location"]}
        tell(connection, row, "print.shelved", told, at)
        return
    place = row["location"], row["sku"]
    change(connection, place, pieces, key=key, reason="printed for a market", at=at, free=False)
    change(connection, place, -pieces, key=f"{key}:set aside", reason="set aside", at=at, free=False)
    _set_aside(connection, row, pieces)


def was_bad(connection: Connection, row: RowMapping, bad: int, at: datetime) -> None:
    """So many pieces of what a job printed are thrown away: the transfer has them no more, and no stock has."""
    place, key = (row["location"], row["sku"]), f"to stock:{row['id']}:{row['attempt']}:bad"
    change(connection, place, bad, key=f"{key}:out of it", reason="came back", at=at, free=False)
    change(connection, place, -bad, key=key, reason="came out bad", at=at, free=False)
    _set_aside(connection, row, -bad)


def drop(connection: Connection, transfer_ids: Iterable[int], at: datetime, why: str) -> None:
    """Drop what nobody has begun to print of these transfers; what is at a printer comes to its own end."""
    _drop(connection, print_jobs.c.transfer_id.in_(list(transfer_ids)), at, why)


def drop_of_event(connection: Connection, event_id: int, at: datetime) -> None:
    """An event is over, or called off: nothing more is printed for it."""
    ids = select(transfers.c.id).where(transfers.c.event_id == event_id)
    _drop(connection, print_jobs.c.transfer_id.in_(ids), at, "its event is over")


def drop_of_skus(connection: Connection, location: str, skus: Collection[str], at: datetime) -> None:
    """A location does not print these SKUs on demand any more: nobody waits for what was to be printed to stock."""
    here = print_jobs.c.transfer_id.is_not(None) & (print_jobs.c.location == location)
    _drop(connection, here & print_jobs.c.sku.in_(skus), at, NO_SAMPLE)


def wakeups(connection: Connection, one: Transfer) -> list[Wakeup]:
    """Whom to wake after the yes to a transfer."""
    return [wakeup(connection, STAGE, one.from_location)] if one.still_to_print else []


def _open(connection: Connection, one: Transfer, pieces: Collection[Variant], at: datetime) -> None:
    # Random, as the work on an order has one: numbers come again when a database is made anew, and a printer that
    # outlived it would answer for the old one.
    key = uuid.uuid4().hex[:12]
    rows = [
        {
            "transfer_id": one.row["id"],
            "part_key": key,
            "order_number": one.number,
            "line_no": number,
            "location": one.from_location,
            "sku": variant.sku,
            "copies": 1,
            "attempt": 1,
            "process": variant.print_process,
            "artwork": variant.artwork,
            "state": PrintJobState.WAITING,
            "priority": PRIORITY,
            "created_at": at,
        }
        for number, variant in enumerate(pieces, start=1)
    ]
    if not rows:
        return
    connection.execute(insert(print_jobs), rows)
    plans = [
        effects.Plan(
            job_key(one.number, key, number, 1),
            KIND,
            None,
            request_hash_of(variant.sku, 1, variant.print_process, variant.artwork),
        )
        for number, variant in enumerate(pieces, start=1)
    ]
    effects.plan(connection, plans, "", at)


def _set_aside(connection: Connection, row: RowMapping, pieces: int) -> None:
    line = (transfer_lines.c.transfer_id == row["transfer_id"]) & (transfer_lines.c.sku == row["sku"])
    connection.execute(update(transfer_lines).where(line).values(sent=transfer_lines.c.sent + pieces))


def _drop(connection: Connection, which: ColumnElement[bool], at: datetime, why: str) -> None:
    print_seals.destroy(connection, drop_unbegun(connection, which, at, why), why, at)
