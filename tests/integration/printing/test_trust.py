"""IPP over TLS: the pinned printer and no other."""

from __future__ import annotations

import pytest

from backroom.domain.printing import PrintRequest, PrintState
from backroom.printing.connect import connect
from backroom.printing.errors import PrinterNotTrusted
from backroom.printing.virtual import VirtualPrinter
from tests.printers import VirtualPrinterFactory, wait_for

pytestmark = pytest.mark.printer

REQUEST = PrintRequest("print-A-1042-1-1", b"%PDF-1.7 fox", "application/pdf", 1)


@pytest.fixture
def virtual(virtual_printer_factory: VirtualPrinterFactory) -> VirtualPrinter:
    return virtual_printer_factory("press")


def test_the_printer_with_the_pinned_certificate_prints(virtual: VirtualPrinter) -> None:
    printer = connect(virtual.secure_uri, name="press", fingerprint=virtual.fingerprint())
    ticket = printer.submit(REQUEST)
    wait_for(lambda: printer.progress(ticket).state is PrintState.DONE)
    (job,) = virtual.jobs()
    assert job.attributes["job-printer-uri"].startswith("ipps://")
    assert job.document == REQUEST.document


def test_a_printer_with_another_certificate_gets_nothing(
    virtual: VirtualPrinter, virtual_printer_factory: VirtualPrinterFactory
) -> None:
    impostor = virtual_printer_factory("impostor")
    printer = connect(impostor.secure_uri, name="press", fingerprint=virtual.fingerprint())
    with pytest.raises(PrinterNotTrusted, match="another certificate"):
        printer.submit(REQUEST)
    assert impostor.jobs() == ()


def test_without_a_pin_a_certificate_that_nobody_vouches_for_is_refused(virtual: VirtualPrinter) -> None:
    with pytest.raises(PrinterNotTrusted, match="Pin its fingerprint"):
        connect(virtual.secure_uri, name="press").submit(REQUEST)
    assert virtual.jobs() == ()
