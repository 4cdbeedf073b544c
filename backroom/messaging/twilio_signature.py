"""The signature of Twilio's requests to us, `X-Twilio-Signature`.

Source: Twilio's documentation, "Webhooks security", and the example that its own libraries test themselves by. It is
base64 of HMAC-SHA1, by the account's auth token, of the address as Twilio called it, followed by the form's parameters
sorted by name, each name and value without anything between; of a parameter that came several times each value once,
sorted. A body that is no form is not in it: then the address carries `bodySHA256`, the hex SHA-256 of the body.

Twilio is not of one mind about a port in the address, so each way to write it is tried, as its own libraries do.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections import defaultdict
from collections.abc import Iterable, Iterator
from urllib.parse import parse_qs, urlsplit, urlunsplit

HEADER = "x-twilio-signature"
_USUAL_PORTS = {"https": 443, "http": 80}


def sign(token: str, url: str, parameters: Iterable[tuple[str, str]] = ()) -> str:
    """The signature of one call to exactly this address with these form parameters."""
    values: dict[str, set[str]] = defaultdict(set)
    for name, value in parameters:
        values[name].add(value)
    text = url + "".join(name + value for name in sorted(values) for value in sorted(values[name]))
    digest = hmac.new(token.encode(), text.encode("utf-8", "surrogatepass"), hashlib.sha1).digest()
    return base64.b64encode(digest).decode("ascii")


def is_signed(token: str, url: str, signature: str, parameters: Iterable[tuple[str, str]] = ()) -> bool:
    """Whether a form came from whoever holds the token. Always false without a token or a signature."""
    pairs = list(parameters)
    return any(_matches(token, one, signature, pairs) for one in _spellings(url))


def is_signed_body(token: str, url: str, signature: str, body: bytes) -> bool:
    """Whether a body that is no form came from whoever holds the token: its hash stands in the address."""
    try:
        told = parse_qs(urlsplit(url).query).get("bodySHA256", [])
    except ValueError:
        return False
    same = len(told) == 1 and hmac.compare_digest(
        told[0].lower().encode("utf-8", "surrogatepass"), hashlib.sha256(body).hexdigest().encode()
    )
    return is_signed(token, url, signature) and same


def _matches(token: str, url: str, signature: str, parameters: Iterable[tuple[str, str]]) -> bool:
    if not token:
        return False
    try:
        given = base64.b64decode(signature.encode("ascii"), validate=True)
    except (ValueError, binascii.Error):
        return False
    return hmac.compare_digest(given, base64.b64decode(sign(token, url, parameters)))


def _spellings(url: str) -> Iterator[str]:
    """The address as it is, without its port, and with the port that its scheme stands for."""
    yield url
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return
    host = parts.netloc.rpartition("@")[2]
    if port is not None:
        yield urlunsplit(parts._replace(netloc=host.rpartition(":")[0]))
    elif parts.scheme in _USUAL_PORTS:
        yield urlunsplit(parts._replace(netloc=f"{host}:{_USUAL_PORTS[parts.scheme]}"))
