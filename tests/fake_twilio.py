"""Twilio, as far as we use it: its Messages API over real HTTP, and its calls to us. By hand, after its documents.

The shapes are those of Twilio's OpenAPI description (`twilio_api_v2010`, schemas `api.v2010.account.message` and the
parameters of `CreateMessage` and `ListMessage`); `RESOURCE` and `PARAMETERS` say which, and the tests hold every answer
and every request of ours against them. Numbers that end as Twilio's own test numbers do are refused with their codes.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlsplit

import requests
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

ACCOUNT = "AC" + "0a" * 16
KEY, SECRET = "SK" + "1b" * 16, "api-key-secret"
TOKEN = "auth-token-of-the-account"
SERVICE = "MG" + "2c" * 16

# Names and forms of a message resource, as the description has them; None is allowed for each.
RESOURCE = {
    "body": str,
    "num_segments": str,
    "direction": ("inbound", "outbound-api", "outbound-call", "outbound-reply"),
    "from": str,
    "to": str,
    "date_updated": str,
    "price": str,
    "error_message": str,
    "uri": str,
    "account_sid": re.compile(r"AC[0-9a-fA-F]{32}"),
    "num_media": str,
    "status": re.compile(
        "queued|sending|sent|failed|delivered|undelivered|receiving|received|accepted|scheduled|read|"
        "partially_delivered|canceled"
    ),
    "messaging_service_sid": re.compile(r"MG[0-9a-fA-F]{32}"),
    "sid": re.compile(r"(SM|MM)[0-9a-fA-F]{32}"),
    "date_sent": str,
    "date_created": str,
    "error_code": int,
    "price_unit": str,
    "api_version": str,
    "subresource_uris": dict,
}
# What creating a message takes; `To` is required.
PARAMETERS = frozenset(
    {"To", "From", "MessagingServiceSid", "Body", "MediaUrl", "ContentSid", "ContentVariables", "ContentRetention"}
    | {"StatusCallback", "ApplicationSid", "MaxPrice", "ProvideFeedback", "Attempt", "ValidityPeriod", "ForceDelivery"}
    | {"AddressRetention", "SmartEncoded", "PersistentAction", "TrafficType", "ShortenUrls", "ScheduleType", "SendAt"}
    | {"SendAsMms", "RiskCheck"}
)
REFUSED = {"0001": 21211, "0002": 21612, "0009": 21614, "0610": 21610, "0429": 20429}
LONGEST_BODY = 1600


@dataclass
class FakeTwilio:
    """One account. `url` goes in the place of https://api.twilio.com.

    Of every `deaf_to` messages that it takes, one gets no answer, or where it does not hang, one that says nothing
    (500); `lists` says whether it lists what it took.
    """

    url: str
    deaf_to: int = 0
    lists: bool = True
    hangs: bool = True
    messages: list[dict[str, Any]] = field(default_factory=list)
    asked: int = 0
    answering: threading.Event = field(default_factory=threading.Event)
    callbacks: dict[str, str] = field(default_factory=dict)
    # Called with each message that was taken, before it is answered.
    when_taken: Callable[[dict[str, Any]], object] = lambda _row: None
    _ids: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, request: Request) -> Response:
        login = request.authorization
        if login is None or (login.username, login.password) not in ((KEY, SECRET), (ACCOUNT, TOKEN)):
            return _error(401, 20003, "Authenticate")
        if request.path != f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json":
            return _error(404, 20404, f"The requested resource {request.path} was not found")
        return self._create(request) if request.method == "POST" else self._list(request)

    def _create(self, request: Request) -> Response:
        form = request.form.to_dict()
        assert request.mimetype == "application/x-www-form-urlencoded"
        assert set(form) <= PARAMETERS, form
        to, text = form.get("To", ""), form.get("Body", "")
        if not to:
            return _error(400, 21604, "A 'To' phone number is required.")
        if code := REFUSED.get(to[-4:]):
            return _error(429 if code == 20429 else 400, code, f"refused: {to}")
        if not form.get("From") and not form.get("MessagingServiceSid"):
            return _error(400, 21603, "A 'From' phone number is required.")
        if not text:
            return _error(400, 21602, "Message body is required.")
        if len(text) > LONGEST_BODY:
            return _error(400, 21617, "The concatenated message body exceeds the 1600 character limit")
        with self._lock:
            sid = f"SM{next(self._ids):032x}"
            row = _message(sid, form)
            self.messages.append(row)
            deaf = self.deaf_to and len(self.messages) % self.deaf_to == 0
        if "StatusCallback" in form:
            self.callbacks[sid] = form["StatusCallback"]
        self.when_taken(row)
        if deaf and not self.hangs:
            return _error(500, 20500, "Internal Server Error")
        if deaf:
            self.answering.wait(30)
        return _json(201, row)

    def _list(self, request: Request) -> Response:
        self.asked += 1
        assert set(request.args) <= {
            "To",
            "From",
            "DateSent",
            "DateSent<",
            "DateSent>",
            "PageSize",
            "Page",
            "PageToken",
        }
        to = request.args.get("To")
        rows = [row for row in self.messages if to in (None, row["to"])] if self.lists else []
        page = {"messages": rows[::-1][: int(request.args.get("PageSize", "50"))], "page": 0, "next_page_uri": None}
        return _json(200, page)

    def tell(
        self, sid: str, status: str, *, code: int | None = None, token: str = TOKEN, at: str = "", **more: str
    ) -> requests.Response:
        """Call back about a message, as Twilio does. `at` stands in the place of the public address up to its path."""
        row = next(row for row in self.messages if row["sid"] == sid)
        form = {
            "AccountSid": ACCOUNT,
            "ApiVersion": "2010-04-01",
            "From": row["from"] or "",
            "To": row["to"],
            "MessageSid": sid,
            "MessageStatus": status,
            "SmsSid": sid,
            "SmsStatus": status,
        }
        form |= {"ErrorCode": str(code)} if code else {}
        url = self.callbacks[sid]
        where = at + urlsplit(url).path if at else url
        return post(where, form | more, url, token)


def post(where: str, form: dict[str, str], signed_url: str, token: str = TOKEN) -> requests.Response:
    """Send a form to `where`, signed as for `signed_url`: the address that Twilio knows it by."""
    headers = {"X-Twilio-Signature": signature(token, signed_url, form), "User-Agent": "TwilioProxy/1.1"}
    return requests.post(where, data=form, headers=headers, timeout=10)


def signature(token: str, url: str, form: dict[str, str]) -> str:
    """By Twilio's description, in other words than ours."""
    text = url
    for name in sorted(form):
        text += name + form[name]
    return base64.b64encode(hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()).decode()


def reply(to: str, sender: str, text: str, sid: str, **more: str) -> dict[str, str]:
    """The form that Twilio sends for an SMS that came in."""
    return {
        "ToCountry": "DE",
        "MessageSid": sid,
        "SmsMessageSid": sid,
        "SmsSid": sid,
        "SmsStatus": "received",
        "AccountSid": ACCOUNT,
        "ApiVersion": "2010-04-01",
        "NumMedia": "0",
        "NumSegments": "1",
        "To": to,
        "From": sender,
        "Body": text,
    } | more


@contextmanager
def fake_twilio(deaf_to: int = 0) -> Iterator[FakeTwilio]:
    with HTTPServer("127.0.0.1", 0, threaded=True) as server:
        twilio = FakeTwilio(server.url_for("")[:-1], deaf_to)
        server.expect_request(re.compile(".*")).respond_with_handler(twilio.answer)
        try:
            yield twilio
        finally:
            twilio.answering.set()


def check_resource(row: dict[str, Any]) -> None:
    """Hold a message against Twilio's description of one."""
    assert set(row) == set(RESOURCE)
    for name, form in RESOURCE.items():
        value = row[name]
        if value is None:
            continue
        if isinstance(form, type):
            assert isinstance(value, form), name
        elif isinstance(form, re.Pattern):
            assert form.fullmatch(value), name
        else:
            assert value in form, name


def _message(sid: str, form: dict[str, str]) -> dict[str, Any]:
    at = format_datetime(datetime.now(UTC))
    service = form.get("MessagingServiceSid")
    row: dict[str, Any] = {
        "sid": sid,
        "date_created": at,
        "date_updated": at,
        "date_sent": None,
        "account_sid": ACCOUNT,
        "to": form["To"],
        "from": None if service else form["From"],
        "messaging_service_sid": service,
        "body": form["Body"],
        "status": "accepted" if service else "queued",
        "num_segments": "0" if service else "1",
        "num_media": "0",
        "direction": "outbound-api",
        "api_version": "2010-04-01",
        "price": None,
        "price_unit": None,
        "error_code": None,
        "error_message": None,
        "uri": f"/2010-04-01/Accounts/{ACCOUNT}/Messages/{sid}.json",
        "subresource_uris": {"media": f"/2010-04-01/Accounts/{ACCOUNT}/Messages/{sid}/Media.json"},
    }
    check_resource(row)
    return row


def _error(status: int, code: int, message: str) -> Response:
    told = {"code": code, "message": message, "more_info": f"https://www.twilio.com/docs/errors/{code}"}
    return _json(status, told | {"status": status})


def _json(status: int, value: object) -> Response:
    return Response(json.dumps(value), status, content_type="application/json")
