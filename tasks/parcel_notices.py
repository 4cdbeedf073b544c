"""Telling customers of their parcels after the label: delivered, not delivered, still to be fetched.

Each once, by the media they agreed to, where the shop file has it told. What carriers and staff say of a parcel is
written in commits of its own; this is what is left for the outside world.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from prefect import task
from sqlalchemy import Connection, RowMapping

from backroom.domain.collection import CollectState
from backroom.domain.errors import Retry
from backroom.domain.model import StepOutcome
from backroom.domain.tracking import ParcelState
from backroom.shop.room import Room, this_room
from backroom.store import messages, parcels, people, shipping
from backroom.store.claims import Claim, fence
from backroom.store.contacts import open_contact
from backroom.store.database import now
from backroom.store.sickness import Sick
from tasks.connections import messengers_of
from tasks.messages import About, Writer, plan_and_send
from tasks.sick import failed, leave

# What comes back was not delivered: whoever was told of the one is not told of the other.
KIND_OF = {
    ParcelState.DELIVERED: "delivered",
    ParcelState.FAILED: "delivery_failed",
    ParcelState.RETURNING: "delivery_failed",
    ParcelState.RETURNED: "delivery_failed",
}


@task(name="tell of parcels", retries=2, retry_delay_seconds=2, task_run_name="tell customers of parcels")
def tell_of_parcels(claim: Claim) -> list[StepOutcome]:
    """Send what each parcel of the wave calls for, as it stands now, and say that it was seen to."""
    room = this_room()
    with room.database.read() as connection:
        rows = parcels.claimed(connection, claim.token)
        keys = people.load(connection, room.seals, (row["person_id"] for row in rows))
        at = now(connection)
        consents = messages.consents_of(connection, (row["person_id"] for row in rows))
        shipments = {
            one["fulfilment_order_id"]: one
            for one in shipping.shipments_of(connection, (row["fulfilment_order_id"] for row in rows))
        }
    if not rows:
        return []
    writer = Writer(room, messengers_of(room), at)
    abouts: list[About] = []
    new: list[messages.NewMessage] = []
    for row in rows:
        kind = _kind(row)
        if kind in room.shop.parcels.tell:
            about = About(
                part_id=row["fulfilment_order_id"],
                return_id=None,
                order_id=row["order_id"],
                person_id=row["person_id"],
                name=f"{row['number']}-{row['key']}",
                language=row["language"],
                channel=row["channel"],
                contact=open_contact(keys[row["person_id"]].key, row["contact"]),
                key=keys[row["person_id"]].key,
                consents=consents[row["person_id"]],
            )
            abouts.append(about)
            shipment = shipments.get(row["fulfilment_order_id"])
            new += writer.write(about, kind, partial(_values, room, row, shipment))
    unsent = plan_and_send(room, claim, writer, abouts, new)
    sick: list[Sick] = []
    for row in rows:
        if errors := unsent.get(row["fulfilment_order_id"]):
            worst = next((error for error in errors if not isinstance(error, Retry)), errors[0])
            sick.append(failed(row, worst))
    ill = {one.row_id for one in sick}
    well = {row["id"]: row for row in rows if row["id"] not in ill}

    def commit(connection: Connection) -> list[int]:
        fence(connection, claim.token)
        return parcels.settle(connection, claim.token, {id_: row["revision"] for id_, row in well.items()})

    settled = room.database.write(commit)
    outcomes = [StepOutcome(well[id_]["number"], "done", f"its parcel is {well[id_]['state']}") for id_ in settled]
    return outcomes + leave(room, claim, sick)


def _kind(row: RowMapping) -> str:
    """The message that a parcel calls for as it stands; empty where there is none."""
    if row["kind"] == parcels.COLLECTED:
        return "collect_reminder" if row["state"] == CollectState.READY and row["reminded_at"] is not None else ""
    return KIND_OF.get(ParcelState(row["state"]), "") if row["voided_at"] is None else ""


def _values(room: Room, row: RowMapping, shipment: RowMapping | None, _language: str) -> Mapping[str, str]:
    """What the templates of a parcel may mention, beside what every message may."""
    return {
        "order": row["number"],
        "carrier": shipment["carrier"] if shipment else "",
        "tracking": row["tracking"],
        "location": room.shop.location(row["location"]).name,
        "code": row["code"],
        "email": room.shop.owner.email,
    }
