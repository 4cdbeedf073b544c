"""Own artwork: a picture that a line brings by its address is fetched, looked at and kept, before the order is routed.

The wave's pictures are fetched side by side, outside of any commit, and for no longer than ten seconds in all: an order
whose picture is not begun by then is left to the next wave, and one whose picture is away to a later attempt. A picture
that cannot be had or does not print is a Hold; letting it go on fetches it again. Its file is named by its bytes, so
that a wave that died is done again to the same end.
"""

from __future__ import annotations

import hashlib
import shutil
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeGuard

from prefect import task
from sqlalchemy import Connection

from backroom.domain.errors import AskPerson, BackroomError, Retry
from backroom.domain.model import StepOutcome, Variant
from backroom.domain.own_artwork import DRAFTS, own_variant
from backroom.durable import flush_names, write_durably
from backroom.outgoing.fetching import Fetcher
from backroom.printing.artwork import check_artwork
from backroom.shop.room import Room, this_room
from backroom.store import desk, history, own_artworks
from backroom.store.claims import Claim, Wakeup, fence
from backroom.store.own_artworks import Brought
from backroom.store.sickness import Sick
from tasks.connections import fetcher_of_artwork
from tasks.sick import leave
from tasks.waking import send

AT_ONCE = 4
# A picture is begun within the first seconds, and takes so long at the most (`fetcher_of_artwork`): ten in all.
BEGIN_SECONDS = 2.0
# A picture takes many times its file's size while it is looked at: one at a time, whoever sent them.
_looking = threading.Lock()


class NothingPrinted(AskPerson):
    """A picture came for a piece that is not printed."""

    cause = "nothing_printed"


@dataclass(frozen=True, slots=True)
class _Seen:
    """What came of a line's picture: the variant that it is made as, what is wrong, or nothing yet."""

    line: Brought
    found: Variant | BackroomError | None


def brings_artwork(room: Room, claim: Claim) -> bool:
    """Whether a wave holds a picture to be fetched: a run without shows no such task."""
    with room.database.read() as connection:
        return own_artworks.are_brought(connection, claim.token)


@task(name="fetch artwork", retries=2, retry_delay_seconds=2, task_run_name="fetch artwork at {claim.location}")
def fetch_artwork(claim: Claim) -> list[StepOutcome]:
    """Fetch what the wave's lines bring; returns an outcome for each order that does not go on at once."""
    room = this_room()
    with room.database.read() as connection:
        lines = own_artworks.brought(connection, room.seals, claim.token)
    if not lines:
        return []
    fetcher, begin_until = fetcher_of_artwork(), time.monotonic() + BEGIN_SECONDS

    def see(line: Brought) -> _Seen:
        if time.monotonic() > begin_until:
            return _Seen(line, None)
        try:
            return _Seen(line, _fetch(room, fetcher, line))
        except BackroomError as error:
            return _Seen(line, error)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        seen = list(pool.map(see, lines))
    outcomes, wakeups = room.database.write(lambda connection: _commit(connection, claim, seen))
    send(wakeups)
    return outcomes + leave(room, claim, _away(seen))


def _fetch(room: Room, fetcher: Fetcher, line: Brought) -> Variant:
    """The variant that a line is made as, its picture looked at and in the artwork folder."""
    base = line.variant
    if not base.print_process or not base.printed_width_mm:
        raise NothingPrinted(
            f"{base.sku} is not printed, and line {line.line_no} brings a picture for it.",
            remedy="Give it a print_process and a printed width in the catalogue, or correct the line's SKU.",
        )
    content = fetcher.fetch(line.url, f"line {line.line_no} of {line.number}").content
    own = own_variant(base, hashlib.sha256(content).hexdigest())
    folder = room.artwork()
    # By the line: one that a wave left behind when it died is written anew by the next.
    drafts = folder / DRAFTS / str(line.line_id)
    shutil.rmtree(drafts, ignore_errors=True)
    drafts.mkdir(parents=True)
    draft = drafts / own.artwork
    try:
        write_durably(draft, content, mode=0o644)
        with _looking:
            check_artwork(draft, base.printed_width_mm, base.printed_height_mm, base.print_process)
        draft.replace(folder / own.artwork)
        # Before a row names it.
        flush_names(folder)
    finally:
        shutil.rmtree(drafts, ignore_errors=True)
    return own


def _commit(connection: Connection, claim: Claim, tried: Sequence[_Seen]) -> tuple[list[StepOutcome], list[Wakeup]]:
    at = fence(connection, claim.token)
    still = own_artworks.still(connection, claim.token, [one.line for one in tried])
    seen = [one for one in tried if one.line.line_id in still]
    made = {one.line.line_id: one.found for one in seen if isinstance(one.found, Variant)}
    own_artworks.take(connection, made)
    entries = [
        history.Entry(one.line.order_id, "artwork.fetched", {"line": one.line.line_no, "sku": one.found.sku})
        for one in seen
        if isinstance(one.found, Variant)
    ]
    outcomes: dict[str, StepOutcome] = {}
    wakeups: list[Wakeup] = []
    for one in seen:
        if not _is_unfit(one.found):
            continue
        number = one.line.number
        told = {"line": one.line.line_no, "cause": one.found.cause, "reason": str(one.found)}
        entries.append(history.Entry(one.line.order_id, own_artworks.REFUSED, told))
        if number not in outcomes:
            wakeups += desk.hold(connection, number, own_artworks.UNFIT, "")
            outcomes[number] = StepOutcome(number, "held", own_artworks.UNFIT)
    history.record(connection, entries, at=at, run_id=claim.run_id)
    away = {one.line.order_id for one in seen if isinstance(one.found, Retry)}
    # What became another piece meanwhile is looked at by the next wave, as that.
    left = {one.line.order_id for one in tried if one.found is None or one.line.line_id not in still}
    own_artworks.put_back(connection, claim.token, left - away)
    return list(outcomes.values()), wakeups


def _away(seen: Sequence[_Seen]) -> list[Sick]:
    """The orders whose pictures cannot be had now, each once."""
    held = {one.line.order_id for one in seen if _is_unfit(one.found)}
    sick: dict[int, Sick] = {}
    for one in seen:
        error, line = one.found, one.line
        if isinstance(error, Retry) and line.order_id not in held:
            sick[line.order_id] = Sick(
                line.order_id, line.order_id, line.number, error.cause, str(error), True, error.retry_after
            )
    return list(sick.values())


def _is_unfit(found: Variant | BackroomError | None) -> TypeGuard[BackroomError]:
    """Whether it is a person's: what is away comes by itself."""
    return isinstance(found, BackroomError) and not isinstance(found, Retry)
