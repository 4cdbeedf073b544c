"""The built-in words about parcels after their label, in English and German.

What belongs here: texts. What does not: choosing and filling them (`backroom.messaging.templates`).
"""

from __future__ import annotations

from backroom.messaging.short_texts import Words, texts_of

_WORDS: Words = {
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


PARCEL_TEXTS = texts_of(_WORDS)
