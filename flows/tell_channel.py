"""Tell a channel: what left the house and what we do not make goes back to where the order came from.

One deployment for each channel that is told, so that one that is away keeps no other waiting. Counterparts:
`flows/fulfilment.py`, at whose end this begins, `flows/tell_stock.py`, which tells what a channel may sell, and
`flows/order.py`, the run of an order whose news is sick.
"""

from __future__ import annotations

from functools import partial

from prefect import flow

from backroom.shop.room import this_room
from tasks.claiming import claim_news, holding, one_after_another
from tasks.tell import Report, tell_wave
from tasks.tell_channel import tell_channel as tell


@flow(name="tell-channel", validate_parameters=False)
def tell_channel(location: str) -> str:
    """Tell everything that waits for a channel; `location` is its id."""
    room = this_room()
    report = Report("news", location)
    for claim in one_after_another(partial(claim_news, room, location)):
        with holding(room, claim):
            outcomes = tell(claim)
        tell_wave(room, claim, outcomes)
        report.add(outcomes)
    return report.sentence()
