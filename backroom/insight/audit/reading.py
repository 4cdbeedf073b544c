"""Reading the audit out of the shop in one snapshot, and keeping its numbers for the wall."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from backroom.domain.audit import PAST_DAYS, Failure, Finding, Number
from backroom.domain.audit_money import FailureCosts, failure_costs
from backroom.domain.opening import instant, zone
from backroom.domain.shop import Shop
from backroom.insight.audit import lost, slow, wrong
from backroom.insight.audit.norms import Norms
from backroom.insight.audit.slow import Carrier
from backroom.insight.refresh import today_of
from backroom.shop.room import Room
from backroom.store import audit_days, audit_late, audit_rows, audit_wrong, paid_elsewhere
from backroom.store.database import now

WINDOW_DAYS = 7
TREND_DAYS = 28


@dataclass(frozen=True, slots=True)
class Audit:
    """One audit: the list, the three numbers, who carries the delay, and the numbers of the days before."""

    shop: Shop
    at: datetime
    day: str
    first: str
    numbers: tuple[Number, ...]
    findings: tuple[Finding, ...]
    delay: tuple[Carrier, ...]
    late: int
    costs: FailureCosts
    trend: Sequence[Any]

    def of(self, failure: Failure) -> list[Finding]:
        return [finding for finding in self.findings if finding.failure is failure]

    def number(self, failure: Failure) -> Number:
        return next(number for number in self.numbers if number.failure is failure)


def costs_of(shop: Shop) -> FailureCosts:
    """What failures cost this shop."""
    parcel = shop.carriers[0].price_minor if shop.carriers else None
    return failure_costs(shop.costs, parcel, shop.owner.currency)


def read_audit(room: Room) -> Audit:
    """The audit as of now. What orders did in the last minutes is in it once their facts are (`refresh_facts`)."""
    shop, costs = room.shop, costs_of(room.shop)
    places = [place.id for place in shop.locations]
    with room.database.read() as connection:
        at = now(connection)
        day = today_of(room, at)
        first = (date.fromisoformat(day) - timedelta(days=WINDOW_DAYS - 1)).isoformat()
        before = (date.fromisoformat(day) - timedelta(days=PAST_DAYS)).isoformat()
        since = instant(date.fromisoformat(first), time(), zone(shop.owner.timezone))
        past = at - timedelta(days=PAST_DAYS)
        norms = Norms(shop, audit_rows.passages(connection, places, shop.hub, past), past, at)
        standings = audit_rows.standings(connection, shop.hub, shop.owner.currency)
        missing = paid_elsewhere.missing(connection)
        scans = audit_wrong.refused_scans(connection, since)
        pieces = len(scans) + audit_wrong.accepted_scans(connection, since)
        codes = audit_wrong.shared_codes(connection)
        sent = audit_wrong.wrong_returns(connection, since)
        foreign = audit_wrong.foreign_pieces(connection, since)
        late = audit_late.late_orders(connection, first, day, shop.hub)
        shipped = audit_late.shipped(connection, first, day)
        medians = slow.stage_medians(audit_late.stage_times(connection, before, day))
        trend = audit_days.between(connection, (date.fromisoformat(day) - timedelta(days=TREND_DAYS)).isoformat(), day)
    stuck = lost.stuck(standings, norms)
    gone = lost.never_came(missing, shop.owner.currency, at) + [finding for _, finding in stuck]
    names = shop.location_names
    wrongs = wrong.returned(sent, costs, shop) + wrong.swapped(foreign, costs)
    wrongs += wrong.refused(scans, costs, names) + wrong.shared(codes)
    lost_orders = {finding.subject for finding in gone}
    moving = [one for one in standings if one.subject not in lost_orders]
    overdue = slow.late_now(moving, at, costs)
    carried = slow.carriers(late, medians)
    slows = slow.causes(carried, len(late), costs, names) + overdue
    numbers = (
        Number(Failure.LOST, len(lost_orders), len({one.subject for one in standings}) + len(missing), _once(gone)),
        Number(Failure.WRONG, sum(f.times for f in wrongs), pieces, sum(f.minor for f in wrongs)),
        Number(
            Failure.SLOW,
            len(late) + len(overdue),
            shipped + len(overdue),
            costs.late * (len(late) + len(overdue)),
        ),
    )
    findings = (*gone, *wrongs, *slows)
    return Audit(shop, at, day, first, numbers, findings, tuple(carried), len(late), costs, trend)


def keep_numbers(room: Room, audit: Audit) -> int:
    """Keep the numbers of the day, and settle what has come in meanwhile; returns how many that was."""

    def commit(connection: Any) -> int:
        audit_days.save(connection, audit.day, audit.numbers, audit.at)
        return paid_elsewhere.settle_those_that_came(connection, audit.at)

    return room.database.write(commit)


def _once(findings: Sequence[Finding]) -> int:
    """The money of findings, an order's once however many of its parts are stuck."""
    return sum({finding.subject: finding.minor for finding in findings}.values())
