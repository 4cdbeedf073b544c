"""F8 signed: poison under the right signature, from channels of every kind, carriers, partners and SMS providers; and
in what is fetched from a channel that is asked.

What strangers send without a signature, and other doors, are in `test_poison`.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from hypothesis import strategies as st
from sqlalchemy import select

from backroom.channels.delivering import delivery_of_fetched
from backroom.channels.registry import CHANNELS, channel_for
from backroom.channels.remote import Fetched
from backroom.channels.strict_json import BrokenJson
from backroom.gateway.serve import server
from backroom.partners.registry import HINTS
from backroom.shop.room import Room
from backroom.store.inbox_door import accept
from backroom.store.tables import inbox
from tests.benches import Nobody
from tests.faults import signed
from tests.faults.asks import Ask
from tests.faults.ends import check_ends, check_good
from tests.faults.poison import bodies
from tests.faults.table import Fault
from tests.faults.test_poison import CLIENTS, Sender, drawn, mixed, quiet
from tests.faults.test_poisoned_files import tried
from tests.shops import HUB, PLAIN, SOUTH, Floor
from tests.workshops import WORKSHOP, Partnership, Workshop, workshop

__all__ = ["quiet", "workshop"]

A_WAVE = 400
MADE = [{"name": "event", "value": "made"}]


@contextmanager
def gateway(room: Room) -> Iterator[str]:
    """The shop's gateway, listening; its address."""
    running = server(room, Nobody(), port=0)
    thread = threading.Thread(target=running.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while not running.started:
        assert time.monotonic() < deadline, "the gateway did not start"
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{running.servers[0].sockets[0].getsockname()[1]}"
    finally:
        running.should_exit = True
        thread.join(20)


def work(floor: Floor) -> None:
    """Waves until nothing waits, with whatever channels only hinted at, and what the workshop told."""
    from tasks.claiming import claim_intake, holding
    from tasks.fetch import fetch_hinted, has_hints
    from tasks.release import release
    from tasks.reserve import reserve
    from tasks.route import route
    from tasks.validate import validate

    while claim := claim_intake(floor.room):
        with holding(floor.room, claim):
            validate.fn(claim)
            for _ in range(3):
                route.fn(claim)
                if not any(outcome.result == "again" for outcome in reserve.fn(claim)):
                    break
            release.fn(claim)
            if has_hints(floor.room, claim):
                fetch_hinted.fn(claim)
    for place in (HUB, SOUTH, WORKSHOP):
        floor.fulfil(place)
    Partnership(floor).ask()


@pytest.mark.fault("F8 signed")
@pytest.mark.timeout(1800)
@pytest.mark.usefixtures("quiet")
def test_poison_under_a_right_signature_breaks_nothing_and_holds_nobody_up(
    floor: Floor, monkeypatch: pytest.MonkeyPatch, workshop: Workshop, fault: Fault
) -> None:
    wanted = fault.volume(80, 1_500, 6_000)
    signed.know_everybody(floor, monkeypatch, workshop.url)
    partnership = Partnership(floor)
    # The workshop may say of an order of its own whatever it likes; of another one it is believed as before.
    about, other = (partnership.placed((PLAIN, 1), note_attributes=MADE) for _ in range(2))
    everybody = signed.senders(partnership.reference(about))
    # Whoever is new in these lists has to be tried here as well. A till comes with a key, a file from its folder, and
    # Meta is asked: what is fetched is poisoned below.
    assert {one.name for one in everybody} >= set(CHANNELS) - {"pos", "csv", "meta"} | set(HINTS)
    good = rounds = 0
    with gateway(floor.room) as url:
        sender = Sender(url)
        while (sent_already := sender.groups.total() - good) < wanted:
            rounds += 1
            poison = drawn(signed.any_of(everybody), min(A_WAVE, wanted - sent_already), fault.seed + rounds)
            sent, ids = mixed(poison, floor)
            sent += [signed.good_one(one, next(floor.ids)) for one in everybody]
            with ThreadPoolExecutor(CLIENTS) as clients:
                answers = list(clients.map(sender.send, sent))
            sender.count(list(zip(sent, answers, strict=True)))
            for ask, answer in zip(sent, answers, strict=True):
                assert not ask.group.startswith("good") or answer.status == 200, f"{answer.status} to {ask}"
            good = sender.groups["good"]
            work(floor)
            check_good(floor, ids)
            ends = check_ends(floor, but=(about, other))
        reference = partnership.reference(other)
        workshop.press(reference, "accepted", cost="14.90", currency="EUR")
        workshop.press(reference, "in_progress")
        workshop.press(reference, "shipped", carrier="DHL", tracking="JJD000390007827009999")
        partnership.ask_about(other)
        work(floor)
    assert floor.state(other)[0] == "fulfilled"
    told = {key: count for key, count in sorted(sender.groups.items()) if key != "good"}
    fault.tell(inputs=sum(told.values()), good=good, **told)
    fault.tell(**{f"answers_{key}": count for key, count in sorted(sender.answers.items())})
    fault.tell(**{f"became_{key}": count for key, count in sorted(ends.items())})


@pytest.mark.fault("F8 SMS")
@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize("kind", ["twilio", "kannel"])
def test_poison_by_an_sms_provider_breaks_nothing(
    floor: Floor, monkeypatch: pytest.MonkeyPatch, kind: str, fault: Fault
) -> None:
    signed.know_everybody(floor, monkeypatch, "https://w.example.com")
    strategy: st.SearchStrategy[Ask] = {"twilio": signed.by_twilio(), "kannel": signed.by_kannel()}[kind]
    with gateway(signed.with_sms_by(floor.room, kind)) as url:
        sender = Sender(url)
        poison = drawn(strategy, fault.volume(30, 300, 1_000), fault.seed)
        answers = [(ask, sender.send(ask)) for ask in poison]
        sender.count(answers)
        good = sender.send(signed.good_sms(kind))
        health = sender.send(Ask("health", "GET", "/health"))
    assert health.status == 200
    assert good.status == 200
    # The poison was not merely turned away at the door: it knows each right signature under all of these words.
    told = {answer.status for ask, answer in answers if ask.group.endswith("told")}
    assert told <= {200, 400}, told
    fault.tell(inputs=len(poison), **{f"answers_{key}": count for key, count in sorted(sender.answers.items())})


@pytest.mark.fault("F8 fetched")
@pytest.mark.timeout(1800)
@pytest.mark.usefixtures("quiet")
def test_poison_in_what_is_fetched_holds_no_good_order_up(
    floor: Floor, monkeypatch: pytest.MonkeyPatch, fault: Fault
) -> None:
    many = fault.volume(8, 100, 400)
    signed.know_everybody(floor, monkeypatch, "https://w.example.com")
    specs = {spec.kind: spec for spec in reversed(floor.room.shop.channels)}
    ends: Counter[str] = Counter()

    def take_in(kind: str, body: bytes) -> None:
        spec = specs[kind]
        channel = channel_for(spec)
        try:
            delivery = delivery_of_fetched(spec, channel, Fetched("1", channel.topic({}), body))
        except BrokenJson:
            ends[f"{kind}_refused"] += 1
            return
        floor.room.database.write(lambda c: accept(c, floor.room.seals, delivery, HUB))
        ends[f"{kind}_taken"] += 1

    good: list[int] = []
    for kind in signed.FETCHED:
        ids = st.integers(10**7, 10**12)
        tried(
            ids.flatmap(lambda id_, kind=kind: bodies(signed.fetched(kind, id_))),
            many,
            fault.seed,
            lambda body, kind=kind: take_in(kind, body),
        )
        good.append(floor.order((PLAIN, 1)))
        work(floor)
        check_good(floor, good)
    became = check_ends(floor)
    with floor.room.database.read() as connection:
        channels = set(connection.execute(select(inbox.c.channel)).scalars())
    assert channels >= {specs[kind].id for kind in signed.FETCHED}
    fault.tell(inputs=ends.total(), good=len(good), **dict(sorted(ends.items())))
    fault.tell(**{f"became_{key}": count for key, count in sorted(became.items())})
