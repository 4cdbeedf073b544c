"""What we answer to somebody who writes STOP, START or HELP, and how each provider takes an answer.

What belongs here: the words, and who says them. What does not: reading what came (`backroom.domain.reply_words`).
"""

from __future__ import annotations

from collections.abc import Mapping
from xml.sax.saxutils import escape

from backroom.domain.reply_words import TWILIOS, Word, normalised
from backroom.domain.shop import Owner

# GSM letters only, so that each is one SMS.
_WORDS: Mapping[str, Mapping[Word, str]] = {
    "en": {
        Word.STOP: "{shop}: you get no more SMS from us. Write START to get them again.",
        Word.START: "{shop}: you get SMS about your orders again. Write STOP to end them.",
        Word.HELP: "{shop}: SMS about your orders. Write to us: {email}. Write STOP to end them.",
    },
    "de": {
        Word.STOP: "{shop}: du bekommst keine SMS mehr von uns. Mit START bekommst du sie wieder.",
        Word.START: "{shop}: du bekommst wieder SMS zu deinen Bestellungen. Mit STOP beendest du sie.",
        Word.HELP: "{shop}: SMS zu deinen Bestellungen. Schreib uns: {email}. Mit STOP beendest du sie.",
    },
}


def answer(word: Word | None, owner: Owner) -> str:
    """Our answer in the shop's language, English where there is none; empty for what asks for nothing."""
    if word is None:
        return ""
    words = _WORDS.get(owner.language.partition("-")[0].lower(), _WORDS["en"])
    return words[word].format(shop=owner.name, email=owner.email)


def twiml(text: str, word: Word | None, owner: Owner, *, answered: bool) -> str:
    """Our answer as TwiML. Twilio answers its own words by itself, and says where it did (`answered`)."""
    said = "" if answered or normalised(text) in TWILIOS else answer(word, owner)
    message = f"<Message>{escape(said)}</Message>" if said else ""
    return f'<?xml version="1.0" encoding="UTF-8"?><Response>{message}</Response>'
