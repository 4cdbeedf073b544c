"""An order in Printful's words (version 2): how it is asked for, and how its items, costs and troubles are read.

What belongs here: pure functions over its JSON. What does not: its calls and its states (`printful`).

An item is one line of ours by its `external_id`. Options that are flags over there stand in the shop file as `"true"`
and `"false"`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from backroom.domain.money import to_minor
from backroom.domain.partner_orders import PartnerParcel, PartnerRequest, ToldLine
from backroom.partners.artwork_urls import sha256_in

DEFAULT_TECHNIQUE, DEFAULT_SHIPPING = "dtg", "STANDARD"
DONE, FAILED = "done", "failed"
# Options whose values are no texts over there.
FLAGS = frozenset({"inside_pocket", "lifelike"})
_STATE_CODE = re.compile(r"[A-Z0-9]{1,3}")


def body_of(request: PartnerRequest) -> dict[str, Any]:
    """What creates the order."""
    return {
        "external_id": request.reference,
        "shipping": request.shipping_method or DEFAULT_SHIPPING,
        "recipient": _recipient(request),
        "order_items": [
            {
                "source": "catalog",
                "external_id": str(line.line_no),
                "catalog_variant_id": int(line.code) if line.code.isdecimal() else line.code,
                "quantity": line.quantity,
                "placements": [
                    {
                        "placement": line.placement,
                        "technique": line.technique or DEFAULT_TECHNIQUE,
                        "layers": [{"type": "file", "url": request.artwork[line.artwork].url}],
                    }
                ]
                if line.artwork
                else [],
                **(
                    {"product_options": [_option(name, value) for name, value in line.attributes.items()]}
                    if line.attributes
                    else {}
                ),
            }
            for line in request.lines
        ],
    }


def line_of(item: Mapping[str, Any], sent: Mapping[object, int] | None = None) -> ToldLine:
    """A line as it is there, and how much of it is `sent`, by the item's id; ValueError without a quantity."""
    quantity, variant = item.get("quantity"), item.get("catalog_variant_id")
    if not isinstance(quantity, int):
        raise ValueError("quantity")  # noqa: TRY004 - bad data of theirs, not a bug of ours
    placements = [mapping(one) for one in sequence(item.get("placements"))]
    urls = [mapping(layer).get("url") for one in placements for layer in sequence(one.get("layers"))]
    artworks = [sha256_in(url) for url in urls]
    techniques = {one["technique"] for one in placements if isinstance(one.get("technique"), str)}
    return ToldLine(
        line_no=line_no_of(item),
        # One of the shop's own in the warehouse is no piece of the catalogue, and none that we ask for.
        code=str(variant) if isinstance(variant, int) else str(item.get("source") or "none"),
        quantity=quantity,
        placement=", ".join(str(one.get("placement")) for one in placements),
        # Of an address that is not ours nothing can be said.
        artwork=None if None in artworks else ", ".join(filter(None, artworks)),
        done=None if sent is None else sent.get(item.get("id"), 0),
        attributes=_options(item.get("product_options")),
        technique=", ".join(sorted(techniques)) or None,
        prints=len(urls),
    )


def line_no_of(item: Mapping[str, Any]) -> int:
    """Our number of a line; 0 for one that we did not name, which is one that we did not ask for."""
    number = item.get("external_id")
    return int(number) if isinstance(number, str) and number.isdecimal() and len(number) < 10 else 0


def cost_of(costs: object) -> tuple[int | None, str]:
    """What it costs in minor units, and the currency; None as long as it is not worked out. ValueError for nonsense."""
    told = mapping(costs)
    if told.get("calculation_status") != DONE:
        return None, ""
    minor, currency = None, str(told.get("currency"))
    with suppress(ValueError, TypeError):
        minor = to_minor(str(told.get("total")), currency)
    if minor is None:
        raise ValueError("cost")
    return minor, currency


def parcels_of(
    shipments: Sequence[Mapping[str, Any]], numbered: Sequence[Mapping[str, Any]]
) -> tuple[PartnerParcel, ...]:
    """What was sent, by the shipments of version 2; their numbers stand in those of version 1 (`numbered`) alone."""
    numbers = {one.get("id"): one.get("tracking_number") for one in numbered}
    return tuple(
        PartnerParcel(
            carrier=_text(one.get("carrier")),
            tracking=_text(numbers.get(one.get("id"))),
            url=_text(one.get("tracking_url")),
        )
        for one in shipments
    )


def pieces_in(shipments: Sequence[Mapping[str, Any]]) -> Mapping[object, int] | None:
    """How many pieces of each item were sent, by its id; None where a shipment does not say what is in it. What is sent
    once more in the place of another is counted once."""
    found: dict[object, int] = {}
    for one in shipments:
        items = [mapping(item) for item in sequence(one.get("shipment_items"))]
        if not items:
            return None
        for item in items if one.get("is_reshipment") is not True else ():
            quantity = item.get("quantity")
            found[item.get("order_item_id")] = found.get(item.get("order_item_id"), 0) + (
                quantity if isinstance(quantity, int) else 0
            )
    return found or None


def troubles(name: str, costs: object, items: Sequence[Mapping[str, Any]]) -> list[str]:
    """Why an order cannot be made as it is, in sentences for whoever mends it."""
    said = []
    if mapping(costs).get("calculation_status") == FAILED:
        said.append(f"{name} cannot work out what it costs. Look at the draft there, or cancel the order.")
    for item in items:
        for one in map(mapping, sequence(item.get("placements"))):
            if one.get("status") == FAILED:
                where = f"line {line_no_of(item)} on {one.get('placement')}"
                why = _text(one.get("status_explanation")).rstrip(". ") or "it does not say why"
                said.append(
                    f"{name} cannot print the artwork of {where}: {why}. Mend it in the draft there, or cancel."
                )
    return said


def sequence(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _option(name: str, value: str) -> dict[str, object]:
    return {"name": name, "value": value == "true" if name in FLAGS else value}


def _options(told: object) -> Mapping[str, str] | None:
    """The product's options, as the shop file writes them; None where the answer has no list of them."""
    if not isinstance(told, list):
        return None
    return {str(mapping(one).get("name")): _written(mapping(one).get("value")) for one in told}


def _written(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _recipient(request: PartnerRequest) -> dict[str, str]:
    if request.recipient is None:
        return {}
    address = request.recipient.address
    told = {
        "name": address.name,
        "company": address.company,
        "address1": address.line1,
        "address2": address.line2,
        "city": address.city,
        "state_code": address.region if _STATE_CODE.fullmatch(address.region) else "",
        "country_code": address.country,
        "zip": address.postcode,
        "phone": request.recipient.phone,
    }
    return {name: value for name, value in told.items() if value}


def _text(value: object) -> str:
    return str(value or "")[:300]
