"""The built-in words about parcels after their label, in English and German.

What belongs here: texts. What does not: choosing and filling them (`backroom.messaging.templates`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from backroom.domain.shop import MessageTemplate

# By kind and language: the subject of an e-mail, its sentence, and the SMS.
_WORDS: Mapping[tuple[str, str], tuple[str, str, str]] = {
    ("delivered", "en"): (
        "Your order $order has arrived",
        "$carrier says that your order $order was delivered. If you cannot find it, write to us: $email",
        "$shop: $carrier says that your order $order was delivered.",
    ),
    ("delivered", "de"): (
        "Deine Bestellung $order ist angekommen",
        "$carrier meldet, dass deine Bestellung $order zugestellt ist. Wenn du sie nicht findest, schreib uns: $email",
        "$shop: $carrier meldet, dass deine Bestellung $order zugestellt ist.",
    ),
    ("delivery_failed", "en"): (
        "Your order $order could not be delivered",
        "$carrier could not deliver your order $order (parcel $tracking). We look into it. If your address has "
        "changed, write to us: $email",
        "$shop: $carrier could not deliver your order $order. We look into it: $email",
    ),
    ("delivery_failed", "de"): (
        "Deine Bestellung $order konnte nicht zugestellt werden",
        "$carrier konnte deine Bestellung $order nicht zustellen (Paket $tracking). Wir kümmern uns darum. Wenn sich "
        "deine Adresse geändert hat, schreib uns: $email",
        "$shop: $carrier konnte deine Bestellung $order nicht zustellen. Wir kümmern uns: $email",
    ),
    ("collect_reminder", "en"): (
        "Your order $order is waiting for you",
        "your order $order still lies ready for you at $location.\n\nPlease show this code when you come: $code",
        "$shop: your order $order still lies ready at $location. Code: $code",
    ),
    ("collect_reminder", "de"): (
        "Deine Bestellung $order wartet auf dich",
        "deine Bestellung $order liegt noch für dich bereit: $location.\n\nBitte zeig beim Abholen diesen Code: $code",
        "$shop: deine Bestellung $order liegt noch bereit: $location. Code: $code",
    ),
}

# Who collects has often given no name to greet.
_GREETING = {"en": ("Hello,", "Kind regards"), "de": ("Hallo,", "Viele Grüße")}


def _texts() -> Iterator[MessageTemplate]:
    for (kind, language), (subject, sentence, sms) in _WORDS.items():
        hello, goodbye = _GREETING[language]
        yield MessageTemplate(kind, "email", language, subject, f"{hello}\n\n{sentence}\n\n{goodbye}\n$shop\n")
        yield MessageTemplate(kind, "sms", language, "", sms)


PARCEL_TEXTS: tuple[MessageTemplate, ...] = tuple(_texts())
