"""Transfers: made only with a person's yes, and every piece in one place on every path, on both databases."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import Connection, func, insert, select

from backroom.domain.events import Event, Session
from backroom.domain.leases import LeaseRefused, Loan
from backroom.domain.transfers import PackLine, TransferRefused, TransferState
from backroom.store import event_desk, events, leases, stock, transfer_packs, transfer_rows, transfers
from backroom.store.database import now
from backroom.store.tables import orders, restock_plans, stock_levels, transfer_lines
from backroom.store.tables import transfers as transfers_table
from tests.markets import end_event
from tests.shops import BOOTH, GTIN, GTIN_TEE, HUB, PLAIN, SCARCE, Floor
from tests.together import run_together

CODE = "fair-1"


def an_event(floor: Floor, code: str = CODE) -> None:
    def work(connection: Connection) -> None:
        at = now(connection)
        sessions = (Session(at + timedelta(minutes=5), at + timedelta(hours=8)),)
        events.add(connection, Event(code, "Fair", "street", BOOTH, "", sessions), (), at, "Ada")

    floor.room.database.write(work)


def proposed(
    floor: Floor,
    pieces: Mapping[str, int],
    code: str = CODE,
    packs: Sequence[PackLine] = (),
    to_print: Mapping[str, int] | None = None,
) -> str:
    """A proposal for the event, as the flow makes it; "" where nothing is to go."""

    def work(connection: Connection) -> str:
        row, at = events.locked(connection, code), now(connection)
        plan = insert(restock_plans).values(
            event_id=row["id"],
            digest="",
            open_share=0.0,
            lost_without=0.0,
            lost_with=0.0,
            lines=[],
            packs=[],
            used={},
            full=[],
            forecasts=[],
            at=at,
        )
        plan_id = connection.execute(plan.returning(restock_plans.c.id)).scalar_one()
        return transfers.propose(connection, row, plan_id, pieces, HUB, at, packs, to_print)

    return floor.room.database.write(work)


def do(floor: Floor, what: str, number: str, *rest: object) -> transfer_rows.Transfer:
    shop = (floor.room.shop,) if what == "approve" else ()
    done = floor.room.database.write(lambda c: getattr(transfers, what)(c, *shop, number, *rest))
    assert isinstance(done, transfer_rows.Transfer)
    return done


def hub(floor: Floor, sku: str = PLAIN) -> int:
    return floor.available(HUB, sku)[0]


def at_booth(floor: Floor, sku: str = PLAIN) -> int:
    with floor.room.database.read() as connection:
        level = stock.levels(connection).get((BOOTH, sku))
    return level.on_hand if level else 0


def scan(floor: Floor, number: str, code: str) -> transfers.Scanned:
    return floor.room.database.write(lambda c: transfers.scan(c, number, code))


def sent(floor: Floor, pieces: Mapping[str, int]) -> str:
    number = proposed(floor, pieces)
    do(floor, "approve", number, "Ada")
    do(floor, "send", number, {}, "Ada")
    return number


@pytest.fixture(autouse=True)
def fair(floor: Floor) -> None:
    an_event(floor)


def test_nothing_moves_before_a_person_says_yes(floor: Floor) -> None:
    number = proposed(floor, {PLAIN: 10})
    assert hub(floor) == 100
    with pytest.raises(TransferRefused, match="is proposed"):
        do(floor, "send", number, {}, "Ada")
    assert do(floor, "approve", number, "Ada").state is TransferState.APPROVED
    assert hub(floor) == 90
    with pytest.raises(TransferRefused, match="is approved"):
        do(floor, "approve", number, "Ada")
    floor.check_sums()


def test_what_is_packed_and_scanned_becomes_the_events_lease(floor: Floor) -> None:
    number = sent(floor, {PLAIN: 2})
    assert [scan(floor, number, PLAIN).left for _ in range(2)] == [1, 0]
    assert at_booth(floor) == 0
    done = do(floor, "book_in", number, "Bo")
    assert (done.state, done.missing) == (TransferState.ARRIVED, {})
    assert (hub(floor), at_booth(floor)) == (98, 2)
    with floor.room.database.read() as connection:
        (lease,) = leases.leases_of(connection, done.event_id)
        assert stock.levels(connection)[BOOTH, PLAIN].kept
    assert (lease["sku"], lease["pieces"], lease["from_location"]) == (PLAIN, 2, HUB)
    floor.check_sums()


@pytest.mark.parametrize("shared", [True, False])
def test_what_arrives_joins_what_the_event_was_lent_of_it_under_the_same_rule(floor: Floor, shared: bool) -> None:
    def lent(connection: Connection) -> int:
        return leases.lend(connection, CODE, [Loan(PLAIN, HUB, 2, shared)], key="one", actor="Ada")

    floor.room.database.write(lent)
    number = sent(floor, {PLAIN: 3, SCARCE: 1})
    for sku in (PLAIN, PLAIN, SCARCE):
        assert scan(floor, number, sku).accepted
    assert do(floor, "book_in", number, "Bo").missing == {PLAIN: 1}
    scan(floor, number, PLAIN)
    done = do(floor, "book_in", number, "Bo")
    with floor.room.database.read() as connection:
        rows = leases.leases_of(connection, done.event_id)
        kept = {sku: level.kept for (place, sku), level in stock.levels(connection).items() if place == BOOTH}
    assert [(row["sku"], row["pieces"], row["shared"]) for row in rows] == [
        (PLAIN, 2, shared),
        (PLAIN, 2, shared),
        (SCARCE, 1, False),
        (PLAIN, 1, shared),
    ]
    assert kept == {PLAIN: not shared, SCARCE: True}
    assert (hub(floor), at_booth(floor), at_booth(floor, SCARCE)) == (95, 5, 1)
    floor.check_sums()


def test_what_does_not_arrive_is_missing_by_name_until_it_turns_up(floor: Floor) -> None:
    number = sent(floor, {PLAIN: 3, SCARCE: 1})
    scan(floor, number, PLAIN)
    assert do(floor, "book_in", number, "Bo").missing == {PLAIN: 2, SCARCE: 1}
    assert scan(floor, number, SCARCE).accepted
    assert do(floor, "book_in", number, "Bo").missing == {PLAIN: 2}
    assert (at_booth(floor), at_booth(floor, SCARCE), hub(floor)) == (1, 1, 97)
    floor.check_sums()


def test_a_wrong_piece_is_refused_with_its_reason(floor: Floor) -> None:
    number = sent(floor, {PLAIN: 1})
    assert scan(floor, number, "nonsense").reason == "this code is not in the catalogue"
    assert scan(floor, number, GTIN).reason == f"{GTIN_TEE} is not in {number}"
    assert scan(floor, number, PLAIN).accepted
    assert scan(floor, number, PLAIN).reason == f"all 1 of {PLAIN} were scanned already"


def test_what_was_sold_meanwhile_is_not_set_aside_and_is_said(floor: Floor) -> None:
    number = proposed(floor, {PLAIN: 5, SCARCE: 1})
    floor.taken_in((SCARCE, 1))
    done = do(floor, "approve", number, "Ada")
    assert {line.sku: line.sent for line in done.lines} == {PLAIN: 5, SCARCE: 0}
    assert transfer_rows.short_of(done) == {SCARCE: 1}
    floor.check_sums()


def test_what_is_not_packed_and_what_is_cancelled_goes_back_to_the_shelf(floor: Floor) -> None:
    number = proposed(floor, {PLAIN: 5})
    do(floor, "approve", number, "Ada")
    with pytest.raises(TransferRefused, match="has 5 of"):
        do(floor, "send", number, {PLAIN: 6}, "Ada")
    do(floor, "send", number, {PLAIN: 3}, "Ada")
    assert hub(floor) == 97
    do(floor, "cancel", number, "Ada")
    assert hub(floor) == 100
    with pytest.raises(TransferRefused):
        do(floor, "cancel", number, "Ada")
    floor.check_sums()


def test_about_the_same_proposal_is_not_made_twice_and_another_takes_its_place(floor: Floor) -> None:
    first = proposed(floor, {PLAIN: 30})
    assert proposed(floor, {PLAIN: 31}) == first
    second = proposed(floor, {PLAIN: 60})
    assert second != first
    with floor.room.database.read() as connection:
        assert [one.state.value for one in transfer_rows.listing(connection)] == ["proposed", "outdated"]
    do(floor, "decline", second, "Ada")
    assert proposed(floor, {PLAIN: 60}) == ""
    assert proposed(floor, {PLAIN: 90}) not in ("", second)
    assert proposed(floor, {}) == ""


def test_two_runs_at_once_propose_one_transfer(floor: Floor) -> None:
    numbers = run_together([lambda: proposed(floor, {PLAIN: 10}) for _ in range(4)])
    assert len(set(numbers)) == 1


def test_two_people_who_say_yes_at_once_set_the_pieces_aside_once(floor: Floor) -> None:
    number = proposed(floor, {PLAIN: 10})

    def yes() -> bool:
        try:
            do(floor, "approve", number, "Ada")
        except TransferRefused:
            return False
        return True

    assert sum(run_together([yes for _ in range(4)])) == 1
    assert hub(floor) == 90
    floor.check_sums()


def test_what_arrives_after_the_event_is_over_goes_back(floor: Floor) -> None:
    number = sent(floor, {PLAIN: 4})
    floor.room.database.write(lambda c: event_desk.close_event(c, CODE, HUB, "Ada"))
    scan(floor, number, PLAIN)
    with pytest.raises(LeaseRefused):
        do(floor, "book_in", number, "Bo")
    assert at_booth(floor) == 0
    do(floor, "cancel", number, "Ada")
    assert hub(floor) == 100
    floor.check_sums()


def test_an_event_that_is_over_takes_no_more(floor: Floor) -> None:
    number = proposed(floor, {PLAIN: 4})
    floor.room.database.write(lambda c: event_desk.close_event(c, CODE, HUB, "Ada"))
    with pytest.raises(TransferRefused, match="is over"):
        do(floor, "approve", number, "Ada")
    floor.room.database.write(lambda c: transfers.withdraw(c, CODE))
    with floor.room.database.read() as connection:
        assert transfer_rows.read(connection, number).state is TransferState.OUTDATED
    assert hub(floor) == 100


INK = PackLine("ink", "bottle", "ml", "2900420009011", holds=250, units=300, asked=2)
PAPER = PackLine("paper", "50 sheets", "sheets", "", holds=50, units=20, asked=1)


def packs_sent(floor: Floor, *, only: Mapping[str, int] | None = None) -> str:
    number = proposed(floor, {PLAIN: 1}, packs=[INK, PAPER])
    do(floor, "approve", number, "Ada")
    do(floor, "send", number, only or {}, "Ada")
    return number


def spare(floor: Floor) -> dict[str, int]:
    with floor.room.database.read() as connection:
        return transfer_packs.spare(connection, events.find(connection, CODE)["id"])


def packs(floor: Floor, number: str) -> dict[str, tuple[int, int, int]]:
    with floor.room.database.read() as connection:
        found = transfer_rows.read(connection, number).packs
    return {pack.material: (pack.asked, pack.sent, pack.arrived) for pack in found}


def test_ink_and_paper_are_scanned_by_their_code_or_their_name(floor: Floor) -> None:
    number = packs_sent(floor)
    assert packs(floor, number) == {"ink": (2, 2, 0), "paper": (1, 1, 0)}
    assert [scan(floor, number, code).left for code in (INK.code, "ink", PLAIN, "paper")] == [3, 2, 1, 0]
    assert scan(floor, number, INK.code).reason == "all 2 of ink were scanned already"
    done = do(floor, "book_in", number, "Bo")
    assert (done.missing, done.missing_packs) == ({}, {})
    assert packs(floor, number) == {"ink": (2, 2, 2), "paper": (1, 1, 1)}


def test_packs_that_do_not_arrive_are_missing_by_name_until_they_turn_up(floor: Floor) -> None:
    number = packs_sent(floor)
    assert scan(floor, number, "ink").accepted
    done = do(floor, "book_in", number, "Bo")
    assert (done.missing, done.missing_packs) == ({PLAIN: 1}, {"ink": 1, "paper": 1})
    assert scan(floor, number, "paper").accepted
    with floor.room.database.read() as connection:
        assert transfer_rows.read(connection, number).missing_packs == {"ink": 1}


def test_everything_but_a_pack_arrives_without_scanning(floor: Floor) -> None:
    number = packs_sent(floor)
    with pytest.raises(TransferRefused, match="not so many of ink"):
        floor.room.database.write(lambda c: transfers.scan_all(c, number, {"ink": 3}))
    floor.room.database.write(lambda c: transfers.scan_all(c, number, {"ink": 1}))
    done = do(floor, "book_in", number, "Bo")
    assert (done.missing, done.missing_packs) == ({}, {"ink": 1})


def test_fewer_packs_are_packed_than_were_asked_for_and_never_more(floor: Floor) -> None:
    number = packs_sent(floor, only={"ink": 1})
    assert packs(floor, number)["ink"] == (2, 1, 0)
    other = proposed(floor, {PLAIN: 9}, packs=[INK])
    do(floor, "approve", other, "Ada")
    with pytest.raises(TransferRefused, match="has 2 of ink"):
        do(floor, "send", other, {"ink": 3}, "Ada")
    do(floor, "cancel", other, "Ada")
    assert packs(floor, other) == {"ink": (2, 0, 0)}
    floor.check_sums()


def test_what_is_left_in_the_packs_that_went_is_there_for_the_next_trip(floor: Floor) -> None:
    assert spare(floor) == {}
    number = proposed(floor, {PLAIN: 1}, packs=[INK, PAPER])
    assert spare(floor) == {}
    do(floor, "approve", number, "Ada")
    assert spare(floor) == {"ink": 2 * 250 - 300, "paper": 50 - 20}
    do(floor, "send", number, {}, "Ada")
    scan(floor, number, "paper")
    do(floor, "book_in", number, "Bo")
    # The ink is lost, until it turns up.
    assert spare(floor) == {"ink": 0, "paper": 30}
    scan(floor, number, "ink")
    scan(floor, number, INK.code)
    assert spare(floor)["ink"] == 200


def test_a_proposal_with_many_more_packs_takes_the_place_of_another(floor: Floor) -> None:
    first = proposed(floor, {PLAIN: 10}, packs=[INK])
    assert proposed(floor, {PLAIN: 10}, packs=[replace(INK, asked=3)]) == first
    assert proposed(floor, {PLAIN: 10}, packs=[replace(INK, asked=9)]) != first


class OnTheRoad(RuleBasedStateMachine):
    """Pieces of two SKUs between hub, road and booth: whatever people do in whatever order, none is lost or made."""

    floor: Floor

    @initialize()
    def begin(self) -> None:
        # The floor is the test's; each example goes on with an event of its own.
        number = next(self.numbers)
        with self.floor.room.database.read() as connection:
            self.buyer = connection.execute(select(orders.c.id)).scalars().first()
        self.code = f"road-{number}"
        an_event(self.floor, self.code)
        self.all = {sku: self.everywhere(sku) for sku in (PLAIN, SCARCE)}

    numbers = itertools.count(1)

    @rule(plain=st.integers(0, 40), scarce=st.integers(0, 1))
    def the_flow_proposes(self, plain: int, scarce: int) -> None:
        proposed(self.floor, {PLAIN: plain, SCARCE: scarce}, self.code)

    @rule(data=st.data(), what=st.sampled_from(["approve", "decline", "send", "book_in", "cancel"]))
    def somebody_acts(self, data: st.DataObject, what: str) -> None:
        number = self.pick(data)
        rest: tuple[object, ...] = ("Ada",)
        if what == "send":
            rest = ({PLAIN: data.draw(st.integers(0, 40))} if data.draw(st.booleans()) else {}, "Ada")
        if number:
            try:
                do(self.floor, what, number, *rest)
            except (TransferRefused, LeaseRefused):
                return

    @rule(data=st.data(), code=st.sampled_from([PLAIN, SCARCE, GTIN_TEE, "x"]))
    def somebody_scans(self, data: st.DataObject, code: str) -> None:
        number = self.pick(data)
        if number:
            try:
                scan(self.floor, number, code)
            except TransferRefused:
                return

    @rule()
    def somebody_buys_online(self) -> None:
        wish = stock.Wish(self.buyer, HUB, PLAIN, 3, local=False)
        self.floor.room.database.write(lambda c: stock.reserve(c, [wish], at=now(c), expires_at=None))

    @invariant()
    def every_piece_is_in_one_place(self) -> None:
        if hasattr(self, "all"):
            assert {sku: self.everywhere(sku) for sku in self.all} == self.all
            self.floor.check_sums()

    def everywhere(self, sku: str) -> int:
        """Pieces in any stock, and sent and not booked: set aside, on the way or missing."""
        with self.floor.room.database.read() as connection:
            there = select(func.sum(stock_levels.c.on_hand)).where(stock_levels.c.sku == sku)
            road = (
                select(func.sum(transfer_lines.c.sent - transfer_lines.c.booked))
                .join(transfers_table, transfers_table.c.id == transfer_lines.c.transfer_id)
                .where(transfer_lines.c.sku == sku)
            )
            return int(connection.execute(there).scalar() or 0) + int(connection.execute(road).scalar() or 0)

    def pick(self, data: st.DataObject) -> str:
        with self.floor.room.database.read() as connection:
            event_id = events.find(connection, self.code)["id"]
            numbers = [one.number for one in transfer_rows.listing(connection, event_id)]
        return data.draw(st.sampled_from(numbers)) if numbers else ""

    def teardown(self) -> None:
        if not hasattr(self, "all"):
            return

        # Its booth is free for the next example.
        end_event(self.floor, self.code)


def test_whatever_people_do_with_transfers_every_piece_is_in_one_place(floor: Floor) -> None:
    OnTheRoad.floor = floor
    floor.order((PLAIN, 1), financial_status="pending")
    floor.intake()
    chosen = settings(
        max_examples=8,
        stateful_step_count=14,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.differing_executors],
    )
    run_state_machine_as_test(seed(5)(OnTheRoad), settings=chosen)
