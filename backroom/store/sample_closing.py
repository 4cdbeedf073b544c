"""A sample is not approved any more: what waits to be printed so goes elsewhere, or is held.

What belongs here: that, in the commit of what ended it: the reject that was one too many, a new batch, a word on a
newer sample. What does not: how many is too many (`backroom.domain.reject_rates`), where the orders go instead, which
routing decides.

Work that is begun comes to its end where it is. What a customer collects or carries out there can be made nowhere else:
it is held for a person, and goes on by itself once a new sample is approved.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, RowMapping, exists, select

from backroom.domain.model import Delivery, FulfilmentState, OrderState, Variant
from backroom.domain.reject_rates import rate_of, too_many
from backroom.domain.routing import NO_SAMPLE
from backroom.domain.samples import OWN_PICTURES, AtPrinter, Combination, combination_of, samples_for
from backroom.domain.shop import Shop
from backroom.store import desk, samples, stock_prints
from backroom.store.catalogue import variants_by_sku
from backroom.store.claims import Wakeup, wakeup
from backroom.store.intake import STAGE as INTAKE
from backroom.store.reject_figures import made, printer_of
from backroom.store.rerouting import begun, parts_of, send_elsewhere
from backroom.store.sample_checks import tell_events
from backroom.store.sample_standing import not_on_demand, read_standings, skus_of
from backroom.store.tables import fulfilment_lines, fulfilment_orders, orders

TOO_MANY_BAD = "too many prints came out bad"
NOT_APPROVED = "its sample is not approved any more"


@dataclass(slots=True)
class TakenBack:
    """Numbers of orders that are routed again, or held, and whom to wake."""

    rerouted: list[str] = field(default_factory=list)
    held: list[str] = field(default_factory=list)
    wakeups: list[Wakeup] = field(default_factory=list)


@dataclass(slots=True)
class Closing(TakenBack):
    """What was taken back, the samples that were closed, and why."""

    closed: list[int] = field(default_factory=list)
    why: str = ""


def close_if_too_many(connection: Connection, shop: Shop, job: RowMapping, at: datetime, actor: str) -> Closing:
    """Look at all prints under the sample by which a job was printed, and close it where too many were bad."""
    if not shop.samples.require:
        return Closing()
    variant = variants_by_sku(connection, [job["sku"]])[job["sku"]]
    standings = read_standings(connection, at)
    combination = combination_of(variant, printer_of(shop, job["location"], job["printer"]), standings.blanks)
    batches = standings.in_use.at(job["location"], job["printer"], combination)
    verdict = standings.of(combination, batches)
    if not verdict.approved:
        return Closing()
    sample = next(one for one in samples_for(combination, standings.samples) if one.id == verdict.sample)
    assert sample.decided_at is not None
    under = [one for one in made(connection, shop, sample.decided_at, combination) if sample.is_of(one.batches)]
    rate = rate_of(under)
    if not too_many(rate, shop.samples):
        return Closing()
    if combination.artwork == OWN_PICTURES:
        there = AtPrinter(job["location"], job["printer"], combination, batches, verdict)
        closed = [samples.close_own_pictures(connection, there, job["sku"], rate.words, at)]
    else:
        closed = samples.close(connection, [sample.id], rate.words, at)
    closing = Closing(closed=closed, why=rate.words)
    tell_events(connection, shop, at)
    for one in {combination, combination.of_own_pictures}:
        _clear(connection, shop, one, closing, at)
    return closing


def take_back(connection: Connection, shop: Shop, fell: Iterable[AtPrinter], at: datetime) -> TakenBack:
    """Of what is not approved any more where it was, take back what nobody has begun to print. Where the shop file asks
    for no samples it is printed all the same."""
    taken = TakenBack()
    by_place: dict[str, set[Combination]] = {}
    for one in fell if shop.samples.require else ():
        by_place.setdefault(one.location, set()).add(one.combination)
    fallen = {location: skus_of(connection, *combinations) for location, combinations in by_place.items()}
    _clear_places(connection, shop, fallen, NOT_APPROVED, taken, at)
    return taken


def let_go(connection: Connection, shop: Shop, skus: Iterable[str], at: datetime, actor: str) -> list[Wakeup]:
    """Let the orders go on that were held for want of a sample of one of these SKUs, and whose place prints now all
    that they wait for."""
    wants = exists().where(
        fulfilment_lines.c.fulfilment_order_id == fulfilment_orders.c.id,
        fulfilment_orders.c.order_id == orders.c.id,
        fulfilment_lines.c.sku.in_(list(skus)),
    )
    held = select(orders.c.number, orders.c.id).where(
        orders.c.state == OrderState.HELD, orders.c.hold_reason == NO_SAMPLE, wants
    )
    rows = connection.execute(held.order_by(orders.c.id)).all()
    lacking = _lacking(connection, shop, [row.id for row in rows], at)
    go_on = [row.number for row in rows if row.id not in lacking]
    return [wake for number in go_on for wake in desk.release(connection, number, actor, shop.hub)]


@dataclass(slots=True)
class Turned:
    """Parts whose order went elsewhere, or is held, and whom to wake."""

    ids: set[int] = field(default_factory=set)
    wakeups: list[Wakeup] = field(default_factory=list)


def turn_back(
    connection: Connection,
    shop: Shop,
    location: str,
    parts: Sequence[RowMapping],
    lines: Mapping[int, Sequence[RowMapping]],
    variants: Mapping[str, Variant],
    at: datetime,
    run_id: str,
) -> Turned:
    """Of OPEN parts in the caller's claim, keep those from being begun of which something is not printed here on demand
    any more: its approval ran out after their order had been routed, or ended while it was."""
    printed = {line["sku"] for part in parts for line in lines[part["id"]] if line["to_print"]}
    closed = not_on_demand(connection, shop, [variants[sku] for sku in printed], at).get(location, {})
    turned = Turned()
    for part in parts if closed else ():
        if not any(line["to_print"] and line["sku"] in closed for line in lines[part["id"]]):
            continue
        turned.ids.add(part["id"])
        query = select(orders).where(orders.c.id == part["order_id"]).with_for_update()
        order = connection.execute(query).mappings().one()
        work = parts_of(connection, order["id"])
        others = [other for other in work if other["id"] != part["id"]]
        if _goes_elsewhere(connection, order, work, others, location, NOT_APPROVED, at, run_id):
            turned.wakeups = [wakeup(connection, INTAKE, shop.hub)]
    return turned


def _lacking(connection: Connection, shop: Shop, ids: Sequence[int], at: datetime) -> set[int]:
    """Of these orders those whose place does not print on demand something that is still to be printed there."""
    open_ = (
        select(fulfilment_orders.c.order_id, fulfilment_orders.c.location, fulfilment_lines.c.sku)
        .join(fulfilment_lines, fulfilment_lines.c.fulfilment_order_id == fulfilment_orders.c.id)
        .where(
            fulfilment_orders.c.order_id.in_(ids),
            fulfilment_orders.c.state != FulfilmentState.CANCELLED,
            fulfilment_lines.c.to_print > fulfilment_lines.c.printed,
        )
    )
    rows = connection.execute(open_).all()
    variants = variants_by_sku(connection, {row.sku for row in rows})
    closed = not_on_demand(connection, shop, variants.values(), at)
    return {row.order_id for row in rows if row.sku in closed.get(row.location, {})}


def _clear(connection: Connection, shop: Shop, combination: Combination, closing: Closing, at: datetime) -> None:
    """Take back what nobody has begun to print so, at every place that does not print it on demand any more."""
    skus = skus_of(connection, combination)
    variants = variants_by_sku(connection, skus)
    standings = read_standings(connection, at)
    closed: dict[str, list[str]] = {}
    for location in shop.locations:
        closed[location.id] = [
            sku
            for sku in skus
            if any(
                one.combination == combination and not one.verdict.approved
                for one in standings.at_place(location, variants[sku])
            )
        ]
    _clear_places(connection, shop, closed, TOO_MANY_BAD, closing, at)


def _clear_places(
    connection: Connection, shop: Shop, skus: Mapping[str, Sequence[str]], words: str, taken: TakenBack, at: datetime
) -> None:
    """At each place, drop what was to be printed of its SKUs to stock, and take back what nobody has begun for orders;
    whoever routes them is woken."""
    for location, there in skus.items():
        if there:
            stock_prints.drop_of_skus(connection, location, there, at)
            for order in _waiting_for(connection, location, there):
                _take_back(connection, order, location, words, taken, at)
    if taken.rerouted:
        taken.wakeups.append(wakeup(connection, INTAKE, shop.hub))


def _waiting_for(connection: Connection, location: str, skus: Sequence[str]) -> list[RowMapping]:
    """Orders with unfinished work at a place that prints one of these SKUs, locked in the order of their ids."""
    here = exists().where(
        fulfilment_orders.c.order_id == orders.c.id,
        fulfilment_orders.c.location == location,
        fulfilment_orders.c.state.in_((FulfilmentState.OPEN, FulfilmentState.MAKING, FulfilmentState.HELD)),
        fulfilment_lines.c.fulfilment_order_id == fulfilment_orders.c.id,
        fulfilment_lines.c.sku.in_(skus),
        fulfilment_lines.c.to_print > fulfilment_lines.c.printed,
    )
    # One that a person holds is not printed so either, once it is let go on.
    held = (orders.c.state == OrderState.HELD) & (orders.c.held_from == OrderState.RELEASED)
    query = select(orders).where(
        here, (orders.c.state == OrderState.RELEASED) | (held & (orders.c.hold_reason != NO_SAMPLE))
    )
    return list(connection.execute(query.order_by(orders.c.id).with_for_update()).mappings())


def _take_back(
    connection: Connection, order: RowMapping, location: str, words: str, taken: TakenBack, at: datetime
) -> None:
    parts = parts_of(connection, order["id"])
    here = [part for part in parts if part["location"] == location]
    if any(begun(connection, part, at) for part in here):
        return
    if _goes_elsewhere(connection, order, parts, parts, location, words, at, ""):
        taken.rerouted.append(order["number"])
    elif order["state"] != OrderState.HELD:
        taken.held.append(order["number"])


def _goes_elsewhere(
    connection: Connection,
    order: RowMapping,
    parts: Sequence[RowMapping],
    others: Sequence[RowMapping],
    location: str,
    words: str,
    at: datetime,
    run_id: str,
) -> bool:
    """Whether an order is routed anew; one that cannot be (nobody else makes what is collected there, or one of the
    `others` of its parts is begun) is held for a person, if none has it already."""
    held = order["state"] == OrderState.HELD
    if (order["delivery"] == Delivery.SHIP or held) and not any(begun(connection, part, at) for part in others):
        send_elsewhere(connection, order, parts, {"from": location, "why": words}, words, at, run_id)
        return True
    if not held:
        desk.hold(connection, order["number"], NO_SAMPLE, "")
    return False
