"""Committing what a caller waits for, together with whatever else this process writes just then."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from backroom.shop.room import Room
from backroom.store.database import Database
from backroom.store.inbox_door import Delivery, Receipt, accept

COMMIT_SECONDS = 20.0

T = TypeVar("T")


async def committed(database: Database, work: Callable[[Connection], T]) -> T:
    """What `work` returns, once it is durable. Raises TimeoutError after 20 s, and what `write_grouped` does."""
    try:
        return await _once(database, work)
    except IntegrityError:
        # Another process made the same person in the same moment; now it is there to be found.
        return await _once(database, work)


async def accepted(room: Room, delivery: Delivery, heard_at: datetime | None = None) -> Receipt:
    """The receipt of a delivery, once it is durable in the shop's database; `heard_at` as `accept` has it. Raises as
    `committed` does."""
    work = partial(accept, seals=room.seals, delivery=delivery, hub=room.shop.hub, heard_at=heard_at)
    return await committed(room.database, work)


async def _once(database: Database, work: Callable[[Connection], T]) -> T:
    # Shielded: a commit that is under way must be left to end, whoever stops waiting for it.
    commit = asyncio.shield(asyncio.wrap_future(database.write_grouped(work)))
    return await asyncio.wait_for(commit, COMMIT_SECONDS)
