"""The words by which somebody stops our SMS, takes that back, or asks who we are.

What belongs here: reading them. What does not: what follows (`backroom.store.opt_outs`).

The English ones are those that Twilio and the CTIA's Messaging Principles know, and of 47 CFR 64.1200(a)(10) (stop,
quit, end, revoke, opt out, cancel, unsubscribe). Twilio takes a word for one only where it is the whole message; that
rule has "any reasonable means", so here it may be asked for politely. Every doubt goes the person's way: a message that
begins with a plain word for stopping stops, whatever follows it, "please" before it or not. A word that may begin a
message about an order ("cancel my order") counts only where it stands alone, but for what is polite around it. In the
midst of a sentence ("I will stop by at eight") no word counts: that is read by a person.
"""

from __future__ import annotations

import unicodedata
from enum import StrEnum

LONGEST = 1600


class Word(StrEnum):
    STOP = "stop"
    START = "start"
    HELP = "help"


_ALONE = {
    Word.STOP: frozenset(
        {"stop all", "cancel", "end", "quit", "revoke", "opt out", "optout", "abmelden", "abbestellen"}
    )
    | frozenset({"abmeldung", "beenden", "aufhören", "aufhoeren", "kündigen", "keine sms", "keine sms mehr", "arrêt"})
    | frozenset({"arret", "austragen", "end all", "remove me", "opt me out", "leave me alone"})
    | frozenset({f"no more {what}" for what in ("sms", "texts", "text messages", "messages")})
    | frozenset({f"{no} text me{more}" for no in ("do not", "don t", "dont") for more in ("", " again", " anymore")})
    | frozenset({"keine nachrichten", "keine nachrichten mehr", "melde mich ab", "hör auf", "hört auf"}),
    Word.START: frozenset({"start", "unstop", "anmelden", "starten", "resume"}),
    Word.HELP: frozenset({"help", "info", "hilfe"}),
}
# Of these the first word of a message is enough.
_FIRST = frozenset({"stop", "stopp", "stopall", "unsubscribe", "abmelden", "abbestellen"})
# What may stand around it and asks for nothing.
_POLITE = frozenset({"please", "pls", "plz", "kindly", "thanks", "thx", "hi", "hello", "hey", "dear", "ok", "okay"})
_POLITE |= {
    "bitte",
    "danke",
    "hallo",
    "moin",
    "now",
    "jetzt",
    "sofort",
    "immediately",
    "thank",
    "you",
    "vielen",
    "dank",
}
# What Twilio answers by itself (its support article "Twilio support for opt-out keywords").
TWILIOS = frozenset({"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout"}) | frozenset(
    {"start", "yes", "unstop", "help", "info"}
)


def normalised(text: str) -> str:
    """Lower case, words parted by one space, without punctuation, marks of writing direction and the like.

    What cannot be seen counts for nothing: a keyboard may put a zero-width space before the word.
    """
    words = _letters(text[:LONGEST])
    # Once more: in the other form a letter may be one with a mark beside it.
    return _letters(unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", words).casefold()))


def read(text: str) -> Word | None:
    """What a message asks for; None where it is none of these words."""
    found = keyword(text)
    return found[0] if found else None


def keyword(text: str) -> tuple[Word, str] | None:
    """What a message asks for, and the one of our words by which it does: the rest of it may name somebody."""
    said = normalised(text)
    asked = _without_politeness(said)
    first = asked.partition(" ")[0]
    if first in _FIRST:
        return Word.STOP, first
    if asked in _ALONE[Word.STOP]:
        return Word.STOP, asked
    # What lets us write again is taken by the letter.
    return next(((word, said) for word, known in _ALONE.items() if said in known), None)


def _without_politeness(said: str) -> str:
    words = said.split()
    while words and words[0] in _POLITE:
        del words[0]
    while words and words[-1] in _POLITE:
        del words[-1]
    return " ".join(words)


def _letters(text: str) -> str:
    """The text with a space for whatever is neither letter, mark nor digit, and nothing for what cannot be seen."""
    kept = ("" if unicodedata.category(one) == "Cf" else one if _is_letter(one) else " " for one in text)
    return " ".join("".join(kept).split())


def _is_letter(character: str) -> bool:
    return unicodedata.category(character)[0] in "LMN"
