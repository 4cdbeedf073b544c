"""What really came out of a shop at rest, counted against its tables and its ledger: nothing twice, nothing missing.

What belongs here: reading printers, label sheets, mail and SMS folders as a person would, and comparing them with what
the database says. What does not: how each order had to end (`backroom.cli.demo_judge`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import unquote

import pypdfium2
from sqlalchemy import Connection, Row, func, select

from backroom.shop.room import Room
from backroom.store import print_jobs as jobs
from backroom.store.tables import (
    effects,
    fulfilment_lines,
    fulfilment_orders,
    history,
    labels,
    messages,
    orders,
    print_jobs,
    reservations,
    sheets,
    shipments,
    stock_levels,
    stock_movements,
)


def check_that_everything_came_out_once(room: Room) -> Counter[str]:
    """Prints, labels, sheets, messages, pieces from the stock and orders; returns how many, of those there are any."""
    with room.database.read() as connection:
        done = _done(connection)
        return (
            _check_prints(room, connection, done)
            + _check_labels(room, connection, done)
            + _check_messages(room, connection, done)
            + check_stock(connection)
            + _check_steps(connection)
        )


def _done(connection: Connection) -> dict[str, Counter[str]]:
    """The keys of what the ledger says is done, by kind."""
    done: dict[str, Counter[str]] = {kind: Counter() for kind in ("print", "label", "sheet", "message", "refund")}
    for row in connection.execute(select(effects.c.kind, effects.c.key).where(effects.c.state == "done")):
        done[row.kind][row.key] += 1
    return done


def _check_prints(room: Room, connection: Connection, done: dict[str, Counter[str]]) -> Counter[str]:
    """A document in a printer's folder for each job, and of all tries at a job only one."""
    documents = list(room.home.rglob(f"{jobs.KIND}-*.pdf"))
    named = [_NAME.fullmatch(file.name) for file in documents]
    printed = {(unquote(one["key"]), int(one["copies"])) for one in named if one is not None}
    ended = connection.execute(select(print_jobs).where(print_jobs.c.state == "done")).mappings().all()
    assert len(printed) == len(documents) == len(ended)
    assert printed == {(jobs.key_of(row), row["copies"]) for row in ended}
    assert Counter(key for key, _ in printed) == done["print"]
    tries = Counter(key.rpartition("-")[0] for key, _ in printed)
    assert set(tries.values()) <= {1}
    return Counter(prints=len(documents))


def _check_labels(room: Room, connection: Connection, done: dict[str, Counter[str]]) -> Counter[str]:
    """Each parcel has one purchase, two labels, and one page for each of them in all sheets that were printed."""
    parcels = connection.execute(select(shipments)).all()
    kinds = Counter((row.shipment_id, row.kind) for row in connection.execute(select(labels)))
    assert kinds == Counter((row.id, kind) for row in parcels for kind in ("shipping", "return"))
    assert done["label"].total() == len(parcels)
    keys = set(connection.execute(select(sheets.c.key)).scalars())
    files = [file for file in room.home.rglob("*.pdf") if not file.name.startswith(f"{jobs.KIND}-")]
    assert Counter(_keys(files)) == done["sheet"] == Counter(keys)
    pages = [text for file in files for text in _pages(file)]
    shown = Counter(_SPACE.sub("", code) for page in pages for code in _TRACKING.findall(page))
    assert shown == Counter(code for row in parcels for code in (row.tracking, row.return_tracking))
    return Counter(labels=len(pages), sheets=len(files))


def _check_messages(room: Room, connection: Connection, done: dict[str, Counter[str]]) -> Counter[str]:
    """A file in the mail or SMS folder for each message that was sent."""
    # What else lies there are alerts, to the shop itself.
    files = [*(room.home / "mail").glob("message-*.eml"), *(room.home / "sms").glob("message-*.txt")]
    assert Counter(_keys(files)) == done["message"]
    sent = connection.execute(select(func.count()).select_from(messages).where(messages.c.state == "sent"))
    assert sent.scalar_one() == len(files)
    return Counter(messages=len(files))


def check_stock(connection: Connection) -> Counter[str]:
    """The stock counts again from its movements, and what left it is what was packed."""
    moved = select(stock_movements.c.location, stock_movements.c.sku, func.sum(stock_movements.c.pieces))
    by_place = stock_movements.c.location, stock_movements.c.sku
    pieces = _sums(connection.execute(moved.group_by(*by_place)))
    left = _sums(connection.execute(moved.where(stock_movements.c.reason == "packed").group_by(*by_place)))
    packed = _sums(
        connection.execute(
            select(fulfilment_orders.c.location, fulfilment_lines.c.sku, func.sum(fulfilment_lines.c.from_stock))
            .join(fulfilment_orders, fulfilment_orders.c.id == fulfilment_lines.c.fulfilment_order_id)
            .where(fulfilment_orders.c.packed_at.is_not(None))
            .group_by(fulfilment_orders.c.location, fulfilment_lines.c.sku)
        )
    )
    held = _sums(
        connection.execute(
            select(reservations.c.location, reservations.c.sku, func.sum(reservations.c.quantity))
            .where(reservations.c.state == "held")
            .group_by(reservations.c.location, reservations.c.sku)
        )
    )
    assert left == {place: -count for place, count in packed.items() if count}
    for level in connection.execute(select(stock_levels)):
        place = level.location, level.sku
        assert 0 <= level.reserved <= level.on_hand
        assert (level.on_hand, level.reserved) == (pieces.get(place, 0), held.get(place, 0)), place
    return Counter(pieces=sum(packed.values()))


def _check_steps(connection: Connection) -> Counter[str]:
    """Each order was accepted and ended once, and each part of it packed and labelled once."""
    told: dict[str, Counter[int]] = {}
    for row in connection.execute(select(history.c.event, history.c.order_id)):
        told.setdefault(row.event, Counter())[row.order_id] += 1
    known = connection.execute(select(orders.c.id, orders.c.state)).all()
    parts = connection.execute(select(fulfilment_orders)).all()
    assert told["order.accepted"] == Counter(row.id for row in known)
    assert told["order.fulfilled"] == Counter(row.id for row in known if row.state == "fulfilled")
    assert told["parcel.packed"] == Counter(row.order_id for row in parts if row.packed_at is not None)
    shipped = [row for row in parts if row.labelled_at is not None and row.delivery == "ship"]
    assert told["parcel.labelled"] == Counter(row.order_id for row in shipped)
    return Counter(orders=len(known))


def _keys(files: Iterable[Path]) -> list[str]:
    """The ledger's keys that folder printers and mail folders wrote into the names of their files."""
    return [unquote(file.name.partition("+")[0].rpartition("-")[0]) for file in files]


def _pages(file: Path) -> list[str]:
    document = pypdfium2.PdfDocument(file)
    try:
        return [page.get_textpage().get_text_range() for page in document]
    finally:
        document.close()


def _sums(rows: Iterable[Row[tuple[str, str, int]]]) -> dict[tuple[str, str], int]:
    return {(location, sku): int(count) for location, sku, count in rows}


_NAME = re.compile(r"(?P<key>.+)-[0-9a-f]{12}\+x(?P<copies>\d+)\.pdf")
# As the local courier's labels show it, in groups of four digits.
_TRACKING = re.compile(r"B[SR](?:\s?\d){18}")
_SPACE = re.compile(r"\s")
