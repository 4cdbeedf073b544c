"""Validation: whether what a channel sent is an order we can take, and every reason if not.

What belongs here: checks that need the order, the catalogue and the shop's currency alone. What does not: the form of
phones, e-mails and postcodes (`backroom.channels.contact` finds those problems and passes them in), reading messages.

Every problem is found, not the first one only. A `mendable` one becomes a Hold for a person; any other one sends the
message to quarantine.

    code                    mendable  what is wrong
    text_unusable           no        a text holds a NUL or half a character, which no database and no label takes
    amount_out_of_range     no        a price or total below zero, or beyond 2,147,483,647 minor units (32 bits)
    no_identity             no        no channel, or no id of its own
    time_without_zone       no        a time stamp that could be any hour
    currency_unknown        no        the code is not in ISO 4217
    no_lines                no        there is nothing to make
    quantity_out_of_range   no        a line of fewer than 1 or more than 999 pieces
    card_number             no        a card number stands where the payment token belongs: the channel leaks it
    cancelled               yes       it was cancelled at its source; then nothing but unstorable data matters
    currency_not_ours       yes       paid in another currency than the shop's
    unknown_sku             yes       a line without SKU, or with one that the catalogue does not have
    totals_do_not_add_up    yes       lines − discounts + shipping + tax_added is not what was paid
    payment_pending         yes       not paid yet
    payment_refunded        yes       paid back already
    address_incomplete      yes       it is to be shipped, and no parcel would arrive
    location_missing        yes       it is collected or carried out, and nobody says where
    unreachable             yes       it is to be shipped, there is neither a usable phone nor e-mail, and its channel
                                      does not tell the customer by itself

A phone or an e-mail that cannot be used is no problem of the order while the other one can: only its messages suffer,
so such a contact problem does not come back from here. Those of the address do, when it is to be shipped there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass

from backroom.domain.cards import is_card_number
from backroom.domain.model import Delivery, IncomingOrder, PaymentStatus, Problem, Variant
from backroom.domain.money import EXPONENTS, format_money

MOST_PIECES = 999
MOST_MINOR = 2**31 - 1

# Countries whose addresses need a postcode, and those that need no town: Google's address data (chromium-i18n), 2024.
_POSTCODE_COUNTRIES = (
    "AS AT AU AX BE BL BR CA CH CN CZ DE DK EE ES FI FK FM FR GB GF GG GL GP GR GS GU HU IM IN IO IT JE JP KR LI LT LU "
    "LV MF MH MP MQ MX MY NC NL NO NZ PF PL PM PN PR PT PW RE RO RU SE SG SH SJ SK SM TC TR TW UA US VI WF YT ZA"
)
_NEED_POSTCODE = frozenset(_POSTCODE_COUNTRIES.split())
_NEED_NO_CITY = frozenset({"AE", "AG", "CO", "GI", "HK", "ID", "JP", "KY", "MO", "NR", "SG", "SM", "VG"})


def validate(
    order: IncomingOrder,
    catalogue: Mapping[str, Variant],
    currency: str,
    contact_problems: Sequence[Problem] = (),
) -> list[Problem]:
    """Every problem of an order, as the table above has them; an empty list is a good order.

    `catalogue` needs to hold the order's own SKUs only. `contact_problems` are those that the contact check found;
    their fields are `email`, `phone` or `address.…`, and none comes back for an address field that is judged here.
    Fields are paths such as `line.1.sku`; details name no personal data.
    """
    storable = [*_texts_that_break(order), *_amounts_out_of_range(order)]
    if order.cancelled:
        return [*storable, Problem("cancelled", "cancelled", "was cancelled at its source", mendable=True)]
    return [
        *storable,
        *_identity(order),
        *_currency(order, currency),
        *_lines(order, catalogue),
        *_totals(order),
        *_payment(order),
        *_delivery(order, contact_problems),
    ]


def _texts_that_break(order: IncomingOrder) -> Iterator[Problem]:
    for path, text in _texts(order, ""):
        if not text.isprintable() and ("\0" in text or any("\ud800" <= letter <= "\udfff" for letter in text)):
            yield Problem("text_unusable", path, "holds a NUL or half a character")


def _texts(value: object, path: str) -> Iterator[tuple[str, str]]:
    """Every text of an order with its path; members of `lines` are `line.1`, `line.2` …"""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, tuple):
        for number, member in enumerate(value, start=1):
            yield from _texts(member, f"{path.removesuffix('s')}.{number}")
    elif is_dataclass(value):
        for field in fields(value):
            yield from _texts(getattr(value, field.name), f"{path}.{field.name}".removeprefix("."))


def _amounts_out_of_range(order: IncomingOrder) -> Iterator[Problem]:
    amounts = {
        "total_minor": order.total_minor,
        "shipping_minor": order.shipping_minor,
        "discount_minor": order.discount_minor,
        "tax_added_minor": order.tax_added_minor,
    }
    for number, line in enumerate(order.lines, start=1):
        amounts[f"line.{number}.unit_price_minor"] = line.unit_price_minor
        amounts[f"line.{number}.discount_minor"] = line.discount_minor
    for path, minor in amounts.items():
        if not 0 <= minor <= MOST_MINOR:
            yield Problem("amount_out_of_range", path, "is below zero" if minor < 0 else "is larger than any order")


def _identity(order: IncomingOrder) -> Iterator[Problem]:
    for path, text in (("channel", order.channel), ("external_id", order.external_id)):
        if not text.strip():
            yield Problem("no_identity", path, "is missing")
    for path, at in (("placed_at", order.placed_at), ("updated_at", order.updated_at)):
        if at.utcoffset() is None:
            yield Problem("time_without_zone", path, "has no time zone")


def _currency(order: IncomingOrder, currency: str) -> Iterator[Problem]:
    if order.currency not in EXPONENTS:
        yield Problem("currency_unknown", "currency", "is not an ISO 4217 currency")
    elif order.currency != currency:
        yield Problem("currency_not_ours", "currency", f"is {order.currency}, the shop's is {currency}", mendable=True)


def _lines(order: IncomingOrder, catalogue: Mapping[str, Variant]) -> Iterator[Problem]:
    if not order.lines:
        yield Problem("no_lines", "lines", "has no lines")
    for number, line in enumerate(order.lines, start=1):
        if not 1 <= line.quantity <= MOST_PIECES:
            yield Problem("quantity_out_of_range", f"line.{number}.quantity", f"is not from 1 to {MOST_PIECES}")
        if not line.sku.strip():
            yield Problem("unknown_sku", f"line.{number}.sku", "is missing", mendable=True)
        elif line.sku not in catalogue:
            yield Problem("unknown_sku", f"line.{number}.sku", "is not in the catalogue", mendable=True)


def _totals(order: IncomingOrder) -> Iterator[Problem]:
    lines = sum(line.quantity * line.unit_price_minor - line.discount_minor for line in order.lines)
    due = lines - order.discount_minor + order.shipping_minor + order.tax_added_minor
    if order.lines and due != order.total_minor:
        detail = f"differs by {_money(order.total_minor - due, order.currency)} from its parts"
        yield Problem("totals_do_not_add_up", "total_minor", detail, mendable=True)


def _payment(order: IncomingOrder) -> Iterator[Problem]:
    if order.payment is PaymentStatus.PENDING:
        yield Problem("payment_pending", "payment", "is not paid yet", mendable=True)
    elif order.payment is PaymentStatus.REFUNDED:
        yield Problem("payment_refunded", "payment", "is paid back already", mendable=True)
    if is_card_number(order.payment_token.replace(" ", "").replace("-", "")):
        yield Problem("card_number", "payment_token", "is a card number, not a token")


def _delivery(order: IncomingOrder, contact_problems: Sequence[Problem]) -> Iterator[Problem]:
    if order.delivery is not Delivery.SHIP:
        if not order.location:
            yield Problem("location_missing", "location", "says nothing of where it is handed over", mendable=True)
        return
    lacking = [Problem("address_incomplete", path, detail, mendable=True) for path, detail in _address(order)]
    yield from lacking
    judged = {problem.field for problem in lacking} | {"email", "phone"}
    yield from (problem for problem in contact_problems if problem.field not in judged)
    if order.told_by_channel:
        return
    unusable = {problem.field for problem in contact_problems}
    ways = {"email": order.email.strip(), "phone": order.phone.strip()}
    if not any(way for field, way in ways.items() if field not in unusable):
        yield Problem("unreachable", "contact", "has neither a usable phone nor e-mail", mendable=True)


def _address(order: IncomingOrder) -> Iterator[tuple[str, str]]:
    """What an address lacks for a parcel to arrive, as (field, detail)."""
    address = order.address
    if address is None:
        yield "address", "is missing"
        return
    country = address.country
    if not (len(country) == 2 and country.isascii() and country.isalpha() and country.isupper()):
        yield "address.country", "is not an ISO 3166 code" if country else "is missing"
    needed = {
        "name": address.name.strip() or address.company.strip(),
        "line1": address.line1.strip(),
        "postcode": address.postcode.strip() or country not in _NEED_POSTCODE,
        "city": address.city.strip() or country in _NEED_NO_CITY,
    }
    for field, given in needed.items():
        if not given:
            yield f"address.{field}", "is missing"


def _money(minor: int, currency: str) -> str:
    return format_money(minor, currency) if currency in EXPONENTS else f"{minor} minor units"
