"""What people are told of the quarantine: what is in it, why, and what brings it out again.

What belongs here: the words, for a list, an artifact, an order's page and a form. What does not: putting rows aside and
letting them out (`backroom.store.quality.quarantine`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping

from backroom.domain.lifecycle import Kind, ends
from backroom.domain.model import OrderState
from backroom.domain.quarantine import IN_QUARANTINE, Aside
from backroom.quality.suites import advice_of, is_certain, said_of
from backroom.store.quality import aside, findings
from backroom.store.quality.quarantine import STOCK_SUBJECTS

ENDED = ends(Kind.ORDER)


def became(row: RowMapping) -> str:
    """What became of a finding's row, as `backroom.store.quality.quarantine.listed` reads it."""
    if row["aside"] == Aside.TOO_MANY:
        return "not put aside: too many failed at once"
    if row["order_state"] is None:
        return "not sold, not promised" if row["subject"] in STOCK_SUBJECTS else "listed"
    if row["order_state"] == OrderState.HELD:
        return "on hold" if row["order_held_for"] == IN_QUARANTINE else f"on hold for {row['order_held_for']}"
    if row["order_state"] in ENDED:
        return f"{row['order_state']} already: not counted"
    return "not counted"


def table(rows: Sequence[RowMapping]) -> list[dict[str, Any]]:
    """The list: which finding, of which order or row, why, since when, what became of it, and what to do."""
    return [
        {
            "id": row["id"],
            "number": row["number"] if row["order_state"] is not None else "",
            "of": findings.name_of(row),
            "why": said_of(row["code"]),
            "since": f"{row['first_at']:%Y-%m-%d %H:%M}",
            "now": became(row),
            "repair": "certain" if is_certain(row["code"]) else "",
            "do": advice_of(row["code"]),
        }
        for row in rows
    ]


def why_held(connection: Connection, number: str) -> list[str]:
    """Why an order is in quarantine: a sentence for each finding, which check, what is wrong, and what to do."""
    return [f"{said_of(row['code'])} {advice_of(row['code'])}".strip() for row in aside.of_order(connection, number)]
