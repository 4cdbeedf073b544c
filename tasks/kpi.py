"""Key figures as tasks: bring facts and figures up to date, and show them where people look.

Each may be run again at any time, and goes on where the last one stopped.
"""

from __future__ import annotations

from itertools import islice

from prefect import get_run_logger, task
from prefect.artifacts import create_image_artifact, create_markdown_artifact, create_table_artifact

from backroom.domain.kpi import WAYS
from backroom.insight import charts
from backroom.insight.files import write_files
from backroom.insight.markdown import markdown
from backroom.insight.reading import day_span, last_day, read_report, week_span
from backroom.insight.refresh import refresh_facts, refresh_figures, refresh_months
from backroom.insight.report import pictures, table
from backroom.shop.room import REPORTS, this_room

# So many pictures are in the artifact of the report; the page has all.
CHARTS = 2


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


@task(name="compute what and who comes back", retries=2, retry_delay_seconds=5)
def compute_months() -> int:
    """Compute for each month how many of its pieces, and of its new customers, came back."""
    return len(refresh_months(this_room()))


@task(name="write reports", retries=2, retry_delay_seconds=5)
def write_reports() -> list[str]:
    """Write the files of the last day that is over, and of its week; returns the names of their pages."""
    room = this_room()
    day = last_day(room, over=True)
    reports = (read_report(room, span, with_orders=True) for span in (day_span(day), week_span(day)))
    return [write_files(report, room.folder(REPORTS))[0].name for report in reports]


@task(name="show figures", retries=2, retry_delay_seconds=5)
def show_figures() -> str:
    """Write the artifacts `kpi`, `kpi-chart` and `kpi-report` of the last day; returns it."""
    room = this_room()
    report = read_report(room, day_span(last_day(room)))
    columns = ("figure", *WAYS, "before", "change")
    rows = [{column: row[column] for column in columns} for row in table(report)]
    rows = rows or [{"figure": "nothing was shipped yet"} | dict.fromkeys(columns[1:], "")]
    create_table_artifact(rows, key="kpi", description=f"Figures of {report.title}")
    drawn = list(islice(pictures(report), CHARTS))
    for title, svg in drawn[:1]:
        create_image_artifact(charts.data_uri(svg), key="kpi-chart", description=title)
    # Hourly no page is written: it is there once the night has come by.
    page = f"{REPORTS}/{report.title}.html"
    told = markdown(report, page if (room.home / page).exists() else "", drawn)
    create_markdown_artifact(told, key="kpi-report", description=f"Report of {report.title}")
    return report.title
