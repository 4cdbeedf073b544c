"""Key figures: which there are, what each means, and which way an order went.

What belongs here: the names, units and definitions. What does not: reading the
orders (`backroom.store.order_facts`) and computing the figures (`backroom.insight`).

The definitions are what `docs/kpis.md` shows; a test holds both together.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from backroom.domain.locations import Location

ALL = "all"
# The stages of an order, in order, and between which moments each lies.
STAGES = ("waiting", "intake", "making", "packing", "announcing")
COMES_BACK_WITHIN_DAYS = 60
# After so many days few pieces come back any more.
RETURNED_WITHIN_DAYS = 60


class Way(StrEnum):
    """How an order was served: taken at an event, made at a local hub, or made at the main hub."""

    EVENT = "event"
    LOCAL = "local"
    ONLINE = "online"


WAYS = (ALL, *Way)


class Unit(StrEnum):
    """What a figure counts in. Money is in minor units of the shop's currency; a mean has a fraction."""

    COUNT = "count"
    SECONDS = "seconds"
    SHARE = "share"
    MONEY = "money"


class Of(StrEnum):
    """Which orders, pieces or customers a figure is about; the last two are told by month, the others by day."""

    SHIPPED = "orders shipped on the day"
    ACCEPTED = "orders accepted on the day"
    EITHER = "orders accepted or shipped on the day"
    PIECES = "pieces shipped in the month"
    FIRST = "customers whose first order was placed in the month"


@dataclass(frozen=True, slots=True)
class Kpi:
    """One key figure. `of` says which orders it is about, `definition` how it is computed from them."""

    name: str
    title: str
    unit: Unit
    of: Of
    definition: str

    @property
    def monthly(self) -> bool:
        """Whether it is told by month, as a sample that has an interval, and not by day."""
        return self.of in (Of.PIECES, Of.FIRST)


_SHIPPED, _ACCEPTED = Of.SHIPPED, Of.ACCEPTED


def _stage(name: str, between: str) -> Kpi:
    return Kpi(f"{name}_median", f"Stage: {name}", Unit.SECONDS, _SHIPPED, f"The median time {between}.")


def _cost(name: str, definition: str) -> Kpi:
    return Kpi(f"cost_{name}", f"Cost: {name}", Unit.MONEY, _SHIPPED, definition)


KPIS = (
    Kpi("orders", "Orders shipped", Unit.COUNT, _SHIPPED, "How many orders ended with all their parcels on the way."),
    Kpi(
        "ship_median",
        "Time to ship, median",
        Unit.SECONDS,
        _SHIPPED,
        "From the customer's order to its last parcel's announcement: half were this fast or faster (nearest rank).",
    ),
    Kpi(
        "ship_p90",
        "Time to ship, p90",
        Unit.SECONDS,
        _SHIPPED,
        "The same: nine in ten were this fast or faster (nearest rank).",
    ),
    _stage("waiting", "from the customer's order until it was accepted here"),
    _stage("intake", "from acceptance until its first part was released to a location"),
    _stage("making", "from release until all its pieces were printed or picked"),
    _stage("packing", "from the last piece until the last parcel had its label (or was ready, where it has none)"),
    _stage("announcing", "from the last label until the last parcel was announced"),
    Kpi(
        "on_time",
        "On time",
        Unit.SHARE,
        _SHIPPED,
        "The share that ended no later than the date of its promise (ship by); orders without a promise are left out.",
    ),
    Kpi(
        "cost_per_order",
        "Cost per order",
        Unit.MONEY,
        _SHIPPED,
        "The sum of the costs below, by order. The rates are those of the shop file on the day it is computed.",
    ),
    _cost("label", "What the carriers charged for the parcels' labels."),
    _cost("packaging", "Parcels × `packaging`."),
    _cost("print", "Pieces printed, and tries that failed, × `print`: ink and pretreatment."),
    _cost("blank", "Pieces printed, and tries that failed, × `blank`: what is printed on."),
    _cost("picking", "Pieces × `picking_minutes` × `wage_per_hour`."),
    _cost(
        "partner",
        "What partners charged for making and sending, in the shop's currency by `exchange`. What they make and send "
        "is neither printed nor packed here, and is left out of those costs.",
    ),
    _cost("messages", "E-mails × `email_per_1000` and SMS × `sms_per_1000`."),
    _cost(
        "returns",
        "Parcels that came back by their label × `return_label`, and pieces that came back × `picking_minutes` × "
        "`wage_per_hour`: they are unpacked and put away. It counts for the order that they were shipped with, "
        "whenever they come. What is sent in their stead is an order of its own.",
    ),
    _cost("booth", "Hours the booths were open on the day × `booth_per_hour`, by order of events."),
    _cost("hosting", "`hosting_per_month` × 12 / 365, by order of the day."),
    _cost("compute", "`compute_per_1000` / 1000: what an order's computing costs where it is paid by use."),
    Kpi(
        "refunds",
        "Refunds",
        Unit.MONEY,
        _SHIPPED,
        "What was paid back for returns of these orders, goods and shipping, by order. It is a sale undone and no cost "
        "of fulfilment: it is not in the cost per order.",
    ),
    Kpi(
        "print_rejects",
        "Print rejects",
        Unit.SHARE,
        _SHIPPED,
        "Tries at a print that failed, of all tries; each piece of a try counts.",
    ),
    Kpi(
        "oversold",
        "Oversold",
        Unit.SHARE,
        _ACCEPTED,
        "The share that neither stock nor a printer could serve when it was routed first: it became a backorder.",
    ),
    Kpi(
        "stock_outs",
        "Stock-outs",
        Unit.COUNT,
        _ACCEPTED,
        "How many SKUs, each at each location, were asked for and not there: the location keeps the SKU, routing asked "
        "it when an order was routed first, and fewer pieces were free than the order wants. The order was made "
        "elsewhere or printed, or it waited. Routing asks in the order of its rule, until one place can make it all.",
    ),
    Kpi(
        "messages_failed",
        "Messages failed",
        Unit.COUNT,
        _SHIPPED,
        "Messages to customers that certainly were not sent, of which nobody can tell, or that their provider reports "
        "as not delivered.",
    ),
    Kpi(
        "left_out",
        "Left out: in quarantine",
        Unit.COUNT,
        Of.EITHER,
        "Orders of which a grave check of data quality found something that cannot be true. No other figure counts "
        "them until that is mended, or a person says that it is right; then their days are computed again. Where there "
        "is no such figure there was none.",
    ),
    Kpi(
        "return_rate",
        "Pieces that come back",
        Unit.SHARE,
        Of.PIECES,
        "The share that came back so far: they were received, and the return was not declined. Provisional until "
        f"{RETURNED_WITHIN_DAYS} days after the month.",
    ),
    Kpi(
        "returning_60d",
        "Customers who come back",
        Unit.SHARE,
        Of.FIRST,
        f"The share that placed another order within {COMES_BACK_WITHIN_DAYS} days of the first. Provisional until the "
        "60 days of the month's last day are over. What is sent for a return is no order of theirs. Customers are "
        "counted by number, never by name.",
    ),
)
BY_NAME = {kpi.name: kpi for kpi in KPIS}
BY_DAY = tuple(kpi.name for kpi in KPIS if not kpi.monthly)
BY_MONTH = tuple(kpi.name for kpi in KPIS if kpi.monthly)
COSTS = tuple(kpi.name for kpi in KPIS if kpi.name.startswith("cost_") and kpi.name != "cost_per_order")


def way_of(event: str, made_at: Collection[Location]) -> Way:
    """Which way an order went: an event's or a booth's, a local hub's alone, or else the main hub's."""
    kinds = {location.kind for location in made_at}
    if event or "booth" in kinds:
        return Way.EVENT
    return Way.LOCAL if kinds == {"local_hub"} else Way.ONLINE
