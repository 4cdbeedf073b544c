"""The packs of ink, paper and the like that a transfer takes along beside its pieces.

No stock of materials is counted anywhere: a pack is asked for, packed and seen on arrival, and that is all that is
known. What does not belong here: pieces, and a transfer's way (`transfers`).
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, insert, select, update

from backroom.domain.transfers import AWAY, PackLine, TransferState
from backroom.store.tables import transfer_packs, transfers


def add(connection: Connection, transfer_id: int, packs: Iterable[PackLine]) -> None:
    """Write what a new proposal asks for."""
    rows = [
        {
            "transfer_id": transfer_id,
            "material": pack.material,
            "pack": pack.pack,
            "unit": pack.unit,
            "code": pack.code,
            "holds": pack.holds,
            "units": pack.units,
            "asked": pack.asked,
        }
        for pack in packs
    ]
    if rows:
        connection.execute(insert(transfer_packs), rows)


def set_sent(connection: Connection, transfer_id: int, material: str, sent: int) -> None:
    """So many packs of a material go, or went; none has arrived yet."""
    which = (transfer_packs.c.transfer_id == transfer_id) & (transfer_packs.c.material == material)
    connection.execute(update(transfer_packs).where(which).values(sent=sent, arrived=0))


def set_arrived(connection: Connection, transfer_id: int, material: str, arrived: int) -> None:
    """So many packs of a material were seen at the booth."""
    which = (transfer_packs.c.transfer_id == transfer_id) & (transfer_packs.c.material == material)
    connection.execute(update(transfer_packs).where(which).values(arrived=arrived))


def of_transfers(connection: Connection, ids: Iterable[int]) -> dict[int, tuple[PackLine, ...]]:
    """The packs of transfers by their ids, sorted by material."""
    found: dict[int, tuple[PackLine, ...]] = {}
    query = select(transfer_packs).where(transfer_packs.c.transfer_id.in_(list(ids)))
    for row in connection.execute(query.order_by(transfer_packs.c.material)).mappings():
        line = PackLine(
            row["material"],
            row["pack"],
            row["unit"],
            row["code"],
            row["holds"],
            row["units"],
            row["asked"],
            row["sent"],
            row["arrived"],
        )
        found[row["transfer_id"]] = (*found.get(row["transfer_id"], ()), line)
    return found


def spare(connection: Connection, event_id: int) -> dict[str, int]:
    """Units in the packs that went to an event, beyond what the blanks that went with them need, by material.

    Packs are whole: the second trip to an event takes no new bottle while the first has enough left.
    """
    query = select(transfer_packs, transfers.c.state).join(transfers, transfers.c.id == transfer_packs.c.transfer_id)
    query = query.where(transfers.c.event_id == event_id, transfers.c.state.in_((*AWAY, TransferState.ARRIVED)))
    left: dict[str, int] = {}
    for row in connection.execute(query).mappings():
        packs = row["arrived"] if row["state"] == TransferState.ARRIVED else row["sent"]
        left[row["material"]] = left.get(row["material"], 0) + packs * row["holds"] - row["units"]
    return {material: max(0, units) for material, units in left.items()}
