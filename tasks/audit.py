"""The audit as tasks: make it, keep its numbers, and show it where people look. Each may be run again at any time."""

from __future__ import annotations

from prefect import get_run_logger, task
from prefect.artifacts import create_markdown_artifact, create_table_artifact

from backroom.insight.audit.page import TITLES, markdown, rows, said_number, wall_markdown, write_page
from backroom.insight.audit.reading import keep_numbers, read_audit
from backroom.insight.plan.page import headline
from backroom.insight.plan.page import markdown as plan_markdown
from backroom.insight.plan.reading import read_plan
from backroom.shop.room import REPORTS, this_room

# The table is a list for one day's work; the whole stands in the page.
LISTED = 200


@task(name="audit", retries=2, retry_delay_seconds=5)
def make_audit() -> str:
    """Look for what is lost, wrong and slow, keep the numbers, and show the list; returns the numbers in words."""
    room, log = this_room(), get_run_logger()
    audit = read_audit(room)
    came = keep_numbers(room, audit)
    if came:
        log.info("%d orders that were missing have come in", came)
    currency = room.shop.owner.currency
    page = write_page(audit, room.folder(REPORTS))
    listed = rows(audit.findings[:LISTED], currency) or [{"failure": "", "what": "nothing to do"}]
    create_table_artifact(listed, key="audit", description=f"What to do, audit of {audit.day}")
    create_markdown_artifact(wall_markdown(audit), key="audit-wall", description="Lost, wrong, slow")
    told = markdown(audit, f"{REPORTS}/{page.name}")
    create_markdown_artifact(told, key="audit-report", description=f"Audit of {audit.day}")
    return ", ".join(f"{TITLES[one.failure].lower()} {said_number(one, currency)}" for one in audit.numbers)


@task(name="plan", retries=2, retry_delay_seconds=5)
def show_plan() -> str:
    """Write the artifact `plan`: how far the first 30 days are; returns that in a sentence."""
    known = read_plan(this_room())
    create_markdown_artifact(plan_markdown(known), key="plan", description="The first 30 days")
    return headline(known)
