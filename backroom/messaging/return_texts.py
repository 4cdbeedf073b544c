"""The built-in words about returns, in English and German, and how a way back is said.

What belongs here: texts. What does not: choosing and filling them (`backroom.messaging.templates`).
"""

from __future__ import annotations

from collections.abc import Mapping

from backroom.domain.returns import Lane
from backroom.messaging.short_texts import Words, texts_of

_WORDS: Words = {
    ("return_requested", "en"): (
        "Your return $rma is noted",
        "you want to return something from your order $order. We look at it and tell you soon whether we take it back. "
        "Please send nothing before that.\n\nYour return's number is $rma.",
        "$shop: we look at your return $rma for order $order. Please send nothing before you hear from us.",
    ),
    ("return_requested", "de"): (
        "Deine Rücksendung $rma ist notiert",
        "du möchtest etwas aus deiner Bestellung $order zurückgeben. Wir sehen es uns an und sagen dir bald, ob wir es "
        "zurücknehmen. Bitte schick bis dahin nichts los.\n\nDie Nummer deiner Rücksendung ist $rma.",
        "$shop: wir prüfen deine Rücksendung $rma zur Bestellung $order. Bitte schick nichts, bevor wir uns melden.",
    ),
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
    ("return_received_in_part", "en"): (
        "Part of your return $rma is here",
        "something of what you return from your order $order has arrived. When the rest is here as well, we see to all "
        "of it. Was that everything? Then there is nothing for you to do.",
        "$shop: part of your return $rma for order $order has arrived. When all is here, we see to it.",
    ),
    ("return_received_in_part", "de"): (
        "Ein Teil deiner Rücksendung $rma ist da",
        "etwas von dem, was du aus deiner Bestellung $order zurückgibst, ist bei uns. Wenn der Rest auch da ist, "
        "kümmern wir uns um alles. War das schon alles? Dann musst du nichts weiter tun.",
        "$shop: ein Teil deiner Rücksendung $rma zur Bestellung $order ist da. Ist alles da, kümmern wir uns.",
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
    ("return_exchange_ahead", "en"): (
        "What you get for your return $rma",
        "for what you return from your order $order you get another piece, with our order $exchange. "
        "You hear from us when it is ready.",
        "$shop: for your return $rma you get another piece, order $exchange. You hear from us when it is ready.",
    ),
    ("return_exchange_ahead", "de"): (
        "Was du für deine Rücksendung $rma bekommst",
        "für das, was du aus deiner Bestellung $order zurückgibst, bekommst du ein anderes Stück, mit unserer "
        "Bestellung $exchange. Wir melden uns, wenn es fertig ist.",
        "$shop: für deine Rücksendung $rma bekommst du ein anderes Stück, Bestellung $exchange. Wir melden uns.",
    ),
    ("return_exchanged", "en"): (
        "Your return $rma is done",
        "your return $rma for your order $order is here and seen to. For it you get another piece, with our order "
        "$exchange. You hear from us when it is ready.",
        "$shop: your return $rma is seen to. For it you get order $exchange. You hear from us when it is ready.",
    ),
    ("return_exchanged", "de"): (
        "Deine Rücksendung $rma ist erledigt",
        "deine Rücksendung $rma zu deiner Bestellung $order ist da und erledigt. Dafür bekommst du ein anderes Stück, "
        "mit unserer Bestellung $exchange. Wir melden uns, wenn es fertig ist.",
        "$shop: deine Rücksendung $rma ist erledigt. Dafür bekommst du Bestellung $exchange. Wir melden uns.",
    ),
    ("return_closed", "en"): (
        "Your return $rma is done",
        "your return $rma for your order $order is here and seen to. Nothing is left to be paid back for it. "
        "If you see it otherwise, write to us: $email",
        "$shop: your return $rma is seen to, nothing is left to be paid back. Questions? $email",
    ),
    ("return_closed", "de"): (
        "Deine Rücksendung $rma ist erledigt",
        "deine Rücksendung $rma zu deiner Bestellung $order ist da und erledigt. Zu erstatten bleibt dafür nichts. "
        "Wenn du das anders siehst, schreib uns: $email",
        "$shop: deine Rücksendung $rma ist erledigt, zu erstatten bleibt nichts. Fragen? $email",
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
    ("return_cancelled", "en"): (
        "Your return $rma is called off",
        "your return $rma for your order $order is called off: nothing of it has come to us, and nothing is paid back. "
        "If that is not what you wanted, write to us: $email",
        "$shop: your return $rma is called off, nothing is paid back. Not what you wanted? $email",
    ),
    ("return_cancelled", "de"): (
        "Deine Rücksendung $rma ist abgesagt",
        "deine Rücksendung $rma zu deiner Bestellung $order ist abgesagt: nichts davon ist bei uns angekommen, und "
        "erstattet wird nichts. Wenn du das nicht wolltest, schreib uns: $email",
        "$shop: deine Rücksendung $rma ist abgesagt, erstattet wird nichts. Nicht gewollt? $email",
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
