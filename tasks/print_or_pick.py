"""Print or pick: start the making of each fulfilment order at its location.

What is short becomes a print job for the printers there; what is in stock is picked, by scan where the location asks
for it. At a partner's all of it is asked of the partner (`tasks.partner_submit`). Nothing waits here: an order with
something outstanding waits as a row, and whoever reports the last of it wakes fulfilment again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from prefect import task
from sqlalchemy import Connection, RowMapping

from backroom.domain.errors import BackroomError
from backroom.domain.model import FulfilmentState, StepOutcome, Variant
from backroom.printing.artwork import check_artwork
from backroom.shop.room import Room, this_room
from backroom.store import catalogue, fulfilment, history, print_jobs
from backroom.store.claims import Claim, Wakeup, fence, wakeup
from backroom.store.sample_closing import turn_back
from backroom.store.sickness import Sick
from tasks.partner_submit import submit
from tasks.sick import leave
from tasks.waking import send

TURNED = "it is not printed here on demand any more"


@task(name="print or pick", retries=2, retry_delay_seconds=2, task_run_name="print or pick at {claim.location}")
def print_or_pick(claim: Claim) -> list[StepOutcome]:
    """Open the print jobs and pick lists of the wave's OPEN fulfilment orders."""
    room = this_room()
    with room.database.read() as connection:
        parts = fulfilment.claimed(connection, claim.token, FulfilmentState.OPEN)
        lines = fulfilment.lines_of(connection, (part["id"] for part in parts))
        variants = catalogue.variants_by_sku(connection, (line["sku"] for group in lines.values() for line in group))
    if not parts:
        return []
    if room.shop.location(claim.location).partner is not None:
        return submit(room, claim, parts, lines, variants)
    looked = _Looked(room)
    sick = _without_artwork(looked, parts, lines, variants)
    well = [part for part in parts if part["id"] not in sick]
    scan = room.shop.location(claim.location).scan

    def commit(connection: Connection) -> tuple[list[StepOutcome], list[Wakeup]]:
        at = fence(connection, claim.token)
        turned = turn_back(connection, room.shop, claim.location, well, lines, variants, at, claim.run_id)
        # What its customer carried out nobody can scan any more.
        outstanding = {
            part["id"]: _outstanding(lines[part["id"]], scan=scan and not part["handed_over"])
            for part in well
            if part["id"] not in turned.ids
        }
        waits = fulfilment.begin_making(connection, claim.token, {k: n for k, n in outstanding.items() if n})
        ready = fulfilment.move(
            connection,
            claim.token,
            [id_ for id_, count in outstanding.items() if not count],
            FulfilmentState.OPEN,
            FulfilmentState.MADE,
            made_at=at,
        )
        moved = {*waits, *ready}
        begun = [part for part in well if part["id"] in moved]
        wanted = [
            _to_print(part, line, variants[line["sku"]], looked)
            for part in begun
            for line in lines[part["id"]]
            if line["to_print"]
        ]
        print_jobs.open_jobs(connection, wanted, claim.token, at)
        entries = [history.Entry(part["order_id"], "making.begun", _told(part, lines[part["id"]])) for part in begun]
        history.record(connection, entries, at=at, run_id=claim.run_id)
        outcomes = [
            StepOutcome(part["number"], "waiting" if part["id"] in set(waits) else "advanced", _why(lines[part["id"]]))
            for part in begun
        ]
        outcomes += [StepOutcome(part["number"], "waiting", TURNED) for part in well if part["id"] in turned.ids]
        owed = [wakeup(connection, print_jobs.STAGE, claim.location)] if wanted else []
        return outcomes, owed + turned.wakeups

    outcomes, wakeups = room.database.write(commit)
    send(wakeups)
    return outcomes + leave(room, claim, list(sick.values()))


class _Looked:
    """Artworks as they were looked at in this wave, once a print: a design is fine enough in one size and too coarse in
    another."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._seen: dict[tuple[str, int, int, str], str | BackroomError] = {}

    def at(self, variant: Variant) -> str | BackroomError:
        """The SHA-256 of the bytes that are printed of it, or what is wrong with them."""
        size = variant.printed_width_mm, variant.printed_height_mm
        print_ = (variant.artwork, *size, variant.print_process)
        if print_ not in self._seen:
            path = self._room.artwork() / variant.artwork
            try:
                self._seen[print_] = check_artwork(path, *size, variant.print_process).picture.sha256
            except BackroomError as error:
                self._seen[print_] = error
        return self._seen[print_]


def _without_artwork(
    looked: _Looked,
    parts: Sequence[RowMapping],
    lines: Mapping[int, Sequence[RowMapping]],
    variants: Mapping[str, Variant],
) -> dict[int, Sick]:
    """Fulfilment orders that cannot be printed: the artwork is looked at before the job is opened."""
    sick: dict[int, Sick] = {}
    for part in parts:
        for line in lines[part["id"]]:
            if not line["to_print"]:
                continue
            error = looked.at(variants[line["sku"]])
            if isinstance(error, BackroomError):
                sick[part["id"]] = Sick(part["id"], part["order_id"], part["number"], error.cause, str(error))
    return sick


def _outstanding(lines: Sequence[RowMapping], *, scan: bool) -> int:
    """How many reports this fulfilment order waits for: one for each print job, one for each piece to be scanned."""
    return sum(bool(line["to_print"]) + (line["from_stock"] if scan else 0) for line in lines)


def _to_print(part: RowMapping, line: RowMapping, variant: Variant, looked: _Looked) -> print_jobs.ToPrint:
    return print_jobs.ToPrint(
        part_id=part["id"],
        part_key=part["key"],
        order_id=part["order_id"],
        order_number=part["number"],
        line_no=line["line_no"],
        location=part["location"],
        copies=line["to_print"],
        priority=part["priority"],
        variant=variant,
        artwork_sha256=str(looked.at(variant)),
    )


def _told(part: RowMapping, lines: Sequence[RowMapping]) -> dict[str, object]:
    return {
        "location": part["location"],
        "picked": sum(line["from_stock"] for line in lines),
        "printed": sum(line["to_print"] for line in lines),
    }


def _why(lines: Sequence[RowMapping]) -> str:
    prints = sum(line["to_print"] for line in lines)
    return f"{prints} to print" if prints else "picked from stock"
