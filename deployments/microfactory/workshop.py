"""A workshop's side of the microfactory interface: its orders in one SQLite file, and a page for its people.

It needs Python 3.11 and nothing else:

    WORKSHOP_TOKEN=… WORKSHOP_PASSWORD=… python workshop.py --port 8700 --file workshop.db

The interface is described in `docs/microfactory-openapi.yaml`. With `--kind pick` the same program speaks for a robot
cell or whoever picks into totes. WORKSHOP_TOKEN is what the shop calls with; WORKSHOP_PASSWORD opens the page. Where
WEBHOOK_URL and WEBHOOK_SECRET (whsec_…) are set, each change is told to the shop, signed by Standard Webhooks.
Put it behind a proxy with TLS where it is not in the shop's own network.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import hmac
import html
import json
import os
import re
import sqlite3
import threading
import time
import urllib.request
import uuid
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

MOST_BODY = 64 * 1024 * 1024
PATIENCE = 10.0
REFERENCE = re.compile(r"[A-Za-z0-9._-]{1,120}")
SHA256 = re.compile(r"[0-9a-f]{64}")
# Control characters, and halves of surrogate pairs, which no encoding has.
UNSHOWN = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
MONEY = re.compile(r"[0-9]{1,9}(\.[0-9]{1,2})?")
TEXTS = ("name", "company", "line1", "line2", "postcode", "city", "region", "country", "phone")
# What people may do with an order that stands so, and where it stands then.
MOVES = {
    "make": {
        "received": ("accepted", "rejected"),
        "accepted": ("in_progress", "shipped", "rejected", "stuck"),
        "in_progress": ("shipped", "rejected", "stuck"),
        "stuck": ("in_progress", "rejected"),
    },
    "pick": {
        "received": ("accepted", "rejected"),
        "accepted": ("in_progress", "picked", "short", "stuck"),
        "in_progress": ("picked", "short", "stuck"),
        "stuck": ("in_progress", "rejected"),
    },
}
CANCELLABLE = ("received", "accepted", "cancelled")
WORDS = {"accepted": "Accept", "rejected": "Reject", "in_progress": "Begin", "shipped": "Ship", "stuck": "Stuck"} | {
    "picked": "Picked",
    "short": "Short",
}
SCHEMA = """
create table if not exists orders (
    reference text primary key, kind text not null, state text not null, revision integer not null,
    request text not null, body text not null, reason text not null default '', done text not null default '{}',
    parcels text not null default '[]', cost text not null default 'null', at text not null,
    totes text not null default '[]'
);
create table if not exists artworks (sha256 text primary key, content blob not null);
create table if not exists outbox (id text primary key, body text not null, tries integer not null default 0);
"""


class Refused(Exception):
    """An answer that is no 2xx: its status, a code for programs and a sentence for people."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


class Workshop:
    """The orders of one workshop. Each call is one transaction; calls come from several threads."""

    def __init__(
        self, file: str, kind: str, webhook_url: str = "", webhook_secret: str = "", name: str = "", makes: str = ""
    ) -> None:
        self.kind, self.name, self.makes = kind, name or "Workshop", makes.split()
        self._url, self._secret = webhook_url, webhook_secret
        self._database = sqlite3.connect(file, check_same_thread=False, isolation_level=None)
        self._database.row_factory = sqlite3.Row
        self._database.executescript("pragma journal_mode=wal; pragma synchronous=full;" + SCHEMA)
        if "totes" not in [row["name"] for row in self._database.execute("pragma table_info(orders)")]:
            # A file of before there were totes.
            self._database.execute("alter table orders add column totes text not null default '[]'")
        self._lock = threading.RLock()
        self._news = threading.Event()
        if webhook_url:
            threading.Thread(target=self._tell, daemon=True).start()

    def place(self, key: str, order: object) -> tuple[int, dict]:
        """A new order, once for its key; the same key with another order is refused."""
        checked = check_order(order, self.kind)
        if not key:
            raise Refused(400, "key_missing", "An order has an Idempotency-Key.")
        if key != checked["reference"]:
            raise Refused(409, "key_is_reference", "Idempotency-Key and reference must be the same.")
        request = hashlib.sha256(json.dumps(checked, sort_keys=True).encode()).hexdigest()
        with self._transaction():
            row = self._row(key)
            if row is not None and row["request"] != request:
                raise Refused(409, "key_used", "This key was used for another order.")
            if row is None:
                for line in checked["lines"]:
                    if self.makes and line["code"] not in self.makes:
                        raise Refused(422, "not_made_here", f"{line['code']} is not made here.")
                    self._need_artwork(line)
                values = (key, self.kind, "received", 1, request, json.dumps(checked), now())
                self._database.execute(
                    "insert into orders (reference, kind, state, revision, request, body, at)"
                    " values (?, ?, ?, ?, ?, ?, ?)",
                    values,
                )
            return (201 if row is None else 200), self.order(key)

    def order(self, reference: str) -> dict:
        """An order as the interface words it. Its recipient is left out: whoever asks knows it."""
        row = self._row(reference)
        if row is None:
            raise Refused(404, "unknown_order", "There is no order of this reference.")
        done = json.loads(row["done"])
        told = {
            "reference": reference,
            "id": reference,
            "kind": row["kind"],
            "state": row["state"],
            "revision": row["revision"],
            "lines": [
                line | ({"done": done[str(line["line"])]} if str(line["line"]) in done else {})
                for line in json.loads(row["body"])["lines"]
            ],
            "parcels": json.loads(row["parcels"]),
            "cost": json.loads(row["cost"]),
            "updated_at": row["at"],
        }
        if self.kind == "pick":
            told["totes"] = json.loads(row["totes"])
        return told | ({"reason": row["reason"]} if row["reason"] else {})

    def cancel(self, reference: str) -> dict:
        """As long as nobody has begun; again is no other."""
        with self._transaction():
            state = self.order(reference)["state"]
            if state not in CANCELLABLE:
                raise Refused(409, "too_late", f"It is {state} already.")
            if state != "cancelled":
                self._move(reference, "cancelled")
            return self.order(reference)

    def move(self, reference: str, state: str, form: dict[str, str]) -> None:
        """What a person here did with an order."""
        with self._transaction():
            order = self.order(reference)
            if state not in MOVES[self.kind].get(order["state"], ()):
                raise Refused(409, "not_now", f"It is {order['state']}.")
            if state in ("rejected", "stuck") and not form.get("reason"):
                raise Refused(400, "reason_missing", "Say why.")
            values: dict[str, object] = {"reason": form.get("reason", "") if state in ("rejected", "stuck") else ""}
            if form.get("cost"):
                if not MONEY.fullmatch(form["cost"]):
                    raise Refused(400, "cost", "Write the cost like 12.40.")
                values["cost"] = json.dumps({"amount": form["cost"], "currency": form.get("currency") or "EUR"})
            if state == "shipped":
                parcel = {name: form.get(name, "") for name in ("carrier", "tracking", "url")}
                values["parcels"] = json.dumps([parcel])
            if state in ("picked", "short", "shipped"):
                all_of = {str(line["line"]): line["quantity"] for line in order["lines"]}
                found = {n: int(form[f"done-{n}"]) for n in all_of if form.get(f"done-{n}", "").isdecimal()}
                done = all_of | found if state == "short" else all_of
                values["done"] = json.dumps(done)
            if self.kind == "pick" and state in ("in_progress", "picked", "short"):
                picked = done if state != "in_progress" else {}
                if len(order["totes"]) == 1 and not any(name.startswith("tote") for name in form):
                    # The one that was set aside for it.
                    form = form | {"tote": order["totes"][0]["id"], "at": order["totes"][0].get("at", "")}
                if totes := totes_of(form, [str(line["line"]) for line in order["lines"]], picked):
                    values["totes"] = json.dumps(totes)
            self._move(reference, state, **values)

    def orders(self) -> list[sqlite3.Row]:
        with self._lock:
            return self._database.execute("select * from orders order by rowid desc limit 200").fetchall()

    def artwork(self, sha256: str) -> bytes:
        with self._lock:
            row = self._database.execute("select content from artworks where sha256 = ?", (sha256,)).fetchone()
        if row is None:
            raise Refused(404, "unknown_artwork", "This artwork was not brought yet.")
        return bytes(row["content"])

    def keep_artwork(self, sha256: str, content: bytes) -> None:
        """Named by its own bytes, so that bringing it again is the same."""
        if hashlib.sha256(content).hexdigest() != sha256:
            raise Refused(409, "other_bytes", "Its bytes have another SHA-256.")
        if not content.startswith(b"\x89PNG\r\n\x1a\n"):
            raise Refused(409, "no_png", "It is no PNG.")
        with self._transaction():
            self._database.execute("insert or ignore into artworks values (?, ?)", (sha256, content))

    def _transaction(self) -> _Transaction:
        return _Transaction(self._database, self._lock)

    def _row(self, reference: str) -> sqlite3.Row | None:
        with self._lock:
            return self._database.execute("select * from orders where reference = ?", (reference,)).fetchone()

    def _need_artwork(self, line: dict) -> None:
        if "artwork" in line:
            row = self._database.execute("select 1 from artworks where sha256 = ?", (line["artwork"],)).fetchone()
            if row is None:
                raise Refused(409, "artwork_missing", f"Bring the artwork of line {line['line']} first.")

    def _move(self, reference: str, state: str, **values: object) -> None:
        """One change, and the message that tells of it, in one transaction."""
        names = ("reason", "done", "parcels", "cost", "totes")
        self._database.execute(
            "update orders set state = ?, at = ?, revision = revision + 1, reason = coalesce(?, reason),"
            " done = coalesce(?, done), parcels = coalesce(?, parcels), cost = coalesce(?, cost),"
            " totes = coalesce(?, totes) where reference = ?",
            (state, now(), *(values.get(name) for name in names), reference),
        )
        if self._url:
            message = {"type": "order.updated", "timestamp": now(), "data": self.order(reference)}
            self._database.execute(
                "insert into outbox (id, body) values (?, ?)", (uuid.uuid4().hex, json.dumps(message))
            )
            self._news.set()

    def _tell(self) -> None:
        """Messages in their order, each until it is taken; the shop asks besides, so none is missed for good."""
        while True:
            with self._lock:
                row = self._database.execute("select * from outbox order by rowid limit 1").fetchone()
            if row is None:
                self._news.wait(PATIENCE)
                self._news.clear()
                continue
            taken = self._send(row["id"], row["body"].encode())
            with self._transaction():
                if taken or row["tries"] >= 20:
                    self._database.execute("delete from outbox where id = ?", (row["id"],))
                else:
                    self._database.execute("update outbox set tries = tries + 1 where id = ?", (row["id"],))
            if not taken:
                self._news.wait(min(2.0 ** row["tries"], 300.0))
                self._news.clear()

    def _send(self, id_: str, body: bytes) -> bool:
        at = str(int(time.time()))
        key = base64.b64decode(self._secret.removeprefix("whsec_"))
        signature = base64.b64encode(hmac.digest(key, f"{id_}.{at}.".encode() + body, "sha256")).decode()
        headers = {"Content-Type": "application/json", "webhook-id": id_, "webhook-timestamp": at}
        request = urllib.request.Request(  # noqa: S310 - the address is the operator's own
            self._url, body, headers | {"webhook-signature": f"v1,{signature}"}
        )
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE):  # noqa: S310
                return True
        except OSError:
            return False


class _Transaction:
    """Held by one thread; rolled back by whatever is raised inside."""

    def __init__(self, database: sqlite3.Connection, lock: threading.RLock) -> None:
        self._database, self._lock = database, lock

    def __enter__(self) -> None:
        self._lock.acquire()
        self._database.execute("begin immediate")

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        self._database.execute("rollback" if kind else "commit")
        self._lock.release()


def check_order(order: object, kind: str) -> dict:
    """The order with what the interface knows of it, or what is wrong with it."""
    if not isinstance(order, dict):
        raise Refused(400, "no_order", "An order is a JSON object.")
    reference, lines = order.get("reference"), order.get("lines")
    if not isinstance(reference, str) or not REFERENCE.fullmatch(reference):
        raise Refused(400, "reference", "reference is up to 120 letters, digits, dots and hyphens.")
    if order.get("kind") != kind:
        raise Refused(409, "kind", f"Here orders are of kind {kind}.")
    if not isinstance(lines, list) or not 1 <= len(lines) <= 500:
        raise Refused(400, "lines", "lines is a list of 1 to 500 lines.")
    checked = [check_line(line) for line in lines]
    if len({line["line"] for line in checked}) < len(checked):
        raise Refused(409, "lines", "Two lines have the same number.")
    known = {"reference": reference, "kind": kind, "lines": checked}
    if (recipient := order.get("recipient")) is not None:
        if not isinstance(recipient, dict) or not all(isinstance(value, str) for value in recipient.values()):
            raise Refused(400, "recipient", "recipient is an object of texts.")
        if not set(recipient) <= set(TEXTS) or any(not is_text(value, 200) for value in recipient.values()):
            raise Refused(400, "recipient", f"recipient has {', '.join(TEXTS)}, each of 1 to 200 characters.")
        known["recipient"] = recipient
    return known


def totes_of(form: dict[str, str], lines: list[str], picked: dict[str, int]) -> list[dict]:
    """The totes of an order as somebody wrote them: `tote` for all of its lines, `tote-1` for a line in others, such as
    "T-7" or "T-7:2 T-8:1". `picked` is how many pieces of each line there are, none while totes are only set aside."""
    totes: dict[str, dict] = {}
    left: dict[str, int] = {}
    for number in lines:
        written = (form.get(f"tote-{number}") or form.get("tote", "")).split()
        count, found = picked.get(number, 0), 0
        for one in written:
            name, _, pieces = one.partition(":")
            if not is_text(name, 60) or (pieces and not pieces.isdecimal()) or len(pieces) > 5:
                raise Refused(400, "totes", "Write totes like T-7, or T-7:2 T-8:1.")
            here = int(pieces) if pieces else count
            found += here
            tote = totes.setdefault(name, {"id": name, "lines": []} | ({"at": form["at"]} if form.get("at") else {}))
            if here and picked:
                tote["lines"].append({"line": int(number), "quantity": here})
        if found != count:
            left[number] = found
    if totes and picked and left:
        number, found = next(iter(left.items()))
        raise Refused(400, "totes", f"Line {number}: {picked[number]} pieces were picked, and {found} are in totes.")
    return list(totes.values())


def check_line(line: object) -> dict:
    if not isinstance(line, dict):
        raise Refused(400, "line", "A line is an object.")
    tests = {
        "line": lambda value: is_count(value),
        "quantity": lambda value: is_count(value),
        "code": lambda value: is_text(value, 120),
        "artwork": lambda value: isinstance(value, str) and SHA256.fullmatch(value),
        "placement": lambda value: is_text(value, 60),
        "print": is_size,
        "technique": lambda value: is_text(value, 60),
        "attributes": is_attributes,
    }
    for name, test in tests.items():
        if (name in line or name in ("line", "quantity", "code")) and not test(line.get(name)):
            raise Refused(400, "line", f"{name} is missing or not as it must be.")
    if "artwork" in line and "placement" not in line:
        raise Refused(400, "line", "placement says where the artwork goes.")
    known = {name: line[name] for name in tests if name in line}
    return known | {name: int(known[name]) for name in ("line", "quantity")}


def is_count(value: object) -> bool:
    """A whole number from 1; JSON's 2.0 is 2."""
    whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    return whole and not isinstance(value, bool) and 1 <= value <= 10_000


def is_size(value: object) -> bool:
    return isinstance(value, dict) and set(value) <= {"width_mm", "height_mm"} and all(map(is_count, value.values()))


def is_attributes(value: object) -> bool:
    """Size, colour and the like, where they are no part of the code."""
    few = isinstance(value, dict) and len(value) <= 20
    return few and all(is_text(name, 60) and is_text(text, 120) for name, text in value.items())


def allowed(path: list[str]) -> tuple[str, ...]:
    """The methods that an address of the interface takes."""
    match path:
        case [] | ["orders", _]:
            return ("GET",)
        case ["orders"] | ["orders", _, "cancel"]:
            return ("POST",)
        case ["artworks", _]:
            return ("GET", "PUT")
    return ()


def is_text(value: object, most: int) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= most and not UNSHOWN.search(value)


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Handler(BaseHTTPRequestHandler):
    """HTTP: the interface for the shop (bearer token), the page for the workshop's people (password)."""

    workshop: Workshop
    token = password = ""
    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_GET(self) -> None:
        self._answer(self._get)

    def do_PUT(self) -> None:
        self._answer(self._put)

    def do_POST(self) -> None:
        self._answer(self._post)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What the library refuses before any method of ours is asked: a method that nobody knows, a broken request."""
        self.close_connection = True
        if code == 501:
            code, message = 405, "There is no such method here."
        refusal = {"code": "refused", "message": message or "This is no request."}
        self._json(code, refusal, {"Allow": ", ".join(allowed(self._path()))} if code == 405 else {})

    def _get(self, path: list[str], body: bytes) -> None:
        if path == ["work"] or path[:2] == ["work", "artworks"]:
            self._need_password()
            if len(path) == 3:
                return self._send(200, self.workshop.artwork(path[2]), "image/png")
            return self._send(200, page(self.workshop).encode(), "text/html; charset=utf-8")
        self._need_token()
        match path:
            case []:
                return self._json(200, {"interface": "microfactory/1", "kind": self.workshop.kind})
            case ["orders", reference]:
                return self._json(200, self.workshop.order(reference))
            case ["artworks", sha256]:
                self.workshop.artwork(sha256)
                return self._json(200, {"sha256": sha256})
        raise self._nothing_here(path)

    def _put(self, path: list[str], body: bytes) -> None:
        self._need_token()
        match path:
            case ["artworks", sha256]:
                if not SHA256.fullmatch(sha256):
                    raise Refused(404, "unknown_artwork", "An artwork is named by its SHA-256.")
                self.workshop.keep_artwork(sha256, body)
                return self._json(200, {"sha256": sha256})
        raise self._nothing_here(path)

    def _post(self, path: list[str], body: bytes) -> None:
        if path[:1] == ["work"] and len(path) == 2:
            self._need_password()
            if self.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
                raise Refused(403, "elsewhere", "This came from another page.")
            form = {name: values[0].strip() for name, values in parse_qs(body.decode("utf-8", "replace")).items()}
            self.workshop.move(path[1], form.get("state", ""), form)
            return self._send(303, b"", "text/plain", {"Location": "/work"})
        self._need_token()
        match path:
            case ["orders"]:
                try:
                    order = json.loads(body)
                except (ValueError, RecursionError):
                    raise Refused(400, "no_json", "The body is no JSON.") from None
                return self._json(*self.workshop.place(self.headers.get("Idempotency-Key", ""), order))
            case ["orders", reference, "cancel"]:
                return self._json(200, self.workshop.cancel(reference))
        raise self._nothing_here(path)

    def _nothing_here(self, path: list[str]) -> Refused:
        if allowed(path):
            return Refused(405, "method", "This address takes another method.")
        return Refused(404, "unknown_path", "There is nothing at this address.")

    def _path(self) -> list[str]:
        return [unquote(part) for part in urlsplit(self.path).path.split("/") if part]

    def _answer(self, act) -> None:
        try:
            body = self._body()
            act(self._path(), body)
        except Refused as error:
            headers = {"WWW-Authenticate": "Bearer"} if error.status == 401 else {}
            if error.status == 405:
                headers = {"Allow": ", ".join(allowed(self._path()))}
            if error.code == "password":
                headers = {"WWW-Authenticate": 'Basic realm="workshop"'}
            self._json(error.status, {"code": error.code, "message": error.message}, headers)

    def _body(self) -> bytes:
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal() or int(length) > MOST_BODY:
            self.close_connection = True
            raise Refused(413, "too_large", "A body has a length, of 64 MiB at the most.")
        return self.rfile.read(int(length))

    def _need_token(self) -> None:
        told = self.headers.get("Authorization", "").encode("utf-8", "replace")
        if not hmac.compare_digest(told, f"Bearer {self.token}".encode()):
            raise Refused(401, "token", "The token is not right.")

    def _need_password(self) -> None:
        right = base64.b64encode(f"workshop:{self.password}".encode())
        if not hmac.compare_digest(self.headers.get("Authorization", "").encode("utf-8", "replace"), b"Basic " + right):
            raise Refused(401, "password", "The password is not right.")

    def _json(self, status: int, body: dict, headers: dict[str, str] | None = None) -> None:
        self._send(status, json.dumps(body).encode(), "application/json", headers)

    def _send(self, status: int, body: bytes, kind: str, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        safe = {"Content-Security-Policy": "default-src 'self'; style-src 'unsafe-inline'", "Cache-Control": "no-store"}
        for name, value in ({"Content-Type": kind, "Content-Length": str(len(body))} | safe | (headers or {})).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """No log: addresses are in what comes here."""


def page(workshop: Workshop) -> str:
    """All orders, the newest first, each with what can be done about it."""
    title = html.escape(workshop.name)
    parts = [card(workshop, row) for row in workshop.orders()] or ["<p>No order yet.</p>"]
    style = (
        "body{font:16px sans-serif;max-width:48rem;margin:1rem auto}form{display:inline}article{border-top:1px solid}"
    )
    head = f"<meta charset=utf-8><meta name=viewport content='width=device-width'><title>{title}</title>"
    return f"<!doctype html><html lang=en>{head}<style>{style}</style><h1>{title}</h1>{''.join(parts)}</html>"


def card(workshop: Workshop, row: sqlite3.Row) -> str:
    esc = html.escape
    body, reference = json.loads(row["body"]), row["reference"]
    lines = "".join(f"<li>{line['quantity']} × {esc(line['code'])}{made(line)}" for line in body["lines"])
    to = body.get("recipient")
    address = "<br>".join(esc(to[name]) for name in TEXTS if name in to) if to else "to the shop"
    forms = "".join(
        form(workshop.kind, reference, state, body["lines"]) for state in MOVES[workshop.kind].get(row["state"], ())
    )
    totes = ", ".join(esc(" ".join((tote["id"], tote.get("at", ""))).strip()) for tote in json.loads(row["totes"]))
    why = f"<p>in {totes}</p>" if totes else ""
    why += f"<p>{esc(row['reason'])}</p>" if row["reason"] else ""
    return f"<article><h2>{esc(reference)}: {row['state']}</h2><ul>{lines}</ul><p>{address}</p>{why}{forms}</article>"


def made(line: dict) -> str:
    """How a line is made: in which size and colour, by which technique, what is printed where and how large."""
    words = [f"{name} {text}" for name, text in sorted(line.get("attributes", {}).items())]
    size = line.get("print", {})
    sides = [f"{size[name]} mm {word}" for name, word in (("width_mm", "wide"), ("height_mm", "high")) if name in size]
    words += [line[name] for name in ("technique", "placement") if name in line] + sides
    link = f": <a href=/work/artworks/{line['artwork']}>artwork</a>" if "artwork" in line else ""
    return "".join(f", {html.escape(word)}" for word in words) + link


def form(kind: str, reference: str, state: str, lines: list[dict]) -> str:
    fields = {"rejected": ("reason",), "stuck": ("reason",), "accepted": ("cost", "currency")} | {
        "shipped": ("carrier", "tracking", "url", "cost", "currency"),
        "short": tuple(f"done-{line['line']}" for line in lines),
    }
    if state in ("picked", "short") or (state == "in_progress" and kind == "pick"):
        fields[state] = (*fields.get(state, ()), "tote", "at", *(f"tote-{line['line']}" for line in lines))
    inputs = "".join(f"<label>{name} <input name={name} size=12></label> " for name in fields.get(state, ()))
    button = f"<button name=state value={state}>{WORDS[state]}</button>"
    return f"<form method=post action='/work/{html.escape(reference)}'>{inputs}{button}</form> "


def serve(host: str, port: int, workshop: Workshop, token: str, password: str) -> ThreadingHTTPServer:
    settings = {"workshop": workshop, "token": token, "password": password}
    return ThreadingHTTPServer((host, port), type("Bound", (Handler,), settings))


def main() -> None:
    parser = argparse.ArgumentParser(description="A workshop's side of the microfactory interface")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8700)
    parser.add_argument("--file", type=Path, default=Path("workshop.db"))
    parser.add_argument("--kind", choices=sorted(MOVES), default="make")
    parser.add_argument("--name", default="Workshop")
    parser.add_argument("--makes", default="", help="the codes that are made here, with spaces between")
    options = parser.parse_args()
    token, password = os.environ.get("WORKSHOP_TOKEN", ""), os.environ.get("WORKSHOP_PASSWORD", "")
    if not token or not password:
        parser.error("set WORKSHOP_TOKEN and WORKSHOP_PASSWORD")
    url, secret = os.environ.get("WEBHOOK_URL", ""), os.environ.get("WEBHOOK_SECRET", "")
    workshop = Workshop(str(options.file), options.kind, url, secret, options.name, options.makes)
    server = serve(options.host, options.port, workshop, token, password)
    print(f"http://{options.host}:{server.server_port}/work", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
