"""Would a robot pay: the sums by hand, and what must hold of them whatever the figures."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from backroom.cli.processes import ROOT
from backroom.domain.automation import ASSUMPTIONS, Picking, annuity, year_of
from backroom.shop.assumptions import read_assumptions

OURS = read_assumptions(ROOT / "data" / "robotics.toml", ASSUMPTIONS, "EUR")
VALUES = OURS.values() | {
    "growth": 1.0,
    "overhead_percent": 20,
    "walk_share": 0.5,
    "slotting_cut": 0.4,
    "cell_price": 100_000,
    "cell_years": 10,
    "cell_interest_percent": 0,
    "cell_service_percent": 5,
    "cell_picks_per_hour": 200,
    "cell_skus": 2,
    "integrator_month": 1000,
    "integrator_pick": 0.1,
}
PICKING = Picking(200_000, 50, 20, (0.5, 0.8, 1.0), 0.5)


def test_a_year_each_way_is_what_it_is_by_hand() -> None:
    year = year_of(PICKING, VALUES)
    # 200,000 picks at 50 an hour are 4,000 hours at 24.
    assert year.people == 96_000
    # Half of them is walking, half of that for the best sellers, 40 % of that is saved: 400 hours.
    assert (year.walking_hours, year.walking_saved_slotting) == (2000, 400)
    assert year.slotting == 96_000 - 400 * 24
    # 10,000 a year for the cell and 5,000 for its service; 160,000 picks at 0.12, 40,000 at 0.48.
    assert year.cell == pytest.approx(15_000 + 160_000 * 0.12 + 40_000 * 0.48)
    assert year.integrator == pytest.approx(12_000 + 160_000 * 0.22 + 40_000 * 0.48)
    # A pick costs 0.432 with the shelves sorted, and 0.192 beside the cell: 0.24 less.
    assert year.break_even == pytest.approx(15_000 / 0.24)
    assert year.payback_years == pytest.approx(100_000 / (200_000 * 0.24 - 5_000))


def test_an_annuity_is_what_a_bank_asks() -> None:
    assert annuity(1000, 0, 10) == 100
    # 1,000 over two years at 10 %: 1000 × 0.1 / (1 − 1.1⁻²).
    assert annuity(1000, 10, 2) == pytest.approx(576.19, abs=0.01)


def test_a_cell_that_is_no_faster_than_people_never_pays() -> None:
    year = year_of(PICKING, VALUES | {"cell_picks_per_hour": 50})
    assert year.break_even is None
    assert year.payback_years is None
    assert year.best_saving < 0


def test_figures_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match="above zero"):
        year_of(PICKING, VALUES | {"cell_years": 0})


@given(st.floats(1_000, 5_000_000), st.floats(10, 140), st.floats(5, 60))
def test_at_its_break_even_a_cell_costs_what_people_with_sorted_shelves_do(
    picks: float, pace: float, wage: float
) -> None:
    year = year_of(Picking(picks, pace, wage, (0.5, 0.9), 0.5), VALUES)
    assume(year.break_even is not None)
    at = year_of(Picking(year.break_even or 0, pace, wage, (0.5, 0.9), 0.5), VALUES)
    assert at.cell == pytest.approx(at.slotting)
    assert (year.cell < year.slotting) == (picks > (year.break_even or 0)) or picks == pytest.approx(year.break_even)


def test_every_assumption_of_ours_has_a_source_and_swings_the_answer() -> None:
    swings = OURS.swings(lambda values: year_of(PICKING, values).best_saving)
    assert {name for name, _, _ in swings} == set(ASSUMPTIONS)
    widths = [abs(high - low) for _, low, high in swings]
    assert widths == sorted(widths, reverse=True)
    assert all(one.source for one in OURS.each)
