"""An honest shop: orders in every state there is, made by the steps of the program and by nothing else.

What belongs here: that day, and copies of its database. What does not: damage (`damages`).
"""

from __future__ import annotations

import itertools
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, update

from backroom.domain.reject_rates import Fault
from backroom.domain.returns import Disposition, Reason, Wanted
from backroom.engine import wake
from backroom.insight.refresh import refresh_facts, refresh_figures, refresh_months
from backroom.shop import room as rooms
from backroom.store import cancelling, desk, print_jobs, print_rejects, return_desk, return_opening, stock
from backroom.store.database import Database, now
from backroom.store.tables import history, orders
from tests.shops import BOOTH, GTIN, GTIN_TEE, HUB, PLAIN, SCARCE, SOUTH, Floor, open_floor

_people = itertools.count(1)


def live_a_day(database: Database, home: Path) -> None:
    """Fill a fresh database with an honest day, its key figures computed."""
    with pytest.MonkeyPatch.context() as patch:
        floor = open_floor(database, home)
        patch.setenv("BACKROOM_HOME", str(home))
        patch.setitem(rooms._open, home.resolve(), floor.room)
        patch.setitem(vars(wake), "_this", floor.waker)
        _sold(floor)
        _held_and_cancelled(floor)
        _returned(floor)
        _under_way(floor)
        _figures(floor)


def _person() -> dict[str, Any]:
    number = next(_people)
    return {"email": f"somebody.{number}@example.org", "phone": f"+49151123456{number:02}"}


def _sold(floor: Floor) -> None:
    """Picked at the hub, printed there as the second of a scarce piece, scanned at the local hub, printed at the booth
    after a try that failed, and one piece of it once more, because it was bad; two lines of the same piece; one
    collected."""
    for _ in range(2):
        floor.taken_in((PLAIN, 1), **_person())
    floor.taken_in((PLAIN, 1), (PLAIN, 2), **_person())
    floor.taken_in((SCARCE, 2), **_person())
    scanned = floor.taken_in((GTIN_TEE, 1), at=SOUTH, **_person())
    floor.taken_in((PLAIN, 2), at=BOOTH, **_person())
    for place in (HUB, SOUTH, BOOTH):
        floor.fulfil(place)
    floor.scan(SOUTH, scanned, GTIN)
    (job,) = floor.hand_out(HUB)
    floor.print(job)
    for outcome in ("failed", "done"):
        (job,) = floor.hand_out(BOOTH)
        floor.print(job, outcome)
    for place in (HUB, SOUTH, BOOTH):
        floor.fulfil(place)
    _found_bad(floor, job.id)
    (job,) = floor.hand_out(BOOTH)
    floor.print(job)


def _found_bad(floor: Floor, job_id: int) -> None:
    """One piece of a print that has come out is bad: it waits to be printed anew."""

    def work(connection: Connection) -> None:
        attempt = print_jobs.attempt_of(connection, job_id)
        print_rejects.came_out_bad(connection, floor.room.shop, job_id, attempt, Fault.SMEARED, "Ada", 1)

    floor.room.database.write(work)


def _held_and_cancelled(floor: Floor) -> None:
    """Held for its payment, cancelled before and after it was packed, backordered, put on hold while it is made and let
    go on, changed by its channel before anybody began."""
    database = floor.room.database
    floor.taken_in((PLAIN, 1), financial_status="pending", **_person())
    early = floor.taken_in((PLAIN, 3), **_person())
    database.write(lambda c: cancelling.cancel(c, early, "Ada", "cancelled_by_staff"))
    printed = floor.taken_in((PLAIN, 1), at=BOOTH, **_person())
    floor.fulfil(BOOTH)
    (job,) = floor.hand_out(BOOTH)
    floor.print(job)
    database.write(lambda c: cancelling.cancel(c, printed, "Ada", "cancelled_by_staff"))
    floor.taken_in((GTIN_TEE, 500), **_person())
    stopped = floor.taken_in((PLAIN, 1), **_person())
    database.write(lambda c: desk.hold(c, stopped, "look_at_it", "Ada"))
    database.write(lambda c: desk.release(c, stopped, "Ada", HUB))
    floor.intake()
    floor.fulfil(HUB)
    database.write(lambda c: stock.receive(c, "truck", [(HUB, GTIN_TEE, 4)], "received", now(c)))


def _returned(floor: Floor) -> None:
    """Sent back, put on the shelf and paid back; and one whose label was scanned and no more."""
    write, shop = floor.room.database.write, floor.room.shop
    for settled in (True, False):
        number = floor.taken_in((PLAIN, 1), **_person())
        floor.fulfil(HUB)
        code = floor.story(number).shipments[0]["return_tracking"]
        rma = write(lambda c, code=code: return_opening.open_by_code(c, shop, code, HUB, "Ada")).number
        if not settled:
            return
        line = write(lambda c, rma=rma: return_desk.receive(c, shop, rma, HUB, PLAIN, "Ada", 0)).line_id
        write(lambda c, line=line: return_desk.say(c, shop, line, Reason.SIZE, Wanted.REFUND, "", "Ada"))
        write(lambda c, line=line: return_desk.dispose(c, shop, line, Disposition.RESTOCK, "Ada"))
        write(lambda c, rma=rma: return_desk.that_is_all(c, shop, rma, "Ada"))
        write(lambda c, rma=rma: return_desk.confirm_refund(c, shop, rma, 2900, "re_1", "Ada"))


def _under_way(floor: Floor) -> None:
    """Released and open, waiting for a scan, waiting for a print, and for a piece to be printed anew."""
    floor.taken_in((PLAIN, 2), at=BOOTH, **_person())
    floor.fulfil(BOOTH)
    (job,) = floor.hand_out(BOOTH)
    floor.print(job)
    _found_bad(floor, job.id)
    floor.taken_in((PLAIN, 1), at=SOUTH, **_person())
    floor.fulfil(SOUTH)
    floor.taken_in((PLAIN, 4), at=BOOTH, **_person())
    floor.fulfil(BOOTH)
    floor.taken_in((PLAIN, 1), **_person())


def _figures(floor: Floor) -> None:
    """What was written in the last two minutes would wait for the next time, and a clock cannot be moved."""

    def age(connection: Connection) -> None:
        connection.execute(update(orders).values(accepted_at=now(connection) - timedelta(minutes=10)))
        connection.execute(update(history).values(at=now(connection) - timedelta(minutes=5)))

    floor.room.database.write(age)
    for _ in (*refresh_facts(floor.room), *refresh_figures(floor.room)):
        pass
    refresh_months(floor.room)
