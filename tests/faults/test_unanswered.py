"""F7: an SMS gateway, or Twilio, takes the message, a carrier sells the label, and the answer never comes.

A workshop that takes an order and does not answer is asked for it; the same holds of its orders, and of nobody's twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from statistics import median

import pytest
from pydantic import SecretStr
from sqlalchemy import Connection, select, update

from backroom.outgoing import client
from backroom.outgoing.circuit import close_all
from backroom.shop import room as rooms
from backroom.store import decisions, sickness, stock
from backroom.store.database import now
from backroom.store.tables import effects, fulfilment_orders, orders
from blocks.carriers import CarrierAccount
from blocks.messaging import SmsProvider
from tasks.sick import give_runs
from tests import fake_twilio
from tests.fake_easypost import KEY, FakeEasyPost, easypost
from tests.faults.deaf_gateway import DeafGateway, deaf_gateway
from tests.faults.table import Fault, level
from tests.integration.carriers.conftest import world
from tests.shops import HUB, PLAIN, Floor
from tests.sms import sending_by, twilio_block
from tests.workshops import WORKSHOP, LosesAnswers, Workshop, a_partner, a_place, with_partners

# How long a client waits for an answer: its own field, which stands at 20 s in a shop.
PATIENCE, LONGEST_WAIT = 0.3, 10.0


@pytest.fixture(autouse=True)
def shortened_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client tries a lost call again after half a second, hundreds of times here: in real time at `full` alone."""
    if level() != "full":
        monkeypatch.setattr(client, "FIRST_PAUSE", 0.01)


def let_announce(floor: Floor, many: int) -> None:
    """So many orders through the hub, each of which announces itself by SMS."""
    floor.room.database.write(lambda c: stock.receive(c, "more", [(HUB, PLAIN, many)], "delivered", now(c)))
    for _ in range(many):
        floor.order((PLAIN, 1))
    floor.intake()
    floor.fulfil(HUB)


def let_time_pass(floor: Floor, location: str = HUB) -> None:
    """Until whatever is put off is due, somebody has pressed Retry on what stops many, and fulfilment has come by."""

    def close_breakers(connection: Connection) -> None:
        for row in sickness.open_breakers(connection):
            sickness.close(connection, row["id"], now(connection))

    give_runs(floor.room, "fulfilment", location)
    floor.room.database.write(close_breakers)
    late = update(fulfilment_orders).where(fulfilment_orders.c.next_attempt_at.is_not(None))
    floor.room.database.write(lambda c: c.execute(late.values(next_attempt_at=now(c) - timedelta(seconds=1))))
    floor.fulfil(location)


@contextmanager
def sending_to(floor: Floor, kind: str, deaf_to: int, *, silent: bool = False) -> Iterator[DeafGateway]:
    """The shop's SMS go to a deaf gateway. One that is silent is given up after PATIENCE seconds."""
    with deaf_gateway(deaf_to, silent=silent) as gateway, pytest.MonkeyPatch.context() as patch:
        block = SmsProvider(kind=kind, url=gateway.url, username="shop", password=SecretStr("hush"))
        as_it_is = SmsProvider.get_client
        if silent:
            patch.setattr(SmsProvider, "get_client", lambda one: replace(as_it_is(one), read_timeout=PATIENCE))
        with sending_by(floor, block):
            yield gateway


def seen(floor: Floor) -> tuple[Counter[str], Counter[str]]:
    """The states of the SMS in the ledger, and those of the orders."""
    with floor.room.database.read() as connection:
        query = select(effects.c.state).where(effects.c.kind == "message", effects.c.key.like("%-sms"))
        return Counter(connection.execute(query).scalars()), Counter(
            connection.execute(select(orders.c.state)).scalars()
        )


@pytest.mark.fault("F7")
@pytest.mark.timeout(900)
def test_where_a_key_again_is_one_message_a_lost_answer_needs_nobody(floor: Floor, fault: Fault) -> None:
    many = fault.volume(20, 1_000, 1_000)
    with sending_to(floor, "json", deaf_to=2) as gateway:
        let_announce(floor, many)
        for _ in range(3):
            let_time_pass(floor)
    ledger, ends = seen(floor)
    fault.tell(
        gateway="json", orders=many, calls=sum(gateway.taken.values()), sent=sum(gateway.sent.values()), **ledger
    )
    assert Counter(gateway.sent.values()) == {1: many}
    assert sum(gateway.taken.values()) == many + many // 2
    assert ledger == {"done": many}
    assert ends == {"fulfilled": many}


@pytest.mark.fault("F7")
@pytest.mark.timeout(900)
def test_where_nobody_can_be_asked_a_lost_answer_is_a_persons_to_settle(floor: Floor, fault: Fault) -> None:
    many = fault.volume(20, 1_000, 1_000)
    with sending_to(floor, "kannel", deaf_to=2) as gateway:
        let_announce(floor, many)
        # Whoever comes by later, a sweep, another worker: none of them sends again.
        for _ in range(3):
            let_time_pass(floor)
    ledger, ends = seen(floor)
    fault.tell(
        gateway="kannel", orders=many, calls=sum(gateway.taken.values()), sent=sum(gateway.sent.values()), **ledger
    )
    assert Counter(gateway.sent.values()) == Counter(gateway.taken.values()) == {1: many}
    assert ledger == {"done": many - many // 2, "unknown": many // 2}
    assert ends["fulfilled"] == many - many // 2
    with floor.room.database.read() as connection:
        shown = decisions.undecided(connection)
    # Each is shown with its order, and a word of a person on what they saw lets it go on without a second message.
    assert len(shown) == many // 2
    assert all(one.kind == "message" and len(one.numbers) == 1 and one.may_have_happened for one in shown)
    for one in shown:
        floor.room.database.write(lambda c, key=one.key: decisions.decide(c, key, happened=True, actor="Ada"))
    let_time_pass(floor)
    ledger, ends = seen(floor)
    assert (ledger, ends) == ({"done": many}, {"fulfilled": many})
    assert Counter(gateway.sent.values()) == {1: many}


@pytest.mark.fault("F7")
@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", ["json", "kannel"])
def test_whoever_takes_a_message_and_then_says_nothing_is_given_up_in_time_and_sends_it_once(
    floor: Floor, kind: str, fault: Fault
) -> None:
    many = fault.volume(6, 60, 400)
    with sending_to(floor, kind, deaf_to=2, silent=True) as gateway:
        let_announce(floor, many)
        for _ in range(3):
            let_time_pass(floor)
    ledger, ends = seen(floor)
    fault.tell(gateway=kind, orders=many, sent=sum(gateway.sent.values()), timed_out=len(gateway.waited), **ledger)
    assert len(gateway.waited) == many // 2
    # The gateway's clock starts once its thread has read the message, so a busy machine makes some of them short.
    assert median(gateway.waited) >= PATIENCE * 0.9
    assert max(gateway.waited) < LONGEST_WAIT
    assert Counter(gateway.sent.values()) == {1: many}
    lost = 0 if kind == "json" else many // 2
    assert ledger == Counter({"done": many - lost, "unknown": lost}) + Counter()
    assert ends["fulfilled"] == many - lost


@pytest.mark.fault("F7")
@pytest.mark.timeout(900)
@pytest.mark.parametrize("lists", [True, False], ids=["listed", "not-listed"])
def test_twilio_is_asked_for_a_lost_answer_and_never_told_twice(floor: Floor, fault: Fault, lists: bool) -> None:
    """What it lists was sent; of what it does not list nobody can tell, and a person decides."""
    many = fault.volume(8, 100, 100)
    with fake_twilio.fake_twilio(deaf_to=2) as twilio:
        twilio.lists, twilio.hangs = lists, False
        with sending_by(floor, twilio_block(twilio)):
            let_announce(floor, many)
            for _ in range(3):
                let_time_pass(floor)
        sent = Counter(row["body"] for row in twilio.messages)
    ledger, ends = seen(floor)
    fault.tell(gateway="twilio", lists=lists, orders=many, sent=sum(sent.values()), asked=twilio.asked, **ledger)
    assert set(sent.values()) == {1}
    if lists:
        assert ledger == {"done": many}
        assert ends == {"fulfilled": many}
        assert twilio.asked == many // 2
    else:
        # Two lost answers in a row would leave the rest of a wave for later; none comes in a row here.
        assert ledger == {"done": many - many // 2, "unknown": many // 2}
        assert ends["fulfilled"] == many - many // 2


@contextmanager
def buying_at_easypost(floor: Floor) -> Iterator[FakeEasyPost]:
    """The shop's labels come from EasyPost; the block that says so comes from here instead of from Prefect's server."""
    block = CarrierAccount(kind="easypost", secret=SecretStr(KEY))
    with easypost() as there, pytest.MonkeyPatch.context() as patch:
        there.currency = "EUR"
        floor.room = replace(floor.room, shop=replace(floor.room.shop, carriers=(world(there),)))
        patch.setattr(CarrierAccount, "load", lambda _name: block)
        patch.setitem(rooms._open, floor.room.home.resolve(), floor.room)
        yield there


@pytest.mark.fault("F7")
@pytest.mark.timeout(900)
def test_a_carrier_that_sells_and_does_not_answer_is_asked_for_what_it_sold(floor: Floor, fault: Fault) -> None:
    many = fault.volume(12, 100, 500)
    with buying_at_easypost(floor) as there:
        # Of every two purchases one gets no answer, and of every four what was bought cannot be seen either.
        there.trouble["POST", "/buy"] = ["drop", None] * many

        def hide(shipment: str) -> None:
            if there.purchases() % 4 == 1:
                there.trouble["GET", f"/{shipment}"] = [401]

        there.on_bought = hide
        let_announce(floor, many)
        there.on_bought = lambda _: None
        for _ in range(3):
            close_all()
            let_time_pass(floor)
        bought = dict(there.bought)
    with floor.room.database.read() as connection:
        labels = Counter(connection.execute(select(effects.c.state).where(effects.c.kind == "label")).scalars())
        ends = Counter(connection.execute(select(orders.c.state)).scalars())
    fault.tell(carrier="easypost", orders=many, labels=sum(bought.values()), **labels)
    assert set(bought.values()) == {1}
    assert len(bought) == 2 * many
    assert labels == {"done": many}
    assert ends == {"fulfilled": many}


@pytest.mark.fault("F7")
@pytest.mark.timeout(900)
def test_a_workshop_that_takes_orders_and_does_not_answer_makes_each_once(
    floor: Floor, workshop: Workshop, monkeypatch: pytest.MonkeyPatch, fault: Fault
) -> None:
    many = fault.volume(12, 1_000, 1_000)
    with LosesAnswers(workshop.url) as line:
        line.lose_each("POST", 2)
        with_partners(floor, monkeypatch, a_place(a_partner(line.url)))
        for _ in range(many):
            floor.order((PLAIN, 1))
        floor.intake()
        floor.fulfil(WORKSHOP)
        for _ in range(3):
            close_all()
            let_time_pass(floor, WORKSHOP)
    placed = dict(floor.effects("partner"))
    there = workshop.count_orders()
    fault.tell(partner="workshop", orders=many, there=there, **Counter(placed.values()))
    assert set(placed.values()) == {"done"}
    assert len(placed) == there == many
    assert {workshop.order(key)["reference"] for key in placed} == set(placed)
