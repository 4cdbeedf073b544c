"""Which column of a file is which of our fields: by the headings of exports that we know, and by plain words.

Headings are compared without case, blanks and marks. Sources: Shopify's orders export; WooCommerce's analytics and its
usual export extensions (order_id, order_number, status, paid_date, …).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

SHOPIFY, WOOCOMMERCE, PLAIN = "Shopify orders export", "WooCommerce export", "plain list"

# Our fields, what each means (docs/audit.md shows it), and the headings it is found under, the best first.
MEANINGS: Mapping[str, str] = {
    "order": "the order's number; rows with the same one are one order",
    "id": "the channel's own id of the order",
    "placed": "when it was ordered",
    "paid": "when it was paid, or yes or no",
    "shipped": "when it was handed over, or yes or no",
    "promised": "by when it was promised",
    "cancelled": "when it was cancelled, or yes or no",
    "payment": "a word: paid, pending, refunded, …",
    "fulfilment": "a word: fulfilled, partial, unfulfilled, …",
    "status": "a word for the whole: completed, processing, cancelled, …",
    "total": "what was paid",
    "refunded": "what was paid back",
    "currency": "ISO 4217",
    "channel": "where it was ordered",
    "location": "where it was made or packed",
    "sku": "of this row's pieces",
    "quantity": "how many pieces",
    "returned": "when it came back, or how many pieces, or yes or no",
    "reason": "why it came back, in a word: wrong item, damaged, size, …",
}
_HEADINGS: Mapping[str, str] = {
    "order": "order ordernumber orderno ordername bestellnummer bestellung auftrag",
    "id": "id orderid",
    "placed": "placed placedat createdat orderdate ordered orderedat datecreated date bestelldatum datum",
    "paid": "paid paidat paiddate datepaid bezahlt",
    "shipped": "shipped shippedat shippeddate fulfilledat completeddate datecompleted dispatched versendet versandt",
    "promised": "promised promisedat shipby promise duedate dueby zugesagt",
    "cancelled": "cancelled cancelledat canceled canceledat storniert",
    "payment": "financialstatus paymentstatus payment",
    "fulfilment": "fulfillmentstatus fulfilmentstatus shippingstatus",
    "status": "orderstatus status",
    "total": "total ordertotal ordertotalamount totalamount nrevenueformatted nrevenue amount gesamt summe",
    "refunded": "refundedamount refundamount orderrefundamount ordertotalrefunded refundedtotal refunded erstattet",
    "currency": "currency ordercurrency währung waehrung",
    "channel": "channel source saleschannel attribution kanal",
    "location": "location fulfillmentlocation fulfilmentlocation warehouse ort lager",
    "sku": "lineitemsku itemsku sku productsku artikelnummer",
    "quantity": "lineitemquantity itemquantity quantity qty itemssold menge anzahl",
    "returned": "returned returnedat returndate returnedquantity retourniert retoure",
    "reason": "returnreason reason refundreason grund rückgabegrund",
}
FIELDS = tuple(MEANINGS)
_SHOPIFY_ONLY = {"order": "name"}
_MARKS_OF_SHOPIFY = {"name", "financialstatus", "fulfillmentstatus"}
_MARKS_OF_WOOCOMMERCE = (
    {"orderid", "status"},
    {"ordernumber", "orderstatus"},
    {"order", "nrevenueformatted"},
    {"ordernumber", "status"},
)


@dataclass(frozen=True, slots=True)
class Columns:
    """The form of a file, the place of each of our fields in its rows, and how many columns are not read."""

    form: str
    places: Mapping[str, int]
    headings: Mapping[str, str]
    unread: int


def plain(heading: str) -> str:
    """A heading without case, blanks and marks."""
    return "".join(letter for letter in heading.casefold() if letter.isalnum())


def recognise(header: Sequence[str]) -> Columns:
    """Find our fields among the headings; each takes the first column of the best heading it has."""
    there = [plain(cell) for cell in header]
    form = _form(set(there))
    places: dict[str, int] = {}
    for field in FIELDS:
        known = _HEADINGS[field].split()
        if form == SHOPIFY and field in _SHOPIFY_ONLY:
            known = [_SHOPIFY_ONLY[field], *known]
        place = next((there.index(name) for name in known if name in there), None)
        if place is not None and place not in places.values():
            places[field] = place
    headings = {field: header[place].strip() for field, place in places.items()}
    return Columns(form, places, headings, len(header) - len(places))


def known_headings(header: Sequence[str]) -> int:
    """How many headings are ours: the right separator has the most."""
    return len(recognise(header).places)


def _form(there: set[str]) -> str:
    if there >= _MARKS_OF_SHOPIFY:
        return SHOPIFY
    return WOOCOMMERCE if any(there >= marks for marks in _MARKS_OF_WOOCOMMERCE) else PLAIN
