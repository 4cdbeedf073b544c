"""The booth's own key: a key pair that is made on its machine, of which only the public half ever leaves it.

What belongs here: the key pair (X25519, RFC 7748), its file, its name. What does not: what is sealed for it (`sealed`),
and which machines the shop lets in (the gateway).
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from backroom.domain.errors import AskPerson
from backroom.durable import flush, write_durably

FILE = "device.key"
SIZE = 32
_NAME_PART = 16


class DeviceKeyBroken(AskPerson):
    """The file of this machine's key, or a key that came over the line, is none."""

    cause = "device_key_broken"


@dataclass(frozen=True, slots=True)
class Device:
    """One machine beside printers. It shows its public key to anybody, and its private one to nobody."""

    private: X25519PrivateKey = field(default_factory=X25519PrivateKey.generate, repr=False)

    @property
    def public(self) -> str:
        """Its public key as base64."""
        return base64.b64encode(self.private.public_key().public_bytes_raw()).decode()

    @property
    def name(self) -> str:
        """What people compare: the beginning of its public key's SHA-256."""
        return device_name(self.public)


def hold_device(folder: Path) -> Device:
    """The key of the machine whose bench this folder is, made at the first call; DeviceKeyBroken when it is damaged.

    To be called by whoever holds the bench (`holder`): two of them would make two.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / FILE
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return _make(path)
    if len(raw) != SIZE:
        raise DeviceKeyBroken(
            f"the key of this machine at {folder.name} is damaged",
            remedy=f"Remove {FILE} there, and ask the hub for `backroom booth forget`.",
        )
    return Device(X25519PrivateKey.from_private_bytes(raw))


def device_name(public: str) -> str:
    """The name of the device with this public key (base64)."""
    return hashlib.sha256(public.encode()).hexdigest()[:_NAME_PART]


def public_key(text: str) -> X25519PublicKey:
    """A public key as it came over the line; DeviceKeyBroken where it is none."""
    try:
        return X25519PublicKey.from_public_bytes(base64.b64decode(text, validate=True))
    except ValueError as error:
        raise DeviceKeyBroken("a public key is not 32 bytes of base64") from error


def _make(path: Path) -> Device:
    device = Device()
    write_durably(path, device.private.private_bytes_raw())
    # One that is lost with the power is another machine to the shop.
    flush(path.parent)
    return device
