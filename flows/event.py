"""One event, by its code: open its booth, close it, settle it, or look how it stands. And the reminders of all events.

Booths open and close by themselves, within a minute of their hours: the sweep sees to that (`flows/sweep.py`). Here a
person does it, before its time or because the hub's terminal is far away.
"""

from __future__ import annotations

from typing import Literal

from prefect import flow

from backroom.shop.room import this_room
from tasks.event_reminders import remind
from tasks.events import close_event, known, open_event, settle_event, tell_event


@flow(name="event", flow_run_name="{act} {code}", validate_parameters=False)
def event(
    act: Literal["look", "open", "close", "settle", "remind"] = "look", code: str = "", sales_lost: bool = False
) -> str:
    """Do one thing with one event: `look` writes how it stands; `remind` is for all of them, and needs no code.

    `sales_lost` is for `settle`: settle without the sales that a lost till never told.
    """
    if act == "remind":
        return remind()
    found = known(this_room(), code)
    if act == "settle":
        done = settle_event(found, sales_lost)
    else:
        acts = {"open": open_event, "close": close_event}
        done = acts[act](found) if act in acts else ""
    said = tell_event(found)
    return done or said
