"""The hosting check as people read it: the verdict, its reasons, a table, and a page with pictures.

What belongs here: the words. What does not: the check itself (`hosting`).
"""

from __future__ import annotations

from backroom.insight import answer_page, pictures
from backroom.insight.hosting import HostingCheck
from backroom.insight.robotics_report import ASSUMED_COLUMNS, assumed_rows
from backroom.insight.words import count_of

WAY_COLUMNS = (
    "way",
    "a_month",
    "half_done_in",
    "95_of_100_in",
    "99_of_100_in",
    "cold_starts",
    "at_once",
    "at_the_peak",
)


def facts(found: HostingCheck) -> list[str]:
    """What the shop's own arrivals say, and what was taken for granted that a reader would ask about."""
    machine = (
        "the shop file's hosting_per_month" if found.own_machine_price else "an assumption: the shop file has none"
    )
    return [
        f"{found.arrivals} messages came in {count_of(round(found.days), 'day')}, {found.busiest} in the busiest hour; "
        f"the peak is that hour with {found.peak} times as many.",
        f"What the machine costs is {machine}. Database and Prefect's server run on it; without it both are rented.",
        "A booth's and a hub's printers stay where they are: their workers run beside them whichever way is chosen.",
    ]


def way_rows(found: HostingCheck) -> list[dict[str, object]]:
    """A row a way."""
    return [
        {
            "way": way.name,
            "a_month": f"{way.bill:,.2f} {found.assumptions.currency}",
            "half_done_in": f"{way.p50:.2f} s",
            "95_of_100_in": f"{way.p95:.2f} s",
            "99_of_100_in": f"{way.p99:.2f} s",
            "cold_starts": f"{way.cold_share * 100:.1f} %",
            "at_once": way.most_at_once,
            "at_the_peak": f"{way.peak_p95:.2f} s",
        }
        for way in found.ways
    ]


def html_page(found: HostingCheck) -> str:
    currency = found.assumptions.currency
    curve = [
        (float(hour), name, value)
        for hour, mean, most in found.curve
        for name, value in (("mean", mean), ("most", float(most)))
    ]
    waits = [
        (way.name, when, seconds)
        for way in found.ways
        for when, seconds in (("95 of 100, as it was", way.p95), ("95 of 100, at the peak", way.peak_p95))
    ]
    return answer_page.page(
        f"{found.shop}: where should it run?",
        answer_page.verdict(found.verdict),
        answer_page.sentences("Why", found.because),
        answer_page.sentences("Your orders", facts(found)),
        answer_page.picture("Messages by the hour of the day", pictures.curve(curve, "hour", "messages in the hour")),
        answer_page.picture(
            "The bill of a month",
            pictures.side_by_side([(way.name, "a month", way.bill) for way in found.ways], currency),
        ),
        answer_page.picture("How long an order takes", pictures.side_by_side(waits, "seconds")),
        answer_page.picture(
            "The bill as the shop grows",
            pictures.curve(
                [(orders, way.name, bill) for way in found.ways for orders, bill in way.bills],
                "messages a month",
                f"{currency} a month",
            ),
        ),
        answer_page.picture(
            "What it hangs on: what serverless costs more than always on",
            pictures.tornado(found.swings, found.usual_difference, f"{currency} a month"),
        ),
        answer_page.table("Each way", way_rows(found), WAY_COLUMNS),
        answer_page.table(
            f"Assumptions, as of {found.assumptions.as_of}", assumed_rows(found.assumptions), ASSUMED_COLUMNS
        ),
    )
