"""Key figures as tasks: bring facts and figures up to date, and show them where people look.

Each may be run again at any time, and goes on where the last one stopped.
"""

from __future__ import annotations

from datetime import date

from prefect import get_run_logger, task
from prefect.artifacts import create_markdown_artifact, create_table_artifact

from backroom.domain.kpi import WAYS
from backroom.insight.reading import read_report
from backroom.insight.refresh import refresh_cohorts, refresh_facts, refresh_figures
from backroom.insight.report import markdown, table_of_day, write_files
from backroom.shop.room import this_room

SPAN_DAYS = 28
WEEK_DAYS = 7
FOLDER = "reports"


@task(name="read what changed", retries=2, retry_delay_seconds=5)
def read_changes() -> int:
    """Read again every order that something happened to; returns how many."""
    room, log, count = this_room(), get_run_logger(), 0
    for count in refresh_facts(room):
        log.info("%d orders read", count)
    return count


@task(name="compute figures", retries=2, retry_delay_seconds=5)
def compute_figures() -> int:
    """Compute the figures of the days that are due; returns how many of past days were corrected."""
    room, log, corrected = this_room(), get_run_logger(), 0
    for step in refresh_figures(room):
        corrected += len(step)
        for figure in step:
            log.warning("corrected: %s %s %s", figure.day, figure.name, figure.way)
    return corrected


@task(name="compute who comes back", retries=2, retry_delay_seconds=5)
def compute_returning() -> int:
    """Compute for each month how many of its new customers came back."""
    return len(refresh_cohorts(this_room()))


@task(name="show figures", retries=2, retry_delay_seconds=5)
def show_figures(period: str) -> str:
    """Write the artifacts `kpi` and `kpi-report`; daily also the files of the day and of its week. Returns the page."""
    room = this_room()
    report = read_report(room, SPAN_DAYS)
    day = report.days()[-1] if report.days() else report.last
    folder = room.folder(FOLDER)
    page = f"{day}.html"
    if period == "daily":
        write_files(read_report(room, SPAN_DAYS, day), folder, day)
        year, week, _ = date.fromisoformat(day).isocalendar()
        sunday = date.fromisocalendar(year, week, WEEK_DAYS).isoformat()
        write_files(read_report(room, WEEK_DAYS, sunday), folder, f"{year}-W{week:02}")
    rows = table_of_day(report, day) or [{"figure": "nothing was shipped yet"} | dict.fromkeys(WAYS, "")]
    create_table_artifact(rows, key="kpi", description=f"Figures of {day}")
    # Hourly nothing is written: it is there once the night has come by.
    told = markdown(report, f"{FOLDER}/{page}" if (folder / page).exists() else "")
    create_markdown_artifact(told, key="kpi-report", description=f"Report of {day}")
    return page
