"""A channel's own interface: asking it for orders, and telling it what became of them.

What belongs here: what is asked and told, in our words, and the two interfaces. What does not: any one channel's words
(one module each), when it is asked (`tasks`, `flows.reconcile`), and paying back (`refunding`).

An answer that is an order goes through the same door as a webhook (`delivering`): same shape, same key of idempotency.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, runtime_checkable

from backroom.domain.errors import AskPerson


@dataclass(frozen=True, slots=True)
class Listed:
    """An order as its source lists it. `updated_at` and `placed_at` are the source's own times (UTC); `paid` is whether
    it is to be made: paid, not cancelled, no test. `fulfilled` is whether the source takes it for sent already.

    `total_minor` is what was paid, in minor units of `currency`; 0 and empty where a list does not say.
    """

    external_id: str
    updated_at: datetime
    paid: bool
    name: str = ""
    placed_at: datetime | None = None
    fulfilled: bool = False
    total_minor: int = 0
    currency: str = ""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A whole order as its channel's `parse` takes it: the bytes of its JSON, and the topic that goes with them.

    `asked` is the id that was asked for, where the order stands there under another one (a payment, of which only the
    order is made). Where `ours` is false it is there and not ours to make yet (a cart, a payment that is being
    checked): there is no body, and the channel will say when it is.
    """

    external_id: str
    topic: str
    body: bytes = field(repr=False)
    asked: str = ""
    ours: bool = True


class OrderSource(Protocol):
    """A channel that can be asked. Errors are those of `backroom.outgoing`."""

    def changed_since(self, since: datetime) -> Iterator[Listed]:
        """Every order that was placed or changed there since then, page by page, the longest unchanged first."""

    def fetch(self, external_ids: Sequence[str]) -> Iterator[Fetched]:
        """These orders, whole; one that is not there, or whose id cannot be one of its own, is left out."""


@dataclass(frozen=True, slots=True)
class Login:
    """A login that is good for a while, and what gets the next one."""

    access: str = field(repr=False)
    renewal: str = field(repr=False)
    good_until: datetime


class Drawer(Protocol):
    """Where the newest login of one channel is kept, durable and sealed, for all processes."""

    def read(self, secret: str) -> Login | None:
        """The login that was kept under this secret, None where none was."""

    def take_turn(self, secret: str) -> bool:
        """Whether it is ours to get the next one; then `keep` or `give_up` follows."""

    def keep(self, secret: str, login: Login) -> None: ...

    def give_up(self, secret: str) -> None: ...


@runtime_checkable
class KeepsLogin(Protocol):
    """Whoever asks or tells a channel whose login changes with its use, and must be kept."""

    def keep_in(self, drawer: Drawer) -> None: ...


@dataclass(frozen=True, slots=True)
class LineShipped:
    """So many pieces of one line, by the channel's id of the line (`IncomingLine.external_id`)."""

    external_id: str
    sku: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Shipped:
    """What left the house of one order, one part of it. `key` is the effect's key in the ledger; empty tracking is a
    collection. `last`: no other part of the order is still to leave, so the order is complete over there as well.
    """

    key: str
    external_id: str
    lines: tuple[LineShipped, ...]
    carrier: str = ""
    tracking: str = ""
    tracking_url: str = ""
    last: bool = True


@dataclass(frozen=True, slots=True)
class Taken:
    """An order that is ours now, under our number: its channel waits for that word before anything else."""

    key: str
    external_id: str
    number: str


@dataclass(frozen=True, slots=True)
class Cancelled:
    """An order that we do not make, and why: a word of ours such as `out_of_stock`, never what somebody wrote."""

    key: str
    external_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class StockTold:
    """How many pieces of one SKU the channel may sell, over all places that it sells from.

    `before` is the level that it was left at last time, None where that is not known; one that shows fewer by now has
    sold some itself, of which we may not have heard. So a channel that can be asked what it shows sets what
    `backroom.domain.selling.level_to_set` says; `unheard` and `arrived` are for that. One that cannot sets `available`.
    """

    sku: str
    available: int
    before: int | None = None
    unheard: int = 0
    arrived: int = 0


@dataclass(frozen=True, slots=True)
class StockSet:
    """What came of it: the level that the channel now shows, and of how many pieces that it sold we have not heard;
    None where nothing was set, and then why: one of UNKNOWN_SKU, SKU_TWICE, NOT_COUNTED, LEVEL_REFUSED, LISTING_OFF; or
    where only a part of the calls that set it was made before an error, which follows: HALF_SET."""

    sku: str
    level: int | None
    unheard: int = 0
    trouble: str = ""


class NewsRefused(AskPerson):
    """The channel understood the news and does not take it: its order is cancelled, unknown, or fulfilled by hand."""

    cause = "news_refused"


# The channel does not have the SKU; has it on several of its variants; does not count pieces of it at all.
UNKNOWN_SKU, SKU_TWICE, NOT_COUNTED = "unknown_sku", "sku_twice", "not_counted"
# The channel takes other levels and not this one; nobody knows what it shows now.
LEVEL_REFUSED, HALF_SET = "level_refused", "half_set"
# It is in a listing that is not on sale, and that only a person may put on sale.
LISTING_OFF = "listing_off"


class OffSale(Protocol):
    """Which listings of one channel we took off sale because nothing was left, durable: no others are put on again."""

    def kept(self) -> dict[str, str]:
        """What is kept of each listing, by the channel's id of it."""

    def keep(self, listing: str, what: str) -> None: ...

    def forget(self, listing: str) -> None: ...


@runtime_checkable
class TakesOffSale(Protocol):
    """Whoever tells a channel where a listing in which nothing is left has to be taken off sale."""

    def keep_off_sale_in(self, off_sale: OffSale) -> None: ...


class WriteBack(Protocol):
    """A channel that takes news from us. Errors are those of `backroom.outgoing`.

    `idempotent` says that the other side knows a key given to `shipped`, so that the same one twice is one fulfilment;
    where it does not, `was_told` is asked after a crash or a lost answer.
    """

    @property
    def idempotent(self) -> bool: ...

    def shipped(self, news: Shipped) -> str:
        """Tell it, unless it knows already of what `was_told` finds; returns the channel's own id of the fulfilment,
        empty where it has none. An order that is cancelled over there is an AskPerson."""

    def was_told(self, news: Shipped) -> str | None:
        """The channel's id of that fulfilment, None if it does not know of it; OutcomeUnknown where it cannot say."""

    def cancelled(self, news: Cancelled) -> None:
        """Tell it, which is harmless to repeat: a channel whose order is cancelled already takes it as told."""

    def stock(self, news: Sequence[StockTold]) -> Iterable[StockSet]:
        """Set the levels, which is harmless to repeat; one answer for each, in any order, and as soon as it is set: it
        may raise half-way, and what was not answered by then is told again."""

    def close(self) -> None:
        """End its connections."""


@runtime_checkable
class TakesWord(Protocol):
    """A channel that is told which of its orders we took (`taken` in its `tell`)."""

    def taken(self, news: Taken) -> None:
        """Tell it, which is harmless to repeat: an order that was taken before is as told."""
