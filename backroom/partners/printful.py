"""Printful: print on demand by its API, version 2 (developers.printful.com/docs/v2-beta, read in its OpenAPI file).

An order is a draft first, known by our `external_id`; its items are compared with what was asked, and only then it is
confirmed, which is when it is charged and made. So what differs never gets made. A draft is deleted; what is confirmed
and pending is cancelled by version 1 (`DELETE /orders/{id}`), because version 2 only deletes. `inprocess` is too late.

Webhooks of version 2 are signed: `x-pf-webhook-signature` is the HMAC-SHA256 of the raw body in hex, under the secret
that stands in hex as well. Those of version 1 are not. Both only say which order to ask about.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import quote

from backroom.domain.money import to_minor
from backroom.domain.partner_orders import (
    PartnerOrderState,
    PartnerParcel,
    PartnerRequest,
    PartnerStatus,
    ToldLine,
    compare,
)
from backroom.domain.signatures import BadSignature, check, mac
from backroom.outgoing.answer import read_json
from backroom.outgoing.client import Account, Client
from backroom.outgoing.errors import ServiceRefused
from backroom.outgoing.probe import is_theirs
from backroom.partners.artwork_urls import sha256_in
from backroom.partners.base import LONGEST_NAME, News, TooLate, refused, unreadable

SIGNATURE = "x-pf-webhook-signature"
DRAFT = "draft"
DEFAULT_TECHNIQUE, DEFAULT_SHIPPING = "dtg", "STANDARD"
ITEMS_AT_ONCE = 100
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
    "failed": _S.REJECTED,
}
_STATE_CODE = re.compile(r"[A-Z0-9]{1,3}")


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
        if not found.draft or compare(request.lines, found.lines):
            # What differs stays a draft: whoever asked sees it, and has it cancelled.
            return found
        path = f"v2/orders/{quote(found.partner_id, safe='')}/confirmation"
        try:
            # Confirming what is confirmed already is refused: then it is as it should be.
            self._client.call("POST", path, about=request.reference, again=False)
        except ServiceRefused as error:
            found = self.status(request.reference, found.partner_id)
            if found.draft:
                raise refused(error, request.reference, _codes(error)) from None
            return found
        return self.status(request.reference, found.partner_id)

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
                raise TooLate(f"{self._name} has begun {reference}.", found) from None
            raise
        return self.status(reference, partner_id)

    def check(self) -> None:
        is_theirs(self._name, self._client.call("GET", "v2/orders?limit=1", about="check"), "data")

    def close(self) -> None:
        self._client.close()

    def _create(self, request: PartnerRequest) -> PartnerStatus:
        try:
            self._client.call("POST", "v2/orders", about=request.reference, again=False, json=self._body(request))
        except ServiceRefused as error:
            # Another try may have made it meanwhile: an external id is taken once.
            found = self.find(request.reference)
            if found is None:
                raise refused(error, request.reference, _codes(error)) from None
            return found
        found = self.find(request.reference)
        if found is None:
            raise unreadable(self._name, request.reference, "order")
        return found

    def _read(self, id_: str, reference: str) -> PartnerStatus:
        order = _dict(self._data(f"v2/orders/{quote(id_, safe='@')}", reference))
        told = order.get("status")
        state = _STATES.get(told) if isinstance(told, str) else None
        partner_id = order.get("id")
        if state is None or not isinstance(partner_id, int) or order.get("external_id") not in (None, reference):
            raise unreadable(self._name, reference, "order")
        parcels = self._parcels(partner_id, reference) if told in ("fulfilled", "partial") else ()
        cost, currency = self._cost(order.get("costs"), reference)
        return PartnerStatus(
            reference=reference,
            partner_id=str(partner_id),
            state=state,
            lines=self._lines(partner_id, reference),
            parcels=parcels,
            cost_minor=cost,
            currency=currency,
            draft=told == DRAFT,
        )

    def _lines(self, partner_id: int, reference: str) -> tuple[ToldLine, ...]:
        lines: list[ToldLine] = []
        while True:
            path = f"v2/orders/{partner_id}/order-items?limit={ITEMS_AT_ONCE}&offset={len(lines)}"
            items = self._data(path, reference)
            if not isinstance(items, list):
                raise unreadable(self._name, reference, "list of items")
            lines += [self._line(_dict(item), reference) for item in items]
            if len(items) < ITEMS_AT_ONCE:
                return tuple(lines)

    def _line(self, item: Mapping[str, Any], reference: str) -> ToldLine:
        number, quantity, variant = (item.get(name) for name in ("external_id", "quantity", "catalog_variant_id"))
        if not isinstance(quantity, int) or not isinstance(variant, int):
            raise unreadable(self._name, reference, "item")
        # One that we did not name is one that we did not ask for.
        line_no = int(number) if isinstance(number, str) and number.isdecimal() and len(number) < 10 else 0
        placements = item.get("placements")
        first = _dict(placements[0]) if isinstance(placements, list) and placements else {}
        layers = first.get("layers")
        url = _dict(layers[0]).get("url") if isinstance(layers, list) and layers else None
        return ToldLine(
            line_no=line_no,
            code=str(variant),
            quantity=quantity,
            placement=first.get("placement") if isinstance(first.get("placement"), str) else None,
            artwork=sha256_in(url),
            attributes=_options(item.get("product_options")),
        )

    def _parcels(self, partner_id: int, reference: str) -> tuple[PartnerParcel, ...]:
        shipments = self._data(f"v2/orders/{partner_id}/shipments", reference)
        if not isinstance(shipments, list):
            raise unreadable(self._name, reference, "list of shipments")
        found = []
        for one in map(_dict, shipments):
            if one.get("shipment_status") in ("shipped", "returned"):
                texts = (str(one.get(name) or "")[:300] for name in ("carrier", "tracking_number", "tracking_url"))
                found.append(PartnerParcel(*texts))
        return tuple(found)

    def _cost(self, costs: object, reference: str) -> tuple[int | None, str]:
        told = _dict(costs)
        if told.get("calculation_status") not in (None, "done") or told.get("total") is None:
            return None, ""
        minor = None
        with suppress(ValueError, TypeError):
            minor = to_minor(str(told["total"]), str(told.get("currency")))
        if minor is None:
            raise unreadable(self._name, reference, "cost")
        return minor, str(told.get("currency"))

    def _data(self, path: str, reference: str) -> object:
        return self._client.call("GET", path, about=reference).mapping().get("data")

    def _body(self, request: PartnerRequest) -> dict[str, Any]:
        return {
            "external_id": request.reference,
            "shipping": request.shipping_method or DEFAULT_SHIPPING,
            "recipient": _recipient(request),
            "order_items": [
                {
                    "source": "catalog",
                    "external_id": str(line.line_no),
                    "catalog_variant_id": int(line.code) if line.code.isdecimal() else line.code,
                    "quantity": line.quantity,
                    "placements": [
                        {
                            "placement": line.placement,
                            "technique": line.technique or DEFAULT_TECHNIQUE,
                            "layers": [{"type": "file", "url": request.artwork[line.artwork].url}],
                        }
                    ]
                    if line.artwork
                    else [],
                    **(
                        {"product_options": [{"name": name, "value": value} for name, value in line.attributes.items()]}
                        if line.attributes
                        else {}
                    ),
                }
                for line in request.lines
            ],
        }


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
    data = _dict(_dict(read_json(body)).get("data"))
    order, shipment = _dict(data.get("order")), _dict(data.get("shipment"))
    told = [order.get("external_id"), order.get("id"), data.get("order_id"), data.get("order_external_id")]
    told += [shipment.get("order_id"), shipment.get("order_external_id")]
    names = (str(one) for one in told if isinstance(one, str | int) and not isinstance(one, bool))
    return tuple(dict.fromkeys(name for name in names if 0 < len(name) <= LONGEST_NAME))


def _options(told: object) -> Mapping[str, str] | None:
    """The product's options, where the answer has any."""
    options = [_dict(one) for one in _list(told)]
    return {str(one.get("name")): str(one.get("value")) for one in options} if options else None


def _recipient(request: PartnerRequest) -> dict[str, str]:
    if request.recipient is None:
        return {}
    address = request.recipient.address
    told = {
        "name": address.name,
        "company": address.company,
        "address1": address.line1,
        "address2": address.line2,
        "city": address.city,
        "state_code": address.region if _STATE_CODE.fullmatch(address.region) else "",
        "country_code": address.country,
        "zip": address.postcode,
        "phone": request.recipient.phone,
    }
    return {name: value for name, value in told.items() if value}


def _codes(error: ServiceRefused) -> str:
    """Which fields an error points at (RFC 9457 with pointers); nothing of its words, which may repeat the address."""
    body = error.answer.mapping()
    told = [
        _dict(one).get("pointer") or _dict(_dict(one).get("source")).get("pointer") for one in _list(body.get("errors"))
    ]
    pointers = [one for one in told if isinstance(one, str) and re.fullmatch(r"[#/a-z0-9_.\[\]-]{1,80}", one)]
    return ", ".join(pointers[:5])


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _dict(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
