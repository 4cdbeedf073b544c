"""What an event's pages say of its tills: when each was heard last, and which sales were never told.

What belongs here: that part of the page, and its button. What does not: settling (`events`), and the sentences
(`backroom.store.untold_sales`).
"""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import Request
from sqlalchemy import Connection, RowMapping

from backroom.domain.events import EventState
from backroom.gateway.pages.html import Html, button, form, tag, when
from backroom.store import untold_sales
from backroom.store.untold_sales import Untold

# What somebody who settles says of what lacks, as fields of the form.
SALES_LOST = ("sales", "lost")
REST_MISSING = ("rest", "missing")

Tills = tuple[Sequence[Untold], Sequence[RowMapping]]


def look(connection: Connection, row: RowMapping) -> Tills:
    """What an event's tills lack, and the tills; neither of a settled one."""
    untold = untold_sales.of_event(connection, row)
    return untold, untold_sales.heard(connection, row, untold)


def section(request: Request, row: RowMapping, tills: Tills, *, with_button: bool = False) -> Html | None:
    """What was never told and the two ways out, and when each till was heard last; nothing where nothing is."""
    untold, heard = tills
    expected = row["state"] in (EventState.LIVE, EventState.CLOSED) and bool(row["tills"])
    if not heard and not expected:
        return None
    lacking = [
        tag("p", f"{untold_sales.said(untold)}.", cls="answer bad", role="alert"),
        tag(
            "p",
            f"Settled now, their pieces would be called missing. {untold_sales.BRING_IT_BACK}",
        ),
        _without_them(request, row) if with_button and row["state"] == EventState.CLOSED else None,
    ]
    silent = "No till was heard since it began: one that sold without network still has its sales."
    return tag(
        "section",
        lacking if untold else None,
        [tag("p", f"{one['name']} was heard last ", when(request, one["heard_at"])) for one in heard]
        or tag("p", silent, cls="act"),
        tag("p", "What a till sold after that and has not told is in no list.", cls="quiet") if heard else None,
    )


def _without_them(request: Request, row: RowMapping) -> Html:
    name, value = REST_MISSING
    rest = tag("input", type="checkbox", name=name, value=value)
    name, value = SALES_LOST
    return tag(
        "details",
        tag("summary", "The till is lost: nobody will tell them"),
        tag("p", "It is written into the event's history which sales were given up, and by whom."),
        form(
            request,
            f"/events/{row['code']}/settle",
            tag("p", tag("label", rest, " What nobody counted is missing")),
            button("Settle without these sales", name=name, value=value),
        ),
    )
