"""Fetch: what a channel only hinted at is asked for, and comes in through the same door as everything else.

An order is fetched once for however many hints of it. A channel that does not answer keeps its hints waiting, each with
the reason and the time of its next attempt; the other channels' orders went on before. One order that its channel
cannot give keeps only its own hints waiting, and they go to quarantine after some looks.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from prefect import task
from sqlalchemy import Connection

from backroom.channels.asking import Asked, ask_for
from backroom.channels.base import NotAnOrder
from backroom.channels.delivering import delivery_of_fetched
from backroom.channels.registry import channel_for
from backroom.channels.remote import Fetched, OrderSource
from backroom.channels.strict_json import BrokenJson
from backroom.domain.channels import ChannelSpec
from backroom.domain.errors import BackroomError, Retry
from backroom.domain.model import Problem, StepOutcome
from backroom.shop.room import Room, this_room
from backroom.store import hints, intake
from backroom.store.claims import Claim, Wakeup, fence
from backroom.store.database import now
from backroom.store.hints import NOT_GIVEN, NOT_THERE, UNREADABLE, Hint, Trouble
from backroom.store.inbox_door import Delivery, accept
from tasks.connections import source_of
from tasks.waking import send

# A source may list an order later than it tells of it; after so many looks it is not there.
LOOKS = 6

FindSource = Callable[[Room, ChannelSpec], OrderSource]


def has_hints(room: Room, claim: Claim) -> bool:
    """Whether a wave holds anything to be fetched: a run without shows no such task."""
    with room.database.read() as connection:
        return bool(hints.claimed(connection, claim.token))


@task(name="fetch", retries=2, retry_delay_seconds=2, task_run_name="fetch at {claim.location}")
def fetch_hinted(claim: Claim) -> list[StepOutcome]:
    """Fetch what the wave's messages only hint at; returns an outcome for each of them."""
    return fetch_by(this_room(), claim, source_of)


def fetch_by(room: Room, claim: Claim, find: FindSource) -> list[StepOutcome]:
    """As `fetch_hinted`, by whatever finds the source of a channel."""
    with room.database.read() as connection:
        at = now(connection)
        waiting = hints.claimed(connection, claim.token)
        resting = hints.resting(connection, at)
    by_channel: dict[str, list[Hint]] = defaultdict(list)
    for hint in waiting:
        by_channel[hint.channel].append(hint)
    outcomes: list[StepOutcome] = []
    for channel, some in by_channel.items():
        spec = room.shop.find_channel(channel)
        if spec is None or spec.api is None:
            outcomes += _refuse(room, claim, some, _no_api(channel))
        elif channel in resting:
            outcomes += _rest(room, claim, some, *resting[channel])
        else:
            outcomes += _fetch(room, claim, spec, some, find)
    return outcomes


def _fetch(room: Room, claim: Claim, spec: ChannelSpec, some: Sequence[Hint], find: FindSource) -> list[StepOutcome]:
    """Ask one channel. What came is kept, whatever became of the rest; an order that it cannot give waits alone."""
    # Each once, in the order in which they came.
    asked = _ask(room, spec, list(dict.fromkeys(hint.external_id for hint in some)), find)
    deliveries, broken = _deliveries(spec, list(asked.given.values()))
    own = {
        **{id_: Trouble(NOT_THERE, f"{spec.id} does not have it, or not yet.") for id_ in asked.absent},
        **{id_: Trouble(NOT_GIVEN, f"{spec.id} gives others, not this one: {e}") for id_, e in asked.failed.items()},
        **{id_: Trouble(UNREADABLE, f"{spec.id} answers something that cannot be read.") for id_ in broken},
    }
    away = _away(asked.away) if asked.away else None
    done = [hint for hint in some if hint.external_id in asked.given and hint.external_id not in broken]
    alone = [hint for hint in some if hint.external_id in own]
    gone = [hint for hint in alone if hint.looks + 1 >= LOOKS]
    silent, untried = set(asked.silent), set(asked.untried)

    def commit(connection: Connection) -> list[Wakeup]:
        at = fence(connection, claim.token)
        receipts = [accept(connection, room.seals, one, room.shop.hub) for one in deliveries]
        hints.settle(
            connection, [(one.id, "fetched" if asked.given[one.external_id].ours else "not_ours_yet") for one in done]
        )
        for hint in (one for one in alone if one not in gone):
            hints.put_off_alone(connection, hint, own[hint.external_id], at)
        if away:
            until = hints.put_off(connection, [one for one in some if one.external_id in silent], spec.id, away, at)
            hints.rest(connection, [one for one in some if one.external_id in untried], away, until, at)
        problems = [(one.id, one.channel, [_problem(own[one.external_id])]) for one in gone]
        intake.quarantine_messages(connection, problems, at)
        return [receipt.wakeup for receipt in receipts if receipt.wakeup is not None]

    send(room.database.write(commit))
    return [
        *(_outcome(hint, "done", "fetched") for hint in done),
        *(
            _outcome(hint, "waiting", trouble.reason, trouble.cause)
            for hint in some
            if hint not in gone and (trouble := own.get(hint.external_id) or _if_left(away, hint, silent | untried))
        ),
        *(_outcome(hint, "quarantined", own[hint.external_id].cause) for hint in gone),
    ]


def _ask(room: Room, spec: ChannelSpec, ids: Sequence[str], find: FindSource) -> Asked:
    def known() -> str:
        with room.database.read() as connection:
            return hints.surely_there(connection, spec.id, but_for=ids)

    try:
        source = find(room, spec)
    except BackroomError as error:
        return Asked(silent=list(ids), away=error)
    return ask_for(source, ids, known)


def _away(error: BackroomError) -> Trouble:
    wait = error.retry_after if isinstance(error, Retry) else None
    return Trouble(error.cause, str(error), wait or timedelta(0))


def _if_left(away: Trouble | None, hint: Hint, left: set[str]) -> Trouble | None:
    return away if hint.external_id in left else None


def _deliveries(spec: ChannelSpec, answered: Sequence[Fetched]) -> tuple[list[Delivery], set[str]]:
    """What goes through the door, and the ids of answers that nobody can read."""
    channel = channel_for(spec)
    deliveries, broken = [], set()
    for fetched in answered:
        if not fetched.ours:
            continue
        try:
            deliveries.append(delivery_of_fetched(spec, channel, fetched))
        except (BrokenJson, NotAnOrder):
            broken.add(fetched.asked or fetched.external_id)
    return deliveries, broken


def _rest(room: Room, claim: Claim, some: Sequence[Hint], trouble: Trouble, until: datetime) -> list[StepOutcome]:
    """Let the hints of a channel that was away a moment ago wait with the others, without asking it for each wave."""
    room.database.write(lambda c: hints.rest(c, some, trouble, until, fence(c, claim.token)))
    return [_outcome(hint, "waiting", trouble.reason, trouble.cause) for hint in some]


def _refuse(room: Room, claim: Claim, some: Sequence[Hint], problem: Problem) -> list[StepOutcome]:
    def commit(connection: Connection) -> None:
        at = fence(connection, claim.token)
        intake.quarantine_messages(connection, [(hint.id, hint.channel, [problem]) for hint in some], at)

    room.database.write(commit)
    return [_outcome(hint, "quarantined", problem.code) for hint in some]


def _outcome(hint: Hint, result: str, reason: str, cause: str = "") -> StepOutcome:
    return StepOutcome(f"message {hint.id}", result, reason, cause)


def _no_api(channel: str) -> Problem:
    return Problem("no_api", "", f"carries no order, and the shop file has no [channels.{channel}.api] to fetch it by")


def _problem(trouble: Trouble) -> Problem:
    details = {
        NOT_THERE: "is about an order that its channel does not have",
        NOT_GIVEN: f"is about an order that its channel cannot give ({trouble.reason[:300]}). "
        "Look at it there, then press Replay",
        UNREADABLE: "is about an order that its channel gives in a form that nobody can read. Look at it there, "
        "then press Replay",
    }
    return Problem(trouble.cause, "", details[trouble.cause])
