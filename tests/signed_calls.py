"""Signed calls as vendors make them, and every kind of wrong one; the verdicts of the vendors' own libraries, and ours.

What belongs here: the schemes, and what a right and a wrong call of each is. What does not: where such a call goes to
(`tests.integration.gateway.test_vendors_signatures`).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import stripe
import time_machine
from square.utils.webhooks_helper import verify_signature
from standardwebhooks import Webhook
from twilio.request_validator import RequestValidator

from backroom.domain import signatures
from backroom.domain.signatures import BadSignature

NOW = 1_790_000_000
SECRET = "hush-hush"
STANDARD_SECRET = "whsec_" + base64.b64encode(b"twenty-four bytes of it!").decode()
BODY = '{"id":1,"note":"café"}'.encode()
URL = "https://shop.example.com/webhooks/market?x=1"
FORM = (("From", "+14158675309"), ("To", "+18005551212"), ("Body", "STOP é"))


@dataclass(frozen=True)
class Call:
    """One delivery as it came: what is signed, and the header that holds the signature."""

    told: str
    body: bytes = BODY
    url: str = URL
    form: tuple[tuple[str, str], ...] = FORM
    id: str = "msg_1"
    time: str = str(NOW)


class Fields:
    """A form as Django hands it to Twilio's library: names with one value or several."""

    def __init__(self, pairs: tuple[tuple[str, str], ...]) -> None:
        self._pairs = pairs

    def __iter__(self) -> Iterator[str]:
        return iter(name for name, _ in self._pairs)

    def __len__(self) -> int:
        return len(self._pairs)

    def getlist(self, name: str) -> list[str]:
        return [value for key, value in self._pairs if key == name]


@dataclass(frozen=True)
class Scheme:
    """How one vendor signs, by its own library where that can; how we sign; and the verdicts of both on a call."""

    sign: Callable[[Call, str, int], str]
    by_us: Callable[[Call, str, int], str]
    ours: Callable[[Call, str], None]
    theirs: Callable[[Call, str], object]
    secret: str = SECRET
    timed: bool = False
    covers_url: bool = False


def _standard_theirs(call: Call, secret: str) -> object:
    headers = {"webhook-id": call.id, "webhook-timestamp": call.time, "webhook-signature": call.told}
    Webhook(secret).verify(call.body, headers, json_parse=False)
    return True


SCHEMES = {
    "square": Scheme(
        # Its library checks and does not sign: the formula of its documents, which the library judges.
        lambda call, secret, at: base64.b64encode(
            bytes.fromhex(hmac_hex(secret, call.url.encode() + call.body))
        ).decode(),
        lambda call, secret, at: signatures.square(call.url, call.body, secret),
        lambda call, secret: signatures.check_square(call.told, call.url, call.body, secret),
        lambda call, secret: verify_signature(
            request_body=call.body.decode(),
            signature_header=call.told,
            signature_key=secret,
            notification_url=call.url,
        ),
        covers_url=True,
    ),
    "stripe": Scheme(
        lambda call, secret, at: stripe.WebhookSignature.generate_signature_header(call.body.decode(), secret, at),
        lambda call, secret, at: signatures.stripe(call.body, secret, at),
        lambda call, secret: signatures.check_stripe(call.told, call.body, secret, NOW),
        lambda call, secret: stripe.WebhookSignature.verify_header(call.body, call.told, secret, 300),
        timed=True,
    ),
    "standard": Scheme(
        lambda call, secret, at: Webhook(secret).sign(call.id, datetime.fromtimestamp(at, tz=UTC), call.body.decode()),
        lambda call, secret, at: signatures.standard(call.id, at, call.body, secret),
        lambda call, secret: signatures.check_standard(call.told, call.id, call.time, call.body, secret, NOW),
        _standard_theirs,
        secret=STANDARD_SECRET,
        timed=True,
    ),
    "twilio": Scheme(
        lambda call, secret, at: RequestValidator(secret).compute_signature(call.url, Fields(call.form)),
        lambda call, secret, at: signatures.twilio(call.url, call.form, secret),
        lambda call, secret: signatures.check_twilio(call.told, call.url, call.form, secret),
        lambda call, secret: RequestValidator(secret).validate(call.url, Fields(call.form), call.told),
        covers_url=True,
    ),
    # Meta publishes no library that checks it: held against its documents' formula alone.
    "hub": Scheme(
        lambda call, secret, at: "sha256=" + hmac_hex(secret, call.body),
        lambda call, secret, at: signatures.hub(call.body, secret),
        lambda call, secret: signatures.check_hub(call.told, call.body, secret),
        lambda call, secret: call.told == "sha256=" + hmac_hex(secret, call.body),
    ),
}


def hmac_hex(secret: str, body: bytes) -> str:
    """RFC 2104 written out, so that what is checked is not what checks."""
    key = secret.encode()
    key = (hashlib.sha256(key).digest() if len(key) > 64 else key).ljust(64, b"\0")
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in key) + body).digest()
    return hashlib.sha256(bytes(byte ^ 0x5C for byte in key) + inner).hexdigest()


def signed(name: str, call: Call | None = None, *, secret: str = "", at: int = NOW) -> Call:
    scheme = SCHEMES[name]
    call = call or Call("")
    if name == "standard":
        call = replace(call, time=str(at))
    return replace(call, told=scheme.sign(call, secret or scheme.secret, at))


def ours(name: str, call: Call, secret: str = "") -> bool:
    try:
        SCHEMES[name].ours(call, secret or SCHEMES[name].secret)
    except BadSignature:
        return False
    return True


def theirs(name: str, call: Call, secret: str = "") -> bool:
    """The library's verdict; whatever it raises is a refusal."""
    with time_machine.travel(NOW, tick=False):
        try:
            return bool(SCHEMES[name].theirs(call, secret or SCHEMES[name].secret))
        except Exception:  # noqa: BLE001 - libraries refuse with errors of many kinds
            return False


def other_case(told: str) -> str:
    head, equals, tail = told.rpartition("v1=") if "v1=" in told else told.rpartition(",")
    return head + equals + tail.swapcase()


def as_other_encoding(told: str) -> str:
    """The same bytes in the other alphabet: hex for base64, and base64 for hex."""
    head, mark, tail = (
        told.rpartition("v1=") if "v1=" in told else told.rpartition("v1," if "v1," in told else "sha256=")
    )
    try:
        raw = bytes.fromhex(tail)
    except ValueError:
        return head + mark + base64.b64decode(tail).hex()
    return head + mark + base64.b64encode(raw).decode()


def as_other_version(told: str) -> str:
    if told.startswith("sha256="):
        return told.replace("sha256=", "sha1=")
    return told.replace("v1=", "v0=").replace("v1,", "v2,") if "v1" in told else "v1=" + told


WRONG: dict[str, Callable[[str, Call], Call]] = {
    "a changed body": lambda name, call: replace(call, body=call.body + b" ", form=(*call.form, ("Extra", "1"))),
    "another secret": lambda name, call: signed(
        name, call, secret="hush-hush!" if name != "standard" else "whsec_" + base64.b64encode(b"other" * 5).decode()
    ),
    "an empty signature": lambda name, call: replace(call, told=""),
    "a missing header": lambda name, call: replace(call, told="", id="", time=""),
    "another version of the scheme": lambda name, call: replace(call, told=as_other_version(call.told)),
    "a signature cut short": lambda name, call: replace(call, told=call.told[:-5]),
    "another encoding": lambda name, call: replace(call, told=as_other_encoding(call.told)),
    "other letters": lambda name, call: replace(call, told=other_case(call.told)),
    "a letter more": lambda name, call: replace(call, told=f"{call.told[:-8]}0{call.told[-8:]}"),
    "two signatures in one header": lambda name, call: replace(call, told=f"{call.told}, {call.told}"),
    "a signature of nothing": lambda name, call: replace(
        call, told=signed(name, replace(call, body=b"", form=(), url="https://a.example")).told
    ),
}
TIMED: dict[str, Callable[[str, Call], Call]] = {
    "a changed time": lambda name, call: replace(
        call, told=call.told.replace(str(NOW), str(NOW - 1)), time=str(NOW - 1)
    ),
    "a time too old": lambda name, call: signed(name, call, at=NOW - 301),
    "no time": lambda name, call: replace(call, told=call.told.removeprefix(f"t={NOW},"), time=""),
    "a time that is none": lambda name, call: replace(call, told=call.told.replace(str(NOW), "now"), time="now"),
}
OTHER_URL: dict[str, Callable[[str, Call], Call]] = {
    "another host": lambda name, call: replace(call, url=call.url.replace("shop.", "inner.")),
    "another path": lambda name, call: replace(call, url=call.url.replace("market", "other")),
    "another query": lambda name, call: replace(call, url=call.url + "&y=2"),
    "no TLS": lambda name, call: replace(call, url=call.url.replace("https", "http")),
    "a slash behind": lambda name, call: replace(call, url=call.url.replace("?", "/?")),
}
CASES = [(name, label, make) for name in SCHEMES for label, make in WRONG.items()]
CASES += [(name, label, make) for name, one in SCHEMES.items() if one.timed for label, make in TIMED.items()]
CASES += [(name, label, make) for name, one in SCHEMES.items() if one.covers_url for label, make in OTHER_URL.items()]
