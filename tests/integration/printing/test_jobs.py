"""Jobs on real IPP printers: what is asked arrives, whole and once, and trouble is said in plain words."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fpdf import FPDF

from backroom.domain.printing import Printer, PrintProgress, PrintRequest, PrintState, PrintTicket
from backroom.printing.connect import connect
from backroom.printing.encoding import Group, Tag, attribute
from backroom.printing.errors import PrinterBusy, PrinterUnreachable, Sent, UnsupportedAttribute
from backroom.printing.operations import Operation, Operations
from backroom.printing.virtual import PrivateBus, VirtualPrinter
from tests.printers import VirtualPrinterFactory, wait_for
from tests.unit.printing.test_pwg_raster import read

pytestmark = pytest.mark.printer

DOCUMENT = b"%PDF-1.7\n" + bytes(range(256)) * 2000
REQUEST = PrintRequest("print-A-1042-1-1", DOCUMENT, "application/pdf", 3)


@pytest.fixture
def virtual(virtual_printer_factory: VirtualPrinterFactory) -> VirtualPrinter:
    return virtual_printer_factory("press")


@pytest.fixture
def printer(virtual: VirtualPrinter) -> Printer:
    return connect(virtual.uri, name="press")


def until(printer: Printer, ticket: PrintTicket, state: PrintState) -> PrintProgress:
    return wait_for(lambda: seen if (seen := printer.progress(ticket)).state is state else None)


def test_a_job_arrives_whole_and_once_with_everything_that_was_asked(printer: Printer, virtual: VirtualPrinter) -> None:
    request = replace(
        REQUEST, media="iso_a4_210x297mm", sides="two-sided-long-edge", quality="high", color="monochrome"
    )
    until(printer, printer.submit(request), PrintState.DONE)
    (job,) = virtual.jobs()
    assert job.key == REQUEST.key
    assert job.document == DOCUMENT
    assert {
        name: job.attributes[name] for name in ("copies", "media", "sides", "print-quality", "print-color-mode")
    } == {
        "copies": "3",
        "media": "iso_a4_210x297mm",
        "sides": "two-sided-long-edge",
        "print-quality": "high",
        "print-color-mode": "monochrome",
    }


def test_a_printer_that_takes_no_pdf_gets_rows_of_pixels(private_bus: PrivateBus, tmp_path: Path) -> None:
    pdf = FPDF(unit="mm", format=(60, 40))
    pdf.add_page()
    pdf.set_fill_color(0, 0, 255)
    pdf.rect(0, 0, 60, 20, style="F")
    virtual = VirtualPrinter("small", tmp_path / "small", private_bus, formats=("image/pwg-raster", "image/jpeg"))
    virtual.start()
    try:
        printer = connect(virtual.uri, name="small")
        until(printer, printer.submit(replace(REQUEST, document=bytes(pdf.output()), copies=1)), PrintState.DONE)
        (job,) = virtual.jobs()
        with pytest.raises(UnsupportedAttribute, match="nobody can draw"):
            printer.submit(replace(REQUEST, key="print-A-1-1-1", document=b"no PDF"))
    finally:
        virtual.stop()
    [page] = read(job.document)
    assert page.shape[0] / page.shape[1] == pytest.approx(40 / 60, rel=0.01)
    assert tuple(page[5, 5]) == (0, 0, 255)
    assert tuple(page[-5, 5]) == (255, 255, 255)


def test_a_size_that_the_printer_has_no_such_name_for_arrives_by_its_measures(
    printer: Printer, virtual: VirtualPrinter
) -> None:
    until(printer, printer.submit(replace(REQUEST, media="custom_postcard_105x148mm")), PrintState.DONE)
    (job,) = virtual.jobs()
    assert job.attributes["media-col"] == "{media-size={x-dimension=10500 y-dimension=14800}}"


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"media": "iso_a0_841x1189mm"}, "media"),
        ({"sides": "three-sided"}, "sides"),
        ({"quality": "divine"}, "print-quality"),
        ({"color": "sepia"}, "print-color-mode"),
        ({"copies": 1000}, "copies"),
        ({"media_type": "image/tiff"}, "document-format"),
        ({"key": "k" * 256}, "job-name"),
    ],
)
def test_what_the_printer_cannot_do_is_refused_by_name_and_nothing_is_printed(
    printer: Printer, virtual: VirtualPrinter, change: dict[str, Any], name: str
) -> None:
    with pytest.raises(UnsupportedAttribute) as refused:
        printer.submit(replace(REQUEST, **change))
    assert refused.value.attribute == name
    assert printer.status().queued == 0
    assert virtual.jobs() == ()


def test_a_refusal_by_the_printer_itself_names_what_it_refused(virtual: VirtualPrinter) -> None:
    with pytest.raises(UnsupportedAttribute, match="copies = 3000"):
        Operations("press", virtual.uri, None).call(
            Operation.CREATE_JOB,
            [attribute(Tag.BOOLEAN, "ipp-attribute-fidelity", True)],
            [attribute(Tag.INTEGER, "copies", 3000)],
        )


def test_a_printer_out_of_paper_says_so_and_goes_on_when_it_has_some(printer: Printer, virtual: VirtualPrinter) -> None:
    virtual.set_state("+media-empty")
    ticket = printer.submit(REQUEST)
    assert until(printer, ticket, PrintState.STOPPED).reasons == ("out of paper",)
    assert not printer.status().ready
    assert virtual.jobs() == ()
    virtual.set_state("-media-empty")
    assert until(printer, ticket, PrintState.DONE).reasons == ()
    assert printer.status().ready
    assert [job.document for job in virtual.jobs()] == [DOCUMENT]


def test_a_virtual_printer_with_a_pace_takes_its_time_stops_in_the_middle_and_prints_nothing_that_is_cancelled(
    printer: Printer, virtual: VirtualPrinter
) -> None:
    virtual.set_pace(0.3, 0.0)
    began = time.time()
    until(printer, printer.submit(REQUEST), PrintState.DONE)
    [first] = virtual.jobs()
    assert first.printed_at - began >= 3 * 0.3
    virtual.set_pace(2.0, 0.0)
    slow = replace(REQUEST, key="print-A-1043-1-1", copies=1)
    ticket = printer.submit(slow)
    until(printer, ticket, PrintState.PRINTING)
    virtual.set_state("+media-empty")
    until(printer, ticket, PrintState.STOPPED)
    printer.cancel(ticket)
    until(printer, ticket, PrintState.CANCELLED)
    assert [job.key for job in virtual.jobs()] == [first.key]


def test_low_ink_is_told_and_stops_nothing(printer: Printer, virtual: VirtualPrinter) -> None:
    virtual.set_state("+marker-supply-low")
    until(printer, printer.submit(REQUEST), PrintState.DONE)
    assert printer.status().words == ("ink is running low",)
    assert printer.status().ready


def test_a_busy_printer_is_a_retry_and_its_job_is_not_disturbed(printer: Printer, virtual: VirtualPrinter) -> None:
    virtual.set_state("+media-jam")
    first = printer.submit(REQUEST)
    with pytest.raises(PrinterBusy):
        printer.submit(replace(REQUEST, key="print-A-1043-2-1"))
    virtual.set_state("-media-jam")
    until(printer, first, PrintState.DONE)
    assert [job.key for job in virtual.jobs()] == [REQUEST.key]


def test_a_job_that_the_printer_gives_up_is_aborted_with_its_words(printer: Printer, virtual: VirtualPrinter) -> None:
    virtual.abort_jobs(True)
    seen = until(printer, printer.submit(REQUEST), PrintState.ABORTED)
    assert seen.reasons == ("the printer gave the job up", "The virtual printer was told to give up.")


def test_a_cancelled_job_does_not_come_out_when_the_paper_is_back(printer: Printer, virtual: VirtualPrinter) -> None:
    virtual.set_state("+media-empty")
    ticket = printer.submit(REQUEST)
    until(printer, ticket, PrintState.STOPPED)
    printer.cancel(ticket)
    assert until(printer, ticket, PrintState.CANCELLED).reasons == ("cancelled by us",)
    virtual.set_state("-media-empty")
    until(printer, printer.submit(replace(REQUEST, key="print-A-1043-2-1")), PrintState.DONE)
    assert [job.key for job in virtual.jobs()] == ["print-A-1043-2-1"]


def test_cancelling_what_is_printed_already_changes_nothing(printer: Printer) -> None:
    ticket = printer.submit(REQUEST)
    until(printer, ticket, PrintState.DONE)
    assert printer.cancel(ticket).state is PrintState.DONE


def test_a_printer_tells_its_ink_and_what_it_takes(printer: Printer) -> None:
    status = printer.status()
    assert (status.state, status.ready) == ("idle", True)
    assert "application/pdf" in status.accepts
    assert {supply.name for supply in status.supplies} >= {"Black Ink", "Cyan Ink"}
    assert all(supply.percent is not None for supply in status.supplies)


def test_a_printer_that_is_switched_off_is_a_retry_of_which_nothing_was_sent(
    printer: Printer, virtual: VirtualPrinter
) -> None:
    virtual.stop()
    with pytest.raises(PrinterUnreachable) as away:
        printer.submit(REQUEST)
    assert away.value.sent is Sent.NOTHING


def test_two_printers_side_by_side_print_every_job_once(virtual_printer_factory: VirtualPrinterFactory) -> None:
    both = [virtual_printer_factory("left"), virtual_printer_factory("right")]

    def work(virtual: VirtualPrinter) -> None:
        printer = connect(virtual.uri, name=virtual.name)
        for number in range(1, 6):
            request = replace(REQUEST, key=f"print-{virtual.name}-{number}", copies=number)
            until(printer, printer.submit(request), PrintState.DONE)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, both))
    for virtual in both:
        arrived = [(job.key, job.attributes["copies"], job.document == DOCUMENT) for job in virtual.jobs()]
        assert arrived == [(f"print-{virtual.name}-{number}", str(number), True) for number in range(1, 6)]


def test_a_status_message_of_the_printer_reaches_us(virtual: VirtualPrinter) -> None:
    virtual.set_state("+media-empty")
    press = Operations("press", virtual.uri, None)
    name = attribute(Tag.NAME, "job-name", "a")
    assert press.call(Operation.CREATE_JOB, [name]).first(Group.JOB)["job-id"] == (1,)
    with pytest.raises(PrinterBusy, match="Currently printing another job"):
        press.call(Operation.CREATE_JOB, [name])
