"""What a booth's queue promises: who comes first, what is kept, moved or made elsewhere, and that people hear of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from prefect.logging import disable_run_logger
from sqlalchemy import Connection, delete, select, text, update

from backroom.domain.errors import BackroomError
from backroom.domain.events import Event, EventState, Session
from backroom.domain.explain import explain
from backroom.domain.locations import BY_ROUTING, PromiseSpec
from backroom.domain.model import RoutingDecision
from backroom.domain.power import Load, Supply
from backroom.domain.print_queue import bottlenecks
from backroom.domain.replay import replay
from backroom.domain.routing_rules import Filter, RoutingRule
from backroom.messaging.base import OutgoingMessage, RecipientRefused
from backroom.shop import room as rooms
from backroom.store import events, opt_ins, print_attempts, print_promises
from backroom.store.booth_calls import hear
from backroom.store.database import now
from backroom.store.events import EventRefused
from backroom.store.past import read_past
from backroom.store.print_queue import Queue, read_queue
from backroom.store.replayed_prints import OUTCOME, STARTED, Machine, ReplayedLine, take_in
from backroom.store.routing import decision_from_row
from backroom.store.tables import (
    booth_calls,
    consents,
    fulfilment_orders,
    messages,
    orders,
    people,
    print_jobs,
    stock_levels,
)
from backroom.store.tables import events as event_table
from backroom.store.tables import print_promises as table
from tasks.print_promises import review_all_promises, review_promises
from tests.shops import BOOTH, CANARIES, COLLECT, HUB, SCARCE, SOUTH, Floor
from tests.together import run_together

ANYWHERE = RoutingRule("anywhere", (Filter("event", "==", "fair"),), (), (), short="print")


@pytest.fixture
def booth(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> Floor:
    """The shop whose booth promises, and whose rules know other places for a parcel of the fair."""
    shop = floor.room.shop
    places = tuple(replace(one, promise=PromiseSpec()) if one.id == BOOTH else one for one in shop.locations)
    at_work = replace(shop, locations=places, rules=(shop.rules[0], ANYWHERE, *shop.rules[1:]))
    found = Floor(replace(floor.room, shop=at_work), floor.waker)
    monkeypatch.setitem(rooms._open, floor.room.home.resolve(), found.room)
    return found


def ordered(floor: Floor, *, collected: bool = False, copies: int = 1) -> str:
    """An order that the booth makes; returns its number."""
    number = floor.taken_in((SCARCE, copies), at=BOOTH, **(COLLECT if collected else {}))
    floor.fulfil(BOOTH)
    return number


def look(floor: Floor) -> print_promises.Reviewed:
    place = floor.room.shop.location(BOOTH)
    return floor.room.database.write(
        lambda c: print_promises.review(c, floor.room.shop, floor.room.seals, place, now(c))
    )


def promises(floor: Floor, number: str) -> list[dict[str, Any]]:
    order_id = floor.story(number).order["id"]
    with floor.room.database.read() as connection:
        return [dict(row) for row in print_promises.of_order(connection, order_id)]


def change(floor: Floor, work: Callable[[Connection], Any]) -> None:
    floor.room.database.write(work)


def promise_earlier(floor: Floor, number: str, minutes: int) -> None:
    """As if it had been promised so much earlier than it was."""
    by = timedelta(minutes=minutes)
    row = promises(floor, number)[-1]
    values = {"promised_at": row["promised_at"] - by, "first_at": row["first_at"] - by}
    change(floor, lambda c: c.execute(update(table).where(table.c.id == row["id"]).values(**values)))


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


def test_a_parcel_that_would_be_late_is_made_elsewhere_and_never_comes_back(booth: Floor) -> None:
    number = ordered(booth)
    look(booth)
    promise_earlier(booth, number, 30)
    found = look(booth)
    assert found.elsewhere == (number,)
    assert [one.stage for one in found.wakeups] == ["intake"]
    booth.intake()
    assert [part["location"] for part in booth.story(number).parts if part["state"] != "cancelled"] == [HUB]
    assert "order.rerouted" in booth.events(number)
    assert promises(booth, number)[0]["state"] == "elsewhere"
    booth.check_sums()


def with_rule(floor: Floor, monkeypatch: pytest.MonkeyPatch, spec: PromiseSpec, *more: RoutingRule) -> Floor:
    shop = floor.room.shop
    places = tuple(replace(one, promise=spec) if one.id == BOOTH else one for one in shop.locations)
    found = Floor(replace(floor.room, shop=replace(shop, locations=places, rules=(shop.rules[0], *more))), floor.waker)
    monkeypatch.setitem(rooms._open, floor.room.home.resolve(), found.room)
    return found


def test_the_booths_own_rule_sends_a_late_parcel_where_no_routing_rule_would(
    booth: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    floor = with_rule(booth, monkeypatch, PromiseSpec(late=(SOUTH, "hub")))
    number = ordered(floor)
    look(floor)
    promise_earlier(floor, number, 30)
    assert look(floor).elsewhere == (number,)
    floor.intake()
    story = floor.story(number)
    assert [part["location"] for part in story.parts if part["state"] != "cancelled"] == [HUB]
    [told] = [entry["data"] for entry in story.history if entry["event"] == "order.rerouted"]
    assert (told["from"], told["to"]) == (BOOTH, HUB)
    assert told["not_sent_to"] == f"{SOUTH}: 1 of 1 piece neither in stock nor printable there"
    said = explain(decision_from_row(story.decisions[-1]), number, floor.room.shop.location_names)
    assert "because it would be late where it was" in said
    floor.check_sums()
    # What if it came again by the same rules: it would be made where it was made, for the booth's word still counts.
    again = what_if(floor)
    assert [one.location for one in again[number].assignments] == [HUB]


def test_a_late_parcel_that_no_other_place_can_make_stays_and_says_so_once(
    booth: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    floor = with_rule(booth, monkeypatch, PromiseSpec(late=(SOUTH, BY_ROUTING)))
    number = ordered(floor)
    look(floor)
    promise_earlier(floor, number, 30)
    found = look(floor)
    assert (found.elsewhere, found.moved) == ((), (number,))
    assert look(floor).moved == ()
    assert floor.state(number) == ("released", ["making"])
    [told] = [entry["data"] for entry in floor.story(number).history if entry["event"] == "order.promised_later"]
    assert told["not_sent_to"].startswith(f"{SOUTH}: 1 of 1 piece neither")
    assert "by routing: no other place by the routing rules" in told["not_sent_to"]


def test_a_place_is_no_help_where_its_own_queue_is_longer(booth: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    floor = with_rule(booth, monkeypatch, PromiseSpec(late=("hub",), late_sooner=True))
    number = ordered(floor)
    look(floor)
    promise_earlier(floor, number, 30)
    # A piece on the hub's shelf would be sooner; its printer is only as fast as the booth's.
    change(floor, lambda c: c.execute(update(stock_levels).where(stock_levels.c.location == HUB).values(on_hand=0)))
    found = look(floor)
    assert (found.elsewhere, found.moved) == ((), (number,))
    [told] = [entry["data"] for entry in floor.story(number).history if entry["event"] == "order.promised_later"]
    assert told["not_sent_to"].startswith(f"{HUB}: it would be ready there no sooner")


@pytest.mark.parametrize("late", [(BY_ROUTING,), ("hub",)])
def test_of_three_late_parcels_only_the_one_goes_elsewhere_for_which_there_is_a_piece(
    booth: Floor, monkeypatch: pytest.MonkeyPatch, late: tuple[str, ...]
) -> None:
    floor = without_press_at_the_hub(with_rule(booth, monkeypatch, PromiseSpec(late=late), ANYWHERE), monkeypatch)
    first, *others = late_parcels(floor, 3)
    found = look(floor)
    assert (found.elsewhere, found.moved) == ((first,), tuple(others))
    floor.intake()
    assert made_at(floor, first) == [HUB]
    assert [(floor.state(number), made_at(floor, number)) for number in others] == [
        (("released", ["making"]), [BOOTH])
    ] * 2
    for number in others:
        [told] = [entry["data"] for entry in floor.story(number).history if entry["event"] == "order.promised_later"]
        assert "neither in stock nor printable" in told["not_sent_to"]
    floor.check_sums()


def test_room_for_one_more_takes_one_late_parcel_and_not_three(booth: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    floor = with_rule(booth, monkeypatch, PromiseSpec(late=("hub",)))
    floor = changed_place(floor, monkeypatch, HUB, capacity=1)
    first, *others = late_parcels(floor, 3)
    found = look(floor)
    assert (found.elsewhere, found.moved) == ((first,), tuple(others))
    [told] = [entry["data"] for entry in floor.story(others[0]).history if entry["event"] == "order.promised_later"]
    assert told["not_sent_to"] == f"{HUB}: it has no room for another order"


def test_what_was_just_sent_to_a_place_is_before_the_next_one_in_its_queue(
    booth: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The booth's two printers need 27 minutes for each parcel, the hub's one as long: it is sooner for one only."""
    floor = with_rule(booth, monkeypatch, PromiseSpec(late=("hub",), late_sooner=True))
    change(floor, lambda c: c.execute(update(stock_levels).where(stock_levels.c.location == HUB).values(on_hand=0)))
    for _ in range(2):
        ordered(floor, collected=True, copies=9)
    first, second = late_parcels(floor, 2, copies=9)
    found = look(floor)
    assert (found.elsewhere, found.moved) == ((first,), (second,))
    [told] = [entry["data"] for entry in floor.story(second).history if entry["event"] == "order.promised_later"]
    assert told["not_sent_to"].startswith(f"{HUB}: it would be ready there no sooner")


@pytest.mark.parametrize("late", [(BY_ROUTING,), ("hub",)])
def test_a_parcel_whose_piece_is_gone_before_it_is_routed_goes_back_where_it_was_late_and_stays_there(
    booth: Floor, monkeypatch: pytest.MonkeyPatch, late: tuple[str, ...]
) -> None:
    rules = (ANYWHERE,) if late == (BY_ROUTING,) else ()
    floor = without_press_at_the_hub(with_rule(booth, monkeypatch, PromiseSpec(late=late), *rules), monkeypatch)
    [number] = late_parcels(floor, 1)
    assert look(floor).elsewhere == (number,)
    change(floor, lambda c: c.execute(update(stock_levels).where(stock_levels.c.location == HUB).values(on_hand=0)))
    floor.intake()
    assert floor.state(number)[0] == "released"
    assert made_at(floor, number) == [BOOTH]
    said = explain(decision_from_row(floor.story(number).decisions[-1]), number, floor.room.shop.location_names)
    assert "it would be late there, but no other place can make it" in said
    assert "Hub was not taken: 1 of 1 piece neither in stock nor printable there" in said
    # It is promised anew; the hub has a piece again, and yet it is not sent to and fro.
    floor.fulfil(BOOTH)
    assert look(floor).given == (number,)
    assert [row["state"] for row in promises(floor, number)] == ["elsewhere", "open"]
    change(floor, lambda c: c.execute(update(stock_levels).where(stock_levels.c.location == HUB).values(on_hand=1)))
    promise_earlier(floor, number, 30)
    found = look(floor)
    assert (found.elsewhere, found.moved) == ((), (number,))


def late_parcels(floor: Floor, count: int, copies: int = 1) -> list[str]:
    """Parcels at the booth that were promised half an hour too early, the oldest promise first."""
    numbers = [ordered(floor, copies=copies) for _ in range(count)]
    look(floor)
    for number in numbers:
        promise_earlier(floor, number, 90)
    with floor.room.database.read() as connection:
        rows = print_promises.standing(connection, BOOTH)
    return [row["number"] for row in rows if row["number"] in numbers]


def made_at(floor: Floor, number: str) -> list[str]:
    return [part["location"] for part in floor.story(number).parts if part["state"] != "cancelled"]


def changed_place(floor: Floor, monkeypatch: pytest.MonkeyPatch, location: str, **values: Any) -> Floor:
    shop = floor.room.shop
    places = tuple(replace(one, **values) if one.id == location else one for one in shop.locations)
    found = Floor(replace(floor.room, shop=replace(shop, locations=places)), floor.waker)
    monkeypatch.setitem(rooms._open, floor.room.home.resolve(), found.room)
    return found


def without_press_at_the_hub(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> Floor:
    return changed_place(floor, monkeypatch, HUB, printers=())


def what_if(floor: Floor) -> dict[str, RoutingDecision]:
    """How the orders of the last hour would be routed by the shop as it is."""
    with floor.room.database.read() as connection:
        at = now(connection)
        read = read_past(connection, floor.room.seals, {}, at - timedelta(hours=1), at)
    found = replay(read.past, floor.room.shop, read.variants, lambda _location, _prints: timedelta(minutes=5))
    return {one.past.order.number: one.decision for one in found.orders}


def test_a_parcel_that_is_begun_stays(booth: Floor) -> None:
    number = ordered(booth)
    look(booth)
    promise_earlier(booth, number, 30)
    [job] = booth.hand_out(BOOTH)
    change(booth, lambda c: print_attempts.start(c, job.id, job.attempt, "bench", "press-1"))
    assert look(booth).elsewhere == ()
    assert booth.state(number) == ("released", ["making"])


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
            until(lambda: waits_for_a_lock(booth))
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


def until(said: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not said():
        assert time.monotonic() < end, "it did not come to that within 30 s"
        time.sleep(0.02)


def test_who_stands_there_is_told_a_later_time_once(booth: Floor) -> None:
    number = ordered(booth, collected=True)
    look(booth)
    promise_earlier(booth, number, 30)
    assert look(booth).moved == (number,)
    [row] = promises(booth, number)
    assert row["promised_at"] > row["first_at"]
    moved = {"promised_at": row["promised_at"] - timedelta(minutes=30)}
    change(booth, lambda c: c.execute(update(table).values(**moved)))
    assert look(booth).moved == ()


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


def market(floor: Floor, printers: tuple[str, ...] = (), battery_minutes: int = 0) -> None:
    """An event that is live at the booth since a moment, on mains, or on a battery that lasts so long."""

    def work(connection: Connection) -> None:
        at = now(connection)
        supply = Supply("battery", 2000, watt_hours=1000 * battery_minutes / 60) if battery_minutes else None
        event = Event(
            code="market",
            name="Market",
            template="street",
            location=BOOTH,
            place="",
            sessions=(Session(at - timedelta(seconds=5), at + timedelta(hours=6)),),
            state=EventState.LIVE,
            printers=printers,
            loads=(Load("press", "press", 1000),),
            supply=supply,
        )
        events.add(connection, event, [], at, "Ada")
        connection.execute(update(event_table).values(state=EventState.LIVE, opened_at=at))

    floor.room.database.write(work)


def queue_of(floor: Floor, later: timedelta = timedelta()) -> Queue:
    with floor.room.database.read() as connection:
        return read_queue(connection, floor.room.shop.location(BOOTH), now(connection) + later)


def test_a_cancelled_order_is_no_broken_promise(booth: Floor) -> None:
    number = ordered(booth)
    look(booth)
    change(booth, lambda c: c.execute(update(fulfilment_orders).values(state="cancelled")))
    look(booth)
    assert promises(booth, number)[0]["state"] == "void"


def test_customers_hear_of_their_time_once_and_of_a_later_one(booth: Floor) -> None:
    waiting, parcel = ordered(booth, collected=True), ordered(booth)
    review_promises.fn(BOOTH)
    review_promises.fn(BOOTH)
    assert sent(booth) == [(waiting, "promised")]
    promise_earlier(booth, waiting, 30)
    promise_earlier(booth, parcel, 30)
    review_promises.fn(BOOTH)
    every = sorted([(waiting, "promised"), (waiting, "promised_later"), (parcel, "made_elsewhere")])
    assert sorted(sent(booth)) == every
    for _ in range(3):
        booth.intake()
        review_promises.fn(BOOTH)
    assert sorted(sent(booth)) == every


def test_who_agrees_to_sms_after_their_time_was_given_is_told_of_it_once_and_by_mail_not_again(booth: Floor) -> None:
    market(booth)
    number, past = ordered(booth, collected=True), ordered(booth, collected=True)
    change(booth, lambda c: c.execute(delete(consents).where(consents.c.medium == "sms")))
    review_promises.fn(BOOTH)
    # What lies behind is told to nobody.
    promise_earlier(booth, past, 30)
    moved = {"moved": print_promises.MOST_MOVES, "told": "promised_later"}
    change(booth, lambda c: c.execute(update(table).where(table.c.id == promises(booth, past)[0]["id"]).values(moved)))
    assert (sent(booth), sorted(sent(booth, "email"))) == ([], [(number, "promised"), (past, "promised")])
    mails = list(booth.room.folder("mail").iterdir())
    wish = opt_ins.Wish("0" * 32, 1, CANARIES[3], "", opt_ins.TILL, "en", "yes")
    change(booth, lambda c: opt_ins.ask(c, booth.room.seals, wish, "123456"))
    for _ in range(2):
        change(booth, lambda c: opt_ins.confirm(c, booth.room.seals, 1, "123456", phone=wish.phone))
        review_promises.fn(BOOTH)
    assert sent(booth) == [(number, "promised")]
    assert list(booth.room.folder("mail").iterdir()) == mails
    assert len(list(booth.room.folder("sms").glob("*.txt"))) == 1


class NoSuchNumber:
    """An SMS gateway that refuses every number for good."""

    medium, idempotent = "sms", False

    def __init__(self) -> None:
        self.asked = 0

    def send_many(self, outgoing: Sequence[OutgoingMessage]) -> list[BackroomError]:
        self.asked += len(outgoing)
        return [RecipientRefused("there is no such number", remedy="Call the customer.") for _ in outgoing]

    def find(self, _message: OutgoingMessage, _age: timedelta) -> None:
        return None


def test_what_can_never_be_said_is_tried_once_and_stands_in_the_orders_history(
    booth: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway = NoSuchNumber()
    monkeypatch.setattr("tasks.print_promises.messengers_of", lambda _room: {"sms": gateway})
    number = ordered(booth, collected=True)
    with disable_run_logger():
        for _ in range(3):
            review_promises.fn(BOOTH)
    assert gateway.asked == 1
    failed = [entry for entry in booth.story(number).history if entry["event"] == "message.failed"]
    assert [entry["data"]["kind"] for entry in failed] == ["promised"]


def test_a_customer_who_was_forgotten_stops_no_look_at_promises(booth: Floor) -> None:
    parcel = ordered(booth)
    look(booth)
    promise_earlier(booth, parcel, 30)
    assert look(booth).elsewhere == (parcel,)
    change(booth, lambda c: c.execute(update(people).values(wrapped_key=None)))
    assert review_all_promises.fn() == 1
    assert sent(booth) == []


def sent(floor: Floor, medium: str = "sms") -> list[tuple[str, str]]:
    numbers = {floor.story(number).order["id"]: number for number in floor_numbers(floor)}
    query = (
        select(messages.c.order_id, messages.c.kind)
        .where(messages.c.state == "sent", messages.c.medium == medium)
        .order_by(messages.c.id)
    )
    with floor.room.database.read() as connection:
        return [(numbers[row.order_id], row.kind) for row in connection.execute(query)]


def floor_numbers(floor: Floor) -> list[str]:
    with floor.room.database.read() as connection:
        return list(connection.execute(select(orders.c.number)).scalars())


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


def test_nothing_is_sent_to_print_where_nobody_can_be_heard(booth: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    floor = with_rule(booth, monkeypatch, PromiseSpec(late=("hub",), late_hours=5))
    change(floor, lambda c: c.execute(update(stock_levels).where(stock_levels.c.location == HUB).values(on_hand=0)))
    numbers = late_parcels(floor, 1)
    change(floor, lambda c: hear(c, HUB, now(c) - timedelta(minutes=5)))
    found = look(floor)
    assert (found.elsewhere, found.moved) == ((), tuple(numbers))
    [told] = [entry["data"] for entry in floor.story(numbers[0]).history if entry["event"] == "order.promised_later"]
    assert told["not_sent_to"] == f"{HUB}: nobody can say when it would be ready there"


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
