"""A push service and the browsers behind it, by hand after RFC 8030, 8188, 8291 and 8292.

What it is sent it opens as a browser does, with HKDF written out from HMAC, so that what is checked is not what checks.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def hkdf(salt: bytes, secret: bytes, info: bytes, length: int) -> bytes:
    """RFC 5869, for no more than one block."""
    extracted = hmac.digest(salt, secret, hashlib.sha256)
    return hmac.digest(extracted, info + b"\x01", hashlib.sha256)[:length]


@dataclass
class Browser:
    """One browser: its key pair and secret, and what the push service brought it."""

    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    auth: bytes = field(default_factory=lambda: os.urandom(16))
    gone: int = 0
    notices: dict[str, dict[str, Any]] = field(default_factory=dict)
    came: int = 0

    @property
    def point(self) -> bytes:
        return self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    def open(self, body: bytes) -> bytes:
        """The message in a body of one record."""
        salt, size, length = body[:16], int.from_bytes(body[16:20], "big"), body[20]
        sender, record = body[21 : 21 + length], body[21 + length :]
        assert len(record) <= size <= 4096
        theirs = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender)
        shared = self.key.exchange(ec.ECDH(), theirs)
        secret = hkdf(self.auth, shared, b"WebPush: info\0" + self.point + sender, 32)
        content_key = hkdf(salt, secret, b"Content-Encoding: aes128gcm\0", 16)
        nonce = hkdf(salt, secret, b"Content-Encoding: nonce\0", 12)
        padded = AESGCM(content_key).decrypt(nonce, record, None).rstrip(b"\0")
        assert padded[-1:] == b"\x02", "the last record's delimiter"
        return padded[:-1]


@dataclass
class PushService:
    """A push service at `url`, which lets in whoever holds `sender`'s key (base64url), and its browsers by path."""

    url: str
    sender: str
    browsers: dict[str, Browser] = field(default_factory=dict)
    answer: int = 201
    refused: list[str] = field(default_factory=list)

    @property
    def host(self) -> str:
        return self.url.removeprefix("http://")

    def subscribe(self) -> tuple[Browser, dict[str, Any]]:
        """A new browser, and what its `subscribe()` gives."""
        browser, path = Browser(), f"/send/{b64(os.urandom(12))}"
        self.browsers[path] = browser
        keys = {"p256dh": b64(browser.point), "auth": b64(browser.auth)}
        return browser, {"endpoint": self.url + path, "expirationTime": None, "keys": keys}

    def take(self, request: Request) -> Response:
        browser = self.browsers.get(request.path)
        if wrong := self._wrong(request):
            self.refused.append(wrong)
            return Response(wrong, 403)
        if browser is None or browser.gone:
            return Response("", browser.gone if browser else 404)
        if self.answer != 201:
            return Response("", self.answer)
        assert request.headers["Content-Encoding"] == "aes128gcm"
        assert int(request.headers["TTL"]) > 0
        topic = request.headers["Topic"]
        assert re.fullmatch(r"[A-Za-z0-9_-]{1,32}", topic)
        notice = json.loads(browser.open(request.data))
        browser.came += 1
        # The page shows one notice for each tag.
        browser.notices[notice["tag"]] = notice
        return Response("", 201, headers={"Location": f"{self.url}/message/1"})

    def _wrong(self, request: Request) -> str:
        """What is wrong with the sender's word, by RFC 8292."""
        found = re.fullmatch(r"vapid t=([\w-]+)\.([\w-]+)\.([\w-]+), k=([\w-]+)", request.headers["Authorization"])
        if found is None:
            return "no token"
        head, claims, signature, key = found.groups()
        if key != self.sender:
            return "another key than it was subscribed with"
        if json.loads(unb64(head)) != {"typ": "JWT", "alg": "ES256"}:
            return "another algorithm"
        said, raw = json.loads(unb64(claims)), unb64(signature)
        der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
        public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), unb64(key))
        try:
            public.verify(der, f"{head}.{claims}".encode(), ec.ECDSA(SHA256()))
        except InvalidSignature:
            return "another signature"
        left = datetime.fromtimestamp(said["exp"], UTC) - datetime.now(UTC)
        if not timedelta(0) < left <= timedelta(hours=24):
            return "a token that is over, or lives too long"
        if said["aud"] != self.url or not said["sub"].startswith("mailto:"):
            return "a token for another service"
        return ""


@contextmanager
def push_service(sender: str) -> Iterator[PushService]:
    with HTTPServer("127.0.0.1", 0, threaded=True) as server:
        service = PushService(server.url_for("")[:-1], sender)
        server.expect_request(re.compile(".*")).respond_with_handler(service.take)
        yield service
