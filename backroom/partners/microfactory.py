"""Workshops and robot cells: the interface of ours that a partner of any size can offer.

It is described in `docs/microfactory-openapi.yaml`; `deployments/microfactory` is one that runs. A workshop makes and
ships (`kind` make), a cell picks into totes (`kind` pick) and says which, with what of the order is in each. An order
is placed under its `Idempotency-Key`, asked for by our reference, and its changes come as messages signed by Standard
Webhooks, each with the whole order: so a message says what an answer says, and the order's `revision` tells which is
newer.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import quote

from backroom.domain.partner_orders import (
    AskedLine,
    CannotBeAsked,
    PartnerRequest,
    PartnerStatus,
)
from backroom.domain.signatures import BadSignature, check_standard
from backroom.outgoing.answer import read_json
from backroom.outgoing.client import Account, Client
from backroom.outgoing.errors import ServiceRefused
from backroom.partners.base import LONGEST_NAME, News, TooLate, not_taken, refused, unreadable
from backroom.partners.microfactory_reading import MAKE, PICK, as_dict, read_order

# What is kept of a message until a run reads it: nothing that anybody wrote, and no recipient.
_KEPT = ("reference", "id", "kind", "revision", "state", "lines", "parcels", "totes", "cost")
# Refusals by 409 that are about how we asked: the same would be asked of nobody else.
_OURS = frozenset({"key_used", "key_is_reference", "kind", "lines", "artwork_missing", "other_bytes", "no_png"})


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
            if not _is_plain_no(error):
                raise refused(error, request.reference, _code(error)) from None
            # An earlier try whose answer was lost may be there all the same.
            found = self.find(request.reference)
            if found is None:
                raise not_taken(error, request.reference, _code(error), _message(error)) from None
            return found
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
        if hashlib.sha256(content).hexdigest() != sha256:
            raise CannotBeAsked(
                f"{request.reference}: an artwork was replaced since it was looked at.",
                remedy="Look at it, then retry.",
            )
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
                    **({"print": _size(line)} if line.width_mm else {}),
                    **({"technique": line.technique} if line.technique else {}),
                    **({"attributes": dict(line.attributes)} if line.attributes else {}),
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
    order = as_dict(as_dict(read_json(body)).get("data"))
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
    reference = as_dict(as_dict(read_json(body)).get("data")).get("reference")
    return (reference,) if isinstance(reference, str) and 0 < len(reference) <= LONGEST_NAME else ()


def _size(line: AskedLine) -> dict[str, int]:
    return {"width_mm": line.width_mm} | ({"height_mm": line.height_mm} if line.height_mm else {})


def _is_plain_no(error: ServiceRefused) -> bool:
    """Whether it does not make this order. A request that is not of the form (400), and what stands in the way of any
    order (the other codes of 409), is mended and not made elsewhere."""
    code = _code(error)
    return bool(code) and (error.answer.status == 422 or (error.answer.status == 409 and code not in _OURS))


def _message(error: ServiceRefused) -> str:
    told = error.answer.mapping().get("message")
    return told if isinstance(told, str) else ""


def _code(error: ServiceRefused) -> str:
    """The code of an error of the interface; nothing of its words, which may repeat the address."""
    code = error.answer.mapping().get("code")
    return code if isinstance(code, str) and code.isidentifier() and len(code) < 40 else ""


__all__ = ["MAKE", "PICK", "BadSignature", "Microfactory", "read_message", "read_order"]
