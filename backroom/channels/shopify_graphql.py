"""Calls of Shopify's GraphQL Admin API: one document, its variables, and what is answered.

What belongs here: login, version, the budget of points, and what each kind of error means. What does not: any
document (`shopify_source`, and whoever tells Shopify something).
Sources: shopify.dev "GraphQL Admin API", "API limits" (cost, throttle status, 1,000 points for one query at the
most), "Response status and error codes".

Errors come with status 200. Every query costs points of a bucket that fills up again by so many a second; what an
answer says of the bucket is kept, and the next call waits until it can pay, so that nobody is turned away in turn.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from datetime import timedelta
from typing import Any

from backroom.channels.reading import items, mapping, text
from backroom.outgoing.client import Account, Client
from backroom.outgoing.errors import AnswerUnreadable, ServiceAway, ServiceSetup, ServiceSilent

SERVICE = "Shopify"
# Each version is served for a year at least; our documents are held against this one's schema (tests).
VERSION = "2026-07"
LONGEST_WAIT = 10.0
TRIES = 4


class TooDear(AnswerUnreadable):
    """The query would cost more than one may: ask for less at a time."""


class ShopifyGraphql:
    """One shop at its address, such as `https://my-shop.myshopify.com`. Made for one task.

    `clock` is seconds that only go forward, `pause` waits for so many.
    """

    def __init__(
        self,
        url: str,
        token: str,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        base = f"{url.rstrip('/')}/admin/api/{VERSION}"
        self._client = Client(Account(SERVICE, base, headers={"X-Shopify-Access-Token": token}))
        self._clock, self._pause = clock, pause
        self._points, self._restored, self._at = 0.0, 0.0, clock()
        # What the last query was reckoned to cost, by its document: the next one of its kind will cost as much.
        self._costs: dict[str, float] = {}

    def close(self) -> None:
        self._client.close()

    def ask(
        self, document: str, variables: Mapping[str, Any], about: str, *, again: bool | None = None
    ) -> dict[str, Any]:
        """The answer's `data`, whole: an answer with any error in it is none.

        `about` and `again` are as for `Client.call`: a query only asks, and a mutation is taken for one that must not
        be made twice unless it is said that it carries a key.
        Errors: TooDear, ServiceSetup (the token may not do that), ServiceAway (throttled for longer than we wait, or
        an error of Shopify's own; ServiceSilent where that leaves a mutation open), AnswerUnreadable, and those of
        `Client.call`.
        """
        asks = document.lstrip().startswith("query")
        harmless = asks if again is None else again
        for _ in range(TRIES):
            self._wait_for_points(document, about)
            answer = self._client.call(
                "POST",
                "graphql.json",
                about=about,
                again=harmless,
                changes=not asks,
                json={"query": document, "variables": dict(variables)},
            )
            said = answer.mapping()
            self._note_cost(document, mapping(mapping(said.get("extensions")).get("cost")))
            errors = said.get("errors")
            if not errors and isinstance(said.get("data"), dict):
                return mapping(said["data"])
            # Nothing of a throttled query was carried out, so it may be repeated whatever it is.
            if "THROTTLED" not in _codes(errors):
                raise _error(errors, about, harmless)
        wait = timedelta(seconds=LONGEST_WAIT)
        raise ServiceAway(SERVICE, f"{SERVICE} throttles us ({about}).", retry_after=wait, nothing_happened=True)

    def _wait_for_points(self, document: str, about: str) -> None:
        needed = self._costs.get(document, 0.0)
        if not self._restored or not needed:
            return
        there = self._points + (self._clock() - self._at) * self._restored
        seconds = (needed - there) / self._restored
        if seconds > LONGEST_WAIT:
            wait = timedelta(seconds=seconds)
            raise ServiceAway(SERVICE, f"{SERVICE} throttles us ({about}).", retry_after=wait, nothing_happened=True)
        if seconds > 0:
            self._pause(seconds)

    def _note_cost(self, document: str, cost: Mapping[str, Any]) -> None:
        requested, status = cost.get("requestedQueryCost"), mapping(cost.get("throttleStatus"))
        if isinstance(requested, int | float):
            self._costs[document] = float(requested)
        available, restored = status.get("currentlyAvailable"), status.get("restoreRate")
        if isinstance(available, int | float) and isinstance(restored, int | float) and restored > 0:
            self._points, self._restored, self._at = float(available), float(restored), self._clock()


ALLOWED = "query Allowed { currentAppInstallation { accessScopes { handle } } }"
LESS = "Take these scopes from the app in Shopify's admin, install it anew, and put its new token into secrets.toml."


def scopes_in(said: Mapping[str, Any]) -> set[str]:
    """What `ALLOWED` is answered."""
    return {text(one.get("handle")) for one in items(mapping(said.get("currentAppInstallation")).get("accessScopes"))}


def with_reading(scopes: Collection[str]) -> set[str]:
    """Who may write may read: Shopify lists the one, or both."""
    return {*scopes, *(one.replace("write_", "read_", 1) for one in scopes)}


def gid(kind: str, id_: str) -> str:
    """Shopify's global id of a thing that we know by its number."""
    return id_ if id_.startswith("gid://") else f"gid://shopify/{kind}/{id_}"


def _codes(errors: object) -> set[str]:
    """Where the query itself is refused, `errors` may also be a sentence."""
    return {text(mapping(one.get("extensions")).get("code")) for one in items(errors)}


def _error(errors: object, about: str, again: bool) -> AnswerUnreadable | ServiceAway | ServiceSetup | ServiceSilent:
    codes = _codes(errors) - {""}
    told = ", ".join(sorted(codes)) or "without a code"
    if "MAX_COST_EXCEEDED" in codes:
        return TooDear(SERVICE, f"{SERVICE} finds a query too large ({about}).", remedy="Report it to us.")
    if codes & {"ACCESS_DENIED", "SHOP_INACTIVE"}:
        return ServiceSetup(
            SERVICE,
            f"{SERVICE} does not let our key see this ({about}, {told}).",
            remedy="Give the app in Shopify's admin the scopes that docs/connectors.md lists, and install it anew.",
        )
    if "INTERNAL_SERVER_ERROR" in codes and not again:
        return ServiceSilent(
            SERVICE,
            f"{SERVICE} had an error of its own over {about}: it may have happened.",
            remedy=f"Look it up at {SERVICE}, then say whether it happened.",
        )
    if "INTERNAL_SERVER_ERROR" in codes:
        return ServiceAway(SERVICE, f"{SERVICE} had an error of its own ({about}).")
    return AnswerUnreadable(
        SERVICE,
        f"{SERVICE} answers with an error ({about}, {told}).",
        remedy="Compare the API version in backroom/channels/shopify_graphql.py with what Shopify still serves.",
    )
