"""An event does not settle while its tills lack sales that are known of, unless somebody gives those up by name."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

import pytest
from sqlalchemy import update

from backroom.domain.leases import Loan, Settled
from backroom.store import events, leases, untold_sales
from backroom.store.database import now
from backroom.store.events import EventRefused
from backroom.store.tables import tills
from backroom.store.till_numbers import hear
from tests.integration.store.test_leases import close, lend, plan
from tests.shops import BOOTH, HUB, PLAIN, SOUTH, Floor


def settle(floor: Floor, code: str = "fair", *, sales_lost: bool = False, all_there: bool = True) -> list[Settled]:
    return floor.room.database.write(
        lambda c: leases.settle_event(c, code, hub=HUB, actor="Ada", all_there=all_there, sales_lost=sales_lost)
    )


def told(floor: Floor, till: str, numbers: Iterable[int], at: str = BOOTH) -> None:
    floor.room.database.write(lambda c: hear(c, till, at, numbers))


def lacking(floor: Floor, code: str = "fair") -> list[str]:
    with floor.room.database.read() as connection:
        return [one.said for one in untold_sales.of_event(connection, events.find(connection, code))]


def story(floor: Floor, code: str = "fair") -> dict[str, object]:
    with floor.room.database.read() as connection:
        return {row["event"]: row["data"] for row in events.story(connection, events.find(connection, code)["id"])}


@pytest.fixture
def over(floor: Floor) -> Floor:
    """The floor after a fair that four pieces were lent to; its till told of sales 1 and 4."""
    plan(floor)
    lend(floor, Loan(PLAIN, HUB, 4))
    told(floor, "till-a", (1, 4))
    close(floor)
    return floor


def test_an_event_is_not_settled_while_sales_between_those_that_were_told_are_missing(over: Floor) -> None:
    with pytest.raises(EventRefused, match="sales 2 and 3 of till-a were never told") as refusal:
        settle(over)
    assert "Bring the till back" in refusal.value.remedy
    assert lacking(over) == ["sales 2 and 3 of till-a were never told"]
    told(over, "till-a", (3,))
    with pytest.raises(EventRefused, match="sale 2 of till-a was never told"):
        settle(over)
    told(over, "till-a", (2,))
    assert lacking(over) == []
    assert [one.missing for one in settle(over)] == [0]


def test_what_tills_of_other_places_lack_keeps_no_event_from_being_settled(over: Floor) -> None:
    told(over, "till-south", (1, 9), at=SOUTH)
    told(over, "till-a", (2, 3))
    assert len(settle(over)) == 1


def test_sales_that_somebody_gives_up_are_written_into_the_events_history_by_till_and_number(over: Floor) -> None:
    settle(over, sales_lost=True)
    assert story(over)["sales.given_up"] == {"tills": {"till-a": [[2, 3]]}}
    assert lacking(over) == []


def test_what_was_given_up_at_one_event_is_no_gap_of_the_next_and_what_is_new_is(over: Floor) -> None:
    settle(over, sales_lost=True)
    plan(over, "next")
    told(over, "till-a", (2, 5, 7))
    close(over, "next")
    assert lacking(over, "next") == ["sale 6 of till-a was never told"]
    with pytest.raises(EventRefused, match="sale 6 of till-a"):
        settle(over, "next")
    settle(over, "next", sales_lost=True)
    assert story(over, "next")["sales.given_up"] == {"tills": {"till-a": [[6, 6]]}}


def test_giving_up_sales_guesses_no_count_and_writes_nothing_where_it_is_refused(over: Floor) -> None:
    with pytest.raises(EventRefused, match="was not counted"):
        settle(over, sales_lost=True, all_there=False)
    assert "sales.given_up" not in story(over)


def test_giving_up_where_nothing_is_missing_writes_nothing(over: Floor) -> None:
    told(over, "till-a", (2, 3))
    settle(over, sales_lost=True)
    assert "sales.given_up" not in story(over)


def test_many_missing_sales_are_said_in_a_few_words(over: Floor) -> None:
    told(over, "till-a", (5, 10**14))
    told(over, "till-b", range(1, 40, 2))
    assert lacking(over) == [
        "sales 2, 3 and 6 to 99999999999999 of till-a were never told",
        "sales 2, 4, 6, 8, 10 and more of till-b were never told",
    ]


def test_tills_of_an_event_are_those_heard_there_since_it_began_and_those_that_lack_sales(over: Floor) -> None:
    told(over, "till-b", (1,))
    told(over, "till-old", (1,))
    told(over, "till-south", (1,), at=SOUTH)

    def long_ago(*names: str) -> None:
        over.room.database.write(
            lambda c: (
                c.execute(
                    update(tills).where(tills.c.name.in_(names)).values(heard_at=now(c) - timedelta(days=3))
                ).rowcount
            )
        )

    long_ago("till-old", "till-a")
    with over.room.database.read() as connection:
        row = events.find(connection, "fair")
        heard = {
            one["name"]: one["heard_at"]
            for one in untold_sales.heard(connection, row, untold_sales.of_event(connection, row))
        }
    assert list(heard) == ["till-a", "till-b"]
    assert heard["till-a"] < heard["till-b"]
