"""A person's decision on a held order, as a form in the UI.

The run is named after the order and suspends, holding no process, until somebody chooses. What has to be typed (an
address, a phone) is typed on the order's page in the gateway, because what is typed here is stored in clear.
"""

from __future__ import annotations

from prefect import flow, suspend_flow_run

from backroom.shop.room import this_room
from tasks.deciding import Decision, carry_out, question


@flow(name="decide", flow_run_name="{order_number} on hold", validate_parameters=False)
def decide(order_number: str) -> str:
    """Ask what is to become of a held order, and do it."""
    room = this_room()
    number = order_number.strip().upper()
    asked = question(room, number)
    if asked is None:
        return f"{number} is not held any more"
    answer = suspend_flow_run(wait_for_input=Decision.with_initial_data(description=asked), timeout=None)
    return carry_out(room, number, answer)
