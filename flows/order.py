"""One order, by its number: advance what is left of it, and write its whole story.

This is the run that a sick order gets, and the one an ops lead starts from the UI's run form. It retries by itself;
when it still fails it stays Failed with its reason, and Retry resumes at the step that failed, on any worker: what is
done is done, and nothing is done twice.
"""

from __future__ import annotations

from prefect import flow

from backroom.shop.room import this_room
from tasks.advance import advance
from tasks.tell import raise_if_sick, tell_order


@flow(name="order", flow_run_name="{order_number}", retries=2, retry_delay_seconds=4, validate_parameters=False)
def order(order_number: str) -> str:
    """Advance one order as far as it goes; raises OrderSick with the reason where it does not go on."""
    room = this_room()
    number = order_number.strip().upper()
    outcomes = advance(room, number)
    sentence = tell_order(room, number)
    raise_if_sick(number, outcomes)
    return sentence
