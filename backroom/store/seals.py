"""Sealing of personal data: a key per person, wrapped by the shop's master key; look-ups by a keyed hash.

AES-256-GCM (NIST SP 800-38D) with a fresh 96-bit nonce before each ciphertext; the context (table and column) is bound
as associated data, so that a sealed value moved elsewhere does not open. Keys for wrapping and for hashing are derived
from the master key by HKDF-SHA256 (RFC 5869). Erasing a person is destroying the wrapped key: nothing here caches one
beyond the object that loaded it.

A shop may know several master keys while the new one takes over. The key of the hashes is the one derived from the
shop's first master key, and stays: under another one no customer would be found again and every order would look
changed. Once there is a second master key it is kept wrapped in the database (`backroom.store.sealing`).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import threading
from collections.abc import Callable, Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from backroom.domain.errors import AskPerson

NONCE = 12
KEY = 32
# What is wrapped, bound as associated data.
_PERSON, _HASHES = b"person", b"lookup"


class SealBroken(AskPerson):
    """A sealed value does not open with this key: another master key, or a damaged database."""

    cause = "seal_broken"


class MasterKeyUnknown(AskPerson):
    """This process does not know the master key that the shop uses now."""

    cause = "master_key_unknown"


class MasterKey:
    """One master key (32 bytes) and what is derived of it. `id` names it and tells nothing of it."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) != KEY:
            raise SealBroken(f"the master key has {len(secret)} bytes, not {KEY}", remedy="Check the secrets file.")
        self._wrap = AESGCM(_derive(secret, b"backroom wrap"))
        self.hash_key = _derive(secret, b"backroom lookup")
        # For which tills seal their sales (`backroom.till.sealed_sale`).
        self.till_secret = _derive(secret, b"backroom till sales")
        self.id = _derive(secret, b"backroom key id")[:8].hex()

    def wrap(self, key: bytes, what: bytes) -> bytes:
        nonce = os.urandom(NONCE)
        return nonce + self._wrap.encrypt(nonce, key, what)

    def unwrap(self, wrapped: bytes, what: bytes) -> bytes | None:
        """What was wrapped; None where it was not with this key."""
        try:
            return self._wrap.decrypt(wrapped[:NONCE], wrapped[NONCE:], what)
        except (InvalidTag, ValueError):
            return None


class Seals:
    """Seals and opens with the shop's master keys (32 bytes each), the first of them being its own.

    `reread` tells the keys that the secrets hold now, for a process that meets one it does not know.
    `find_hash_key` tells the wrapped key of the hashes, None where the first master key is still the only one.
    """

    def __init__(
        self,
        *master_keys: bytes,
        reread: Callable[[], Sequence[bytes]] = tuple,
        find_hash_key: Callable[[], bytes | None] = lambda: None,
    ) -> None:
        self._keys = {key.id: key for key in map(MasterKey, master_keys)}
        self.key_id = next(iter(self._keys))
        self._reread, self._find_hash_key = reread, find_hash_key
        self._hash_key: bytes | None = None
        self._lock = threading.Lock()

    def new_key(self, key_id: str = "") -> tuple[bytes, bytes]:
        """A fresh person's key and its wrapped form, which is what is stored; by the master key `key_id`, or by ours.

        Raises MasterKeyUnknown.
        """
        key = os.urandom(KEY)
        return key, self._key(key_id or self.key_id).wrap(key, _PERSON)

    def unwrap(self, wrapped: bytes) -> bytes:
        """A person's key, by whichever master key wrapped it; SealBroken where we know none that did."""
        key = self._opened(wrapped, _PERSON)
        if key is None:
            raise SealBroken("a person's key does not open", remedy="Check the master key.")
        return key

    def rewrap(self, wrapped: bytes, key_id: str) -> bytes:
        """A person's key, wrapped anew by the master key `key_id`."""
        return self._key(key_id).wrap(self.unwrap(wrapped), _PERSON)

    def wrapped_by(self, wrapped: bytes) -> str:
        """The id of the master key that wrapped a person's key; SealBroken where we know none that did."""
        self.unwrap(wrapped)
        return next(key.id for key in self._keys.values() if key.unwrap(wrapped, _PERSON) is not None)

    def wrapped_hash_key(self, key_id: str) -> bytes:
        """The key of the hashes, wrapped by the master key `key_id`."""
        return self._key(key_id).wrap(self._hashing(), _HASHES)

    def first_hash_key(self, key_id: str) -> bytes:
        """The key of the hashes of a shop whose first and only master key is `key_id`, wrapped by it."""
        key = self._key(key_id)
        return key.wrap(key.hash_key, _HASHES)

    def is_hash_key(self, wrapped: bytes) -> bool:
        """Whether this is the shop's own key of the hashes, by whichever master key we know it was wrapped."""
        return self._opened(wrapped, _HASHES) == self._hashing()

    def opens_hash_key(self, wrapped: bytes) -> bool:
        """Whether a key of the hashes was wrapped by a master key that we know."""
        return self._opened(wrapped, _HASHES) is not None

    def knows(self, key_id: str) -> bool:
        """Whether we have this master key, or the secrets do by now."""
        try:
            self._key(key_id)
        except MasterKeyUnknown:
            return False
        return True

    def till_secrets(self, *, look_again: bool = False) -> list[bytes]:
        """The secrets for which tills sealed sales, that of the shop's own master key first. `look_again`: also of keys
        that the secrets hold by now and this process has not met."""
        if look_again:
            self._look_again()
        own = self._keys[self.key_id]
        return [own.till_secret, *(key.till_secret for key in self._keys.values() if key is not own)]

    def digest(self, kind: str, value: str) -> str:
        """The keyed hash (HMAC-SHA256, hex) under which a normalised e-mail or phone is found again."""
        return hmac.new(self._hashing(), f"{kind}:{value}".encode(), hashlib.sha256).hexdigest()

    def _hashing(self) -> bytes:
        if self._hash_key is None:
            stored = self._find_hash_key()
            opened = self._opened(stored, _HASHES) if stored is not None else self._keys[self.key_id].hash_key
            if opened is None:
                raise SealBroken("the key of the look-ups does not open", remedy="Check the master key.")
            self._hash_key = opened
        return self._hash_key

    def _opened(self, wrapped: bytes, what: bytes) -> bytes | None:
        opened = self._by_any(wrapped, what)
        if opened is None and self._look_again():
            opened = self._by_any(wrapped, what)
        return opened

    def _by_any(self, wrapped: bytes, what: bytes) -> bytes | None:
        return next((key for one in [*self._keys.values()] if (key := one.unwrap(wrapped, what)) is not None), None)

    def _key(self, key_id: str) -> MasterKey:
        if key_id not in self._keys:
            self._look_again()
        if key_id not in self._keys:
            raise MasterKeyUnknown(
                f"the shop has a master key ({key_id}) that this process does not know",
                remedy="Put it into the secrets as master_key_next, and start this process again.",
            )
        return self._keys[key_id]

    def _look_again(self) -> bool:
        """Whether the secrets hold a master key by now that we did not know."""
        with self._lock:
            told = {key.id: key for key in map(MasterKey, self._reread())}
            new = told.keys() - self._keys.keys()
            self._keys = {**self._keys, **told}
            return bool(new)


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
