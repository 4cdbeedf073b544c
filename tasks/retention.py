"""Retention as tasks: finish what erasures left, carry requests out, remove what was kept for long enough, and say so.

Each may be run again at any time, and goes on where the last one stopped. Prefect hears numbers and counts.
"""

from __future__ import annotations

from datetime import timedelta

from prefect import get_run_logger, task
from prefect.artifacts import create_markdown_artifact

from backroom.domain.errors import AskPerson
from backroom.engine.forgetting import Runs
from backroom.privacy import erasure, requests, retention
from backroom.shop.room import this_room
from backroom.store import api_keys
from backroom.store import requests as asked
from backroom.store import retention as rows
from backroom.store.database import now

SOON = timedelta(days=30)
# A request that nobody has answered by then makes its night's run fail, which alerts, every night.
LAST_DAYS = timedelta(days=7)
LISTED = 40


class RequestsDue(AskPerson):
    """Somebody asked for their data, or to be forgotten, and the law's time for it is nearly over."""

    cause = "requests_due"


@task(name="finish erasures", retries=2, retry_delay_seconds=5)
def finish_erasures() -> int:
    """Do outside the database what earlier erasures left to do; returns how many files went."""
    report = erasure.finish(this_room(), Runs().forget)
    for left in report.left:
        get_run_logger().warning("left: %s", left)
    return report.files


@task(name="carry requests out", retries=2, retry_delay_seconds=5)
def carry_out_requests() -> int:
    """Forget whom waiting requests name; returns how many people. Who is still served waits for the next night."""
    log, forgotten = get_run_logger(), 0
    for request, report in requests.carry_out(this_room(), Runs().forget):
        forgotten += len(report.people)
        log.info("request %d: %d forgotten, %d still served", request["id"], len(report.people), len(report.still))
        for still in report.still:
            log.info("request %d: %s", request["id"], still.message)
    return forgotten


@task(name="remove what is old", retries=2, retry_delay_seconds=5)
def remove_old() -> str:
    """Remove what was kept for long enough; returns how much of each kind."""
    log, said = get_run_logger(), []
    for removed in retention.remove_old(this_room(), Runs().forget):
        log.info("%s: %d from before %s", removed.kind, removed.count, f"{removed.before:%Y-%m-%d}")
        if removed.count:
            said.append(f"{removed.kind} {removed.count}")
    return ", ".join(said) or "nothing"


@task(name="show privacy", retries=2, retry_delay_seconds=5)
def show_privacy() -> int:
    """Write the artifact `privacy`: what waits for somebody, what was removed, which keys end soon. Returns how many
    requests wait."""
    room = this_room()
    with room.database.read() as connection:
        at = now(connection)
        waiting, removed = asked.waiting(connection), rows.noted(connection, LISTED)
        ending = api_keys.ending(connection, SOON)
    parts = ["## Requests that wait", ""]
    parts += [
        f"- request {row['id']} ({row['kind']}, {row['channel'] or 'at the desk'}): "
        f"{(row['due_at'] - at).days} days left. `backroom person settle {row['id']}`"
        for row in waiting
    ] or ["None."]
    parts += ["", "## API keys that end soon", ""]
    parts += [
        f"- key {row['id']} ({row['scope']}, {row['name']}): {row['expires_at']:%Y-%m-%d}. "
        f"`backroom key renew {row['id']}`"
        for row in ending
    ] or ["None."]
    parts += ["", "## Removed lately", "", "| When | What | How many | From before |", "|---|---|---|---|"]
    parts += [
        f"| {row['at']:%Y-%m-%d %H:%M} | {row['kind']} | {row['count']} | {row['before']:%Y-%m-%d} |" for row in removed
    ]
    create_markdown_artifact("\n".join(parts), key="privacy", description="Requests, retention and keys")
    return len(waiting)


@task(name="remind of requests")
def remind_of_requests() -> None:
    """Raise RequestsDue for requests whose last week has come, so that this run is seen."""
    with this_room().database.read() as connection:
        at = now(connection)
        due = [row for row in asked.waiting(connection) if row["due_at"] - at <= LAST_DAYS]
    if due:
        listed = ", ".join(f"{row['id']} by {row['due_at']:%Y-%m-%d}" for row in due)
        raise RequestsDue(
            f"requests have to be answered: {listed}",
            remedy="`backroom person requests` lists them, `backroom person settle` answers one.",
        )
