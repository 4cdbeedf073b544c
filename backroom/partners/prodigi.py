"""Prodigi: print on demand by its API, version 4 (prodigi.com/print-api/docs/reference, "Orders").

An order carries our `merchantReference` and, so that it is made once, the same as `idempotencyKey`: one that is there
already answers `AlreadyExists` with the order. There are no drafts: what differs is cancelled by its cancel action, as
long as that is there. What an order costs is the sum of its charges, refunds as negative ones.

Callbacks are CloudEvents that nobody signs: they only say which order to ask about.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import quote

from backroom.domain.money import exponent
from backroom.domain.partner_orders import PartnerOrderState, PartnerParcel, PartnerRequest, PartnerStatus, ToldLine
from backroom.outgoing.answer import read_json
from backroom.outgoing.client import Account, Client
from backroom.outgoing.errors import ServiceRefused
from backroom.outgoing.probe import is_theirs
from backroom.partners.artwork_urls import sha256_in
from backroom.partners.base import LONGEST_NAME, TooLate, refused, unreadable

DEFAULT_SHIPPING = "Standard"
SIZING, PRINT_AREA = "sizing", "default"
CREATED = ("created", "createdwithissues", "alreadyexists", "onhold")
_S = PartnerOrderState


class Prodigi:
    """A Prodigi account, opened by its API key."""

    idempotent = True

    def __init__(self, name: str, url: str, key: str) -> None:
        self._name = name
        self._client = Client(Account(name, url, headers={"X-API-Key": key}))

    def submit(self, request: PartnerRequest) -> PartnerStatus:
        try:
            answer = self._client.call(
                "POST", "v4.0/Orders", about=request.reference, again=False, json=self._body(request)
            )
        except ServiceRefused as error:
            raise refused(error, request.reference, _codes(error)) from None
        body = answer.mapping()
        if str(body.get("outcome", "")).lower() not in CREATED:
            raise unreadable(self._name, request.reference, "outcome")
        return self._order(body.get("order"), request.reference)

    def find(self, reference: str) -> PartnerStatus | None:
        path = f"v4.0/Orders?merchantReferences={quote(reference, safe='')}"
        orders = self._client.call("GET", path, about=reference).mapping().get("orders")
        if not isinstance(orders, list):
            raise unreadable(self._name, reference, "list of orders")
        mine = [one for one in orders if _dict(one).get("merchantReference") == reference]
        return self._order(mine[0], reference) if mine else None

    def status(self, reference: str, partner_id: str) -> PartnerStatus:
        if not partner_id:
            found = self.find(reference)
            if found is None:
                raise unreadable(self._name, reference, "order")
            return found
        answer = self._client.call("GET", f"v4.0/Orders/{quote(partner_id, safe='')}", about=reference)
        return self._order(answer.mapping().get("order"), reference)

    def cancel(self, reference: str, partner_id: str) -> PartnerStatus:
        found = self.status(reference, partner_id)
        if found.state is _S.CANCELLED:
            return found
        path = f"v4.0/Orders/{quote(found.partner_id, safe='')}/actions/cancel"
        try:
            outcome = str(self._client.call("POST", path, about=reference, again=True).mapping().get("outcome", ""))
        except ServiceRefused as error:
            if error.answer.status not in (400, 404, 409):
                raise
            outcome = "ActionNotAvailable"
        found = self.status(reference, found.partner_id)
        if found.state is not _S.CANCELLED:
            # Some answer `Cancelled` for what a lab has begun to take back: it is cancelled when its stage says so.
            raise TooLate(f"{self._name} does not cancel {reference} ({outcome[:40]}).", found)
        return found

    def check(self) -> None:
        is_theirs(self._name, self._client.call("GET", "v4.0/Orders?top=1", about="check"), "orders")

    def close(self) -> None:
        self._client.close()

    def _order(self, order: object, reference: str) -> PartnerStatus:
        told = _dict(order)
        partner_id, status = told.get("id"), _dict(told.get("status"))
        if not isinstance(partner_id, str) or not partner_id or told.get("merchantReference") != reference:
            raise unreadable(self._name, reference, "order")
        issues = [str(_dict(one).get("errorCode") or "") for one in _list(status.get("issues"))]
        cost, currency = self._cost(told.get("charges"), reference)
        return PartnerStatus(
            reference=reference,
            partner_id=partner_id,
            state=self._state(status, issues, reference),
            lines=tuple(self._line(_dict(item), reference) for item in _list(told.get("items"))),
            parcels=_parcels(told.get("shipments")),
            cost_minor=cost,
            currency=currency,
            reason=", ".join(filter(None, issues))[:1000],
        )

    def _state(self, status: Mapping[str, Any], issues: list[str], reference: str) -> PartnerOrderState:
        details = _dict(status.get("details"))
        match str(status.get("stage", "")):
            case "Complete":
                return _S.SHIPPED
            case "Cancelled":
                return _S.CANCELLED
            case "Draft" | "AwaitingPayment":
                return _S.STUCK
            case "InProgress" if issues or "Error" in details.values():
                return _S.STUCK
            case "InProgress" if details.get("inProduction") in ("InProgress", "Complete"):
                return _S.IN_PROGRESS
            case "InProgress":
                return _S.ACCEPTED
        raise unreadable(self._name, reference, "stage")

    def _line(self, item: Mapping[str, Any], reference: str) -> ToldLine:
        number, sku, copies = (item.get(name) for name in ("merchantReference", "sku", "copies"))
        if not isinstance(sku, str) or not isinstance(copies, int):
            raise unreadable(self._name, reference, "item")
        line_no = int(number) if isinstance(number, str) and number.isdecimal() and len(number) < 10 else 0
        assets = _list(item.get("assets"))
        asset = _dict(assets[0]) if assets else {}
        area = asset.get("printArea")
        attributes = {str(name): str(value) for name, value in _dict(item.get("attributes")).items()}
        return ToldLine(
            line_no,
            sku,
            copies,
            area if isinstance(area, str) else None,
            sha256_in(asset.get("url")),
            attributes=attributes | {SIZING: str(item.get(SIZING, ""))},
        )

    def _cost(self, charges: object, reference: str) -> tuple[int | None, str]:
        told = [_dict(_dict(one).get("totalCost")) for one in _list(charges)]
        if not told:
            return None, ""
        currencies = {str(one.get("currency", "")) for one in told}
        try:
            (currency,) = currencies
            total = sum((Decimal(str(one.get("amount"))) for one in told), Decimal(0)).scaleb(exponent(currency))
            minor = int(total.to_integral_value())
        except (ValueError, InvalidOperation):
            raise unreadable(self._name, reference, "charge") from None
        return minor, currency

    def _body(self, request: PartnerRequest) -> dict[str, Any]:
        return {
            "merchantReference": request.reference,
            "idempotencyKey": request.reference,
            "shippingMethod": request.shipping_method or DEFAULT_SHIPPING,
            "recipient": _recipient(request),
            "items": [
                {
                    "merchantReference": str(line.line_no),
                    "sku": line.code,
                    "copies": line.quantity,
                    "sizing": line.attributes.get(SIZING, "fitPrintArea"),
                    "attributes": {name: value for name, value in line.attributes.items() if name != SIZING},
                    "assets": [{"printArea": line.placement, "url": request.artwork[line.artwork].url}]
                    if line.artwork
                    else [],
                }
                for line in request.lines
            ],
        }


def hinted(body: bytes) -> tuple[str, ...]:
    """The order that a callback is about: in `data.order.id`, `data.id` or the event's subject."""
    event = _dict(read_json(body))
    data = _dict(event.get("data"))
    told = (_dict(data.get("order")).get("id"), data.get("id"), event.get("subject"))
    return tuple(dict.fromkeys(one for one in told if isinstance(one, str) and 0 < len(one) <= LONGEST_NAME))


def _parcels(shipments: object) -> tuple[PartnerParcel, ...]:
    found = []
    for one in map(_dict, _list(shipments)):
        if one.get("status") == "Shipped":
            carrier, tracking = _dict(one.get("carrier")), _dict(one.get("tracking"))
            texts = (carrier.get("name"), tracking.get("number"), tracking.get("url"))
            found.append(PartnerParcel(*(str(text or "")[:300] for text in texts)))
    return tuple(found)


def _recipient(request: PartnerRequest) -> dict[str, Any]:
    if request.recipient is None:
        return {}
    address = request.recipient.address
    told: dict[str, Any] = {
        "name": address.name or address.company,
        "address": {
            "line1": address.line1,
            "line2": ", ".join(filter(None, (address.line2, address.company if address.name else ""))) or None,
            "postalOrZipCode": address.postcode,
            "countryCode": address.country,
            "townOrCity": address.city,
            "stateOrCounty": address.region or None,
        },
    }
    return told | ({"phoneNumber": request.recipient.phone} if request.recipient.phone else {})


def _codes(error: ServiceRefused) -> str:
    """Which fields were not right, by their names."""
    body = error.answer.mapping()
    failures = _dict(body.get("failures"))
    names = [name for name in failures if isinstance(name, str) and name.replace(".", "").replace("_", "").isalnum()]
    outcome = body.get("outcome")
    return ", ".join([str(outcome)[:40], *names[:5]] if isinstance(outcome, str) else names[:5])


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _dict(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
