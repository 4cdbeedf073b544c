"""A day of a small shop that has parts outside: a workshop that makes for it, and an SMS gateway that cannot be asked.

What belongs here: the day. What does not: what must be true of it afterwards (`test_kills_outside`).
"""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import SecretStr

from backroom.domain.partners import PartnerProduct
from backroom.domain.routing_rules import Filter, RoutingRule
from backroom.outgoing.circuit import close_all
from blocks.messaging import SmsProvider
from tests.faults import day as days
from tests.shops import HUB, PLAIN, SCARCE, an_order
from tests.sms import sending_by
from tests.workshops import WORKSHOP, Workshop, a_partner, a_place, with_partners

TO_THE_WORKSHOP = [{"name": "event", "value": "outside"}]
# Two picked at the hub, two made by the workshop: each of the four is told by SMS.
MESSAGES: dict[str, tuple[dict[str, Any], str]] = {
    "picked": (an_order(601, [(PLAIN, 1)]), "orders/create"),
    "picked as well": (an_order(602, [(PLAIN, 2)]), "orders/create"),
    "made": (an_order(603, [(SCARCE, 1)], note_attributes=TO_THE_WORKSHOP), "orders/create"),
    "made as well": (an_order(604, [(SCARCE, 2)], note_attributes=TO_THE_WORKSHOP), "orders/create"),
}
MADE = (603, 604)
RULE = RoutingRule(
    "outside", (Filter("event", "==", "outside"),), (Filter("location", "==", WORKSHOP),), (), short="print"
)


def live(day: days.Day) -> None:
    """From the first delivery to the last parcel; what was done before, by a process that was killed, is done."""
    written = days.die(day)
    floor = days.enter(day)
    workshop = Workshop(floor.room.home / "workshop.db", port=int(day.workshop.rpartition(":")[2]))
    spec = a_partner(day.workshop, products=(PartnerProduct(SCARCE, "shirt-red-s", "front", price_minor=950),))
    block = SmsProvider(kind="kannel", url=day.sms, username="shop", password=SecretStr("hush"))
    with pytest.MonkeyPatch.context() as patch:
        partnership = with_partners(floor, patch, a_place(spec), rules=(RULE,))
        with sending_by(floor, block):
            days.deliver(floor, MESSAGES)
            floor.intake()
            for place in (HUB, WORKSHOP):
                floor.fulfil(place)
            for external_id in MADE:
                number = floor.number(external_id)
                _make(workshop, partnership.reference(number))
                partnership.ask_about(number)
            for place in (HUB, WORKSHOP):
                close_all()
                floor.fulfil(place)
    days.leave(floor, written)


def _make(workshop: Workshop, reference: str) -> None:
    """The workshop's people accept an order and send it, unless they have."""
    state = workshop.order(reference)["state"]
    if state not in ("accepted", "shipped"):
        workshop.press(reference, "accepted", cost="12.00", currency="EUR")
    if state != "shipped":
        workshop.press(reference, "shipped", carrier="DHL", tracking=f"T-{reference}")
