"""Asking Stripe for checkout sessions: which came about or changed since a moment, and some of them whole.

What belongs here: lists, expansion, and putting together what `stripe_checkout` reads. What does not: what it means.
Source: docs.stripe.com API reference "List Checkout Sessions", "Retrieve a Session's line items", "List events".

A session's list goes by the moment at which it was made, whatever happened to it later. What happened later, that
it was paid, at once or late, or paid back, is in the list of events, which reaches back thirty days.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from backroom.channels.reading import Reading, items, mapping, text
from backroom.channels.remote import Fetched, Listed
from backroom.channels.stripe_amounts import read_minor
from backroom.channels.stripe_calls import SERVICE, Params, StripeApi
from backroom.channels.stripe_checkout import (
    FETCHED,
    REFUND_EVENTS,
    SESSION_EVENTS,
    changed_at,
    payment_intent_of,
    standing,
)
from backroom.domain.channels import ChannelSpec
from backroom.domain.model import PaymentStatus
from backroom.domain.money import EXPONENTS
from backroom.outgoing.errors import AnswerUnreadable, ServiceRefused
from backroom.outgoing.probe import Wide

_SESSIONS, _EVENTS = "v1/checkout/sessions", "v1/events"
_COMPLETED = SESSION_EVENTS[0]
_LATER = (*SESSION_EVENTS[1:], *REFUND_EVENTS[:2])
_WITH_PAYMENT = "payment_intent.latest_charge.refunds"
# Of the payment only what tells how it stands: nothing of its card.
_OF_INTENT, _OF_CHARGE = ("id", "status"), ("id", "created", "status", "refunded", "amount_refunded")
_OF_REFUND = ("id", "created", "status", "amount")


class StripeSource:
    """The checkout sessions of one Stripe account. `key` is a restricted key."""

    def __init__(self, spec: ChannelSpec, key: str) -> None:
        assert spec.api is not None
        self._channel = spec.id
        self._api = StripeApi(spec.api.url, key)

    def wide(self) -> Wide | None:
        """By how the key begins."""
        return self._api.wide()

    def check(self) -> None:
        """Look for one session."""
        self._api.get(_SESSIONS, self._channel, [("limit", "1")])

    def changed_since(self, since: datetime) -> Iterator[Listed]:
        after: Params = [("created[gte]", str(int(since.timestamp())))]
        asked = [*after, ("status", "complete"), ("expand[]", f"data.{_WITH_PAYMENT}")]
        sessions = {text(one.get("id")): one for one in self._api.pages(_SESSIONS, self._channel, asked)}
        for event in self._api.pages(_EVENTS, self._channel, [*after, ("type", _COMPLETED)]):
            # A checkout may be open for a day before it is paid. What it says of its time is in the session.
            id_ = text(mapping(mapping(event.get("data")).get("object")).get("id"))
            if id_ and id_ not in sessions and (session := self._now(id_)) is not None:
                sessions[id_] = session
        for kind in _LATER:
            for event in self._api.pages(_EVENTS, self._channel, [*after, ("type", kind)]):
                about = mapping(mapping(event.get("data")).get("object"))
                sessions |= {text(one.get("id")): one for one in self._sessions_of(about, sessions)}
        listed = [self._listed(one) for one in sessions.values() if text(one.get("mode")) == "payment"]
        yield from sorted(listed, key=lambda one: one.updated_at)

    def fetch(self, external_ids: Sequence[str]) -> Iterator[Fetched]:
        for asked in external_ids:
            if asked.startswith("pi_"):
                found = list(self._by_payment(asked))
                if not found:
                    # A payment of something else than a checkout: it is there, and none of ours.
                    yield Fetched(asked, FETCHED, b"", asked=asked, ours=False)
                for session in found:
                    yield self._whole(text(session.get("id")), asked)
            elif asked.startswith("cs_") and (whole := self._session(asked)) is not None:
                yield whole

    def _session(self, id_: str) -> Fetched | None:
        try:
            return self._whole(id_, id_)
        except ServiceRefused as refused:
            if refused.answer.status == 404:
                return None
            raise

    def _now(self, id_: str) -> dict[str, Any] | None:
        try:
            return self._api.get(_path(id_), id_, [("expand[]", _WITH_PAYMENT)])
        except ServiceRefused as refused:
            if refused.answer.status == 404:
                return None
            raise

    def _whole(self, id_: str, asked: str) -> Fetched:
        path = _path(id_)
        expand = [("expand[]", _WITH_PAYMENT), ("expand[]", "shipping_cost.shipping_rate")]
        session = self._api.get(path, id_, expand)
        if text(session.get("status")) != "complete" or text(session.get("mode")) != "payment":
            return Fetched(id_, FETCHED, b"", asked=asked, ours=False)
        lines = list(self._api.pages(f"{path}/line_items", id_, [("expand[]", "data.price.product")]))
        whole = {"session": _without_card(session), "line_items": lines}
        return Fetched(id_, FETCHED, json.dumps(whole, ensure_ascii=False).encode(), asked=asked)

    def _by_payment(self, intent: str) -> Iterator[dict[str, Any]]:
        expand = ("expand[]", f"data.{_WITH_PAYMENT}")
        return self._api.pages(_SESSIONS, intent, [("payment_intent", intent), expand])

    def _sessions_of(self, about: dict[str, Any], known: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """The sessions that an event is of: those of its payment, as they stand now."""
        if text(about.get("object")) == "checkout.session" and text(about.get("id")) in known:
            yield known[text(about.get("id"))]
        elif intent := payment_intent_of(about):
            yield from self._by_payment(intent)

    def _listed(self, session: dict[str, Any]) -> Listed:
        reading = Reading()
        external_id = text(session.get("id"))
        placed_at = reading.epoch(session.get("created"), "created")
        if reading.problems or not external_id:
            raise AnswerUnreadable(
                SERVICE, f"{SERVICE} lists a session without id or time ({self._channel}).", remedy="Report it to us."
            )
        currency = text(session.get("currency")).upper()
        known = currency in EXPONENTS
        payment, cancelled = standing(session)
        return Listed(
            external_id=external_id,
            updated_at=changed_at(session),
            paid=payment is PaymentStatus.PAID and not cancelled,
            name=(text(session.get("client_reference_id")) or external_id[-8:])[:60],
            placed_at=placed_at,
            total_minor=read_minor(reading, session, "amount_total", "", currency, needed=False) if known else 0,
            currency=currency if known else "",
        )


def _path(id_: str) -> str:
    return f"{_SESSIONS}/{quote(id_, safe='')}"


def _without_card(session: dict[str, Any]) -> dict[str, Any]:
    intent = mapping(session.get("payment_intent"))
    if not intent:
        return session
    charge = mapping(intent.get("latest_charge"))
    refunds = [_only(one, _OF_REFUND) for one in items(mapping(charge.get("refunds")).get("data"))]
    kept = _only(intent, _OF_INTENT)
    if charge:
        kept["latest_charge"] = _only(charge, _OF_CHARGE) | {"refunds": {"data": refunds}}
    return session | {"payment_intent": kept}


def _only(holder: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: holder[name] for name in names if name in holder}
