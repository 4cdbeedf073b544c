"""The form of a proposed transfer: its question, its choices, and carrying out what was chosen."""

from __future__ import annotations

from enum import StrEnum

from prefect.input import RunInput
from pydantic import Field

from backroom.domain.transfers import TransferRefused, TransferState
from backroom.engine.runs import artifact_url
from backroom.insight.restocking import titles
from backroom.shop.room import Room
from backroom.store import catalogue, selling, transfer_rows, transfers
from tasks.deciding import ACTOR
from tasks.waking import send


class Choice(StrEnum):
    """What can become of a proposal."""

    YES = "yes, set these pieces aside"
    NO = "no, they stay at the hub"


class Answer(RunInput):
    """The form: one choice."""

    choice: Choice = Field(default=Choice.YES, title="Shall these pieces go to the market?")


def question(room: Room, number: str) -> str | None:
    """The form's text for a proposal, None for a transfer that does not wait for a word."""
    with room.database.read() as connection:
        one = transfer_rows.read(connection, number)
        named = titles(catalogue.all_variants(connection))
    if one.state is not TransferState.PROPOSED:
        return None
    rows = [f"| {line.asked} | {line.sku} | {named.get(line.sku, '').replace('|', '/')} |" for line in one.lines]
    rows += [f"| {pack.asked} | {pack.material} | {pack.name.replace('|', '/')} |" for pack in one.packs]
    why = artifact_url(f"restock-{one.event}")
    return "\n".join(
        [
            f"**{one.number}**: {one.asked} pieces from {one.from_location} to {one.event}. [Why]({why})",
            "",
            "| pieces or packs | sku | what |",
            "|--:|---|---|",
            *rows,
        ]
    )


def carry_out(room: Room, number: str, answer: Answer) -> str:
    """Do what was chosen; one that was settled elsewhere meanwhile stays so."""
    decide = transfers.approve if answer.choice is Choice.YES else transfers.decline
    try:
        done = room.database.write(lambda connection: decide(connection, number, ACTOR))
    except TransferRefused as error:
        return error.message
    send(room.database.write(lambda connection: selling.wakeups(connection, room.shop)))
    aside = sum(line.sent for line in done.lines)
    if done.state is TransferState.DECLINED:
        return f"{number}: no"
    return f"{number}: {aside} pieces are set aside. Pack them: `backroom restock pick {number}`"
