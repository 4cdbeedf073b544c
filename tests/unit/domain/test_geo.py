"""Distances against known ones, and addresses that are found or honestly not found."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backroom.domain.geo import EARTH_RADIUS_KM, Coordinates, distance_km, distance_m, locate, postcode_table
from backroom.domain.model import Address
from backroom.domain.shop import PostcodePlace

POINTS = st.tuples(st.floats(-90, 90), st.floats(-180, 180))
TABLE = postcode_table(
    [
        PostcodePlace("DE", "10115", 52.532, 13.385),
        PostcodePlace("DE", "10", 52.52, 13.405),
        PostcodePlace("GB", "SW1A", 51.501, -0.142),
        PostcodePlace("GB", "sw1", 51.49, -0.14),
        PostcodePlace("DE", "10115", 0.1, 0.1),
    ]
)


def address(postcode: str, country: str = "DE", at: tuple[float | None, float | None] = (None, None)) -> Address:
    return Address("N", "Street 1", postcode, "City", country, latitude=at[0], longitude=at[1])


def north_of(start: Coordinates, km: float) -> Coordinates:
    return (start[0] + math.degrees(km / EARTH_RADIUS_KM), start[1])


def test_known_distances() -> None:
    berlin, hamburg = (52.5200, 13.4050), (53.5511, 9.9937)
    assert distance_km(berlin, hamburg) == pytest.approx(255.3, abs=0.2)
    assert distance_km((0, 0), (0, 180)) == pytest.approx(math.pi * EARTH_RADIUS_KM)


@pytest.mark.parametrize("latitude", [-60, -33.3, 0, 48.2, 52.52, 70])
def test_a_parcel_of_exactly_ten_kilometres_is_ten_thousand_metres_away(latitude: float) -> None:
    start = (latitude, 13.4)
    assert distance_m(start, north_of(start, 10)) == 10_000
    assert distance_m(start, north_of(start, 10.001)) == 10_001


@given(POINTS, POINTS)
def test_distance_is_symmetric_and_never_more_than_half_the_globe(a: Coordinates, b: Coordinates) -> None:
    assert distance_km(a, b) == pytest.approx(distance_km(b, a))
    assert 0 <= distance_km(a, b) <= math.pi * EARTH_RADIUS_KM + 1e-6
    assert distance_m(a, a) == 0


@given(POINTS, POINTS, POINTS)
def test_a_detour_is_never_shorter(a: Coordinates, b: Coordinates, c: Coordinates) -> None:
    assert distance_km(a, c) <= distance_km(a, b) + distance_km(b, c) + 1e-3


def test_given_coordinates_come_before_the_postcode() -> None:
    assert locate(address("10115", at=(48.1, 11.6)), TABLE) == (48.1, 11.6, "coordinates")


def test_a_postcode_in_the_table_is_found_and_its_first_entry_counts() -> None:
    assert locate(address("10115"), TABLE) == (52.532, 13.385, "postcode 10115")


def test_the_longest_prefix_wins() -> None:
    assert locate(address("10117"), TABLE) == (52.52, 13.405, "postcode 10")
    assert locate(address("sw1a 1aa", "gb"), TABLE) == (51.501, -0.142, "postcode SW1A")
    assert locate(address("SW1P 3BU", "GB"), TABLE) == (51.49, -0.14, "postcode SW1")


def test_a_postcode_of_another_country_is_not_a_match() -> None:
    assert locate(address("10115", "FR"), TABLE) is None


@pytest.mark.parametrize("postcode", ["", "99999", "1", " - "])
def test_what_is_not_in_the_table_is_not_guessed(postcode: str) -> None:
    assert locate(address(postcode), TABLE) is None


@pytest.mark.parametrize("at", [(0.0, 0.0), (91.0, 1.0), (1.0, 181.0), (math.nan, 1.0), (math.inf, 1.0), (52.0, None)])
def test_coordinates_that_cannot_be_are_not_used(at: tuple[float, float | None]) -> None:
    assert locate(address("10115", at=at), TABLE) == (52.532, 13.385, "postcode 10115")
    assert locate(address("99999", at=at), TABLE) is None
