"""EasyPost: one account that sells the labels of many carriers.

Calls and answers are those of its API documentation (docs.easypost.com, API v2): POST /shipments for rates, POST
/shipments/ID/buy, GET /shipments/ID, GET /shipments/ID/label, POST /shipments/ID/refund. Login is HTTP Basic with the
key as user and no password.

It knows no idempotency key. What makes a purchase happen once is the shipment: it is made first, for nothing, and its
id is kept by us before anything is paid (`Rate.reference`). One shipment carries one label; a second purchase of it is
refused (SHIPMENT.POSTAGE.EXISTS). So whoever comes back asks the shipment first, and buys only what has no postage.
`reference` there is our key, by which a person finds it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from backroom.carriers.base import AddressRefused, ParcelRefused, RefundOutcome, RefundRefused
from backroom.carriers.easypost_asking import check_parcel, shipment_for
from backroom.carriers.easypost_reading import (
    POSTAGE_EXISTS,
    SERVICE,
    WrongMode,
    error_code,
    events_of,
    is_bought,
    is_id,
    label_url,
    no_rates,
    purchase_of,
    rates_of,
    refund_status,
    refusal,
    shipment_of,
)
from backroom.carriers.label_files import LabelFiles
from backroom.domain.errors import BackroomError, OutcomeUnknown
from backroom.domain.labels import LabelDocument, LabelKind, LabelRequest, Purchase
from backroom.domain.rates import Rate
from backroom.domain.tracking import TrackingEvent
from backroom.outgoing.client import Account, Client
from backroom.outgoing.errors import AnswerUnreadable, ServiceRefused, ServiceSetup, ServiceSilent
from backroom.outgoing.probe import is_theirs

URL = "https://api.easypost.com/v2"
LABEL_HOSTS = ("easypost-files.s3.us-west-2.amazonaws.com", "easypost-files.s3-us-west-2.amazonaws.com")
# Its answers take a second or two, for its carriers are asked meanwhile; more at a time meets its rate limits.
SIDE_BY_SIDE = 4
# It waits for its carriers for up to a minute.
READ_TIMEOUT = 75.0

T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True, slots=True)
class EasyPostAccount:
    """The shop's account. `id` is its id in the shop file; `mode` is test or production, as the key is.

    Labels come from `label_hosts` alone, as `label_format` (pdf or png); `zpl` asks for them as ZPL besides.
    `box_mm` are length, width and height of the usual parcel, or nothing. `return_labels` buys the way back with it.
    """

    id: str
    countries: frozenset[str]
    max_weight_g: int
    key: str = field(repr=False)
    url: str = URL
    mode: str = "production"
    label_hosts: tuple[str, ...] = LABEL_HOSTS
    label_format: str = "pdf"
    zpl: bool = False
    box_mm: tuple[int, ...] = ()
    return_labels: bool = True
    read_timeout: float = READ_TIMEOUT


class EasyPost:
    """EasyPost as a carrier. Made for one task; its calls go side by side, each thread with a client of its own."""

    name = SERVICE
    # The same request names the same shipment, which is bought once.
    idempotent = True
    can_tell = False

    def __init__(self, account: EasyPostAccount) -> None:
        self._account = account
        self._local = threading.local()

    def rates(self, requests: Sequence[LabelRequest]) -> list[list[Rate] | BackroomError]:
        """A shipment for each parcel, and one for its way back, with every rate there is. Nothing is paid yet."""
        return self._each(self._rates, requests)

    def buy(self, requests: Sequence[LabelRequest]) -> list[Purchase | BackroomError]:
        """Buy the shipment of each request at its rate, and the way back; what has postage already is only read."""
        return self._each(self._buy, requests)

    def find(self, key: str) -> Purchase | None:
        """Never asked: a purchase without an answer is taken up again under the same shipment."""
        raise OutcomeUnknown(f"{SERVICE} is not asked for {key}", remedy="Look for its reference at EasyPost.")

    def documents(self, purchases: Sequence[Purchase]) -> list[dict[LabelKind, LabelDocument] | BackroomError]:
        """The labels as EasyPost drew them; a return slip is drawn by us."""
        return self._each(self._documents, purchases)

    def track(self, references: Sequence[str]) -> list[list[TrackingEvent] | BackroomError]:
        """What each parcel's tracker tells."""
        return self._each(lambda reference: events_of(self._shipment(reference).get("tracker")), references)

    def refund(self, reference: str) -> RefundOutcome:
        """Ask the money for an unused label back; asked again, it says how that stands. A rejected one is asked anew,
        for those that are asked too soon are rejected by mistake."""
        stands = refund_status(self._shipment(reference))
        if stands not in (None, "rejected"):
            return stands
        try:
            answer = self._calls().call("POST", f"shipments/{reference}/refund", about=reference, again=True)
        except ServiceRefused as error:
            code = error_code(error.answer) or error.answer.status
            raise RefundRefused(
                f"{SERVICE} does not take the label {reference} back ({code}).",
                remedy="Look at the shipment at EasyPost: a label that was scanned is not paid back.",
            ) from None
        return refund_status(shipment_of(answer, reference)) or "submitted"

    def refund_state(self, reference: str) -> RefundOutcome | None:
        """How a refund stands; None where none was asked for."""
        return refund_status(self._shipment(reference))

    def check(self) -> None:
        """Ask for one shipment, to see whether the key works; for `backroom doctor`."""
        answer = self._calls().call("GET", "shipments", about="check", params={"page_size": 1})
        is_theirs(SERVICE, answer, "shipments")

    def _rates(self, request: LabelRequest) -> list[Rate]:
        check_parcel(request, most_g=self._account.max_weight_g, countries=self._account.countries)
        there = self._create(request, back=False)
        offered = rates_of(there, self._account.id)
        if not offered:
            raise no_rates(there, request.order_number)
        back = self._create(request, back=True) if self._account.return_labels else {}
        backs = rates_of(back, self._account.id) if back else []
        return [self._both_ways(there, rate_id, rate, back, backs) for rate_id, rate in offered]

    def _both_ways(
        self, there: dict[str, Any], rate_id: str, rate: Rate, back: dict[str, Any], backs: list[tuple[str, Rate]]
    ) -> Rate:
        """A rate with that of its way back: the same service where there is one, else the cheapest of all."""
        reference = f"{there['id']}/{rate_id}"
        same_money = [(id_, one) for id_, one in backs if one.currency == rate.currency]
        same = [pair for pair in same_money if (pair[1].brand, pair[1].service) == (rate.brand, rate.service)]
        for id_, one in sorted(same or same_money, key=lambda pair: (pair[1].price_minor, pair[0]))[:1]:
            return replace(
                rate, price_minor=rate.price_minor + one.price_minor, reference=f"{reference}/{back['id']}/{id_}"
            )
        return replace(rate, reference=reference)

    def _buy(self, request: LabelRequest) -> Purchase:
        parts = request.rate.split("/")
        if len(parts) not in (2, 4) or not all(is_id(part, ("shp", "rate")[n % 2]) for n, part in enumerate(parts)):
            raise ParcelRefused(f"the parcel of {request.order_number} has no rate of {SERVICE}", remedy="Press Retry.")
        there = self._bought(parts[0], parts[1], request.order_number)
        try:
            back = self._bought(parts[2], parts[3], request.order_number) if len(parts) == 4 else None
        except OutcomeUnknown:
            raise
        except (ParcelRefused, AddressRefused):
            # The way out is paid. A carrier that takes nothing back must not keep the parcel here.
            back = None
        except BackroomError as error:
            # Half of it is bought: it goes on under the same key, and nothing of the request may change.
            raise OutcomeUnknown(
                f"the label of {request.order_number} is bought, and that of its way back is not: {error.cause}",
                remedy=error.remedy,
                cause=error.cause,
            ) from None
        return purchase_of(request, there, back)

    def _bought(self, shipment_id: str, rate_id: str, order_number: str) -> dict[str, Any]:
        """The shipment with its postage, bought unless it has it.

        Where it cannot be read, nothing is certain: an earlier call may have bought it.
        """
        shipment = self._seen(shipment_id)
        if is_bought(shipment):
            return shipment
        try:
            answer = self._calls().call(
                "POST", f"shipments/{shipment_id}/buy", about=shipment_id, again=False, json={"rate": {"id": rate_id}}
            )
            shipment = shipment_of(answer, shipment_id)
        except (ServiceSilent, AnswerUnreadable):
            shipment = self._seen(shipment_id)
        except ServiceRefused as error:
            # Whatever it says, a shipment that has postage is bought.
            shipment = self._seen(shipment_id)
            if not is_bought(shipment) and error_code(error.answer) != POSTAGE_EXISTS:
                raise refusal(error.answer, order_number) from None
        if not is_bought(shipment):
            raise OutcomeUnknown(
                f"{SERVICE} does not say yet whether the label of {order_number} was bought ({shipment_id})",
                remedy=f"Look for {shipment_id} at EasyPost.",
                cause="easypost-unknown",
            )
        return shipment

    def _seen(self, shipment_id: str) -> dict[str, Any]:
        try:
            return self._shipment(shipment_id)
        except BackroomError as error:
            raise OutcomeUnknown(
                f"{SERVICE} does not show {shipment_id} now: it may have its label",
                remedy=error.remedy,
                cause=error.cause,
            ) from None

    def _documents(self, purchase: Purchase) -> dict[LabelKind, LabelDocument]:
        found: dict[LabelKind, LabelDocument] = {"shipping": self._document(purchase.reference)}
        if purchase.return_reference:
            found["return"] = self._document(purchase.return_reference)
        return found

    def _document(self, reference: str) -> LabelDocument:
        wanted, files = self._account.label_format, LabelFiles(SERVICE, self._account.label_hosts)
        shipment = self._shipment(reference)
        url = label_url(shipment, wanted)
        if not url:
            shipment = self._converted(reference, wanted)
            url = label_url(shipment, wanted)
        zpl = ""
        if self._account.zpl:
            zpl = files.zpl(label_url(shipment, "zpl") or label_url(self._converted(reference, "zpl"), "zpl"))
        media_type, content = files.fetch(url, about=reference)
        return LabelDocument(media_type, content, zpl)

    def _converted(self, reference: str, wanted: str) -> dict[str, Any]:
        answer = self._calls().call(
            "GET", f"shipments/{reference}/label", about=reference, params={"file_format": wanted.upper()}
        )
        return shipment_of(answer, reference)

    def _create(self, request: LabelRequest, *, back: bool) -> dict[str, Any]:
        """A shipment, which costs nothing: one that was made twice is forgotten there."""
        account = self._account
        asked = shipment_for(request, back=back, label_format=account.label_format, box_mm=account.box_mm)
        try:
            answer = self._calls().call("POST", "shipments", about=request.key, again=True, json={"shipment": asked})
        except ServiceRefused as error:
            raise refusal(error.answer, request.order_number) from None
        shipment = shipment_of(answer, request.key)
        if shipment.get("mode") != account.mode:
            raise WrongMode(
                f"the key of {SERVICE} is not for {account.mode}, as the shop file says",
                remedy="Correct `mode` in the shop file, or the key in the secrets.",
            )
        return shipment

    def _shipment(self, reference: str) -> dict[str, Any]:
        if not is_id(reference, "shp"):
            raise ServiceSetup(SERVICE, f"{reference!r} is no shipment of {SERVICE}", remedy="Look at the parcel.")
        return shipment_of(self._calls().call("GET", f"shipments/{reference}", about=reference), reference)

    def _calls(self) -> Client:
        client: Client | None = getattr(self._local, "client", None)
        if client is None:
            account = self._account
            client = self._local.client = Client(
                Account(SERVICE, account.url, login=(account.key, ""), read_timeout=account.read_timeout)
            )
        return client

    def _each(self, work: Callable[[T], U], items: Sequence[T]) -> list[U | BackroomError]:
        def one(item: T) -> U | BackroomError:
            try:
                return work(item)
            except BackroomError as error:
                return error

        if len(items) < 2:
            return [one(item) for item in items]
        with ThreadPoolExecutor(SIDE_BY_SIDE, thread_name_prefix="easypost") as threads:
            return list(threads.map(one, items))
