"""Accidents on the way to a real printer: after each, we know what happened or know that we do not."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from backroom.domain.errors import OutcomeUnknown
from backroom.domain.printing import Printer, PrintRequest, PrintState
from backroom.printing.connect import connect
from backroom.printing.encoding import Group, Tag, attribute
from backroom.printing.errors import PrinterUnreachable
from backroom.printing.history import SLACK_S
from backroom.printing.ipp import IppPrinter
from backroom.printing.operations import Operation, Operations
from backroom.printing.virtual import VirtualPrinter
from tests.integration.printing.relay import Relay, lose_the_answer, lose_the_request, operation_of
from tests.printers import VirtualPrinterFactory, wait_for

pytestmark = pytest.mark.printer

REQUEST = PrintRequest("print-A-1042-1-1", b"%PDF-1.7\n" + b"fox" * 100_000, "application/pdf", 2)


@pytest.fixture
def virtual(virtual_printer_factory: VirtualPrinterFactory) -> VirtualPrinter:
    return virtual_printer_factory("press")


@pytest.fixture
def printer(virtual: VirtualPrinter) -> Printer:
    return connect(virtual.uri, name="press")


def finish(printer: Printer, key: str) -> None:
    ticket = printer.find(key)
    assert ticket is not None
    wait_for(lambda: printer.progress(ticket).state is PrintState.DONE)


def test_a_lost_answer_to_the_document_is_unknown_until_the_printer_is_asked(
    printer: Printer, virtual: VirtualPrinter
) -> None:
    with Relay(virtual.uri, Operation.SEND_DOCUMENT, lose_the_answer) as line, pytest.raises(OutcomeUnknown):
        connect(line.uri, name="press").submit(REQUEST)
    finish(printer, REQUEST.key)
    assert [job.document for job in virtual.jobs()] == [REQUEST.document]


def test_a_late_answer_to_the_document_is_asked_for_and_settles_itself(virtual: VirtualPrinter) -> None:
    given_up = threading.Event()

    def answer_late(request: bytes, ask: Callable[[bytes], bytes]) -> bytes | None:
        answer = ask(request)
        given_up.wait(20)
        return answer

    with Relay(virtual.uri, Operation.SEND_DOCUMENT, answer_late) as line:
        printer = IppPrinter("press", line.uri, upload_answer_s=0.5)
        ticket = printer.submit(REQUEST)
        given_up.set()
        wait_for(lambda: printer.progress(ticket).state is PrintState.DONE)
    assert len(virtual.jobs()) == 1


def test_a_lost_answer_to_the_creation_has_printed_nothing_and_frees_the_printer(
    printer: Printer, virtual: VirtualPrinter
) -> None:
    with Relay(virtual.uri, Operation.CREATE_JOB, lose_the_answer) as line, pytest.raises(PrinterUnreachable):
        connect(line.uri, name="press").submit(REQUEST)
    assert printer.find(REQUEST.key) is None
    again = printer.submit(replace(REQUEST, key="print-A-1042-1-2"))
    wait_for(lambda: printer.progress(again).state is PrintState.DONE)
    assert [job.key for job in virtual.jobs()] == ["print-A-1042-1-2"]


def test_a_crash_between_creation_and_document_has_printed_nothing(printer: Printer, virtual: VirtualPrinter) -> None:
    Operations("press", virtual.uri, None).call(Operation.CREATE_JOB, [attribute(Tag.NAME, "job-name", REQUEST.key)])
    assert printer.find(REQUEST.key) is None
    assert printer.find(REQUEST.key) is None, "the empty job was cancelled, and is still no print"
    assert printer.status().queued == 0


def test_a_document_that_never_arrived_is_unknown_at_first_and_then_certainly_not_printed(
    printer: Printer, virtual: VirtualPrinter
) -> None:
    with Relay(virtual.uri, Operation.SEND_DOCUMENT, lose_the_request) as line, pytest.raises(OutcomeUnknown):
        connect(line.uri, name="press").submit(REQUEST)
    assert printer.find(REQUEST.key) is None
    assert virtual.jobs() == ()


def test_a_document_that_overtakes_the_cancelling_of_its_job_is_found(virtual: VirtualPrinter) -> None:
    sent: list[bytes] = []

    def arrive_late(request: bytes, ask: Callable[[bytes], bytes]) -> bytes | None:
        match operation_of(request):
            case Operation.SEND_DOCUMENT:
                sent.append(request)
                return None
            case Operation.CANCEL_JOB:
                ask(sent.pop())
                wait_for(virtual.jobs)
        return ask(request)

    with Relay(virtual.uri, None, arrive_late) as line:
        printer = connect(line.uri, name="press")
        with pytest.raises(OutcomeUnknown):
            printer.submit(REQUEST)
        assert printer.find(REQUEST.key) is not None
    assert [job.document for job in virtual.jobs()] == [REQUEST.document]


def test_an_empty_job_that_cannot_be_cancelled_is_no_proof_that_nothing_prints(virtual: VirtualPrinter) -> None:
    def break_off(request: bytes, ask: Callable[[bytes], bytes]) -> bytes | None:
        return None if operation_of(request) in (Operation.SEND_DOCUMENT, Operation.CANCEL_JOB) else ask(request)

    with Relay(virtual.uri, None, break_off) as line:
        printer = connect(line.uri, name="press")
        with pytest.raises(OutcomeUnknown):
            printer.submit(REQUEST)
        with pytest.raises(PrinterUnreachable):
            printer.find(REQUEST.key)


def test_a_late_answer_that_cannot_be_asked_for_is_unknown_and_not_refused(virtual: VirtualPrinter) -> None:
    given_up = threading.Event()

    def forbid(request: bytes, ask: Callable[[bytes], bytes]) -> bytes | None:
        match operation_of(request):
            case Operation.SEND_DOCUMENT:
                ask(request)
                given_up.wait(20)
            case Operation.GET_JOB_ATTRIBUTES:
                return b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"
        return ask(request)

    with Relay(virtual.uri, None, forbid) as line, pytest.raises(OutcomeUnknown):
        IppPrinter("press", line.uri, upload_answer_s=0.5).submit(REQUEST)
    given_up.set()
    wait_for(virtual.jobs)


def test_after_a_restart_an_old_ticket_is_not_taken_for_the_new_job_of_its_number(
    printer: Printer, virtual: VirtualPrinter
) -> None:
    old = printer.submit(REQUEST)
    finish(printer, REQUEST.key)
    virtual.restart()
    virtual.set_state("+media-empty")
    new = printer.submit(replace(REQUEST, key="print-A-1043-2-1"))
    assert new.job_id == old.job_id
    seen = printer.progress(old)
    assert seen.state is PrintState.UNKNOWN
    assert "no longer knows this job" in seen.reasons[0]
    assert printer.cancel(old).state is PrintState.UNKNOWN
    virtual.set_state("-media-empty")
    wait_for(lambda: printer.progress(new).state is PrintState.DONE)


def test_a_printer_that_was_restarted_cannot_tell_what_it_printed_before(
    printer: Printer, virtual: VirtualPrinter
) -> None:
    printer.submit(REQUEST)
    finish(printer, REQUEST.key)
    virtual.restart()
    with pytest.raises(OutcomeUnknown):
        printer.find(REQUEST.key, age=timedelta(seconds=1))
    with pytest.raises(OutcomeUnknown):
        printer.find(REQUEST.key)


def test_a_key_that_was_never_sent_is_certainly_absent_where_the_history_reaches_back(
    printer: Printer, virtual: VirtualPrinter
) -> None:
    printer.submit(REQUEST)
    finish(printer, REQUEST.key)

    def certainly_absent() -> bool:
        try:
            return printer.find("print-A-1043-2-1", age=timedelta(0)) is None
        except OutcomeUnknown:
            return False

    wait_for(certainly_absent, pause_s=0.2, deadline_s=SLACK_S + 10)
    with pytest.raises(OutcomeUnknown):
        printer.find("print-A-1043-2-1", age=timedelta(minutes=10))


def test_of_two_jobs_of_one_key_the_one_with_a_document_counts(printer: Printer, virtual: VirtualPrinter) -> None:
    press = Operations("press", virtual.uri, None)
    empty = press.call(Operation.CREATE_JOB, [attribute(Tag.NAME, "job-name", REQUEST.key)])
    press.call(Operation.CANCEL_JOB, job_id=str(empty.first(Group.JOB)["job-id"][0]))
    ticket = printer.submit(REQUEST)
    found = printer.find(REQUEST.key)
    assert found is not None
    assert found.job_id == ticket.job_id
