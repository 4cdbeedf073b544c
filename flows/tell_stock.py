"""Tell channels what they may sell: within seconds after a sale, a return or a delivery, and all of it every night.

One deployment for each channel that is told, and one more for the night, which compares every level of all of them.
Counterparts: `flows/order_intake.py`, which reserves what is sold, and `flows/tell_channel.py`, which tells of orders.
"""

from __future__ import annotations

from prefect import flow
from prefect.runtime import flow_run

from backroom.shop.room import this_room
from backroom.store.database import now
from tasks.claiming import claim_stock, holding
from tasks.tell_stock import StockUntold
from tasks.tell_stock import tell_stock as tell


@flow(name="tell-stock", validate_parameters=False)
def tell_stock(location: str = "", everything: bool = False) -> str:
    """Tell a channel (all of them, where `location` is empty) every level that differs, or `everything`.

    A person's Retry tries a channel at once that is left alone after a failure.
    """
    room = this_room()
    with room.database.read() as connection:
        began = now(connection)
    channels = [location] if location else sorted(room.shop.told_ids("stock"))
    said: list[str] = []
    untold: list[StockUntold] = []
    for channel in channels:
        at_once = int(flow_run.run_count or 0) > 1
        since = began if everything else None
        try:
            while taken := claim_stock(room, channel, compare_since=since, at_once=at_once):
                claim, due = taken
                with holding(room, claim):
                    said.append(f"{channel}: {tell(claim, due)}")
                at_once = False
        except StockUntold as error:
            # The other channels are told all the same.
            untold.append(error)
    if untold:
        raise untold[0]
    return "; ".join(said) or "nothing had changed"
