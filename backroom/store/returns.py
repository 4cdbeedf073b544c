"""Returns as rows: finding them and their pieces, and the claims of the runs that tell their customers.

What belongs here: reading, and the lease. What does not: what staff do with a return (`backroom.store.return_desk`),
and what follows from it (`backroom.store.return_steps`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, case, func, literal, or_, select, update

from backroom.domain.errors import Refuse
from backroom.domain.labels import numbers_of_code
from backroom.domain.lifecycle import Kind, ends
from backroom.domain.returns import Disposition, Piece, PieceState, Word
from backroom.store.batches import chunks
from backroom.store.claim_rows import Work, claim_of_order, claim_wave, settle_revisions
from backroom.store.claims import Claim
from backroom.store.tables import orders, refunds, return_lines, returns, shipments
from backroom.store.tables.base import Utc
from backroom.store.waiting import HEALTHY

STAGE = "returns"
ENDED = ends(Kind.RETURN)
UNSETTLED = returns.c.revision > returns.c.settled_revision
# It has not ended, or its customer is still to be told of its end.
UNDER_WAY = or_(returns.c.state.not_in(ENDED), UNSETTLED)


class NoSuchReturn(Refuse):
    """No return has this number, and no label this code."""

    cause = "no_such_return"


def find(connection: Connection, number: str) -> RowMapping:
    """The return's row by its number, with its order's; NoSuchReturn when there is none."""
    row = connection.execute(_with_order().where(returns.c.number == number)).mappings().one_or_none()
    if row is None:
        raise NoSuchReturn(f"there is no return {number}", remedy="`backroom return list` shows them.")
    return row


def locked(connection: Connection, number: str) -> RowMapping:
    """As `find`; nobody else changes it until the commit."""
    query = select(returns.c.id).where(returns.c.number == number).with_for_update()
    connection.execute(query)
    return find(connection, number)


def lines_of(connection: Connection, return_ids: Iterable[int]) -> dict[int, list[RowMapping]]:
    """The pieces of each return, in the order of the order's lines."""
    found: dict[int, list[RowMapping]] = defaultdict(list)
    for batch in chunks(sorted(set(return_ids))):
        query = (
            select(return_lines)
            .where(return_lines.c.return_id.in_(batch))
            .order_by(return_lines.c.line_no, return_lines.c.piece_no, return_lines.c.id)
        )
        for row in connection.execute(query).mappings():
            found[row["return_id"]].append(row)
    return found


def line(connection: Connection, line_id: int) -> RowMapping:
    """A piece with its return's number."""
    query = select(return_lines, returns.c.number).join(returns, returns.c.id == return_lines.c.return_id)
    row = connection.execute(query.where(return_lines.c.id == line_id)).mappings().one_or_none()
    if row is None:
        raise NoSuchReturn(f"no return has a piece {line_id}")
    return row


def refund_of(connection: Connection, return_id: int) -> RowMapping | None:
    return connection.execute(select(refunds).where(refunds.c.return_id == return_id)).mappings().one_or_none()


def of_order(connection: Connection, order_id: int) -> Sequence[RowMapping]:
    """An order's returns, oldest first."""
    return (
        connection.execute(_with_order().where(returns.c.order_id == order_id).order_by(returns.c.id)).mappings().all()
    )


def listed(
    connection: Connection, *, state: str = "", lane: str = "", location: str = "", ended: bool = False, most: int = 200
) -> Sequence[RowMapping]:
    """Returns, the newest first: those that have not ended, or all of them. `location` shows those that are not
    anywhere yet as well."""
    query = _with_order().order_by(returns.c.id.desc()).limit(most)
    if not ended and not state:
        query = query.where(returns.c.state.not_in(ENDED))
    if state:
        query = query.where(returns.c.state == state)
    if lane:
        query = query.where(returns.c.lane == lane)
    if location:
        query = query.where(or_(returns.c.location == location, returns.c.location == ""))
    return connection.execute(query).mappings().all()


def shipment_by_return_label(connection: Connection, code: str) -> RowMapping | None:
    """The shipment whose return label carries this code."""
    query = select(shipments).where(shipments.c.return_tracking.in_(numbers_of_code(code)))
    return connection.execute(query.order_by(shipments.c.id).limit(1)).mappings().one_or_none()


def piece_of(row: RowMapping) -> Piece:
    """A piece's row as the rules see it."""
    return Piece(
        PieceState(row["state"]),
        Word(row["word"]) if row["word"] else None,
        Disposition(row["disposition"]) if row["disposition"] else None,
    )


def claim_waiting(connection: Connection, *, hub: str, instance: str, run_id: str, most: int) -> Claim | None:
    """Claim returns of which something is to be told or done; None when nothing waits."""
    taken = claim_wave(connection, _work(hub), instance=instance, run_id=run_id, most=most)
    return taken[0] if taken else None


def claim_order(connection: Connection, order_id: int, *, hub: str, instance: str, run_id: str) -> Claim | None:
    """Claim the returns of one order, sick or not; None when nothing is to be done or another run holds them."""
    taken = claim_of_order(connection, _work(hub), order_id, instance=instance, run_id=run_id)
    return taken[0] if taken else None


def claimed(connection: Connection, token: str) -> list[RowMapping]:
    """The wave's returns, each with its order's number, contact, channel and language."""
    query = _with_order().add_columns(orders.c.contact).where(returns.c.claim_token == token, UNSETTLED)
    return list(connection.execute(query.order_by(returns.c.priority, returns.c.id)).mappings())


def last_in(connection: Connection, return_ids: Iterable[int]) -> dict[int, datetime]:
    """By the return's id when its last piece came in; none where nothing did."""
    found: dict[int, datetime] = {}
    for batch in chunks(sorted(set(return_ids))):
        query = (
            select(return_lines.c.return_id, func.max(return_lines.c.received_at).label("at"))
            .where(return_lines.c.return_id.in_(batch), return_lines.c.received_at.is_not(None))
            .group_by(return_lines.c.return_id)
        )
        found |= {row.return_id: row.at for row in connection.execute(query)}
    return found


def put_off(connection: Connection, token: str, until: Mapping[int, tuple[int, datetime]]) -> None:
    """Give up returns that are well, `(revision, until when)`: the sweep wakes them then. One that was changed
    meanwhile waits for nothing."""
    for id_, (revision, at) in until.items():
        mine = update(returns).where(returns.c.id == id_, returns.c.claim_token == token)
        again = case((returns.c.revision == revision, literal(at, Utc)), else_=None)
        connection.execute(mine.values(claim_token=None, attempts=0, next_attempt_at=again, **HEALTHY))


def settle(connection: Connection, token: str, revisions: Mapping[int, int]) -> list[int]:
    """Say that these returns were seen to as far as their revision, and give them up; returns those that were."""
    return settle_revisions(connection, returns, token, revisions)


def _work(hub: str) -> Work:
    return Work(returns, UNSETTLED, STAGE, hub)


def _with_order() -> Select[tuple[Any, ...]]:
    """Returns with what their orders say, without what is sealed."""
    names = (
        "channel",
        "external_id",
        "language",
        "currency",
        "total_minor",
        "shipping_minor",
        "delivery",
        "payment",
    )
    columns = (orders.c[name] for name in names)
    return select(returns, orders.c.number.label("order_number"), *columns).join(
        orders, orders.c.id == returns.c.order_id
    )
