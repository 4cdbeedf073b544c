"""`/booths/{location}`: a booth's evening on one screen, for a tablet, with one hand and at night.

When a new order would be ready and what holds everything up; what waits for paper or a decision; the queue with its
promises; what lies ready to be collected; how fast the printers are, folded up. What is done most often lies at the
lower edge, where thumbs are. It loads itself anew, and works without scripts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from urllib.parse import quote
from zoneinfo import ZoneInfo

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import Connection, RowMapping

from backroom.domain.locations import PromiseSpec
from backroom.domain.model import PrintJobState
from backroom.domain.print_pace import ENOUGH, NEWEST, OWN, PaceRow
from backroom.domain.print_queue import Bottleneck, bottlenecks, may_promise, promise
from backroom.gateway.access import Staff
from backroom.gateway.front import front_of
from backroom.gateway.pages.forms import StaffFields
from backroom.gateway.pages.html import Child, Html, button, form, order_link, page, table, tag
from backroom.gateway.pages.prints import NEEDS_A_PERSON, known_location, made_for, one_job
from backroom.gateway.pages.thumbs import thumbs
from backroom.store import events, parcel_desk, print_jobs, print_promises, print_queue
from backroom.store.database import now
from backroom.store.diverting import ELSEWHERE
from backroom.store.print_queue import Queue, part_in_queue

router = APIRouter()

# Often enough to be believed, seldom enough to be read.
RELOAD_SECONDS = 20
# Jobs that no printer does any more until somebody has decided: they stand above the queue.
OVER_FOR_PRINTERS = (PrintJobState.UNKNOWN, PrintJobState.FAILED)
# Whose promises are counted.
EVENING = timedelta(hours=12)


@router.get("/booths/{location}")
def show(location: str, request: Request, _staff: Staff) -> Response:
    front = front_of(request)
    place = known_location(front, location)
    if place.promise is None:
        raise HTTPException(404, "this location promises nothing: it is no booth")
    with front.room.database.read() as connection:
        at = now(connection)
        queue = print_queue.read_queue(connection, place, at)
        standing = print_promises.standing(connection, location)
        rows = print_jobs.queue(connection, location)
        ready = parcel_desk.ready_at(connection, location)
        holding_up = bottlenecks(
            queue.jobs,
            queue.printers,
            queue.foreseen,
            at,
            short_of=print_queue.short_of_blanks(connection, location, queue.jobs),
            power_until=queue.power_until,
            unpacked_since=print_queue.unpacked_since(connection, location),
        )
        counted = print_promises.outcomes(connection, location, at - EVENING)
    waiting = [row for row in rows if row["state"] in NEEDS_A_PERSON]
    handling = timedelta(minutes=place.promise.handling_minutes)
    return page(
        request,
        place.name,
        _next(request, queue, place.promise, holding_up),
        _power(request, location, queue),
        tag("h2", "Needs a hand"),
        [tag("div", one_job(request, row, at_booth=True), cls="card act") for row in waiting]
        or tag("p", "Nothing waits for paper or a decision.", cls="quiet"),
        tag("h2", "Queue"),
        table(
            ("Ready", "Order", "Pieces", "For"),
            _queue(request, queue, standing, rows, handling),
            "Nothing is being printed.",
        ),
        tag("h2", "Ready to collect"),
        table(
            ("Order", "Since", ""),
            [[order_link(request, row["number"]), _clock(request, row["state_at"]), row["attention"]] for row in ready],
            "Nothing lies ready.",
        ),
        _paces(queue),
        tag("p", _kept(counted), cls="quiet"),
        tag("p", f"Seen at {_clock(request, at)}. This page loads itself anew.", cls="quiet"),
        reload_after=RELOAD_SECONDS,
        by_thumb=thumbs(place, "Booth"),
    )


@router.post("/booths/{location}/power")
def filled_up(location: str, request: Request, staff: Staff, _given: StaffFields) -> Response:
    """The battery was changed, or the generator filled up."""
    front = front_of(request)
    known_location(front, location)

    def work(connection: Connection) -> None:
        row = events.live_at(connection, location)
        if row is None:
            raise HTTPException(404, "no event is live here")
        events.fill_up(connection, row, now(connection), staff.name)

    front.room.database.write(work)
    return RedirectResponse(f"/booths/{quote(location, safe='')}", 303)


def _next(request: Request, queue: Queue, spec: PromiseSpec, holding_up: Sequence[Bottleneck]) -> Html:
    """When an order that comes now would be ready, in words for whoever asks across the counter."""
    handling = timedelta(minutes=spec.handling_minutes)
    soonest: datetime | None = None
    in_the_dark = False
    for process in sorted({process for one in queue.printers if one.ready for process in one.processes}):
        found = queue.foresee_new(process)
        if found is not None and may_promise(found, handling, queue.power_until):
            told = promise(found, handling)
            soonest = told if soonest is None else max(soonest, told)
        in_the_dark = in_the_dark or found is not None
    none = "No new print: the power ends before it" if in_the_dark else "No printer prints now"
    if queue.silent:
        none = "No time to tell: this booth cannot be heard"
    said = f"A new print: about {_clock(request, soonest)}" if soonest else none
    # The worst one is read from afar, the others by whoever comes nearer.
    why = [tag("span", _sentence(request, one), cls="why also" if nth else "why") for nth, one in enumerate(holding_up)]
    return tag("p", said, why, cls=f"answer {'calm' if soonest else 'bad'}", role="status")


def _sentence(request: Request, one: Bottleneck) -> str:
    return f"{_clock(request, one.at)}: {one.sentence}" if one.at else one.sentence


def _power(request: Request, location: str, queue: Queue) -> Html | None:
    """How long the battery or generator lasts, and the button of whoever has changed or filled it."""
    if queue.power_until is None:
        return None
    over = queue.power_until <= queue.at
    says = "should be empty since" if over else "lasts until about"
    return tag(
        "section",
        tag("p", f"The {queue.supply} {says} {_clock(request, queue.power_until)}.", cls="act" if over else "quiet"),
        form(request, f"/booths/{quote(location, safe='')}/power", button(f"The {queue.supply} is full again")),
        cls="power",
    )


def _queue(
    request: Request, queue: Queue, standing: Sequence[RowMapping], rows: Sequence[RowMapping], handling: timedelta
) -> list[list[Child]]:
    pieces: dict[int, list[str]] = defaultdict(list)
    links: dict[int, Child] = {}
    stuck = {part_in_queue(row) for row in rows if row["state"] == PrintJobState.BLOCKED}
    for row in rows:
        if row["state"] in OVER_FOR_PRINTERS:
            continue
        pieces[part_in_queue(row)].append(f"{print_jobs.pieces_of(row)} × {row['sku']}")
        links[part_in_queue(row)] = made_for(request, row)
    promised = {row["fulfilment_order_id"]: row for row in standing}
    waits = {job.part: job.waits for job in queue.jobs}
    listed: list[tuple[bool, datetime | None, list[Child]]] = []
    for part, who_for in links.items():
        given = promised.get(part)
        told = given["promised_at"] if given is not None else None
        late = told is not None and told < queue.at
        tone = "bad" if late else "act" if part in stuck or (given is not None and given["moved"]) else "good"
        shown = (
            tag("strong", _clock(request, told), cls=f"told {tone}")
            if told
            else tag("span", _no_time(queue, part, handling), cls="act")
        )
        notes = [
            "should be there" if late else "",
            "later than first said" if given is not None and given["moved"] else "",
            "waits for a hand" if part in stuck else "",
        ]
        why = tag("div", ", ".join(filter(None, notes)), cls="quiet") if any(notes) else None
        who = tag("span", "waits here", cls="here") if waits.get(part) else "parcel" if part in waits else ""
        listed.append((told is None, told, [[shown, why], who_for, ", ".join(pieces[part]), who]))
    listed.sort(key=lambda one: (one[0], one[1] or queue.at))
    return [cells for _, _, cells in listed]


def _no_time(queue: Queue, part: int, handling: timedelta) -> str:
    """Why no time was told for a part of the queue."""
    foreseen = queue.parts.get(part)
    if foreseen is None:
        return "nobody can say"
    return "in a moment" if may_promise(foreseen, handling, queue.power_until) else "no power for it"


def _paces(queue: Queue) -> Html:
    """How fast each printer that is there prints what; folded up, since nobody needs it while they sell."""
    rows = queue.paces.rows({one.name: one.processes for one in queue.printers})
    return tag(
        "details",
        tag("summary", "How fast the printers are"),
        table(
            ("Printer", "Piece", "Seconds a piece", "Measured"),
            [[one.printer, one.piece, _seconds(one), _measured(one)] for one in rows],
            "No printer is here.",
        ),
        tag(
            "p",
            f"A row goes by its own prints once {ENOUGH} were measured, by the newest {NEWEST} at most.",
            cls="quiet",
        ),
    )


def _seconds(one: PaceRow) -> Child:
    slow = tag("div", f"one in five over {one.pace.slow:.0f}", cls="quiet") if one.pace.spread else None
    return [tag("strong", f"{one.pace.usual:.0f}"), slow]


def _measured(one: PaceRow) -> Child:
    instead = tag("div", f"goes by {one.goes_by}", cls="quiet") if one.goes_by != OWN else None
    return [str(one.measured) if one.measured else "none yet", instead]


def _clock(request: Request, at: datetime | None) -> str:
    if at is None:
        return "–"
    return f"{at.astimezone(ZoneInfo(front_of(request).room.shop.owner.timezone)):%H:%M}"


def _kept(counted: dict[str, int]) -> str:
    kept, late = counted.get(print_promises.KEPT, 0), counted.get(print_promises.LATE, 0)
    if not kept + late:
        return "No promise has come due yet."
    elsewhere = counted.get(ELSEWHERE, 0)
    return f"{kept} of {kept + late} promises kept, {elsewhere} made elsewhere."
