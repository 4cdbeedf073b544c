"""Claims hold, end and fence as they say, and no wake-up gets lost, on both databases."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import pytest
from sqlalchemy import Connection, insert, select, update

from backroom.store import claims as store
from backroom.store import desk, instances, intake
from backroom.store.claims import Claim, ClaimLost, fence, give_up, look_for_work, wakeup
from backroom.store.database import Database, now
from backroom.store.inbox_door import Delivery, accept
from backroom.store.seals import Seals
from backroom.store.tables import claims, inbox, orders
from tests.shops import MASTER_KEY, PLAIN, Floor
from tests.together import run_together

SEALS = Seals(MASTER_KEY)
HERE = "hub"


def deliver(connection: Connection, key: str) -> store.Wakeup:
    receipt = accept(connection, SEALS, Delivery("web", key, "", key, 5, (), b"{}"), HERE)
    assert receipt.wakeup is not None
    return receipt.wakeup


def claim(connection: Connection, instance: str = "one", most: int = 500) -> intake.IntakeClaim | None:
    return intake.claim_waiting(connection, hub=HERE, instance=instance, run_id="", most=most)


def taken(database: Database, instance: str = "one", most: int = 500) -> Claim:
    found = database.write(lambda c: claim(c, instance, most))
    assert found is not None
    return found.claim


def held_by(database: Database, claim: Claim) -> set[str]:
    with database.read() as connection:
        query = select(inbox.c.delivery_key).where(inbox.c.claim_token == claim.token)
        return set(connection.execute(query).scalars())


def expire(database: Database, claim: Claim) -> None:
    """Let a lease be over, as if a minute had passed."""
    past = update(claims).where(claims.c.token == claim.token)
    database.write(lambda c: c.execute(past.values(until=now(c) - timedelta(seconds=1))))


def test_the_door_is_busy_while_many_messages_are_coming_in(database: Database) -> None:
    def is_busy() -> bool:
        with database.read() as connection:
            return intake.door_is_busy(connection)

    for number in range(intake.BUSY_MESSAGES - 1):
        database.write(lambda c, key=str(number): deliver(c, key))
    assert not is_busy()
    database.write(lambda c: deliver(c, "one more"))
    assert is_busy()
    database.write(lambda c: c.execute(update(inbox).values(received_at=now(c) - intake.BUSY_WITHIN)))
    assert not is_busy()


def test_a_wave_is_smaller_while_deliveries_wait_for_the_same_lock(floor: Floor) -> None:
    from tasks import claiming

    for _ in range(claiming.WAVE_MOST_BESIDE_THE_DOOR + 1):
        floor.order((PLAIN, 1))
    first = claiming.claim_intake(floor.room)
    assert first is not None
    with floor.room.database.read() as connection:
        held = connection.execute(select(inbox.c.id).where(inbox.c.claim_token == first.token)).all()
    beside = floor.room.database.is_sqlite
    assert len(held) == claiming.WAVE_MOST_BESIDE_THE_DOOR + (0 if beside else 1)


def test_what_one_claim_holds_no_other_gets(database: Database) -> None:
    for key in "abc":
        database.write(lambda c, key=key: deliver(c, key))
    first = taken(database, most=2)
    second = taken(database, "two")
    assert (held_by(database, first), held_by(database, second)) == ({"a", "b"}, {"c"})
    assert database.write(claim) is None


def test_many_claimers_at_once_never_hold_one_row_twice(database: Database) -> None:
    total = 60
    for number in range(total):
        database.write(lambda c, number=number: deliver(c, str(number)))
    got: list[set[str]] = []
    lock = threading.Lock()

    def work(name: str) -> None:
        while found := database.write(lambda c: claim(c, name, most=4)):
            rows = held_by(database, found.claim)
            with lock:
                got.append(rows)

    run_together([lambda name=str(i): work(name) for i in range(6)])
    assert sum(len(rows) for rows in got) == total
    assert len(set().union(*got)) == total


def test_better_priority_comes_first(database: Database) -> None:
    for key, priority in (("late", 5), ("first", 1), ("second", 2)):
        delivery = Delivery("web", key, "", key, priority, (), b"{}")
        database.write(lambda c, delivery=delivery: accept(c, SEALS, delivery, HERE))
    assert held_by(database, taken(database, most=2)) == {"first", "second"}


def test_a_lease_that_ran_out_frees_its_rows(database: Database) -> None:
    database.write(lambda c: deliver(c, "a"))
    first = taken(database)
    expire(database, first)
    assert held_by(database, taken(database, "two")) == {"a"}


def test_a_lease_that_was_given_up_frees_its_rows(database: Database) -> None:
    database.write(lambda c: deliver(c, "a"))
    first = taken(database)
    database.write(lambda c: give_up(c, first.token))
    assert held_by(database, taken(database, "two")) == {"a"}


def test_a_fence_renews_the_lease(database: Database) -> None:
    database.write(lambda c: deliver(c, "a"))
    first = taken(database)
    database.write(
        lambda c: c.execute(
            update(claims).where(claims.c.token == first.token).values(until=now(c) + timedelta(seconds=5))
        )
    )
    database.write(lambda c: fence(c, first.token))
    with database.read() as connection:
        until = connection.execute(select(claims.c.until).where(claims.c.token == first.token)).scalar_one()
        assert until > now(connection) + timedelta(seconds=30)


def test_a_fence_after_the_end_refuses_and_nothing_of_its_commit_is_written(database: Database) -> None:
    database.write(lambda c: deliver(c, "a"))
    first = taken(database)
    expire(database, first)

    def commit(connection: Connection) -> None:
        connection.execute(update(inbox).values(outcome="written by a ghost"))
        fence(connection, first.token)

    with pytest.raises(ClaimLost):
        database.write(commit)
    with database.read() as connection:
        assert connection.execute(select(inbox.c.outcome)).scalars().all() == [""]


def test_a_holder_in_the_middle_of_its_commit_keeps_its_rows_though_the_lease_runs_out(database: Database) -> None:
    """The fence is not committed yet when somebody else looks: either it is renewed, or the look was first."""
    if database.is_sqlite:
        pytest.skip("writers of SQLite never overlap")
    database.write(lambda c: deliver(c, "a"))
    first = taken(database)
    soon = update(claims).where(claims.c.token == first.token)
    database.write(lambda c: c.execute(soon.values(until=now(c) + timedelta(seconds=0.5))))
    fenced, looked = threading.Event(), threading.Event()
    others: list[intake.IntakeClaim | None] = []

    def commit(connection: Connection) -> None:
        fence(connection, first.token)
        fenced.set()
        looked.wait(1.5)

    def look() -> None:
        fenced.wait(5)
        time.sleep(0.7)
        others.append(database.write(lambda c: claim(c, "two")))
        looked.set()

    run_together([lambda: database.write(commit), look])
    assert others == [None]
    assert held_by(database, first) == {"a"}


def test_the_leases_of_a_dead_process_end_at_once_and_those_of_a_live_one_do_not(database: Database) -> None:
    for key in "ab":
        database.write(lambda c, key=key: deliver(c, key))
    here = instances.this_instance()
    machine, pid, _ = here.rsplit("/", 2)
    reused = f"{machine}/{pid}/1"
    dead = taken(database, reused, most=1)
    alive = taken(database, here, most=1)
    assert database.write(instances.end_dead_instances) == [reused]
    assert held_by(database, taken(database, "two")) == held_by(database, dead) | {"a"}
    database.write(lambda c: fence(c, alive.token))


def test_a_process_of_another_machine_is_never_proved_dead() -> None:
    assert not instances.is_dead("elsewhere:boot:pid:[1]/1/1")
    assert not instances.is_dead("nonsense")


def test_a_process_that_is_gone_is_dead() -> None:
    machine = instances.this_instance().rsplit("/", 2)[0]
    assert instances.is_dead(f"{machine}/4194304/12345")
    assert not instances.is_dead(instances.this_instance())


def test_one_that_crashed_its_waves_twice_is_claimed_alone(database: Database) -> None:
    for key in ("poison", "good", "fine"):
        database.write(lambda c, key=key: deliver(c, key))
    for _ in range(2):
        expire(database, taken(database))
    waves = []
    for _ in range(3):
        wave = taken(database)
        waves.append(held_by(database, wave))
        # The good ones go through; a poisonous one kills its process.
        done = [key for key in waves[-1] if key != "poison"]
        database.write(
            lambda c, done=done: c.execute(update(inbox).where(inbox.c.delivery_key.in_(done)).values(state="done"))
        )
        expire(database, wave)
    assert waves == [{"poison"}, {"good"}, {"fine"}]


def test_what_never_crashed_is_not_claimed_together_with_a_suspect(database: Database) -> None:
    database.write(lambda c: deliver(c, "poison"))
    for _ in range(2):
        expire(database, taken(database))
    database.write(lambda c: deliver(c, "new"))
    assert held_by(database, taken(database)) == {"new"}
    assert held_by(database, taken(database)) == {"poison"}


def test_a_wake_up_sent_after_a_look_has_a_newer_number(database: Database) -> None:
    first = database.write(lambda c: deliver(c, "a"))
    taken(database)
    second = database.write(lambda c: deliver(c, "b"))
    assert second.generation > first.generation


def test_a_look_that_finds_nothing_makes_the_next_wake_up_a_new_one(database: Database) -> None:
    """Or the run which found nothing would have used up the name of the next."""
    before = database.write(lambda c: wakeup(c, intake.STAGE, HERE))
    assert database.write(claim) is None
    assert database.write(lambda c: deliver(c, "a")).generation > before.generation


def test_a_writer_who_commits_while_somebody_looks_is_seen_or_has_a_newer_number(database: Database) -> None:
    """The lost wake-up: the look must not end between a writer's reading of the number and its commit."""
    database.write(lambda c: look_for_work(c, intake.STAGE, HERE))
    number_read, may_commit = threading.Event(), threading.Event()
    results: dict[str, object] = {}

    def write() -> None:
        def work(connection: Connection) -> store.Wakeup:
            owed = deliver(connection, "a")
            number_read.set()
            may_commit.wait(0.5)
            return owed

        results["wakeup"] = database.write(work)

    def look() -> None:
        number_read.wait(5)
        results["claim"] = database.write(claim)

    run_together([write, look])
    owed = results["wakeup"]
    assert isinstance(owed, store.Wakeup)
    with database.read() as connection:
        latest = wakeup(connection, intake.STAGE, HERE).generation
    assert results["claim"] is not None or owed.generation == latest


def test_what_comes_while_a_wave_is_held_needs_no_run_of_its_own(database: Database) -> None:
    assert not database.write(lambda c: deliver(c, "a")).attended
    taken(database)
    assert database.write(lambda c: deliver(c, "b")).attended
    taken(database)
    assert database.write(claim) is None
    assert not database.write(lambda c: deliver(c, "c")).attended


def test_a_wave_that_is_full_lets_the_next_run_begin_beside_it(database: Database) -> None:
    for key in "ab":
        database.write(lambda c, key=key: deliver(c, key))
    taken(database, most=2)
    assert not database.write(lambda c: deliver(c, "c")).attended


def test_a_wave_that_takes_long_lets_the_next_run_begin_beside_it(database: Database) -> None:
    database.write(lambda c: deliver(c, "a"))
    taken(database)
    database.write(lambda c: store.attend(c, intake.STAGE, HERE, now(c) - 2 * store.ATTENDED))
    assert not database.write(lambda c: deliver(c, "b")).attended


def test_a_claim_of_one_order_attends_to_no_other(floor: Floor) -> None:
    """Its run ends without a look at what came meanwhile."""
    number = floor.taken_in((PLAIN, 1))
    hub, write = floor.room.shop.hub, floor.room.database.write
    order_id = write(lambda c: desk.find(c, number)["id"])
    write(lambda c: c.execute(update(orders).values(state="accepted")))
    assert write(lambda c: intake.claim_order(c, order_id, hub=hub, instance="one", run_id="")) is not None
    assert not write(lambda c: wakeup(c, intake.STAGE, hub)).attended


def test_the_first_wake_ups_of_a_place_may_come_from_many_at_once(database: Database) -> None:
    run_together([lambda: database.write(lambda c: look_for_work(c, "fulfilment", "new")) for _ in range(6)])
    with database.read() as connection:
        assert wakeup(connection, "fulfilment", "new").generation == 6


def test_a_sick_row_or_one_behind_a_breaker_or_not_yet_due_is_left(database: Database) -> None:
    for key, values in (("sick", {"sick_cause": "x"}), ("breaker", {"breaker_id": 1}), ("later", {})):
        database.write(lambda c, key=key: deliver(c, key))
        database.write(
            lambda c, key=key, values=values: c.execute(
                update(inbox)
                .where(inbox.c.delivery_key == key)
                .values(**values or {"next_attempt_at": now(c) + timedelta(minutes=1)})
            )
        )
    assert database.write(claim) is None


def test_expired_leases_are_forgotten(database: Database) -> None:
    database.write(lambda c: deliver(c, "a"))
    expire(database, taken(database))
    assert database.write(store.sweep_expired) == 1
    row = {"token": "t", "instance": "i", "stage": "s", "location": "l"}
    database.write(lambda c: c.execute(insert(claims).values(taken_at=now(c), until=now(c) + store.LEASE, **row)))
    assert database.write(store.sweep_expired) == 0
