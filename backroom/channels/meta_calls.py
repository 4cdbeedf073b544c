"""Calls of Meta's Graph API that asking, telling and paying back share.

What belongs here: the account, single calls, and what its errors mean. What does not: what answers mean.
Sources: developers.facebook.com "Graph API: Handle errors" (errors come with status 400 and a code), "Paginated
results"; "API Integration Setup". The token is a system user's, with `commerce_account_read_settings`, and
`commerce_account_read_orders` to ask or `commerce_account_manage_orders` to tell and pay back as well;
`catalog_management` to tell of stock.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from backroom.channels.answers import object_of
from backroom.channels.reading import items, mapping, text
from backroom.outgoing.client import Account, Client
from backroom.outgoing.errors import ServiceAway, ServiceRefused, ServiceSetup

SERVICE = "Meta"
# The last version whose SDK has every call of ours: in v25.0 orders are acknowledged, cancelled and paid back no more.
VERSION = "v24.0"
PAGE = 100
# "Try again later": unknown, service, too many calls by app, user, page, this kind of call, over a day, of a catalogue.
_LATER = frozenset({1, 2, 4, 17, 32, 341, 613, 80001, 80009, 80014})
# The token is over or not one.
_LOGIN = frozenset({102, 190})
# A permission was not given.
_NOT_ALLOWED = frozenset({10, *range(200, 300)})
_NOT_THERE = 33


class PermissionMissing(ServiceSetup):
    """The token is one, and may not do this."""


class MetaApi:
    """One seller at Meta."""

    def __init__(self, base: str, token: str) -> None:
        self._client = Client(Account(SERVICE, base, headers={"Authorization": f"Bearer {token}"}))

    def close(self) -> None:
        self._client.close()

    def get(self, path: str, about: str, params: dict[str, Any]) -> dict[str, Any]:
        return self._call("GET", path, about, params=params)

    def post(self, path: str, about: str, body: dict[str, Any], *, sets: bool = False) -> dict[str, Any]:
        """A call that is harmless twice where its body has a key of idempotency, or it `sets` how something is from
        now on; any other is made once."""
        return self._call("POST", path, about, again=sets or "idempotency_key" in body, json=body)

    def pages(self, path: str, about: str, params: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Every object of an edge; the way on is the cursor, never the address in the answer, which has our token."""
        asked = params | {"limit": PAGE}
        while True:
            answer = self.get(path, about, asked)
            yield from items(answer.get("data"))
            paging = mapping(answer.get("paging"))
            after = text(mapping(paging.get("cursors")).get("after"), 2_000)
            if not after or not paging.get("next") or after == asked.get("after"):
                return
            asked = asked | {"after": after}

    def _call(self, method: str, path: str, about: str, **body: Any) -> dict[str, Any]:
        try:
            answer = self._client.call(method, f"{VERSION}/{path}", about=about, **body)
        except ServiceRefused as refused:
            raise _meant(refused, about) from None
        return object_of(answer.body, SERVICE, about)


def is_not_there(refused: ServiceRefused) -> bool:
    return refused.answer.status == 404 or _error(refused).get("error_subcode") == _NOT_THERE


def code_of(refused: ServiceRefused) -> str:
    told = _error(refused)
    return "/".join(filter(None, (text(told.get("code")), text(told.get("error_subcode"))))) or str(
        refused.answer.status
    )


def is_id(value: str) -> bool:
    """Meta's ids are digits: nothing else may stand in an address."""
    return value.isascii() and value.isdecimal() and len(value) < 40


def at(external_id: str, edge: str = "") -> str:
    return quote(external_id, safe="") + (f"/{edge}" if edge else "")


def _error(refused: ServiceRefused) -> dict[str, Any]:
    return mapping(refused.answer.mapping().get("error"))


def _meant(refused: ServiceRefused, about: str) -> ServiceAway | ServiceSetup | ServiceRefused:
    """What an error means, by its code: most come with the same status."""
    told = _error(refused)
    code = told.get("code")
    if code in _LATER or told.get("is_transient") is True:
        return ServiceAway(SERVICE, f"{SERVICE} takes nothing now ({about}, code {code}).")
    if code in _LOGIN or code in _NOT_ALLOWED:
        return (ServiceSetup if code in _LOGIN else PermissionMissing)(
            SERVICE,
            f"{SERVICE} refuses our token ({about}, code {code}).",
            remedy="Make a new token of the system user, with the permissions for orders, and put it into the secrets.",
        )
    return refused
