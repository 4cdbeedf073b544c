"""Transfers: pieces, ink and paper that go from the hub to a booth with a person's yes, and what of them arrived.

What belongs here: a transfer's states, and its lines with what is missing. What does not: what should go
(`prestaging`), the rows and the stock (`backroom.store.transfers`).

Every piece is in one place on every path: on the hub's shelf; set aside or on the way, which is out of the hub's stock
and in nobody else's; or at the booth. What was sent and not found on arrival is missing, by name, until it turns up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from backroom.domain.errors import Refuse


class TransferState(StrEnum):
    """PROPOSED waits for a person. APPROVED is set aside and waits to be packed, SENT is on its way, ARRIVED was
    counted. OUTDATED gave way to a newer proposal; CANCELLED went back to the hub's shelf."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    SENT = "sent"
    ARRIVED = "arrived"
    DECLINED = "declined"
    OUTDATED = "outdated"
    CANCELLED = "cancelled"


# A proposal that differs by fewer pieces than this share of it is not asked about anew.
ABOUT = 0.1
AWAY = (TransferState.APPROVED, TransferState.SENT)


class TransferRefused(Refuse):
    """This cannot be done with the transfer as it stands."""

    cause = "transfer_refused"


@dataclass(frozen=True, slots=True)
class TransferLine:
    """One SKU of a transfer: pieces asked for, set aside or sent, scanned on arrival, and put to the booth's stock.

    `to_print` of those asked for are printed at the hub first, `printing` of them have not come out yet.
    """

    sku: str
    asked: int
    sent: int = 0
    arrived: int = 0
    booked: int = 0
    to_print: int = 0
    printing: int = 0

    @property
    def on_the_way(self) -> int:
        return self.sent - self.arrived


@dataclass(frozen=True, slots=True)
class PackLine:
    """One material of a transfer: whole packs asked for, packed, and seen on arrival. Each `holds` so many of its
    `unit`; `units` of them are needed for the blanks. `code` is what a scanner reads on one, "" where nobody said."""

    material: str
    pack: str
    unit: str
    code: str
    holds: int
    units: int
    asked: int
    sent: int = 0
    arrived: int = 0

    @property
    def on_the_way(self) -> int:
        return self.sent - self.arrived

    @property
    def name(self) -> str:
        """In words, for people: `bottle of 250 ml, for 480 ml`."""
        return f"{self.pack}, for {self.units} {self.unit}"

    def answers_to(self, code: str) -> bool:
        """Whether a scanned or typed code means a pack of it."""
        return code == self.material or (bool(code) and code == self.code)


def missing(lines: Iterable[TransferLine]) -> dict[str, int]:
    """What was sent and did not arrive, by SKU."""
    return {line.sku: line.on_the_way for line in lines if line.on_the_way}


def less_than_asked(lines: Iterable[TransferLine]) -> dict[str, int]:
    """What was asked for and not there any more when it was set aside or packed, by SKU; what is still to be printed is
    no lack yet."""
    lacking = {line.sku: line.asked - line.sent - line.printing for line in lines}
    return {sku: count for sku, count in lacking.items() if count > 0}


def about_the_same(one: Mapping[str, int], other: Mapping[str, int]) -> bool:
    """Whether two proposals differ too little to ask a person twice: by two pieces, or by a tenth of the first."""
    differ = sum(abs(one.get(sku, 0) - other.get(sku, 0)) for sku in one.keys() | other.keys())
    return differ <= max(2, ABOUT * sum(one.values())) and bool(one) == bool(other)
