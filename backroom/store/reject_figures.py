"""How many pieces came out of which printer with which batches, and how many of them were bad.

What belongs here: counting that from print jobs and rejects. What does not: the rates and what is too many
(`backroom.domain.reject_rates`), rejecting a piece (`print_rejects`).
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, RowMapping, select

from backroom.domain.locations import PrinterSpec
from backroom.domain.model import PrintJobState
from backroom.domain.reject_rates import Drift, Made, drift
from backroom.domain.samples import Batches, Combination, combination_of
from backroom.domain.shop import Shop
from backroom.store import material_batches
from backroom.store.catalogue import variants_by_sku
from backroom.store.material_batches import FABRIC
from backroom.store.print_jobs import pieces_of
from backroom.store.sample_standing import blanks, skus_of
from backroom.store.tables import print_jobs, print_rejects

# What is older says little of the printers and inks of today.
WINDOW = timedelta(days=90)
# The newest prints that are counted; a busy year of one shop.
MOST_COUNTED = 50_000
_COUNTED = tuple(print_jobs.c[name] for name in ("location", "printer", "sku", "copies", "remake", "ended_at"))


class PastBatches:
    """Which batches were in use where, at any time."""

    def __init__(self, rows: Sequence[RowMapping]) -> None:
        self._used: dict[tuple[str, ...], list[tuple[datetime, str]]] = defaultdict(list)
        for row in rows:
            self._used[row["location"], row["kind"], row["material"], row["colourway"]].append(
                (row["since"], row["batch"])
            )

    def at(self, location: str, printer: str, combination: Combination, moment: datetime) -> Batches:
        """What was in use at a printer at that moment; "" before anybody named a batch."""
        fabric = self._of((location, FABRIC, combination.fabric, combination.colourway), moment)
        return Batches(fabric, self._of((location, material_batches.INK, printer, ""), moment))

    def _of(self, key: tuple[str, ...], moment: datetime) -> str:
        used = self._used.get(key, [])
        index = bisect_right([since for since, _ in used], moment)
        return used[index - 1][1] if index else ""


def printer_of(shop: Shop, location: str, name: str) -> PrinterSpec:
    """The printer of this name; one that is gone from the shop file is a kind of its own."""
    place = next((one for one in shop.locations if one.id == location), None)
    found = next((one for one in place.printers if one.name == name), None) if place else None
    return found or PrinterSpec(name, "", ())


def made(connection: Connection, shop: Shop, since: datetime, only: Combination | None = None) -> list[Made]:
    """Everything that was printed since then, good and bad, each with the batches that were in use; of one combination
    only, where one is named.

    What is bad of a try was told then; the last try of a job is good as long as nobody says otherwise.
    """
    past = PastBatches(material_batches.history(connection))
    cloth = blanks(connection)
    found = []
    query = (
        select(*_COUNTED)
        .where(print_jobs.c.state == PrintJobState.DONE, print_jobs.c.ended_at >= since)
        .order_by(print_jobs.c.id.desc())
        .limit(MOST_COUNTED)
    )
    bad = select(print_rejects).where(print_rejects.c.at >= since)
    if only is not None:
        query = query.where(print_jobs.c.sku.in_(skus_of(connection, only)))
        bad = bad.where(print_rejects.c.artwork == only.artwork, print_rejects.c.colourway == only.colourway)
    rows = connection.execute(query).mappings().all()
    variants = variants_by_sku(connection, (row["sku"] for row in rows))
    known: dict[tuple[str, str, str], Combination] = {}
    for row in rows:
        key = row["location"], row["printer"], row["sku"]
        if not row["printer"] or row["sku"] not in variants:
            continue
        if key not in known:
            printer = printer_of(shop, row["location"], row["printer"])
            known[key] = combination_of(variants[row["sku"]], printer, cloth)
        if only is not None and known[key] != only:
            continue
        batches = past.at(row["location"], row["printer"], known[key], row["ended_at"])
        found.append(Made(known[key], row["location"], row["printer"], batches, pieces_of(row), 0, row["ended_at"]))
    for row in connection.execute(bad).mappings():
        combination = Combination(row["artwork"], row["fabric"], row["colourway"], row["process"], row["kind"])
        if only is not None and combination != only:
            continue
        batches = Batches(row["fabric_batch"], row["ink_batch"])
        found.append(
            Made(combination, row["location"], row["printer"], batches, row["printed"], row["pieces"], row["at"])
        )
    return found


def drifts(connection: Connection, shop: Shop, every: Sequence[Made]) -> list[tuple[str, Drift]]:
    """Each batch beside those before it, by material and place: (of what, how)."""
    found: list[tuple[str, Drift]] = []
    materials: dict[tuple[str, str, str, str], list[str]] = defaultdict(list)
    for row in material_batches.history(connection):
        materials[row["location"], row["kind"], row["material"], row["colourway"]].append(row["batch"])
    for (location, kind, material, colourway), batches in materials.items():
        of_it = [
            one
            for one in every
            if one.location == location
            and (
                (one.combination.fabric, one.combination.colourway) == (material, colourway)
                if kind == FABRIC
                else one.printer == material
            )
        ]
        name = f"{kind} {material} {colourway}".strip() + f" at {location}"
        found += [(name, one) for one in drift(batches, of_it, _fabric if kind == FABRIC else _ink, shop.samples)]
    return found


def _fabric(one: Made) -> str:
    return one.batches.fabric


def _ink(one: Made) -> str:
    return one.batches.ink
