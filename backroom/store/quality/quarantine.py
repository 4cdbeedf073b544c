"""The quarantine of rows that failed a grave check: put aside, and out again.

An order that has not left the house is put on hold, stock is neither sold nor promised, and no figure counts what is
here. A row comes out when its finding ends: it passes its check, it was repaired, or a person accepted it. Every step
may be taken again at any time and changes nothing twice.

What belongs here: those steps. What does not: how many of one check may be put aside (`backroom.domain.quarantine`),
who asks whether an order is (`aside`), and messages that could not become an order (`backroom.store.quarantined`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, RowMapping, and_, exists, func, select, tuple_, update

from backroom.domain.model import OrderState
from backroom.domain.quality import FindingState, Severity
from backroom.domain.quarantine import IN_QUARANTINE, NO_ROWS, Aside, may_join
from backroom.domain.shop import Shop
from backroom.store import desk, history, selling
from backroom.store.batches import chunks, update_by_id
from backroom.store.claims import Wakeup
from backroom.store.quality import findings
from backroom.store.quality.aside import is_aside, is_here
from backroom.store.tables import orders, quality_findings, stock_levels

ENTERED, LEFT = "order.put_in_quarantine", "order.left_quarantine"
# Their rows are a place and a piece.
STOCK_SUBJECTS = ("stock", "stock_movements")
_found = quality_findings.c


@dataclass(frozen=True, slots=True)
class Settled:
    """What one look at the quarantine did: orders that were `held` and `released`, checks of which `too_many` rows
    failed at once, how many rows were put `aside`, the wake-ups that are owed after the commit, and whether other
    `stock` may be sold now."""

    held: Sequence[str]
    released: Sequence[str]
    too_many: Collection[str]
    aside: int
    wakeups: Sequence[Wakeup]
    stock: bool = False


def settle(connection: Connection, hub: str, at: datetime) -> Settled:
    """After a run: let out what is well, put aside what failed newly, hold what has not left."""
    before = _stock_aside(connection)
    released, wakeups = let_out(connection, hub, at)
    aside, too_many = _admit(connection, at)
    held = hold_orders(connection)
    _mark_stock(connection, at)
    return Settled(held, released, too_many, aside, wakeups, _stock_aside(connection) != before)


def look_after(connection: Connection, shop: Shop, at: datetime) -> Settled:
    """`settle`, with the wake-ups of the channels as well, where other stock may be sold now."""
    settled = settle(connection, shop.hub, at)
    more = selling.wakeups(connection, shop) if settled.stock else []
    return replace(settled, wakeups=[*settled.wakeups, *more])


def let_go_on(connection: Connection, shop: Shop, at: datetime, actor: str) -> list[Wakeup]:
    """`let_out` after a person's word; returns the wake-ups of what goes on, and of the channels for what is sold."""
    _, wakeups = let_out(connection, shop.hub, at, actor)
    return [*wakeups, *selling.wakeups(connection, shop)]


def let_out(connection: Connection, hub: str, at: datetime, actor: str = "") -> tuple[list[str], list[Wakeup]]:
    """Let out the rows whose findings have ended, and every order go on that nothing keeps any more; returns those."""
    ended = and_(_found.aside == Aside.IN, _found.state != FindingState.OPEN)
    rows = connection.execute(select(quality_findings).where(ended)).mappings().all()
    update_by_id(connection, quality_findings, [{"id": row["id"], "aside": Aside.OUT} for row in rows])
    _tell(connection, rows, LEFT, at, actor)
    _mark_stock(connection, at)
    query = select(orders.c.number).where(
        orders.c.state == OrderState.HELD,
        orders.c.hold_reason == IN_QUARANTINE,
        ~exists().where(_found.number == orders.c.number, is_aside),
    )
    released = list(connection.execute(query.order_by(orders.c.id)).scalars())
    wakeups = [
        wakeup
        for number in released
        for wakeup in desk.release(connection, number, actor, hub, event=desk.FROM_QUARANTINE)
    ]
    return released, list(dict.fromkeys(wakeups))


def take_all(connection: Connection, code: str, at: datetime) -> list[str]:
    """Put aside all that fails one check, however many, because a person looked at it and says that the check is right;
    returns the orders that were held."""
    mine = and_(_found.state == FindingState.OPEN, _found.code == code, _found.severity == Severity.CRITICAL)
    waiting = _found.aside.in_([Aside.TOO_MANY, Aside.UNDECIDED])
    rows = connection.execute(select(quality_findings).where(mine, waiting)).mappings().all()
    _put_aside(connection, rows, at)
    held = hold_orders(connection)
    _mark_stock(connection, at)
    return held


def hold_orders(connection: Connection) -> list[str]:
    """Hold every order of which something is still here and that a finding keeps aside; returns those that were not
    held before. One that waits for something else already goes on waiting for that, and then for this."""
    query = select(orders.c.number).where(
        orders.c.state != OrderState.HELD,
        is_here(),
        exists().where(_found.number == orders.c.number, is_aside),
    )
    numbers = list(connection.execute(query.order_by(orders.c.id)).scalars())
    for number in numbers:
        desk.hold(connection, number, IN_QUARANTINE, "")
    return numbers


def listed(connection: Connection, most: int) -> list[RowMapping]:
    """What is in quarantine, and what stands outside because too many of its check failed: each with its order's state
    and what it is on hold for, oldest first; empty where it belongs to no order."""
    columns = (orders.c.state.label("order_state"), orders.c.hold_reason.label("order_held_for"))
    query = (
        select(quality_findings, *columns)
        .outerjoin(orders, and_(orders.c.number == _found.number, _found.number != ""))
        .where(_found.state == FindingState.OPEN, _found.aside.in_([Aside.IN, Aside.TOO_MANY]))
        .order_by(_found.aside, _found.first_at, _found.id)
    )
    return list(connection.execute(query.limit(most)).mappings())


def count(connection: Connection) -> dict[Aside, int]:
    """How many open findings have their row in quarantine, and of how many too many failed at once."""
    query = select(_found.aside, func.count()).where(
        _found.state == FindingState.OPEN, _found.aside.in_([Aside.IN, Aside.TOO_MANY])
    )
    counted = {Aside(row[0]): row[1] for row in connection.execute(query.group_by(_found.aside))}
    return {aside: counted.get(aside, 0) for aside in (Aside.IN, Aside.TOO_MANY)}


def _admit(connection: Connection, at: datetime) -> tuple[int, list[str]]:
    """Decide about every grave finding that is new: check by check, all of its rows or none."""
    new = and_(
        _found.state == FindingState.OPEN,
        _found.severity == Severity.CRITICAL,
        _found.aside == Aside.UNDECIDED,
        _found.subject.not_in(NO_ROWS),
    )
    by_code = _by_code(connection, new)
    under_way = connection.execute(select(func.count()).select_from(orders).where(is_here())).scalar_one()
    count, too_many = 0, []
    for code, rows in by_code.items():
        there = {
            findings.name_of(row) for row in _by_code(connection, and_(is_aside, _found.code == code)).get(code, ())
        }
        names = {findings.name_of(row) for row in rows}
        if may_join(there, names, _stopped(connection, there | names), under_way):
            _put_aside(connection, rows, at)
            count += len(rows)
        else:
            update_by_id(connection, quality_findings, [{"id": row["id"], "aside": Aside.TOO_MANY} for row in rows])
            too_many.append(code)
    return count, too_many


def _put_aside(connection: Connection, rows: Sequence[RowMapping], at: datetime) -> None:
    update_by_id(connection, quality_findings, [{"id": row["id"], "aside": Aside.IN} for row in rows])
    _tell(connection, rows, ENTERED, at, "")


def _by_code(connection: Connection, which: ColumnElement[bool]) -> dict[str, list[RowMapping]]:
    found: dict[str, list[RowMapping]] = {}
    for row in connection.execute(select(quality_findings).where(which).order_by(_found.id)).mappings():
        found.setdefault(row["code"], []).append(row)
    return found


def _stopped(connection: Connection, names: Collection[str]) -> set[str]:
    """Those of these that are orders which a Hold stops."""
    found: set[str] = set()
    for batch in chunks(sorted(names)):
        found |= set(connection.execute(select(orders.c.number).where(orders.c.number.in_(batch), is_here())).scalars())
    return found


def _tell(connection: Connection, rows: Sequence[RowMapping], event: str, at: datetime, actor: str) -> None:
    """Write into the orders' history which check put them aside or lets them out: whoever counts them reads it."""
    ids: dict[str, int] = {}
    for batch in chunks(sorted({row["number"] for row in rows if row["number"]})):
        query = select(orders.c.number, orders.c.id).where(orders.c.number.in_(batch))
        ids |= dict(connection.execute(query).tuples().all())
    told = {(ids[row["number"]], row["code"]) for row in rows if row["number"] in ids}
    entries = [history.Entry(id_, event, {"check": code}) for id_, code in sorted(told)]
    history.record(connection, entries, at=at, actor=actor)


def _mark_stock(connection: Connection, at: datetime) -> None:
    """Stock that a finding keeps aside is marked so, and no other. What is let out counts as freed: orders may wait."""
    which = and_(is_aside, _found.subject.in_(STOCK_SUBJECTS))
    rows = connection.execute(select(_found.subject, _found.row_key, _found.data).where(which)).mappings()
    places = sorted({_place(row) for row in rows})
    here = tuple_(stock_levels.c.location, stock_levels.c.sku).in_(places) if places else None
    out: ColumnElement[bool] = stock_levels.c.aside
    if here is not None:
        connection.execute(update(stock_levels).where(here, ~stock_levels.c.aside).values(aside=True))
        out = and_(out, ~here)
    connection.execute(update(stock_levels).where(out).values(aside=False, freed_at=at))


def _stock_aside(connection: Connection) -> set[tuple[str, str]]:
    """The places and pieces of which none is sold now."""
    query = select(stock_levels.c.location, stock_levels.c.sku).where(stock_levels.c.aside)
    return {(location, sku) for location, sku in connection.execute(query)}


def _place(row: RowMapping) -> tuple[str, str]:
    """The place and the piece that a finding about stock is about."""
    if row["subject"] == "stock":
        location, _, sku = str(row["row_key"]).partition("/")
        return location, sku
    return str(row["data"].get("location", "")), str(row["data"].get("sku", ""))
