"""The mark in the address of a Kannel report: it proves that the address was made by us, for this message."""

from __future__ import annotations

from backroom.domain import signatures

LENGTH = 32


def mark(token: str, key: str) -> str:
    """A MAC of the message's key under the token that we share with Kannel. BadSignature for an empty token."""
    return signatures.in_hex(token, b"report\n" + key.encode())[:LENGTH]
