"""What was done without us and does not go together with what we had decided meanwhile: listed, with what was settled.

What belongs here: those rows, and whoever has looked at one. What does not: the rules by which they are settled
(`replayed_prints`, `carried_out`), which write one in the commit that settles it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, RowMapping, select, update

from backroom.store import history
from backroom.store.batches import insert_new
from backroom.store.database import now
from backroom.store.tables import offline_conflicts, orders


class ConflictKind(StrEnum):
    """What came together that does not go together.

    TAKEN_BACK: printed at the booth after it was taken back here, and not begun elsewhere. PRINTED_TWICE: printed at
    the booth and elsewhere as well. FOR_NOTHING: printed at the booth for work that was cancelled or sent elsewhere.
    SAID_PRINTED: a person said that it was printed, and the booth knows that it was not. DISPLACED: a piece that was
    carried out had been promised to another order. NOT_IN_BOOKS: a piece that was carried out, and the books had none.
    """

    TAKEN_BACK = "taken_back"
    PRINTED_TWICE = "printed_twice"
    FOR_NOTHING = "for_nothing"
    SAID_PRINTED = "said_printed"
    DISPLACED = "displaced"
    NOT_IN_BOOKS = "not_in_books"


# What the rule did about each, in the words of the list.
SETTLED: Mapping[ConflictKind, str] = {
    ConflictKind.TAKEN_BACK: "the booth's piece counts, nothing is printed again",
    ConflictKind.PRINTED_TWICE: "the second piece lies in the booth's stock",
    ConflictKind.FOR_NOTHING: "the piece lies in the booth's stock",
    ConflictKind.SAID_PRINTED: "the person's word stands: look whether the piece is there",
    ConflictKind.DISPLACED: "the piece in the customer's hand counts, the other order is made anew, or on hold",
    ConflictKind.NOT_IN_BOOKS: "the stock was corrected by what was carried out: count what is there",
}


@dataclass(frozen=True, slots=True)
class Conflict:
    """`key` names it once and for all. `data` holds ids, codes and figures."""

    key: str
    kind: ConflictKind
    location: str
    sku: str
    pieces: int
    order_id: int | None = None
    data: Mapping[str, object] = field(default_factory=dict)


def key_of_print(job_id: int, attempt: int) -> str:
    """What names the conflict about one try at a print job."""
    return f"print:{job_id}:{attempt}"


def note(connection: Connection, conflict: Conflict, at: datetime) -> bool:
    """List a conflict once, and write it into its order's history; False where it is listed already."""
    row = {
        "key": conflict.key,
        "kind": conflict.kind,
        "location": conflict.location,
        "order_id": conflict.order_id,
        "sku": conflict.sku,
        "pieces": conflict.pieces,
        "settled": SETTLED[conflict.kind],
        "data": dict(conflict.data),
        "at": at,
        "seen_by": "",
    }
    if not insert_new(connection, offline_conflicts, [row]):
        return False
    if conflict.order_id is not None:
        told = {"kind": conflict.kind, "sku": conflict.sku, "pieces": conflict.pieces, "location": conflict.location}
        entry = history.Entry(conflict.order_id, "booth.conflict", told)
        history.record(connection, [entry], at=at)
    return True


def listing(connection: Connection, *, seen: bool = False, location: str = "") -> list[RowMapping]:
    """The conflicts nobody has looked at, or all, with the number of the order; newest first."""
    query = select(offline_conflicts, orders.c.number.label("order_number")).outerjoin(
        orders, orders.c.id == offline_conflicts.c.order_id
    )
    if not seen:
        query = query.where(offline_conflicts.c.seen_at.is_(None))
    if location:
        query = query.where(offline_conflicts.c.location == location)
    return list(connection.execute(query.order_by(offline_conflicts.c.id.desc())).mappings())


def look(connection: Connection, conflict_id: int, actor: str) -> bool:
    """Somebody has looked at a conflict; False where there is none that waits."""
    waits = (offline_conflicts.c.id == conflict_id) & offline_conflicts.c.seen_at.is_(None)
    seen = update(offline_conflicts).where(waits).values(seen_at=now(connection), seen_by=actor)
    return connection.execute(seen).rowcount == 1
