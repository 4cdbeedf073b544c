"""Workshops and robot cells: the interface of ours that a partner of any size can offer.

It is described in `docs/microfactory-openapi.yaml`; `deployments/microfactory` is one that runs. A workshop makes and
ships (`kind` make), a cell picks into totes (`kind` pick). An order is placed under its `Idempotency-Key`, asked for by
our reference, and its changes come as messages signed by Standard Webhooks, each with the whole order: so a message
says what an answer says, and the order's `revision` tells which is newer.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import quote

from backroom.domain.money import to_minor
from backroom.domain.partner_orders import (
    PartnerOrderState,
    PartnerParcel,
    PartnerRequest,
    PartnerStatus,
    ToldLine,
)
from backroom.domain.signatures import BadSignature, check_standard
from backroom.outgoing.answer import read_json
from backroom.outgoing.client import Account, Client
from backroom.outgoing.errors import ServiceRefused
from backroom.partners.base import LONGEST_NAME, News, TooLate, refused, unreadable

MAKE, PICK = "make", "pick"
MOST_NUMBER = 2**31 - 1
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
# What is kept of a message until a run reads it: nothing that anybody wrote, and no recipient.
_KEPT = ("reference", "id", "revision", "state", "lines", "parcels", "cost")
_ENDS_OF = {MAKE: {"shipped"}, PICK: {"picked", "short"}}


class Microfactory:
    """A workshop (`make`) or a robot cell (`pick`) with an interface of ours at `url`, opened by a bearer token."""

    idempotent = True

    def __init__(self, name: str, url: str, token: str, kind: str = MAKE) -> None:
        self._name, self._kind = name, kind
        self._client = Client(Account(name, url, headers={"Authorization": f"Bearer {token}"}))

    def submit(self, request: PartnerRequest) -> PartnerStatus:
        for sha256 in dict.fromkeys(line.artwork for line in request.lines if line.artwork):
            self._bring(request, sha256)
        try:
            answer = self._client.call(
                "POST",
                "orders",
                about=request.reference,
                # A lost answer is not a no: what may be there is asked for again under its key, and not forgotten.
                again=False,
                headers={"Idempotency-Key": request.reference},
                json=self._body(request),
            )
        except ServiceRefused as error:
            raise refused(error, request.reference, _code(error)) from None
        return read_order(answer.json(), self._name, request.reference, self._kind)

    def find(self, reference: str) -> PartnerStatus | None:
        try:
            return self.status(reference, "")
        except ServiceRefused as error:
            if error.answer.status == 404:
                return None
            raise

    def status(self, reference: str, partner_id: str) -> PartnerStatus:
        answer = self._client.call("GET", f"orders/{quote(reference, safe='')}", about=reference)
        return read_order(answer.json(), self._name, reference, self._kind)

    def confirm(self, reference: str, partner_id: str) -> PartnerStatus:
        # There are no drafts here: what is placed is placed.
        return self.status(reference, partner_id)

    def cancel(self, reference: str, partner_id: str) -> PartnerStatus:
        path = f"orders/{quote(reference, safe='')}/cancel"
        try:
            answer = self._client.call("POST", path, about=reference, again=True, json={})
        except ServiceRefused as error:
            if error.answer.status == 409:
                raise TooLate(f"{self._name} has begun {reference}.") from None
            raise
        return read_order(answer.json(), self._name, reference, self._kind)

    def check(self) -> None:
        answer = self._client.call("GET", "", about="check")
        if answer.mapping().get("interface") != "microfactory/1":
            raise unreadable(self._name, "the check", "interface")

    def close(self) -> None:
        self._client.close()

    def _bring(self, request: PartnerRequest, sha256: str) -> None:
        """Hand an artwork over, unless it is there: it is named by its own bytes, so that again is the same."""
        path = f"artworks/{sha256}"
        try:
            self._client.call("GET", path, about=request.reference)
        except ServiceRefused as error:
            if error.answer.status != 404:
                raise
        else:
            return
        content = Path(request.artwork[sha256].path).read_bytes()
        self._client.call(
            "PUT", path, about=request.reference, again=True, data=content, headers={"Content-Type": "image/png"}
        )

    def _body(self, request: PartnerRequest) -> dict[str, Any]:
        body: dict[str, Any] = {
            "reference": request.reference,
            "kind": self._kind,
            "lines": [
                {
                    "line": line.line_no,
                    "code": line.code,
                    "quantity": line.quantity,
                    **({"artwork": line.artwork, "placement": line.placement} if line.artwork else {}),
                    **({"print": _size(request, line.artwork)} if line.artwork else {}),
                }
                for line in request.lines
            ],
        }
        if request.recipient is not None:
            address = asdict(request.recipient.address)
            fields = ("name", "company", "line1", "line2", "postcode", "city", "region", "country")
            body["recipient"] = {name: address[name] for name in fields if address[name]}
            if request.recipient.phone:
                body["recipient"]["phone"] = request.recipient.phone
        return body


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
    revision, reason = _count(body.get("revision")), body.get("reason", "")
    if revision is None:
        raise unreadable(service, reference, "revision")
    cost, currency = _read_cost(body.get("cost"), service, reference)
    return PartnerStatus(
        reference=reference,
        partner_id=str(body.get("id") or reference)[:200],
        state=state,
        lines=_read_lines(body.get("lines"), service, reference),
        parcels=_read_parcels(body.get("parcels", []), service, reference),
        cost_minor=cost,
        currency=currency,
        reason=reason[:1000] if isinstance(reason, str) else "",
        revision=revision,
    )


def read_message(body: bytes, headers: Mapping[str, str], secret: str, kind: str, at: float | None = None) -> News:
    """A message of a workshop or a cell. BadSignature unless it is signed, by Standard Webhooks, in these minutes."""
    check_standard(
        headers.get("webhook-signature", ""),
        headers.get("webhook-id", ""),
        headers.get("webhook-timestamp", ""),
        body,
        secret,
        time.time() if at is None else at,
    )
    order = _dict(_dict(read_json(body)).get("data"))
    reference = order.get("reference")
    if not isinstance(reference, str) or not reference:
        return News(())
    status = read_order(order, "the partner", reference, kind)
    if status.reason:
        # What somebody wrote is not kept in clear: whoever reads this asks for it.
        return News((reference,))
    return News((reference,), status, {name: value for name, value in order.items() if name in _KEPT})


def hinted(body: bytes) -> tuple[str, ...]:
    """The order that a message which nobody signed says it is about."""
    reference = _dict(_dict(read_json(body)).get("data")).get("reference")
    return (reference,) if isinstance(reference, str) and 0 < len(reference) <= LONGEST_NAME else ()


def _read_lines(lines: object, service: str, reference: str) -> tuple[ToldLine, ...]:
    if not isinstance(lines, list) or not lines:
        raise unreadable(service, reference, "list of lines")
    read = []
    for line in lines:
        entry = _dict(line)
        number, quantity, code = _count(entry.get("line")), _count(entry.get("quantity")), entry.get("code")
        if number is None or quantity is None or not isinstance(code, str):
            raise unreadable(service, reference, "line")
        done = _count(entry.get("done"))
        if done is None and entry.get("done") is not None:
            raise unreadable(service, reference, "number of pieces done")
        artwork, placement = entry.get("artwork") or "", entry.get("placement") or ""
        read.append(
            ToldLine(
                line_no=number,
                code=code,
                quantity=quantity,
                placement=str(placement) if artwork else "",
                artwork=str(artwork),
                done=done,
            )
        )
    return tuple(read)


def _read_parcels(parcels: object, service: str, reference: str) -> tuple[PartnerParcel, ...]:
    if not isinstance(parcels, list):
        raise unreadable(service, reference, "list of parcels")
    texts = [tuple(str(_dict(one).get(name) or "")[:300] for name in ("carrier", "tracking", "url")) for one in parcels]
    return tuple(PartnerParcel(carrier, tracking, url) for carrier, tracking, url in texts)


def _read_cost(cost: object, service: str, reference: str) -> tuple[int | None, str]:
    if cost is None:
        return None, ""
    amount, currency = _dict(cost).get("amount"), _dict(cost).get("currency")
    minor = -1
    if isinstance(amount, str) and isinstance(currency, str):
        with suppress(ValueError):
            minor = to_minor(amount, currency)
    if not 0 <= minor <= MOST_NUMBER:
        raise unreadable(service, reference, "cost")
    return minor, str(currency)


def _size(request: PartnerRequest, sha256: str) -> dict[str, int]:
    artwork = request.artwork[sha256]
    size = {"width_mm": artwork.width_mm}
    return size | ({"height_mm": artwork.height_mm} if artwork.height_mm else {})


def _count(value: object) -> int | None:
    """A whole number from 0, None for anything else; JSON's 2.0 is 2."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if 0 <= value <= MOST_NUMBER and value == int(value) else None


def _dict(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _code(error: ServiceRefused) -> str:
    """The code of an error of the interface; nothing of its words, which may repeat the address."""
    code = error.answer.mapping().get("code")
    return code if isinstance(code, str) and code.isidentifier() and len(code) < 40 else ""


__all__ = ["BadSignature", "Microfactory", "read_message", "read_order"]
