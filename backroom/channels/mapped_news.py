"""Telling a mapped shop what became of its orders, as `[channels.ID.mapping.tell.NEWS]` says.

What belongs here: the calls of one piece of news, one after another. What does not: one call (`mapped_calls`), and when
something is told (`tasks`).

Calls that only ask may come first, and what they find lets later ones be left out (`unless`): so the same news may be
told again, and a fulfilment that was begun is brought to its end. They also answer `was_told`. Where the mapping has
none, a lost answer is a person's to settle.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from backroom.channels.mapped import mapping_of
from backroom.channels.mapped_calls import account_of, count_of, filled, kept_of, make_call
from backroom.channels.remote import (
    HALF_SET,
    NOT_COUNTED,
    SKU_TWICE,
    UNKNOWN_SKU,
    Cancelled,
    Shipped,
    StockSet,
    StockTold,
)
from backroom.domain.channels import ChannelSpec
from backroom.domain.errors import AskPerson, BackroomError, OutcomeUnknown
from backroom.domain.json_path import said
from backroom.domain.mapping import Call, TellMapping
from backroom.domain.selling import level_to_set
from backroom.outgoing.client import Client
from backroom.outgoing.errors import AnswerUnreadable


class NotTold(AskPerson):
    """The mapping does not say how the shop is told this."""

    cause = "not_told"


class MappedWriteBack:
    """One shop that takes news. Made for one task."""

    def __init__(self, spec: ChannelSpec, secret: str) -> None:
        mapping = mapping_of(spec)
        if spec.api is None:
            raise NotTold(f"channel {spec.id} has no api.", remedy=f"Add [channels.{spec.id}.api].")
        self._id = spec.id
        self._tell = mapping.tell
        self._client = Client(account_of(spec.id, spec.api, mapping, secret))

    def close(self) -> None:
        """Let its connections go."""
        self._client.close()

    @property
    def idempotent(self) -> bool:
        shipped = self._tell.get("shipped")
        return shipped is not None and shipped.repeatable

    def shipped(self, news: Shipped) -> str:
        tell = self._of("shipped")
        known = self._all(tell, _words_of(tell, news), news.key)
        return said(known.get(tell.result))

    def was_told(self, news: Shipped) -> str | None:
        tell = self._of("shipped")
        known, asked = _words_of(tell, news), False
        for call in tell.calls:
            if call.reads_only:
                known |= kept_of(call, make_call(self._client, call, known, about=news.key), known)
                asked = True
        writing = [call for call in tell.calls if not call.reads_only]
        if not asked or not all(call.unless for call in writing):
            raise OutcomeUnknown(
                f"{self._id} cannot be asked whether it knows of {news.key}.",
                remedy=f"Look it up at {self._id}, then say whether it happened.",
                cause=f"{self._id}-unknown",
            )
        # Begun is not told: one of its calls is still to be made.
        return said(known.get(tell.result)) if all(call.unless in known for call in writing) else None

    def cancelled(self, news: Cancelled) -> None:
        tell = self._of("cancelled")
        reason = tell.reasons.get(news.reason, news.reason)
        self._all(tell, {"id": news.external_id, "key": news.key, "reason": reason}, news.key)

    def stock(self, news: Sequence[StockTold]) -> Iterator[StockSet]:
        tell = self._of("stock")
        for one in news:
            written: list[Call] = []
            try:
                answer = self._level(tell, one, written)
            except BackroomError:
                if written:
                    # The call that failed may have done nothing; the ones before it did.
                    yield StockSet(one.sku, None, trouble=HALF_SET)
                raise
            yield answer

    def _of(self, news: str) -> TellMapping:
        if news not in self._tell:
            raise NotTold(
                f"channel {self._id} does not say how it is told {news}.", remedy=f"Add its mapping.tell.{news}."
            )
        return self._tell[news]

    def _level(self, tell: TellMapping, one: StockTold, written: list[Call]) -> StockSet:
        """Set one level: what it shows first, where the mapping says how to ask, since it may have sold by itself. The
        calls that changed something go into `written`."""
        level, unheard = max(0, one.available), 0
        known: dict[str, Any] = {"sku": one.sku, "available": level, "on_hand": level}
        for call in tell.calls:
            if call.unless and call.unless in known:
                continue
            answer = make_call(self._client, call, known, about=one.sku, again=True)
            if not call.reads_only:
                written.append(call)
            known |= kept_of(call, answer, known)
            if tell.unknown in call.keep and count_of(call, answer, tell.unknown, known) > 1:
                return StockSet(one.sku, None, trouble=SKU_TWICE)
            if tell.unknown in call.keep and tell.unknown not in known:
                return StockSet(one.sku, None, trouble=UNKNOWN_SKU)
            if tell.uncounted in known or (tell.shows in call.keep and tell.shows not in known):
                return StockSet(one.sku, None, trouble=NOT_COUNTED)
            if tell.shows in call.keep or tell.committed in call.keep:
                # What is sold and not sent is on its shelf still, and nobody may buy it.
                committed = self._count(known, tell.committed, one.sku) if tell.committed else 0
                if tell.shows:
                    there = self._count(known, tell.shows, one.sku) - committed
                    level, unheard = level_to_set(one.available, one.before, there, one.unheard, one.arrived)
                known |= {"available": level, "on_hand": level + committed}
        return StockSet(one.sku, level, unheard)

    def _count(self, known: Mapping[str, Any], name: str, about: str) -> int:
        told = said(known.get(name))
        if not (told.removeprefix("-").isascii() and told.removeprefix("-").isdecimal() and len(told) < 12):
            raise AnswerUnreadable(
                self._id,
                f"{self._id} shows a level that is no whole number ({about}).",
                remedy="Compare the answer with keep in its mapping.",
            )
        return int(told)

    def _all(self, tell: TellMapping, told: Mapping[str, Any], about: str) -> dict[str, Any]:
        """Make the calls that are needed; returns all that is known then."""
        known = dict(told)
        optional = {call.unless for call in tell.calls}
        for call in tell.calls:
            if call.unless and call.unless in known:
                continue
            answer = make_call(self._client, call, known, about=about, again=tell.repeatable)
            known |= kept_of(call, answer, known)
            # What a look-up does not find is for the next call to make; what that does not answer is missing.
            lost = sorted(set(call.keep) - known.keys() - (optional if call.reads_only else set()))
            if lost:
                raise AnswerUnreadable(
                    self._id,
                    f"{self._id} answers without {', '.join(lost)} ({about}).",
                    remedy="Compare the answer with keep in its mapping.",
                )
        return known


def _words_of(tell: TellMapping, news: Shipped) -> dict[str, Any]:
    return {
        "id": news.external_id,
        "key": news.key,
        "carrier": tell.carriers.get(news.carrier, news.carrier),
        "tracking": news.tracking,
        "tracking_url": news.tracking_url,
        # What tells this parcel from others; what is collected has no number, and is found again by our key.
        "reference": news.tracking or news.key,
        "last": news.last,
        "lines": [
            filled(tell.line, {"line_id": line.external_id, "sku": line.sku, "quantity": line.quantity})
            for line in news.lines
        ],
    }
