"""F1, commit by commit: whoever dies at any of a day's commits, the next process ends the day, and nothing is twice."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from backroom.store.database import Database
from tests.counting import check_that_everything_came_out_once
from tests.faults.day import MESSAGES, Day, Days, days, fresh_shop, moments, tables_written
from tests.faults.table import Fault
from tests.shops import Floor, reopen_floor

GOES_ON_WITHIN = 30.0
PRINTS = 2
# What the day writes: whoever dies in it may die at any of these.
STEPS = {
    *("inbox", "orders", "order_lines", "reservations", "fulfilment_orders", "stock_movements", "print_jobs", "scans"),
    *("effects", "shipments", "labels", "sheets", "messages", "history", "claims"),
}


@pytest.fixture(scope="module")
def crew() -> Iterator[Days]:
    with days() as crew:
        yield crew


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def morning(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], Day]:
    """A fresh shop for a day of that name, its database closed: nobody else has it open."""

    def new(name: str) -> Day:
        return Day(*fresh_shop(request, tmp_path / name))

    return new


@contextmanager
def evening(day: Day) -> Iterator[Floor]:
    """The shop after the day."""
    floor = reopen_floor(Database(day.url), Path(day.home))
    try:
        yield floor
    finally:
        floor.room.close()


def check(day: Day) -> None:
    """Every message that was acknowledged has become what it must, and everything happened once."""
    with evening(day) as floor:
        states = {id_: floor.state(floor.number(id_))[0] for id_ in range(501, 508)}
        assert states == {id_: "cancelled" if id_ == 504 else "fulfilled" for id_ in states}
        changed = floor.story(floor.number(503))
        assert [line["quantity"] for line in changed.lines] == [3]
        floor.check_sums()
        floor.check_effects()
        came_out = check_that_everything_came_out_once(floor.room)
        assert came_out["prints"] == PRINTS
        states_of_effects = {
            state for kind in ("label", "message", "sheet", "print") for _, state in floor.effects(kind)
        }
        assert states_of_effects == {"done"}


@pytest.mark.fault("F1 commits")
@pytest.mark.timeout(7200)
def test_a_kill_at_any_commit_loses_nothing_and_does_nothing_twice(
    crew: Days, morning: Callable[[str], Day], fault: Fault
) -> None:
    dry = morning("dry")
    assert crew.live(dry).code == 0
    check(dry)
    wrote = tables_written(dry.home)
    commits = len(wrote)
    assert frozenset().union(*wrote) >= STEPS
    wanted = fault.volume(4, 60, 2 * commits)
    slowest, kills = 0.0, 0
    for number, after in moments(wrote, fault.chance):
        if kills == wanted:
            break
        day = morning(f"kill-{number}-{after}")
        killed = crew.live(Day(day.home, day.url, number, after))
        assert killed.code in (-9, 0), f"kill {'after' if after else 'before'} commit {number}"
        kills += killed.code == -9
        rest = crew.live(day)
        assert rest.code == 0, f"the day after a kill {'after' if after else 'before'} commit {number}"
        try:
            check(day)
        except AssertionError as error:
            error.add_note(f"killed {'after' if after else 'before'} commit {number} of {commits}")
            raise
        slowest = max(slowest, rest.seconds)
        shutil.rmtree(Path(day.home).parent)
    fault.tell(commits=commits, kills=kills, messages=len(MESSAGES), slowest_rest_of_the_day_s=round(slowest, 1))
    assert kills >= 0.9 * wanted, f"only {kills} of {wanted} died"
    assert slowest < GOES_ON_WITHIN
