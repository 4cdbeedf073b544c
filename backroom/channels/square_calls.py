"""Calls of Square's API that asking, telling and paying back share.

What belongs here: the account, and single calls with what their answers must hold. What does not: what they mean.
Source: developer.squareup.com API reference, version 2026-09-16.

The token is an OAuth access token with these permissions and no more: ORDERS_READ, ITEMS_READ and PAYMENTS_READ to ask;
ORDERS_WRITE, INVENTORY_READ and INVENTORY_WRITE to tell; PAYMENTS_WRITE to pay back.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote

from backroom.channels.answers import object_of
from backroom.channels.reading import items, mapping, text
from backroom.outgoing.client import Account, Client
from backroom.outgoing.errors import ServiceRefused

SERVICE = "Square"
VERSION = "2026-09-16"
# The permissions of each use.
ASKING = ("ORDERS_READ", "ITEMS_READ", "PAYMENTS_READ")
TELLING = ("ORDERS_WRITE", "INVENTORY_READ", "INVENTORY_WRITE")
PAYING = ("PAYMENTS_READ", "PAYMENTS_WRITE", "ORDERS_READ")
IDEMPOTENCY = "idempotency_key"
# Its POSTs that change nothing there.
_READING = ("/search", "/batch-retrieve")
# The most that each takes at once.
ORDERS_AT_ONCE, OBJECTS_AT_ONCE = 100, 1000


class SquareApi:
    """One account at Square, or at its sandbox."""

    def __init__(self, base: str, token: str) -> None:
        self._client = Client(
            Account(SERVICE, base, headers={"Authorization": f"Bearer {token}", "Square-Version": VERSION})
        )

    def close(self) -> None:
        self._client.close()

    def get(self, path: str, about: str) -> dict[str, Any]:
        return object_of(self._client.call("GET", path, about=about).body, SERVICE, about)

    def ask(self, path: str, about: str, body: dict[str, Any], *, method: str = "POST") -> dict[str, Any]:
        """A call that only asks, or carries a key by which Square knows it again; any other is made once."""
        asks = path.endswith(_READING)
        again = asks or IDEMPOTENCY in body
        answer = self._client.call(method, path, about=about, again=again, changes=not asks, json=body)
        return object_of(answer.body, SERVICE, about)

    def scopes(self) -> set[str]:
        """What the token may (OAuth API, RetrieveTokenStatus, which knows an application's own token as well)."""
        said = object_of(
            self._client.call("POST", "oauth2/token/status", about="scopes", again=True, changes=False).body,
            SERVICE,
            "scopes",
        )
        return {text(one) for one in said.get("scopes") or ()}

    def order(self, order_id: str) -> dict[str, Any]:
        return mapping(self.get(f"v2/orders/{quote(order_id, safe='')}", order_id).get("order"))

    def orders(self, order_ids: Sequence[str], about: str) -> list[dict[str, Any]]:
        """These orders; Square leaves out an id that it does not know."""
        found: list[dict[str, Any]] = []
        for some in _in_parts(order_ids, ORDERS_AT_ONCE):
            found += items(self.ask("v2/orders/batch-retrieve", about, {"order_ids": list(some)}).get("orders"))
        return found

    def skus(self, object_ids: Sequence[str], about: str) -> dict[str, str]:
        """The SKU of each catalogue object that has one, deleted ones included: they were sold before."""
        skus: dict[str, str] = {}
        for some in _in_parts(sorted(set(object_ids)), OBJECTS_AT_ONCE):
            asked = {"object_ids": list(some), "include_deleted_objects": True}
            for one in items(self.ask("v2/catalog/batch-retrieve", about, asked).get("objects")):
                sku = text(mapping(one.get("item_variation_data")).get("sku"), 101)
                if sku:
                    skus[text(one.get("id"))] = sku
        return skus

    def payments(self, order: dict[str, Any]) -> list[dict[str, Any]]:
        """The payments of an order, as they stand now."""
        ids = [text(one.get("payment_id")) or text(one.get("id")) for one in items(order.get("tenders"))]
        return [found for id_ in ids if id_ and (found := self.payment(id_))]

    def payment(self, payment_id: str) -> dict[str, Any]:
        """A payment; empty where Square has none by that id, as with sales that were paid long ago."""
        try:
            return mapping(self.get(f"v2/payments/{quote(payment_id, safe='')}", payment_id).get("payment"))
        except ServiceRefused as refused:
            if refused.answer.status == 404:
                return {}
            raise


def idempotency_key(key: str) -> str:
    """Our key, as long as Square takes it everywhere (45 characters)."""
    return hashlib.sha256(key.encode()).hexdigest()[:40]


def _in_parts(all_of_them: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for first in range(0, len(all_of_them), size):
        yield all_of_them[first : first + size]


def code_of(refused: ServiceRefused) -> str:
    """The code of the first error that Square names."""
    return next((text(one.get("code")) for one in items(refused.answer.mapping().get("errors"))), "")
