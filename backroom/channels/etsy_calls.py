"""Calls of Etsy's Open API v3, with a login that is renewed and kept.

What belongs here: the account, single calls, and the way to the next access token. What does not: what answers mean.
Source: developers.etsy.com "Authentication": an access token is good for an hour; `grant_type=refresh_token` gives
another and a new refresh token, good for 90 days. "Rate limits": 10 a second and 10,000 a day for a new app. Etsy's API
description 3.0.0 has some bodies as JSON and some as a form, the login's among them: each is sent as it stands there.

The secret is the app's key and the first refresh token, with a space between: `KEYSTRING:SHARED_SECRET REFRESH_TOKEN`.
Its scopes are transactions_r to ask and transactions_w to tell of parcels; listings_r and listings_w as well to tell of
stock, and no others.
"""

from __future__ import annotations

import re
import time
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from backroom.channels.answers import object_of
from backroom.channels.reading import mapping, text
from backroom.channels.remote import Drawer, Login
from backroom.domain.errors import AskPerson, BackroomError
from backroom.outgoing.client import Account, Client
from backroom.outgoing.errors import AnswerUnreadable, ServiceAway, ServiceRefused, ServiceSetup

SERVICE = "Etsy"
PAGE = 100
_SCOPES = "v3/application/scopes"
_TOKEN = "v3/public/oauth/token"  # noqa: S105 - the address of the call, no token
# Renewed this long before it ends, so that no call of a wave meets its end.
_EARLY = timedelta(minutes=2)
# How long another process's renewal is waited for: it is one call.
_WAIT, _STEP = 6.0, 0.25


class LoginEnded(AskPerson):
    """Etsy gives no access any more: the app was removed, the password changed, or nothing was asked for 90 days."""

    cause = "etsy-login"


class ScopeMissing(AskPerson):
    """The app was connected to the shop without a permission that is needed for this."""

    cause = "etsy-scope"


class EtsyApi:
    """One app at one Etsy shop. `said_at` is when it last answered, by Etsy's own clock, in seconds of Unix time."""

    def __init__(self, base: str, secret: str) -> None:
        self._secret = secret
        self._key, _, self._first_renewal = secret.strip().partition(" ")
        self._client = Client(Account(SERVICE, base, headers={"x-api-key": self._key}))
        self._drawer: Drawer | None = None
        self.said_at = 0

    def keep_in(self, drawer: Drawer) -> None:
        self._drawer = drawer

    def close(self) -> None:
        self._client.close()

    def ping(self) -> None:
        """Whether Etsy knows the app's key; without touching its login."""
        self._client.call("GET", "v3/application/openapi-ping", about="ping")

    def get(self, path: str, about: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        return self._call("GET", path, about, params=params or {})

    def post(self, path: str, about: str, body: dict[str, str]) -> dict[str, Any]:
        """A call that does something there each time: a lost answer is ServiceSilent."""
        return self._call("POST", path, about, json=body)

    def put(self, path: str, about: str, body: dict[str, Any], params: dict[str, str]) -> dict[str, Any]:
        """A call that says how something is from now on."""
        return self._call("PUT", path, about, again=True, json=body, params=params)

    def patch(self, path: str, about: str, form: dict[str, str]) -> dict[str, Any]:
        """As `put`, of a few fields."""
        return self._call("PATCH", path, about, again=True, data=form)

    def need(self, scopes: Collection[str]) -> None:
        """Raise ScopeMissing where the login lacks one of these scopes."""
        given = self.scopes()
        missing = sorted(set(scopes) - given)
        if missing and given:
            lacks = " and ".join(missing)
            raise ScopeMissing(
                f"{SERVICE}'s login may not do this: it lacks {lacks}.",
                remedy=f"Connect the app to the shop again with {lacks} beside its other scopes, and put the new "
                "refresh token into the secrets.",
            )

    def scopes(self) -> set[str]:
        """What the login may."""
        access = self._access()
        headers = {"Authorization": f"Bearer {access}"}
        answer = self._client.call(
            "POST", _SCOPES, about="scopes", again=True, changes=False, headers=headers, data={"token": access}
        )
        # Its description does not say in which shape they come: their names stand in it, whatever it is.
        return set(re.findall(r"[a-z]+_[rwd]\b", answer.body.decode("utf-8", "replace")))

    def _call(self, method: str, path: str, about: str, **body: Any) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self._access()}"}
        answer = self._client.call(method, path, about=about, headers=headers, **body)
        self.said_at = _seconds_of(answer.headers.get("date", ""))
        return object_of(answer.body, SERVICE, about)

    def _access(self) -> str:
        """A token that is good for some minutes at least; one process renews it, and the others wait for it.

        Of the call that it is for nothing happened, whatever became of the renewal.
        """
        try:
            return self._login()
        except ServiceAway as away:
            away.nothing_happened = True
            raise
        except AnswerUnreadable as unreadable:
            raise ServiceSetup(SERVICE, unreadable.message, remedy=unreadable.remedy) from None

    def _login(self) -> str:
        if self._drawer is None:
            raise LoginEnded(f"nothing keeps {SERVICE}'s login.", remedy="Ask it from the running shop.")
        until = time.monotonic() + _WAIT
        while True:
            login = self._drawer.read(self._secret)
            if login is not None and login.good_until - _EARLY > datetime.now(UTC):
                return login.access
            if self._drawer.take_turn(self._secret):
                return self._renewed(self._drawer, login.renewal if login else self._first_renewal)
            if time.monotonic() > until:
                raise ServiceAway(SERVICE, f"another run is renewing {SERVICE}'s login.", nothing_happened=True)
            time.sleep(_STEP)

    def _renewed(self, drawer: Drawer, renewal: str) -> str:
        asked = {"grant_type": "refresh_token", "client_id": self._key.partition(":")[0], "refresh_token": renewal}
        try:
            # Twice is harmless: the same refresh token gives another access token (etsy/open-api issue 353). Nothing of
            # the shop is changed by it.
            told = self._client.call("POST", _TOKEN, about="login", again=True, changes=False, data=asked)
            answer = object_of(told.body, SERVICE, "login")
            login = Login(
                access=text(answer.get("access_token"), 4_000),
                renewal=text(answer.get("refresh_token"), 4_000) or renewal,
                good_until=datetime.now(UTC) + timedelta(seconds=_seconds(answer.get("expires_in"))),
            )
            if not login.access:
                raise AnswerUnreadable(SERVICE, f"{SERVICE} gives no token.", remedy="Check the api's url.")
        except ServiceRefused as refused:
            drawer.give_up(self._secret)
            word = text(mapping(refused.answer.json()).get("error"), 60)
            raise LoginEnded(
                f"{SERVICE} renews our login no more ({word or refused.answer.status}).",
                remedy="Connect the app to the shop again, and put the new refresh token into the secrets.",
            ) from None
        except BackroomError:
            drawer.give_up(self._secret)
            raise
        # Durable before its first use: the next process goes on from here.
        drawer.keep(self._secret, login)
        return login.access


def _seconds_of(date: str) -> int:
    """The date of an answer (RFC 9110 section 6.6.1), or this machine's clock where it has none."""
    try:
        return int(parsedate_to_datetime(date).timestamp())
    except ValueError:
        return int(time.time())


def _seconds(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= 86_400 else 3_600
