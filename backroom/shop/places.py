"""Locations of the shop file: where they are, when they are open, and the printers beside them.

What belongs here: the fields of `[locations.ID]` and `[locations.ID.printers.NAME]`. What does not: talking to a
printer (`backroom.printing`), which location an order goes to (`rules`).
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from backroom.domain.cost_rates import CostRates
from backroom.domain.locations import BY_ROUTING, LOCATION_KINDS, PRINT_PROCESSES, Location, PrinterSpec, PromiseSpec
from backroom.domain.money import exponent
from backroom.domain.opening import WEEKDAYS, OpeningHours
from backroom.domain.printer_profile import PrinterProfile
from backroom.domain.shop import QUALITY_POOL, Owner
from backroom.shop import values
from backroom.shop.check import ShopFileInvalid
from backroom.shop.costs import read_own_costs
from backroom.shop.partners import read_partner
from backroom.shop.printer_profiles import NoSuchProfile, read_profile
from backroom.shop.section import Section

# Words of a promise's `late`; the second is an older one for by routing.
STAY, ELSEWHERE = "stay", "elsewhere"
SIDES = ("one-sided", "two-sided-long-edge", "two-sided-short-edge")
QUALITIES = ("draft", "normal", "high")
MEDIA = r"[a-z]+_[a-z0-9.-]+_[0-9.]+x[0-9.]+(mm|in)"
POOL = r"[A-Za-z0-9][A-Za-z0-9_-]*"

_ALWAYS_OPEN = OpeningHours.parse({day: ["00:00-24:00"] for day in WEEKDAYS}, "UTC")


def read_location(id_: str, section: Section, owner: Owner, costs: CostRates, folder: Path) -> Location:
    """One location; a field that is wrong is reported and stands in for itself. `costs` are the whole shop's, `folder`
    is the shop file's."""
    timezone = section.parsed("timezone", values.timezone, owner.timezone)
    kind = section.choice("kind", LOCATION_KINDS)
    location = Location(
        id=id_,
        name=section.text("name"),
        kind=kind,
        pool=section.text("pool", pattern=POOL, form="the name of a Prefect work pool, such as hub"),
        latitude=section.number("latitude", low=-90, high=90),
        longitude=section.number("longitude", low=-180, high=180),
        hours=_read_hours(section, timezone),
        country=section.parsed("country", values.country, owner.country),
        printers=tuple(_read_printer(name, one, folder) for name, one in section.sections("printers", required=False)),
        label_printer=_read_label_printer(section),
        scan=section.flag("scan"),
        capacity=section.whole("capacity", 0, high=1_000_000),
        event=section.text("event", ""),
        carrier=section.text("carrier", ""),
        costs=read_own_costs(section, owner.currency, costs),
        promise=_read_promise(section, kind, owner.currency),
        partner=read_partner(section, kind, owner.currency),
    )
    if location.pool == QUALITY_POOL:
        section.problem(
            "pool", f"{QUALITY_POOL} is the pool of data quality", "Give the location another, such as hub."
        )
    section.done()
    return location


def _read_promise(section: Section, kind: str, currency: str) -> PromiseSpec | None:
    """A booth says when a print is ready; elsewhere nobody stands there and waits, unless the file says so."""
    if not section.has("promise"):
        return PromiseSpec() if kind == "booth" else None
    one, usual = section.section("promise"), PromiseSpec()
    spec = PromiseSpec(
        handling_minutes=one.whole("handling_minutes", usual.handling_minutes, high=120),
        slack_minutes=one.whole("slack_minutes", usual.slack_minutes, high=120),
        late=_read_late(one, usual.late),
        late_sooner=one.flag("late_sooner", usual.late_sooner),
        late_extra_minor=one.money("late_extra_cost", exponent(currency), 0) if one.has("late_extra_cost") else None,
        late_hours=one.whole("late_hours", 0, low=1, high=1000) if one.has("late_hours") else None,
    )
    if not spec.late:
        for key in ("late_sooner", "late_extra_cost", "late_hours"):
            if one.has(key):
                one.problem(key, 'is of no use where late is "stay"', 'Leave it out, or write where: late = "hub".')
    one.done()
    return spec


def _read_late(section: Section, usual: tuple[str, ...]) -> tuple[str, ...]:
    """Where parcels go that would be late, in the order in which it is tried; `check` knows the locations."""
    words = section.one_or_more("late", required=section.has("late"))
    if not words:
        return usual
    if STAY in words and len(words) > 1:
        section.problem("late", '"stay" stands beside other places', 'Write "stay" alone, or leave it out.')
    return tuple(dict.fromkeys(BY_ROUTING if word == ELSEWHERE else word for word in words if word != STAY))


def _read_hours(section: Section, timezone: str) -> OpeningHours:
    """Every day by itself first, so that each wrong one is named; then the week as a whole."""
    if not section.has("hours"):
        return _ALWAYS_OPEN
    hours = section.section("hours")
    week = {}
    for day in WEEKDAYS:
        week[day] = hours.texts(day, ())
        try:
            OpeningHours.parse({day: week[day], _other(day): ["00:00-00:01"]}, timezone)
        except ValueError as error:
            hours.problem(day, _plain(error), 'Write ranges like ["09:00-12:30", "14:00-18:00"].')
            week[day] = ()
    hours.done()
    try:
        return OpeningHours.parse(week, timezone)
    except ValueError as error:
        section.problem("hours", _plain(error), 'Write at least one day, such as mon = ["09:00-18:00"].')
        return _ALWAYS_OPEN


def _other(day: str) -> str:
    """A day far from this one: a week needs one open day, and it must not touch the day that is looked at."""
    return WEEKDAYS[(WEEKDAYS.index(day) + 3) % len(WEEKDAYS)]


def _plain(error: ValueError) -> str:
    return str(error).replace(": join or part them", "")


def _read_printer(name: str, section: Section, folder: Path) -> PrinterSpec:
    """A printer; what it does not say of itself, its profile says."""
    profile = _read_profile(section, folder)
    prints = section.choices("prints", PRINT_PROCESSES, profile.processes if profile else None)
    printer = _read_address(name, section, prints)
    section.done()
    if profile is None:
        return printer
    return replace(printer, profile=profile, media=printer.media or next(iter(profile.media), ""))


def _read_profile(section: Section, folder: Path) -> PrinterProfile | None:
    if not (name := section.text("profile", "")):
        return None
    try:
        return read_profile(folder, name)
    except NoSuchProfile as error:
        section.problem("profile", error.message, error.remedy)
    except ShopFileInvalid as error:
        for one in error.problems:
            section.problem("profile", f"{name}: {one.field} {one.message}", one.remedy)
    return None


def _read_label_printer(section: Section) -> PrinterSpec | None:
    if not section.has("label_printer"):
        return None
    one = section.section("label_printer")
    printer = _read_address(one.text("name", "labels"), one, ())
    one.done()
    return printer


def _read_address(name: str, section: Section, prints: tuple[str, ...]) -> PrinterSpec:
    uri = section.parsed("uri", values.printer_uri)
    fingerprint = section.text("fingerprint", "").replace(":", "").lower()
    if fingerprint and not re.fullmatch("[0-9a-f]{64}", fingerprint):
        section.problem("fingerprint", "is not a SHA-256 fingerprint", "Copy its 64 hexadecimal digits.")
    if fingerprint and uri and not uri.startswith("ipps:"):
        section.problem("fingerprint", "is of no use without TLS", "Write the address as ipps://….")
    return PrinterSpec(
        name=name,
        uri=uri,
        prints=prints,
        media=section.text("media", "", pattern=MEDIA, form="a media name of IPP such as iso_a4_210x297mm"),
        sides=section.choice("sides", SIDES, ""),
        quality=section.choice("quality", QUALITIES, ""),
        fingerprint=fingerprint,
    )
