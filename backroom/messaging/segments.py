"""How many SMS a text becomes.

What belongs here: the GSM 7-bit alphabet and counting. What does not: sending (`smsgateway`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# 3GPP TS 23.038, section 6.2.1: the default alphabet and its extension table (without the escape itself).
GSM_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_EXTENSION = frozenset("\f^{}\\[~]|€")

# 3GPP TS 23.040, sections 9.2.3.16 and 9.2.3.24.1: 140 octets of user data; the header that joins the parts of a long
# message takes 6 of them.
_SINGLE = {"gsm": 160, "ucs2": 70}
_PART = {"gsm": 153, "ucs2": 67}


@dataclass(frozen=True, slots=True)
class Segments:
    """The alphabet a text needs, its length in that alphabet's units, and how many SMS are paid for.

    A unit is a septet for `gsm` (an extension character takes two) and a UTF-16 code unit for `ucs2` (an emoji takes
    two).
    """

    encoding: Literal["gsm", "ucs2"]
    units: int
    count: int


def segments(text: str) -> Segments:
    """Count the SMS of a text. One character outside the GSM alphabet puts the whole text into UCS-2.

    A character of two units is never torn apart by the end of a part, so a part may end one unit early.
    """
    encoding: Literal["gsm", "ucs2"] = "gsm" if set(text) <= GSM_BASIC | GSM_EXTENSION else "ucs2"
    wide = GSM_EXTENSION if encoding == "gsm" else {character for character in text if ord(character) > 0xFFFF}
    widths = [2 if character in wide else 1 for character in text]
    units = sum(widths)
    if units <= _SINGLE[encoding]:
        return Segments(encoding, units, 1)

    count, room = 1, _PART[encoding]
    for width in widths:
        if width > room:
            count, room = count + 1, _PART[encoding]
        room -= width
    return Segments(encoding, units, count)
