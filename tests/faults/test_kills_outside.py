"""F1 with parts outside: whoever dies at any of a day's commits, a workshop has each order once, and no SMS goes twice.

The SMS gateway cannot be asked what it took: a call that was in flight is a person's to settle, and is shown to one.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import select

from backroom.store import decisions
from backroom.store.database import Database
from backroom.store.tables import effects
from tests.faults.day import Day, Days, days, fresh_shop, moments, tables_written
from tests.faults.day_outside import MADE, MESSAGES
from tests.faults.deaf_gateway import NEVER, DeafGateway, deaf_gateway
from tests.faults.table import Fault
from tests.shops import Floor, reopen_floor
from tests.workshops import Workshop, a_workshop

GOES_ON_WITHIN = 30.0
STEPS = {"inbox", "orders", "fulfilment_orders", "effects", "messages", "partner_orders", "history", "claims"}
NUMBERS = range(601, 605)


@pytest.fixture(scope="module")
def crew() -> Iterator[Days]:
    with days() as crew:
        yield crew


@dataclass
class Grounds:
    """A shop for one day, with its workshop and its SMS gateway, which outlive whoever is killed."""

    home: str
    url: str
    workshop: Workshop
    gateway: DeafGateway

    def day(self, die_at: int = 0, *, after: bool = False) -> Day:
        return Day(self.home, self.url, die_at, after, self.gateway.url, self.workshop.url)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def grounds(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], AbstractContextManager[Grounds]]:
    """A fresh shop for a day of that name, its database closed: nobody else has it open."""

    @contextmanager
    def new(name: str) -> Iterator[Grounds]:
        folder = tmp_path / name
        home, url = fresh_shop(request, folder)
        with a_workshop(folder / "workshop.db") as workshop, deaf_gateway(NEVER) as gateway:
            yield Grounds(home, url, workshop, gateway)
        shutil.rmtree(folder)

    return new


def check(crew: Days, grounds: Grounds) -> int:
    """Everything ended and happened once, once a person has settled what nobody could know; returns how many."""
    floor = reopen_floor(Database(grounds.url), Path(grounds.home))
    try:
        settled = settle_by_looking(floor, grounds.gateway)
    finally:
        floor.room.close()
    if settled:
        assert crew.live(grounds.day()).code == 0
    floor = reopen_floor(Database(grounds.url), Path(grounds.home))
    try:
        numbers = {id_: floor.number(id_) for id_ in NUMBERS}
        assert {id_: floor.state(number)[0] for id_, number in numbers.items()} == dict.fromkeys(NUMBERS, "fulfilled")
        with floor.room.database.read() as connection:
            ledger = connection.execute(select(effects.c.kind, effects.c.key, effects.c.state)).all()
        assert {row.state for row in ledger} == {"done"}
        at_partner = [row.key for row in ledger if row.kind == "partner"]
        assert len(at_partner) == len(MADE)
        assert grounds.workshop.page().count("<article>") == len(MADE)
        assert {grounds.workshop.order(key)["state"] for key in at_partner} == {"shipped"}
        assert all(floor.events(numbers[id_]).count("partner.submitted") == 1 for id_ in MADE)
        # What the gateway took: one text for each order, and no order's twice.
        assert Counter(grounds.gateway.sent.values()) == {1: len(MESSAGES)}
        floor.check_sums()
    finally:
        floor.room.close()
    return settled


def settle_by_looking(floor: Floor, gateway: DeafGateway) -> int:
    """A person looks into the gateway's own list for what is shown to them, and says what they saw."""
    with floor.room.database.read() as connection:
        waiting = decisions.undecided(connection)
        unclear = connection.execute(select(effects.c.key).where(effects.c.state.in_(["started", "unknown"]))).scalars()
        # Each call that was in flight, and nothing else, is shown with the order that it belongs to.
        assert {one.key for one in waiting} == set(unclear)
    for one in waiting:
        assert one.kind == "message"
        [number] = one.numbers
        taken = any(number in text for text in gateway.sent)
        floor.room.database.write(
            lambda c, key=one.key, taken=taken: decisions.decide(c, key, happened=taken, actor="Ada")
        )
    return len(waiting)


@pytest.mark.fault("F1 outside")
@pytest.mark.timeout(7200)
def test_a_kill_places_nothing_twice_outside_and_shows_a_person_the_one_call_nobody_can_know(
    crew: Days, grounds: Callable[[str], AbstractContextManager[Grounds]], fault: Fault
) -> None:
    with grounds("dry") as dry:
        assert crew.live(dry.day()).code == 0
        assert check(crew, dry) == 0
        wrote = tables_written(dry.home)
    assert frozenset().union(*wrote) >= STEPS
    wanted = fault.volume(2, 40, 2 * len(wrote))
    slowest, kills, asked = 0.0, 0, 0
    for number, after in moments(wrote, fault.chance):
        if kills == wanted:
            break
        moment = f"killed {'after' if after else 'before'} commit {number} of {len(wrote)}"
        with grounds(f"kill-{number}-{after}") as there:
            killed = crew.live(there.day(number, after=after))
            assert killed.code in (-9, 0), moment
            kills += killed.code == -9
            rest = crew.live(there.day())
            assert rest.code == 0, moment
            try:
                settled = check(crew, there)
                # One message goes at a time.
                assert settled <= 1
            except AssertionError as error:
                error.add_note(moment)
                raise
            asked += settled
            slowest = max(slowest, rest.seconds)
    fault.tell(commits=len(wrote), kills=kills, shown_to_a_person=asked, slowest_rest_of_the_day_s=round(slowest, 1))
    assert kills >= 0.9 * wanted, f"only {kills} of {wanted} died"
    assert slowest < GOES_ON_WITHIN
