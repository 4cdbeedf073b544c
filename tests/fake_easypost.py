"""EasyPost as its documentation says it answers, over real HTTP, for what cannot be reached from here.

Written by hand after docs.easypost.com (Shipments, Rates, Trackers, Refunds, Webhooks, Errors) and held against the
answers that EasyPost itself published: its documentation's examples (EasyPost/examples, official/docs/responses and
official/fixtures) and the recordings of its Python client's tests. `tests/unit/carriers/test_fake_easypost.py` says
which fields were compared. What it does besides is what goes wrong: it accepts and does not answer, it answers late,
twice, with nulls and with pages.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import itertools
import json
import re
import threading
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import zxingcpp
from PIL import Image, ImageDraw

KEY = "EZTKnobody"
# Its documentation logs in with the key as a user without a password, its client libraries with the key as a token.
LOGINS = ("Basic " + base64.b64encode(f"{KEY}:".encode()).decode(), f"Bearer {KEY}")
AT = "2026-11-23T10:00:00Z"
MAY_SELL = (
    # carrier, service, price there, price back, delivery days
    ("USPS", "GroundAdvantage", "5.93", "6.10", 4),
    ("USPS", "Priority", "7.90", "8.20", 2),
    ("USPS", "Express", "31.25", "33.00", None),
)


@dataclass
class FakeEasyPost:
    """One account. A test sets what it sells and what goes wrong, and counts what was bought."""

    base: str = ""
    mode: str = "test"
    currency: str = "USD"
    sells: tuple[tuple[str, str, str, str, int | None], ...] = MAY_SELL
    sells_returns: bool = True
    shipments: dict[str, dict[str, Any]] = field(default_factory=dict)
    bought: Counter[str] = field(default_factory=Counter)
    refunds: Counter[str] = field(default_factory=Counter)
    calls: list[tuple[str, str]] = field(default_factory=list)
    # The same calls with their query and what their bodies say; nothing is the same as an empty object.
    said: list[tuple[str, str, dict[str, list[str]], Any]] = field(default_factory=list)
    # Called with the shipment's id when it is paid, before anything is answered.
    on_bought: Callable[[str], None] = lambda _: None
    # What happens to calls of (method, path's end), in their order: a status, a body, a whole answer, "drop" for one
    # that is carried out and not answered, None for nothing.
    trouble: dict[tuple[str, str], list[object]] = field(default_factory=dict)
    refund_status: str = "submitted"
    files: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def purchases(self) -> int:
        """How many labels were paid, both ways."""
        return sum(self.bought.values())

    def advance(self, tracking: str, *scans: tuple[str, str, str]) -> dict[str, Any]:
        """Scan a parcel: (status, status_detail, datetime); returns its tracker as it stands then."""
        shipment = next(one for one in self.shipments.values() if one["tracking_code"] == tracking)
        tracker: dict[str, Any] = shipment["tracker"]
        for status, detail, at in scans:
            tracker["tracking_details"].append(_scan(status, detail, at))
            tracker.update(status=status, status_detail=detail, updated_at=at)
            shipment["status"] = status
        return tracker

    def event(self, tracker: dict[str, Any], *, id_: str = "", description: str = "tracker.updated") -> bytes:
        """The body of a webhook, as it is signed."""
        body = {
            "description": description,
            "mode": self.mode,
            "previous_attributes": {"status": "unknown"},
            "created_at": AT,
            "pending_urls": ["https://shop.example.com/carriers/world/events"],
            "completed_urls": [],
            "updated_at": AT,
            "id": id_ or f"evt_{self._hex()}",
            "user_id": "user_1",
            "status": "pending",
            "object": "Event",
            "result": tracker,
        }
        return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()

    def answer(self, method: str, target: str, login: str, body: bytes) -> tuple[int, str, bytes]:
        """Status, media type and body of one call."""
        parts = urlsplit(target)
        with self._lock:
            if parts.path in self.files:
                return 200, *self.files[parts.path]
            self.calls.append((method, parts.path))
            self.said.append((method, parts.path, parse_qs(parts.query), json.loads(body or b"{}")))
            if login not in LOGINS:
                return self._error(401, "APIKEY.INACTIVE", "This api key is no longer active.")
            path = parts.path.removeprefix("/v2/")
            match method, path.split("/"):
                case "POST", ["shipments"]:
                    return self._create(json.loads(body)["shipment"])
                case "GET", ["shipments"]:
                    return _json(200, {"shipments": [], "has_more": False})
                case "GET", ["shipments", id_]:
                    return self._found(id_)
                case "POST", ["shipments", id_, "buy"]:
                    return self._buy(id_, json.loads(body)["rate"]["id"])
                case "GET", ["shipments", id_, "label"]:
                    return self._convert(id_, parse_qs(parts.query)["file_format"][0].lower())
                case "POST", ["shipments", id_, "refund"]:
                    return self._refund(id_)
        return self._error(404, "NOT_FOUND", "The requested resource could not be found.")

    def next_trouble(self, method: str, path: str) -> object:
        with self._lock:
            for (of_method, end), troubles in self.trouble.items():
                if of_method == method and re.search(end + "$", path) and troubles:
                    return troubles.pop(0)
        return None

    def _create(self, asked: dict[str, Any]) -> tuple[int, str, bytes]:
        weight = asked.get("parcel", {}).get("weight")
        if not isinstance(weight, int | float) or weight <= 0:
            return self._error(422, "PARAMETER.REQUIRED", "Missing required parameter.", "weight")
        for party in ("to_address", "from_address"):
            if not asked.get(party, {}).get("street1"):
                return self._error(422, "ADDRESS.PARAMETERS.INVALID", f"{party} Wurbelgasse is bad", "street1")
        id_ = f"shp_{self._hex()}"
        back = bool(asked.get("is_return"))
        sold = self.sells if self.sells_returns or not back else ()
        there, here = _address(asked["to_address"]), _address(asked["from_address"])
        self.shipments[id_] = {
            "id": id_,
            "object": "Shipment",
            "created_at": AT,
            "updated_at": AT,
            "mode": self.mode,
            "reference": asked.get("reference"),
            "is_return": back,
            "status": "unknown",
            "tracking_code": None,
            # It turns the addresses of a return round itself.
            "to_address": here if back else there,
            "from_address": there if back else here,
            "return_address": here,
            "buyer_address": there,
            "parcel": {"id": f"prcl_{self._hex()}", "object": "Parcel", "predefined_package": None, **asked["parcel"]},
            "options": {"currency": self.currency, "payment": {"type": "SENDER"}, **asked.get("options", {})},
            "rates": [self._rate(id_, back, *one) for one in sold],
            "messages": [] if sold else [_no("USPS"), _no("DhlEcs")],
            "selected_rate": None,
            "postage_label": None,
            "tracker": None,
            "refund_status": None,
            "insurance": None,
            "customs_info": None,
            "forms": [],
            "fees": [],
        }
        return _json(201, self.shipments[id_])

    def _rate(
        self, shipment: str, back: bool, carrier: str, service: str, there: str, here: str, days: int | None
    ) -> dict[str, Any]:
        return {
            "id": f"rate_{self._hex()}",
            "object": "Rate",
            "created_at": AT,
            "updated_at": AT,
            "mode": self.mode,
            "service": service,
            "carrier": carrier,
            "rate": here if back else there,
            "currency": self.currency,
            "retail_rate": None,
            "retail_currency": None,
            "list_rate": here if back else there,
            "list_currency": self.currency,
            "billing_type": "easypost",
            "delivery_days": days,
            "delivery_date": None,
            "delivery_date_guaranteed": False,
            "est_delivery_days": days,
            "shipment_id": shipment,
            "carrier_account_id": "ca_1",
        }

    def _buy(self, id_: str, rate_id: str) -> tuple[int, str, bytes]:
        shipment = self.shipments.get(id_)
        if shipment is None:
            return self._error(404, "SHIPMENT.NOT_FOUND", "The requested resource could not be found.")
        if shipment["postage_label"] is not None:
            return self._error(422, "SHIPMENT.POSTAGE.EXISTS", "Postage already exists for this shipment.")
        rate = next((one for one in shipment["rates"] if one["id"] == rate_id), None)
        if rate is None:
            return self._error(422, "SHIPMENT.RATE.INVALID", "The rate is not of this shipment.", "rate")
        number = next(self._numbers)
        shipment["tracking_code"] = f"94001091020{number:011d}"
        shipment["selected_rate"] = dict(rate)
        format_ = shipment["options"].get("label_format", "PNG").lower()
        url = self._file(shipment, format_)
        shipment["postage_label"] = {
            "object": "PostageLabel",
            "id": f"pl_{self._hex()}",
            "created_at": AT,
            "updated_at": AT,
            "date_advance": 0,
            "integrated_form": "none",
            "label_date": AT,
            "label_resolution": 300,
            "label_size": "4x6",
            "label_type": "default",
            "label_file_type": {"png": "image/png", "pdf": "application/pdf", "zpl": "application/zpl"}[format_],
            "label_url": url,
            "label_pdf_url": url if format_ == "pdf" else None,
            "label_zpl_url": None,
            "label_epl2_url": None,
            "label_file": None,
        }
        shipment["tracker"] = {
            "id": f"trk_{self._hex()}",
            "object": "Tracker",
            "mode": self.mode,
            "tracking_code": shipment["tracking_code"],
            "status": "unknown",
            "status_detail": "unknown",
            "created_at": AT,
            "updated_at": AT,
            "signed_by": None,
            "weight": None,
            "est_delivery_date": None,
            "shipment_id": id_,
            "carrier": rate["carrier"],
            "tracking_details": [],
            "carrier_detail": None,
            "finalized": False,
            "is_return": shipment["is_return"],
            "public_url": "https://track.easypost.com/none",
            "fees": [],
        }
        self.bought[id_] += 1
        self.on_bought(id_)
        return _json(200, shipment)

    def _convert(self, id_: str, format_: str) -> tuple[int, str, bytes]:
        shipment = self.shipments.get(id_)
        if shipment is None or shipment["postage_label"] is None:
            return self._error(422, "SHIPMENT.POSTAGE.REQUIRED", "No postage.")
        shipment["postage_label"][f"label_{format_}_url"] = self._file(shipment, format_)
        return _json(200, shipment)

    def _refund(self, id_: str) -> tuple[int, str, bytes]:
        shipment = self.shipments.get(id_)
        if shipment is None or shipment["postage_label"] is None:
            return self._error(422, "SHIPMENT.REFUND.UNAVAILABLE", "Refund request unavailable.")
        self.refunds[id_] += 1
        shipment["refund_status"] = self.refund_status
        return _json(200, shipment)

    def _found(self, id_: str) -> tuple[int, str, bytes]:
        """By its id, or by the reference that it was given."""
        found = self.shipments.get(id_) or next(
            (one for one in reversed(self.shipments.values()) if one["reference"] == id_), None
        )
        if found is None:
            return self._error(404, "SHIPMENT.NOT_FOUND", "The requested resource could not be found.")
        return _json(200, found)

    def _file(self, shipment: dict[str, Any], format_: str) -> str:
        path = f"/files/postage_label/20261123/{self._hex()}.{format_}"
        label = a_label(shipment["tracking_code"], shipment["to_address"].get("name", ""))
        if format_ == "zpl":
            self.files[path] = ("text/plain", f"^XA^BCN^FD{shipment['tracking_code']}^FS^XZ".encode())
        else:
            content = io.BytesIO()
            label.save(content, "PNG" if format_ == "png" else "PDF", resolution=300)
            self.files[path] = ("image/png" if format_ == "png" else "application/pdf", content.getvalue())
        return f"{self.base}{path}"

    def _error(self, status: int, code: str, message: str, *fields: str) -> tuple[int, str, bytes]:
        errors = [{"field": name, "message": "cannot be blank"} for name in fields]
        return _json(status, {"error": {"code": code, "message": message, "errors": errors}})

    def _hex(self) -> str:
        return f"{next(self._numbers):032x}"


def signature(body: bytes, secret: str) -> str:
    """The header `X-Hmac-Signature`, as its webhooks guide and its clients have it."""
    key = unicodedata.normalize("NFKD", secret).encode()
    return "hmac-sha256-hex=" + hmac.new(key, body, hashlib.sha256).hexdigest()


def a_label(tracking: str, name: str) -> Image.Image:
    """A label of 4 × 6 inches at 300 dpi with the number as a bar code, as carriers draw theirs."""
    image = Image.new("L", (1200, 1800), 255)
    ImageDraw.Draw(image).text((100, 100), f"USPS {name.encode('ascii', 'replace').decode()}", fill=0)
    code = zxingcpp.create_barcode(tracking, zxingcpp.BarcodeFormat.Code128)
    drawn = Image.fromarray(zxingcpp.write_barcode_to_image(code, scale=3, add_hrt=False))
    image.paste(drawn.resize((900, 300), Image.Resampling.NEAREST), (150, 1200))
    return image


@contextmanager
def easypost() -> Iterator[FakeEasyPost]:
    """An account that answers, until the end of the block."""
    account = FakeEasyPost()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer("GET")

        def do_POST(self) -> None:
            self._answer("POST")

        def _answer(self, method: str) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            trouble = account.next_trouble(method, urlsplit(self.path).path)
            if isinstance(trouble, int):
                self._send(trouble, "application/json", b'{"error": {"code": "X", "message": "", "errors": []}}')
                return
            if isinstance(trouble, bytes):
                self._send(200, "text/html", trouble)
                return
            if isinstance(trouble, tuple):
                self._send(*trouble)
                return
            answer = account.answer(method, self.path, self.headers.get("Authorization", ""), body)
            if trouble == "drop":
                # It did what was asked, and the line goes dead.
                self.close_connection = True
                return
            self._send(*answer)

        def _send(self, status: int, media_type: str, content: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", media_type)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """Whoever hung up has seen enough."""

    server = Server(("127.0.0.1", 0), Handler)
    account.base = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield account
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _json(status: int, content: object) -> tuple[int, str, bytes]:
    return status, "application/json; charset=utf-8", json.dumps(content).encode()


def _scan(status: str, detail: str, at: str) -> dict[str, Any]:
    return {
        "object": "TrackingDetail",
        "message": "Delivered, signed by Zaphrodel",
        "description": "",
        "status": status,
        "status_detail": detail,
        "datetime": at,
        "source": "USPS",
        "carrier_code": "",
        "tracking_location": {
            "object": "TrackingLocation",
            "city": "HOUSTON",
            "state": "TX",
            "country": None,
            "zip": "1",
        },
    }


def _no(carrier: str) -> dict[str, Any]:
    return {
        "carrier": carrier,
        "carrier_account_id": "ca_1",
        "type": "rate_error",
        "message": "no rate to Wurbelgasse 4",
    }


def _address(asked: dict[str, Any]) -> dict[str, Any]:
    names = ("name", "company", "street1", "street2", "city", "state", "zip", "country", "phone", "email")
    return {"object": "Address", "mode": "test", **{name: asked.get(name) for name in names}, "verifications": {}}
