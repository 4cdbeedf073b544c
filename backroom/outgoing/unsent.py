"""What kept a call from being sent at all, told apart from what may have arrived.

What belongs here: reading that from the errors of `requests`. What does not: what it means to whoever called.
"""

from __future__ import annotations

import ssl
from collections.abc import Collection
from typing import Literal

import requests
from urllib3.exceptions import MaxRetryError, NewConnectionError

LAST_OCTET = 0xFF
Kept = Literal["", "address", "connection", "certificate", "no_tls"]


class NoTls(ssl.SSLError):
    """Whoever was to begin with TLS answered in something else (raised by the connections of `deadline`)."""


def kept_back(failure: requests.exceptions.RequestException) -> Kept:
    """No address, no connection, or no trust in whom it leads to; empty where the call may have arrived.

    TLS counts where it failed at the handshake, before the request; a later failure may have come after its arrival.
    `no_tls` is an answer to the handshake that is none of TLS.
    """
    if isinstance(
        failure,
        requests.exceptions.InvalidURL | requests.exceptions.MissingSchema | requests.exceptions.InvalidSchema,
    ):
        return "address"
    if isinstance(failure, requests.exceptions.ConnectTimeout):
        return "connection"
    reason = failure.args[0] if failure.args else None
    cause = reason.reason if isinstance(reason, MaxRetryError) else None
    if isinstance(cause, NewConnectionError):
        return "connection"
    inner = cause.args[0] if cause is not None and cause.args else None
    if isinstance(inner, ssl.SSLCertVerificationError):
        return "certificate"
    if isinstance(inner, NoTls):
        return "no_tls"
    return ""


def cannot_be_sent(headers: Collection[str], login: tuple[str, str] | None) -> bool:
    """Whether a key holds what no header can (RFC 9110 section 5.5): it was copied with a line break, or with signs of
    no key. `requests` says so of the one as of a lost call, and breaks on the other with no error of its own.
    """
    broken = any(value != value.strip() or not value.isprintable() for value in headers)
    return broken or any(ord(sign) > LAST_OCTET for value in (*headers, *(login or ())) for sign in value)
