"""The places of a shop file, their printers, and what a booth promises."""

from __future__ import annotations

from dataclasses import dataclass, field

from backroom.domain.cost_rates import CostRates
from backroom.domain.opening import OpeningHours
from backroom.domain.partners import PARTNER, ROBOT_CELL, TO_CUSTOMER, PartnerSpec
from backroom.domain.printer_profile import PrinterProfile

LOCATION_KINDS = ("hub", "local_hub", "booth", PARTNER, ROBOT_CELL)
# Where a parcel goes that would be late at a booth, beside a location's id.
BY_ROUTING, THE_HUB = "by routing", "hub"
# What is printed on garments, and what is printed beside them at a booth.
GARMENT_PROCESSES = ("dtg", "transfer")
PRINT_PROCESSES = (*GARMENT_PROCESSES, "sticker", "patch", "poster", "card")


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
    costs: CostRates = field(default_factory=CostRates)
    promise: PromiseSpec | None = None
    partner: PartnerSpec | None = None

    @property
    def partner_ships(self) -> bool:
        """Whether somebody else makes it here and sends it to the customer: then there is no label of ours."""
        return self.partner is not None and self.kind == PARTNER and self.partner.ships_to == TO_CUSTOMER

    def can_print(self, process: str) -> bool:
        """Whether a printer here makes that process. An empty process is not printable anywhere."""
        return bool(process) and any(process in printer.prints for printer in self.printers)
