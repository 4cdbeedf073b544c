"""No state of an order, its work, a print job or a reservation changes but by a life cycle."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import backroom.store
from backroom.domain.lifecycle import IllegalMove
from backroom.domain.model import FulfilmentState, OrderState, PrintJobState, ReservationState
from backroom.store import cancelling, fulfilment, orders, print_attempts, stock
from backroom.store.moves import moving
from backroom.store.tables import orders as order_table
from tests.shops import BOOTH, HUB, PLAIN, Floor

STORE = Path(backroom.store.__file__).parent


def test_a_move_leaves_whoever_stands_elsewhere_alone(floor: Floor) -> None:
    held, released = floor.taken_in(("TEE-TYPO", 1)), floor.taken_in((PLAIN, 1))
    floor.room.database.write(lambda c: c.execute(moving(order_table, OrderState.HELD, OrderState.ACCEPTED)))
    assert (floor.state(held)[0], floor.state(released)[0]) == ("accepted", "released")


def test_a_wave_cannot_make_a_move_that_no_life_cycle_has(floor: Floor) -> None:
    number = floor.taken_in((PLAIN, 1))
    write = floor.room.database.write
    with pytest.raises(IllegalMove):
        write(lambda c: orders.move(c, "", [1], OrderState.RELEASED, OrderState.RESERVED))
    with pytest.raises(IllegalMove):
        write(lambda c: fulfilment.move(c, "", [1], FulfilmentState.LABELLED, FulfilmentState.PACKED))
    with pytest.raises(IllegalMove):
        write(lambda c: stock.release(c, [1], ReservationState.HELD))
    assert floor.state(number) == ("released", ["open"])


def test_a_worker_cannot_say_of_a_print_that_it_never_began_that_it_is_done(floor: Floor) -> None:
    number = floor.taken_in((PLAIN, 1), at=BOOTH)
    floor.fulfil(BOOTH)
    (job,) = floor.hand_out(BOOTH)
    for outcome in ("done", "unknown"):
        with pytest.raises(IllegalMove):
            floor.room.database.write(
                lambda c, outcome=outcome: print_attempts.settle(c, job.id, job.attempt, "bench", outcome, "")
            )
    assert [row["state"] for row in floor.story(number).print_jobs] == ["handed"]
    assert floor.effects("print") == [(job.key, "planned")]


@pytest.mark.parametrize(("begun", "expected"), [(True, "blocked"), (False, "cancelled")])
def test_of_the_blocked_prints_a_cancel_drops_only_those_that_were_never_begun(
    floor: Floor, *, begun: bool, expected: str
) -> None:

    number = floor.taken_in((PLAIN, 1), at=BOOTH)
    floor.fulfil(BOOTH)
    (job,) = floor.hand_out(BOOTH)
    write = floor.room.database.write
    if begun:
        write(lambda c: print_attempts.start(c, job.id, job.attempt, "bench", "press-1"))
    blocked = PrintJobState.BLOCKED
    write(lambda c: print_attempts.progress(c, job.id, job.attempt, "bench", blocked, "media-empty", ""))
    write(lambda c: cancelling.cancel(c, number, "Ada", "changed_their_mind"))
    assert [row["state"] for row in floor.story(number).print_jobs] == [expected]
    assert floor.available(HUB, PLAIN) == (100, 0)


def test_every_change_of_state_in_the_store_begins_with_a_move() -> None:
    """`.values(state=…)` of these four tables stands beside `moving`, or where a locked job stays where it is."""
    states = ("OrderState.", "FulfilmentState.", "PrintJobState.", "ReservationState.")
    found = []
    for path in sorted(STORE.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "values":
                found += [
                    f"{path.name}:{node.lineno}"
                    for word in node.keywords
                    if word.arg == "state" and ast.unparse(word.value).startswith(states)
                ]
    assert found == []
