"""Lines that bring a picture of their buyer's own: those that wait for it, and what they become when it is there.

What belongs here: the rows. What does not: fetching and looking at a picture (`tasks.own_artwork`), and what a line
becomes (`backroom.domain.own_artwork`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, Connection, Select, select, update

from backroom.domain.model import OrderState, Variant
from backroom.domain.own_artwork import PREFIX, is_own
from backroom.store import catalogue, people
from backroom.store.order_rows import ARTWORK_CONTEXT
from backroom.store.personal import Whose
from backroom.store.seals import Seals, unseal
from backroom.store.tables import erasures, fulfilment_orders, history, order_lines, orders, print_jobs, variants
from backroom.store.tables import people as people_table

# Why an order is held whose picture cannot be had or does not print, and what its history says of each such line.
UNFIT, REFUSED = "artwork_unfit", "artwork.refused"


@dataclass(frozen=True, slots=True)
class Brought:
    """A line of a claimed order whose picture was not fetched yet; `variant` is what was ordered, `sealed` the address
    as its row has it."""

    line_id: int
    order_id: int
    number: str
    line_no: int
    variant: Variant
    url: str = field(repr=False)
    sealed: bytes = field(repr=False)


def are_brought(connection: Connection, token: str) -> bool:
    """Whether a wave holds a line whose picture is to be fetched."""
    return connection.execute(select(order_lines.c.id).where(_waits(token)).limit(1)).first() is not None


def brought(connection: Connection, seals: Seals, token: str) -> list[Brought]:
    """The lines of a wave whose pictures are to be fetched, by its orders' priority. One of a SKU that is not in the
    catalogue waits for the right one."""
    query = (
        select(order_lines, orders.c.number, orders.c.person_id)
        .join(orders, orders.c.id == order_lines.c.order_id)
        .where(_waits(token))
        .order_by(orders.c.priority, orders.c.id, order_lines.c.line_no)
    )
    rows = connection.execute(query).mappings().all()
    keys = people.load(connection, seals, (row["person_id"] for row in rows))
    known = catalogue.variants_by_sku(connection, (row["sku"] for row in rows))
    return [
        Brought(
            row["id"],
            row["order_id"],
            row["number"],
            row["line_no"],
            known[row["sku"]],
            unseal(keys[row["person_id"]].key, row["artwork_url"], ARTWORK_CONTEXT).decode(),
            row["artwork_url"],
        )
        for row in rows
        if row["sku"] in known
    ]


def still(connection: Connection, token: str, lines: Sequence[Brought]) -> set[int]:
    """Those of the lines, by id, that are as they were when the wave began to fetch: of an order of the wave, which
    nobody else changes until the commit, and of the same piece and address. An id alone says nothing: a source's newer
    words write the lines anew."""
    ids = sorted({one.order_id for one in lines})
    locked = select(orders.c.id).where(orders.c.id.in_(ids), orders.c.claim_token == token)
    connection.execute(locked.order_by(orders.c.id).with_for_update())
    query = select(order_lines.c.id, order_lines.c.sku, order_lines.c.artwork_url)
    now = {
        row.id: (row.sku, row.artwork_url)
        for row in connection.execute(query.where(_waits(token), order_lines.c.order_id.in_(ids)))
    }
    return {one.line_id for one in lines if now.get(one.line_id) == (one.variant.sku, one.sealed)}


def take(connection: Connection, made: Mapping[int, Variant]) -> None:
    """Lines, by id, that `still` wait become lines of these variants."""
    catalogue.save_variants(connection, list({one.sku: one for one in made.values()}.values()))
    for line_id, variant in sorted(made.items()):
        ours = update(order_lines).where(order_lines.c.id == line_id)
        connection.execute(ours.values(sku=variant.sku, artwork_url=None))


def refused(connection: Connection, order_id: int) -> set[int]:
    """The numbers of the lines whose pictures an order was held for last; what was refused before that may be away by
    now, or well."""
    query = select(history.c.event, history.c.data).where(history.c.order_id == order_id)
    told = query.where(history.c.event.in_(("order.held", REFUSED))).order_by(history.c.id)
    lines: set[int] = set()
    for event, data in connection.execute(told):
        if event == REFUSED:
            lines.add(data["line"])
        elif data.get("reason") == UNFIT:
            lines.clear()
    return lines


def put_back(connection: Connection, token: str, order_ids: Iterable[int]) -> None:
    """Let go of orders that this wave does not come to: the next one takes them, and nothing is held against them."""
    ours = update(orders).where(orders.c.id.in_(sorted(set(order_ids))), orders.c.claim_token == token)
    connection.execute(ours.values(claim_token=None, attempts=0, next_attempt_at=None))


def are_being_fetched(connection: Connection) -> bool:
    """Whether a wave may be between putting a picture into the folder and naming it."""
    query = select(order_lines.c.id).join(orders, orders.c.id == order_lines.c.order_id)
    waits = order_lines.c.artwork_url.is_not(None), orders.c.claim_token.is_not(None)
    return connection.execute(query.where(*waits).limit(1)).first() is not None


def files_of(connection: Connection, whose: Whose) -> list[str]:
    """The pictures that somebody's lines name, by their names in the artwork folder; others may need them as well."""
    query = (
        select(variants.c.sku, variants.c.artwork)
        .join(order_lines, order_lines.c.sku == variants.c.sku)
        .where(order_lines.c.order_id.in_(whose.orders))
        .distinct()
        .order_by(variants.c.sku)
    )
    return sorted({row.artwork for row in connection.execute(query) if is_own(row.sku)})


def files_needed(connection: Connection) -> set[str]:
    """The pictures, by their names in the artwork folder, that stay: those that a line of somebody who was not
    forgotten names, or a print of theirs that has not ended, and those that the shop took into its catalogue.

    By the file and not by the SKU: the same picture on two pieces is two variants and one file.
    """
    own = variants.c.artwork.like(f"{PREFIX}%")
    by_lines = (
        select(variants.c.artwork)
        .join(order_lines, order_lines.c.sku == variants.c.sku)
        .where(own, order_lines.c.order_id.in_(_of_the_living()))
    )
    by_prints = (
        select(print_jobs.c.artwork)
        .join(fulfilment_orders, fulfilment_orders.c.id == print_jobs.c.fulfilment_order_id)
        .where(print_jobs.c.ended_at.is_(None), fulfilment_orders.c.order_id.in_(_of_the_living()))
    )
    needed = {name for query in (by_lines, by_prints) for name in connection.execute(query).scalars()}
    catalogued = connection.execute(select(variants.c.sku, variants.c.artwork).where(own))
    return needed | {row.artwork for row in catalogued if not is_own(row.sku)}


def _of_the_living() -> Select[tuple[int]]:
    """The orders of people who were not forgotten, nor that channel of theirs since it brought them."""
    closed = select(erasures.c.id).where(
        erasures.c.person_id == orders.c.person_id,
        erasures.c.person_since == people_table.c.created_at,
        erasures.c.channel == orders.c.channel,
        erasures.c.erased_at >= orders.c.accepted_at,
    )
    query = select(orders.c.id).join(people_table, people_table.c.id == orders.c.person_id)
    return query.where(people_table.c.wrapped_key.is_not(None), ~closed.exists())


def _waits(token: str) -> ColumnElement[bool]:
    return order_lines.c.artwork_url.is_not(None) & order_lines.c.order_id.in_(_of_wave(token))


def _of_wave(token: str) -> Select[tuple[int]]:
    return select(orders.c.id).where(orders.c.claim_token == token, orders.c.state == OrderState.ACCEPTED)
