"""What follows from a change of a return, in the commit that made it: its state, its replacements, its refund.

What belongs here: following through, once and in order. What does not: what staff may change
(`backroom.store.return_desk`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from sqlalchemy import Connection, RowMapping, func, select, update

from backroom.domain.model import OrderState, PaymentStatus
from backroom.domain.returns import PieceState, ReturnState, Wanted, Word, state_by
from backroom.domain.shop import Shop
from backroom.store import catalogue, history, refunds, replacements
from backroom.store.claims import Wakeup, wakeup
from backroom.store.intake import STAGE as INTAKE
from backroom.store.moves import moving
from backroom.store.returns import STAGE, lines_of, locked, piece_of, refund_of
from backroom.store.tables import order_lines, return_lines, returns
from backroom.store.waiting import HEALTHY

_OVER = (ReturnState.CLOSED, ReturnState.DECLINED)


def follow(connection: Connection, shop: Shop, number: str, at: datetime, actor: str) -> list[Wakeup]:
    """Bring an accepted return to where its pieces say it is; returns the wake-ups that this owes."""
    back = locked(connection, number)
    lines = lines_of(connection, [back["id"]])[back["id"]]
    wakes_intake = _replace(connection, shop, back, lines, at)
    refund = refund_of(connection, back["id"])
    pieces = [piece_of(line) for line in lines]
    if refund is None and back["all_in"] and all(piece.settled for piece in pieces):
        refund = _owe(connection, shop, back, lines, at)
    owed = refund is not None and refund["state"] != refunds.DONE
    goal = state_by(pieces, all_in=back["all_in"], owed=owed)
    entries = []
    for old, new in _way(ReturnState(back["state"]), goal):
        _move(connection, back["id"], old, new, at)
        entries.append(history.Entry(back["order_id"], f"return.{new}", {"return": number}))
    history.record(connection, entries, at=at, actor=actor)
    return touch(connection, shop, back["id"], intake=wakes_intake)


def paid_by_channel(
    connection: Connection, shop: Shop, number: str, paid_minor: int, reference: str, at: datetime
) -> list[Wakeup]:
    """A channel paid a return's refund back by itself, under its own reference; nothing for one that was settled."""
    back = locked(connection, number)
    if not refunds.settle(connection, refunds.of_return(back["id"]), paid_minor, reference, at):
        return []
    told = {"return": number, "paid_minor": paid_minor, "currency": back["currency"], "reference": reference}
    history.record(connection, [history.Entry(back["order_id"], "refund.paid", told)], at=at)
    return follow(connection, shop, number, at, "")


def touch(connection: Connection, shop: Shop, return_id: int, *, intake: bool = False) -> list[Wakeup]:
    """Say that a return changed: the next wave tells its customer what is to be told."""
    changed = update(returns).where(returns.c.id == return_id)
    connection.execute(changed.values(revision=returns.c.revision + 1, attempts=0, next_attempt_at=None, **HEALTHY))
    wakeups = [wakeup(connection, INTAKE, shop.hub)] if intake else []
    return [*wakeups, wakeup(connection, STAGE, shop.hub)]


def end(connection: Connection, back: RowMapping, state: ReturnState, at: datetime) -> None:
    """End a return of which nothing has come, with what waits for it."""
    _move(connection, back["id"], ReturnState(back["state"]), state, at)
    replacements.let_go(connection, back["id"], (), at)


def _way(old: ReturnState, goal: ReturnState) -> Iterator[tuple[ReturnState, ReturnState]]:
    """The moves from one state to another: no return ends without having been received."""
    if old is goal:
        return
    if goal in _OVER and old is not ReturnState.RECEIVED:
        yield old, ReturnState.RECEIVED
        old = ReturnState.RECEIVED
    yield old, goal


def _move(connection: Connection, return_id: int, old: ReturnState, new: ReturnState, at: datetime) -> None:
    stamps = {
        ReturnState.OPEN: "opened_at",
        ReturnState.RECEIVED: "received_at",
        ReturnState.CLOSED: "ended_at",
        ReturnState.DECLINED: "ended_at",
        ReturnState.CANCELLED: "ended_at",
    }
    stamp = {stamps[new]: at} if new in stamps else {}
    connection.execute(moving(returns, old, new).where(returns.c.id == return_id).values(**stamp))


def _replace(connection: Connection, shop: Shop, back: RowMapping, lines: Sequence[RowMapping], at: datetime) -> bool:
    """Order what is sent for pieces of this return; whether intake has something to do.

    Before anything came: what is exchanged, to wait for it, or at once by the shop's rule. When all is in: what waits
    goes on as far as its pieces came, and what was decided since is ordered.
    """
    granted = [line for line in lines if line["word"] == Word.GRANTED and line["replacement_id"] is None]
    if back["all_in"]:
        here = [line for line in granted if line["state"] == PieceState.RECEIVED and line["disposition"]]
        wanted = [line for line in here if line["wanted"] != Wanted.REFUND]
        earned = {line["id"] for line in lines if line["state"] == PieceState.RECEIVED and line["word"] == Word.GRANTED}
        # One order for all of them: it is made when the last piece has its way.
        complete = all(piece_of(line).settled for line in lines)
        if complete and wanted:
            _order(connection, shop, back, wanted, OrderState.ACCEPTED, at)
        went_on = replacements.let_go(connection, back["id"], earned, at) if complete else False
        return went_on or (complete and bool(wanted))
    exchanged = [line for line in granted if line["wanted"] == Wanted.EXCHANGE and line["state"] == PieceState.EXPECTED]
    if not exchanged:
        return False
    at_once, later = _by_rule(connection, shop, back, exchanged)
    if later:
        _order(connection, shop, back, later, OrderState.AWAITING_RETURN_ITEMS, at)
    if at_once:
        _order(connection, shop, back, at_once, OrderState.ACCEPTED, at)
    return bool(at_once)


def _by_rule(
    connection: Connection, shop: Shop, back: RowMapping, lines: Sequence[RowMapping]
) -> tuple[list[RowMapping], list[RowMapping]]:
    """Exchanges that leave at once, and those that wait for the goods."""
    products = catalogue.variants_by_sku(connection, (line["sku"] for line in lines))
    at_once: list[RowMapping] = []
    later: list[RowMapping] = []
    for line in lines:
        product = products[line["sku"]].product if line["sku"] in products else ""
        rule = shop.returns.terms_for(back["channel"], product).exchange
        (at_once if rule == "at_once" else later).append(line)
    return at_once, later


def _order(
    connection: Connection,
    shop: Shop,
    back: RowMapping,
    lines: Iterable[RowMapping],
    state: OrderState,
    at: datetime,
) -> None:
    pieces = [
        replacements.Another(
            line["id"],
            line["exchange_sku"] if line["wanted"] == Wanted.EXCHANGE else line["sku"],
            line["value_minor"],
            line["personalised"],
        )
        for line in lines
    ]
    another = replacements.open_replacement(connection, shop, back, pieces, state, at)
    told = {"return": back["number"], "order": another, "pieces": [piece.sku for piece in pieces]}
    history.record(connection, [history.Entry(back["order_id"], "return.replaced", told)], at=at)


def _owe(
    connection: Connection, shop: Shop, back: RowMapping, lines: Sequence[RowMapping], at: datetime
) -> RowMapping | None:
    """Plan what is to be paid back for a return whose every piece is settled; None where that is nothing."""
    paid = [line for line in lines if _is_paid_back(line)]
    if back["payment"] == PaymentStatus.REFUNDED or not paid:
        return None
    goods_before, shipping_before = refunds.paid_back(connection, back["order_id"])
    shipping = _shipping(connection, shop, back, shipping_before)
    left = max(back["total_minor"] - goods_before - shipping_before - shipping, 0)
    goods = min(sum(line["value_minor"] for line in paid), left)
    if not goods + shipping:
        return None
    refunds.plan(connection, back, goods, shipping, at)
    told = {"return": back["number"], "amount_minor": goods + shipping, "currency": back["currency"]}
    history.record(connection, [history.Entry(back["order_id"], "refund.planned", told)], at=at)
    return refund_of(connection, back["id"])


def _is_paid_back(line: RowMapping) -> bool:
    received = line["state"] == PieceState.RECEIVED and line["word"] == Word.GRANTED
    return bool(received and line["wanted"] == Wanted.REFUND)


def _shipping(connection: Connection, shop: Shop, back: RowMapping, before: int) -> int:
    """The order's postage, where this return completes the order: no piece of it stays with its customer."""
    if not shop.returns.refund_shipping or before:
        return 0
    sold = select(func.coalesce(func.sum(order_lines.c.quantity), 0)).where(order_lines.c.order_id == back["order_id"])
    came = select(func.count()).where(
        return_lines.c.order_id == back["order_id"],
        return_lines.c.state == PieceState.RECEIVED,
        return_lines.c.word == Word.GRANTED,
        return_lines.c.wanted == Wanted.REFUND,
        return_lines.c.disposition != "",
    )
    complete = connection.execute(came).scalar_one() == connection.execute(sold).scalar_one()
    return int(back["shipping_minor"]) if complete else 0
