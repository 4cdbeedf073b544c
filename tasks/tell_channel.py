"""Tell channel: what left the house and what we do not make goes back to the channel that the order came from, once.

What belongs here: one wave of one channel's news. What does not: what a channel may sell (`tasks.tell_stock`), and the
words of any channel (`backroom.channels`). An order does not wait for this: its news does, with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from datetime import timedelta
from typing import Generic, TypeVar

from prefect import task
from sqlalchemy import Connection, RowMapping

from backroom.channels.remote import Cancelled, LineShipped, Shipped, Taken, TakesWord, WriteBack
from backroom.domain.errors import BackroomError, OutcomeUnknown, Retry
from backroom.domain.model import StepOutcome
from backroom.effects.ledger import Answer, Effect, Sink, perform
from backroom.shop.room import this_room
from backroom.store import history, news
from backroom.store.claims import Claim, fence
from backroom.store.effects import request_hash
from backroom.store.partner_orders import reference_of
from tasks.connections import write_back_of
from tasks.sick import failed_news, leave

Q = TypeVar("Q")

# An answer that was lost is asked for by the next try, some seconds later: what is on its way will be there by then.
UNSEEN = "its answer is lost, and the channel does not show it yet"


class NotSeenYet(Retry):
    """The channel got the news, its answer is lost, and it shows nothing of it now: the next try looks again first."""

    cause = "not_seen_yet"


@task(name="tell channel", retries=2, retry_delay_seconds=2, task_run_name="tell {claim.location}")
def tell_channel(claim: Claim) -> list[StepOutcome]:
    """Tell a channel the wave's news, each once, and write down what it calls them. Compensated by nothing: what a
    channel was told is put right there by a person."""
    room = this_room()
    with room.database.read() as connection:
        rows = news.claimed(connection, claim.token)
        pieces = news.pieces_of(connection, (row["part_id"] for row in rows if row["part_id"] is not None))
    if not rows:
        return []
    results: dict[str, Answer | BackroomError] = {}
    try:
        channel = write_back_of(room, claim.location)
    except BackroomError as error:
        results = {row["key"]: error for row in rows}
    else:
        with closing(channel):
            shipped = [_shipped(row, pieces.get(row["part_id"], [])) for row in rows if row["kind"] == news.SHIPPED]
            cancelled = [
                Cancelled(row["key"], row["external_id"], row["reason"])
                for row in rows
                if row["kind"] == news.CANCELLED
            ]
            taken = [Taken(row["key"], row["external_id"], row["number"]) for row in rows if row["kind"] == news.TAKEN]
            ids = {row["key"]: row["order_id"] for row in rows}
            left = [Effect(one.key, news.EFFECT, ids[one.key], request_hash(_leaving(one)), one) for one in shipped]
            ended = [Effect(one.key, news.EFFECT, ids[one.key], request_hash(_ending(one)), one) for one in cancelled]
            begun = [Effect(one.key, news.EFFECT, ids[one.key], request_hash(_taking(one)), one) for one in taken]
            # First: a channel that waits for this word takes no other before it.
            results |= perform(room.database, claim.token, begun, SaidAgainSink(_taken_word(channel)))
            results |= perform(room.database, claim.token, left, ShippedSink(channel, shipped))
            results |= perform(room.database, claim.token, ended, SaidAgainSink(channel.cancelled))
    told = {row["id"]: row for row in rows if not isinstance(results[row["key"]], BackroomError)}
    sick = [failed_news(row, failure) for row in rows if isinstance(failure := results[row["key"]], BackroomError)]

    def commit(connection: Connection) -> list[int]:
        at = fence(connection, claim.token)
        references = {id_: _reference(results[row["key"]]) for id_, row in told.items()}
        done = news.settle(connection, claim.token, references, at)
        entries = [
            history.Entry(
                told[id_]["order_id"],
                "channel.told",
                {"channel": claim.location, "news": told[id_]["kind"], "reference": references[id_]},
            )
            for id_ in done
        ]
        history.record(connection, entries, at=at, run_id=claim.run_id)
        return done

    done = room.database.write(commit) if told else []
    return [StepOutcome(told[id_]["number"], "told", told[id_]["kind"]) for id_ in done] + leave(room, claim, sick)


class ShippedSink:
    """A channel that is told what left, as the ledger sees it."""

    def __init__(self, channel: WriteBack, news: Sequence[Shipped]) -> None:
        self._channel = channel
        self._news = {one.key: one for one in news}

    @property
    def idempotent(self) -> bool:
        return self._channel.idempotent

    def carry_out(self, requests: Sequence[tuple[str, Shipped]]) -> list[Answer | BackroomError]:
        answers: list[Answer | BackroomError] = []
        for _, one in requests:
            try:
                answers.append({"reference": self._channel.shipped(one)})
            except OutcomeUnknown as error:
                answers.append(self._asked_for(one, error))
            except BackroomError as error:
                answers.append(error)
        return answers

    def ask(self, key: str, age: timedelta) -> Answer | None:
        found = self._channel.was_told(self._news[key])
        return None if found is None else {"reference": found}

    def _asked_for(self, one: Shipped, lost: OutcomeUnknown) -> Answer | BackroomError:
        """Right after an answer that was lost. `shipped` itself looks first, so that a later try is no second one."""
        if self._channel.idempotent:
            return lost
        try:
            found = self._channel.was_told(one)
        except OutcomeUnknown as error:
            return error
        except BackroomError:
            # It cannot even be asked now: whether it was told is found out by the next try, which looks first.
            return NotSeenYet(f"{one.key}: {UNSEEN}.")
        return {"reference": found} if found is not None else NotSeenYet(f"{one.key}: {UNSEEN}.")


class SaidAgainSink(Generic[Q]):
    """A channel that is told something that is harmless to say again, and so is said again where an answer was lost."""

    idempotent = True

    def __init__(self, say: Callable[[Q], None]) -> None:
        self._say = say

    def carry_out(self, requests: Sequence[tuple[str, Q]]) -> list[Answer | BackroomError]:
        answers: list[Answer | BackroomError] = []
        for _, one in requests:
            try:
                self._say(one)
                answers.append({"reference": ""})
            except BackroomError as error:
                answers.append(error)
        return answers

    def ask(self, key: str, age: timedelta) -> Answer | None:
        raise OutcomeUnknown(f"{key} is said again, and never asked for")


def _taken_word(channel: WriteBack) -> Callable[[Taken], None]:
    """How a channel is told which orders we took; most do not wait for that word."""
    return channel.taken if isinstance(channel, TakesWord) else lambda _: None


_SHIPPED: type[Sink[Shipped]] = ShippedSink
_SAID_AGAIN: type[Sink[Cancelled]] = SaidAgainSink


def _shipped(row: RowMapping, pieces: Sequence[tuple[str, str, int]]) -> Shipped:
    return Shipped(
        key=row["key"],
        external_id=row["external_id"],
        lines=tuple(LineShipped(external_id, sku, count) for external_id, sku, count in pieces),
        carrier=row["carrier"] or "",
        tracking=_tracking(row),
        last=bool(row["last"]),
    )


def _tracking(row: RowMapping) -> str:
    """The carrier's number, without our reference that stands for it, or behind it, where a partner sent the parcel."""
    part_key = row["key"].removeprefix(f"{news.SHIPPED}-")
    return str(row["tracking"] or "").removesuffix(reference_of(row["number"], part_key)).strip()


def _taking(one: Taken) -> Mapping[str, object]:
    return {"order": one.external_id, "number": one.number}


def _leaving(one: Shipped) -> Mapping[str, object]:
    # Not whether it is the last: that may become true between two tries of the same news.
    lines = [[line.external_id, line.sku, line.quantity] for line in one.lines]
    return {"order": one.external_id, "lines": lines, "carrier": one.carrier, "tracking": one.tracking}


def _ending(one: Cancelled) -> Mapping[str, object]:
    return {"order": one.external_id, "reason": one.reason}


def _reference(answer: Answer | BackroomError) -> str:
    # A person who decided on a lost answer knows no id.
    return "" if isinstance(answer, BackroomError) else str(answer.get("reference", ""))
