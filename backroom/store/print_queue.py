"""A location's print queue as it stands: its jobs, what its printers wait for, how fast prints came out, what lacks.

What belongs here: reading that, and playing it forward. What does not: how (`backroom.domain.print_queue`), and what is
promised of it (`print_promises`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, RowMapping, case, select

from backroom.domain.blanks import becomes, is_blank
from backroom.domain.locations import Location, PrinterSpec
from backroom.domain.model import Delivery, FulfilmentState, PrintJobState, Variant
from backroom.domain.print_pace import Measured, Pace, Paces, Printed, measure
from backroom.domain.print_queue import Foreseen, PrinterThere, QueuedJob, foresee, foresee_new, of_parts
from backroom.store import booth_calls, events
from backroom.store.catalogue import variants_by_sku
from backroom.store.print_jobs import beside_owners, pieces_of, wanted
from backroom.store.tables import fulfilment_orders, print_jobs, stock_levels, variants

# So many prints of a location say how fast they come out.
LOOKED_AT = 500
# A printer from which something came so lately prints, whatever a job said before.
JUST_NOW = timedelta(minutes=1)
# What `printing.lane` says of a printer that has only its hands full.
AT_WORK = "at work"
_QUEUED = (PrintJobState.WAITING, PrintJobState.HANDED, PrintJobState.PRINTING, PrintJobState.BLOCKED)


@dataclass(frozen=True, slots=True)
class Queue:
    """A location's queue at a moment: its jobs, printers, paces, and when each job and part is through.

    `supply` is where the power of the event there comes from, and `power_until` when it ends: neither where that is
    from the wall. `silent`: the booth has not been heard for a while.
    """

    at: datetime
    jobs: tuple[QueuedJob, ...]
    printers: tuple[PrinterThere, ...]
    paces: Paces
    foreseen: dict[int, Foreseen]
    supply: str = ""
    power_until: datetime | None = None
    event: str = ""
    silent: bool = False

    @property
    def parts(self) -> dict[int, Foreseen]:
        """When each part is through. Of a booth that does not answer nobody can say."""
        return {} if self.silent else of_parts(self.jobs, self.foreseen)

    def foresee_more(self, jobs: Sequence[QueuedJob]) -> dict[int, Foreseen]:
        """When each of these jobs is through if they came now as well; empty for a booth that does not answer."""
        if self.silent:
            return {}
        found = foresee([*self.jobs, *jobs], self.printers, self.paces, self.at)
        return {job.id: found[job.id] for job in jobs if job.id in found}

    def foresee_new(self, process: str) -> Foreseen | None:
        """When a piece would be through that somebody asks for now and waits for; None where nobody can say."""
        return None if self.silent else foresee_new(self.jobs, self.printers, self.paces, self.at, process)

    @property
    def out_of_reach(self) -> frozenset[int]:
        """Parts of which a booth that does not answer has a job in hand: it may be printing it just now."""
        return frozenset(job.part for job in self.jobs if job.in_hand) if self.silent else frozenset()


def read_queue(connection: Connection, location: Location, at: datetime) -> Queue:
    """The queue of a location as it stands, played forward; at a live event by the printers that came along."""
    event = events.live_at(connection, location.id)
    there = location.printers
    if event is not None and event["printers"]:
        there = tuple(one for one in there if one.name in event["printers"])
    rows = _queued(connection, location.id)
    jobs = tuple(
        QueuedJob(
            id=row["id"],
            part=part_in_queue(row),
            copies=pieces_of(row),
            process=row["process"],
            product=row["product"],
            colourway=row["colourway"],
            waits=row["delivery"] is not None and row["delivery"] != Delivery.SHIP,
            priority=row["priority"],
            printer=row["printer"] if row["state"] == PrintJobState.PRINTING else "",
            began=row["started_at"] if row["state"] == PrintJobState.PRINTING else None,
            in_hand=row["state"] != PrintJobState.WAITING,
        )
        for row in rows
    )
    trouble = _trouble(connection, location.id, [one.name for one in there], rows, at)
    printers = tuple(
        PrinterThere(one.name, one.prints, one.name not in trouble, trouble.get(one.name, "")) for one in there
    )
    paces = paces_of(connection, location, there)
    silent = booth_calls.is_silent(connection, location.id, at)
    queue = Queue(at, jobs, printers, paces, foresee(jobs, printers, paces, at), silent=silent)
    until = events.power_until(connection, event, at) if event is not None else None
    if event is None or until is None:
        return queue
    return replace(queue, supply=event["supply"]["kind"], power_until=until, event=event["code"])


def paces_of(connection: Connection, location: Location, printers: Sequence[PrinterSpec]) -> Paces:
    """How fast these printers of a location are: by what was measured, and by their profiles before that."""
    expected = {
        one.name: Pace(one.profile.usual, one.profile.slow, basis="profile")
        for one in printers
        if one.profile is not None
    }
    return Paces(measured(connection, location.id), expected)


def part_in_queue(row: RowMapping) -> int:
    """Which part of the queue a job is of: the work on an order or, below zero, a transfer that is printed for."""
    part: int = row["fulfilment_order_id"] if row["transfer_id"] is None else -row["transfer_id"]
    return part


def short_of_blanks(connection: Connection, location: str, jobs: Sequence[QueuedJob]) -> dict[str, int]:
    """Blanks that the queue needs and the location has not, by their title; what nobody counts there is no lack."""
    skus = select(print_jobs.c.id, print_jobs.c.sku).where(print_jobs.c.id.in_([job.id for job in jobs]))
    wanted: dict[str, int] = defaultdict(int)
    copies = {job.id: job.copies for job in jobs}
    for row in connection.execute(skus):
        wanted[row.sku] += copies[row.id]
    printed = variants_by_sku(connection, wanted)
    there = select(variants, (stock_levels.c.on_hand - stock_levels.c.reserved).label("left")).join(
        stock_levels, stock_levels.c.sku == variants.c.sku
    )
    there = there.where(stock_levels.c.location == location, variants.c.artwork == "")
    lacking: dict[str, int] = {}
    for one in connection.execute(there).mappings():
        blank = Variant(**({name: one[name] for name in one if name != "left"} | {"tags": tuple(one["tags"])}))
        if is_blank(blank):
            needs = sum(count for sku, count in wanted.items() if sku in printed and becomes(blank, printed[sku]))
            if needs > one["left"]:
                lacking[blank.title] = needs - max(0, one["left"])
    return lacking


def unpacked_since(connection: Connection, location: str) -> list[datetime]:
    """When each part was made that nobody has packed yet."""
    query = select(fulfilment_orders.c.made_at).where(
        fulfilment_orders.c.location == location,
        fulfilment_orders.c.state == FulfilmentState.MADE,
        fulfilment_orders.c.made_at.is_not(None),
    )
    return list(connection.execute(query).scalars())


def _trouble(
    connection: Connection, location: str, names: Sequence[str], rows: Sequence[RowMapping], at: datetime
) -> dict[str, str]:
    """What printers wait for, by their names: a job lies at one that has stopped, or a job that was never begun says
    in the words of the printers why none of them takes it (`printing.lanes`)."""
    blocked = [row for row in rows if row["state"] == PrintJobState.BLOCKED]
    stopped = {row["printer"]: row["reason"] for row in blocked if row["printer"]}
    lately = select(print_jobs.c.printer).where(
        print_jobs.c.location == location,
        print_jobs.c.state == PrintJobState.DONE,
        print_jobs.c.ended_at > at - JUST_NOW,
    )
    works = {row["printer"] for row in rows if row["state"] == PrintJobState.PRINTING}
    works.update(connection.execute(lately).scalars())
    told: dict[str, str] = {}
    for row in blocked:
        for words in row["reason"].split("; ") if not row["printer"] else ():
            for name in names:
                said = words.removeprefix(f"{name}: ")
                if name not in works and (said != words or f" {name} " in words) and said != AT_WORK:
                    told.setdefault(name, said)
    return told | stopped


def _queued(connection: Connection, location: str) -> list[RowMapping]:
    query = (
        select(print_jobs, fulfilment_orders.c.delivery, variants.c.product, variants.c.colourway)
        .select_from(beside_owners().join(variants, variants.c.sku == print_jobs.c.sku))
        .where(
            print_jobs.c.location == location,
            print_jobs.c.state.in_(_QUEUED),
            wanted(),
        )
        .order_by(print_jobs.c.id)
    )
    return list(connection.execute(query).mappings())


def measured(connection: Connection, location: str) -> list[Measured]:
    """How long the last prints of a location took, the newest first."""
    query = (
        select(
            print_jobs.c.printer,
            print_jobs.c.process,
            variants.c.product,
            variants.c.colourway,
            case((print_jobs.c.remake > 0, print_jobs.c.remake), else_=print_jobs.c.copies).label("pieces"),
            print_jobs.c.created_at.label("queued_at"),
            print_jobs.c.started_at,
            print_jobs.c.ended_at,
        )
        .join(variants, variants.c.sku == print_jobs.c.sku)
        .where(
            print_jobs.c.location == location,
            print_jobs.c.state == PrintJobState.DONE,
            print_jobs.c.started_at.is_not(None),
        )
        .order_by(print_jobs.c.id.desc())
        .limit(LOOKED_AT)
    )
    return measure(Printed(**row) for row in connection.execute(query).mappings())
