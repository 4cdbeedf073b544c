"""What is asked of EasyPost, in its words and units: a shipment with its addresses and its parcel.

What belongs here: writing a request, and refusing a parcel that it would not take. What does not: calls (`easypost`),
answers (`easypost_reading`). Fields are those of its API documentation (docs.easypost.com: Shipment, Address, Parcel).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from backroom.carriers.address_check import check_address
from backroom.carriers.base import AddressRefused, ParcelRefused
from backroom.carriers.easypost_reading import SERVICE
from backroom.domain.labels import LabelRequest, ParcelSpec, PostalAddress

GRAMS_IN_AN_OUNCE = 28.349523125
MM_IN_AN_INCH = 25.4


def shipment_for(request: LabelRequest, *, back: bool, label_format: str, box_mm: Sequence[int]) -> dict[str, Any]:
    """The body of a new shipment, or of that of its way `back`; `box_mm` is what a parcel without measures goes in."""
    return {
        "reference": f"{request.key}-return" if back else request.key,
        "to_address": _address(request.recipient),
        "from_address": _address(request.sender),
        "parcel": _parcel(request.parcel, box_mm),
        # For a return the addresses stay as they are: it turns them round itself.
        "is_return": back,
        "options": {"label_format": label_format.upper(), "label_size": "4x6"},
    }


def check_parcel(request: LabelRequest, *, most_g: int, countries: Collection[str]) -> None:
    """Refuse what it would not carry: ParcelRefused, AddressRefused."""
    number, weight = request.order_number, request.parcel.weight_g
    if weight <= 0:
        raise ParcelRefused(f"the parcel of {number} has no weight", remedy="Give its articles a weight.")
    if weight > most_g:
        raise ParcelRefused(
            f"the parcel of {number} weighs {weight} g, {SERVICE} takes {most_g} g here",
            remedy="Send it in several parcels or with another carrier.",
        )
    if request.recipient.country not in countries:
        raise AddressRefused(number, "recipient.country", f"is not served by {SERVICE}")
    check_address(number, "sender", request.sender)
    check_address(number, "recipient", request.recipient)


def _parcel(spec: ParcelSpec, box_mm: Sequence[int]) -> dict[str, float]:
    """Ounces and inches, to one decimal as its documentation has it; never less than there is."""
    sides = [side for side in (spec.length_mm, spec.width_mm, spec.height_mm) if side]
    sides = sides if len(sides) == 3 else list(box_mm)
    parcel = {"weight": max(0.1, round(spec.weight_g / GRAMS_IN_AN_OUNCE + 0.05, 1))}
    named = zip(("length", "width", "height"), sides, strict=False)
    return parcel | {name: max(0.1, round(side / MM_IN_AN_INCH, 1)) for name, side in named}


def _address(address: PostalAddress) -> dict[str, str]:
    lines = [line.strip() for line in address.lines if line.strip()]
    named = {
        "name": address.name,
        "company": address.company,
        "street1": lines[0] if lines else "",
        "street2": ", ".join(lines[1:]),
        "city": address.city,
        "state": address.region,
        "zip": address.postcode,
        "country": address.country,
        "phone": address.phone,
    }
    return {name: value.strip() for name, value in named.items() if value and value.strip()}
