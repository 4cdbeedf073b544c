"""From an address in the shop file to a printer."""

from __future__ import annotations

import pytest

from backroom.printing.connect import connect
from backroom.printing.errors import BadPrinterAddress
from backroom.printing.folder import FolderPrinter
from backroom.printing.ipp import IppPrinter
from backroom.printing.wire import Wire

PIN = "a1" * 32


def test_the_scheme_says_what_kind_of_printer_it_is() -> None:
    assert isinstance(connect("folder:/var/prints", name="bench"), FolderPrinter)
    assert isinstance(connect("ipp://press.local/ipp/print", name="press"), IppPrinter)
    assert isinstance(connect("ipps://press.local", name="press", fingerprint=PIN), IppPrinter)


def test_an_address_without_port_and_path_gets_those_of_ipp() -> None:
    assert Wire("press", "ipp://press.local", None).uri == "ipp://press.local:631/ipp/print"
    assert Wire("press", "ipps://[fe80::1]:8631/printers/a", None).uri == "ipps://[fe80::1]:8631/printers/a"


@pytest.mark.parametrize("pin", [PIN.upper(), ":".join(["A1"] * 32), " ".join(["a1"] * 32)])
def test_a_fingerprint_may_be_written_as_any_tool_prints_it(pin: str) -> None:
    connect("ipps://press.local", name="press", fingerprint=pin)


@pytest.mark.parametrize(
    ("uri", "pin"),
    [
        ("usb:/dev/lp0", None),
        ("folder:", None),
        ("ipp://", None),
        ("ipp://owner:secret@press.local", None),
        ("ipp://press.local", PIN),
        ("ipps://press.local", "a1" * 20),
        ("ipps://press.local", "xy" * 32),
    ],
)
def test_an_address_that_cannot_be_meant_is_said_so(uri: str, pin: str | None) -> None:
    with pytest.raises(BadPrinterAddress) as said:
        connect(uri, name="press", fingerprint=pin)
    assert "secret" not in str(said.value)
