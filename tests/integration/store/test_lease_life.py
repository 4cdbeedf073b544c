"""Conservation: whatever happens to the pieces of a shop with one event after the other, each is in one place."""

from __future__ import annotations

import itertools
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Connection, select, update

from backroom.domain.events import Event, EventState, Session
from backroom.domain.leases import LeaseRefused, Loan
from backroom.engine import wake
from backroom.shop import room as rooms
from backroom.store import event_desk, events, leases, stock
from backroom.store.database import Database, now
from backroom.store.events import EventRefused
from backroom.store.stock import Wish
from backroom.store.tables import orders, reservations
from tests.shops import BOOTH, HUB, PLAIN, SOUTH, Floor, open_floor

# What lies at the hub and at the local hub to begin with.
IN_ALL = 120


class Pieces(RuleBasedStateMachine):
    """One SKU: pieces at the hubs + leased (lying at the booth) + sold + missing stay what they were."""

    def __init__(self, template: Path, folder: Path) -> None:
        super().__init__()
        self.template, self.folder = template, folder

    @initialize()
    def begin(self) -> None:
        home = self.folder / f"{len(list(self.folder.iterdir()))}"
        home.mkdir()
        shutil.copy(self.template, home / "shop.db")
        self.floor: Floor = open_floor(Database(f"sqlite:///{home / 'shop.db'}"), home / "shop")
        self.patch = pytest.MonkeyPatch()
        self.patch.setenv("BACKROOM_HOME", str(self.floor.room.home))
        self.patch.setitem(rooms._open, self.floor.room.home.resolve(), self.floor.room)
        self.patch.setitem(vars(wake), "_this", self.floor.waker)
        self.write = self.floor.room.database.write
        self.numbers = itertools.count(1)
        self.code, self.state, self.sold, self.missing, self.settled = "", EventState.SETTLED, 0, 0, 0
        self.floor.order((PLAIN, 1), financial_status="pending")
        self.floor.intake()

    @precondition(lambda self: self.state is EventState.SETTLED)
    @rule()
    def plan(self) -> None:
        self.code = f"fair-{next(self.numbers)}"

        def work(connection: Connection) -> None:
            at = now(connection)
            sessions = (Session(at, at + timedelta(hours=8)),)
            events.add(connection, Event(self.code, "Fair", "street", BOOTH, "", sessions), (), at, "Ada")

        self.write(work)
        self.state = EventState.PLANNED

    @precondition(lambda self: self.state in (EventState.PLANNED, EventState.LIVE))
    @rule(place=st.sampled_from([HUB, SOUTH]), pieces=st.integers(1, 30))
    def lend(self, place: str, pieces: int) -> None:
        key = f"lease-{next(self.numbers)}"
        free = self.floor.available(place, PLAIN)[0]
        try:
            self.write(lambda c: leases.lend(c, self.code, [Loan(PLAIN, place, pieces)], key=key, actor="Ada"))
        except LeaseRefused:
            assert free < pieces
        else:
            assert free >= pieces

    @precondition(lambda self: self.state is EventState.PLANNED)
    @rule()
    def open(self) -> None:
        self.write(lambda c: event_desk.open_event(c, self.code, HUB, "Ada"))
        self.state = EventState.LIVE

    @precondition(lambda self: self.state is EventState.LIVE)
    @rule(pieces=st.integers(1, 9))
    def sell(self, pieces: int) -> None:
        part = next(self.numbers)

        def work(connection: Connection) -> bool:
            order = connection.execute(select(orders.c.id)).scalar_one()
            short = stock.reserve(connection, [Wish(order, BOOTH, PLAIN, pieces)], at=now(connection), expires_at=None)
            mine = update(reservations).where(reservations.c.state == "held")
            connection.execute(mine.values(fulfilment_order_id=part))
            stock.consume(connection, [part], now(connection))
            return not short

        self.sold += pieces if self.write(work) else 0

    @precondition(lambda self: self.state in (EventState.PLANNED, EventState.LIVE))
    @rule()
    def close(self) -> None:
        self.write(lambda c: event_desk.close_event(c, self.code, HUB, "Ada"))
        self.state = EventState.CLOSED

    @precondition(lambda self: self.state is EventState.CLOSED)
    @rule(lost=st.integers(-2, 9))
    def settle(self, lost: int) -> None:
        with self.floor.room.database.read() as connection:
            there = sum(one.there for one in leases.standing(connection, events.find(connection, self.code)))
        if there:
            with pytest.raises(EventRefused):
                self.write(lambda c: leases.settle_event(c, self.code, hub=HUB, actor="Ada"))
        found = max(0, there - lost)
        self.write(lambda c: leases.count(c, self.code, PLAIN, found, "Ada"))
        settled = self.write(lambda c: leases.settle_event(c, self.code, hub=HUB, actor="Ada"))
        for one in settled:
            assert one.leased == one.sold + one.returned + one.missing
            assert one.other == 0
        assert sum(one.missing for one in settled) == there - found
        self.missing += there - found
        self.state = EventState.SETTLED

    @invariant()
    def every_piece_is_in_one_place(self) -> None:
        with self.floor.room.database.read() as connection:
            levels = {place: level for place, level in stock.levels(connection).items() if place[1] == PLAIN}
        at_hubs = levels[HUB, PLAIN].on_hand + levels[SOUTH, PLAIN].on_hand
        at_booth = levels[BOOTH, PLAIN].on_hand if (BOOTH, PLAIN) in levels else 0
        assert at_hubs + at_booth + self.sold + self.missing == IN_ALL
        if self.state is EventState.SETTLED:
            assert at_booth == 0
        self.floor.check_sums()

    def teardown(self) -> None:
        self.patch.undo()
        self.floor.room.database.close()


def test_pieces_at_the_hubs_leased_sold_and_missing_stay_what_they_were(sqlite_template: Path, tmp_path: Path) -> None:
    run_state_machine_as_test(
        lambda: Pieces(sqlite_template, tmp_path),
        settings=settings(
            max_examples=12, stateful_step_count=16, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
