"""The shop as its owner describes it in `shop.toml`: locations, printers, channels, rules, thresholds, SLAs.

What belongs here: the frozen description and look-ups in it. Reading and checking the file is `backroom.shop`'s.
No secret ever stands in it: where one is needed, the file names it and the secrets file or a Prefect block holds it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol, TypeVar

from backroom.domain.collection import ParcelRules
from backroom.domain.errors import AskPerson
from backroom.domain.mapping import ShopMapping
from backroom.domain.opening import OpeningHours
from backroom.domain.partners import PARTNER, ROBOT_CELL, TO_CUSTOMER, PartnerSpec
from backroom.domain.printer_profile import PrinterProfile
from backroom.domain.quiet_hours import QuietHours
from backroom.domain.restock import RestockSpec
from backroom.domain.return_policy import ReturnRules
from backroom.domain.sample_rules import SampleRules

LOCATION_KINDS = ("hub", "local_hub", "booth", PARTNER, ROBOT_CELL)
# Where a parcel goes that would be late at a booth, beside a location's id.
BY_ROUTING, THE_HUB = "by routing", "hub"
# Data quality has a work pool of its own, which belongs to no location.
QUALITY_POOL = "quality"
CHANNEL_KINDS = ("shopify", "woocommerce", "square", "stripe", "etsy", "meta", "pos", "csv", "mapped")
REFUNDING_KINDS = ("shopify", "woocommerce", "square", "stripe", "meta", "mapped")
# Kinds of channels that can be asked for their orders, and those that take news; `backroom.channels.registry` has the
# same, for whoever makes the connection.
ASKED_KINDS: tuple[str, ...] = ("shopify", "woocommerce", "square", "stripe", "etsy", "meta", "mapped")
TOLD_KINDS: tuple[str, ...] = ("shopify", "woocommerce", "square", "etsy", "meta", "mapped")
# Kinds of channels whose orders may come as files.
DROPPED_KINDS = ("csv", "mapped")
NEWS = ("shipped", "stock", "cancelled")
# Kinds that take not all of NEWS, or more: `taken` is that an order is ours now.
NEWS_OF: Mapping[str, tuple[str, ...]] = {
    "etsy": ("shipped", "stock"),
    "meta": ("taken", "shipped", "stock", "cancelled"),
}
# Of these, what a kind is told only where its `tell` names it: Etsy's login needs more for it, and its listings change.
NEWS_NAMED: Mapping[str, tuple[str, ...]] = {"etsy": ("stock",)}
# Kinds whose interface must be told which of our accounts over there is meant: places, a shop, a seller's settings.
ACCOUNT_KINDS = ("square", "etsy", "meta")
CARRIER_KINDS = ("local", "easypost")
# Kinds that sell through an account of the shop's, and so need a login.
CARRIER_ACCOUNT_KINDS = ("easypost",)
CARRIER_MODES = ("production", "test")
LABEL_FORMATS = ("pdf", "png")
# What is printed on garments, and what is printed beside them at a booth.
GARMENT_PROCESSES = ("dtg", "transfer")
PRINT_PROCESSES = (*GARMENT_PROCESSES, "sticker", "patch", "poster", "card")
MAIL_KINDS = ("folder", "smtp", "none")
SMS_KINDS = ("folder", "gateway", "none")
PUSH_KINDS = ("web", "none")
# Who sends where SMS go by a gateway: `sms.kind` of the secrets, the first where it says nothing.
SMS_PROVIDERS = ("kannel", "json", "twilio")

# What the shop's own templates may mention, by kind of message; `backroom.messaging.templates` fills them in.
TEMPLATE_PLACEHOLDERS: Mapping[str, frozenset[str]] = {
    "handed_over": frozenset({"shop", "order", "name", "carrier", "tracking", "location", "window"}),
    "ready_to_collect": frozenset({"shop", "order", "name", "location", "code"}),
    "promised": frozenset({"shop", "order", "name", "location", "time"}),
    "promised_later": frozenset({"shop", "order", "name", "location", "time"}),
    "made_elsewhere": frozenset({"shop", "order", "name", "location"}),
    "delivered": frozenset({"shop", "order", "name", "carrier", "tracking", "email"}),
    "delivery_failed": frozenset({"shop", "order", "name", "carrier", "tracking", "email"}),
    "collect_reminder": frozenset({"shop", "order", "name", "location", "code"}),
    "return_requested": frozenset({"shop", "order", "name", "rma"}),
    "return_accepted": frozenset({"shop", "order", "name", "rma", "way"}),
    "return_received_in_part": frozenset({"shop", "order", "name", "rma"}),
    "return_received": frozenset({"shop", "order", "name", "rma"}),
    "return_refunded": frozenset({"shop", "order", "name", "rma", "amount"}),
    "return_exchange_ahead": frozenset({"shop", "order", "name", "rma", "exchange"}),
    "return_exchanged": frozenset({"shop", "order", "name", "rma", "exchange"}),
    "return_closed": frozenset({"shop", "order", "name", "rma", "email"}),
    "return_declined": frozenset({"shop", "order", "name", "rma", "email"}),
    "return_cancelled": frozenset({"shop", "order", "name", "rma", "email"}),
    "opt_in_code": frozenset({"shop", "code"}),
}


class NotInShopFile(AskPerson):
    """The shop file has nothing by this id, mistyped or removed since; the remedy lists what it has."""

    cause = "not_in_shop_file"


@dataclass(frozen=True, slots=True)
class Owner:
    """The shop itself: name, sender's address on labels, currency, default country and language, time zone (IANA)."""

    name: str
    currency: str
    country: str
    language: str
    timezone: str
    order_prefix: str
    email: str
    phone: str
    sender_lines: tuple[str, ...]
    sender_postcode: str
    sender_city: str


@dataclass(frozen=True, slots=True)
class PrinterSpec:
    """A printer beside a location. `uri` is `folder:NAME`, `ipp://…` or `ipps://…`; `prints` lists print processes.

    `fingerprint` pins the certificate of an `ipps` printer (SHA-256, hex). `profile` is the kind it is of, which says
    what it can do before it was measured.
    """

    name: str
    uri: str
    prints: tuple[str, ...]
    media: str = ""
    sides: str = ""
    quality: str = ""
    fingerprint: str = ""
    profile: PrinterProfile | None = None


@dataclass(frozen=True, slots=True)
class CostRates:
    """What work and things cost, in minor units of the shop's currency.

    `packaging` per parcel; `print` (ink, pretreatment) and `blank` per printed piece; `picking_minutes` per piece at
    `wage_per_hour`; messages per thousand; `booth_per_hour` while a booth is open; `hosting_per_month` for machines,
    `compute_per_1000` orders for what is paid by use, and `return_label` for a parcel that comes back by its label.
    """

    packaging: int = 0
    print: int = 0
    blank: int = 0
    picking_minutes: float = 0.0
    wage_per_hour: int = 0
    email_per_1000: int = 0
    sms_per_1000: int = 0
    booth_per_hour: int = 0
    hosting_per_month: int = 0
    compute_per_1000: int = 0
    return_label: int = 0

    @property
    def handled_piece(self) -> float:
        """What it costs to bring a piece from the shelf or the printer into its box."""
        return self.picking_minutes / 60 * self.wage_per_hour

    @property
    def printed_piece(self) -> int:
        """What a printed piece costs besides: ink, and what is printed on."""
        return self.print + self.blank


@dataclass(frozen=True, slots=True)
class PromiseSpec:
    """What a booth tells people of its print queue: `handling_minutes` from the printer into the hand, `slack_minutes`
    late that nobody minds; `late` is where a parcel goes that would be late.

    It is tried in that order: BY_ROUTING, THE_HUB, or a location's id; nothing stays. Only places count that would hand
    it over sooner than here (`late_sooner`), that cost at most `late_extra_minor` more in minor units of the shop's
    currency, and that hand it over within `late_hours` of the time that was promised; None sets no limit.
    """

    handling_minutes: int = 3
    slack_minutes: int = 5
    late: tuple[str, ...] = (BY_ROUTING,)
    late_sooner: bool = False
    late_extra_minor: int | None = None
    late_hours: int | None = None


@dataclass(frozen=True, slots=True)
class Location:
    """A place where orders are made or picked. `kind` is hub, local_hub or booth, or somebody else's: partner or
    robot_cell, and then `partner` says whose.

    `pool` is the Prefect work pool of the worker beside its printers; `scan` asks for a scan of every picked piece;
    `capacity` is how many fulfilment orders may be open there at once, 0 for no limit; `event` is what orders taken at
    a market carry; `carrier` takes the parcels from here, the shop's first one where it is empty; `costs` are the
    shop's rates with this place's own in their stead; `promise` is how it tells people when their print is ready.
    """

    id: str
    name: str
    kind: str
    pool: str
    latitude: float
    longitude: float
    hours: OpeningHours
    country: str
    printers: tuple[PrinterSpec, ...] = ()
    label_printer: PrinterSpec | None = None
    scan: bool = False
    capacity: int = 0
    event: str = ""
    carrier: str = ""
    costs: CostRates = CostRates()
    promise: PromiseSpec | None = None
    partner: PartnerSpec | None = None

    @property
    def partner_ships(self) -> bool:
        """Whether somebody else makes it here and sends it to the customer: then there is no label of ours."""
        return self.partner is not None and self.kind == PARTNER and self.partner.ships_to == TO_CUSTOMER

    def can_print(self, process: str) -> bool:
        """Whether a printer here makes that process. An empty process is not printable anywhere."""
        return bool(process) and any(process in printer.prints for printer in self.printers)


@dataclass(frozen=True, slots=True)
class RefundsSpec:
    """Where a channel pays back by itself: its address, and the name of the secret that opens it."""

    url: str
    secret: str


@dataclass(frozen=True, slots=True)
class ApiSpec:
    """A channel's own interface: where it is, and the name of the secret that opens it.

    `ask` polls it for orders and reconciles them; `tell` is what it is told, of NEWS. `account` is the channel's own id
    of what is ours there (kinds of ACCOUNT_KINDS). It sells what lies free at `locations`, less `keep_back` pieces of
    each SKU; without any, at the hub and the local hubs. `stock_location` is the channel's own id of the place whose
    level is set, where it has several; `catalogue` that of the catalogue whose items' levels are set (kind meta).
    """

    url: str
    secret: str
    ask: bool = True
    tell: tuple[str, ...] = ()
    account: str = ""
    locations: tuple[str, ...] = ()
    keep_back: int = 0
    stock_location: str = ""
    catalogue: str = ""


@dataclass(frozen=True, slots=True)
class ChannelSpec:
    """A channel that may send us orders. `kind` is one of CHANNEL_KINDS; `priority` 1 comes first.

    `secret` names the signing secret in the secrets file (or the environment); the file never holds it. `carrier` takes
    its parcels, wherever they are packed. Without `refunds` a person pays back in the channel's own pages; without
    `api` it is neither asked nor told anything. `notification_url` is where Square sends its events, as Square has it.
    Only kind mapped has a `mapping`, and needs it. `folder`, in the home folder, is where its files are dropped.
    `wordings` are what its customers read beside a tick, by medium and purpose (`email_marketing`).
    """

    id: str
    kind: str
    priority: int
    sla: str
    secret: str = ""
    shop_domain: str = ""
    location: str = ""
    event: str = ""
    carrier: str = ""
    refunds: RefundsSpec | None = None
    api: ApiSpec | None = None
    notification_url: str = ""
    mapping: ShopMapping | None = None
    folder: str = ""
    wordings: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class SlaSpec:
    """The promise of a channel: working hours to hand over, and the transit days after it."""

    id: str
    handling_hours: int
    transit_days_min: int
    transit_days_max: int
    cutoff: str = "14:00"


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition of a rule, `field op value`, e.g. channel in (shopify,), distance_km <= 10, in_stock is true."""

    field: str
    op: str
    value: object


@dataclass(frozen=True, slots=True)
class RoutingRule:
    """`when` looks at the order, `where` at each location; the first rule that holds and leaves a location wins.

    `sort` orders the candidates (nearest, most_complete, fewest_splits, cheapest, least_loaded); `split` allows several
    locations; `short` says what to do with pieces that are not in stock: print, backorder, hold, or next (try the next
    rule).
    """

    name: str
    when: tuple[Filter, ...]
    where: tuple[Filter, ...]
    sort: tuple[str, ...]
    split: bool = False
    short: str = "print"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Stock thresholds: `low_stock` pieces or fewer at a location are shown as low; a reservation of an order that
    never gets released expires after `reservation_hours`."""

    low_stock: int = 2
    reservation_hours: int = 72


@dataclass(frozen=True, slots=True)
class Retention:
    """For how many days what is personal is kept, by kind; 0 for ever.

    `raw`: what channels sent, as it came, counted from its arrival. `labels` and `messages`: their content, in the
    database and in folders, counted from the day they were made. `customers`: somebody of whom nothing new was heard
    for so long, and all whose orders have ended, is forgotten. `reports`: report files. `samples`: photos of samples
    that are good no more. `keys`: API keys that work no more, and the machines that were let in with them. `booths`:
    what machines and tills told of their work without us, and what is left of sealed prints that were destroyed.
    """

    raw: int = 90
    labels: int = 90
    messages: int = 180
    customers: int = 1095
    reports: int = 730
    samples: int = 730
    keys: int = 365
    booths: int = 365


@dataclass(frozen=True, slots=True)
class MessageTemplate:
    """The words of one kind of message; `channel` names the one whose customers get them, empty for all others."""

    kind: str
    medium: str
    language: str
    subject: str
    body: str
    channel: str = ""


@dataclass(frozen=True, slots=True)
class CarrierApi:
    """The shop's account at a carrier: the names of the secrets that open it and sign its events, and where it is.

    `mode` is that of the key; labels are fetched from `label_hosts` alone, none for the carrier's own ones.
    `label_format` is pdf or png, `zpl` asks for ZPL besides. `box_mm` are the sides of the usual parcel, or nothing.
    """

    secret: str
    webhook: str = ""
    url: str = ""
    mode: str = "production"
    label_hosts: tuple[str, ...] = ()
    label_format: str = "pdf"
    zpl: bool = False
    box_mm: tuple[int, ...] = ()
    return_labels: bool = True


@dataclass(frozen=True, slots=True)
class CarrierSpec:
    """A carrier: `name` as labels and customers read it, countries it goes to, heaviest parcel in grams, price in minor
    units. `kind` is local, the built-in courier, or easypost.

    `days` is how long the local courier is on its way, None where nobody says. `services` are those that may be
    chosen, all where it is empty. `price_minor` of an account is only what the what-if reckons with.
    """

    id: str
    kind: str
    name: str
    countries: tuple[str, ...]
    max_weight_g: int
    price_minor: int
    days: int | None = None
    services: tuple[str, ...] = ()
    api: CarrierApi | None = None

    def takes(self, country: str, weight_g: int) -> bool:
        """Whether it goes there with so much."""
        return country in self.countries and weight_g <= self.max_weight_g


@dataclass(frozen=True, slots=True)
class MessagingSpec:
    """Where messages go: `mail` is `folder`, `smtp` or `none`, `sms` is `folder`, `gateway` or `none`,
    `push` is `web` or `none`.

    The blocks hold the rest: servers, accounts and passwords. `public_url` is where the SMS provider reaches the
    gateway; empty where it does not.
    """

    mail: str
    sms: str
    sender_email: str
    sender_sms: str
    public_url: str = ""
    push: str = "none"
    quiet_hours: QuietHours | None = None


@dataclass(frozen=True, slots=True)
class PostcodePlace:
    country: str
    postcode: str
    latitude: float
    longitude: float


# Where backups go that nobody sends elsewhere.
BACKUPS = "backups"


@dataclass(frozen=True, slots=True)
class Shop:
    """The whole shop file. Tuples keep the file's order; the look-ups raise NotInShopFile.

    On `holidays` no carrier delivers. `event_pages_folder` is where the pages of events are kept as files, "" for
    nowhere; `backups` are the folders of backups, each with the keys beside them. Relative ones are in the home folder.
    """

    owner: Owner
    locations: tuple[Location, ...]
    channels: tuple[ChannelSpec, ...]
    slas: tuple[SlaSpec, ...]
    rules: tuple[RoutingRule, ...]
    thresholds: Thresholds
    carriers: tuple[CarrierSpec, ...]
    messaging: MessagingSpec
    templates: tuple[MessageTemplate, ...] = ()
    postcodes: tuple[PostcodePlace, ...] = ()
    hub: str = ""
    artwork_folder: str = ""
    holidays: frozenset[date] = frozenset()
    costs: CostRates = CostRates()
    retention: Retention = Retention()
    returns: ReturnRules = field(default_factory=ReturnRules)
    restock: RestockSpec = field(default_factory=RestockSpec)
    parcels: ParcelRules = field(default_factory=ParcelRules)
    samples: SampleRules = field(default_factory=SampleRules)
    event_pages_folder: str = ""
    backups: tuple[str, ...] = (BACKUPS,)

    def late_place(self, word: str) -> str:
        """The location's id that a word of `PromiseSpec.late` stands for; BY_ROUTING stays as it is."""
        return self.hub if word == THE_HUB and word not in self.location_names else word

    @property
    def location_names(self) -> dict[str, str]:
        """Locations' names by their ids, for sentences."""
        return {location.id: location.name for location in self.locations}

    def location(self, id_: str) -> Location:
        return _found("location", id_, self.locations)

    def channel(self, id_: str) -> ChannelSpec:
        return _found("channel", id_, self.channels)

    def sla(self, id_: str) -> SlaSpec:
        return _found("SLA", id_, self.slas)

    def carrier_for(self, location: str, channel: str) -> CarrierSpec:
        """Who is reckoned with for a parcel: whom its channel or its location names, else the cheapest of those that
        say how long they take, as they go before others (`backroom.domain.rates`)."""
        asked = self.find_channel(channel)
        wanted = (asked.carrier if asked else "") or self.location(location).carrier
        if wanted:
            return _found("carrier", wanted, self.carriers)
        return min(self.carriers, key=lambda one: (one.days is None, one.price_minor))

    def carriers_for(self, location: str, channel: str) -> tuple[CarrierSpec, ...]:
        """Who may take a parcel: the one that its channel or its location asks for, else all of them."""
        asked = self.find_channel(channel)
        if (asked.carrier if asked else "") or self.location(location).carrier:
            return (self.carrier_for(location, channel),)
        return self.carriers

    def carrier(self, id_: str) -> CarrierSpec:
        return _found("carrier", id_, self.carriers)

    def pays_back(self, channel: str) -> bool:
        """Whether refunds of this channel's orders are paid by the channel itself."""
        spec = self.find_channel(channel)
        return spec is not None and spec.refunds is not None

    def cancelling_pays_back(self, channel: str) -> bool:
        """Whether this channel gives the money back by itself when an order is cancelled there. Meta takes it only for
        what was shipped, and pays back no other by its call for refunds."""
        spec = self.find_channel(channel)
        if spec is None or spec.mapping is None:
            return spec is not None and spec.kind == "meta"
        tell = spec.mapping.tell.get("cancelled")
        return tell is not None and tell.pays_back

    def told(self, news: str) -> tuple[ChannelSpec, ...]:
        """The channels that are told of one kind of NEWS."""
        return tuple(spec for spec in self.channels if spec.api is not None and news in spec.api.tell)

    def told_ids(self, news: str) -> frozenset[str]:
        """The ids of these channels."""
        return frozenset(spec.id for spec in self.told(news))

    def sells_from(self, channel: ChannelSpec | None) -> tuple[str, ...]:
        """The locations whose free pieces a channel may sell: those it names, else (as for None, a shop that we do not
        know) every place but the booths."""
        named = channel.api.locations if channel and channel.api else ()
        return named or tuple(place.id for place in self.locations if place.kind != "booth")

    def find_channel(self, id_: str) -> ChannelSpec | None:
        return next((x for x in self.channels if x.id == id_), None)


class _Named(Protocol):
    @property
    def id(self) -> str: ...


_N = TypeVar("_N", bound=_Named)


def _found(kind: str, id_: str, among: Iterable[_N]) -> _N:
    there = {one.id: one for one in among}
    if id_ not in there:
        listed = ", ".join(there) or "none"
        raise NotInShopFile(f"the shop file has no {kind} {id_!r}.", remedy=f"It has: {listed}.")
    return there[id_]
