"""Samples: their rows, from the print to the word on it.

What belongs here: reading and writing them. What does not: what one is worth (`backroom.domain.samples`), how things
stand at each place (`sample_standing`), what follows from a word on one (`sample_desk`), the photo's file
(`backroom.shop.photos`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, RowMapping, func, insert, select, update

from backroom.domain.errors import Refuse
from backroom.domain.samples import AtPrinter, Batches, Combination, Sample, SampleState
from backroom.store.moves import moving
from backroom.store.tables import samples

_COMBINATION = ("artwork", "fabric", "colourway", "process", "kind")


class NoSuchSample(Refuse):
    """No sample has this number."""

    cause = "no_such_sample"


class SampleDecided(Refuse):
    """Somebody has looked at this sample already."""

    cause = "sample_decided"


def add(connection: Connection, at_printer: AtPrinter, sku: str, at: datetime, actor: str) -> int:
    """Write down that a sample came out of a printer, with the batches in use there; returns its number."""
    return _insert(connection, at_printer, sku, at, actor, state=SampleState.WAITING)


def _insert(
    connection: Connection, at_printer: AtPrinter, sku: str, at: datetime, actor: str, **said: datetime | str
) -> int:
    combination, batches = at_printer.combination, at_printer.batches
    row = {name: getattr(combination, name) for name in _COMBINATION} | {
        "sku": sku,
        "location": at_printer.location,
        "printer": at_printer.printer,
        "fabric_batch": batches.fabric,
        "ink_batch": batches.ink,
        "printed_at": at,
        "printed_by": actor,
        **said,
    }
    id_: int = connection.execute(insert(samples).values(**row).returning(samples.c.id)).scalar_one()
    return id_


def decide(
    connection: Connection,
    id_: int,
    state: SampleState,
    *,
    note: str,
    at: datetime,
    actor: str,
    photo: str = "",
    good_until: datetime | None = None,
) -> RowMapping:
    """Write somebody's word on a sample: APPROVED, with its photo and until when, or REJECTED. Returns its row.

    NoSuchSample, or SampleDecided when it does not wait for a word any more.
    """
    deciding = moving(samples, SampleState.WAITING, state).where(samples.c.id == id_)
    said = {"decided_at": at, "decided_by": actor, "note": note, "photo": photo, "good_until": good_until}
    if not connection.execute(deciding.values(**said)).rowcount:
        row = find(connection, id_)
        raise SampleDecided(f"sample {id_} is {row['state']} already", remedy="Print a new one to look at it again.")
    return find(connection, id_)


def close(connection: Connection, ids: Iterable[int], why: str, at: datetime) -> list[int]:
    """Take back what was approved, because too many prints came out bad; returns those that were."""
    closing = moving(samples, SampleState.APPROVED, SampleState.CLOSED).where(samples.c.id.in_(list(ids)))
    return list(connection.execute(closing.values(ended_at=at, ended_why=why).returning(samples.c.id)).scalars())


def close_own_pictures(connection: Connection, at_printer: AtPrinter, sku: str, why: str, at: datetime) -> int:
    """Say that too many of buyers' own pictures came out bad there: a row of its own, since no sample is of them alone.

    Returns its number. It stands until a sample on that fabric, printed alike, is approved after it.
    """
    return _insert(
        connection, at_printer, sku, at, "", state=SampleState.CLOSED, decided_at=at, ended_at=at, ended_why=why
    )


def find(connection: Connection, id_: int) -> RowMapping:
    """One sample; NoSuchSample."""
    row = connection.execute(select(samples).where(samples.c.id == id_)).mappings().one_or_none()
    if row is None:
        raise NoSuchSample(f"there is no sample {id_}", remedy="`backroom sample list` shows those there are.")
    return row


def waiting(connection: Connection) -> list[RowMapping]:
    """Those that nobody has looked at yet, oldest first."""
    query = select(samples).where(samples.c.state == SampleState.WAITING).order_by(samples.c.id)
    return list(connection.execute(query).mappings())


def newest(connection: Connection, most: int) -> list[RowMapping]:
    """The newest ones, whatever became of them."""
    return list(connection.execute(select(samples).order_by(samples.c.id.desc()).limit(most)).mappings())


def by_combination(connection: Connection) -> dict[Combination, list[Sample]]:
    """All samples as the rules see them."""
    found: dict[Combination, list[Sample]] = defaultdict(list)
    for row in connection.execute(select(samples).order_by(samples.c.id)).mappings():
        found[combination_of_row(row)].append(sample_of(row))
    return found


def combination_of_row(row: RowMapping) -> Combination:
    return Combination(*(row[name] for name in _COMBINATION))


def sample_of(row: RowMapping) -> Sample:
    """A row as the domain's value."""
    return Sample(
        id=row["id"],
        state=SampleState(row["state"]),
        batches=Batches(row["fabric_batch"], row["ink_batch"]),
        printed_at=row["printed_at"],
        decided_at=row["decided_at"],
        good_until=row["good_until"],
    )


def with_old_photo(connection: Connection, before: datetime) -> list[RowMapping]:
    """Samples with a photo whose word was worth nothing any more then."""
    ended = func.coalesce(samples.c.ended_at, samples.c.good_until, samples.c.decided_at)
    return list(connection.execute(select(samples).where(samples.c.photo != "", ended < before)).mappings())


def forget_photo(connection: Connection, ids: Iterable[int]) -> None:
    """Note of samples that their photo is gone."""
    connection.execute(update(samples).where(samples.c.id.in_(list(ids))).values(photo=""))
