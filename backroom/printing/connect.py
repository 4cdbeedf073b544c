"""From a printer's address in the shop file to the printer."""

from __future__ import annotations

import threading
from pathlib import Path

from backroom.domain.locations import PrinterSpec
from backroom.domain.printing import Printer
from backroom.printing.errors import BadPrinterAddress
from backroom.printing.folder import FolderPrinter
from backroom.printing.ipp import IppPrinter


def connect(uri: str, *, name: str, fingerprint: str | None = None, over: threading.Event | None = None) -> Printer:
    """The printer behind `folder:PATH`, `ipp://…` or `ipps://…`; it is not called yet.

    `fingerprint` pins the certificate of an `ipps` printer: its SHA-256 in hex, with or without colons. Once `over` is
    set, a folder whose disk fails is not waited for.
    """
    scheme, _, rest = uri.partition(":")
    if scheme == "folder" and rest:
        return FolderPrinter(name, Path(rest), over)
    if scheme in ("ipp", "ipps"):
        return IppPrinter(name, uri, fingerprint)
    raise BadPrinterAddress(
        f"Printer {name} has no address that can be used.", remedy="Write folder:NAME, ipp://… or ipps://…."
    )


def connect_from(home: Path, spec: PrinterSpec, over: threading.Event | None = None) -> Printer:
    """The printer of a description; a folder without a leading slash lies in this machine's home folder."""
    scheme, _, path = spec.uri.partition(":")
    uri = f"folder:{home / path}" if scheme == "folder" and not path.startswith("/") else spec.uri
    return connect(uri, name=spec.name, fingerprint=spec.fingerprint or None, over=over)
