"""Commands about returns: ask for one, take it in, say what becomes of its pieces, and that it was paid back."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from typing import Annotated, Any

import typer
from sqlalchemy import Connection, RowMapping

from backroom.cli.opening import open_room
from backroom.cli.output import console, show_json, show_table
from backroom.cli.waking import send
from backroom.domain.cancelling import WHAT_TO_DO
from backroom.domain.money import format_money, to_minor
from backroom.domain.returns import Disposition, Lane, Reason, ReturnState, Wanted
from backroom.shop.room import Room
from backroom.store import cancelled_refunds, refunds, return_desk, return_opening, returns
from backroom.store.claims import Wakeup
from backroom.store.refunds import by_itself
from backroom.store.return_opening import Asked

app = typer.Typer(no_args_is_help=True)

Rma = Annotated[str, typer.Argument(help="The return's number, such as R-A-1042-7364")]
PieceId = Annotated[int, typer.Argument(help="The piece's id, as `backroom return show` lists it")]
At = Annotated[str, typer.Option("--at", help="Where you are, such as main-hub")]
Json = Annotated[bool, typer.Option("--json", help="One JSON document instead of words")]
COLUMNS = ("number", "order_number", "state", "lane", "location", "asked_at")
PIECES = ("id", "line_no", "sku", "state", "received_sku", "reason", "word", "why", "wanted", "disposition")


@app.command("list")
def list_returns(
    state: Annotated[ReturnState | None, typer.Option(help="Only this state")] = None,
    lane: Annotated[Lane | None, typer.Option(help="Only this way back; `collection` is what we have to fetch")] = None,
    ended: Annotated[bool, typer.Option("--ended", help="Those that are over as well")] = False,
    as_json: Json = False,
) -> None:
    """Returns that are under way, the newest first."""
    room = open_room()
    with room.database.read() as connection:
        rows = returns.listed(connection, state=state or "", lane=lane or "", ended=ended)
    listed = [{column: row[column] for column in COLUMNS} for row in rows]
    show_json(listed) if as_json else show_table("Returns", listed, COLUMNS)


@app.command()
def show(number: Rma, as_json: Json = False) -> None:
    """One return with its pieces and its refund."""
    room = open_room()
    with room.database.read() as connection:
        back = returns.find(connection, number.upper())
        lines = returns.lines_of(connection, [back["id"]])[back["id"]]
        refund = returns.refund_of(connection, back["id"])
    if as_json:
        show_json(
            {
                "return": dict(back),
                "pieces": [dict(line) for line in lines],
                "refund": dict(refund) if refund else None,
            }
        )
        return
    console.print(f"[bold]{back['number']}[/] of {back['order_number']}: [bold]{back['state']}[/]")
    show_table("Pieces", lines, PIECES)
    if refund:
        console.print(f"Refund {_amount(refund)}: {refund['state']} {refund['reference']}", highlight=False)


@app.command()
def request(
    number: Annotated[str, typer.Argument(help="The order's number, such as A-1042")],
    line: Annotated[list[int], typer.Option(help="The order's line; once for each piece of it")],
    reason: Annotated[Reason, typer.Option(help="Why it comes back")],
    exchange: Annotated[str, typer.Option(help="Another size or colour (its SKU) instead of the money")] = "",
    lane: Annotated[Lane, typer.Option(help="The way back")] = Lane.LABEL,
    as_json: Json = False,
) -> None:
    """Write down that a customer wants to return pieces; the shop's terms say yes, no, or ask a person."""
    room = open_room()
    wanted = Wanted.EXCHANGE if exchange else Wanted.REFUND
    asked = [Asked(one, reason, wanted, exchange) for one in line]
    opened = room.database.write(lambda c: return_opening.request(c, room.shop, number.upper(), asked, lane, _actor()))
    send(room, opened.wakeups)
    _say(room, opened.number, as_json)


@app.command()
def scan(
    code: Annotated[str, typer.Argument(help="The code on the return label, the return's or the order's number")],
    at: At,
    as_json: Json = False,
) -> None:
    """Open the return that is in your hands."""
    room = open_room()
    place = room.shop.location(at).id
    opened = room.database.write(lambda c: return_opening.open_by_code(c, room.shop, code.upper(), place, _actor()))
    send(room, opened.wakeups)
    _say(room, opened.number, as_json)


@app.command()
def receive(
    number: Rma,
    code: Annotated[str, typer.Argument(help="The piece's SKU or GTIN")],
    at: At,
    instead_of: Annotated[int, typer.Option(help="The order's line for which this was sent by mistake")] = 0,
    as_json: Json = False,
) -> None:
    """Take one piece in; exit code 1 for one that is not of this order."""
    room = open_room()
    place = room.shop.location(at).id
    taken = room.database.write(
        lambda c: return_desk.receive(c, room.shop, number.upper(), place, code, _actor(), instead_of)
    )
    send(room, taken.wakeups)
    if as_json:
        show_json({"return": number.upper(), "piece": taken.line_id, "reason": taken.reason})
    elif taken.line_id is not None:
        console.print(f"[bold green]right[/]: it is piece {taken.line_id}")
    else:
        console.print(f"[bold red]WRONG[/]: {taken.reason}")
    if taken.line_id is None:
        raise typer.Exit(1)


@app.command()
def judge(
    piece: PieceId,
    reason: Annotated[Reason, typer.Argument(help="Why it came back")],
    exchange: Annotated[str, typer.Option(help="Another size or colour (its SKU) instead of the money")] = "",
    as_json: Json = False,
) -> None:
    """Say why a piece came back, and what its customer wants for it."""
    wanted = Wanted.EXCHANGE if exchange else Wanted.REFUND
    _on_piece(piece, lambda room, c: return_desk.say(c, room.shop, piece, reason, wanted, exchange, _actor()), as_json)


@app.command()
def decide(
    piece: PieceId,
    granted: Annotated[bool, typer.Option("--grant/--decline", help="Your word, whatever the terms say", prompt=True)],
    as_json: Json = False,
) -> None:
    """Take a piece back, or do not."""
    _on_piece(piece, lambda room, c: return_desk.decide(c, room.shop, piece, granted=granted, actor=_actor()), as_json)


@app.command()
def dispose(
    piece: PieceId,
    way: Annotated[Disposition, typer.Argument(help="What becomes of it")],
    as_json: Json = False,
) -> None:
    """Say what becomes of a piece that is here."""
    _on_piece(piece, lambda room, c: return_desk.dispose(c, room.shop, piece, way, _actor()), as_json)


@app.command()
def complete(number: Rma, as_json: Json = False) -> None:
    """Nothing more comes: what was announced and is not here is missing."""
    _on_return(number, lambda room, c, n: return_desk.that_is_all(c, room.shop, n, _actor()), as_json)


@app.command()
def approve(number: Rma, as_json: Json = False) -> None:
    """Say yes to a return that waits for a word."""
    _on_return(number, lambda room, c, n: return_desk.approve(c, room.shop, n, _actor()), as_json)


@app.command()
def decline(number: Rma, as_json: Json = False) -> None:
    """Say no to a return of which nothing has come."""
    _on_return(number, lambda room, c, n: return_desk.decline(c, room.shop, n, _actor()), as_json)


@app.command()
def cancel(number: Rma, as_json: Json = False) -> None:
    """The customer keeps it: the return is over, and an exchange that waited for it too."""
    _on_return(number, lambda room, c, n: return_desk.cancel(c, room.shop, n, _actor()), as_json)


@app.command("refunds")
def list_refunds(as_json: Json = False) -> None:
    """What is to be paid back, for returns and for orders that were cancelled, and what you have to do for it."""
    room = open_room()
    with room.database.read() as connection:
        owed = refunds.waiting(connection, room.seals)
    rows = [
        {
            "return": one.number if one.of_return else "",
            "order": one.order_number,
            "channel": one.channel,
            "order there": one.external_id,
            "payment": one.payment_token,
            "amount": format_money(one.amount_minor, one.currency),
            "since": one.planned_at,
            "by itself": "yes" if by_itself(room.shop, one) else "",
            "trouble": one.trouble or WHAT_TO_DO.get(one.by_hand, ""),
        }
        for one in owed
    ]
    columns = ("return", "order", "channel", "order there", "payment", "amount", "since", "by itself", "trouble")
    show_json(rows) if as_json else show_table("To be paid back", rows, columns)


@app.command()
def refunded(
    number: Annotated[str, typer.Argument(help="The return's number, or that of the order that was cancelled")],
    amount: Annotated[str, typer.Argument(help="What was paid back, such as 29.00")],
    reference: Annotated[str, typer.Option(help="The refund's id at the channel")] = "",
    as_json: Json = False,
) -> None:
    """Say that a refund was paid back in the channel's own pages, and how much."""
    room, known = open_room(), number.upper()
    with room.database.read() as connection:
        cancelled = refunds.cancelled_order(connection, known)
        currency = cancelled["currency"] if cancelled else returns.find(connection, known)["currency"]
    try:
        paid = to_minor(amount, currency)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="AMOUNT") from error
    if cancelled:
        room.database.write(lambda c: cancelled_refunds.confirm(c, known, paid, reference, _actor()))
        said = f"{known} is paid back: {format_money(paid, currency)}."
        show_json({"order": known, "paid_minor": paid}) if as_json else console.print(said, highlight=False)
        return
    _on_return(number, lambda r, c, n: return_desk.confirm_refund(c, r.shop, n, paid, reference, _actor()), as_json)


def _on_return(number: str, work: Callable[[Room, Connection, str], list[Wakeup]], as_json: bool) -> None:
    room, known = open_room(), number.upper()
    send(room, room.database.write(lambda c: work(room, c, known)))
    _say(room, known, as_json)


def _on_piece(piece: int, work: Callable[[Room, Connection], list[Wakeup]], as_json: bool) -> None:
    room = open_room()
    send(room, room.database.write(lambda c: work(room, c)))
    with room.database.read() as connection:
        number = returns.line(connection, piece)["number"]
    _say(room, number, as_json)


def _say(room: Room, number: str, as_json: bool) -> None:
    """Where the return stands now."""
    with room.database.read() as connection:
        back = returns.find(connection, number)
        lines = returns.lines_of(connection, [back["id"]])[back["id"]]
    if as_json:
        said: dict[str, Any] = {"return": back["number"], "order": back["order_number"], "state": back["state"]}
        show_json(said | {"pieces": [{name: line[name] for name in PIECES} for line in lines]})
        return
    console.print(f"{back['number']} of {back['order_number']} is {back['state']}.")
    if lines:
        show_table("Pieces", lines, PIECES)


def _amount(refund: RowMapping) -> str:
    return format_money(refund["goods_minor"] + refund["shipping_minor"], refund["currency"])


def _actor() -> str:
    return getpass.getuser()
