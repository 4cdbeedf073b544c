"""Sealing of personal data: a key per person, wrapped by the shop's master key; look-ups by a keyed hash.

AES-256-GCM (NIST SP 800-38D) with a fresh 96-bit nonce before each ciphertext; the context (table and column) is bound
as associated data, so that a sealed value moved elsewhere does not open. Keys for wrapping and for hashing are derived
from the master key by HKDF-SHA256 (RFC 5869). Erasing a person is destroying the wrapped key: nothing here caches one
beyond the object that loaded it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from backroom.domain.errors import AskPerson

NONCE = 12
KEY = 32


class SealBroken(AskPerson):
    """A sealed value does not open with this key: another master key, or a damaged database."""

    cause = "seal_broken"


class Seals:
    """Seals and opens with the shop's master key (32 bytes)."""

    def __init__(self, master_key: bytes) -> None:
        if len(master_key) != KEY:
            raise SealBroken(f"the master key has {len(master_key)} bytes, not {KEY}", remedy="Check the secrets file.")
        self._wrap = AESGCM(_derive(master_key, b"backroom wrap"))
        self._hash = _derive(master_key, b"backroom lookup")

    def new_key(self) -> tuple[bytes, bytes]:
        """A fresh person's key and its wrapped form, which is what is stored."""
        key = os.urandom(KEY)
        nonce = os.urandom(NONCE)
        return key, nonce + self._wrap.encrypt(nonce, key, b"person")

    def unwrap(self, wrapped: bytes) -> bytes:
        try:
            return self._wrap.decrypt(wrapped[:NONCE], wrapped[NONCE:], b"person")
        except (InvalidTag, ValueError) as error:
            raise SealBroken("a person's key does not open", remedy="Check the master key.") from error

    def digest(self, kind: str, value: str) -> str:
        """The keyed hash (HMAC-SHA256, hex) under which a normalised e-mail or phone is found again."""
        return hmac.new(self._hash, f"{kind}:{value}".encode(), hashlib.sha256).hexdigest()


def seal(key: bytes, plain: bytes, context: str) -> bytes:
    """Seal under a person's key. `context` names table and column, and must be the same when it is opened."""
    nonce = os.urandom(NONCE)
    return nonce + AESGCM(key).encrypt(nonce, plain, context.encode())


def unseal(key: bytes, sealed: bytes, context: str) -> bytes:
    try:
        return AESGCM(key).decrypt(sealed[:NONCE], sealed[NONCE:], context.encode())
    except (InvalidTag, ValueError) as error:
        raise SealBroken(f"a sealed value of {context} does not open", remedy="Check the master key.") from error


def new_master_key() -> str:
    """A fresh master key as text for the secrets file (base64)."""
    return base64.b64encode(os.urandom(KEY)).decode()


def read_master_key(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:
        raise SealBroken("the master key is not base64", remedy="Check the secrets file.") from error


def _derive(master_key: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY, salt=None, info=purpose).derive(master_key)
