"""Would a robot pay? A year of picking by people, with the shelves sorted, with a robot cell, with an integrator's.

What belongs here: the sums, pure. What does not: the assumptions' figures (a file), the shop's own figures
(`backroom.insight.robotics`).

A cell or an integrator's robots bring the shelf to the person, so that nobody walks; a person still picks at the
station. Only picks of SKUs that lie in the robots' store count; the rest is picked as before.
"""

from __future__ import annotations

from dataclasses import dataclass

from backroom.domain.assumptions import Values

ASSUMPTIONS = (
    "growth",
    "overhead_percent",
    "walk_share",
    "slotting_cut",
    "cell_price",
    "cell_years",
    "cell_interest_percent",
    "cell_service_percent",
    "cell_picks_per_hour",
    "cell_skus",
    "integrator_month",
    "integrator_pick",
)


@dataclass(frozen=True, slots=True)
class Picking:
    """A shop's picking as it is: picks a year, how many one person picks an hour, the wage in whole units of currency.

    `fits` gives the share of picks that the 1, 2, 3 … best-selling SKUs make; `top_fifth` that of the best fifth.
    """

    picks_a_year: float
    picks_per_hour: float
    wage_per_hour: float
    fits: tuple[float, ...]
    top_fifth: float

    def share_in(self, skus: float) -> float:
        """The share of picks that so many SKUs make."""
        return self.fits[min(int(skus), len(self.fits)) - 1] if self.fits and skus >= 1 else 0.0


@dataclass(frozen=True, slots=True)
class Year:
    """What picking costs in a year each way, in whole units of the currency, and the walking in hours.

    Robots are held against people with the best sellers close by, because that comes first. `break_even` is how many
    picks a year a cell needs to cost no more than they do, None if no number is enough; `payback_years` how long its
    price takes to come back, None if it never does.
    """

    people: float
    slotting: float
    cell: float
    integrator: float
    walking_hours: float
    walking_saved_slotting: float
    walking_saved_cell: float
    break_even: float | None
    payback_years: float | None

    @property
    def best_saving(self) -> float:
        """What the better robot saves in a year against people with best sellers close by; below zero it costs more."""
        return self.slotting - min(self.cell, self.integrator)


def annuity(price: float, interest_percent: float, years: float) -> float:
    """What a price costs in each of so many years at an interest: P·i / (1 − (1 + i)^−n); P / n without interest."""
    rate = interest_percent / 100
    return price / years if not rate else price * rate / (1 - (1 + rate) ** -years)


def year_of(picking: Picking, values: Values) -> Year:
    """All ways beside each other. Raises ValueError where nobody picks any or a figure is none that could be."""
    if picking.picks_per_hour <= 0 or values["cell_picks_per_hour"] <= 0 or values["cell_years"] <= 0:
        raise ValueError("picks an hour and the years of a cell must be above zero")
    picks = picking.picks_a_year * values["growth"]
    wage = picking.wage_per_hour * (1 + values["overhead_percent"] / 100)
    by_hand = wage / picking.picks_per_hour
    at_station = wage / values["cell_picks_per_hour"]
    inside = picking.share_in(values["cell_skus"])
    walking = picks / picking.picks_per_hour * values["walk_share"]
    slotted = walking * picking.top_fifth * values["slotting_cut"]
    fixed = annuity(values["cell_price"], values["cell_interest_percent"], values["cell_years"])
    service = values["cell_price"] * values["cell_service_percent"] / 100
    people = picks * by_hand
    picked_inside = picks * inside
    left_outside = (picks - picked_inside) * by_hand
    cell = fixed + service + picked_inside * at_station + left_outside
    saved_by_slotting = by_hand * values["walk_share"] * picking.top_fifth * values["slotting_cut"]
    saved_a_pick = (by_hand - at_station) * inside - saved_by_slotting
    saved_a_year = picks * saved_a_pick - service
    return Year(
        people=people,
        slotting=people - slotted * wage,
        cell=cell,
        integrator=12 * values["integrator_month"]
        + picked_inside * (values["integrator_pick"] + at_station)
        + left_outside,
        walking_hours=walking,
        walking_saved_slotting=slotted,
        walking_saved_cell=walking * inside,
        break_even=(fixed + service) / saved_a_pick if saved_a_pick > 0 else None,
        payback_years=values["cell_price"] / saved_a_year if saved_a_year > 0 else None,
    )
