"""Which promises of a night were kept, by when the last piece really came out.

What belongs here: what a customer at the booth was told, against the presses. What does not: every other rule of a
night (`judge`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import RowMapping

from backroom.domain.model import Delivery, OrderState
from backroom.store.diverting import ELSEWHERE
from backroom.store.print_jobs import job_key
from backroom.store.print_promises import KEPT, LATE, MADE_ELSEWHERE, VOID
from simulation.books import Books, by
from simulation.market import Happened
from simulation.stall import BOOTH
from simulation.verdict import LatePromise, Verdict


def judge_promises(night: Happened, books: Books, verdict: Verdict) -> list[str]:
    """Which promises were kept, by when the last piece really came out; the books must know it too.

    A promise is what somebody was told: the buyer of a parcel is told no time. Of an order that was planned anew before
    it was begun, the customer was told a time before: the earliest one counts, against the last piece of what was made
    in the end. So it does of a cancelled one, whose promise was not kept.
    """
    spec = night.room.shop.location(BOOTH).promise
    assert spec is not None, "the booth of the evening promises"
    out = dict(night.came_out)
    ready: dict[int, datetime] = {}
    for job in books.jobs:
        for attempt in range(1, job["attempt"] + 1):
            at = out.get(job_key(job["order_number"], job["part_key"], job["line_no"], attempt))
            if at is not None:
                part = job["fulfilment_order_id"]
                ready[part] = max(at, ready.get(part, at))
    wrong = []
    of = {row["id"]: row for row in books.orders}
    until = timedelta(minutes=spec.slack_minutes - spec.handling_minutes)
    for order_id, promises in by(books.promises, "order_id").items():
        number, order = books.number(order_id), of[order_id]
        told = [one for one in promises if one["state"] != ELSEWHERE]
        verdict.elsewhere += len(promises) - len(told)
        if not told or order["delivery"] == Delivery.SHIP:
            continue  # nobody was told a time
        first = min(told, key=lambda one: (one["first_at"], one["id"]))
        if order["state"] == OrderState.CANCELLED:
            verdict.late.append(LatePromise(number, first["made_at"], first["first_at"], None))
            continue
        stand = [one for one in told if one["state"] != VOID]
        for promise in stand:
            at = ready.get(promise["fulfilment_order_id"])
            if at is None:
                wrong.append(f"{number} was promised, and is {promise['state']} without having been printed")
            else:
                wrong += _known(promise, at, promise["first_at"] + until, number, night.grain)
        if len(stand) < len(told):
            wrong += _planned_anew(verdict, books, first, ready, first["first_at"] + until)
            continue
        for promise in stand:
            if promise["fulfilment_order_id"] in ready:
                _count(verdict, promise, ready[promise["fulfilment_order_id"]], promise["first_at"] + until, number)
    return wrong


def _planned_anew(
    verdict: Verdict, books: Books, first: RowMapping, ready: Mapping[int, datetime], until: datetime
) -> list[str]:
    """Judge what the customer of an order was told first of it, before it was planned anew. What needed no print in the
    end has no piece that came out: of that the books' word counts. One that left the booth has to be told so."""
    order_id = first["order_id"]
    number = books.number(order_id)
    here = [one for one in books.parts[order_id] if one["location"] == BOOTH and one["state"] != "cancelled"]
    times = [ready.get(part["id"], part["made_at"]) for part in here]
    made = [at for at in times if at is not None]
    if len(made) < len(times):
        return [f"{number} was promised and planned anew, and is not made"]
    if made:
        _count(verdict, first, max(made), until, number)
        return []
    if MADE_ELSEWHERE in books.told(order_id):
        verdict.elsewhere += 1
        return []
    return [f"{number} was promised here and is made elsewhere, and its customer was not told"]


def _count(verdict: Verdict, promise: RowMapping, ready: datetime, until: datetime, number: str) -> None:
    if ready <= until:
        verdict.kept += 1
    else:
        verdict.late.append(LatePromise(number, promise["made_at"], promise["first_at"], ready))


def _known(promise: RowMapping, ready: datetime, until: datetime, number: str, grain: timedelta) -> list[str]:
    """Whether the books say of a promise what is true of its own time."""
    truth = KEPT if ready <= until else LATE
    if promise["state"] != truth and abs(ready - until) >= grain:
        return [f"{number} was {truth}, and the books say {promise['state']}"]
    return []
