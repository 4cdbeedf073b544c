"""A shop that nobody wrote a connector for: where in its JSON an order stands, how it signs, is asked and is told.

What belongs here: the frozen description, as `[channels.ID.mapping]` of the shop file says it. What does not: reading
that table (`backroom.shop.mapping`), and reading messages by it (`backroom.channels.mapped`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from backroom.domain.json_path import Path, Source

AMOUNTS = ("major", "minor")
PRICES = ("gross", "net")
SCHEMES = ("hmac-sha256", "standard-webhooks", "token")
ENCODINGS = ("hex", "base64")
KEY_FORMS = ("text", "hex", "base64")
PAGINGS = ("none", "since", "page", "offset", "cursor", "link")
# ISO 8601 with its zone; the same, where none means UTC; seconds or milliseconds since 1970.
TIME_FORMS = ("iso", "utc", "epoch", "epoch_ms")
METHODS = ("GET", "POST", "PUT", "PATCH")
TOLERANCE_SECONDS = 300
PAGE_SIZE = 100

# What a call may mention in braces, by what it is for. What an earlier call of the same news kept may be mentioned too.
LIST_WORDS = frozenset({"since", "until", "page", "offset", "cursor", "size"})
ONE_WORDS = frozenset({"id"})
SHIPPED_WORDS = frozenset({"id", "key", "carrier", "tracking", "tracking_url", "reference", "last", "lines"})
LINE_WORDS = frozenset({"line_id", "sku", "quantity"})
CANCELLED_WORDS = frozenset({"id", "key", "reason"})
STOCK_WORDS = frozenset({"sku", "available", "on_hand"})
PAY_BACK_WORDS = frozenset({"id", "key", "amount", "amount_minor", "currency"})


@dataclass(frozen=True, slots=True)
class MessageMapping:
    """The message around an order: what happened (`topic`) and the message's own id, in a header or in its JSON.

    Only a topic of `takes` is an order's; all are where it is empty. A topic of `pings` is a question whether somebody
    is here, which nobody signs and nobody stores. A message without lines that has a `hint` only names an order that is
    to be fetched.
    """

    topic: Source | None = None
    topic_header: str = ""
    id_header: str = ""
    takes: frozenset[str] = frozenset()
    pings: frozenset[str] = frozenset()
    hint: Source | None = None


@dataclass(frozen=True, slots=True)
class SignatureMapping:
    """How its webhooks are signed. `signed` is what is signed together, with {timestamp} and {body}.

    hmac-sha256: the code stands in `header`, behind `prefix`. token: the secret itself stands there.
    standard-webhooks: by that specification, with its own headers.
    """

    scheme: str
    header: str = ""
    prefix: str = ""
    encoding: str = "hex"
    key_form: str = "text"
    timestamp_header: str = ""
    signed: str = "{body}"
    tolerance_seconds: int = TOLERANCE_SECONDS


@dataclass(frozen=True, slots=True)
class LineMapping:
    """A line's fields, below one of `lines`. Either what one piece costs (`unit_price`, with the line's `discount`), or
    what was paid for the whole line after all discounts (`total`), or both."""

    id: Source
    sku: Source
    quantity: Source
    unit_price: Source | None = None
    total: Source | None = None
    discount: Source | None = None
    title: Source | None = None
    personalisation: Source | None = None
    artwork: Source | None = None


@dataclass(frozen=True, slots=True)
class PaymentMapping:
    """The word that says whether it is paid, in small letters. A word that is in none of the lists is a Problem."""

    field: Source
    paid: frozenset[str]
    pending: frozenset[str] = frozenset()
    refunded: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class EndedMapping:
    """Cancelled, or sent already: where `field` says one of `words`; without words, where it says anything but no."""

    field: Source
    words: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class RefundsMapping:
    """What was paid back: refunds stand at `at`, and each says its `amount`; those count of which `field` says one of
    `words`, or all. The rows of its pieces stand at `lines` below it: `line` is the id of the order's line."""

    at: Path
    amount: Source
    field: Source | None = None
    words: frozenset[str] = frozenset()
    lines: Path | None = None
    line: Source | None = None
    quantity: Source | None = None


@dataclass(frozen=True, slots=True)
class AddressMapping:
    """The address's fields, below the first of `at` that has a street, a postcode or a city; no `at` is the order."""

    at: tuple[Path, ...]
    fields: Mapping[str, Source]


@dataclass(frozen=True, slots=True)
class DeliveryMapping:
    """How the goods reach the customer. Without `ship`, whatever is in no other list is shipped."""

    field: Source
    ship: frozenset[str] = frozenset()
    collect: frozenset[str] = frozenset()
    carry_out: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ConsentMapping:
    """A tick at the checkout. `purpose` is order_updates or marketing, `wording` what the customer read beside it."""

    medium: str
    purpose: str
    granted: Source
    wording: str


@dataclass(frozen=True, slots=True)
class LoginMapping:
    """How the secret opens its interface: behind `prefix` in `header`, or as `user:password` of HTTP Basic."""

    header: str = "Authorization"
    prefix: str = "Bearer "
    basic: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """One call of its interface: HTTP (`method`, `path`, `params`, `body`), or GraphQL (`query`, `variables`).

    Texts in them may hold words in braces. `keep` names what is taken from the answer, for the calls behind it;
    `unless` skips this call where that is known already. `failed` leads to a word that means no, unless it is one of
    `fine`.
    """

    method: str = "POST"
    path: str = ""
    params: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    query: str = ""
    variables: Mapping[str, Any] = field(default_factory=dict)
    keep: Mapping[str, Path] = field(default_factory=dict)
    unless: str = ""
    failed: Path | None = None
    fine: frozenset[str] = frozenset()

    @property
    def reads_only(self) -> bool:
        """Whether it changes nothing over there: then it may be asked twice."""
        return not self.query.lstrip().startswith("mutation") if self.query else self.method == "GET"


@dataclass(frozen=True, slots=True)
class PollMapping:
    """How it is asked: `list` for what changed since, page by page, `one` for an order by its id.

    `orders` leads to the orders in the list's answer, `order` to the one in the other. `cursor` leads to what asks for
    the next page. `since` as a paging asks again from the last change of a page: nothing slips through while orders
    change meanwhile, as it may with page numbers and offsets.
    """

    list: Call
    orders: Path
    one: Call
    order: Path
    paging: str = "none"
    size: int = PAGE_SIZE
    first: int = 1
    cursor: Path | None = None
    times: str = "iso"


@dataclass(frozen=True, slots=True)
class TellMapping:
    """How one kind of news goes back: calls, one after another.

    `repeatable` says that telling the same twice is harmless. `line` is how one of `{lines}` is written, `result` the
    kept word that is the other side's id; `carriers` are its names for our carriers, `reasons` those for our reasons.
    `unknown` is the kept word without which it does not know a SKU, `shows` the one that is the level it has now, and
    `committed` the one of how many of these are sold and still there; where it keeps `uncounted`, or has no level, it
    does not count pieces of that SKU. `pays_back` says that being told of a cancellation it gives the money back.
    """

    calls: tuple[Call, ...]
    repeatable: bool = False
    line: Mapping[str, Any] = field(default_factory=dict)
    result: str = ""
    unknown: str = ""
    shows: str = ""
    committed: str = ""
    uncounted: str = ""
    carriers: Mapping[str, str] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)
    pays_back: bool = False


@dataclass(frozen=True, slots=True)
class PayBackMapping:
    """How the shop is told to pay back: calls, one after another. `result` is the kept word that is its own id of the
    refund."""

    calls: tuple[Call, ...]
    result: str


@dataclass(frozen=True, slots=True)
class ShopMapping:
    """`[channels.ID.mapping]`: all of it. Paths of fields begin at the order, which stands at `order` in a message.

    `prices` says whether amounts have the tax in them; `tax_included` is where the message says so itself. `tax` comes
    on top of net prices, `fees` on top of all. `probe` is a call that only tries whether we are let in.
    """

    order: Path
    id: Source
    placed_at: Source
    updated_at: Source
    currency: Source
    total: Source
    lines: Path
    line: LineMapping
    payment: PaymentMapping
    amounts: str = "major"
    prices: str = "gross"
    tax_included: Source | None = None
    times: str = "iso"
    number: Source | None = None
    source: Source | None = None
    shipping: Source | None = None
    discount: Source | None = None
    tax: Source | None = None
    fees: Source | None = None
    payment_reference: Source | None = None
    email: Source | None = None
    phone: Source | None = None
    language: Source | None = None
    note: Source | None = None
    location: Source | None = None
    event: Source | None = None
    cancelled: EndedMapping | None = None
    fulfilled: EndedMapping | None = None
    refunds: RefundsMapping | None = None
    address: AddressMapping | None = None
    delivery: DeliveryMapping | None = None
    consents: tuple[ConsentMapping, ...] = ()
    message: MessageMapping = MessageMapping()
    signature: SignatureMapping | None = None
    login: LoginMapping = LoginMapping()
    probe: Call | None = None
    poll: PollMapping | None = None
    tell: Mapping[str, TellMapping] = field(default_factory=dict)
    pay_back: PayBackMapping | None = None
    file: Path | None = None
