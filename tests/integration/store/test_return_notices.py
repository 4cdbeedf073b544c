"""Customers are told of their returns once, as they agreed to; what cannot be told is put off, or waits for a hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection, select, update

from backroom.domain.reply_words import Word
from backroom.domain.return_policy import ReturnRules, ReturnTerms
from backroom.domain.returns import PART_RESTS, Disposition, Reason, Wanted
from backroom.store import desk, opt_outs, return_desk, sickness
from backroom.store.backlog import wake_again
from backroom.store.database import now
from backroom.store.forgetting import forget
from backroom.store.personal import Whose
from backroom.store.return_opening import Asked
from backroom.store.story import waiting_for_person
from backroom.store.tables import orders, return_lines, returns
from tests.integration.store.test_returns import Counter, long_ago
from tests.integration.store.test_secrecy import in_clear
from tests.shops import CANARIES, GTIN_TEE, HUB, PLAIN, Floor


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
    assert {kind for kind, _, _ in kinds(counter.floor, number)} == {"return_exchanged"}
    assert another in mails(counter.floor)


def test_an_exchange_that_leaves_at_once_is_told_ahead_and_at_the_end_again(counter: Counter) -> None:
    counter.shop = replace(counter.shop, returns=ReturnRules(terms=ReturnTerms(exchange="at_once")))
    floor = counter.floor
    number = counter.sold((PLAIN, 1))
    rma = counter.ask(number, Asked(1, Reason.SIZE, Wanted.EXCHANGE, GTIN_TEE))
    ((another, _),) = counter.of_our_own(rma)
    floor.take_back()
    assert {kind for kind, _, _ in kinds(floor, number)} == {"return_accepted", "return_exchange_ahead"}
    assert another in mails(floor)
    line_id = counter.take(rma, PLAIN).line_id
    assert line_id is not None
    counter.put(line_id, Disposition.RESTOCK)
    floor.take_back()
    assert counter.state(rma) == "closed"
    assert {kind for kind, _, _ in kinds(floor, number)} == {
        "return_accepted",
        "return_exchange_ahead",
        "return_exchanged",
    }


def test_an_exchange_that_waits_or_was_cancelled_is_told_of_as_no_order(counter: Counter) -> None:
    floor = counter.floor
    number = counter.sold((PLAIN, 1))
    rma = counter.ask(number, Asked(1, Reason.SIZE, Wanted.EXCHANGE, GTIN_TEE))
    assert [state for _, state in counter.of_our_own(rma)] == ["awaiting_return_items"]
    floor.take_back()
    counter.write(lambda c: return_desk.cancel(c, counter.shop, rma, "Ada"))
    assert [state for _, state in counter.of_our_own(rma)] == ["cancelled"]
    floor.take_back()
    assert {kind for kind, _, _ in kinds(floor, number)} == {"return_accepted", "return_cancelled"}


def wished(counter: Counter, **changes: Any) -> tuple[str, str]:
    """A return that waits for a yes, its customer told of that; the order's number and the return's."""
    number = counter.sold((PLAIN, 1), **changes)
    long_ago(counter, number, 60)
    rma = counter.ask(number, Asked(1, Reason.SIZE))
    assert counter.state(rma) == "requested"
    counter.floor.take_back()
    return number, rma


def test_who_asks_is_told_that_it_is_looked_at_and_then_what_the_word_is(counter: Counter) -> None:
    floor = counter.floor
    number, rma = wished(counter)
    assert sorted(kinds(floor, number)) == [("return_requested", medium, "sent") for medium in ("email", "sms")]
    assert floor.take_back() == []
    counter.write(lambda c: return_desk.approve(c, counter.shop, rma, "Ada"))
    floor.take_back()
    assert {kind for kind, _, _ in kinds(floor, number)} == {"return_requested", "return_accepted"}


def test_a_wish_is_answered_in_the_customers_language(counter: Counter) -> None:
    _, rma = wished(counter, customer_locale="de-DE")
    counter.write(lambda c: return_desk.cancel(c, counter.shop, rma, "Ada"))
    counter.floor.take_back()
    text = mails(counter.floor)
    assert f"Die Nummer deiner R=C3=BCcksendung ist {rma}" in text or f"Rücksendung ist {rma}" in text
    assert "abgesagt" in text


def test_who_took_their_consent_back_is_told_of_no_step(counter: Counter) -> None:
    floor = counter.floor
    number = counter.sold((PLAIN, 1))
    long_ago(counter, number, 60)
    stopped = opt_outs.Reply("sms", CANARIES[3], "STOP", Word.STOP, opt_outs.Proof("twilio", "SM1", "stop"))
    floor.room.database.write(lambda c: opt_outs.take(c, floor.room.seals, stopped))
    rma = counter.ask(number, Asked(1, Reason.SIZE))
    floor.take_back()
    counter.write(lambda c: return_desk.cancel(c, counter.shop, rma, "Ada"))
    floor.take_back()
    assert sorted(kinds(floor, number)) == [
        (kind, medium, state)
        for kind in ("return_cancelled", "return_requested")
        for medium, state in (("email", "sent"), ("sms", "skipped"))
    ]


def test_a_return_that_is_called_off_is_told_to_who_had_announced_it(counter: Counter) -> None:
    floor = counter.floor
    number = counter.sold((PLAIN, 2))
    announced = counter.ask(number, Asked(1, Reason.SIZE))
    floor.take_back()
    counter.all_in(announced)
    assert counter.state(announced) == "cancelled"
    floor.take_back()
    assert {kind for kind, _, _ in kinds(floor, number)} == {"return_accepted", "return_cancelled"}
    scanned = counter.scan(counter.label(number))
    assert scanned != announced
    counter.all_in(scanned)
    floor.take_back()
    told = floor.story(number).messages
    assert (counter.state(scanned), len([row for row in told if row["kind"] == "return_cancelled"])) == ("cancelled", 2)


def rested(counter: Counter) -> None:
    """Half an hour goes by, for what is here and for what waits for its time."""
    earlier = return_lines.c.received_at

    def work(connection: Connection) -> None:
        at = now(connection) - PART_RESTS
        connection.execute(update(return_lines).where(earlier.is_not(None)).values(received_at=at))
        waits = update(returns).where(returns.c.next_attempt_at.is_not(None))
        connection.execute(waits.values(next_attempt_at=now(connection)))

    counter.write(work)


def test_that_a_part_is_here_is_told_once_when_nothing_more_came_for_half_an_hour(counter: Counter) -> None:
    floor = counter.floor
    number = counter.sold((PLAIN, 2))
    rma = counter.ask(number, *[Asked(1, Reason.SIZE)] * 2)
    floor.take_back()
    counter.take(rma, PLAIN)
    (outcome,) = floor.take_back()
    assert (outcome.subject, outcome.result) == (number, "waiting")
    assert "return_received_in_part" not in {kind for kind, _, _ in kinds(floor, number)}
    assert counter.write(lambda c: wake_again(c, HUB)) == []
    rested(counter)
    assert [one.stage for one in counter.write(lambda c: wake_again(c, HUB))] == ["returns"]
    assert [outcome.result for outcome in floor.take_back()] == ["done"]
    assert kinds(floor, number).count(("return_received_in_part", "email", "sent")) == 1
    text = mails(floor)
    assert floor.take_back() == []
    assert mails(floor) == text
    counter.take(rma, PLAIN)
    floor.take_back()
    assert ("return_received", "email", "sent") in kinds(floor, number)


def test_a_box_that_is_emptied_piece_by_piece_is_told_of_as_a_whole(counter: Counter) -> None:
    floor = counter.floor
    number = counter.sold((PLAIN, 2))
    rma = counter.ask(number, *[Asked(1, Reason.SIZE)] * 2)
    for _ in range(2):
        counter.take(rma, PLAIN)
        floor.take_back()
    assert {kind for kind, _, _ in kinds(floor, number)} == {"return_received"}
    with floor.room.database.read() as connection:
        assert connection.execute(select(returns.c.next_attempt_at)).scalar_one() is None


def test_a_return_that_ends_with_nothing_to_pay_or_send_is_told_so(counter: Counter) -> None:
    floor = counter.floor
    number = counter.sold((PLAIN, 1))
    rma = counter.scan(counter.label(number))
    counter.write(lambda c: c.execute(update(orders).values(payment="refunded")).rowcount)
    counter.settle(rma, PLAIN, Reason.SIZE)
    counter.all_in(rma)
    floor.take_back()
    assert counter.state(rma) == "closed"
    assert {kind for kind, _, _ in kinds(floor, number)} == {"return_closed"}
