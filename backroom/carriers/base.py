"""What every carrier is to us: somebody who sells labels, and tells what was bought.

What belongs here: the interface and the errors all carriers share. What does not: any one carrier.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol, TypeAlias, runtime_checkable

from backroom.domain.errors import AskPerson, BackroomError
from backroom.domain.labels import LabelDocument, LabelKind, LabelRequest, Purchase
from backroom.domain.rates import Rate
from backroom.domain.tracking import TrackingEvent

# How a refund stands at the carrier. One that is not applicable is charged only when the label is scanned.
RefundOutcome: TypeAlias = Literal["submitted", "refunded", "rejected", "not_applicable"]


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


class RefundRefused(AskPerson):
    """The carrier does not take the label back."""

    cause = "label_refund_refused"


class Carrier(Protocol):
    """A carrier, under the `name` that labels and customers read.

    `idempotent` says that buying the same request under the same key again is the same purchase over there: only then
    is a call without an answer made again, and a whole wave bought in one call. `can_tell` says that `find` answers
    exactly, so that a crash between call and answer is no riddle. Where neither holds, a person looks it up.
    """

    name: str
    idempotent: bool
    can_tell: bool

    def rates(self, requests: Sequence[LabelRequest]) -> list[list[Rate] | BackroomError]:
        """What each parcel would cost, by service; one list or error a request, in their order. Nothing is bought, and
        asking again is harmless. The `service` of the requests says nothing yet."""
        ...

    def buy(self, requests: Sequence[LabelRequest]) -> list[Purchase | BackroomError]:
        """Buy labels; one outcome a request, in their order. One that is refused never holds the others up.

        Each request names the service, and the rate, that was chosen among `rates`.
        """
        ...

    def documents(self, purchases: Sequence[Purchase]) -> list[dict[LabelKind, LabelDocument] | BackroomError]:
        """The labels of what was bought as this carrier drew them; one outcome a purchase, in their order.

        Empty where the labels are drawn by us, from their data. Asking again is harmless.
        """
        ...

    def find(self, key: str) -> Purchase | None:
        """What was bought under this key; None if certainly nothing was. OutcomeUnknown where it cannot be told."""
        ...


@runtime_checkable
class Tracks(Protocol):
    """A carrier that tells where its parcels are, and takes labels back that were not used."""

    def track(self, references: Sequence[str]) -> list[list[TrackingEvent] | BackroomError]:
        """What is known of each parcel, by the carrier's own word for it; one outcome a parcel, in their order."""
        ...

    def refund(self, reference: str) -> RefundOutcome:
        """Give an unused label back; RefundRefused where the carrier does not take it. Asked again it is one refund,
        and a rejected one is asked for anew."""
        ...

    def refund_state(self, reference: str) -> RefundOutcome | None:
        """How the refund of a label stands; None where none was asked for."""
        ...
