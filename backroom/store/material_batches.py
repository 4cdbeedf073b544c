"""The batches of fabric and ink that are in use, place by place, as people named them.

What belongs here: the rows. What does not: what a new batch means for samples (`backroom.domain.samples`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, RowMapping, func, insert, select

from backroom.domain.samples import InUse
from backroom.store.tables import material_batches

FABRIC, INK = "fabric", "ink"
KINDS = (FABRIC, INK)


def put_in_use(
    connection: Connection,
    *,
    location: str,
    kind: str,
    material: str,
    colourway: str,
    batch: str,
    at: datetime,
    actor: str,
) -> bool:
    """Note a batch from now on; False where it is in use there already. `kind` is one of KINDS."""
    there = in_use(connection)
    now_used = (
        there.fabric.get((location, material, colourway)) if kind == FABRIC else there.ink.get((location, material))
    )
    if now_used == batch:
        return False
    row = {"location": location, "kind": kind, "material": material, "colourway": colourway, "batch": batch}
    connection.execute(insert(material_batches).values(**row, since=at, actor=actor))
    return True


def in_use(connection: Connection) -> InUse:
    """The newest batch of every place and material."""
    return in_use_of(listing(connection))


def in_use_of(rows: Sequence[RowMapping]) -> InUse:
    """What rows of `listing` or `history` say is in use, the newest being the last."""
    fabric = {(row["location"], row["material"], row["colourway"]): row["batch"] for row in rows if _is_fabric(row)}
    ink = {(row["location"], row["material"]): row["batch"] for row in rows if not _is_fabric(row)}
    return InUse(fabric, ink)


def listing(connection: Connection) -> list[RowMapping]:
    """What is in use, by place."""
    table = material_batches
    newest = select(func.max(table.c.id)).group_by(table.c.location, table.c.kind, table.c.material, table.c.colourway)
    query = select(table).where(table.c.id.in_(newest)).order_by(table.c.location, table.c.kind, table.c.material)
    return list(connection.execute(query).mappings())


def history(connection: Connection) -> list[RowMapping]:
    """Every batch that came into use, in that order."""
    return list(connection.execute(select(material_batches).order_by(material_batches.c.id)).mappings())


def _is_fabric(row: RowMapping) -> bool:
    return bool(row["kind"] == FABRIC)
