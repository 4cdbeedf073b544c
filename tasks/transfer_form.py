"""The form of a proposed transfer: its question, its choices, and carrying out what was chosen."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from prefect.input import RunInput
from pydantic import Field
from sqlalchemy import Connection

from backroom.domain.transfers import TransferLine, TransferRefused, TransferState
from backroom.engine.runs import artifact_url
from backroom.insight.restocking import titles
from backroom.shop.room import Room
from backroom.store import catalogue, selling, stock_prints, transfer_rows, transfers
from backroom.store.transfer_rows import Transfer
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
    rows = [f"| {line.asked} | {line.sku} | {_what(line, named)} |" for line in one.lines]
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

    def decide(connection: Connection) -> Transfer:
        if answer.choice is Choice.YES:
            return transfers.approve(connection, room.shop, number, ACTOR)
        return transfers.decline(connection, number, ACTOR)

    try:
        done = room.database.write(decide)
    except TransferRefused as error:
        return error.message
    send(room.database.write(lambda c: selling.wakeups(c, room.shop) + stock_prints.wakeups(c, done)))
    aside = sum(line.sent for line in done.lines)
    if done.state is TransferState.DECLINED:
        return f"{number}: no"
    printed = f" {done.still_to_print} are printed first." if done.still_to_print else ""
    return f"{number}: {aside} pieces are set aside.{printed} Pack them: `backroom restock pick {number}`"


def _what(line: TransferLine, named: Mapping[str, str]) -> str:
    first = f" ({line.to_print} of them printed first)" if line.to_print else ""
    return named.get(line.sku, "").replace("|", "/") + first
