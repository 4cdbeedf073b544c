"""Label: buy the shipping label and the return label of every packed parcel, and print the wave's as one sheet.

The purchase and the sheet are effects: planned, started, settled, and asked for after a crash. A parcel's labels stand
on one sheet only, so a sheet whose printing was begun is asked for, and never printed under another name.
Compensated by a person, who takes the label back (`backroom label void`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple

from prefect import task
from sqlalchemy import Connection, RowMapping

from backroom.carriers.layout import Layouts
from backroom.carriers.typeface import boxes
from backroom.domain.collection import CollectState
from backroom.domain.model import Delivery, FulfilmentState, StepOutcome
from backroom.shop.room import Room, this_room
from backroom.store import fulfilment, history, people
from backroom.store import parcels as sent_parcels
from backroom.store.claims import Claim, fence
from backroom.store.contacts import open_contact
from backroom.store.parcel_desk import new_code
from tasks.label_purchase import buy, weights_of
from tasks.label_sheets import print_sheets
from tasks.sick import leave


@task(name="label", retries=2, retry_delay_seconds=2, task_run_name="label at {claim.location}")
def label(claim: Claim) -> list[StepOutcome]:
    """PACKED → LABELLED: parcels with both labels printed; what is collected or carried out passes without, and
    what its partner sent."""
    room = this_room()
    with room.database.read() as connection:
        parts = fulfilment.claimed(connection, claim.token, FulfilmentState.PACKED)
        keys = people.load(connection, room.seals, (part["person_id"] for part in parts))
        weights = weights_of(connection, parts)
    if not parts:
        return []
    shipped = room.shop.location(claim.location).partner_ships
    passing = [part for part in parts if shipped or part["delivery"] != Delivery.SHIP]
    outcomes = _advance(room, claim, passing, {})
    parcels = [] if shipped else [part for part in parts if part["delivery"] == Delivery.SHIP]
    sealing = {part["id"]: keys[part["person_id"]].key for part in parcels}
    layouts = Layouts()
    well, sick = buy(room, claim, parcels, sealing, weights, layouts)
    printed, unprinted = print_sheets(room, claim, well, layouts)
    done = [part for part in well if part["id"] in printed]
    told = {part["id"]: {**printed[part["id"]], **_boxes(part, sealing[part["id"]])} for part in done}
    outcomes += _advance(room, claim, done, told)
    return outcomes + leave(room, claim, sick + unprinted)


def _boxes(part: RowMapping, key: bytes) -> dict[str, int]:
    """How many characters of the address are boxes on the label, where there are any: a person writes them by hand.

    The order's story says how many, and never which: they are of somebody's name.
    """
    address = open_contact(key, part["contact"]).address
    count = boxes(" ".join(value for value in astuple(address) if isinstance(value, str))) if address else 0
    return {"characters_as_boxes": count} if count else {}


def _advance(
    room: Room, claim: Claim, parts: Sequence[RowMapping], told: Mapping[int, Mapping[str, object]]
) -> list[StepOutcome]:
    if not parts:
        return []

    def commit(connection: Connection) -> list[StepOutcome]:
        at = fence(connection, claim.token)
        moved = set(
            fulfilment.move(
                connection,
                claim.token,
                [part["id"] for part in parts],
                FulfilmentState.PACKED,
                FulfilmentState.LABELLED,
                labelled_at=at,
            )
        )
        labelled = [part for part in parts if part["id"] in moved]
        ready = [
            sent_parcels.NewParcel(
                part_id=part["id"],
                order_id=part["order_id"],
                location=part["location"],
                kind=sent_parcels.COLLECTED,
                state=CollectState.READY,
                code=new_code(),
            )
            for part in labelled
            if part["delivery"] == Delivery.COLLECT
        ]
        sent_parcels.open_parcels(connection, ready, at)
        entries = [
            history.Entry(part["order_id"], "parcel.labelled", told[part["id"]])
            for part in labelled
            if part["id"] in told
        ]
        history.record(connection, entries, at=at, run_id=claim.run_id)
        return [StepOutcome(part["number"], "advanced") for part in labelled]

    return room.database.write(commit)
