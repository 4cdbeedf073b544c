"""How samples stand at every place: what is printed there on demand, and what is not, with the reason.

What belongs here: reading all that the rules need, once. What does not: the rules (`backroom.domain.samples`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, or_, select

from backroom.domain.blanks import is_blank
from backroom.domain.locations import Location
from backroom.domain.model import Variant
from backroom.domain.own_artwork import PREFIX, base_of, is_own
from backroom.domain.samples import (
    OWN_PICTURES,
    AtPrinter,
    Batches,
    Combination,
    InUse,
    Sample,
    Verdict,
    artwork_of,
    fabric_of,
    judge,
    judge_at,
    not_to_print,
    samples_for,
)
from backroom.domain.shop import Shop
from backroom.store import material_batches, samples
from backroom.store.catalogue import all_variants, variants_by_sku
from backroom.store.tables import variants as variants_table


@dataclass(frozen=True, slots=True)
class Standings:
    """All samples, batches and blanks at one instant."""

    blanks: tuple[Variant, ...]
    samples: dict[Combination, list[Sample]]
    in_use: InUse
    at: datetime

    def of(self, combination: Combination, batches: Batches) -> Verdict:
        """How a combination stands where these batches are in use."""
        return judge(samples_for(combination, self.samples), batches, self.at)

    def at_place(self, location: Location, variant: Variant) -> tuple[AtPrinter, ...]:
        """How a variant stands at each printer of a place that does its process."""
        return judge_at(location, variant, self.blanks, self.samples, self.in_use, self.at)


def read_standings(connection: Connection, at: datetime) -> Standings:
    """How everything stands now."""
    return Standings(blanks(connection), samples.by_combination(connection), material_batches.in_use(connection), at)


def not_on_demand(
    connection: Connection, shop: Shop, variants: Iterable[Variant], at: datetime
) -> dict[str, dict[str, str]]:
    """By location, the SKUs that it does not print on demand for want of a sample, each with why.

    None where the shop file asks for no samples.
    """
    if not shop.samples.require:
        return {}
    found = read_standings(connection, at)
    wanted = [one for one in variants if one.artwork]
    return {
        location.id: {one.sku: why for one in wanted if (why := not_to_print(found.at_place(location, one)))}
        for location in shop.locations
    }


def every(connection: Connection, shop: Shop, at: datetime) -> list[tuple[Variant, AtPrinter]]:
    """Each combination that could be printed anywhere at each printer, once, with a variant of it: the first by SKU.

    Buyers' own pictures are there where one was ordered.
    """
    found = read_standings(connection, at)
    listed: dict[tuple[str, str, Combination], tuple[Variant, AtPrinter]] = {}
    for variant in [*all_variants(connection), *own_ones(connection)]:
        for location in shop.locations:
            for one in found.at_place(location, variant):
                listed.setdefault((one.location, one.printer, one.combination), (variant, one))
    return list(listed.values())


def skus_of(connection: Connection, *combinations: Combination) -> list[str]:
    """The SKUs that are cases of one of these combinations, whatever their size."""
    cloth = blanks(connection)
    wanted = {(one.artwork, one.fabric, one.colourway, one.process) for one in combinations}
    artworks = {artwork for artwork, *_ in wanted}
    alike: list[ColumnElement[bool]] = [variants_table.c.artwork.in_(artworks)]
    if OWN_PICTURES in artworks:
        alike.append(variants_table.c.artwork.startswith(PREFIX, autoescape=True))
    same = select(variants_table.c.sku).where(or_(*alike))
    found = variants_by_sku(connection, connection.execute(same).scalars())
    return sorted(
        sku
        for sku, one in found.items()
        if (artwork_of(one), fabric_of(one, cloth), one.colourway, one.print_process) in wanted
    )


def own_ones(connection: Connection) -> list[Variant]:
    """Pieces with a buyer's own picture, one for each that was ordered with one."""
    query = select(variants_table.c.sku).where(variants_table.c.artwork.startswith(PREFIX, autoescape=True))
    skus = connection.execute(query.order_by(variants_table.c.sku)).scalars()
    bases = {base_of(sku): sku for sku in skus if is_own(sku)}
    return sorted(variants_by_sku(connection, bases.values()).values(), key=lambda one: one.sku)


def blanks(connection: Connection) -> tuple[Variant, ...]:
    """What things are printed on, as far as the catalogue knows."""
    query = select(variants_table).where(variants_table.c.artwork == "").order_by(variants_table.c.sku)
    rows = connection.execute(query).mappings()
    found = (Variant(**(dict(row) | {"tags": tuple(row["tags"])})) for row in rows)
    return tuple(one for one in found if is_blank(one))
