"""Nights that are played through in seconds: they go well, they are the same again, and a judge sees what does not."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, select, update

from backroom.shop.catalogue import read_catalogue
from backroom.store.database import Database
from backroom.store.tables import messages, orders, print_promises, stock_levels
from simulation.evening import CUSTOMERS, evening
from simulation.judge import judge
from simulation.market import Happened
from simulation.night import open_night
from simulation.running import first_home
from simulation.stall import PRESSES

SEED = 7


@dataclass(frozen=True)
class Played:
    """A night that was played, and the file of its books."""

    happened: Happened
    books: Path
    story: list[str]


@pytest.fixture(scope="module")
def night() -> Iterator[Played]:
    with first_home() as first:
        home = first.parent / "night"
        shutil.copytree(first, home)
        chances = evening(SEED, read_catalogue(home / "catalogue.csv"), len(PRESSES))
        with open_night(home, chances) as played:
            played.play()
            yield Played(played.happened(), home / "shop.db", [what for _, what in played.story])


@pytest.fixture
def copied(night: Played, tmp_path: Path) -> Iterator[Happened]:
    """The same night with books of its own, into which something wrong may be written."""
    night.happened.room.database.write(lambda connection: None)
    for path in night.books.parent.glob(night.books.name + "*"):
        shutil.copy(path, tmp_path)
    database = Database(f"sqlite:///{tmp_path / night.books.name}")
    yield replace(night.happened, room=replace(night.happened.room, database=database))
    database.close()


def test_a_night_with_all_its_troubles_goes_well(night: Played) -> None:
    verdict = judge(night.happened)
    assert verdict.violations == []
    assert verdict.orders == verdict.fulfilled + verdict.held == CUSTOMERS
    assert verdict.kept_enough
    told = " / ".join(night.story)
    for trouble in ("out of paper", "is dead", "no network", "the network is back", "counted and settled"):
        assert trouble in told


def test_an_evening_is_the_same_again_from_its_seed(night: Played) -> None:
    catalogue = read_catalogue(night.books.parent / "catalogue.csv")
    assert evening(SEED, catalogue, len(PRESSES)) == night.happened.evening
    assert evening(SEED + 1, catalogue, len(PRESSES)) != night.happened.evening


def test_the_judge_sees_a_piece_that_came_out_twice(night: Played) -> None:
    key, at = night.happened.came_out[0]
    twice = replace(night.happened, came_out=[*night.happened.came_out, (key, at)])
    assert any(f"{key} came out 2 times" in one for one in judge(twice).violations)


def test_the_judge_sees_a_print_that_nobody_knows_of(night: Played) -> None:
    _, at = night.happened.came_out[0]
    more = replace(night.happened, came_out=[*night.happened.came_out, ("print-A-9-x-1-1", at)])
    assert "print-A-9-x-1-1 came out, and nobody knows of it" in judge(more).violations


def test_the_judge_sees_a_piece_that_two_customers_were_handed(night: Played) -> None:
    bags = {name: Counter(bag) for name, bag in night.happened.table.bags.items()}
    name, sku = next((name, sku) for name, bag in bags.items() for sku in +bag)
    other = next(one for one in bags if one != name)
    bags[name][sku] -= 1
    bags[other][sku] += 1
    swapped = replace(night.happened, table=replace(night.happened.table, bags=bags))
    assert sum("should have been handed" in one for one in judge(swapped).violations) == 2


def test_the_judge_sees_a_sale_that_never_became_an_order(night: Played) -> None:
    sold = night.happened.sold | {"till-evening-999": next(iter(night.happened.sold.values()))}
    assert "till-evening-999 became 0 orders" in judge(replace(night.happened, sold=sold)).violations


def test_the_judge_sees_a_settlement_that_does_not_add_up(night: Played) -> None:
    first, *others = night.happened.settled
    wrong = replace(night.happened, settled=[replace(first, sold=first.sold + 1), *others])
    assert any(one.startswith(f"{first.sku} does not add up") for one in judge(wrong).violations)


def test_the_judge_sees_a_theft_that_the_settlement_does_not_know(night: Played) -> None:
    sku = night.happened.settled[0].sku
    stolen = night.happened.stolen + Counter({sku: 1})
    assert any("were stolen" in one for one in judge(replace(night.happened, stolen=stolen)).violations)


def test_the_judge_sees_promises_that_were_not_kept_whatever_the_books_say(copied: Happened) -> None:
    earlier = update(print_promises).values(first_at=print_promises.c.first_at)
    with copied.room.database.read() as connection:
        rows = connection.execute(select(print_promises.c.id, print_promises.c.first_at)).all()
    for row in rows:
        change = earlier.where(print_promises.c.id == row.id).values(first_at=row.first_at - timedelta(hours=2))
        copied.room.database.write(lambda connection, change=change: connection.execute(change))
    verdict = judge(copied)
    assert verdict.kept == 0
    assert not verdict.kept_enough
    assert any("was late, and the books say kept" in one for one in verdict.violations)


def test_the_judge_sees_an_order_that_hangs(copied: Happened) -> None:
    first = select(orders.c.id).order_by(orders.c.id).limit(1).scalar_subquery()
    hang = update(orders).where(orders.c.id == first).values(state="released")
    copied.room.database.write(lambda connection: connection.execute(hang))
    assert any("is still released" in one for one in judge(copied).violations)


def test_the_judge_sees_a_customer_who_was_not_told(copied: Happened) -> None:
    copied.room.database.write(lambda connection: connection.execute(delete(messages)))
    assert any("was not told: ready_to_collect" in one for one in judge(copied).violations)


def test_the_judge_sees_stock_that_no_movement_explains(copied: Happened) -> None:
    more = update(stock_levels).values(on_hand=stock_levels.c.on_hand + 1)
    copied.room.database.write(lambda connection: connection.execute(more))
    assert any("by its movements" in one for one in judge(copied).violations)
