"""Whether a driver could deliver to an address, whoever the carrier is: the field that is wrong, and never its content.

What belongs here: the check. What does not: what a country writes (`addresses`), what one carrier refuses besides.
"""

from __future__ import annotations

from backroom.carriers.addresses import UnknownCountry, country_rules
from backroom.carriers.base import AddressRefused
from backroom.domain.labels import PostalAddress

LONGEST_FIELD = 100
MOST_LINES = 6


def check_address(order_number: str, party: str, address: PostalAddress) -> None:
    """Refuse what a driver could not deliver to, naming the field and not its content."""

    def refuse(field: str, why: str) -> AddressRefused:
        return AddressRefused(order_number, f"{party}.{field}", why)

    try:
        rules = country_rules(address.country)
    except UnknownCountry:
        raise refuse("country", "is no ISO 3166 country") from None
    street = [line for line in address.lines if line.strip()]
    if not (address.name.strip() or (address.company or "").strip()):
        raise refuse("name", "is empty")
    if not street:
        raise refuse("lines", "are empty")
    if len(address.lines) > MOST_LINES:
        raise refuse("lines", f"are more than {MOST_LINES}")
    if rules.needs_city and not address.city.strip():
        raise refuse("city", "is empty")
    if rules.needs_postcode and not address.postcode.strip():
        raise refuse("postcode", "is empty")
    if not rules.allows_postcode(address.postcode):
        raise refuse("postcode", f"is no postcode of {address.country}")
    # A postcode stands in for the region: channels often leave it out, and drivers do without.
    if rules.needs_region and not address.postcode.strip() and not (address.region or "").strip():
        raise refuse("region", "is empty")
    named = {"name": address.name, "company": address.company, "city": address.city, "region": address.region}
    for field, text in [*named.items(), *(("lines", line) for line in address.lines)]:
        if text and len(text) > LONGEST_FIELD:
            raise refuse(field, f"is longer than {LONGEST_FIELD} characters")
