"""Prodigi: print on demand by its API, version 4 (prodigi.com/print-api/docs/reference, "Orders").

An order carries our `merchantReference` and, so that it is made once, the same as `idempotencyKey`: one that is there
already answers `AlreadyExists` with the order. There are no drafts: what differs is cancelled by its cancel action, as
long as that is there. What an order costs is the sum of its charges, refunds as negative ones.

An account may have a pause window. Until it is over an order is its id alone (`OnHold`), and asking for it finds none:
it is there, and nobody says what it has. Its issues are codes; a download that failed is tried ten times, and is an
issue of a person's after that.

Callbacks are CloudEvents that nobody signs: they only say which order to ask about.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
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
from backroom.partners.base import LONGEST_NAME, TooLate, not_taken, refused, unreadable

DEFAULT_SHIPPING = "Standard"
SIZING, PRINT_AREA = "sizing", "default"
INVALID = "validationfailed"
# What comes with each order and differs between them. A failure of any other field (a SKU, its attributes, the shipping
# method) is of our set-up, and the next order would meet it as well.
_OF_THE_ORDER = re.compile(r"recipient(\..*)?|items\.assets(\.url|\.md5hash)?")
CREATED = ("created", "createdwithissues", "alreadyexists", "onhold")
_S = PartnerOrderState
# A download that is tried again: no trouble yet.
_PASSES = "notdownloaded"
# What an issue means, by the end of its code, and what to do.
_ISSUES: Mapping[str, str] = {
    "failedtodownloaded": "it could not fetch an artwork in ten tries: see that public_url can be reached, then have"
    " its customer service try again",
    "itemunavailable": "a product cannot be had at the moment: ask its customer service, or cancel the order",
    "requirespaymentauthorisation": "it waits to be paid: pay for the order in its dashboard",
}


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
            outcome = str(error.answer.mapping().get("outcome", "")).lower()
            if error.answer.status != 400 or outcome != INVALID:
                raise refused(error, request.reference, _codes(error)) from None
            # An earlier try whose answer was lost may be there all the same.
            found = self.find(request.reference)
            if found is None and not _about_this_order(error):
                raise refused(error, request.reference, _codes(error)) from None
            if found is None:
                raise not_taken(error, request.reference, _codes(error), _failures(error)) from None
            return found
        body = answer.mapping()
        if str(body.get("outcome", "")).lower() not in CREATED:
            raise unreadable(self._name, request.reference, "outcome")
        order = _dict(body.get("order"))
        if _paused(order):
            return PartnerStatus(request.reference, order["id"], _S.SUBMITTED)
        return self._order(order, request.reference)

    def find(self, reference: str) -> PartnerStatus | None:
        path = f"v4.0/Orders?merchantReferences={quote(reference, safe='')}"
        orders = self._client.call("GET", path, about=reference).mapping().get("orders")
        if not isinstance(orders, list):
            raise unreadable(self._name, reference, "list of orders")
        mine = [one for one in map(_dict, orders) if one.get("merchantReference") == reference]
        return self._order(mine[0], reference) if mine else None

    def status(self, reference: str, partner_id: str) -> PartnerStatus:
        if not partner_id:
            found = self.find(reference)
            if found is None:
                raise unreadable(self._name, reference, "order")
            return found
        try:
            answer = self._client.call("GET", f"v4.0/Orders/{quote(partner_id, safe='')}", about=reference)
        except ServiceRefused as error:
            if error.answer.status != 404:
                raise
            # Nothing is ever deleted there: it is paused, until its window is over or somebody lets it go on.
            return PartnerStatus(reference, partner_id, _S.SUBMITTED)
        order = _dict(answer.mapping().get("order"))
        return PartnerStatus(reference, partner_id, _S.SUBMITTED) if _paused(order) else self._order(order, reference)

    def confirm(self, reference: str, partner_id: str) -> PartnerStatus:
        # There are no drafts here: what is placed is placed.
        return self.status(reference, partner_id)

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
        if outcome.lower() == "cancelled" and found.lines is None:
            # Of a paused one there is no more than that word.
            return replace(found, state=_S.CANCELLED)
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
        issues = [one for one in map(_dict, _list(status.get("issues"))) if not _passes(one)]
        parcels, sent = _parcels(told.get("shipments"))
        cost, currency = self._cost(told.get("charges"), reference)
        return PartnerStatus(
            reference=reference,
            partner_id=partner_id,
            state=self._state(status, issues, reference),
            lines=tuple(self._line(_dict(item), sent, reference) for item in _list(told.get("items"))),
            parcels=parcels,
            cost_minor=cost,
            currency=currency,
            reason=" ".join(_sentence(self._name, one) for one in issues)[:1000],
        )

    def _state(
        self, status: Mapping[str, Any], issues: Sequence[Mapping[str, Any]], reference: str
    ) -> PartnerOrderState:
        details = {str(name).strip(): str(value).lower() for name, value in _dict(status.get("details")).items()}
        # A step is in error for a download that is tried again as well; then the issue says so.
        failed = "error" in details.values() and not _list(status.get("issues"))
        match str(status.get("stage", "")).lower():
            case "complete":
                return _S.SHIPPED
            case "cancelled":
                return _S.CANCELLED
            case "onhold":
                return _S.SUBMITTED
            case "draft" | "awaitingpayment":
                return _S.STUCK
            case "inprogress" if issues or failed:
                return _S.STUCK
            case "inprogress" if details.get("inProduction") in ("inprogress", "complete", "completed"):
                return _S.IN_PROGRESS
            case "inprogress":
                return _S.ACCEPTED
        raise unreadable(self._name, reference, "stage")

    def _line(self, item: Mapping[str, Any], sent: Collection[object] | None, reference: str) -> ToldLine:
        number, sku, copies = (item.get(name) for name in ("merchantReference", "sku", "copies"))
        if not isinstance(sku, str) or not isinstance(copies, int):
            raise unreadable(self._name, reference, "item")
        line_no = int(number) if isinstance(number, str) and number.isdecimal() and len(number) < 10 else 0
        assets = [_dict(one) for one in _list(item.get("assets"))]
        artworks = [sha256_in(one.get("url")) for one in assets]
        attributes = {str(name): str(value) for name, value in _dict(item.get("attributes")).items()}
        return ToldLine(
            line_no,
            sku,
            copies,
            ", ".join(str(one.get("printArea")) for one in assets),
            # Of an address that is not ours nothing can be said.
            None if None in artworks else ", ".join(filter(None, artworks)),
            done=None if sent is None else copies if item.get("id") in sent else 0,
            attributes=attributes | {SIZING: str(item.get(SIZING, ""))},
            prints=len(assets),
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


def _parcels(shipments: object) -> tuple[tuple[PartnerParcel, ...], frozenset[object] | None]:
    """What was sent, and the ids of the items in it; None where it does not say of which."""
    sent = [one for one in map(_dict, _list(shipments)) if str(one.get("status")).lower() == "shipped"]
    found = []
    for one in sent:
        carrier, tracking = _dict(one.get("carrier")), _dict(one.get("tracking"))
        texts = (carrier.get("name"), tracking.get("number"), tracking.get("url"))
        found.append(PartnerParcel(*(str(text or "")[:300] for text in texts)))
    items = [_list(one.get("items")) for one in sent]
    known = bool(items) and all(items)
    return tuple(found), frozenset(_dict(one).get("itemId") for some in items for one in some) if known else None


def _paused(order: Mapping[str, Any]) -> bool:
    """Whether an answer is an order's id and nothing of what it has, as long as its pause window is open."""
    stage = str(_dict(order.get("status")).get("stage") or "").lower()
    return isinstance(order.get("id"), str) and not order.get("items") and stage in ("", "onhold", "on hold")


def _passes(issue: Mapping[str, Any]) -> bool:
    return _code(issue).lower().endswith(_PASSES)


def _code(issue: Mapping[str, Any]) -> str:
    return str(issue.get("errorCode") or "unknown")[:100]


def _sentence(name: str, issue: Mapping[str, Any]) -> str:
    """What is the matter, with what to do about it, and the code for whoever is asked there."""
    code = _code(issue)
    said = _ISSUES.get(code.rpartition(".")[2].lower(), "it has an issue: look at the order in its dashboard")
    price = _dict(_dict(issue.get("authorisationDetails")).get("paymentDetails"))
    due = f" ({price.get('amount')} {price.get('currency')})" if price else ""
    return f"{name}: {said}{due} [{code}]."


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


def _about_this_order(error: ServiceRefused) -> bool:
    """Whether every failure is of a field of this order alone, such as its address; without one nobody can tell."""
    names = [re.sub(r"\[\d+\]", "", str(name)).lower() for name in _dict(error.answer.mapping().get("failures"))]
    return bool(names) and all(_OF_THE_ORDER.fullmatch(name) for name in names)


def _failures(error: ServiceRefused) -> str:
    """What was not right about which field, by the codes of the answer; not the values, which are the customer's."""
    failures = _dict(error.answer.mapping().get("failures"))
    told = [(name, _dict(one).get("code") or "not right") for name, codes in failures.items() for one in _list(codes)]
    return "; ".join(f"{name}: {code}" for name, code in told)


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _dict(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
