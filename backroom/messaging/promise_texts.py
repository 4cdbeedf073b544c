"""The built-in words about when a print is ready, and of the code that proves a number, in English and German.

What belongs here: texts. What does not: choosing and filling them (`backroom.messaging.templates`), and what may be
promised (`backroom.domain.print_queue`).
"""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from backroom.messaging.short_texts import Words, texts_of

_WORDS: Words = {
    ("promised", "en"): (
        "Your order $order is ready $time",
        "we are printing your order $order. It is ready for you $time: $location.",
        "$shop: your order $order is ready $time at $location.",
    ),
    ("promised", "de"): (
        "Deine Bestellung $order ist $time fertig",
        "wir drucken deine Bestellung $order. Sie liegt $time für dich bereit: $location.",
        "$shop: deine Bestellung $order ist $time fertig: $location",
    ),
    ("promised_later", "en"): (
        "Your order $order takes a little longer",
        "sorry, your order $order takes longer than we said: it is ready for you $time: $location.",
        "$shop: sorry, your order $order takes longer. It is ready $time at $location.",
    ),
    ("promised_later", "de"): (
        "Deine Bestellung $order dauert etwas länger",
        "entschuldige, deine Bestellung $order dauert länger als gesagt: Sie liegt $time bereit: $location.",
        "$shop: entschuldige, deine Bestellung $order dauert länger. Fertig $time: $location",
    ),
    ("opt_in_code", "en"): (
        "Your code: $code",
        "your code is $code. Type it in where you asked for it. If that was not you, do nothing.",
        "$shop: your code is $code. Type it in where you asked for it. Not you? Do nothing.",
    ),
    ("opt_in_code", "de"): (
        "Dein Code: $code",
        "dein Code ist $code. Tippe ihn da ein, wo du ihn angefordert hast. Wenn du das nicht warst, tu nichts.",
        "$shop: dein Code ist $code. Tippe ihn da ein, wo du ihn angefordert hast. Nicht du? Tu nichts.",
    ),
    ("made_elsewhere", "en"): (
        "Your order $order is made elsewhere",
        "so that you wait no longer than you have to, your order $order is made at another of our places than "
        "$location. It comes to you as before.",
        "$shop: your order $order is made at another of our places, so that it is with you in time.",
    ),
    ("made_elsewhere", "de"): (
        "Deine Bestellung $order entsteht woanders",
        "damit du nicht länger wartest als nötig, entsteht deine Bestellung $order an einem anderen Ort als "
        "geplant ($location). Sie kommt zu dir wie besprochen.",
        "$shop: deine Bestellung $order entsteht an einem anderen Ort, damit sie rechtzeitig bei dir ist.",
    ),
}
_ABOUT = {"en": "about", "de": "gegen"}


def say_time(at: datetime, timezone: str, language: str) -> str:
    """A promise as people say it, on the wall clock of the shop: about 19:40."""
    about = _ABOUT.get(language.partition("-")[0], _ABOUT["en"])
    return f"{about} {at.astimezone(ZoneInfo(timezone)):%H:%M}"


PROMISE_TEXTS = texts_of(_WORDS)
