"""Messages whose quiet hours are over: each is sent once, in the words it was written in.

Its order has gone on meanwhile, so nothing of an order waits for these. Whether the person still wants it is asked in
the commit that begins it, like for any other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from prefect import task
from sqlalchemy import Connection, RowMapping

from backroom.domain.errors import BackroomError, Retry
from backroom.domain.model import StatedConsent, StepOutcome
from backroom.shop.room import this_room
from backroom.store import messages, people, waiting_messages
from backroom.store.claims import Claim, fence
from backroom.store.contacts import open_contact
from backroom.store.database import now
from tasks.connections import messengers_of
from tasks.messages import About, Writer, send


@task(name="send waiting messages", task_run_name="send waiting messages")
def send_waiting(claim: Claim) -> list[StepOutcome]:
    """WAITING → SENT, SKIPPED or FAILED; what fails and may pass is put off, what is in quiet hours again waits."""
    room = this_room()
    with room.database.read() as connection:
        rows = waiting_messages.claimed(connection, claim.token)
        keys = people.load(connection, room.seals, (row["person_id"] for row in rows))
        consents = messages.consents_of(connection, (row["person_id"] for row in rows))
        at = now(connection)
    if not rows:
        return []
    writer = Writer(room, messengers_of(room), at)
    abouts = {row["id"]: _about(row, keys[row["person_id"]].key, consents[row["person_id"]]) for row in rows}
    later = {
        row["id"]: until
        for row in rows
        if (until := writer.waits(abouts[row["id"]], row["kind"], row["medium"])) is not None
    }
    ready = [(row, abouts[row["id"]]) for row in rows if row["id"] not in later]
    unsent = send(room, claim, writer.messengers, ready)

    def commit(connection: Connection) -> set[int]:
        at = fence(connection, claim.token)
        hours = [(id_, writer.say_wait(until), until) for id_, until in later.items()]
        waiting_messages.wait_until(connection, claim.token, hours)
        failed = [_failed(id_, error) for id_, error in unsent.items()]
        return waiting_messages.fail(connection, claim.token, failed, at, claim.run_id)

    ended = room.database.write(commit)
    return [_outcome(row, unsent, row["id"] in later, row["id"] in ended) for row in rows]


def _failed(id_: int, error: BackroomError) -> waiting_messages.Failed:
    passes, wait = (True, error.retry_after) if isinstance(error, Retry) else (False, None)
    return waiting_messages.Failed(id_, error.cause, str(error), passes, wait)


def _about(row: RowMapping, key: bytes, consents: Sequence[StatedConsent]) -> About:
    of_part = row["fulfilment_order_id"] is not None
    name = f"{row['order_number']}-{row['part_key']}" if of_part else f"{row['return_number']}-{row['return_key']}"
    return About(
        part_id=row["fulfilment_order_id"],
        return_id=row["return_id"],
        order_id=row["order_id"],
        person_id=row["person_id"],
        name=name,
        language=row["language"],
        channel=row["channel"],
        contact=open_contact(key, row["contact"]),
        key=key,
        consents=consents,
    )


def _outcome(row: RowMapping, unsent: Mapping[int, BackroomError], waits: bool, ended: bool) -> StepOutcome:
    error = unsent.get(row["id"])
    if ended and error is not None:
        return StepOutcome(row["order_number"], "failed", str(error), error.cause)
    if waits or error is not None:
        return StepOutcome(row["order_number"], "waiting", str(error or "it is quiet hours again"))
    return StepOutcome(row["order_number"], "done", f"{row['kind']} by {row['medium']}")
