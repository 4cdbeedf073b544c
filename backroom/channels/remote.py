"""A channel's own interface: asking it for orders, and telling it what became of them.

What belongs here: what is asked and told, in our words, and the two interfaces. What does not: any one channel's words
(one module each), when it is asked (`tasks`, `flows.reconcile`), and paying back (`refunding`).

An answer that is an order goes through the same door as a webhook (`delivering`): same shape, same key of idempotency.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Listed:
    """An order as its source lists it. `updated_at` is the source's own time (UTC); `paid` is whether it is ours to
    make: paid, and not cancelled."""

    external_id: str
    updated_at: datetime
    paid: bool
    name: str = ""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A whole order as its channel's `parse` takes it: the bytes of its JSON, and the topic that goes with them."""

    external_id: str
    topic: str
    body: bytes = field(repr=False)


class OrderSource(Protocol):
    """A channel that can be asked. Errors are those of `backroom.outgoing`."""

    def changed_since(self, since: datetime) -> Iterator[Listed]:
        """Every order that was placed or changed there since then, page by page."""

    def fetch(self, external_ids: Sequence[str]) -> Iterator[Fetched]:
        """These orders, whole; one that is not there is left out."""


@dataclass(frozen=True, slots=True)
class LineShipped:
    """So many pieces of one line, by the channel's id of the line (`IncomingLine.external_id`)."""

    external_id: str
    sku: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Shipped:
    """What left the house of one order. `key` is the effect's key in the ledger; empty tracking is a collection."""

    key: str
    external_id: str
    lines: tuple[LineShipped, ...]
    carrier: str = ""
    tracking: str = ""
    tracking_url: str = ""


@dataclass(frozen=True, slots=True)
class Cancelled:
    """An order that we do not make, and why: a word of ours such as `out_of_stock`, never what somebody wrote."""

    key: str
    external_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class StockTold:
    """How many pieces of one SKU the channel may sell, over all places that it sells from."""

    sku: str
    available: int


class WriteBack(Protocol):
    """A channel that takes news from us. Errors are those of `backroom.outgoing`.

    `idempotent` says that telling the same under the same key again is harmless; where it is not, `was_told` is asked
    after a crash.
    """

    @property
    def idempotent(self) -> bool: ...

    def shipped(self, news: Shipped) -> str:
        """Tell it; returns the channel's own id of the fulfilment, empty where it has none."""

    def was_told(self, news: Shipped) -> str | None:
        """The channel's id of that fulfilment, None if it certainly does not know of it."""

    def cancelled(self, news: Cancelled) -> None:
        """Tell it; a channel whose order is cancelled already takes it as told."""

    def stock(self, news: Sequence[StockTold]) -> tuple[str, ...]:
        """Set the levels, which is harmless to repeat; returns the SKUs that the channel does not know."""
