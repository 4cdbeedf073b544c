"""Nights that are played through in seconds: they go well, they are the same again, and a judge sees what does not."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, func, select, update

from backroom.shop.catalogue import read_catalogue
from backroom.store.database import Database, now
from backroom.store.offline_conflicts import Conflict, ConflictKind, note
from backroom.store.tables import messages, orders, print_jobs, print_promises, stock_levels
from simulation.evening import CLOSES, CUSTOMERS, UNSAMPLED, Customer, Wish, evening
from simulation.judge import judge
from simulation.market import Happened
from simulation.night import open_night
from simulation.running import first_home
from simulation.stall import BOOTH, PRESSES
from simulation.till import paid_by

SEED = 7


@dataclass(frozen=True)
class Played:
    """A night that was played, and the file of its books."""

    happened: Happened
    books: Path
    story: list[str]


@pytest.fixture(scope="module")
def first() -> Iterator[Path]:
    with first_home() as home:
        yield home


@pytest.fixture(scope="module")
def night(first: Path) -> Iterator[Played]:
    with played(first, "night") as one:
        yield one


@contextmanager
def played(first: Path, name: str, **changes: Any) -> Iterator[Played]:
    """The night of the seed, in a home folder of its own, with something of its evening changed."""
    home = first.parent / name
    shutil.copytree(first, home)
    chances = evening(SEED, read_catalogue(home / "catalogue.csv"), len(PRESSES))
    with open_night(home, replace(chances, **changes)) as one:
        one.play()
        yield Played(one.happened(), home / "shop.db", [what for _, what in one.story])


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
    assert verdict.orders == verdict.fulfilled == CUSTOMERS
    assert verdict.cancelled == 0
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


def test_the_judge_sees_a_print_for_nothing_unless_it_is_listed_for_a_person(copied: Happened) -> None:
    with copied.room.database.read() as connection:
        job = connection.execute(select(print_jobs).where(print_jobs.c.state == "done").limit(1)).mappings().one()
    cancelled = update(print_jobs).where(print_jobs.c.id == job["id"]).values(state="cancelled")
    copied.room.database.write(lambda c: c.execute(cancelled))
    assert any("was printed for nothing" in one for one in judge(copied).violations)
    listed = Conflict(
        key=f"print:{job['id']}:{job['attempt']}",
        kind=ConflictKind.FOR_NOTHING,
        location=job["location"],
        sku=job["sku"],
        pieces=job["copies"],
    )
    copied.room.database.write(lambda c: note(c, listed, now(c)))
    assert not any("was printed for nothing" in one for one in judge(copied).violations)


def test_the_judge_sees_an_order_that_hangs(copied: Happened) -> None:
    rewrite(copied, state="released")
    assert any("is still released" in one for one in judge(copied).violations)


@pytest.mark.parametrize("reason", ["no_event", "left_unfinished", "asked_by_staff", "short_stock"])
def test_the_judge_sees_an_order_on_hold_whatever_its_reason(copied: Happened, reason: str) -> None:
    rewrite(copied, state="held", hold_reason=reason)
    number, violations = first_number(copied), judge(copied).violations
    assert f"{number} is on hold ({reason}), and nobody has decided" in violations


def test_the_judge_sees_a_cancelled_order_whose_customer_has_no_or_not_all_money_back(copied: Happened) -> None:
    rewrite(copied, state="cancelled", delivery="collect")
    number = first_number(copied)
    assert f"{number} was cancelled, and its customer has no money back" in judge(copied).violations
    paid = paid_by(next(iter(copied.sold.values())))
    less = judge(replace(copied, paid_back={number: paid - 1})).violations
    assert f"{number} was cancelled: {paid - 1} of {paid} was paid back" in less
    assert not any("cancelled" in one for one in judge(replace(copied, paid_back={number: paid})).violations)


def test_the_judge_sees_a_parcel_that_was_cancelled_and_one_that_was_served_and_paid_back(copied: Happened) -> None:
    number = first_number(copied)
    paid = {number: paid_by(next(iter(copied.sold.values())))}
    assert (
        f"{number} was served, and its customer has the money back" in judge(replace(copied, paid_back=paid)).violations
    )
    rewrite(copied, state="cancelled", delivery="ship")
    wrong = judge(replace(copied, paid_back=paid)).violations
    assert f"{number} was cancelled, and could have been sent from elsewhere" in wrong


def test_a_promise_of_an_order_that_was_cancelled_was_not_kept(copied: Happened) -> None:
    before = judge(copied)
    with copied.room.database.read() as connection:
        promised = select(print_promises.c.order_id).join(orders, orders.c.id == print_promises.c.order_id)
        query = promised.where(print_promises.c.state == "kept", orders.c.delivery == "collect")
        id_ = connection.execute(query.limit(1)).scalar_one()
    rewrite(copied, id_=id_, state="cancelled")
    after = judge(copied)
    assert (after.kept, len(after.late)) == (before.kept - 1, len(before.late) + 1)


def test_who_comes_for_a_print_that_nobody_began_before_the_close_gets_the_money_back(first: Path) -> None:
    late = Customer(0, CLOSES - timedelta(minutes=5), Wish.FETCH, (("TEE-MOTH-INK-M", 2),))
    with played(first, "not-begun", customers=(late,), cut_off=CLOSES - timedelta(minutes=10)) as one:
        verdict = judge(one.happened)
    assert verdict.violations == []
    assert (verdict.orders, verdict.fulfilled, verdict.cancelled) == (1, 0, 1)
    assert list(one.happened.paid_back.values()) == [paid_by(late)]
    assert any("was not begun before the close: its customer has the money back" in what for what in one.story)


def test_what_is_left_unfinished_is_sent_from_elsewhere_and_who_waits_for_it_gets_the_money_back(first: Path) -> None:
    at, shirts = CLOSES - timedelta(minutes=15), (("TEE-MOTH-INK-M", 10),)
    waits, sent = Customer(0, at, Wish.WAIT, shirts), Customer(1, at + timedelta(seconds=5), Wish.SEND, shirts)
    # The few blanks that came from the van are not enough for either, and now it has left.
    lent = {"BLANK-TEE-INK-M": 1}
    with played(first, "unfinished", customers=(waits, sent), lent=lent, stolen={}) as one:
        verdict = judge(one.happened)
    assert verdict.violations == []
    assert (verdict.fulfilled, verdict.cancelled, verdict.diverted) == (1, 1, 1)
    assert list(one.happened.paid_back.values()) == [paid_by(waits)]
    told = " / ".join(one.story)
    assert "was left unfinished, and is sent from elsewhere" in told
    assert "was left unfinished: its customer has the money back" in told


def rewrite(night: Happened, *, id_: int = 0, **values: str) -> None:
    """Write something else into the books of an order, the first where none is named."""
    of = id_ or select(func.min(orders.c.id)).scalar_subquery()
    work = update(orders).where(orders.c.id == of).values(**values)
    night.room.database.write(lambda connection: connection.execute(work))


def first_number(night: Happened) -> str:
    with night.room.database.read() as connection:
        return str(connection.execute(select(orders.c.number).order_by(orders.c.id).limit(1)).scalar_one())


def test_the_judge_sees_a_customer_who_was_not_told(copied: Happened) -> None:
    copied.room.database.write(lambda connection: connection.execute(delete(messages)))
    assert any("was not told: ready_to_collect" in one for one in judge(copied).violations)


def test_the_judge_sees_stock_that_no_movement_explains(copied: Happened) -> None:
    more = update(stock_levels).values(on_hand=stock_levels.c.on_hand + 1)
    copied.room.database.write(lambda connection: connection.execute(more))
    assert any("by its movements" in one for one in judge(copied).violations)


def test_what_has_no_sample_at_the_booth_is_printed_elsewhere_and_nobody_waits_for_it(night: Played) -> None:
    assert judge(night.happened).unsampled > 0
    waiting = [one for one in night.happened.sold.values() if one.wish in (Wish.WAIT, Wish.FETCH)]
    assert not any(sku.startswith(UNSAMPLED) for one in waiting for sku, _ in one.items)


def test_the_judge_sees_a_print_without_a_sample(copied: Happened) -> None:
    first = select(func.min(print_jobs.c.id)).where(print_jobs.c.location == BOOTH).scalar_subquery()
    work = update(print_jobs).where(print_jobs.c.id == first).values(sku=f"{UNSAMPLED}-M")
    copied.room.database.write(lambda connection: connection.execute(work))
    assert any("has no sample at the booth" in one for one in judge(copied).violations)
