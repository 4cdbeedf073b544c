"""Print jobs: handed to one worker, printed once, and given to nobody else because time passed."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, update

from backroom.domain.model import PrintJobState
from backroom.store import print_attempts, print_jobs
from backroom.store.print_attempts import MOST_FAILURES, NotYourJob
from backroom.store.print_handing import HandedJob
from backroom.store.tables import fulfilment_orders
from backroom.store.tables import print_jobs as print_job_table
from tests.shops import BOOTH, HUB, PLAIN, Floor
from tests.together import run_together


def to_print(floor: Floor, orders: int = 1) -> list[str]:
    """Orders at the booth whose prints are waiting."""
    external = [floor.order((PLAIN, 2), at=BOOTH) for _ in range(orders)]
    floor.intake()
    floor.fulfil(BOOTH)
    return [floor.number(one) for one in external]


def start(floor: Floor, job: HandedJob, holder: str = "bench") -> None:
    floor.room.database.write(lambda c: print_attempts.start(c, job.id, job.attempt, holder, "press-1"))


def settle(floor: Floor, job: HandedJob, outcome: str, holder: str = "bench") -> list[print_jobs.Wakeup]:
    return floor.room.database.write(
        lambda c: print_attempts.settle(c, job.id, job.attempt, holder, outcome, "as told")
    )


def tell(floor: Floor, job: HandedJob, state: PrintJobState, holder: str = "bench", reason: str = "") -> None:
    work = print_attempts.progress
    floor.room.database.write(lambda c: work(c, job.id, job.attempt, holder, state, reason, "17"))


def decide(floor: Floor, job: HandedJob, decision: str) -> list[print_jobs.Wakeup]:
    return floor.room.database.write(lambda c: print_attempts.decide(c, job.id, decision, "Ada"))


def job_state(floor: Floor, number: str) -> tuple[str, int]:
    (job,) = floor.story(number).print_jobs
    return job["state"], job["attempt"]


def test_a_job_is_handed_to_one_worker_only(floor: Floor) -> None:
    to_print(floor, 2)
    first = floor.hand_out(BOOTH, "one", most=1)
    second = floor.hand_out(BOOTH, "two")
    assert [job.id for job in first + second] == [1, 2]
    assert floor.hand_out(BOOTH, "three") == []


def test_a_person_who_waits_comes_in_the_order_people_came_and_before_any_parcel(floor: Floor) -> None:
    parcel, first, second, third, urgent = to_print(floor, 5)
    # However urgent a channel is, and whatever the priority of whoever stands there.
    deliveries = {first: "collect", second: "carry_out", third: "collect"}
    priorities = {parcel: 3, first: 9, second: 1, third: 5, urgent: 0}

    ids = {number: floor.story(number).order["id"] for number in priorities}

    def work(connection: Connection) -> None:
        for number, priority in priorities.items():
            mine = update(fulfilment_orders).where(fulfilment_orders.c.order_id == ids[number])
            connection.execute(mine.values(priority=priority, delivery=deliveries.get(number, "ship")))
            job = update(print_job_table).where(print_job_table.c.order_number == number)
            connection.execute(job.values(priority=priority))

    floor.room.database.write(work)
    given = [job.order_number for turn in range(5) for job in floor.hand_out(BOOTH, f"bench {turn}", most=1)]
    assert given == [first, second, third, urgent, parcel]


def test_workers_who_ask_at_once_share_the_jobs(floor: Floor) -> None:
    to_print(floor, 12)
    got = run_together([lambda name=str(i): floor.hand_out(BOOTH, name, most=4) for i in range(4)])
    ids = [job.id for jobs in got for job in jobs]
    assert len(ids) == len(set(ids))
    left = [job.id for i in range(4) for job in floor.hand_out(BOOTH, str(i), most=12)]
    assert sorted(set(ids + left)) == list(range(1, 13))


def test_a_worker_that_comes_back_finds_its_jobs_and_whether_they_were_begun(floor: Floor) -> None:
    to_print(floor, 2)
    first, _ = floor.hand_out(BOOTH)
    start(floor, first)
    again = floor.hand_out(BOOTH, most=1)
    assert [(job.id, job.started) for job in again] == [(1, True), (2, False)]
    assert again[0].key == first.key


def test_what_a_worker_has_in_hand_counts_against_what_it_gets(floor: Floor) -> None:
    to_print(floor, 3)
    assert len(floor.hand_out(BOOTH, most=2)) == 2
    assert len(floor.hand_out(BOOTH, most=2)) == 2
    assert len(floor.hand_out(BOOTH, most=3)) == 3


def test_only_its_holder_may_speak_for_a_job(floor: Floor) -> None:
    to_print(floor)
    (job,) = floor.hand_out(BOOTH)
    start(floor, job)
    with pytest.raises(NotYourJob):
        start(floor, job, "thief")
    with pytest.raises(NotYourJob):
        settle(floor, job, "done", "thief")
    with pytest.raises(NotYourJob):
        tell(floor, job, PrintJobState.PRINTING, "thief")


def test_the_last_print_makes_its_parcel_and_owes_a_wake_up(floor: Floor) -> None:
    (number,) = to_print(floor)
    (job,) = floor.hand_out(BOOTH)
    start(floor, job)
    (owed,) = settle(floor, job, "done")
    assert (owed.stage, owed.location) == ("fulfilment", BOOTH)
    assert floor.state(number) == ("released", ["made"])
    assert [line["printed"] for line in floor.story(number).part_lines] == [2]
    assert floor.effects("print") == [(job.key, "done")]


@pytest.mark.parametrize("outcome", ["done", "unknown"])
def test_saying_it_twice_changes_nothing(floor: Floor, outcome: str) -> None:
    (number,) = to_print(floor)
    (job,) = floor.hand_out(BOOTH)
    start(floor, job)
    settle(floor, job, outcome)
    told = floor.events(number)
    assert settle(floor, job, outcome) == []
    assert floor.events(number) == told


def test_a_failed_print_is_tried_anew_under_another_key(floor: Floor) -> None:
    (number,) = to_print(floor)
    (job,) = floor.hand_out(BOOTH)
    start(floor, job)
    (owed,) = settle(floor, job, "failed")
    assert owed.stage == "print"
    (again,) = floor.hand_out(BOOTH, "another")
    assert again.key != job.key
    assert not again.started
    floor.print(again, holder="another")
    assert floor.effects("print") == [(job.key, "failed"), (again.key, "done")]
    assert floor.state(number) == ("released", ["made"])


def test_a_print_that_fails_again_and_again_waits_for_a_person(floor: Floor) -> None:
    (number,) = to_print(floor)
    for _ in range(MOST_FAILURES):
        (job,) = floor.hand_out(BOOTH)
        start(floor, job)
        settle(floor, job, "failed")
    assert floor.hand_out(BOOTH) == []
    assert job_state(floor, number) == ("failed", MOST_FAILURES)
    with floor.room.database.read() as connection:
        assert [row["id"] for row in print_jobs.queue(connection, BOOTH)] == [job.id]
    decide(floor, job, "print_again")
    (again,) = floor.hand_out(BOOTH)
    floor.print(again)
    assert floor.state(number) == ("released", ["made"])


def test_a_job_that_was_not_begun_can_be_handed_back(floor: Floor) -> None:
    (number,) = to_print(floor)
    (job,) = floor.hand_out(BOOTH)
    settle(floor, job, "returned")
    (again,) = floor.hand_out(BOOTH, "another")
    assert again.key == job.key
    assert job_state(floor, number) == ("handed", 1)


def test_a_job_that_was_begun_cannot_be_handed_back(floor: Floor) -> None:
    to_print(floor)
    (job,) = floor.hand_out(BOOTH)
    start(floor, job)
    with pytest.raises(NotYourJob):
        settle(floor, job, "returned")


def test_a_word_that_is_no_outcome_is_refused(floor: Floor) -> None:
    to_print(floor)
    (job,) = floor.hand_out(BOOTH)
    with pytest.raises(NotYourJob):
        settle(floor, job, "perhaps")


def test_a_job_of_unknown_outcome_is_given_to_nobody_until_a_person_decides(floor: Floor) -> None:
    (number,) = to_print(floor)
    (job,) = floor.hand_out(BOOTH)
    start(floor, job)
    settle(floor, job, "unknown")
    assert floor.hand_out(BOOTH) == floor.hand_out(BOOTH, "another") == []
    assert floor.effects("print") == [(job.key, "unknown")]
    assert floor.state(number) == ("released", ["making"])


def test_a_person_who_saw_the_print_settles_it(floor: Floor) -> None:
    (number,) = to_print(floor)
    (job,) = floor.hand_out(BOOTH)
    start(floor, job)
    settle(floor, job, "unknown")
    (owed,) = decide(floor, job, "printed")
    assert owed.stage == "fulfilment"
    assert floor.effects("print") == [(job.key, "done")]
    assert floor.state(number) == ("released", ["made"])
    assert floor.story(number).history[-1]["actor"] == "Ada"
    with pytest.raises(NotYourJob):
        decide(floor, job, "printed")


def test_a_person_who_saw_none_has_it_printed_again(floor: Floor) -> None:
    (number,) = to_print(floor)
    (job,) = floor.hand_out(BOOTH)
    start(floor, job)
    settle(floor, job, "unknown")
    decide(floor, job, "print_again")
    with pytest.raises(NotYourJob):
        settle(floor, job, "done")
    (again,) = floor.hand_out(BOOTH, "another")
    assert again.key != job.key
    floor.print(again, holder="another")
    assert floor.effects("print") == [(job.key, "failed"), (again.key, "done")]
    assert floor.state(number) == ("released", ["made"])


@pytest.mark.parametrize("outcome", ["done", "failed", "unknown"])
def test_late_news_of_a_try_that_a_person_has_decided_on_settle_nothing_of_the_next(floor: Floor, outcome: str) -> None:
    """The same worker has both in its hands, one after the other."""
    (number,) = to_print(floor)
    (first,) = floor.hand_out(BOOTH)
    start(floor, first)
    decide(floor, first, "print_again")
    (second,) = floor.hand_out(BOOTH)
    assert (first.attempt, second.attempt) == (1, 2)
    for late in (
        lambda: settle(floor, first, outcome),
        lambda: tell(floor, first, PrintJobState.BLOCKED, reason="media-empty"),
        lambda: start(floor, first),
    ):
        with pytest.raises(NotYourJob):
            late()
    assert job_state(floor, number) == ("handed", 2)
    start(floor, second)
    with pytest.raises(NotYourJob):
        settle(floor, first, outcome)
    assert job_state(floor, number) == ("printing", 2)
    assert floor.effects("print") == [(first.key, "failed"), (second.key, "started")]
    settle(floor, second, "done")
    with pytest.raises(NotYourJob):
        settle(floor, first, "done")


def test_a_person_decides_for_a_worker_that_is_gone_and_it_cannot_speak_any_more(floor: Floor) -> None:
    to_print(floor)
    (job,) = floor.hand_out(BOOTH, "gone")
    start(floor, job, "gone")
    decide(floor, job, "printed")
    assert settle(floor, job, "done", "gone") == []
    with pytest.raises(NotYourJob):
        settle(floor, job, "failed", "gone")


def test_a_decision_that_is_none_is_refused(floor: Floor) -> None:
    to_print(floor)
    (job,) = floor.hand_out(BOOTH)
    with pytest.raises(NotYourJob):
        decide(floor, job, "maybe")
    with pytest.raises(NotYourJob):
        decide(floor, HandedJob(**{**_fields(job), "id": 99}), "printed")


def test_a_printer_that_waits_for_paper_says_so_and_the_job_stays_in_hand(floor: Floor) -> None:
    (number,) = to_print(floor)
    (job,) = floor.hand_out(BOOTH)
    start(floor, job)
    tell(floor, job, PrintJobState.BLOCKED, reason="media-empty")
    (again,) = floor.hand_out(BOOTH)
    assert (again.state, again.printer, again.printer_job, again.started) == ("blocked", "press-1", "17", True)
    assert floor.story(number).print_jobs[0]["reason"] == "media-empty"
    with pytest.raises(NotYourJob):
        tell(floor, job, PrintJobState.DONE)


def test_what_waits_for_a_person_comes_first_in_the_queue(floor: Floor) -> None:
    to_print(floor, 3)
    jobs = floor.hand_out(BOOTH)
    start(floor, jobs[1])
    settle(floor, jobs[1], "unknown")
    with floor.room.database.read() as connection:
        assert [row["id"] for row in print_jobs.queue(connection, BOOTH)] == [2, 1, 3]
        assert print_jobs.queue(connection, HUB) == []


def _fields(job: HandedJob) -> dict[str, object]:
    return {name: getattr(job, name) for name in HandedJob.__slots__}
