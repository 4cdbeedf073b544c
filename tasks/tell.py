"""Telling: the table of a wave, the story of an order, and runs of their own for what is sick. Ids, never people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import Future

from prefect import get_run_logger
from prefect.artifacts import create_markdown_artifact, create_table_artifact

from backroom.domain import breaker
from backroom.domain.errors import AskPerson
from backroom.domain.explain import explain
from backroom.domain.explain_rate import explain_rate
from backroom.domain.model import OrderState, StepOutcome
from backroom.engine.wake import this_waker
from backroom.shop.room import Room
from backroom.store import holds
from backroom.store.claims import Claim
from backroom.store.routing import decision_from_row
from backroom.store.story import OrderStory, story
from tasks.pages import page_of
from tasks.sick import give_runs

ROWS_MOST = 500
# A person answers a few questions; more of one kind are answered on the gateway's page, or by mending the cause.
QUESTIONS_MOST = 25
# The event by which a step has done its part for an order.
STEPS = {
    "validate": "order.accepted",
    "route": "order.routed",
    "reserve": "order.reserved",
    "print or pick": "parcel.packed",
    "label": "parcel.labelled",
    "notify": "parcel.announced",
}


class OrderSick(AskPerson):
    """An order cannot go on. Mend the cause, then press Retry on this run."""

    cause = "order_sick"


class Report:
    """Counts what a run did over all its waves, for the one sentence it ends with."""

    def __init__(self, stage: str, location: str) -> None:
        self._where = f"{stage} at {location}"
        self._waves = 0
        self._last: dict[str, str] = {}

    def add(self, outcomes: Iterable[StepOutcome]) -> None:
        self._waves += 1
        self._last |= {outcome.subject: outcome.result for outcome in outcomes}

    def sentence(self) -> str:
        if not self._waves:
            return f"{self._where}: nothing waited"
        counts = Counter(self._last.values())
        return f"{self._where}: " + ", ".join(f"{count} {result}" for result, count in sorted(counts.items()))


def tell_wave(room: Room, claim: Claim, outcomes: Sequence[StepOutcome]) -> None:
    """Write the wave's table for the UI, and give sick orders their runs and held ones their forms."""
    last: dict[str, StepOutcome] = {}
    for outcome in outcomes:
        last[outcome.subject] = outcome
    sick = [outcome.subject for outcome in last.values() if outcome.result == "sick"]
    if sick:
        give_runs(room, claim.stage, claim.location)
        get_run_logger().warning("%d orders left the wave, sick: %s", len(sick), ", ".join(sick))
    ask_about_holds(room, [outcome.subject for outcome in last.values() if outcome.result == "held"])
    if last:
        rows = [
            {"order": o.subject, "outcome": o.result, "reason": o.reason, "page": page_of(o.subject)}
            for o in list(last.values())[:ROWS_MOST]
        ]
        create_table_artifact(rows, key=f"wave-{claim.stage}-{claim.location}", description=f"Wave {claim.token[:8]}")


def ask_about_holds(room: Room, numbers: Collection[str]) -> None:
    """Start the forms of these orders' Holds, of the oldest at first: the sweep asks about the others in their turn."""
    if not numbers:
        return
    with room.database.read() as connection:
        asked = holds.questions(connection, QUESTIONS_MOST)
    start_forms(question for question in asked if question.number in numbers)


def start_forms(questions: Iterable[holds.Question]) -> list[Future[bool]]:
    """Start the form of each Hold, once; each answer says, when it comes, whether it was started by this."""
    waker = this_waker()
    return [waker.start_decision_run(question.number, question.key) for question in questions]


def tell_order(room: Room, number: str) -> str:
    """Write an order's story as the artifact `order-<number>`; returns where it stands in one sentence."""
    with room.database.read() as connection:
        told = story(connection, number)
    if told is None:
        raise OrderSick(f"there is no order {number}", remedy="Check the number.")
    page = markdown(told, room.shop.location_names)
    create_markdown_artifact(page, key=f"order-{number.lower()}", description=f"The story of {number}")
    if told.order["state"] == OrderState.HELD:
        ask_about_holds(room, [number])
    return standing(told)


def raise_if_sick(number: str, outcomes: Sequence[StepOutcome]) -> None:
    """Fail this run when a step of the order was sick, so that it stays Failed in the UI with its reason."""
    sick = [outcome for outcome in outcomes if outcome.result == "sick"]
    if sick:
        raise OrderSick(
            f"{number} cannot go on: {sick[-1].reason}",
            remedy="Mend it, then press Retry here.",
            cause=sick[-1].cause,
        )


def standing(told: OrderStory) -> str:
    """Where an order stands, in one sentence."""
    number, state = told.order["number"], told.order["state"]
    waiting = [part for part in told.parts if part["state"] == "making"]
    if told.order["hold_reason"]:
        return f"{number} is held: {told.order['hold_reason']}"
    if waiting:
        jobs = [f"print job {job['id']} is {job['state']}" for job in told.print_jobs if job["state"] != "done"]
        return f"{number} is being made: " + ("; ".join(jobs) or "its pieces are to be scanned")
    return f"{number} is {state}"


def markdown(told: OrderStory, names: Mapping[str, str]) -> str:
    """An order's story as Markdown: where it stands, why it went there, what was made, and all that happened."""
    number = told.order["number"]
    lines = [f"# {number}", "", f"{standing(told)}. All of it: [its page]({page_of(number)})", ""]
    for breaker_id in told.breakers:
        lines += [f"{'; '.join(_waits_for(told, breaker_id))}. {breaker.what_to_do(breaker_id)}", ""]
    done = {entry["event"]: f"{entry['at']:%Y-%m-%d %H:%M:%S}" for entry in told.history}
    lines += ["## Steps", "", "| step | last done (UTC) |", "|---|---|"]
    lines += [f"| {step} | {done.get(event, '–')} |" for step, event in STEPS.items()] + [""]
    for row in told.decisions:
        lines += [explain(decision_from_row(row), number, names), ""]
    for row in told.rates:
        lines += [f"Carrier: {explain_rate(row)}", ""]
    lines += ["## Made at", "", "| location | state | outstanding |", "|---|---|---|"]
    lines += [f"| {part['location']} | {part['state']} | {part['outstanding']} |" for part in told.parts]
    if told.print_jobs:
        lines += [
            "",
            "## Prints",
            "",
            "| job | piece | copies | state | printer | reason |",
            "|---|---|---|---|---|---|",
        ]
        lines += [
            f"| {job['id']} | {job['sku']} | {job['copies']} | {job['state']} | {job['printer']} | {job['reason']} |"
            for job in told.print_jobs
        ]
    if told.effects:
        lines += ["", "## Effects", "", "| key | state | tries | reason |", "|---|---|---|---|"]
        lines += [f"| {e['key']} | {e['state']} | {e['tries']} | {e['reason']} |" for e in told.effects]
    lines += ["", "## What happened", "", "| when (UTC) | event | details |", "|---|---|---|"]
    lines += [
        f"| {entry['at']:%Y-%m-%d %H:%M:%S} | {entry['event']} | {_details(entry['data'])} |" for entry in told.history
    ]
    return "\n".join(lines)


def _waits_for(told: OrderStory, breaker_id: int) -> list[str]:
    """The reasons of what waits behind a breaker, each once."""
    rows = (told.order, *told.parts, *told.parcels, *told.returns, *told.news, *told.refunds)
    return list(dict.fromkeys(row["sick_reason"].rstrip(".") for row in rows if row["breaker_id"] == breaker_id))


def _details(data: dict[str, object]) -> str:
    said = ", ".join(f"{name}: {_plain(value)}" for name, value in data.items() if value not in ("", None, []))
    return said.replace("|", "/")


def _plain(value: object) -> str:
    return " and ".join(map(str, value)) if isinstance(value, list) else str(value)
