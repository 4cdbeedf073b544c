"""The catalogue: what can be sold, by SKU."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict

from sqlalchemy import Connection, select

from backroom.domain.model import Variant
from backroom.domain.own_artwork import is_own
from backroom.store.batches import chunks, upsert
from backroom.store.tables import variants


def save_variants(connection: Connection, catalogue: Sequence[Variant]) -> None:
    """Add variants, or change those whose SKU is there."""
    upsert(connection, variants, [asdict(variant) | {"tags": list(variant.tags)} for variant in catalogue], ["sku"])


def variants_by_sku(connection: Connection, skus: Iterable[str]) -> dict[str, Variant]:
    """The variants among `skus` that exist."""
    found: dict[str, Variant] = {}
    for batch in chunks(sorted(set(skus))):
        for row in connection.execute(select(variants).where(variants.c.sku.in_(batch))).mappings():
            found[row["sku"]] = Variant(**(dict(row) | {"tags": tuple(row["tags"])}))
    return found


def siblings(connection: Connection, sku: str) -> list[Variant]:
    """The other sizes and colours of a SKU's product."""
    product = select(variants.c.product).where(variants.c.sku == sku).scalar_subquery()
    query = select(variants.c.sku).where(variants.c.product == product, variants.c.sku != sku)
    skus = (sku for sku in connection.execute(query).scalars() if not is_own(sku))
    return sorted(variants_by_sku(connection, skus).values(), key=lambda one: one.sku)


def all_variants(connection: Connection) -> list[Variant]:
    """The whole catalogue, by SKU: what anybody can buy, without the pieces that were made with a buyer's picture."""
    rows = connection.execute(select(variants).order_by(variants.c.sku)).mappings()
    return [Variant(**(dict(row) | {"tags": tuple(row["tags"])})) for row in rows if not is_own(row["sku"])]


def sku_of_code(connection: Connection, code: str) -> str | None:
    """The SKU behind a scanned code, which is a SKU or a GTIN."""
    found: str | None = connection.execute(
        select(variants.c.sku).where((variants.c.sku == code) | ((variants.c.gtin == code) & (variants.c.gtin != "")))
    ).scalar()
    return found
