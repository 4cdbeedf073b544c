"""Taking a run: one of a pool's workers has it, also where the server's answer is lost.

What belongs here: winning a run by its Pending state, and knowing afterwards who has won. What does not: which runs are
looked for, and what becomes of one that was won (`worker`).

A server that dies just after it has written Pending leaves a run that nobody knows to be theirs: it is unsigned, and
was given back after a minute, in which what it was for waited. So each attempt has a word of its own, and the run keeps
it.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from uuid import UUID

import httpx
from prefect.client.orchestration import PrefectClient
from prefect.exceptions import Abort
from prefect.states import Pending

from backroom.engine.prefect_seams import propose

ASK_AGAIN_SECONDS = 1.0


async def win(client: PrefectClient, run_id: UUID, who: str, gives_up: Callable[[], bool]) -> bool:
    """Whether this run is ours now; asks every second until the server says so, however long it is away.

    `who` stands in the run's state. Raises Abort where the server says no, and httpx errors where it refuses us, or
    when `gives_up`.
    """
    word = f"taken by {who} ({uuid.uuid4().hex[:8]})"
    was_asked = False
    while True:
        try:
            return await _ask(client, run_id, word, was_asked=was_asked)
        except httpx.HTTPError as error:
            if _refuses_us(error) or gives_up():
                raise
        was_asked = True
        await asyncio.sleep(ASK_AGAIN_SECONDS)


async def _ask(client: PrefectClient, run_id: UUID, word: str, *, was_asked: bool) -> bool:
    try:
        return (await propose(client, run_id, Pending(message=word))).is_pending()
    except Abort:
        # Nobody takes what is Pending, nor do we once more: that answer may have been on its way.
        if not was_asked:
            raise
    state = (await client.read_flow_run(run_id)).state
    return state is not None and state.is_pending() and state.message == word


def _refuses_us(error: httpx.HTTPError) -> bool:
    return isinstance(error, httpx.HTTPStatusError) and error.response.status_code < 500
