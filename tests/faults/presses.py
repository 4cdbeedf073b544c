"""What befalls printers: switched off and on, without paper, and at the end of a line that loses and cuts.

What belongs here: accidents of real printers, drawn by chance and counted by kind. What does not: what must hold
afterwards (the tests), and the line itself (`tests.integration.printing.relay`).
"""

from __future__ import annotations

import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from backroom.printing.connect import connect
from backroom.printing.errors import PrinterUnreachable
from backroom.printing.operations import Operation
from backroom.printing.virtual import VirtualPrinter
from tests.integration.printing.relay import ANSWER_S, Relay, operation_of
from tests.printers import wait_for

Ask = Callable[[bytes], bytes]

# What may befall the upload of a document.
UPLOADS = ("answer_lost", "forgotten", "cut", "late")


@dataclass(frozen=True, slots=True)
class Pace:
    """How long things last, in seconds, from and to: between two troubles, off, without paper, unplugged."""

    quiet: tuple[float, float]
    off: tuple[float, float]
    paper: tuple[float, float]
    unplugged: tuple[float, float]
    # Of so many uploads one has an accident.
    uploads: int


@dataclass
class Press:
    """One printer, its line, and what befell it. Troubles are drawn from a deck, so that every kind comes up."""

    printer: VirtualPrinter
    chance: random.Random
    pace: Pace
    has_line: bool
    befell: Counter[str] = field(default_factory=Counter)
    # What befalls its next upload, whatever the deck says.
    next_upload: str = ""

    def __post_init__(self) -> None:
        self.uri = self.printer.uri
        self._unplugged = False
        self._late: threading.Timer | None = None
        self._suffered: dict[str, Callable[[threading.Event], None]] = {
            "off": self._off,
            "off_without_paper": self._off_without_paper,
            "flapping": self._flapping,
            "paper": self._without_paper,
        }
        if self.has_line:
            self._suffered["unplugged"] = self._without_a_line
        # Whoever switches it off or on.
        self._switch = threading.Lock()
        self._uploads = self._deck(UPLOADS, self.pace.uploads * len(UPLOADS))
        self._troubles = self._deck(tuple(self._suffered), len(self._suffered))

    def _deck(self, kinds: Sequence[str], size: int) -> Iterator[str]:
        while True:
            deck = [*kinds, *[""] * (size - len(kinds))]
            self.chance.shuffle(deck)
            yield from deck

    def suffer(self, over: threading.Event) -> None:
        """One trouble after the other, until it is over; then all is well again."""
        while not over.wait(self.chance.uniform(*self.pace.quiet)):
            trouble = next(self._troubles)
            self.befell[trouble] += 1
            self._suffered[trouble](over)

    def _off(self, over: threading.Event) -> None:
        with self._switch:
            self.printer.stop()
            over.wait(self.chance.uniform(*self.pace.off))
            self.printer.start()

    def _off_without_paper(self, over: threading.Event) -> None:
        """Whatever it had begun to take waits for paper, and is forgotten."""
        self.printer.set_state("+media-empty")
        over.wait(self.chance.uniform(*self.pace.quiet))
        self._off(over)
        self.printer.set_state("-media-empty")

    def _flapping(self, over: threading.Event) -> None:
        for _ in range(self.chance.randint(2, 4)):
            with self._switch:
                self.printer.restart()
            over.wait(self.chance.uniform(0.0, 0.4))

    def _without_paper(self, over: threading.Event) -> None:
        self.printer.set_state("+media-empty")
        over.wait(self.chance.uniform(*self.pace.paper))
        self.printer.set_state("-media-empty")

    def _without_a_line(self, over: threading.Event) -> None:
        self._unplugged = True
        over.wait(self.chance.uniform(*self.pace.unplugged))
        self._unplugged = False

    def pass_on(self, request: bytes, ask: Ask) -> bytes | None:
        """Its line: what becomes of one request."""
        if self._unplugged:
            return None
        accident = self._next_accident() if operation_of(request) == Operation.SEND_DOCUMENT else ""
        if not accident:
            return ask(request)
        before = len(self.printer.jobs())
        if accident == "cut":
            self._cut(request)
        elif accident == "late":
            self._late = threading.Timer(self.chance.uniform(0.05, 1.5), _deliver, (request, ask))
            self._late.start()
        else:
            ask(request)
        self.befell[accident] += 1
        if accident == "forgotten":
            self._print_and_forget(before)
        return None

    def _next_accident(self) -> str:
        asked, self.next_upload = self.next_upload, ""
        return asked or next(self._uploads)

    def rest(self) -> None:
        """Wait until nothing is on its way to it, and nothing is left in it to be done."""
        if self._late is not None:
            self._late.join()
        asked = connect(self.printer.uri, name=self.printer.name)

        def idle() -> bool:
            try:
                status = asked.status()
            except PrinterUnreachable:
                return False  # it is just being switched on
            return status.state == "idle" and status.queued == 0

        # An empty job that nobody cancels is given up after a minute.
        wait_for(idle, deadline_s=90)

    def _cut(self, request: bytes) -> None:
        """The printer gets the beginning, and nothing more ever."""
        head = request.index(b"\r\n\r\n") + 4
        document = request.index(b"%PDF", head)
        # Mostly within the document, which is where it hurts.
        first = document if self.chance.random() < 0.8 else head
        address = urlsplit(self.printer.uri)
        with socket.create_connection((address.hostname or "", address.port or 631), ANSWER_S) as line:
            line.sendall(request[: self.chance.randint(first + 1, len(request) - 20)])
            line.shutdown(socket.SHUT_WR)

    def _print_and_forget(self, before: int) -> None:
        """It prints what it has got, and is switched off and on before anybody could ask."""
        ends = time.monotonic() + 2
        while len(self.printer.jobs()) == before and time.monotonic() < ends:
            time.sleep(0.01)
        with self._switch:
            self.printer.restart()


def _deliver(request: bytes, ask: Ask) -> None:
    try:
        ask(request)
    except OSError:
        return  # it is off by now


@contextmanager
def suffering(
    printers: Sequence[VirtualPrinter], chance: random.Random, pace: Pace, *, direct: int
) -> Iterator[tuple[list[Press], threading.Event]]:
    """These printers, the first `direct` of them without a line of their own, until the event is set."""
    over = threading.Event()
    with ExitStack() as stack:
        presses = []
        for number, printer in enumerate(printers):
            press = Press(printer, random.Random(chance.random()), pace, has_line=number >= direct)
            if press.has_line:
                press.uri = stack.enter_context(Relay(printer.uri, None, press.pass_on)).uri
            presses.append(press)
        threads = [threading.Thread(target=press.suffer, args=(over,), daemon=True) for press in presses]
        for thread in threads:
            thread.start()
        try:
            yield presses, over
        finally:
            over.set()
            for thread in threads:
                thread.join(60)
