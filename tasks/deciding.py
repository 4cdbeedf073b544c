"""The form behind a Hold: its question, its choices, and carrying out what was chosen."""

from __future__ import annotations

from enum import StrEnum

from prefect.input import RunInput
from pydantic import Field

from backroom.domain.holds import what_to_do
from backroom.quality.quarantine import why_held
from backroom.shop.room import Room
from backroom.store import cancelled_refunds, cancelling, desk, holds, news, selling
from backroom.store.claims import Wakeup
from tasks.pages import page_of
from tasks.waking import send

ACTOR = "ops lead (Prefect)"


class Choice(StrEnum):
    """What can become of a held order. One that is cancelled is paid back, unless its money is kept."""

    RELEASE = "let it go on"
    CANCEL = "cancel it"
    CANCEL_KEEPING = "cancel it, and keep its money"
    KEEP = "leave it on hold"


class Decision(RunInput):
    """The form: one choice."""

    choice: Choice = Field(default=Choice.KEEP, title="What shall become of this order?")


def question(room: Room, number: str) -> str | None:
    """The form's text for a held order, None for one that is not held."""
    with room.database.read() as connection:
        order = desk.find(connection, number)
        whys = why_held(connection, number)
    if order["state"] not in ("held", "backordered"):
        return None
    reason = order["hold_reason"] or order["state"]
    aside = "".join(f"- {why}\n" for why in whys) + "\n" if whys else ""
    return f"**{number}** is on hold: `{reason}`. {what_to_do(reason)}\n\n{aside}[Its page]({page_of(number)})"


def carry_out(room: Room, number: str, answer: Decision) -> str:
    """Do what was chosen; the wake-ups go out after the commit."""
    hub = room.shop.hub
    wakeups: list[Wakeup] = []
    if answer.choice is Choice.RELEASE:
        wakeups = room.database.write(lambda connection: desk.release(connection, number, ACTOR, hub))
    elif answer.choice in (Choice.CANCEL, Choice.CANCEL_KEEPING):
        told, keep = room.shop.told_ids(news.CANCELLED), answer.choice is Choice.CANCEL_KEEPING
        wakeups = room.database.write(
            lambda connection: (
                cancelling.cancel(connection, number, ACTOR, desk.CANCELLED_BY_STAFF, told=told, keep_money=keep)
                + selling.wakeups(connection, room.shop)
                + cancelled_refunds.wakeups(connection, room.shop)
            )
        )
    else:
        room.database.write(lambda connection: holds.leave(connection, desk.find(connection, number)["id"], ACTOR))
    send(wakeups)
    return f"{number}: {answer.choice}"
