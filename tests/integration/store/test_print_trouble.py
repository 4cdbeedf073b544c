"""A print that cannot go on without somebody's hand makes its part sick, until a decision or a success heals it."""

from __future__ import annotations

import pytest

from backroom.domain.model import PrintJobState
from backroom.store import cancelling, desk, print_attempts, print_trouble, sickness
from backroom.store.database import now
from backroom.store.print_attempts import MOST_FAILURES
from backroom.store.print_handing import HandedJob
from backroom.store.story import waiting_for_person
from tests.shops import BOOTH, HUB, PLAIN, SCARCE, Floor


def making(floor: Floor, *lines: tuple[str, int], orders: int = 1) -> list[str]:
    """Orders at the booth whose prints wait."""
    external = [floor.order(*(lines or ((PLAIN, 1),)), at=BOOTH) for _ in range(orders)]
    floor.intake()
    floor.fulfil(BOOTH)
    return [floor.number(one) for one in external]


def tell(floor: Floor, job: HandedJob, state: PrintJobState, reason: str = "") -> None:
    floor.room.database.write(
        lambda c: print_attempts.progress(c, job.id, job.attempt, "bench", state, reason, job.printer_job)
    )


def fail_for_good(floor: Floor) -> HandedJob:
    for _ in range(MOST_FAILURES):
        (job,) = floor.hand_out(BOOTH)
        floor.print(job, "failed")
    return job


def decide(floor: Floor, job: HandedJob, decision: str) -> None:
    floor.room.database.write(lambda c: print_attempts.decide(c, job.id, decision, "Ada"))


def hold_and_release(floor: Floor, number: str) -> None:
    floor.room.database.write(lambda c: desk.hold(c, number, "wait", "Ada"))
    floor.room.database.write(lambda c: desk.release(c, number, "Ada", HUB))


def sick_of(floor: Floor, number: str) -> str | None:
    (part,) = floor.story(number).parts
    cause: str | None = part["sick_cause"]
    return cause


def waiting(floor: Floor) -> dict[str, str]:
    """What the list of those who wait for a person says, by order: its cause."""
    with floor.room.database.read() as connection:
        return {row["number"]: row["sick_cause"] for row in waiting_for_person(connection)}


def runs(floor: Floor) -> list[str]:
    """The orders that are given runs of their own, in all the sweeps so far."""
    from tasks.sick import give_runs

    give_runs(floor.room, "fulfilment", BOOTH)
    return sorted({number for number, _ in floor.waker.order_runs})


def test_a_print_nobody_can_tell_about_makes_its_order_sick_until_a_person_decides(floor: Floor) -> None:
    (number,) = making(floor)
    (job,) = floor.hand_out(BOOTH)
    floor.print(job, "unknown")
    assert sick_of(floor, number) == "print_unknown"
    assert waiting(floor) == {number: "print_unknown"}
    assert runs(floor) == [number]
    assert "order.sick" in floor.events(number)
    decide(floor, job, "printed")
    assert sick_of(floor, number) is None
    assert waiting(floor) == {}
    floor.fulfil(BOOTH)
    assert floor.state(number)[0] == "fulfilled"


@pytest.mark.parametrize("decision", ["printed", "print_again"])
def test_a_print_that_failed_too_often_makes_its_order_sick_until_a_person_decides(floor: Floor, decision: str) -> None:
    (number,) = making(floor)
    job = fail_for_good(floor)
    assert sick_of(floor, number) == "print_failed"
    decide(floor, job, decision)
    assert sick_of(floor, number) is None


def test_a_print_that_fails_once_is_tried_again_and_nobody_is_sick(floor: Floor) -> None:
    (number,) = making(floor)
    (job,) = floor.hand_out(BOOTH)
    floor.print(job, "failed")
    assert sick_of(floor, number) is None


@pytest.mark.parametrize("then", [PrintJobState.PRINTING, PrintJobState.DONE])
def test_a_print_that_waits_for_paper_makes_its_order_sick_until_it_goes_on(floor: Floor, then: PrintJobState) -> None:
    (number,) = making(floor)
    (job,) = floor.hand_out(BOOTH)
    floor.room.database.write(lambda c: print_attempts.start(c, job.id, job.attempt, "bench", "press-1"))
    tell(floor, job, PrintJobState.BLOCKED, "media-empty")
    (part,) = floor.story(number).parts
    assert (part["sick_cause"], part["sick_reason"]) == (
        "print_blocked",
        f"print job {job.id} at press-1 waits: media-empty",
    )
    if then is PrintJobState.PRINTING:
        tell(floor, job, then)
    else:
        floor.room.database.write(lambda c: print_attempts.settle(c, job.id, job.attempt, "bench", "done", ""))
    assert sick_of(floor, number) is None


def test_an_order_with_two_prints_is_sick_of_the_worse_and_well_when_both_are(floor: Floor) -> None:
    (number,) = making(floor, (PLAIN, 1), (SCARCE, 1))
    first, second = floor.hand_out(BOOTH)
    tell(floor, first, PrintJobState.BLOCKED, "no printer can do it")
    floor.print(second, "unknown")
    assert sick_of(floor, number) == "print_unknown"
    decide(floor, second, "printed")
    assert sick_of(floor, number) == "print_blocked"
    floor.print(first)
    assert sick_of(floor, number) is None


def test_one_trouble_that_turns_into_another_is_one_sickness_and_one_run(floor: Floor) -> None:
    (number,) = making(floor)
    (job,) = floor.hand_out(BOOTH)
    floor.room.database.write(lambda c: print_attempts.start(c, job.id, job.attempt, "bench", "press-1"))
    tell(floor, job, PrintJobState.BLOCKED, "media-empty")
    assert runs(floor) == [number]
    floor.room.database.write(
        lambda c: print_attempts.settle(c, job.id, job.attempt, "bench", "unknown", "switched off")
    )
    assert runs(floor) == [number]
    assert len(set(floor.waker.order_runs)) == 1


def test_retry_does_not_make_well_what_only_a_decision_can(floor: Floor) -> None:
    (number,) = making(floor)
    (job,) = floor.hand_out(BOOTH)
    floor.print(job, "unknown")
    floor.room.database.write(lambda c: desk.retry(c, number, "Ada", HUB))
    assert sick_of(floor, number) == "print_unknown"


def test_a_hold_takes_back_what_never_began_and_what_is_unknown_stays_so_after_it(floor: Floor) -> None:
    blocked, unknown = making(floor, orders=2)
    first, second = floor.hand_out(BOOTH)
    tell(floor, first, PrintJobState.BLOCKED, "no printer can do it")
    floor.print(second, "unknown")
    hold_and_release(floor, blocked)
    hold_and_release(floor, unknown)
    assert (sick_of(floor, blocked), sick_of(floor, unknown)) == (None, "print_unknown")


def test_a_cancelled_order_is_not_sick_of_its_prints(floor: Floor) -> None:
    (number,) = making(floor)
    (job,) = floor.hand_out(BOOTH)
    floor.print(job, "unknown")
    floor.room.database.write(lambda c: cancelling.cancel(c, number, "Ada", "cancelled_by_staff"))
    assert sick_of(floor, number) is None
    decide(floor, job, "printed")
    assert sick_of(floor, number) is None


def test_the_orders_own_run_says_what_the_print_waits_for(floor: Floor) -> None:
    from tasks.advance import advance

    (number,) = making(floor)
    (job,) = floor.hand_out(BOOTH)
    floor.print(job, "unknown")
    (outcome,) = advance(floor.room, number)
    assert (outcome.subject, outcome.result, outcome.cause) == (number, "sick", "print_unknown")
    decide(floor, job, "printed")


def test_a_booth_out_of_paper_is_one_breaker_that_ends_as_its_prints_do(floor: Floor) -> None:
    numbers = making(floor, orders=12)
    jobs = floor.hand_out(BOOTH, most=20)
    for job in jobs[:11]:
        tell(floor, job, PrintJobState.BLOCKED, "media-empty")
    assert runs(floor) == []
    (breaker,) = floor.waker.breaker_runs
    tell(floor, jobs[11], PrintJobState.BLOCKED, "media-empty")
    with floor.room.database.read() as connection:
        assert sickness.waiting_behind(connection, breaker) == 12
    floor.print(jobs[0])
    with floor.room.database.read() as connection:
        assert sickness.waiting_behind(connection, breaker) == 11
    # Somebody closes it though nothing was mended: they are found again.
    floor.room.database.write(lambda c: sickness.close(c, breaker, now(c)))
    floor.room.database.write(lambda c: print_trouble.judge_all(c, now(c)))
    assert {sick_of(floor, number) for number in numbers[1:]} == {"print_blocked"}
