"""Telling customers of their returns: each state that they would ask about, and what is sent or paid back for them.

Each once, by the media they agreed to. That only a part is here waits until nothing more comes for a while. What staff
do with a return is done in their own commits; this is what is left for the outside world.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial

from prefect import task
from sqlalchemy import Connection, RowMapping

from backroom.domain.errors import BackroomError, Retry
from backroom.domain.model import StatedConsent, StepOutcome
from backroom.domain.money import format_money
from backroom.domain.returns import PART, Lane, ReturnState, notices, part_is_told_at
from backroom.messaging.return_texts import say_lane
from backroom.shop.room import Room, this_room
from backroom.store import messages, people, refunds, replacements, returns
from backroom.store.claims import Claim, fence
from backroom.store.contacts import open_contact
from backroom.store.database import now
from backroom.store.sickness import Sick
from tasks.connections import messengers_of
from tasks.messages import About, Writer, plan_and_send
from tasks.sick import failed_return, leave


@task(name="tell customers", retries=2, retry_delay_seconds=2, task_run_name="tell customers of returns")
def tell_customers(claim: Claim) -> list[StepOutcome]:
    """Send what each return of the wave calls for, as it stands now, and say that it was seen to."""
    room = this_room()
    with room.database.read() as connection:
        backs = returns.claimed(connection, claim.token)
        keys = people.load(connection, room.seals, (back["person_id"] for back in backs))
        at = now(connection)
        consents = messages.consents_of(connection, (back["person_id"] for back in backs))
        ids = [back["id"] for back in backs]
        paid = {id_: returns.refund_of(connection, id_) for id_ in ids}
        others = replacements.on_their_way(connection, ids)
        last_in = returns.last_in(connection, ids)
    if not backs:
        return []
    writer = Writer(room, messengers_of(room), at)
    abouts: list[About] = []
    new: list[messages.NewMessage] = []
    rest: dict[int, tuple[int, datetime]] = {}
    for back in backs:
        refund, other = paid[back["id"]], others.get(back["id"], [])
        refunded = refund is not None and refund["state"] == refunds.DONE
        state = ReturnState(back["state"])
        kinds = notices(state, announced=back["announced"], refunded=refunded, replaced=bool(other))
        if (until := part_is_told_at(state, last_in.get(back["id"]))) and until > at:
            rest[back["id"]] = back["revision"], until
            kinds = tuple(kind for kind in kinds if kind != PART)
        for kind in kinds:
            about = _about(back, keys[back["person_id"]].key, consents[back["person_id"]])
            abouts.append(about)
            new += writer.write(about, kind, partial(_values, room, back, refund, other))
    sick = _sick(backs, plan_and_send(room, claim, writer, abouts, new))
    ill = {one.row_id for one in sick}
    well = {back["id"]: back for back in backs if back["id"] not in ill}
    resting = {id_: until for id_, until in rest.items() if id_ in well}
    seen_to = {id_: back["revision"] for id_, back in well.items() if id_ not in resting}

    def commit(connection: Connection) -> list[int]:
        fence(connection, claim.token)
        returns.put_off(connection, claim.token, resting)
        return returns.settle(connection, claim.token, seen_to)

    settled = room.database.write(commit)
    outcomes = [
        StepOutcome(well[id_]["order_number"], result, f"{well[id_]['number']} is {well[id_]['state']}")
        for result, ids in (("done", settled), ("waiting", resting))
        for id_ in ids
    ]
    return outcomes + leave(room, claim, sick)


def _about(back: RowMapping, key: bytes, consents: Sequence[StatedConsent]) -> About:
    return About(
        part_id=None,
        return_id=back["id"],
        order_id=back["order_id"],
        person_id=back["person_id"],
        name=f"{back['number']}-{back['key']}",
        language=back["language"],
        channel=back["channel"],
        contact=open_contact(key, back["contact"]),
        key=key,
        consents=consents,
    )


def _values(
    room: Room, back: RowMapping, refund: RowMapping | None, others: Sequence[str], language: str
) -> Mapping[str, str]:
    """What the templates of a return may mention, beside what every message may."""
    return {
        "order": back["order_number"],
        "rma": back["number"],
        "way": say_lane(Lane(back["lane"]), language),
        "amount": format_money(refund["paid_minor"] or 0, refund["currency"]) if refund else "",
        "exchange": ", ".join(others),
        "email": room.shop.owner.email,
    }


def _sick(backs: Sequence[RowMapping], unsent: Mapping[int, Sequence[BackroomError]]) -> list[Sick]:
    """The returns one of whose messages could not be sent."""
    sick = []
    for back in backs:
        if errors := unsent.get(back["id"]):
            worst = next((error for error in errors if not isinstance(error, Retry)), errors[0])
            sick.append(failed_return(back, worst))
    return sick
