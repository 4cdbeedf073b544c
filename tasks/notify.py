"""Notify: tell the customer of a parcel, once, by the media they agreed to, and end the fulfilment order.

A message nobody may get is written down as not sent, with the reason: that is an end as well. Messages already sent
are told by the ledger, whichever worker sent them. One that its provider does not take now is tried again for hours,
with growing pauses, before it waits for a person.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from prefect import task
from sqlalchemy import Connection, RowMapping

from backroom.domain.errors import BackroomError, Retry
from backroom.domain.model import Delivery, FulfilmentState, StatedConsent, StepOutcome
from backroom.domain.promise import delivery_window
from backroom.messaging.templates import say_window
from backroom.shop.room import Room, this_room
from backroom.store import fulfilment, history, messages, news, parcels, people, shipping
from backroom.store.claims import Claim, Wakeup, fence
from backroom.store.contacts import open_contact
from backroom.store.database import now
from backroom.store.sickness import Sick
from tasks.connections import messengers_of
from tasks.messages import About, Writer, plan_and_send
from tasks.sick import failed, leave
from tasks.waking import send

KIND_OF = {Delivery.SHIP: "handed_over", Delivery.COLLECT: "ready_to_collect"}


@task(name="notify", retries=2, retry_delay_seconds=2, task_run_name="notify at {claim.location}")
def notify(claim: Claim) -> list[StepOutcome]:
    """LABELLED → DONE, with every message that is allowed sent; orders that are complete become fulfilled."""
    room = this_room()
    with room.database.read() as connection:
        parts = fulfilment.claimed(connection, claim.token, FulfilmentState.LABELLED)
        keys = people.load(connection, room.seals, (part["person_id"] for part in parts))
        at = now(connection)
        consents = messages.consents_of(connection, (part["person_id"] for part in parts))
        shipments = {
            row["fulfilment_order_id"]: row for row in shipping.shipments_of(connection, (part["id"] for part in parts))
        }
        opened = parcels.of_parts(connection, (part["id"] for part in parts))
    if not parts:
        return []
    writer = Writer(room, messengers_of(room), at)
    abouts: list[About] = []
    new: list[messages.NewMessage] = []
    for part in parts:
        if kind := KIND_OF.get(Delivery(part["delivery"])):
            about = _about(part, keys[part["person_id"]].key, consents[part["person_id"]])
            abouts.append(about)
            new += writer.write(
                about, kind, partial(_values, room, part, shipments.get(part["id"]), opened.get(part["id"]))
            )
    sick = _sick(parts, plan_and_send(room, claim, writer, abouts, new))
    ill = {one.row_id for one in sick}
    outcomes = _finish(room, claim, [part for part in parts if part["id"] not in ill])
    return outcomes + leave(room, claim, sick)


def _about(part: RowMapping, key: bytes, consents: Sequence[StatedConsent]) -> About:
    return About(
        part_id=part["id"],
        return_id=None,
        order_id=part["order_id"],
        person_id=part["person_id"],
        name=f"{part['number']}-{part['key']}",
        language=part["language"],
        channel=part["channel"],
        contact=open_contact(key, part["contact"]),
        key=key,
        consents=consents,
    )


def _values(
    room: Room, part: RowMapping, shipment: RowMapping | None, parcel: RowMapping | None, language: str
) -> Mapping[str, str]:
    """What the templates of a parcel may mention, beside what every message may."""
    owner, shop = room.shop.owner, room.shop
    sla = shop.sla(shop.channel(part["channel"]).sla)
    window = delivery_window(part["labelled_at"], sla, owner.timezone, shop.holidays)
    return {
        "order": part["number"],
        "carrier": shipment["carrier"] if shipment else "",
        "tracking": shipment["tracking"] if shipment else "",
        "location": shop.location(part["location"]).name,
        "window": say_window(window, language),
        # What was labelled before there were codes is handed over by its order's number.
        "code": parcel["code"] if parcel and parcel["code"] else part["number"],
    }


def _sick(parts: Sequence[RowMapping], unsent: Mapping[int, Sequence[BackroomError]]) -> list[Sick]:
    """The parcels one of whose messages could not be sent."""
    sick = []
    for part in parts:
        if errors := unsent.get(part["id"]):
            # Of two messages that failed, the one that needs somebody's hand is what the parcel waits for.
            worst = next((error for error in errors if not isinstance(error, Retry)), errors[0])
            sick.append(failed(part, worst))
    return sick


def _finish(room: Room, claim: Claim, parts: Sequence[RowMapping]) -> list[StepOutcome]:
    told = room.shop.told_ids(news.SHIPPED)

    def commit(connection: Connection) -> tuple[list[StepOutcome], list[Wakeup]]:
        at = fence(connection, claim.token)
        moved = set(
            fulfilment.move(
                connection,
                claim.token,
                [part["id"] for part in parts],
                FulfilmentState.LABELLED,
                FulfilmentState.DONE,
                keep_claim=False,
                done_at=at,
            )
        )
        done = [part for part in parts if part["id"] in moved]
        finished = set(fulfilment.finish_orders(connection, (part["order_id"] for part in done), at))
        entries = [history.Entry(part["order_id"], "parcel.announced", {"location": part["location"]}) for part in done]
        entries += [history.Entry(order_id, "order.fulfilled") for order_id in sorted(finished)]
        history.record(connection, entries, at=at, run_id=claim.run_id)
        owed = news.write_shipped(connection, (part["id"] for part in done), told, at)
        steps = [StepOutcome(part["number"], "done" if part["order_id"] in finished else "advanced") for part in done]
        return steps, owed

    outcomes, wakeups = room.database.write(commit)
    send(wakeups)
    return outcomes
