"""Agreeing to SMS at an event: how often a code may be asked for, how long it is good, and the words that are shown.

What belongs here: those rules, and that nobody is bombed with codes. What does not: the rows
(`backroom.store.opt_ins`), and the page. A code proves that whoever agreed reads what comes to that number; until then
nothing else goes there.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

DIGITS = 6
# Long enough for an SMS that comes late at a crowded market.
GOOD_FOR = timedelta(hours=1)
MOST_TRIES = 5
# After this a number that was never confirmed is forgotten, by the next night.
UNCONFIRMED_FOR = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Limit:
    """So many codes in so long."""

    most: int
    within: timedelta


# Of one number, at all events; from one address on the net, where a market's own may stand for many; of one event: what
# somebody who tries numbers can make a shop pay for.
PER_NUMBER = Limit(3, timedelta(hours=24))
PER_ADDRESS = Limit(20, timedelta(hours=1))
PER_EVENT = Limit(200, timedelta(hours=1))


class Verdict(StrEnum):
    """SEND a code; TOO_MANY were asked for from there, which may be said; or QUIET: this number had enough, and whoever
    asks is answered as always, for what we know of a number is told to nobody."""

    SEND = "send"
    QUIET = "quiet"
    TOO_MANY = "too_many"


def may_send(of_number: int, of_address: int, of_event: int, *, silenced: bool) -> Verdict:
    """What becomes of a wish for a code, by how many there were within each limit; `silenced`: that number said stop.

    The limits that say nothing of the number come first: so their answer cannot depend on it.
    """
    if of_address >= PER_ADDRESS.most or of_event >= PER_EVENT.most:
        return Verdict.TOO_MANY
    return Verdict.QUIET if silenced or of_number >= PER_NUMBER.most else Verdict.SEND


def may_try(tries: int, asked_at: datetime, at: datetime) -> bool:
    """Whether a code may still be tried."""
    return tries < MOST_TRIES and at < asked_at + GOOD_FOR


def new_code() -> str:
    return f"{secrets.randbelow(10**DIGITS):0{DIGITS}}"


# What somebody agrees to, as it is shown, and kept with the consent. `{shop}` is the shop's name.
WORDINGS: Mapping[str, str] = {
    "en": (
        "Yes, {shop} may write SMS to this number about my orders: when a print will be ready, and when it can be "
        "collected. I can end this at any time by answering STOP."
    ),
    "de": (
        "Ja, {shop} darf mir an diese Nummer SMS zu meinen Bestellungen schreiben: wann ein Druck fertig wird und wann "
        "er abgeholt werden kann. Ich kann das jederzeit beenden, indem ich mit STOP antworte."
    ),
}


def wording(language: str, shop: str) -> str:
    """The words in a language that there are words in."""
    return WORDINGS[language].format(shop=shop)
