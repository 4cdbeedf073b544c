"""The conditions of routing rules, compiled once: what a shop file may say, and what each condition means.

What belongs here: fields, operators, their meaning and the words for a refusal. What does not: choosing among the
places that are left (`routing`), reading the file (`backroom.shop`).

`when` looks at the order: channel, source, event, delivery, country, location (where the order came from or is handed
over), product and tag. Product and tag hold of an order when they hold of one of its lines; != and not in are the
exact opposites of == and in.
`where` looks at each place: location, kind, country, event, distance_km, capacity_left, lead_days, open_now, in_stock,
can_print, can_make. A place of our own has no lead days.
in_stock, can_print and can_make ask for the whole order, or, where the rule may split, for a part of it. A place
without a limit has capacity for any number.

Texts take ==, !=, in, not in; true and false take == and !=; numbers take ==, !=, <, <=, > and >=.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from backroom.domain.errors import Refuse
from backroom.domain.model import Delivery, OrderToRoute
from backroom.domain.routing_places import Place
from backroom.domain.routing_rules import Filter, RoutingRule

OrderTest = Callable[[OrderToRoute], bool]

SORTS = ("nearest", "most_complete", "fewest_splits", "cheapest", "least_loaded")
SHORTS = ("print", "backorder", "hold", "next")
TEXT_OPS = ("==", "!=", "in", "not in")
FLAG_OPS = ("==", "!=")
_COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
NUMBER_OPS = tuple(_COMPARE)

_ORDER_TEXTS: Mapping[str, Callable[[OrderToRoute], Sequence[str]]] = {
    "channel": lambda order: (order.channel,),
    "source": lambda order: (order.source,),
    "event": lambda order: (order.event,),
    "delivery": lambda order: (order.delivery.value,),
    "country": lambda order: (order.country,),
    "location": lambda order: (order.location,),
    "product": lambda order: tuple(line.product for line in order.lines),
    "tag": lambda order: tuple(tag for line in order.lines for tag in line.tags),
}
_PLACE_TEXTS: Mapping[str, Callable[[Place], str]] = {
    "location": lambda place: place.view.location.id,
    "kind": lambda place: place.view.location.kind,
    "country": lambda place: place.view.location.country,
    "event": lambda place: place.view.location.event,
}
# How a refusal begins that is about what a place is, not how it stands today: it explains the least.
BY_NATURE = "the rule "
ORDER_FIELDS = tuple(_ORDER_TEXTS)
_PLACE_PARTS = ("in_stock", "can_print", "can_make")
PLACE_FIELDS = (*_PLACE_TEXTS, "distance_km", "capacity_left", "lead_days", "open_now", *_PLACE_PARTS)


class BadRule(Refuse):
    """A routing rule that says what no rule can; the message names the rule, the field and what may stand there."""

    cause = "bad_rule"


@dataclass(frozen=True, slots=True)
class PlaceTest:
    """One condition on a place. `why_not` says why a place fails it; `why` why it holds, "" when that says nothing."""

    field: str
    holds: Callable[[Place], bool]
    why_not: Callable[[Place], str]
    why: Callable[[Place], str]


@dataclass(frozen=True, slots=True)
class CompiledRule:
    name: str
    when: tuple[OrderTest, ...]
    where: tuple[PlaceTest, ...]
    sort: tuple[str, ...]
    split: bool
    short: str


@dataclass(frozen=True, slots=True)
class CompiledRules:
    """The rules of a shop in the file's order, ready for `routing.route`."""

    rules: tuple[CompiledRule, ...]


def compile_rules(rules: Sequence[RoutingRule]) -> CompiledRules:
    """Compile the shop file's rules; BadRule for the first that says what no rule can."""
    return CompiledRules(tuple(_rule(rule) for rule in rules))


def kilometres(metres: int, limit_m: int | None = None) -> str:
    """A distance as people say it, 12.4; to the metre where that is what decides against a limit, 10.004."""
    close = limit_m is not None and metres != limit_m and abs(metres - limit_m) < 100
    return f"{metres / 1000:.3f}" if close else f"{metres / 1000:.1f}"


def pieces(count: int) -> str:
    return "1 piece" if count == 1 else f"{count} pieces"


def _rule(rule: RoutingRule) -> CompiledRule:
    for sort in rule.sort:
        if sort not in SORTS:
            raise BadRule(f"rule {rule.name!r} sorts by {sort!r}", remedy=f"Use {', '.join(SORTS)}.")
    if rule.short not in SHORTS:
        raise BadRule(f"rule {rule.name!r} has short = {rule.short!r}", remedy=f"Use {', '.join(SHORTS)}.")
    return CompiledRule(
        name=rule.name,
        when=tuple(_order_test(rule, filter_) for filter_ in rule.when),
        where=tuple(_place_test(rule, filter_) for filter_ in rule.where),
        sort=rule.sort,
        split=rule.split,
        short=rule.short,
    )


def _order_test(rule: RoutingRule, filter_: Filter) -> OrderTest:
    read = _ORDER_TEXTS.get(filter_.field)
    if read is None:
        raise BadRule(
            f"rule {rule.name!r} has when {filter_.field!r}", remedy=f"An order has {', '.join(ORDER_FIELDS)}."
        )
    wanted, negated = _texts(rule, filter_)
    return lambda order: wanted.isdisjoint(read(order)) == negated


def _place_test(rule: RoutingRule, filter_: Filter) -> PlaceTest:
    if filter_.field in _PLACE_TEXTS:
        return _text_test(rule, filter_)
    match filter_.field:
        case "distance_km":
            return _distance_test(rule, filter_)
        case "capacity_left":
            return _capacity_test(rule, filter_)
        case "lead_days":
            return _lead_test(rule, filter_)
        case "open_now":
            wanted = _flag(rule, filter_)
            return PlaceTest(
                "open_now",
                lambda place: place.view.open_now == wanted,
                lambda place: "open" if place.view.open_now else "closed",
                lambda place: "it is open" if wanted else "it is closed",
            )
        case "in_stock":
            return _part_test(rule, filter_, lambda place: place.in_stock, _not_in_stock)
        case "can_print":
            return _part_test(rule, filter_, _printable_pieces, _not_printable)
        case "can_make":
            return _part_test(rule, filter_, lambda place: place.can_make, lacking)
    raise BadRule(f"rule {rule.name!r} has where {filter_.field!r}", remedy=f"A place has {', '.join(PLACE_FIELDS)}.")


def _text_test(rule: RoutingRule, filter_: Filter) -> PlaceTest:
    read = _PLACE_TEXTS[filter_.field]
    wanted, negated = _texts(rule, filter_)
    field, asked = filter_.field, " or ".join(sorted(wanted))
    refusal = f"{BY_NATURE}{'excludes' if negated else 'asks for'} {field} {asked}"
    return PlaceTest(field, lambda place: (read(place) in wanted) != negated, lambda place: refusal, lambda place: "")


def _distance_test(rule: RoutingRule, filter_: Filter) -> PlaceTest:
    limit = round(_number(rule, filter_) * 1000)
    compare = _COMPARE[filter_.op]
    allowed = _bound(filter_.op, f"{limit / 1000:g}")

    def away(place: Place) -> str:
        return f"{kilometres(place.metres or 0, limit)} km away"

    def why(place: Place) -> str:
        shipped = place.order.delivery is Delivery.SHIP
        return f"it is {away(place)} (the rule {allowed})" if shipped else "the customer is there"

    return PlaceTest(
        "distance_km",
        lambda place: place.metres is not None and compare(place.metres, limit),
        lambda place: f"{away(place)}, the rule {allowed}",
        why,
    )


def _capacity_test(rule: RoutingRule, filter_: Filter) -> PlaceTest:
    limit = _number(rule, filter_)
    compare = _COMPARE[filter_.op]
    allowed = _bound(filter_.op, f"{limit:g}")

    def room(place: Place) -> float:
        return math.inf if place.view.capacity_left is None else place.view.capacity_left

    return PlaceTest(
        "capacity_left",
        lambda place: compare(room(place), limit),
        lambda place: f"room for {max(0, room(place)):g} more, the rule {allowed}",
        lambda place: "" if math.isinf(room(place)) else f"it has room for {room(place):g} more",
    )


def _lead_test(rule: RoutingRule, filter_: Filter) -> PlaceTest:
    limit = _number(rule, filter_)
    compare = _COMPARE[filter_.op]
    allowed = _bound(filter_.op, f"{limit:g}")

    def days(place: Place) -> int:
        return place.view.location.partner.lead_days if place.view.location.partner else 0

    return PlaceTest(
        "lead_days",
        lambda place: compare(days(place), limit),
        lambda place: f"it takes {days(place)} days, the rule {allowed}",
        lambda place: f"it takes {days(place)} days" if days(place) else "",
    )


def _part_test(
    rule: RoutingRule, filter_: Filter, count: Callable[[Place], int], why_not: Callable[[Place], str]
) -> PlaceTest:
    wanted, split = _flag(rule, filter_), rule.split
    return PlaceTest(
        filter_.field,
        lambda place: (count(place) >= (1 if split else place.pieces)) == wanted,
        why_not if wanted else lambda place: f"the rule asks for {filter_.field} false",
        lambda place: "",
    )


def _not_in_stock(place: Place) -> str:
    return f"{place.pieces - place.in_stock} of {pieces(place.pieces)} not in stock"


def lacking(place: Place) -> str:
    """What a place can make neither from stock nor by printing, of an order of which it cannot make all."""
    because = f": {place.no_sample}" if place.no_sample else ""
    return f"{place.pieces - place.can_make} of {pieces(place.pieces)} neither in stock nor printable there{because}"


def _printable_pieces(place: Place) -> int:
    return sum(line.quantity for line in place.order.lines if line.sku in place.view.printable)


def _not_printable(place: Place) -> str:
    because = f": {place.no_sample}" if place.no_sample else ""
    return f"cannot print {', '.join(place.cannot_print)}{because}"


def _texts(rule: RoutingRule, filter_: Filter) -> tuple[frozenset[str], bool]:
    if filter_.op not in TEXT_OPS:
        raise _bad_op(rule, filter_, TEXT_OPS)
    many = filter_.op in ("in", "not in")
    values = filter_.value if many else (filter_.value,)
    if not isinstance(values, list | tuple) or not values or not all(isinstance(value, str) for value in values):
        raise _bad_value(rule, filter_, "a list of texts" if many else "a text")
    return frozenset(values), filter_.op in ("!=", "not in")


def _flag(rule: RoutingRule, filter_: Filter) -> bool:
    if filter_.op not in FLAG_OPS:
        raise _bad_op(rule, filter_, FLAG_OPS)
    if not isinstance(filter_.value, bool):
        raise _bad_value(rule, filter_, "true or false")
    return filter_.value == (filter_.op == "==")


def _number(rule: RoutingRule, filter_: Filter) -> float:
    if filter_.op not in NUMBER_OPS:
        raise _bad_op(rule, filter_, NUMBER_OPS)
    value = filter_.value
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        raise _bad_value(rule, filter_, "a number from 0")
    return value


def _bound(op: str, limit: str) -> str:
    match op:
        case "<=":
            return f"allows {limit}"
        case "<":
            return f"allows less than {limit}"
        case ">=":
            return f"asks for {limit} or more"
        case ">":
            return f"asks for more than {limit}"
        case "==":
            return f"asks for {limit}"
    return f"excludes {limit}"


def _bad_op(rule: RoutingRule, filter_: Filter, ops: Sequence[str]) -> BadRule:
    return BadRule(f"rule {rule.name!r} has {filter_.field} {filter_.op!r}", remedy=f"Use {', '.join(ops)}.")


def _bad_value(rule: RoutingRule, filter_: Filter, expected: str) -> BadRule:
    return BadRule(
        f"rule {rule.name!r} has {filter_.field} {filter_.op} {filter_.value!r}", remedy=f"Put {expected} there."
    )
