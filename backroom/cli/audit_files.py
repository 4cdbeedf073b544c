"""The audit of files: a past before a shop moves in, and a channel's own list of what was paid."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from backroom.cli.output import console, show_json, show_table
from backroom.domain.audit_money import FailureCosts, failure_costs
from backroom.domain.cost_rates import CostRates
from backroom.domain.errors import AskPerson
from backroom.domain.money import EXPONENTS, format_money
from backroom.domain.opening import zone
from backroom.insight.audit.reading import costs_of
from backroom.insight.past.figures import audit_past
from backroom.insight.past.orders import ReadFile, read_past
from backroom.insight.past.page import TITLES, html_page, keep, numbers, said, said_file, sentences
from backroom.insight.past.page import as_json as plain_of
from backroom.insight.past.paid import Compared, compare
from backroom.shop.load import load_shop
from backroom.shop.room import REPORTS, Room, home_folder
from backroom.store import paid_elsewhere, plan_answers
from backroom.store.database import now


class WhichChannel(AskPerson):
    """A list of paid orders is of one channel, and it is not said of which."""

    cause = "which_channel"


class NotACurrency(AskPerson):
    """What was given is no currency or no time zone."""

    cause = "not_a_currency"


def audit_files(paths: list[Path], promise_days: int, currency: str, timezone: str, *, as_json: bool) -> None:
    """Count lost, wrong and slow in files, show them, and keep page and figures among the reports."""
    shop, costs, timezone = _terms(currency, timezone)
    past = read_past(paths, timezone, costs.currency)
    found = audit_past(past, costs, promise_days)
    plain = plain_of(found, past.files, datetime.now(UTC))
    page = keep(home_folder() / REPORTS, html_page(found, past.files, costs, shop), plain)
    if as_json:
        show_json(plain)
        return
    for failure, number in numbers(found).items():
        console.print(f"[bold]{TITLES[failure]}[/]: {said(number, found.currency)}", highlight=False)
    for line in sentences(found):
        console.print(line, highlight=False, markup=False)
    for name, rows in found.slow_by.items():
        if len(rows) > 1:
            told = [
                {name: which, "late": f"{late} of {of}", "median days": f"{days:.1f}"} for which, late, of, days in rows
            ]
            show_table(f"Slow by {name}", told, (name, "late", "median days"))
    for title, lines in (
        ("Not known", found.unknown),
        ("Read", [line for file in past.files for line in said_file(file)]),
        ("Costs", list(costs.sentences())),
    ):
        if lines:
            console.print(f"\n[bold]{title}[/]")
        for line in lines:
            console.print(f"- {line}", highlight=False, markup=False)
    console.print(f"\nThe page: {page}", highlight=False, soft_wrap=True)
    console.print("What comes next: backroom plan", highlight=False)


def compare_paid(room: Room, path: Path, channel: str) -> tuple[Compared, tuple[ReadFile, ...]]:
    """Compare a channel's list with what came here, and remember what is missing; returns also how it was read."""
    spec = room.shop.channel(_channel(room, channel))
    owner = room.shop.owner
    past = read_past([path], owner.timezone, owner.currency)
    with room.database.read() as connection:
        found = compare(connection, spec.id, past, owner.currency)
        at = now(connection)
    room.database.write(lambda c: paid_elsewhere.report(c, spec.id, found.missing, at))
    compared = f"{len(found.missing)} of {found.paid} missing"
    room.database.write(lambda c: plan_answers.save(c, f"{plan_answers.COMPARED}{spec.id}", compared, "", at))
    return found, past.files


def show_compared(found: Compared, files: tuple[ReadFile, ...]) -> None:
    """What a list and the shop have in common, and what must be looked at besides what is missing."""
    for line in (line for file in files for line in said_file(file)):
        console.print(line, highlight=False, markup=False)
    console.print(
        f"{found.paid} paid orders in the list: {found.here} are here, {len(found.missing)} never came, "
        f"{len(found.waiting)} wait at the door, {len(found.cancelled)} were cancelled here.",
        highlight=False,
    )
    for title, orders in (
        ("Paid there, cancelled here: pay them back at the channel", found.cancelled),
        ("Came, and not taken in: see backroom quarantine list", found.waiting),
    ):
        rows = [
            {"order": one.name, "id": one.external_id, "paid": format_money(one.total_minor, one.currency)}
            for one in orders
        ]
        if rows:
            show_table(title, rows, ("order", "id", "paid"))


def _terms(currency: str, timezone: str) -> tuple[str, FailureCosts, str]:
    """The shop's name, costs and time zone where it has a file already, else what was given."""
    path = home_folder() / "shop.toml"
    if path.exists():
        shop = load_shop(path)
        return shop.owner.name, costs_of(shop), shop.owner.timezone
    if currency.upper() not in EXPONENTS:
        raise NotACurrency(f"{currency!r} is no currency.", remedy="Write it like EUR or USD.")
    try:
        zone(timezone)
    except ValueError as error:
        raise NotACurrency(str(error)) from None
    return "This shop", failure_costs(CostRates(), None, currency.upper()), timezone


def _channel(room: Room, channel: str) -> str:
    ids = [one.id for one in room.shop.channels]
    if not channel and len(ids) != 1:
        raise WhichChannel("whose list is it?", remedy=f"Say --channel with one of {', '.join(ids)}.")
    return channel or ids[0]
