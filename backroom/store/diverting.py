"""Sending on what would be late: what other places have and when they are ready, asking the rule, taking work back.

What belongs here: reading that, and one parcel on its way elsewhere. What does not: the rule
(`backroom.domain.diverting`), how work is undone (`rerouting`), and what people were told (`print_promises`).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, RowMapping, select

from backroom.domain.diverting import Diverted, Here, divert
from backroom.domain.geo import Postcodes, postcode_table
from backroom.domain.locations import BY_ROUTING, PromiseSpec
from backroom.domain.model import Assignment, Delivery, OrderState, Variant
from backroom.domain.print_queue import QueuedJob
from backroom.domain.routing import compile_rules
from backroom.domain.routing_gates import ask_for_samples, at_events, pass_gates
from backroom.domain.routing_places import LocationView, views_at, views_of
from backroom.domain.shop import Shop
from backroom.store import events, partner_orders, people, routing, sample_standing, stock
from backroom.store.batches import chunks
from backroom.store.catalogue import variants_by_sku
from backroom.store.orders import lines_of
from backroom.store.print_queue import Queue, read_queue
from backroom.store.rerouting import begun, parts_of, send_elsewhere
from backroom.store.seals import Seals
from backroom.store.tables import orders, print_promises

# The state of a promise whose parcel went to another place.
ELSEWHERE = "elsewhere"
# Stands for jobs that are not there yet, in the queue of the place that would print them.
_NEXT = 1 << 62


@dataclass(frozen=True, slots=True)
class SentOn:
    """Of an order that would have been late: where it goes only if nothing else is left, and where it was sent."""

    late_at: frozenset[str] = frozenset()
    to: str = ""


@dataclass(slots=True)
class Ground:
    """The shop at one moment, as a look at late parcels sees it: read once, and only when one is late.

    What goes elsewhere is reserved only when it is routed. Until then the look itself keeps what it has given away:
    pieces, room, and places in queues. The next parcel sees what those before it left.
    """

    connection: Connection
    shop: Shop
    seals: Seals
    at: datetime
    _queues: dict[str, Queue] = field(default_factory=dict)
    _postcodes: Postcodes | None = None
    _pieces: Counter[tuple[str, str]] = field(default_factory=Counter)
    _parcels: Counter[str] = field(default_factory=Counter)
    _coming: dict[str, list[QueuedJob]] = field(default_factory=lambda: defaultdict(list))

    def divert(self, order: RowMapping, spec: PromiseSpec, here: Here, refused_at: frozenset[str]) -> Diverted:
        """Where one order goes by the rule of the place that would be late with it."""
        lines = lines_of(self.connection, [order["id"]])[order["id"]]
        variants = variants_by_sku(self.connection, (line["sku"] for line in lines))
        person = people.load(self.connection, self.seals, [order["person_id"]])[order["person_id"]]
        if self._postcodes is None:
            self._postcodes = postcode_table(self.shop.postcodes)
        asked = routing.order_to_route(order, lines, variants, person.key, self._postcodes, refused_at=refused_at)
        words = tuple(dict.fromkeys(self.shop.late_place(word) for word in spec.late))

        def ready_there(place: str, share: Sequence[Assignment]) -> datetime | None:
            return self._ready_there(place, share, variants)

        found = divert(
            asked, replace(spec, late=words), here, compile_rules(self.shop.rules), self._views(variants), ready_there
        )
        self._give_away(found.assignments, variants)
        return found

    def refused_at(self, order_id: int) -> frozenset[str]:
        """Where an order was refused by a partner before."""
        return partner_orders.refused_at(self.connection, [order_id]).get(order_id, frozenset())

    def _views(self, variants: Mapping[str, Variant]) -> list[LocationView]:
        levels = stock.levels(self.connection)
        gates = events.gates(self.connection, self.at)
        available = {place: level.available - self._pieces[place] for place, level in levels.items()}
        load = Counter(routing.open_load(self.connection)) + self._parcels
        set_up = at_events(self.shop, gates)
        unsampled = sample_standing.not_on_demand(self.connection, set_up, variants.values(), self.at)
        views = views_at(views_of(set_up, variants), available, load, self.at)
        standing = ask_for_samples(views, unsampled)
        return pass_gates(standing, gates, stock.kept(levels.values()))

    def _ready_there(
        self, location: str, share: Sequence[Assignment], variants: Mapping[str, Variant]
    ) -> datetime | None:
        """When a place would hand over its share: a partner after its days, ours when their queue is through and
        somebody is there; None where no printer can say."""
        place = self.shop.location(location)
        if place.partner is not None:
            return self.at + timedelta(days=place.partner.lead_days)
        handling = timedelta(minutes=(place.promise or PromiseSpec()).handling_minutes)
        jobs = self._jobs(location, share, variants)
        ready = self.at
        if jobs:
            queue = self._queue(location)
            found = queue.foresee_more([*self._coming[location], *jobs])
            if any(job.id not in found for job in jobs):
                return None
            ready = max(found[job.id].likely for job in jobs)
            if queue.power_until is not None and ready > queue.power_until:
                return None
        return place.hours.next_opening(ready + handling)

    def _jobs(self, location: str, share: Sequence[Assignment], variants: Mapping[str, Variant]) -> list[QueuedJob]:
        """What a place would print of its share, behind all that is there and all that was just sent there."""
        to_print: Counter[str] = Counter()
        for one in share:
            to_print[one.sku] += one.to_print
        first = _NEXT + len(self._coming[location])
        return [
            QueuedJob(
                id=first + number,
                part=first,
                copies=copies,
                process=variants[sku].print_process,
                product=variants[sku].product,
                colourway=variants[sku].colourway,
                waits=False,
            )
            for number, (sku, copies) in enumerate((+to_print).items())
        ]

    def _give_away(self, assignments: Sequence[Assignment], variants: Mapping[str, Variant]) -> None:
        for one in assignments:
            self._pieces[one.location, one.sku] += one.from_stock
        for location in {one.location for one in assignments}:
            share = [one for one in assignments if one.location == location]
            self._coming[location] += self._jobs(location, share, variants)
            self._parcels[location] += 1

    def _queue(self, location: str) -> Queue:
        if location not in self._queues:
            self._queues[location] = read_queue(self.connection, self.shop.location(location), self.at)
        return self._queues[location]


@dataclass(frozen=True, slots=True)
class Away:
    """Sends parcels elsewhere that nobody has begun, where the location's rule finds a place."""

    ground: Ground
    location: str
    spec: PromiseSpec
    run_id: str

    def send(self, row: RowMapping, here: Here) -> Diverted:
        """Take one parcel's work back, if it goes elsewhere; whoever waits at the booth is never sent anywhere."""
        if row["delivery"] != Delivery.SHIP or not self.spec.late:
            return Diverted()
        connection, at = self.ground.connection, self.ground.at
        locked = select(orders).where(orders.c.id == row["order_id"]).with_for_update()
        order = connection.execute(locked).mappings().one()
        parts = parts_of(connection, order["id"])
        if order["state"] != OrderState.RELEASED or any(begun(connection, part, at) for part in parts):
            return Diverted(passed=((self.location, "it is begun"),))
        before = sent_elsewhere(connection, [order["id"]]).get(order["id"], SentOn())
        if self.location in before.late_at:
            return Diverted(passed=((self.location, "it was sent on before, and came back"),))
        refused = self.ground.refused_at(order["id"]) | before.late_at
        diverted = self.ground.divert(order, self.spec, here, refused)
        if diverted.to:
            why = {
                "from": self.location,
                "to": ", ".join(diverted.places),
                "because": "it would be late",
                "promised": in_minutes(here.promised),
                "ready_here": in_minutes(here.ready) if here.ready else "nobody can say",
                "not_sent_to": diverted.why_not,
            }
            send_elsewhere(connection, order, parts, why, "it would be late", at, self.run_id)
        return diverted


def sent_elsewhere(connection: Connection, order_ids: Iterable[int]) -> dict[int, SentOn]:
    """By order the locations that it was taken back from because it would have been late there, and where the last of
    them sends it."""
    found: dict[int, SentOn] = {}
    columns = (print_promises.c.order_id, print_promises.c.location, print_promises.c.sent_to)
    for batch in chunks(sorted(set(order_ids))):
        query = select(*columns).where(print_promises.c.order_id.in_(batch), print_promises.c.state == ELSEWHERE)
        for row in connection.execute(query.order_by(print_promises.c.id)):
            before = found.get(row.order_id, SentOn())
            found[row.order_id] = SentOn(before.late_at | {row.location}, row.sent_to)
    return found


def sent_to(diverted: Diverted) -> str:
    """What routing is told of a parcel that goes elsewhere: the place, or nothing where its rules decide."""
    return "" if diverted.to == BY_ROUTING else diverted.to


def in_minutes(at: datetime) -> str:
    return at.isoformat(timespec="minutes")
