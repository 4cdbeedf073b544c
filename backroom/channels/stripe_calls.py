"""Calls of Stripe's API that asking and paying back share.

What belongs here: the account, single calls, and lists page by page. What does not: what their answers mean.
Source: docs.stripe.com API reference, version 2026-10-28.endive: pagination by `starting_after`, expansion four levels
deep at the most, `Idempotency-Key` (kept for a day at least).

The key is a restricted one (`rk_…`) that may read Checkout Sessions, Payment Intents, Charges and Refunds, Products and
Prices, Shipping Rates and Events, and nothing else; the one for refunds may write Refunds instead of the last three.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from backroom.channels.answers import object_of
from backroom.channels.reading import items, text
from backroom.outgoing.client import Account, Client
from backroom.outgoing.probe import Wide

SERVICE = "Stripe"
VERSION = "2026-10-28.endive"
PAGE = 100

Params = list[tuple[str, str]]


class StripeApi:
    """One account at Stripe."""

    def __init__(self, base: str, key: str) -> None:
        self._whole = key.strip().startswith("sk_")
        self._client = Client(
            Account(SERVICE, base, headers={"Authorization": f"Bearer {key}", "Stripe-Version": VERSION})
        )

    def wide(self) -> Wide | None:
        """A secret key (`sk_…`) opens the whole account; a restricted one (`rk_…`) what its owner ticked."""
        if not self._whole:
            return None
        return Wide(
            f"this is a secret key of {SERVICE}, which may do everything in the account.",
            "Make a restricted key (it begins with rk_) at Stripe, with the permissions that docs/connectors.md lists, "
            "and put it into secrets.toml in its place.",
        )

    def get(self, path: str, about: str, params: Params) -> dict[str, Any]:
        return object_of(self._client.call("GET", path, about=about, params=params).body, SERVICE, about)

    def post(self, path: str, about: str, data: Mapping[str, str], key: str) -> dict[str, Any]:
        """A call that is one however often it is made under `key`."""
        headers = {"Idempotency-Key": key}
        return object_of(
            self._client.call("POST", path, about=about, again=True, headers=headers, data=dict(data)).body,
            SERVICE,
            about,
        )

    def pages(self, path: str, about: str, params: Params) -> Iterator[dict[str, Any]]:
        """Every row of a list, which Stripe gives newest first."""
        after: Params = []
        while True:
            page = self.get(path, about, [*params, ("limit", str(PAGE)), *after])
            rows = items(page.get("data"))
            yield from rows
            if page.get("has_more") is not True or not rows:
                return
            after = [("starting_after", text(rows[-1].get("id")))]
