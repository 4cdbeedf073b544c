"""Asking a mapped shop for its orders, as `[channels.ID.mapping.poll]` says.

What belongs here: pages, and what of an answer is an order. What does not: the fields of an order (`mapped_order`), one
call (`mapped_calls`), and when it is asked (`tasks`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from backroom.channels.mapped import MappedChannel, mapping_of
from backroom.channels.mapped_calls import account_of, make_call, time_of
from backroom.channels.mapped_order import FETCHED, OrderReader
from backroom.channels.remote import Fetched, Listed
from backroom.channels.strict_json import BrokenJson, parse_json
from backroom.domain.channels import ChannelSpec
from backroom.domain.errors import AskPerson
from backroom.domain.json_path import Found, find, said
from backroom.domain.mapping import PollMapping
from backroom.domain.model import PaymentStatus
from backroom.outgoing.answer import Answer
from backroom.outgoing.client import Client
from backroom.outgoing.errors import AnswerUnreadable, ServiceRefused
from backroom.outgoing.probe import is_theirs

# More pages than any shop fills between two looks: an interface that ignores the page it is asked for never ends.
MOST_PAGES = 2000
_GONE = (404, 410)
# Shops tell and compare times by the second, or finer: what changed within the same one is asked for again.
_TICK = timedelta(seconds=1)
_NEXT = re.compile(r'<([^>]+)>\s*;[^,]*\brel="?next"?', re.IGNORECASE)


class NotAsked(AskPerson):
    """The mapping does not say how the shop is asked."""

    cause = "not_asked"


class MappedSource:
    """One shop's orders. Made for one task."""

    def __init__(self, spec: ChannelSpec, secret: str) -> None:
        mapping = mapping_of(spec)
        if spec.api is None:
            raise NotAsked(f"channel {spec.id} has no api.", remedy=f"Add [channels.{spec.id}.api].")
        self._spec = spec
        self._mapping = mapping
        self._channel = MappedChannel(spec)
        self._client = Client(account_of(spec.id, spec.api, mapping, secret))

    def close(self) -> None:
        """Let its connections go."""
        self._client.close()

    @property
    def _poll(self) -> PollMapping:
        if self._mapping.poll is None:
            raise NotAsked(f"channel {self._spec.id} does not say how it is asked.", remedy="Add its mapping.poll.")
        return self._mapping.poll

    def check(self) -> None:
        """Try the connection: by the mapping's probe, else by asking for what changed in this second."""
        probe, told = self._mapping.probe, dict[str, Any]()
        if probe is None:
            if self._mapping.poll is None:
                raise NotAsked(
                    f"nothing says how the connection to {self._spec.id} is tried.",
                    remedy=f"Add [channels.{self._spec.id}.mapping.probe].",
                )
            probe, at = self._poll.list, time_of(datetime.now(UTC), self._poll.times)
            told = {"since": at, "until": at, "page": self._poll.first, "offset": 0, "size": 1, "cursor": None}
        answer = make_call(self._client, probe, told, about="a try of the connection", asks=True)
        is_theirs(self._client.account.service, answer)

    def changed_since(self, since: datetime) -> Iterator[Listed]:
        """Every order of every page; AnswerUnreadable names the field of an order that cannot be listed."""
        poll = self._poll
        told: dict[str, Any] = {
            "since": time_of(since, poll.times),
            "until": time_of(datetime.now(UTC), poll.times),
            "size": poll.size,
        }
        seen: set[str] = set()
        params: dict[str, Any] | None = None
        for page in range(MOST_PAGES):
            told |= {"page": poll.first + page, "offset": page * poll.size, "cursor": told.get("cursor")}
            answer = self._page(told, params, first=page == 0)
            if answer is None:
                return
            listed = self._orders(answer)
            fresh = [one for one in listed if one.external_id not in seen]
            seen |= {one.external_id for one in fresh}
            yield from fresh
            if poll.paging == "since":
                self._check_sorted(listed)
                latest = max((one.updated_at for one in listed), default=since) - _TICK
                if not fresh and latest <= since:
                    self._check_end(listed)
                    return
                since, told["since"] = latest, time_of(latest, poll.times)
                continue
            if not fresh or poll.paging == "none":
                # An empty page is the last one; one that says nothing new means that pages are not understood there.
                return
            if poll.paging == "cursor":
                told["cursor"], before = self._cursor(answer), told["cursor"]
                if told["cursor"] in (None, before):
                    return
            elif poll.paging == "link":
                following = _NEXT.search(answer.headers.get("link", ""))
                if following is None:
                    return
                # Only what it asks for is taken from the link, and not where it leads: our address stands in the shop
                # file.
                params = parse_qs(urlsplit(following[1]).query)
        raise AnswerUnreadable(
            self._spec.id, f"{self._spec.id} lists more than {MOST_PAGES} pages.", remedy="Check paging in its mapping."
        )

    def fetch(self, external_ids: Sequence[str]) -> Iterator[Fetched]:
        for external_id in external_ids:
            try:
                answer = make_call(self._client, self._poll.one, {"id": external_id}, about=external_id, asks=True)
            except ServiceRefused as error:
                if error.answer.status in _GONE:
                    continue
                raise
            document = self._json(answer, external_id)
            found = next((one for one in find(document, self._poll.order) if isinstance(one.value, dict)), None)
            if found is None or not found.value:
                continue
            body = json.dumps(self._channel.wrapped(found.value), ensure_ascii=False).encode()
            yield Fetched(external_id, FETCHED, body)

    def _page(self, told: dict[str, Any], params: dict[str, Any] | None, *, first: bool) -> Answer | None:
        """One page; None behind the last one, where the shop says so by a 404."""
        call = self._poll.list if params is None else replace(self._poll.list, params=params)
        try:
            return make_call(self._client, call, told, about="its orders", asks=True)
        except ServiceRefused as error:
            if first or error.answer.status not in _GONE:
                raise
            return None

    def _cursor(self, answer: Answer) -> Any:
        assert self._poll.cursor is not None, "the shop file's check asks for it"
        found = (one.value for one in find(answer.json(), self._poll.cursor))
        return next((value for value in found if said(value) and value is not False), None)

    def _orders(self, answer: Answer) -> list[Listed]:
        document = self._json(answer, "its orders")
        return [self._listed(one) for one in find(document, self._poll.orders) if isinstance(one.value, dict)]

    def _check_sorted(self, listed: Sequence[Listed]) -> None:
        """From the last change of a page on, all are asked for only where no earlier one comes behind it."""
        changes = [one.updated_at for one in listed]
        if changes != sorted(changes):
            raise AnswerUnreadable(
                self._spec.id,
                f"{self._spec.id} does not list its orders by their last change.",
                remedy="Ask for them sorted so, the longest unchanged first.",
            )

    def _check_end(self, listed: Sequence[Listed]) -> None:
        """A full page of what was there before, all of one moment: what lies behind it cannot be asked for."""
        if len(listed) >= self._poll.size:
            raise AnswerUnreadable(
                self._spec.id,
                f"at {self._spec.id} more than {self._poll.size} orders changed within a second.",
                remedy="Write a larger size in its mapping's poll.",
            )

    def _listed(self, found: Found) -> Listed:
        reader = OrderReader(self._mapping, found)
        order = reader.head()
        if reader.reading.problems:
            wrong = "; ".join(sorted({f"{one.field} {one.detail}" for one in reader.reading.problems}))
            raise AnswerUnreadable(
                self._spec.id, f"{self._spec.id} lists an order that cannot be read: {wrong}.", remedy="Ask for them."
            )
        return Listed(
            order.external_id,
            order.updated_at,
            paid=order.payment is PaymentStatus.PAID and not order.cancelled,
            name=order.name,
            placed_at=order.placed_at,
            fulfilled=order.fulfilled,
            total_minor=order.total_minor,
            currency=order.currency,
        )

    def _json(self, answer: Answer, about: str) -> Any:
        """As our own door reads it: money stays exact."""
        try:
            return parse_json(answer.body)
        except BrokenJson as error:
            raise AnswerUnreadable(
                self._spec.id, f"{self._spec.id} answers what is not JSON that we take ({about}).", remedy="Look at it."
            ) from error
