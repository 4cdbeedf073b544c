"""The numbers of tills: what is missing is known whatever is told in whatever order, and costs nothing to know."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, func, select

from backroom.store.database import Database
from backroom.store.tables import booth_lines, till_gaps, tills
from backroom.store.till_numbers import MOST_NAMED, gaps, hear, listing, missing

BATCHES = st.lists(st.lists(st.integers(0, 40), max_size=12), max_size=12)


def lacking(told: set[int]) -> list[int]:
    return [one for one in range(min(told), max(told)) if one not in told] if told else []


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=BATCHES)
def test_what_is_missing_is_what_was_never_told_between_the_first_and_the_last(
    sqlite_template: Path, tmp_path: Path, batches: list[list[int]]
) -> None:
    path = tmp_path / "numbers.db"
    shutil.copy(sqlite_template, path)
    database, told = Database(f"sqlite:///{path}"), set[int]()
    for batch in batches:
        told |= set(batch)
        assert database.write(lambda c, batch=batch: hear(c, "till", "booth", batch)) == lacking(told)
    with database.read() as connection:
        found = [{"till": "till", "location": "booth", "missing": lacking(told)}] if lacking(told) else []
        assert gaps(connection) == found
        assert [row["name"] for row in listing(connection)] == (["till"] if told else [])
    database.close()


def test_each_till_has_its_own_numbers_on_both_databases(database: Database) -> None:
    assert database.write(lambda c: hear(c, "one", "booth", [1, 2, 5])) == [3, 4]
    assert database.write(lambda c: hear(c, "two", "booth", [9, 7])) == [8]
    assert database.write(lambda c: hear(c, "one", "booth", [4, 1, 10**14])) == [3, *range(6, 105)]
    assert database.write(lambda c: hear(c, "two", "elsewhere", [8, 3])) == [4, 5, 6]
    with database.read() as connection:
        assert [(one["till"], one["location"], len(one["missing"])) for one in gaps(connection)] == [
            ("one", "booth", MOST_NAMED),
            ("two", "elsewhere", 3),
        ]
        assert missing(connection, "never heard of") == []


@pytest.mark.parametrize("lost", [None, 3])
def test_a_batch_costs_no_more_after_a_long_summer(database: Database, lost: int | None) -> None:
    summer = [seq for seq in range(1, 5001) if seq != lost]
    database.write(lambda c: hear(c, "till", "booth", summer))
    seen: list[int] = []
    with database.read() as connection:
        assert connection.execute(select(func.count()).select_from(booth_lines)).scalar_one() == len(summer)
        assert connection.execute(select(func.count()).select_from(tills)).scalar_one() == 1
        assert connection.execute(select(func.count()).select_from(till_gaps)).scalar_one() == (1 if lost else 0)

        def note(*told: object) -> None:
            seen.append(str(told[2]).count("booth_lines"))

        event.listen(connection, "before_cursor_execute", note)
        assert missing(connection, "till") == ([lost] if lost else [])
    assert seen == [0], "of what was heard, nothing is read"
