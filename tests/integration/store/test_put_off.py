"""What may pass by itself is tried again, with growing pauses, before it waits for a person."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import update

from backroom.domain.breaker import FIRST_WAIT, MOST_FAILURES
from backroom.store import desk, sickness, story
from backroom.store.backlog import wake_again
from backroom.store.database import now
from backroom.store.tables import fulfilment_orders
from tests.shops import HUB, PLAIN, Floor


def close_the_post(floor: Floor) -> None:
    """A mail folder that cannot be written is a provider that takes nothing now."""
    (floor.room.home / "mail").touch()


def open_the_post(floor: Floor) -> None:
    (floor.room.home / "mail").unlink()


def delayed(floor: Floor) -> str:
    """An order whose mail cannot go now, all else done."""
    close_the_post(floor)
    number = floor.taken_in((PLAIN, 1))
    (outcome,) = [one for one in floor.fulfil(HUB) if one.cause]
    assert (outcome.result, outcome.cause) == ("waiting", "messenger-down")
    return number


def next_attempt_of(floor: Floor, number: str) -> datetime | None:
    (part,) = floor.story(number).parts
    until: datetime | None = part["next_attempt_at"]
    return until


def let_time_pass(floor: Floor) -> None:
    """Until whatever is put off is due."""
    late = update(fulfilment_orders).where(fulfilment_orders.c.next_attempt_at.is_not(None))
    floor.room.database.write(lambda c: c.execute(late.values(next_attempt_at=now(c) - timedelta(seconds=1))))


def woken(floor: Floor) -> list[str]:
    return [one.stage for one in floor.room.database.write(lambda c: wake_again(c, HUB))]


def alone(floor: Floor) -> list[str]:
    with floor.room.database.read() as connection:
        return [number for _, number, _, _ in sickness.alone(connection, "fulfilment", HUB)]


def waiting_for_a_person(floor: Floor) -> list[str]:
    with floor.room.database.read() as connection:
        return [row["number"] for row in story.waiting_for_person(connection)]


def test_a_delayed_mail_is_sent_once_its_provider_takes_it_and_nobody_had_to_do_anything(floor: Floor) -> None:
    number = delayed(floor)
    assert floor.state(number) == ("released", ["labelled"])
    assert (alone(floor), waiting_for_a_person(floor), woken(floor)) == ([], [], [])
    assert floor.fulfil(HUB) == []
    open_the_post(floor)
    let_time_pass(floor)
    assert woken(floor) == ["fulfilment"]
    floor.fulfil(HUB)
    assert floor.state(number) == ("fulfilled", ["done"])
    assert len(list((floor.room.home / "mail").glob("*.eml"))) == 1
    assert len(list((floor.room.home / "sms").glob("*.txt"))) == 1
    (part,) = floor.story(number).parts
    assert (part["failures"], part["sick_cause"], part["next_attempt_at"]) == (0, None, None)
    assert "order.sick" not in floor.events(number)


def test_its_page_says_why_it_waits_and_its_history_until_when(floor: Floor) -> None:
    number = delayed(floor)
    (part,) = floor.story(number).parts
    until = next_attempt_of(floor, number)
    assert until is not None
    assert part["sick_reason"].startswith("The mail folder cannot be written")
    told = floor.story(number).history[-1]
    assert (told["event"], told["data"]["until"]) == ("order.put_off", until.isoformat())


def test_the_pauses_grow_and_after_hours_it_waits_for_a_person(floor: Floor) -> None:
    number = delayed(floor)
    waits = []
    for _ in range(MOST_FAILURES - 1):
        until = next_attempt_of(floor, number)
        assert until is not None
        waits.append(until - floor.story(number).history[-1]["at"])
        let_time_pass(floor)
        floor.fulfil(HUB)
    assert waits[0] <= FIRST_WAIT
    assert all(late > soon for soon, late in zip(waits[:6], waits[2:], strict=False))
    assert timedelta(hours=2) < sum(waits, timedelta()) < timedelta(hours=5)
    assert next_attempt_of(floor, number) is None
    assert alone(floor) == waiting_for_a_person(floor) == [number]
    assert floor.events(number).count("order.put_off") == MOST_FAILURES - 1
    assert floor.events(number)[-1] == "order.sick"


def test_a_persons_retry_begins_the_pauses_anew(floor: Floor) -> None:
    number = delayed(floor)
    for _ in range(MOST_FAILURES - 1):
        let_time_pass(floor)
        floor.fulfil(HUB)
    floor.room.database.write(lambda c: desk.retry(c, number, "Ada", HUB))
    floor.fulfil(HUB)
    (part,) = floor.story(number).parts
    assert (part["failures"], part["next_attempt_at"] is not None) == (1, True)


def test_many_that_one_provider_keeps_waiting_are_one_breaker_even_when_they_came_one_by_one(floor: Floor) -> None:
    numbers = [delayed(floor) for _ in range(11)]
    (breaker,) = floor.room.database.write(lambda c: sickness.trip(c, "fulfilment", HUB, now(c)))
    with floor.room.database.read() as connection:
        assert sickness.waiting_behind(connection, breaker) == 11
    let_time_pass(floor)
    assert floor.fulfil(HUB) == []
    open_the_post(floor)
    floor.room.database.write(lambda c: sickness.close(c, breaker, now(c)))
    floor.fulfil(HUB)
    assert {floor.state(number)[0] for number in numbers} == {"fulfilled"}


def a_wave_that_cannot_tell(floor: Floor) -> int:
    """Eleven in one wave whose mails cannot go; returns their breaker."""
    close_the_post(floor)
    for _ in range(11):
        floor.order((PLAIN, 1))
    floor.intake()
    assert {one.result for one in floor.fulfil(HUB) if one.cause} == {"sick"}
    (breaker,) = floor.room.database.write(lambda c: sickness.trip(c, "fulfilment", HUB, now(c)))
    return breaker


def test_a_wave_that_shares_its_cause_is_a_breaker_at_once(floor: Floor) -> None:
    breaker = a_wave_that_cannot_tell(floor)
    with floor.room.database.read() as connection:
        assert sickness.waiting_behind(connection, breaker) == 11


def test_a_try_behind_a_breaker_that_fails_again_is_not_put_off(floor: Floor) -> None:
    """Or the breaker would take it for well, and let all the others go."""
    from tasks.claiming import claim_fulfilment, holding
    from tasks.notify import notify

    breaker = a_wave_that_cannot_tell(floor)
    with floor.room.database.read() as connection:
        found = sickness.one_behind(connection, breaker)
    assert found is not None
    claim = claim_fulfilment(floor.room, HUB, found[1])
    assert claim is not None
    with holding(floor.room, claim):
        assert [one.result for one in notify.fn(claim)] == ["sick"]
    with floor.room.database.read() as connection:
        assert sickness.waiting_behind(connection, breaker) == 11
