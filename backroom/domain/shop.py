"""The shop as its owner describes it in `shop.toml`: locations, printers, channels, rules, thresholds, SLAs.

What belongs here: the frozen description and look-ups in it. Reading and checking the file is `backroom.shop`'s.
No secret ever stands in it: where one is needed, the file names it and the secrets file or a Prefect block holds it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol, TypeVar

from backroom.domain.carriers import CarrierSpec
from backroom.domain.channels import ChannelSpec
from backroom.domain.collection import ParcelRules
from backroom.domain.cost_rates import CostRates
from backroom.domain.errors import AskPerson
from backroom.domain.locations import THE_HUB, Location
from backroom.domain.messaging import MessageTemplate, MessagingSpec
from backroom.domain.restock import RestockSpec
from backroom.domain.return_policy import ReturnRules
from backroom.domain.routing_rules import RoutingRule
from backroom.domain.sample_rules import SampleRules

# Data quality has a work pool of its own, which belongs to no location.
QUALITY_POOL = "quality"


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
class SlaSpec:
    """The promise of a channel: working hours to hand over, and the transit days after it."""

    id: str
    handling_hours: int
    transit_days_min: int
    transit_days_max: int
    cutoff: str = "14:00"


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
    costs: CostRates = field(default_factory=CostRates)
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
