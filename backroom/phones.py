"""Phone numbers in one normal form: E.164.

What belongs here: that form, for the shop and for a till that has no line to it. What does not: reading a number out of
what a channel sent (`backroom.channels.contact`), and who may be called.
"""

from __future__ import annotations

import phonenumbers


def e164(number: str, country: str) -> str | None:
    """The number in E.164, or None where it is none. `country` (ISO 3166 or empty) is where it is dialled."""
    try:
        parsed = phonenumbers.parse(number, country.upper() or None)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(parsed):
        return None
    return str(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164))
