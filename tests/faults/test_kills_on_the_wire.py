"""F1 on the wire: whoever dies while a COMMIT is on its way to PostgreSQL, or its answer is on the way back."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.faults.commit_wire import CommitLine, Moment
from tests.faults.day import PID, Day, Days, days, fresh_shop
from tests.faults.table import Fault
from tests.faults.test_kills import GOES_ON_WITHIN, check

DONE_UNHEARD, NEVER_SENT = "done_unheard", "never_sent"


@pytest.fixture(scope="module")
def crew() -> Iterator[Days]:
    with days() as crew:
        yield crew


@pytest.fixture(params=[pytest.param("postgres", marks=pytest.mark.postgres)])
def morning(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], Day]:
    """A fresh shop for a day of that name, on a database of its own."""

    def new(name: str) -> Day:
        return Day(*fresh_shop(request, tmp_path / name))

    return new


def lived(crew: Days, day: Day, moment: Moment | None = None) -> tuple[int, CommitLine]:
    """Live a day whose database is reached by a line, and die at that moment; how it ended, and its line."""
    with CommitLine(day.url, moment, lambda: int((Path(day.home) / PID).read_text(encoding="ascii"))) as line:
        return crew.live(replace(day, url=line.url)).code, line


@pytest.mark.fault("F1 wire")
@pytest.mark.timeout(7200)
def test_a_kill_while_a_commit_is_on_its_way_loses_nothing_and_does_nothing_twice(
    crew: Days, morning: Callable[[str], Day], fault: Fault
) -> None:
    dry = morning("dry")
    code, line = lived(crew, dry)
    assert code == 0
    check(dry)
    commits = line.commits
    assert commits > 20, "the line does not know a COMMIT when it carries one"
    wanted = fault.volume(2, 20, commits)
    ends: Counter[str] = Counter()
    slowest = 0.0
    every = [Moment(number, done) for number in range(1, commits + 1) for done in (False, True)]
    for moment in fault.chance.sample(every, len(every)):
        kind = DONE_UNHEARD if moment.done else NEVER_SENT
        if ends[kind] == wanted:
            continue
        day = morning(f"kill-{moment.commit}-{moment.done}")
        code, line = lived(crew, day, moment)
        assert code == (-9 if line.killed else 0), moment
        if line.killed:
            ends[kind] += 1
            # The server has done it, and nobody was told.
            assert (b"COMMIT" in line.answer) is moment.done, moment
        rest = crew.live(day)
        assert rest.code == 0, f"the day after {moment}"
        try:
            check(day)
        except AssertionError as error:
            error.add_note(f"killed at {moment} of {commits}")
            raise
        slowest = max(slowest, rest.seconds)
        shutil.rmtree(Path(day.home).parent)
    fault.tell(commits=commits, kills=ends.total(), **ends, slowest_rest_of_the_day_s=round(slowest, 1))
    assert all(ends[kind] >= 0.9 * wanted for kind in (DONE_UNHEARD, NEVER_SENT)), f"of {wanted} each died {dict(ends)}"
    assert slowest < GOES_ON_WITHIN
