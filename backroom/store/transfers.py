"""Transfers from the hub to a booth: proposed, approved by a person, packed, sent, scanned on arrival.

Pieces leave the hub's stock when a person says yes, so that nobody else sells them, and come into the booth's as the
event's lease when their arrival is booked; in between they are in the transfer's lines and in no stock. Each change is
a movement, so that stock counts again from nothing. What is to be printed first is printed with the yes, and joins them
as it comes out (`stock_prints`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, RowMapping, insert, select, update

from backroom.domain.events import BEFORE_THE_END
from backroom.domain.leases import Loan
from backroom.domain.shop import Shop
from backroom.domain.transfers import AWAY, PackLine, TransferRefused, TransferState, about_the_same
from backroom.store import events, leases, stock_prints, transfer_packs
from backroom.store.batches import insert_new
from backroom.store.catalogue import sku_of_code
from backroom.store.database import now
from backroom.store.moves import moving
from backroom.store.tables import counters, stock_levels, transfer_lines, transfers
from backroom.store.transfer_rows import Transfer, listing, locked, of_event, read
from backroom.store.transfer_stock import change

COUNTER = "transfer"


@dataclass(frozen=True, slots=True)
class Scanned:
    """The answer to a scan on arrival: `sku` is what it was, or the material; `left` pieces and packs of the transfer
    are still to be scanned."""

    accepted: bool
    reason: str
    sku: str
    left: int


def propose(
    connection: Connection,
    event: RowMapping,
    plan_id: int,
    pieces: Mapping[str, int],
    hub: str,
    at: datetime,
    packs: Sequence[PackLine] = (),
    to_print: Mapping[str, int] | None = None,
) -> str:
    """The open proposal of an event with about these pieces and packs: the one that is there, or a new one instead.

    `event` is its row, locked, so that two runs at once make one; `to_print` of the `pieces` are not there yet, and
    printed at the hub first. Returns its number, "" where nothing is to go.
    """
    open_ = of_event(connection, event["id"], (TransferState.PROPOSED,))
    wanted = {sku: count for sku, count in sorted(pieces.items()) if count > 0}
    all_ = wanted | {_key(pack): pack.asked for pack in packs}
    for one in open_:
        if about_the_same(_asked(one), all_):
            return one.number
        _move(connection, one, TransferState.OUTDATED, decided_at=at)
    if not wanted or _declined(connection, event["id"], all_):
        return ""
    number = _next_number(connection)
    id_: int = connection.execute(
        insert(transfers)
        .values(
            number=number,
            event_id=event["id"],
            plan_id=plan_id,
            from_location=hub,
            to_location=event["location"],
            state=TransferState.PROPOSED,
            proposed_at=at,
        )
        .returning(transfers.c.id)
    ).scalar_one()
    first = to_print or {}
    rows = [
        {"transfer_id": id_, "sku": sku, "asked": count, "to_print": min(count, first.get(sku, 0))}
        for sku, count in wanted.items()
    ]
    connection.execute(insert(transfer_lines), rows)
    transfer_packs.add(connection, id_, packs)
    return number


def approve(connection: Connection, shop: Shop, number: str, actor: str) -> Transfer:
    """A person's yes: set the pieces aside, out of the hub's stock, and have those printed that are not there yet. What
    is not free any more, or cannot be printed any more, is left, and said.

    TransferRefused when the event is over. Owes `stock_prints.wakeups`.
    """
    # The event first, as whoever proposes or closes has it: it must not end while its prints are opened.
    event = events.locked(connection, read(connection, number).event)
    one, at = locked(connection, number, TransferState.PROPOSED), now(connection)
    if event["state"] not in BEFORE_THE_END or event["ends_at"] <= at:
        raise TransferRefused(f"{one.event} is over", remedy=f"Say no to {one.number}: its pieces stay.")
    for line in one.lines:
        place = (stock_levels.c.location == one.from_location) & (stock_levels.c.sku == line.sku)
        level = connection.execute(select(stock_levels).where(place).with_for_update()).mappings().first()
        free = 0 if level is None or level["kept"] else level["on_hand"] - level["reserved"]
        count = max(0, min(line.asked - line.to_print, free))
        if count:
            _change_stock(connection, one, line.sku, -count, "set aside", at)
            _set(connection, one, line.sku, sent=count)
    for pack in one.packs:
        transfer_packs.set_sent(connection, one.row["id"], pack.material, pack.asked)
    _move(connection, one, TransferState.APPROVED, decided_at=at, decided_by=actor)
    stock_prints.open_jobs(connection, shop, one, at)
    found = read(connection, number)
    told = {"transfer": number, "pieces": sum(line.sent for line in found.lines)}
    if found.still_to_print:
        told["to_print"] = found.still_to_print
    events.record(connection, one.event_id, "transfer.approved", told, at=at, actor=actor)
    return found


def decline(connection: Connection, number: str, actor: str) -> Transfer:
    """A person's no. About the same pieces are not proposed again for this event."""
    one, at = locked(connection, number, TransferState.PROPOSED), now(connection)
    _move(connection, one, TransferState.DECLINED, decided_at=at, decided_by=actor)
    return read(connection, number)


def withdraw(connection: Connection, code: str) -> None:
    """Take back what is proposed for an event and was not answered: it is over."""
    for one in of_event(connection, events.locked(connection, code)["id"], (TransferState.PROPOSED,)):
        _move(connection, one, TransferState.OUTDATED, decided_at=now(connection))


def send(connection: Connection, number: str, packed: Mapping[str, int], actor: str) -> Transfer:
    """It is packed and leaves. `packed` names SKUs, or materials, of which fewer went than were set aside: the rest
    goes back to the hub's stock. What is still to be printed is not printed any more, and what is at a printer goes to
    the stock. TransferRefused for one that it has not, and for more than was set aside."""
    one, at = locked(connection, number, TransferState.APPROVED), now(connection)
    lines = {line.sku: line for line in one.lines}
    packs = {pack.material: pack for pack in one.packs}
    for sku, count in sorted(packed.items()):
        line = lines.get(sku) or packs.get(sku)
        if line is None or not 0 <= count <= line.sent:
            there = line.sent if line else 0
            raise TransferRefused(f"{number} has {there} of {sku} set aside, not {count}", remedy="Count them again.")
        if isinstance(line, PackLine):
            transfer_packs.set_sent(connection, one.row["id"], sku, count)
        elif count < line.sent:
            _change_stock(connection, one, sku, line.sent - count, "not packed", at)
            _set(connection, one, sku, sent=count)
    _move(connection, one, TransferState.SENT, sent_at=at, sent_by=actor)
    stock_prints.drop(connection, [one.row["id"]], at, f"{one.number} has left without it")
    return read(connection, number)


def scan(connection: Connection, number: str, code: str) -> Scanned:
    """Scan one piece (its SKU or GTIN) or pack (its material or code) at the booth. What turns up after the arrival was
    booked is scanned the same."""
    one = locked(connection, number, TransferState.SENT, TransferState.ARRIVED)
    sku = sku_of_code(connection, code) or ""
    line = next((line for line in one.lines if line.sku == sku), None)
    pack = next((pack for pack in one.packs if line is None and pack.answers_to(code.strip())), None)
    if pack is not None:
        sku = pack.material
    if not sku:
        return Scanned(False, "this code is not in the catalogue", "", one.left)
    there = line or pack
    if there is None or not there.sent:
        return Scanned(False, f"{sku} is not in {number}", sku, one.left)
    if not there.on_the_way:
        return Scanned(False, f"all {there.sent} of {sku} were scanned already", sku, one.left)
    if pack is not None:
        transfer_packs.set_arrived(connection, one.row["id"], sku, pack.arrived + 1)
    else:
        _set(connection, one, sku, arrived=there.arrived + 1)
    return Scanned(True, "", sku, one.left - 1)


def scan_all(connection: Connection, number: str, but: Mapping[str, int]) -> None:
    """Count everything as arrived without scanning, but for what is not there, by SKU or material."""
    one = locked(connection, number, TransferState.SENT, TransferState.ARRIVED)
    on_the_way = {pack.material: pack.on_the_way for pack in one.packs}
    on_the_way |= {line.sku: line.on_the_way for line in one.lines}
    for sku, count in but.items():
        if sku not in on_the_way or not 0 <= count <= on_the_way[sku]:
            raise TransferRefused(f"{number} has not so many of {sku} on the way", remedy="Look at what was sent.")
    for line in one.lines:
        _set(connection, one, line.sku, arrived=line.sent - but.get(line.sku, 0))
    skus = {line.sku for line in one.lines}
    for pack in one.packs:
        gone = but.get(pack.material, 0) if pack.material not in skus else 0
        transfer_packs.set_arrived(connection, one.row["id"], pack.material, pack.sent - gone)


def book_in(connection: Connection, number: str, actor: str) -> Transfer:
    """That is all that arrived: it becomes the booth's stock, as a lease of the event, under the rule of what the event
    was lent of the same SKU before. What was sent besides is missing, by name; if it turns up, scan it and book again.

    Raises LeaseRefused when the event is over: then the pieces go back (`cancel`).
    """
    # The event first: nobody must lease under another rule between our look at its leases and ours.
    event = events.locked(connection, read(connection, number).event)
    one, at = locked(connection, number, TransferState.SENT, TransferState.ARRIVED), now(connection)
    new = one.to_book
    if new:
        for sku, count in sorted(new.items()):
            # The lease takes its pieces from the hub: they are put there and taken in one commit.
            _change_stock(connection, one, sku, count, "arrived", at)
            _set(connection, one, sku, booked=transfer_lines.c.arrived)
        shared = {lease["sku"]: lease["shared"] for lease in leases.leases_of(connection, event["id"])}
        loans = [Loan(sku, one.from_location, count, shared.get(sku, False)) for sku, count in sorted(new.items())]
        leases.lend(connection, one.event, loans, key=f"{number}:{one.row['bookings'] + 1}", actor=actor)
    booked = {"bookings": one.row["bookings"] + 1, "arrived_at": at, "arrived_by": actor}
    if one.state is TransferState.SENT:
        _move(connection, one, TransferState.ARRIVED, **booked)
    else:
        connection.execute(update(transfers).where(transfers.c.id == one.row["id"]).values(**booked))
    found = read(connection, number)
    told = {"transfer": number, "pieces": sum(new.values()), "missing": sum(found.missing.values())}
    if found.missing_packs:
        told["missing_packs"] = sum(found.missing_packs.values())
    events.record(connection, one.event_id, "transfer.arrived", told, at=at, actor=actor)
    return found


def cancel(connection: Connection, number: str, actor: str) -> Transfer:
    """It does not go, or came back whole: its pieces lie on the hub's shelf again, and none is printed for it."""
    one, at = locked(connection, number, *AWAY), now(connection)
    for line in one.lines:
        if line.sent:
            _change_stock(connection, one, line.sku, line.sent, "came back", at)
            _set(connection, one, line.sku, sent=0, arrived=0)
    for pack in one.packs:
        transfer_packs.set_sent(connection, one.row["id"], pack.material, 0)
    _move(connection, one, TransferState.CANCELLED, arrived_at=at, arrived_by=actor)
    stock_prints.drop(connection, [one.row["id"]], at, f"{one.number} does not go")
    events.record(connection, one.event_id, "transfer.cancelled", {"transfer": number}, at=at, actor=actor)
    return read(connection, number)


def _declined(connection: Connection, event_id: int, wanted: Mapping[str, int]) -> bool:
    """Whether a person said no to about these pieces the last time they were asked."""
    decided = [one for one in listing(connection, event_id) if one.state is not TransferState.OUTDATED]
    if not decided or decided[0].state is not TransferState.DECLINED:
        return False
    return about_the_same(_asked(decided[0]), wanted)


def _asked(one: Transfer) -> dict[str, int]:
    """All that a proposal asks for, pieces and packs."""
    return {line.sku: line.asked for line in one.lines} | {_key(pack): pack.asked for pack in one.packs}


def _key(pack: PackLine) -> str:
    return f"packs of {pack.material}"


def _move(connection: Connection, one: Transfer, new: TransferState, **values: object) -> None:
    moved = moving(transfers, one.state, new).where(transfers.c.id == one.row["id"]).values(**values)
    connection.execute(moved)


def _set(connection: Connection, one: Transfer, sku: str, **values: object) -> None:
    which = (transfer_lines.c.transfer_id == one.row["id"]) & (transfer_lines.c.sku == sku)
    connection.execute(update(transfer_lines).where(which).values(**values))


def _change_stock(connection: Connection, one: Transfer, sku: str, pieces: int, reason: str, at: datetime) -> None:
    """Take pieces from the hub's shelf or put them back, with the movement; `reason` happens to a line once, but for
    arrivals, which are counted."""
    key = f"transfer:{one.number}:{one.row['bookings']}:{sku}:{reason}"
    # What arrived was never free in between.
    change(connection, (one.from_location, sku), pieces, key=key, reason=reason, at=at, free=reason != "arrived")


def _next_number(connection: Connection) -> str:
    insert_new(connection, counters, [{"name": COUNTER, "value": 0}])
    raised = update(counters).where(counters.c.name == COUNTER).values(value=counters.c.value + 1)
    return f"T-{connection.execute(raised.returning(counters.c.value)).scalar_one()}"
