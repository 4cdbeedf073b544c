"""The small page of whoever asks below `/e/` for what is not there, or in vain: the same for everybody.

What belongs here: that page and its words. What does not: which addresses there are, and what a cache may keep
(`backroom.gateway`). Nothing in it depends on who asks, so a cache may give it to others.
"""

from __future__ import annotations

from collections.abc import Mapping

from backroom.eventpage.frame import NO_REFERRER, document
from backroom.eventpage.words import first_language
from backroom.markup import tag

# By language: for an address at which nothing is, for a shop that is busy, for anything else.
_SAID: Mapping[str, tuple[str, str, str]] = {
    "en": (
        "There is nothing at this address. Look whether it is written right.",
        "There is too much going on here. Please load this page again in a few seconds.",
        "That did not work. Please go back, load the page anew and try it again.",
    ),
    "de": (
        "Unter dieser Adresse gibt es nichts. Schau nach, ob sie richtig geschrieben ist.",
        "Hier ist gerade zu viel los. Bitte lade diese Seite in ein paar Sekunden neu.",
        "Das ging nicht. Bitte geh zurück, lade die Seite neu und versuch es noch einmal.",
    ),
}


def refusal(shop: str, shop_language: str, status: int) -> bytes:
    """The page for this HTTP status, of the shop of that name, in its language or else in English."""
    language = first_language(shop_language)
    not_there, busy, otherwise = _SAID[language]
    said = not_there if status == 404 else busy if status in (429, 503) else otherwise
    body = tag("main", tag("header", tag("p", shop)), tag("p", said, role="alert"))
    return document(language, shop, body, assets="/e/assets", first=NO_REFERRER)
