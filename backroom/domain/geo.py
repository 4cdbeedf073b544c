"""Places on the globe: how far apart two of them are, and where an address lies.

What belongs here: distances as the crow flies, and the look-up in the shop file's postcode table. What does not: what
a distance means for an order (`routing`), asking a geocoder (nothing here leaves the machine).

Coordinates are (latitude, longitude) in WGS 84 degrees.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Protocol

from backroom.domain.shop import PostcodePlace

Coordinates = tuple[float, float]
Postcodes = Mapping[tuple[str, str], Coordinates]

# The IUGG mean radius R1 = (2a + b) / 3 of WGS 84 (Moritz, Geodetic Reference System 1980): off by 0.5 % at most.
EARTH_RADIUS_KM = 6371.0088


class AddressLike(Protocol):
    """What an address must tell to be found; `backroom.domain.model.Address` does."""

    @property
    def latitude(self) -> float | None: ...
    @property
    def longitude(self) -> float | None: ...
    @property
    def postcode(self) -> str: ...
    @property
    def country(self) -> str: ...


def distance_km(a: Coordinates, b: Coordinates) -> float:
    """The great-circle distance in kilometres, by the haversine formula (R. W. Sinnott, Sky & Telescope 68, 1984)."""
    lat_a, lon_a, lat_b, lon_b = map(math.radians, (*a, *b))
    h = math.sin((lat_b - lat_a) / 2) ** 2 + math.cos(lat_a) * math.cos(lat_b) * math.sin((lon_b - lon_a) / 2) ** 2
    # Opposite points may round to just above 1, where the arc sine ends.
    return 2 * EARTH_RADIUS_KM * math.asin(math.sqrt(min(1.0, h)))


def distance_m(a: Coordinates, b: Coordinates) -> int:
    """The distance in whole metres, and what every limit is compared with.

    A limit of 10 km includes 10.000 km: floating point says 10.000000000002 for some pairs that are exactly that far
    apart, and coordinates are good to some metres at best. So both sides are rounded to the metre, then compared.
    """
    return round(distance_km(a, b) * 1000)


def postcode_table(places: Iterable[PostcodePlace]) -> Postcodes:
    """The shop file's postcodes, ready for `locate`. The first of two equal entries counts."""
    table: dict[tuple[str, str], Coordinates] = {}
    for place in places:
        key = (place.country.upper(), _plain(place.postcode))
        table.setdefault(key, (place.latitude, place.longitude))
    return table


def locate(address: AddressLike, postcodes: Postcodes) -> tuple[float, float, str] | None:
    """Where an address lies: (latitude, longitude, how), how being `coordinates` or `postcode 1011`; None if unknown.

    Its own coordinates come first. Then the longest entry of its country that its postcode begins with: the table may
    hold whole postcodes or the districts they begin with (SW1A for SW1A 1AA). Two postcodes that merely resemble each
    other do not match: that would be a guess.
    """
    if address.latitude is not None and address.longitude is not None:
        given = (address.latitude, address.longitude)
        if _on_earth(given):
            return (*given, "coordinates")
    country, postcode = address.country.upper(), _plain(address.postcode)
    for length in range(len(postcode), 0, -1):
        found = postcodes.get((country, postcode[:length]))
        if found is not None:
            return (*found, f"postcode {postcode[:length]}")
    return None


def _on_earth(given: Coordinates) -> bool:
    """Real coordinates. Not (0, 0): no parcel goes to the Gulf of Guinea, shops send it for "unknown"."""
    latitude, longitude = given
    return abs(latitude) <= 90 and abs(longitude) <= 180 and given != (0.0, 0.0)


def _plain(postcode: str) -> str:
    return "".join(character for character in postcode.upper() if character.isalnum())
