"""Returns: what is owed is paid back where the channel does that, and customers are told what became of theirs.

Opening a return, taking its pieces in and saying what becomes of them is done in the commits of those who do it, and
so is what follows inside the house: stock, another order, a refund that is owed. Counterparts: `flows/order_intake.py`,
which takes over an order that replaces a piece, and `flows/order.py`, the run of a return that is sick.
"""

from __future__ import annotations

from functools import partial

from prefect import flow

from backroom.shop.room import this_room
from tasks.claiming import claim_returns, holding, one_after_another
from tasks.pay_back import pay_back
from tasks.return_notices import tell_customers
from tasks.tell import Report, tell_wave


@flow(name="returns", validate_parameters=False)
def returns(location: str = "") -> str:
    """See to every return that changed: pay back → tell its customer; `location` is the hub, for the run's sake."""
    room = this_room()
    report = Report("returns", location or room.shop.hub)
    for claim in one_after_another(partial(claim_returns, room)):
        with holding(room, claim):
            outcomes = pay_back(claim) + tell_customers(claim)
        tell_wave(room, claim, outcomes)
        report.add(outcomes)
    return report.sentence()
