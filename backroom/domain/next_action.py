"""What to do next about an order that stands still: where it stands, why, and the one thing that moves it on.

What belongs here: sentences for whoever opens the list on Monday, each with the command and the staff page. What does
not: whether it has stood too long (`audit.normal_time`), and the longer advice of the guide.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from backroom.domain.audit import Action, Stage
from backroom.domain.holds import what_to_do
from backroom.domain.model import PrintJobState


@dataclass(frozen=True, slots=True)
class OpenPrint:
    """The print that holds a piece of work up: its state, its printer and reason, and what `remedies` says to do."""

    job: int
    state: PrintJobState
    printer: str
    reason: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an order that has not ended stands, or its work at one place: since when, and what keeps it.

    `subject` is the order's number, or its id at the channel before it has one. `place` is a location or a channel.
    `minor` is what was paid, in the shop's currency. `reason` is a hold's code, a sick one's reason, or the codes of
    quarantine. `missing` are SKUs that a backorder lacks; `to_scan` pieces that are still to be scanned.
    `partner` is how it stands at the partner who makes it.
    """

    subject: str
    stage: Stage
    place: str
    since: datetime
    minor: int
    ship_by: datetime | None = None
    sick: bool = False
    reason: str = ""
    breaker: int | None = None
    print: OpenPrint | None = None
    to_scan: int = 0
    partner: str = ""
    missing: tuple[str, ...] = ()


def why(one: Standing) -> str:
    """Why it stands still, as far as the shop knows."""
    if one.breaker is not None:
        return f"It waits with others for one cause to be mended: {one.reason}."
    if one.sick:
        return f"It failed: {one.reason}."
    match one.stage:
        case Stage.ARRIVAL:
            return "Its message came and was not read."
        case Stage.QUARANTINE:
            return f"Its message is no order that can be taken ({one.reason})."
        case Stage.INTAKE:
            return "It was taken in and not sent to a place."
        case Stage.HELD:
            return f"It is on hold: {one.reason}."
        case Stage.BACKORDER:
            return f"It waits for stock of {', '.join(one.missing)}." if one.missing else "It waits for stock."
        case Stage.EXCHANGE:
            return "It is an exchange that waits for the piece it was changed for."
        case Stage.MAKING:
            return _why_making(one)
        case Stage.PACKING:
            return "Its pieces are there, and it has no label."
        case Stage.ANNOUNCING:
            return "Its label is made, and the customer was not told."
        case Stage.NOWHERE:
            return "It was sent to no place where it is worked on."
    raise AssertionError(one.stage)


def _why_making(one: Standing) -> str:
    if one.partner:
        return f"It is at its partner, who says: {one.partner.replace('_', ' ')}."
    if one.print is None:
        return f"{one.to_scan} of its pieces are not scanned." if one.to_scan else "Nobody has begun with it."
    at = f" at {one.print.printer}" if one.print.printer else ""
    reason = f" ({one.print.reason})" if one.print.reason else ""
    return f"Its print is {one.print.state}{at}{reason}."


def next_action(one: Standing) -> Action:
    """The next thing to do about it."""
    show, page = f"backroom order show {one.subject}", f"/orders/{one.subject}"
    if one.breaker is not None:
        return Action("Mend the cause; all that wait for it then go on by themselves within minutes.", show, page)
    match one.stage:
        case Stage.ARRIVAL:
            return Action("See that Backroom runs: its hub's worker reads what came.", "backroom up")
        case Stage.QUARANTINE:
            words = "Read what is wrong with it. Mend it at the channel, then replay it here; or enter the order anew."
            return Action(words, "backroom quarantine list", "/quarantine")
        case Stage.HELD:
            words = what_to_do(one.reason) or "Read on its page why it is held, then let it go on or cancel it."
            return Action(words, f"backroom order release {one.subject}", page)
        case Stage.BACKORDER:
            words = "Order the pieces and count them in when they come, or write to the customer and cancel it."
            return Action(words, show, page)
        case Stage.EXCHANGE:
            words = "Ask the customer where the piece is. Let it go on without it, or cancel it."
            return Action(words, f"backroom order release {one.subject}", page)
        case Stage.MAKING if one.partner and not one.sick:
            words = f"Ask {one.place} what became of it: write or call, or look at their page."
            return Action(words, f"backroom partner list {one.place}", page)
        case Stage.MAKING if one.print is not None:
            return _act_on_print(one, one.print)
        case Stage.MAKING if one.to_scan:
            words = (
                f"Find its pieces at {one.place} and scan them. If one is not there, hold the order and count again."
            )
            return Action(words, show, f"/scan/{one.place}")
        case Stage.NOWHERE:
            words = "Hold it, then let it go on: it is routed again."
            return Action(words, f"backroom order hold {one.subject}", page)
    words = "Mend what its reason says, then try it again." if one.sick else "Try it again, and look at its run."
    return Action(words, f"backroom order retry {one.subject}", page)


def _act_on_print(one: Standing, job: OpenPrint) -> Action:
    words = job.remedy
    if not words and job.state is PrintJobState.WAITING:
        words = f"See that a worker runs at {one.place} and that a printer there is free."
    elif not words:
        words = f"Look at {job.printer or 'the printer'} at {one.place}: the print was begun and did not end."
    return Action(words, f"backroom print queue {one.place}", f"/prints/{one.place}")
