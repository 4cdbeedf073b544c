"""Plans of what to take to an event, as they were made, and the newest of each."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, insert, select

from backroom.domain.forecast import Forecast
from backroom.domain.offers import LeftOut
from backroom.domain.prestaging import Kind, Line, Packs, Plan
from backroom.store.tables import restock_plans


@dataclass(frozen=True, slots=True)
class Expected:
    """What a plan expected of a SKU: the mean, from and to (four markets in five), and what the last market sold."""

    sku: str
    mean: float
    low: int
    high: int
    sba: float
    naive: float
    seen: int
    method: str


@dataclass(frozen=True, slots=True)
class StoredPlan:
    id: int
    plan: Plan
    expected: Mapping[str, Expected]
    open_share: float
    at: datetime
    left_out: tuple[LeftOut, ...] = ()


def expected_of(one: Forecast) -> Expected:
    low, high = one.interval()
    return Expected(
        one.sku, round(one.mean, 2), low, high, round(one.sba, 2), round(one.naive, 2), one.seen, one.method
    )


def save(
    connection: Connection,
    event_id: int,
    plan: Plan,
    expected: Sequence[Expected],
    open_share: float,
    at: datetime,
    left_out: Sequence[LeftOut] = (),
) -> int:
    """Write a plan, unless the newest one of its event says the same; returns the id of the one that holds."""
    rows: dict[str, Any] = {
        "lines": [asdict(line) for line in plan.lines],
        "packs": [asdict(packs) for packs in plan.packs],
        "used": dict(plan.used),
        "full": list(plan.full),
        "forecasts": [asdict(one) for one in expected],
        "left_out": [asdict(one) for one in left_out],
    }
    said = json.dumps([rows[name] for name in ("lines", "packs", "full", "forecasts", "left_out")], sort_keys=True)
    digest = hashlib.sha256(said.encode()).hexdigest()
    newest = _newest(connection, event_id)
    if newest is not None and newest["digest"] == digest:
        return int(newest["id"])
    written = insert(restock_plans).values(
        event_id=event_id,
        digest=digest,
        open_share=open_share,
        lost_without=plan.lost_without,
        lost_with=plan.lost_with,
        at=at,
        **rows,
    )
    id_: int = connection.execute(written.returning(restock_plans.c.id)).scalar_one()
    return id_


def newest(connection: Connection, event_id: int) -> StoredPlan | None:
    row = _newest(connection, event_id)
    return None if row is None else _plan(row)


def by_ids(connection: Connection, ids: Collection[int]) -> list[StoredPlan]:
    """Plans by their ids, the first one first."""
    query = select(restock_plans).where(restock_plans.c.id.in_(list(ids))).order_by(restock_plans.c.id)
    return [_plan(row) for row in connection.execute(query).mappings()]


def last_before_opening(connection: Connection, event_id: int) -> StoredPlan | None:
    """The plan that the event was begun with; where there was none, the first that was made during it."""
    query = select(restock_plans).where(restock_plans.c.event_id == event_id)
    before = query.where(restock_plans.c.open_share == 0).order_by(restock_plans.c.id.desc()).limit(1)
    row = connection.execute(before).mappings().first()
    if row is None:
        row = connection.execute(query.order_by(restock_plans.c.id).limit(1)).mappings().first()
    return None if row is None else _plan(row)


def _newest(connection: Connection, event_id: int) -> RowMapping | None:
    query = select(restock_plans).where(restock_plans.c.event_id == event_id)
    return connection.execute(query.order_by(restock_plans.c.id.desc()).limit(1)).mappings().first()


def _plan(row: RowMapping) -> StoredPlan:
    plan = Plan(
        tuple(Line(**line | {"kind": Kind(line["kind"])}) for line in row["lines"]),
        tuple(Packs(**packs) for packs in row["packs"]),
        row["lost_without"],
        row["lost_with"],
        dict(row["used"]),
        tuple(row["full"]),
    )
    expected = {one["sku"]: Expected(**one) for one in row["forecasts"]}
    left_out = tuple(LeftOut(**one) for one in row["left_out"])
    return StoredPlan(row["id"], plan, expected, row["open_share"], row["at"], left_out)
