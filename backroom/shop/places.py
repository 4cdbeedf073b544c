"""Locations of the shop file: where they are, when they are open, and the printers beside them.

What belongs here: the fields of `[locations.ID]` and `[locations.ID.printers.NAME]`. What does not: talking to a
printer (`backroom.printing`), which location an order goes to (`rules`).
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from backroom.domain.opening import WEEKDAYS, OpeningHours, zone
from backroom.domain.shop import LOCATION_KINDS, PRINT_PROCESSES, Location, Owner, PrinterSpec
from backroom.shop.check import suggest
from backroom.shop.section import Section

HAND_OVERS = ("courier", "counter")
SIDES = ("one-sided", "two-sided-long-edge", "two-sided-short-edge")
QUALITIES = ("draft", "normal", "high")
MEDIA = r"[a-z]+_[a-z0-9.-]+_[0-9.]+x[0-9.]+(mm|in)"
POOL = r"[A-Za-z0-9][A-Za-z0-9_-]*"

_FOLDER = re.compile(r"folder:[A-Za-z0-9_.-][A-Za-z0-9_./ -]*|folder:/.+")
_ALWAYS_OPEN = OpeningHours.parse({day: ["00:00-24:00"] for day in WEEKDAYS}, "UTC")


def read_location(id_: str, section: Section, owner: Owner) -> Location:
    """One location; a field that is wrong is reported and stands in for itself."""
    timezone = section.text("timezone", owner.timezone)
    location = Location(
        id=id_,
        name=section.text("name"),
        kind=section.choice("kind", LOCATION_KINDS),
        pool=section.text("pool", pattern=POOL, form="the name of a Prefect work pool, such as hub"),
        latitude=section.number("latitude", low=-90, high=90),
        longitude=section.number("longitude", low=-180, high=180),
        hours=_read_hours(section, timezone),
        country=section.text("country", owner.country, pattern="[A-Z]{2}", form="a country code such as DE"),
        printers=tuple(_read_printer(name, one) for name, one in section.sections("printers", required=False)),
        label_printer=_read_label_printer(section),
        scan=section.flag("scan"),
        capacity=section.whole("capacity", 0, high=1_000_000),
        radius_km=section.number("radius_km", 10.0, low=0, high=20_100),
        event=section.text("event", ""),
        hand_over=section.choice("hand_over", HAND_OVERS, "courier"),
    )
    section.done()
    return location


def _read_hours(section: Section, timezone: str) -> OpeningHours:
    """Every day by itself first, so that each wrong one is named; then the week as a whole."""
    try:
        zone(timezone)
    except ValueError:
        section.problem("timezone", f"{timezone!r} is not a time zone", "Use an IANA name such as Europe/Berlin.")
        timezone = "UTC"
    hours = section.section("hours")
    if not section.has("hours"):
        return _ALWAYS_OPEN
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


def _read_printer(name: str, section: Section) -> PrinterSpec:
    printer = _read_address(name, section, section.choices("prints", PRINT_PROCESSES))
    section.done()
    return printer


def _read_label_printer(section: Section) -> PrinterSpec | None:
    if not section.has("label_printer"):
        return None
    one = section.section("label_printer")
    printer = _read_address(one.text("name", "labels"), one, ())
    one.done()
    return printer


def _read_address(name: str, section: Section, prints: tuple[str, ...]) -> PrinterSpec:
    uri = section.text("uri")
    _check_uri(section, uri)
    fingerprint = section.text("fingerprint", "").replace(":", "").lower()
    if fingerprint and not re.fullmatch("[0-9a-f]{64}", fingerprint):
        section.problem("fingerprint", "is not a SHA-256 fingerprint", "Copy its 64 hexadecimal digits.")
    if fingerprint and not uri.startswith("ipps:"):
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


def _check_uri(section: Section, uri: str) -> None:
    scheme, separator, _ = uri.partition(":")
    if scheme == "folder":
        if not _FOLDER.fullmatch(uri) or ".." in uri:
            section.problem("uri", f"{uri!r} names no folder", "Write it like folder:printers/hub-1.")
    elif scheme in ("ipp", "ipps"):
        try:
            parts = urlsplit(uri)
            whole = bool(parts.hostname) and (parts.port is None or parts.port > 0)
        except ValueError:
            whole = False
        if not whole:
            section.problem(
                "uri", "has no host or a wrong port", f"Write it like {scheme}://printer.local:631/ipp/print."
            )
    elif uri:
        message = f"{scheme!r} is not a way to print" if separator else f"{uri!r} is not a printer's address"
        near = suggest(scheme, ("folder", "ipp", "ipps")) if separator else ""
        section.problem("uri", message, f"{near} Write folder:NAME, ipp://… or ipps://….".strip())
