"""Explaining a routing decision to a person, in one sentence.

What belongs here: joining a decision's own reasons. What does not: finding reasons (`routing`), whole histories
(`backroom.gateway`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from backroom.domain.model import Assignment, RoutingDecision
from backroom.domain.routing_filters import BY_NATURE


def explain(decision: RoutingDecision, order_number: str, names: Mapping[str, str] | None = None) -> str:
    """A decision as a sentence: "A-1042 is made at the local hub, because …; the booth was not taken: closed."

    `names` gives locations' names by their id; without it, the id is read as words. Every location that was weighed
    and not taken is named once, with what the first rule said of it that asked for more than what it is.
    """
    taken = {assignment.location for assignment in decision.assignments}
    not_taken: dict[str, str] = {}
    for alternative in decision.rejected:
        said = not_taken.get(alternative.location, BY_NATURE)
        if alternative.location not in taken and said.startswith(BY_NATURE):
            not_taken[alternative.location] = alternative.reason
    parts = [f"{order_number} {_outcome(decision, names)}, because {_listed(decision.reasons)}"]
    parts += [f"{_name(location, names)} was not taken: {reason}" for location, reason in not_taken.items()]
    rule = f" Rule: {decision.rule}." if decision.rule else ""
    return f"{'; '.join(parts)}.{rule}"


def _outcome(decision: RoutingDecision, names: Mapping[str, str] | None) -> str:
    if decision.outcome == "backorder":
        return "waits for stock"
    if decision.outcome == "hold":
        return "waits for a person"
    by_location: dict[str, list[Assignment]] = {}
    for assignment in decision.assignments:
        by_location.setdefault(assignment.location, []).append(assignment)
    if len(by_location) == 1:
        return f"is made at {_name(next(iter(by_location)), names)}"
    shares = [
        f"{_name(location, names)} ({sum(assignment.quantity for assignment in mine)})"
        for location, mine in by_location.items()
    ]
    return f"is made at {_listed(shares)}"


def _name(location: str, names: Mapping[str, str] | None) -> str:
    if names and location in names:
        return names[location]
    return f"the {location.replace('-', ' ').replace('_', ' ')}"


def _listed(parts: Sequence[str]) -> str:
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} and {parts[-1]}"
