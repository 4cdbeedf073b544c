"""Which state a run gets that was left without an end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.states import AwaitingRetry, Cancelling, Completed, Pending, Running, State

from backroom.engine.ends import MOST_STARTS, UNFINISHED, end_for, end_of_orphan, handed_back
from backroom.engine.reaper import is_orphan, owner
from backroom.engine.threads import RunThread

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def run(state: State | None = None, *, starts: int = 1, pid: str | None = None, age: float = 120) -> FlowRun:
    state = state or Running()
    aged = state.model_copy(update={"timestamp": NOW - timedelta(seconds=age)})
    return FlowRun(id=uuid4(), flow_id=uuid4(), state=aged, run_count=starts, infrastructure_pid=pid)


@given(st.sampled_from(list(StateType)), st.booleans(), st.booleans())
def test_a_run_that_has_an_end_keeps_it(now: StateType, cancelled: bool, back: bool) -> None:
    thread = RunThread(run())
    thread.cancelled, thread.handed_back = cancelled, back
    assert (end_for(thread, RuntimeError(), now) is None) == (now not in UNFINISHED)


def test_a_run_that_was_asked_to_cancel_is_cancelled() -> None:
    thread = RunThread(run())
    thread.cancelled = thread.handed_back = True
    end = end_for(thread, RuntimeError(), StateType.RUNNING)
    assert end is not None
    assert end.is_cancelled()
    assert handed_back(thread).is_cancelled()


def test_a_run_that_its_worker_gave_up_goes_on_elsewhere() -> None:
    thread = RunThread(run())
    thread.handed_back = True
    end = end_for(thread, Completed(), StateType.RUNNING)
    assert end is not None
    assert end.name == "AwaitingRetry"


def test_a_run_that_lost_its_server_goes_on_until_it_was_started_too_often() -> None:
    lost = httpx.ConnectError("away")
    once, often = RunThread(run()), RunThread(run(starts=MOST_STARTS))
    first, last = end_for(once, lost, StateType.RUNNING), end_for(often, lost, StateType.RUNNING)
    assert first is not None
    assert last is not None
    assert (first.name, last.name) == ("AwaitingRetry", "Crashed")


def test_a_crash_tells_the_kind_of_error_and_not_its_words() -> None:
    end = end_for(RunThread(run()), ValueError("Jane Doe, 1 Main St"), StateType.RUNNING)
    assert end is not None
    assert end.is_crashed()
    assert "ValueError" in str(end.message)
    assert "Jane" not in str(end.message)


def test_an_orphan_goes_on_unless_it_was_cancelled_or_started_too_often() -> None:
    assert end_of_orphan(run()).name == "AwaitingRetry"
    assert end_of_orphan(run(Cancelling())).is_cancelled()
    assert end_of_orphan(run(starts=MOST_STARTS)).is_crashed()


def test_at_start_whatever_carries_the_workers_name_is_an_orphan() -> None:
    assert is_orphan(run(pid=owner("hub", 7), age=0), "hub", set(), NOW, just_started=True)


def test_later_only_what_has_been_still_for_a_while_is_an_orphan() -> None:
    fresh, old = run(pid=owner("hub", 7), age=5), run(pid=owner("hub", 7), age=60)
    assert not is_orphan(fresh, "hub", set(), NOW, just_started=False)
    assert is_orphan(old, "hub", set(), NOW, just_started=False)


@given(st.booleans(), st.floats(min_value=0, max_value=1e6))
def test_a_run_with_a_thread_here_is_never_an_orphan(just_started: bool, age: float) -> None:
    mine = run(pid=owner("hub", 7), age=age)
    assert not is_orphan(mine, "hub", {mine.id}, NOW, just_started=just_started)


@given(st.booleans(), st.floats(min_value=0, max_value=1e6), st.sampled_from(["hub-2", "hu", "booth-a", "hub:1"]))
def test_a_run_of_another_worker_is_never_an_orphan(just_started: bool, age: float, other: str) -> None:
    assert not is_orphan(run(pid=owner(other, 7), age=age), "hub", set(), NOW, just_started=just_started)


def test_a_run_that_waits_for_its_own_process_is_an_orphan_once_that_is_dead() -> None:
    waiting = run(AwaitingRetry(), pid=owner("hub", 7), age=60)
    waiting.empirical_policy.retry_type = "in_process"
    assert is_orphan(waiting, "hub", set(), NOW, just_started=False)
    assert not is_orphan(waiting, "hub", {waiting.id}, NOW, just_started=False)


def test_a_run_that_waits_for_any_worker_is_no_orphan() -> None:
    waiting = run(AwaitingRetry(), pid=owner("hub", 7), age=60)
    assert not is_orphan(waiting, "hub", set(), NOW, just_started=True)
    waiting.empirical_policy.retry_type = "reschedule"
    assert not is_orphan(waiting, "hub", set(), NOW, just_started=True)


@pytest.mark.parametrize("state", [Pending(), Running()])
def test_a_run_nobody_signed_is_an_orphan_after_a_minute(state: State) -> None:
    assert is_orphan(run(state, age=61), "hub", set(), NOW, just_started=False)
    assert not is_orphan(run(state, age=59), "hub", set(), NOW, just_started=True)
