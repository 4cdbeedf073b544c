"""Reading transfers: one by its number, all, those of an event; and holding one until the commit.

What belongs here: the queries. What does not: changing them (`transfers`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, case, func, select

from backroom.domain.model import PrintJobState
from backroom.domain.transfers import (
    AWAY,
    PackLine,
    TransferLine,
    TransferRefused,
    TransferState,
    less_than_asked,
    missing,
)
from backroom.store import transfer_packs
from backroom.store.tables import events, print_jobs, transfer_lines, transfers


class NoSuchTransfer(TransferRefused):
    """No transfer has this number."""

    cause = "no_such_transfer"


@dataclass(frozen=True, slots=True)
class Transfer:
    """A transfer with its lines; `event` is the event's code, `missing` what was sent and did not arrive, by SKU;
    `packs` are the materials that go along."""

    number: str
    event: str
    event_id: int
    from_location: str
    to_location: str
    state: TransferState
    lines: tuple[TransferLine, ...]
    packs: tuple[PackLine, ...]
    row: RowMapping

    @property
    def asked(self) -> int:
        return sum(line.asked for line in self.lines)

    @property
    def still_to_print(self) -> int:
        """Pieces that have not come out of the hub's printers yet."""
        return sum(line.printing for line in self.lines)

    @property
    def missing(self) -> dict[str, int]:
        return missing(self.lines) if self.state is TransferState.ARRIVED else {}

    @property
    def missing_packs(self) -> dict[str, int]:
        """Packs that were sent and did not arrive, by material."""
        arrived = self.state is TransferState.ARRIVED
        return {pack.material: pack.on_the_way for pack in self.packs if arrived and pack.on_the_way}

    @property
    def left(self) -> int:
        """Pieces and packs that are still to be scanned."""
        return sum(line.on_the_way for line in self.lines) + sum(pack.on_the_way for pack in self.packs)

    @property
    def to_book(self) -> dict[str, int]:
        """What was scanned and is not in the booth's stock yet, by SKU."""
        return {line.sku: line.arrived - line.booked for line in self.lines if line.arrived > line.booked}


def read(connection: Connection, number: str) -> Transfer:
    """A transfer by its number; NoSuchTransfer, which lists the open ones, where there is none."""
    return _one(connection, number, _query().where(transfers.c.number == number.strip().upper()))


def listing(connection: Connection, event_id: int | None = None, most: int = 200) -> list[Transfer]:
    """Transfers, the newest first; of one event if asked."""
    query = _query().order_by(transfers.c.id.desc()).limit(most)
    if event_id is not None:
        query = query.where(transfers.c.event_id == event_id)
    return _read(connection, query)


def on_the_way(connection: Connection, event_id: int) -> dict[str, int]:
    """Pieces that are set aside for an event, still printed for it, or on their way to it, by SKU."""
    found: dict[str, int] = {}
    for one in of_event(connection, event_id, AWAY):
        for line in one.lines:
            found[line.sku] = found.get(line.sku, 0) + line.sent + line.printing
    return found


def still_printing(connection: Connection, which: ColumnElement[bool]) -> dict[tuple[int, str], int]:
    """Pieces that have not come out yet for those of these transfers that wait to be packed, by (id, SKU)."""
    pieces = func.sum(case((print_jobs.c.remake > 0, print_jobs.c.remake), else_=print_jobs.c.copies))
    query = (
        select(print_jobs.c.transfer_id, print_jobs.c.sku, pieces)
        .join(transfers, transfers.c.id == print_jobs.c.transfer_id)
        .where(
            which,
            transfers.c.state == TransferState.APPROVED,
            print_jobs.c.state.not_in((PrintJobState.DONE, PrintJobState.CANCELLED)),
        )
        .group_by(print_jobs.c.transfer_id, print_jobs.c.sku)
    )
    return {(row[0], row[1]): int(row[2]) for row in connection.execute(query)}


def printed(connection: Connection, event_id: int) -> dict[str, int]:
    """Pieces that were printed at the hub for an event's transfers and are good, by SKU; one that came out too late to
    go along is among them."""
    query = (
        select(print_jobs.c.sku, func.sum(print_jobs.c.copies))
        .join(transfers, transfers.c.id == print_jobs.c.transfer_id)
        .where(transfers.c.event_id == event_id, print_jobs.c.state == PrintJobState.DONE)
        .group_by(print_jobs.c.sku)
    )
    return {sku: int(pieces) for sku, pieces in connection.execute(query)}


def short_of(one: Transfer) -> dict[str, int]:
    """What was asked for and not there when it was set aside or packed, by SKU."""
    return less_than_asked(one.lines) if one.state in (*AWAY, TransferState.ARRIVED) else {}


def locked(connection: Connection, number: str, *states: TransferState) -> Transfer:
    """A transfer that nobody else changes until the commit, in one of these states."""
    query = _query().where(transfers.c.number == number.strip().upper()).with_for_update(of=transfers)
    one = _one(connection, number, query)
    if one.state not in states:
        raise TransferRefused(f"{one.number} is {one.state}", remedy=f"This is for one that is {' or '.join(states)}.")
    return one


def of_event(connection: Connection, event_id: int, states: Sequence[TransferState]) -> list[Transfer]:
    """An event's transfers in these states, the first one first."""
    query = _query().where(transfers.c.event_id == event_id, transfers.c.state.in_(states)).order_by(transfers.c.id)
    return _read(connection, query)


def _query() -> Select[tuple[object, ...]]:
    return select(transfers, events.c.code).join(events, events.c.id == transfers.c.event_id)


def _read(connection: Connection, query: Select[tuple[object, ...]]) -> list[Transfer]:
    rows = connection.execute(query).mappings().all()
    lines: dict[int, list[TransferLine]] = {row["id"]: [] for row in rows}
    printing = still_printing(connection, transfers.c.id.in_(list(lines)))
    of_these = select(transfer_lines).where(transfer_lines.c.transfer_id.in_(list(lines)))
    for line in connection.execute(of_these.order_by(transfer_lines.c.sku)).mappings():
        told = TransferLine(
            line["sku"],
            line["asked"],
            line["sent"],
            line["arrived"],
            line["booked"],
            line["to_print"],
            printing.get((line["transfer_id"], line["sku"]), 0),
        )
        lines[line["transfer_id"]].append(told)
    packs = transfer_packs.of_transfers(connection, lines)
    return [
        Transfer(
            row["number"],
            row["code"],
            row["event_id"],
            row["from_location"],
            row["to_location"],
            TransferState(row["state"]),
            tuple(lines[row["id"]]),
            packs.get(row["id"], ()),
            row,
        )
        for row in rows
    ]


def _one(connection: Connection, number: str, query: Select[tuple[object, ...]]) -> Transfer:
    found = _read(connection, query)
    if not found:
        open_ = [one.number for one in listing(connection) if one.state in (TransferState.PROPOSED, *AWAY)]
        raise NoSuchTransfer(f"there is no transfer {number!r}", remedy=f"Open are: {', '.join(open_) or 'none'}.")
    return found[0]
