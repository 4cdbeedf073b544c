"""What a booth's queue promises: who comes first, what is kept, and what nobody can promise."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from sqlalchemy import Connection, delete, select, text, update

from backroom.domain.print_queue import bottlenecks
from backroom.store import events, print_promises
from backroom.store.booth_calls import hear
from backroom.store.database import now
from backroom.store.events import EventRefused
from backroom.store.print_queue import Queue, read_queue
from backroom.store.replayed_prints import OUTCOME, STARTED, Machine, ReplayedLine, take_in
from backroom.store.tables import booth_calls, fulfilment_orders, print_jobs
from tests.promised_booth import change, look, market, ordered, promise_earlier, promises, promising_booth
from tests.running import wait_until
from tests.shops import BOOTH, Floor
from tests.together import run_together


@pytest.fixture
def booth(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> Floor:
    return promising_booth(floor, monkeypatch)


def test_each_new_order_is_promised_once_and_the_next_one_later(booth: Floor) -> None:
    numbers = [ordered(booth, collected=True, copies=3) for _ in range(3)]
    assert set(look(booth).given) == set(numbers)
    assert look(booth) == print_promises.Reviewed()
    told = [promises(booth, number)[0]["promised_at"] for number in numbers]
    # Two printers: the first two are made side by side.
    assert told[0] == told[1] < told[2]


def test_who_stands_there_is_printed_before_parcels_that_came_first(booth: Floor) -> None:
    parcel, person = ordered(booth), ordered(booth, collected=True)
    assert [job.order_number for job in booth.hand_out(BOOTH, most=1)] == [person]
    assert [job.order_number for job in booth.hand_out(BOOTH, "other", most=1)] == [parcel]


def test_what_is_made_in_time_is_kept_and_what_is_not_is_late(booth: Floor) -> None:
    kept, late = ordered(booth, collected=True), ordered(booth, collected=True)
    look(booth)
    promise_earlier(booth, late, 30)
    for job in booth.hand_out(BOOTH):
        booth.print(job)
    booth.fulfil(BOOTH)
    look(booth)
    assert [promises(booth, number)[0]["state"] for number in (kept, late)] == ["kept", "late"]
    with booth.room.database.read() as connection:
        counted = print_promises.outcomes(connection, BOOTH, now(connection) - timedelta(hours=1))
    assert counted == {"kept": 1, "late": 1, "moved": 0}


def test_of_two_looks_at_once_the_later_one_writes_no_time_for_what_the_other_sent_on(booth: Floor) -> None:
    database = booth.room.database
    if database.engine.dialect.name != "postgresql":
        pytest.skip("SQLite lets one writer in after the other")
    number = ordered(booth)
    look(booth)
    promise_earlier(booth, number, 30)
    sent_on = threading.Event()

    def first() -> print_promises.Reviewed:
        def work(connection: Connection) -> print_promises.Reviewed:
            room = booth.room
            found = print_promises.review(connection, room.shop, room.seals, room.shop.location(BOOTH), now(connection))
            sent_on.set()
            wait_until(lambda: waits_for_a_lock(booth), "the other look to wait for this one", 30)
            return found

        return database.write(work)

    def second() -> print_promises.Reviewed:
        assert sent_on.wait(30)
        return look(booth)

    one, two = run_together([first, second])
    assert one.elsewhere == (number,)
    assert two == print_promises.Reviewed()
    assert "order.promised_later" not in booth.events(number)


def waits_for_a_lock(floor: Floor) -> bool:
    asked = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with floor.room.database.read() as connection:
        return bool(connection.execute(text(asked)).scalar_one())


def test_a_printer_without_paper_promises_nothing_and_its_trouble_is_named(booth: Floor) -> None:
    ordered(booth, collected=True)
    [job] = booth.hand_out(BOOTH)
    booth.room.database.write(
        lambda c: c.execute(
            update(print_jobs)
            .where(print_jobs.c.id == job.id)
            .values(state="blocked", printer="press-1", reason="out of paper", started_at=now(c))
        )
    )
    with booth.room.database.read() as connection:
        queue = read_queue(connection, booth.room.shop.location(BOOTH), now(connection))
    assert [(one.name, one.ready, one.trouble) for one in queue.printers] == [
        ("press-1", False, "out of paper"),
        ("press-2", True, ""),
    ]


def test_printers_that_wait_for_a_hand_before_they_have_a_job_are_known_by_their_own_words(booth: Floor) -> None:
    ordered(booth, collected=True)
    [job] = booth.hand_out(BOOTH)
    words = "press-1: out of ink; Printer press-2 does not answer. Is it switched on?"
    change(booth, lambda c: c.execute(update(print_jobs).values(state="blocked", reason=words)))
    stopped = [(one.name, one.ready, one.trouble) for one in queue_of(booth).printers]
    assert stopped[0] == ("press-1", False, "out of ink")
    assert stopped[1][:2] == ("press-2", False)
    assert "does not answer" in stopped[1][2]
    assert look(booth).given == ()
    # One that has just printed prints, whatever an older word says of it.
    ended = {"state": "done", "printer": "press-1", "reason": ""}
    other = ordered(booth)
    [second] = booth.hand_out(BOOTH, "other")
    change(booth, lambda c: c.execute(update(print_jobs).where(print_jobs.c.id == second.id).values(**ended)))
    change(booth, lambda c: c.execute(update(print_jobs).where(print_jobs.c.id == second.id).values(ended_at=now(c))))
    assert [one.name for one in queue_of(booth).printers if one.ready] == ["press-1"], (job, other)


def test_only_the_printers_that_came_along_to_an_event_are_reckoned_with(booth: Floor) -> None:
    market(booth, printers=("press-2",))
    assert [one.name for one in queue_of(booth).printers] == ["press-2"]
    assert queue_of(booth).power_until is None


def test_a_battery_that_ends_before_the_queue_is_named_and_nothing_is_promised_after_it(booth: Floor) -> None:
    """Each piece is reckoned with three minutes, two printers: ten orders of three pieces take 45 minutes."""
    market(booth, battery_minutes=30)
    numbers = [ordered(booth, collected=True, copies=3) for _ in range(10)]
    queue = queue_of(booth)
    assert queue.power_until is not None
    assert queue.supply == "battery"
    worst = bottlenecks(queue.jobs, queue.printers, queue.foreseen, queue.at, power_until=queue.power_until)[0]
    assert (worst.what, worst.at) == ("power", queue.power_until)
    given = look(booth).given
    assert 0 < len(given) < 10
    assert all(promises(booth, number)[0]["promised_at"] <= queue.power_until for number in given)
    # A battery that was changed gives the others their time.
    change(booth, lambda c: events.fill_up(c, events.locked(c, "market"), now(c) + timedelta(minutes=19), "Ada"))
    market_until = queue_of(booth, later=timedelta(minutes=19)).power_until
    assert market_until is not None
    assert market_until > queue.power_until + timedelta(minutes=15)
    assert set(given) < set(numbers)


def test_a_parcel_that_would_come_out_in_the_dark_is_made_elsewhere_and_who_stands_there_is_told_no_later_time(
    booth: Floor,
) -> None:
    parcel, person = ordered(booth, copies=9), ordered(booth, collected=True, copies=9)
    assert set(look(booth).given) == {parcel, person}
    market(booth, battery_minutes=5)
    found = look(booth)
    assert (found.elsewhere, found.moved) == ((parcel,), ())
    assert promises(booth, person)[0]["state"] == "open"


def test_nobody_fills_what_is_not_there(booth: Floor) -> None:
    market(booth)
    with pytest.raises(EventRefused, match="no battery"):
        change(booth, lambda c: events.fill_up(c, events.locked(c, "market"), now(c), "Ada"))


def queue_of(floor: Floor, later: timedelta = timedelta()) -> Queue:
    with floor.room.database.read() as connection:
        return read_queue(connection, floor.room.shop.location(BOOTH), now(connection) + later)


def test_a_cancelled_order_is_no_broken_promise(booth: Floor) -> None:
    number = ordered(booth)
    look(booth)
    change(booth, lambda c: c.execute(update(fulfilment_orders).values(state="cancelled")))
    look(booth)
    assert promises(booth, number)[0]["state"] == "void"


def test_a_print_that_was_made_without_network_is_ready_when_it_came_out_and_not_when_it_is_heard_of(
    booth: Floor,
) -> None:
    number = ordered(booth, collected=True)
    [job] = booth.hand_out(BOOTH, "laptop")
    look(booth)
    [given] = promises(booth, number)
    with booth.room.database.read() as connection:
        at = now(connection)
    # The booth was cut off: it printed within a minute, and half an hour later it tells.
    promise_earlier(booth, number, 30)
    machine = Machine("laptop", "laptop", BOOTH)
    began = ReplayedLine(1, job.id, 1, STARTED, 29 * 60.0, "press-1")
    ended = ReplayedLine(2, job.id, 1, OUTCOME, 28 * 60.0, "press-1", state="done")
    change(booth, lambda c: take_in(c, machine, [ended]))
    change(booth, lambda c: take_in(c, machine, [began]))
    look(booth)
    [kept] = promises(booth, number)
    assert kept["state"] == print_promises.KEPT
    assert abs(kept["ended_at"] - (at - timedelta(minutes=28))) < timedelta(seconds=30)
    assert kept["first_at"] == given["first_at"] - timedelta(minutes=30)


def test_how_long_a_print_took_without_network_is_measured_by_when_it_came_out(booth: Floor) -> None:
    ordered(booth, collected=True)
    [job] = booth.hand_out(BOOTH, "laptop")
    machine = Machine("laptop", "laptop", BOOTH)
    began = ReplayedLine(1, job.id, 1, STARTED, 1800.0, "press-1")
    ended = ReplayedLine(2, job.id, 1, OUTCOME, 1720.0, "press-1", state="done")
    change(booth, lambda c: take_in(c, machine, [began, ended]))
    with booth.room.database.read() as connection:
        row = connection.execute(select(print_jobs)).mappings().one()
    assert (row["ended_at"] - row["started_at"]).total_seconds() == pytest.approx(80, abs=1)


def heard(floor: Floor, minutes_ago: int) -> None:
    """The booth's worker called so long ago, and not since."""
    by = timedelta(minutes=minutes_ago)
    change(floor, lambda c: c.execute(delete(booth_calls)))
    change(floor, lambda c: hear(c, BOOTH, now(c) - by))


def test_a_booth_that_does_not_answer_promises_nothing_until_it_does(booth: Floor) -> None:
    heard(booth, 5)
    number = ordered(booth, collected=True)
    assert look(booth).given == ()
    change(booth, lambda c: hear(c, BOOTH, now(c)))
    assert look(booth).given == (number,)


def test_what_a_silent_booth_has_in_hand_is_left_to_it_and_what_it_has_not_goes_elsewhere(booth: Floor) -> None:
    in_hand = ordered(booth)
    booth.hand_out(BOOTH)
    waiting = ordered(booth)
    look(booth)
    for number in (in_hand, waiting):
        promise_earlier(booth, number, 60)
    heard(booth, 5)
    assert look(booth).elsewhere == (waiting,)
    change(booth, lambda c: hear(c, BOOTH, now(c)))
    assert look(booth).elsewhere == (in_hand,)


def test_who_waits_comes_before_parcels_that_are_in_hand_already(booth: Floor) -> None:
    parcels = [ordered(booth), ordered(booth)]
    booth.hand_out(BOOTH)
    waits = ordered(booth, collected=True)
    assert [job.order_number for job in booth.hand_out(BOOTH)] == [waits, *parcels]
