"""The nouns of Backroom: orders, lines, stock and the work made of them, as frozen values.

What belongs here: value types and the states they pass through. What does not: rules (`routing`, `validation`,
`lifecycle`), SQL (`backroom.store`), the words of one channel (`backroom.channels`).

Money is an integer of minor units beside an ISO 4217 code; weights are grams; times are aware datetimes in UTC;
countries are ISO 3166-1 alpha-2; phones are E.164; a GTIN is a string.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class OrderState(StrEnum):
    """An order's way. `HELD` waits for a person, `BACKORDERED` for stock, `AWAITING_RETURN_ITEMS` (an exchange) for
    the pieces it was changed for; the last two are ends."""

    ACCEPTED = "accepted"
    ROUTED = "routed"
    RESERVED = "reserved"
    RELEASED = "released"
    HELD = "held"
    BACKORDERED = "backordered"
    AWAITING_RETURN_ITEMS = "awaiting_return_items"
    FULFILLED = "fulfilled"
    CANCELLED = "cancelled"


class FulfilmentState(StrEnum):
    """The way of the work on one order at one stock location.

    OPEN → MAKING (waits for prints and scans) → MADE → PACKED → LABELLED → DONE. A parcel that is collected or carried
    out by the customer passes LABELLED without labels.
    """

    OPEN = "open"
    MAKING = "making"
    MADE = "made"
    PACKED = "packed"
    LABELLED = "labelled"
    DONE = "done"
    HELD = "held"
    CANCELLED = "cancelled"


class PrintJobState(StrEnum):
    """A print job: WAITING, HANDED to a booth's worker, PRINTING on a named printer, then an end.

    UNKNOWN is a job whose outcome nobody can tell: a person decides, it is never printed again blindly.
    BLOCKED waits for a person at the printer (paper, ink) and says why.
    """

    WAITING = "waiting"
    HANDED = "handed"
    PRINTING = "printing"
    BLOCKED = "blocked"
    DONE = "done"
    UNKNOWN = "unknown"
    FAILED = "failed"
    CANCELLED = "cancelled"


class ReservationState(StrEnum):
    HELD = "held"
    CONSUMED = "consumed"
    RELEASED = "released"
    EXPIRED = "expired"


class InboxState(StrEnum):
    WAITING = "waiting"
    DONE = "done"
    QUARANTINED = "quarantined"


class Delivery(StrEnum):
    """How the goods reach the customer: a parcel, collected at the location, or carried out of the booth at once."""

    SHIP = "ship"
    COLLECT = "collect"
    CARRY_OUT = "carry_out"


class PaymentStatus(StrEnum):
    PAID = "paid"
    PENDING = "pending"
    REFUNDED = "refunded"


@dataclass(frozen=True, slots=True)
class Address:
    """Where a parcel goes. Coordinates, where the channel gives them, are WGS 84 degrees."""

    name: str
    line1: str
    postcode: str
    city: str
    country: str
    line2: str = ""
    company: str = ""
    region: str = ""
    latitude: float | None = None
    longitude: float | None = None


@dataclass(frozen=True, slots=True)
class IncomingLine:
    """One line as the channel said it. `unit_price_minor` and `discount_minor` (of the whole line) in minor units.

    `artwork_url` is where the buyer's own picture for this piece is; empty for the catalogue's artwork.
    """

    external_id: str
    sku: str
    quantity: int
    unit_price_minor: int
    title: str = ""
    discount_minor: int = 0
    personalisation: str = ""
    artwork_url: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class StatedConsent:
    """What the customer agreed to at the channel: `medium` is sms or email, `purpose` order_updates or marketing."""

    medium: str
    purpose: str
    granted: bool
    source: str
    wording: str
    at: datetime


@dataclass(frozen=True, slots=True)
class IncomingOrder:
    """An order in the words we share, made from one message of one channel; not yet validated.

    `(channel, external_id)` is its identity; `updated_at` is the source's own timestamp: older news never overwrites
    newer. `total_minor` is what the customer paid; lines − discounts + shipping + tax_added must equal it.
    `told_by_channel`: the channel tells its customer what becomes of the order, and gives away no way to do so.
    `handed_over`: the customer has the pieces already, whatever the books say of them.
    """

    channel: str
    external_id: str
    placed_at: datetime
    updated_at: datetime
    currency: str
    total_minor: int
    lines: tuple[IncomingLine, ...]
    external_name: str = ""
    source: str = ""
    cancelled: bool = False
    payment: PaymentStatus = PaymentStatus.PAID
    payment_token: str = ""
    shipping_minor: int = 0
    discount_minor: int = 0
    tax_added_minor: int = 0
    email: str = ""
    phone: str = ""
    address: Address | None = None
    delivery: Delivery = Delivery.SHIP
    handed_over: bool = False
    location: str = ""
    event: str = ""
    language: str = "en"
    note: str = ""
    consents: tuple[StatedConsent, ...] = ()
    told_by_channel: bool = False


@dataclass(frozen=True, slots=True)
class Variant:
    """One thing that can be sold: a product in a colourway and a size.

    `artwork` names the file that is printed on a blank when stock is short; empty means it cannot be made on demand.
    `printed_width_mm` is the artwork's width on the piece.
    """

    sku: str
    product: str
    title: str
    colourway: str
    size: str
    price_minor: int
    currency: str
    weight_g: int
    gtin: str = ""
    artwork: str = ""
    print_process: str = ""
    printed_width_mm: int = 0
    printed_height_mm: int = 0
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StockLevel:
    """Pieces of one variant at one location. `available` is what may still be promised.

    `kept` ones are there for an event: only the orders of that booth may have them. Nobody may have those that are
    `aside`: a grave check found that their count cannot be true.
    """

    location: str
    sku: str
    on_hand: int
    reserved: int
    kept: bool = False
    aside: bool = False

    @property
    def available(self) -> int:
        return 0 if self.aside else self.on_hand - self.reserved


@dataclass(frozen=True, slots=True)
class LineToRoute:
    line_no: int
    sku: str
    quantity: int
    product: str = ""
    print_process: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OrderToRoute:
    """What routing may know of an order: no names, only where it goes. No coordinates means none could be found.

    `refused_at` are locations whose partner refused it: it does not go there again. `late_at` are those that sent it on
    because it would be late there: it goes back only where no other place makes it.
    `sent_to` is where the place that would be late with it sends it, before any rule is asked.
    """

    number: str
    channel: str
    source: str
    delivery: Delivery
    country: str
    placed_at: datetime
    lines: tuple[LineToRoute, ...]
    event: str = ""
    location: str = ""
    latitude: float | None = None
    longitude: float | None = None
    located_by: str = ""
    refused_at: frozenset[str] = frozenset()
    late_at: frozenset[str] = frozenset()
    sent_to: str = ""


@dataclass(frozen=True, slots=True)
class Assignment:
    """Part of an order at one location: `from_stock` pieces are picked, `to_print` pieces are made there."""

    location: str
    line_no: int
    sku: str
    from_stock: int
    to_print: int = 0

    @property
    def quantity(self) -> int:
        return self.from_stock + self.to_print


@dataclass(frozen=True, slots=True)
class RejectedAlternative:
    rule: str
    location: str
    reason: str


@dataclass(frozen=True, slots=True)
class RoutingDecision:
    """Where an order is made, why, and what else was weighed.

    `outcome` is `assigned`, `backorder` or `hold`; the assignments are empty for the last two. `short` names each
    (location, sku) where a rule asked and found fewer pieces than the order wants, of what is kept there at all.
    """

    outcome: str
    rule: str
    assignments: tuple[Assignment, ...]
    reasons: tuple[str, ...]
    rejected: tuple[RejectedAlternative, ...] = ()
    hold_reason: str = ""
    distance_km: float | None = None
    short: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with a message or an order. `code` is stable, `field` a path, `detail` holds no personal data.

    `mendable` problems become a Hold; the others send the message to quarantine.
    """

    code: str
    field: str
    detail: str
    mendable: bool = False


@dataclass(frozen=True, slots=True)
class StepOutcome:
    """What one step did with one piece of work: `result` is `advanced`, `waiting`, `held`, `sick` or `done`."""

    subject: str
    result: str
    reason: str = ""
    cause: str = ""
