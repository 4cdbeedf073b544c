"""Taking a run: one of a pool's workers has it, also where the server's answer is lost.

What belongs here: winning a run by its Pending state, and knowing afterwards who has won. What does not: which runs are
looked for (`worker`), and what becomes of one that was won (`own_runs`).

A server that dies just after it has written Pending leaves a run that nobody knows to be theirs: it is unsigned, and
was given back after a minute, in which what it was for waited. So each attempt has a word of its own, and the run keeps
it.
"""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.exceptions import Abort
from prefect.states import Pending

from backroom.engine.patience import until_answered
from backroom.engine.prefect_seams import propose


async def win(client: PrefectClient, run_id: UUID, who: str, gives_up: Callable[[], bool]) -> bool:
    """Whether this run is ours now; asks until the server says so, as `until_answered` does.

    `who` stands in the run's state. Raises Abort where the server says no, and httpx errors where it refuses us, or
    when `gives_up`.
    """
    word = f"taken by {who} ({uuid.uuid4().hex[:8]})"
    asked = 0

    def ask() -> Awaitable[bool]:
        nonlocal asked
        asked += 1
        return _ask(client, run_id, word, was_asked=asked > 1)

    return await until_answered(ask, gives_up)


async def _ask(client: PrefectClient, run_id: UUID, word: str, *, was_asked: bool) -> bool:
    try:
        return (await propose(client, run_id, Pending(message=word))).is_pending()
    except Abort:
        # Nobody takes what is Pending, nor do we once more: that answer may have been on its way.
        if not was_asked:
            raise
    state = (await client.read_flow_run(run_id)).state
    return state is not None and state.is_pending() and state.message == word
