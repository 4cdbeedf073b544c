"""The command that lists a location's prints: what waits for a person, and what they are told to do about it."""

from __future__ import annotations

from backroom.shop.room import Room
from backroom.store.booth_wakes import claim_jobs
from backroom.store.print_attempts import settle, start
from tests.integration.cli.typing_in import answered, typed
from tests.integration.gateway.conftest import make_order


def nobody_can_tell(room: Room, outcome: str = "unknown") -> tuple[int, str]:
    """A print at the booth that ended so, as its worker tells it; its id, and its name at the printer."""
    make_order(room, location="booth-a")
    [job] = room.database.write(lambda c: claim_jobs(c, "booth-a", "bench", 10))
    room.database.write(lambda c: start(c, job.id, job.attempt, "bench", "press-1"))
    room.database.write(lambda c: settle(c, job.id, job.attempt, "bench", outcome, "the power went"))
    return job.id, job.key


def test_an_unknown_print_says_where_to_look_for_what_and_how_to_answer(room: Room) -> None:
    job, key = nobody_can_tell(room)
    [row] = answered("print", "queue", "booth-a")
    assert (row["id"], row["state"], row["reason"]) == (job, "unknown", "the power went")
    assert row["to_do"].startswith(f"Look at press-1 for {key}")
    shown = " ".join(typed("print", "queue", "booth-a").stdout.split())
    assert "backroom print decide ID printed, or print_again" in shown
    assert typed("print", "decide", str(job), "printed").exit_code == 0
    assert answered("print", "queue", "booth-a") == []


def test_what_waits_for_its_turn_needs_nobody(room: Room) -> None:
    make_order(room, location="booth-a")
    [row] = answered("print", "queue", "booth-a")
    assert (row["state"], row["to_do"]) == ("waiting", "")
    assert "Say what you saw" not in typed("print", "queue", "booth-a").stdout
