"""Sealed print payloads: what is to be printed, for one booth and one try at one job, until a moment.

What belongs here: sealing, opening, and the form in which they travel. What does not: how long a payload lives (the
gateway), where a booth keeps it (`backroom.printing.vault`), and the booth's lasting key (`device`).

For each try the booth makes a key pair that is used once, and the gateway another. The payload's key comes of the
gateway's once-key together with both keys of the booth (X25519, RFC 7748; HKDF-SHA256, RFC 5869), so it is fresh for
each job, needs no wrapping, and is gone as soon as the booth forgets its once-key: neither the database, nor the line,
nor any backup of either ever held enough to make it again. Two messages are sealed with it (AES-256-GCM, NIST
SP 800-38D): the description and the document. What they are bound to is their associated data: the job and its attempt,
the booth, its device, and the moment at which the payload dies.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from backroom.domain.errors import Refuse
from backroom.printing.device import Device, DeviceKeyBroken, public_key

MEDIA_TYPE = "application/vnd.backroom.sealed-print"
NONCE, KEY = 12, 32
_PURPOSE = b"backroom print payload 1\n"


class PayloadDead(Refuse):
    """The payload is past its moment: it is not opened any more."""

    cause = "payload_dead"


class PayloadBroken(Refuse):
    """The payload does not open: it was sealed for another booth, job or moment, or was changed on its way."""

    cause = "payload_broken"


@dataclass(frozen=True, slots=True)
class Bound:
    """What a payload is bound to. `booth` is a location, `device` the name of a machine's key."""

    job: int
    attempt: int
    booth: str
    device: str
    expires_at: datetime

    def data(self) -> dict[str, Any]:
        return asdict(self) | {"expires_at": self.expires_at.isoformat()}

    def associated(self, part: str) -> bytes:
        return json.dumps(self.data() | {"part": part}, sort_keys=True, separators=(",", ":")).encode()


@dataclass(frozen=True, slots=True)
class Sealed:
    """A payload as it travels and lies on a booth's disk. `once` is the public half of the gateway's once-key."""

    bound: Bound
    once: str
    description: bytes
    document: bytes

    def pack(self) -> bytes:
        """One line of JSON, then the sealed document."""
        told = {"bound": self.bound.data(), "once": self.once, "description": _text(self.description)}
        return json.dumps(told).encode() + b"\n" + self.document


def new_once() -> X25519PrivateKey:
    """A key pair for one payload."""
    return X25519PrivateKey.generate()


def once_public(once: X25519PrivateKey) -> str:
    return _text(once.public_key().public_bytes_raw())


def seal(bound: Bound, description: bytes, document: bytes, *, device: str, once: str) -> Sealed:
    """Seal for a device and the once-key it made, both public and base64; DeviceKeyBroken where one is no key."""
    ours = new_once()
    try:
        shared = ours.exchange(public_key(device)) + ours.exchange(public_key(once))
    except ValueError as error:
        # A point of small order: whatever it comes to is known to everybody.
        raise DeviceKeyBroken("a public key is none that anything can be sealed for") from error
    key = _key(shared, bound)
    return Sealed(
        bound, once_public(ours), _seal(key, description, bound, "description"), _seal(key, document, bound, "document")
    )


def open_sealed(sealed: Sealed, device: Device, once: X25519PrivateKey, at: datetime) -> tuple[bytes, bytes]:
    """The description and the document; PayloadDead after its moment, PayloadBroken where it does not open."""
    bound = sealed.bound
    if at >= bound.expires_at:
        raise PayloadDead(f"the payload of print job {bound.job} died at {bound.expires_at.isoformat()}")
    try:
        theirs = public_key(sealed.once)
        key = _key(device.private.exchange(theirs) + once.exchange(theirs), bound)
        return _open(key, sealed.description, bound, "description"), _open(key, sealed.document, bound, "document")
    except (InvalidTag, ValueError, DeviceKeyBroken) as error:
        raise PayloadBroken(f"the payload of print job {bound.job} does not open here") from error


def unpack(packed: bytes) -> Sealed:
    """A payload as it came; PayloadBroken where it is none."""
    head, _, document = packed.partition(b"\n")
    try:
        told = json.loads(head)
        bound = told["bound"] | {"expires_at": datetime.fromisoformat(told["bound"]["expires_at"])}
        return Sealed(Bound(**bound), str(told["once"]), base64.b64decode(told["description"]), document)
    except (ValueError, KeyError, TypeError) as error:
        raise PayloadBroken("what came is no sealed payload") from error


def _key(shared: bytes, bound: Bound) -> bytes:
    info = _PURPOSE + bound.associated("key")
    return HKDF(algorithm=SHA256(), length=KEY, salt=None, info=info).derive(shared)


def _seal(key: bytes, plain: bytes, bound: Bound, part: str) -> bytes:
    nonce = os.urandom(NONCE)
    return nonce + AESGCM(key).encrypt(nonce, plain, bound.associated(part))


def _open(key: bytes, sealed: bytes, bound: Bound, part: str) -> bytes:
    return AESGCM(key).decrypt(sealed[:NONCE], sealed[NONCE:], bound.associated(part))


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def opens_with(bound: Bound, description: bytes, secrets: Iterable[bytes]) -> int:
    """How many of these secrets open a sealed description, as its key itself or as what its key is made of."""
    return sum(any(_opens(key, description, bound) for key in _keys_of(secret, bound)) for secret in secrets)


def _keys_of(secret: bytes, bound: Bound) -> Iterator[bytes]:
    if len(secret) == KEY:
        yield secret
    yield _key(secret, bound)


def _opens(key: bytes, description: bytes, bound: Bound) -> bool:
    try:
        _open(key, description, bound, "description")
    except (InvalidTag, ValueError):
        return False
    return True
