"""From an order's rows to its facts: one flat row with its times in seconds, its pieces and its troubles."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from datetime import datetime
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from backroom.domain.kpi import STAGES, way_of
from backroom.domain.locations import Location
from backroom.domain.model import OrderState
from backroom.domain.opening import zone
from backroom.domain.shop import Shop
from backroom.store.raw_orders import RawOrder

COUNTED = (
    "parcels",
    "label_minor",
    "pieces",
    "printed",
    "print_tries",
    "print_rejects",
    "emails",
    "texts",
    "messages_failed",
    "oversold",
    "returned",
    "return_parcels",
    "refunded_minor",
    "partner_minor",
)


def facts_of(raw: RawOrder, shop: Shop) -> dict[str, Any]:
    """The row of `order_facts` of one order; whole seconds, None for what has not happened."""
    order, local = raw.order, zone(shop.owner.timezone)
    # One whose parcels left keeps its end while a person is asked about it.
    shipped = order["state"] != OrderState.CANCELLED and order["ended_at"] is not None
    fact: dict[str, Any] = {
        "order_id": order["id"],
        "number": order["number"],
        "person_id": order["person_id"],
        "way": way_of(order["event"], _places(raw, shop)).value,
        "channel": order["channel"],
        "placed_at": order["placed_at"],
        "accepted_day": day_of(order["accepted_at"], local),
        "shipped_day": day_of(order["ended_at"], local) if shipped else "",
        **(_times(raw) if shipped else dict.fromkeys((*(f"{stage}_s" for stage in STAGES), "ship_s"))),
        "replaces": int(order["return_id"] is not None),
        "on_time": int(order["ended_at"] <= order["ship_by"]) if shipped and order["ship_by"] else None,
        **{name: raw.counts.get(name) or 0 for name in COUNTED},
    }
    # Only of those that are left out, so that the digests of all others stay as they were before there was this.
    fact |= {"left_out": raw.left_out} if raw.left_out else {}
    return {"left_out": ""} | fact | {"digest": zlib.crc32(repr((fact, sorted(raw.short))).encode())}


def _times(raw: RawOrder) -> dict[str, int]:
    """Whole seconds of each stage and of all of them. Clocks of other machines may run ahead: none is below zero."""
    order, parts = raw.order, raw.parts
    accepted, ended = order["accepted_at"], order["ended_at"]
    opened = min((part["opened_at"] for part in parts), default=accepted)
    made = max([opened, *(part["made_at"] or opened for part in parts)])
    labelled = max([made, *(part["labelled_at"] or part["made_at"] or opened for part in parts)])
    moments = [order["placed_at"], accepted, opened, made, labelled, ended]
    stages = {
        f"{stage}_s": max(0, int((after - before).total_seconds()))
        for stage, (before, after) in zip(STAGES, pairwise(moments), strict=True)
    }
    return stages | {"ship_s": max(0, int((ended - order["placed_at"]).total_seconds()))}


def _places(raw: RawOrder, shop: Shop) -> list[Location]:
    known: Mapping[str, Location] = {location.id: location for location in shop.locations}
    return [known[part["location"]] for part in raw.parts if part["location"] in known]


def day_of(at: datetime, local: ZoneInfo) -> str:
    """The shop's own day at this instant, as ISO 8601."""
    return at.astimezone(local).date().isoformat()
