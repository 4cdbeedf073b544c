"""What became of a plan: what it said to bring and print first, and what the books say of each item afterwards.

What belongs here: reading plans, transfers, leases, prints and the settlement of one event, and putting them side by
side. What does not: the sums (`backroom.domain.restock_review`), the forecast beside them (`restocking.compare`),
showing it (`restock_report`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, RowMapping

from backroom.domain.events import EventState
from backroom.domain.prestaging import Kind
from backroom.domain.restock_review import Carried, CarriedPacks, Outcome, Step, planned
from backroom.domain.transfers import AWAY, TransferLine, TransferState
from backroom.store import blanks, event_sales, leases, restock_plans, transfer_rows
from backroom.store.restock_plans import StoredPlan
from backroom.store.transfer_rows import Transfer

# Somebody said yes to these, whatever came of it.
WITH_A_YES = (*AWAY, TransferState.ARRIVED, TransferState.CANCELLED)
ON_THE_ROAD = (TransferState.SENT, TransferState.ARRIVED)


@dataclass(frozen=True, slots=True)
class _Books:
    """What the books say of one SKU: pieces sold, pieces that were there and no lease brought (fewer than none where
    some left otherwise), back and missing: None where the settlement is still to come, or does not name it."""

    sold: int
    own: int
    back: int | None = None
    missing: int | None = None


def outcome(
    connection: Connection,
    row: RowMapping,
    stored: StoredPlan,
    asked: Mapping[str, int],
    blank_skus: Collection[str],
) -> Outcome:
    """What became of what an event's plans said to take. `stored` is the plan that it began with, `asked` what its
    customers asked for, `blank_skus` what of the catalogue is a blank."""
    trips = transfer_rows.of_event(connection, row["id"], WITH_A_YES)
    plans = restock_plans.by_ids(connection, {stored.id, *(trip.row["plan_id"] for trip in trips)})
    return Outcome(
        items=_items(connection, row, trips, plans, asked, blank_skus),
        packs=_packs(trips, plans),
        # The first plan knew of nothing that had gone, the one it began with counts on all that had.
        lost_without=plans[0].plan.lost_without,
        lost_with=stored.plan.lost_with,
        open_share=stored.open_share,
        settled=row["state"] == EventState.SETTLED,
    )


def _items(
    connection: Connection,
    row: RowMapping,
    trips: Sequence[Transfer],
    plans: Sequence[StoredPlan],
    asked: Mapping[str, int],
    blank_skus: Collection[str],
) -> tuple[Carried, ...]:
    to_bring = planned(Step(_gone(trips, one), _lines(one)) for one in plans)
    to_print = planned(Step(_gone_printed(trips, one), _lines(one, Kind.TO_PRINT)) for one in plans)
    printed = transfer_rows.printed(connection, row["id"])
    brought: Counter[str] = Counter()
    for lease in leases.leases_of(connection, row["id"]):
        brought[lease["sku"]] += lease["pieces"]
    used = blanks.used_at(connection, row["location"], event_sales.begun_at(connection, row), row["settled_at"])
    books = _books(connection, row)
    items = []
    for sku in {*to_bring, *brought, *asked, *books, *used}:
        here, blank = books.get(sku, _Books(0, 0)), sku in blank_skus
        items.append(
            Carried(
                item=sku,
                planned=to_bring.get(sku, 0),
                brought=brought[sku],
                asked=None if blank else asked.get(sku, 0),
                gone=used.get(sku, 0) if blank else here.sold,
                to_print=to_print.get(sku, 0),
                printed=printed.get(sku, 0),
                # A blank that was printed on left without a sale.
                own=max(0, here.own + used.get(sku, 0)),
                back=here.back,
                missing=here.missing,
            )
        )
    return tuple(sorted(items, key=lambda one: (-max(one.planned, one.brought), -(one.asked or 0), one.item)))


def _books(connection: Connection, row: RowMapping) -> dict[str, _Books]:
    """The books of every SKU that was leased to the event, sold from its booth's stock, or counted."""
    if row["state"] != EventState.SETTLED:
        standing = leases.standing(connection, row)
        return {one.sku: _Books(one.sold, one.there + one.sold - one.leased) for one in standing}
    # What was neither leased nor counted is the booth's own: the settlement does not name it, the sales do.
    found = {sku: _Books(pieces, pieces) for sku, pieces in event_sales.sold_at(connection, row).items()}
    settled = leases.settlement_of(connection, row["id"])
    return found | {one.sku: _Books(one.sold, one.other, one.returned, one.missing) for one in settled}


def _lines(one: StoredPlan, *kinds: Kind) -> Counter[str]:
    """Pieces that a plan says to bring, by SKU; of these kinds if any is named."""
    found: Counter[str] = Counter()
    for line in one.plan.lines:
        if not kinds or line.kind in kinds:
            found[line.item] += line.pieces
    return found


def _gone(trips: Sequence[Transfer], one: StoredPlan) -> Counter[str]:
    """Pieces that had left for the event when a plan was made, or were set aside for it, by SKU."""
    found: Counter[str] = Counter()
    for trip in _before(trips, one):
        for line in trip.lines:
            found[line.sku] += _left(trip, line, one.at)
    return found


def _gone_printed(trips: Sequence[Transfer], one: StoredPlan) -> Counter[str]:
    """The same of those that are printed first. Which ones stayed behind nobody wrote down: the prints did, as they
    come last."""
    found: Counter[str] = Counter()
    for trip in _before(trips, one):
        for line in trip.lines:
            from_the_shelf = line.asked - line.to_print
            found[line.sku] += min(line.to_print, max(0, _left(trip, line, one.at) - from_the_shelf))
    return found


def _left(trip: Transfer, line: TransferLine, at: datetime) -> int:
    return line.arrived if _had_arrived(trip, at) else line.sent + line.printing


def _before(trips: Sequence[Transfer], one: StoredPlan) -> list[Transfer]:
    """The trips that a plan reckoned with: of an earlier plan, with a yes by then, and not taken back."""
    return [
        trip
        for trip in trips
        if trip.row["plan_id"] < one.id
        and trip.row["decided_at"] <= one.at
        and trip.state is not TransferState.CANCELLED
    ]


def _had_arrived(trip: Transfer, at: datetime) -> bool:
    return trip.state is TransferState.ARRIVED and trip.row["arrived_at"] <= at


def _packs(trips: Sequence[Transfer], plans: Sequence[StoredPlan]) -> tuple[CarriedPacks, ...]:
    """The materials, by their ids: planned, and what the transfers that left took along."""
    steps = []
    names: dict[str, str] = {}
    for one in plans:
        gone: Counter[str] = Counter()
        for trip in _before(trips, one):
            for pack in trip.packs:
                gone[pack.material] += pack.arrived if _had_arrived(trip, one.at) else pack.sent
        steps.append(Step(gone, {pack.material: pack.packs for pack in one.plan.packs}))
        names |= {pack.material: pack.pack for pack in one.plan.packs}
    sent: Counter[str] = Counter()
    arrived: Counter[str] = Counter()
    for trip in trips:
        for pack in trip.packs if trip.state in ON_THE_ROAD else ():
            names.setdefault(pack.material, pack.pack)
            sent[pack.material] += pack.sent
            arrived[pack.material] += pack.arrived
    to_bring = planned(steps)
    return tuple(
        CarriedPacks(material, names[material], to_bring.get(material, 0), sent[material], arrived[material])
        for material in sorted({*to_bring, *(one for one in sent if sent[one])})
    )
