"""Carrying out effects on the outside world once: plan, start, settle, and ask where a start has no outcome.

What belongs here: the order of the commits around calls. What does not: the rows (`backroom.store.effects`) and the
calls themselves (the adapters, behind `Sink`).

After a crash, a planned effect is safely carried out again; one that was started without an outcome is asked for at
the other side, and where that side cannot say, it is unknown and a person decides. It is never repeated blindly.
What a claim has in hand while it lives no other claim touches, for orders may share an effect: a sheet of labels.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, Protocol, TypeVar

from sqlalchemy import Connection, RowMapping

from backroom.domain.errors import AskPerson, BackroomError, OutcomeUnknown, Retry
from backroom.store import effects
from backroom.store.claims import ClaimLost, fence
from backroom.store.database import Database, now

Q = TypeVar("Q")
Q_contra = TypeVar("Q_contra", contravariant=True)


class RequestChanged(AskPerson):
    """The same key was used before for another request: what was done then is not what is asked now."""

    cause = "request_changed"


class InOtherHands(Retry):
    """Another run is carrying this effect out at this moment; it is a matter of seconds."""

    cause = "being_worked_on"


class AnswerLost(Retry):
    """The other side got the call and its answer is lost: the same key is carried out again, and is one effect."""

    cause = "answer_lost"


@dataclass(frozen=True, slots=True)
class Effect(Generic[Q]):
    """One effect to be carried out. `request_hash` (`store.effects.request_hash`) covers all that is asked."""

    key: str
    kind: str
    order_id: int | None
    request_hash: str
    request: Q


Answer = Mapping[str, Any]


class Sink(Protocol[Q_contra]):
    """The other side, as the ledger sees it.

    `idempotent` says that the same key carried out twice is one effect over there: then a whole batch is started in
    one commit, and a start without an outcome is simply carried out again. Otherwise every call has a commit of its
    own just before it, and such a start is asked for: a crash leaves one unknown at most.
    """

    @property
    def idempotent(self) -> bool: ...

    def carry_out(self, requests: Sequence[tuple[str, Q_contra]]) -> Sequence[Answer | BackroomError]:
        """Carry out requests with their keys; for each its answer (small, JSON, no personal data) or its error."""
        ...

    def ask(self, key: str, age: timedelta) -> Answer | None:
        """The answer if this key was carried out, None if it certainly was not; OutcomeUnknown when nobody knows.

        `age` is how long ago the call was begun, at the most: whoever forgets can tell whether it reaches back so far.
        """
        ...


# Those of these effects that may not be begun after all, by key, each with why.
Gate = Callable[[Connection, Sequence[Effect[Q]], datetime], Mapping[str, BackroomError]]


def perform(
    database: Database, token: str, batch: Sequence[Effect[Q]], sink: Sink[Q], gate: Gate[Q] | None = None
) -> dict[str, Answer | BackroomError]:
    """Carry out a wave's effects, each once however often this is called; returns answer or error by key.

    Every commit is conditional on the claim `token`: ClaimLost leaves whatever was not settled to the next holder. An
    error that the sink raises, instead of returning it for one request, leaves its requests started. What was begun
    under a key for another request is RequestChanged; what was never begun, or failed, may be corrected.

    `gate` is asked in each commit that begins calls: whatever it refuses is not begun, and its error is the result.
    """
    if not batch:
        return {}
    read_at = time.monotonic()
    at, rows = database.write(lambda connection: _plan(connection, token, batch))
    results: dict[str, Answer | BackroomError] = {}
    to_do: list[Effect[Q]] = []
    for effect in batch:
        row = rows[effect.key]
        if row["request_hash"] != effect.request_hash:
            results[effect.key] = RequestChanged(
                f"{effect.key} was begun for another request",
                remedy="Undo what was changed since, or settle it with whoever carried it out.",
            )
        elif row["state"] == effects.DONE:
            results[effect.key] = row["answer"] or {}
        elif row["state"] == effects.UNKNOWN:
            results[effect.key] = OutcomeUnknown(f"nobody can tell whether {effect.key} happened")
        elif row["claim_token"] != token:
            # Asked now, the other side would say "no" of a call that is on its way.
            results[effect.key] = InOtherHands(f"another run is carrying out {effect.key} now")
        elif row["state"] == effects.STARTED and not sink.idempotent:
            # Those asked for before it took their time as well.
            age = at - row["started_at"] + timedelta(seconds=time.monotonic() - read_at)
            found = _ask(database, token, sink, effect.key, age)
            if found is None:
                to_do.append(effect)
            else:
                results[effect.key] = found
        else:
            to_do.append(effect)
    size = len(to_do) if sink.idempotent else 1
    for start in range(0, len(to_do), max(size, 1)):
        results |= _carry_out(database, token, to_do[start : start + size], sink, gate)
    return results


def _carry_out(
    database: Database, token: str, batch: Sequence[Effect[Q]], sink: Sink[Q], gate: Gate[Q] | None
) -> dict[str, Answer | BackroomError]:
    def start(connection: Connection) -> Mapping[str, BackroomError]:
        at = fence(connection, token)
        refused = gate(connection, batch, at) if gate else {}
        keys = [effect.key for effect in batch if effect.key not in refused]
        if effects.start(connection, keys, token, at) != len(keys):
            raise ClaimLost(f"another run took over effects of the claim {token}")
        effects.drop(connection, refused, token)
        return refused

    refused = database.write(start)
    batch = [effect for effect in batch if effect.key not in refused]
    if not batch:
        return dict(refused)
    keys = [effect.key for effect in batch]
    answers = sink.carry_out([(effect.key, effect.request) for effect in batch])
    outcome = dict(zip(keys, answers, strict=True))
    lost = {key for key, one in outcome.items() if sink.idempotent and isinstance(one, OutcomeUnknown)}
    # What is lost stays started, and is carried out again by whoever comes next.
    _settle(database, token, {key: one for key, one in outcome.items() if key not in lost})
    again = {key: _again(key, one) for key, one in outcome.items() if key in lost and isinstance(one, OutcomeUnknown)}
    return {**refused, **outcome, **again}


def _again(key: str, lost: OutcomeUnknown) -> AnswerLost:
    # Under the cause of whose answer it was: one breaker must not stop the orders of another side.
    return AnswerLost(f"{lost.message.rstrip('.')}: {key} is asked for again under the same key.", cause=lost.cause)


def _plan(connection: Connection, token: str, batch: Sequence[Effect[Q]]) -> tuple[datetime, dict[str, RowMapping]]:
    at = fence(connection, token)
    plans = [effects.Plan(e.key, e.kind, e.order_id, e.request_hash) for e in batch]
    return at, effects.plan(connection, plans, token, at)


def _settle(database: Database, token: str, outcome: Mapping[str, Answer | BackroomError]) -> None:
    # No fence: what happened outside is written even when the lease ran out meanwhile, or it would be unknown.
    rows = [_row(key, result) for key, result in outcome.items()]
    database.write(lambda connection: effects.settle(connection, rows, token, now(connection)))


def _row(key: str, result: Answer | BackroomError) -> effects.Outcome:
    if isinstance(result, OutcomeUnknown):
        return effects.Outcome(key, effects.UNKNOWN, reason=result.message)
    if isinstance(result, BackroomError):
        return effects.Outcome(key, effects.FAILED, reason=result.message)
    return effects.Outcome(key, effects.DONE, result)


def _ask(database: Database, token: str, sink: Sink[Q], key: str, age: timedelta) -> Answer | BackroomError | None:
    try:
        found: Answer | BackroomError | None = sink.ask(key, age)
    except OutcomeUnknown as error:
        found = error
    except BackroomError as error:
        # The other side cannot be asked now: that says nothing of the effect, which stays started.
        return error
    if found is not None:
        _settle(database, token, {key: found})
    return found
