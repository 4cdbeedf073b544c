"""Order intake: validate → route → reserve → release, for whatever waits at the hub's front door. A picture that a line
brings is fetched before its order is routed.

One run takes one message when it is quiet and up to 500 at peak, and goes on until nothing waits. Counterpart of
`flows/fulfilment.py`, which takes over what is released.
"""

from __future__ import annotations

from functools import partial

from prefect import flow

from backroom.shop.room import this_room
from tasks.claiming import claim_intake, holding, one_after_another
from tasks.fetch import fetch_hinted, has_hints
from tasks.own_artwork import brings_artwork, fetch_artwork
from tasks.release import release
from tasks.reserve import reserve
from tasks.route import route
from tasks.tell import Report, tell_wave
from tasks.validate import validate

# An order whose pieces went to another wave between routing and reserving is routed again at once, this often.
ROUNDS = 3


@flow(name="order-intake", validate_parameters=False)
def order_intake(location: str = "") -> str:
    """Advance messages and orders as far as they go; `location` is the hub, named for the run's sake."""
    room = this_room()
    report = Report("intake", location or room.shop.hub)
    for claim in one_after_another(partial(claim_intake, room)):
        with holding(room, claim):
            outcomes = validate(claim)
            if brings_artwork(room, claim):
                outcomes += fetch_artwork(claim)
            for _ in range(ROUNDS):
                outcomes += route(claim)
                tried = reserve(claim)
                outcomes += tried
                if not any(outcome.result == "again" for outcome in tried):
                    break
            outcomes += release(claim)
            # Last: a channel that answers slowly holds up nobody's order but its own.
            if has_hints(room, claim):
                outcomes += fetch_hinted(claim)
        tell_wave(room, claim, outcomes)
        report.add(outcomes)
    return report.sentence()
