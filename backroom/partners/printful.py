"""Printful: print on demand by its API, version 2 (developers.printful.com/docs/v2-beta, read in its OpenAPI file).

An order is a draft first, known by our `external_id`; its items are compared with what was asked, and only then it is
confirmed, which is when it is charged and made. So what differs never gets made. Nor can a draft be confirmed before
its costs are worked out, which takes a while: it waits, and is asked about again. One whose costs cannot be worked out,
or whose artwork cannot be printed, is stuck. A draft is deleted; what is confirmed and pending is cancelled by version
1 (`DELETE /orders/{id}`), because version 2 only deletes. `inprocess` is too late.

Items of the store's branding, such as a card in the parcel, are none of the order's and left out (`type=order_item`);
any other item that was not asked for is a difference. The numbers of parcels are told by version 1 alone.

Webhooks of version 2 are signed: `x-pf-webhook-signature` is the HMAC-SHA256 of the raw body in hex, under the secret
that stands in hex as well. Those of version 1 are not. Both only say which order to ask about.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from backroom.domain.partner_answers import compare
from backroom.domain.partner_orders import PartnerOrderState, PartnerParcel, PartnerRequest, PartnerStatus
from backroom.domain.signatures import BadSignature, check, mac
from backroom.outgoing.answer import read_json
from backroom.outgoing.client import Account, Client
from backroom.outgoing.errors import ServiceAway, ServiceRefused, ServiceSilent
from backroom.outgoing.probe import is_theirs
from backroom.partners.base import LONGEST_NAME, News, TooLate, not_taken, refused, unreadable
from backroom.partners.printful_orders import (
    body_of,
    cost_of,
    line_of,
    mapping,
    parcels_of,
    pieces_in,
    sequence,
    troubles,
)

SIGNATURE = "x-pf-webhook-signature"
DRAFT, FAILED = "draft", "failed"
AT_ONCE = 100
# A new order that cannot be made as it is asked. What is wrong with the store or the token is 401 or 403, and asking
# for the order fails as well.
_PLAIN_NO = (400, 422)
# What comes with each order and differs between them: its address and its files. Any other field (a variant, an option,
# the shipping) is of our set-up, and the next order would meet the same no.
_OF_THE_ORDER = re.compile(r"#?/(data/)?(recipient(/.*)?|order_items/\d+/placements/\d+/layers/\d+/url)")
_S = PartnerOrderState
_STATES: Mapping[str, PartnerOrderState] = {
    DRAFT: _S.SUBMITTED,
    "inreview": _S.SUBMITTED,
    "pending": _S.ACCEPTED,
    "inprocess": _S.IN_PROGRESS,
    "partial": _S.IN_PROGRESS,
    "onhold": _S.STUCK,
    "fulfilled": _S.SHIPPED,
    "canceled": _S.CANCELLED,
    FAILED: _S.REJECTED,
}


class Printful:
    """A Printful store, opened by a private token of that store with the scopes `orders` and `orders/read`."""

    # Placing again finds the draft, or the order, by its external id.
    idempotent = True

    def __init__(self, name: str, url: str, token: str) -> None:
        self._name = name
        self._client = Client(Account(name, url, headers={"Authorization": f"Bearer {token}"}))

    def submit(self, request: PartnerRequest) -> PartnerStatus:
        found = self.find(request.reference)
        if found is None:
            found = self._create(request)
        if not found.ready or compare(request.lines, found.lines):
            # What differs, is stuck or is not worked out yet stays a draft: whoever asked sees it.
            return found
        return self.confirm(request.reference, found.partner_id)

    def confirm(self, reference: str, partner_id: str) -> PartnerStatus:
        path = f"v2/orders/{quote(partner_id, safe='')}/confirmation"
        try:
            # Confirming what is confirmed already is refused: then it is as it should be.
            self._client.call("POST", path, about=reference, again=False)
        except (ServiceRefused, ServiceSilent) as error:
            # Lost or not, it says itself whether it is confirmed.
            found = self.status(reference, partner_id)
            # Where something else of it is being changed at this moment (409), it may be confirmed later.
            if found.draft and isinstance(error, ServiceRefused) and error.answer.status != 409:
                raise refused(error, reference, _codes(error)) from None
            return found
        return self.status(reference, partner_id)

    def find(self, reference: str) -> PartnerStatus | None:
        try:
            return self._read(f"@{reference}", reference)
        except ServiceRefused as error:
            if error.answer.status == 404:
                return None
            raise

    def status(self, reference: str, partner_id: str) -> PartnerStatus:
        found = self.find(reference)
        # One that is there no more was deleted: a draft by us, or anything by somebody in their pages.
        return found or PartnerStatus(reference, partner_id, _S.CANCELLED)

    def cancel(self, reference: str, partner_id: str) -> PartnerStatus:
        found = self.status(reference, partner_id)
        if found.state is _S.CANCELLED:
            return found
        path = ("v2/orders/" if found.draft else "orders/") + quote(found.partner_id, safe="")
        try:
            self._client.call("DELETE", path, about=reference, again=True)
        except ServiceRefused as error:
            if error.answer.status in (400, 404, 409):
                found = self.status(reference, partner_id)
                if found.state is _S.CANCELLED:
                    return found
                if found.draft:
                    raise ServiceAway(
                        self._name, f"{self._name} is still working on the draft of {reference}.", nothing_happened=True
                    ) from None
                raise TooLate(f"{self._name} has begun {reference}.", found) from None
            raise
        return self.status(reference, partner_id)

    def check(self) -> None:
        is_theirs(self._name, self._client.call("GET", "v2/orders?limit=1", about="check"), "data")

    def close(self) -> None:
        self._client.close()

    def _create(self, request: PartnerRequest) -> PartnerStatus:
        try:
            self._client.call("POST", "v2/orders", about=request.reference, again=False, json=body_of(request))
        except ServiceRefused as error:
            # Another try may have made it meanwhile: an external id is taken once.
            found = self.find(request.reference)
            if found is None and error.answer.status in _PLAIN_NO and _about_this_order(error):
                raise not_taken(error, request.reference, _codes(error), _message(error)) from None
            if found is None:
                raise refused(error, request.reference, _codes(error)) from None
            return found
        found = self.find(request.reference)
        if found is None:
            raise unreadable(self._name, request.reference, "order")
        return found

    def _read(self, id_: str, reference: str) -> PartnerStatus:
        order = mapping(self._data(f"v2/orders/{quote(id_, safe='@')}", reference))
        told = order.get("status")
        state = _STATES.get(told) if isinstance(told, str) else None
        partner_id = order.get("id")
        if state is None or not isinstance(partner_id, int) or order.get("external_id") not in (None, reference):
            raise unreadable(self._name, reference, "order")
        draft, costs = told == DRAFT, order.get("costs")
        items = self._list(f"v2/orders/{partner_id}/order-items?type=order_item&", reference, "list of items")
        # Of one that failed as well: why is told there and nowhere else.
        wrong = troubles(self._name, costs, items) if told in (DRAFT, FAILED) else []
        sent = self._sent(partner_id, reference) if told in ("fulfilled", "partial") else []
        pieces = pieces_in(sent)
        try:
            lines, (cost, currency) = tuple(line_of(item, pieces) for item in items), cost_of(costs)
        except ValueError as error:
            raise unreadable(self._name, reference, str(error)) from None
        return PartnerStatus(
            reference=reference,
            partner_id=str(partner_id),
            state=_S.STUCK if wrong and draft else state,
            lines=lines,
            parcels=self._parcels(partner_id, sent, reference) if sent else (),
            cost_minor=cost,
            currency=currency,
            reason=" ".join(wrong)[:1000],
            draft=draft,
        )

    def _sent(self, partner_id: int, reference: str) -> list[Mapping[str, Any]]:
        shipments = self._list(f"v2/orders/{partner_id}/shipments?", reference, "list of shipments")
        return [one for one in shipments if one.get("shipment_status") in ("shipped", "returned")]

    def _parcels(self, partner_id: int, sent: Sequence[Mapping[str, Any]], reference: str) -> tuple[PartnerParcel, ...]:
        answer = self._client.call("GET", f"orders/{partner_id}", about=reference).mapping()
        return parcels_of(sent, [mapping(one) for one in sequence(mapping(answer.get("result")).get("shipments"))])

    def _list(self, path: str, reference: str, what: str) -> list[Mapping[str, Any]]:
        """All pages of a list; `path` ends where the paging begins."""
        found: list[Mapping[str, Any]] = []
        while True:
            part = self._data(f"{path}limit={AT_ONCE}&offset={len(found)}", reference)
            if not isinstance(part, list):
                raise unreadable(self._name, reference, what)
            found += [mapping(one) for one in part]
            if len(part) < AT_ONCE:
                return found

    def _data(self, path: str, reference: str) -> object:
        return self._client.call("GET", path, about=reference).mapping().get("data")


def read_message(body: bytes, headers: Mapping[str, str], secret: str) -> News:
    """A webhook of version 2; BadSignature unless it is signed under the secret."""
    try:
        key = bytes.fromhex(secret)
    except ValueError:
        raise BadSignature("the secret is not hex", remedy="Copy the secret_key of the webhook whole.") from None
    check(headers.get(SIGNATURE, "").lower(), mac(key, body).hex())
    return News(hinted(body))


def hinted(body: bytes) -> tuple[str, ...]:
    """The orders that a webhook of either version is about, by their id or ours."""
    data = mapping(mapping(read_json(body)).get("data"))
    order, shipment = mapping(data.get("order")), mapping(data.get("shipment"))
    told = [order.get("external_id"), order.get("id"), data.get("order_id"), data.get("order_external_id")]
    told += [shipment.get("order_id"), shipment.get("order_external_id")]
    names = (str(one) for one in told if isinstance(one, str | int) and not isinstance(one, bool))
    return tuple(dict.fromkeys(name for name in names if 0 < len(name) <= LONGEST_NAME))


def _message(error: ServiceRefused) -> str:
    """Why an order was not taken, in their words: of version 1 (`error.message`) or RFC 9457 (`detail`)."""
    body = error.answer.mapping()
    told = mapping(body.get("error")).get("message") or body.get("detail") or ""
    return told if isinstance(told, str) else ""


def _about_this_order(error: ServiceRefused) -> bool:
    """Whether it says no to this order alone: by its pointers, or, as orders are answered so far, by a message that
    begins with the recipient. Where nobody can tell, it does not."""
    if pointers := _pointers(error):
        return all(_OF_THE_ORDER.fullmatch(one) for one in pointers)
    return re.match(r"recipient\b", _message(error), re.IGNORECASE) is not None


def _pointers(error: ServiceRefused) -> list[str]:
    """Which fields an error points at (RFC 9457 with pointers)."""
    told = [
        mapping(one).get("pointer") or mapping(mapping(one).get("source")).get("pointer")
        for one in sequence(error.answer.mapping().get("errors"))
    ]
    return [one for one in told if isinstance(one, str)]


def _codes(error: ServiceRefused) -> str:
    """Which fields an error points at; nothing of its words, which may repeat the address."""
    return ", ".join([one for one in _pointers(error) if re.fullmatch(r"[#/a-z0-9_.\[\]-]{1,80}", one)][:5])
