"""A sale, sealed at the till for the shop: whoever has the till's disk reads none of what was sold to whom.

What belongs here: sealing and opening one sale. What does not: where it is kept (`sales_box`). The till knows the
shop's public key only, so it can write and not read: X25519 with a key pair made for each sale (RFC 7748), HKDF-SHA256
(RFC 5869), AES-256-GCM, bound to the till's name and the sale's number.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterable, Mapping
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from backroom.domain.errors import Refuse

SIZE, NONCE = 32, 12
_PURPOSE = b"backroom till sale 1\n"


class SaleDoesNotOpen(Refuse):
    """The sale was sealed for another shop, till or number, or was changed."""

    cause = "sale_does_not_open"


def public_of(secret: bytes) -> str:
    """The public key (base64) of a shop's secret of 32 bytes."""
    return base64.b64encode(X25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw()).decode()


def seal_sale(public: str, device: str, seq: int, sale: Mapping[str, Any]) -> str:
    """Seal a sale as text (base64). Raises ValueError where the public key is none."""
    ours = X25519PrivateKey.generate()
    theirs = X25519PublicKey.from_public_bytes(base64.b64decode(public, validate=True))
    key, nonce = _key(ours.exchange(theirs), device, seq), os.urandom(NONCE)
    plain = json.dumps(sale, ensure_ascii=False).encode()
    sealed = ours.public_key().public_bytes_raw() + nonce + AESGCM(key).encrypt(nonce, plain, _bound(device, seq))
    return base64.b64encode(sealed).decode()


def open_sale(secrets: Iterable[bytes], device: str, seq: int, text: str) -> dict[str, Any]:
    """Open a sale with whichever of the shop's secrets it was sealed for; SaleDoesNotOpen where there is none."""
    try:
        raw = base64.b64decode(text, validate=True)
        theirs = X25519PublicKey.from_public_bytes(raw[:SIZE])
    except ValueError as error:
        raise SaleDoesNotOpen(f"sale {seq} is not a sealed one") from error
    for secret in secrets:
        try:
            key = _key(X25519PrivateKey.from_private_bytes(secret).exchange(theirs), device, seq)
            plain = AESGCM(key).decrypt(raw[SIZE : SIZE + NONCE], raw[SIZE + NONCE :], _bound(device, seq))
            sale = json.loads(plain)
        except (InvalidTag, ValueError):
            continue
        if isinstance(sale, dict):
            return sale
    raise SaleDoesNotOpen(f"sale {seq} was sealed for another shop, till or number")


def _key(shared: bytes, device: str, seq: int) -> bytes:
    return HKDF(algorithm=SHA256(), length=SIZE, salt=None, info=_PURPOSE + _bound(device, seq)).derive(shared)


def _bound(device: str, seq: int) -> bytes:
    return json.dumps([device, seq]).encode()
