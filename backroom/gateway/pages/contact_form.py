"""What has to be typed by a person: a corrected e-mail, phone, address or SKU. Shown to staff only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import quote

from fastapi import Request
from sqlalchemy import Connection, RowMapping

from backroom.channels.contact import normalise_email, normalise_phone
from backroom.domain.errors import Refuse
from backroom.gateway.pages.html import Html, button, form, tag
from backroom.store import amending, desk
from backroom.store.contacts import Contact, open_contact
from backroom.store.people import PersonErased, load
from backroom.store.seals import Seals
from backroom.store.story import OrderStory

LONGEST_VALUE = 200
_WORDS = {
    "email": "E-mail",
    "phone": "Phone",
    "address.name": "Name",
    "address.company": "Company",
    "address.line1": "Street and number",
    "address.line2": "Second line",
    "address.postcode": "Postcode",
    "address.city": "Town",
    "address.region": "Region",
    "address.country": "Country (two letters)",
}


class NotUsable(Refuse):
    """What was typed is not what its field asks for; the message names the field, never what was typed."""

    cause = "not_usable"


def read_contact(connection: Connection, seals: Seals, order: RowMapping) -> Contact | None:
    """The customer's contact, opened; None when the customer was forgotten, or what this channel knew of them."""
    if not order["contact"]:
        return None
    try:
        person = load(connection, seals, [order["person_id"]])[order["person_id"]]
    except PersonErased:
        return None
    return open_contact(person.key, order["contact"])


def contact_form(request: Request, told: OrderStory, contact: Contact | None) -> Html:
    """The customer's contact: to be corrected while the order is under way, to be read afterwards."""
    if contact is None:
        return tag("p", "This customer's data was erased.", cls="quiet")
    shown = _values(told, contact)
    if told.order["state"] in desk.ENDED:
        rows = [tag("tr", tag("th", _word(field), scope="row"), tag("td", value)) for field, value in shown.items()]
        return tag("table", tag("tbody", rows))
    inputs = [
        tag(
            "p",
            tag("label", _word(field), for_=field),
            tag("input", id=field, name=field, value=value, maxlength=LONGEST_VALUE, autocomplete="off"),
        )
        for field, value in shown.items()
    ]
    note = tag("p", "The customer's note: ", contact.note) if contact.note else None
    path = f"/orders/{quote(told.order['number'], safe='')}/amend"
    fix = tag("details", tag("summary", "Correct it"), form(request, path, inputs, button("Save")))
    lines = [tag("div", value) for field, value in shown.items() if value and not field.startswith("line.")]
    return tag("div", tag("address", lines), note, fix)


def amendments(
    told: OrderStory, contact: Contact | None, given: Mapping[str, str], home: str
) -> Iterable[tuple[str, str]]:
    """What differs from what stands there, `(field, value)`, in the form that intake gives it.

    A field that is not on the form is not looked at. `home` is the shop's country, for phones of an order without an
    address. Raises NotUsable where an e-mail or phone is none.
    """
    if contact is None:
        return
    there = contact.address.country if contact.address else home
    country = given.get("address.country", there).strip().upper()
    for field, value in _values(told, contact).items():
        typed = given.get(field, value).strip()[:LONGEST_VALUE]
        if typed != value and (not typed or typed.isprintable()):
            new = _as_intake_writes(field, typed, country)
            if new != value:
                yield field, new


def _as_intake_writes(field: str, typed: str, country: str) -> str:
    normal: str | None = typed
    if typed and field == "email":
        normal = normalise_email(typed)
    elif typed and field == "phone":
        normal = normalise_phone(typed, country)
    elif field == "address.country":
        normal = country
    if normal is None:
        raise NotUsable(f"what was typed as {_word(field)} is none", remedy="Correct it, or leave it empty.")
    return normal


def _values(told: OrderStory, contact: Contact) -> dict[str, str]:
    values = {"email": contact.email, "phone": contact.phone}
    if contact.address is not None:
        values |= {f"address.{name}": getattr(contact.address, name) for name in amending.ADDRESS_FIELDS}
    return values | {f"line.{line['line_no']}.sku": line["sku"] for line in told.lines}


def _word(field: str) -> str:
    return _WORDS.get(field) or f"SKU of line {field.split('.')[1]}"
