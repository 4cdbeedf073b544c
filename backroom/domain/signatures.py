"""Signatures of webhooks: whether bytes that came were signed under a secret that we share with their sender.

What belongs here: the schemes, over raw bytes and header values, before anything is parsed. What does not: which header
of which source holds what (`backroom.channels`, `backroom.messaging`), and HTTP.

Sources: RFC 2104 (HMAC); developer.squareup.com "Verify and validate an event notification"; docs.stripe.com "Resolve
webhook signature verification errors" (manual verification); standardwebhooks.com, specification 1.0;
developers.facebook.com "Webhooks", validating payloads; twilio.com/docs "Webhooks security". Each scheme's verdict is
held against the vendor's own library in `tests/unit/domain/test_signatures.py`. Where we differ we are stricter: a time
that lies ahead is refused like one that lies behind, and a signature is compared as written, not as it might decode.

Every check raises BadSignature or returns None, and takes the same time wherever the two differ.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable
from urllib.parse import parse_qs, urlsplit

from backroom.domain.errors import Refuse

TOLERANCE = 300.0
_LONGEST_TIME = 12


class BadSignature(Refuse):
    """The message does not carry the signature that our secret makes of its raw bytes."""

    cause = "bad_signature"


def mac(secret: bytes, message: bytes, algorithm: str = "sha256") -> bytes:
    """The HMAC of the message; BadSignature for an empty secret, under which anybody can sign."""
    if not secret.strip():
        raise BadSignature("nothing is signed under an empty secret", remedy="Name its secret and set it.")
    return hmac.digest(secret, message, algorithm)


def in_base64(secret: str, message: bytes, algorithm: str = "sha256") -> str:
    """The HMAC in base64 with padding."""
    return base64.b64encode(mac(secret.encode(), message, algorithm)).decode("ascii")


def in_hex(secret: str, message: bytes, algorithm: str = "sha256") -> str:
    """The HMAC in hex, lower case."""
    return mac(secret.encode(), message, algorithm).hex()


def agree(told: str, right: str) -> bool:
    """Whether two texts are the same, in a time that does not tell where they differ."""
    # As bytes: compare_digest takes only ASCII text, and a header may hold any character.
    return hmac.compare_digest(told.encode("utf-8", "surrogatepass"), right.encode())


def check(told: str, right: str) -> None:
    """Raise BadSignature unless what was told is the right signature."""
    if not agree(told, right):
        raise BadSignature("the signature does not match", remedy="Compare the secret on both sides.")


def check_time(told: str, at: float, tolerance: float = TOLERANCE) -> None:
    """Raise BadSignature unless `told`, whole seconds of Unix time, is within `tolerance` seconds of `at`."""
    if not (told.isascii() and told.isdecimal() and len(told) <= _LONGEST_TIME):
        raise BadSignature("the signature has no time", remedy="Look at what sends it.")
    if abs(at - int(told)) > tolerance:
        raise BadSignature(
            f"the signature is not of the last {tolerance:.0f} seconds", remedy="Set this machine's clock by a server."
        )


def square(url: str, body: bytes, secret: str) -> str:
    """Square's `x-square-hmacsha256-signature`. `url` is the notification URL exactly as it stands in Square."""
    return in_base64(secret, url.encode() + body)


def check_square(told: str, url: str, body: bytes, secret: str) -> None:
    """Raise BadSignature unless Square signed this body for this URL. Square signs no empty body."""
    if not url or not body:
        raise BadSignature("Square signs a URL and a body, and one is missing", remedy="Set notification_url.")
    check(told, square(url, body, secret))


def stripe(body: bytes, secret: str, at: int) -> str:
    """A `Stripe-Signature` header: the time and one signature of scheme v1."""
    return f"t={at},v1={in_hex(secret, b'%d.%s' % (at, body))}"


def check_stripe(told: str, body: bytes, secret: str, at: float) -> None:
    """Raise BadSignature unless one of the header's v1 signatures is right; `at` is now.

    While a secret is rolled there is one for each. Other schemes (v0 is of test events) are passed over: whoever may
    choose the scheme could choose a weak one.
    """
    parts = [part.partition("=") for part in told.split(",")]
    times = [value for name, _, value in parts if name == "t"]
    signatures = [value for name, _, value in parts if name == "v1"]
    if not times or not signatures:
        raise BadSignature("the header has no time, or no signature of scheme v1", remedy="Look at what sends it.")
    check_time(times[0], at)
    _one_of(signatures, in_hex(secret, b"%d.%s" % (int(times[0]), body)))


def standard(message_id: str, at: int, body: bytes, secret: str) -> str:
    """A `webhook-signature` of Standard Webhooks: one signature of scheme v1."""
    signed = f"{message_id}.{at}.".encode() + body
    return "v1," + base64.b64encode(mac(standard_key(secret), signed)).decode("ascii")


def check_standard(told: str, message_id: str, time: str, body: bytes, secret: str, at: float) -> None:
    """Raise BadSignature unless one of the v1 signatures in `webhook-signature` is right; `at` is now.

    Signatures stand side by side, parted by spaces. v1a is of a public key: it is passed over, as v1 is asked for.
    """
    if not message_id or not time or not told:
        raise BadSignature(
            "webhook-id, webhook-timestamp and webhook-signature are needed", remedy="Look who sends it."
        )
    parts = [part.split(",") for part in told.split(" ")]
    if any(len(part) != 2 for part in parts):
        raise BadSignature("webhook-signature is no list of version,signature", remedy="Look at what sends it.")
    check_time(time, at)
    right = standard(message_id, int(time), body, secret).removeprefix("v1,")
    _one_of([value for version, value in parts if version == "v1"], right)


def standard_key(secret: str) -> bytes:
    """The bytes of a Standard Webhooks secret: base64, with or without `whsec_` before it and padding behind it."""
    text = secret.removeprefix("whsec_").rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise BadSignature("the secret is not base64", remedy="Copy it whole: it begins with whsec_.") from None


def hub(body: bytes, secret: str) -> str:
    """Meta's `X-Hub-Signature-256`; the secret is the app's."""
    return "sha256=" + in_hex(secret, body)


def check_hub(told: str, body: bytes, secret: str) -> None:
    """Raise BadSignature unless Meta signed this body."""
    check(told, hub(body, secret))


def twilio(url: str, form: Iterable[tuple[str, str]], secret: str, algorithm: str = "sha1") -> str:
    """Twilio's `X-Twilio-Signature` of a URL and the fields of the form that was posted to it, a JSON body having none.

    Fields go by name, and by value where one comes several times; the same twice counts once.
    """
    signed = url + "".join(name + value for name, value in sorted(set(form)))
    return in_base64(secret, signed.encode("utf-8", "surrogatepass"), algorithm)


def check_twilio(
    told: str, url: str, form: Iterable[tuple[str, str]], secret: str, *, body: bytes | None = None, settings: str = ""
) -> None:
    """Raise BadSignature unless Twilio signed this call.

    `url` is the address that Twilio calls, query included, whatever a proxy makes of it; it may or may not have signed
    its port. `body` is that of a call which is no form: its SHA-256 stands in the query as `bodySHA256`. `settings` is
    the header `X-Twilio-Webhooks-Signature-Settings`, which names the algorithm where `secret` is a shared key.
    """
    algorithm = _TWILIO_ALGORITHMS.get(_algorithm_of(settings))
    if algorithm is None:
        raise BadSignature("Twilio signed by an algorithm that is not known here", remedy="Update Backroom.")
    fields = list(form)
    try:
        urls = _with_and_without_port(url)
        promised = parse_qs(urlsplit(url).query).get("bodySHA256", [])
    except ValueError:
        raise BadSignature("what Twilio calls is no URL", remedy="Correct the callback's url.") from None
    if body is not None and promised:
        check(promised[0], hashlib.sha256(body).hexdigest())
        fields = []
    elif body:
        raise BadSignature("a body that is no form came without its hash", remedy="Look at what sends it.")
    found = [agree(told, twilio(one, fields, secret, algorithm)) for one in urls]
    if not any(found):
        raise BadSignature(
            "the signature does not match", remedy="Compare the auth token, and the callback's url, on both sides."
        )


_TWILIO_ALGORITHMS = {"HMAC_SHA1": "sha1", "HMAC_SHA256": "sha256"}


def _algorithm_of(settings: str) -> str:
    for part in settings.split(","):
        name, _, value = part.partition("=")
        if name.strip() == "algorithm" and value.strip():
            return value.strip().upper()
    return "HMAC_SHA1"


def _with_and_without_port(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    host = parts.netloc.rpartition(":")[0] if parts.port else parts.netloc
    with_port = parts.netloc if parts.port else f"{host}:{443 if parts.scheme == 'https' else 80}"
    return parts._replace(netloc=with_port).geturl(), parts._replace(netloc=host).geturl()


def _one_of(told: list[str], right: str) -> None:
    # All of them are compared, whichever is right.
    found = [agree(one, right) for one in told]
    if not any(found):
        raise BadSignature("no signature matches", remedy="Compare the secret on both sides.")
