"""The rate chosen for each parcel, kept before anything is paid: what is bought, and why the others were left."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, RowMapping, delete, select

from backroom.domain.rates import RateChoice, plain
from backroom.store.batches import chunks, insert_new
from backroom.store.tables import rate_choices


@dataclass(frozen=True, slots=True)
class NewChoice:
    """A choice for a parcel. `request_hash` is of what the rates were asked for; `due` the day that was promised."""

    part_id: int
    choice: RateChoice
    due: date | None
    request_hash: str


def choices_of(connection: Connection, part_ids: Iterable[int]) -> dict[int, RowMapping]:
    """The choices of these parcels, by the parcels' ids."""
    found: dict[int, RowMapping] = {}
    for batch in chunks(part_ids):
        query = select(rate_choices).where(rate_choices.c.fulfilment_order_id.in_(batch))
        found |= {row["fulfilment_order_id"]: row for row in connection.execute(query).mappings()}
    return found


def save_choices(connection: Connection, new: Sequence[NewChoice], at: datetime) -> None:
    """Write choices, each in its parcel's former one's stead."""
    for batch in chunks(one.part_id for one in new):
        connection.execute(delete(rate_choices).where(rate_choices.c.fulfilment_order_id.in_(batch)))
    insert_new(
        connection,
        rate_choices,
        [
            {
                "fulfilment_order_id": one.part_id,
                "carrier": one.choice.rate.carrier,
                "brand": one.choice.rate.brand,
                "service": one.choice.rate.service,
                "price_minor": one.choice.rate.price_minor,
                "currency": one.choice.rate.currency,
                "days": one.choice.rate.days,
                "reference": one.choice.rate.reference,
                "outcome": one.choice.outcome,
                "due": one.due.isoformat() if one.due else "",
                "arrives": one.choice.arrives.isoformat() if one.choice.arrives else "",
                "rejected": [plain(rejected) for rejected in one.choice.rejected],
                "request_hash": one.request_hash,
                "at": at,
            }
            for one in new
        ],
    )
