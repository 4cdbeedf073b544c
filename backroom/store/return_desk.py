"""What staff do with a return at the desk or at a station: each is one transaction, with all that follows from it.

The CLI and the gateway's pages come through here. What a call owes in wake-ups it returns; they are sent after the
commit. How a return begins stands in `backroom.store.return_opening`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import Connection, RowMapping, update

from backroom.domain.errors import Refuse
from backroom.domain.returns import Disposition, PieceState, Reason, ReturnState, Wanted, Word, fits
from backroom.domain.shop import Shop
from backroom.store import backlog, catalogue, desk, history, refunds, replacements, selling, stock
from backroom.store.claims import Wakeup
from backroom.store.database import now
from backroom.store.return_opening import add_line, as_columns, check_exchange, open_, word_on
from backroom.store.return_steps import end, follow, touch
from backroom.store.returns import ENDED, find, line, lines_of, locked, refund_of
from backroom.store.sold_pieces import SoldPiece, day_of, still_out
from backroom.store.tables import return_lines, returns

BY_PERSON = "by_person"


class NotNow(Refuse):
    """The return, or the piece, has gone too far for this, or not far enough."""

    cause = "not_now"


@dataclass(frozen=True, slots=True)
class PieceIn:
    """A piece that was scanned: its line in the return, or why it is not one of this return's."""

    line_id: int | None
    reason: str = ""
    wakeups: tuple[Wakeup, ...] = ()


def approve(connection: Connection, shop: Shop, number: str, actor: str) -> list[Wakeup]:
    """A person's yes to a return that waits for it: every piece on which the terms ask is granted."""
    back, at = locked(connection, number), now(connection)
    if back["state"] != ReturnState.REQUESTED:
        raise NotNow(f"{number} does not wait for a word: it is {back['state']}")
    asked = update(return_lines).where(return_lines.c.return_id == back["id"], return_lines.c.word == Word.ASK)
    connection.execute(asked.values(word=Word.GRANTED, why=BY_PERSON))
    return open_(connection, shop, number, at, actor)


def decline(connection: Connection, shop: Shop, number: str, actor: str) -> list[Wakeup]:
    """A person's no to a return of which nothing has come."""
    return _end(connection, shop, number, ReturnState.DECLINED, actor)


def cancel(connection: Connection, shop: Shop, number: str, actor: str) -> list[Wakeup]:
    """The customer keeps it all: a return of which nothing has come is over, and so is what waited for it."""
    return _end(connection, shop, number, ReturnState.CANCELLED, actor)


def receive(
    connection: Connection, shop: Shop, number: str, location: str, code: str, actor: str, instead_of: int = 0
) -> PieceIn:
    """Take one piece in by its SKU or GTIN. `instead_of` names the order's line for which it had been sent by mistake.

    A piece that is not of this order is refused, and the refusal is kept.
    """
    # The order first, as whoever opens a return does it.
    order = desk.locked(connection, find(connection, number)["order_number"])
    back, at = locked(connection, number), now(connection)
    if back["state"] in (*ENDED, ReturnState.REQUESTED) or refund_of(connection, back["id"]) is not None:
        raise NotNow(f"{number} takes no piece any more: it is {back['state']}", remedy="Open another by its order.")
    sku = catalogue.sku_of_code(connection, code)
    lines = lines_of(connection, [back["id"]])[back["id"]]
    expected = [row for row in lines if row["state"] == PieceState.EXPECTED]
    out = [] if sku is None else still_out(connection, shop, order)
    here = {
        "state": PieceState.RECEIVED,
        "received_sku": sku,
        "received_at": at,
        "location": location,
    }
    known = next((row for row in expected if row["sku"] == sku), None)
    piece = next((one for one in out if one.sku == sku), None)
    mistaken = known is None and piece is None and bool(instead_of) and sku is not None
    if mistaken:
        known = next((row for row in expected if row["line_no"] == instead_of), None)
        piece = next((one for one in out if one.line_no == instead_of), None)
    if known is not None:
        connection.execute(update(return_lines).where(return_lines.c.id == known["id"]).values(**here))
        line_id = int(known["id"])
    elif piece is not None:
        line_id = add_line(connection, back, piece, **here)
    else:
        reason = "this code is not in the catalogue" if sku is None else f"wrong piece: {sku} is not of this order"
        told = {"return": number, "sku": sku or "", "reason": reason}
        history.record(connection, [history.Entry(back["order_id"], "return.piece_refused", told)], at=at, actor=actor)
        return PieceIn(None, reason)
    told = {"return": number, "sku": sku or "", "location": location}
    history.record(connection, [history.Entry(back["order_id"], "return.piece_received", told)], at=at, actor=actor)
    if mistaken:
        _judge(connection, shop, line(connection, line_id), Reason.WRONG_ITEM, back)
    left = [row for row in expected if row["id"] != line_id]
    if back["announced"] and not left:
        connection.execute(update(returns).where(returns.c.id == back["id"]).values(all_in=True))
    return PieceIn(line_id, "", tuple(follow(connection, shop, number, at, actor)))


def that_is_all(connection: Connection, shop: Shop, number: str, actor: str) -> list[Wakeup]:
    """Nothing more comes: what was announced and is not here is missing. Saying it twice changes nothing."""
    back, at = locked(connection, number), now(connection)
    if back["state"] in (*ENDED, ReturnState.REQUESTED):
        raise NotNow(f"{number} is {back['state']}")
    missing = update(return_lines).where(
        return_lines.c.return_id == back["id"], return_lines.c.state == PieceState.EXPECTED
    )
    connection.execute(missing.values(state=PieceState.MISSING))
    connection.execute(update(returns).where(returns.c.id == back["id"]).values(all_in=True))
    return follow(connection, shop, number, at, actor)


def say(
    connection: Connection, shop: Shop, line_id: int, reason: Reason, wanted: Wanted, exchange_sku: str, actor: str
) -> list[Wakeup]:
    """Why a piece came back, and what its customer wants for it: the shop's terms give their word on it, unless a
    person gave theirs."""
    row, back = _piece(connection, line_id)
    if row["disposition"]:
        raise NotNow(f"it is said already what becomes of {row['sku']}")
    if wanted is Wanted.EXCHANGE:
        check_exchange(connection, row["sku"], exchange_sku)
    changes: dict[str, object] = {
        "wanted": wanted,
        "exchange_sku": exchange_sku if wanted is Wanted.EXCHANGE else "",
    }
    if row["replacement_id"] is not None and (row["wanted"], row["exchange_sku"]) != tuple(changes.values()):
        if not replacements.is_cancelled(connection, row["replacement_id"]):
            raise NotNow(f"another piece is ordered for {row['sku']} already", remedy="Cancel that order first.")
        changes["replacement_id"] = None
    connection.execute(update(return_lines).where(return_lines.c.id == line_id).values(**changes))
    _judge(connection, shop, row, reason, back)
    at = now(connection)
    told = {"return": back["number"], "sku": row["sku"], "reason": reason, "wanted": wanted}
    history.record(connection, [history.Entry(back["order_id"], "return.piece_judged", told)], at=at, actor=actor)
    return follow(connection, shop, back["number"], at, actor)


def decide(connection: Connection, shop: Shop, line_id: int, *, granted: bool, actor: str) -> list[Wakeup]:
    """A person's own word on a piece, whatever the terms say."""
    row, back = _piece(connection, line_id)
    if row["disposition"]:
        raise NotNow(f"it is said already what becomes of {row['sku']}")
    word, at = Word.GRANTED if granted else Word.DECLINED, now(connection)
    connection.execute(update(return_lines).where(return_lines.c.id == line_id).values(word=word, why=BY_PERSON))
    told = {"return": back["number"], "sku": row["sku"], "word": word}
    history.record(connection, [history.Entry(back["order_id"], "return.piece_decided", told)], at=at, actor=actor)
    return follow(connection, shop, back["number"], at, actor)


def dispose(connection: Connection, shop: Shop, line_id: int, disposition: Disposition, actor: str) -> list[Wakeup]:
    """What becomes of a piece that is here. A repaired one goes to the shelf or is thrown away later, at any time."""
    row, back = _piece(connection, line_id, ended=True)
    repaired = row["disposition"] == Disposition.REPAIR and disposition in (Disposition.RESTOCK, Disposition.DISCARD)
    if row["state"] != PieceState.RECEIVED or row["word"] not in (Word.GRANTED, Word.DECLINED):
        raise NotNow(f"{row['sku']} has no word yet", remedy="Say first why it came back.")
    if row["disposition"] and not repaired:
        raise NotNow(f"it is said already what becomes of {row['sku']}: {row['disposition']}")
    if not fits(Word(row["word"]), disposition):
        raise NotNow(f"{row['sku']} is {row['word']}", remedy="What is declined is handed back, and only that.")
    at = now(connection)
    changes: dict[str, object] = {"disposition": disposition, "disposed_at": at}
    if disposition is Disposition.REPRINT:
        _check_printable(connection, row)
        changes |= {"wanted": Wanted.REPRINT, "replacement_id": None}
    connection.execute(update(return_lines).where(return_lines.c.id == line_id).values(**changes))
    wakeups: list[Wakeup] = []
    if disposition is Disposition.RESTOCK:
        place = row["location"], row["received_sku"], 1
        stock.receive(connection, f"returned:{line_id}", [place], "returned", at)
        wakeups = backlog.wake_backorders(connection, [row["received_sku"]], shop.hub)
        wakeups += selling.wakeups(connection, shop)
    told = {"return": back["number"], "sku": row["received_sku"], "disposition": disposition}
    history.record(connection, [history.Entry(back["order_id"], "return.piece_disposed", told)], at=at, actor=actor)
    return wakeups if repaired else [*wakeups, *follow(connection, shop, back["number"], at, actor)]


def confirm_refund(
    connection: Connection, shop: Shop, number: str, paid_minor: int, reference: str, actor: str
) -> list[Wakeup]:
    """A person's word that the refund was paid in the channel's own pages, with what was paid there."""
    back, at = locked(connection, number), now(connection)
    which = refunds.of_return(back["id"])
    before = refunds.confirm(connection, which, number, paid_minor, reference, actor, at)
    if before["state"] == refunds.DONE:
        return []
    told = {"return": number, "paid_minor": paid_minor, "currency": before["currency"], "reference": reference}
    history.record(connection, [history.Entry(back["order_id"], "refund.confirmed", told)], at=at, actor=actor)
    return follow(connection, shop, number, at, actor)


def _end(connection: Connection, shop: Shop, number: str, state: ReturnState, actor: str) -> list[Wakeup]:
    back, at = locked(connection, number), now(connection)
    if back["state"] not in (ReturnState.REQUESTED, ReturnState.OPEN):
        raise NotNow(f"{number} is {back['state']}", remedy="Give each piece its word instead.")
    end(connection, back, state, at)
    entry = history.Entry(back["order_id"], f"return.{state}", {"return": number})
    history.record(connection, [entry], at=at, actor=actor)
    return touch(connection, shop, back["id"])


def _piece(connection: Connection, line_id: int, *, ended: bool = False) -> tuple[RowMapping, RowMapping]:
    """A piece and its return, which nobody else changes until the commit."""
    back = locked(connection, line(connection, line_id)["number"])
    if back["state"] in ENDED and not ended:
        raise NotNow(f"{back['number']} is over: it is {back['state']}")
    return line(connection, line_id), back


def _judge(connection: Connection, shop: Shop, row: RowMapping, reason: Reason, back: RowMapping) -> None:
    variants = catalogue.variants_by_sku(connection, [row["sku"]])
    piece = SoldPiece(
        row["line_no"],
        row["piece_no"],
        row["sku"],
        variants[row["sku"]].product if row["sku"] in variants else "",
        row["value_minor"],
        row["personalised"],
        date.fromisoformat(row["delivered_on"]),
    )
    said = word_on(shop, back["channel"], piece, reason, day_of(shop, back["asked_at"]))
    kept = {"last_day": said.last_day.isoformat()} if row["why"] == BY_PERSON else as_columns(said)
    connection.execute(update(return_lines).where(return_lines.c.id == row["id"]).values(reason=reason, **kept))


def _check_printable(connection: Connection, row: RowMapping) -> None:
    if row["replacement_id"] is not None and not replacements.is_cancelled(connection, row["replacement_id"]):
        raise NotNow(f"another piece is ordered for {row['sku']} already", remedy="Cancel that order first.")
    variant = catalogue.variants_by_sku(connection, [row["sku"]]).get(row["sku"])
    if variant is None or not variant.artwork:
        raise NotNow(f"{row['sku']} cannot be printed", remedy="Refund it, or exchange it.")
