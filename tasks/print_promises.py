"""Promises of a booth's print queue: given to what is new, measured again, moved or sent elsewhere, and told.

What belongs here: one look at a location, and the messages that it owes. What does not: what may be promised
(`backroom.domain.print_queue`), and the rows (`backroom.store.print_promises`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from prefect import get_run_logger, task
from sqlalchemy import Connection, RowMapping

from backroom.domain.errors import BackroomError, Retry
from backroom.domain.locations import Location
from backroom.engine.runs import this_run_id
from backroom.messaging.promise_texts import say_time
from backroom.shop.room import Room, this_room
from backroom.store import messages, people, print_promises
from backroom.store.claims import take
from backroom.store.contacts import open_contact
from backroom.store.database import now
from backroom.store.instances import this_instance
from tasks.claiming import holding
from tasks.connections import messengers_of
from tasks.messages import About, Writer, plan_and_send
from tasks.waking import send

STAGE = "promises"


@task(name="review promises", task_run_name="review promises at {location}")
def review_promises(location: str) -> str:
    """Look once at what was promised at a location, and tell customers what changed for them. A message that cannot go
    now is tried at the next look; the promise stands on the booth's page all the same."""
    room = this_room()
    place = room.shop.location(location)
    if place.promise is None:
        return "nothing is promised here"
    run = this_run_id()
    found = room.database.write(lambda c: print_promises.review(c, room.shop, room.seals, place, now(c), run))
    send(list(found.wakeups))
    unsent = _tell(room, place)
    if unsent:
        get_run_logger().warning("%d customers at %s could not be told: %s", len(unsent), location, unsent[0])
    return f"promised {len(found.given)}, moved {len(found.moved)}, elsewhere {len(found.elsewhere)}" + (
        f": {', '.join(found.elsewhere[:10])}" if found.elsewhere else ""
    )


@task(name="review all promises")
def review_all_promises() -> int:
    """Look at every location that promises; the sweep does, so that a queue that stands still is noticed as well. What
    is wrong with one is raised when all were looked at."""
    promising = [place.id for place in this_room().shop.locations if place.promise is not None]
    wrong: list[Exception] = []
    for location in promising:
        try:
            review_promises.fn(location)
        except Exception as error:  # noqa: BLE001 - raised below
            wrong.append(error)
    if wrong:
        raise wrong[0]
    return len(promising)


def _tell(room: Room, place: Location) -> list[BackroomError]:
    """Tell what was not told yet, by the media that people agreed to; returns what could not be sent."""
    with room.database.read() as connection:
        rows = print_promises.untold(connection, place.id)
        if not rows:
            return []
        keys = people.load(connection, room.seals, (row["person_id"] for row in rows))
        consents = messages.consents_of(connection, (row["person_id"] for row in rows))
        at = now(connection)
    claim = room.database.write(
        lambda c: take(c, stage=STAGE, location=place.id, instance=this_instance(), run_id=this_run_id())
    )
    with holding(room, claim):
        writer = Writer(room, messengers_of(room), at)
        abouts: list[About] = []
        new: list[messages.NewMessage] = []
        for row in rows:
            key = keys[row["person_id"]].key
            about = About(
                part_id=row["fulfilment_order_id"],
                return_id=None,
                order_id=row["order_id"],
                person_id=row["person_id"],
                name=f"{row['number']}-{row['part_key']}",
                language=row["language"],
                channel=row["channel"],
                contact=open_contact(key, row["contact"]),
                key=key,
                consents=consents[row["person_id"]],
            )
            abouts.append(about)
            new += writer.write(about, print_promises.saying(row), partial(_values, room, place, row))
        unsent = plan_and_send(room, claim, writer, abouts, new)
    told = [row for row in rows if row["fulfilment_order_id"] not in unsent]
    # What may pass is tried at the next look; a number that does not exist is not asked about every minute.
    never = [
        (row, errors[0])
        for row in rows
        if (errors := unsent.get(row["fulfilment_order_id"])) and not any(isinstance(one, Retry) for one in errors)
    ]

    def settle(connection: Connection) -> None:
        print_promises.mark_told(connection, told)
        print_promises.give_up_telling(connection, never, now(connection), this_run_id())

    room.database.write(settle)
    return _flat(list(unsent.values()))


def _values(room: Room, place: Location, row: RowMapping, language: str) -> Mapping[str, str]:
    return {
        "order": row["number"],
        "location": place.name,
        "time": say_time(row["promised_at"], room.shop.owner.timezone, language),
    }


def _flat(errors: Sequence[Sequence[BackroomError]]) -> list[BackroomError]:
    return [error for some in errors for error in some]
