"""Leases whose end has passed are named once, their pieces wait for a person, and a person decides."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Connection, select, update

from backroom.domain.leases import LeaseRefused, Loan
from backroom.store import event_desk, events, overdue
from backroom.store.database import now
from backroom.store.events import EventRefused
from backroom.store.tables import stock_leases, stock_levels
from tests.integration.store.test_leases import close, count, fair, lend, settle
from tests.shops import BOOTH, GTIN_TEE, HUB, PLAIN, SOUTH, Floor

__all__ = ["fair"]


def run_out(floor: Floor, hours: int = 1) -> datetime:
    """The leases' end was so many hours ago; returns it."""

    def work(connection: Connection) -> datetime:
        ended = now(connection) - timedelta(hours=hours)
        connection.execute(update(stock_leases).values(expires_at=ended))
        return ended

    return floor.room.database.write(work)


def look(floor: Floor) -> list[tuple[str, int]]:
    found = floor.room.database.write(lambda c: event_desk.look_after_all(c, HUB)).overdue
    return [(one.code, one.pieces) for one in found]


def kept(floor: Floor) -> dict[str, bool]:
    with floor.room.database.read() as connection:
        rows = connection.execute(stock_levels.select().where(stock_levels.c.location == BOOTH))
        return {row.sku: row.kept for row in rows}


def late(floor: Floor) -> overdue.Overdue | None:
    with floor.room.database.read() as connection:
        return overdue.overdue_of(connection, events.find(connection, "fair"))


def extend(floor: Floor, **ahead: float) -> datetime:
    with floor.room.database.read() as connection:
        until = now(connection) + timedelta(**ahead)
    return floor.room.database.write(lambda c: overdue.extend(c, "fair", until, "Ada"))


@pytest.fixture
def lent(fair: Floor) -> Floor:
    """A fair with thirty pieces of its own and three shared ones."""
    lend(fair, Loan(PLAIN, HUB, 30), Loan(GTIN_TEE, SOUTH, 3, shared=True))
    return fair


def test_a_lease_is_overdue_from_the_first_look_after_its_end_and_is_named_once(lent: Floor) -> None:
    assert look(lent) == []
    assert late(lent) is None
    close(lent)
    ended = run_out(lent)
    assert look(lent) == [("fair", 33)]
    assert look(lent) == []
    found = late(lent)
    assert found is not None
    assert (found.pieces, found.since) == (33, ended)
    with lent.room.database.read() as connection:
        told = [row["event"] for row in events.story(connection, 1)]
    assert told.count("lease.overdue") == 1


def test_overdue_pieces_are_not_sold_online_until_a_person_decided_shared_ones_neither(lent: Floor) -> None:
    assert kept(lent) == {PLAIN: True, GTIN_TEE: False}
    run_out(lent)
    look(lent)
    assert kept(lent) == {PLAIN: True, GTIN_TEE: True}
    extend(lent, days=2)
    assert kept(lent) == {PLAIN: True, GTIN_TEE: False}
    lent.check_sums()


def test_more_time_ends_it_and_the_new_end_is_named_again(lent: Floor) -> None:
    close(lent)
    run_out(lent)
    look(lent)
    until = extend(lent, days=5)
    assert late(lent) is None
    assert look(lent) == []
    with lent.room.database.read() as connection:
        row = events.find(connection, "fair")
        assert overdue.has_more_time(connection, row)
        told = events.story(connection, 1)[-1]
    assert (told["event"], told["actor"], told["data"]["until"]) == ("lease.extended", "Ada", until.isoformat())
    run_out(lent, hours=2)
    assert look(lent) == [("fair", 33)]


def test_the_end_is_never_moved_to_an_earlier_or_a_senseless_day(lent: Floor) -> None:
    with pytest.raises(LeaseRefused, match="is no later end"):
        extend(lent, hours=1)
    with pytest.raises(LeaseRefused, match="more than 90 days away"):
        extend(lent, days=900)
    close(lent)
    settle(lent, all_there=True)
    with pytest.raises(EventRefused, match="fair is settled"):
        extend(lent, days=20)


def test_who_brings_them_back_counts_and_settles_and_nothing_is_overdue_any_more(lent: Floor) -> None:
    close(lent)
    run_out(lent)
    look(lent)
    count(lent, PLAIN, 30)
    count(lent, GTIN_TEE, 3)
    assert {one.missing for one in settle(lent).values()} == {0}
    assert late(lent) is None
    assert not any(kept(lent).values())
    lent.check_sums()


def test_what_does_not_come_back_is_counted_as_missing_by_one_word(lent: Floor) -> None:
    close(lent)
    run_out(lent)
    look(lent)
    count(lent, PLAIN, 28)
    with pytest.raises(EventRefused, match=f"{GTIN_TEE} was not counted"):
        settle(lent)
    settled = settle(lent, rest_missing=True)
    assert (settled[PLAIN].missing, settled[GTIN_TEE].missing) == (2, 3)
    assert look(lent) == []
    lent.check_sums()


def test_when_its_hours_change_its_leases_end_moves_with_them_unless_a_person_gave_another(lent: Floor) -> None:
    def later(connection: Connection) -> datetime:
        row = events.locked(connection, "fair")
        event = events.event_of(row)
        (session,) = event.sessions
        new = replace(event, sessions=(replace(session, closes=session.closes + timedelta(hours=5)),))
        events.change(connection, row, new, now(connection), "Ada")
        overdue.follow(connection, row, new)
        return new.ends_at

    ends = lent.room.database.write(later)
    assert expiries(lent) == {ends + timedelta(hours=48)}
    until = extend(lent, days=9)
    lent.room.database.write(later)
    assert expiries(lent) == {until}


def expiries(floor: Floor) -> set[datetime]:
    with floor.room.database.read() as connection:
        return set(connection.execute(select(stock_leases.c.expires_at)).scalars())
