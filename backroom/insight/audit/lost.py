"""Lost: paid at the source and not here, and here but stuck beyond what is normal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import RowMapping

from backroom.domain.audit import BY_OPEN_DOORS, Action, Failure, Finding, Stage
from backroom.domain.next_action import Standing, next_action, why
from backroom.insight.audit.norms import Norms
from backroom.insight.words import say_seconds

NEVER_CAME = "never_came"


def stuck(standings: Iterable[Standing], norms: Norms) -> list[tuple[Standing, Finding]]:
    """What has stood in its stage longer than normal, the longest beyond it first."""
    found = []
    for one in standings:
        waited, normal = norms.waited(one.stage, one.place, one.since), norms.normal(one.stage, one.place)
        if waited > normal.seconds:
            doors = " of open doors" if one.stage in BY_OPEN_DOORS else ""
            told = f"measured from {normal.passages}" if normal.passages else "the usual"
            limit = f" Normal is {say_seconds(normal.seconds)} ({told})." if normal.seconds else ""
            finding = Finding(
                Failure.LOST,
                f"stuck_{one.stage}",
                one.subject,
                one.place,
                f"{why(one)} So for {say_seconds(waited)}{doors}.{limit}",
                next_action(one),
                one.stage,
                one.since,
                waited,
                normal.seconds,
                one.minor,
            )
            found.append((one, finding))
    return sorted(found, key=lambda pair: _beyond(pair[1]), reverse=True)


def never_came(missing: Sequence[RowMapping], currency: str, at: datetime) -> list[Finding]:
    """What a channel's own list has and we have not, oldest first."""
    return [
        Finding(
            Failure.LOST,
            NEVER_CAME,
            row["name"] or row["external_id"],
            row["channel"],
            f"{row['channel']} says it was paid, and it never came here.",
            Action(
                f"Open it at {row['channel']} and send it again, or enter it by hand. If it will not be sent, pay it "
                "back and say so here.",
                f"backroom audit settle {row['channel']} {row['external_id']} --because paid_back",
            ),
            Stage.ARRIVAL,
            row["placed_at"],
            (at - row["placed_at"]).total_seconds() if row["placed_at"] else None,
            None,
            row["total_minor"] if row["currency"] == currency else 0,
        )
        for row in missing
    ]


def _beyond(finding: Finding) -> float:
    return (finding.waited_s or 0.0) / (finding.normal_s or 1.0)
