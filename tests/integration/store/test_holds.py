"""Every Hold is asked about once, wherever it was made, the oldest first and a few at a time."""

from __future__ import annotations

from backroom.store import desk, holds
from tests.shops import HUB, PLAIN, Floor

UNPAID = {"financial_status": "pending"}


def questions(floor: Floor, most: int = 10) -> list[holds.Question]:
    with floor.room.database.read() as connection:
        return holds.questions(connection, most)


def hold(floor: Floor, number: str) -> None:
    floor.room.database.write(lambda c: desk.hold(c, number, "asked_by_staff", "Ada"))


def release(floor: Floor, number: str) -> None:
    floor.room.database.write(lambda c: desk.release(c, number, "Ada", HUB))


def test_a_hold_is_the_same_question_for_as_long_as_it_lasts_and_the_next_one_is_another(floor: Floor) -> None:
    at_intake, by_staff = floor.taken_in(**UNPAID), floor.taken_in()
    hold(floor, by_staff)
    first = questions(floor)
    assert [one.number for one in first] == [at_intake, by_staff]
    assert questions(floor) == first
    release(floor, by_staff)
    assert questions(floor) == first[:1]
    hold(floor, by_staff)
    again = questions(floor)[1]
    assert again.number == by_staff
    assert again.key != first[1].key


def test_what_the_channel_says_anew_of_a_held_order_is_a_new_question(floor: Floor) -> None:
    external = floor.order((PLAIN, 1), **UNPAID)
    floor.intake()
    (first,) = questions(floor)
    from tests.shops import an_order

    floor.deliver(an_order(external, ((PLAIN, 2),), minute=5, **UNPAID), "orders/updated")
    floor.intake()
    (second,) = questions(floor)
    assert (second.number, second.key != first.key) == (first.number, True)


def test_one_that_a_person_left_on_hold_is_asked_about_no_more_and_makes_room_for_others(floor: Floor) -> None:
    from tasks.deciding import Choice, Decision, carry_out

    kept, next_one = floor.taken_in(**UNPAID), floor.taken_in(**UNPAID)
    assert [one.number for one in questions(floor, most=1)] == [kept]
    carry_out(floor.room, kept, Decision(choice=Choice.KEEP))
    assert [one.number for one in questions(floor, most=1)] == [next_one]
    assert floor.state(kept)[0] == "held"
    with floor.room.database.read() as connection:
        assert {one.number for one in holds.held(connection, [kept, next_one, "A-9999"])} == {kept, next_one}


def test_a_form_is_started_once_for_a_hold_and_no_more_than_the_most_at_a_time(floor: Floor) -> None:
    from tasks.tell import QUESTIONS_MOST, ask_about_holds

    numbers = [floor.taken_in(**UNPAID) for _ in range(QUESTIONS_MOST + 2)]
    for _ in range(2):
        ask_about_holds(floor.room, numbers)
    assert [number for number, _ in floor.waker.decision_runs] == numbers[:QUESTIONS_MOST]
