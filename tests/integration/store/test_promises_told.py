"""That people hear of their time, once, and of a later one; and by which of them a promise is kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest
from prefect.logging import disable_run_logger
from sqlalchemy import Connection, delete, update

from backroom.domain.errors import BackroomError
from backroom.messaging.base import OutgoingMessage, RecipientRefused
from backroom.store import opt_ins, print_promises, rerouting
from backroom.store.database import now
from backroom.store.tables import consents, people
from backroom.store.tables import print_promises as table
from tasks.print_promises import review_all_promises, review_promises
from tests.promised_booth import change, look, market, ordered, promise_earlier, promises, promising_booth, sent
from tests.shops import BOOTH, CANARIES, COLLECT, SCARCE, Floor, an_order


@pytest.fixture
def booth(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> Floor:
    return promising_booth(floor, monkeypatch)


def plan_anew(floor: Floor, number: str) -> None:
    """The shop takes a piece of an order for somebody else, so that all of it is planned again."""
    order = floor.story(number).order

    def work(connection: Connection) -> None:
        parts, at = rerouting.parts_of(connection, order["id"]), now(connection)
        rerouting.send_elsewhere(connection, order, parts, {"from": BOOTH}, "carried out by another customer", at, "")

    change(floor, work)
    floor.intake()
    floor.fulfil(BOOTH)


def test_what_was_told_before_the_shop_planned_an_order_anew_is_what_its_promise_is_kept_by(booth: Floor) -> None:
    number = ordered(booth, collected=True)
    review_promises.fn(BOOTH)
    promise_earlier(booth, number, 30)
    (first,) = promises(booth, number)
    plan_anew(booth, number)
    review_promises.fn(BOOTH)
    dropped, stands = promises(booth, number)
    assert (dropped["state"], stands["state"]) == ("void", "open")
    assert stands["first_at"] == first["first_at"] < stands["promised_at"]
    assert sent(booth) == [(number, "promised"), (number, "promised_later")]
    for job in booth.hand_out(BOOTH):
        booth.print(job)
    booth.fulfil(BOOTH)
    look(booth)
    assert promises(booth, number)[-1]["state"] == "late"


def test_an_order_that_was_planned_anew_twice_is_kept_by_the_first_time_of_all(booth: Floor) -> None:
    number = ordered(booth, collected=True)
    look(booth)
    promise_earlier(booth, number, 30)
    first = promises(booth, number)[0]["first_at"]
    for _ in range(2):
        plan_anew(booth, number)
        look(booth)
    assert [one["first_at"] for one in promises(booth, number)] == [first] * 3


def test_a_time_that_was_later_than_the_new_one_binds_nobody(booth: Floor) -> None:
    number = ordered(booth, collected=True)
    look(booth)
    promise_earlier(booth, number, -30)
    plan_anew(booth, number)
    look(booth)
    stands = promises(booth, number)[-1]
    assert (stands["first_at"], stands["moved"]) == (stands["promised_at"], 0)


def test_an_order_that_its_customer_changed_is_promised_as_a_new_one(booth: Floor) -> None:
    number = ordered(booth, collected=True)
    look(booth)
    promise_earlier(booth, number, 30)
    name = int(booth.story(number).order["external_id"])
    booth.deliver(an_order(name, [(SCARCE, 2)], at=BOOTH, minute=30, **COLLECT), "orders/updated")
    booth.intake()
    booth.fulfil(BOOTH)
    look(booth)
    dropped, stands = promises(booth, number)
    assert (dropped["state"], stands["state"], stands["moved"]) == ("void", "open", 0)
    assert stands["first_at"] == stands["promised_at"]


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
