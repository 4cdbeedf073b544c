"""Whether a webhook of a mapped shop is signed as its mapping says.

What belongs here: which header holds what. What does not: the schemes themselves (`backroom.domain.signatures`).

- hmac-sha256: over the raw body, or over what the mapping says is signed with it, in hex or base64.
- standard-webhooks: the specification of that name, with its own headers.
- token: the secret itself in a header. It shows who sends, and not that the body is whole: TLS has to do that.

A time that is signed must be near our clock, so that nobody repeats an old message for ever.
"""

from __future__ import annotations

import base64
import binascii
import time
from collections.abc import Mapping

from backroom.channels.base import BadSignature, only_header
from backroom.domain import signatures
from backroom.domain.mapping import SignatureMapping

STANDARD_ID, STANDARD_TIME, STANDARD_SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"


def check_mapped(how: SignatureMapping, body: bytes, headers: Mapping[str, str], secret: str) -> None:
    """Raise BadSignature unless the headers carry what the secret makes of the raw body. Takes the same time wherever
    they differ."""
    if not secret.strip():
        # An empty key would make a signature that anybody can make.
        raise BadSignature("this channel has no secret", remedy="Name its secret in the shop file and set it.")
    if how.scheme == "standard-webhooks":
        id_, at, told = (only_header(headers, name) for name in (STANDARD_ID, STANDARD_TIME, STANDARD_SIGNATURE))
        signatures.check_standard(told, id_, at, body, secret, time.time())
        return
    told = only_header(headers, how.header).strip()
    if how.scheme == "token":
        signatures.check(told, (how.prefix + secret).strip())
        return
    at = ""
    if how.timestamp_header:
        at = only_header(headers, how.timestamp_header).strip()
        signatures.check_time(at, time.time(), how.tolerance_seconds)
    if how.encoding == "hex":
        # Hexadecimal digits mean the same in capitals; the prefix is compared as it is.
        told = told[: len(how.prefix)] + told[len(how.prefix) :].lower()
    signatures.check(told, hmac_signature(how, body, at, secret))


def hmac_signature(how: SignatureMapping, body: bytes, at: str, secret: str) -> str:
    """What the header must hold, prefix included; `at` is what the header of the time says."""
    before, _, after = how.signed.partition("{body}")
    signed = before.replace("{timestamp}", at).encode() + body + after.replace("{timestamp}", at).encode()
    made = signatures.mac(_key(how.key_form, secret), signed)
    return how.prefix + (made.hex() if how.encoding == "hex" else base64.b64encode(made).decode("ascii"))


def _key(form: str, secret: str) -> bytes:
    try:
        if form == "hex":
            return bytes.fromhex(secret)
        if form == "base64":
            return base64.b64decode(secret, validate=True)
    except (ValueError, binascii.Error):
        raise BadSignature(f"this channel's secret is not {form}", remedy="Copy it from the shop again.") from None
    return secret.encode()
