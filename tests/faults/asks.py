"""Poison as it is poured into the gateway: requests to each of its doors, and a line that sends whatever bytes.

What belongs here: the doors, and the credentials with which poison gets through the first of them. What does not: what
poison is (`poison`), and what must come of it (the test).
"""

from __future__ import annotations

import json
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPResponse
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import schemathesis
from hypothesis import strategies as st
from schemathesis import GenerationMode

from backroom.channels.signing import sign
from backroom.printing.device import Device
from tests.faults.poison import bodies, numbers, texts, values, written
from tests.shops import BOOTH, HUB, PLAIN, SOUTH, an_order

SECRET = "hush"
LONGEST_BODY = 1024 * 1024
PATIENCE = 30.0
_JSON = ("Content-Type", b"application/json")


@dataclass(frozen=True)
class Ask:
    """One request, and the group of doors it belongs to. `wire` is sent as it is, where it is given."""

    group: str
    method: str
    target: str
    headers: tuple[tuple[str, bytes], ...] = ()
    content: bytes = b""
    wire: bytes = b""

    def bytes(self) -> bytes:
        if self.wire:
            return self.wire
        head = [f"{self.method} {self.target} HTTP/1.1".encode("latin-1", "replace"), b"Host: gateway"]
        head += [name.encode("ascii") + b": " + value for name, value in self.headers]
        head.append(b"Content-Length: %d" % len(self.content))
        return b"\r\n".join(head) + b"\r\n\r\n" + self.content

    def __str__(self) -> str:
        whole = self.bytes()
        return f"{self.group}: {whole[:3000]!r}{f' … {len(whole)} bytes' if len(whole) > 3000 else ''}"


@dataclass(frozen=True)
class Answer:
    """What came back; status 0 where the line was cut."""

    status: int
    kind: str = ""
    body: bytes = b""


@dataclass
class Line:
    """One connection to the gateway, opened again whenever it was closed."""

    url: str
    _socket: socket.socket | None = None

    def send(self, ask: Ask) -> Answer:
        if self._socket is None:
            address = urlsplit(self.url)
            self._socket = socket.create_connection((address.hostname, address.port or 80), PATIENCE)
        try:
            try:
                self._socket.sendall(ask.bytes())
                if ask.wire:
                    self._socket.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # Answered before it had read everything: what it said may still be here.
            with HTTPResponse(self._socket, method=ask.method) as response:
                response.begin()
                answer = Answer(response.status, response.headers.get("content-type", ""), response.read())
                if response.will_close or ask.wire:
                    self.close()
        except (ConnectionError, HTTPException):
            self.close()
            return Answer(0)
        return answer

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


@dataclass(frozen=True)
class Known:
    """What poison may name that is really there, and the keys that let it in."""

    numbers: Sequence[str]
    jobs: Sequence[int]
    booth_key: str
    pos_key: str
    staff_key: str
    metrics_key: str
    holders: Sequence[str] = field(default=("bench",))


def _header(text: str) -> bytes:
    """A text as a header's value: whatever bytes, but for those that would end the line."""
    return text.encode("utf-8", "replace").translate(None, b"\r\n\0")


def _quoted(text: str, safe: str = "") -> str:
    return quote(text.encode("utf-8", "surrogatepass"), safe)


def _bearer(key: str) -> tuple[str, bytes]:
    return "Authorization", f"Bearer {key}".encode()


def woo_order(external_id: int) -> dict[str, Any]:
    line = {
        "id": 1,
        "name": "Shirt",
        "quantity": 1,
        "subtotal": "29.00",
        "total": "29.00",
        "sku": PLAIN,
        "meta_data": [],
    }
    person = {"first_name": "Ada", "last_name": "B", "address_1": "Weg 1", "city": "Hamburg", "postcode": "20095"}
    return {
        "id": external_id,
        "number": str(external_id),
        "created_via": "checkout",
        "status": "processing",
        "currency": "EUR",
        "date_created_gmt": "2026-11-20T09:54:40",
        "date_modified_gmt": "2026-11-20T09:55:02",
        "shipping_total": "0.00",
        "total": "29.00",
        "total_tax": "0.00",
        "customer_note": "ring twice",
        "billing": person | {"country": "DE", "email": "ada@example.com", "phone": "+4917612345678", "company": ""},
        "shipping": {},
        "line_items": [line | {"meta_data": [{"id": 2, "key": "Engraving", "value": "S.K."}]}],
        "fee_lines": [],
        "meta_data": [{"id": 5, "key": "_wc_twilio_sms_optin", "value": "1"}],
    }


def sale(seq: int) -> dict[str, Any]:
    return {
        "seq": seq,
        "sold_at": "2026-11-20T14:03:00+01:00",
        "currency": "EUR",
        "delivery": "ship",
        "lines": [{"sku": PLAIN, "quantity": 1, "unit_price": "29.00", "title": "Shirt", "personalisation": "S.K."}],
        "total": "29.00",
        "payment_token": "tok",
        "email": "ada@example.com",
        "phone": "+4917612345678",
        "language": "de",
        "note": "wants it folded",
        "address": {"name": "Ada B", "line1": "Weg 1", "postcode": "60322", "city": "Frankfurt", "country": "DE"},
        "consents": [{"medium": "sms", "purpose": "order_updates", "granted": True, "wording": "May we text you?"}],
    }


_ids = st.integers(10**7, 10**12)
_TOPICS = ("orders/create", "orders/updated", "orders/cancelled", "orders/paid", "order.created", "order.deleted", "")


@st.composite
def webhooks(draw: st.DrawFn) -> Ask:
    """Signed as the channel signs, over whatever body: what is tested is not the signature."""
    id_ = draw(_ids)
    channel, kind, good = draw(
        st.sampled_from(
            (
                ("web", "shopify", an_order(id_, [(PLAIN, 1)], at=draw(st.sampled_from((HUB, SOUTH, BOOTH))))),
                ("woo", "woocommerce", woo_order(id_)),
            )
        )
    )
    body = draw(bodies(good))
    headers = {name: value.encode() for name, value in sign(kind, body, SECRET, shop_domain="nord.example").items()}
    if draw(st.integers(0, 3)) == 0:
        name = draw(st.sampled_from(sorted(set(headers) - {"Content-Type"})))
        headers[name] = _header(draw(texts | st.sampled_from(_TOPICS)))
    return Ask(f"webhook {kind}", "POST", f"/webhooks/{channel}", tuple(headers.items()), body)


def sales(known: Known) -> st.SearchStrategy[Ask]:
    """A till's batch, spoiled as a whole, or with good and spoiled sales side by side."""

    def ask(content: bytes) -> Ask:
        return Ask(
            "till", "POST", "/pos/sales", (_bearer(known.pos_key), ("Content-Type", b"application/json")), content
        )

    seqs = st.integers(1, 2**50)
    batch = seqs.flatmap(lambda seq: bodies({"device": "till-1", "sales": [sale(seq)]}))
    mixed = st.tuples(seqs, st.lists(values, max_size=4)).map(
        lambda drawn: written({"device": "till-2", "sales": [sale(drawn[0]), *drawn[1]]})
    )
    return (batch | batch | mixed).map(ask)


@st.composite
def booth(draw: st.DrawFn, known: Known) -> Ask:
    """The booth API by hand: about jobs that are there, with words that are not."""
    job = draw(st.sampled_from([*known.jobs, 0, -1, 2**63, 2**31]) | texts.map(_quoted))
    good = {"holder": "bench", "attempt": 1, "printer": "press-1", "state": "printing", "outcome": "done", "reason": ""}
    good |= {"device": Device().public, "once": Device().public}
    shapes = {
        "jobs/claim": {"holder": "bench", "most": 1},
        f"jobs/{job}/start": {key: good[key] for key in ("holder", "attempt", "printer")},
        f"jobs/{job}/progress": {key: good[key] for key in ("holder", "attempt", "state", "reason")},
        f"jobs/{job}/outcome": {key: good[key] for key in ("holder", "attempt", "outcome", "reason")},
        f"jobs/{job}/payload": {key: good[key] for key in ("holder", "attempt", "device", "once")},
        "scan": {"order": draw(st.sampled_from(known.numbers)), "code": PLAIN},
    }
    door = draw(st.sampled_from([*shapes, "wake", "printers"]))
    place = draw(st.sampled_from((BOOTH, BOOTH, BOOTH, HUB)) | texts.map(_quoted))
    headers = (_bearer(known.booth_key), _JSON)
    if door in shapes:
        return Ask("booth", "POST", f"/booth/{place}/{door}", headers, draw(bodies(shapes[door])))
    asked = {"holder": draw(texts), "wait": "0", "after": str(draw(numbers))[:100]}
    return Ask("booth", "GET", f"/booth/{place}/{door}?{_query(asked)}", headers)


@st.composite
def pages(draw: st.DrawFn, known: Known) -> Ask:
    """Staff pages and forms, asked for with a key that works: numbers, ids and fields that no page of ours sends."""
    number = draw(st.sampled_from(known.numbers) | texts.map(_quoted))
    id_ = draw(st.sampled_from([1, 2, *known.jobs]) | numbers.map(lambda number: _quoted(str(number)[:80])))
    place = draw(st.sampled_from((HUB, SOUTH, BOOTH)) | texts.map(_quoted))
    headers: list[tuple[str, bytes]] = [
        _bearer(known.staff_key),
        ("Accept", draw(st.sampled_from((b"text/html", b"*/*")))),
    ]
    looked_at = (
        *(f"/orders?{_query({'number': draw(texts)})}", f"/orders/{number}", f"/prints/{place}", f"/scan/{place}"),
        *("/quarantine", "/effects", f"/shipments/{id_}/label.pdf", f"/shipments/{id_}/label.zpl"),
        f"/login?{_query({'next': draw(texts)})}",
    )
    if draw(st.booleans()):
        return Ask("page", "GET", draw(st.sampled_from(looked_at)), headers)
    act = draw(st.sampled_from(("hold", "release", "cancel", "retry", "amend", "amend", "amend")))
    sent_to = (
        *(f"/orders/{number}/{act}", f"/orders/{number}/amend", f"/scan/{place}", f"/quarantine/{id_}/replay"),
        *(f"/prints/{place}/{id_}/decision", f"/effects/{id_}/decision", "/login", "/logout"),
    )
    given = draw(st.dictionaries(st.sampled_from(_FIELDS) | texts, texts, max_size=5))
    sent = _query(given)
    content = draw(st.sampled_from((sent.encode(), sent.encode(), sent.replace("%", "").encode(), written(given))))
    kind = draw(st.sampled_from((b"application/x-www-form-urlencoded", b"multipart/form-data; boundary=x", b"")))
    return Ask("form", "POST", draw(st.sampled_from(sent_to)), (*headers, ("Content-Type", kind)), content)


_FIELDS = ("note", "email", "phone", "code", "order", "decision", "csrf", "key", "next", "line.1.sku")
_FIELDS += ("address.name", "address.line1", "address.line2", "address.postcode", "address.city", "address.country")
_PATHS = ("/health", "/metrics", "/style.css", "/", "/orders", "/quarantine", "/effects", "/login", "/webhooks/web")
_PATHS += ("/pos/sales", f"/booth/{BOOTH}/jobs/claim", f"/booth/{BOOTH}/wake?wait=0", "/webhooks/nobody", "/docs")
_NAMES = ("Authorization", "Cookie", "Accept", "Content-Type", "X-Forwarded-For", "X-Shopify-Hmac-Sha256", "Origin")
_NAMES += ("X-WC-Webhook-Signature", "X-Shopify-Shop-Domain", "Accept-Encoding", "If-None-Match", "Range")


@st.composite
def strangers(draw: st.DrawFn, known: Known) -> Ask:
    """Whoever has no key, or half of one: poison in keys, cookies, headers, methods and paths."""
    keys = (known.booth_key, known.pos_key, known.metrics_key, known.staff_key)
    shapes = (
        *(lambda text: text, lambda text: f"Bearer {text}", lambda text: f"backroom_session={text}"),
        *(lambda text: f"backroom_session=1.99999999999.{text}", lambda text: f"Basic {text}"),
        lambda text: f"Bearer {draw(st.sampled_from(keys))}{text}",
    )
    headers = tuple(
        (draw(st.sampled_from(_NAMES)), _header(draw(st.sampled_from(shapes))(draw(texts))))
        for _ in range(draw(st.integers(1, 4)))
    )
    method = draw(st.sampled_from(("GET", "GET", "POST", "POST", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE")))
    odd = texts.map(lambda text: "/" + _quoted(text, draw(st.sampled_from(("", "/.;@&=+$,:~")))))
    return Ask("stranger", method, draw(st.sampled_from(_PATHS) | odd), headers, draw(st.binary(max_size=60)))


_WIRES = (
    b"GET /health HTTP/9.9\r\n\r\n",
    b"GET\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"POST /pos/sales HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\nabc",
    b"POST /pos/sales HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 50\r\n\r\nabcde",
    b"POST /webhooks/web HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n",
    b"POST /pos/sales HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    b"POST /webhooks/web HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nbroken off",
    b"GET /orders HTTP/1.1\r\nHost: x\r\nCookie: " + b"a" * 100_000 + b"\r\n\r\n",
    b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /orders?number=%ff%fe%00%zz%c3%28 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /orders/%00 HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\n\r\n",
    b"GET /\xff\xfe\x80 HTTP/1.1\r\nHost: \xff\r\n\xff: \xff\r\n\r\n",
    b"GET /health HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: x\r\n\r\n",
)


@st.composite
def wires(draw: st.DrawFn) -> Ask:
    """What is hardly HTTP at all."""
    wire = draw(st.sampled_from(_WIRES))
    if draw(st.booleans()):
        place = draw(st.integers(0, len(wire) - 1))
        wire = wire[:place] + draw(st.binary(min_size=1, max_size=6)) + wire[place + 1 :]
    return Ask("wire", "GET", "", wire=wire)


def from_schema(description: dict[str, Any], known: Known) -> st.SearchStrategy[Ask]:
    """What Schemathesis makes of the gateway's OpenAPI description, valid and invalid, with the keys of its doors."""
    schema = schemathesis.openapi.from_dict(description)
    operations = [found.ok() for found in schema.get_all_operations()]
    # A long poll keeps its caller waiting, as it should: it is asked by hand, with no time to wait (`booth`).
    cases = [
        operation.as_strategy(generation_mode=mode)
        for operation in operations
        if not operation.path.endswith("/wake")
        for mode in (GenerationMode.NEGATIVE, GenerationMode.POSITIVE)
    ]
    return st.builds(lambda case, place: _of_case(case, place, known), st.one_of(cases), st.booleans())


def _of_case(case: Any, here: bool, known: Known) -> Ask:
    if here and "location" in (case.path_parameters or {}):
        case.path_parameters["location"] = BOOTH
    sent = case.as_transport_kwargs(base_url="http://gateway")
    target = sent["url"].removeprefix("http://gateway") or "/"
    asked = _query(case.query or {})
    body = sent.get("data", sent.get("json", b""))
    content = body if isinstance(body, bytes) else written(body) if body is not None else b""
    door = case.operation.path.split("/")[1]
    keys = {"booth": known.booth_key, "pos": known.pos_key, "metrics": known.metrics_key}
    return Ask(
        "schema",
        case.method.upper(),
        _quoted(target, "/%?&=") + (f"?{asked}" if asked else ""),
        (_bearer(keys.get(door, known.staff_key)), _JSON),
        content,
    )


def _query(given: dict[str, Any]) -> str:
    return urlencode({str(name): value for name, value in given.items()}, errors="surrogatepass", doseq=True)


def any_of(description: dict[str, Any], known: Known) -> st.SearchStrategy[Ask]:
    """Poison for every door, most for those that strangers fill."""
    weights = (
        (webhooks(), 9),
        (sales(known), 4),
        (booth(known), 3),
        (pages(known), 5),
        (strangers(known), 2),
        (wires(), 1),
        (from_schema(description, known), 3),
    )
    which = [strategy for strategy, weight in weights for _ in range(weight)]
    return st.integers(0, len(which) - 1).flatmap(lambda index: which[index])


def good_order(external_id: int, key: str) -> Ask:
    """A delivery that nothing is wrong with."""
    body = json.dumps(an_order(external_id, [(PLAIN, 1)], at=HUB)).encode()
    headers = sign("shopify", body, SECRET, shop_domain="nord.example") | {
        "X-Shopify-Webhook-Id": key,
        "X-Shopify-Event-Id": key,
    }
    return Ask("good", "POST", "/webhooks/web", tuple((name, value.encode()) for name, value in headers.items()), body)
