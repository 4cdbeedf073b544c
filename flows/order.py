"""One order, by its number: advance what is left of it, and write its whole story.

This is the run that a sick order gets, and the one an ops lead starts from the UI's run form. It retries by itself;
when it still fails it stays Failed with its reason, and Retry resumes at the step that failed, on any worker: what is
done is done, and nothing is done twice.
"""

from __future__ import annotations

from prefect import flow

from backroom.shop.room import this_room
from backroom.store import desk, fulfilment
from tasks.claiming import claim_fulfilment, claim_intake, holding
from tasks.label import label
from tasks.notify import notify
from tasks.pack import pack
from tasks.print_or_pick import print_or_pick
from tasks.release import release
from tasks.reserve import reserve
from tasks.route import route
from tasks.tell import raise_if_sick, tell_order
from tasks.validate import validate


@flow(name="order", retries=2, retry_delay_seconds=4, validate_parameters=False)
def order(order_number: str) -> str:
    """Advance one order as far as it goes; raises OrderSick with the reason where it does not go on."""
    room = this_room()
    number = order_number.strip().upper()
    outcomes = []
    if claim := claim_intake(room, number):
        with holding(room, claim):
            outcomes += validate(claim) + route(claim) + reserve(claim) + release(claim)
    with room.database.read() as connection:
        locations = fulfilment.locations_of(connection, desk.find(connection, number)["id"])
    for location in locations:
        if claim := claim_fulfilment(room, location, number):
            with holding(room, claim):
                outcomes += print_or_pick(claim) + pack(claim) + label(claim) + notify(claim)
    sentence = tell_order(room, number)
    raise_if_sick(number, outcomes)
    return sentence
