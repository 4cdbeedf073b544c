"""A sale, sealed at the till for the shop: whoever has the till's disk reads none of what was sold to whom.

What belongs here: sealing and opening one sale, or what was asked for beside one. What does not: where it is kept
(`sales_box`, `wish_box`). The till knows the shop's public key only, so it can write and not read: X25519 with a key
pair made for each (RFC 7748), HKDF-SHA256 (RFC 5869), AES-256-GCM, bound to the till's name and the number of the sale,
or the key of the wish.
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
_SALE, _WISH = b"backroom till sale 1\n", b"backroom till wish 1\n"


class SaleDoesNotOpen(Refuse):
    """The sale was sealed for another shop, till or number, or was changed."""

    cause = "sale_does_not_open"


def public_of(secret: bytes) -> str:
    """The public key (base64) of a shop's secret of 32 bytes."""
    return base64.b64encode(X25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw()).decode()


def seal_sale(public: str, device: str, seq: int, sale: Mapping[str, Any]) -> str:
    """Seal a sale as text (base64). Raises ValueError where the public key is none."""
    return _seal(public, _SALE, _bound(device, seq), sale)


def open_sale(secrets: Iterable[bytes], device: str, seq: int, text: str) -> dict[str, Any]:
    """Open a sale with whichever of the shop's secrets it was sealed for; SaleDoesNotOpen where there is none."""
    return _open(secrets, _SALE, _bound(device, seq), text, f"sale {seq}")


def seal_wish(public: str, device: str, key: str, wish: Mapping[str, str]) -> str:
    """Seal what a customer asked for beside a sale, bound to its key. ValueError where the public key is none."""
    return _seal(public, _WISH, _bound(device, key), wish)


def open_wish(secrets: Iterable[bytes], device: str, key: str, text: str) -> dict[str, Any]:
    """Open such a wish; SaleDoesNotOpen where it does not."""
    return _open(secrets, _WISH, _bound(device, key), text, f"wish {key}")


def _seal(public: str, purpose: bytes, bound: bytes, what: Mapping[str, Any]) -> str:
    ours = X25519PrivateKey.generate()
    theirs = X25519PublicKey.from_public_bytes(base64.b64decode(public, validate=True))
    key, nonce = _key(ours.exchange(theirs), purpose, bound), os.urandom(NONCE)
    plain = json.dumps(what, ensure_ascii=False).encode()
    sealed = ours.public_key().public_bytes_raw() + nonce + AESGCM(key).encrypt(nonce, plain, bound)
    return base64.b64encode(sealed).decode()


def _open(secrets: Iterable[bytes], purpose: bytes, bound: bytes, text: str, name: str) -> dict[str, Any]:
    try:
        raw = base64.b64decode(text, validate=True)
        theirs = X25519PublicKey.from_public_bytes(raw[:SIZE])
    except ValueError as error:
        raise SaleDoesNotOpen(f"{name} is not a sealed one") from error
    for secret in secrets:
        try:
            key = _key(X25519PrivateKey.from_private_bytes(secret).exchange(theirs), purpose, bound)
            plain = AESGCM(key).decrypt(raw[SIZE : SIZE + NONCE], raw[SIZE + NONCE :], bound)
            opened = json.loads(plain)
        except (InvalidTag, ValueError):
            continue
        if isinstance(opened, dict):
            return opened
    raise SaleDoesNotOpen(f"{name} was sealed for another shop, till or number")


def _key(shared: bytes, purpose: bytes, bound: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=SIZE, salt=None, info=purpose + bound).derive(shared)


def _bound(device: str, number: int | str) -> bytes:
    return json.dumps([device, number]).encode()
