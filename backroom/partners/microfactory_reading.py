"""Orders in the words of the microfactory interface, read.

What belongs here: an order as a workshop or a cell tells it, in an answer or a message. What does not: asking
(`microfactory`), and what follows from what a line leaves out (`backroom.domain.partner_answers`).
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from backroom.domain.money import to_minor
from backroom.domain.partner_orders import PartnerOrderState, PartnerParcel, PartnerStatus, ToldLine, Tote
from backroom.partners.base import unreadable

MAKE, PICK = "make", "pick"
MOST_NUMBER = 2**31 - 1
LONGEST_TOTE = 60
_S = PartnerOrderState
_STATES: Mapping[str, PartnerOrderState] = {
    "received": _S.SUBMITTED,
    "accepted": _S.ACCEPTED,
    "in_progress": _S.IN_PROGRESS,
    "stuck": _S.STUCK,
    "shipped": _S.SHIPPED,
    "picked": _S.MADE,
    "short": _S.SHORT,
    "rejected": _S.REJECTED,
    "cancelled": _S.CANCELLED,
}
_ENDS_OF = {MAKE: {"shipped"}, PICK: {"picked", "short"}}


def read_order(body: object, service: str, reference: str, kind: str) -> PartnerStatus:
    """An order as the interface words it; AnswerUnreadable where it is none, or another one than was asked for."""
    if not isinstance(body, dict):
        raise unreadable(service, reference, "order")
    told = body.get("state")
    state = _STATES.get(told) if isinstance(told, str) else None
    others = _ENDS_OF[PICK if kind == MAKE else MAKE]
    if state is None or told in others:
        raise unreadable(service, reference, "state")
    if body.get("reference") != reference:
        raise unreadable(service, reference, "reference")
    if body.get("kind") != kind:
        raise unreadable(service, reference, "kind of order")
    revision, reason = _count(body.get("revision")), body.get("reason", "")
    if not revision:
        raise unreadable(service, reference, "revision")
    cost, currency = _read_cost(body.get("cost"), service, reference)
    return PartnerStatus(
        reference=reference,
        partner_id=str(body.get("id") or reference)[:200],
        state=state,
        lines=_read_lines(body.get("lines"), service, reference),
        parcels=_read_parcels(body.get("parcels", []), service, reference),
        totes=_read_totes(body.get("totes", []), service, reference),
        cost_minor=cost,
        currency=currency,
        reason=reason[:1000] if isinstance(reason, str) else "",
        revision=revision,
    )


def _read_lines(lines: object, service: str, reference: str) -> tuple[ToldLine, ...]:
    if not isinstance(lines, list) or not lines:
        raise unreadable(service, reference, "list of lines")
    read = []
    for place, line in enumerate(lines, 1):
        entry = as_dict(line)
        number, quantity, code = _count(entry.get("line")), _count(entry.get("quantity")), entry.get("code")
        if number is None:
            raise unreadable(service, reference, f"number of the line in place {place}")
        if quantity is None:
            raise unreadable(service, reference, f"quantity of line {number}")
        if not isinstance(code, str):
            raise unreadable(service, reference, f"code of line {number}")
        done = _count(entry.get("done"))
        if done is None and entry.get("done") is not None:
            raise unreadable(service, reference, f"number of pieces done of line {number}")
        artwork, size, attributes = _text(entry, "artwork"), as_dict(entry.get("print")), entry.get("attributes")
        read.append(
            ToldLine(
                line_no=number,
                code=code,
                quantity=quantity,
                # Where no artwork goes, nothing is meant by where it goes.
                placement=_text(entry, "placement") if artwork else None,
                artwork=artwork,
                done=done,
                attributes={str(name): str(value) for name, value in attributes.items()}
                if isinstance(attributes, dict)
                else None,
                technique=_text(entry, "technique"),
                width_mm=_count(size.get("width_mm")),
                height_mm=_count(size.get("height_mm")),
                repeats=True,
            )
        )
    return tuple(read)


def _text(entry: Mapping[str, Any], name: str) -> str | None:
    told = entry.get(name)
    return told if isinstance(told, str) and told else None


def _read_parcels(parcels: object, service: str, reference: str) -> tuple[PartnerParcel, ...]:
    if not isinstance(parcels, list):
        raise unreadable(service, reference, "list of parcels")
    texts = [
        tuple(str(as_dict(one).get(name) or "")[:300] for name in ("carrier", "tracking", "url")) for one in parcels
    ]
    return tuple(PartnerParcel(carrier, tracking, url) for carrier, tracking, url in texts)


def _read_totes(totes: object, service: str, reference: str) -> tuple[Tote, ...]:
    """A cell's totes; none where it tells of none, as older ones do."""
    if not isinstance(totes, list):
        raise unreadable(service, reference, "list of totes")
    read = []
    for tote in map(as_dict, totes):
        id_, at, lines = tote.get("id"), tote.get("at", ""), tote.get("lines", [])
        if not isinstance(id_, str) or not id_ or not isinstance(at, str) or not isinstance(lines, list):
            raise unreadable(service, reference, "tote")
        pieces: dict[int, int] = {}
        for line in map(as_dict, lines):
            number, count = _count(line.get("line")), _count(line.get("quantity"))
            if number is None or count is None:
                raise unreadable(service, reference, "line in a tote")
            pieces[number] = pieces.get(number, 0) + count
        read.append(Tote(id_[:LONGEST_TOTE], at[:LONGEST_TOTE], pieces))
    return tuple(read)


def _read_cost(cost: object, service: str, reference: str) -> tuple[int | None, str]:
    if cost is None:
        return None, ""
    amount, currency = as_dict(cost).get("amount"), as_dict(cost).get("currency")
    minor = -1
    if isinstance(amount, str) and isinstance(currency, str):
        with suppress(ValueError):
            minor = to_minor(amount, currency)
    if not 0 <= minor <= MOST_NUMBER:
        raise unreadable(service, reference, "cost")
    return minor, str(currency)


def _count(value: object) -> int | None:
    """A whole number from 0, None for anything else; JSON's 2.0 is 2."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if 0 <= value <= MOST_NUMBER and value == int(value) else None


def as_dict(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
