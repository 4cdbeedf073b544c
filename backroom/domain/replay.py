"""Replay: past orders routed once more, under other rules or with other stock, as they came.

What belongs here: going through the past moment by moment with the very same `routing`. What does not: reading the past
(`backroom.store.past`), what a decision costs (`replay_costs`), how fast it is and comparing (`backroom.insight`).

Stock follows the new decisions: a piece that the changed rules leave on the shelf is there for the next order. What
came, was counted or was taken for any other cause happens as it did. How busy a place is follows them as well: work
that was done there takes as long as it took, work that is there only now as long as such work usually took.
"""

from __future__ import annotations

import heapq
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count

from backroom.domain.model import Assignment, OrderToRoute, RoutingDecision, Variant
from backroom.domain.routing import compile_rules, route_all
from backroom.domain.routing_places import views_at, views_of
from backroom.domain.shop import Shop

StockPlace = tuple[str, str]
# How long work usually takes at a location, printing or not, from its release until it is done; None if nobody knows.
Usual = Callable[[str, bool], timedelta | None]

# What happens at the same instant happens in this order.
_WORK, _STOCK, _WAVE, _CANCEL = range(4)


@dataclass(frozen=True, slots=True)
class PastWork:
    """The work on one order at one location. `done_at` is None while it is open."""

    location: str
    opened_at: datetime
    done_at: datetime | None


@dataclass(frozen=True, slots=True)
class PastOrder:
    """An order as it came to be routed, and what became of it: `decision` is the last one, of `decided_at`, and `work`
    what it led to.

    Orders with the same `routed_at` were one wave; in it, a lower `priority` and then a lower `id` goes first.
    """

    id: int
    priority: int
    routed_at: datetime
    order: OrderToRoute
    decision: RoutingDecision
    decided_at: datetime
    work: tuple[PastWork, ...] = ()
    cancelled_at: datetime | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class StockChange:
    """Pieces that came to be promised (or, below zero, went) whatever the rules; `bought` came from a supplier."""

    at: datetime
    location: str
    sku: str
    pieces: int
    bought: bool = False


@dataclass(frozen=True, slots=True)
class Past:
    """A span of time as the database tells it: what might be promised at its beginning, and what happened in it.

    `shut` has of each booth with events since when it was shut and why, "" since when it was not, in order; `kept` are
    SKUs that were lent to a booth for its own orders alone.
    """

    since: datetime
    until: datetime
    available: Mapping[StockPlace, int]
    changes: tuple[StockChange, ...]
    other_work: tuple[PastWork, ...]
    orders: tuple[PastOrder, ...]
    shut: Mapping[str, tuple[tuple[datetime, str], ...]] = field(default_factory=dict)
    kept: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def shut_at(self, location: str, at: datetime) -> str:
        """Why no order was routed there at this instant, "" where they were, or nobody knows."""
        told = self.shut.get(location, ())
        place = bisect_right(told, at, key=lambda one: one[0])
        return told[place - 1][1] if place else ""


@dataclass(frozen=True, slots=True)
class Restocking:
    """A rule for buying: at `reorder_at` pieces or fewer at a location, counting those under way, so many are ordered
    that there are `fill_to`; they come `lead` later.
    """

    reorder_at: int
    fill_to: int
    lead: timedelta

    def __post_init__(self) -> None:
        if not 0 <= self.reorder_at < self.fill_to or self.lead < timedelta():
            raise ValueError("restocking fills to more than where it orders again, and nothing comes before its order")


@dataclass(frozen=True, slots=True)
class Replayed:
    """An order and its new decision. `routed_at` is when it was decided: later than it came if it waited for stock."""

    past: PastOrder
    decision: RoutingDecision
    routed_at: datetime


@dataclass(frozen=True, slots=True)
class Replay:
    """What the past comes to. `purchases` counts restockings by (location, SKU), `shelf_days` pieces × days on shelves
    that could be promised, and `left` what could be promised at the end."""

    orders: tuple[Replayed, ...]
    purchases: Mapping[StockPlace, int] = field(default_factory=dict)
    shelf_days: Mapping[str, float] = field(default_factory=dict)
    left: Mapping[StockPlace, int] = field(default_factory=dict)


def replay(
    past: Past,
    shop: Shop,
    variants: Mapping[str, Variant],
    usual: Usual,
    restocking: Mapping[str, Restocking] | None = None,
) -> Replay:
    """Route every order of the past by the rules, locations and carriers of `shop`. Pure.

    Where `restocking` names a SKU, what was bought of it in the past is left out, and this rule buys instead.
    """
    return _Run(past, shop, variants, usual, restocking or {}).to_its_end()


def without_stock(past: Past, skus: Collection[str]) -> Past:
    """The same past in which none of these SKUs ever lay anywhere: every piece had to be made."""
    return replace(
        past,
        available={place: count for place, count in past.available.items() if place[1] not in skus},
        changes=tuple(change for change in past.changes if change.sku not in skus),
    )


def share_of(decision: RoutingDecision, location: str) -> tuple[Assignment, ...]:
    """What a decision gives to one location."""
    return tuple(one for one in decision.assignments if one.location == location)


class _Run:
    """One going through: the shelves, the work that is open, who waits, and what is still to happen."""

    def __init__(
        self,
        past: Past,
        shop: Shop,
        variants: Mapping[str, Variant],
        usual: Usual,
        restocking: Mapping[str, Restocking],
    ) -> None:
        self.past, self.usual, self.restocking = past, usual, restocking
        self.rules = compile_rules(shop.rules)
        self.views = [
            replace(view, kept=past.kept.get(view.location.id, frozenset())) for view in views_of(shop, variants)
        ]
        self.stock: dict[StockPlace, int] = defaultdict(int, past.available)
        self.shelf = _Shelf(past.since)
        self.under_way: dict[StockPlace, int] = defaultdict(int)
        self.purchases: dict[StockPlace, int] = defaultdict(int)
        self.touched: set[StockPlace] = set()
        self.load: dict[str, int] = defaultdict(int)
        self.ends: list[tuple[datetime, str]] = []
        self.decided: dict[int, Replayed] = {}
        self.waiting: dict[int, PastOrder] = {}
        self.agenda: list[tuple[datetime, int, int, StockChange | PastOrder | PastWork]] = []
        self.numbers = count()

    def to_its_end(self) -> Replay:
        for work in self.past.other_work:
            self._plan(max(work.opened_at, self.past.since), _WORK, work)
        for change in self.past.changes:
            if not (change.bought and change.sku in self.restocking):
                self._plan(change.at, _STOCK, change)
        for order in self.past.orders:
            self._plan(order.routed_at, _WAVE, order)
            if order.cancelled_at is not None:
                self._plan(max(order.cancelled_at, order.routed_at), _CANCEL, order)
        for place, pieces in list(self.stock.items()):
            self.shelf.note(self.past.since, place, pieces)
            self._restock(self.past.since, place)
        while self.agenda and self.agenda[0][0] <= self.past.until:
            self._moment(self.agenda[0][0])
        return Replay(
            tuple(self.decided[order.id] for order in self.past.orders if order.id in self.decided),
            dict(self.purchases),
            self.shelf.days(self.past.until),
            dict(self.stock),
        )

    def _plan(self, at: datetime, kind: int, what: StockChange | PastOrder | PastWork) -> None:
        heapq.heappush(self.agenda, (at, kind, next(self.numbers), what))

    def _moment(self, at: datetime) -> None:
        """Everything that happens at one instant: first what changes the shop, then the wave that sees it."""
        while self.ends and self.ends[0][0] <= at:
            self.load[heapq.heappop(self.ends)[1]] -= 1
        wave: dict[int, PastOrder] = {}
        while self.agenda and self.agenda[0][0] == at:
            _, kind, _, what = heapq.heappop(self.agenda)
            if isinstance(what, PastWork):
                self._open(what.location, what.done_at)
            elif isinstance(what, StockChange):
                wave |= self._arrive(at, what)
            elif kind == _CANCEL:
                wave.pop(what.id, None)
                wave |= self._cancel(at, what)
            else:
                wave[what.id] = what
        self._route(at, list(wave.values()))
        # Whoever buys looks at the shelves after a wave, not between its orders.
        touched, self.touched = sorted(self.touched), set()
        for place in touched:
            self._restock(at, place)

    def _route(self, at: datetime, wave: list[PastOrder]) -> None:
        if not wave:
            return
        wave.sort(key=lambda one: (one.priority, one.id))
        views = [
            replace(view, shut=self.past.shut_at(view.location.id, at))
            for view in views_at(self.views, self.stock, self.load, at)
        ]
        for past, decision in zip(wave, route_all([one.order for one in wave], self.rules, views), strict=True):
            self.decided[past.id] = Replayed(past, decision, at)
            if decision.outcome == "backorder":
                self.waiting[past.id] = past
            else:
                self.waiting.pop(past.id, None)
            self._work(at, past, decision)
            for one in decision.assignments:
                if one.from_stock:
                    self._moved(at, (one.location, one.sku), -one.from_stock)

    def _arrive(self, at: datetime, change: StockChange) -> dict[int, PastOrder]:
        place = change.location, change.sku
        if change.bought and change.sku in self.restocking:
            self.under_way[place] -= change.pieces
        return self._moved(at, place, change.pieces)

    def _cancel(self, at: datetime, order: PastOrder) -> dict[int, PastOrder]:
        """What it took lies there again; an order that waited waits no more."""
        self.waiting.pop(order.id, None)
        woken: dict[int, PastOrder] = {}
        decided = self.decided.get(order.id)
        for one in decided.decision.assignments if decided else ():
            if one.from_stock:
                woken |= self._moved(at, (one.location, one.sku), one.from_stock)
        return woken

    def _moved(self, at: datetime, place: StockPlace, pieces: int) -> dict[int, PastOrder]:
        """Pieces come or go; returns who waited for them."""
        self.stock[place] += pieces
        self.shelf.note(at, place, self.stock[place])
        self.touched.add(place)
        if pieces <= 0:
            return {}
        return {id_: order for id_, order in self.waiting.items() if any(x.sku == place[1] for x in order.order.lines)}

    def _restock(self, at: datetime, place: StockPlace) -> None:
        rule = self.restocking.get(place[1])
        there = self.stock[place] + self.under_way[place]
        if rule is None or there > rule.reorder_at:
            return
        pieces = rule.fill_to - there
        self.under_way[place] += pieces
        self.purchases[place] += 1
        self._plan(at + rule.lead, _STOCK, StockChange(at + rule.lead, *place, pieces, bought=True))

    def _work(self, at: datetime, past: PastOrder, decision: RoutingDecision) -> None:
        was = {work.location: work for work in past.work}
        for location in dict.fromkeys(one.location for one in decision.assignments):
            if past.cancelled_at is not None:
                self._open(location, past.cancelled_at)
            elif location in was and share_of(decision, location) == share_of(past.decision, location):
                done_at = was[location].done_at
                self._open(location, at + (done_at - was[location].opened_at) if done_at else None)
            else:
                usual = self.usual(location, any(x.to_print for x in share_of(decision, location)))
                self._open(location, None if usual is None else at + usual)

    def _open(self, location: str, until: datetime | None) -> None:
        self.load[location] += 1
        if until is not None:
            heapq.heappush(self.ends, (until, location))


class _Shelf:
    """How long how many pieces lay on shelves: pieces × days of each SKU."""

    def __init__(self, since: datetime) -> None:
        self.since = since
        self._days: dict[str, float] = defaultdict(float)
        self._last: dict[StockPlace, tuple[datetime, int]] = {}

    def note(self, at: datetime, place: StockPlace, pieces: int) -> None:
        """From this instant on so many pieces lie there; below zero is none."""
        since, before = self._last.get(place, (self.since, 0))
        self._days[place[1]] += before * (at - since).total_seconds() / 86_400
        self._last[place] = (at, max(0, pieces))

    def days(self, until: datetime) -> dict[str, float]:
        for place, (_, pieces) in list(self._last.items()):
            self.note(until, place, pieces)
        return dict(self._days)
