"""What people do about samples, each act one transaction: one was printed, this is good, this is not, a new batch.

The CLI and the gateway's pages come through here, so that the rules are the same at both. What follows from an act is
in its own commit: orders that waited for the sample are routed again, what nobody has begun to print without one is
taken back, and the lists of events say how it stands. What a call owes in wake-ups it returns; they are sent after the
commit.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, RowMapping

from backroom.domain.errors import AskPerson
from backroom.domain.model import Variant
from backroom.domain.samples import AtPrinter, Combination, SampleState, good_until
from backroom.domain.shop import Shop
from backroom.store import material_batches, samples
from backroom.store.backlog import wake_backorders
from backroom.store.catalogue import variants_by_sku
from backroom.store.claims import Wakeup
from backroom.store.database import now
from backroom.store.sample_checks import tell_events
from backroom.store.sample_closing import TakenBack, let_go, take_back
from backroom.store.sample_standing import every, read_standings, skus_of

# It stands in routing's reasons, which may be told to anybody: a code, and no free text.
BATCH = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,39}")
LONGEST_NOTE = 500


class NotSampled(AskPerson):
    """There is nothing that a sample could be made of, or something is missing in what was said of it."""

    cause = "not_sampled"


@dataclass(slots=True)
class NewBatch:
    """What a new batch came to: `fell` are the combinations that were approved and are not any more, `taken` the orders
    that waited to be printed so. Of those that are approved again, since the batch of their sample is back, orders may
    go on. `owed` are all wake-ups."""

    is_new: bool
    fell: list[AtPrinter] = field(default_factory=list)
    taken: TakenBack = field(default_factory=TakenBack)
    owed: list[Wakeup] = field(default_factory=list)


def printed(connection: Connection, shop: Shop, sku: str, location: str, printer: str, actor: str) -> int:
    """Write down that a sample of a SKU came out of a printer; returns its number. Without `printer` it is the only
    one there that does it. NotSampled says what there is."""
    at = now(connection)
    there = _at_printers(connection, shop, sku, location)
    names = ", ".join(one.printer for one in there)
    if not there:
        raise NotSampled(f"nothing at {location} prints {sku}", remedy="Name a printed SKU, and where it is printed.")
    chosen = [one for one in there if one.printer == printer or (not printer and len(there) == 1)]
    if not chosen:
        asked = f"{printer!r} at {location} does not print {sku}" if printer else f"{location} has several for {sku}"
        raise NotSampled(asked, remedy=f"Name one of: {names}.")
    id_ = samples.add(connection, chosen[0], sku, at, actor)
    tell_events(connection, shop, at)
    return id_


def approve(
    connection: Connection, shop: Shop, id_: int, *, photo: str, note: str, actor: str, days: int = 0
) -> tuple[RowMapping, list[Wakeup]]:
    """Somebody has looked at a sample, and it is good: from now on it is printed on demand, for `days` or as long as
    the shop file says. Orders that waited for it are routed again. Returns its row, and what it owes."""
    if not photo:
        raise NotSampled(f"sample {id_} has no photo", remedy="Take one of the print, in the light it is sold in.")
    at = now(connection)
    until = good_until(at, days or shop.samples.valid_days)
    row = samples.decide(
        connection, id_, SampleState.APPROVED, photo=photo, note=cut(note), good_until=until, at=at, actor=actor
    )
    tell_events(connection, shop, at)
    return row, _go_on(connection, shop, [samples.combination_of_row(row)], at, actor)


def reject(connection: Connection, shop: Shop, id_: int, *, photo: str, note: str, actor: str) -> TakenBack:
    """Somebody has looked at a sample, and it is not good: it is not printed on demand until another one is, nor what
    nobody has begun."""
    at = now(connection)
    good = _approved(every(connection, shop, at))
    samples.decide(connection, id_, SampleState.REJECTED, photo=photo, note=cut(note), at=at, actor=actor)
    tell_events(connection, shop, at)
    return take_back(connection, shop, _fell(good, every(connection, shop, at)), at)


def new_batch(
    connection: Connection,
    shop: Shop,
    *,
    location: str,
    kind: str,
    material: str,
    colourway: str,
    batch: str,
    actor: str,
) -> NewBatch:
    """A batch of fabric or ink is in use at a place from now on; what was approved with another one asks for a new
    sample, and what waits there to be printed so is taken back. NotSampled for a batch that is no code, or a material
    that is not there."""
    at = now(connection)
    if not BATCH.fullmatch(batch):
        raise NotSampled(f"{batch!r} is no batch", remedy="Write what stands on it: letters, digits and - . / _ only.")
    before = [one for one in every(connection, shop, at) if one[1].location == location]
    _check_material([one for _, one in before], location, kind, material, colourway)
    row = {"location": location, "kind": kind, "material": material, "colourway": colourway, "batch": batch}
    if not material_batches.put_in_use(connection, **row, at=at, actor=actor):
        return NewBatch(False)
    good = _approved(before)
    after = [one for one in every(connection, shop, at) if one[1].location == location]
    tell_events(connection, shop, at)
    fell = _fell(good, after)
    taken = take_back(connection, shop, fell, at)
    back = {one.combination for place, one in _approved(after).items() if place not in good}
    return NewBatch(True, fell, taken, taken.wakeups + _go_on(connection, shop, sorted(back), at, actor))


def cut(note: str) -> str:
    """A note as it is kept: printable, and not too long."""
    return "".join(letter if letter.isprintable() else " " for letter in note[:LONGEST_NOTE]).strip()


_Place = tuple[str, str, Combination]


def _approved(listed: Iterable[tuple[Variant, AtPrinter]]) -> dict[_Place, AtPrinter]:
    """What is approved, each by its place, printer and combination."""
    return {(one.location, one.printer, one.combination): one for _, one in listed if one.verdict.approved}


def _fell(good: Mapping[_Place, AtPrinter], after: Iterable[tuple[Variant, AtPrinter]]) -> list[AtPrinter]:
    """What was approved and is not any more, as it stands now."""
    return [
        one for _, one in after if not one.verdict.approved and (one.location, one.printer, one.combination) in good
    ]


def _go_on(
    connection: Connection, shop: Shop, combinations: Sequence[Combination], at: datetime, actor: str
) -> list[Wakeup]:
    """Let go on what waited for these to be printed on demand."""
    skus = skus_of(connection, *combinations, *(one.of_own_pictures for one in combinations))
    return wake_backorders(connection, skus, shop.hub) + let_go(connection, shop, skus, at, actor)


def _at_printers(connection: Connection, shop: Shop, sku: str, location: str) -> tuple[AtPrinter, ...]:
    variant = variants_by_sku(connection, [sku]).get(sku)
    if variant is None:
        raise NotSampled(f"the catalogue has no SKU {sku!r}", remedy="Look it up in the catalogue.")
    return read_standings(connection, now(connection)).at_place(shop.location(location), variant)


def _check_material(there: list[AtPrinter], location: str, kind: str, material: str, colourway: str) -> None:
    if kind not in material_batches.KINDS:
        raise NotSampled(f"{kind!r} is no kind of material", remedy="Say fabric or ink.")
    if kind == material_batches.INK:
        known = sorted({one.printer for one in there})
        wrong = material not in known
    else:
        pairs = {(one.combination.fabric, one.combination.colourway) for one in there}
        known = sorted(f"{fabric} {its}".strip() for fabric, its in pairs)
        wrong = (material, colourway) not in pairs
    if wrong:
        named = f"{material} {colourway}".strip()
        raise NotSampled(f"{named!r} is not printed with at {location}", remedy=f"There is: {', '.join(known)}.")
