"""How places compare under a rule, and in which words a person reads why one was chosen and another was not.

What belongs here: the sorts, and the sentences. What does not: the choice (`routing`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from backroom.domain.routing_filters import CompiledRule, kilometres, lacking, pieces
from backroom.domain.routing_places import Place, Share

_SortKey = tuple[int, ...]

_SORT_KEYS: Mapping[str, Callable[[Place], int]] = {
    "nearest": lambda place: place.metres or 0,
    "most_complete": lambda place: -place.in_stock,
    "fewest_splits": lambda place: -place.can_make,
    "cheapest": lambda place: place.cost_minor,
    "least_loaded": lambda place: place.view.load,
}
_FIRST_BY = {
    "nearest": "the nearest",
    "most_complete": "the one with the most in stock",
    "fewest_splits": "the one that can make the most of it",
    "cheapest": "the cheapest",
    "least_loaded": "the one with the least to do",
}
_BEATEN_BY: Mapping[str, Callable[[Place], str]] = {
    "nearest": lambda place: f"farther away, {kilometres(place.metres or 0)} km",
    "most_complete": lambda place: f"less in stock, {place.in_stock} of {pieces(place.pieces)}",
    "fewest_splits": lambda place: f"it can make less of it, {place.can_make} of {pieces(place.pieces)}",
    "cheapest": lambda place: "dearer",
    "least_loaded": lambda place: f"more to do, {place.view.load} open",
}


def sort_key(rule: CompiledRule, place: Place) -> _SortKey:
    """The smaller, the better, by the rule's sorts in turn."""
    return tuple(_SORT_KEYS[sort](place) for sort in rule.sort)


def makes_alone(place: Place, *, printing: bool) -> bool:
    """Whether it makes the whole order by itself."""
    return (place.can_make if printing else place.in_stock) == place.pieces


def missing_here(place: Place, *, printing: bool) -> str:
    """What a place lacks of the order, "" when it could make all of it."""
    lacks = place.pieces - (place.can_make if printing else place.in_stock)
    if not lacks:
        return ""
    return lacking(place) if printing else f"{lacks} of {pieces(place.pieces)} not in stock there"


def for_want_of_a_sample(candidates: Sequence[Place], sku: str) -> str:
    """What to add to an article that is printable nowhere, "" unless a sample is what it wants."""
    whys = (place.view.unsampled[sku] for place in candidates if sku in place.view.unsampled)
    why = next(whys, "")
    return f": {why}" if why else ""


def beaten_by(rule: CompiledRule, place: Place, winner: Place) -> str:
    """By what the winner is better, in the first sort that tells them apart."""
    for sort in rule.sort:
        if _SORT_KEYS[sort](place) != _SORT_KEYS[sort](winner):
            return _BEATEN_BY[sort](place)
    return "as good, but later in the shop file"


def reasons_for(rule: CompiledRule, chosen: Sequence[Place], shared: Share, could: int) -> list[str]:
    """Why the chosen ones make it; `could` is how many could have made it alone."""
    if len(chosen) > 1:
        return ["no single place has all of it"] + [f"{place.name} has {making(place, shared)}" for place in chosen]
    (place,) = chosen
    reasons = list(filter(None, (test.why(place) for test in rule.where)))
    reasons.append(f"it has {making(place, shared)}")
    if could > 1:
        by = _FIRST_BY[rule.sort[0]] if rule.sort else "the first in the shop file"
        reasons.append(f"it is {by} of {could} that could")
    return reasons


def making(place: Place, shared: Share) -> str:
    """What a place does for its share, after "it has": all 3 pieces in stock; 1 piece in stock and prints 2."""
    mine = [assignment for assignment in shared.assignments if assignment.location == place.id]
    picked, printed = sum(x.from_stock for x in mine), sum(x.to_print for x in mine)
    every = "all " if 1 < place.pieces in (picked, printed) else ""
    if not printed:
        return f"{every}{pieces(picked)} in stock"
    if not picked:
        return f"no stock and prints {every}{pieces(printed)}"
    return f"{pieces(picked)} in stock and prints {printed}"
