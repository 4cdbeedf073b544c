"""Runs that stand open for somebody's trouble: one for one trouble, and none when it is over."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State, StateType
from prefect.states import Failed

from backroom.engine import wake
from backroom.engine.deploy import DeploymentSpec, apply
from backroom.engine.standing import standing
from backroom.engine.wake import DECIDE, OF_BREAKER, OF_ORDER, Waker
from backroom.store import desk, print_attempts, sickness
from backroom.store.database import now
from tasks.sweeping import ask_owed_questions, end_mended_runs, start_owed_runs
from tests.prefect_server import PrefectServer
from tests.shops import BOOTH, HUB, PLAIN, Floor

pytestmark = [pytest.mark.prefect, pytest.mark.slow]

FLOWS = "tests/flows_for_engine.py"


@pytest.fixture
def shop(floor: Floor, running_prefect: PrefectServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Floor]:
    """The floor with an engine: its runs are created at a real server, where no worker takes them."""
    apply([DeploymentSpec(f"{FLOWS}:{name}", name, "nobody") for name in ("order", "breaker", "decide")])
    waker = Waker(running_prefect.api_url, running_prefect.auth)
    monkeypatch.setitem(vars(wake), "_this", waker)
    # Other tests of the session share the server, and some leave a Failed order there.
    end_all()
    yield floor
    waker.close(5)
    end_all()


def end_all() -> None:
    for deployment in (OF_ORDER, OF_BREAKER, DECIDE):
        settle(deployment, State(type=StateType.CANCELLED))


def settle(deployment: str, state: State) -> None:
    """As if a worker had taken all open runs of a deployment, and they had ended so."""
    with get_client(sync_client=True) as client:
        for run in standing(deployment):
            client.set_flow_run_state(run.id, state, force=True)


def asked() -> int:
    """How many forms the sweep asked for; they are there."""
    questions = ask_owed_questions.fn()
    assert wake.this_waker().flush(30)
    return questions


def test_an_order_that_falls_sick_again_under_its_failed_run_gets_no_second_one(shop: Floor) -> None:
    (job,) = shop.blocked(1)
    assert start_owed_runs.fn() == 1
    settle(OF_ORDER, Failed())
    shop.print(job, "unknown")
    assert end_mended_runs.fn() == 0
    shop.room.database.write(lambda c: print_attempts.decide(c, job.id, "print_again", "Ada"))
    (again,) = shop.hand_out(BOOTH)
    shop.block(again)
    # Another sickness, by the clock; its Failed run stands there already.
    assert start_owed_runs.fn() == 0
    assert [run.state for run in standing(OF_ORDER)] == ["FAILED"]


def test_the_failed_run_of_an_order_that_is_well_again_is_completed(shop: Floor) -> None:
    (job,) = shop.blocked(1)
    start_owed_runs.fn()
    (run,) = standing(OF_ORDER)
    settle(OF_ORDER, Failed())
    shop.print(job)
    assert end_mended_runs.fn() == 1
    with get_client(sync_client=True) as client:
        ended = client.read_flow_run(run.id)
    assert ended.state is not None
    assert (ended.state.type, ended.state.message) == (StateType.COMPLETED, f"{job.order_number} is well again")
    assert end_mended_runs.fn() == 0


def test_a_run_that_has_not_failed_is_left_to_itself(shop: Floor) -> None:
    (job,) = shop.blocked(1)
    start_owed_runs.fn()
    shop.print(job)
    assert end_mended_runs.fn() == 0
    assert [run.state for run in standing(OF_ORDER)] == ["SCHEDULED"]


def test_a_breakers_one_run_is_completed_when_it_closes_however_that_came(shop: Floor) -> None:
    shop.blocked(11)
    assert start_owed_runs.fn() == 1
    settle(OF_BREAKER, Failed())
    assert start_owed_runs.fn() == 0
    (run,) = standing(OF_BREAKER)
    assert end_mended_runs.fn() == 0
    shop.room.database.write(lambda c: sickness.close(c, run.parameters["breaker_id"], now(c)))
    assert end_mended_runs.fn() == 1
    assert standing(OF_BREAKER) == []


def test_a_hold_of_the_shops_own_gets_its_form_from_the_sweep_and_not_another_one(shop: Floor) -> None:
    number = shop.taken_in(financial_status="pending")
    assert asked() == 1
    assert [run.parameters["order_number"] for run in standing(DECIDE)] == [number]
    assert asked() == 0


def test_a_form_ends_with_its_hold_and_the_next_hold_has_another(shop: Floor) -> None:
    number = shop.taken_in((PLAIN, 1))
    shop.room.database.write(lambda c: desk.hold(c, number, "asked_by_staff", "Ada"))
    assert asked() == 1
    (first,) = standing(DECIDE)
    settle(DECIDE, State(type=StateType.PAUSED, name="Suspended"))
    assert (end_mended_runs.fn(), asked()) == (0, 0)
    shop.room.database.write(lambda c: desk.release(c, number, "Ada", HUB))
    shop.room.database.write(lambda c: desk.hold(c, number, "asked_by_staff", "Ada"))
    assert (end_mended_runs.fn(), asked()) == (1, 1)
    (second,) = standing(DECIDE)
    assert (second.id != first.id, second.parameters["order_number"]) == (True, number)
