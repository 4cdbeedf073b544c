"""IPP over HTTP and HTTPS (RFC 8010 section 4, RFC 7472): bytes to a printer, bytes back, each call with time-outs.

What belongs here: the connection, its certificate, and whether anything had been sent when it failed. What does not:
what the bytes mean (`encoding`, `ipp`).

An `ipps` printer with a pinned fingerprint is trusted by that alone, since printers sign their certificates
themselves; without one its certificate is verified like any web server's. It is never taken unseen.
"""

from __future__ import annotations

import ssl
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import NewConnectionError

from backroom.printing.errors import BadPrinterAddress, PrinterNotTrusted, PrinterRefused, PrinterUnreachable, Sent

CONNECT_S = 5.0
ANSWER_S = 10.0

_DEFAULT_PORT = 631
_DEFAULT_PATH = "/ipp/print"
_SHA256_HEX = 64
_UPGRADE_REQUIRED = 426


class Wire:
    """The way to one printer. BadPrinterAddress when the URI or the fingerprint is no such thing."""

    def __init__(self, name: str, uri: str, fingerprint: str | None) -> None:
        parts = urlsplit(uri)
        if parts.scheme not in ("ipp", "ipps") or not parts.hostname or parts.username is not None:
            raise BadPrinterAddress(
                f"Printer {name} has no usable address.", remedy="Write ipp://host/ipp/print or ipps://host/ipp/print."
            )
        self.name = name
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        authority, path = f"{host}:{parts.port or _DEFAULT_PORT}", parts.path or _DEFAULT_PATH
        self.uri = f"{parts.scheme}://{authority}{path}"
        self._url = f"{'https' if parts.scheme == 'ipps' else 'http'}://{authority}{path}"
        self._session = requests.Session()
        # A proxy or a password from the environment is meant for web sites, not for the printer in the next room.
        self._session.trust_env = False
        if fingerprint:
            if parts.scheme != "ipps":
                raise BadPrinterAddress(
                    f"Printer {name} has a fingerprint and no TLS.", remedy="Write its address with ipps://."
                )
            self._session.mount("https://", _Pinned(_hex(name, fingerprint)))
            self._session.verify = False  # the pin is checked instead, before a byte of ours is sent

    def post(self, body: bytes, *, answer_s: float = ANSWER_S) -> bytes:
        """Send one request and read its answer. PrinterUnreachable says how much of the request had left."""
        try:
            response = self._session.post(
                self._url,
                data=body,
                headers={"Content-Type": "application/ipp", "Accept": "application/ipp"},
                timeout=(CONNECT_S, answer_s),
                allow_redirects=False,
            )
        except requests.exceptions.SSLError as error:
            raise self._tls_trouble(error) from error
        except requests.RequestException as error:
            raise PrinterUnreachable(f"Printer {self.name} does not answer.", sent=_sent(error)) from error
        return self._content(response)

    def _content(self, response: requests.Response) -> bytes:
        if response.status_code == requests.codes.ok:
            return response.content
        if response.status_code == _UPGRADE_REQUIRED:
            raise PrinterRefused(f"Printer {self.name} talks TLS only.", remedy="Write its address with ipps://.")
        if response.status_code < requests.codes.internal_server_error:
            raise PrinterRefused(
                f"Printer {self.name} answered HTTP {response.status_code}.",
                remedy="Check its address, and that it lets this machine print.",
            )
        raise PrinterUnreachable(f"Printer {self.name} answered HTTP {response.status_code}.", sent=Sent.PERHAPS)

    def _tls_trouble(self, error: requests.exceptions.SSLError) -> PrinterNotTrusted | PrinterUnreachable:
        reason = getattr(error.args[0], "reason", None) if error.args else None
        if "Fingerprints did not match" in str(reason):
            return PrinterNotTrusted(
                f"Printer {self.name} shows another certificate than the pinned one.",
                remedy="Make sure that nobody stands in between, then pin its new fingerprint.",
            )
        if _caused_by_certificate(reason):
            return PrinterNotTrusted(
                f"Printer {self.name} shows a certificate that nobody known vouches for.",
                remedy="Pin its fingerprint in the shop file.",
            )
        return PrinterUnreachable(f"Printer {self.name} broke off TLS.", sent=Sent.PERHAPS)


class _Pinned(HTTPAdapter):
    """Takes a server that shows exactly this certificate (its SHA-256 in hex), and none else."""

    def __init__(self, fingerprint: str) -> None:
        self._fingerprint = fingerprint
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, assert_fingerprint=self._fingerprint, **kwargs)


def _hex(name: str, fingerprint: str) -> str:
    plain = fingerprint.replace(":", "").replace(" ", "").lower()
    if len(plain) != _SHA256_HEX or any(sign not in "0123456789abcdef" for sign in plain):
        raise BadPrinterAddress(
            f"The fingerprint of printer {name} is no SHA-256 in hex.",
            remedy="Copy all 64 digits of it from the printer's own page.",
        )
    return plain


def _sent(error: requests.RequestException) -> Sent:
    """What had left: nothing where no connection was made, all of it where only the answer did not come in time."""
    reason = getattr(error.args[0], "reason", None) if error.args else None
    if isinstance(error, requests.exceptions.ConnectTimeout) or isinstance(reason, NewConnectionError):
        return Sent.NOTHING
    return Sent.WHOLE if isinstance(error, requests.exceptions.ReadTimeout) else Sent.PERHAPS


def _caused_by_certificate(reason: object) -> bool:
    inner = reason.args[0] if isinstance(reason, Exception) and reason.args else reason
    return isinstance(inner, ssl.SSLCertVerificationError)
