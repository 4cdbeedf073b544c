"""What every carrier is to us: somebody who sells labels, and tells what was bought.

What belongs here: the interface and the errors all carriers share. What does not: any one carrier.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from backroom.domain.errors import AskPerson, BackroomError
from backroom.domain.labels import LabelRequest, Purchase


class AddressRefused(AskPerson):
    """The carrier cannot deliver to this address. `field` is its path (`recipient.postcode`), never its content."""

    cause = "address_refused"

    def __init__(self, order_number: str, field: str, why: str) -> None:
        super().__init__(
            f"the parcel of {order_number} has no label: {field} {why}",
            remedy=f"Correct {field.replace('.', ' ')} and retry the order.",
        )
        self.order_number = order_number
        self.field = field


class ParcelRefused(AskPerson):
    """The carrier does not take this parcel: too heavy, no weight, a service it does not offer."""

    cause = "parcel_refused"


class Carrier(Protocol):
    """A carrier, under the `name` that labels and customers read.

    `idempotent` says that buying the same request under the same key again is the same purchase over there: only then
    is a call without an answer made again, and a whole wave bought in one call. `can_tell` says that `find` answers
    exactly, so that a crash between call and answer is no riddle. Where neither holds, a person looks it up.
    """

    name: str
    idempotent: bool
    can_tell: bool

    def buy(self, requests: Sequence[LabelRequest]) -> list[Purchase | BackroomError]:
        """Buy labels; one outcome a request, in their order. One that is refused never holds the others up."""
        ...

    def find(self, key: str) -> Purchase | None:
        """What was bought under this key; None if certainly nothing was. OutcomeUnknown where it cannot be told."""
        ...
