"""What somebody told for the plan because the shop's data cannot say it, and when a list was compared."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from backroom.store.batches import upsert
from backroom.store.tables import plan_answers

# Followed by a channel: when its own list of orders was last compared with ours.
COMPARED = "compared."


@dataclass(frozen=True, slots=True)
class Answer:
    value: str
    at: datetime


def save(connection: Connection, name: str, value: str, actor: str, at: datetime) -> None:
    """Remember an answer in the place of the one before."""
    upsert(connection, plan_answers, [{"name": name, "value": value, "actor": actor, "at": at}], ["name"])


def answers(connection: Connection) -> dict[str, Answer]:
    """All answers by name."""
    return {row.name: Answer(row.value, row.at) for row in connection.execute(select(plan_answers))}
