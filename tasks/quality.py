"""Data quality as tasks: check the shop's rows, put aside what fails gravely, show what was found, alert by severity.

Each may be run again at any time: checks over every row go on where the last one stopped, and nobody is told twice.
"""

from __future__ import annotations

from prefect import get_run_logger, task
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from sqlalchemy import Connection

from backroom.domain.quality import Scope, Severity
from backroom.engine.runs import artifact_url
from backroom.insight import charts
from backroom.quality.checking import Check
from backroom.quality.docs import FOLDER, INDEX, write_pages
from backroom.quality.quarantine import table as quarantine_table
from backroom.quality.telling import TOLD_MOST, alert, markdown, read_told, sentence, summary, table, trend_of
from backroom.quality.validate import Inspector, in_turn
from backroom.shop.room import Room, this_room
from backroom.store.database import now
from backroom.store.quality import findings, quarantine
from tasks.alerting import raise_alert
from tasks.waking import send

ARTIFACT = "quality"
LIST = "quality-findings"
QUARANTINE = "quality-quarantine"


@task(name="check rows", retries=2, retry_delay_seconds=10)
def check_rows(scope: Scope) -> int:
    """Check the rows of every subject; returns the run's id."""
    room, log = this_room(), get_run_logger()
    with in_turn:
        check = Check.begin(room.database, room.shop, scope, Inspector())
        for step in check.steps():
            log.info("%s: %d rows, %d failures", step.subject, step.rows, step.failed)
    return check.run.id


@task(name="keep the quarantine", retries=2, retry_delay_seconds=5)
def keep_quarantine() -> str:
    """Let out of quarantine what is well, put what failed a grave check into it, and hold its orders; returns how many.

    The wake-ups of what goes on are sent after the commit; those that get lost are found by the sweep.
    """
    room = this_room()
    settled = room.database.write(lambda connection: quarantine.look_after(connection, room.shop, now(connection)))
    send(settled.wakeups)
    for code in settled.too_many:
        get_run_logger().warning("%s: too many rows failed at once, none is put aside", code)
    return f"put on hold {', '.join(settled.held) or 'none'}, let go on {', '.join(settled.released) or 'none'}"


@task(name="show findings", retries=2, retry_delay_seconds=5)
def show_findings(run_id: int) -> str:
    """Write the pages of the run, and the artifacts `quality`, `quality-findings` and `quality-quarantine`; returns how
    it stands."""
    room = this_room()
    with room.database.read() as connection:
        told = read_told(connection, run_id)
        aside = quarantine.listed(connection, TOLD_MOST)
    if told is None:
        return f"run {run_id} has not ended"
    with in_turn:
        write_pages(room.folder(FOLDER), room.shop.owner.name, told.run, told.results)
    rows = table(told.open) or [{"id": "", "what": "nothing is open"}]
    create_table_artifact(rows, key=LIST, description=f"Findings after run {run_id}")
    listed = quarantine_table(aside) or [{"id": "", "why": "nothing is in quarantine"}]
    create_table_artifact(listed, key=QUARANTINE, description=f"In quarantine after run {run_id}")
    drawn = charts.trend(trend_of(told), list(Severity), "open findings")
    page = markdown(told, f"{FOLDER}/{INDEX}", charts.data_uri(drawn) if drawn else "")
    create_markdown_artifact(page, key=ARTIFACT, description=f"Data quality, run {run_id}")
    return sentence(told)


@task(name="alert by severity", retries=2, retry_delay_seconds=5)
def alert_people(scope: Scope) -> int:
    """Tell the shop of what is new: critical findings at once, an alert a check; warnings once a night, together.

    What is only for information stands in the artifacts. Returns how many alerts there were.
    """
    room = this_room()
    with room.database.read() as connection:
        grave = findings.untold(connection, [Severity.CRITICAL])
        others = findings.untold(connection, [Severity.WARNING]) if scope is Scope.FULL else {}
    link = artifact_url(ARTIFACT)
    for code, rows in grave.items():
        subject, what = alert(code, rows)
        raise_alert(what, subject, link)
        _told(room, [row["id"] for row in rows])
    if others:
        subject, what = summary(others)
        raise_alert(what, subject, link)
        _told(room, [row["id"] for rows in others.values() for row in rows])
    return len(grave) + bool(others)


def _told(room: Room, ids: list[int]) -> None:
    def commit(connection: Connection) -> None:
        findings.told(connection, ids, now(connection))

    room.database.write(commit)
