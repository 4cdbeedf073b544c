"""What work and things cost, as the shop file says it for the shop and for each of its places."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CostRates:
    """What work and things cost, in minor units of the shop's currency.

    `packaging` per parcel; `print` (ink, pretreatment) and `blank` per printed piece; `picking_minutes` per piece at
    `wage_per_hour`; messages per thousand; `booth_per_hour` while a booth is open; `hosting_per_month` for machines,
    `compute_per_1000` orders for what is paid by use, and `return_label` for a parcel that comes back by its label.
    """

    packaging: int = 0
    print: int = 0
    blank: int = 0
    picking_minutes: float = 0.0
    wage_per_hour: int = 0
    email_per_1000: int = 0
    sms_per_1000: int = 0
    booth_per_hour: int = 0
    hosting_per_month: int = 0
    compute_per_1000: int = 0
    return_label: int = 0

    @property
    def handled_piece(self) -> float:
        """What it costs to bring a piece from the shelf or the printer into its box."""
        return self.picking_minutes / 60 * self.wage_per_hour

    @property
    def printed_piece(self) -> int:
        """What a printed piece costs besides: ink, and what is printed on."""
        return self.print + self.blank
