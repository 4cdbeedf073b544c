"""Which clocks may hang at a phone's place, by its number.

Source: the time zones of number ranges in Google's libphonenumber, which `phonenumbers` carries. A mobile number tells
its country and not its region, and people travel: it is what is known without asking.
"""

from __future__ import annotations

from phonenumbers import NumberParseException, parse
from phonenumbers.timezone import UNKNOWN_TIMEZONE, time_zones_for_number

from backroom.domain.opening import zone


def zones_of(phone: str) -> tuple[str, ...]:
    """IANA names for an E.164 number; none where nothing is known."""
    try:
        names = time_zones_for_number(parse(phone))
    except NumberParseException:
        return ()
    return tuple(name for name in names if name != UNKNOWN_TIMEZONE and _is_known(name))


def _is_known(name: str) -> bool:
    try:
        zone(name)
    except ValueError:
        return False
    return True
