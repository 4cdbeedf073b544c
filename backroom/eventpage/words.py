"""What an event's page says, in English and German, and how it writes days, hours and prices.

What belongs here: words. What does not: where they stand (`page`). The shop's language comes first; where the shop
speaks another one, English does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from backroom.domain.event_page import Phase, PublicEvent, Standing
from backroom.domain.events import Session
from backroom.domain.money import exponent

_DAYS = {
    "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
    "de": ("Mo", "Di", "Mi", "Do", "Fr", "Sa", "So"),
}
LANGUAGES: Mapping[str, str] = {"en": "English", "de": "Deutsch"}


@dataclass(frozen=True, slots=True)
class Words:
    """Everything in one language. `$` stands for a time, `#` for a number."""

    phases: Mapping[Phase, str]
    standings: Mapping[Standing, str]
    soon: str
    wait: str
    no_wait: str
    where: str
    hours: str
    offers: str
    printed: str
    racked: str
    only: str
    updated: str
    offline: str
    no_offers: str


WORDS: Mapping[str, Words] = {
    "en": Words(
        phases={
            Phase.PLANNED: "Opens $",
            Phase.OPEN: "Open now, until $",
            Phase.PAUSED: "The booth is not open at the moment",
            Phase.BREAK: "Closed now, opens again $",
            Phase.OVER: "This event is over",
            Phase.CALLED_OFF: "This event does not take place",
        },
        standings={
            Standing.IN_STOCK: "in stock",
            Standing.FEW: "# left",
            Standing.MADE_HERE: "printed in about # min",
            Standing.SOLD_OUT: "sold out",
        },
        soon="printed for you",
        wait="A new print takes about # minutes",
        no_wait="How long a print takes: please ask at the booth",
        where="Where",
        hours="Hours",
        offers="What there is",
        printed="printed on the spot",
        racked="ready-made",
        only="Sizes and colours that are not on the rack are printed for you where it says so.",
        updated="As of $",
        offline="No network: as of $",
        no_offers="What there is will stand here.",
    ),
    "de": Words(
        phases={
            Phase.PLANNED: "Öffnet $",
            Phase.OPEN: "Jetzt offen, bis $",
            Phase.PAUSED: "Der Stand ist gerade nicht offen",
            Phase.BREAK: "Gerade geschlossen, öffnet wieder $",
            Phase.OVER: "Diese Veranstaltung ist vorbei",
            Phase.CALLED_OFF: "Diese Veranstaltung findet nicht statt",
        },
        standings={
            Standing.IN_STOCK: "vorrätig",
            Standing.FEW: "noch #",
            Standing.MADE_HERE: "Druck: etwa # min",
            Standing.SOLD_OUT: "ausverkauft",
        },
        soon="wird für dich gedruckt",
        wait="Ein neuer Druck dauert etwa # Minuten",
        no_wait="Wie lange ein Druck dauert: bitte am Stand fragen",
        where="Wo",
        hours="Wann",
        offers="Was es gibt",
        printed="vor Ort gedruckt",
        racked="fertig",
        only="Was nicht auf der Stange hängt, wird für dich gedruckt, wo es dabeisteht.",
        updated="Stand $",
        offline="Kein Netz: Stand $",
        no_offers="Was es gibt, wird hier stehen.",
    ),
}


def first_language(shop_language: str) -> str:
    """The language of the page that opens by itself: the shop's where there are words in it, else English."""
    base = shop_language.replace("_", "-").partition("-")[0].lower()
    return base if base in WORDS else "en"


def say_phase(event: PublicEvent, language: str, today: datetime) -> str:
    """How the booth stands, as a sentence; a turn on another day than `today` is told with its day."""
    words = WORDS[language].phases[event.phase]
    if event.turn is None:
        return words.replace(" $", "")
    there = ZoneInfo(event.timezone)
    turn = event.turn.astimezone(there)
    same = turn.date() == today.astimezone(there).date() or event.phase is Phase.OPEN
    return words.replace("$", f"{turn:%H:%M}" if same else f"{say_day(turn, language)}, {turn:%H:%M}")


def say_wait(event: PublicEvent, language: str) -> str:
    """How long a new print takes; empty where that is no question."""
    if event.phase is not Phase.OPEN or not any(offer.printed for offer in event.offers):
        return ""
    words = WORDS[language]
    return words.wait.replace("#", str(event.wait_minutes)) if event.wait_minutes else words.no_wait


def say_standing(standing: Standing, count: int, language: str) -> str:
    words = WORDS[language]
    if standing is Standing.MADE_HERE and not count:
        return words.soon
    return words.standings[standing].replace("#", str(count))


def say_session(session: Session, timezone: str, language: str) -> str:
    """`Sat 28 Nov, 15:00–01:00`."""
    opens, closes = (at.astimezone(ZoneInfo(timezone)) for at in (session.opens, session.closes))
    return f"{say_day(opens, language)}, {opens:%H:%M}–{closes:%H:%M}"


def say_day(at: datetime, language: str) -> str:
    """`Sat 28 Nov` or `Sa 28.11.`."""
    day = _DAYS[language][at.weekday()]
    return f"{day} {at.day}.{at.month}." if language == "de" else f"{day} {at.day} {_MONTHS[at.month - 1]}"


def say_price(minor: int, currency: str, language: str) -> str:
    """`34.00 EUR`, with a comma in German."""
    digits = exponent(currency)
    point = "," if language == "de" else "."
    major = f"{minor // 10**digits}{point}{minor % 10**digits:0{digits}}" if digits else str(minor)
    return f"{major} {currency}"


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
