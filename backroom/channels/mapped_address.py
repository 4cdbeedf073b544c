"""The address of a mapped shop's order: one block of it, whole.

What belongs here: which block is taken, and its fields. What does not: reading one field (`mapped_fields`), and whether
a parcel would arrive there (`contact`).
"""

from __future__ import annotations

from collections.abc import Mapping

from backroom.channels.mapped_fields import FieldReader, joined
from backroom.channels.reading import country, degrees
from backroom.domain.json_path import Found, Source, find, read
from backroom.domain.mapping import AddressMapping
from backroom.domain.model import Address

_PLACES = ("line1", "postcode", "city")
_DEGREES = frozenset({"latitude", "longitude"})
_LENGTHS = {"postcode": 20, "country": 60}


def country_told(reader: FieldReader) -> str:
    """The country that the address names, for its phone numbers; empty where there is none."""
    address = reader.mapping.address
    if address is None or "country" not in address.fields:
        return ""
    found = read(_block(reader, address).value, address.fields["country"])
    return country(found.value) if found else ""


def read_address(reader: FieldReader, shop_country: str) -> Address | None:
    """The address, None where no place is named. `shop_country` is assumed where it names no country."""
    mapping = reader.mapping.address
    if mapping is None:
        return None
    here = _block(reader, mapping)
    told = {
        key: reader.text(f"address.{key}", source, _LENGTHS.get(key, 200), here)
        for key, source in mapping.fields.items()
        if key not in _DEGREES
    }
    if not any(told.get(key) for key in _PLACES):
        return None
    return Address(
        name=told.get("name", ""),
        company=told.get("company", ""),
        line1=told.get("line1", ""),
        line2=told.get("line2", ""),
        postcode=told.get("postcode", ""),
        city=told.get("city", ""),
        region=told.get("region", ""),
        country=_country(reader, told, mapping.fields, here) or shop_country,
        latitude=_degrees(reader, mapping.fields.get("latitude"), 90.0, here),
        longitude=_degrees(reader, mapping.fields.get("longitude"), 180.0, here),
    )


def _block(reader: FieldReader, address: AddressMapping) -> Found:
    """The first block that names a place; whole, because half of one and half of another is nobody's address."""
    root = reader.root
    for path in address.at:
        for one in find(root.value, path):
            if any(read(one.value, address.fields[key]) for key in _PLACES if key in address.fields):
                return Found(one.value, joined(root.path, one.path))
    return Found({}, joined(root.path, address.at[0].text)) if address.at else root


def _country(reader: FieldReader, told: Mapping[str, str], fields: Mapping[str, Source], here: Found) -> str:
    code = country(told.get("country", ""))
    if told.get("country") and not code:
        _, place = reader.value(fields["country"], here)
        reader.reading.wrong("country", place, "is not a country's two letters by ISO 3166-1")
    return code


def _degrees(reader: FieldReader, source: Source | None, most: float, here: Found) -> float | None:
    value, _ = reader.value(source, here)
    return degrees(value, most)
