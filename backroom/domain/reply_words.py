"""The words by which somebody stops our SMS, takes that back, or asks who we are.

What belongs here: reading them. What does not: what follows (`backroom.store.opt_outs`).

The English ones are those that Twilio and the CTIA's Messaging Principles know, and of 47 CFR 64.1200(a)(10) (stop,
quit, end, revoke, opt out, cancel, unsubscribe). Every doubt goes the person's way: a message that begins with a plain
word for stopping stops, whatever follows it. A word that may begin a message about an order ("cancel my order") counts
only where it stands alone.
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
    | frozenset({"arret", "austragen", "end all"}),
    Word.START: frozenset({"start", "unstop", "anmelden", "starten", "resume"}),
    Word.HELP: frozenset({"help", "info", "hilfe"}),
}
# Of these the first word of a message is enough.
_FIRST = frozenset({"stop", "stopp", "stopall", "unsubscribe", "abmelden", "abbestellen"})
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
    first = said.partition(" ")[0]
    if first in _FIRST:
        return Word.STOP, first
    return next(((word, said) for word, known in _ALONE.items() if said in known), None)


def _letters(text: str) -> str:
    """The text with a space for whatever is neither letter, mark nor digit, and nothing for what cannot be seen."""
    kept = ("" if unicodedata.category(one) == "Cf" else one if _is_letter(one) else " " for one in text)
    return " ".join("".join(kept).split())


def _is_letter(character: str) -> bool:
    return unicodedata.category(character)[0] in "LMN"
