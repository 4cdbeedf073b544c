"""The form behind a Hold: its question, its choices, and carrying out what was chosen."""

from __future__ import annotations

from enum import StrEnum

from prefect.input import RunInput
from pydantic import Field

from backroom.shop.room import Room
from backroom.store import desk, holds
from backroom.store.claims import Wakeup
from tasks.pages import page_of
from tasks.waking import send

ACTOR = "ops lead (Prefect)"

# What each reason asks of a person, in the words of somebody who has to act on it now.
WHAT_TO_DO = {
    "unknown_sku": "The catalogue does not know a piece of it. Correct the SKU on its page, then let it go on.",
    "address_incomplete": "No parcel would arrive there. Correct the address on its page, then let it go on.",
    "address": "Its address is not as its country writes them. Correct it on its page, then let it go on.",
    "unreachable": "There is no phone and no e-mail that works. Add one on its page, then let it go on.",
    "location_missing": "It is to be collected, and nobody says where. Ask the customer, then enter it anew.",
    "totals_do_not_add_up": "What was paid and what was ordered differ. Look at the channel, then decide.",
    "currency_not_ours": "It was paid in another currency. Look at the channel, then decide.",
    "payment_pending": "It is not paid yet. It goes on by itself when the channel says that it is.",
    "payment_refunded": "It was paid back already. Cancel it, unless the channel is wrong.",
    "no_coordinates": "Nobody knows how far away it goes. Correct the postcode on its page, then let it go on.",
    "no_place": "The place where the customer collects it does not exist. Check the shop file's locations.",
    "no_rule": "No routing rule fits it. Add one to the shop file, then let it go on.",
    "short_stock": "No place has all of it. Take stock in, then let it go on.",
    "cancelled_after_label": "It was cancelled after its label was made. Stop the parcel, or let it go on.",
    "changed_while_making": "It was changed while it is being made. Compare both, then decide.",
    "changed_after_correction": "The channel changed it after somebody corrected its address here. Compare both.",
    "asked_by_staff": "Somebody of the shop put it on hold.",
}


class Choice(StrEnum):
    """What can become of a held order."""

    RELEASE = "let it go on"
    CANCEL = "cancel it"
    KEEP = "leave it on hold"


class Decision(RunInput):
    """The form: one choice."""

    choice: Choice = Field(default=Choice.KEEP, title="What shall become of this order?")


def question(room: Room, number: str) -> str | None:
    """The form's text for a held order, None for one that is not held."""
    with room.database.read() as connection:
        order = desk.find(connection, number)
    if order["state"] not in ("held", "backordered"):
        return None
    reason = order["hold_reason"] or order["state"]
    return f"**{number}** is on hold: `{reason}`. {WHAT_TO_DO.get(reason, '')}\n\n[Its page]({page_of(number)})"


def carry_out(room: Room, number: str, answer: Decision) -> str:
    """Do what was chosen; the wake-ups go out after the commit."""
    hub = room.shop.hub
    wakeups: list[Wakeup] = []
    if answer.choice is Choice.RELEASE:
        wakeups = room.database.write(lambda connection: desk.release(connection, number, ACTOR, hub))
    elif answer.choice is Choice.CANCEL:
        wakeups = room.database.write(
            lambda connection: desk.cancel(connection, number, ACTOR, desk.CANCELLED_BY_STAFF)
        )
    else:
        room.database.write(lambda connection: holds.leave(connection, desk.find(connection, number)["id"], ACTOR))
    send(wakeups)
    return f"{number}: {answer.choice}"
