"""One job at one printer: what is told to the gateway for everything that a printer may say.

The printer is played, because no real one can be made to give up in the middle, to keep a job that it was asked to
give back, or to forget; the gateway is a small HTTP server that writes down what it is told.
"""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from backroom.domain.errors import BackroomError, OutcomeUnknown
from backroom.domain.locations import PrinterSpec
from backroom.domain.printing import PrinterStatus, PrintProgress, PrintRequest, PrintState, PrintTicket
from backroom.printing.bench import Result, move_away, work_on
from backroom.printing.booth import Booth, GatewayAway, GatewayRefused, Job, KeyRefused
from backroom.printing.device import Device, device_name
from backroom.printing.errors import PrinterBusy, UnsupportedAttribute
from backroom.printing.sealed import Bound, seal

SPEC = PrinterSpec("press", "ipp://press/ipp/print", ("dtg",))
TICKET = PrintTicket("press", "7", "", "print-A-1042-1-1")
DONE, STOPPED, ABORTED, CANCELLED = PrintState.DONE, PrintState.STOPPED, PrintState.ABORTED, PrintState.CANCELLED


def a_job(**changes: object) -> Job:
    job = Job(
        id=5,
        key=TICKET.key,
        order_number="A-1042",
        sku="TEE-BLK-M",
        title="Tee",
        copies=2,
        process="dtg",
        width_mm=50,
        height_mm=60,
        state="handed",
        started=False,
        age_s=0.0,
        attempt=1,
        printer="",
        printer_job="",
        reason="",
        asked_at=time.monotonic(),
    )
    return replace(job, **changes)  # type: ignore[arg-type]


BEGUN = a_job(started=True, age_s=30.0, printer="press", state="printing")
BLOCKED = replace(BEGUN, state="blocked", reason="out of paper")


@dataclass
class PlayedPrinter:
    """A printer that says what the test wrote for it; the last progress is said again and again."""

    says: list[PrintProgress | BackroomError] = field(default_factory=list)
    submitted: PrintTicket | BackroomError = TICKET
    found: PrintTicket | BackroomError | None = None
    after_cancel: list[PrintProgress] = field(default_factory=list)
    requests: list[PrintRequest] = field(default_factory=list)
    ages: list[timedelta | None] = field(default_factory=list)
    cancelled: int = 0
    name: str = "press"

    def status(self) -> PrinterStatus:
        return PrinterStatus("idle", (), ())

    def submit(self, request: PrintRequest) -> PrintTicket:
        self.requests.append(request)
        if isinstance(self.submitted, BackroomError):
            raise self.submitted
        return self.submitted

    def progress(self, ticket: PrintTicket) -> PrintProgress:
        said = self.says.pop(0) if len(self.says) > 1 else self.says[0]
        if isinstance(said, BackroomError):
            raise said
        return said

    def find(self, key: str, *, age: timedelta | None = None) -> PrintTicket | None:
        self.ages.append(age)
        if isinstance(self.found, BackroomError):
            raise self.found
        return self.found

    def cancel(self, ticket: PrintTicket) -> PrintProgress:
        self.cancelled += 1
        if self.after_cancel:
            self.says = list(self.after_cancel)
        return self.progress(ticket)


def says(state: PrintState, *reasons: str, printed: int | None = None) -> PrintProgress:
    return PrintProgress(TICKET, state, reasons, printed)


@dataclass
class PlayedGateway:
    """What the gateway was told, in order: the call, and the words that matter."""

    url: str
    told: list[str] = field(default_factory=list)
    answers: dict[str, Response] = field(default_factory=dict)
    device: Device = field(default_factory=Device)

    def answer(self, request: Request) -> Response:
        what = request.path.rsplit("/", 1)[-1]
        body = json.loads(request.data) if request.data else {}
        if what == "payload" and what not in self.answers:
            self.told.append(what)
            bound = Bound(
                5, body["attempt"], "booth", device_name(body["device"]), datetime.now(UTC) + timedelta(hours=1)
            )
            made = seal(bound, b"{}", b"%PDF-1.7", device=body["device"], once=body["once"])
            return Response(made.pack())
        word = body.get("outcome") or body.get("state") or ""
        self.told.append(" ".join(one for one in (what, word, body.get("reason", "")) if one))
        return self.answers.get(what) or Response("{}")

    @property
    def booth(self) -> Booth:
        return Booth(gateway=self.url, key="k", location="booth", holder="bench", device=self.device)


@pytest.fixture
def gateway(httpserver: HTTPServer) -> PlayedGateway:
    played = PlayedGateway(httpserver.url_for(""))
    httpserver.expect_request(re.compile(".*")).respond_with_handler(played.answer)
    return played


def refuse(status: int, cause: str, detail: str = "no") -> Response:
    return Response(json.dumps({"cause": cause, "detail": detail}), status, content_type="application/json")


def test_the_gateway_commits_the_start_before_the_printer_hears_of_the_job(gateway: PlayedGateway) -> None:
    printer = PlayedPrinter([says(DONE)])
    turn = work_on(a_job(), SPEC, printer, gateway.booth)
    assert turn.result is Result.DONE
    assert gateway.told == ["payload", "start", "outcome done"]
    assert (printer.requests[0].key, printer.requests[0].copies) == (TICKET.key, 2)


def test_a_start_that_the_gateway_does_not_commit_prints_nothing(gateway: PlayedGateway) -> None:
    gateway.answers["start"] = Response("", 503)
    printer = PlayedPrinter()
    with pytest.raises(GatewayAway):
        work_on(a_job(), SPEC, printer, gateway.booth)
    assert printer.requests == []


def test_a_held_order_is_given_back_unprinted(gateway: PlayedGateway) -> None:
    gateway.answers["start"] = refuse(409, "not_your_job")
    printer = PlayedPrinter()
    assert work_on(a_job(), SPEC, printer, gateway.booth).result is Result.GONE
    assert gateway.told[-1].startswith("outcome returned")
    assert printer.requests == []


def test_a_missing_artwork_leaves_the_job_with_what_to_do(gateway: PlayedGateway) -> None:
    gateway.answers["payload"] = refuse(409, "artwork_missing", "owl.png is missing.")
    turn = work_on(a_job(), SPEC, PlayedPrinter(), gateway.booth)
    assert (turn.result, turn.reason) == (Result.LEFT, "owl.png is missing.")
    assert gateway.told == ["payload", "progress blocked owl.png is missing."]


def test_what_may_not_be_fetched_yet_waits_and_is_neither_begun_nor_called_sick(gateway: PlayedGateway) -> None:
    gateway.answers["payload"] = refuse(503, "enough_fetched")
    printer = PlayedPrinter()
    assert work_on(a_job(), SPEC, printer, gateway.booth).result is Result.LATER
    assert (gateway.told, printer.requests) == (["payload"], [])


@pytest.mark.parametrize("answer", [refuse(503, "database"), Response("busy", 503, content_type="application/json")])
def test_any_other_503_is_a_gateway_that_is_away(gateway: PlayedGateway, answer: Response) -> None:
    gateway.answers["payload"] = answer
    with pytest.raises(GatewayAway):
        work_on(a_job(), SPEC, PlayedPrinter(), gateway.booth)


def test_a_job_begun_before_is_asked_for_by_its_age_and_not_sent_again(gateway: PlayedGateway) -> None:
    printer = PlayedPrinter([says(DONE)], found=TICKET)
    assert work_on(BEGUN, SPEC, printer, gateway.booth).result is Result.DONE
    assert printer.requests == []
    [age] = printer.ages
    assert age is not None
    # The job was made when this module was read, which a long run of tests did a while ago.
    assert timedelta(seconds=30) <= age < timedelta(hours=2)


def test_a_job_begun_before_that_the_printer_certainly_has_not_is_sent(gateway: PlayedGateway) -> None:
    printer = PlayedPrinter([says(DONE)])
    assert work_on(BEGUN, SPEC, printer, gateway.booth).result is Result.DONE
    assert len(printer.requests) == 1


def test_where_the_printer_cannot_tell_a_person_decides(gateway: PlayedGateway) -> None:
    printer = PlayedPrinter(found=OutcomeUnknown("nobody knows"))
    assert work_on(BEGUN, SPEC, printer, gateway.booth).result is Result.UNKNOWN
    assert gateway.told == ["outcome unknown nobody knows"]
    assert printer.requests == []


def test_a_lost_submission_is_asked_for_and_found(gateway: PlayedGateway) -> None:
    printer = PlayedPrinter([says(DONE)], submitted=OutcomeUnknown("lost"), found=TICKET)
    assert work_on(a_job(), SPEC, printer, gateway.booth).result is Result.DONE


HALF = replace(TICKET, whole=False)


def test_a_job_whose_document_was_cut_off_is_for_a_person_though_the_printer_calls_it_done(
    gateway: PlayedGateway,
) -> None:
    printer = PlayedPrinter([says(PrintState.PRINTING), says(DONE)], submitted=OutcomeUnknown("lost"), found=HALF)
    turn = work_on(a_job(), SPEC, printer, gateway.booth)
    assert turn.result is Result.UNKNOWN
    assert "may have printed a part" in gateway.told[-1]


def test_a_job_whose_document_was_cut_off_and_of_which_nothing_came_out_is_tried_anew(gateway: PlayedGateway) -> None:
    printer = PlayedPrinter([says(ABORTED, printed=0)], submitted=OutcomeUnknown("lost"), found=HALF)
    assert work_on(a_job(), SPEC, printer, gateway.booth).result is Result.FAILED


def test_a_job_that_was_noted_as_taken_is_done_when_it_is_found_after_a_crash(gateway: PlayedGateway) -> None:
    printer = PlayedPrinter([says(DONE)], found=HALF)
    taken = replace(BEGUN, printer_job=HALF.job_id)
    assert work_on(taken, SPEC, printer, gateway.booth).result is Result.DONE
    assert work_on(BEGUN, SPEC, printer, gateway.booth).result is Result.UNKNOWN


def test_a_number_from_before_it_was_sent_anew_proves_nothing(gateway: PlayedGateway) -> None:
    printer = PlayedPrinter([says(STOPPED, "out of paper", printed=0)], submitted=HALF)
    turn = work_on(replace(BEGUN, printer_job=HALF.job_id), SPEC, printer, gateway.booth)
    assert (turn.result, turn.printer_job) == (Result.BLOCKED, "")


def test_a_job_that_takes_a_while_is_noted_as_taken_once(gateway: PlayedGateway) -> None:
    printer = PlayedPrinter([*[says(PrintState.PRINTING)] * 12, says(DONE)])
    assert work_on(a_job(), SPEC, printer, gateway.booth).result is Result.DONE
    assert gateway.told == ["payload", "start", "progress printing", "outcome done"]


def test_a_lost_submission_that_the_printer_has_not_got_is_tried_anew(gateway: PlayedGateway) -> None:
    printer = PlayedPrinter(submitted=OutcomeUnknown("lost"))
    assert work_on(a_job(), SPEC, printer, gateway.booth).result is Result.FAILED
    assert gateway.told[-1].startswith("outcome failed")


@pytest.mark.parametrize(
    ("trouble", "result"),
    [(PrinterBusy("busy"), Result.FAILED), (UnsupportedAttribute("press", "media", "a0"), Result.REFUSED)],
)
def test_what_the_printer_did_not_take_is_told_as_certainly_not_printed(
    gateway: PlayedGateway, trouble: BackroomError, result: Result
) -> None:
    printer = PlayedPrinter(submitted=trouble)
    assert work_on(a_job(), SPEC, printer, gateway.booth).result is result
    assert gateway.told[-1].startswith("outcome failed")


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    state=st.sampled_from([ABORTED, CANCELLED]),
    printed=st.one_of(st.none(), st.integers(0, 3)),
    begun=st.booleans(),
)
def test_only_what_certainly_did_not_come_out_is_ever_tried_anew(
    gateway: PlayedGateway, state: PrintState, printed: int | None, begun: bool
) -> None:
    printer = PlayedPrinter([says(state, "gave up", printed=printed)], found=TICKET)
    turn = work_on(BEGUN if begun else a_job(), SPEC, printer, gateway.booth)
    assert turn.result is (Result.FAILED if printed == 0 else Result.UNKNOWN)


def test_a_stop_is_told_once_and_its_end_as_well(gateway: PlayedGateway) -> None:
    stopped = says(STOPPED, "out of paper", printed=0)
    printer = PlayedPrinter([stopped, stopped, stopped, says(PrintState.PRINTING), says(DONE)])
    assert work_on(a_job(), SPEC, printer, gateway.booth).result is Result.DONE
    assert gateway.told[2:] == ["progress blocked out of paper", "progress printing", "outcome done"]


@pytest.mark.parametrize(("printed", "untouched"), [(0, True), (1, False), (None, False)])
def test_a_stop_that_lasts_says_whether_anything_came_out(
    gateway: PlayedGateway, printed: int | None, untouched: bool
) -> None:
    printer = PlayedPrinter([says(STOPPED, "out of paper", printed=printed)])
    turn = work_on(a_job(), SPEC, printer, gateway.booth)
    assert (turn.result, turn.reason, turn.untouched) == (Result.BLOCKED, "out of paper", untouched)


def test_a_job_is_moved_once_the_printer_confirms_that_it_printed_nothing(gateway: PlayedGateway) -> None:
    waits = says(STOPPED, "out of paper", printed=0)
    printer = PlayedPrinter([waits], found=TICKET, after_cancel=[waits, waits, says(CANCELLED, printed=0)])
    assert move_away(BLOCKED, printer, gateway.booth).result is Result.FAILED
    assert gateway.told == ["outcome failed taken off its printer: out of paper"]


@pytest.mark.parametrize("printed", [1, None])
def test_a_job_of_which_something_may_have_come_out_is_not_taken_off(
    gateway: PlayedGateway, printed: int | None
) -> None:
    printer = PlayedPrinter([says(STOPPED, "out of paper", printed=printed)], found=TICKET)
    assert move_away(BLOCKED, printer, gateway.booth).result is Result.BLOCKED
    assert printer.cancelled == 0
    assert gateway.told == []


def test_a_job_that_came_out_while_it_was_taken_off_is_done_and_not_moved(gateway: PlayedGateway) -> None:
    printer = PlayedPrinter([says(STOPPED, printed=0)], found=TICKET, after_cancel=[says(DONE, printed=2)])
    assert move_away(BLOCKED, printer, gateway.booth).result is Result.DONE


def test_a_job_cancelled_with_a_page_out_is_for_a_person(gateway: PlayedGateway) -> None:
    printer = PlayedPrinter([says(STOPPED, printed=0)], found=TICKET, after_cancel=[says(CANCELLED, printed=1)])
    assert move_away(BLOCKED, printer, gateway.booth).result is Result.UNKNOWN


def test_a_refused_key_stops_the_bench(gateway: PlayedGateway) -> None:
    gateway.answers["payload"] = refuse(403, "http")
    with pytest.raises(KeyRefused):
        work_on(a_job(), SPEC, PlayedPrinter(), gateway.booth)


def test_a_refusal_without_words_of_ours_is_told_by_its_number(gateway: PlayedGateway) -> None:
    gateway.answers["claim"] = Response("[]", 404, content_type="application/json")
    with pytest.raises(GatewayRefused, match="404"):
        gateway.booth.claim(1)


@pytest.mark.parametrize("status", [403, 404, 413])
def test_the_page_of_something_else_is_no_answer_of_the_gateways(gateway: PlayedGateway, status: int) -> None:
    gateway.answers["claim"] = Response("<html>", status, content_type="text/html")
    with pytest.raises(GatewayAway, match=str(status)):
        gateway.booth.claim(1)


def test_a_newer_gateway_may_tell_more_than_this_booth_knows(gateway: PlayedGateway) -> None:
    told = {name: getattr(BEGUN, name) for name in BEGUN.__slots__ if name != "asked_at"}
    gateway.answers["claim"] = Response(json.dumps({"jobs": [told | {"new": 1}]}))
    [job] = gateway.booth.claim(1)
    assert replace(job, asked_at=BEGUN.asked_at) == BEGUN
