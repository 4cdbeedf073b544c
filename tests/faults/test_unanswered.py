"""F7: an SMS gateway, or Twilio, takes the message, a carrier sells the label, and the answer never comes.

Partners join when there are some that are called over a network.
"""

from __future__ import annotations

import json
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import SecretStr
from sqlalchemy import Connection, select, update

from backroom.outgoing.circuit import close_all
from backroom.shop import room as rooms
from backroom.store import effects as ledger_rows
from backroom.store import sickness, stock
from backroom.store.database import now
from backroom.store.tables import effects, fulfilment_orders, orders
from blocks.carriers import CarrierAccount
from blocks.messaging import SmsProvider
from tasks.sick import give_runs
from tests import fake_twilio
from tests.fake_easypost import KEY, FakeEasyPost, easypost
from tests.faults.table import Fault
from tests.integration.carriers.conftest import world
from tests.shops import HUB, PLAIN, Floor
from tests.sms import sending_by, twilio_block


@dataclass
class DeafGateway:
    """An SMS gateway at `url` that takes every message, and leaves some without an answer the first time.

    It speaks as Kannel does (GET, no keys), and as a gateway with idempotency keys does (POST), which sends one message
    a key, however often it is asked. Of every `deaf_to` messages one gets no answer.
    """

    url: str
    deaf_to: int
    taken: Counter[str] = field(default_factory=Counter)
    sent: Counter[str] = field(default_factory=Counter)

    def hear(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as lines:
            while request := lines.readline().decode("ascii").split():
                headers = {}
                while line := lines.readline().strip():
                    name, _, value = line.decode("latin-1").partition(":")
                    headers[name.lower()] = value.strip()
                body = lines.read(int(headers.get("content-length", "0")))
                if request[0] == "GET":
                    # Each text names its order, and each order has one.
                    key = parse_qs(urlsplit(request[1]).query)["text"][0]
                else:
                    key = json.loads(body)["reference"]
                self.taken[key] += 1
                if request[0] == "GET" or self.taken[key] == 1:
                    self.sent[key] += 1
                if self.taken[key] == 1 and len(self.taken) % self.deaf_to == 0:
                    return
                answer = b"202 Accepted\r\nContent-Length: 25\r\n\r\n0: Accepted for delivery\r\n"
                if request[0] == "POST":
                    answer = b'200 OK\r\nContent-Length: 12\r\n\r\n{"id": "77"}'
                connection.sendall(b"HTTP/1.1 " + answer)


@contextmanager
def deaf_gateway(deaf_to: int) -> Iterator[DeafGateway]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        gateway = DeafGateway(f"http://127.0.0.1:{listener.getsockname()[1]}/send", deaf_to)

        def listen() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=gateway.hear, args=(connection,), daemon=True).start()

        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        yield gateway
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(20)


def let_announce(floor: Floor, many: int) -> None:
    """So many orders through the hub, each of which announces itself by SMS."""
    floor.room.database.write(lambda c: stock.receive(c, "more", [(HUB, PLAIN, many)], "delivered", now(c)))
    for _ in range(many):
        floor.order((PLAIN, 1))
    floor.intake()
    floor.fulfil(HUB)


def let_time_pass(floor: Floor) -> None:
    """Until whatever is put off is due, somebody has pressed Retry on what stops many, and fulfilment has come by."""

    def close_breakers(connection: Connection) -> None:
        for row in sickness.open_breakers(connection):
            sickness.close(connection, row["id"], now(connection))

    give_runs(floor.room, "fulfilment", HUB)
    floor.room.database.write(close_breakers)
    late = update(fulfilment_orders).where(fulfilment_orders.c.next_attempt_at.is_not(None))
    floor.room.database.write(lambda c: c.execute(late.values(next_attempt_at=now(c) - timedelta(seconds=1))))
    floor.fulfil(HUB)


@contextmanager
def sending_to(floor: Floor, kind: str, deaf_to: int) -> Iterator[DeafGateway]:
    """The shop's SMS go to a deaf gateway."""
    with deaf_gateway(deaf_to) as gateway:
        block = SmsProvider(kind=kind, url=gateway.url, username="shop", password=SecretStr("hush"))
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
        listed = ledger_rows.unknown(connection)
    assert len(listed) == many // 2


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
