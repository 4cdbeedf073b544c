"""One return as its station shows it: where it stands, its pieces, and what is to be said about each.

What belongs here: how it looks, and which buttons can do something now. What does not: what they do
(`return_station`); the desk refuses what came too late.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from fastapi import Request
from sqlalchemy import Connection, RowMapping

from backroom.domain.model import Variant
from backroom.domain.money import format_money
from backroom.domain.returns import Disposition, PieceState, Reason, ReturnState, Wanted, Word
from backroom.domain.shop import Shop
from backroom.gateway.access import place_of
from backroom.gateway.pages.html import Child, Html, button, form, link, order_link, state, table, tag
from backroom.store import catalogue, desk, returns
from backroom.store.sold_pieces import SoldPiece, still_out

REASONS = {
    Reason.CHANGED_MIND: "changed their mind",
    Reason.SIZE: "does not fit",
    Reason.COLOUR: "colour is not as shown",
    Reason.DAMAGED: "damaged",
    Reason.PRINT_FAULT: "the print is faulty",
    Reason.WRONG_ITEM: "the wrong item was sent",
    Reason.LATE: "came too late",
}
WAYS = {
    Disposition.RESTOCK: "Back to the shelf",
    Disposition.REPAIR: "Repair it",
    Disposition.REPRINT: "Print it anew",
    Disposition.DISCARD: "Throw it away",
    Disposition.HAND_BACK: "Hand it back",
}
WHY = {
    "in_time": "in time",
    "fault": "not what was sold",
    "after_last_day": "after its last day",
    "personalised": "made for one person",
    "faults_only": "comes back for a fault only",
    "by_person": "somebody's word",
}
# What a staff key of one place does not open (`place_pages`).
WHOLE_SHOP = ("approve", "retry")
_TAKES = (ReturnState.OPEN, ReturnState.RECEIVED_IN_PART, ReturnState.RECEIVED)


@dataclass(frozen=True, slots=True)
class View:
    """A return as it stands: its row, its pieces, its refund; what of the order is still out; and by SKU what a piece
    may be exchanged for."""

    back: RowMapping
    lines: Sequence[RowMapping]
    refund: RowMapping | None
    out: Sequence[SoldPiece]
    others: Mapping[str, Sequence[Variant]]


def read_view(connection: Connection, shop: Shop, number: str) -> View:
    """Read it all in one snapshot; NoSuchReturn when there is none."""
    back = returns.find(connection, number)
    lines = returns.lines_of(connection, [back["id"]])[back["id"]]
    out = still_out(connection, shop, desk.find(connection, back["order_number"]))
    others = {sku: catalogue.siblings(connection, sku) for sku in {line["sku"] for line in lines}}
    return View(back, lines, returns.refund_of(connection, back["id"]), out, others)


def show_return(request: Request, view: View, location: str) -> Html:
    """Where the return stands, its pieces, and what can be done with it as a whole."""
    back = view.back
    facts: list[tuple[str, Child]] = [
        ("State", [state(back["state"]), " ", state("sick") if back["sick_cause"] else None, " ", back["sick_reason"]]),
        ("Order", order_link(request, back["order_number"])),
        (
            "Still with the customer",
            ", ".join(f"{piece.sku} (line {piece.line_no})" for piece in view.out) or "nothing",
        ),
    ]
    if view.refund is not None:
        owed = format_money(view.refund["goods_minor"] + view.refund["shipping_minor"], view.refund["currency"])
        payable = view.refund["state"] == "waiting" and not place_of(request)
        waits = [" ", link("/returns", "pay it back")] if payable else None
        facts.append(("Refund", [owed, " ", state(view.refund["state"]), waits]))
    rows = [tag("tr", tag("th", name, scope="row"), tag("td", value)) for name, value in facts]
    return tag(
        "section",
        tag("h2", back["number"]),
        tag("table", tag("tbody", rows)),
        table(
            ("Piece", "Why", "Our word", "What becomes of it"),
            [_piece(request, view, line, location) for line in view.lines],
            "No piece was scanned or announced yet.",
        ),
        _whole(request, view, location),
        aria_label="The return",
    )


def instead_of(request: Request, view: View, location: str, code: str) -> Html | None:
    """After a piece that is not of this order: was it sent by mistake, and for which one?"""
    if not view.out and not any(line["state"] == PieceState.EXPECTED for line in view.lines):
        return None
    lines = {piece.line_no: piece.sku for piece in view.out}
    lines |= {line["line_no"]: line["sku"] for line in view.lines if line["state"] == PieceState.EXPECTED}
    return form(
        request,
        f"/returns/at/{quote(location, safe='')}",
        tag("input", type="hidden", name="rma", value=view.back["number"]),
        tag("input", type="hidden", name="code", value=code),
        tag("p", f"Was {code} sent by mistake? Then say for which piece:"),
        [button(f"for {sku}", name="instead_of", value=str(line_no)) for line_no, sku in sorted(lines.items())],
        cls="row",
    )


def _whole(request: Request, view: View, location: str) -> Html | None:
    path = f"/returns/{quote(view.back['number'], safe='')}"
    at = tag("input", type="hidden", name="at", value=location)
    acts = {
        ReturnState.REQUESTED: [
            ("approve", "Yes, we take it back"),
            ("decline", "No"),
            ("cancel", "The customer keeps it"),
        ],
        ReturnState.OPEN: [("decline", "No, we do not take it"), ("cancel", "The customer keeps it")],
        ReturnState.RECEIVED_IN_PART: [("complete", "That is all")],
    }.get(ReturnState(view.back["state"]), [])
    if view.back["sick_cause"]:
        acts = [*acts, ("retry", "Retry")]
    if place_of(request):
        acts = [one for one in acts if one[0] not in WHOLE_SHOP]
    return tag("div", [form(request, f"{path}/{act}", at, button(word)) for act, word in acts], cls="row")


def _piece(request: Request, view: View, line: RowMapping, location: str) -> list[Child]:
    path = f"/returns/{quote(view.back['number'], safe='')}/pieces/{line['id']}"
    at = tag("input", type="hidden", name="at", value=location)
    open_ = view.back["state"] in _TAKES and not line["disposition"]
    other = line["received_sku"] if line["received_sku"] not in ("", line["sku"]) else ""
    return [
        [
            line["sku"],
            tag("p", f"{other} came instead", cls="quiet") if other else None,
            tag("p", line["state"], cls="quiet"),
        ],
        _say(request, view, line, f"{path}/say", at) if open_ else _said(line),
        _word(request, line, f"{path}/decide", at, open_=open_),
        _ways(request, view, line, f"{path}/dispose", at, open_=open_),
    ]


def _say(request: Request, view: View, line: RowMapping, path: str, at: Html) -> Child:
    reasons = [
        tag("option", word, value=str(reason), selected=line["reason"] == reason) for reason, word in REASONS.items()
    ]
    others = [
        tag(
            "option",
            f"exchange it for {one.colourway} {one.size} ({one.sku})",
            value=one.sku,
            selected=line["exchange_sku"] == one.sku,
        )
        for one in view.others[line["sku"]]
    ]
    return form(
        request,
        path,
        at,
        tag("select", reasons, name="reason", aria_label="Why it came back"),
        tag("select", tag("option", "pay it back", value=""), others, name="other", aria_label="What for"),
        button("Save" if line["reason"] else "Say so"),
        cls="row",
    )


def _said(line: RowMapping) -> Child:
    wanted = {
        Wanted.REFUND: "pay it back",
        Wanted.EXCHANGE: f"exchange for {line['exchange_sku']}",
        Wanted.REPRINT: "print it anew",
    }[Wanted(line["wanted"])]
    reason = REASONS[Reason(line["reason"])] if line["reason"] else "nobody has said"
    return [reason, tag("p", wanted, cls="quiet")]


def _word(request: Request, line: RowMapping, path: str, at: Html, *, open_: bool) -> Child:
    if not line["word"]:
        return None
    said = [state(line["word"]), " ", WHY[line["why"]], tag("p", f"last day {line['last_day']}", cls="quiet")]
    if not open_:
        return said
    words = [(Word.GRANTED, "Take it back"), (Word.DECLINED, "Do not take it")]
    buttons = [button(text, name="word", value=str(word)) for word, text in words if word != line["word"]]
    return [said, form(request, path, at, buttons, cls="row")]


def _ways(request: Request, view: View, line: RowMapping, path: str, at: Html, *, open_: bool) -> Child:
    if line["disposition"] == Disposition.REPAIR:
        ways = [Disposition.RESTOCK, Disposition.DISCARD]
        return ["in repair", form(request, path, at, [_way(way) for way in ways], cls="row")]
    if line["disposition"]:
        return WAYS[Disposition(line["disposition"])]
    if not open_ or line["state"] != PieceState.RECEIVED or line["word"] not in (Word.GRANTED, Word.DECLINED):
        return None
    if line["word"] == Word.DECLINED:
        ways = [Disposition.HAND_BACK]
    else:
        ways = [Disposition.RESTOCK, Disposition.REPAIR, Disposition.DISCARD]
        if line["reason"] == Reason.PRINT_FAULT:
            ways.append(Disposition.REPRINT)
    return form(request, path, at, [_way(way) for way in ways], cls="row")


def _way(way: Disposition) -> Html:
    return button(WAYS[way], name="disposition", value=str(way))
