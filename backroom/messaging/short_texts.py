"""Templates made of short words: a kind's subject, its sentence and its SMS become a mail and an SMS.

What belongs here: that, and how such a mail begins and ends. What does not: the words (`parcel_texts`, `promise_texts`,
`return_texts`), and choosing and filling them (`templates`).
"""

from __future__ import annotations

from collections.abc import Mapping

from backroom.domain.messaging import MessageTemplate

# By kind and language: the subject of an e-mail, its sentence, and the SMS.
Words = Mapping[tuple[str, str], tuple[str, str, str]]

# Who collects, or carried something out of a booth, has often given no name to greet.
_GREETING = {"en": ("Hello,", "Kind regards"), "de": ("Hallo,", "Viele Grüße")}


def texts_of(words: Words) -> tuple[MessageTemplate, ...]:
    """A mail and an SMS for each kind and language."""
    texts: list[MessageTemplate] = []
    for (kind, language), (subject, sentence, sms) in words.items():
        hello, goodbye = _GREETING[language]
        body = f"{hello}\n\n{sentence}\n\n{goodbye}\n$shop\n"
        texts += [
            MessageTemplate(kind, "email", language, subject, body),
            MessageTemplate(kind, "sms", language, "", sms),
        ]
    return tuple(texts)
