"""Findings: the rows that failed a check, each once, from when it was first seen until it is well again."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, and_, case, func, insert, select, update

from backroom.domain.errors import Refuse
from backroom.domain.quality import FindingState, Severity
from backroom.domain.quarantine import Aside
from backroom.store.batches import chunks, update_by_id
from backroom.store.tables import quality_findings

# So many new rows of one check are kept in a run; of the others the results keep the number.
NEW_MOST = 1_000
_ORDER = case({Severity.CRITICAL.value: 0, Severity.WARNING.value: 1}, value=quality_findings.c.severity, else_=2)


class NoFinding(Refuse):
    """There is no such finding, or it is not open."""

    cause = "no_finding"


@dataclass(frozen=True, slots=True)
class Failure:
    """A row that failed a check in a run: `data` is what was seen of it, ids, codes and figures."""

    code: str
    row_key: str
    subject: str
    severity: Severity
    number: str
    data: Mapping[str, Any] = field(default_factory=dict)


def note(connection: Connection, run_id: int, failures: Sequence[Failure], at: datetime) -> None:
    """Write down failures: new ones, those that come back, and that the others are still there.

    What a person accepted stays accepted as long as it goes on failing.
    """
    known = _known(connection, failures)
    fresh = [one for one in failures if (one.code, one.row_key) not in known]
    per_code: dict[str, int] = {}
    rows = []
    for one in fresh:
        per_code[one.code] = per_code.get(one.code, 0) + 1
        if per_code[one.code] <= NEW_MOST:
            rows.append(_new(one, run_id, at))
    for batch in chunks(rows, 500):
        connection.execute(insert(quality_findings), batch)
    seen, back = [], []
    for one in failures:
        before = known.get((one.code, one.row_key))
        if before is None:
            continue
        now_seen = {"id": before["id"], "last_at": at, "last_run": run_id, "data": dict(one.data)}
        if before["state"] in (FindingState.OPEN, FindingState.ACCEPTED):
            seen.append(now_seen)
        else:
            again = {"state": FindingState.OPEN, "first_at": at, "told_at": None, "ended_at": None, "actor": ""}
            again |= {"aside": Aside.UNDECIDED}
            back.append(now_seen | again)
    update_by_id(connection, quality_findings, seen)
    update_by_id(connection, quality_findings, back)


def passed(connection: Connection, subject: str, checked: Collection[str], run_id: int, at: datetime) -> int:
    """End what was open of the rows that this run has checked, and that it did not find again; returns how many."""
    waiting = _still(subject) & (quality_findings.c.last_run != run_id)
    query = select(quality_findings.c.id, quality_findings.c.row_key).where(waiting)
    return _end(connection, [row.id for row in connection.execute(query) if row.row_key in checked], at)


def vanished(connection: Connection, subject: str, run_id: int, at: datetime) -> int:
    """End what was open and that a run over every row did not find again: the row passed, or there is none now."""
    waiting = _still(subject) & (quality_findings.c.last_run != run_id)
    return _end(connection, list(connection.execute(select(quality_findings.c.id).where(waiting)).scalars()), at)


def count_open(connection: Connection) -> dict[str, int]:
    """How many findings are open, by severity."""
    query = select(quality_findings.c.severity, func.count()).where(quality_findings.c.state == FindingState.OPEN)
    return {row[0]: row[1] for row in connection.execute(query.group_by(quality_findings.c.severity))}


def open_findings(
    connection: Connection, most: int, severity: Severity | None = None, code: str = ""
) -> list[RowMapping]:
    """What is open, gravest first, then oldest first."""
    wanted: list[ColumnElement[bool]] = [quality_findings.c.state == FindingState.OPEN]
    if severity is not None:
        wanted.append(quality_findings.c.severity == severity)
    if code:
        wanted.append(quality_findings.c.code == code)
    query = select(quality_findings).where(and_(*wanted))
    query = query.order_by(_ORDER, quality_findings.c.first_at, quality_findings.c.id).limit(most)
    return list(connection.execute(query).mappings())


def finding(connection: Connection, id_: int) -> RowMapping:
    """One open finding; NoFinding when there is none of that id."""
    query = select(quality_findings).where(quality_findings.c.id == id_, quality_findings.c.state == FindingState.OPEN)
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        raise NoFinding(f"there is no open finding {id_}", remedy="`backroom quality list` shows what is open.")
    return row


def settle(connection: Connection, id_: int, state: FindingState, actor: str, at: datetime) -> None:
    """A person accepted it, or it was repaired."""
    mine = (quality_findings.c.id == id_) & (quality_findings.c.state == FindingState.OPEN)
    done = update(quality_findings).where(mine).values(state=state, actor=actor, ended_at=at)
    if connection.execute(done).rowcount != 1:
        raise NoFinding(f"there is no open finding {id_}", remedy="`backroom quality list` shows what is open.")


def untold(connection: Connection, severities: Collection[Severity]) -> dict[str, list[RowMapping]]:
    """Open findings of these severities that nobody was told of yet, by check."""
    query = select(quality_findings).where(
        quality_findings.c.state == FindingState.OPEN,
        quality_findings.c.told_at.is_(None),
        quality_findings.c.severity.in_(severities),
    )
    found: dict[str, list[RowMapping]] = {}
    for row in connection.execute(query.order_by(_ORDER, quality_findings.c.code, quality_findings.c.id)).mappings():
        found.setdefault(row["code"], []).append(row)
    return found


def told(connection: Connection, ids: Sequence[int], at: datetime) -> None:
    update_by_id(connection, quality_findings, [{"id": id_, "told_at": at} for id_ in ids])


def _still(subject: str) -> ColumnElement[bool]:
    here = quality_findings.c.state.in_([FindingState.OPEN, FindingState.ACCEPTED])
    return (quality_findings.c.subject == subject) & here


def _known(connection: Connection, failures: Sequence[Failure]) -> dict[tuple[str, str], RowMapping]:
    known: dict[tuple[str, str], RowMapping] = {}
    by_code: dict[str, list[str]] = {}
    for one in failures:
        by_code.setdefault(one.code, []).append(one.row_key)
    for code, keys in by_code.items():
        for batch in chunks(keys):
            query = select(quality_findings.c.id, quality_findings.c.code, quality_findings.c.row_key,
                           quality_findings.c.state)  # fmt: skip
            query = query.where(quality_findings.c.code == code, quality_findings.c.row_key.in_(batch))
            known |= {(row["code"], row["row_key"]): row for row in connection.execute(query).mappings()}
    return known


def name_of(row: RowMapping) -> str:
    """What failed, as people call it: an order, whichever of its rows it was, or a row of none."""
    return row["number"] or f"{row['subject']} {row['row_key']}"


def _new(failure: Failure, run_id: int, at: datetime) -> dict[str, Any]:
    return {
        "code": failure.code,
        "row_key": failure.row_key,
        "subject": failure.subject,
        "severity": failure.severity,
        "number": failure.number,
        "data": dict(failure.data),
        "state": FindingState.OPEN,
        "first_at": at,
        "last_at": at,
        "last_run": run_id,
    }


def _end(connection: Connection, ids: Sequence[int], at: datetime) -> int:
    update_by_id(connection, quality_findings, [{"id": i, "state": FindingState.GONE, "ended_at": at} for i in ids])
    return len(ids)
