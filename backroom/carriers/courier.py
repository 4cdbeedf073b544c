"""The local courier: built in, needs no account, and sells the same label for the same key however often asked.

What belongs here: what this courier takes and what it costs. What does not: how a label looks.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from backroom.carriers.addresses import UnknownCountry, country_rules
from backroom.carriers.base import AddressRefused, ParcelRefused
from backroom.domain.errors import BackroomError
from backroom.domain.labels import LabelRequest, PostalAddress, Purchase, return_code, tracking_number

LONGEST_FIELD = 100
MOST_LINES = 6


class LocalCourier:
    """Sells labels for parcels within `countries` (ISO 3166-1 alpha-2) of at most `max_weight_g` grams.

    `prices` gives the price of each service in minor units of `currency`. Tracking numbers come from the ledger's
    keys, so nothing has to be remembered here, and buying twice is buying once.
    """

    idempotent = True
    can_tell = True

    def __init__(
        self,
        *,
        name: str,
        countries: Collection[str],
        max_weight_g: int,
        prices: Mapping[str, int],
        currency: str,
    ) -> None:
        self.name = name
        self._countries = frozenset(countries)
        self._max_weight_g = max_weight_g
        self._prices = dict(prices)
        self._currency = currency

    def buy(self, requests: Sequence[LabelRequest]) -> list[Purchase | BackroomError]:
        """One outcome a request, in their order: a purchase, AddressRefused or ParcelRefused."""
        return [self._outcome(request) for request in requests]

    def find(self, key: str) -> Purchase | None:
        """Always None: a label takes effect when our own commit stores it, so nothing is ever left over outside."""
        return None

    def _outcome(self, request: LabelRequest) -> Purchase | BackroomError:
        try:
            return self._sell(request)
        except BackroomError as error:
            return error

    def _sell(self, request: LabelRequest) -> Purchase:
        self._check_parcel(request)
        _check_address(request.order_number, "sender", request.sender)
        if request.recipient.country not in self._countries:
            raise AddressRefused(request.order_number, "recipient.country", f"is not served by {self.name}")
        _check_address(request.order_number, "recipient", request.recipient)
        return_tracking = tracking_number("return", request.key)
        return Purchase.from_answer(
            request,
            {
                "tracking": tracking_number("shipping", request.key),
                "return_tracking": return_tracking,
                "cost_minor": self._prices[request.service],
                "currency": self._currency,
                "carrier": self.name,
                "return_code": return_code(request.order_number, return_tracking),
            },
        )

    def _check_parcel(self, request: LabelRequest) -> None:
        weight = request.parcel.weight_g
        if request.service not in self._prices:
            raise ParcelRefused(
                f"{self.name} has no service {request.service!r} for {request.order_number}",
                remedy=f"Choose one of: {', '.join(sorted(self._prices))}.",
            )
        if weight <= 0:
            raise ParcelRefused(
                f"the parcel of {request.order_number} has no weight", remedy="Give its articles a weight."
            )
        if weight > self._max_weight_g:
            raise ParcelRefused(
                f"the parcel of {request.order_number} weighs {weight} g, {self.name} takes {self._max_weight_g} g",
                remedy="Send it in several parcels or with another carrier.",
            )


def _check_address(order_number: str, party: str, address: PostalAddress) -> None:
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
