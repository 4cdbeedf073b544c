"""The local courier: built in, needs no account, and sells the same label for the same key however often asked.

What belongs here: what this courier takes and what it costs. What does not: how a label looks.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from backroom.carriers.address_check import check_address
from backroom.carriers.base import AddressRefused, ParcelRefused
from backroom.domain.errors import BackroomError
from backroom.domain.labels import (
    LabelDocument,
    LabelKind,
    LabelRequest,
    Purchase,
    return_code,
    tracking_number,
)
from backroom.domain.rates import Rate


class LocalCourier:
    """Sells labels for parcels within `countries` (ISO 3166-1 alpha-2) of at most `max_weight_g` grams.

    `prices` gives the price of each service in minor units of `currency`, `days` how long it is on its way, None where
    nobody says. Tracking numbers come from the ledger's keys, so nothing has to be remembered here, and buying twice is
    buying once. `id_` is its id in the shop file.
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
        days: int | None = None,
        id_: str = "",
    ) -> None:
        self.name = name
        self._id = id_
        self._days = days
        self._countries = frozenset(countries)
        self._max_weight_g = max_weight_g
        self._prices = dict(prices)
        self._currency = currency

    def rates(self, requests: Sequence[LabelRequest]) -> list[list[Rate] | BackroomError]:
        """A rate a service for what it takes; AddressRefused or ParcelRefused for what it does not."""
        return [self._offer(request) for request in requests]

    def buy(self, requests: Sequence[LabelRequest]) -> list[Purchase | BackroomError]:
        """One outcome a request, in their order: a purchase, AddressRefused or ParcelRefused."""
        return [self._outcome(request) for request in requests]

    def find(self, key: str) -> Purchase | None:
        """Always None: a label takes effect when our own commit stores it, so nothing is ever left over outside."""
        return None

    def documents(self, purchases: Sequence[Purchase]) -> list[dict[LabelKind, LabelDocument] | BackroomError]:
        """None: its labels are drawn here."""
        return [{} for _ in purchases]

    def _offer(self, request: LabelRequest) -> list[Rate] | BackroomError:
        try:
            self._check(request)
        except BackroomError as error:
            return error
        return [
            Rate(self._id, self.name, service, price, self._currency, self._days)
            for service, price in self._prices.items()
        ]

    def _outcome(self, request: LabelRequest) -> Purchase | BackroomError:
        try:
            return self._sell(request)
        except BackroomError as error:
            return error

    def _sell(self, request: LabelRequest) -> Purchase:
        if request.service not in self._prices:
            raise ParcelRefused(
                f"{self.name} has no service {request.service!r} for {request.order_number}",
                remedy=f"Choose one of: {', '.join(sorted(self._prices))}.",
            )
        self._check(request)
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

    def _check(self, request: LabelRequest) -> None:
        self._check_parcel(request)
        check_address(request.order_number, "sender", request.sender)
        if request.recipient.country not in self._countries:
            raise AddressRefused(request.order_number, "recipient.country", f"is not served by {self.name}")
        check_address(request.order_number, "recipient", request.recipient)

    def _check_parcel(self, request: LabelRequest) -> None:
        weight = request.parcel.weight_g
        if weight <= 0:
            raise ParcelRefused(
                f"the parcel of {request.order_number} has no weight", remedy="Give its articles a weight."
            )
        if weight > self._max_weight_g:
            raise ParcelRefused(
                f"the parcel of {request.order_number} weighs {weight} g, {self.name} takes {self._max_weight_g} g",
                remedy="Send it in several parcels or with another carrier.",
            )
