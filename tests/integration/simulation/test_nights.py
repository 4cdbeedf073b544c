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
from sqlalchemy import Connection, RowMapping, delete, func, insert, select, update

from backroom.shop.catalogue import read_catalogue
from backroom.store import refunds as refund_rows
from backroom.store.database import Database, now
from backroom.store.offline_conflicts import Conflict, ConflictKind, note
from backroom.store.print_jobs import job_key
from backroom.store.tables import (
    fulfilment_orders,
    inbox,
    messages,
    order_lines,
    orders,
    print_jobs,
    print_promises,
    quarantine,
    refunds,
    stock_levels,
)
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


def owe(night: Happened, number: str, owed: int, paid: int | None) -> None:
    """Write a refund into the books of a cancelled order; with `paid`, somebody said that so much was paid back."""

    def work(connection: Connection) -> None:
        order = connection.execute(select(orders.c.id).where(orders.c.number == number)).scalar_one()
        connection.execute(delete(refunds))
        key = f"refund-{number}-{owed}-{paid}"
        refund_rows.write(connection, key, order, owed, 0, "EUR", now(connection))
        if paid is not None:
            connection.execute(update(refunds).values(state="done", paid_minor=paid))

    night.room.database.write(work)


def test_the_judge_sees_a_cancelled_order_whose_customer_is_owed_nothing_or_has_not_all_money_back(
    copied: Happened,
) -> None:
    rewrite(copied, state="cancelled", delivery="collect")
    number = first_number(copied)
    assert f"{number} was cancelled, and nothing is owed to its customer" in judge(copied).violations
    paid = paid_by(next(iter(copied.sold.values())))
    owe(copied, number, paid, None)
    assert f"{number} was cancelled, and its customer has no money back" in judge(copied).violations
    owe(copied, number, paid - 1, paid - 1)
    less = judge(copied).violations
    assert f"{number} was cancelled: {paid - 1} of {paid} is owed" in less
    assert f"{number} was cancelled: {paid - 1} of {paid} was paid back" in less
    owe(copied, number, paid, paid)
    assert not any("cancelled" in one for one in judge(copied).violations)


def test_the_judge_sees_a_parcel_that_was_cancelled_and_one_that_was_served_and_paid_back(copied: Happened) -> None:
    number = first_number(copied)
    paid = paid_by(next(iter(copied.sold.values())))
    owe(copied, number, paid, paid)
    assert f"{number} was served, and its customer has the money back" in judge(copied).violations
    rewrite(copied, state="cancelled", delivery="ship")
    assert f"{number} was cancelled, and could have been sent from elsewhere" in judge(copied).violations


def test_a_promise_of_an_order_that_was_cancelled_was_not_kept(copied: Happened) -> None:
    before = judge(copied)
    with copied.room.database.read() as connection:
        promised = select(print_promises.c.order_id).join(orders, orders.c.id == print_promises.c.order_id)
        query = promised.where(print_promises.c.state == "kept", orders.c.delivery == "collect")
        id_ = connection.execute(query.limit(1)).scalar_one()
    rewrite(copied, id_=id_, state="cancelled")
    after = judge(copied)
    assert (after.kept, len(after.late)) == (before.kept - 1, len(before.late) + 1)


def first_promise(night: Happened) -> RowMapping:
    """A promise of somebody who came to collect, which was kept."""
    query = select(print_promises).join(orders, orders.c.id == print_promises.c.order_id)
    query = query.where(print_promises.c.state == "kept", orders.c.delivery == "collect")
    with night.room.database.read() as connection:
        return connection.execute(query.order_by(print_promises.c.id).limit(1)).mappings().one()


def plan_anew(night: Happened, promise: RowMapping, before: timedelta) -> None:
    """Write into the books that somebody had been told another time of the same order, of work that was dropped."""

    def work(connection: Connection) -> None:
        of = select(fulfilment_orders).where(fulfilment_orders.c.id == promise["fulfilment_order_id"])
        part = dict(connection.execute(of).mappings().one())
        part |= {"state": "cancelled", "key": "dropped"}
        del part["id"]
        dropped = connection.execute(insert(fulfilment_orders).values(part)).inserted_primary_key
        assert dropped is not None
        told = dict(promise) | {"fulfilment_order_id": dropped[0], "state": "void"}
        told |= {name: promise[name] - before for name in ("first_at", "promised_at", "made_at")}
        del told["id"]
        connection.execute(insert(print_promises).values(told))

    night.room.database.write(work)


def test_what_was_told_before_an_order_was_planned_anew_counts_against_its_last_piece(copied: Happened) -> None:
    before, promise = judge(copied), first_promise(copied)
    plan_anew(copied, promise, timedelta(hours=3))
    after = judge(copied)
    assert after.violations == before.violations
    assert (after.kept, len(after.late)) == (before.kept - 1, len(before.late) + 1)
    (late,) = [one for one in after.late if one not in before.late]
    assert late.first == promise["first_at"] - timedelta(hours=3)
    assert late.ready is not None


def test_an_order_that_was_planned_anew_and_came_in_its_first_time_is_one_promise_that_was_kept(
    copied: Happened,
) -> None:
    before, promise = judge(copied), first_promise(copied)
    plan_anew(copied, promise, timedelta())
    after = judge(copied)
    assert (after.kept, len(after.late), after.violations) == (before.kept, len(before.late), before.violations)


def test_the_judge_sees_a_promised_order_that_left_the_booth_and_whose_customer_was_not_told(copied: Happened) -> None:
    before, promise = judge(copied), first_promise(copied)
    voided = update(print_promises).where(print_promises.c.id == promise["id"]).values(state="void")
    copied.room.database.write(lambda c: c.execute(voided).rowcount)
    moved = update(fulfilment_orders).where(fulfilment_orders.c.id == promise["fulfilment_order_id"])
    copied.room.database.write(lambda c: c.execute(moved.values(state="making", made_at=None)).rowcount)
    # Where the press says when it came out, that is when it was ready, whatever the books say.
    assert (judge(copied).kept, len(judge(copied).late)) == (before.kept, len(before.late))
    silent = [one for one in copied.came_out if f"-{first_number(copied, promise['order_id'])}-" not in one[0]]
    number = first_number(copied, promise["order_id"])
    assert (
        f"{number} was promised and planned anew, and is not made" in judge(replace(copied, came_out=silent)).violations
    )
    copied.room.database.write(lambda c: c.execute(moved.values(location="local-hub")).rowcount)
    untold = f"{number} was promised here and is made elsewhere, and its customer was not told"
    assert untold in judge(copied).violations
    last = select(func.max(messages.c.id)).where(messages.c.order_id == promise["order_id"]).scalar_subquery()
    told = update(messages).where(messages.c.id == last).values(kind="made_elsewhere", state="sent")
    assert copied.room.database.write(lambda c: c.execute(told).rowcount)
    after = judge(copied)
    assert untold not in after.violations
    assert (after.kept, after.elsewhere) == (before.kept - 1, before.elsewhere + 1)


def test_the_judge_sees_a_kept_promise_without_a_print(copied: Happened) -> None:
    number = first_number(copied, first_promise(copied)["order_id"])
    silent = replace(copied, came_out=[one for one in copied.came_out if f"-{number}-" not in one[0]])
    violations = judge(silent).violations
    assert f"{number} was promised, and is kept without having been printed" in violations
    assert any(f"-{number}-" in one and "is called printed, and came out 0 times" in one for one in violations)


def test_the_judge_sees_one_that_is_called_made_elsewhere_and_was_not_told(copied: Happened) -> None:
    promise = first_promise(copied)
    gone = update(print_promises).where(print_promises.c.id == promise["id"]).values(state="elsewhere")
    copied.room.database.write(lambda c: c.execute(gone).rowcount)
    number = first_number(copied, promise["order_id"])
    assert f"the customer of {number} was not told: made elsewhere" in judge(copied).violations


def test_the_judge_sees_an_order_of_nobody_and_a_customer_who_never_ordered(copied: Happened) -> None:
    name = next(iter(copied.sold))
    sold = {one: customer for one, customer in copied.sold.items() if one != name}
    violations = judge(replace(copied, sold=sold)).violations
    assert f"{name} is nobody's" in violations
    assert f"{CUSTOMERS} customers came, and {CUSTOMERS - 1} ordered" in violations


def test_the_judge_sees_a_message_in_quarantine(copied: Happened) -> None:
    def work(connection: Connection) -> None:
        one = connection.execute(select(func.min(inbox.c.id))).scalar_one()
        row = {"inbox_id": one, "channel": "web", "problems": [], "state": "waiting", "at": now(connection)}
        connection.execute(insert(quarantine).values(row))

    copied.room.database.write(work)
    assert "a message lies in quarantine: web" in judge(copied).violations


def test_the_judge_sees_an_order_that_was_sent_less_than_was_ordered(copied: Happened) -> None:
    more = update(order_lines).where(order_lines.c.id == select(func.min(order_lines.c.id)).scalar_subquery())
    copied.room.database.write(lambda c: c.execute(more.values(quantity=order_lines.c.quantity + 1)).rowcount)
    assert any(f"{first_number(copied)} ordered " in one for one in judge(copied).violations)


def test_the_judge_sees_a_table_from_which_more_went_than_lay_there(night: Played) -> None:
    table = replace(night.happened.table, pieces=Counter({"TOTE-CAT-NAT": -1}))
    wrong = judge(replace(night.happened, table=table)).violations
    assert "more of TOTE-CAT-NAT went from the table than lay there" in wrong


def test_the_judge_sees_a_print_that_was_made_at_two_attempts(copied: Happened) -> None:
    with copied.room.database.read() as connection:
        done = select(print_jobs).where(print_jobs.c.location == BOOTH, print_jobs.c.state == "done")
        job = connection.execute(done.limit(1)).mappings().one()
    again = update(print_jobs).where(print_jobs.c.id == job["id"]).values(attempt=job["attempt"] + 1)
    copied.room.database.write(lambda c: c.execute(again).rowcount)
    key = job_key(job["order_number"], job["part_key"], job["line_no"], job["attempt"] + 1)
    more = replace(copied, came_out=[*copied.came_out, (key, copied.came_out[0][1])])
    assert any(one.endswith("was printed 2 times") for one in judge(more).violations)


def test_the_judge_sees_a_settlement_that_leaves_out_or_miscounts_what_was_lent_or_came_back(night: Played) -> None:
    first, *others = night.happened.settled
    assert (
        f"{first.sku} was lent and is not in the settlement"
        in judge(replace(night.happened, settled=others, lent=night.happened.lent + Counter({first.sku: 1}))).violations
    )
    lent = night.happened.lent + Counter({first.sku: 1})
    wrong = judge(replace(night.happened, lent=lent)).violations
    assert f"{first.sku}: {lent[first.sku]} were lent, and the settlement says {first.leased}" in wrong
    counted = night.happened.counted | {first.sku: first.returned + 1}
    wrong = judge(replace(night.happened, counted=counted)).violations
    assert f"{first.sku}: {first.returned + 1} were counted, and {first.returned} went back" in wrong


def test_the_judge_sees_pieces_that_are_reserved_for_nobody(copied: Happened) -> None:
    whole = update(stock_levels).where(stock_levels.c.on_hand > 0, stock_levels.c.reserved == 0)
    copied.room.database.write(lambda c: c.execute(whole.values(reserved=stock_levels.c.on_hand)).rowcount)
    assert any("reserved, and orders hold 0" in one for one in judge(copied).violations)


def test_who_comes_for_a_print_that_nobody_began_before_the_close_gets_the_money_back(first: Path) -> None:
    late = Customer(0, CLOSES - timedelta(minutes=5), Wish.FETCH, (("TEE-MOTH-INK-M", 2),))
    with played(first, "not-begun", customers=(late,), cut_off=CLOSES - timedelta(minutes=10)) as one:
        verdict = judge(one.happened)
    assert verdict.violations == []
    assert (verdict.orders, verdict.fulfilled, verdict.cancelled) == (1, 0, 1)
    assert paid_back(one) == [paid_by(late)]
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
    assert paid_back(one) == [paid_by(waits)]
    told = " / ".join(one.story)
    assert "was left unfinished, and is sent from elsewhere" in told
    assert "was left unfinished: its customer has the money back" in told


def paid_back(night: Played) -> list[int | None]:
    with night.happened.room.database.read() as connection:
        return list(connection.execute(select(refunds.c.paid_minor)).scalars())


def rewrite(night: Happened, *, id_: int = 0, **values: str) -> None:
    """Write something else into the books of an order, the first where none is named."""
    of = id_ or select(func.min(orders.c.id)).scalar_subquery()
    work = update(orders).where(orders.c.id == of).values(**values)
    night.room.database.write(lambda connection: connection.execute(work))


def first_number(night: Happened, id_: int = 0) -> str:
    """The number of an order, of the first where none is named."""
    of = id_ or select(func.min(orders.c.id)).scalar_subquery()
    with night.room.database.read() as connection:
        return str(connection.execute(select(orders.c.number).where(orders.c.id == of)).scalar_one())


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
