"""The looks at the sources laid out: a row a channel, with what to do, and what people are told of it.

What belongs here: sentences and rows. What does not: looking (`backroom.channels.reconciling`), and where it is shown
(`tasks.reconcile`, `backroom.cli.audit`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping

from backroom.domain.reconciliation import Figures, is_overdue
from backroom.insight.words import say_seconds

COLUMNS = (
    *("channel", "look", "paid there", "ours", "waiting", "in quarantine", "fetched now", "unaccounted"),
    *("others", "last complete look", "do"),
)


@dataclass(frozen=True, slots=True)
class Trouble:
    """What people are told of a source, once: a word for it, and a sentence that says what to do."""

    word: str
    what: str


def age_of(row: RowMapping, at: datetime) -> float:
    """Seconds since the last complete look; since the first try where there was none."""
    age: float = (at - (row["looked_at"] or row["tried_since"])).total_seconds()
    return age


def rows(looked: Sequence[RowMapping], missing: Mapping[str, int], at: datetime) -> list[dict[str, Any]]:
    """A row for each channel and look. `missing` is how many orders of each channel are unaccounted at this moment."""
    return [
        {
            "channel": row["channel"],
            "look": row["look"],
            "paid there": row["paid"],
            "ours": row["ours"],
            "waiting": row["waiting"],
            "in quarantine": row["quarantine"],
            "fetched now": row["fetched"],
            "unaccounted": missing.get(row["channel"], 0),
            "others": _others(row),
            "last complete look": f"{say_seconds(age_of(row, at))} ago" if row["looked_at"] else "never yet",
            "do": what_to_do(row, missing.get(row["channel"], 0)),
        }
        for row in looked
    ]


def what_to_do(row: RowMapping, missing: int) -> str:
    """The next thing to do about a channel, the gravest first; empty where nothing is."""
    channel = row["channel"]
    told = []
    if row["cause"]:
        told.append(row["reason"])
    if missing:
        told.append(
            f"{channel} does not give what is unaccounted: `backroom audit lost --place {channel}` lists each order."
        )
    if row["quarantine"]:
        told.append("See what is wrong with the messages in quarantine: `backroom quarantine list`.")
    if row["cancelled"]:
        told.append(f"{row['cancelled']} are paid there and cancelled here: pay them back at {channel}.")
    return " ".join(told)


def sentence(channel: str, figures: Figures) -> str:
    """`web: 120 paid, 118 ours, 2 fetched, 0 unaccounted`."""
    waiting = f", {figures.waiting} waiting" if figures.waiting else ""
    aside = f", {figures.quarantine} in quarantine" if figures.quarantine else ""
    return (
        f"{channel}: {figures.paid} paid, {figures.ours} ours{waiting}{aside}, {figures.fetched} fetched, "
        f"{figures.missing} unaccounted"
    )


def trouble_of(row: RowMapping, at: datetime, *, for_a_person: bool, new_missing: int) -> Trouble | None:
    """What people must hear of a source, by rule: what only they can mend, at once; that it is away, after an hour;
    that it does not give an order that it lists as paid, when that is found."""
    channel = row["channel"]
    if row["cause"] and for_a_person:
        return Trouble(row["cause"], f"its orders cannot be compared with ours: {row['reason']}")
    if row["cause"] and is_overdue(at, row["looked_at"], row["tried_since"]):
        since = say_seconds(age_of(row, at))
        return Trouble(
            "away",
            f"its orders were not compared with ours for {since}: {row['reason']} Look whether webhooks come in, and "
            "whether the shop is there.",
        )
    if new_missing:
        return Trouble(
            "missing",
            f"{new_missing} paid orders are not here and {channel} does not give them: "
            f"`backroom audit lost --place {channel}` says what to do.",
        )
    return None


def _others(row: RowMapping) -> str:
    named = {
        "cancelled": "cancelled here",
        "settled": "settled by a person",
        "sent": "sent by others",
        "earlier": "placed before we began",
        "behind": "had newer news",
    }
    return ", ".join(f"{row[key]} {words}" for key, words in named.items() if row[key])
