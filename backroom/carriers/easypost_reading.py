"""EasyPost's answers in our words: rates, what was bought, where a parcel is, and what a refusal means.

What belongs here: reading, of whatever comes: fields may be missing, null or of another kind. What does not: calls
(`easypost`). Shapes are those of its API documentation (docs.easypost.com: Shipment, Rate, PostageLabel, Tracker,
Errors). Its sentences may repeat an address, so of them only codes and names of fields are kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlsplit

from backroom.carriers.base import AddressRefused, ParcelRefused, RefundOutcome
from backroom.domain.errors import AskPerson, BackroomError, OutcomeUnknown
from backroom.domain.labels import LabelRequest, Purchase, return_code, tracking_number
from backroom.domain.money import to_minor
from backroom.domain.rates import Rate
from backroom.domain.tracking import ParcelState, TrackingEvent
from backroom.outgoing.answer import Answer
from backroom.outgoing.errors import AnswerUnreadable

SERVICE = "EasyPost"
POSTAGE_EXISTS = "SHIPMENT.POSTAGE.EXISTS"
_IN_PROGRESS = "SHIPMENT.PURCHASE.IN_PROGRESS"
# EasyPost asked the carrier and got no answer: neither of the two can tell.
_CARRIER_SILENT = frozenset({"SHIPMENT.POSTAGE.TIMED_OUT", "SHIPMENT.POSTAGE.NO_RESPONSE"})
_ID = re.compile(r"(shp|rate|trk|pl|evt)_[0-9A-Za-z]{1,64}")
_WORD = re.compile(r"[A-Za-z0-9_.\- ]{1,60}")
_CODE = re.compile(r"[A-Z0-9_.]{1,80}")
_MOST_DAYS = 365

_STATES: Mapping[str, ParcelState] = {
    "pre_transit": ParcelState.ANNOUNCED,
    "in_transit": ParcelState.IN_TRANSIT,
    "out_for_delivery": ParcelState.OUT_FOR_DELIVERY,
    "available_for_pickup": ParcelState.AT_PICKUP_POINT,
    "delivered": ParcelState.DELIVERED,
    "return_to_sender": ParcelState.RETURNING,
    "failure": ParcelState.FAILED,
    "error": ParcelState.FAILED,
    "cancelled": ParcelState.CANCELLED,
}
# Details that say more than their status does.
_DETAILS: Mapping[str, ParcelState] = {"received_at_origin_facility": ParcelState.HANDED_OVER}


class WrongMode(AskPerson):
    """The key is for EasyPost's test mode and the shop file says production, or the other way round."""

    cause = "easypost-mode"


class NoFunds(AskPerson):
    """The wallet at EasyPost is empty, or its card is refused."""

    cause = "easypost-funds"


class CarrierSilent(AskPerson):
    """EasyPost asked its carrier for the label and got no answer: what the carrier made of it, EasyPost cannot say."""

    cause = "easypost-carrier-silent"


def is_id(text: object, kind: str) -> bool:
    return isinstance(text, str) and text.startswith(f"{kind}_") and _ID.fullmatch(text) is not None


def shipment_of(answer: Answer, about: str) -> dict[str, Any]:
    """The shipment in an answer; AnswerUnreadable where there is none."""
    shipment = answer.mapping()
    if not is_id(shipment.get("id"), "shp"):
        raise AnswerUnreadable(SERVICE, f"{SERVICE} answers without a shipment ({about}).", remedy="Look at its url.")
    return shipment


def rates_of(shipment: Mapping[str, Any], carrier: str) -> list[tuple[str, Rate]]:
    """Its rates that can be read, each with its id there. `reference` is left for whoever knows the way back."""
    found = []
    for one in _rows(shipment, "rates"):
        price = _price(one.get("rate"), one.get("currency"))
        if price is None or not is_id(one.get("id"), "rate"):
            continue
        brand, service = word(one.get("carrier")), word(one.get("service"))
        if brand and service:
            rate = Rate(carrier, brand, service, price, str(one["currency"]), _days(one))
            found.append((str(one["id"]), rate))
    return found


def is_bought(shipment: Mapping[str, Any]) -> bool:
    """Whether it has postage: a label, and the number by which its carrier knows it."""
    label = shipment.get("postage_label")
    return isinstance(label, dict) and bool(label) and bool(tracking_of(shipment))


def tracking_of(shipment: Mapping[str, Any]) -> str:
    return word(shipment.get("tracking_code"))


def selected(shipment: Mapping[str, Any]) -> tuple[str, str, int, str]:
    """Who carries what was bought, the service, the price in minor units, the currency; AnswerUnreadable."""
    rate = shipment.get("selected_rate")
    rate = rate if isinstance(rate, dict) else {}
    price = _price(rate.get("rate"), rate.get("currency"))
    brand, service = word(rate.get("carrier")), word(rate.get("service"))
    if price is None or not brand or not service:
        raise AnswerUnreadable(
            SERVICE,
            f"{SERVICE} does not say what was bought as {shipment['id']}.",
            remedy="Look at the shipment there, then press Retry: nothing is bought again.",
        )
    return brand, service, price, str(rate["currency"])


def purchase_of(request: LabelRequest, there: Mapping[str, Any], back: Mapping[str, Any] | None) -> Purchase:
    """What was bought, from the shipment and that of its way back; AnswerUnreadable."""
    brand, service, cost, currency = selected(there)
    slip = tracking_number("return", request.key)
    back_tracking = tracking_of(back) if back else slip
    if back:
        _, _, back_cost, back_currency = selected(back)
        # Two currencies have no sum: what is told then is the way out alone.
        cost += back_cost if back_currency == currency else 0
    return Purchase.from_answer(
        replace(request, service=service),
        {
            "tracking": tracking_of(there),
            "return_tracking": back_tracking,
            "cost_minor": cost,
            "currency": currency,
            "carrier": brand,
            "return_code": return_code(request.order_number, back_tracking),
            "reference": there["id"],
            "return_reference": back["id"] if back else "",
        },
    )


def label_url(shipment: Mapping[str, Any], wanted: str) -> str:
    """The address of the label in a format, empty where there is none yet."""
    label = shipment.get("postage_label")
    label = label if isinstance(label, dict) else {}
    own = {"pdf": "application/pdf", "png": "image/png", "zpl": "application/zpl"}[wanted]
    candidates = [label.get(f"label_{wanted}_url")]
    if label.get("label_file_type") == own:
        candidates.append(label.get("label_url"))
    return next((url for url in candidates if isinstance(url, str) and urlsplit(url).netloc), "")


def refund_status(shipment: Mapping[str, Any]) -> RefundOutcome | None:
    """`refund_status` of a shipment: submitted, refunded, rejected or not_applicable."""
    match word(shipment.get("refund_status")):
        case "submitted":
            return "submitted"
        case "refunded":
            return "refunded"
        case "rejected":
            return "rejected"
        case "not_applicable":
            return "not_applicable"
    return None


def events_of(tracker: object) -> list[TrackingEvent]:
    """What a tracker tells, oldest first as it stands there. What has no time or no meaning is left out.

    Its own status counts where no scan says the same: some carriers tell nothing else.
    """
    if not isinstance(tracker, dict):
        return []
    told: list[TrackingEvent] = []
    said: set[object] = set()
    for one in _rows(tracker, "tracking_details"):
        detail = word(one.get("status_detail"))
        state, at = _state(one.get("status"), detail), moment(one.get("datetime"))
        if state is not None and at is not None:
            told.append(TrackingEvent(state, at, detail))
            said.add(one["status"])
    state, at = _state(tracker.get("status"), ""), moment(tracker.get("updated_at"))
    if state is not None and at is not None and tracker["status"] not in said:
        told.append(TrackingEvent(state, at, word(tracker.get("status_detail"))))
    return told


def moment(text: object) -> datetime | None:
    """A time as it is written there; one without a zone is UTC, as its documentation says."""
    if not isinstance(text, str):
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    try:
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except OverflowError:
        return None


def refusal(answer: Answer, order_number: str) -> BackroomError:
    """What a 4xx means for a parcel."""
    code, fields = error_code(answer), sorted(set(_fields(answer)))
    if answer.status == 402 or code.startswith(("BILLING", "PAYMENT", "INSUFFICIENT")):
        return NoFunds(
            f"{SERVICE} wants money before it sells the label of {order_number} ({code or 402}).",
            remedy="Fill the wallet at EasyPost, then press Retry.",
        )
    if code in _CARRIER_SILENT:
        return CarrierSilent(
            f"{SERVICE} got no answer from its carrier for the label of {order_number} ({code}).",
            remedy="Look at the shipment at EasyPost, then press Retry: a label that is there is not bought again.",
        )
    if code == _IN_PROGRESS:
        return OutcomeUnknown(f"{SERVICE} is still buying the label of {order_number}", cause="easypost-in-progress")
    if code.startswith("ADDRESS"):
        return AddressRefused(order_number, "recipient.address", f"is refused by {SERVICE} ({code})")
    named = f", {', '.join(fields)}" if fields else ""
    return ParcelRefused(
        f"{SERVICE} refuses the parcel of {order_number} ({code or answer.status}{named}).",
        remedy="Correct what it names, or choose another carrier, then press Retry.",
    )


def no_rates(shipment: Mapping[str, Any], order_number: str) -> ParcelRefused:
    """No rate at all: who said no, by the carriers' names and the kind of trouble."""
    said = {f"{word(one.get('carrier'))} {word(one.get('type'))}".strip() for one in _rows(shipment, "messages")}
    named = f": {', '.join(sorted(filter(None, said))[:6])}" if any(said) else ""
    return ParcelRefused(
        f"{SERVICE} has no rate for the parcel of {order_number}{named}.",
        remedy="Look at the shipment at EasyPost: its carriers say there why.",
    )


def error_code(answer: Answer) -> str:
    """EasyPost's code of an error, empty for one that is none of its."""
    error = answer.mapping().get("error")
    code = error.get("code") if isinstance(error, dict) else None
    return code if isinstance(code, str) and _CODE.fullmatch(code) else ""


def word(value: object) -> str:
    """A name or a code, as far as it is one; empty for anything else."""
    return value if isinstance(value, str) and _WORD.fullmatch(value) else ""


def _fields(answer: Answer) -> Iterator[str]:
    error = answer.mapping().get("error")
    for one in _rows(error if isinstance(error, dict) else {}, "errors"):
        if name := word(one.get("field")):
            yield name


def _rows(mapping: Mapping[str, Any], key: str) -> Iterator[dict[str, Any]]:
    rows = mapping.get(key)
    yield from (row for row in (rows if isinstance(rows, list) else []) if isinstance(row, dict))


def _price(amount: object, currency: object) -> int | None:
    """Prices are texts there (`"5.93"`); a number is taken as it is written."""
    if isinstance(amount, bool) or not isinstance(amount, str | int | float) or not isinstance(currency, str):
        return None
    try:
        price = to_minor(Decimal(str(amount)), currency)
    except (ValueError, InvalidOperation):
        return None
    return price if price >= 0 else None


def _days(rate: Mapping[str, Any]) -> int | None:
    for name in ("delivery_days", "est_delivery_days"):
        days = rate.get(name)
        if isinstance(days, int) and not isinstance(days, bool) and 0 <= days <= _MOST_DAYS:
            return days
    return None


def _state(status: object, detail: str) -> ParcelState | None:
    if not isinstance(status, str):
        return None
    return _DETAILS.get(detail) if status == "in_transit" and detail in _DETAILS else _STATES.get(status)
