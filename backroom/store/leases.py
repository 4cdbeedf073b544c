"""Stock leases: pieces on their way from a location's stock to an event's booth and back, and the last count.

Every piece is in one place: a lease takes it from the lender and puts it to the booth in the same commit, where the
booth's sales take it like any other; a settlement takes all that lies there, back to whoever lent it or into the
figure of what is missing. Each of these is a movement, so that stock counts again from nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, RowMapping, insert, select, update

from backroom.domain.events import EventState
from backroom.domain.leases import Book, LeaseRefused, Loan, Settled, check_loans, lease_ends, mixed, settle, way_back
from backroom.store import events, untold_sales
from backroom.store.batches import insert_new
from backroom.store.catalogue import sku_of_code
from backroom.store.database import now
from backroom.store.event_sales import sold_at
from backroom.store.events import EventRefused
from backroom.store.tables import event_counts, event_settlements, stock_leases, stock_levels, stock_movements
from backroom.store.unfinished import refuse_while_unfinished


@dataclass(frozen=True, slots=True)
class Standing:
    """One SKU of an event as it stands: pieces leased, sold, there by the books, and counted (None: not yet)."""

    sku: str
    leased: int
    shared: bool
    sold: int
    there: int
    counted: int | None


def lend(connection: Connection, code: str, loans: Sequence[Loan], *, key: str, actor: str) -> int:
    """Lease pieces to an event, all of them or none; the same `key` leases them once. Returns how many left now.

    LeaseRefused when the event is over, when a lender has not so many that are free, when a SKU would be shared in
    part, or while another event of the booth is not settled.
    """
    at = now(connection)
    row = _alone_at_its_booth(connection, code)
    event = events.event_of(row)
    check_loans(event, loans, at)
    rules = {lease["sku"]: lease["shared"] for lease in leases_of(connection, row["id"])}
    wanted: dict[tuple[str, str], Loan] = {}
    for loan in loans:
        if rules.get(loan.sku, loan.shared) != loan.shared:
            raise mixed(loan.sku)
        before = wanted.get((loan.from_location, loan.sku))
        wanted[loan.from_location, loan.sku] = replace(loan, pieces=loan.pieces + before.pieces) if before else loan
    new = [
        loan
        for loan in wanted.values()
        if insert_new(
            connection,
            stock_leases,
            [
                {
                    "event_id": row["id"],
                    "key": key,
                    "from_location": loan.from_location,
                    "sku": loan.sku,
                    "pieces": loan.pieces,
                    "shared": loan.shared,
                    "expires_at": lease_ends(event),
                    "actor": actor,
                    "at": at,
                }
            ],
        )
    ]
    _carry(connection, code, event.location, new, key, at)
    pieces = sum(loan.pieces for loan in new)
    if pieces:
        events.record(connection, row["id"], "stock.leased", {"pieces": pieces, "key": key}, at=at, actor=actor)
    return pieces


def leases_of(connection: Connection, event_id: int) -> list[RowMapping]:
    """An event's leases, the first one first."""
    query = select(stock_leases).where(stock_leases.c.event_id == event_id).order_by(stock_leases.c.id)
    return list(connection.execute(query).mappings())


def standing(connection: Connection, row: RowMapping) -> list[Standing]:
    """Every SKU that was leased to an event, sold there, or counted; of a settled one, what its settlement is about."""
    leased: dict[str, int] = defaultdict(int)
    shared: dict[str, bool] = {}
    for lease in leases_of(connection, row["id"]):
        leased[lease["sku"]] += lease["pieces"]
        shared[lease["sku"]] = lease["shared"]
    counted = counts_of(connection, row["id"])
    if row["state"] == EventState.SETTLED:
        return [
            Standing(one.sku, one.leased, shared.get(one.sku, False), one.sold, 0, one.returned)
            for one in settlement_of(connection, row["id"])
        ]
    there = _there(connection, row["location"])
    sold = sold_at(connection, row)
    skus = sorted({*leased, *counted, *sold})
    return [
        Standing(sku, leased[sku], shared.get(sku, False), sold.get(sku, 0), there.get(sku, 0), counted.get(sku))
        for sku in skus
    ]


def count(connection: Connection, code: str, scanned: str, pieces: int | None, actor: str) -> tuple[str, int]:
    """Count one more piece of what was scanned, or set its count to `pieces`; returns its SKU and the count.

    EventRefused before the event is closed and once it is settled, and for a code that the catalogue has not.
    """
    row, at = events.locked(connection, code), now(connection)
    if row["state"] != EventState.CLOSED:
        raise EventRefused(f"{code} is {row['state']}", remedy="Pieces are counted between its close and its settling.")
    sku = sku_of_code(connection, scanned)
    if sku is None:
        raise EventRefused("this code is not in the catalogue", remedy="Look at the label, or type the SKU.")
    insert_new(
        connection,
        event_counts,
        [{"event_id": row["id"], "sku": sku, "pieces": 0, "actor": actor, "at": at}],
    )
    counted = (
        update(event_counts)
        .where(event_counts.c.event_id == row["id"], event_counts.c.sku == sku)
        .values(pieces=event_counts.c.pieces + 1 if pieces is None else pieces, actor=actor, at=at)
        .returning(event_counts.c.pieces)
    )
    return sku, connection.execute(counted).scalar_one()


def counts_of(connection: Connection, event_id: int) -> dict[str, int]:
    """The count so far, by SKU."""
    query = select(event_counts.c.sku, event_counts.c.pieces).where(event_counts.c.event_id == event_id)
    return {row.sku: row.pieces for row in connection.execute(query.order_by(event_counts.c.sku))}


def settle_event(
    connection: Connection,
    code: str,
    *,
    hub: str,
    actor: str,
    run_id: str = "",
    all_there: bool = False,
    rest_missing: bool = False,
    sales_lost: bool = False,
) -> list[Settled]:
    """Settle a closed event: what was counted goes back to whoever lent it, the rest to `hub`; what was not is missing.

    It is about the SKUs that were leased, and those that were counted: what else lies at the booth is its own, and
    stays. `all_there` says that nothing is missing, for an event that never left the house; `rest_missing` that what
    nobody counted is; `sales_lost` that nobody will tell the sales that its tills are known to lack. EventRefused while
    they lack any, while an order of the booth still holds such pieces, while one that was begun there lacks a piece,
    and while a SKU that should be there was not counted.
    """
    row, at = events.locked(connection, code), now(connection)
    if row["state"] != EventState.CLOSED:
        raise EventRefused(f"{code} is {row['state']}", remedy="Close it first; a settled one stays as it is.")
    refuse_while_unfinished(connection, row, at)
    if not sales_lost:
        untold_sales.refuse_while_untold(connection, row)
    here = (
        select(stock_levels)
        .where(stock_levels.c.location == row["location"])
        .order_by(stock_levels.c.location, stock_levels.c.sku)
        .with_for_update()
    )
    reserved = {level.sku for level in connection.execute(here) if level.reserved}
    books = [one for one in standing(connection, row) if one.leased or one.counted is not None]
    promised = [one.sku for one in books if one.sku in reserved]
    if promised:
        raise EventRefused(
            f"orders at {row['location']} still hold {', '.join(promised[:5])}",
            remedy="Finish or cancel them first: they are listed on the event's page.",
        )
    counted = {one.sku: one.there for one in books} if all_there else counts_of(connection, row["id"])
    uncounted = [one.sku for one in books if one.there and one.sku not in counted]
    if uncounted and not rest_missing:
        raise EventRefused(
            f"{', '.join(uncounted[:5])} {'was' if len(uncounted) == 1 else 'were'} not counted",
            remedy="Count what is there; write 0 where there is none, or settle with the rest as missing.",
        )
    settled = list(settle((Book(one.sku, one.leased, one.sold, one.there) for one in books), counted))
    _bring_back(connection, row, settled, hub, at)
    if settled:
        connection.execute(
            insert(event_settlements),
            [
                {
                    "event_id": row["id"],
                    "sku": one.sku,
                    "leased": one.leased,
                    "other": one.other,
                    "sold": one.sold,
                    "returned": one.returned,
                    "missing": one.missing,
                    "at": at,
                }
                for one in settled
            ],
        )
    if sales_lost:
        untold_sales.give_up(connection, row, at, actor=actor, run_id=run_id)
    events.move(connection, row, EventState.SETTLED, at, actor=actor, run_id=run_id)
    return settled


def settlement_of(connection: Connection, event_id: int) -> list[Settled]:
    """What became of each SKU of a settled event."""
    columns = [event_settlements.c[name] for name in Settled.__slots__]
    query = select(*columns).where(event_settlements.c.event_id == event_id).order_by(event_settlements.c.sku)
    return [Settled(**row) for row in connection.execute(query).mappings()]


def _alone_at_its_booth(connection: Connection, code: str) -> RowMapping:
    """The event's row, when no other of its booth has pieces out; two at a time could not be told apart."""
    row = events.locked(connection, code)
    for other in events.others_at_its_booth(connection, row):
        if leases_of(connection, other["id"]):
            raise LeaseRefused(
                f"{other['code']} still has pieces at {row['location']}",
                remedy="Close and settle it first: count, then settle.",
            )
    return row


def _carry(connection: Connection, code: str, booth: str, loans: Sequence[Loan], key: str, at: datetime) -> None:
    """Take the pieces from their lenders and put them to the booth. Rows are touched in a fixed order."""
    steps: dict[tuple[str, str], list[tuple[Loan, int]]] = defaultdict(list)
    for loan in loans:
        steps[loan.from_location, loan.sku].append((loan, -loan.pieces))
        steps[booth, loan.sku].append((loan, loan.pieces))
    for (location, sku), here in sorted(steps.items(), key=lambda step: step[0]):
        for loan, pieces in here:
            place = (stock_levels.c.location == location) & (stock_levels.c.sku == sku)
            if pieces < 0:
                free = stock_levels.c.on_hand - stock_levels.c.reserved
                taken = update(stock_levels).where(place, ~stock_levels.c.kept, free >= -pieces)
                if connection.execute(taken.values(on_hand=stock_levels.c.on_hand + pieces)).rowcount != 1:
                    there = connection.execute(select(free).where(place, ~stock_levels.c.kept)).scalar() or 0
                    raise LeaseRefused(
                        f"{location} has {there} free of {sku}, and {-pieces} are wanted", remedy="Lease fewer."
                    )
            else:
                _change(connection, location, sku, pieces, kept=not loan.shared, freed_at=at)
            way = "out" if pieces < 0 else "in"
            _move(
                connection, f"leased:{code}:{key}:{loan.from_location}:{sku}:{way}", location, sku, pieces, "leased", at
            )


def _bring_back(connection: Connection, row: RowMapping, settled: Sequence[Settled], hub: str, at: datetime) -> None:
    """Empty the booth of these: what was counted to its lenders, the missing into nothing, in a fixed order of rows."""
    lent: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for lease in leases_of(connection, row["id"]):
        lent[lease["sku"]].append((lease["from_location"], lease["pieces"]))
    changes: dict[tuple[str, str], list[tuple[str, int]]] = defaultdict(list)
    for one in settled:
        changes[row["location"], one.sku] += [("brought back", -one.returned), ("missing", -one.missing)]
        for place, pieces in way_back(one.returned, lent[one.sku], hub):
            changes[place, one.sku].append(("brought back", pieces))
    for (location, sku), steps in sorted(changes.items()):
        total = sum(pieces for _, pieces in steps)
        freed = {"freed_at": at} if location != row["location"] else {}
        _change(connection, location, sku, total, **freed)
        for reason, pieces in steps:
            if pieces:
                _move(connection, f"settled:{row['code']}:{location}:{sku}:{reason}", location, sku, pieces, reason, at)
    connection.execute(update(stock_levels).where(stock_levels.c.location == row["location"]).values(kept=False))


def _change(connection: Connection, location: str, sku: str, pieces: int, **values: object) -> None:
    """Add to (or take from) what lies at a place, which may never have had any of it."""
    insert_new(connection, stock_levels, [{"location": location, "sku": sku, "on_hand": 0, "reserved": 0}])
    connection.execute(
        update(stock_levels)
        .where(stock_levels.c.location == location, stock_levels.c.sku == sku)
        .values(on_hand=stock_levels.c.on_hand + pieces, **values)
    )


def _move(connection: Connection, key: str, location: str, sku: str, pieces: int, reason: str, at: datetime) -> None:
    row = {"key": key, "location": location, "sku": sku, "pieces": pieces, "reason": reason, "at": at}
    connection.execute(insert(stock_movements).values(row))


def _there(connection: Connection, location: str) -> dict[str, int]:
    query = select(stock_levels.c.sku, stock_levels.c.on_hand).where(stock_levels.c.location == location)
    return {row.sku: row.on_hand for row in connection.execute(query)}
