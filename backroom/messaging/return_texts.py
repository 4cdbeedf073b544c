"""The built-in words about returns, in English and German, and how a way back is said.

What belongs here: texts. What does not: choosing and filling them (`backroom.messaging.templates`).
"""

from __future__ import annotations

from collections.abc import Mapping

from backroom.domain.returns import Lane
from backroom.messaging.short_texts import Words, texts_of

_WORDS: Words = {
    ("return_accepted", "en"): (
        "Your return $rma",
        "we take back what you chose from your order $order.\n\n$way\n\nYour return's number is $rma.",
        "$shop: we take it back, return number $rma. $way",
    ),
    ("return_accepted", "de"): (
        "Deine Rücksendung $rma",
        "wir nehmen zurück, was du aus deiner Bestellung $order ausgesucht hast.\n\n$way\n\n"
        "Die Nummer deiner Rücksendung ist $rma.",
        "$shop: wir nehmen es zurück, Rücksendung $rma. $way",
    ),
    ("return_received", "en"): (
        "Your return $rma is here",
        "what you sent back from your order $order has arrived. We look at it and see to the rest.",
        "$shop: your return $rma for order $order has arrived.",
    ),
    ("return_received", "de"): (
        "Deine Rücksendung $rma ist da",
        "was du aus deiner Bestellung $order zurückgegeben hast, ist bei uns. Wir sehen es an und kümmern uns.",
        "$shop: deine Rücksendung $rma zur Bestellung $order ist da.",
    ),
    ("return_refunded", "en"): (
        "Your refund for $order",
        "we have paid back $amount for your return $rma, the way you paid. It can take some days until you see it.",
        "$shop: we have paid back $amount for your return $rma.",
    ),
    ("return_refunded", "de"): (
        "Deine Erstattung zu $order",
        "wir haben dir $amount für deine Rücksendung $rma erstattet, auf dem Weg, auf dem du bezahlt hast. "
        "Es kann einige Tage dauern, bis du es siehst.",
        "$shop: wir haben dir $amount für deine Rücksendung $rma erstattet.",
    ),
    ("return_declined", "en"): (
        "Your return $rma",
        "we cannot take back what you chose from your order $order. If you see it otherwise, write to us: $email",
        "$shop: we cannot take back your return $rma. Write to us: $email",
    ),
    ("return_declined", "de"): (
        "Deine Rücksendung $rma",
        "wir können nicht zurücknehmen, was du aus deiner Bestellung $order ausgesucht hast. "
        "Wenn du das anders siehst, schreib uns: $email",
        "$shop: deine Rücksendung $rma können wir nicht annehmen. Schreib uns: $email",
    ),
}


_WAYS: Mapping[Lane, Mapping[str, str]] = {
    Lane.LABEL: {
        "en": "Stick the return label from your parcel on it and hand it to the carrier.",
        "de": "Klebe das Rücksendeetikett aus deinem Paket darauf und gib es beim Paketdienst ab.",
    },
    Lane.DROP_OFF: {
        "en": "Bring it to one of our places.",
        "de": "Bring es an einem unserer Orte vorbei.",
    },
    Lane.COLLECTION: {
        "en": "We come to you and collect it.",
        "de": "Wir kommen zu dir und holen es ab.",
    },
}


def say_lane(lane: Lane, language: str) -> str:
    """A way back in the words of a language; English where there are none."""
    words = _WAYS[lane]
    return words.get(language.partition("-")[0], words["en"])


RETURN_TEXTS = texts_of(_WORDS)
