"""A booth that goes on without the shop: the gateway as long as it answers, this machine's own memory when it does not.

What belongs here: when which of both is asked, and telling the shop afterwards. What does not: what is remembered
(`kept`), and the calls themselves (`booth`).

A job that is in our hands is given to nobody else, so it may be printed though the shop cannot be asked. Without the
shop nothing new is claimed, and only what was fetched ahead is printed, until it is dead.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

import requests

from backroom.domain.errors import BackroomError
from backroom.domain.locations import PrinterSpec
from backroom.domain.printing import PrintState
from backroom.durable import flush, write_durably
from backroom.printing.booth import Booth, GatewayAway, Job, JobTaken, KeyRefused, is_ours
from backroom.printing.journal import STARTED, Line
from backroom.printing.kept import MOST_AHEAD, Kept
from backroom.printing.sealed import new_once
from backroom.printing.vault import Try

log = logging.getLogger(__name__)

# A gateway that was away is asked again after this; meanwhile nobody waits for it.
AWAY_SECONDS = 3.0
# What was away is given less time to answer until it has.
SHORT_READ = 4.0
LINES_AT_ONCE = 200
PRINTERS = "printers.json"


class _Reach:
    """Whether the gateway answers, as all threads of a booth know it."""

    def __init__(self) -> None:
        self.away_until = 0.0
        self.was_away = False

    def lost(self) -> None:
        self.away_until, self.was_away = time.monotonic() + AWAY_SECONDS, True

    def found(self) -> None:
        self.was_away = False


class KeptBooth(Booth):
    """A booth with its memory, for whoever holds its bench. `alone`: the gateway is not asked at all.

    Raises GatewayAway only where nothing can be done without the shop.
    """

    def __init__(self, *, gateway: str, key: str, location: str, holder: str, kept: Kept, alone: bool = False) -> None:
        super().__init__(gateway=gateway, key=key, location=location, holder=holder, device=kept.device)
        self.kept = kept
        self._alone = alone
        self._reach = _Reach()
        self._ahead = 0
        self._fetching = threading.Lock()
        # What died here while the bench was held: it is fetched at its own turn, and not ahead a second time.
        self._died: set[Try] = set()
        self.fetcher: threading.Thread | None = None

    def __enter__(self) -> KeptBooth:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.over.set()
        if self.fetcher is not None:
            self.fetcher.join()
        self.kept.close()

    @property
    def answers(self) -> bool:
        """Whether the gateway answered when it was last asked."""
        return not self._alone and not self._reach.was_away

    def printers(self) -> list[PrinterSpec]:
        """The printers here, as the shop said when it was last reached."""
        path = self.kept.folder / PRINTERS
        try:
            told = self._call("GET", "/printers").json()
        except GatewayAway:
            try:
                told = json.loads(path.read_text(encoding="utf-8"))
            except (FileNotFoundError, ValueError):
                # A broken file is as good as none: the shop says it anew when it is reached.
                raise GatewayAway(f"what the gateway said of printers is not known at {self.location}") from None
        else:
            write_durably(path, json.dumps(told).encode())
            flush(path.parent)
        self._ahead = min(int(told.get("ahead", 0)), MOST_AHEAD)
        return [PrinterSpec(**(spec | {"prints": tuple(spec["prints"])})) for spec in told["printers"]]

    def claim(self, most: int) -> list[Job]:
        """Like `Booth.claim`, after telling what the shop has not heard; without it, what was fetched ahead."""
        self._clear()
        try:
            self.catch_up()
            jobs = super().claim(max(most, self._ahead))
        except GatewayAway:
            left = self.kept.jobs()
            if not left:
                raise
            return left
        self.kept.tidy({(job.id, job.attempt) for job in jobs})
        jobs = [self.kept.overlay(job) for job in jobs]
        self._fetch_ahead([job for job in jobs if not job.started])
        return jobs

    def holding(self) -> list[tuple[int, int]]:
        return self.kept.vault.tries()

    def document(self, job: Job) -> bytes:
        self._clear()
        with self._fetching:
            kept = self.kept.document(job)
        return kept if kept is not None else super().document(job)

    def start(self, job: Job, printer: str) -> None:
        told = True
        try:
            super().start(job, printer)
        except GatewayAway:
            told = False
        # Not while it is being fetched ahead: what is kept of a job that is over would be printed again.
        with self._fetching:
            self.kept.begun(job, printer, told=told)

    def progress(self, job: Job, state: PrintState, reason: str, printer_job: str) -> None:
        told = not self._behind(job)
        if told:
            try:
                super().progress(job, state, reason, printer_job)
            except GatewayAway:
                told = False
        if self._started(job):
            word = "blocked" if state is PrintState.STOPPED else "printing"
            self.kept.went_on(job, word, reason, printer_job, told=told)

    def outcome(self, job: Job, outcome: str, reason: str = "") -> None:
        if outcome == "failed":
            self._failed(job, reason)
        elif outcome == "returned":
            try:
                super().outcome(job, outcome, reason)
            except GatewayAway:
                return  # it stays in our hands
            self.kept.vault.destroy((job.id, job.attempt))
        else:
            behind = self._behind(job)
            line = self.kept.ends(job, outcome, reason)
            try:
                if not behind:
                    super().outcome(job, outcome, reason)
                    self.kept.heard([line.seq])
            except (GatewayAway, JobTaken):
                return  # told with the next claim, and settled by the shop's rule for what was taken back meanwhile
            finally:
                self.kept.not_heard(line.seq)

    def catch_up(self) -> int:
        """Tell the shop what it has not heard; returns how many lines it took. It may have heard some of them."""
        lines = self.kept.untold()
        for first in range(0, len(lines), LINES_AT_ONCE):
            batch = lines[first : first + LINES_AT_ONCE]
            self._call("POST", "/journal", self._told(batch))
            self.kept.heard([line.seq for line in batch])
        return len(lines)

    def printed_alone(self) -> list[dict[str, Any]]:
        """What the shop heard of prints that were made without it, and told nobody yet: order, printer, outcome."""
        found: list[dict[str, Any]] = self._call("POST", "/journal/shown", {"holder": self.holder}).json()["prints"]
        return found

    def is_back(self) -> bool:
        """Ask whether the gateway answers, whatever was known."""
        self._reach.away_until, self._reach.was_away = 0.0, True
        try:
            self._call("GET", "/printers")
        except GatewayAway:
            return False
        return True

    def _told(self, lines: Sequence[Line]) -> dict[str, Any]:
        entries = [
            {name: value for name, value in asdict(line).items() if name not in ("told", "boot", "up")}
            | {"age_s": max(self.kept.age_of(line).total_seconds(), 0.0)}
            for line in lines
        ]
        return {"holder": self.holder, "device": self.device.public, "lines": entries}

    def _failed(self, job: Job, reason: str) -> None:
        """Certainly not printed: the shop gives it a new try; without it, this machine does."""
        if not self._behind(job):
            try:
                super().outcome(job, "failed", reason)
            except GatewayAway:
                pass
            else:
                self.kept.heard([self.kept.ends(job, "failed", reason).seq])
                return
        if not self.kept.again(job, reason):
            self.kept.not_heard(self.kept.ends(job, "failed", reason).seq)

    def _behind(self, job: Job) -> bool:
        """Whether the shop has not heard all of this try: then what comes next waits for its turn."""
        if not any((line.job, line.attempt) == (job.id, job.attempt) for line in self.kept.untold()):
            return False
        try:
            self.catch_up()
        except GatewayAway:
            return True
        return False

    def _started(self, job: Job) -> bool:
        lines = self.kept.journal.lines()
        return any((one.job, one.attempt, one.what) == (job.id, job.attempt, STARTED) for one in lines)

    def _fetch_ahead(self, jobs: Iterable[Job]) -> None:
        tries = {(job.id, job.attempt): job for job in jobs}
        wanted = [job for which, job in tries.items() if which not in self._died and not self.kept.vault.has(which)]
        wanted = wanted[: self._room()]
        if wanted and (self.fetcher is None or not self.fetcher.is_alive()):
            self.fetcher = threading.Thread(target=self._fetch, args=(wanted,), daemon=True)
            self.fetcher.start()

    def _clear(self) -> None:
        """Destroy what is dead: one run may hold the bench for hours, and not come to all that it has."""
        self._died.update(self.kept.vault.clear(datetime.now(UTC)))

    def _room(self) -> int:
        return max(self._ahead - self.kept.remaining(), 0)

    def _fetch(self, jobs: Sequence[Job]) -> None:
        """Fetch ahead, one after the other, from the end: what stands in front is being printed by now."""
        with self.connected() as mine:
            for job in reversed(jobs):
                with self._fetching:
                    if self.over.is_set() or self._started(job) or self.kept.vault.has((job.id, job.attempt)):
                        continue
                    once = new_once()
                    try:
                        self.kept.vault.keep(mine.payload(job, once), once)
                    except BackroomError:
                        continue  # its own turn says what is wrong with it

    def _call(
        self, method: str, path: str, body: dict[str, Any] | None = None, params: dict[str, str] | None = None
    ) -> requests.Response:
        if self._alone or time.monotonic() < self._reach.away_until:
            raise GatewayAway(f"the gateway is away from {self.location}")
        self._read_seconds = SHORT_READ if self._reach.was_away else type(self)._read_seconds
        try:
            answer = _from_the_gateway(super()._call(method, path, body, params))
        except GatewayAway:
            self._reach.lost()
            raise
        except KeyRefused as error:
            if error.revoked:
                self.kept.forget()
            raise
        self._reach.found()
        return answer


class LoneBooth(KeptBooth):
    """A booth that prints without the shop, until that answers again: then it ends what it has begun."""

    def __init__(self, *, like: KeptBooth) -> None:
        super().__init__(gateway="", key="", location=like.location, holder=like.holder, kept=like.kept, alone=True)
        self._like = like
        self._back = threading.Event()
        threading.Thread(target=self._look_out, daemon=True).start()

    def claim(self, most: int) -> list[Job]:
        left = self.kept.jobs()
        return [job for job in left if job.started] if self._back.is_set() else left

    def _look_out(self) -> None:
        """Elsewhere than in the lanes: a line that is dead without a word takes seconds to say nothing."""
        while not self._like.over.wait(AWAY_SECONDS):
            try:
                if self._like.is_back():
                    self._back.set()
                    return
            except BackroomError as error:
                log.warning("%s", error)


def _from_the_gateway(answer: requests.Response) -> requests.Response:
    if not is_ours(answer):
        raise GatewayAway("something else answers in the gateway's place, such as the page of a market's network")
    return answer
