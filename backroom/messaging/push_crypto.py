"""The cryptography of web push: sealing a message for one browser, and saying who sends it.

What belongs here: RFC 8291 (encryption for web push, by RFC 8188's aes128gcm) and RFC 8292 (VAPID). What does not: the
push services (`webpush`). Both are short and `cryptography` has every part of them (docs/adr/0017); the tests hold them
against the RFC's own example, and against a browser's side written apart.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
import os
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from backroom.domain.errors import AskPerson, Refuse

PRIVATE_BYTES, POINT_BYTES, SALT_BYTES = 32, 65, 16
RECORD_BYTES = 4096
# One record: the header of 86 bytes, the delimiter and the tag leave this much for the message (RFC 8291, section 4).
LONGEST = RECORD_BYTES - 103
# RFC 8292, section 2: no more than 24 hours.
TOKEN_LIVES = timedelta(hours=12)


class NoPoint(Refuse):
    """What should be a key of a browser is none."""

    cause = "push-key"


class NoPrivateKey(AskPerson):
    """The shop's key for web push is none."""

    cause = "push-setup"


def encode(data: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def decode(text: str) -> bytes:
    """The bytes of base64url, padded or not; NoPoint for anything else."""
    try:
        return base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        raise NoPoint("that is not base64url") from None


def new_private_key() -> str:
    """A key pair of the shop's own, as its private number in base64url."""
    return encode(
        ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value.to_bytes(PRIVATE_BYTES, "big")
    )


def public_key(private: str) -> str:
    """What browsers subscribe with (`applicationServerKey`), in base64url."""
    return encode(_point(_private(private).public_key()))


def check_point(text: str) -> None:
    """Raise NoPoint unless this is an uncompressed point of P-256."""
    _public(decode(text))


def seal(message: bytes, browsers_key: str, auth: str, *, private: str = "", salt: bytes = b"") -> bytes:
    """The body of one push message: a single record. `private` and `salt` are made anew for each, but in tests."""
    if len(message) > LONGEST:
        raise Refuse(f"a push message has {len(message)} bytes, and {LONGEST} at the most", cause="message-refused")
    receiver, secret = decode(browsers_key), decode(auth)
    sender = _private(private) if private else ec.generate_private_key(ec.SECP256R1())
    salt = salt or os.urandom(SALT_BYTES)
    mine = _point(sender.public_key())
    shared = sender.exchange(ec.ECDH(), _public(receiver))
    key = _derive(secret, shared, b"WebPush: info\0" + receiver + mine, 32)
    content_key = _derive(salt, key, b"Content-Encoding: aes128gcm\0", 16)
    nonce = _derive(salt, key, b"Content-Encoding: nonce\0", 12)
    # 2 ends the last record, which this is.
    sealed = AESGCM(content_key).encrypt(nonce, message + b"\x02", None)
    return salt + RECORD_BYTES.to_bytes(4, "big") + bytes([len(mine)]) + mine + sealed


def authorization(private: str, origin: str, contact: str, at: datetime) -> str:
    """The `Authorization` header for a push service at `origin`; `contact` is a mailto: or https: address of ours."""
    key = _private(private)
    claims = {"aud": origin, "exp": int((at + TOKEN_LIVES).timestamp()), "sub": contact}
    signed = ".".join(encode(json.dumps(part, separators=(",", ":")).encode()) for part in (_JWT, claims))
    r, s = decode_dss_signature(key.sign(signed.encode("ascii"), ec.ECDSA(SHA256())))
    signature = encode(r.to_bytes(32, "big") + s.to_bytes(32, "big"))
    return f"vapid t={signed}.{signature}, k={encode(_point(key.public_key()))}"


_JWT = {"typ": "JWT", "alg": "ES256"}


def _derive(salt: bytes, secret: bytes, info: bytes, length: int) -> bytes:
    return HKDF(algorithm=SHA256(), length=length, salt=salt, info=info).derive(secret)


def _private(text: str) -> ec.EllipticCurvePrivateKey:
    # A short one would be a key as well, and one that anybody can guess.
    with contextlib.suppress(ValueError, NoPoint):
        if len(number := decode(text)) == PRIVATE_BYTES:
            return ec.derive_private_key(int.from_bytes(number, "big"), ec.SECP256R1())
    raise NoPrivateKey("the key for web push is none", remedy="Make one: backroom key push.")


def _public(point: bytes) -> ec.EllipticCurvePublicKey:
    if len(point) != POINT_BYTES:
        raise NoPoint("that is no uncompressed point")
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    except ValueError:
        raise NoPoint("that is no point of P-256") from None


def _point(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
