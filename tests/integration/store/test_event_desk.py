"""An event opens and closes its booth, by the clock and by people, and leaves nothing there that can go elsewhere."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Connection, update

from backroom.domain.events import Event, EventState, Session
from backroom.domain.leases import Loan
from backroom.domain.model import PrintJobState
from backroom.domain.readiness import Check, CheckState
from backroom.domain.routing_rules import RoutingRule
from backroom.shop import room as rooms
from backroom.store import cancelling, desk, event_desk, events, leases, print_attempts, unfinished
from backroom.store.database import now
from backroom.store.desk import NotPossibleNow
from backroom.store.event_closing import Cleared, open_at
from backroom.store.event_desk import Looked, NotReady
from backroom.store.events import EventRefused, NoSuchEvent
from backroom.store.print_attempts import NotYourJob
from backroom.store.tables import events as event_table
from backroom.store.tables import fulfilment_orders, orders
from backroom.store.tables import history as history_table
from backroom.store.tables import print_jobs as jobs
from backroom.store.unfinished import FINISHING
from tests.shops import BOOTH, GTIN_TEE, HUB, PLAIN, SCARCE, SOUTH, Floor

PERMIT = "permit"


def plan(floor: Floor, code: str = "fair", *, in_hours: float = -1, needs: str = "") -> None:
    """An event at the booth that began an hour ago, unless said otherwise, and lasts eight."""

    def work(connection: Connection) -> None:
        at = now(connection)
        opens = at + timedelta(hours=in_hours)
        sessions = (Session(opens, opens + timedelta(hours=8)),)
        checks = [Check(needs, needs.title(), True, "Ada", opens)] if needs else []
        events.add(connection, Event(code, code.title(), "street", BOOTH, "", sessions), checks, at, "Ada")

    floor.room.database.write(work)


def say(floor: Floor, state: CheckState, code: str = "fair") -> None:
    def work(connection: Connection) -> None:
        row, at = events.locked(connection, code), now(connection)
        events.say(connection, row, PERMIT, state, note="", file="", good_until=None, at=at, actor="Ada")

    floor.room.database.write(work)


def look(floor: Floor) -> Looked:
    return floor.room.database.write(lambda c: event_desk.look_after_all(c, HUB))


def open_(floor: Floor, code: str = "fair") -> list[str]:
    wakeups = floor.room.database.write(lambda c: event_desk.open_event(c, code, HUB, "Ada"))
    return [wakeup.stage for wakeup in wakeups]


def close(floor: Floor, code: str = "fair") -> Cleared:
    cleared, _ = floor.room.database.write(lambda c: event_desk.close_event(c, code, HUB, "Ada"))
    return cleared


def let_it_end(floor: Floor, code: str = "fair") -> None:
    """As if its hours had just ended."""

    def work(connection: Connection) -> None:
        row, at = events.locked(connection, code), now(connection)
        over = Session(at - timedelta(hours=8), at - timedelta(seconds=1))
        events.change(connection, row, replace(events.event_of(row), sessions=(over,)), at, "Ada")

    floor.room.database.write(work)


def state(floor: Floor, code: str = "fair") -> str:
    with floor.room.database.read() as connection:
        return str(events.find(connection, code)["state"])


def place_of(floor: Floor, number: str) -> str:
    """Where the last work of an order is that was not cancelled."""
    return str([part["location"] for part in floor.story(number).parts if part["state"] != "cancelled"][-1])


def at_the_booth(floor: Floor, delivery: str = "ship") -> str:
    """An order that is printed at the booth; its job waits."""
    number = floor.taken_in((PLAIN, 1), at=BOOTH)
    assert place_of(floor, number) == BOOTH
    hand_over(floor, number, delivery)
    floor.fulfil(BOOTH)
    return number


def hand_over(floor: Floor, number: str, delivery: str) -> None:
    """Make it an order that is handed over like this, at the booth."""
    order_id = floor.story(number).order["id"]
    values = {"delivery": delivery}

    def work(connection: Connection) -> None:
        connection.execute(update(orders).where(orders.c.id == order_id).values(**values, location=BOOTH))
        connection.execute(update(fulfilment_orders).where(fulfilment_orders.c.order_id == order_id).values(**values))

    floor.room.database.write(work)


@pytest.fixture
def fair(floor: Floor) -> Floor:
    plan(floor)
    open_(floor)
    return floor


def test_a_booth_without_events_works_as_before(floor: Floor) -> None:
    assert place_of(floor, floor.taken_in((PLAIN, 1), at=BOOTH)) == BOOTH
    assert look(floor) == Looked()


def test_orders_go_to_the_booth_while_its_event_is_live_and_elsewhere_before_and_after(floor: Floor) -> None:
    plan(floor, in_hours=5)
    before = floor.taken_in((PLAIN, 1), at=BOOTH)
    assert place_of(floor, before) == HUB
    assert "shut: its event fair is planned" in str(floor.story(before).decisions[-1]["rejected"])
    open_(floor)
    assert place_of(floor, floor.taken_in((PLAIN, 1), at=BOOTH)) == BOOTH
    close(floor)
    assert place_of(floor, floor.taken_in((PLAIN, 1), at=BOOTH)) == HUB


def test_an_event_lives_by_the_clock_alone_when_its_list_is_green(floor: Floor) -> None:
    plan(floor, needs=PERMIT)
    assert look(floor).moved == []
    assert state(floor) == "planned"
    say(floor, CheckState.DONE)
    assert look(floor).moved == [("fair", EventState.READY), ("fair", EventState.LIVE)]
    assert look(floor).moved == []
    let_it_end(floor)
    assert look(floor).moved == [("fair", EventState.CLOSED)]
    assert look(floor).moved == []
    with floor.room.database.read() as connection:
        told = events.story(connection, 1)
        assert [entry["event"] for entry in told] == [
            "event.planned",
            "check.said",
            "event.ready",
            "event.live",
            "event.changed",
            "event.closed",
        ]


def test_what_is_missing_keeps_the_booth_shut_and_is_named_without_naming_anybody(floor: Floor) -> None:
    plan(floor, needs=PERMIT)
    with pytest.raises(NotReady) as refused:
        open_(floor)
    assert "permit (it is missing, due " in str(refused.value)
    assert "Ada" not in str(refused.value)
    found = floor.room.database.write(lambda c: event_desk.make_ready(c, "fair", "Ada"))
    assert "Who: Ada" in found.missing[0].sentence
    assert state(floor) == "planned"


def test_what_is_lost_while_it_is_live_shuts_the_booth_until_it_is_mended(floor: Floor) -> None:
    plan(floor, needs=PERMIT)
    say(floor, CheckState.DONE)
    open_(floor)
    say(floor, CheckState.FAILED)
    look(floor)
    assert state(floor) == "live"
    lost = floor.taken_in((PLAIN, 1), at=BOOTH)
    assert place_of(floor, lost) == HUB
    assert "lacks permit" in str(floor.story(lost).decisions[-1]["rejected"])
    say(floor, CheckState.DONE)
    assert place_of(floor, floor.taken_in((PLAIN, 1), at=BOOTH)) == BOOTH


def test_a_ready_event_that_loses_something_is_planned_again(floor: Floor) -> None:
    plan(floor, in_hours=5, needs=PERMIT)
    say(floor, CheckState.DONE)
    assert look(floor).moved == [("fair", EventState.READY)]
    say(floor, CheckState.MISSING)
    assert look(floor).moved == [("fair", EventState.PLANNED)]


def test_at_its_end_what_nobody_has_begun_goes_elsewhere_with_the_reason_in_its_history(fair: Floor) -> None:
    waits, handed, unopened = at_the_booth(fair), at_the_booth(fair), fair.taken_in((PLAIN, 1), at=BOOTH)
    fair.hand_out(BOOTH, most=2)
    let_it_end(fair)
    looked = look(fair)
    assert looked.cleared.rerouted == [waits, handed, unopened]
    assert [wakeup.stage for wakeup in looked.wakeups] == ["intake"]
    fair.intake()
    for number in (waits, handed, unopened):
        assert place_of(fair, number) == HUB
        told = [entry for entry in fair.story(number).history if entry["event"] == "order.rerouted"]
        assert [entry["data"] for entry in told] == [{"event": "fair", "from": BOOTH}]
        fair.fulfil(HUB)
        assert fair.state(number)[0] == "fulfilled"
    fair.check_sums()
    fair.check_effects()
    assert look(fair).cleared == Cleared()


def test_a_worker_that_has_a_job_in_hand_is_told_no_when_its_order_went_elsewhere(fair: Floor) -> None:
    at_the_booth(fair)
    (job,) = fair.hand_out(BOOTH)
    close(fair)
    with pytest.raises(NotYourJob):
        fair.print(job)


@pytest.mark.parametrize("state", [PrintJobState.PRINTING, PrintJobState.DONE, PrintJobState.UNKNOWN])
def test_what_is_begun_is_finished_at_the_booth(fair: Floor, state: PrintJobState) -> None:
    number = at_the_booth(fair)
    (job,) = fair.hand_out(BOOTH)
    fair.room.database.write(lambda c: print_attempts.start(c, job.id, job.attempt, "bench", "press-1"))
    if state is not PrintJobState.PRINTING:
        fair.room.database.write(lambda c: print_attempts.settle(c, job.id, job.attempt, "bench", state, ""))
    cleared = close(fair)
    assert (cleared.rerouted, cleared.finishing) == ([], [number])
    with fair.room.database.read() as connection:
        assert [row["number"] for row in open_at(connection, BOOTH)] == [number]
    if state is PrintJobState.PRINTING:
        fair.room.database.write(lambda c: print_attempts.settle(c, job.id, job.attempt, "bench", "done", ""))
        fair.fulfil(BOOTH)
        assert fair.state(number)[0] == "fulfilled"


def test_what_was_to_be_collected_there_waits_for_a_person_and_what_was_carried_out_is_booked(fair: Floor) -> None:
    collected = at_the_booth(fair, "collect")
    fair.room.database.write(lambda c: leases.lend(c, "fair", [Loan(PLAIN, HUB, 1)], key="one", actor="Ada"))
    gone = at_the_booth(fair, "carry_out")
    assert close(fair) == Cleared(held=[collected])
    assert (fair.state(collected)[0], fair.story(collected).order["hold_reason"]) == ("held", "no_event")
    fair.fulfil(BOOTH)
    assert fair.state(gone)[0] == "fulfilled"
    assert fair.available(BOOTH, PLAIN) == (0, 0)
    assert close(fair) == Cleared()


def test_an_order_that_is_on_hold_is_routed_elsewhere_once_somebody_lets_it_go_on(fair: Floor) -> None:
    number = at_the_booth(fair)
    fair.room.database.write(lambda c: desk.hold(c, number, "asked_by_staff", "Ada"))
    assert close(fair).rerouted == [number]
    assert fair.state(number)[0] == "held"
    fair.room.database.write(lambda c: desk.release(c, number, "Ada", HUB))
    fair.intake()
    assert place_of(fair, number) == HUB


@pytest.mark.parametrize("begun", [False, True])
def test_an_order_made_at_two_places_goes_elsewhere_whole_or_waits_for_a_person(
    fair: Floor, monkeypatch: pytest.MonkeyPatch, *, begun: bool
) -> None:
    anywhere = RoutingRule("any", (), (), ("fewest_splits",), split=True, short="backorder")
    other = Floor(replace(fair.room, shop=replace(fair.room.shop, rules=(anywhere,))), fair.waker)
    monkeypatch.setitem(rooms._open, fair.room.home.resolve(), other.room)
    loans = [Loan(PLAIN, HUB, 99), Loan(PLAIN, SOUTH, 20)]
    fair.room.database.write(lambda c: leases.lend(c, "fair", loans, key="one", actor="Ada"))
    number = other.taken_in((PLAIN, 2), (GTIN_TEE, 1), at=BOOTH)
    assert {part["location"] for part in other.story(number).parts} == {BOOTH, SOUTH}
    if begun:
        other.fulfil(SOUTH)
        assert other.scan(SOUTH, number, GTIN_TEE).accepted
    assert close(other) == (Cleared(held=[number]) if begun else Cleared(rerouted=[number]))
    other.check_sums()


def test_what_is_routed_there_and_not_released_is_planned_anew(fair: Floor) -> None:
    from tasks.claiming import claim_intake, holding
    from tasks.release import release
    from tasks.reserve import reserve
    from tasks.route import route
    from tasks.validate import validate

    number_at = fair.order((PLAIN, 1), at=BOOTH)
    claim = claim_intake(fair.room)
    assert claim is not None
    with holding(fair.room, claim):
        for step in (validate, route, reserve):
            step.fn(claim)
        number = fair.number(number_at)
        assert fair.state(number)[0] == "reserved"
        assert close(fair).rerouted == [number]
        assert release.fn(claim) == []
    fair.intake()
    assert place_of(fair, number) == HUB
    fair.check_sums()


def test_what_comes_to_a_closed_booth_late_is_found_by_the_next_look(fair: Floor) -> None:
    """It was routed by what stood there a moment before the close, and released just after it."""
    close(fair)
    fair.room.database.write(lambda c: c.execute(update(event_table).values(state="live")))
    number = fair.taken_in((PLAIN, 1), at=BOOTH)
    fair.room.database.write(lambda c: c.execute(update(event_table).values(state="closed")))
    assert look(fair).cleared.rerouted == [number]


def test_what_people_ordered_ahead_goes_on_by_itself_when_the_booth_opens(floor: Floor) -> None:
    plan(floor, in_hours=5)
    number = floor.taken_in((PLAIN, 1), at=BOOTH, financial_status="pending")
    hand_over(floor, number, "collect")
    floor.room.database.write(lambda c: desk.release(c, number, "Ada", HUB))
    floor.intake()
    assert (floor.state(number)[0], floor.story(number).order["hold_reason"]) == ("held", "no_event")
    assert open_(floor) == ["intake"]
    floor.intake()
    assert place_of(floor, number) == BOOTH


def test_two_events_of_one_booth_take_turns(fair: Floor) -> None:
    plan(fair, "next")
    assert look(fair).moved == [("next", EventState.READY)]
    with pytest.raises(EventRefused, match="fair is still at booth"):
        open_(fair, "next")
    number = at_the_booth(fair)
    close(fair)
    assert look(fair).moved == [("next", EventState.LIVE)]
    own = at_the_booth(fair)
    # The one that is closed clears nothing of the one that is live.
    assert look(fair).cleared == Cleared()
    for order in (own, number):
        assert (fair.state(order)[0], place_of(fair, order)) == ("released", BOOTH)


def test_an_event_whose_pieces_are_out_keeps_the_next_one_shut(fair: Floor) -> None:
    plan(fair, "next")
    fair.room.database.write(lambda c: leases.lend(c, "fair", [Loan(PLAIN, HUB, 1)], key="a", actor="Ada"))
    close(fair)
    assert look(fair).moved == [("next", EventState.READY)]
    fair.room.database.write(lambda c: leases.settle_event(c, "fair", hub=HUB, actor="Ada", all_there=True))
    assert look(fair).moved == [("next", EventState.LIVE)]


def test_an_event_that_is_over_does_not_open_and_one_that_is_settled_does_not_close(fair: Floor) -> None:
    let_it_end(fair)
    with pytest.raises(NoSuchEvent, match="There is: fair"):
        open_(fair, "flea-market")
    close(fair)
    with pytest.raises(EventRefused, match="fair is over"):
        open_(fair)
    fair.room.database.write(lambda c: leases.settle_event(c, "fair", hub=HUB, actor="Ada"))
    with pytest.raises(EventRefused, match="settled already"):
        close(fair)


def test_two_events_cannot_have_one_code(fair: Floor) -> None:
    with pytest.raises(EventRefused, match="there is an event fair already"):
        plan(fair)


def left_behind(floor: Floor, delivery: str = "ship") -> str:
    """An order of two prints at the booth: one is there, the other waits for a blank since before the close."""
    number = floor.taken_in((PLAIN, 1), (SCARCE, 1), at=BOOTH)
    hand_over(floor, number, delivery)
    floor.fulfil(BOOTH)
    first, second = floor.hand_out(BOOTH)
    floor.print(first)
    floor.room.database.write(lambda c: print_attempts.start(c, second.id, second.attempt, "bench", "press-2"))
    floor.block(second)
    return number


def hours_pass(floor: Floor, *, since_close: timedelta = FINISHING, since_work: timedelta = FINISHING) -> None:
    """As if the event had closed, and the last thing been done at its booth, so long ago."""

    def work(connection: Connection) -> None:
        at = now(connection)
        connection.execute(
            update(event_table).where(event_table.c.closed_at.is_not(None)).values(closed_at=at - since_close)
        )
        connection.execute(update(history_table).values(at=at - since_work))
        connection.execute(update(jobs).where(jobs.c.started_at.is_not(None)).values(started_at=at - since_work))

    floor.room.database.write(work)


def reason(floor: Floor, number: str) -> tuple[str, str]:
    order = floor.story(number).order
    return order["state"], order["hold_reason"]


def send(floor: Floor, number: str) -> None:
    floor.room.database.write(lambda c: unfinished.send_from_elsewhere(c, number, "Ada", HUB))


def test_what_is_begun_and_lacks_a_piece_that_nobody_makes_any_more_waits_for_a_person(fair: Floor) -> None:
    number = left_behind(fair)
    assert close(fair).finishing == [number]
    hours_pass(fair, since_close=timedelta(minutes=14))
    assert look(fair).cleared == Cleared(finishing=[number])
    hours_pass(fair, since_work=timedelta(minutes=14))
    assert look(fair).cleared == Cleared(finishing=[number])
    hours_pass(fair)
    assert look(fair).cleared == Cleared(held=[number])
    assert reason(fair, number) == ("held", "left_unfinished")
    assert look(fair).cleared == Cleared(finishing=[number])


def test_a_press_that_still_prints_for_it_is_waited_for(fair: Floor) -> None:
    number = at_the_booth(fair)
    (job,) = fair.hand_out(BOOTH)
    fair.room.database.write(lambda c: print_attempts.start(c, job.id, job.attempt, "bench", "press-1"))
    close(fair)
    hours_pass(fair)
    assert look(fair).cleared == Cleared(finishing=[number])


def test_what_was_left_unfinished_is_sent_from_elsewhere_whole_and_its_print_is_taken_into_stock(fair: Floor) -> None:
    number = left_behind(fair)
    close(fair)
    hours_pass(fair)
    look(fair)
    send(fair, number)
    assert fair.available(BOOTH, PLAIN) == (1, 0)
    with pytest.raises(NotPossibleNow, match="was not left unfinished"):
        send(fair, number)
    fair.intake()
    assert place_of(fair, number) == HUB
    fair.fulfil(HUB)
    for job in fair.hand_out(HUB):
        fair.print(job)
    fair.fulfil(HUB)
    assert fair.state(number)[0] == "fulfilled"
    assert "order.sent_from_elsewhere" in fair.events(number)
    fair.check_sums()
    assert look(fair).cleared == Cleared()


def test_what_was_finished_by_hand_goes_on_once_somebody_says_so_and_is_not_held_again_meanwhile(fair: Floor) -> None:
    number = left_behind(fair)
    close(fair)
    hours_pass(fair)
    look(fair)
    fair.room.database.write(lambda c: desk.release(c, number, "Ada", HUB))
    assert look(fair).cleared == Cleared(finishing=[number])
    second = fair.story(number).print_jobs[-1]["id"]
    fair.room.database.write(lambda c: print_attempts.decide(c, second, "printed", "Ada"))
    fair.fulfil(BOOTH)
    assert fair.state(number)[0] == "fulfilled"


def test_what_was_to_be_collected_and_is_left_unfinished_is_sent_nowhere_without_its_customer(fair: Floor) -> None:
    number = left_behind(fair, "collect")
    close(fair)
    hours_pass(fair)
    look(fair)
    with pytest.raises(NotPossibleNow) as refused:
        send(fair, number)
    assert "enter it anew as a parcel" in str(refused.value.remedy)
    fair.room.database.write(lambda c: cancelling.cancel(c, number, "Ada", desk.CANCELLED_BY_STAFF))
    fair.check_sums()


def test_an_event_is_not_settled_while_an_order_that_was_begun_there_lacks_a_piece(fair: Floor) -> None:
    number = left_behind(fair)
    close(fair)
    with pytest.raises(EventRefused, match=f"begun at {BOOTH} and not finished: {number}"):
        fair.room.database.write(lambda c: leases.settle_event(c, "fair", hub=HUB, actor="Ada"))
    hours_pass(fair)
    look(fair)
    with pytest.raises(EventRefused, match=number):
        fair.room.database.write(lambda c: leases.settle_event(c, "fair", hub=HUB, actor="Ada"))
    send(fair, number)
    fair.room.database.write(lambda c: leases.settle_event(c, "fair", hub=HUB, actor="Ada"))
    assert state(fair) == "settled"
