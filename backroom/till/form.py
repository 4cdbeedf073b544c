"""What the forms of the till's page say: a sale, a customer's wish for SMS, or nothing that can be sold.

What belongs here: reading them, by what there is to sell. What does not: the page (`page`), and keeping what was read
(`sales_box`, `wish_box`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from backroom.domain.errors import Refuse
from backroom.phones import e164
from backroom.till.left import Left

MOST_PIECES = 20
# What the customer does with it, as `POST /pos/sales` words it, and whether they have it already.
WAYS: Mapping[str, tuple[str, bool, str]] = {
    "rack": ("carry_out", True, "has it in their hand"),
    "print": ("carry_out", False, "waits while it is printed"),
    "collect": ("collect", False, "collects it later"),
}
_PHONE = re.compile(r"[+0-9 ()/.-]{5,40}")
_CODE = re.compile(r"[0-9]{6}")
# Of mail. What is agreed to for SMS are the shop's own words, and a code proves it.
CONSENT = "May we write to you when it is ready?"


class NotASale(Refuse):
    """The form sells nothing, and asks for nothing."""

    cause = "not_a_sale"


def pieces_of(sale: Mapping[str, Any]) -> dict[str, int]:
    """How many of each SKU a sale is of."""
    return {line["sku"]: line["quantity"] for line in sale["lines"]}


def lacking(sale: Mapping[str, Any], left: Left | None) -> list[str]:
    """The SKUs of a sale of which fewer are left by the books; for who has none in their hand, those that nobody prints
    here and of which not so many are known to lie here."""
    if left is None:
        return []
    return [
        sku for sku, count in pieces_of(sale).items() if left.lacking(sku, count, in_hand=bool(sale["handed_over"]))
    ]


def sale_of(form: Mapping[str, str], catalogue: Mapping[str, Any], at: datetime) -> dict[str, Any]:
    """The sale that a form says, without its number; NotASale where nothing is in it. Prices are the catalogue's."""
    digits = int(catalogue["digits"])
    lines, total = [], 0
    for item in catalogue["items"]:
        count = _count(form.get(f"n:{item['sku']}", ""))
        if count:
            lines.append({"sku": item["sku"], "quantity": count, "unit_price": say_money(item["price_minor"], digits)})
            total += item["price_minor"] * count
    way = WAYS.get(form.get("way", "rack"))
    if not lines or way is None:
        raise NotASale("nothing was chosen", remedy="Say how many of each piece, and what the customer does.")
    sale: dict[str, Any] = {
        "sold_at": at.isoformat(),
        "currency": catalogue["currency"],
        "lines": lines,
        "total": say_money(total, digits),
        "delivery": way[0],
        "handed_over": way[1],
        "language": catalogue["language"],
    }
    if form.get("email"):
        sale["email"] = form["email"]
        if form.get("consent") == "yes":
            consent = {"medium": "email", "purpose": "order_updates", "granted": True, "wording": CONSENT}
            sale["consents"] = [consent]
    if form.get("phone"):
        # Nothing is agreed to by it: that is the wish's, once its code is there.
        sale["phone"] = _phone(form, catalogue)
    return sale


def wish_of(form: Mapping[str, str], catalogue: Mapping[str, Any]) -> dict[str, str]:
    """What a customer asks for: SMS to a number, in the words that were shown; or their code. NotASale for neither."""
    phone = _phone(form, catalogue)
    if "code" not in form:
        return {"phone": phone, "shown": str(catalogue["sms"]["shown"])}
    if not _CODE.fullmatch(form["code"]):
        raise NotASale("a code has six digits")
    return {"phone": phone, "code": form["code"]}


def _phone(form: Mapping[str, str], catalogue: Mapping[str, Any]) -> str:
    """The number of a form in E.164: so the shop knows the same person by a sale and by its wish."""
    if "sms" not in catalogue:
        raise NotASale("this till sends no SMS now", remedy="Leave the number out.")
    typed = form.get("phone", "")
    found = e164(typed, str(catalogue["sms"].get("country", ""))) if _PHONE.fullmatch(typed) else None
    if found is None:
        raise NotASale("that is no phone number", remedy="Write it with its country, such as +49 151 23456789.")
    return found


def say_money(minor: int, digits: int) -> str:
    """Major units as text, from the currency's smallest."""
    return f"{minor // 10**digits}.{minor % 10**digits:0{digits}}" if digits else str(minor)


def _count(text: str) -> int:
    if not text:
        return 0
    if not (text.isascii() and text.isdigit() and int(text) <= MOST_PIECES):
        raise NotASale(f"how many is a number from 0 to {MOST_PIECES}")
    return int(text)
