"""What ends every run that has it, even alone, is put aside for a person, and taken up by nobody else."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError

from backroom.domain.errors import Refuse, Retry
from backroom.store import desk, intake, sickness, story
from backroom.store.backlog import wake_again
from backroom.store.claims import Claim
from backroom.store.database import now
from backroom.store.quarantined import open_quarantine
from backroom.store.tables import claims, fulfilment_orders, inbox, orders
from backroom.store.waiting import CRASHED, CRASHES_BEFORE_ALONE, CRASHES_BEFORE_ASIDE
from tests.shops import HUB, PLAIN, Floor


def crash(floor: Floor, stage: str = "fulfilment") -> Claim | None:
    """Claim what waits, as a run would, and die with it: only the lease's end frees it."""
    from tasks.claiming import claim_fulfilment, claim_intake

    claim = claim_intake(floor.room) if stage == "intake" else claim_fulfilment(floor.room, HUB)
    if claim is not None:
        over = update(claims).where(claims.c.token == claim.token)
        floor.room.database.write(lambda c: c.execute(over.values(until=now(c) - timedelta(seconds=1))))
    return claim


def crash_until_aside(floor: Floor, stage: str = "fulfilment") -> None:
    for _ in range(CRASHES_BEFORE_ASIDE):
        assert crash(floor, stage) is not None
    assert crash(floor, stage) is None


def alone(floor: Floor, stage: str = "fulfilment") -> list[str]:
    with floor.room.database.read() as connection:
        return [number for _, number, _, _ in sickness.alone(connection, stage, HUB)]


def waiting_for_a_person(floor: Floor) -> list[str]:
    with floor.room.database.read() as connection:
        return [row["number"] for row in story.waiting_for_person(connection)]


def test_an_order_that_crashes_every_claim_of_its_work_is_sick_by_its_number(floor: Floor) -> None:
    number = floor.taken_in((PLAIN, 1))
    crash_until_aside(floor)
    (part,) = floor.story(number).parts
    assert (part["sick_cause"], part["attempts"]) == (CRASHED, CRASHES_BEFORE_ASIDE)
    assert alone(floor) == waiting_for_a_person(floor) == [number]
    assert floor.story(number).history[-1]["event"] == "order.sick"
    assert floor.room.database.write(lambda c: wake_again(c, HUB)) == []


def test_an_order_that_crashes_every_claim_of_intake_is_sick_by_its_number(floor: Floor) -> None:
    number = floor.taken_in((PLAIN, 1))
    back = update(orders).values(state="accepted", attempts=0)
    floor.room.database.write(lambda c: c.execute(back))
    crash_until_aside(floor, "intake")
    assert floor.story(number).order["sick_cause"] == CRASHED
    assert alone(floor, "intake") == waiting_for_a_person(floor) == [number]


def test_a_message_that_crashes_every_claim_is_put_into_quarantine(floor: Floor) -> None:
    floor.order((PLAIN, 1))
    crash_until_aside(floor, "intake")
    with floor.room.database.read() as connection:
        (row,) = open_quarantine(connection)
    assert [problem["code"] for problem in row["problems"]] == [CRASHED]
    # A person who has mended the cause replays it: alone, and it goes through.
    assert floor.room.database.write(lambda c: intake.replay(c, row["id"], now(c)))
    with floor.room.database.read() as connection:
        assert connection.execute(select(inbox.c.attempts)).scalars().all() == [CRASHES_BEFORE_ALONE]
    floor.intake()
    with floor.room.database.read() as connection:
        assert connection.execute(select(orders.c.state)).scalars().all() == ["released"]


def test_one_that_is_put_aside_harms_no_other(floor: Floor) -> None:
    poison = floor.taken_in((PLAIN, 1))
    crash_until_aside(floor)
    good = floor.taken_in((PLAIN, 1))
    floor.fulfil(HUB)
    assert (floor.state(good)[0], floor.state(poison)[0]) == ("fulfilled", "released")


def test_many_that_are_put_aside_are_no_breaker_whose_tries_would_end_one_more_process(floor: Floor) -> None:
    for _ in range(11):
        floor.order((PLAIN, 1))
    floor.intake()
    worn_out = update(fulfilment_orders).values(attempts=CRASHES_BEFORE_ASIDE)
    floor.room.database.write(lambda c: c.execute(worn_out))
    assert crash(floor) is None
    assert floor.room.database.write(lambda c: sickness.trip(c, "fulfilment", HUB, now(c))) == []
    assert len(alone(floor)) == 11


def test_its_own_run_only_tells_of_it_until_a_person_presses_retry(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tasks.advance import AUTOMATIC_STARTS, advance, waits_for_a_word

    number = floor.taken_in((PLAIN, 1))
    assert not waits_for_a_word(floor.room, number)
    crash_until_aside(floor)
    starts = "PREFECT__RUNTIME__FLOW_RUN__RUN_COUNT"
    for automatic in range(1, AUTOMATIC_STARTS + 1):
        monkeypatch.setenv(starts, str(automatic))
        assert [(one.result, one.cause) for one in advance(floor.room, number)] == [("sick", CRASHED)]
    (part,) = floor.story(number).parts
    assert part["attempts"] == CRASHES_BEFORE_ASIDE
    monkeypatch.setenv(starts, str(AUTOMATIC_STARTS + 1))
    assert not waits_for_a_word(floor.room, number)


def test_a_persons_retry_takes_it_up_alone_and_it_goes_on_once_its_cause_is_mended(floor: Floor) -> None:
    number = floor.taken_in((PLAIN, 1))
    crash_until_aside(floor)
    floor.room.database.write(lambda c: desk.retry(c, number, "Ada", HUB))
    floor.taken_in((PLAIN, 1))
    from tasks.claiming import claim_fulfilment

    # The healthy one first, then the one that was put aside, by itself.
    for expected in (1, 1):
        claim = claim_fulfilment(floor.room, HUB)
        assert claim is not None
        with floor.room.database.read() as connection:
            held = connection.execute(
                select(fulfilment_orders.c.id).where(fulfilment_orders.c.claim_token == claim.token)
            ).all()
        assert len(held) == expected
        over = update(claims).where(claims.c.token == claim.token)
        floor.room.database.write(lambda c, over=over: c.execute(over.values(until=now(c) - timedelta(seconds=1))))
    floor.fulfil(HUB)
    assert floor.state(number) == ("fulfilled", ["done"])
    (part,) = floor.story(number).parts
    assert (part["sick_cause"], part["attempts"]) == (None, 0)


class Stopped(BaseException):
    """The worker is told to stop."""


@pytest.mark.parametrize(
    ("error", "counted"),
    [
        (Retry("the database is away"), False),
        (OperationalError("SELECT", {}, Exception("disk full")), False),
        (Stopped(), False),
        (Refuse("this order"), True),
        (ZeroDivisionError(), True),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_claim_that_ends_for_a_reason_no_order_has_counts_against_none(
    floor: Floor, error: BaseException, *, counted: bool
) -> None:
    from tasks.claiming import claim_fulfilment, holding

    number = floor.taken_in((PLAIN, 1))
    claim = claim_fulfilment(floor.room, HUB)
    assert claim is not None
    with pytest.raises(type(error)), holding(floor.room, claim):
        raise error
    (part,) = floor.story(number).parts
    assert part["attempts"] == int(counted)
    floor.fulfil(HUB)
    assert floor.state(number)[0] == "fulfilled"
