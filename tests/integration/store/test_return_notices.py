"""Customers are told of their returns once, as they agreed to; what cannot be told is put off, or waits for a hand."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from backroom.domain.returns import Disposition, Reason, Wanted
from backroom.store import desk, return_desk, sickness
from backroom.store.backlog import wake_again
from backroom.store.database import now
from backroom.store.forgetting import forget
from backroom.store.personal import Whose
from backroom.store.return_opening import Asked
from backroom.store.story import waiting_for_person
from backroom.store.tables import returns
from tests.integration.store.test_returns import Counter
from tests.integration.store.test_secrecy import in_clear
from tests.shops import GTIN_TEE, HUB, PLAIN, Floor


@pytest.fixture
def counter(floor: Floor) -> Counter:
    return Counter(floor, floor.room.shop)


def kinds(floor: Floor, number: str) -> list[tuple[str, str, str]]:
    told = floor.story(number).messages
    return [(row["kind"], row["medium"], row["state"]) for row in told if row["kind"].startswith("return")]


def mails(floor: Floor) -> str:
    return "\n".join(file.read_text() for file in sorted((floor.room.home / "mail").glob("*.eml")))


def refunded(counter: Counter) -> tuple[str, str]:
    """An order, and its return that was announced, taken in and paid back, its customer told at each step."""
    number = counter.sold((PLAIN, 1))
    rma = counter.ask(number, Asked(1, Reason.SIZE))
    counter.floor.take_back()
    line_id = counter.take(rma, PLAIN).line_id
    assert line_id is not None
    counter.put(line_id, Disposition.RESTOCK)
    counter.floor.take_back()
    counter.pay(rma, 2900)
    counter.floor.take_back()
    return number, rma


def test_a_customer_is_told_at_each_step_once(counter: Counter) -> None:
    number, rma = refunded(counter)
    floor = counter.floor
    told = [
        (kind, medium, "sent")
        for kind in ("return_accepted", "return_received", "return_refunded")
        for medium in ("sms", "email")
    ]
    assert sorted(kinds(floor, number)) == sorted(told)
    text = mails(floor)
    assert all(word in text for word in (rma, "29.00 EUR", "Stick the return label"))
    assert floor.take_back() == []
    counter.write(lambda c: c.execute(update(returns).values(settled_revision=0)).rowcount)
    floor.take_back()
    assert sorted(kinds(floor, number)) == sorted(told)
    assert mails(floor) == text
    floor.check_sums()
    assert in_clear(floor.room.database) == []


def test_what_is_declined_and_what_nobody_announced_is_told_as_well(counter: Counter) -> None:
    number = counter.sold((PLAIN, 1))
    rma = counter.scan(counter.label(number))
    counter.floor.take_back()
    assert kinds(counter.floor, number) == []
    line_id = counter.take(rma, PLAIN).line_id
    assert line_id is not None
    counter.say(line_id, Reason.SIZE)
    counter.write(lambda c: return_desk.decide(c, counter.shop, line_id, granted=False, actor="Ada"))
    counter.put(line_id, Disposition.HAND_BACK)
    counter.all_in(rma)
    counter.floor.take_back()
    assert {kind for kind, _, _ in kinds(counter.floor, number)} == {"return_declined"}
    assert "shop@example.com" in mails(counter.floor)


def test_a_return_whose_mail_does_not_go_waits_for_it_and_for_nothing_else(counter: Counter) -> None:
    number = counter.sold((PLAIN, 1))
    rma = counter.ask(number, Asked(1, Reason.SIZE))
    floor = counter.floor
    post = floor.room.home / "mail"
    post.rename(floor.room.home / "mail-away")
    post.touch()
    (outcome,) = floor.take_back()
    assert (outcome.subject, outcome.result) == (number, "waiting")
    # Staff go on meanwhile, and what they do is told when the post goes again.
    assert counter.take(rma, PLAIN).line_id is not None
    post.unlink()
    (floor.room.home / "mail-away").rename(post)
    (outcome,) = floor.take_back()
    assert outcome.result == "done"
    assert ("return_received", "email", "sent") in kinds(floor, number)
    with floor.room.database.read() as connection:
        assert sickness.alone(connection, "returns", HUB) == []


def test_a_sick_return_waits_for_a_person_and_retry_of_its_order_takes_it_up(counter: Counter) -> None:
    number = counter.sold((PLAIN, 1))
    counter.ask(number, Asked(1, Reason.SIZE))
    floor = counter.floor
    sick = {"sick_cause": "recipient-refused", "sick_reason": "nobody there"}
    counter.write(lambda c: c.execute(update(returns).values(sick_since=now(c), **sick)).rowcount)
    assert floor.take_back() == []
    with floor.room.database.read() as connection:
        assert [row[1] for row in sickness.alone(connection, "returns", HUB)] == [number]
        assert [row["sick_reason"] for row in waiting_for_person(connection)] == ["nobody there"]
        assert sickness.well(connection, [number]) == set()
    owed = counter.write(lambda c: desk.retry(c, number, "Ada", HUB))
    assert ("returns", HUB) in [(wakeup.stage, wakeup.location) for wakeup in owed]
    assert [outcome.result for outcome in floor.take_back()] == ["done"]


def test_the_sweep_wakes_what_a_lost_wake_up_left(counter: Counter) -> None:
    number = counter.sold((PLAIN, 1))
    counter.ask(number, Asked(1, Reason.SIZE))
    assert [one.stage for one in counter.write(lambda c: wake_again(c, HUB))] == ["returns"]
    counter.floor.take_back()
    assert counter.write(lambda c: wake_again(c, HUB)) == []


def test_a_person_is_erased_when_their_return_is_over_and_told(counter: Counter) -> None:
    number, _ = refunded(counter)
    person = counter.floor.story(number).order["person_id"]
    counter.write(lambda c: forget(c, Whose(person)))


def test_an_exchange_is_announced_like_any_other_parcel(counter: Counter) -> None:
    number = counter.sold((PLAIN, 1))
    rma = counter.ask(number, Asked(1, Reason.PRINT_FAULT, Wanted.EXCHANGE, GTIN_TEE))
    line_id = counter.take(rma, PLAIN).line_id
    assert line_id is not None
    counter.put(line_id, Disposition.DISCARD)
    ((another, _),) = counter.of_our_own(rma)
    assert counter.floor.story(another).order["person_id"] == counter.floor.story(number).order["person_id"]
    counter.floor.take_back()
    assert {kind for kind, _, _ in kinds(counter.floor, number)} == {"return_received"}
